"""How do defaults compare on tables of numbers, text, categories and dates with missing values?

``run`` compares SNClassifier and SNRegressor, with and without ``candidates="auto"``, with gradient
boosting and a random forest, all with their defaults, on the same five folds of each table. Peers
that take categories and missing values get them: HistGradientBoosting, LightGBM and XGBoost as
categories of pandas (HistGradientBoosting as codes where there are more than 255), CatBoost as
text. The random forest gets ordinal codes. Dates become seconds for all peers. "bands, blocks"
keeps 20 neighbouring rows of the print bands together. ``report`` writes docs/tables/frames.rst:
AUROC or R squared, log loss, average ranks and the CPU seconds of a fit.

Results are kept in benchmarks/results/frames.json for each table and method, and are not measured
again. ``--data`` and ``--methods`` select some. All seeds are 0. Needs SKSN_DATA, and catboost,
lightgbm and xgboost for their rows; ``--smoke`` uses a small table that is drawn.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sksn import SNClassifier, SNRegressor

from ..common.data import INCOMPLETE, data_folder, load
from ..common.measuring import versions
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.statistics import average_ranks
from ..common.tables import as_rst

RESULTS = RESULTS_FOLDER / "frames.json"
_FRAMES = {  # the column to predict, and whether it is a class
    "chile": ("vote", True),
    "slid": ("wages", False),
    "movies": ("rating", False),
    "autos": ("price", False),
    "baseball": ("hr", False),
    "flights": ("late", True),
}
_BLOCKS = "bands, blocks"  # neighbouring rows are of one print job, and say much of each other
_CHOSEN_BY = (
    "bands",
    _BLOCKS,
    "pima",
    "horse",
    "autos",
    "movies",
    "physionet",
    "chile",
    "flights",
    "baseball",
)
_MOST_CATEGORIES = 255
_UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


class Frame(NamedTuple):
    """A table, what to predict, whether that is a class, and groups that folds keep together."""

    X: pd.DataFrame
    y: np.ndarray
    is_class: bool
    groups: np.ndarray | None = None


def load_frame(name: str) -> Frame:
    """Read a table from the folder that SKSN_DATA names."""
    if name == _BLOCKS:
        frame = load_frame("bands")
        return frame._replace(groups=np.arange(len(frame.y)) // 20)
    if name not in _FRAMES:
        data = load(name)
        columns = [f"x{i}" for i in range(data.X.shape[1])]
        return Frame(pd.DataFrame(data.X, columns=columns), data.y, True)
    target, is_class = _FRAMES[name]
    folder = data_folder() / "mixed"
    path = folder / (f"{name}.csv.gz" if name == "flights" else f"{name}.csv")
    dates = ["time_hour"] if name == "flights" else []
    frame = pd.read_csv(path, parse_dates=dates)
    frame = frame[frame[target].notna()].reset_index(drop=True)
    return Frame(frame.drop(columns=target), frame[target].to_numpy(), is_class)


def as_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return text as categories of pandas, and dates as seconds."""
    X = X.copy()
    for name in X.columns:
        if isinstance(X[name].dtype, pd.DatetimeTZDtype) or X[name].dtype.kind == "M":
            X[name] = X[name].astype("int64") / 1e9
        elif not pd.api.types.is_numeric_dtype(X[name].dtype):
            X[name] = X[name].astype("category")
    return X


def as_few_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return categories as HistGradientBoosting takes them; codes where there are more than 255."""
    X = as_categories(X)
    for name in X.columns[X.dtypes == "category"]:
        if len(X[name].cat.categories) > _MOST_CATEGORIES:
            X[name] = X[name].cat.codes.where(X[name].notna())
    return X


def as_text(X: pd.DataFrame) -> pd.DataFrame:
    """Return categories as text, for CatBoost."""
    X = as_categories(X)
    for name in X.columns[X.dtypes == "category"]:
        X[name] = X[name].astype(object).where(X[name].notna(), "missing").astype(str)
    return X


def methods(is_class: bool) -> dict[str, tuple[BaseEstimator, Callable[[Any], Any]]]:
    """Return an estimator, and how it gets its rows, by the name of the method."""
    ours = SNClassifier if is_class else SNRegressor
    boosting = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    forest = RandomForestClassifier if is_class else RandomForestRegressor
    ordinal = OrdinalEncoder(encoded_missing_value=np.nan, **_UNKNOWN)
    codes = make_column_transformer(
        (ordinal, make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    found: dict[str, Any] = {
        "SN": (ours(random_state=0), lambda X: X),
        "SN, candidates": (ours(random_state=0, candidates="auto"), lambda X: X),
        "HistGradientBoosting": (
            boosting(random_state=0, categorical_features="from_dtype"),
            as_few_categories,
        ),
        "random forest": (make_pipeline(codes, forest(random_state=0)), as_categories),
    }
    kind = "Classifier" if is_class else "Regressor"
    for name, module, prefix, options, prepare in (
        ("CatBoost", "catboost", "CatBoost", {"verbose": 0, "allow_writing_files": False}, as_text),
        ("LightGBM", "lightgbm", "LGBM", {"verbose": -1}, as_categories),
        ("XGBoost", "xgboost", "XGB", {"enable_categorical": True}, as_categories),
    ):
        try:
            peer = getattr(import_module(module), prefix + kind)
        except ModuleNotFoundError:
            continue
        found[name] = (peer(random_state=0, **options), prepare)
    return found


def compare(frame: Frame, model: Any, prepare: Callable[[Any], Any]) -> dict[str, list[float]]:
    """Return the scores of a method on five folds, and the CPU seconds of its fits."""
    splitter: Any = (StratifiedKFold if frame.is_class else KFold)(5, shuffle=True, random_state=0)
    if frame.groups is not None:
        splitter = GroupKFold(5, shuffle=True, random_state=0)
    X, (classes, y) = prepare(frame.X), np.unique(frame.y, return_inverse=True)
    if not frame.is_class:
        y = frame.y
    found: dict[str, list[float]] = {"scores": [], "log_loss": [], "seconds": []}
    options = {}
    if type(model).__name__.startswith("CatBoost"):
        options = {"cat_features": list(X.columns[[not _is_number(d) for d in X.dtypes]])}
    for train, test in splitter.split(X, y, frame.groups):
        start = time.process_time()
        model.fit(X.iloc[train], y[train], **options)
        found["seconds"].append(time.process_time() - start)
        if not frame.is_class:
            found["scores"].append(r2_score(y[test], model.predict(X.iloc[test])))
            continue
        proba = model.predict_proba(X.iloc[test])
        of_class = proba[:, 1] if len(classes) == 2 else proba
        found["scores"].append(roc_auc_score(y[test], of_class, multi_class="ovr"))
        found["log_loss"].append(log_loss(y[test], proba, labels=np.arange(len(classes))))
    return found


def _is_number(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype)


def table(rows: list[dict[str, Any]]) -> str:
    """Return scores, log losses, ranks and seconds as a Markdown table."""
    names = list(dict.fromkeys(row["method"] for row in rows))
    sets = list(dict.fromkeys(row["data"] for row in rows))
    found = {(row["data"], row["method"]): row for row in rows}
    lines = ["| table | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]

    def add(label: str, values: list[str]) -> None:
        lines.append(f"| {label} | " + " | ".join(values) + " |")

    complete = [data for data in sets if all((data, name) in found for name in names)]
    for key, better, title in (
        ("scores", 1, "{}, {}"),
        ("log_loss", -1, "{}, log loss"),
        ("seconds", -1, "{}, CPU s"),
    ):
        of_sets = []
        for data in sets:
            cells = [found.get((data, name), {}).get(key) for name in names]
            if not any(cells):
                continue
            means = [np.mean(cell) if cell else np.nan for cell in cells]
            best = np.nanmax(better * np.array(means)) if key != "seconds" else None
            is_class = bool(found[data, names[0]]["log_loss"])
            shown = [
                "-" if np.isnan(m) else f"**{m:.4f}**" if better * m == best else f"{m:.4f}"
                for m in means
            ]
            if key == "seconds":
                shown = ["-" if np.isnan(m) else f"{m:.1f}" for m in means]
            mark = "" if data in _CHOSEN_BY else " *"
            add(title.format(data, "AUROC" if is_class else "R2") + mark, shown)
            if data in complete:
                of_sets.append([better * m for m in means])
        if key != "seconds" and of_sets:
            ranks = average_ranks(np.array(of_sets).T)
            what = "score" if key == "scores" else "log loss"
            add(f"average rank by {what}", [f"{r:.2f}" for r in ranks])
    return "\n".join(lines)


def load_rows() -> list[dict[str, Any]]:
    """Return what was measured before."""
    return json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []


def report(arguments: argparse.Namespace) -> None:
    """Write the table of the docs."""
    (TABLES / "frames.rst").write_text(as_rst(table(load_rows())))


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--data", nargs="*", help="tables; by default all")
        parser.add_argument("--methods", nargs="*", help="methods; by default all")
        parser.add_argument("--smoke", action="store_true", help="a small table that is drawn")


def run(arguments: argparse.Namespace) -> None:
    """Compare methods, and keep what was measured."""
    if arguments.smoke:
        print(table(list(_smoke())))
        return
    rows = load_rows()
    done = {(row["data"], row["method"]) for row in rows}
    for name in arguments.data or (*_FRAMES, *INCOMPLETE, _BLOCKS):
        frame = load_frame(name)
        for method, (model, prepare) in methods(frame.is_class).items():
            if (name, method) in done or (arguments.methods and method not in arguments.methods):
                continue
            row = {"data": name, "method": method, **compare(frame, model, prepare)}
            print(f"{name:16s} {method:24s} {np.mean(row['scores']):.4f}", flush=True)
            rows.append(row)
            _keep(RESULTS, rows)


def _keep(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps({"versions": versions(), "results": rows}))


def _smoke() -> Any:
    random = np.random.RandomState(0)
    y = random.randint(2, size=60)
    X = pd.DataFrame(
        {
            "town": np.array(["a", "b", None], dtype=object)[random.randint(3, size=60)],
            "x": np.where(random.uniform(size=60) < 0.2, np.nan, y + random.normal(size=60)),
            "when": pd.date_range("2024-01-01", periods=60),
        }
    )
    for is_class in (True, False):
        frame = Frame(X, y if is_class else y * 1.5, is_class)
        for method, (model, prepare) in methods(is_class).items():
            if method.startswith("SN"):
                model.set_params(max_epochs=2)
            name = "classes" if is_class else "numbers"
            yield {"data": name, "method": method, **compare(frame, model, prepare)}
