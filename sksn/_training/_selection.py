"""Blends networks of different parameters by the loss on rows that they have not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from .._checks import Rule
from . import _defaults as defaults
from ._device import usual_modes
from ._losses import MeanLoss, NonFiniteLossError
from ._row_learner import RowLearner
from ._table import Table

_N_FOLDS = 5
_ENOUGH = 1000  # held-out rows from which no further fold is used
_FEWEST = 50  # rows from which anything is chosen
_EPOCHS_OF_LONG, _STEPS_OF_LONG = 60, 400
_EPOCHS_OF_TWO_LAYERS = 100  # with many rows
_STEPS = 4  # in the weights that are compared
_LEAST_WEIGHT = 0.1  # of a network, so that few have to be trained
_MOST_BLENDED = 6  # the candidates with the lowest losses
_MOST_ROWS = 10_000  # of a fold, on which blends are compared
_MOST_OUTPUTS = 300_000  # of these rows
_ENOUGH_ROWS = 300

FIXED = frozenset(  # parameters that candidates cannot replace
    {
        *("missing_values", "categorical_features", "loss", "quantile", "candidates", "callbacks"),
        *("early_stopping", "validation_fraction", "n_iter_no_change", "warm_start", "verbose"),
        *("random_state", "device"),
    }
)
CANDIDATES = Rule(
    lambda v: (
        v is None
        or (isinstance(v, str) and v == "auto")
        or (isinstance(v, (list, tuple)) and len(v) > 0 and all(isinstance(c, Mapping) for c in v))
    ),
    "None, 'auto', or a sequence of dictionaries of parameters",
)


class Choice(NamedTuple):
    """What was chosen.

    Attributes
    ----------
    weights : list of float
        The weight of each candidate in the blend. They sum to 1.
    losses : list of (dict, float)
        Each candidate, the first of which replaces nothing, and its mean loss on held-out rows.
    """

    weights: list[float]
    losses: list[tuple[dict[str, Any], float]]


class _Fold(NamedTuple):
    """Held-out rows, and the outputs of networks for them.

    Attributes
    ----------
    outputs : list of ndarray
        The outputs of each candidate; empty if its training failed.
    mix : callable
        Blends outputs by weights.
    losses : callable
        Returns the loss of each row for outputs.
    """

    outputs: list[np.ndarray]
    mix: Callable[[Sequence[np.ndarray], Sequence[float]], np.ndarray]
    losses: Callable[[np.ndarray], np.ndarray]


def built_in(X: Any, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return candidates: more regularization, less and longer training, two layers.

    With many rows, the network of two layers is trained longer and with less regularization.
    """
    n_batches = -(-X.shape[0] // defaults.batch_size(parameters["batch_size"], X))
    long = max(_EPOCHS_OF_LONG, -(-_STEPS_OF_LONG // n_batches))
    two_layers: dict[str, Any] = {"hidden_layer_sizes": (128, 128), "dropout": 0.3}
    if defaults.has_many_rows(X):
        two_layers |= {"dropout": 0.1, "input_dropout": 0.05, "max_epochs": _EPOCHS_OF_TWO_LAYERS}
    return [
        {"dropout": 0.5, "input_dropout": 0.4, "alpha": 2.0},
        {"activation": "gelu", "dropout": 0.1, "input_dropout": 0.1, "max_epochs": long},
        two_layers,
    ]


def choose(
    learner: RowLearner,
    parameters: Mapping[str, Any],
    candidates: Sequence[Mapping[str, Any]],
    table: Table,
    held_out: Table | None = None,
    groups: np.ndarray | None = None,
) -> Choice:
    """Compare candidates on held-out rows, and choose how to blend them.

    Five folds are used for up to 1000 rows, and as many of the five as hold 1000 rows for more.
    Predictions are averaged with weights that are multiples of 1/4, in every combination. The
    result is the mean of those combinations whose loss exceeds the lowest one by no more than the
    standard error of the difference over rows. Weights below 0.1 become 0. The loss of a candidate
    whose training fails is infinite.

    Parameters
    ----------
    learner : RowLearner
        An untrained learner, which stays as it is.
    parameters : mapping
        The parameters of the estimator.
    candidates : sequence of mappings
        Parameters to replace.
    table : Table
        The training rows.
    held_out : Table, optional
        Rows to compare on, instead of folds of the training rows.
    groups : ndarray of shape (n_rows,), optional
        Rows of the same group are held out together.

    Returns
    -------
    Choice
    """
    tried: list[dict[str, Any]] = [{}, *(dict(candidate) for candidate in candidates)]
    n_rows = table.X.shape[0]
    if held_out is None and n_rows < _FEWEST:
        return Choice([1.0], [])
    seed = learner.split_seed
    splits = [(table, held_out)] if held_out is not None else _splits(learner, table, groups, seed)
    quiet = {**parameters, "callbacks": None, "random_state": seed, "early_stopping": False}
    settings = [{**quiet, **candidate} for candidate in tried]
    for setting in settings:  # as for all rows, and not for those of a fold
        setting |= learner.resolved(setting, table)
    folds = [
        _fold(learner, settings, kept, _some_rows(out, learner, seed), f"fold {i}")
        for i, (kept, out) in enumerate(splits, start=1)
    ]
    losses = [_loss_of(folds, k) for k in range(len(tried))]
    best = np.argsort(losses, kind="stable")[:_MOST_BLENDED]
    best = best[np.isfinite(np.array(losses)[best])]
    weights = np.zeros(len(tried))
    if len(best):
        weights[best] = _blend(folds, best)
    else:
        weights[0] = 1.0
    return Choice(weights.tolist(), list(zip(tried, losses, strict=True)))


def blended(learner: RowLearner, parameters: Mapping[str, Any], choice: Choice) -> RowLearner:
    """Return a learner of the candidate of the largest weight, blended with the others.

    Parameters
    ----------
    learner : RowLearner
        An untrained learner, which stays as it is.
    parameters : mapping
        The parameters of the estimator.
    choice : Choice
        The weights of the candidates.
    """
    if not choice.losses:
        return learner
    seeds = np.random.RandomState(learner.split_seed).randint(2**31 - 1, size=len(choice.weights))
    order = [int(k) for k in np.argsort(-np.array(choice.weights), kind="stable")]
    members: list[RowLearner] = []
    for k in order:
        if not choice.weights[k]:
            break
        chosen = choice.losses[k][0]
        seed = {"random_state": int(seeds[k])} if members else {}
        member = learner.anew({**parameters, **chosen, **seed})
        member.chosen, member.candidate = chosen, k
        members.append(member)
    first, *others = members
    first.blend = [(other, choice.weights[k]) for other, k in zip(others, order[1:], strict=False)]
    first.candidate_losses = choice.losses
    return first


def _fold(
    learner: RowLearner, settings: Sequence[Mapping[str, Any]], kept: Table, out: Table, name: str
) -> _Fold:
    """Train a network with each candidate on some rows, and compute its outputs for the others."""
    outputs: list[np.ndarray] = []
    for i, setting in enumerate(settings, start=1):
        try:
            trial = _trained(learner, setting, kept, f"{name}, candidate {i}/{len(settings)}")
            outputs.append(trial.predictions(out.X, lambda _, output: output))
        except NonFiniteLossError:
            if setting is settings[0]:  # the parameters of the estimator themselves
                raise
            outputs.append(np.empty(0))
        else:
            usable = trial
    y = usable.targets.for_loss(out.y)
    y = torch.as_tensor(y.toarray() if hasattr(y, "toarray") else y)
    assert usable.net is not None
    criterion = usable.net.criterion_
    assert isinstance(criterion, MeanLoss)

    def losses(output: np.ndarray) -> np.ndarray:
        found = criterion.of_rows(torch.as_tensor(output), y).numpy()
        return found if out.weights is None else found * (out.weights / out.weights.mean())

    return _Fold(outputs, usable.targets.mix, losses)


def _trained(
    learner: RowLearner, parameters: Mapping[str, Any], kept: Table, label: str
) -> RowLearner:
    trial, shown = learner.anew(parameters), parameters["verbose"]
    with usual_modes():
        lesson = trial.prepare(
            parameters, kept, label=label if shown else None, prints_epochs=shown > 1
        )
        trial.train_to_the_end(lesson)
    return trial


def _some_rows(held_out: Table, learner: RowLearner, seed: int) -> Table:
    """Return as many held-out rows as blends can be compared on in a short time."""
    n_rows = held_out.X.shape[0]
    n_chosen = min(_MOST_ROWS, max(_ENOUGH_ROWS, _MOST_OUTPUTS // learner.targets.n_outputs))
    if n_rows <= n_chosen:
        return held_out
    chosen = np.random.RandomState(seed).permutation(n_rows)[:n_chosen]
    return held_out.take(np.sort(chosen))


def _loss_of(folds: Sequence[_Fold], k: int) -> float:
    """Return the mean loss of a candidate over all held-out rows."""
    of_folds = [(fold.outputs[k], fold.losses) for fold in folds]
    if not all(output.size for output, _ in of_folds):
        return math.inf
    return float(np.concatenate([losses(output) for output, losses in of_folds]).mean())


def _blend(folds: Sequence[_Fold], candidates: np.ndarray) -> np.ndarray:
    """Return weights of some candidates, whose training did not fail."""
    shares = np.array(list(product(range(_STEPS + 1), repeat=len(candidates))))
    shares = shares[shares.sum(axis=1) == _STEPS] / _STEPS
    losses = []
    for weights in shares:
        of_folds = []
        for fold in folds:
            outputs = [fold.outputs[k] for k in candidates]
            used = [(output, w) for output, w in zip(outputs, weights, strict=True) if w]
            of_folds.append(fold.losses(fold.mix(*zip(*used, strict=True))))
        losses.append(np.concatenate(of_folds))
    lead = np.array(losses)
    lead -= lead[np.argmin(lead.mean(axis=1))]
    is_near = lead.mean(axis=1) <= lead.std(axis=1) / math.sqrt(lead.shape[1])
    found = shares[is_near].mean(axis=0)
    found[found < _LEAST_WEIGHT] = 0
    return found / found.sum()


def _splits(
    learner: RowLearner, table: Table, groups: np.ndarray | None, seed: int
) -> Iterator[tuple[Table, Table]]:
    n_rows = table.X.shape[0]
    strata = learner.targets.strata(table.y)
    if strata is not None and np.unique(strata, return_counts=True)[1].min() < _N_FOLDS:
        strata = None
    options: dict[str, Any] = {"n_splits": _N_FOLDS, "shuffle": True, "random_state": seed}
    if groups is not None and len(np.unique(groups)) < _N_FOLDS:
        raise ValueError(
            f"groups must have at least {_N_FOLDS} different values, so that candidates can be "
            f"compared on groups that are held out, got {len(np.unique(groups))}."
        )
    if groups is not None:
        splitter = GroupKFold(**options) if strata is None else StratifiedGroupKFold(**options)
    else:
        splitter = KFold(**options) if strata is None else StratifiedKFold(**options)
    labels = np.zeros(n_rows) if strata is None else strata
    n_used = min(_N_FOLDS, math.ceil(_ENOUGH / (n_rows / _N_FOLDS)))
    for kept, out in islice(splitter.split(np.zeros(n_rows), labels, groups), n_used):
        yield table.take(kept), table.take(out)
