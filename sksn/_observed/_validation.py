"""The check of an input matrix at the door, which leaves its missing entries as they are."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.utils.validation import check_array, validate_data

from .._blocks import blocks
from .._caller import levels_to_caller
from .._checks import is_torch
from ._entries import missing_mask, row_counts, select_entries
from ._kinds import is_frame
from ._markers import Markers
from ._raw_input import ENCODE, prepared, to_numpy
from ._sentinels import warn_of_sentinels

_SIMILAR = 1.5  # factor between shares of observed entries


def validate_observed(
    estimator: Any,
    X: Any,
    *,
    markers: Markers = (),
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
    markers : tuple of float, default=()
        Further values that mean missing; NaN always does.
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
    X = prepared(X, markers)
    narrow = _float32_columns(X)
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
        if str(error).startswith("setting an array element"):
            raise ValueError(
                "X has rows of different lengths, or cells that hold sequences; expected a number, "
                "or NaN, in each cell of a table."
            ) from error
        if str(error).startswith("float() argument"):
            raise TypeError(f"X holds entries that are no numbers ({error}). {ENCODE}") from error
        raise
    if sparse.issparse(X):
        if not X.has_canonical_format or len(X.data) != X.nnz:
            X = X.copy()
            X.sum_duplicates()
            X.prune()  # of capacity beyond the entries
        all_finite = _refuse_infinite(X.data, X, estimator)
        if drop and not (all_finite and not markers):
            X = _drop_stored_missing(X, markers)
    elif isinstance(X, np.ndarray):
        if len(narrow) and X.dtype == np.float64:
            for marker in markers:
                X = _with_exact_marker(X, narrow, marker)
        _refuse_infinite(X, X, estimator)
        if reset and estimator is not None:
            warn_of_sentinels(X, getattr(estimator, "feature_names_in_", None), markers=markers)
    return X


def warn_of_other_container(X: Any, was_sparse: bool, share: float, markers: Markers) -> None:
    """Warn if rows in another container than in ``fit`` seem to mean something else there.

    A dense array with NaN and a sparse matrix of its observed entries mean the same. Where zeros
    are observed in one and not stored in the other, more is observed in the dense one.

    Parameters
    ----------
    X : ndarray with NaN, or sparse matrix of the observed entries
        The rows.
    was_sparse : bool
        Whether the rows in ``fit`` were sparse.
    share : float
        Share of the entries in ``fit`` that were observed.
    markers : tuple of float
        The numbers that mean missing to the estimator.
    """
    if sparse.issparse(X) == was_sparse or 0 in markers or not X.shape[0]:
        return
    now = row_counts(X).sum() / (X.shape[0] * X.shape[1])
    in_dense, in_sparse = (now, share) if was_sparse else (share, now)
    if in_dense <= _SIMILAR * in_sparse and not in_dense == 1 > in_sparse:
        return
    kinds = ("dense", "sparse")
    warnings.warn(
        f"X is {kinds[not was_sparse]}, but the rows in fit were {kinds[was_sparse]}. Zeros of a "
        "dense array are observed, and entries that a sparse matrix does not store are missing, so "
        "the same rows mean different things. Pass the kind of fit, or use missing_values=0 in "
        "fit, which makes zeros missing in both.",
        UserWarning,
        stacklevel=levels_to_caller(),
    )


def _float32_columns(frame: Any) -> np.ndarray:
    """Return the positions of the float32 columns of a data frame; none for other inputs."""
    if not is_frame(frame):
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(["float32" in str(dtype).lower() for dtype in frame.dtypes])


def _with_exact_marker(X: np.ndarray, columns: np.ndarray, marker: float) -> np.ndarray:
    """Replace the number as float32 holds it, in columns that were float32, by the number."""
    with np.errstate(over="ignore"):
        rounded = float(np.float32(marker))
    found = X[:, columns] == rounded
    if rounded == marker or not found.any():
        return X
    X = X.copy()
    X[:, columns] = np.where(found, marker, X[:, columns])
    return X


def _drop_stored_missing(X: Any, markers: Markers) -> Any:
    """Return a CSR or CSC matrix that stores exactly the observed entries of `X`."""
    missing = missing_mask(X.data, markers)
    if not missing.any():
        return X
    result = select_entries(X, ~missing)
    result.has_canonical_format = True
    return result


def _refuse_infinite(values: np.ndarray, X: Any, estimator: Any) -> bool:
    """Raise a ValueError if a value is infinite. Return whether all are known to be finite."""
    if values.ndim == 1:  # a dot product is faster than a check of each value
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values @ values):
                return True
    if any(np.isinf(values[part]).any() for part in blocks(len(values), values[:1].size)):
        if sparse.issparse(X):
            column = int(X.tocoo().col[np.isinf(values)][0])
        else:
            column = int(np.isinf(X).any(axis=0).argmax())
        names = getattr(estimator, "feature_names_in_", None)
        where = f"column {column}" if names is None else f"column {names[column]!r}"
        raise ValueError(
            f"Input X contains infinity or a value too large for {values.dtype!r} in {where}; "
            "expected finite numbers, or NaN where an entry is missing."
        )
    return False


def _float_dtypes(X: Any) -> Any:
    if is_torch(X) and get_config().get("array_api_dispatch", False):
        torch = sys.modules["torch"]
        return [torch.get_default_dtype(), torch.float64, torch.float32]
    return [np.float64, np.float32]
