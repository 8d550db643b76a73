"""How often categories occur in training, and how strongly a network sees each."""

from __future__ import annotations

import numpy as np

from ._rows import DENSE_STEPS_FOR_A_SPARSE_ONE

_SHRINKAGE = 10.0  # occurrences at which a category is seen at half strength


class CategoryCounts:
    """Counts of the categories of the categorical features of dense rows.

    An object never changes: :meth:`updated` returns a new one.

    Parameters
    ----------
    n_categories : ndarray of int of shape (n_features,)
        Number of categories of each feature; 0 for numbers.

    Attributes
    ----------
    n_categories : ndarray of int of shape (n_features,)
        The parameter.
    features : ndarray of int
        The categorical features.
    """

    def __init__(self, n_categories: np.ndarray) -> None:
        self.n_categories = n_categories
        self.features = np.flatnonzero(n_categories)
        self._counts = [np.zeros(n_categories[j]) for j in self.features]

    def updated(self, X: np.ndarray, weights: np.ndarray | None) -> CategoryCounts:
        """Return the counts of these and of further rows, of codes with NaN."""
        counts = CategoryCounts(self.n_categories)
        if weights is not None:
            weights = weights / (weights.mean() or 1.0)
        for i, j in enumerate(self.features):
            observed = ~np.isnan(X[:, j])
            of_rows = None if weights is None else weights[observed]
            codes = X[observed, j].astype(np.intp)
            counts._counts[i] = self._counts[i] + np.bincount(
                codes, of_rows, minlength=self.n_categories[j]
            )
        return counts

    def without(self, X: np.ndarray) -> np.ndarray:
        """Return rows without the entries of categorical features."""
        X = X.copy()
        X[:, self.features] = np.nan
        return X

    def write(self, X: np.ndarray, out: np.ndarray) -> None:
        """Write the codes of rows, and NaN for categories that training has not seen."""
        for counts, j in zip(self._counts, self.features, strict=True):
            codes = X[:, j]
            seen = np.append(counts > 0, False)  # the last for NaN
            places = np.where(np.isnan(codes), len(counts), codes).astype(np.intp)
            out[:, j] = np.where(seen[places], codes, np.nan)

    def are_many(self, batch_size: int) -> bool:
        """Whether steps on the categories of a batch are faster than steps on all categories."""
        n_cells = batch_size * len(self.features)
        return n_cells * DENSE_STEPS_FOR_A_SPARSE_ONE < self.n_categories.sum()

    def gains(self) -> np.ndarray:
        r"""Return the strength of each category, :math:`n / (n + 10)` for n occurrences.

        Categories that occur once or twice would otherwise be learned by heart.
        """
        counts = np.concatenate(self._counts)
        return counts / (counts + _SHRINKAGE)
