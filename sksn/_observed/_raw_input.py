"""Input as users pass it: what is refused at the door, and what is made plain before it is checked.

Text, categories and dates are refused. None, pandas.NA and masked entries become NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._checks import is_no_value, is_torch
from ._kinds import as_frame, is_frame
from ._markers import Markers

_EXACT_INTEGERS = 2.0**53  # beyond, float64 does not hold all integers
_UNENCODED = (
    *("str", "large_string", "categ", "dict", "enum", "date", "time", "dur", "period", "interval"),
    *("list", "array", "struct", "binary", "complex", "sparse"),
)
ENCODE = (
    "Encode text and categorical columns as numbers first, for example with "
    "sklearn.preprocessing.OneHotEncoder(sparse_output=False) or TargetEncoder in a "
    "ColumnTransformer, whose dense result keeps zeros and missing entries apart; turn dates into "
    "numbers, a frame of pandas Sparse columns into frame.sparse.to_coo() or to_dense(), and one "
    "with other columns beside them into frame.astype(float). "
    "SNClassifier and SNRegressor take text, categories and dates of data frames as they are."
)


def prepared(X: Any, markers: Markers) -> Any:
    """Return an input whose entries are numbers or NaN, or raise an error that says what to do.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The input.
    markers : tuple of float
        Further values that mean missing.

    Returns
    -------
    array-like, data frame or sparse matrix
        `X`, or a copy.
    """
    X = as_frame(X)
    _refuse_containers(X)
    if isinstance(X, (list, tuple)):
        X = _as_array(X)
    _refuse_unencoded(X)
    X = _as_nan(X)
    _refuse_inexact(X, markers)
    if not sparse.issparse(X):
        return X
    _refuse_ambiguous(X, markers)
    return _summable(X)


def to_numpy(X: Any) -> np.ndarray:
    """Return a torch tensor as an array, whether or not NumPy has its type."""
    X = X.detach().cpu()
    return (X.double() if str(X.dtype) == "torch.bfloat16" else X).numpy()


def _refuse_containers(X: Any) -> None:
    """Refuse an AnnData object, a matrix that lies on a disk, and sparse tensors."""
    kind = type(X).__name__
    if kind == "AnnData" or all(hasattr(X, name) for name in ("X", "obs", "var", "obs_names")):
        read = ".to_memory()" if getattr(X, "isbacked", False) else ""
        raise TypeError(
            f"X must be an array, a data frame or a sparse matrix, got an {kind} object; pass the "
            f"matrix that it holds: adata{read}.X, or one of adata{read}.layers."
        )
    if hasattr(X, "to_memory"):
        raise TypeError(
            f"X must be in memory, got a matrix on a disk ({kind}); pass X.to_memory()."
        )
    if is_torch(X) and str(X.layout) != "torch.strided":
        raise TypeError(
            f"X must be a dense tensor or a sparse matrix of SciPy, got a tensor of layout "
            f"{X.layout}; pass scipy.sparse.csr_array((values, columns, row_starts))."
        )


def _refuse_unencoded(X: Any) -> None:
    """Refuse text, categories and dates, naming the columns where there are names."""
    if is_frame(X):
        unencoded = [
            f"{str(name)!r} ({dtype})"
            for i, (name, dtype) in enumerate(zip(X.columns, list(X.dtypes), strict=True))
            if str(dtype).lower().startswith(_UNENCODED) or _holds_text(X, i, dtype)
        ]
        if unencoded:
            listed = ", ".join(unencoded)
            raise ValueError(f"X has columns that are not numeric: {listed}. {ENCODE}")
    elif isinstance(X, np.ndarray) and X.dtype.kind in "USmM":
        raise ValueError(f"X must be numeric, got an array of dtype {X.dtype}. {ENCODE}")


def _as_array(rows: Any) -> Any:
    """Return nested sequences of numbers or objects as an array, if they can be one."""
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        return rows
    return array if array.dtype.kind in "iufO" else rows


def _as_nan(X: Any) -> Any:
    """Turn masked entries, and None and pandas.NA among objects and decimals, into NaN."""
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        kinds = [str(dtype) for dtype in X.dtypes]
        if any(kind.startswith(("decimal", "object")) for kind in kinds):
            return X.astype(object).where(X.notna(), np.nan)
    if isinstance(X, np.ndarray) and X.dtype == object:
        missing = [is_no_value(entry) for entry in X.flat]
        return np.where(np.reshape(missing, X.shape), np.nan, X)
    return X


def _holds_text(frame: Any, i: int, dtype: Any) -> bool:
    """Whether a pandas column of Python objects holds a string."""
    return str(dtype) == "object" and any(isinstance(value, str) for value in frame.iloc[:, i])


def _refuse_ambiguous(X: Any, markers: Markers) -> None:
    """Refuse a DIA or BSR matrix that stores zeros, which may be data or padding."""
    if X.format not in ("dia", "bsr") or 0 in markers:
        return
    stored = X.data
    if X.format == "dia":
        column = np.arange(X.data.shape[1])
        row = column - np.asarray(X.offsets)[:, None]
        inside = (row >= 0) & (row < X.shape[0]) & (column < X.shape[1])
        stored = X.data[inside]
    if np.any(stored == 0):
        raise ValueError(
            f"X is a sparse {X.format.upper()} matrix that stores zeros: it cannot be told which "
            "of them are observed and which only fill a diagonal or a block. Convert it to CSR "
            "(and call eliminate_zeros() there if zeros are not observations), or pass "
            "missing_values=0."
        )


def _summable(X: Any) -> Any:
    """Return a sparse matrix whose duplicates have a sum: that of their own type for bools."""
    if X.dtype.kind in "iu":  # small integers would wrap around
        return X.astype(np.float64)
    if X.dtype.kind == "b":
        X = X.copy() if X.format in ("csr", "csc") else X.tocsr()
        X.sum_duplicates()
    return X


def _refuse_inexact(X: Any, markers: Markers) -> None:
    """Refuse to look for a marker among integers that float64 cannot tell from it."""
    inexact = [marker for marker in markers if abs(marker) >= _EXACT_INTEGERS]
    if not inexact:
        return
    dtypes = [X.dtype] if hasattr(X, "dtype") else list(getattr(X, "dtypes", ()))
    if any(str(dtype).lower().startswith(("int64", "uint64")) for dtype in dtypes):
        raise ValueError(
            f"missing_values={inexact[0]:.0f} cannot be told from its neighbours once the "
            "64-bit integers of X are float64; put NaN where an entry is missing."
        )
