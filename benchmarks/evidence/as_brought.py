"""Do the defaults see the signal of tables as users bring them, without preparation?

Each case hides its signal where a default preparation may lose it: a flag with missing values, tied
values, stored zeros, fractions, raw counts of long rows, numbers beside one-hot columns. All cases
are drawn from a seed, and half or two thirds of the rows are for training. SNClassifier and
SNRegressor have their defaults. HistGradientBoosting gets NaN; the MLP of scikit-learn gets means
with indicators, standardized. ``run`` prints accuracy or R squared, and the log loss and the
calibration error of classifiers. ``report`` writes the table of benchmarks/README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, normalize

from sksn import SNClassifier, SNRegressor

from ..common.measuring import keep, show
from ..common.places import RESULTS_FOLDER
from ..common.statistics import calibration_error

RESULTS = RESULTS_FOLDER / "as_brought.json"
SEEDS = 3
ALLOWED = 0.02  # that a peer may be ahead


class Case(NamedTuple):
    """Rows to train on and to test on; `dense` holds them as the peers get them."""

    X: Any
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray
    dense: np.ndarray
    is_regression: bool = False


def _split(X: Any, y: Any, dense: np.ndarray | None = None, **options: Any) -> Case:
    rows = np.arange(len(y))
    dense = X if dense is None else dense
    return Case(X, np.asarray(y), rows[::2], rows[1::2], dense, **options)


def flag(random: np.random.RandomState) -> Case:
    """A column that is 1 or missing."""
    y = random.randint(0, 2, 400)
    return _split(np.c_[random.normal(size=(400, 3)), np.where(y, 1.0, np.nan)], y)


def ties(random: np.random.RandomState) -> Case:
    """A column that is 0 in nine of ten rows; the rest is heavy-tailed."""
    x = np.where(random.uniform(size=1500) < 0.9, 0, np.exp(2 * random.normal(size=1500)))
    case = _split(np.c_[x, random.normal(size=(1500, 2))], x > 1)
    return case._replace(test=case.test[x[case.test] > 0])


def rare_class(random: np.random.RandomState) -> Case:
    """Three rows in a hundred are of the second class."""
    X = random.normal(size=(3000, 5))
    y = X[:, 0] + X[:, 1] > 2.6
    X[random.uniform(size=X.shape) < 0.2] = np.nan
    return _split(X, y)


def stored_zeros(random: np.random.RandomState) -> Case:
    """Sparse rows in which a stored 0 means something else than no entry."""
    score = random.randint(0, 3, (600, 5))
    row, column = np.nonzero(score < 2)
    X = sparse.csr_array((score[row, column] * 1.0, (row, column)), shape=score.shape)
    return _split(X, score[:, 0] == 0, np.where(score < 2, score, np.nan))


def counts(random: np.random.RandomState) -> Case:
    """Sparse digits."""
    X, y = load_digits(return_X_y=True)
    order = random.permutation(len(y))
    return _split(sparse.csr_array(X[order]), y[order], X[order])


def fractions(random: np.random.RandomState) -> Case:
    """Sparse digits, each divided by its sum."""
    case = counts(random)
    return case._replace(X=normalize(case.X, "l1"), dense=normalize(case.dense, "l1"))


def long_counts(random: np.random.RandomState) -> Case:
    """Raw counts of 3000 genes, 2700 of them in each row."""
    y = random.uniform(size=(600, 1))
    a, b = random.gamma(0.5, 5, (2, 3000))
    X = random.poisson(0.8 * (y * a + (1 - y) * b + 2 * a + 2 * b)).astype(float)
    return _split(sparse.csr_array(X), y[:, 0], X, is_regression=True)


def one_hot_stack(random: np.random.RandomState) -> Case:
    """A year beside the one-hot columns of a town, in one sparse matrix."""
    year, town = random.randint(1990, 2025, 600), random.randint(0, 15, 600)
    X = sparse.csr_array(
        sparse.hstack([OneHotEncoder().fit_transform(town[:, None]), year[:, None]])
    )
    return _split(X, year > 2007, X.toarray())


def wide(random: np.random.RandomState) -> Case:
    """520 columns with 5 % missing entries."""
    hidden = random.normal(size=(600, 5))
    X = hidden @ random.normal(size=(5, 520)) + random.normal(size=(600, 520))
    X[random.uniform(size=X.shape) < 0.05] = np.nan
    return _split(X, hidden[:, 0], is_regression=True)


def unseen_features(random: np.random.RandomState) -> Case:
    """Half of the columns are missing in training and observed afterwards."""
    X = random.normal(size=(400, 6))
    case = _split(X, X[:, 0].copy(), is_regression=True)
    X[case.train, 3:] = np.nan
    return case


def constants(random: np.random.RandomState) -> Case:
    """Half of the columns are constant in training and not afterwards."""
    X = random.normal(size=(400, 6))
    case = _split(X, X[:, 0].copy(), is_regression=True)
    X[case.train, 3:] = 1.0
    return case


CASES: dict[str, Callable[[np.random.RandomState], Case]] = {
    "flag or missing": flag,
    "ties": ties,
    "rare class": rare_class,
    "stored zeros": stored_zeros,
    "counts": counts,
    "fractions": fractions,
    "raw counts of long rows": long_counts,
    "one-hot and a number": one_hot_stack,
    "wide, 5 % missing": wide,
    "features unseen in training": unseen_features,
    "features constant in training": constants,
}


def _mlp(network: Any) -> Any:
    return make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), network)


def methods(case: Case, seed: int) -> dict[str, Any]:
    """Return unfitted models by name."""
    if case.is_regression:
        return {
            "SN": SNRegressor(random_state=seed),
            "HistGradientBoosting": HistGradientBoostingRegressor(random_state=seed),
            "MLP": _mlp(MLPRegressor(random_state=seed)),
        }
    return {
        "SN": SNClassifier(random_state=seed),
        "HistGradientBoosting": HistGradientBoostingClassifier(random_state=seed),
        "MLP": _mlp(MLPClassifier(random_state=seed)),
    }


def scores(case: Case, model: Any, X: Any) -> dict[str, float]:
    """Fit a model and return its scores on the test rows."""
    y = case.y[case.test]
    model.fit(X[case.train], case.y[case.train])
    if case.is_regression:
        return {"score": float(r2_score(y, model.predict(X[case.test])))}
    probability = model.predict_proba(X[case.test])
    return {
        "score": float((model.classes_[probability.argmax(axis=1)] == y).mean()),
        "log loss": float(log_loss(y, probability, labels=model.classes_)),
        "calibration": calibration_error(y, probability, model.classes_),
    }


def compare(name: str, n_seeds: int) -> dict[str, Any]:
    """Return a record with the mean scores of the methods over seeds."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(n_seeds):
        case = CASES[name](np.random.RandomState(seed))
        for method, model in methods(case, seed).items():
            known = ~np.isnan(case.dense[case.train]).all(axis=0)  # peers refuse empty columns
            X = case.X if method == "SN" else case.dense[:, known]
            found.setdefault(method, []).append(scores(case, model, X))
    means = {
        method: {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        for method, runs in found.items()
    }
    return {"case": name, "about": CASES[name].__doc__, "scores": means}


def table(records: list[dict[str, Any]]) -> str:
    """Return a Markdown table, one row for each case."""
    names = ("SN", "HistGradientBoosting", "MLP")
    lines = [
        "| case | " + " | ".join(names) + " | log loss of each | calibration error of each |",
        "|---|" + "---:|" * (len(names) + 2),
    ]
    for record in records:
        of = record["scores"]
        further = [
            " / ".join(f"{of[n][key]:.3f}" for n in names) if key in of["SN"] else ""
            for key in ("log loss", "calibration")
        ]
        cells = [record["case"], *(f"{of[name]['score']:.3f}" for name in names), *further]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="one seed of two cases")
        parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the results")


def run(arguments: argparse.Namespace) -> None:
    """Compare the methods on all cases, and keep the scores."""
    names, seeds = (list(CASES)[:2], 1) if arguments.smoke else (list(CASES), SEEDS)
    records = []
    for name in names:
        records.append(compare(name, seeds))
        print(table(records[-1:]), flush=True)
    keep(arguments, RESULTS, records)


def report(arguments: argparse.Namespace) -> None:
    """Write the table of benchmarks/README.md."""
    show("as_brought", RESULTS, table)
