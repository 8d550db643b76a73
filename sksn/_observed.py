"""What counts as observed: the one place that inspects inputs for holes.

A dense entry is missing where it is NaN, a sparse entry where it is not stored or stored as
NaN; stored zeros are observed. `missing_values` names one further value that means missing.
"""

from __future__ import annotations

import numbers
import sys
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils.validation import check_array, validate_data

from ._blocks import blocks
from ._scale import is_flag, is_real

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
    """Check an input matrix once, at the door, without touching its holes.

    Parameters
    ----------
    estimator : estimator or None
        Receives ``n_features_in_`` and ``feature_names_in_`` where `reset` is true, and is
        compared with them where it is not. None: neither.
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The input.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does.
    reset : bool, default=True
        Whether this input defines the features (``fit``) or has to match them.
    copy : bool, default=False
        Whether the result may not share memory with `X`.
    writeable : bool, default=False
        Whether the caller will write into the result; read-only input is then copied.
    tensors : bool, default=False
        Whether torch tensors stay tensors under ``array_api_dispatch``.
    drop : bool, default=False
        Whether a sparse result is to store exactly the observed entries.

    Returns
    -------
    ndarray, torch.Tensor, CSR or CSC
        float32 or float64. Sparse formats other than CSC become CSR; sparse matrices have
        their duplicates summed.

    Raises
    ------
    ValueError
        If `X` holds an infinity or text, is not two-dimensional or empty, does not match the
        fitted features, or is a DIA or BSR matrix that does not tell stored zeros from padding.
    """
    missing_values = check_missing_values(missing_values)
    _refuse_unencoded(X)
    X = _as_nan(X)
    if is_torch(X) and not tensors:
        X = X.detach().cpu().numpy()
    if sparse.issparse(X):
        _refuse_ambiguous(X, missing_values)
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
    return X


def check_missing_values(missing_values: Any) -> float:
    """Return `missing_values` as a float, or say why it cannot be one."""
    if missing_values is None or type(missing_values).__name__ == "NAType":
        return np.nan
    if isinstance(missing_values, numbers.Real) and abs(float(missing_values)) != np.inf:
        return float(missing_values)
    raise ValueError(
        f"missing_values must be NaN or a finite number, got {missing_values!r}. "
        "Values of other kinds have to be replaced by NaN first."
    )


def check_flags(estimator: Any, *names: str) -> None:
    """Raise a ValueError that names the first of these parameters that is not True or False."""
    for name in names:
        check_flag(name, getattr(estimator, name))


def check_flag(name: str, value: Any) -> None:
    """Raise a ValueError if a parameter is not True or False."""
    if not is_flag(value):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def check_count(name: str, value: Any) -> None:
    """Raise a ValueError if a parameter is no positive integer."""
    if not is_real(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}.")


def missing_mask(values: Any, missing_values: float = np.nan) -> Any:
    """Where an array of values (dense, or the stored ones) is missing; a bool array."""
    missing = values != values
    return missing if np.isnan(missing_values) else missing | (values == missing_values)


def _drop_stored_missing(X: Any, missing_values: float) -> Any:
    """A CSR or CSC matrix whose stored entries are exactly the observed ones of `X`."""
    missing = missing_mask(X.data, missing_values)
    if not missing.any():
        return X
    kept = np.concatenate([[0], np.cumsum(~missing)])[X.indptr].astype(X.indptr.dtype)
    result = type(X)((X.data[~missing], X.indices[~missing], kept), shape=X.shape)
    result.has_canonical_format = True
    return result


def count_observed(X: Any) -> np.ndarray:
    """Observed entries in each row of a NaN-marked array, or stored ones of CSR or CSC."""
    if not sparse.issparse(X):
        return (~np.isnan(X)).sum(axis=1)
    if X.format == "csr":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[0])


def _count(indices: np.ndarray, n: int) -> np.ndarray:
    """How often each of the integers below `n` occurs, without a copy of all indices."""
    counts = np.zeros(n, dtype=np.intp)
    for part in blocks(len(indices), most_entries=max(n, 1 << 20)):
        counts += np.bincount(indices[part], minlength=n)
    return counts


def count_observed_features(X: Any) -> np.ndarray:
    """Observed entries in each column of a NaN-marked array, or stored ones of CSR or CSC."""
    if not sparse.issparse(X):
        return (~np.isnan(X)).sum(axis=0)
    if X.format == "csc":
        return np.diff(X.indptr)
    return _count(X.indices, X.shape[1])


def check_weights(
    sample_weight: Any, n_samples: int, *, allow_all_zero: bool = False
) -> np.ndarray | None:
    """Return `sample_weight` as float64 of shape (n_samples,), or say what is wrong with it.

    None stays None; one number weighs every row.
    """
    if sample_weight is None:
        return None
    if is_torch(sample_weight):
        sample_weight = sample_weight.detach().cpu()
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must hold numbers, got {sample_weight!r}.") from error
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.ndim != 1:
        raise ValueError(
            f"sample_weight must be one-dimensional (Sample weights must be 1D array or scalar), "
            f"got an array of shape {weights.shape}."
        )
    if len(weights) != n_samples:
        raise ValueError(
            f"sample_weight has {len(weights)} entries (sample_weight.shape == {weights.shape}), "
            f"but X has {n_samples} rows; expected ({n_samples},)."
        )
    if not np.isfinite(weights).all():
        raise ValueError("sample_weight holds NaN or infinity; expected finite numbers.")
    if (weights < 0).any():
        raise ValueError(
            f"sample_weight must not be negative, got {weights.min()} at row {weights.argmin()}."
        )
    if not weights.any() and not allow_all_zero:
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    return weights


def _refuse_infinite(values: np.ndarray) -> bool:
    """Raise a ValueError if a value is infinite; true if all are known to be finite."""
    if values.ndim == 1:  # a dot product is quicker than a look at each
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values @ values):
                return True
    if any(np.isinf(values[part]).any() for part in blocks(len(values), values[:1].size)):
        raise ValueError(
            f"Input X contains infinity or a value too large for {values.dtype!r}; expected finite "
            "numbers, or NaN where an entry is missing."
        )
    return False


def is_torch(X: Any) -> bool:
    """Whether `X` is a torch tensor, asked without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)


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


def _as_nan(X: Any) -> Any:
    """Masked entries, and None and pandas.NA among Python objects, as NaN."""
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.result_type(X.dtype, np.float32)), np.nan)
    if hasattr(X, "iloc") and hasattr(X, "dtypes") and any(str(d) == "object" for d in X.dtypes):
        return X.where(X.notna(), np.nan)
    if isinstance(X, np.ndarray) and X.dtype == object:
        missing = [type(entry).__name__ in ("NAType", "NoneType") for entry in X.flat]
        return np.where(np.reshape(missing, X.shape), np.nan, X)
    return X


def _holds_text(frame: Any, i: int, dtype: Any) -> bool:
    """Whether a pandas column of Python objects has a string among them."""
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


def _float_dtypes(X: Any) -> Any:
    if is_torch(X) and get_config().get("array_api_dispatch", False):
        torch = sys.modules["torch"]
        return [torch.get_default_dtype(), torch.float64, torch.float32]
    return [np.float64, np.float32]
