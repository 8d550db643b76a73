"""What the tests share: random matrices with missing values, and conversions of containers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
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


@st.composite
def holey(draw, max_rows: int = 12, max_features: int = 8, dtype=np.float64) -> np.ndarray:
    """A dense matrix with NaN, with zeros, empty rows and never observed features among it.

    Numbers such as -999, which get a warning where they are frequent, are not drawn.
    """
    shape = draw(st.tuples(st.integers(1, max_rows), st.integers(1, max_features)))
    entry = st.one_of(
        st.just(np.nan),
        st.just(0.0),
        st.floats(-1e3, 1e3, width=32, allow_subnormal=False).filter(
            lambda x: x not in (-99, -999, 999)
        ),
    )
    X = draw(hnp.arrays(dtype, shape, elements=entry))
    for row in draw(st.sets(st.integers(0, shape[0] - 1), max_size=2)):
        X[row] = np.nan
    return X


def poke(X: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    """Hide a share of the cells at random."""
    X = np.array(X, dtype=np.float64)
    X[np.random.RandomState(seed).uniform(size=X.shape) < rate] = np.nan
    return X
