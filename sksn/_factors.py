"""Predictions as products of vectors of users and items, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ._blocks import blocks

_SCORES = 1 << 22  # scores that are held at a time
_GATHERED = 1 << 21  # numbers gathered at a time for single pairs


class Factors(NamedTuple):
    """A rating is the product of two vectors, plus two offsets.

    Attributes
    ----------
    users, items : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        The vectors.
    user_offset, item_offset : ndarray of shape (n_users,), (n_items,)
        The offsets.
    """

    users: np.ndarray
    items: np.ndarray
    user_offset: np.ndarray
    item_offset: np.ndarray

    @classmethod
    def blend(cls, parts: Sequence[Self], weights: Sequence[float]) -> Self:
        """Factors whose ratings are a weighted sum of those of others."""
        kept = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight]
        return cls(
            np.hstack([weight * part.users for part, weight in kept]),
            np.hstack([part.items for part, _ in kept]),
            np.sum([weight * part.user_offset for part, weight in kept], axis=0),
            np.sum([weight * part.item_offset for part, weight in kept], axis=0),
        )

    def at(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Ratings of pairs, given by positions; shape (n_pairs,)."""
        out = np.empty(len(users))
        for part in blocks(len(users), self.users.shape[1], most_entries=_GATHERED):
            u, i = users[part], items[part]
            out[part] = np.einsum("ij,ij->i", self.users[u], self.items[i])
            out[part] += self.user_offset[u] + self.item_offset[i]
        return out

    def scores(self, users: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Ratings of all items by users, a block of the users given by positions at a time."""
        for part in blocks(len(users), len(self.items), most_entries=_SCORES):
            u = users[part]
            scores = self.users[u] @ self.items.T
            scores += self.user_offset[u, None] + self.item_offset
            yield part, scores


def best(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns with the n highest scores of each row, best first, and the scores.

    Of equal scores the one of the lower column comes first.
    """
    n_rows, n_columns = scores.shape
    if 0 < n < n_columns:
        border = np.partition(scores, n_columns - n, axis=1)[:, n_columns - n]
        columns = np.empty((n_rows, n), dtype=np.intp)
        for row in range(n_rows):
            candidates = np.flatnonzero(scores[row] >= border[row])
            order = np.argsort(-scores[row, candidates], kind="stable")[:n]
            columns[row] = candidates[order]
    else:
        columns = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return columns, np.take_along_axis(scores, columns, axis=1)


def ridge_vectors(
    X: Any,
    items: np.ndarray,
    item_offset: np.ndarray,
    prior: tuple[np.ndarray, np.ndarray],
    penalties: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and offsets of new users, whose ratings they explain best.

    Parameters
    ----------
    X : CSR matrix of shape (n_users, n_items)
        Ratings.
    items : ndarray of shape (n_items, n_factors)
        Vectors of the items.
    item_offset : ndarray of shape (n_items,)
        Offsets of the items.
    prior : (ndarray of shape (n_users, n_factors), ndarray of shape (n_users,))
        What the vector and the offset of each user are drawn to.
    penalties : tuple of float
        Of the squared distance of a vector from `prior`, and of that of an offset.

    Returns
    -------
    users : ndarray of shape (n_users, n_factors)
    user_offset : ndarray of shape (n_users,)
    """
    users, offsets = prior[0].copy(), prior[1].copy()
    scale = np.sqrt(penalties)
    for row in range(X.shape[0]):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        columns = X.indices[entries]
        if not len(columns):
            continue
        # in units in which both penalties are 1; solved for the ratings, which are few
        A = np.hstack([items[columns] / scale[0], np.full((len(columns), 1), 1 / scale[1])])
        left = X.data[entries] - item_offset[columns] - items[columns] @ users[row] - offsets[row]
        solution = A.T @ np.linalg.solve(A @ A.T + np.eye(len(columns)), left)
        users[row] += solution[:-1] / scale[0]
        offsets[row] += solution[-1] / scale[1]
    return users, offsets
