"""Callbacks of skorch, rows without weight, rare classes and partly missing y."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import get_scorer
from skorch.callbacks import BatchScoring, Checkpoint, EpochScoring

from sksn import ObservedScaler, SNClassifier, SNRecommender, SNRegressor
from sksn._training._held_out import hold_out_rows
from sksn._training._quantile_bins import quantile_bins

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(int)
FAST = {"random_state": 0, "max_epochs": 3, "hidden_layer_sizes": 8}


@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring])
@pytest.mark.parametrize("on_train", [False, True])
def test_scoring_callbacks_see_labels(kind, on_train):
    score = kind("accuracy", on_train=on_train, name="found")
    model = SNClassifier(early_stopping=True, callbacks=[score], **FAST).fit(X, Y)
    assert all(0 <= epoch["found"] <= 1 for epoch in model.net_.history)


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "roc_auc_ovr"])
@pytest.mark.parametrize("on_train", [False, True])
def test_scores_of_probabilities(scoring, on_train):
    score = EpochScoring(scoring, on_train=on_train, name="found")
    model = SNClassifier(early_stopping=True, callbacks=[score], **FAST).fit(X, Y)
    assert all(0 <= epoch["found"] <= 1 for epoch in model.net_.history)


def test_a_checkpoint_can_pickle_the_net_in_training(tmp_path):
    path = tmp_path / "net.pkl"
    files = dict.fromkeys(("f_params", "f_optimizer", "f_criterion", "f_history"))
    checkpoint = Checkpoint(f_pickle=str(path), **files)
    SNClassifier(early_stopping=True, callbacks=[checkpoint], **FAST).fit(X, Y)
    net = pickle.loads(path.read_bytes())
    assert net.train_split is None
    assert not any("Schedule" in type(callback).__name__ for _, callback in net.callbacks_)


def test_callbacks_that_watch_a_validation_are_left_out_of_the_refit():
    pairs = np.argwhere(np.ones((12, 10)))
    ratings = RANDOM.randint(1, 6, len(pairs))
    score = Checkpoint(
        monitor="valid_loss_best", f_params=None, f_optimizer=None, f_history=None, f_criterion=None
    )
    model = SNRecommender(early_stopping=True, max_epochs=3, random_state=0, callbacks=[score])
    assert np.isfinite(model.fit(pairs, ratings).predict(pairs)).all()


def test_a_class_without_weight_stays():
    y = Y.copy()
    y[:5] = 7
    weights = np.where(y == 7, 0.0, 1.0)
    model = SNClassifier(**FAST).fit(X, y, weights)
    assert_array_equal(model.classes_, [0, 1, 7])
    assert model.predict_proba(X)[:, 2].max() < 0.2


@pytest.mark.parametrize("seed", range(10))
def test_the_only_row_of_a_class_does_not_end_stratification(seed):
    y = np.repeat([0, 1, 2, 3], [180, 18, 1, 1])
    kept, out = hold_out_rows(len(y), 0.1, seed, y)
    assert_array_equal(np.sort(np.r_[kept, out]), np.arange(len(y)))
    assert_array_equal(np.bincount(y[out], minlength=4), [18, 2, 0, 0])


@pytest.mark.parametrize("as_labels", [False, True])
def test_partly_missing_y_learns_from_what_is_known(as_labels):
    random = np.random.RandomState(0)
    rows = random.normal(size=(600, 4))
    whole = (rows[:, :2] > 0) * 1.0 if as_labels else rows[:, :2] * [1, 100]
    y = whole.copy()
    y[:200, 0], y[200:400, 1] = np.nan, np.nan
    kind = SNClassifier if as_labels else SNRegressor
    model = kind(random_state=0).fit(rows[:500], y[:500])
    predicted = model.predict(rows[500:])
    error = (predicted - whole[500:]) / whole[500:].std(axis=0)
    assert (np.abs(error).mean(axis=0) < 0.4).all()
    y[3] = np.nan
    with pytest.raises(ValueError, match="y is missing in all of row 3"):
        kind(**FAST).fit(rows, y)


def test_one_missing_y_is_named():
    y = X[:, 0].copy()
    y[4] = np.nan
    with pytest.raises(ValueError, match=r"y is missing \(nan\) in row 4"):
        SNRegressor(**FAST).fit(X, y)


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision"])
def test_two_labels_can_be_scored(scoring):
    labels = np.column_stack([Y, 1 - Y])
    model = SNClassifier(**FAST).fit(X, labels)
    assert 0 <= get_scorer(scoring)(model, X, labels) <= 1


def test_markers_of_float32_columns_beside_float64():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.float32([9999.9, 1, 3]), "b": [0.0, 1.0, 9999.9]})
    assert_array_equal(ObservedScaler(missing_values=9999.9).fit(frame).n_observed_, [2, 2])


def test_an_infinity_is_found():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.inf]})
    with pytest.raises(ValueError, match="in column 'b'"):
        ObservedScaler().fit(frame)


def test_tied_values_are_edges_and_the_rest_has_quantiles():
    x = np.r_[np.zeros(90), np.arange(1.0, 11)][:, None]
    lower, width = quantile_bins(x, 4, None)
    assert_allclose(lower[0], [0, 1, 4, 7])
    assert_allclose((lower + width)[0], [1, 4, 7, 10])


def test_a_tied_value_inside_stands_between_its_neighbours():
    x = np.r_[np.full(60, 5.0), np.arange(10) + 0.1, np.arange(6, 16) + 0.1][:, None]
    lower, width = quantile_bins(x, 8, None)
    edges = np.r_[lower[0], (lower + width)[0, -1]]
    assert {4.1, 5.0, 5.1} <= set(np.round(edges, 6))


def test_few_values_are_all_edges():
    x = np.repeat([1.0, 2.0, 5.0, 9.0], [50, 1, 1, 1])[:, None]
    lower, width = quantile_bins(x, 8, None)
    assert_allclose(lower[0, :3], [1, 2, 5])
    assert_allclose(width[0, :3], [1, 3, 4])
