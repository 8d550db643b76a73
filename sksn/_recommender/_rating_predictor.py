"""Ratings on any scale: the rating model, and what is predicted for those it does not know."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._blocks import largest_of
from .._dates import Dates
from .._moments import power_of_two
from .._observed import column_counts, row_of_entry
from .._training._completion import EntryRows
from .._training._offsets import column_offsets, row_offsets
from ._date_effect import DateCorrection, learn_dates, pairs_within
from ._ids import UNKNOWN
from ._interactions import Interactions
from ._rating_model import LEAST_PRIOR, RatingModel
from ._rating_training import trained

_PRIOR = 5.0  # shrinkage of the means of users and items
_LOW, _HIGH = 1.0, 5.0  # the scale of the networks
_LARGEST = np.finfo(np.float64).max


class RatingScale(NamedTuple):
    """The scale of the ratings, which the networks see as 1 to 5.

    Attributes
    ----------
    low, high : float
        Lowest and highest training rating.
    """

    low: float
    high: float

    @property
    def _unit(self) -> float:
        """A power of two near the largest rating, in which differences do not overflow."""
        return float(power_of_two(largest_of(np.array(self)))) if any(self) else 1.0

    @property
    def _span(self) -> float:
        return self.high / self._unit - self.low / self._unit

    def inner(self, ratings: np.ndarray) -> np.ndarray:
        """Return ratings on the scale of the networks."""
        with np.errstate(over="ignore"):
            share = (ratings / self._unit - self.low / self._unit) / (self._span or 1.0)
        return _LOW + share * (_HIGH - _LOW)

    def outer(self, ratings: np.ndarray) -> np.ndarray:
        """Return ratings of the networks on the scale of the user."""
        share = (ratings - _LOW) / (_HIGH - _LOW)
        with np.errstate(over="ignore"):
            found = (share * self._span + self.low / self._unit) * self._unit
        return np.clip(found, -_LARGEST, _LARGEST)

    def error(self, inner: float) -> float:
        """Return an error of the networks on the scale of the user."""
        return inner / (_HIGH - _LOW) * self._span * self._unit


class RatingPredictor:
    """Predicts ratings of all pairs, of users and items that are not known too.

    Parameters
    ----------
    scale : RatingScale
        The scale of the ratings; all other ratings here are on that of the networks.
    mean : float
        Mean rating.
    item_means, user_means : ndarray of shape (n_items,), (n_users,)
        Mean rating of each item, and that of each user without the effect of the items, shrunken.
    model : RatingModel
        Predicts pairs that are known on both sides.
    prior : float
        Penalty on the distance of the offset of a new user from the user's mean.
    counts : ndarray of shape (n_items,)
        Number of ratings of each item.
    weight_unit : float
        The mean weight of the ratings.
    correction : DateCorrection or None
        Corrects predictions of these users for dates.

    Attributes
    ----------
    limits : tuple of float
        Lowest and highest rating that is predicted.
    """

    def __init__(
        self,
        scale: RatingScale,
        mean: float,
        item_means: np.ndarray,
        user_means: np.ndarray,
        model: RatingModel,
        prior: float,
        counts: np.ndarray,
        weight_unit: float,
        correction: DateCorrection | None = None,
    ) -> None:
        self.scale, self.mean, self.prior, self.limits = scale, mean, prior, (scale.low, scale.high)
        self.correction = correction
        self.item_means, self.user_means, self.model = item_means, user_means, model
        self.counts, self.weight_unit = counts, weight_unit

    @classmethod
    def fit(
        cls, ratings: Interactions, parameters: Mapping[str, Any], random: np.random.RandomState
    ) -> tuple[RatingPredictor, dict[str, Any]]:
        """Train the networks.

        Parameters
        ----------
        ratings : Interactions
            The ratings.
        parameters : mapping
            The parameters of the recommender.
        random : RandomState
            The source of the seeds.

        Returns
        -------
        predictor : RatingPredictor
        record : dict
            The fitted attributes of the recommender that tell of the networks.
        """
        assert ratings.values is not None
        scale = RatingScale(float(ratings.values.min()), float(ratings.values.max()))
        weight_unit = 1.0 if ratings.weights is None else float(ratings.weights.mean())
        ratings = ratings.with_values(scale.inner(ratings.values), weight_unit)
        rows = ratings.rows("user")
        mean, item_means = _means(rows)
        user_means = _user_means(rows, mean, item_means)
        counts = column_counts(rows.X)
        del rows
        model, record = trained(ratings, parameters, random, rating_range=(_LOW, _HIGH))
        if record["validation_score_"] is not None:
            record["validation_score_"] = scale.error(record["validation_score_"])
        prior = max(parameters["row_offset"] or 0.0, LEAST_PRIOR)
        found = cls(scale, mean, item_means, user_means, model, prior, counts, weight_unit)
        if ratings.dates is not None and parameters["dates"] != "ignore":
            found.correction, effect = learn_dates(
                ratings, parameters, record, random, limits=(_LOW, _HIGH)
            )
            if effect["errors"] is not None:
                effect["errors"] = tuple(map(scale.error, effect["errors"]))
            record["date_effect_"] = effect
        return found, record

    @property
    def popularity(self) -> np.ndarray:
        """What users without ratings get as scores of the items; shape (n_items,)."""
        return self.scale.outer(self.item_means)

    @property
    def user_vectors(self) -> np.ndarray:
        """Vectors of all users, shape (n_users, n_factors)."""
        rows = self.model.vectors.rows
        return np.hstack([rows, np.ones((len(rows), 1), rows.dtype)])

    @property
    def item_vectors(self) -> np.ndarray:
        """Vectors of the items with their offsets, shape (n_items, n_factors)."""
        vectors = self.model.vectors
        offsets = vectors.column_offsets[:, None].astype(vectors.columns.dtype)
        return np.hstack([vectors.columns, offsets])

    @property
    def codes(self) -> np.ndarray:
        """Vectors that say which items are alike, shape (n_items, n_factors)."""
        return self.model.vectors.columns

    def predict_pairs(
        self, users: np.ndarray, items: np.ndarray, dates: Dates | None = None
    ) -> np.ndarray:
        """Predict ratings of pairs, given by positions or `UNKNOWN`, within the scale.

        Dates correct the ratings of pairs that are known on both sides.
        """
        known_user, known_item = users != UNKNOWN, items != UNKNOWN
        ratings = np.full(len(users), self.mean)
        ratings[known_item] = self.item_means[items[known_item]]
        alone = known_user & ~known_item
        ratings[alone] = self.user_means[users[alone]]
        both = known_user & known_item
        ratings[both] = self.model.predict_pairs(users[both], items[both])
        if dates is not None and self.correction is not None and both.any():
            change = self.correction.correct(users[both], dates.of(both))
            ratings[both] = np.clip(ratings[both], _LOW, _HIGH) + change
        return np.clip(self.scale.outer(ratings), *self.limits)

    def predict_rows(self, users: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Predict all ratings of users, given by positions, a block of them at a time."""
        for part, predicted in self.model.predict_rows(users):
            yield part, self.scale.outer(predicted)

    def fold_in(self, ratings: Interactions) -> RatingPredictor:
        """Return a predictor for new users, from their ratings alone."""
        folded = self.of_users(*self._fold(self._inner(ratings)))
        folded.correction = self.correction_of(ratings)
        return folded

    def correction_of(self, ratings: Interactions) -> DateCorrection | None:
        """Return the correction of new users for dates, if there is one."""
        if self.correction is None:
            return None
        inner = self._inner(ratings)
        return self.correction.fold_in(
            inner, lambda chosen: pairs_within(self._fold(inner, chosen)[1], (_LOW, _HIGH))
        )

    def of_users(
        self,
        user_means: np.ndarray,
        model: RatingModel,
        correction: DateCorrection | None = None,
    ) -> RatingPredictor:
        """Return a predictor of the same items and of other users."""
        copied = copy.copy(self)
        copied.user_means, copied.model, copied.correction = user_means, model, correction
        return copied

    def learn_means(self, X: Any, n_earlier: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn the means of items and users from new ratings, in place.

        Parameters
        ----------
        X : CSR matrix of shape (n_users, n_items)
            The new ratings. New items are the last ones.
        n_earlier : ndarray of shape (n_users,)
            Numbers of earlier ratings of these users.
        weights : ndarray of shape (n_new,) or None
            Weights of the new ratings.
        """
        n_new_items = X.shape[1] - len(self.counts)
        counts = np.r_[self.counts, np.zeros(n_new_items, self.counts.dtype)]
        items = np.r_[self.item_means, np.full(n_new_items, self.mean)]
        w = np.ones(X.nnz) if weights is None else weights
        row, column = row_of_entry(X), X.indices
        left = X.data - items[column] - (self.user_means - self.mean)[row]

        def moved(means: np.ndarray, at: np.ndarray, n: np.ndarray) -> np.ndarray:
            total, weight = (np.bincount(at, part, len(means)) for part in (w * left, w))
            return np.asarray(means + total / (n + _PRIOR + weight))

        self.item_means = moved(items, column, counts)
        self.user_means = moved(self.user_means, row, n_earlier)
        self.mean += float(w @ (X.data - self.mean)) / max(1.0, counts.sum() + w.sum())
        self.counts = counts + column_counts(X)

    def with_items_of(self, other: RatingPredictor) -> RatingPredictor:
        """Return a predictor of the same users, with what another one knows of the items."""
        copied = copy.copy(self)
        copied.mean, copied.item_means, copied.limits = other.mean, other.item_means, other.limits
        copied.counts = other.counts
        vectors = other.model.vectors
        copied.model = self.model.with_items(vectors.columns, vectors.column_offsets)
        return copied

    def _inner(self, ratings: Interactions) -> Interactions:
        """Return ratings on the scale of training, and weights in the unit of training."""
        assert ratings.values is not None
        return ratings.with_values(self.scale.inner(ratings.values), self.weight_unit)

    def _fold(
        self, ratings: Interactions, chosen: np.ndarray | None = None
    ) -> tuple[np.ndarray, RatingModel]:
        """Return the means of new users, and a model of them, from chosen ratings."""
        rows = ratings.rows("user", chosen)
        means = _user_means(rows, self.mean, self.item_means)
        return means, self.model.fold_in(rows, means, prior=self.prior)


def _means(rows: EntryRows) -> tuple[float, np.ndarray]:
    """Return the mean rating, and the mean of each item, shrunken towards it."""
    mean = float(np.average(rows.X.data, weights=rows.weights))
    return mean, column_offsets(rows.X, _PRIOR, rows.weights)


def _user_means(rows: EntryRows, mean: float, item_means: np.ndarray) -> np.ndarray:
    """Return the mean of each user, freed of the items and shrunken towards the mean rating."""
    return mean + row_offsets(rows.X, item_means, _PRIOR, rows.weights)
