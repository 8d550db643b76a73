"""The ranking of items: strengths of interactions, the model of items, and what strangers get."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._blocks import blocks
from .._observed import column_counts, row_counts, with_entries
from ._choice import Choice, choose
from ._ids import UNKNOWN
from ._interactions import Interactions
from ._item_model import ItemModel, fit_items
from ._lists import SCORES
from ._pairs import MIXED_DATES
from ._recency import Recency, known_dates
from ._signals import SignalScale


class Ranker:
    """Scores items for users.

    Parameters
    ----------
    rows : CSR matrix of float32 of shape (n_users, n_items)
        Strengths of the interactions.
    scale : SignalScale
        How ratings and weights become strengths.
    model : ItemModel
        The model of the items.
    choice : Choice
        How rule and settings were chosen.
    popularity : ndarray of shape (n_items,)
        Share of the users who have interacted with each item.
    recency : Recency, optional
        When the users interacted, if recent interactions count more.
    """

    def __init__(
        self,
        rows: Any,
        scale: SignalScale,
        model: ItemModel,
        choice: Choice,
        popularity: np.ndarray,
        recency: Recency | None = None,
    ) -> None:
        self.rows, self.scale, self.model = rows, scale, model
        self.choice, self.popularity, self.recency = choice, popularity, recency

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        given: Any,
        share: float,
        random: np.random.RandomState,
    ) -> Ranker:
        """Choose rule and settings by held-out interactions, and fit the model to all of them.

        Parameters
        ----------
        interactions : Interactions
            With ratings as values, or None.
        given : {"auto", "default"} or mapping of str to float
            The settings that are not chosen.
        share : float in (0, 1)
            Share of the interactions to hold out for the choice.
        random : RandomState
            The source of the choice.

        Returns
        -------
        Ranker
        """
        positions = interactions.positions
        ratings, weights = interactions.values, interactions.weights
        if weights is not None and weights.min() == weights.max():
            weights = None
        known = positions, ratings, weights, known_dates(interactions)
        choice = choose(*known, given=given, share=share, random=random)
        scale = SignalScale.learn(choice.signal, ratings, weights)
        rows = _strengths(interactions, scale)
        counts = row_counts(rows)
        model = fit_items(rows, choice.settings, float(counts[counts > 0].mean()))
        popularity = column_counts(rows) / max(1, rows.shape[0])
        recency = Recency.of(interactions, choice.recency_power)
        return cls(rows.astype(np.float32), scale, model, choice, popularity, recency)

    def settings(self) -> dict[str, Any]:
        """Return what was chosen, by name."""
        chosen = self.choice
        recency = {"recency_power": chosen.recency_power}
        return {**chosen.signal._asdict(), **chosen.settings._asdict(), **recency}

    def fold_in(self, interactions: Interactions) -> Ranker:
        """Return a ranker of new users, from their interactions alone."""
        rows = _strengths(interactions, self.scale).astype(np.float32)
        recency = Recency.of(interactions, self.choice.recency_power)
        if recency and self.recency and recency.is_calendar != self.recency.is_calendar:
            raise ValueError(MIXED_DATES)
        return self.of_users(rows, recency)

    def of_users(self, rows: Any, recency: Recency | None) -> Ranker:
        """Return a ranker of users with these strengths and dates of interactions."""
        copied = copy.copy(self)
        copied.rows, copied.recency = rows, recency
        return copied

    def with_items(self, model: ItemModel, popularity: np.ndarray) -> Ranker:
        """Return a ranker of the same users and of other items."""
        copied = copy.copy(self)
        copied.model, copied.popularity = model, popularity
        return copied

    def predict_rows(self, users: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Score all items for users, given by positions, a block of users at a time.

        A user without interactions gets the popularity of the items.
        """
        for part in blocks(len(users), self.rows.shape[1], most_entries=SCORES):
            rows = self._recent(users[part])
            scores = self.model.score(rows).astype(np.float64)
            scores[row_counts(rows) == 0] = self.popularity
            yield part, scores

    def predict_pairs(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Score single items, given by positions or `UNKNOWN`; shape (n_pairs,).

        A user who is not known gets the popularity of an item, and an item that is not known minus
        infinity.
        """
        found = np.where(items == UNKNOWN, -np.inf, self.popularity[items])
        asked = np.flatnonzero((users != UNKNOWN) & (items != UNKNOWN))
        users, items = users[asked], items[asked]
        distinct, place = np.unique(users, return_inverse=True)
        order = np.argsort(place, kind="stable")
        for part, scores in self.predict_rows(distinct):
            first, last = np.searchsorted(place[order], [part.start, part.stop])
            pairs = order[first:last]
            found[asked[pairs]] = scores[place[pairs] - part.start, items[pairs]]
        return found

    def explain(self, user: int, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the items of a user, given by positions, and what each adds to a score."""
        row = self._recent(np.array([user]))
        return row.indices, self.model.parts(row, item).astype(np.float64)

    @property
    def counts(self) -> np.ndarray:
        """Number of users who have interacted with each item in training."""
        return self.model.sums.counts

    @property
    def user_vectors(self) -> np.ndarray:
        """Vectors of all users, shape (n_users, n_factors)."""
        return self.model.vectors(self._recent(np.arange(self.rows.shape[0])))

    @property
    def item_vectors(self) -> np.ndarray:
        """Vectors of the items, shape (n_items, n_factors)."""
        return self.model.factors[1]

    @property
    def codes(self) -> np.ndarray:
        """Vectors that say which items are alike, shape (n_items, n_factors)."""
        return self.model.factors[1]

    def _recent(self, users: np.ndarray) -> Any:
        """Return strengths of interactions of users, of which recent ones count more."""
        rows = self.rows[users]
        return rows if self.recency is None else self.recency.applied(rows, users)


def _strengths(interactions: Interactions, scale: SignalScale) -> Any:
    """Return the strengths of interactions as a CSR matrix of users and items."""
    positions = interactions.positions
    strengths = scale.strengths(interactions.values, interactions.weights, positions.nnz)
    return with_entries(positions, strengths[positions.data])
