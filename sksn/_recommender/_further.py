"""Further interactions: folded in for lists of their users, or learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import spread
from .._observed import row_counts, row_of_entry, with_entries
from .._training._completion import EntryRows
from ._date_effect import DateCorrection
from ._ids import UNKNOWN, Ids, joined
from ._interactions import Interactions, interactions
from ._item_model import SAMPLE
from ._item_update import update_items
from ._pairs import Pairs, of_known_items
from ._people import People, all_users, locate, with_earlier, with_users
from ._rating_update import further_ratings
from ._recency import Recency
from ._residuals import DatedResiduals


def fold_in(groups: Sequence[People], items: Ids, pairs: Pairs) -> list[People]:
    """Return the groups with one of the users of new interactions in front, without training.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first.
    items : Ids
        The items of training. Interactions with others are left out, with a warning.
    pairs : Pairs
        The new interactions.

    Returns
    -------
    list of People
    """
    base = groups[-1]
    pairs = of_known_items(pairs, items, are_rated=base.are_rated)
    users = Ids(pairs.users)
    new = interactions(with_earlier(groups, pairs, items, users), (users, items))
    ranker = None if base.ranker is None else base.ranker.fold_in(new)
    ratings = None if base.ratings is None else base.ratings.fold_in(new)
    return [People.of(users, new, ranker, ratings, are_folded=True), *groups]


def learn(groups: Sequence[People], items: Ids, pairs: Pairs) -> tuple[list[People], Ids]:
    """Learn from new interactions, and from those that were folded in.

    The cost follows the interactions of these users, and the size of the models.

    Parameters
    ----------
    groups : sequence of People
        The groups, the latest first, which stay as they are.
    items : Ids
        The items of training.
    pairs : Pairs
        The new interactions.

    Returns
    -------
    groups : list of People
        With the users of these interactions in front.
    items : Ids
        With the new items behind.
    """
    _, of_pairs = pairs.find_ids()
    users = Ids(pairs.users)
    if pairs.ids is not None:  # of the users without interactions, only new ones matter
        every = pairs.ids[0].values
        _, strangers = locate(groups, every, warns=False)
        users = Ids(joined(users.values, every[strangers]))
    for known, wanted in ((groups[-1].ids, users), (items, of_pairs)):
        known.find(wanted.values)  # warns about ids of another type
    items = items.extended(of_pairs.values)
    learned = [_widened(group, len(items)) for group in groups if not group.are_folded]
    users = with_users(users, [group for group in groups if group.are_folded])
    now = interactions(with_earlier(groups, pairs, items, users), (users, items))
    base = learned[-1]
    ranker = None if base.ranker is None else base.ranker.fold_in(now)
    new = People.of(users, now, ranker, None)
    if base.ratings is not None:
        new, learned = _with_ratings(new, learned, now)
    found = [new, *learned]
    return _settled(found if ranker is None else _with_ranking(found)), items


def _with_ranking(groups: Sequence[People]) -> list[People]:
    """Update the ranking by the interactions of the first group."""
    new, *learned = groups
    assert new.ranker is not None
    before = _gathered(learned, new.ids.values, _strengths)
    users = all_users(groups).values
    some = users[spread(len(users), SAMPLE)]
    rows_of_some = _gathered(groups, some, _strengths)
    model = update_items(new.ranker.model, before, new.ranker.rows, rows_of_some, len(users))
    popularity = model.sums.counts / max(1, len(users))
    return [
        group._replace(ranker=group.ranker.with_items(model, popularity))
        for group in groups
        if group.ranker is not None
    ]


def _with_ratings(
    new: People, learned: Sequence[People], now: Interactions
) -> tuple[People, list[People]]:
    """Update the rating model by the ratings of a group that are not known."""
    users = new.ids.values
    found, _ = locate(learned, users, warns=False)
    earlier = _gathered(learned, users, lambda group: group.given)
    given = new.given.astype(np.float64)
    moved = further_ratings(
        [(group.ratings, row_counts(group.given)) for group in learned if group.ratings],
        [(group.ratings, place, position) for group, place, position in found if group.ratings],
        EntryRows(given, new.weights),
        ~_holds(earlier, given),
    )
    updated = [
        group._replace(ratings=group.ratings.with_items_of(moved))
        for group in learned
        if group.ratings
    ]
    base = next(group.ratings for group in reversed(updated) if group.ratings is not None)
    moved.correction = base.correction_of(now)
    return new._replace(ratings=moved), updated


def _strengths(group: People) -> Any:
    """Return the strengths of the interactions of a group that has a ranking."""
    assert group.ranker is not None
    return group.ranker.rows


def _holds(X: Any, wanted: Any) -> np.ndarray:
    """Whether a CSR matrix has each entry of another one of the same shape, with the same value."""
    at, asked = (row_of_entry(M) * np.int64(X.shape[1]) + M.indices for M in (X, wanted))
    order = np.argsort(at)
    at, values = at[order], X.data[order]
    if not len(at):
        return np.zeros(len(asked), dtype=bool)
    place = np.searchsorted(at, asked).clip(max=len(at) - 1)
    return np.asarray((at[place] == asked) & (values[place] == wanted.data))


def _gathered(groups: Sequence[People], users: np.ndarray, rows_of: Callable[[People], Any]) -> Any:
    """Return rows of users from the first group that knows each; empty ones of strangers."""
    found, _ = locate(groups, users, warns=False)
    shape = len(users), rows_of(groups[0]).shape[1]
    if not found:
        return sparse.csr_array(shape, dtype=rows_of(groups[0]).dtype)
    rows = sparse.vstack([rows_of(group)[position] for group, _, position in found], format="csr")
    place = np.concatenate([place for _, place, _ in found])
    return sparse.csr_array((rows.data, (place[row_of_entry(rows)], rows.indices)), shape=shape)


def _widened(group: People, n_items: int) -> People:
    """Return a group whose matrices have columns for further items."""
    ranker = group.ranker
    if ranker is not None:
        recency = ranker.recency
        if recency is not None:
            recency = recency._replace(dates=_with_columns(recency.dates, n_items))
        ranker = ranker.of_users(_with_columns(ranker.rows, n_items), recency)
    return group._replace(given=_with_columns(group.given, n_items), ranker=ranker)


def _with_columns(X: Any, n_columns: int) -> Any:
    return type(X)((X.data, X.indices, X.indptr), shape=(X.shape[0], n_columns))


def _settled(groups: list[People]) -> list[People]:
    """Merge groups until each is at most half as large as the next.

    So there are few groups, and an interaction is copied few times, however many calls there are.
    """
    while len(groups) > 1 and 2 * groups[0].given.nnz > groups[1].given.nnz:
        groups = [_merged(groups[0], groups[1]), *groups[2:]]
    return groups


def _merged(newer: People, older: People) -> People:
    """Return the users of two groups as one group."""
    kept = np.flatnonzero(newer.ids.find(older.ids.values, warns=False) == UNKNOWN)
    values = joined(newer.ids.values, older.ids.values[kept])
    ids = Ids(values)
    order = np.argsort(ids.find(values))

    def stacked(first: Any, second: Any) -> Any:
        if sparse.issparse(first):
            return sparse.vstack([first, second[kept]], format="csr")[order]
        return np.concatenate([first, second[kept]])[order]

    ranker, ratings, weights = newer.ranker, newer.ratings, None
    if ranker is not None:
        recency = _merged_recency(newer, older, stacked)
        ranker = ranker.of_users(stacked(_strengths(newer), _strengths(older)), recency)
    if ratings is not None and older.ratings is not None:
        mine, theirs = ratings.model.vectors, older.ratings.model.vectors
        rows = stacked(mine.rows, theirs.rows)
        offsets = stacked(mine.row_offsets, theirs.row_offsets)
        means = stacked(ratings.user_means, older.ratings.user_means)
        model = ratings.model.of_users(rows, offsets)
        ratings = ratings.of_users(means, model, _merged_correction(newer, older, stacked))
    if newer.weights is not None or older.weights is not None:
        weights = stacked(_weights(newer), _weights(older)).data
    given = stacked(newer.given, older.given)
    return newer._replace(ids=ids, given=given, ranker=ranker, ratings=ratings, weights=weights)


def _merged_recency(
    newer: People, older: People, stacked: Callable[[Any, Any], Any]
) -> Recency | None:
    """Return the dates of both groups; NaN for those of a group without."""
    both = [group.ranker.recency if group.ranker else None for group in (newer, older)]
    known = [recency for recency in both if recency is not None]
    if not known:
        return None
    missing = (
        with_entries(group.given, np.full(group.given.nnz, np.nan)) for group in (newer, older)
    )
    first, second = (
        recency.dates if recency is not None else nothing
        for recency, nothing in zip(both, missing, strict=True)
    )
    return known[0]._replace(dates=stacked(first, second))


def _merged_correction(
    newer: People, older: People, stacked: Callable[[Any, Any], Any]
) -> DateCorrection | None:
    """Return the residuals of both groups."""
    effects = [
        group.ratings.correction.effect
        for group in (newer, older)
        if group.ratings and group.ratings.correction
    ]
    if not effects:
        return None
    dates, values, weights = (
        stacked(with_entries(newer.given, mine), with_entries(older.given, theirs))
        for mine, theirs in zip(_dated(newer), _dated(older), strict=True)
    )
    return DateCorrection(effects[0], DatedResiduals(dates, values.data, weights.data))


def _dated(group: People) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dates, residuals and weights of the ratings of a group; NaN where missing."""
    correction = group.ratings.correction if group.ratings else None
    if correction is None:
        missing = np.full(group.given.nnz, np.nan)
        return missing, missing, np.ones(len(missing))
    dates, values, weights = correction.known
    return dates.data, values, np.ones(len(values)) if weights is None else weights


def _weights(group: People) -> Any:
    """Return the weights of ratings as a matrix."""
    weights = np.ones(group.given.nnz, np.int8) if group.weights is None else group.weights
    return with_entries(group.given, weights)
