"""The units of sparse entries, and which features of sparse rows are numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._blocks import spread

_ROWS = 4096  # rows that are looked at
_FAR = 10.0  # factor between units of one kind
_FEW = 10  # distinct entries; with fewer, entries that vary little may do so by chance
_NEARLY_EVERYWHERE = 0.9  # share of the rows
_NARROW = 0.25  # deviation of logarithmic entries, as a share of their mean
_TIED = 0.5  # share of the entries that equal the median
_ZEROS = 0.1  # share of the entries that are stored zeros


class SparseUnits(NamedTuple):
    r"""How the entries of sparse rows are brought to order one.

    Entries of one kind (counts, TF-IDF, shares of a row) have a common unit: the median of the
    absolute entries that are not 0. A feature whose own median is more than ten times as large or
    as small has a unit of its own, because it is of another kind: a stack of one-hot columns and
    numbers holds many kinds.

    A feature is a number, and is standardized like features of dense rows, if its entries are not
    all the same, and if it is observed in at least 90 % of the rows, or its entries are far from 0
    for how little they vary (years), or a tenth of them or more are stored zeros. In these cases
    the entry says more than that it was observed.

    Attributes
    ----------
    unit : ndarray of shape (n_features,)
        The unit of each feature.
    is_number : ndarray of bool of shape (n_features,)
        Whether each feature is a number.
    is_known : ndarray of bool of shape (n_features,)
        Whether entries of each feature have been seen.
    """

    unit: np.ndarray
    is_number: np.ndarray
    is_known: np.ndarray

    @classmethod
    def learn(
        cls, X: Any, weights: np.ndarray | None, before: SparseUnits | None = None
    ) -> SparseUnits:
        """Learn the units of a CSR matrix; those that were learned before stay.

        Parameters
        ----------
        X : CSR matrix of shape (n_samples, n_features)
            The observed entries. At most 4096 rows are used.
        weights : ndarray of shape (n_samples,), optional
            Weight of each row.
        before : SparseUnits, optional
            What was learned from earlier rows.

        Returns
        -------
        SparseUnits
        """
        n_rows, n_features = X.shape
        rows = spread(n_rows, _ROWS)
        of_row = np.ones(len(rows)) if weights is None else weights[rows]
        some = X[rows]
        found = _Sizes.sort(
            np.abs(some.data, dtype=np.float64),
            some.indices,
            np.repeat(of_row, np.diff(some.indptr)),
            n_features,
        )
        learned = cls(*_units(found, of_row.sum()), found.total() > 0)
        if before is None:
            return learned
        kept = before.is_known
        return cls(
            np.where(kept, before.unit, learned.unit),
            np.where(kept, before.is_number, learned.is_number),
            kept | learned.is_known,
        )

    def scaled(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return sign(x) log(1 + |x| / unit) for entries x of features."""
        with np.errstate(over="ignore"):
            sizes = np.abs(values, dtype=np.float64) / self.unit[columns]
        np.minimum(sizes, np.finfo(np.float64).max, out=sizes)
        return np.copysign(np.log1p(sizes), values)


class _Sizes(NamedTuple):
    """Absolute entries, with the feature and the weight of each, sorted by feature and size."""

    values: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    n_features: int

    @classmethod
    def sort(
        cls, values: np.ndarray, columns: np.ndarray, weights: np.ndarray, n_features: int
    ) -> _Sizes:
        """Return entries that are given in any order."""
        order = np.lexsort((values, columns))
        return cls(values[order], columns[order], weights[order], n_features)

    def where(self, chosen: np.ndarray) -> _Sizes:
        """Return some of the entries."""
        return _Sizes(
            self.values[chosen], self.columns[chosen], self.weights[chosen], self.n_features
        )

    def total(self, of: Any = 1.0) -> np.ndarray:
        """Return the weighted sum of some numbers over the entries of each feature."""
        return np.bincount(self.columns, self.weights * of, self.n_features)

    def n_distinct(self) -> np.ndarray:
        """Count the different entries of each feature."""
        values, columns = self.values, self.columns
        is_new = np.ones(len(values), dtype=bool)
        is_new[1:] = (values[1:] != values[:-1]) | (columns[1:] != columns[:-1])
        return np.bincount(columns[is_new], minlength=self.n_features)

    def medians(self) -> np.ndarray:
        """Return the weighted median of each feature; 0 where there are no entries."""
        totals = self.total()
        half = (np.cumsum(totals) - totals / 2) * (1 - 1e-12)
        at = np.searchsorted(np.cumsum(self.weights), half)
        at = np.minimum(at, len(self.values) - 1)
        return np.where(totals > 0, self.values[at], 0.0)

    def median(self) -> float:
        """Return the weighted median of all entries."""
        one = np.zeros(len(self.values), dtype=np.intp)
        return float(_Sizes.sort(self.values, one, self.weights, 1).medians()[0])


def _units(entries: _Sizes, weight_of_rows: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit of each feature, and whether it is a number."""
    sizes = entries.where(entries.values > 0)
    if not len(sizes.values):
        return np.ones(entries.n_features), np.zeros(entries.n_features, dtype=bool)
    own = sizes.medians()
    with np.errstate(over="ignore"):
        z = np.log1p(np.minimum(sizes.values / own[sizes.columns], np.finfo(np.float64).max))
    total = sizes.total()
    divisor = np.where(total > 0, total, 1.0)
    mean = sizes.total(z) / divisor
    deviation = np.sqrt(sizes.total((z - mean[sizes.columns]) ** 2) / divisor)
    n_zeros = entries.total(entries.values == 0)
    is_everywhere = total + n_zeros >= _NEARLY_EVERYWHERE * weight_of_rows
    is_tied = sizes.total(sizes.values == own[sizes.columns]) >= _TIED * total
    is_narrow = (deviation < _NARROW * mean) & ~is_tied & (sizes.n_distinct() >= _FEW)
    has_zeros = n_zeros >= np.maximum(_ZEROS * (total + n_zeros), 1e-300)
    varies = (deviation > 1e-9 * mean) | has_zeros
    is_number = varies & (is_everywhere | is_narrow | has_zeros)
    plain = sizes.where(~is_number[sizes.columns])
    common = (plain if len(plain.values) else sizes).median()
    with np.errstate(over="ignore"):
        is_far = (own > _FAR * common) | (own * _FAR < common)
    return np.where(is_far & (own > 0), own, common), is_number
