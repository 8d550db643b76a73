"""Scaling of entries before the networks of SNClassifier and SNRegressor see them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from .._blocks import blocks, blocks_of_rows, spread
from .._moments import Moments, standardize
from .._observed import observed_blocks, select_entries, with_entries
from ._category_counts import CategoryCounts
from ._fences import fences
from ._ranges import check_range, in_range
from ._sparse_units import SparseUnits

INPUT_SCALINGS = ("auto", "observed", None)
_CLIP = 3.0
_HUGE = 1e300
_LARGEST_SUM = 150.0  # of the absolute scaled entries of a row, on average
WIDE = 512  # features, beyond which rows have no bins and overfit sooner
_STRENGTH = 2.0  # root mean square of the scaled entries of sparse rows that are not wide
_ROWS = 4096  # rows of which that sum is computed
_FAINT = 1.5  # deviations from the mean within which bins alone tell too little
_NOTHING = 1e-6
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

    For sparse rows, "auto" gives :math:`\operatorname{sign}(x) \log(1 + |x| / u)` with a unit
    :math:`u`, because centring would make observed entries look like missing ones. Features of
    numbers are scaled as in dense rows (see :class:`SparseUnits`).

    "auto" also multiplies all entries by a gain, which bounds the mean over rows of
    the sum of a row's absolute entries. In each step, Adam changes a weight by about the learning
    rate, whatever its gradient; without a bound, one step on rows of thousands of entries that move
    together makes the hidden units useless. In sparse rows of up to 512 features, which have no
    bins to learn by, the gain first brings the entries to a root mean square of 2; otherwise small
    tables would need more steps of the optimizer than they get.

    None leaves entries as they are. Under "auto" and "observed", a feature that is constant in
    training becomes 0, also if it has another value later. Entries of features that training has
    never observed become missing.

    Parameters
    ----------
    kind : {"auto", "observed", None}
        The scaling.
    as_sparse : bool
        Whether the rows are sparse.
    n_categories : ndarray of int of shape (n_features,), optional
        Number of categories of each feature; 0 for numbers. Entries of categorical features are
        codes, and stay as they are.

    Attributes
    ----------
    moments : Moments or None
        Moments of the observed entries of each feature; None before the first rows.
    categories : CategoryCounts or None
        Counts of the categories; None if there are none.
    gain : float
        The gain.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart. "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data". NeurIPS 2024. arXiv:2407.04491.
    """

    moments: Moments | None = None
    gain: float = 1.0
    units: SparseUnits | None = None  # of sparse rows under "auto"

    def __init__(
        self, kind: str | None, *, as_sparse: bool, n_categories: np.ndarray | None = None
    ) -> None:
        self.kind = kind
        self.as_sparse = as_sparse
        self.categories = None
        if n_categories is not None and n_categories.any():
            self.categories = CategoryCounts(n_categories)

    def partial_fit(self, X: Any, sample_weight: np.ndarray | None) -> Self:
        """Learn from array rows with NaN, or CSR rows of observed entries."""
        is_first = self.moments is None
        numbers, rows = None, X
        if self.categories is not None:
            self.categories = self.categories.updated(X, sample_weight)
            X = self.categories.without(X)
        if self.kind == "auto" and self.as_sparse:
            self.units = SparseUnits.learn(X, sample_weight, self.units)
            numbers = np.flatnonzero(self.units.is_number)
        entries = observed_blocks(X, sample_weight)
        if self.kind == "auto":
            low, high = fences(X, self.moments, numbers)
            entries = (block.within(low, high) for block in entries)
        elif self.kind == "observed" and self.moments is not None:
            entries = in_range(entries, self.moments.mean, self.moments.scale, _SQUASH)
        moments = self.moments or Moments(X.shape[1])
        self.moments = moments.updated(entries)
        if is_first and self.kind == "auto":
            self.gain = self._bounding_gain(rows, sample_weight)
        return self

    def hides_presence(self, X: Any, lowest: np.ndarray | None) -> np.ndarray:
        """Return the features in which an observed entry can look like a missing one.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            Scaled rows.
        lowest : ndarray of shape (n_features,) or None
            The lowest edge of the bins of each feature, below which bins are empty; None if there
            are no bins.

        Returns
        -------
        ndarray of bool of shape (n_features,)
        """
        hides = np.zeros(X.shape[1], dtype=bool)
        if self.units is not None:
            hides |= self.units.is_number
        elif lowest is None and (self.kind is not None or not self.as_sparse):
            hides[:] = True
        for values, columns, _ in () if hides.all() else observed_blocks(X):
            if lowest is None:
                is_faint = np.abs(values) <= _NOTHING * self.gain
            else:
                is_faint = (np.abs(values) <= _FAINT * self.gain) & (values <= lowest[columns])
            hides[columns[is_faint]] = True
        if self.categories is not None:
            hides[self.categories.features] = False  # each has weights of its own
        return hides

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
            The scaled rows. A CSR result shares its index arrays with `X`, unless `X` has entries
            of features that training has never observed.
        """
        assert self.moments is not None
        is_new = self.moments.count == 0
        if not sparse.issparse(X):
            out = np.empty(X.shape, dtype)
            for part in blocks(len(X), X.shape[1]):
                out[part] = self._scaled(X[part], slice(None))
            out[:, is_new] = np.nan
            if self.categories is not None:
                self.categories.write(X, out)
            return out
        if is_new.any() and is_new[X.indices].any():
            X = select_entries(X, ~is_new[X.indices])
        entries = np.empty(X.nnz, dtype)
        for rows in blocks_of_rows(X.indptr):
            part = slice(X.indptr[rows.start], X.indptr[rows.stop])
            entries[part] = self._scaled(X.data[part], X.indices[part])
        return with_entries(X, entries)

    def _scaled(self, values: np.ndarray, columns: Any) -> np.ndarray:
        if self.units is None:
            return self._standardized(values, columns)
        scaled = self.units.scaled(values, columns) * self.gain
        numbers = self.units.is_number[columns]
        if numbers.any():
            scaled[numbers] = self._standardized(values[numbers], columns[numbers])
        return scaled

    def _standardized(self, values: np.ndarray, columns: Any) -> np.ndarray:
        """Scale entries as if rows were dense."""
        assert self.moments is not None
        if self.kind is not None:
            mean, scale = self.moments.mean, self.moments.scale
            with np.errstate(over="ignore"):
                values = standardize(values.astype(np.float64), mean, scale, columns)
            constant = self.moments.is_constant[columns]
            if constant.any():
                values = np.where(constant & ~np.isnan(values), 0.0, values)
        if self.kind == "auto":
            np.clip(values, -_HUGE, _HUGE, out=values)  # also what overflowed
            return values / np.hypot(1, values / _CLIP) * self.gain
        return check_range(values, _SQUASH)

    def _bounding_gain(self, X: Any, sample_weight: np.ndarray | None) -> float:
        rows = spread(X.shape[0], _ROWS)
        Z = abs(self.transform(X[rows]))
        if self.categories is not None:
            seen = Z[:, self.categories.features]
            Z[:, self.categories.features] = np.where(np.isnan(seen), seen, 1)
        sums = np.asarray(Z.sum(axis=1)).ravel() if sparse.issparse(Z) else np.nansum(Z, axis=1)
        weights = None if sample_weight is None else sample_weight[rows]
        mean = np.average(sums, weights=weights)
        if not self.as_sparse or X.shape[1] > WIDE or not mean:
            return bounding_gain(mean)
        of_entry = np.ones(Z.nnz) if weights is None else np.repeat(weights, np.diff(Z.indptr))
        strength = _STRENGTH / float(np.sqrt(np.average(Z.data**2, weights=of_entry)))
        return strength * bounding_gain(strength * mean)


def bounding_gain(total: float, largest: float = _LARGEST_SUM) -> float:
    """Return the factor that bounds the sum of the absolute inputs of a row, on average."""
    return min(1.0, largest / total) if total else 1.0
