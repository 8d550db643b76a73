"""Chooses the parameters of a network by the loss on rows that it has not seen."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from .._checks import Rule
from . import _defaults as defaults
from ._device import usual_modes
from ._losses import MeanLoss, NonFiniteLossError
from ._row_learner import RowLearner, Table

_N_FOLDS = 5
_ENOUGH = 1000  # held-out rows from which no further fold is used
_FEWEST = 50  # rows from which anything is chosen
_EPOCHS_OF_LONG, _STEPS_OF_LONG = 60, 400

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
    parameters : dict
        The parameters that replace those of the estimator.
    losses : list of (dict, float)
        Each candidate, the first of which replaces nothing, and its mean loss on held-out rows.
    """

    parameters: dict[str, Any]
    losses: list[tuple[dict[str, Any], float]]


def built_in(X: Any, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return candidates with more regularization, with less, and with longer training."""
    n_batches = -(-X.shape[0] // defaults.batch_size(parameters["batch_size"], X))
    long = max(_EPOCHS_OF_LONG, -(-_STEPS_OF_LONG // n_batches))
    return [
        {"dropout": 0.5, "input_dropout": 0.4, "alpha": 2.0},
        {"dropout": 0.2, "input_dropout": 0.1},
        {"activation": "gelu", "dropout": 0.1, "input_dropout": 0.1, "max_epochs": long},
    ]


def choose(
    learner: RowLearner,
    parameters: Mapping[str, Any],
    candidates: Sequence[Mapping[str, Any]],
    table: Table,
    held_out: Table | None = None,
    groups: np.ndarray | None = None,
) -> Choice:
    """Compare candidates on held-out rows.

    Five folds are used for up to 1000 rows, and as many of the five as hold 1000 rows for more. A
    candidate replaces the parameters of the estimator if its loss is lower by more than the
    standard error of the difference over rows, and no other candidate has a lower loss. The loss of
    a candidate whose training fails is infinite.

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
        return Choice({}, [])
    seed = learner.split_seed
    splits = [(table, held_out)] if held_out is not None else _splits(learner, table, groups, seed)
    quiet = {**parameters, "callbacks": None, "random_state": seed, "early_stopping": False}
    losses: list[list[np.ndarray]] = [[] for _ in tried]
    for kept, out in splits:
        for candidate, of_candidate in zip(tried, losses, strict=True):
            try:
                of_candidate.append(_held_out_losses(learner, quiet | candidate, kept, out))
            except NonFiniteLossError:
                if not candidate:  # the parameters of the estimator themselves
                    raise
                of_candidate.append(np.full(out.X.shape[0], np.inf))
    of_rows = np.array([np.concatenate(of_candidate) for of_candidate in losses])
    means = of_rows.mean(axis=1)
    best = int(np.argmin(means))
    gain = of_rows[0] - of_rows[best]
    error = gain.std() / math.sqrt(len(gain))
    chosen = tried[best] if gain.mean() > error else {}
    return Choice(chosen, list(zip(tried, means.tolist(), strict=True)))


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


def _held_out_losses(
    learner: RowLearner, parameters: Mapping[str, Any], kept: Table, out: Table
) -> np.ndarray:
    """Train a network on some rows, and return its loss on each of the others."""
    trial = RowLearner(
        parameters,
        copy.copy(learner.targets),
        as_sparse=learner.as_sparse,
        columns=learner.columns,
    )
    with usual_modes():
        trial.train(trial.prepare(parameters, kept))
    assert trial.net is not None
    output = trial.predictions(out.X, lambda targets, output: output)
    y = trial.targets.for_loss(out.y)
    y = torch.as_tensor(y.toarray() if hasattr(y, "toarray") else y)
    criterion = trial.net.criterion_
    assert isinstance(criterion, MeanLoss)
    losses = criterion.of_rows(torch.as_tensor(output), y).numpy()
    return losses if out.weights is None else losses * (out.weights / out.weights.mean())
