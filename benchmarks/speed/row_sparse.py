"""Do row-sparse steps change accuracy, and what do the owed steps contribute?

``run`` trains SNClassifier on the same rows with three kinds of steps of the first layer: dense
steps, row-sparse steps, and row-sparse steps whose rows owe weight decay only. 80 % of the rows are
for training and 20 % for testing, drawn again for each seed. In all settings a batch has so few
features that sksn chooses row-sparse steps; the study overrides this rule. Needs SKSN_DATA;
``--smoke`` uses digits, and few epochs. ``report`` writes the table of benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from torch import Tensor

from sksn import SNClassifier
from sksn.nn import RowSparseAdamW

from ..common.data import FLIGHTS, Data, load
from ..common.measuring import keep, show
from ..common.places import RESULTS_FOLDER
from .peers import rule_for_steps

RESULTS = RESULTS_FOLDER / "row_sparse.json"
DENSE, ROW_SPARSE, DECAY_ONLY = "dense", "row-sparse", "row-sparse, owing decay only"
BATCH = 128  # rows in a batch of sparse rows, by default
SMALL_BATCHES = {"batch_size": 8, "lr": 1e-3, "max_epochs": 10}
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    (FLIGHTS, {}),
    (FLIGHTS, {"batch_size": 32, "max_epochs": 10}),
    ("worm", SMALL_BATCHES),
    ("BASEHOCK", SMALL_BATCHES),
    ("PCMAC", SMALL_BATCHES),
]


@contextmanager
def steps(kind: str) -> Iterator[None]:
    """Train with one kind of steps, whatever the rule of the library says."""
    original = RowSparseAdamW._caught_up
    with rule_for_steps(np.inf if kind == DENSE else 0.0):
        if kind == DECAY_ONLY:
            RowSparseAdamW._caught_up = _decayed
        try:
            yield
        finally:
            RowSparseAdamW._caught_up = original


def _decayed(
    self: RowSparseAdamW,
    parameter: Tensor,
    rows: Tensor,
    group: dict[str, Any],
    *,
    settles: bool = False,
) -> Iterator[tuple[slice, list[Tensor]]]:
    """Take the place of ``RowSparseAdamW._caught_up``, without the moves by running means."""
    state = self.state[parameter]
    tables = (parameter, state["exp_avg"], state["exp_avg_sq"])
    missed = state["log_decay"] - state["log_decay_of_row"].index_select(0, rows)
    copies = [table.index_select(0, rows) for table in tables]
    copies[0].mul_(missed.exp()[:, None])
    yield slice(0, len(rows)), copies
    for table, copy in zip(tables, copies, strict=True):
        table.index_copy_(0, rows, copy)
    if settles:
        state["caught_up"].index_fill_(0, rows, state["n_steps"])
        state["log_decay_of_row"].index_fill_(0, rows, state["log_decay"])


def scores(data: Data, seed: int, kind: str, options: dict[str, Any]) -> tuple[float, float]:
    """Return accuracy and log loss."""
    train, test = train_test_split(
        np.arange(len(data.y)), test_size=0.2, random_state=seed, stratify=data.y
    )
    with steps(kind):
        model = SNClassifier(random_state=seed, **options).fit(data.X[train], data.y[train])
    if model.net_.module_.input.sparse_grad is not (kind != DENSE):
        raise AssertionError("the rule was not overridden")
    probability = model.predict_proba(data.X[test])
    accuracy = np.mean(model.classes_[probability.argmax(axis=1)] == data.y[test])
    loss = log_loss(data.y[test], probability, labels=model.classes_)
    return float(accuracy), float(loss)


def share_touched(data: Data, batch_size: int) -> float:
    """Return the share of the features that occur in a batch."""
    X, rng = data.X, np.random.default_rng(0)
    batches = [rng.choice(X.shape[0], batch_size, replace=False) for _ in range(20)]
    return float(np.mean([len(np.unique(X[rows].indices)) for rows in batches])) / X.shape[1]


def compare(data: Data, seeds: int, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Train with all kinds of steps, and return a record for each."""
    batch_size = options.get("batch_size", BATCH)
    share = share_touched(data, batch_size)
    return [
        {
            "data": data.name,
            "batch_size": batch_size,
            "share": share,
            "steps": kind,
            "runs": [scores(data, seed, kind, options) for seed in range(seeds)],
        }
        for kind in (DENSE, ROW_SPARSE, DECAY_ONLY)
    ]


def table(records: list[dict[str, Any]]) -> str:
    """Return a Markdown table, one row for each kind of steps."""
    lines = [
        "| data, rows in a batch | features in a batch | steps | accuracy | log loss | accuracy "
        "beside dense steps |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for _, group in itertools.groupby(records, key=lambda r: (r["data"], r["batch_size"])):
        dense: np.ndarray | None = None
        for record in group:
            run = np.array(record["runs"])
            dense = run if dense is None else dense
            difference = (run - dense)[:, 0]
            error = np.std(difference, ddof=1) / np.sqrt(len(run))
            compared = "" if run is dense else f"{difference.mean():+.4f} ± {error:.4f}"
            accuracy, loss = run.mean(axis=0)
            lines.append(
                f"| {record['data']}, {record['batch_size']} | {record['share']:.0%} "
                f"| {record['steps']} | {accuracy:.4f} | {loss:.4f} | {compared} |"
            )
    return "\n".join(lines) + "\n"


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
        parser.add_argument("--seeds", type=int, default=5, help="seeds of splits and networks")
        parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the results")


def run(arguments: argparse.Namespace) -> None:
    """Train with all kinds of steps, and keep what was measured."""
    records = []
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        records = compare(Data("digits", sparse.csr_array(X), y, ""), 2, {"max_epochs": 2})
        print(table(records))
    else:
        for name, options in SETTINGS:
            records += compare(load(name), arguments.seeds, options)
            print(table(records[-3:]), flush=True)
    keep(arguments, RESULTS, records)


def report(arguments: argparse.Namespace) -> None:
    """Write the table of benchmarks/README.md."""
    show("row_sparse", RESULTS, table)
