"""Vectors of new users, from their ratings alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._blocks import products_of_pairs
from .._formula import shrunken_mean
from .._observed import row_of_entry, with_entries
from .._training._completion import CompletionEngine, EntryRows
from .._training._vectors import Vectors
from ..nn._implicit_feedback import implicit_feedback

_LEAST_PENALTY = 1e-9  # without any, the vector of a user with few ratings is not determined


class FoldIn(NamedTuple):
    """What a network needs to compute the vectors of new users.

    Attributes
    ----------
    weight : float
        Its weight in the blend.
    factors : slice
        Its part of the vectors of the blend.
    item_offsets : ndarray of shape (n_items,)
        Its offsets of items.
    encoder : CompletionEngine or None
        The network, if its rows are users: it encodes the ratings of a new user.
    implicit : ndarray of shape (n_items, n_factors) or None
        The implicit-feedback vectors of a network whose rows are items, if it has some.
    penalty : float
        The penalty on vectors of users of a network whose rows are items.
    is_moved : bool
        Whether vectors of items have changed since the network was trained.
    """

    weight: float
    factors: slice
    item_offsets: np.ndarray
    encoder: CompletionEngine | None
    implicit: np.ndarray | None
    penalty: float
    is_moved: bool = False

    def moved(self, item_offsets: np.ndarray) -> FoldIn:
        """Return the same for items whose vectors have changed, and for new items after them."""
        implicit = self.implicit
        if implicit is not None:
            n_new = len(item_offsets) - len(implicit)
            implicit = np.vstack([implicit, np.zeros((n_new, implicit.shape[1]), implicit.dtype)])
        return self._replace(item_offsets=item_offsets, implicit=implicit, is_moved=True)

    def vectors(
        self, rows: EntryRows, known: Vectors, means: np.ndarray, *, unit: float, prior: float
    ) -> Vectors:
        """Return the vectors and offsets of new users, beside those of the items.

        Parameters
        ----------
        rows : EntryRows
            The ratings of each new user.
        known : Vectors
            The blend of the users of training.
        means : ndarray of shape (n_users,)
            Mean rating of each of them in `unit`, which their offsets are shrunken towards.
        unit : float
            The unit of the vectors.
        prior : float
            Penalty on the squared distance of an offset from the user's mean.

        Returns
        -------
        Vectors
        """
        if self.encoder is not None:
            return self._encoded(self.encoder, rows, known)
        items = known.columns[:, self.factors]
        X = with_entries(rows.X, rows.X.data / unit)
        vectors = np.zeros((X.shape[0], items.shape[1]))
        if self.implicit is not None:
            vectors = implicit_feedback(X, self.implicit.astype(np.float64, copy=False))
        penalties = (self.penalty, prior)
        start = vectors, means
        users, offsets = ridge_vectors(
            EntryRows(X, rows.weights), items, self.item_offsets, start, penalties
        )
        with np.errstate(over="ignore"):  # predictions are checked
            return Vectors(users.astype(items.dtype), items, offsets, self.item_offsets)

    def _encoded(self, encoder: CompletionEngine, rows: EntryRows, known: Vectors) -> Vectors:
        """Return the codes of users. The network does not know items that came after it."""
        assert encoder.net is not None
        module = encoder.net.module_
        n_items = len(module.bias)
        weights = None if rows.weights is None else rows.weights[rows.X.indices < n_items]
        vectors = encoder.vectors(EntryRows(rows.X[:, :n_items], weights), known.columns.dtype)
        if not self.is_moved:
            return vectors
        items = known.columns[:, self.factors]
        offsets = np.zeros(len(vectors.rows))
        if module.row_offset is not None:
            X, w = rows.X, np.ones(rows.X.nnz) if rows.weights is None else rows.weights
            row = row_of_entry(X)
            explained = products_of_pairs(vectors.rows, items, row, X.indices)
            left = X.data / encoder.scaling.unit - explained - self.item_offsets[X.indices]
            total, n_observed = (np.bincount(row, part, len(offsets)) for part in (w * left, w))
            offsets = shrunken_mean(total, n_observed, module.row_offset)
        return Vectors(vectors.rows, items, offsets, self.item_offsets)


def ridge_vectors(
    rows: EntryRows,
    items: np.ndarray,
    item_offsets: np.ndarray,
    prior: tuple[np.ndarray, np.ndarray],
    penalties: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute vectors and offsets of new users by ridge regression on the vectors of the items.

    For each user, with :math:`R` the set of the rated items, it minimizes

    .. math:: \sum_{i \in R} w_i (x_i - u^\top v_i - a - b_i)^2
        + \lambda_u \lVert u - u_0 \rVert^2 + \lambda_a (a - a_0)^2

    Parameters
    ----------
    rows : EntryRows
        Ratings, and their weights :math:`w`.
    items : ndarray of shape (n_items, n_factors)
        Vectors :math:`v` of the items.
    item_offsets : ndarray of shape (n_items,)
        Offsets :math:`b` of the items.
    prior : (ndarray of shape (n_users, n_factors), ndarray of shape (n_users,))
        The vectors :math:`u_0` and the offsets :math:`a_0`.
    penalties : tuple of float
        :math:`\lambda_u` and :math:`\lambda_a`.

    Returns
    -------
    users : ndarray of shape (n_users, n_factors)
    user_offsets : ndarray of shape (n_users,)
    """
    X, (users, offsets) = rows.X, (part.copy() for part in prior)
    roots = np.ones(X.nnz) if rows.weights is None else np.sqrt(rows.weights)
    scale = np.sqrt(np.maximum(penalties, _LEAST_PENALTY))
    for row in range(X.shape[0]):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        columns = X.indices[entries]
        if not len(columns):
            continue
        # in units in which both penalties are 1, and in the space of the few ratings of the user
        rated = items[columns].astype(np.float64, copy=False)
        A = np.hstack([rated / scale[0], np.full((len(columns), 1), 1 / scale[1])])
        left = X.data[entries] - item_offsets[columns] - rated @ users[row] - offsets[row]
        A, left = A * roots[entries, None], left * roots[entries]
        solution = A.T @ np.linalg.solve(A @ A.T + np.eye(len(columns)), left)
        users[row] += solution[:-1] / scale[0]
        offsets[row] += solution[-1] / scale[1]
    return users, offsets
