"""What is held in memory and in files: during a call, and of a fitted estimator."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from sksn import SNAutoencoder, SNClassifier, SNRecommender, SparsityNormalizer
from sksn._training import _entry_net

from .helpers import poke, to_csr

PROGRAM = """
import threading, time
import numpy as np
from scipy import sparse
from sksn import SNAutoencoder, SNClassifier, SparsityNormalizer

rng = np.random.RandomState(0)
{data}

def used():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def watch():
    global peak
    while not ended.wait(0.002):
        peak = max(peak, used())

def call(rows):
    {call}

call(slice(500))
before = peak = used()
ended = threading.Event()
thread = threading.Thread(target=watch)
thread.start()
call(slice(None))
ended.set()
thread.join()
print(peak - before)
"""
TABLE = """
X = rng.normal(size=(100_000, 100))
X[rng.uniform(size=X.shape) > {observed}] = np.nan
"""
LABELS = """
n_rows, n_labels = 20_000, 2000
X = rng.normal(size=(n_rows, 10))
entries = np.ones(n_rows), rng.randint(n_labels, size=n_rows), np.arange(n_rows + 1)
y = sparse.csr_array(entries, shape=(n_rows, n_labels))
weights = np.linspace(0.5, 1, n_rows)
model = SNClassifier(8, max_epochs=1, random_state=0).fit(X[:500], y[:500])
"""
FIT = "SNAutoencoder(max_epochs=1, early_stopping={}).fit(X[rows])"
TRANSFORM = "SparsityNormalizer(add_indicator=True).fit_transform({})"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory in use is read from /proc")
@pytest.mark.parametrize(
    ("call", "observed", "most"),
    [
        (FIT.format(False), 0.7, 1.5),
        (FIT.format(False), 0.3, 1.5),
        (FIT.format(True), 0.7, 4.0),  # three of them are the parts that it splits X into
        (TRANSFORM.format("X[rows]"), 0.7, 2.6),  # two of them are the result
    ],
)
def test_peak_memory_is_a_small_multiple_of_the_data(call, observed, most):
    data = TABLE.format(observed=observed)
    assert peak_memory(data, call) < most * 8 * 100_000 * 100


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory in use is read from /proc")
@pytest.mark.parametrize(
    ("call", "most"),
    [
        ("model.fit(X[rows], y[rows])", 60e6),
        ("model.fit(X[rows], y.tolil()[rows], weights[rows])", 60e6),
        ("model.set_params(early_stopping=True).fit(X[rows], y[rows])", 60e6),
        ("model.partial_fit(X[rows], y[rows])", 60e6),
        ("model.predict(X[rows])", 400e6),  # 320 MB of them are the result
        ("model.predict_proba(X[rows])", 400e6),
    ],
)
def test_sparse_labels_are_made_dense_a_batch_at_a_time(call, most):
    assert peak_memory(LABELS, call) < most  # dense labels in float64 are 320 MB


def peak_memory(data: str, call: str) -> int:
    """Run a call in a process of its own, and return the bytes that it needs in addition."""
    program = PROGRAM.format(data=data, call=call)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


@pytest.mark.parametrize("container", [np.asarray, to_csr, lambda X: to_csr(X).tocsc()])
def test_indicators_are_those_of_a_concatenation(container):
    X = poke(np.random.RandomState(0).normal(size=(700, 300)), 0.6)
    X[:, 3] = 1.0
    rows = container(X)
    normalizer = SparsityNormalizer(add_indicator=True).fit(rows)
    found = normalizer.transform(rows)
    plain = normalizer.set_params(add_indicator=False).transform(rows)
    features = normalizer.indicator_features_
    if isinstance(found, np.ndarray):
        expected = np.hstack([plain, np.isnan(X[:, features])])
    else:
        assert found.has_canonical_format
        assert found.format == rows.format
        found, plain = found.toarray(), plain.toarray()
        expected = np.hstack([plain, ~np.isnan(X[:, features])])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("observed", [0.8, 0.2])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_batch_in_parts_gives_the_gradients_of_the_batch(observed, early_stopping, monkeypatch):
    X = poke(np.random.RandomState(0).normal(size=(90, 12)), 1 - observed)
    options = {"max_epochs": 5, "random_state": 0, "dtype": "float64", "input_dropout": 0.0}
    options |= {"hidden_layer_sizes": 6, "early_stopping": early_stopping}
    whole = SNAutoencoder(**options).fit(X)
    monkeypatch.setattr(_entry_net, "_NUMBERS", 200)
    parts = SNAutoencoder(**options).fit(X)
    np.testing.assert_allclose(parts.reconstruct(X), whole.reconstruct(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
    if early_stopping:
        np.testing.assert_allclose(parts.validation_scores_, whole.validation_scores_, rtol=1e-9)


@pytest.mark.parametrize("container", [np.asarray, to_csr])
def test_a_pickled_network_is_its_weights(container):
    X = poke(np.random.RandomState(0).normal(size=(300, 200)), 0.5)
    model = SNClassifier(512, max_epochs=2, n_bins=0).fit(container(X), np.arange(300) % 2)
    weights = sum(p.numel() * p.element_size() for p in model.net_.module_.parameters())
    assert len(pickle.dumps(model)) < 1.1 * weights
    assert len(pickle.dumps(model.partial_fit(container(X), np.arange(300) % 2))) > 2.5 * weights


def test_a_recommender_keeps_little_beside_its_vectors():
    rng = np.random.RandomState(0)
    n_users, n_items, width = 8000, 800, 300
    pairs = rng.choice(n_users * n_items, 60_000, replace=False)
    X, y = np.column_stack([pairs // n_items, pairs % n_items]), rng.randint(1, 6, 60_000)
    model = SNRecommender(
        objective="rating", hidden_layer_sizes=width, max_epochs=1, random_state=0
    ).fit(X, y)
    vectors = 4 * 2 * width * (len(model.users_) + len(model.items_))
    pickled = pickle.dumps(model)
    assert len(pickled) < 1.3 * vectors
    back = pickle.loads(pickled)
    np.testing.assert_array_equal(back.predict(X[:100]), model.predict(X[:100]))
    np.testing.assert_array_equal(
        back.fold_in(X[:9], y[:9]).predict(X[:100]), model.fold_in(X[:9], y[:9]).predict(X[:100])
    )
    assert all(isinstance(e, SNAutoencoder) and e.loss_curve_ for e in model.estimators_)
    with pytest.raises(ValueError, match="holds no network: the SNRecommender that trained it"):
        model.estimators_[0].transform(np.ones((1, len(model.users_))))
    assert model.estimators_[1].net_.module_.weight.dtype == torch.float32


def test_a_ranking_keeps_half_of_its_coefficients_more_to_go_on_learning():
    rng = np.random.RandomState(0)
    X = np.argwhere(rng.uniform(size=(300, 1500)) < 0.06)
    model = SNRecommender(objective="ranking", ranking_settings="default", random_state=0).fit(X)
    coefficients, vectors = 4 * 1500**2, 2 * 4 * 1500 * model.item_vectors_.shape[1]
    interactions = (4 + 4 + 4 + 1) * len(X)
    assert len(pickle.dumps(model)) < 1.52 * coefficients + vectors + 1.5 * interactions
    few = SNRecommender(objective="ranking", ranking_settings="default").fit(X[::20])
    assert len(pickle.dumps(few)) < 1.2 * 4 * len(few.items_) ** 2
