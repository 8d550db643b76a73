"""Conversions between the containers in which a matrix with holes may come."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def to_csr(X: np.ndarray, kind: type = sparse.csr_array) -> sparse.csr_array:
    """CSR that stores exactly the entries of a NaN-marked array that are observed."""
    row, column = np.nonzero(~np.isnan(X))
    indptr = np.concatenate([[0], np.cumsum((~np.isnan(X)).sum(axis=1))])
    return kind((X[row, column], column, indptr), shape=X.shape)


def to_dense(X) -> np.ndarray:
    """A NaN-marked array of the entries that a sparse matrix stores."""
    X = X.tocoo()
    dense = np.full(X.shape, np.nan)
    dense[X.row, X.col] = X.data
    return dense
