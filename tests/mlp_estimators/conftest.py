"""Fixtures: data sets and estimators."""

import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from tests.helpers import poke


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return poke(X, 0.4), y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return poke(X, 0.3), y


@pytest.fixture(scope="module")
def digits():
    """Counts of 0 to 16 in a sparse matrix; zeros are not stored."""
    X, y = load_digits(return_X_y=True)
    return sparse.csr_array(X), y
