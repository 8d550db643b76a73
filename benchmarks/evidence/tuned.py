"""How do methods compare on tables with missing values if each is tuned with the same budget?

``run`` gives each method the same tables and outer folds as ``frames``. In each outer fold, 20
settings are compared by three inner folds of its training rows, by log loss (classes) or R squared:
the defaults, and 19 that are drawn from the ranges in ``SPACES`` (seed 0). The best one is fitted
to all training rows of the fold. ``report`` writes docs/tables/tuned.rst.

Results are kept in benchmarks/results/tuned.json for each table and method, and are not measured
again. ``--data`` and ``--methods`` select some. Where a fold takes more than ``--minutes`` of CPU
time, the method is kept as one that did not finish. Needs SKSN_DATA, and catboost, lightgbm and
xgboost for their rows; ``--smoke`` compares two settings on a small table that is drawn.
"""

from __future__ import annotations

import argparse
from typing import Any

from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, KFold, ParameterSampler, StratifiedKFold

from ..common.places import RESULTS_FOLDER, TABLES
from ..common.tables import as_rst
from .frame_peers import methods
from .frame_tables import table
from .frames import compare, load_frame, load_rows, measure, smoke_frames

RESULTS = RESULTS_FOLDER / "tuned.json"
TUNED_ON = (
    *("bands", "pima", "horse", "hepatitis", "mammographics", "winconsin", "autos"),
    *("chile", "slid", "physionet"),
)
_SETTINGS = 20
_INNER_FOLDS = 3
_MINUTES = 12  # an hour for the five folds of a table

_TREES: dict[str, Any] = {
    "learning_rate": loguniform(0.01, 0.3),
    "n_estimators": [50, 100, 200, 400],
    "reg_lambda": loguniform(1e-2, 10),
    "subsample": [0.5, 0.7, 0.9, 1.0],
    "colsample_bytree": [0.4, 0.6, 0.8, 1.0],
}
SPACES: dict[str, dict[str, Any]] = {
    "SN": {
        "hidden_layer_sizes": [(64,), (128,), (256,), (128, 128)],
        "activation": ["relu", "gelu"],
        "power": [0.0, 0.5, 1.0],
        "dropout": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "input_dropout": [0.0, 0.1, 0.2, 0.3, 0.4],
        "alpha": loguniform(0.1, 10),
        "lr": loguniform(1e-3, 1e-2),
    },
    "HistGradientBoosting": {
        "learning_rate": loguniform(0.01, 0.3),
        "max_iter": [50, 100, 200, 400],
        "max_leaf_nodes": [4, 8, 16, 31, 63],
        "min_samples_leaf": [5, 10, 20, 40],
        "l2_regularization": loguniform(1e-3, 10),
        "max_features": [0.4, 0.6, 0.8, 1.0],
    },
    "random forest": {
        "n_estimators": [100, 300],
        "max_features": ["sqrt", 0.3, 0.5, 0.8, 1.0],
        "min_samples_leaf": [1, 2, 3, 5, 10],
        "max_depth": [None, 4, 8, 16],
    },
    "CatBoost": {
        "learning_rate": loguniform(0.01, 0.2),
        "iterations": [200, 500, 1000],
        "depth": [2, 4, 6, 8],
        "l2_leaf_reg": loguniform(1, 10),
        "random_strength": loguniform(0.1, 10),
    },
    "LightGBM": {
        **_TREES,
        "num_leaves": [4, 8, 16, 31, 63],
        "min_child_samples": [5, 10, 20, 40],
        "subsample_freq": [1],
    },
    "XGBoost": {**_TREES, "max_depth": [2, 3, 4, 6, 8], "min_child_weight": loguniform(0.5, 20)},
}


def tuned(name: str, model: BaseEstimator, *, is_class: bool, n_settings: int) -> GridSearchCV:
    """Return a search over the defaults of a method and settings that are drawn."""
    prefix = ""
    if name == "random forest":
        prefix = model.steps[-1][0] + "__"
    space = {prefix + key: values for key, values in SPACES[name].items()}
    drawn = ParameterSampler(space, n_settings - 1, random_state=0)
    folds = (StratifiedKFold if is_class else KFold)(_INNER_FOLDS, shuffle=True, random_state=0)
    return GridSearchCV(
        model,
        [{}, *({key: [value] for key, value in setting.items()} for setting in drawn)],
        scoring="neg_log_loss" if is_class else "r2",
        cv=folds,
        error_score="raise",
    )


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--data", nargs="*", default=TUNED_ON, help="tables; by default all")
        parser.add_argument("--methods", nargs="*", default=list(SPACES), help="by default all")
        help_text = f"most CPU minutes for an outer fold; by default {_MINUTES}"
        parser.add_argument("--minutes", type=float, default=_MINUTES, help=help_text)
        parser.add_argument("--smoke", action="store_true", help="small tables, nothing is kept")


def run(arguments: argparse.Namespace) -> None:
    """Tune methods, and keep what was measured."""
    if arguments.smoke:
        print(table(list(_smoke())))
        return
    for data in arguments.data:
        frame = load_frame(data)
        searches = {
            name: (tuned(name, model, is_class=frame.is_class, n_settings=_SETTINGS), prepare)
            for name, (model, prepare) in methods(frame.is_class).items()
            if name in SPACES and name in arguments.methods
        }
        measure(RESULTS, data, frame, searches, arguments.minutes)


def report(arguments: argparse.Namespace) -> None:
    """Write the table of the docs."""
    (TABLES / "tuned.rst").write_text(as_rst(table(load_rows(RESULTS))))


def _smoke() -> Any:
    for data, frame in smoke_frames():
        for name, (model, prepare) in methods(frame.is_class).items():
            if name in ("SN", "HistGradientBoosting", "random forest"):
                search = tuned(name, model, is_class=frame.is_class, n_settings=2)
                yield {"data": data, "method": name, **compare(frame, search, prepare)}
