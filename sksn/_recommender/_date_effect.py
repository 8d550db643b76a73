"""Dates: a predicted rating is corrected by the residuals of the user's ratings near in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._dates import Dates
from .._observed import row_of_entry
from .._training._held_out import hold_out_ratings
from ._interactions import Interactions
from ._pairs import MIXED_DATES
from ._rating_model import SIDES, RatingModel, train_networks
from ._residuals import DatedResiduals

Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]

N_FOLDS = 5
_DECAYS = np.array([0.25, 4.0, 64.0])  # in units of the median gap between dates of a user
_SHRINKAGE = 10.0  # number of extra zero residuals in each mean
_POWERS = np.array([0.0, 1.0])  # of w / (w + 10), w being the sum of weights in a mean
_PENALTIES = np.logspace(-4, 1, 11)  # for each rating
_FEWEST = 20  # held-out ratings from which an effect is learned


class DateEffect(NamedTuple):
    """What the residuals near a date say about a rating.

    Attributes
    ----------
    decays : ndarray of shape (n_decays,)
        Times in which the weight of a residual falls by a factor of e.
    coefficients : ndarray of shape (n_decays, n_powers)
        Weights of the means of residuals.
    earlier_only : bool
        Whether only ratings of earlier dates count.
    is_calendar : bool
        Whether the dates are calendar dates.
    """

    decays: np.ndarray
    coefficients: np.ndarray
    earlier_only: bool
    is_calendar: bool

    def means(
        self, known: DatedResiduals, users: np.ndarray, dates: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Average the residuals of users near dates.

        What is rated in one go is more alike, so a mean of many residuals counts more than in
        proportion to its reliability. The powers let the data say by how much.

        Returns
        -------
        means : ndarray of shape (n_pairs, n_decays * n_powers)
            Shrunken means.
        most : ndarray of shape (n_pairs,)
            The largest absolute mean that is not shrunken.
        """
        sums, weights = known.near(users, dates, self.decays, earlier_only=self.earlier_only)
        most = np.abs(sums / np.where(weights > 0, weights, 1.0)).max(axis=1)
        total = weights[..., None] + _SHRINKAGE
        means = sums[..., None] / total * (weights[..., None] / total) ** _POWERS
        return means.reshape(len(users), -1), most


class DateCorrection:
    """Corrects predicted ratings of users at dates.

    Parameters
    ----------
    effect : DateEffect
        What residuals say.
    known : DatedResiduals
        The residuals of the users.
    """

    def __init__(self, effect: DateEffect, known: DatedResiduals) -> None:
        self.effect, self.known = effect, known

    @classmethod
    def learn(
        cls,
        ratings: Interactions,
        train: Callable[[np.ndarray], Predict],
        *,
        share: float,
        earlier_only: bool,
        random: np.random.RandomState,
    ) -> tuple[DateCorrection | None, dict[str, Any]]:
        """Learn the effect of dates from held-out ratings.

        A share of the ratings is held out, and the rest is divided into folds. The residuals of a
        fold come from networks that have seen neither the fold nor the held-out ratings, so that
        they say as much about a held-out rating as they will about a new one.

        Parameters
        ----------
        ratings : Interactions
            The ratings.
        train : callable
            Takes positions of ratings, and returns what predicts pairs after training on these.
        share : float in (0, 1)
            Share of the ratings to hold out.
        earlier_only : bool
            Whether only ratings of earlier dates count.
        random : RandomState
            The source of the choice.

        Returns
        -------
        correction : DateCorrection or None
            None if it does not lower the error of the held-out ratings beyond chance.
        record : dict
            What was chosen: decays, coefficients, and the errors without and with the correction.
        """
        assert ratings.dates is not None
        kept, held_out = hold_out_ratings(len(ratings), share, random)
        residuals = np.full(len(ratings), np.nan)
        residuals[held_out] = _residuals(ratings, train, kept, held_out)
        fold = random.permutation(len(kept)) % N_FOLDS
        for k in range(N_FOLDS):
            out = kept[fold == k]
            residuals[out] = _residuals(ratings, train, kept[fold != k], out)
        known = DatedResiduals.of(ratings, residuals)
        decays = _DECAYS * known.median_gap()
        nothing = np.zeros((len(decays), len(_POWERS)))
        effect = DateEffect(decays, nothing, earlier_only, ratings.dates.is_calendar)
        is_out = np.isin(ratings.positions.data, held_out)
        asked = is_out & ~np.isnan(known.values) & ~np.isnan(known.dates.data)
        errors = None
        if asked.sum() >= _FEWEST:
            users = row_of_entry(known.dates)[asked]
            means, _ = effect.means(known.without(is_out), users, known.dates.data[asked])
            weights = np.ones(len(users)) if known.weights is None else known.weights[asked]
            wanted = known.values[asked].astype(np.float64)
            coefficients, errors = _ridge(means, wanted, weights)
            effect = effect._replace(coefficients=coefficients.reshape(nothing.shape))
        unit = 1e6 if effect.is_calendar else 1.0
        record = {
            "decays": effect.decays / unit,
            "coefficients": effect.coefficients,
            "errors": errors,
        }
        return (cls(effect, known) if effect.coefficients.any() else None), record

    def correct(self, users: np.ndarray, dates: Dates) -> np.ndarray:
        """Return what to add to predicted ratings of known users; 0 where a date is missing."""
        found, asked = np.zeros(len(users)), ~np.isnan(dates.values)
        if asked.any():
            if dates.is_calendar != self.effect.is_calendar:
                raise ValueError(MIXED_DATES)
            at = dates.values[asked].astype(np.float64)
            means, most = self.effect.means(self.known, users[asked], at)
            found[asked] = np.clip(means @ self.effect.coefficients.ravel(), -most, most)
        return found

    def fold_in(
        self, ratings: Interactions, fold: Callable[[np.ndarray], Predict]
    ) -> DateCorrection | None:
        """Return a correction for new users.

        Parameters
        ----------
        ratings : Interactions
            Their ratings.
        fold : callable
            Takes positions of ratings, and returns what predicts pairs from these, as folded in.

        Returns
        -------
        DateCorrection or None
            None if the ratings have no dates.
        """
        if ratings.dates is None or np.isnan(ratings.dates.values).all():
            return None
        if ratings.dates.is_calendar != self.effect.is_calendar:
            raise ValueError(MIXED_DATES)
        order = ratings.positions.data  # by user, so that each one's ratings are in all folds
        residuals, place = np.empty(len(order)), np.arange(len(order)) % N_FOLDS
        for k in range(N_FOLDS):
            out = order[place == k]
            predicted = fold(order[place != k])(ratings.users[out], ratings.items[out])
            assert ratings.values is not None
            residuals[out] = ratings.values[out] - predicted
        return DateCorrection(self.effect, DatedResiduals.of(ratings, residuals))


def learn_dates(
    ratings: Interactions,
    parameters: Mapping[str, Any],
    record: Mapping[str, Any],
    random: np.random.RandomState,
    *,
    limits: tuple[float, float],
) -> tuple[DateCorrection | None, dict[str, Any]]:
    """Learn what dates say, by networks that are trained like those in use on parts of ratings.

    Parameters
    ----------
    ratings : Interactions
        The ratings, on the scale of the networks.
    parameters, record : mapping
        The parameters of the recommender, and its fitted attributes that tell of the networks.
    random : RandomState
        The source of folds and seeds.
    limits : tuple of float
        The lowest and the highest rating.

    Returns
    -------
    correction : DateCorrection or None
    record : dict
    """
    sides = SIDES[parameters["orientation"]]
    parameters = {**parameters, "callbacks": None}

    def train(chosen: np.ndarray) -> Predict:
        rows = ratings.sides(sides, chosen)
        seeds = random.randint(2**31 - 1, size=(2, parameters["n_estimators"]))
        networks = train_networks(parameters, rows, seeds, n_epochs=record["n_epochs_"])
        return pairs_within(RatingModel(networks, rows).blend(record["blend_"]), limits)

    return DateCorrection.learn(
        ratings,
        train,
        share=parameters["validation_fraction"],
        earlier_only=parameters["dates"] == "earlier",
        random=random,
    )


def pairs_within(model: RatingModel, limits: tuple[float, float]) -> Predict:
    """Return what predicts pairs by a model, within limits."""
    return lambda users, items: np.clip(model.predict_pairs(users, items), *limits)


def _residuals(
    ratings: Interactions,
    train: Callable[[np.ndarray], Predict],
    chosen: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """Return residuals of ratings by networks that were trained on chosen ones.

    They are NaN where the networks have seen no rating of the user or of the item.
    """
    assert ratings.values is not None
    users, items = ratings.users[out], ratings.items[out]
    seen = np.isin(users, ratings.users[chosen]) & np.isin(items, ratings.items[chosen])
    predicted = train(chosen)(users, items)
    return np.where(seen, ratings.values[out] - predicted, np.nan)


def _ridge(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    """Regress residuals on means; the penalty has the lowest error of ratings left out singly.

    Returns
    -------
    coefficients : ndarray of shape (n_means,)
        Zeros if they do not lower the error by more than its standard error.
    errors : tuple of float
        Root mean squared errors without and with the means.
    """
    root = np.sqrt(weights)
    scale = np.sqrt(np.mean(X**2, axis=0))
    scale[scale == 0] = 1.0
    left, size, right = np.linalg.svd(root[:, None] * X / scale, full_matrices=False)
    target = root * y
    best, best_left = np.zeros(X.shape[1]), target
    for penalty in _PENALTIES * len(y):
        share = size**2 / (size**2 + penalty)
        fitted = left @ (share * (left.T @ target))
        left_out = (target - fitted) / (1 - left**2 @ share)
        if left_out @ left_out < best_left @ best_left:
            best = right.T @ (size / (size**2 + penalty) * (left.T @ target)) / scale
            best_left = left_out
    lead = target**2 - best_left**2
    if lead.mean() <= lead.std() / np.sqrt(len(lead)):
        best, best_left = np.zeros(X.shape[1]), target
    total = weights.sum()
    return best, (
        float(np.sqrt(target @ target / total)),
        float(np.sqrt(best_left @ best_left / total)),
    )
