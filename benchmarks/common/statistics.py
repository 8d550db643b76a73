"""Statistics of scores on the same folds: corrected tests, ranks, critical differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def corrected_test(differences: np.ndarray, n_train: int, n_test: int) -> tuple[float, float]:
    """Return the mean difference over folds and its p-value, for overlapping training sets.

    The variance of the mean is that of the differences times ``1 / k + n_test / n_train`` instead
    of ``1 / k`` (Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52,
    2003), with k - 1 degrees of freedom.
    """
    mean, error = np.mean(differences), corrected_error(differences, n_train, n_test)
    if error == 0:
        return float(mean), 1.0 if mean == 0 else 0.0
    return float(mean), float(2 * stats.t.sf(abs(mean / error), len(differences) - 1))


def corrected_error(values: np.ndarray, n_train: int, n_test: int) -> float:
    """Return the standard error of a mean over folds; see `corrected_test`."""
    return float(np.std(values, ddof=1) * np.sqrt(1 / len(values) + n_test / n_train))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values corrected for their number (Holm's step-down method)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)[np.argsort(order)]


def average_ranks(scores: np.ndarray) -> np.ndarray:
    """Return the mean rank of each method (rows) over data sets (columns); the best has rank 1."""
    return stats.rankdata(-scores, axis=0).mean(axis=1)


def critical_difference(n_methods: int, n_data: int, alpha: float = 0.05) -> float:
    """Return the difference of average ranks that is significant (Nemenyi's test).

    J. Demsar. "Statistical Comparisons of Classifiers over Multiple Data Sets". JMLR 7, 2006.
    """
    q = stats.studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_data)))


def cliques(ranks: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Return the first and last rank of each largest group of ranks within `gap`."""
    ordered = sorted(ranks)
    reach = [max(j for j in range(len(ordered)) if ordered[j] <= r + gap) for r in ordered]
    return [
        (ordered[i], ordered[j])
        for i, j in enumerate(reach)
        if j > i and (i == 0 or j > reach[i - 1])
    ]


def calibration_error(
    y: np.ndarray, probability: np.ndarray, classes: np.ndarray, n_bins: int = 10
) -> float:
    """Compute the expected calibration error of the predicted classes.

    It is the mean, over predictions grouped by their confidence, of the distance between the share
    that is right and the mean confidence.
    """
    confidence = probability.max(axis=1)
    is_right = classes[probability.argmax(axis=1)] == y
    group = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    right = np.bincount(group, is_right, n_bins)
    return float(np.abs(right - np.bincount(group, confidence, n_bins)).sum() / len(y))
