"""A scorer of recommended lists for cross_validate and GridSearchCV."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._caller import levels_to_caller
from .._checks import check_count, is_real
from .._named_columns import interactions_of, pairs_of
from ._hits import Hits, columns_of, values_of_users

_METRICS = {
    "ndcg": Hits.ndcg,
    "precision": Hits.precision,
    "recall": Hits.recall,
    "average_precision": Hits.average_precision,
    "hit_rate": Hits.hit_rate,
}


def score_lists(
    estimator: Any, users: np.ndarray, items: np.ndarray, *, metric: str = "ndcg", k: int = 10
) -> float:
    """Return the mean score of lists for users against their held-out interactions.

    Parameters
    ----------
    estimator : SNRecommender
        A fitted recommender.
    users, items : ndarray of shape (n_pairs,)
        The held-out interactions.
    metric : str, default="ndcg"
        What to compute.
    k : int, default=10
        Length of the lists.

    Returns
    -------
    float
    """
    asked = np.fromiter(dict.fromkeys(users.tolist()), dtype=users.dtype)

    def score(**options: Any) -> float:
        lists, _ = estimator.recommend(asked, n=k, **options)
        return float(np.nanmean(values_of_users(_METRICS[metric], (users, items), asked, lists, k)))

    found = score()
    known = set(estimator.users_.tolist())
    n_known = sum(user in known for user in asked.tolist())
    if n_known < len(asked) / 2:
        warnings.warn(
            f"{len(asked) - n_known} of {len(asked)} users of X were not in training, and get the "
            "most popular items. If folds follow the order of X, shuffle them: cv=KFold(5, "
            "shuffle=True).",
            stacklevel=levels_to_caller(),
        )
    elif not found and score(exclude_seen=False):
        warnings.warn(
            "The score is 0, because the interactions of X were in training, and lists leave out "
            "what a user has interacted with. Score interactions that were held out.",
            stacklevel=levels_to_caller(),
        )
    return found


class RankingScorer:
    """Scores the lists of a recommender; see :func:`make_ranking_scorer`."""

    def __init__(self, metric: str, k: int, threshold: float | None) -> None:
        self.metric, self.k, self.threshold = metric, k, threshold

    def __repr__(self) -> str:
        return f"make_ranking_scorer({self.metric!r}, k={self.k}, threshold={self.threshold})"

    def __call__(self, estimator: Any, X: Any, y: Any = None, **ignored: Any) -> float:
        """Return the score of lists for the users of X, for whom X holds the relevant items."""
        names = getattr(estimator, "columns", None)
        if names and "rating" in names and self.threshold is not None:
            _, y, _ = interactions_of(names, X, y)
        users, items = columns_of(pairs_of(names, X))
        if self.threshold is not None:
            if y is None:
                raise ValueError(
                    f"make_ranking_scorer has threshold={self.threshold}, the lowest rating of a "
                    "relevant item, but there are no ratings; pass them as y, or leave out the "
                    "threshold."
                )
            is_relevant = np.asarray(y) >= self.threshold
            users, items = users[is_relevant], items[is_relevant]
        return score_lists(estimator, users, items, metric=self.metric, k=self.k)


def make_ranking_scorer(
    metric: str = "ndcg", *, k: int = 10, threshold: float | None = None
) -> RankingScorer:
    """Make a scorer of recommended lists.

    The lists of the users of the validation data are compared with their interactions there. Items
    that a user interacted with in training are not recommended.

    Parameters
    ----------
    metric : {"ndcg", "precision", "recall", "average_precision", "hit_rate"}, default="ndcg"
        What to compute; see the functions of :mod:`sksn.metrics`.
    k : int, default=10
        Length of the lists.
    threshold : float, optional
        The lowest rating of a relevant item. By default, all items of the validation data are
        relevant, whatever their ratings.

    Returns
    -------
    callable
        With the arguments ``(estimator, X, y)``, for ``scoring`` in scikit-learn.

    Raises
    ------
    ValueError
        If an argument cannot be used.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sksn import SNRecommender
    >>> from sksn.metrics import make_ranking_scorer
    >>> search = GridSearchCV(
    ...     SNRecommender(objective="ranking"), {"validation_fraction": [0.1, 0.2]},
    ...     scoring=make_ranking_scorer("recall", k=20),
    ... )
    """
    if metric not in _METRICS:
        raise ValueError(f"metric must be one of {list(_METRICS)}, got {metric!r}.")
    check_count("k", k)
    if threshold is not None and not is_real(threshold):
        raise ValueError(f"threshold must be a number or None, got {threshold!r}.")
    return RankingScorer(metric, k, threshold)
