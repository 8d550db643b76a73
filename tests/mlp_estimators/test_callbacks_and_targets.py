"""Callbacks of skorch, rows without weight, rare classes and partly missing y."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import get_scorer, r2_score
from sklearn.model_selection import cross_val_score
from skorch.callbacks import BatchScoring, Checkpoint, EpochScoring

from sksn import ObservedScaler, SNClassifier, SNRecommender, SNRegressor
from sksn._targets import LOSSES
from sksn._training._held_out import hold_out_rows
from sksn._training._quantile_bins import quantile_bins

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(int)
FAST = {"random_state": 0, "max_epochs": 3, "hidden_layer_sizes": 8}


SCORES = [
    (EpochScoring, "accuracy"),
    (BatchScoring, "accuracy"),
    (EpochScoring, "roc_auc"),
    (EpochScoring, "average_precision"),
    (EpochScoring, "roc_auc_ovr"),
]


def held_out(model, y):
    """The rows that a model was validated on."""
    classes = y if isinstance(model, SNClassifier) else None
    return hold_out_rows(len(y), 0.1, model._learner.split_seed, classes)[1]


@pytest.mark.parametrize(("kind", "scoring"), SCORES)
def test_scoring_callbacks_of_classes(kind, scoring):
    """In the best epoch, they see what the model predicts."""
    score = kind(scoring, name="found")
    model = SNClassifier(early_stopping=True, callbacks=[score], **FAST).fit(X, Y)
    rows = held_out(model, Y)
    expected = get_scorer(scoring)(model, X[rows], Y[rows])
    assert model.net_.history[model.best_epoch_ - 1]["found"] == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "scoring"), SCORES)
def test_scoring_callbacks_on_training_rows(kind, scoring):
    """They see the outputs of training, with dropout."""
    score = kind(scoring, on_train=True, name="found")
    options = FAST | {"max_epochs": 60, "dropout": 0.1, "lr": 0.02}
    model = SNClassifier(callbacks=[score], **options).fit(X, Y)
    assert model.net_.history[0]["found"] < 0.85 < model.net_.history[-1]["found"] <= 1


@pytest.mark.parametrize("loss", LOSSES)
def test_scoring_callbacks_of_numbers(loss):
    """R squared does not depend on the unit of y, in which the network is trained."""
    y = np.exp(X[:, 0])
    score = EpochScoring("r2", name="found", lower_is_better=False)
    quantile = 0.5 if loss == "quantile" else None
    options = {**FAST, "max_epochs": 40, "early_stopping": True, "callbacks": [score]}
    model = SNRegressor(loss=loss, quantile=quantile, **options).fit(X, y)
    rows = held_out(model, y)
    expected = r2_score(y[rows], model.predict(X[rows]))
    assert model.net_.history[model.best_epoch_ - 1]["found"] == pytest.approx(expected, abs=1e-5)


def test_regressors_are_scored_by_the_known_entries_of_y():
    y = np.column_stack([X[:, 0], X[:, 1] * 100])
    y[:50, 0] = np.nan
    model = SNRegressor(**FAST).fit(X, y)
    weights = RANDOM.uniform(size=len(y))
    predicted = model.predict(X)
    expected = [
        r2_score(y[50:, 0], predicted[50:, 0], sample_weight=weights[50:]),
        r2_score(y[:, 1], predicted[:, 1], sample_weight=weights),
    ]
    assert model.score(X, y, weights) == pytest.approx(np.mean(expected))
    assert np.isfinite(cross_val_score(SNRegressor(**FAST), X, y)).all()


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
