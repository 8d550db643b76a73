"""Do two parallel jobs slow each other down?

Worker processes must not oversubscribe the cores with torch threads: a grid search with
``n_jobs=2`` should take no longer than with ``n_jobs=1``. ``run`` prints the ratio of the medians
of several runs, taken in turns.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
from sklearn.model_selection import GridSearchCV

from sksn import SNClassifier


def seconds(n_jobs: int, X: np.ndarray, y: np.ndarray, max_epochs: int) -> float:
    model = SNClassifier(random_state=0, max_epochs=max_epochs)
    search = GridSearchCV(
        model, {"power": [0, 0.5], "input_dropout": [0, 0.2]}, n_jobs=n_jobs, cv=2
    )
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="small data, one run")


def run(arguments: argparse.Namespace) -> None:
    """Time searches with one and two jobs, and print the ratio."""
    rng = np.random.RandomState(0)
    n_samples, epochs, repeats = (200, 1, 1) if arguments.smoke else (4000, 10, 5)
    X = rng.normal(size=(n_samples, 50))
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    y = rng.randint(2, size=n_samples)
    seconds(2, X, y, 1)  # start the workers
    runs = {1: [], 2: []}
    for _ in range(repeats):
        for n_jobs, taken in runs.items():
            taken.append(seconds(n_jobs, X, y, epochs))
    one, two = (np.median(taken) for taken in runs.values())
    print(f"{os.cpu_count()} cores, median of {repeats}: n_jobs=1 takes {one / two:.2f} x the time")
    print("of n_jobs=2 (above 1: two jobs are faster than one)")
