"""What "auto" stands for, and that it sees what tables of few features say."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_friedman1

from sksn import SNClassifier, SNRegressor
from sksn._training import _defaults as defaults
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
