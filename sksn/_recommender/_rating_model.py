"""The rating model: autoencoders over rows of items and of users, blended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._autoencoder import SNAutoencoder, with_engine
from .._training._completion import CompletionEngine, EntryRows
from .._training._vectors import Vectors
from ..nn._implicit_feedback import implicit_feedback

SIDES = {"item": ("item",), "user": ("user",), "both": ("item", "user")}
LEAST_PRIOR = 1e-3  # shrinkage that the offset of a new user has at least


class Network(NamedTuple):
    """A trained autoencoder.

    Attributes
    ----------
    side : {"item", "user"}
        What its rows are.
    face : SNAutoencoder
        The estimator that shows it to the user.
    engine : CompletionEngine
        The autoencoder.
    """

    side: str
    face: SNAutoencoder
    engine: CompletionEngine

    def vectors(self, rows: EntryRows) -> Vectors:
        """Return its predictions as vectors of users and items, in the units of the ratings."""
        vectors = self.engine.vectors(rows.X).in_units(self.engine.scaling.unit)
        return vectors.transposed if self.side == "item" else vectors


class RatingModel:
    r"""A blend of networks, :math:`\hat x_{ui} = u_u^\top v_i + a_u + b_i`.

    Parameters
    ----------
    networks : sequence of Network
        The trained networks.
    rows : mapping of str to EntryRows
        The ratings to predict from, as rows of each side.

    Attributes
    ----------
    parts : list of Vectors
        The model of each network.
    """

    def __init__(self, networks: Sequence[Network], rows: Mapping[str, EntryRows]) -> None:
        self.networks = list(networks)
        self.parts = [network.vectors(rows[network.side]) for network in networks]

    def predict_sides(self, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
        """Predict pairs by the networks of each side."""
        sides = [network.side for network in self.networks]
        predictions = []
        for side in dict.fromkeys(sides):
            parts = [part for part, of in zip(self.parts, sides, strict=True) if of == side]
            mean = Vectors.blend(parts, [1 / len(parts)] * len(parts))
            predictions.append(mean.predict_pairs(users, items))
        return predictions

    def blend(self, item_weight: float) -> Vectors:
        """Return the blend; the networks whose rows are users have the rest of the weight.

        From then on the parts have vectors of items only.
        """
        weights = self._weights(item_weight)
        blend = Vectors.blend(self.parts, weights)
        widths = [
            part.columns.shape[1] if w else 0 for part, w in zip(self.parts, weights, strict=True)
        ]
        starts = np.cumsum([0, *widths])
        for i, part in enumerate(self.parts):
            columns = blend.columns[:, starts[i] : starts[i + 1]]  # no copy
            self.parts[i] = part._replace(
                rows=np.empty((0, part.columns.shape[1])),
                columns=columns if widths[i] else part.columns,
            )
        return blend

    def fold_in(
        self, rows: EntryRows, user_means: np.ndarray, *, item_weight: float, prior: float
    ) -> Vectors:
        """Return a model of new users, without training.

        Parameters
        ----------
        rows : EntryRows
            The ratings of each new user.
        user_means : ndarray of shape (n_users,)
            Mean rating of each of them, which their offsets are shrunken towards.
        item_weight : float
            Weight of the networks whose rows are items.
        prior : float
            Penalty on the squared distance of an offset from the user's mean.

        Returns
        -------
        Vectors
        """
        parts = [
            network.vectors(rows)
            if network.side == "user"
            else _fold_into_items(network.engine, part, rows.X, user_means, prior)
            for network, part in zip(self.networks, self.parts, strict=True)
        ]
        return Vectors.blend(parts, self._weights(item_weight))

    def _weights(self, item_weight: float) -> list[float]:
        sides = [network.side for network in self.networks]
        of_side = {"item": item_weight, "user": 1 - item_weight}
        return [of_side[side] / sides.count(side) for side in sides]


def train_networks(
    parameters: Mapping[str, Any],
    rows: Mapping[str, EntryRows],
    seeds: np.ndarray,
    *,
    held_out: Mapping[str, EntryRows] | None = None,
    n_epochs: Sequence[int] | None = None,
) -> list[Network]:
    """Train the networks of each side.

    Parameters
    ----------
    parameters : mapping
        The parameters of the recommender.
    rows : mapping of str to EntryRows
        The ratings to train on, as rows of each side.
    seeds : ndarray of int of shape (n_sides, n_estimators)
        Seed of each network.
    held_out : mapping of str to EntryRows, optional
        The ratings to validate on.
    n_epochs : sequence of int, optional
        Epochs of each network, instead of ``max_epochs``.

    Returns
    -------
    list of Network
    """
    networks: list[Network] = []
    for s, (side, training) in enumerate(rows.items()):
        validation = None if held_out is None else held_out[side]
        for i, seed in enumerate(seeds[s], start=1):
            face = _autoencoder(parameters, side, int(seed))
            of_face = face.get_params(deep=False)
            engine = CompletionEngine(
                of_face,
                is_sparse=True,
                implicit_feedback=parameters["history"] and side == "item",
            )
            lesson = engine.prepare(
                of_face,
                training,
                validation,
                n_epochs=None if n_epochs is None else n_epochs[len(networks)],
                label=f"{side} rows {i}/{len(seeds[s])}" if parameters["verbose"] else None,
            )
            engine.train(lesson)
            networks.append(Network(side, with_engine(face, engine), engine))
    return networks


def _autoencoder(parameters: Mapping[str, Any], side: str, seed: int) -> SNAutoencoder:
    """Return an autoencoder with the parameters of the recommender, not fitted."""
    face = SNAutoencoder(
        input_scaling="global",
        center=side == "user",  # residuals suit rows of users, but not rows of items
        add_indicator=side == "user",
    )
    shared = face.get_params().keys() & parameters.keys()
    own = {name: parameters[name] for name in shared} | {"random_state": seed}
    return face.set_params(**own)


def _fold_into_items(
    engine: CompletionEngine, part: Vectors, X: Any, user_means: np.ndarray, prior: float
) -> Vectors:
    """Return a model of new users of a network whose rows are items."""
    vectors = np.zeros((X.shape[0], part.columns.shape[1]))
    implicit = engine.implicit_vectors()
    if implicit is not None:
        vectors = implicit_feedback(X, implicit * engine.scaling.unit)
    penalties = engine.penalties.behind, prior
    users, offsets = ridge_vectors(
        X, part.columns, part.column_offsets, (vectors, user_means), penalties
    )
    return Vectors(users, part.columns, offsets, part.column_offsets)


def ridge_vectors(
    X: Any,
    items: np.ndarray,
    item_offsets: np.ndarray,
    prior: tuple[np.ndarray, np.ndarray],
    penalties: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute vectors and offsets of new users by ridge regression on the vectors of the items.

    For each user, with :math:`R` the set of the rated items, it minimizes

    .. math:: \sum_{i \in R} (x_i - u^\top v_i - a - b_i)^2
        + \lambda_u \lVert u - u_0 \rVert^2 + \lambda_a (a - a_0)^2

    Parameters
    ----------
    X : CSR matrix of shape (n_users, n_items)
        Ratings.
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
    users, offsets = prior[0].copy(), prior[1].copy()
    scale = np.sqrt(penalties)
    for row in range(X.shape[0]):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        columns = X.indices[entries]
        if not len(columns):
            continue
        # in units in which both penalties are 1, and in the space of the few ratings of the user
        A = np.hstack([items[columns] / scale[0], np.full((len(columns), 1), 1 / scale[1])])
        left = X.data[entries] - item_offsets[columns] - items[columns] @ users[row] - offsets[row]
        solution = A.T @ np.linalg.solve(A @ A.T + np.eye(len(columns)), left)
        users[row] += solution[:-1] / scale[0]
        offsets[row] += solution[-1] / scale[1]
    return users, offsets
