"""What counts as observed: the one place that looks for missing entries.

A dense entry is missing if it is NaN. A sparse entry is missing if it is not stored, or stored as
NaN; stored zeros are observed. `missing_values` names one further value that means missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils.validation import check_array, validate_data

from ._blocks import blocks, blocks_of_rows
from ._checks import check_missing_values, is_no_value, is_torch
from ._moments import Entries
from ._sentinels import warn_of_sentinels

_EXACT_INTEGERS = 2.0**53  # beyond, float64 does not hold all integers
_BLOCK = 1 << 20  # entries in a block of observed entries

_UNENCODED = (
    *("str", "large_string", "categ", "dict", "enum", "date", "time", "dur", "period", "interval"),
    *("list", "array", "struct", "binary", "complex", "sparse"),
)


def validate_observed(
    estimator: Any,
    X: Any,
    *,
    missing_values: Any = np.nan,
    reset: bool = True,
    copy: bool = False,
    writeable: bool = False,
    tensors: bool = False,
    drop: bool = False,
) -> Any:
    """Check an input matrix once, and leave its missing entries as they are.

    Parameters
    ----------
    estimator : estimator or None
        With `reset`, it receives ``n_features_in_`` and ``feature_names_in_``. Without, its
        attributes of these names are compared with `X`. None: neither.
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The input.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does.
    reset : bool, default=True
        Whether this input defines the features, as in ``fit``, or has to match them.
    copy : bool, default=False
        Whether the result must not share memory with `X`.
    writeable : bool, default=False
        Whether the caller will write into the result. Read-only input is then copied.
    tensors : bool, default=False
        Whether torch tensors stay tensors under ``array_api_dispatch``.
    drop : bool, default=False
        Whether a sparse result must store exactly the observed entries.

    Returns
    -------
    ndarray, torch.Tensor, CSR or CSC
        float32 or float64. Sparse formats other than CSC become CSR. Duplicate entries of a
        sparse matrix are summed.

    Raises
    ------
    ValueError
        If `X` holds an infinity or text, is not two-dimensional or empty, does not match the
        fitted features, or is a DIA or BSR matrix that stores zeros, which may be padding.
    """
    missing_values = check_missing_values(missing_values)
    if isinstance(X, (list, tuple)):
        X = _as_array(X)
    _refuse_unencoded(X)
    X = _as_nan(X)
    if is_torch(X) and not tensors:
        X = X.detach().cpu().numpy()
    _refuse_inexact(X, missing_values)
    if sparse.issparse(X):
        _refuse_ambiguous(X, missing_values)
        X = _summable(X)
    options = {
        "accept_sparse": ("csr", "csc"),
        "dtype": _float_dtypes(X),
        "copy": copy,
        "ensure_all_finite": "allow-nan" if is_torch(X) else False,  # checked below, in blocks
        "force_writeable": writeable,
    }
    try:
        if estimator is None:
            X = check_array(X, input_name="X", **options)
        else:
            X = validate_data(estimator, X, reset=reset, **options)
    except (TypeError, ValueError) as error:
        if "could not convert" in str(error):
            raise ValueError(f"X holds text ({error}). {_ENCODE}") from error
        if str(error).startswith("float() argument"):
            raise TypeError(f"X holds entries that are no numbers ({error}). {_ENCODE}") from error
        raise
    if sparse.issparse(X):
        if not X.has_canonical_format or len(X.data) != X.nnz:
            X = X.copy()
            X.sum_duplicates()
            X.prune()  # of capacity beyond the entries
        all_finite = _refuse_infinite(X.data)
        if drop and not (all_finite and np.isnan(missing_values)):
            X = _drop_stored_missing(X, missing_values)
    elif isinstance(X, np.ndarray):
        _refuse_infinite(X)
        if reset and estimator is not None:
            warn_of_sentinels(
                X, getattr(estimator, "feature_names_in_", None), missing_values=missing_values
            )
    return X


def missing_mask(values: Any, missing_values: float = np.nan) -> Any:
    """Return a bool array that is true where an array of values is missing."""
    missing = values != values
    if np.isnan(missing_values) or not _may_hold(values.dtype, missing_values):
        return missing
    return missing | (values == missing_values)


def _may_hold(dtype: Any, number: float) -> bool:
    """Whether entries of a type can equal a number; float32 holds fractions as it rounds them."""
    if not str(dtype).endswith("float32") or not number.is_integer():
        return True
    with np.errstate(over="ignore"):
        return float(np.float32(number)) == number


def _drop_stored_missing(X: Any, missing_values: float) -> Any:
    """Return a CSR or CSC matrix that stores exactly the observed entries of `X`."""
    missing = missing_mask(X.data, missing_values)
    if not missing.any():
        return X
    result = select_entries(X, ~missing)
    result.has_canonical_format = True
    return result


def row_counts(X: Any) -> np.ndarray:
    """Count the observed entries of each row of an array with NaN, or the stored ones."""
    if not sparse.issparse(X):
        counts = [np.count_nonzero(~np.isnan(X[rows]), axis=1) for rows in blocks(*X.shape)]
        return np.concatenate(counts) if counts else np.zeros(0, dtype=np.intp)
    if X.format == "csr":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[0])


def column_counts(X: Any) -> np.ndarray:
    """Count the observed entries of each column of an array with NaN, or the stored ones."""
    if not sparse.issparse(X):
        counts = [np.count_nonzero(~np.isnan(X[rows]), axis=0) for rows in blocks(*X.shape)]
        return np.sum(counts, axis=0) if counts else np.zeros(X.shape[1], dtype=np.intp)
    if X.format == "csc":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[1])


def _count(indices: np.ndarray, n: int) -> np.ndarray:
    """Count how often each integer below `n` occurs, without a copy of all indices."""
    counts = np.zeros(n, dtype=np.intp)
    for part in blocks(len(indices), most_entries=max(n, 1 << 20)):
        counts += np.bincount(indices[part], minlength=n)
    return counts


def observed_blocks(
    X: Any, weights: np.ndarray | None = None, missing_values: float = np.nan
) -> Iterator[Entries]:
    """Yield the observed entries of an array with NaN, or of CSR or CSC, in blocks.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        The rows.
    weights : ndarray of shape (n_samples,), optional
        Weight of each row.
    missing_values : float
        A further value that means missing.

    Yields
    ------
    Entries
        The next block, in float64.
    """
    if sparse.issparse(X):
        X = X.tocsr()
        entry_weights = None if weights is None else np.repeat(weights, np.diff(X.indptr))
        for part in blocks(X.nnz, most_entries=max(_BLOCK, X.shape[1])):
            seen = ~missing_mask(X.data[part], missing_values)
            w = None if entry_weights is None else entry_weights[part][seen]
            yield Entries(X.data[part][seen].astype(np.float64), X.indices[part][seen], w)
        return
    for rows in blocks(X.shape[0], X.shape[1], most_entries=_BLOCK):
        part = X[rows]
        row, columns = np.nonzero(~missing_mask(part, missing_values))
        w = None if weights is None else weights[rows.start + row]
        yield Entries(part[row, columns].astype(np.float64), columns, w)


def row_of_entry(X: Any) -> np.ndarray:
    """Return the row of each stored entry of a CSR matrix."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))


def with_entries(X: Any, entries: np.ndarray) -> Any:
    """Return a CSR matrix with other entries; it shares its index arrays with `X`."""
    return type(X)((entries, X.indices, X.indptr), shape=X.shape)


def select_entries(X: Any, chosen: np.ndarray) -> Any:
    """Return a CSR or CSC matrix that stores only the chosen entries of `X`."""
    indptr = np.concatenate([[0], np.cumsum(chosen)])[X.indptr].astype(X.indptr.dtype)
    return type(X)((X.data[chosen], X.indices[chosen], indptr), shape=X.shape)


def to_container(X: Any, as_sparse: bool) -> Any:
    """Return rows as CSR of observed entries, or as a dense array with NaN."""
    if sparse.issparse(X) == as_sparse:
        return X
    if as_sparse:
        return _as_csr(X)
    dense = np.full(X.shape, np.nan, dtype=X.dtype)
    for rows in blocks_of_rows(X.indptr):
        part = X[rows]
        dense[rows][row_of_entry(part), part.indices] = part.data
    return dense


def _as_csr(X: np.ndarray) -> Any:
    """Return an array with NaN as CSR of the observed entries."""
    indptr = np.concatenate([[0], np.cumsum(row_counts(X))])
    kind = np.int32 if max(indptr[-1], X.shape[1]) <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(indptr[-1], X.dtype), np.empty(indptr[-1], kind)
    for rows in blocks(len(X), X.shape[1]):
        observed = ~np.isnan(X[rows])
        entries = slice(indptr[rows.start], indptr[rows.stop])
        data[entries], indices[entries] = X[rows][observed], np.nonzero(observed)[1]
    return sparse.csr_array((data, indices, indptr.astype(kind)), shape=X.shape)


def _refuse_infinite(values: np.ndarray) -> bool:
    """Raise a ValueError if a value is infinite. Return whether all are known to be finite."""
    if values.ndim == 1:  # a dot product is faster than a check of each value
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values @ values):
                return True
    if any(np.isinf(values[part]).any() for part in blocks(len(values), values[:1].size)):
        raise ValueError(
            f"Input X contains infinity or a value too large for {values.dtype!r}; expected finite "
            "numbers, or NaN where an entry is missing."
        )
    return False


_ENCODE = (
    "Encode text and categorical columns as numbers first, for example with "
    "sklearn.preprocessing.OneHotEncoder or TargetEncoder in a ColumnTransformer; turn dates into "
    "numbers, and a frame of pandas Sparse columns into frame.sparse.to_coo() or to_dense()."
)


def _refuse_unencoded(X: Any) -> None:
    """Refuse text, categories and dates, naming the columns where there are names."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        unencoded = [
            f"{str(name)!r} ({dtype})"
            for i, (name, dtype) in enumerate(zip(X.columns, list(X.dtypes), strict=True))
            if str(dtype).lower().startswith(_UNENCODED) or _holds_text(X, i, dtype)
        ]
        if unencoded:
            listed = ", ".join(unencoded)
            raise ValueError(f"X has columns that are not numeric: {listed}. {_ENCODE}")
    elif isinstance(X, np.ndarray) and X.dtype.kind in "USmM":
        raise ValueError(f"X must be numeric, got an array of dtype {X.dtype}. {_ENCODE}")


def _as_array(rows: Any) -> Any:
    """Return nested sequences that hold integers or objects as an array, if they can be one."""
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        return rows
    return array if array.dtype.kind in "iuO" else rows


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


def _refuse_ambiguous(X: Any, missing_values: float) -> None:
    """Refuse a DIA or BSR matrix that stores zeros, which may be data or padding."""
    if X.format not in ("dia", "bsr") or missing_values == 0:
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


def _refuse_inexact(X: Any, missing_values: float) -> None:
    """Refuse to look for a marker among integers that float64 cannot tell from it."""
    if abs(missing_values) < _EXACT_INTEGERS or np.isnan(missing_values):
        return
    dtypes = [X.dtype] if hasattr(X, "dtype") else list(getattr(X, "dtypes", ()))
    if any(str(dtype).lower().startswith(("int64", "uint64")) for dtype in dtypes):
        raise ValueError(
            f"missing_values={missing_values:.0f} cannot be told from its neighbours once the "
            "64-bit integers of X are float64; put NaN where an entry is missing."
        )


def _float_dtypes(X: Any) -> Any:
    if is_torch(X) and get_config().get("array_api_dispatch", False):
        torch = sys.modules["torch"]
        return [torch.get_default_dtype(), torch.float64, torch.float32]
    return [np.float64, np.float32]
