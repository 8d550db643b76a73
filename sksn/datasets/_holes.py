"""Missing values for data that has none, or not enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, logit
from sklearn.utils import check_random_state

from .._checks import RATE, is_flag, one_of
from .._moments import Entries, Moments, standardize
from .._observed import row_of_entry, validate_observed

_STRENGTH = 2.0  # growth of the log-odds of removal with one standard deviation
_ROUNDS = 60  # of bisection between -_FARTHEST and _FARTHEST
_FARTHEST = 100.0
_MECHANISMS = ("mcar", "mar", "mnar")


def make_holes(
    X: Any,
    *,
    rate: float = 0.5,
    rate_spread: float = 0.0,
    mechanism: str = "mcar",
    sparse_output: bool | None = None,
    random_state: Any = None,
) -> Any:
    r"""Remove a share of the observed entries, which may differ between rows.

    Parameters
    ----------
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        The data. Its missing entries stay missing.
    rate : float in [0, 1], default=0.5
        Expected share of the observed entries to remove.
    rate_spread : float, default=0.0
        The rates of rows lie between ``rate - rate_spread`` and ``rate + rate_spread``, evenly
        spaced and shuffled, as in the variable sparsity setting of [1]_. Both ends must be in
        [0, 1].
    mechanism : {"mcar", "mar", "mnar"}, default="mcar"
        What else decides whether an entry is removed. "mcar": nothing. "mar": the value of one
        other feature, which is drawn at random and keeps all its entries. "mnar": the value of
        the entry.
        For "mar" and "mnar", with :math:`z` the standardized value and :math:`r_i` the rate of
        the row, the probability :math:`p` of removal is

        .. math:: \operatorname{logit}(p) = \operatorname{logit}(r_i) + 2 z + c_j

        where the constant :math:`c_j` keeps the rate of each feature.
    sparse_output : bool, optional
        Whether to return a CSR array that stores the observed entries, zeros included, instead of
        an array with NaN. By default the container of `X`.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice.

    Returns
    -------
    ndarray or csr_array of shape (n_samples, n_features)
        float32 or float64, a copy.

    Raises
    ------
    ValueError
        If a parameter is out of range. With "mar", also if the rate is so high that the
        feature that keeps its entries would have to lose some, or `X` has fewer than two features.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn.datasets import make_holes
    >>> X = make_holes(np.ones((1000, 20)), rate=0.5, rate_spread=0.4, random_state=0)
    >>> per_row = np.isnan(X).mean(axis=1)
    >>> bool(per_row.min() < 0.2 and per_row.max() > 0.8 and abs(per_row.mean() - 0.5) < 0.02)
    True
    """
    _check_rates(rate, rate_spread)
    one_of(*_MECHANISMS).check("mechanism", mechanism)
    if sparse_output is not None and not is_flag(sparse_output):
        raise ValueError(f"sparse_output must be None, True or False, got {sparse_output!r}.")
    X = validate_observed(None, X, drop=True)
    rng = check_random_state(random_state)
    row, column, values = _entries(X)
    n_rows = X.shape[0]
    position = rng.permutation(n_rows)
    rates = rate + rate_spread * ((2 * position + 1) / n_rows - 1)
    chance = rates[row]
    if mechanism == "mar":
        chance = _by_another(X, row, column, values, rates, rng)
    elif mechanism == "mnar":
        chance = _shifted(chance, _standardized(column, values, X.shape[1]), column, X.shape[1])
    removed = rng.uniform(size=len(values)) < chance
    if sparse_output is None:
        sparse_output = sparse.issparse(X)
    if sparse_output:
        kept = (row[~removed], column[~removed])
        return sparse.csr_array((values[~removed], kept), shape=X.shape)
    out = np.full(X.shape, np.nan, dtype=X.dtype)
    out[row[~removed], column[~removed]] = values[~removed]
    return out


def _check_rates(rate: Any, rate_spread: Any) -> None:
    RATE.check("rate", rate)
    RATE.check("rate_spread", rate_spread)
    if rate - rate_spread < -1e-12 or rate + rate_spread > 1 + 1e-12:
        raise ValueError(
            f"rate_spread must leave the rates of rows in [0, 1], but rate={rate!r} and "
            f"rate_spread={rate_spread!r} spread them from {rate - rate_spread:g} to "
            f"{rate + rate_spread:g}."
        )


def _entries(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and value of each observed entry."""
    if sparse.issparse(X):
        X = X.tocsr()  # row by row, so that a seed removes the same entries from every format
        return row_of_entry(X), X.indices, X.data
    row, column = np.nonzero(~np.isnan(X))
    return row, column, X[row, column]


def _standardized(column: np.ndarray, values: np.ndarray, n_features: int) -> np.ndarray:
    """Centre and scale entries by the observed entries of their features."""
    values = values.astype(np.float64)
    moments = Moments(n_features).updated([Entries(values, column)])
    return standardize(values, moments.mean, moments.scale, column)


def _shifted(
    chance: np.ndarray, cause: np.ndarray, column: np.ndarray, n_features: int
) -> np.ndarray:
    """Let the odds of chances grow with a cause, and keep the mean chance of each feature."""
    with np.errstate(divide="ignore"):  # chances of 0 and 1 stay what they are
        odds = logit(np.clip(chance, 0, 1)) + _STRENGTH * cause
    wanted = np.bincount(column, chance, n_features)
    low, high = np.full(n_features, -_FARTHEST), np.full(n_features, _FARTHEST)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        too_many = np.bincount(column, expit(odds + middle[column]), n_features) > wanted
        low, high = np.where(too_many, low, middle), np.where(too_many, middle, high)
    return expit(odds + ((low + high) / 2)[column])


def _by_another(
    X: Any,
    row: np.ndarray,
    column: np.ndarray,
    values: np.ndarray,
    rates: np.ndarray,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Return chances that depend on a feature that keeps all its entries."""
    n_rows, n_features = X.shape
    candidates = np.flatnonzero(np.bincount(column, minlength=n_features))
    if len(candidates) < 2:
        raise ValueError(
            "mechanism='mar' needs at least two features with observed entries, but X has "
            f"{len(candidates)}."
        )
    cause = candidates[rng.randint(len(candidates))]
    own = column == cause
    in_row = np.zeros(n_rows)
    in_row[row[own]] = _standardized(column, values, n_features)[own]
    share = rates[row].sum() / max(rates[row[~own]].sum(), np.finfo(float).tiny)
    highest = (rates * share).max()
    if highest > 1 + 1e-9:  # beyond rounding
        raise ValueError(
            f"rate is too high for mechanism='mar': feature {cause} has no holes, so the others "
            f"would need rates of up to {highest:.3g}."
        )
    chance = np.zeros(len(values))
    chance[~own] = _shifted((rates * share)[row[~own]], in_row[row[~own]], column[~own], n_features)
    return chance
