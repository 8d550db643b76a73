"""Scaling of entries before a network sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks, blocks_of_rows, largest_of
from .._moments import Entries, Moments, standardize, unstandardize
from .._observed import observed_blocks, with_entries
from ._fences import fences

INPUT_SCALINGS = ("auto", "observed", None)
ENTRY_SCALINGS = ("auto", "observed", "global")
_CLIP = 3.0
_HUGE = 1e300
_SQUASH = ", or use input_scaling='auto', which squashes outliers"


class InputScaling:
    r"""The scaling that the parameter `input_scaling` of SNClassifier and SNRegressor names.

    With :math:`m` and :math:`s` the mean and the standard deviation of the observed entries of a
    feature, "observed" gives

    .. math:: z = (x - m) / s

    For dense rows, "auto" also squashes entries smoothly into (-3, 3), so that an outlier cannot
    dominate its row [1]_:

    .. math:: z / \sqrt{1 + (z / 3)^2}

    There, entries far from the median count in neither :math:`m` nor :math:`s`, so that they cannot
    hide the rest of their feature (see :func:`fences`).

    For sparse rows, "auto" gives :math:`\operatorname{sign}(x) \log(1 + |x|)`, because centring
    would make observed entries look like missing ones. None leaves entries as they are.

    Parameters
    ----------
    kind : {"auto", "observed", None}
        The scaling.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart. "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data". NeurIPS 2024. arXiv:2407.04491.
    """

    moments: Moments | None = None

    def __init__(self, kind: str | None) -> None:
        self.kind = kind

    def partial_fit(self, X: Any, sample_weight: np.ndarray | None) -> InputScaling:
        """Learn from array rows with NaN, or CSR rows of observed entries."""
        if not self._standardizes(X):
            return self
        entries = observed_blocks(X, sample_weight)
        if self.kind == "auto":
            low, high = fences(X, self.moments)
            entries = (block.within(low, high) for block in entries)
        elif self.moments is not None:
            entries = _in_range(entries, self.moments.mean, self.moments.scale, _SQUASH)
        moments = self.moments or Moments(X.shape[1])
        self.moments = moments.updated(entries)
        return self

    def transform(self, X: Any, dtype: Any = np.float64) -> Any:
        """Scale rows, block by block.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            The rows.
        dtype : data type, default=numpy.float64
            Type of the result.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features)
            The scaled rows. A CSR result shares its index arrays with `X`.
        """
        if not sparse.issparse(X):
            out = np.empty(X.shape, dtype)
            for part in blocks(len(X), X.shape[1]):
                out[part] = self._scaled(X[part], slice(None), is_sparse=False)
            return out
        entries = np.empty(X.nnz, dtype)
        for rows in blocks_of_rows(X.indptr):
            part = slice(X.indptr[rows.start], X.indptr[rows.stop])
            entries[part] = self._scaled(X.data[part], X.indices[part], is_sparse=True)
        return with_entries(X, entries)

    def _scaled(self, values: np.ndarray, columns: Any, *, is_sparse: bool) -> np.ndarray:
        if self.kind == "auto" and is_sparse:
            return np.copysign(np.log1p(np.abs(values, dtype=np.float64)), values)
        if self.moments is not None:
            with np.errstate(over="ignore"):
                values = standardize(
                    values.astype(np.float64), self.moments.mean, self.moments.scale, columns
                )
        if self.kind == "auto":
            np.clip(values, -_HUGE, _HUGE, out=values)  # also what overflowed
            return values / np.hypot(1, values / _CLIP)
        return check_range(values, _SQUASH)

    def _standardizes(self, X: Any) -> bool:
        return self.kind == "observed" or (self.kind == "auto" and not sparse.issparse(X))


class EntryScaling:
    """The units in which an autoencoder sees and predicts entries.

    Parameters
    ----------
    kind : {"auto", "observed", "global"}
        "observed" centres and scales each feature by its observed entries. "global" divides all
        entries by their one standard deviation, or by the entry if all are the same. "auto" is
        "global" for sparse rows, whose entries are usually of one kind (ratings, counts), and
        "observed" for dense rows.
    is_sparse : bool
        Whether the rows are sparse.
    """

    moments: Moments | None = None

    def __init__(self, kind: str, *, is_sparse: bool) -> None:
        self.kind = ("global" if is_sparse else "observed") if kind == "auto" else kind

    @property
    def n_entries(self) -> float:
        """Number of the entries that were learned from."""
        return 0.0 if self.moments is None else float(self.moments.count.sum())

    def partial_fit(self, X: Any) -> EntryScaling:
        """Learn from array rows with NaN, or CSR rows of observed entries."""
        is_global = self.kind == "global"
        moments = self.moments or Moments(1 if is_global else X.shape[1])
        entries = observed_blocks(X)
        if is_global:
            entries = (
                Entries(block.values, np.zeros(len(block.values), dtype=np.intp))
                for block in entries
            )
        if self.n_entries:
            mean, scale, _ = self._statistics(slice(None))
            entries = _in_range(entries, mean, scale)
        self.moments = moments.updated(entries)
        return self

    def transform(self, X: Any, dtype: Any = np.float64) -> Any:
        """Scale rows. A CSR result shares its index arrays with `X`."""
        if not sparse.issparse(X):
            dense = np.empty(X.shape, dtype)
            for rows in blocks(len(X), X.shape[1]):
                dense[rows] = self._scaled(X[rows], slice(None))
            return dense
        scaled = np.empty(X.nnz, dtype)
        for part in blocks(X.nnz):
            scaled[part] = self._scaled(X.data[part], X.indices[part])
        return with_entries(X, scaled)

    def _scaled(self, values: np.ndarray, columns: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            scaled = standardize(values, *self._statistics(columns))
        return check_range(scaled)

    def inverse(self, values: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """Restore the units of the data; `columns` are the features along the last axis."""
        with np.errstate(over="ignore"):
            return unstandardize(values, *self._statistics(columns))

    @property
    def unit(self) -> float:
        """What "global" divides by: the standard deviation of all entries, or a constant entry."""
        assert self.moments is not None
        assert self.kind == "global"
        if self.moments.is_constant[0]:
            return float(abs(self.moments.mean[0])) or 1.0
        return float(self.moments.scale[0])

    def _statistics(self, columns: Any) -> tuple[np.ndarray | None, np.ndarray, Any]:
        assert self.moments is not None
        if self.kind == "global":
            return None, np.array([self.unit]), 0
        return self.moments.mean, self.moments.scale, columns


def _in_range(
    entries: Iterable[Entries], mean: np.ndarray | None, scale: np.ndarray, hint: str = ""
) -> Iterator[Entries]:
    """Yield further entries, and refuse those that the scale of the earlier ones cannot take.

    They would hide all entries so far.
    """
    for block in entries:
        with np.errstate(over="ignore"):
            check_range(standardize(block.values, mean, scale, block.columns), hint)
        yield block


def check_range(entries: np.ndarray, hint: str = "") -> np.ndarray:
    """Raise a ValueError if an entry becomes infinite in the precision of a network."""
    extreme = largest_of(entries)
    if extreme > float(np.finfo(np.float32).max):
        raise ValueError(
            f"X holds {extreme:.4g} in absolute value (after scaling, if any), beyond the "
            f"range of float32; look for extreme entries (ratings, for a recommender){hint}."
        )
    return entries
