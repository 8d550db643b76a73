"""Which defaults SNClassifier should have, and what they are worth beside its peers.

``python benchmarks/defaults.py choose`` tries variations of the defaults, one parameter at a
time, by 5-fold cross-validation within 80 % of the rows of each data set (the development rows).
``python benchmarks/defaults.py report`` compares the defaults with their peers, by 5-fold
cross-validation on all rows and on the 20 % that ``choose`` never sees. SNClassifier is at its
defaults; the peers are tuned by a small grid inside each fold, all but the MLP on sparse data,
which would take hours. The seconds are those of one fit, without the tuning.
Both need SKSN_DATA; ``--smoke`` uses data that comes with scikit-learn instead, and few epochs.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sksn import SNClassifier

from _data import INCOMPLETE, SPARSE, Data, load

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


def score(metric: str, y: np.ndarray, model: Any, X: Any) -> float:
    if metric == "accuracy":
        return accuracy_score(y, model.predict(X))
    scores = (
        model.predict_proba(X)[:, 1]
        if hasattr(model, "predict_proba")
        else model.decision_function(X)
    )
    return roc_auc_score(y, scores)


def cross_validate(model: Any, data: Data, seed: int) -> list[float]:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(data.X, data.y)
    return [
        score(
            data.metric, data.y[test], clone(model).fit(data.X[train], data.y[train]), data.X[test]
        )
        for train, test in folds
    ]


def split(data: Data) -> tuple[Data, Data]:
    """Development rows, and rows that no choice ever sees."""
    rows = np.arange(len(data.y))
    parts = train_test_split(rows, test_size=0.2, random_state=SPLIT_SEED, stratify=data.y)
    return tuple(Data(data.name, data.X[part], data.y[part], data.metric) for part in parts)


def choose(datasets: list[Data], seeds: int, variations: list[dict], base: dict) -> list[dict]:
    development = [split(data)[0] for data in datasets]
    names = [data.name for data in datasets]
    print("| change | " + " | ".join(names) + " | mean | s |")
    print("|---|" + "---:|" * (len(names) + 2), flush=True)
    records = []
    for change in variations:
        start = time.perf_counter()
        means = []
        for data in development:
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


def peers(data: Data) -> dict[str, Callable[[], Any]]:
    """Peers with the preparation that their users would give them, tuned inside each fold."""
    scoring = "accuracy" if data.metric == "accuracy" else "roc_auc"

    def tuned(steps: list[Any], **grid: list[Any]) -> GridSearchCV:
        last = type(steps[-1]).__name__.lower()
        named = {f"{last}__{name}": values for name, values in grid.items()}
        return GridSearchCV(make_pipeline(*steps), named, cv=3, scoring=scoring, n_jobs=2)

    if sparse.issparse(data.X):
        tfidf = TfidfTransformer(sublinear_tf=True)
        return {
            "LinearSVC, TF-IDF": lambda: tuned([tfidf, LinearSVC()], C=[0.1, 0.3, 1]),
            "LogisticRegression, TF-IDF": lambda: tuned(
                [tfidf, LogisticRegression(max_iter=300)], C=[1, 10, 100]
            ),
            "MLPClassifier, TF-IDF": lambda: make_pipeline(
                tfidf, MLPClassifier(max_iter=20, random_state=0)
            ),
        }
    prepare = [SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()]
    return {
        "HistGradientBoosting": lambda: tuned(
            [HistGradientBoostingClassifier(random_state=0)],
            learning_rate=[0.03, 0.1],
            max_leaf_nodes=[7, 31],
        ),
        "LogisticRegression, mean + indicator": lambda: tuned(
            [*prepare, LogisticRegression(max_iter=1000)], C=[0.01, 0.1, 1]
        ),
        "MLPClassifier, mean + indicator": lambda: tuned(
            [*prepare, MLPClassifier(random_state=0)], alpha=[0.1, 10]
        ),
    }


def report(datasets: list[Data], options: dict[str, Any]) -> list[dict]:
    print("| data | model | 5 folds of all rows | rows never seen in choosing | fit, s |")
    print("|---|---|---:|---:|---:|")
    records = []
    for data in datasets:
        models: dict[str, Callable[[], Any]] = {
            "SNClassifier": lambda: SNClassifier(random_state=0, **options),
            "the same without SN (power 0)": lambda: SNClassifier(
                **{"random_state": 0, "power": 0.0} | options
            ),
        }
        development, unseen = split(data)
        for name, make in (models | peers(data)).items():
            folds = cross_validate(make(), data, seed=0)
            start = time.perf_counter()
            model = make().fit(development.X, development.y)
            seconds = getattr(model, "refit_time_", time.perf_counter() - start)
            held_out = score(data.metric, unseen.y, model, unseen.X)
            error = np.std(folds, ddof=1) / np.sqrt(len(folds))
            print(
                f"| {data.name}, {data.metric} | {name} | {np.mean(folds):.3f} ± {error:.3f} "
                f"| {held_out:.3f} | {seconds:.1f} |",
                flush=True,
            )
            records.append(
                {"data": data.name, "metric": data.metric, "model": name, "folds": folds}
                | {"unseen": held_out, "seconds": seconds}
            )
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["choose", "report"])
    parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
    parser.add_argument("--seeds", type=int, default=2, help="seeds of folds and networks (choose)")
    parser.add_argument("--data", nargs="*", default=[*INCOMPLETE, *SPARSE], help="data sets")
    parser.add_argument("--base", default="{}", help="JSON: parameters that all variations share")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    base = json.loads(arguments.base)
    variations = VARIATIONS
    if arguments.smoke:
        datasets, base, variations = smoke_data(), {"max_epochs": 2}, VARIATIONS[:2]
    else:
        datasets = [load(name) for name in arguments.data]
    if arguments.task == "choose":
        records = choose(datasets, 1 if arguments.smoke else arguments.seeds, variations, base)
    else:
        records = report(datasets, base)
    if arguments.json:
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        versions |= {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
        result = {"command": sys.argv[1:], "versions": versions, "results": records}
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
