"""When do `power` and norms of hidden layers matter?

``run`` compares power 0, 1/2 and 1 by 5-fold cross-validation (seed 0, the same folds) for every
combination of

- raw entries (dense rows scaled to 0..1 by their observed minimum and maximum, counts unchanged)
  and prepared entries (dense rows centred and scaled by their observed entries, counts as
  ``log(1 + x)``);
- one hidden layer of 64 ReLU units, and three of 64 tanh units, both without bins and indicators
  and otherwise at the defaults of SNClassifier;
- all training rows, and an eighth of them, drawn from the fold with seed 0.

It also compares norms of hidden layers, on prepared entries of all rows with power 1/2.

``report`` writes docs/tables/conditions.rst and hidden-norms.rst: mean scores, and p-values of
Nadeau and Bengio's corrected test against power 0 and against no norm. Needs SKSN_DATA;
``--smoke`` uses 200 digits.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sksn import SNClassifier
from sksn.datasets import make_holes

from ..common.data import Data, data_folder, load
from ..common.measuring import machine, versions
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.statistics import corrected_test
from ..common.tables import as_rst

RESULTS = RESULTS_FOLDER / "conditions.json"
POWERS = (0.0, 0.5, 1.0)
ENTRIES = ("raw", "prepared")
NETWORKS: dict[str, dict[str, Any]] = {
    "1 x 64 ReLU": {"hidden_layer_sizes": (64,)},
    "3 x 64 tanh": {"hidden_layer_sizes": (64, 64, 64), "activation": "tanh", "dropout": 0.2},
}
SHARES = (1.0, 0.125)
NORMS = (None, "batch", "layer", "sparsity", "observed")


def _holes(name: str, X: np.ndarray, y: np.ndarray, metric: str) -> Data:
    return Data(name, make_holes(X, rate=0.49, rate_spread=0.49, random_state=0), y, metric)


Datasets = dict[str, Callable[[], Data]]
DATA: Datasets = {
    "breast cancer, 0 to 98% holes": lambda: _holes(
        "breast cancer", *load_breast_cancer(return_X_y=True), "AUROC"
    ),
    "digits, 0 to 98% holes": lambda: _holes("digits", *load_digits(return_X_y=True), "accuracy"),
    "physionet": lambda: load("physionet"),
    "PCMAC": lambda: load("PCMAC"),
    "worm": lambda: load("worm"),
}


def model(
    entries: str, network: str, power: float, norm: str | None = None, *, counts: bool
) -> BaseEstimator:
    options = {"n_bins": 0, "add_indicator": False, "random_state": 0, "device": "cpu"}
    options |= {"power": power, "hidden_norm": norm}
    scaling = None if entries == "raw" else "auto"
    net = SNClassifier(input_scaling=scaling, **options | NETWORKS[network])
    return make_pipeline(MinMaxScaler(), net) if entries == "raw" and not counts else net


def compare(data: Data, models: dict[str, BaseEstimator], share: float) -> dict[str, Any]:
    """Score models on the same folds."""
    found: dict[str, list[float]] = {name: [] for name in models}
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(data.X, data.y):
        if share < 1:
            train, _ = train_test_split(
                train, train_size=share, random_state=0, stratify=data.y[train]
            )
        for name, net in models.items():
            found[name].append(data.score(clone(net).fit(data.X[train], data.y[train]), test))
    sizes = {"n_train": len(train), "n_test": len(test)}
    return {"metric": data.metric, "scores": found, **sizes}


def run_powers(datasets: Datasets, shares: tuple[float, ...]) -> list[dict[str, Any]]:
    rows = []
    for name, get in datasets.items():
        data = get()
        counts = sparse.issparse(data.X)
        for share, entries, network in itertools.product(shares, ENTRIES, NETWORKS):
            models = {str(p): model(entries, network, p, counts=counts) for p in POWERS}
            row = compare(data, models, share)
            what = {"data": name, "share": share, "entries": entries, "network": network}
            rows.append(row | what)
            print(line(rows[-1]), flush=True)
    return rows


def run_norms(datasets: Datasets) -> list[dict[str, Any]]:
    rows = []
    for name, get in datasets.items():
        data = get()
        counts = sparse.issparse(data.X)
        for network in NETWORKS:
            models = {
                str(norm): model("prepared", network, 0.5, norm, counts=counts) for norm in NORMS
            }
            rows.append(compare(data, models, 1.0) | {"data": name, "network": network})
            print(norm_line(rows[-1]), flush=True)
    return rows


HEADER = (
    "| data | training rows | entries | network | power 0 | power 1/2 (p) | power 1 (p) |\n"
    "|---|---:|---|---|---:|---:|---:|"
)


NORM_HEADER = (
    "| data | network | none | " + " | ".join(f"{norm} (p)" for norm in NORMS[1:]) + " |\n"
    "|---|---|" + "---:|" * len(NORMS)
)


def _scores(row: dict[str, Any]) -> list[str]:
    """Return means, all but the first with the p-value of the difference to the first."""
    scores = [np.array(values) for values in row["scores"].values()]
    cells = [f"{scores[0].mean():.4f}"]
    for values in scores[1:]:
        _, p = corrected_test(values - scores[0], row["n_train"], row["n_test"])
        cells.append(f"{values.mean():.4f} ({p:.3f})")
    return cells


def line(row: dict[str, Any]) -> str:
    cells = [f"{row['data']}, {row['metric']}", str(row["n_train"]), row["entries"], row["network"]]
    return "| " + " | ".join(cells + _scores(row)) + " |"


def norm_line(row: dict[str, Any]) -> str:
    cells = [f"{row['data']}, {row['metric']}", row["network"]]
    return "| " + " | ".join(cells + _scores(row)) + " |"


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="200 digits")


def run(arguments: argparse.Namespace) -> None:
    """Compare powers and norms, and keep what was measured."""
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        small = {"digits": lambda: _holes("digits", X[:200], y[:200], "accuracy")}
        print(HEADER)
        run_powers(small, (1.0,))
        print(NORM_HEADER)
        run_norms(small)
        return
    data_folder()  # an error now rather than after the first sets
    content = {"machine": machine(), "versions": versions()}
    content |= {"rows": run_powers(DATA, SHARES), "norms": run_norms(DATA)}
    RESULTS.write_text(json.dumps(content))


def report(arguments: argparse.Namespace) -> None:
    """Write the tables of the docs."""
    found = json.loads(RESULTS.read_text())
    tables = {
        "conditions": (HEADER, line, "rows"),
        "hidden-norms": (NORM_HEADER, norm_line, "norms"),
    }
    for name, (header, line_of, key) in tables.items():
        table = "\n".join([header, *map(line_of, found[key])])
        (TABLES / f"{name}.rst").write_text(as_rst(table))
