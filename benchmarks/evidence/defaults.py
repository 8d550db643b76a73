"""Which defaults should SNClassifier have?

``run`` changes one parameter at a time, by 5-fold cross-validation within 80 % of the rows of each
data set (the development rows). Needs SKSN_DATA; ``--smoke`` uses data that come with scikit-learn,
and few epochs.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split

from sksn import SNClassifier

from ..common.data import INCOMPLETE, SPARSE, Data, load
from ..common.measuring import versions

SPLIT_SEED = 2026
VARIATIONS: list[dict[str, Any]] = [
    {},
    {"power": 0.0},
    {"power": 0.25},
    {"power": 0.75},
    {"power": 1.0},
    {"hidden_layer_sizes": (64,)},
    {"hidden_layer_sizes": (256,)},
    {"hidden_layer_sizes": (128, 64)},
    {"hidden_layer_sizes": (256, 128)},
    {"activation": "gelu"},
    {"hidden_norm": "layer"},
    {"hidden_norm": "batch"},
    {"input_dropout": 0.0},
    {"input_dropout": 0.1},
    {"input_dropout": 0.3},
    {"input_dropout": 0.4},
    {"dropout": 0.1},
    {"dropout": 0.3},
    {"lr": 1e-3},
    {"lr": 6e-3},
    {"lr": 1e-2},
    {"alpha": 0.0},
    {"alpha": 0.1},
    {"alpha": 3.0},
    {"batch_size": 64},
    {"batch_size": 256},
    {"max_epochs": 20},
    {"max_epochs": 80},
    {"add_indicator": False},
    {"add_indicator": True},
    {"n_bins": 0},
    {"n_bins": 4},
    {"n_bins": 16},
    {"input_scaling": "observed"},
    {"early_stopping": True, "max_epochs": 100},
]


def cross_validate(model: Any, data: Data, seed: int) -> list[float]:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(data.X, data.y)
    return [
        data.score(clone(model).fit(data.X[train], data.y[train]), test) for train, test in folds
    ]


def development(data: Data) -> Data:
    """Return the rows by which defaults are chosen."""
    rows = np.arange(len(data.y))
    part, _ = train_test_split(rows, test_size=0.2, random_state=SPLIT_SEED, stratify=data.y)
    return Data(data.name, data.X[part], data.y[part], data.metric)


def choose(datasets: list[Data], seeds: int, variations: list[dict], base: dict) -> list[dict]:
    parts = [development(data) for data in datasets]
    names = [data.name for data in datasets]
    print("| change | " + " | ".join(names) + " | mean | s |")
    print("|---|" + "---:|" * (len(names) + 2), flush=True)
    records = []
    for change in variations:
        start = time.perf_counter()
        means = []
        for data in parts:
            runs = [
                cross_validate(SNClassifier(random_state=seed, **(base | change)), data, seed)
                for seed in range(seeds)
            ]
            means.append(float(np.mean(runs)))
        seconds = time.perf_counter() - start
        label = ", ".join(f"{k}={v}" for k, v in change.items()) or "none"
        cells = [f"{m:.4f}" for m in [*means, np.mean(means)]]
        print(f"| {label} | " + " | ".join(cells) + f" | {seconds:.0f} |", flush=True)
        records.append({"change": change, "scores": dict(zip(names, means, strict=True))})
    return records


def smoke_data() -> list[Data]:
    rng = np.random.RandomState(0)
    X, y = load_breast_cancer(return_X_y=True)
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    counts, digit = load_digits(return_X_y=True)
    return [
        Data("breast cancer", X, y, "AUROC"),
        Data("digits", sparse.csr_array(counts), digit, "accuracy"),
    ]


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
    parser.add_argument("--seeds", type=int, default=2, help="seeds of folds and networks")
    parser.add_argument("--data", nargs="*", default=[*INCOMPLETE, *SPARSE], help="data sets")
    parser.add_argument("--base", default="{}", help="JSON: parameters that all variations share")
    parser.add_argument("--json", type=Path, help="where to write the results")


def run(arguments: argparse.Namespace) -> None:
    """Try the variations, and print a table."""
    base, variations = json.loads(arguments.base), VARIATIONS
    if arguments.smoke:
        datasets, base, variations = smoke_data(), {"max_epochs": 2}, VARIATIONS[:2]
    else:
        datasets = [load(name) for name in arguments.data]
    records = choose(datasets, 1 if arguments.smoke else arguments.seeds, variations, base)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"versions": versions(), "results": records}, indent=1)
        )
