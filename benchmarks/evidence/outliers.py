"""What does one absurd row cost, and what do fences cost where there is none?

``run`` trains SNClassifier with its defaults on tables with missing values, with and without fences
around the entries that set the scale of a feature. It does so on the tables as they are, and with
one training row replaced by 1e12. Scores are AUROC by five-fold cross-validation, whose folds and
networks change with the seed. Needs SKSN_DATA; ``--smoke`` uses breast cancer and one seed.
``report`` writes the table of benchmarks/README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

from sksn import SNClassifier
from sksn._training import _fences

from ..common.data import INCOMPLETE, Data, load
from ..common.measuring import keep, show
from ..common.places import RESULTS_FOLDER

RESULTS = RESULTS_FOLDER / "outliers.json"
_ABSURD = 1e12
_LARGE, _SEEDS_OF_LARGE = "physionet", 3


@contextmanager
def fences(used: bool) -> Iterator[None]:
    """Compute scales with or without fences."""
    original = _fences._FACTOR
    _fences._FACTOR = original if used else np.inf
    try:
        yield
    finally:
        _fences._FACTOR = original


def scores(data: Data, seed: int, *, used: bool, absurd: bool) -> list[float]:
    """Return the score of each fold."""
    found = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(data.X, data.y):
        X = data.X[train]
        if absurd:
            X[0] = _ABSURD
        with fences(used):
            model = SNClassifier(random_state=seed).fit(X, data.y[train])
        found.append(float(data.score(model, test)))
    return found


def compare(data: Data, n_seeds: int) -> dict[str, Any]:
    """Return a record with the scores of all folds and seeds."""
    runs = {
        f"{'fences' if used else 'plain'}, {'absurd' if absurd else 'as is'}": [
            score
            for seed in range(n_seeds)
            for score in scores(data, seed, used=used, absurd=absurd)
        ]
        for absurd in (False, True)
        for used in (False, True)
    }
    return {"data": data.name, "runs": runs}


def table(records: list[dict[str, Any]]) -> str:
    """Return a Markdown table, one row for each data set."""
    lines = [
        "| data | without fences | with fences | difference | one row of 1e12, without fences "
        "| with fences |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for record in records:
        runs = {name: np.array(values) for name, values in record["runs"].items()}
        difference = runs["fences, as is"] - runs["plain, as is"]
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        means = {name: f"{values.mean():.4f}" for name, values in runs.items()}
        lines.append(
            f"| {record['data']} | {means['plain, as is']} | {means['fences, as is']} "
            f"| {difference.mean():+.4f} ± {error:.4f} | {means['plain, absurd']} "
            f"| {means['fences, absurd']} |"
        )
    return "\n".join(lines) + "\n"


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="breast cancer and one seed")
        parser.add_argument("--seeds", type=int, default=4, help="seeds of folds and networks")
        parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the results")


def run(arguments: argparse.Namespace) -> None:
    """Cross-validate with and without fences, and keep the scores."""
    records = []
    if arguments.smoke:
        records = [compare(Data("breast cancer", *load_breast_cancer(return_X_y=True), "AUROC"), 1)]
        print(table(records))
    else:
        for name in INCOMPLETE:
            records.append(
                compare(load(name), _SEEDS_OF_LARGE if name == _LARGE else arguments.seeds)
            )
            print(table(records[-1:]), flush=True)
    keep(arguments, RESULTS, records)


def report(arguments: argparse.Namespace) -> None:
    """Write the table of benchmarks/README.md."""
    show("outliers", RESULTS, table)
