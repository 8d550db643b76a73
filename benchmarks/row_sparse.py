"""Whether steps on touched features only cost accuracy, beside steps on all features.

Trains the default SNClassifier on the same rows with both kinds of steps of the first layer, by
overriding the rule that chooses between them; 80 % of the rows for training, 20 % for testing,
drawn anew for each seed. Needs SKSN_DATA; ``--smoke`` uses digits instead, and few epochs.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sksn import SNClassifier
from sksn._training import _rows

from _data import SPARSE, Data, load

ALWAYS = {"dense steps": np.inf, "row-sparse steps": 0.0}


def scores(data: Data, seed: int, ratio: float, options: dict) -> tuple[float, float, float]:
    """Accuracy, log loss and seconds of an epoch."""
    rule = _rows._DENSE_STEPS_FOR_A_SPARSE_ONE
    train, test = train_test_split(
        np.arange(len(data.y)), test_size=0.2, random_state=seed, stratify=data.y
    )
    try:
        _rows._DENSE_STEPS_FOR_A_SPARSE_ONE = ratio
        model = SNClassifier(random_state=seed, **options).fit(data.X[train], data.y[train])
    finally:
        _rows._DENSE_STEPS_FOR_A_SPARSE_ONE = rule
    if model.net_.module_.input.sparse_grad is not (ratio == 0):
        raise AssertionError("the rule was not overridden")
    probability = model.predict_proba(data.X[test])
    accuracy = np.mean(model.classes_[probability.argmax(axis=1)] == data.y[test])
    loss = log_loss(data.y[test], probability, labels=model.classes_)
    return float(accuracy), float(loss), float(np.median(model.net_.history[:, "dur"]))


def compare(datasets: list[Data], seeds: int, options: dict) -> list[dict]:
    print("| data | steps | accuracy | log loss | difference in accuracy | epoch, s |")
    print("|---|---|---:|---:|---:|---:|")
    records = []
    for data in datasets:
        runs = {
            name: np.array([scores(data, seed, ratio, options) for seed in range(seeds)])
            for name, ratio in ALWAYS.items()
        }
        for name, run in runs.items():
            accuracy, loss, seconds = run.mean(axis=0)
            difference = (run - runs["dense steps"])[:, 0]
            error = np.std(difference, ddof=1) / np.sqrt(seeds)
            print(
                f"| {data.name} | {name} | {accuracy:.4f} | {loss:.4f} "
                f"| {difference.mean():+.4f} ± {error:.4f} | {seconds:.3f} |",
                flush=True,
            )
            records.append({"data": data.name, "steps": name, "runs": run.tolist()})
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of splits and networks")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        datasets, seeds, options = (
            [Data("digits", sparse.csr_array(X), y, "")],
            2,
            {"max_epochs": 2},
        )
    else:
        datasets, seeds, options = [load(name) for name in SPARSE], arguments.seeds, {}
    records = compare(datasets, seeds, options)
    if arguments.json:
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        result = {"versions": versions, "seeds": seeds, "results": records}
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
