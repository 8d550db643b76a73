"""How do defaults compare on tables of numbers, text, categories and dates with missing values?

``run`` compares SNClassifier and SNRegressor, with and without ``candidates="auto"``, with gradient
boosting, a random forest, RealMLP and TabM, all with their defaults, on the same five folds of each
table. Peers that take categories and missing values get them: HistGradientBoosting, LightGBM and
XGBoost as categories of pandas (HistGradientBoosting as codes where there are more than 255),
CatBoost as text. The random forest gets ordinal codes. RealMLP and TabM get means and indicators.
Dates become seconds for all peers. "bands, blocks" keeps 20 neighbouring rows of the print bands
together. ``report`` writes docs/tables/frames.rst: AUROC or R squared, log loss, average ranks and
the CPU seconds of a fit; and docs/tables/frames-comparison.rst: a test over tables for each peer.

Results are kept in benchmarks/results/frames.json for each table and method, and are not measured
again. ``--data`` and ``--methods`` select some. All seeds are 0. Needs SKSN_DATA, and catboost,
lightgbm, xgboost and pytabkit for their rows; ``--smoke`` uses a small table that is drawn. Where a
fit takes more than ``--minutes`` of CPU time, the method is kept as one that did not finish.

``--folder`` reads downloaded tables of BeyondArena instead (``benchmarks/common/arena.py`` says
how they lie there): without ``--data``, those that have missing cells. Tables whose test rows must
be later than the training rows bring their own folds.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from ..common.arena import listed_in, load_arena
from ..common.data import INCOMPLETE, Frame, data_folder, load
from ..common.measuring import versions
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.tables import as_rst
from .frame_peers import Methods, methods
from .frame_tables import BLOCKS, comparison, table

RESULTS = RESULTS_FOLDER / "frames.json"
_FRAMES = {  # the column to predict, and whether it is a class
    "chile": ("vote", True),
    "slid": ("wages", False),
    "movies": ("rating", False),
    "autos": ("price", False),
    "baseball": ("hr", False),
    "flights": ("late", True),
}
_MOST_MINUTES = 15


def load_frame(name: str) -> Frame:
    """Read a table from the folder that SKSN_DATA names."""
    if name == BLOCKS:
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


@contextmanager
def at_most(minutes: float) -> Iterator[None]:
    """Raise a TimeoutError in code that takes more CPU time; compiled code finishes first."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"a fold takes more than {minutes:g} minutes")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def compare(
    frame: Frame, model: Any, prepare: Callable[[Any], Any], minutes: float = _MOST_MINUTES
) -> dict[str, Any]:
    """Return the scores of a method on five folds, and the CPU seconds of its fits.

    Where folds keep groups of rows together, candidates are compared inside ``fit`` on held-out
    groups too. A method that takes more minutes for a fold has neither scores nor seconds, but the
    reason as "unfinished". With more than two classes, the AUROC is the mean of those of each class
    against the rest, over the classes of the test rows. A class that no training row has gets a
    probability of 0.
    """
    splitter: Any = (StratifiedKFold if frame.is_class else KFold)(5, shuffle=True, random_state=0)
    if frame.groups is not None:
        splitter = GroupKFold(5, shuffle=True, random_state=0)
    X, (classes, y) = prepare(frame.X), np.unique(frame.y, return_inverse=True)
    if not frame.is_class:
        y = frame.y
    found: dict[str, list[float]] = {"scores": [], "log_loss": [], "seconds": []}
    options: dict[str, Any] = {}
    inner = getattr(model, "estimator", model)  # of a search
    if type(inner).__name__.startswith("CatBoost"):
        options = {"cat_features": list(X.columns[[not _is_number(d) for d in X.dtypes]])}
    for train, test in frame.folds or splitter.split(X, y, frame.groups):
        known, target = np.arange(0), y[train]
        if frame.is_class:  # peers want codes without gaps
            known, target = np.unique(y[train], return_inverse=True)
        if frame.groups is not None and getattr(inner, "candidates", None) is not None:
            options["groups"] = frame.groups[train]
        start = time.process_time()
        try:
            with at_most(minutes):
                model.fit(X.iloc[train], target, **options)
        except TimeoutError as error:
            return {**{key: [] for key in found}, "unfinished": str(error)}
        found["seconds"].append(time.process_time() - start)
        if not frame.is_class:
            found["scores"].append(r2_score(y[test], model.predict(X.iloc[test])))
            continue
        of_known = model.predict_proba(X.iloc[test])
        proba = np.zeros((len(test), len(classes)), dtype=of_known.dtype)
        proba[:, known] = of_known
        found["scores"].append(_auroc(y[test], proba))
        found["log_loss"].append(log_loss(y[test], proba, labels=np.arange(len(classes))))
    return found


def _auroc(y: np.ndarray, proba: np.ndarray) -> float:
    if proba.shape[1] == 2:
        return roc_auc_score(y, proba[:, 1])
    return float(np.mean([roc_auc_score(y == k, proba[:, k]) for k in np.unique(y)]))


def _is_number(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype)


def load_rows(results: Path = RESULTS) -> list[dict[str, Any]]:
    """Return what was measured before."""
    return json.loads(results.read_text())["results"] if results.exists() else []


def is_measured(results: Path, data: str, method: str) -> bool:
    """Whether a method was measured on a table before."""
    return any((row["data"], row["method"]) == (data, method) for row in load_rows(results))


def add_row(results: Path, row: dict[str, Any]) -> None:
    """Keep what was measured, beside what was before."""
    rows = [*load_rows(results), row]
    results.write_text(json.dumps({"versions": versions(), "results": rows}))


def report(arguments: argparse.Namespace) -> None:
    """Write the tables of the docs."""
    rows = load_rows()
    (TABLES / "frames.rst").write_text(as_rst(table(rows)))
    (TABLES / "frames-comparison.rst").write_text(as_rst(comparison(rows)))


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--data", nargs="*", help="tables; by default all")
        parser.add_argument("--folder", type=Path, help="a folder of tables of BeyondArena")
        parser.add_argument("--methods", nargs="*", help="methods; by default all")
        help_text = f"most CPU minutes for a fit; by default {_MOST_MINUTES}"
        parser.add_argument("--minutes", type=float, default=_MOST_MINUTES, help=help_text)
        parser.add_argument("--smoke", action="store_true", help="a small table that is drawn")


def run(arguments: argparse.Namespace) -> None:
    """Compare methods, and keep what was measured."""
    if arguments.smoke:
        print(table(list(_smoke())))
        return
    for name in arguments.data or _all_tables(arguments.folder):
        frame = load_arena(name, arguments.folder) if arguments.folder else load_frame(name)
        of_frame = methods(frame.is_class)
        chosen = {m: of_frame[m] for m in of_frame if m in (arguments.methods or of_frame)}
        measure(RESULTS, name, frame, chosen, arguments.minutes)


def measure(
    results: Path, name: str, frame: Frame, models: Methods, minutes: float = _MOST_MINUTES
) -> None:
    """Compare those methods on a table that were not measured before, and keep what is found."""
    for method, (model, prepare) in models.items():
        if is_measured(results, name, method):
            continue
        row = {"data": name, "method": method, **compare(frame, model, prepare, minutes)}
        mean = f"{np.mean(row['scores']):.4f}" if row["scores"] else row["unfinished"]
        print(f"{name:16s} {method:24s} {mean}", flush=True)
        add_row(results, row)


def _all_tables(folder: Path | None) -> list[str]:
    if folder is None:
        return [*_FRAMES, *INCOMPLETE, BLOCKS]
    names = listed_in(folder)
    if not names:
        raise SystemExit(f"{folder} has no table of the list in benchmarks/common/arena.py")
    return names


def smoke_frames() -> Iterator[tuple[str, Frame]]:
    """Yield small tables that are drawn, one with classes and one with numbers."""
    random = np.random.RandomState(0)
    y = random.randint(2, size=100)
    X = pd.DataFrame(
        {
            "town": np.array(["a", "b", None], dtype=object)[random.randint(3, size=100)],
            "x": np.where(random.uniform(size=100) < 0.2, np.nan, y + random.normal(size=100)),
            "when": pd.date_range("2024-01-01", periods=100),
        }
    )
    for is_class in (True, False):
        yield "classes" if is_class else "numbers", Frame(X, y if is_class else y * 1.5, is_class)


def _smoke() -> Iterator[dict[str, Any]]:
    for name, frame in smoke_frames():
        for method, (model, prepare) in methods(frame.is_class).items():
            if method.startswith("SN"):
                model.set_params(max_epochs=2)
            yield {"data": name, "method": method, **compare(frame, model, prepare)}
