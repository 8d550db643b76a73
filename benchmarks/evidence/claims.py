"""How do our networks compare with other methods, and how much does SN contribute?

``run tables`` and ``run sparse`` compare methods by 5-fold cross-validation on the same folds,
repeated twice on sets of up to 1000 rows. Each tuned method has four settings. One is chosen inside
each training fold, by 3-fold cross-validation, or by a held-out quarter if the fold has more than
550 rows. ``report`` writes docs/tables/claims-*.rst and docs/claims-*.png: means with standard
errors, the difference to the first method with the p-value of Nadeau and Bengio's corrected test,
average ranks with Nemenyi's critical difference, and the seconds of a fit without tuning.

Results are kept in benchmarks/results/claims.json for each data set and method, and are not
measured again. ``--data`` and ``--methods`` select some. All seeds are 0. Needs SKSN_DATA;
``--smoke`` uses small data that come with scikit-learn.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.pipeline import Pipeline

from sksn.datasets import make_holes

from ..common.data import HOURLY, INCOMPLETE, MORE_SPARSE, SPARSE, Data, data_folder, load
from ..common.measuring import machine, versions
from ..common.places import DOCS, RESULTS_FOLDER, TABLES
from ..common.statistics import calibration_error
from ..common.tables import as_rst
from .methods import METHODS, SLOW, Grid, Steps
from .ranking import details_table, draw_ranks, scores_of, scores_table, summary_table

RESULTS = RESULTS_FOLDER / "claims.json"
LOCK = Path(tempfile.gettempdir()) / "sksn-claims.lock"
LARGE = 1000  # rows; above, folds are not repeated
SMALL = 550  # rows; above, settings are chosen by one split
HOLES = [(0.5, 0.0), (0.49, 0.49), (0.8, 0.18)]  # rate and spread


def with_holes(
    name: str, metric: str, X: np.ndarray, y: np.ndarray
) -> dict[str, Callable[[], Data]]:
    return {
        f"{name}, {rate:.0%} ± {spread:.0%} holes": lambda rate=rate, spread=spread: Data(
            name, make_holes(X, rate=rate, rate_spread=spread, random_state=0), y, metric
        )
        for rate, spread in HOLES
    }


def datasets(claim: str) -> dict[str, Callable[[], Data]]:
    """Return the data sets of a claim, by name."""
    names = (*INCOMPLETE, HOURLY) if claim == "tables" else (*SPARSE, *MORE_SPARSE)
    found: dict[str, Callable[[], Data]] = {name: lambda name=name: load(name) for name in names}
    if claim == "tables":
        found |= with_holes("breast cancer", "AUROC", *load_breast_cancer(return_X_y=True))
        found |= with_holes("digits", "accuracy", *load_digits(return_X_y=True))
        found |= with_holes("diabetes", "R2", *load_diabetes(return_X_y=True))
    return found


def compare(data: Data, steps: Steps, grid: Grid, smoke: bool = False) -> dict[str, Any]:
    """Return the scores of a method on all folds, and the seconds of its fits."""
    labels = data.metric != "R2"
    repeats = 1 if smoke or len(data.y) > LARGE else 2
    splitter = (RepeatedStratifiedKFold if labels else RepeatedKFold)(
        n_splits=5, n_repeats=repeats, random_state=0
    )
    inner: Any = 3
    if len(data.y) > SMALL:
        inner = (StratifiedShuffleSplit if labels else ShuffleSplit)(
            1, test_size=0.25, random_state=0
        )
    found: dict[str, list[float]] = {
        name: [] for name in ("scores", "accuracy", "log_loss", "calibration", "seconds")
    }
    with tempfile.TemporaryDirectory() as cache:  # imputers are fitted once for all settings
        model: Any = Pipeline(steps, memory=cache if grid else None)
        if smoke and "net__max_epochs" in model.get_params():
            model.set_params(net__max_epochs=2)
            grid = {}
        if grid:
            model = GridSearchCV(model, grid, cv=inner, scoring=data.scorer)
        for train, test in splitter.split(data.y, data.y):
            start = time.perf_counter()
            model = clone(model).fit(data.X[train], data.y[train])
            seconds = time.perf_counter() - start
            found["seconds"].append(getattr(model, "refit_time_", seconds))
            found["scores"].append(data.score(model, test))
            if data.metric == "AUROC":
                found["accuracy"].append(
                    float(np.mean(model.predict(data.X[test]) == data.y[test]))
                )
            if labels and hasattr(model, "predict_proba"):
                probability = model.predict_proba(data.X[test])
                found["log_loss"].append(log_loss(data.y[test], probability, labels=model.classes_))
                found["calibration"].append(
                    calibration_error(data.y[test], probability, model.classes_)
                )
    return {**found, "metric": data.metric, "n_train": len(train), "n_test": len(test)}


def report(arguments: argparse.Namespace) -> None:
    """Write the tables and the figures of the docs."""
    rows = load_rows()
    for claim in METHODS:
        found = scores_of(rows, claim)
        for name, table in (
            ("", summary_table(found)),
            ("-scores", scores_table(rows, claim)),
            ("-details", details_table(found)),
        ):
            path = TABLES / f"claims-{claim}{name}.rst"
            path.write_text(as_rst(table))
        draw_ranks(found, DOCS / f"claims-{claim}.png")


def load_rows() -> list[dict[str, Any]]:
    return json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []


def measure(arguments: argparse.Namespace) -> None:
    data_folder()  # an error now rather than after the first sets
    where, rows = {"machine": machine(), "versions": versions()}, load_rows()
    done = {(row["claim"], row["data"], row["method"]) for row in rows}
    for claim in arguments.claims or list(METHODS):
        for name, get in datasets(claim).items():
            if arguments.data and name not in arguments.data:
                continue
            data = get()
            for method, (steps, grid) in METHODS[claim](data.metric).items():
                wanted = not arguments.methods or method in arguments.methods
                wanted = wanted and not (name == HOURLY and method in SLOW)
                if not wanted or (claim, name, method) in done:
                    continue
                row = compare(data, steps, grid)
                row = {"claim": claim, "data": name, "method": method, **row}
                mean, seconds = np.mean(row["scores"]), np.median(row["seconds"])
                print(f"{name:30s} {method:40s} {mean:.4f} {seconds:7.2f} s", flush=True)
                with LOCK.open("w") as lock:  # another process may run other data sets
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    RESULTS.write_text(
                        json.dumps(where | {"rows": [*load_rows(), row]}, indent=None)
                    )


def smoke() -> None:
    rng = np.random.RandomState(0)
    X, y = load_breast_cancer(return_X_y=True)
    counts, digit = load_digits(return_X_y=True)
    some = rng.permutation(200)
    small = {
        "tables": Data("breast cancer", make_holes(X[some, :8], random_state=0), y[some], "AUROC"),
        "sparse": Data("digits", sparse.csr_array(counts[some]), digit[some] % 2, "accuracy"),
    }
    rows = []
    for claim, data in small.items():
        for method, (steps, grid) in METHODS[claim](data.metric).items():
            row = compare(data, steps, {k: v[:1] for k, v in grid.items()}, smoke=True)
            rows.append({"claim": claim, "data": data.name, "method": method, **row})
    for claim in METHODS:
        found = scores_of([*rows, *({**row, "data": "again"} for row in rows)], claim)
        print(summary_table(found), details_table(found), sep="\n\n")
        with tempfile.TemporaryDirectory() as folder:
            draw_ranks(found, Path(folder) / "ranks.png")


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("claims", nargs="*", help="tables, sparse; by default both")
        parser.add_argument("--data", nargs="*", help="data sets; by default all of the claim")
        parser.add_argument("--methods", nargs="*", help="methods; by default all of the claim")
        parser.add_argument("--smoke", action="store_true", help="small data and few epochs")


def run(arguments: argparse.Namespace) -> None:
    """Compare methods, and keep what was measured."""
    if unknown := set(arguments.claims) - set(METHODS):
        sys.exit(f"no such claim: {', '.join(sorted(unknown))}")
    if arguments.smoke:
        smoke()
    else:
        measure(arguments)
