"""Under which conditions `power` matters: scale of the entries, depth, number of rows.

``python benchmarks/conditions.py run`` compares power 0, 1/2 and 1 by 5-fold cross-validation (seed
0, the same folds) for every combination of

- raw entries (dense rows divided to lie in 0..1 by their observed minimum and maximum, counts as
  they are), and prepared ones (dense rows centred and scaled by their observed entries, counts
  ``log(1 + x)``);
- one hidden layer of 64 ReLU units, and three of 64 tanh units, both without bins and indicators
  and otherwise at the defaults of SNClassifier;
- all training rows, and an eighth of them, drawn from the fold with seed 0.

``report`` writes docs/tables/conditions.rst: mean scores, and p-values of Nadeau and Bengio's
corrected test against power 0. Needs SKSN_DATA; ``--smoke`` runs on 200 digits.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sksn import SNClassifier
from sksn.datasets import make_holes

from _data import Data, data_folder, load
from _stats import corrected_test
from _tables import as_rst
from _timing import machine, versions

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "conditions.json"
POWERS = (0.0, 0.5, 1.0)
ENTRIES = ("raw", "prepared")
NETWORKS: dict[str, dict[str, Any]] = {
    "1 x 64 ReLU": {"hidden_layer_sizes": (64,)},
    "3 x 64 tanh": {"hidden_layer_sizes": (64, 64, 64), "activation": "tanh", "dropout": 0.2},
}
SHARES = (1.0, 0.125)


def _holes(name: str, X: np.ndarray, y: np.ndarray, metric: str) -> Data:
    return Data(name, make_holes(X, rate=0.49, rate_spread=0.49, random_state=0), y, metric)


DATA: dict[str, Callable[[], Data]] = {
    "breast cancer, 0 to 98% holes": lambda: _holes(
        "breast cancer", *load_breast_cancer(return_X_y=True), "AUROC"
    ),
    "digits, 0 to 98% holes": lambda: _holes("digits", *load_digits(return_X_y=True), "accuracy"),
    "physionet": lambda: load("physionet"),
    "PCMAC": lambda: load("PCMAC"),
    "worm": lambda: load("worm"),
}


def model(entries: str, network: str, power: float, *, counts: bool) -> BaseEstimator:
    options = {"n_bins": 0, "add_indicator": False, "random_state": 0, "device": "cpu"}
    scaling = None if entries == "raw" else "auto"
    net = SNClassifier(power=power, input_scaling=scaling, **options | NETWORKS[network])
    return make_pipeline(MinMaxScaler(), net) if entries == "raw" and not counts else net


def run(datasets: dict[str, Callable[[], Data]], shares: tuple[float, ...]) -> list[dict[str, Any]]:
    rows = []
    for name, get in datasets.items():
        data = get()
        folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(data.X, data.y))
        for share, entries, network in itertools.product(shares, ENTRIES, NETWORKS):
            found: dict[str, list[float]] = {str(power): [] for power in POWERS}
            for train, test in folds:
                if share < 1:
                    train, _ = train_test_split(
                        train, train_size=share, random_state=0, stratify=data.y[train]
                    )
                for power in POWERS:
                    net = model(entries, network, power, counts=sparse.issparse(data.X))
                    net.fit(data.X[train], data.y[train])
                    found[str(power)].append(data.score(net, test))
            rows.append(
                {"data": name, "metric": data.metric, "share": share, "entries": entries,
                 "network": network, "scores": found, "n_train": len(train), "n_test": len(test)}
            )  # fmt: skip
            print(line(rows[-1]), flush=True)
    return rows


HEADER = (
    "| data | training rows | entries | network | power 0 | power 1/2 (p) | power 1 (p) |\n"
    "|---|---:|---|---|---:|---:|---:|"
)


def line(row: dict[str, Any]) -> str:
    scores = {power: np.array(values) for power, values in row["scores"].items()}
    cells = [f"{row['data']}, {row['metric']}", str(row["n_train"]), row["entries"], row["network"]]
    for power, values in scores.items():
        _, p = corrected_test(values - scores["0.0"], row["n_train"], row["n_test"])
        cells.append(f"{values.mean():.4f}" + (f" ({p:.3f})" if power != "0.0" else ""))
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="?", default="report", choices=["run", "report"])
    parser.add_argument("--smoke", action="store_true", help="200 digits")
    arguments = parser.parse_args()
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        print(HEADER)
        run({"digits": lambda: _holes("digits", X[:200], y[:200], "accuracy")}, (1.0,))
    elif arguments.task == "run":
        data_folder()  # rather now than after the first sets
        content = {"machine": machine(), "versions": versions(), "rows": run(DATA, SHARES)}
        RESULTS.write_text(json.dumps(content))
    else:
        rows = json.loads(RESULTS.read_text())["rows"]
        table = "\n".join([HEADER, *map(line, rows)])
        (ROOT / "docs" / "tables" / "conditions.rst").write_text(as_rst(table))


if __name__ == "__main__":
    sys.exit(main())
