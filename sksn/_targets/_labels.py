"""Several labels that apply or not, in an array or a sparse matrix: their values and sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import assert_all_finite

from .._blocks import blocks
from .._observed import column_counts, row_counts, select_entries, with_entries
from ._missing import refuse_empty

_LABELS = 64  # labels whose weights are multiplied at a time
NO_LABELS = (
    "y has several columns that are not all 0 and 1; SNClassifier takes one column of labels, or "
    "an indicator matrix (multilabel)."
)
_PARTLY_NO_LABELS = (
    "y has several columns with missing entries and values other than 0 and 1; SNClassifier takes "
    "one column of labels, or an indicator matrix (multilabel)."
)


def can_stay_sparse(y: Any) -> bool:
    """Whether y is a sparse matrix of several columns, of a type that can hold 0 and 1."""
    if not sparse.issparse(y) or y.ndim != 2 or y.dtype.kind not in "biuf":
        return False
    return y.shape[0] > 0 and y.shape[1] > 1


def partial_labels(y: np.ndarray) -> np.ndarray:
    """Return labels 0, 1 and NaN as floats, or raise an error."""
    y = y.astype(np.float64)
    missing = np.isnan(y)
    if not np.isin(y[~missing], (0, 1)).all():
        raise ValueError(_PARTLY_NO_LABELS)
    refuse_empty(missing.all(axis=1), missing.all(axis=0))
    return y


def sparse_labels(y: Any) -> sparse.csr_array:
    """Return a sparse matrix of 0, 1 and NaN as float32 CSR, which stores no zeros."""
    y = sparse.csr_array(y)
    if not y.has_canonical_format:
        y = y.copy()  # it may share memory with the user's
        y.sum_duplicates()
    missing = np.isnan(y.data)
    values = np.unique(y.data[~missing]).astype(np.float64)
    if not np.isin(values, (0, 1)).all():
        has_zeros = y.nnz < y.shape[0] * y.shape[1]
        _refuse(np.union1d(values, [0.0]) if has_zeros else values, partly=missing.any())
    if missing.any():
        unknown = select_entries(y, missing)
        n_rows, n_labels = y.shape
        refuse_empty(row_counts(unknown) == n_labels, column_counts(unknown) == n_rows)
    y = select_entries(y, y.data != 0)
    return with_entries(y, y.data.astype(np.float32))


def _refuse(values: np.ndarray, *, partly: bool) -> None:
    """Raise the error of an array of these values, some of which are neither 0 nor 1."""
    if partly:
        raise ValueError(_PARTLY_NO_LABELS)
    assert_all_finite(values, input_name="y")
    if len(values) > 2 or (values != np.rint(values)).any():
        raise ValueError(NO_LABELS)
    refuse_other_labels(values)


def refuse_other_labels(values: np.ndarray) -> None:
    """Refuse values of labels other than 0 and 1."""
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"Multilabel y must hold 0 and 1 only, got {values!r}.")


def label_shares(y: Any, weights: np.ndarray | None) -> np.ndarray:
    """Compute the share of the rows to which each label applies, of those that know it.

    Parameters
    ----------
    y : ndarray or CSR matrix of shape (n_rows, n_labels)
        0, 1, and NaN where it is not known whether a label applies.
    weights : ndarray of shape (n_rows,) or None
        Weight of each row.

    Returns
    -------
    ndarray of shape (n_labels,)
        The same bits for an array and a sparse matrix.
    """
    applies, known = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for rows in blocks(*y.shape):
        labels = _dense(y[rows])
        is_known = labels == labels
        weight = 1.0 if weights is None else weights[rows, None]
        known += (weight * is_known).sum(axis=0)
        applies += (weight * np.where(is_known, labels, 0.0)).sum(axis=0)
    return applies / np.maximum(known, np.finfo(np.float64).tiny)


def label_weights(y: Any, class_weight: Any) -> np.ndarray:
    """Return the weight of each row, by :func:`sklearn.utils.class_weight.compute_sample_weight`.

    Parameters
    ----------
    y : ndarray or CSR matrix of shape (n_rows, n_labels)
        0, 1 and NaN, which counts as 0.
    class_weight : list of dict or "balanced"
        Weights of 0 and 1, for each label.

    Returns
    -------
    ndarray of shape (n_rows,)
        The product of the weights of the row's labels.
    """
    n_labels = y.shape[1]
    is_list = isinstance(class_weight, list) and len(class_weight) == n_labels
    is_usable = is_list or isinstance(class_weight, str)  # else scikit-learn refuses it
    weights = np.ones(y.shape[0])
    by_column = y.tocsc() if sparse.issparse(y) else y
    for labels in np.array_split(np.arange(n_labels), max(1, n_labels // _LABELS * is_usable)):
        own = class_weight[labels[0] : labels[-1] + 1] if is_list else class_weight
        weights *= compute_sample_weight(own, np.nan_to_num(_dense(by_column[:, labels])))
    return weights


def _dense(y: Any) -> np.ndarray:
    """Return labels as an array of float64 in rows."""
    y = y.toarray() if sparse.issparse(y) else y
    return np.ascontiguousarray(y, dtype=np.float64)
