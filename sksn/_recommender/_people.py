"""Users whose interactions are known, in groups: those of training, and those folded in later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse

from .._blocks import blocks
from .._dates import Dates
from .._observed import row_counts, row_of_entry, with_entries
from ._ids import UNKNOWN, Ids, id_column, joined
from ._interactions import Interactions
from ._lists import SCORES
from ._pairs import Expected, Pairs
from ._ranker import Ranker
from ._rating_predictor import RatingPredictor


class People(NamedTuple):
    """A group of users, and what predicts for them.

    Attributes
    ----------
    ids : Ids
        The users.
    given : CSR matrix of shape (n_users, n_items)
        Their interactions: ratings, or weights, or ones.
    ranker : Ranker or None
        Ranks items for them.
    ratings : RatingPredictor or None
        Predicts their ratings.
    weights : ndarray of shape (n_interactions,) or None
        Weight of each entry of `given`, if these are ratings with weights.
    are_rated : bool
        Whether the entries of `given` are ratings.
    are_folded : bool
        Whether the models have not learned from these interactions.
    """

    ids: Ids
    given: Any
    ranker: Ranker | None
    ratings: RatingPredictor | None
    weights: np.ndarray | None
    are_rated: bool
    are_folded: bool

    @classmethod
    def of(
        cls,
        ids: Ids,
        interactions: Interactions,
        ranker: Ranker | None,
        ratings: RatingPredictor | None,
        *,
        are_folded: bool = False,
    ) -> Self:
        """Return a group of users with their interactions."""
        values, weights = interactions.values, interactions.weights
        given = _short_entries(interactions, values if values is not None else weights)
        kept = None if values is None or weights is None else _short_entries(interactions, weights)
        weights = None if kept is None else kept.data
        return cls(ids, given, ranker, ratings, weights, values is not None, are_folded)

    @property
    def expected(self) -> Expected:
        """What further interactions have to say."""
        rating = None
        if self.ratings is None and self.ranker is not None:
            rating = self.ranker.scale.mean * self.ranker.scale.size
        limits = None if self.ratings is None else self.ratings.limits
        return Expected(self.are_rated, rating, limits)

    @property
    def for_lists(self) -> Any:
        """What their lists come from: the ranking, where one was learned."""
        return self.ranker or self.ratings

    def predict_pairs(
        self, users: np.ndarray, items: np.ndarray, dates: Dates | None
    ) -> np.ndarray:
        """Predict single pairs, given by positions or `UNKNOWN`; rankings have no dates."""
        if self.ratings is None:
            return self.for_pairs.predict_pairs(users, items)
        return self.ratings.predict_pairs(users, items, dates)

    def dates_of(self, users: np.ndarray) -> Dates | None:
        """Return the dates of the interactions of users, in the order of `given`, if known."""
        if self.ranker is not None and self.ranker.recency is not None:
            return self.ranker.recency.of_users(users)
        correction = None if self.ratings is None else self.ratings.correction
        if correction is None:
            return None
        return Dates(correction.known.dates[users].data, correction.effect.is_calendar)

    @property
    def for_pairs(self) -> Any:
        """What predicts single pairs: ratings, where some were learned."""
        return self.ratings or self.ranker


def _short_entries(interactions: Interactions, known: np.ndarray | None) -> Any:
    """Return numbers of interactions as the entries of a matrix, in few bytes each; or ones."""
    if known is None:
        known = np.ones(len(interactions), dtype=np.int8)
    for dtype in (np.int8, np.float32):
        with np.errstate(over="ignore", invalid="ignore"):
            shorter = known.astype(dtype)
        if (shorter == known).all():
            known = shorter
            break
    positions = interactions.positions
    return with_entries(positions, known[positions.data])


def locate(
    groups: Sequence[People], users: np.ndarray, *, warns: bool = True
) -> tuple[list[tuple[People, np.ndarray, np.ndarray]], np.ndarray]:
    """Find users in the first group that knows them.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first.
    users : ndarray of shape (n_users,)
        Ids of users.
    warns : bool, default=True
        Whether ids of another type than the known ones get a warning. With several groups they
        get none, because another group may have ids of this type.

    Returns
    -------
    found : list of (People, ndarray of int, ndarray of int)
        Each group that has some of the users, which of them it has, and their positions in it.
    strangers : ndarray of int
        Those whom no group knows.
    """
    found, left = [], np.arange(len(users))
    for group in groups:
        position = group.ids.find(users[left], warns=warns and len(groups) == 1)
        known = position != UNKNOWN
        if known.any():
            found.append((group, left[known], position[known]))
        left = left[~known]
        if not len(left):
            break
    return found, left


def scores_of(
    groups: Sequence[People], users: np.ndarray, *, without_seen: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Score all items for users, a block of users at a time.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first.
    users : ndarray of shape (n_users,)
        Ids of users. Strangers get what is popular.
    without_seen : bool
        Whether an item that a user has interacted with scores minus infinity.

    Yields
    ------
    ndarray of int of shape (n_block,)
        Which of the users these are.
    ndarray of shape (n_block, n_items)
        Their scores, which the caller may change.
    """
    found, strangers = locate(groups, users)
    for group, place, position in found:
        for part, scores in group.for_lists.predict_rows(position):
            if without_seen:
                seen = group.given[position[part]]
                scores[row_of_entry(seen), seen.indices] = -np.inf
            yield place[part], scores
    popular = groups[-1].for_lists.popularity
    for part in blocks(len(strangers), len(popular), most_entries=SCORES):
        yield strangers[part], np.repeat(popular[None], part.stop - part.start, axis=0)


def predict_pairs(
    groups: Sequence[People], users: np.ndarray, items: np.ndarray, dates: Dates | None
) -> np.ndarray:
    """Predict single pairs.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first.
    users : ndarray of shape (n_pairs,)
        Ids of users.
    items : ndarray of int of shape (n_pairs,)
        Positions of items, or `UNKNOWN`.
    dates : Dates or None
        When the ratings are made, if this is known.

    Returns
    -------
    ndarray of shape (n_pairs,)
    """
    found, strangers = locate(groups, users)
    predicted = np.empty(len(users))
    everyone = [*found, (groups[-1], strangers, np.full(len(strangers), UNKNOWN))]
    for group, place, position in everyone:
        at = None if dates is None else dates.of(place)
        predicted[place] = group.predict_pairs(position, items[place], at)
    return predicted


def explain(
    groups: Sequence[People], items: Ids, user: Any, item: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of a user's items, and what each adds to a score, the most first."""
    found, strangers = locate(groups, id_column([user], "user"))
    at = items.find(id_column([item], "item"))[0]
    if len(strangers) or at == UNKNOWN:
        name, value = ("user", user) if len(strangers) else ("item", item)
        raise ValueError(f"{name}={value!r} was not in training.")
    group, _, position = found[0]
    if group.ranker is None:
        raise ValueError(
            "explain needs a ranking, which objective='rating' does not learn; use 'auto' or "
            "'ranking'."
        )
    known, contributions = group.ranker.explain(position[0], at)
    order = np.argsort(-contributions, kind="stable")
    return known[order], contributions[order]


def all_users(groups: Sequence[People]) -> Ids:
    """Return the users of all groups."""
    return with_users(groups[-1].ids, groups[:-1])


def with_users(ids: Ids, groups: Sequence[People]) -> Ids:
    """Return ids of users with those of groups."""
    for group in groups:
        if len(group.ids):
            ids = Ids(joined(ids.values, group.ids.values)) if len(ids) else group.ids
    return ids


def with_earlier(groups: Sequence[People], pairs: Pairs, items: Ids, users: Ids) -> Pairs:
    """Add the earlier interactions of users to their new ones.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first.
    pairs : Pairs
        The new interactions. A new rating replaces an earlier one of the same item.
    items : Ids
        The items, of the new interactions too.
    users : Ids
        The users whose earlier interactions are added, those of `pairs` among them.

    Returns
    -------
    Pairs
    """
    found, _ = locate(groups, users.values, warns=False)
    parts = [pairs]
    at = users.find(pairs.users) * len(items) + items.find(pairs.items)
    for group, place, position in found:
        earlier = sparse.csr_array(group.given[position])
        row, column = row_of_entry(earlier), earlier.indices
        kept = np.ones(len(row), dtype=bool)
        values = weights = None
        if group.are_rated:
            kept = ~np.isin(place[row] * len(items) + column, at)
            values = earlier.data[kept].astype(np.float64)
            if group.weights is not None:
                of_entry = sparse.csr_array(with_entries(group.given, group.weights)[position])
                weights = of_entry.data[kept].astype(np.float64)
        else:
            weights = earlier.data.astype(np.float64)
        dates = group.dates_of(position)
        parts.append(
            Pairs(
                users.values[place[row[kept]]],
                items.values[column[kept]],
                values,
                weights,
                dates=None if dates is None else dates.of(kept),
            )
        )
    return Pairs.joined(parts)


def vectors_of(groups: Sequence[People], users: np.ndarray) -> np.ndarray:
    """Return the vectors of known users, shape (n_users, n_factors)."""
    of_items = groups[-1].for_lists.item_vectors
    vectors = np.empty((len(users), of_items.shape[1]), of_items.dtype)
    for group, place, position in locate(groups, users)[0]:
        vectors[place] = group.for_lists.user_vectors[position]
    return vectors


def counts_of(groups: Sequence[People], users: np.ndarray) -> np.ndarray:
    """Return the number of interactions of known users, shape (n_users,)."""
    counts = np.empty(len(users))
    for group, place, position in locate(groups, users)[0]:
        counts[place] = row_counts(group.given)[position]
    return counts
