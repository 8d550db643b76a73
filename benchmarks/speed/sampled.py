"""From which share of observed entries are full products faster than sampled ones?

``run`` trains the same :class:`~sksn.SNAutoencoder` on the same rows, in turns as rows of observed
entries (sampled products) and as dense rows (full products), and prints the ratio of the medians.
The rule of ``sksn/_training/_completion.py`` is the share at which this ratio is 1.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from sksn import SNAutoencoder
from sksn._training import _completion

from ..common.measuring import machine, median_seconds, versions


def ratio(share: float, n_rows: int, n_features: int, width: int, repeats: int) -> float:
    """Return the seconds of full products divided by those of sampled ones."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, n_features))
    X[rng.uniform(size=X.shape) >= share] = np.nan
    model = SNAutoencoder(width, max_epochs=5, random_state=0, device="cpu")

    def fit(dense_share: float) -> None:
        _completion._DENSE_SHARE = dense_share
        model.fit(X)

    seconds, _ = median_seconds({"full": lambda: fit(0.0), "sampled": lambda: fit(2.0)}, repeats)
    return seconds["full"] / seconds["sampled"]


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    parser.add_argument("--smoke", action="store_true", help="one small matrix, one run")
    parser.add_argument("--json", type=Path, help="where to write the ratios")


def run(arguments: argparse.Namespace) -> None:
    """Time both kinds of products, and print the ratios."""
    shapes = [(200, 50, 8)] if arguments.smoke else [(2000, 1000, 100), (2000, 1000, 300)]
    shapes += [] if arguments.smoke else [(20_000, 100, 300)]
    found = []
    print("| rows x features, width | share observed | full / sampled |\n|---|---:|---:|")
    for n_rows, n_features, width in shapes:
        for share in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
            times = ratio(share, n_rows, n_features, width, 1 if arguments.smoke else 5)
            found.append({"shape": (n_rows, n_features, width), "share": share, "ratio": times})
            print(
                f"| {n_rows:,} x {n_features:,}, {width} | {share:.0%} | {times:.2f} |", flush=True
            )
    if arguments.json:
        result = {"machine": machine(), "versions": versions(), "ratios": found}
        arguments.json.write_text(json.dumps(result, indent=1))
