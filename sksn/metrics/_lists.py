"""Metrics of recommended lists against held-out interactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import check_count, check_flag
from ._hits import Hits, checked_lists, columns_of, positions, values_of_users

_PARAMETERS = """
    Parameters
    ----------
    X : array-like of shape (n_pairs, 2)
        User and item of each held-out interaction: the relevant items.
    users : array-like of shape (n_users,)
        The users of the lists, each of them once.
    items : array-like of shape (n_users, n)
        The lists, best first, as :meth:`SNRecommender.recommend` returns them. Masked places hold
        no item.
    k : int, default=10
        How many items of each list count. The missing places of a shorter list count as misses.
    average : bool, default=True
        Whether to return the mean over users instead of the value of each.

    Returns
    -------
    float or ndarray of shape (n_users,)
        In [0, 1]. Users without an interaction in X are NaN, and are left out of the mean.

    Raises
    ------
    ValueError
        If the arguments do not fit together, or no user has an interaction in X.
"""


def _score(
    of_hits: Callable[[Hits], np.ndarray], X: Any, users: Any, items: Any, k: int, average: bool
) -> float | np.ndarray:
    check_count("k", k)
    check_flag("average", average)
    values = values_of_users(of_hits, columns_of(X), users, items, k)
    return float(np.nanmean(values)) if average else values


def precision_at_k(
    X: Any, users: Any, items: Any, *, k: int = 10, average: bool = True
) -> float | np.ndarray:
    """Compute the share of the k recommended items that are relevant.

    {parameters}

    Examples
    --------
    >>> from sksn.metrics import precision_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"]]
    >>> lists = [["alien", "casablanca"], ["brazil", "casablanca"]]
    >>> precision_at_k(X, ["ann", "bob"], lists, k=2)
    0.25
    """
    return _score(Hits.precision, X, users, items, k, average)


def recall_at_k(
    X: Any, users: Any, items: Any, *, k: int = 10, average: bool = True
) -> float | np.ndarray:
    """Compute the share of the relevant items that are among the k recommended ones.

    {parameters}

    Examples
    --------
    >>> from sksn.metrics import recall_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"]]
    >>> lists = [["alien", "casablanca"], ["brazil", "casablanca"]]
    >>> recall_at_k(X, ["ann", "bob"], lists, k=2, average=False)
    array([0.5, 0. ])
    """
    return _score(Hits.recall, X, users, items, k, average)


def ndcg_at_k(
    X: Any, users: Any, items: Any, *, k: int = 10, average: bool = True
) -> float | np.ndarray:
    r"""Compute the normalized discounted cumulative gain of the k recommended items.

    A relevant item at place :math:`i` adds :math:`1 / \log_2(i + 1)`. The sum is divided by that of
    the best possible list [1]_.

    {parameters}

    References
    ----------
    .. [1] K. Jarvelin, J. Kekalainen. "Cumulated Gain-Based Evaluation of IR Techniques". ACM TOIS
       20, 2002. doi:10.1145/582415.582418.

    Examples
    --------
    >>> from sksn.metrics import ndcg_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"]]
    >>> lists = [["alien", "brazil"], ["brazil", "casablanca"]]
    >>> ndcg_at_k(X, ["ann", "bob"], lists, k=2)
    0.5
    """
    return _score(Hits.ndcg, X, users, items, k, average)


def average_precision_at_k(
    X: Any, users: Any, items: Any, *, k: int = 10, average: bool = True
) -> float | np.ndarray:
    """Compute the average precision of the k recommended items (MAP, if averaged).

    The average precision is the sum of the precision at the place of each relevant item in the
    list, divided by the number of relevant items.

    {parameters}

    Examples
    --------
    >>> from sksn.metrics import average_precision_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"]]
    >>> average_precision_at_k(X, ["ann"], [["casablanca", "alien"]], k=2)
    0.25
    """
    return _score(Hits.average_precision, X, users, items, k, average)


def hit_rate_at_k(
    X: Any, users: Any, items: Any, *, k: int = 10, average: bool = True
) -> float | np.ndarray:
    """Compute the share of users with a relevant item among the k recommended ones.

    {parameters}

    Examples
    --------
    >>> from sksn.metrics import hit_rate_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"]]
    >>> hit_rate_at_k(X, ["ann", "bob"], [["alien"], ["brazil"]], k=1)
    0.5
    """
    return _score(Hits.hit_rate, X, users, items, k, average)


for _function in (
    precision_at_k,
    recall_at_k,
    ndcg_at_k,
    average_precision_at_k,
    hit_rate_at_k,
):
    _function.__doc__ = (_function.__doc__ or "").replace("    {parameters}", _PARAMETERS[1:-1])


def coverage_at_k(items: Any, catalogue: Any, *, k: int = 10) -> float:
    """Compute the share of the catalogue that appears in any of the lists.

    Parameters
    ----------
    items : array-like of shape (n_users, n)
        The lists, best first. Masked places hold no item.
    catalogue : array-like of shape (n_items,)
        The items that could be recommended, such as ``SNRecommender.items_``.
    k : int, default=10
        How many items of each list count.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> from sksn.metrics import coverage_at_k
    >>> coverage_at_k([["a", "b"], ["a", "c"]], ["a", "b", "c", "d"], k=2)
    0.75
    """
    check_count("k", k)
    listed = checked_lists(items, k).compressed()
    catalogue = np.asarray(catalogue)
    n, at_listed, at_catalogue = positions(listed, catalogue)
    is_listed = np.zeros(n, dtype=bool)
    is_listed[at_listed] = True
    return float(is_listed[np.unique(at_catalogue)].mean())


def mean_popularity_at_k(X: Any, items: Any, *, k: int = 10) -> float:
    """Compute the mean popularity of the recommended items.

    The popularity of an item is the share of the users of the training interactions who have
    interacted with it. Lists of popular items are easy to make and show users what they know.

    Parameters
    ----------
    X : array-like of shape (n_pairs, 2)
        User and item of each training interaction.
    items : array-like of shape (n_users, n)
        The lists, best first. Masked places hold no item.
    k : int, default=10
        How many items of each list count.

    Returns
    -------
    float
        In [0, 1]: the mean over all places of all lists.

    Examples
    --------
    >>> from sksn.metrics import mean_popularity_at_k
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"]]
    >>> mean_popularity_at_k(X, [["alien"], ["brazil"]], k=1)
    0.75
    """
    check_count("k", k)
    users, items_of = columns_of(X)
    listed = checked_lists(items, k).compressed()
    n_users, at_user, _ = positions(users, users)
    n, at_item, at_listed = positions(items_of, listed)
    of_pair = np.unique(at_user.astype(np.int64) * n + at_item)  # a pair counts once
    counts = np.bincount(of_pair % n, minlength=n)
    return float(counts[at_listed].mean() / n_users)
