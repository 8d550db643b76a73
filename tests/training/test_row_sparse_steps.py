"""Training on sparse rows: the row-sparse path, its rule, and what must not depend on it."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from skorch.callbacks import BatchScoring, Callback, GradientNormClipping, LRScheduler

from sksn import SNClassifier, SNRegressor
from sksn._training import _prediction
from sksn._training import _rows as rows_module
from sksn._training._rows import touch_few_columns

OPTIONS = {"hidden_layer_sizes": (8,), "max_epochs": 4, "random_state": 0}


def counts(n_rows=300, n_features=2000, density=0.01, seed=0) -> sparse.csr_array:
    X = sparse.random_array((n_rows, n_features), density=density, format="csr", random_state=seed)
    X.data = np.ceil(5 * X.data)
    return X


@pytest.fixture(scope="module")
def text():
    """Sparse counts in which one group of features decides."""
    X = counts()
    y = np.asarray(X[:, :1000].sum(axis=1) > X[:, 1000:].sum(axis=1)).ravel().astype(int)
    return X, y


@pytest.fixture(params=["row-sparse", "dense"])
def path(request, monkeypatch):
    """Forces one side of the rule."""
    ratio = 0.0 if request.param == "row-sparse" else np.inf
    monkeypatch.setattr(rows_module, "DENSE_STEPS_FOR_A_SPARSE_ONE", ratio)
    return request.param


def is_row_sparse(model) -> bool:
    return model.net_.module_.input.sparse_grad


def test_the_rule_counts_the_columns_of_a_batch():
    X = sparse.csr_array(np.repeat(np.eye(3, 22), 10, axis=0))  # 3 of 22 columns occur
    assert touch_few_columns(X, batch_size=30)
    assert not touch_few_columns(X[:, :21], batch_size=30)
    assert touch_few_columns(X[:, :21], batch_size=1)
    chunk = X[:3]  # one column, but a batch may well hold ten times as many
    assert touch_few_columns(chunk, batch_size=30)
    assert not touch_few_columns(chunk, batch_size=30, is_chunk=True)


def test_the_rule_decides_for_sparse_rows_only(text):
    X, y = text
    assert not is_row_sparse(SNClassifier(batch_size=128, **OPTIONS).fit(X, y))
    assert is_row_sparse(SNClassifier(batch_size=8, **OPTIONS).fit(X, y))
    dense = np.where(X.toarray() == 0, np.nan, X.toarray())
    assert not is_row_sparse(SNClassifier(batch_size=8, n_bins=0, **OPTIONS).fit(dense, y))


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, 60)])
def test_where_every_feature_occurs_in_every_batch_both_paths_are_one(
    monkeypatch, add_indicator, weights
):
    X = sparse.csr_array(np.random.RandomState(0).poisson(3, size=(60, 5)) + 1.0)
    y = np.arange(60) % 3
    outputs = []
    for ratio in (0.0, np.inf):
        monkeypatch.setattr(rows_module, "DENSE_STEPS_FOR_A_SPARSE_ONE", ratio)
        model = SNClassifier(
            batch_size=19, dtype="float64", input_dropout=0, add_indicator=add_indicator, **OPTIONS
        ).fit(X, y, weights)
        assert is_row_sparse(model) is (ratio == 0)
        outputs.append(model.predict_proba(X))
    assert_allclose(*outputs, rtol=1e-7)


class Watch(Callback):
    """Keeps the learning rates, and whether gradients were sparse."""

    def on_train_begin(self, net, **kwargs):
        self.rates, self.layouts, self.epochs, self.owed = [], set(), [], []
        self.norm = 0.0

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[0]["lr"])
            gradients = [parameter.grad for parameter in net.module_.parameters()]
            if not any(gradient.is_sparse for gradient in gradients):
                self.norm = max(self.norm, *(float(gradient.norm()) for gradient in gradients))
            gradient = net.module_.input.weight.grad
            self.layouts.add(gradient.is_sparse)
            assert not gradient.is_sparse or gradient.is_coalesced()

    def on_epoch_end(self, net, **kwargs):
        weight = net.module_.input.weight
        self.epochs.append(weight.detach().clone())
        self.owed.append(net.optimizer_.state[weight].get("log_decay", 0.0))


def test_features_that_never_occur_decay_as_with_dense_steps(path):
    X = counts(n_features=50)
    wide = sparse.csr_array((X.data, X.indices, X.indptr), shape=(X.shape[0], 60))
    watch = Watch()
    weights = [
        SNRegressor(alpha=alpha, callbacks=[watch], **OPTIONS)
        .fit(wide, X.sum(axis=1))
        .net_.module_.input.weight.detach()[50:]
        for alpha in (0.0, 100.0)
    ]
    assert watch.layouts == {path == "row-sparse"}
    left = np.prod(1 - 100 * np.array(watch.rates))
    assert 0 < left < 0.9
    assert_allclose(weights[1], weights[0] * left, rtol=1e-4)
    assert torch.equal(watch.epochs[-1][50:], weights[1])  # settled for whoever looks


@pytest.mark.parametrize("estimator", [SNClassifier, SNRegressor])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_network(text, path, estimator, early_stopping, threads):
    X, y = text
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        states = [
            estimator(batch_size=16, early_stopping=early_stopping, **OPTIONS)
            .fit(X, y)
            .net_.module_.state_dict()
            for _ in range(2)
        ]
    finally:
        torch.set_num_threads(before)
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_early_stopping_goes_back_to_settled_weights(text, path):
    X, y = text
    watch = Watch()
    model = SNClassifier(
        batch_size=16, early_stopping=True, alpha=30.0, callbacks=[watch], **OPTIONS
    ).fit(X, y)
    best = watch.epochs[model.best_epoch_ - 1]
    assert torch.equal(model.net_.module_.input.weight.detach(), best)
    assert watch.owed == [0.0] * model.n_epochs_


def test_a_callback_that_only_looks_changes_nothing(text, path):
    X, y = text
    weights = [
        SNClassifier(batch_size=16, alpha=30.0, callbacks=callbacks, **OPTIONS)
        .fit(X, y)
        .net_.module_.input.weight.detach()
        for callbacks in (None, [Watch()])
    ]
    assert torch.equal(*weights)


def test_a_callback_may_predict_between_batches(text):
    X, y = text

    class Predict(Callback):
        modes: ClassVar = []

        def on_batch_end(self, net, training=False, **kwargs):
            self.modes.append(net.module_.training)
            net.module_.eval()

    SNClassifier(batch_size=100, callbacks=[Predict()], **OPTIONS).fit(X, y)
    assert Predict.modes == [True] * 3 * OPTIONS["max_epochs"]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.integers(1, 40))
def test_prediction_is_bounded_in_rows_and_entries(lengths, widest):
    starts = np.concatenate([[0], np.cumsum(lengths)])
    X = sparse.csr_array(
        (np.ones(starts[-1]), np.zeros(starts[-1]), starts), shape=(len(lengths), 1)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_prediction, "_ENTRIES", 40)
        parts = [X[part] for part in _prediction.row_blocks(X, widest)]
    assert_array_equal(np.concatenate([np.diff(part.indptr) for part in parts]), lengths)
    for part in parts:
        assert part.shape[0] == 1 or (part.nnz <= 40 and part.shape[0] * widest <= 40)


def test_callbacks_that_look_at_gradients_get_dense_ones(text, path):
    X, y = text
    watch = Watch()
    clip = GradientNormClipping(gradient_clip_value=0.01)
    for callbacks in ([clip, watch], [("clip", clip), ("watch", watch)]):
        SNClassifier(callbacks=callbacks, batch_size=16, **OPTIONS).fit(X, y)
        assert watch.layouts == {False}
        assert 0 < watch.norm <= 0.0101


def test_callbacks_that_record_every_batch(text):
    X, y = text
    steps = LRScheduler("StepLR", step_size=2, step_every="batch")
    scoring = BatchScoring("neg_log_loss", name="score")
    watch = Watch()
    watch.on_batch_begin = lambda net, **kwargs: begun.append(kwargs["training"])
    begun: list[bool] = []
    options = {"batch_size": 90, "early_stopping": True, "lr": 0.1} | OPTIONS
    model = SNClassifier(callbacks=[watch, steps, scoring], **options).fit(X, y)
    assert watch.rates[:4] == pytest.approx([0.1, 0.1, 0.01, 0.01])
    assert len(model.net_.history[-1, "batches"]) == 4  # three to train on, one to validate
    assert all(np.isfinite(model.net_.history[:, "score"]))
    assert begun == [True, True, True, False] * OPTIONS["max_epochs"]


def test_a_failing_callback_leaves_no_decay_unpaid(text, path):
    class Fail(Callback):
        failing = False

        def on_batch_end(self, net, training=False, **kwargs):
            if self.failing:
                raise RuntimeError("no more")

    X, y = text
    fail = Fail()
    model = SNClassifier(
        batch_size=16, alpha=30.0, warm_start=True, callbacks=[fail], **OPTIONS
    ).fit(X, y)
    model.net_.callbacks_[-1][1].failing = True
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X, y)
    weight = model.net_.module_.input.weight
    assert model.net_.optimizer_.state[weight].get("log_decay", 0.0) == 0


def test_dense_rows_for_a_network_of_sparse_ones_are_few_at_a_time(monkeypatch):
    monkeypatch.setattr(_prediction, "_ENTRIES", 1000)
    parts = _prediction.row_blocks(np.zeros((300, 50)), 64)
    assert max(part.stop - part.start for part in parts) * 64 <= 1000
    shapes = []
    original = _prediction.to_container
    X = counts(n_features=100)
    model = SNRegressor(**OPTIONS).fit(X, np.arange(300.0))

    def watched(X, as_sparse):
        shapes.append(X.shape)
        return original(X, as_sparse)

    monkeypatch.setattr(_prediction, "to_container", watched)
    dense = np.where(X.toarray() == 0, np.nan, X.toarray())
    predicted = model.predict(dense)
    assert all(rows * columns <= 1000 for rows, columns in shapes)
    assert_allclose(predicted, model.predict(X), rtol=1e-5)


def test_long_and_short_indices_train_alike(text, path):
    X, y = text
    long = X.copy()
    long.indices, long.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    short, long = (SNClassifier(**OPTIONS).fit(container, y) for container in (X, long))
    assert_array_equal(short.predict_proba(X), long.predict_proba(X))


def test_training_goes_on_in_chunks_and_from_a_warm_start(text, path):
    X, y = text
    model = SNClassifier(batch_size=16, lr=0.01, random_state=0, hidden_layer_sizes=(8,))
    for _ in range(10):
        model.partial_fit(X[:150], y[:150], classes=[0, 1]).partial_fit(X[150:], y[150:])
    assert model.score(X, y) > 0.9
    warm = SNClassifier(batch_size=16, warm_start=True, **OPTIONS)
    losses = [warm.fit(X, y).loss_curve_[-1] for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]


def test_rows_with_nothing_observed_and_one_row_in_a_batch(text, path):
    X, y = text
    X = sparse.vstack([X[:20], sparse.csr_array((3, X.shape[1]))], format="csr")
    y = np.append(y[:20], [0, 1, 0])
    model = SNClassifier(batch_size=1, **OPTIONS).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert_allclose(model.predict_proba(X)[-1], model.predict_proba(X)[-2])
