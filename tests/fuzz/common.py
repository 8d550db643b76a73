"""What the fuzzing shares: how many cases there are, and matrices in every container.

``make test`` runs a small, fixed set of cases. ``make fuzz`` runs 100,000 random ones; another
number is ``make fuzz CASES=5000``.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scipy import sparse

CASES = int(os.environ.get("SKSN_FUZZ", "0"))
_FEW = 25

DENSE = ["C", "F", "strided", "read-only", "list", "frame", "nullable", "arrow", "polars", "masked"]
SPARSE = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr", "unsorted", "duplicates", "stored"]
DTYPES = ["f8", "f4", "i1", "i4", "i8", "u2", "?"]
MAGNITUDES = [0.0, 1e-300, 1e-30, 1.0, 1e10, 1e150, 1e300]


def cases(share: float, few: int = _FEW) -> settings:
    """Return settings for a share of all cases, or for a few of them."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=max(few, int(CASES * share)),
        derandomize=not CASES,
        database=None,
        deadline=None,
        suppress_health_check=checks,
    )


class Matrix(NamedTuple):
    """A matrix with missing entries, and what it holds.

    Attributes
    ----------
    X : object
        The matrix in a container.
    values : ndarray of float64 of shape (n_rows, n_features)
        Its entries, NaN where missing.
    marker : float
        The value of `missing_values`.
    is_sparse : bool
        Whether X is a sparse matrix.
    """

    X: Any
    values: np.ndarray
    marker: float
    is_sparse: bool


@st.composite
def matrices(draw, max_rows: int = 9, max_features: int = 7, extreme: bool = False) -> Matrix:
    """A matrix in any container, of any type, with any marker of missing values."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, max_rows)), draw(st.integers(1, max_features))
    kind = draw(st.sampled_from(DENSE + SPARSE))
    dtype = np.dtype(draw(st.sampled_from(DTYPES if kind not in ("masked",) else DTYPES[:2])))
    is_float = dtype.kind == "f"
    values = _entries(rng, shape, dtype, draw(st.sampled_from(MAGNITUDES)) if extreme else 1.0)
    missing = rng.uniform(size=shape) < draw(st.sampled_from([0, 0.1, 0.5, 0.9, 1]))
    marker = draw(st.sampled_from([np.nan, np.nan, 0.0, -1.0 if dtype.kind in "fi" else 1.0, 7.0]))
    values = np.where(missing | (values == marker), np.nan, values)
    is_sparse = kind in SPARSE
    if is_sparse:
        X = _sparse(rng, kind, values, dtype, marker, draw(st.sampled_from(["array", "matrix"])))
        X, values = _what_it_stores(X, marker)
    else:
        fill = marker if not is_float and marker == marker else np.nan
        can_be_missing = is_float or marker == marker or kind in ("nullable", "arrow", "polars")
        if not can_be_missing:
            values = np.where(np.isnan(values), 1.0, values)
        if dtype.kind == "b" and marker not in (0.0, 1.0):
            values = np.where(np.isnan(values), 1.0, values)
        X = _dense(rng, kind, values, dtype, fill, marker)
    return Matrix(X, values, marker, is_sparse)


def _entries(
    rng: np.random.RandomState, shape: tuple[int, int], dtype: np.dtype, magnitude: float
) -> np.ndarray:
    if dtype.kind == "b":
        return rng.randint(0, 2, shape).astype(float)
    if dtype.kind != "f":
        low = 0 if dtype.kind == "u" else -9
        return rng.randint(low, 10, shape).astype(float)
    values = rng.choice([0.0, -0.0, 1.0, -1.0, 7.0, 0.5], shape)
    drawn = rng.normal(size=shape)
    values = np.where(rng.uniform(size=shape) < 0.5, values, drawn)
    if magnitude != 1.0:
        extreme = rng.uniform(size=shape) < rng.choice([0.1, 1.0])
        limit = np.finfo(dtype).max
        values = np.where(extreme, np.clip(values * (magnitude or 1.0), -limit, limit), values)
    return values.astype(dtype).astype(float)


def _dense(
    rng: np.random.RandomState,
    kind: str,
    values: np.ndarray,
    dtype: np.dtype,
    fill: float,
    marker: float,
) -> Any:
    missing = np.isnan(values)
    if kind in ("nullable", "arrow", "polars"):
        columns = {
            f"c{j}": [
                None if m else dtype.type(v).item() for v, m in zip(column, gone, strict=True)
            ]
            for j, (column, gone) in enumerate(zip(values.T, missing.T, strict=True))
        }
        if kind == "polars":
            return pl.DataFrame(columns, strict=False).cast(pl.Float64)
        names = {"f": "Float64", "i": "Int64", "u": "UInt16", "b": "boolean"}
        if kind == "arrow":
            names = {"f": "double[pyarrow]", "i": "int64[pyarrow]", "u": "uint16[pyarrow]"}
            names["b"] = "bool[pyarrow]"
        return pd.DataFrame(
            {name: pd.array(column, names[dtype.kind]) for name, column in columns.items()}
        )
    if kind == "masked":
        return np.ma.MaskedArray(np.where(missing, 5, values).astype(dtype), missing)
    filled = np.where(missing, fill, values)
    if fill != fill and marker == marker:  # both markers in one matrix
        filled = np.where(missing & (rng.uniform(size=values.shape) < 0.5), marker, filled)
    array = filled.astype(dtype)
    if kind == "F":
        return np.asfortranarray(array)
    if kind == "strided":
        return np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3]
    if kind == "read-only":
        array.flags.writeable = False
    if kind == "list":
        return array.tolist()
    if kind == "frame":
        return pd.DataFrame(array, columns=[f"c{j}" for j in range(array.shape[1])])
    return array


def _sparse(
    rng: np.random.RandomState,
    kind: str,
    values: np.ndarray,
    dtype: np.dtype,
    marker: float,
    family: str,
) -> Any:
    row, column = np.nonzero(~np.isnan(values))
    data = values[row, column].astype(dtype)
    if kind == "stored":  # missing entries that are stored all the same
        more = np.argwhere(np.isnan(values) & (rng.uniform(size=values.shape) < 0.5))
        fill = marker if dtype.kind != "f" or rng.randint(2) else np.nan
        if dtype.kind == "f" or (fill == fill and dtype.type(fill) == fill):
            row, column = np.r_[row, more[:, 0]], np.r_[column, more[:, 1]]
            data = np.r_[data, np.full(len(more), fill).astype(dtype)]
    order = rng.permutation(len(data)) if kind in ("unsorted", "coo") else np.arange(len(data))
    index = rng.choice(["i4", "i8"])
    row, column, data = row[order].astype(index), column[order].astype(index), data[order]
    if kind == "duplicates" and len(data):
        again = rng.randint(len(data), size=2)
        row, column = np.r_[row, row[again]], np.r_[column, column[again]]
        data = np.r_[data, data[again]]
    constructor = getattr(sparse, f"coo_{family}")
    X = constructor((data, (row, column)), shape=values.shape)
    if kind in ("unsorted", "duplicates"):
        return _raw_csr(X, family)
    return X if kind in ("coo", "stored") else X.asformat(kind)


def _raw_csr(X: Any, family: str) -> Any:
    """CSR in the order of the entries of COO, with its duplicates."""
    order = np.argsort(X.row, kind="stable")
    counts = np.bincount(X.row, minlength=X.shape[0])
    indptr = np.r_[0, np.cumsum(counts)].astype(X.col.dtype)
    constructor = getattr(sparse, f"csr_{family}")
    return constructor((X.data[order], X.col[order], indptr), shape=X.shape)


def _what_it_stores(X: Any, marker: float) -> tuple[Any, np.ndarray]:
    """Return a matrix, and the entries that it stores as NaN-marked array, one by one."""
    coo = X.tocoo()
    found: dict[tuple[int, int], Any] = {}
    for i, j, value in zip(coo.row.tolist(), coo.col.tolist(), coo.data.tolist(), strict=True):
        before = found.get((i, j))
        if before is None:
            found[i, j] = value
        else:
            found[i, j] = (before or value) if isinstance(value, bool) else before + value
    values = np.full(X.shape, np.nan)
    for (i, j), value in found.items():
        values[i, j] = np.nan if value == marker else float(value)
    return X, values


def unchanged(before: Any, after: Any) -> bool:
    """Whether a matrix is what it was, its parts and their order included."""
    if sparse.issparse(before):
        a, b = before.tocoo(), after.tocoo()
        parts = [(a.row, b.row), (a.col, b.col), (a.data, b.data)]
        return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in parts)
    if hasattr(before, "equals"):
        return bool(before.equals(after))
    if isinstance(before, list):
        return repr(before) == repr(after)
    return np.array_equal(np.ma.filled(before), np.ma.filled(after), equal_nan=True)


def as_marked(X: Any) -> np.ndarray:
    """Return a result as an array that is NaN where a sparse one stores nothing."""
    if not sparse.issparse(X):
        return np.asarray(X, dtype=float)
    X = X.tocoo()
    dense = np.full(X.shape, np.nan)
    dense[X.row, X.col] = X.data
    return dense
