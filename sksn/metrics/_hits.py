"""Which recommended items are relevant, and what follows for a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse


class Hits(NamedTuple):
    """What lists hold.

    Attributes
    ----------
    is_hit : ndarray of bool of shape (n_users, k)
        Whether each recommended item is relevant to the user.
    n_relevant : ndarray of int of shape (n_users,)
        Number of items that are relevant to each user, recommended or not.
    """

    is_hit: np.ndarray
    n_relevant: np.ndarray

    def precision(self) -> np.ndarray:
        """Share of the k places with a relevant item."""
        return np.asarray(self.is_hit.mean(axis=1))

    def recall(self) -> np.ndarray:
        """Share of the relevant items in the list."""
        return np.asarray(self.is_hit.sum(axis=1) / self.n_relevant)

    def hit_rate(self) -> np.ndarray:
        """1 if the list has a relevant item, else 0."""
        return np.asarray(self.is_hit.any(axis=1), dtype=np.float64)

    def ndcg(self) -> np.ndarray:
        """Discounted gain of the relevant items, divided by that of the best possible list."""
        k = self.is_hit.shape[1]
        discounts = 1 / np.log2(np.arange(2, k + 2))
        ideal = np.cumsum(discounts)[np.minimum(self.n_relevant, k) - 1]
        return np.asarray(self.is_hit @ discounts / ideal)

    def average_precision(self) -> np.ndarray:
        """Sum of the precision at each relevant item, divided by the number of relevant items."""
        precision = np.cumsum(self.is_hit, axis=1) / np.arange(1, self.is_hit.shape[1] + 1)
        return np.asarray((precision * self.is_hit).sum(axis=1) / self.n_relevant)


def hits_of_matrix(columns: np.ndarray, relevant: Any) -> Hits:
    """Return the hits of lists of columns, against the entries of a CSR matrix of the same rows."""
    counts = np.diff(relevant.indptr)
    n_columns = relevant.shape[1]
    pairs = np.repeat(np.arange(len(counts)), counts) * n_columns + relevant.indices
    listed = np.arange(len(columns))[:, None] * n_columns + columns
    return Hits(np.isin(listed, pairs) & (columns >= 0), counts)


def values_of_users(
    of_hits: Callable[[Hits], np.ndarray],
    pairs: tuple[np.ndarray, np.ndarray],
    users: Any,
    items: Any,
    k: int,
) -> np.ndarray:
    """Score lists by their hits among held-out interactions.

    Parameters
    ----------
    of_hits : callable
        A method of :class:`Hits`.
    pairs : (ndarray of shape (n_pairs,), ndarray of shape (n_pairs,))
        User and item of each held-out interaction.
    users : array-like of shape (n_users,)
        The users of the lists, each of them once.
    items : array-like of shape (n_users, n)
        The lists, best first. Masked places hold no item.
    k : int
        How many items of each list count.

    Returns
    -------
    ndarray of shape (n_users,)
        NaN for users without a held-out interaction.

    Raises
    ------
    ValueError
        If the arguments do not fit together, or no user has an interaction.
    """
    pair_users, pair_items = pairs
    users = as_objects_or_plain(users)
    lists = checked_lists(items, k)
    if users.ndim != 1 or len(users) != len(lists):
        raise ValueError(
            f"users must have one user for each list, got shape {users.shape} and "
            f"{len(lists)} lists."
        )
    known, at_pair, at_user = positions(pair_users, users)
    if len(np.unique(at_user)) != len(at_user):
        raise ValueError("users must not hold a user twice.")
    row_of = np.full(known, -1)
    row_of[at_user] = np.arange(len(users))
    absent = np.ma.getmaskarray(lists)
    n_items, at_item, at_listed = positions(pair_items, np.ma.getdata(lists).ravel())
    at_listed = np.where(absent, -1, at_listed.reshape(lists.shape))
    _refuse_repeats(at_listed, lists)
    row = row_of[at_pair]
    shape = (len(users), n_items)
    asked = row >= 0
    relevant = sparse.coo_array(
        (np.ones(asked.sum(), bool), (row[asked], at_item[asked])), shape=shape
    ).tocsr()
    found = hits_of_matrix(at_listed, relevant)
    width = min(k, lists.shape[1])
    is_hit = np.zeros((len(users), k), dtype=bool)  # a short list has empty places
    is_hit[:, :width] = found.is_hit
    has_some = found.n_relevant > 0
    if not has_some.any():
        raise ValueError("X holds no interaction of the users of the lists.")
    values = np.full(len(users), np.nan)
    values[has_some] = of_hits(Hits(is_hit[has_some], found.n_relevant[has_some]))
    return values


def checked_lists(items: Any, k: int) -> np.ma.MaskedArray:
    """Return the first k items of lists, of shape (n_users, at most k)."""
    if isinstance(items, (list, tuple)) and len({np.shape(one)[:1] for one in items}) > 1:
        lengths = sorted({np.size(one) for one in items})
        raise ValueError(
            f"items must hold lists of the same length, got lengths from {lengths[0]} to "
            f"{lengths[-1]}; pass a masked array whose masked places hold no item, as recommend "
            "returns it."
        )
    lists = items if isinstance(items, np.ma.MaskedArray) else np.ma.asarray(np.asarray(items))
    if lists.ndim != 2:
        raise ValueError(
            f"items must have one list for each user, of shape (n_users, n), got {lists.shape}."
        )
    return lists[:, :k]


def _refuse_repeats(at_listed: np.ndarray, lists: np.ma.MaskedArray) -> None:
    """Refuse lists that hold an item more than once; masked places hold -1."""
    ordered = np.sort(at_listed, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if repeats.any():
        row = int(repeats.any(axis=1).argmax())
        raise ValueError(
            f"items must not hold an item twice in a list, got {lists[row].tolist()} in list {row}."
        )


def columns_of(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the users and items of pairs."""
    columns = all_columns_of(X)
    if len(columns) < 2:
        raise ValueError(
            f"X must have two columns, user and item, got an array of shape {np.shape(X)}."
        )
    return columns[0], columns[1]


def all_columns_of(X: Any) -> list[np.ndarray]:
    """Return the columns of X: a frame, a list of rows, or an array; none if it has no columns."""
    if hasattr(X, "iloc"):
        return [as_objects_or_plain(X.iloc[:, i]) for i in range(X.shape[1])]
    if isinstance(X, (list, tuple)):
        return [as_objects_or_plain(list(column)) for column in zip(*X, strict=True)]
    X = np.asarray(X)
    return list(X.T) if X.ndim == 2 else []


def as_objects_or_plain(values: Any) -> np.ndarray:
    """Return ids as an array, of objects if they are of several types, or are tuples."""
    if isinstance(values, (list, tuple)):
        kinds = {type(value) for value in values}
        if len(kinds) > 1 or kinds == {tuple}:
            return np.fromiter(values, dtype=object, count=len(values))
    return np.asarray(values)


def positions(first: np.ndarray, second: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of distinct ids in two arrays, and their positions."""
    kinds = {"number" if ids.dtype.kind in "biuf" else ids.dtype.kind for ids in (first, second)}
    if kinds == {"number", "U"} and len(first) and len(second):
        raise ValueError(
            f"Ids must be of one type, got {first.dtype} in X and {second.dtype} in the lists or "
            "their users; text and numbers are never the same id."
        )
    if first.dtype == object or second.dtype == object or first.dtype.kind != second.dtype.kind:
        place: dict[Any, int] = {}
        both = [*first.tolist(), *second.tolist()]
        at = np.fromiter((place.setdefault(v, len(place)) for v in both), np.intp, len(both))
        return len(place), at[: len(first)], at[len(first) :]
    distinct, at = np.unique(np.concatenate([first, second]), return_inverse=True)
    return len(distinct), at[: len(first)], at[len(first) :]
