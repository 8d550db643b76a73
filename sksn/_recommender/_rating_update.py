r"""Further ratings for the vectors of users and items, without the earlier ratings.

The vectors and offsets of the users and items of the new ratings minimize

.. math:: \sum_{(u, i)} w_{ui} (x_{ui} - u_u^\top v_i - a_u - b_i)^2
    + \sum_u \lVert (u_u, a_u) - (u_u, a_u)^0 \rVert^2_{\Lambda_u}
    + \sum_i \lVert (v_i, b_i) - (v_i, b_i)^0 \rVert^2_{\Lambda_i}

The first sum is over the new ratings alone. The earlier ratings hold vectors where they were (0): a
user with n of them has :math:`\Lambda_u = D + n C`. C is the mean of
:math:`(v, 1) (v, 1)^\top` over all ratings, so that n average items take the place of those that
the user has rated. D is the variance of the noise times the inverse covariance of the vectors of
all users, around whose mean new users start. The same holds for items. Both sides are computed in
turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._observed import row_counts, select_entries, with_entries
from .._training._completion import EntryRows
from .._training._vectors import Vectors
from ._rating_predictor import RatingPredictor

_ROUNDS = 2
_SHRINKAGE = 0.1  # of covariances towards their diagonal
_LEAST_SPREAD, _LEAST_NOISE = 1e-8, 1e-12


class Prior(NamedTuple):
    r"""The penalty :math:`\Lambda = D + n C` for all n, in a basis in which it is diagonal.

    Attributes
    ----------
    basis : ndarray of shape (n_factors + 1, n_factors + 1)
        The vectors :math:`S` for which :math:`S^\top D S = I` and :math:`S^\top C S` is diagonal.
    held : ndarray of shape (n_factors + 1,)
        This diagonal.
    """

    basis: np.ndarray
    held: np.ndarray

    @classmethod
    def learn(cls, own: np.ndarray, others: np.ndarray, counts: np.ndarray, noise: float) -> Prior:
        """Learn the penalty of one side.

        Parameters
        ----------
        own : ndarray of shape (n_own, n_factors + 1)
            Vectors and offsets of this side.
        others : ndarray of shape (n_others, n_factors)
            Vectors of the other side.
        counts : ndarray of shape (n_others,)
            Their numbers of ratings.
        noise : float
            The variance of the noise of ratings.
        """
        covariance = np.atleast_2d(np.cov(own, rowvar=False, bias=True))
        variances = covariance.diagonal().copy()
        covariance *= 1 - _SHRINKAGE
        np.einsum("ii->i", covariance)[:] = variances
        spread, vectors = np.linalg.eigh(covariance)
        spread = np.maximum(spread, _LEAST_SPREAD * (spread[-1] or 1.0))
        root = vectors * np.sqrt(spread / max(noise, _LEAST_NOISE))
        others = with_one(others) @ root
        moment = others.T @ (others * (counts / max(1, counts.sum()))[:, None])
        held, vectors = np.linalg.eigh(moment)
        return cls(root @ vectors, np.maximum(held, 0))

    def moved(
        self,
        start: np.ndarray,
        n_earlier: np.ndarray,
        others: np.ndarray,
        other_offsets: np.ndarray,
        X: Any,
        weights: np.ndarray | None,
    ) -> np.ndarray:
        """Return the vectors and offsets of one side for fixed ones of the other.

        Parameters
        ----------
        start : ndarray of shape (n_own, n_factors + 1)
            Where they were before the new ratings.
        n_earlier : ndarray of shape (n_own,)
            Their numbers of earlier ratings.
        others, other_offsets : ndarray of shape (n_others, n_factors), (n_others,)
            Vectors and offsets of the other side.
        X : CSR matrix of shape (n_own, n_others)
            The new ratings.
        weights : ndarray of shape (n_new,) or None
            Their weights.
        """
        out = start.copy()
        used, place = np.unique(X.indices, return_inverse=True)
        partners = with_one(others[used])
        in_basis = partners @ self.basis
        for row in np.flatnonzero(np.diff(X.indptr)):
            entries = slice(X.indptr[row], X.indptr[row + 1])
            at = place[entries]
            left = X.data[entries] - other_offsets[used[at]] - partners[at] @ start[row]
            scale = 1 / np.sqrt(1 + n_earlier[row] * self.held)
            A = in_basis[at] * scale
            if weights is not None:
                root = np.sqrt(weights[entries])
                A, left = A * root[:, None], left * root
            if len(A) < A.shape[1]:
                step = A.T @ np.linalg.solve(A @ A.T + np.eye(len(A)), left)
            else:
                step = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ left)
            out[row] += self.basis @ (scale * step)
        return out


class Side(NamedTuple):
    """The users, or the items, of new ratings.

    Attributes
    ----------
    start : ndarray of shape (n, n_factors + 1)
        Their vectors and offsets before.
    n_earlier : ndarray of shape (n,)
        Their numbers of earlier ratings.
    prior : Prior
        The penalty.
    """

    start: np.ndarray
    n_earlier: np.ndarray
    prior: Prior


def move_vectors(
    users: Side, items: Side, X: Any, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and offsets of users and items after new ratings.

    Parameters
    ----------
    users, items : Side
        The users and items.
    X : CSR matrix of shape (n_users, n_items)
        The new ratings.
    weights : ndarray of shape (n_new,) or None
        Their weights.

    Returns
    -------
    of_users, of_items : ndarray of shape (n_users, n_factors + 1), (n_items, n_factors + 1)
    """
    order = type(X)((np.arange(X.nnz), X.indices, X.indptr), shape=X.shape).T.tocsr()
    by_item = type(order)((X.data[order.data], order.indices, order.indptr), shape=order.shape)
    item_weights = None if weights is None else weights[order.data]
    of_users = users.start
    for _ in range(_ROUNDS):
        of_items = items.prior.moved(
            items.start, items.n_earlier, of_users[:, :-1], of_users[:, -1], by_item, item_weights
        )
        of_users = users.prior.moved(
            users.start, users.n_earlier, of_items[:, :-1], of_items[:, -1], X, weights
        )
    return of_users, of_items


def further_ratings(
    known: Sequence[tuple[RatingPredictor, np.ndarray]],
    sources: Sequence[tuple[RatingPredictor, np.ndarray, np.ndarray]],
    rows: EntryRows,
    is_new: np.ndarray,
) -> RatingPredictor:
    """Return a predictor for users with new ratings, and for items that may be new.

    Parameters
    ----------
    known : sequence of (RatingPredictor, ndarray of shape (n_users,))
        What predicts for the users of earlier ratings, and their numbers of ratings.
    sources : sequence of (RatingPredictor, ndarray of int, ndarray of int)
        What predicts for those of them with new ratings, their rows, and their positions.
    rows : EntryRows
        All ratings of the users with new ones.
    is_new : ndarray of bool of shape (n_ratings,)
        Which of them are new. An earlier rating that has changed is a new one.

    Returns
    -------
    RatingPredictor
    """
    base, counts = known[-1][0], np.concatenate([counts for _, counts in known])
    n_new_items = rows.X.shape[1] - len(base.counts)
    X = select_entries(rows.X, is_new)
    inner = with_entries(X, base.scale.inner(X.data))
    weights = None if rows.weights is None else rows.weights[is_new] / base.weight_unit
    users = np.vstack([_with_offsets(predictor.model.vectors) for predictor, _ in known])
    items = _with_offsets(base.model.vectors.transposed)
    start = np.repeat(users.mean(axis=0)[None], X.shape[0], axis=0)
    means = np.full(X.shape[0], base.mean)
    for predictor, place, position in sources:
        start[place] = _with_offsets(predictor.model.vectors)[position]
        means[place] = predictor.user_means[position]
    n_earlier = row_counts(rows.X) - row_counts(X)
    noise = base.model.noise
    of_users = Side(start, n_earlier, Prior.learn(users, items[:, :-1], base.counts, noise))
    of_items = Side(
        np.vstack([items, np.repeat(items.mean(axis=0)[None], n_new_items, axis=0)]),
        np.r_[base.counts, np.zeros(n_new_items, np.intp)],
        Prior.learn(items, users[:, :-1], counts, noise),
    )
    in_units = with_entries(inner, inner.data / base.model.unit)
    with np.errstate(over="ignore", invalid="ignore"):
        moved_users, moved_items = move_vectors(of_users, of_items, in_units, weights)
    if not (np.isfinite(moved_users).all() and np.isfinite(moved_items).all()):
        raise ValueError(
            f"y has ratings from {X.data.min():g} to {X.data.max():g}, too far outside the range "
            f"of training, {base.limits[0]:g} to {base.limits[1]:g}; fit the recommender again."
        )
    kind = base.model.vectors.rows.dtype
    model = base.model.with_items(moved_items[:, :-1].astype(kind), moved_items[:, -1])
    model = model.of_users(moved_users[:, :-1].astype(kind), moved_users[:, -1])
    found = base.of_users(means, model)
    found.learn_means(inner, n_earlier, weights)
    low, high = base.limits
    found.limits = (min(low, X.data.min(initial=low)), max(high, X.data.max(initial=high)))
    return found


def _with_offsets(vectors: Vectors) -> np.ndarray:
    """Return the vectors of rows with their offsets behind."""
    return np.hstack([vectors.rows.astype(np.float64), vectors.row_offsets[:, None]])


def with_one(vectors: np.ndarray) -> np.ndarray:
    """Return vectors with a one behind each, which an offset is multiplied by."""
    return np.hstack([vectors, np.ones((len(vectors), 1))])
