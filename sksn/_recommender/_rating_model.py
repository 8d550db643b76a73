"""The rating model: autoencoders over rows of items and of users, blended."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from .._autoencoder import SNAutoencoder, drop_network, with_engine
from .._training._completion import CompletionEngine, EntryRows
from .._training._device import usual_modes
from .._training._prediction import finite
from .._training._vectors import Vectors
from ._fold_in import FoldIn
from ._interactions import Interactions

SIDES = {"item": ("item",), "user": ("user",), "both": ("item", "user")}
_LARGEST = np.finfo(np.float64).max
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
        """Return its predictions as vectors of users and items, in the units of the network."""
        assert self.engine.net is not None
        dtype = self.engine.net.module_.weight.detach().cpu().numpy().dtype
        vectors = self.engine.vectors(rows, dtype)
        return vectors.transposed if self.side == "item" else vectors


class RatingModel:
    r"""A blend of networks, :math:`\hat x_{ui} = s (u_u^\top v_i + a_u + b_i)`.

    It keeps the vectors, in the type of the networks. Networks with rows of users are kept as well,
    because they encode new users. Networks with rows of items are not: their codes are the vectors
    of the items, and the weights of their decoders those of the users.

    Parameters
    ----------
    networks : sequence of Network
        The trained networks.
    rows : mapping of str to EntryRows
        The ratings to predict from, as rows of each side.

    Attributes
    ----------
    unit : float
        The unit :math:`s` of the vectors: the standard deviation of the ratings.
    noise : float
        The mean squared error in the last pass of training, in squares of this unit.
    networks : list of Network
        The trained networks, before :meth:`blend`.
    vectors : Vectors
        The blend, after :meth:`blend`.
    """

    vectors: Vectors

    def __init__(self, networks: Sequence[Network], rows: Mapping[str, EntryRows]) -> None:
        self.unit = networks[0].engine.scaling.unit
        self.noise = float(np.mean([n.engine.record.loss_curve[-1] for n in networks]))
        self.networks = list(networks)
        self._parts = [network.vectors(rows[network.side]) for network in networks]

    def predict_sides(self, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
        """Predict pairs by the networks of each side, in units of :attr:`unit`."""
        sides = [network.side for network in self.networks]
        predictions = []
        for side in dict.fromkeys(sides):
            of_side = [
                part.predict_pairs(users, items)
                for part, its_side in zip(self._parts, sides, strict=True)
                if its_side == side
            ]
            predictions.append(np.mean(of_side, axis=0))
        return predictions

    def choose_blend(
        self,
        ratings: Interactions,
        held_out: np.ndarray,
        *,
        item_weight: float,
        rating_range: tuple[float, float],
    ) -> tuple[float, float]:
        """Choose the weight of item rows by held-out ratings.

        Parameters
        ----------
        ratings : Interactions
            All ratings.
        held_out : ndarray of int
            Positions of the held-out ratings.
        item_weight : float
            The weight if the networks are all of one side.
        rating_range : tuple of float
            Lowest and highest rating.

        Returns
        -------
        item_weight : float
            The weight with the least squared error, in [0, 1].
        error : float
            Root mean squared error of the blend, in the units of the ratings.
        """
        assert ratings.values is not None
        unit = max(self.unit, float(np.abs(ratings.values[held_out]).max()))
        values = ratings.values[held_out] / unit
        weights = None if ratings.weights is None else ratings.weights[held_out]
        of_side = self.predict_sides(ratings.users[held_out], ratings.items[held_out])
        of_side = [part * (self.unit / unit) for part in of_side]
        predicted = of_side[0]
        if len(of_side) == 2:
            difference = of_side[0] - of_side[1]
            w = np.ones(len(values)) if weights is None else weights
            square = float(w @ difference**2)
            wanted = float(w @ (difference * (values - of_side[1]))) / square if square else 0.5
            item_weight = min(1.0, max(0.0, wanted))
            predicted = item_weight * of_side[0] + (1 - item_weight) * of_side[1]
        low, high = (limit / unit for limit in rating_range)
        error = np.clip(predicted, low, high) - values
        return item_weight, float(np.sqrt(np.average(error**2, weights=weights))) * unit

    def blend(self, item_weight: float) -> Self:
        """Blend the networks; those whose rows are users have the rest of the weight.

        The networks are then dropped but for what new users need.
        """
        sides = [network.side for network in self.networks]
        of_side = {"item": item_weight, "user": 1 - item_weight}
        weights = [of_side[side] / sides.count(side) for side in sides]
        self.vectors = Vectors.blend(self._parts, weights)
        self._fold_ins: list[FoldIn] = []
        start = 0
        for network, part, weight in zip(self.networks, self._parts, weights, strict=True):
            if not weight:
                continue
            factors = slice(start, start + part.columns.shape[1])
            is_item = network.side == "item"
            self._fold_ins.append(
                FoldIn(
                    weight,
                    factors,
                    part.column_offsets,
                    None if is_item else network.engine,
                    network.engine.implicit_vectors() if is_item else None,
                    network.engine.penalties.behind,
                )
            )
            start = factors.stop
        for network in self.networks:
            if network.side == "item":
                drop_network(network.face)
        del self.networks, self._parts
        return self

    def predict_pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Predict single ratings, given by positions; shape (n_pairs,)."""
        return self._in_ratings(self.vectors.predict_pairs(users, items))

    def predict_rows(self, users: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Predict all ratings of users, given by positions, a block of them at a time."""
        for part, predicted in self.vectors.predict_rows(users):
            yield part, self._in_ratings(predicted)

    def _in_ratings(self, predicted: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.clip(finite(predicted, "pair") * self.unit, -_LARGEST, _LARGEST)

    def fold_in(self, rows: EntryRows, user_means: np.ndarray, *, prior: float) -> RatingModel:
        """Return a model of new users, without training.

        Parameters
        ----------
        rows : EntryRows
            The ratings of each new user.
        user_means : ndarray of shape (n_users,)
            Mean rating of each of them, which their offsets are shrunken towards.
        prior : float
            Penalty on the squared distance of an offset from the user's mean.

        Returns
        -------
        RatingModel
        """
        means = user_means / self.unit
        parts = [
            fold_in.vectors(rows, self.vectors, means, unit=self.unit, prior=prior)
            for fold_in in self._fold_ins
        ]
        blend = Vectors.blend(parts, [known.weight for known in self._fold_ins])
        return self.of_users(blend.rows, blend.row_offsets)

    def of_users(self, rows: np.ndarray, row_offsets: np.ndarray) -> RatingModel:
        """Return a model of the same items and of users with these vectors and offsets."""
        folded = copy.copy(self)
        folded.vectors = self.vectors._replace(rows=rows, row_offsets=row_offsets)
        return folded

    def with_items(self, columns: np.ndarray, column_offsets: np.ndarray) -> RatingModel:
        """Return a model of the same users with other vectors and offsets of items."""
        before = self.vectors.column_offsets
        folded = copy.copy(self)
        folded.vectors = self.vectors._replace(columns=columns, column_offsets=column_offsets)
        moved = column_offsets[: len(before)] - before
        folded._fold_ins = [
            part.moved(np.r_[part.item_offsets + moved, column_offsets[len(before) :]])
            for part in self._fold_ins
        ]
        return folded


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
            with usual_modes():
                lesson = engine.prepare(
                    of_face,
                    training,
                    validation,
                    n_epochs=None if n_epochs is None else n_epochs[len(networks)],
                    label=f"{side} rows {i}/{len(seeds[s])}" if parameters["verbose"] else None,
                    prints_epochs=parameters["verbose"] > 1,
                )
                engine.train(lesson)
            networks.append(Network(side, with_engine(face, engine), engine))
    return networks


def _autoencoder(parameters: Mapping[str, Any], side: str, seed: int) -> SNAutoencoder:
    """Return an autoencoder with the parameters of the recommender, not fitted."""
    face = SNAutoencoder(
        input_scaling="global",
        center=side == "user",  # residuals suit rows of users, but not rows of items
        input_indicator=side == "user",
    )
    shared = face.get_params().keys() & parameters.keys()
    own = {name: parameters[name] for name in shared} | {"random_state": seed}
    return face.set_params(**own)
