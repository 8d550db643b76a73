"""The check of an input matrix at the door, which leaves its missing entries as they are."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils.validation import check_array, validate_data

from .._blocks import blocks
from .._checks import check_missing_values, is_torch
from ._entries import missing_mask, select_entries
from ._raw_input import ENCODE, prepared, to_numpy
from ._sentinels import warn_of_sentinels


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
    X = prepared(X, missing_values)
    if is_torch(X):
        X = X.detach() if tensors and get_config().get("array_api_dispatch", False) else to_numpy(X)
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
    except OverflowError as error:
        raise ValueError(f"X holds an integer that float64 cannot hold ({error}).") from error
    except (TypeError, ValueError) as error:
        if "could not convert" in str(error):
            raise ValueError(f"X holds text ({error}). {ENCODE}") from error
        if str(error).startswith("float() argument"):
            raise TypeError(f"X holds entries that are no numbers ({error}). {ENCODE}") from error
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


def _drop_stored_missing(X: Any, missing_values: float) -> Any:
    """Return a CSR or CSC matrix that stores exactly the observed entries of `X`."""
    missing = missing_mask(X.data, missing_values)
    if not missing.any():
        return X
    result = select_entries(X, ~missing)
    result.has_canonical_format = True
    return result


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


def _float_dtypes(X: Any) -> Any:
    if is_torch(X) and get_config().get("array_api_dispatch", False):
        torch = sys.modules["torch"]
        return [torch.get_default_dtype(), torch.float64, torch.float32]
    return [np.float64, np.float32]
