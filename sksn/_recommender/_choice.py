"""Chooses the settings of the ranking model by held-out interactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._blocks import blocks
from .._checks import is_real
from .._observed import column_counts, row_counts, row_of_entry, select_entries, with_entries
from ..metrics._hits import hits_of_matrix
from ._item_model import WHEN_LARGE, Settings, spread_ratio
from ._item_parts import (
    MOST_DENSE,
    item_scale,
    neighbours,
    product,
    regression,
    scaled_rows,
    singular_vectors,
)
from ._lists import SCORES, best
from ._recency import POWERS, n_later, weighted
from ._signals import Signal, SignalScale, candidates, is_liked

LIST = 10  # items in the lists that are compared
_STEPS: dict[str, tuple[Any, ...]] = {  # values of each setting to try, in this order
    "power": (0.2, 0.5, 0.0),
    "ridge": (2.0, 12.0, 1.0, 30.0, 80.0),
    "count_power": (0.0, 0.3, 0.1, 0.2),
    "n_factors": (32, 128, 256),
    "factor_weight": (0.1, 0.35, 0.5, 0.0),
}
_STEPS_WHEN_LARGE = ("power",)  # the others do not carry over from a part of the items
_MOST_ITEMS = 4_000  # the settings are chosen on the items with the most interactions
_MOST_USERS = 50_000
_COMPUTED = (64, 256)  # factors that are computed together
_MOST_LISTS = 6_000  # users whose lists are compared
SETTINGS = (*Signal._fields, *Settings._fields, "recency_power")
_FEWEST = 20  # held-out interactions from which settings are chosen


class Choice(NamedTuple):
    """What was chosen.

    Attributes
    ----------
    signal : Signal
        The rule for the strength of an interaction.
    settings : Settings
        The hyper-parameters of the model.
    score : float or None
        NDCG of lists of `LIST` items against the held-out interactions; None if there were too few
        to choose by.
    tried : list of (Signal, Settings, float)
        Each combination that was compared, and its score.
    recency_power : float
        How much more recent interactions count. 0: all count alike.
    """

    signal: Signal
    settings: Settings
    score: float | None
    tried: list[tuple[Signal, Settings, float]]
    recency_power: float = 0.0


def choose(
    positions: Any,
    ratings: np.ndarray | None,
    weights: np.ndarray | None,
    dates: np.ndarray | None = None,
    *,
    given: str | Mapping[str, float],
    share: float,
    random: np.random.RandomState,
) -> Choice:
    """Choose the rule and the settings whose lists hold the most held-out interactions.

    They are a random share. Only how much recent interactions count is chosen by the latest
    interactions of each user.

    Parameters
    ----------
    positions : CSR matrix of int of shape (n_users, n_items)
        Positions of the interactions.
    ratings, weights : ndarray of shape (n_interactions,) or None
        The ratings, and how much each interaction counts.
    dates : ndarray of shape (n_interactions,), optional
        The dates of the interactions; NaN where missing.
    given : {"auto", "default"} or mapping of str to float
        The settings that are not chosen; "default" stands for the default ones.
    share : float in (0, 1)
        Share of the interactions to hold out.
    random : RandomState
        The source of the choice of users and interactions.

    Returns
    -------
    Choice
    """
    fixed: dict[str, Any] = {} if isinstance(given, str) else dict(given)
    of_rule = {name: fixed[name] for name in fixed if name in Signal._fields}
    first_given = {name: fixed[name] for name in fixed if name in Settings._fields}
    first = Settings(**first_given)
    rules = candidates(rated=ratings is not None, weighted=weights is not None)
    rules = list(dict.fromkeys(rule._replace(**of_rule) for rule in rules))
    steps = {name: values for name, values in _STEPS.items() if name not in fixed}
    if is_large := positions.shape[1] > MOST_DENSE:
        first = Settings(**{**WHEN_LARGE, **first_given})
        steps = {name: values for name, values in steps.items() if name in _STEPS_WHEN_LARGE}
    powers = [fixed["recency_power"]] if "recency_power" in fixed else list(POWERS)
    if dates is None:
        powers = [0.0]
    simple = Choice(rules[0], first, None, [], powers[0])
    if given == "default" or (len(rules) == 1 and not steps and len(powers) == 1):
        return simple
    part = _part_of(positions, random)
    is_out = random.uniform(size=part.nnz) < share
    trial = _Trial(part, ratings, weights, is_out, random, is_dense=not is_large)
    if trial.n_held_out < _FEWEST:
        return simple
    trial.compare([(rules[0], first)])
    trial.compare([(rule, first) for rule in rules[1:]])
    for name, values in steps.items():
        trial.compare(
            [(trial.signal, trial.settings._replace(**{name: value})) for value in values]
        )
    chosen = Choice(trial.signal, trial.settings, trial.score, trial.tried, powers[0])
    if dates is None or len(powers) == 1:
        return chosen
    dated = with_entries(part, dates[part.data])
    is_out = _are_latest(dated, share, random)
    trial = _Trial(part, ratings, weights, is_out, random, is_dense=not is_large)
    if trial.n_held_out < _FEWEST:
        return chosen
    power = trial.best_recency(chosen, select_entries(dated, ~is_out), powers)
    return chosen._replace(recency_power=power)


def may_be_given(value: Any) -> bool:
    """Whether a value says which settings are not chosen."""
    if isinstance(value, str):
        return value in ("auto", "default")
    return isinstance(value, Mapping) and all(
        name in SETTINGS
        and is_real(number)
        and 0 <= number < np.inf
        and (name != "factor_weight" or number <= 1)
        and (name != "n_factors" or int(number) == number)
        for name, number in value.items()
    )


class _Trial:
    """Lists of some users, compared by their held-out interactions."""

    def __init__(
        self,
        positions: Any,
        ratings: np.ndarray | None,
        weights: np.ndarray | None,
        is_out: np.ndarray,
        random: np.random.RandomState,
        *,
        is_dense: bool,
    ) -> None:
        self._is_dense = is_dense
        of_entry = positions.data
        liked = is_out if ratings is None else is_out & is_liked(ratings)[of_entry]
        self._training = select_entries(positions, ~is_out)
        held_out = select_entries(positions, liked)
        has_both = np.flatnonzero((row_counts(held_out) > 0) & (row_counts(self._training) > 0))
        if len(has_both) > _MOST_LISTS:
            has_both = np.sort(random.permutation(has_both)[:_MOST_LISTS])
        self._users, self._held_out = has_both, held_out[has_both]
        self.n_held_out = self._held_out.nnz
        self._ratings, self._weights = (
            None if values is None else values[self._training.data] for values in (ratings, weights)
        )
        self.tried: list[tuple[Signal, Settings, float]] = []
        self._best: np.ndarray | None = None  # the score of each user
        self._parts: dict[Any, Any] = {}  # of the combination that was tried last

    @property
    def score(self) -> float:
        """The mean score of the best combination."""
        assert self._best is not None
        return float(self._best.mean())

    def compare(self, combinations: list[tuple[Signal, Settings]]) -> None:
        """Try combinations, and keep the best if it is better beyond chance.

        Its lead has to exceed the standard error of the mean difference between users.
        """
        if not combinations:
            return
        earlier = [] if self._best is None else [self._best]
        found = [self._try(*combination) for combination in combinations]
        best = _best([*earlier, *found]) - len(earlier)
        if best >= 0:
            self._best, (self.signal, self.settings) = found[best], combinations[best]

    def best_recency(self, choice: Choice, dates: Any, powers: Sequence[float]) -> float:
        """Return the power of recency that is best, by the same rule.

        Parameters
        ----------
        choice : Choice
            The rule and the settings.
        dates : CSR matrix of shape (n_users, n_items)
            The dates of the interactions that are not held out.
        powers : sequence of float
            The powers to compare, the default one first.
        """
        later = n_later(dates[self._users])
        found = [self._try(choice.signal, choice.settings, later, power) for power in powers]
        return powers[_best(found)]

    def _try(
        self,
        signal: Signal,
        settings: Settings,
        later: np.ndarray | None = None,
        recency_power: float = 0.0,
    ) -> np.ndarray:
        """Return the score of each user."""
        X, rows = self._once(
            "rows", (signal, settings.power), partial(self._rows, signal, settings.power)
        )
        mine = rows[self._users].astype(np.float32)
        if later is not None:
            mine = weighted(mine, later, recency_power)
        of_coefficients = (signal, settings.power, settings.ridge)
        coefficients = self._once(
            "coefficients",
            of_coefficients,
            partial(regression, rows, settings.ridge, np.float32)
            if self._is_dense
            else partial(neighbours, rows),
        )
        by_others = self._once(
            "others", (*of_coefficients, recency_power), partial(product, mine, coefficients)
        )
        scores = by_others * item_scale(column_counts(X), -settings.count_power)
        n_computed = next(n for n in _COMPUTED if n >= settings.n_factors or n == _COMPUTED[-1])
        encode, decode, _ = self._once(
            "factors",
            (signal, settings.power, n_computed),
            partial(singular_vectors, rows, n_computed),
        )
        n = settings.n_factors
        by_factors = (mine @ encode[:, :n]) @ decode[:, :n].T
        ratio = spread_ratio(scores, by_factors)
        share = settings.factor_weight if ratio else 0.0
        scores = (1 - share) * scores + np.float32(share * ratio) * by_factors
        scores[row_of_entry(mine), mine.indices] = -np.inf
        found = np.concatenate(
            [
                hits_of_matrix(best(scores[part], LIST)[0], self._held_out[part]).ndcg()
                for part in blocks(len(scores), scores.shape[1], most_entries=SCORES)
            ]
        )
        self.tried.append((signal, settings, float(found.mean())))
        return found

    def _rows(self, signal: Signal, power: float) -> tuple[Any, Any]:
        """Return strengths of the interactions, and the rows after Sparsity Normalization."""
        scale = SignalScale.learn(signal, self._ratings, self._weights)
        strengths = scale.strengths(self._ratings, self._weights, self._training.nnz)
        X = with_entries(self._training, strengths)
        return X, scaled_rows(X, float(row_counts(X).mean()), power)

    def _once(self, part: str, settings: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """Return a part of the model, computed again only if its settings have changed."""
        if self._parts.get(part, (None,))[0] != settings:
            self._parts[part] = settings, compute()
        return self._parts[part][1]


def _best(scores: list[np.ndarray]) -> int:
    """Return which scores of users are best.

    It is the first, unless the lead of the highest mean exceeds its standard error.
    """
    best = int(np.argmax([float(of_users.mean()) for of_users in scores]))
    lead = scores[best] - scores[0]
    return best if lead.mean() > lead.std() / np.sqrt(len(lead)) else 0


def _are_latest(dates: Any, share: float, random: np.random.RandomState) -> np.ndarray:
    """Whether each interaction is one of the latest of its user: a share, and at least one.

    Which of those of the same date are, is drawn. Interactions without a date are not.
    """
    row, is_known = row_of_entry(dates), ~np.isnan(dates.data)
    n_known = np.bincount(row[is_known], minlength=dates.shape[0])
    n_out = np.minimum(np.maximum(1, np.floor(share * n_known)), row_counts(dates) - 1)
    n_out = np.minimum(n_out, n_known)
    order = np.lexsort((random.uniform(size=len(row)), dates.data, is_known, row))
    place = dates.indptr[1:][row[order]] - 1 - np.arange(len(row))  # from the end of the row
    found = np.empty(len(row), dtype=bool)
    found[order] = place < n_out[row[order]]
    return found


def _part_of(positions: Any, random: np.random.RandomState) -> Any:
    """Return the interactions of the most frequent items, and of at most so many users."""
    if positions.shape[0] > _MOST_USERS:
        positions = positions[np.sort(random.permutation(positions.shape[0])[:_MOST_USERS])]
    if positions.shape[1] > _MOST_ITEMS:
        frequent = np.argsort(-column_counts(positions), kind="stable")[:_MOST_ITEMS]
        positions = sparse.csr_array(positions[:, np.sort(frequent)])
    return positions
