"""Warnings about numbers that probably mark missing values."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sksn import ObservedScaler, SNAutoencoder, SNClassifier, SNRegressor, SparsityNormalizer

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
MARKED = np.where(X > 1, -999, X)
FITS = [
    lambda X: SNClassifier(max_epochs=1).fit(X, np.arange(60) % 2),
    lambda X: SNRegressor(max_epochs=1).fit(X, np.arange(60)),
    lambda X: SNAutoencoder(max_epochs=1).fit(X),
    lambda X: SparsityNormalizer().fit(X),
    lambda X: ObservedScaler().fit(X),
]


@pytest.mark.parametrize("fit", FITS)
def test_the_warning_names_the_columns_and_points_to_the_caller(fit):
    frame = pd.DataFrame({"age": MARKED[:, 0], "height": X[:, 1], "weight": MARKED[:, 2]})
    with pytest.warns(
        UserWarning, match=r"holds -999, .* column 'age', 'weight'\. If .*=-999"
    ) as w:
        fit(frame)
    assert w[0].filename == __file__
    assert len(w) == 1
    with pytest.warns(UserWarning, match=r"column 0, 1, 2, 3\."):
        fit(MARKED)


@pytest.mark.parametrize(
    "column",
    [
        X[:, 0],
        np.where(X[:, 0] > 1, np.nan, X[:, 0]),
        X[:, 0] * 1000,
        np.linspace(-999, 999, 60),  # an end of the range
        np.r_[X[:59, 0], -999],  # once
        np.full(60, -999.0),  # nothing else
        np.arange(940, 1000),
    ],
)
def test_ordinary_columns(column):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SparsityNormalizer().fit(np.c_[column, X])


def test_a_marker_that_is_named_is_no_surprise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SparsityNormalizer(missing_values=-999).fit(MARKED)
        SparsityNormalizer().partial_fit(X).partial_fit(MARKED)


@pytest.mark.parametrize("value", [-99, -9999, 999, 9999])
def test_other_markers(value):
    with pytest.warns(UserWarning, match=f"holds {value}, .* column 1"):
        SparsityNormalizer().fit(np.c_[X[:, 0], np.where(X[:, 1] > 1, value, X[:, 1])])


def test_a_negative_number_among_others_that_are_not():
    income = np.where(X[:, 0] > 1, -999, abs(X[:, 1]) * 1e5)
    with pytest.warns(UserWarning, match="holds -999"):
        SparsityNormalizer().fit(income[:, None])
