"""How well are ratings predicted, compared with other methods?

``run u1`` measures all methods on one split. u1 to u5 are the splits of MovieLens-100K. 100k-last
tests on the last fifth of each user there, and 100k-time on the last fifth of all ratings. 1m-0 to
1m-4 are random tenths of MovieLens-1M, and douban is the split of Monti et al. ``run ablation``
changes one part at a time, on held-out training ratings of u1. ``run capacity`` varies the width of
the hidden layer with and without Sparsity Normalization, on the test ratings of u1. ``report``
writes the tables and the figure of docs/movielens.rst. Results are kept in
benchmarks/results/movielens.json; a method that runs again replaces its row.

Protocol: a tenth of the training ratings (seed 0) is held out. Each method is fitted with each of
its settings on the rest. The setting with the lowest error of the held-out ratings is fitted on all
training ratings and predicts the test ratings, once. The seconds are those of that last fit. Each
method runs in a process of its own, with one thread. Needs SKSN_DATA, and for the other methods
``pip install ".[bench]"``; ``--smoke`` needs neither.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

import numpy as np

from sksn import SNRecommender

from ..common.measuring import in_fresh_process, machine, peak_bytes, versions
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.tables import as_rst
from .methods import LARGE_GRIDS, METHODS, installed, needs_dates
from .splits import load_split
from .tables import (
    ablation_table,
    capacity_table,
    dates_table,
    draw,
    folds_table,
    summary,
    table,
)

RESULTS = RESULTS_FOLDER / "movielens.json"
WIDTHS = (10, 20, 50, 100, 200, 500, 1000)


def errors(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    left = predicted - y
    return float(np.sqrt(np.mean(left**2))), float(np.mean(np.abs(left)))


def measure(name: str, method: str) -> dict[str, Any]:
    """Tune a method on held-out training ratings and test it, once."""
    split = load_split(name)
    fit, settings = METHODS[method]
    if name.startswith("1m"):
        settings = LARGE_GRIDS.get(method, settings)
    fit(load_split("smoke"), dict(settings[0]))  # imports and compiles before the measurement
    imports, start = peak_bytes(), time.perf_counter()
    chosen, validated = settings[0], []
    if len(settings) > 1:
        held = split.held_out()
        for candidate in settings:
            validated.append(errors(fit(held, dict(candidate))(held.X_test), held.y_test)[0])
        chosen = settings[int(np.argmin(validated))]
    tuning = time.perf_counter() - start
    start = time.perf_counter()
    predict = fit(split, dict(chosen))
    seconds = time.perf_counter() - start
    rmse, mae = errors(predict(split.X_test), split.y_test)
    return {
        "data": name,
        "method": method,
        "rmse": rmse,
        "mae": mae,
        "seconds": seconds,
        "tuning_seconds": tuning if validated else 0.0,
        "peak_mib": (peak_bytes() - imports) / 2**20,
        "chosen": chosen,
        "validated": validated,
        "settings": settings,
    }


def capacity(name: str, seeds: int, widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return test errors by the width of the hidden layer, with and without normalization."""
    split, rows = load_split(name), []
    for width in widths:
        for power in (0.5, 0.0):
            found = []
            for seed in range(seeds):
                model = SNRecommender(
                    "item",
                    objective="rating",
                    hidden_layer_sizes=width,
                    power=power,
                    random_state=seed,
                    device="cpu",
                )
                predicted = model.fit(split.X[:, :2], split.y).predict(split.X_test[:, :2])
                found.append(errors(predicted, split.y_test)[0])
            rows.append({"width": width, "power": power, "rmse": found})
            print(f"{width:5d} units, power {power}: {np.mean(found):.4f}", flush=True)
    return rows


VARIATIONS: list[dict[str, Any]] = [
    {},
    {"history": False},
    {"history": False, "power": 0.0},
    {"row_offset": None},
    {"row_offset": 0.0},
    {"row_offset": 2.5},
    *({"power": power} for power in (0.0, 0.25, 0.75, 1.0)),
    *({"input_dropout": share} for share in (0.0, 0.3, 0.7)),
    *({"hidden_layer_sizes": width} for width in (100, 1000, (300, 100))),
    *({"alpha": alpha} for alpha in (0.5, 2.0)),
    *({"activation": kind} for kind in ("tanh", "relu", "silu")),
    {"max_epochs": 50},
    {"max_epochs": 500},
    {"early_stopping": True},
    {"n_estimators": 5},
    {"orientation": "user"},
    {"orientation": "user", "activation": "tanh"},
    {"orientation": "both"},
]


def ablation(name: str, seeds: int, variations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return errors of held-out training ratings with one part changed at a time."""
    held, rows = load_split(name).held_out(), []
    for variation in variations:
        found = []
        for seed in range(seeds):
            settings = {"orientation": "item", "random_state": seed, "device": "cpu", **variation}
            model = SNRecommender(objective="rating", **settings).fit(held.X[:, :2], held.y)
            found.append(errors(model.predict(held.X_test[:, :2]), held.y_test)[0])
        rows.append({"variation": variation, "rmse": found})
        print(f"{np.mean(found):.4f} {variation}", flush=True)
    return rows


def load_results() -> dict[str, Any]:
    if RESULTS.exists():
        return json.loads(RESULTS.read_text())
    return {"rows": [], "ablation": [], "capacity": []}


def save_results(result: dict[str, Any]) -> None:
    result.update(machine=machine(), versions=versions())
    RESULTS.write_text(json.dumps(result, indent=1))


def report(arguments: argparse.Namespace) -> None:
    """Write the tables and the figure of the docs."""
    result = load_results()
    rows = result["rows"]
    folder = TABLES
    folder.mkdir(exist_ok=True)
    for name, content in (
        ("ratings", summary(rows)),
        ("100k", table(rows, ["u1"])),
        ("folds", folds_table(rows)),
        ("dates", dates_table(rows)),
        ("1m", table(rows, [f"1m-{seed}" for seed in range(5)])),
        ("douban", table(rows, ["douban"])),
        ("ablation", ablation_table(result["ablation"])),
        ("capacity", capacity_table(result["capacity"])),
    ):
        (folder / f"{name}.rst").write_text(as_rst(content))
    draw(result)


def compare(names: list[str], methods: list[str]) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes below
    for name in names:
        for method in methods:
            if not installed(method):
                print(f"{name}: {method} is not installed", flush=True)
                continue
            if needs_dates(method) and load_split(name).X.shape[1] == 2:
                print(f"{name} has no dates for {method}", flush=True)
                continue
            row = in_fresh_process("benchmarks.ratings.movielens", name, method)
            print(
                f"{name:8s} {method:32s} RMSE {row['rmse']:.4f} MAE {row['mae']:.4f} "
                f"{row['seconds']:7.1f} s {row['peak_mib']:6.0f} MiB {row['chosen']}",
                flush=True,
            )
            if name == "smoke":
                continue
            result = load_results()
            key = (name, method)
            result["rows"] = [r for r in result["rows"] if (r["data"], r["method"]) != key] + [row]
            save_results(result)


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("names", nargs="*", help="splits, ablation, capacity; by default u1")
        parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
        parser.add_argument("--smoke", action="store_true", help="tiny data, sksn only")


def run(arguments: argparse.Namespace) -> None:
    """Measure methods on splits, parts or widths, and keep what was measured."""
    if arguments.smoke:
        compare(["smoke"], [name for name in arguments.methods if name.startswith("SN")][:2])
        ablation("smoke", 1, [{"max_epochs": 2}])
        capacity("smoke", 1, (2,))
        return
    for name in arguments.names or ["u1"]:
        if name == "ablation":
            save_results(load_results() | {"ablation": ablation("u1", 1, VARIATIONS)})
        elif name == "capacity":
            save_results(load_results() | {"capacity": capacity("u1", 5, WIDTHS)})
        else:
            compare([name], arguments.methods)


if __name__ == "__main__":  # one method in a process of its own
    print(json.dumps(measure(*sys.argv[1:])))
