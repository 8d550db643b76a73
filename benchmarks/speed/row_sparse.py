"""Whether steps on touched features only cost accuracy, beside steps on all features.

Trains SNClassifier on the same rows with both kinds of steps of the first layer, by overriding the
rule that chooses between them; 80 % of the rows for training, 20 % for testing, drawn anew for each
seed. At the defaults a batch of these data holds many of the features; batches of 8 rows hold few,
as where the rule chooses row-sparse steps by itself. Needs SKSN_DATA; ``--smoke`` uses
digits instead, and few epochs. ``--write`` puts the table into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sksn import SNClassifier

from ..common.data import SPARSE, Data, load
from ..common.measuring import insert, versions
from .peers import rule_for_steps

ALWAYS = {"dense steps": np.inf, "row-sparse steps": 0.0}
SETTINGS: dict[str, dict] = {
    "defaults": {},
    "small batches": {"batch_size": 8, "lr": 1e-3, "max_epochs": 10},
}


def scores(data: Data, seed: int, ratio: float, options: dict) -> tuple[float, float]:
    """Accuracy and log loss."""
    train, test = train_test_split(
        np.arange(len(data.y)), test_size=0.2, random_state=seed, stratify=data.y
    )
    with rule_for_steps(ratio):
        model = SNClassifier(random_state=seed, **options).fit(data.X[train], data.y[train])
    if model.net_.module_.input.sparse_grad is not (ratio == 0):
        raise AssertionError("the rule was not overridden")
    probability = model.predict_proba(data.X[test])
    accuracy = np.mean(model.classes_[probability.argmax(axis=1)] == data.y[test])
    loss = log_loss(data.y[test], probability, labels=model.classes_)
    return float(accuracy), float(loss)


def share_touched(data: Data, batch_size: int) -> float:
    """Share of the features that occur in a batch."""
    X, rng = data.X, np.random.default_rng(0)
    batches = [rng.choice(X.shape[0], batch_size, replace=False) for _ in range(20)]
    return float(np.mean([len(np.unique(X[rows].indices)) for rows in batches])) / X.shape[1]


def compare(datasets: list[Data], seeds: int, settings: dict[str, dict]) -> tuple[list, list]:
    """The lines of the table, and the runs behind them."""
    lines = [
        "| data, setting | features in a batch | steps | accuracy | log loss | difference in "
        "accuracy |",
        "|---|---:|---|---:|---:|---:|",
    ]
    print(*lines, sep="\n")
    records = []
    for data, (setting, options) in itertools.product(datasets, settings.items()):
        share = share_touched(data, options.get("batch_size", SNClassifier().batch_size))
        runs = {
            name: np.array([scores(data, seed, ratio, options) for seed in range(seeds)])
            for name, ratio in ALWAYS.items()
        }
        for name, run in runs.items():
            accuracy, loss = run.mean(axis=0)
            difference = (run - runs["dense steps"])[:, 0]
            error = np.std(difference, ddof=1) / np.sqrt(seeds)
            compared = f"{difference.mean():+.4f} ± {error:.4f}" if difference.any() else ""
            lines.append(
                f"| {data.name}, {setting} | {share:.0%} | {name} | {accuracy:.4f} | {loss:.4f} "
                f"| {compared} |"
            )
            print(lines[-1], flush=True)
            records.append(
                {"data": data.name, "setting": setting, "share": share, "steps": name}
                | {"runs": run.tolist()}
            )
    return lines, records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of splits and networks")
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--write", action="store_true", help="put the table into README.md here")
    arguments = parser.parse_args()
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        datasets = [Data("digits", sparse.csr_array(X), y, "")]
        lines, records = compare(datasets, 2, {"few epochs": {"max_epochs": 2}})
    else:
        datasets = [load(name) for name in SPARSE]
        lines, records = compare(datasets, arguments.seeds, SETTINGS)
    if arguments.json:
        result = {"versions": versions(), "results": records}
        arguments.json.write_text(json.dumps(result, indent=1))
    if arguments.write:
        readme = Path(__file__).with_name("README.md")
        readme.write_text(insert(readme.read_text(), "row_sparse", "\n".join(lines) + "\n"))


if __name__ == "__main__":
    main()
