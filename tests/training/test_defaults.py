"""What "auto" stands for, and that it sees what tables of few features say."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_friedman1
from torch import nn

from sksn import SNClassifier, SNRegressor
from sksn._training import _defaults as defaults
from sksn._training._signal import explained_share
from sksn.nn._dropout import Dropout


def rows(n_rows, n_features):
    return np.broadcast_to(0.0, (n_rows, n_features))


def test_batches_grow_with_dense_rows():
    for n_rows, size in ((1, 128), (19_199, 128), (19_200, 256), (38_400, 512), (10**6, 1024)):
        assert defaults.batch_size("auto", rows(n_rows, 1)) == size
    assert defaults.batch_size("auto", sparse.csr_array((10**6, 1))) == 128
    assert defaults.batch_size(7, rows(10**6, 1)) == 7


@pytest.mark.parametrize(
    ("shape", "n_epochs"),
    [
        ((100, 50), 40),  # few rows for each feature
        ((200, 5), 100),  # 5 * 200 / 5 steps of 2 batches
        ((640, 5), 60),  # 300 steps of 5 batches
        ((5000, 5), 40),  # 40 batches
        ((1000, 600), 15),  # 120 steps of 8 batches
        ((100, 600), 20),
        ((10_000, 600), 5),
    ],
)
def test_small_tables_of_few_features_get_more_epochs(shape, n_epochs):
    assert defaults.n_epochs("auto", rows(*shape), 128, has_categories=False) == n_epochs
    assert defaults.n_epochs(7, rows(*shape), 128, has_categories=False) == 7


def test_tables_with_categories_get_300_steps():
    assert defaults.n_epochs("auto", rows(100, 50), 128, has_categories=True) == 300
    assert defaults.n_epochs("auto", rows(100, 600), 128, has_categories=True) == 300


def test_sparse_rows_of_few_features_get_800_steps():
    assert defaults.n_epochs("auto", sparse.csr_array((200, 9)), 128, has_categories=False) == 400
    assert defaults.n_epochs("auto", sparse.csr_array((200, 900)), 128, has_categories=False) == 40


def test_input_dropout_is_small_for_few_features():
    X = np.full((4, 20), np.nan)
    for n_known, expected in ((1, 0.0), (2, 0.025), (5, 0.1), (9, 0.2), (20, 0.2)):
        X[n_known % 4, :n_known] = 1.0  # others are missing in the training rows
        assert classes_input_dropout("auto", X) == pytest.approx(expected)
        stored = sparse.csr_array(np.nan_to_num(X))
        assert classes_input_dropout("auto", stored) == pytest.approx(expected)
    assert classes_input_dropout(0.3, X) == 0.3


def classes_input_dropout(given, X):
    return defaults.input_dropout(given, X, is_regression=False)


def test_regression_on_many_rows_for_each_feature_needs_less_dropout():
    def dropouts(X, is_regression=True, given="auto"):
        return tuple(
            rule(given, X, is_regression=is_regression)
            for rule in (defaults.dropout, defaults.input_dropout)
        )

    X = np.full((2000, 30), np.nan)
    X[:, :20] = 1.0  # the others are never observed
    assert dropouts(X) == (0.1, 0.05)
    assert dropouts(X[:1999]) == dropouts(X, is_regression=False) == (0.5, 0.2)
    assert dropouts(sparse.csr_array(np.nan_to_num(X))) == (0.5, 0.2)
    assert dropouts(X, given=0.3) == (0.3, 0.3)
    assert dropouts(X[:, :5]) == (0.1, pytest.approx(0.025))


def test_regression_on_many_rows_is_more_exact_for_it():
    X, y = make_friedman1(3000, noise=0.1, random_state=0)
    train, test = slice(2000), slice(2000, None)
    little = SNRegressor(random_state=0).fit(X[train], y[train])
    much = SNRegressor(dropout=0.5, input_dropout=0.2, random_state=0).fit(X[train], y[train])
    shares = [module.p for module in little.net_.module_.modules() if isinstance(module, Dropout)]
    assert shares
    assert set(shares) == {0.1}
    left = [1 - model.score(X[test], y[test]) for model in (little, much)]
    assert left[0] < left[1] / 2


def test_missing_entries_are_no_entries_to_learn_from():
    X = np.ones((200, 5))
    assert defaults.n_epochs("auto", X, 128, has_categories=False) == 100
    X[:100] = np.nan
    assert defaults.n_epochs("auto", X, 128, has_categories=False) == 50
    X = np.c_[np.ones((200, 5)), np.full((200, 9), np.nan)]
    assert defaults.n_epochs("auto", X, 128, has_categories=False) == 100


def test_the_network_gets_it():
    X, y = np.random.RandomState(0).normal(size=(30, 5)), np.arange(30) % 2
    for model in (SNClassifier(max_epochs=1), SNRegressor(max_epochs=1)):
        assert model.fit(X, y).net_.module_.input.input_dropout == pytest.approx(0.1)
        model.set_params(input_dropout=0.3).fit(X, y)
        assert model.net_.module_.input.input_dropout == 0.3


def test_a_tied_column_and_few_features_are_learnt():
    random = np.random.RandomState(1)
    x = np.where(random.uniform(size=1500) < 0.9, 0, np.exp(2 * random.normal(size=1500)))
    X, y = np.c_[x, random.normal(size=(1500, 2))], x > 1
    model = SNClassifier(random_state=0).fit(X[::2], y[::2])
    test = np.arange(1, 1500, 2)[x[1::2] > 0]
    assert model.score(X[test], y[test]) > 0.97
    X = random.normal(size=(400, 6))
    y = X[:, 0].copy()
    X[:200, 3:] = np.nan
    assert SNRegressor(random_state=0).fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.97


def test_bins_become_more_with_many_rows():
    for shape, expected in (
        ((2000, 20), 32),
        ((1999, 5), 8),  # too few for 32 bins of sixty
        ((2000, 21), 8),  # less than 100 for each feature
        ((100_000, 600), 0),
    ):
        X = np.broadcast_to(1.0, shape)
        assert defaults.n_bins("auto", X, incremental=False) == expected
        assert defaults.n_bins("auto", X, incremental=True) == 0
        assert defaults.n_bins(5, X, incremental=False) == 5
    assert defaults.n_bins("auto", sparse.csr_array((9000, 9)), incremental=False) == 0


@pytest.mark.parametrize("noise", [0.2, 1.0, 3.0])
def test_the_explained_share_is_that_of_the_signal(noise):
    """Sums of functions of single features explain all but the noise."""
    random = np.random.RandomState(0)
    X = random.normal(size=(5000, 4))
    town = random.randint(5, size=5000)
    signal = X[:, 0] ** 2 + np.abs(X[:, 1]) + town
    signal = (signal - signal.mean()) / signal.std()
    y = np.column_stack([signal + noise * random.normal(size=5000)])
    rows, n_categories = np.column_stack([X, town]), np.array([0, 0, 0, 0, 5])
    found = explained_share(rows, y, n_categories)
    assert found == pytest.approx(1 / (1 + noise**2), abs=0.04)
    units = np.array([1e6, 1e-6, 1, 1, 1])
    same = explained_share(rows * units, 1e9 * y - 5, n_categories)
    assert same == pytest.approx(found, abs=1e-6)
    assert explained_share(rows[:, 2:4], y) == pytest.approx(0, abs=0.01)


def test_the_explained_share_of_what_is_missing():
    random = np.random.RandomState(0)
    X = random.normal(size=(3000, 2))
    is_missing = random.uniform(size=3000) < 0.5
    X[is_missing, 0] = np.nan
    assert explained_share(X, is_missing[:, None] * 1.0) > 0.99
    y = X[:, [1]].copy()
    y[::2] = np.nan  # these rows are left out
    assert explained_share(X, y) > 0.9
    for nothing in (np.full((3000, 1), np.nan), np.zeros((3000, 1))):
        assert explained_share(X, nothing) == 0
    assert explained_share(np.full((3000, 2), np.nan), X[:, [1]]) == 0


def test_a_second_layer_is_there_where_there_is_little_noise():
    random = np.random.RandomState(0)
    X = random.normal(size=(2400, 4))
    signal = X.sum(axis=1)
    options = {"random_state": 0, "max_epochs": 1}

    def widths(estimator, X, y):
        layers = estimator.set_params(**options).fit(X, y).net_.module_.hidden
        return [layer.in_features for layer in layers if isinstance(layer, nn.Linear)]

    noise = 3 * random.normal(size=2400)
    assert widths(SNRegressor(), X, signal) == [128, 128]
    assert widths(SNRegressor(), X[:1999], signal[:1999]) == [128]
    assert widths(SNRegressor(), X, signal + noise) == [128]
    assert widths(SNClassifier(), X, signal > 0) == [128]
    assert widths(SNRegressor(hidden_layer_sizes=(7, 5)), X, signal) == [7, 5]
    assert widths(SNRegressor(hidden_layer_sizes=np.array([7, 5])), X, signal) == [7, 5]
    twins = np.column_stack([signal, signal])
    assert widths(SNRegressor(), X, twins) == [128, 128]
    model = SNRegressor(**options).partial_fit(X, signal)
    assert model.net_.module_.hidden[-1].in_features == 128


def test_what_auto_means_in_folds_is_what_it_means_for_all_rows():
    """A fold of 2400 rows has fewer than 2000."""
    random = np.random.RandomState(0)
    X = random.normal(size=(2400, 4))
    y = X.sum(axis=1)
    options = {"random_state": 0, "max_epochs": 2}
    same = {"hidden_layer_sizes": (128, 128), "n_bins": 32}
    model = SNRegressor(candidates=[same, {"n_bins": 8}], **options).fit(X, y)
    (_, own), (_, equal), (_, other) = model.candidate_losses_
    assert own == equal != other
