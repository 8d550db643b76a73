"""Do our networks do better than what people would otherwise use, and what is SN's share in it.

``python benchmarks/claims.py run tables`` and ``run sparse`` compare methods by repeated 5-fold
cross-validation: the same folds for all, and as many settings for all, one of which is chosen by
3-fold cross-validation inside each training fold. ``report`` prints means with their standard
errors, the difference to the first method with the p-value of Nadeau and Bengio's corrected test,
average ranks with Nemenyi's critical difference, and the seconds of a fit without the tuning.

Data sets and methods are run one by one and kept in benchmarks/results/claims.json; those that are
there are not run again, and ``--data`` and ``--methods`` name some. All seeds are 0. Needs
SKSN_DATA; ``--smoke`` runs everything on small data that comes with scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from sksn import ObservedScaler, SNClassifier
from sksn.datasets import make_holes

from _data import HOURLY, INCOMPLETE, MORE_SPARSE, SPARSE, Data, load
from _stats import average_ranks, corrected_test, critical_difference
from _timing import machine, versions
from defaults import score

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "claims.json"
SLOW = ("MLP, KNN", "MLP, iterative", "MLP, SoftImpute")  # take hours on the hourly records
HOLES = [(0.5, 0.0), (0.49, 0.49), (0.8, 0.18)]  # rate and spread
Steps = list[tuple[str, Any]]
Grid = dict[str, list[Any]]


class SoftImpute(TransformerMixin, BaseEstimator):
    """Completion by a low-rank matrix with shrunken singular values, for standardised rows.

    R. Mazumder, T. Hastie, R. Tibshirani. "Spectral Regularization Algorithms for Learning Large
    Incomplete Matrices". JMLR 11, 2010. New rows are projected on the singular vectors of the
    training rows, by ridge regression on what is observed of them.
    """

    def __init__(self, shrinkage: float = 0.2, n_iterations: int = 50) -> None:
        self.shrinkage, self.n_iterations = shrinkage, n_iterations

    def fit(self, X: np.ndarray, y: Any = None) -> SoftImpute:
        """Find the matrix of the training rows."""
        missing = np.isnan(X)
        filled = np.where(missing, 0.0, X)
        self.penalty_ = self.shrinkage * np.linalg.norm(filled, 2)
        for _ in range(self.n_iterations):
            u, d, v = np.linalg.svd(filled, full_matrices=False)
            d = np.maximum(d - self.penalty_, 0)
            filled = np.where(missing, (u * d) @ v, X)
        self.loadings_ = v[d > 0] * np.sqrt(d[d > 0])[:, None]
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Fill the holes of rows."""
        out = X.copy()
        for row in out:
            observed = ~np.isnan(row)
            A = self.loadings_[:, observed]
            code = np.linalg.solve(A @ A.T + self.penalty_ * np.eye(len(A)), A @ row[observed])
            row[~observed] = code @ self.loadings_[:, ~observed]
        return out


# The network of all rows called MLP: as sksn's own, but on what an imputer has made of the rows.
PLAIN = {"power": 0.0, "n_bins": 0, "add_indicator": False, "random_state": 0, "device": "cpu"}
NET: Grid = {"net__alpha": [0.3, 3.0], "net__max_epochs": [15, 40]}


def _mlp(*steps: tuple[str, Any], **options: Any) -> tuple[Steps, Grid]:
    return [*steps, ("net", SNClassifier(**(PLAIN | options)))], NET


def _table_methods() -> dict[str, tuple[Steps, Grid]]:
    marked = ("fill", SimpleImputer(add_indicator=True, keep_empty_features=True))
    scale, observed = ("scale", StandardScaler()), ("scale", ObservedScaler())
    own = {"random_state": 0, "device": "cpu"}
    zero = ("fill", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
    return {
        "SNClassifier": ([("net", SNClassifier(**own))], {}),
        "SNClassifier, tuned": ([("net", SNClassifier(**own))], NET),
        "SNClassifier, power 0": ([("net", SNClassifier(power=0.0, **own))], {}),
        "SNClassifier, power 1": ([("net", SNClassifier(power=1.0, **own))], {}),
        "MLP, SN 1/2": _mlp(power=0.5),
        "MLP, SN 1": _mlp(power=1.0),
        "MLP, zeros (raw)": _mlp(zero, scale),
        "MLP, zeros (standardised: the mean)": _mlp(observed, zero),
        "MLP, median": _mlp(
            ("fill", SimpleImputer(strategy="median", keep_empty_features=True)), scale
        ),
        "MLP, KNN": _mlp(observed, ("fill", KNNImputer(keep_empty_features=True))),
        "MLP, iterative": _mlp(
            observed,
            ("fill", IterativeImputer(n_nearest_features=20, keep_empty_features=True,
                                      random_state=0)),
        ),
        "MLP, SoftImpute": _mlp(observed, ("fill", SoftImpute())),
        "MLP, mean + indicator": _mlp(marked, scale),
        "HistGradientBoosting": (
            [("trees", HistGradientBoostingClassifier(random_state=0))],
            {"trees__learning_rate": [0.03, 0.1], "trees__max_leaf_nodes": [7, 31]},
        ),
        "logistic regression, mean + indicator": (
            [marked, scale, ("line", LogisticRegression(max_iter=1000))],
            {"line__C": [0.003, 0.03, 0.3, 3.0]},
        ),
        "random forest, mean + indicator": (
            [marked, ("trees", RandomForestClassifier(200, random_state=0))],
            {"trees__min_samples_leaf": [1, 5], "trees__max_features": ["sqrt", 0.3]},
        ),
    }  # fmt: skip


def _sparse_methods() -> dict[str, tuple[Steps, Grid]]:
    own = {"random_state": 0, "device": "cpu"}
    ways: dict[str, Steps] = {
        "raw": [],
        "L1": [("scale", Normalizer("l1"))],
        "L2": [("scale", Normalizer("l2"))],
        "TF-IDF": [("scale", TfidfTransformer(sublinear_tf=True))],
    }
    found: dict[str, tuple[Steps, Grid]] = {
        "SNClassifier": ([("net", SNClassifier(**own))], {}),
        "SNClassifier, tuned": ([("net", SNClassifier(**own))], NET),
        "SNClassifier, power 0": ([("net", SNClassifier(power=0.0, **own))], {}),
        "SNClassifier, power 1": ([("net", SNClassifier(power=1.0, **own))], {}),
    }
    strengths = [0.03, 0.3, 3.0, 30.0]
    for way, steps in ways.items():
        found[f"LinearSVC, {way}"] = [*steps, ("line", LinearSVC())], {"line__C": strengths}
        found[f"logistic regression, {way}"] = (
            [*steps, ("line", LogisticRegression(max_iter=300))],
            {"line__C": [10 * c for c in strengths]},
        )
        net = MLPClassifier(early_stopping=True, random_state=0)
        found[f"MLPClassifier, {way}"] = [*steps, ("net", net)], {}
    return found


def with_holes(name: str, X: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], Data]]:
    metric = "AUROC" if len(np.unique(y)) == 2 else "accuracy"
    return {
        f"{name}, {rate:.0%} ± {spread:.0%} holes": lambda rate=rate, spread=spread: Data(
            name, make_holes(X, rate=rate, rate_spread=spread, random_state=0), y, metric
        )
        for rate, spread in HOLES
    }


def datasets(claim: str) -> dict[str, Callable[[], Data]]:
    """What a claim is tried on, by name."""
    names = (*INCOMPLETE, HOURLY) if claim == "tables" else (*SPARSE, *MORE_SPARSE)
    found: dict[str, Callable[[], Data]] = {name: lambda name=name: load(name) for name in names}
    if claim == "tables":
        found |= with_holes("breast cancer", *load_breast_cancer(return_X_y=True))
        found |= with_holes("digits", *load_digits(return_X_y=True))
    return found


METHODS = {"tables": _table_methods, "sparse": _sparse_methods}


def compare(data: Data, steps: Steps, grid: Grid, repeats: int, smoke: bool) -> dict[str, Any]:
    """Scores of a method on all folds, and the seconds of its fits."""
    scores, seconds = [], []
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0)
    cache = tempfile.TemporaryDirectory()  # imputers need not be fitted for each setting
    model = Pipeline(steps, memory=cache.name if grid else None)
    if smoke and isinstance(steps[-1][1], SNClassifier):
        model.set_params(net__max_epochs=2)
        grid = {}
    if grid:
        scoring = "accuracy" if data.metric == "accuracy" else "roc_auc"
        model = GridSearchCV(model, grid, cv=3, scoring=scoring)
    for train, test in folds.split(data.y, data.y):
        start = time.perf_counter()
        model.fit(data.X[train], data.y[train])
        seconds.append(getattr(model, "refit_time_", time.perf_counter() - start))
        scores.append(score(data.metric, data.y[test], model, data.X[test]))
    cache.cleanup()
    return {"scores": scores, "seconds": float(np.median(seconds)), "metric": data.metric,
            "n_train": len(train), "n_test": len(test)}  # fmt: skip


def report(rows: list[dict[str, Any]]) -> str:
    """A table for each claim: methods by data sets, and the methods' ranks."""
    lines = []
    for claim in dict.fromkeys(row["claim"] for row in rows):
        mine = {(r["data"], r["method"]): r for r in rows if r["claim"] == claim}
        data = list(dict.fromkeys(name for name, _ in mine))
        methods = list(dict.fromkeys(method for _, method in mine))
        lines.append("| data | method | mean ± standard error | first method's lead (p) | fit, s |")
        lines.append("|---|---|---:|---:|---:|")
        for name in data:
            for method in methods:
                if (name, method) not in mine:
                    continue
                row = mine[name, method]
                own = np.array(row["scores"])
                lead = ""
                if method != methods[0] and (name, methods[0]) in mine:
                    first = np.array(mine[name, methods[0]]["scores"])
                    mean, p = corrected_test(first - own, row["n_train"], row["n_test"])
                    lead = f"{mean:+.4f} ({p:.3f})"
                error = own.std(ddof=1) * np.sqrt(1 / len(own) + row["n_test"] / row["n_train"])
                lines.append(
                    f"| {name}, {row['metric']} | {method} | {own.mean():.4f} ± {error:.4f} "
                    f"| {lead} | {row['seconds']:.2f} |"
                )
        complete = [n for n in data if all((n, m) in mine for m in methods)]
        if len(complete) > 1:
            table = [[np.mean(mine[n, m]["scores"]) for n in complete] for m in methods]
            ranks = average_ranks(np.array(table))
            gap = critical_difference(len(methods), len(complete))
            lines += [
                "",
                f"| average rank over {len(complete)} sets (critical difference {gap:.2f}) | |",
            ]
            lines.append("|---|---:|")
            lines += [f"| {methods[i]} | {ranks[i]:.2f} |" for i in np.argsort(ranks)]
        lines.append("")
    return "\n".join(lines)


def load_rows() -> list[dict[str, Any]]:
    return json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []


def run(arguments: argparse.Namespace) -> None:
    where, rows = {"machine": machine(), "versions": versions()}, load_rows()
    done = {(row["claim"], row["data"], row["method"]) for row in rows}
    for claim in arguments.claims or list(METHODS):
        methods = METHODS[claim]()
        for name, get in datasets(claim).items():
            if arguments.data and name not in arguments.data:
                continue
            data = None
            for method, (steps, grid) in methods.items():
                wanted = not arguments.methods or method in arguments.methods
                wanted = wanted and not (name == HOURLY and method in SLOW)
                if not wanted or (claim, name, method) in done:
                    continue
                data = data or get()
                row = compare(data, steps, grid, arguments.repeats, smoke=False)
                row = {"claim": claim, "data": name, "method": method, **row}
                mean = np.mean(row["scores"])
                print(f"{name:30s} {method:40s} {mean:.4f} {row['seconds']:7.2f} s", flush=True)
                rows.append(row)
                RESULTS.write_text(json.dumps(where | {"rows": rows}, indent=1))


def smoke() -> None:
    rng = np.random.RandomState(0)
    X, y = load_breast_cancer(return_X_y=True)
    counts, digit = load_digits(return_X_y=True)
    some = rng.permutation(200)
    small = {
        "tables": Data("breast cancer", make_holes(X[some, :8], random_state=0), y[some], "AUROC"),
        "sparse": Data("digits", sparse.csr_array(counts[some]), digit[some] % 2, "accuracy"),
    }
    rows = []
    for claim, data in small.items():
        for method, (steps, grid) in METHODS[claim]().items():
            row = compare(data, steps, {k: v[:1] for k, v in grid.items()}, 1, smoke=True)
            rows.append({"claim": claim, "data": data.name, "method": method, **row})
    print(report([*rows, *({**row, "data": "again"} for row in rows)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="?", default="report", choices=["run", "report"])
    parser.add_argument("claims", nargs="*", help="tables, sparse; by default both")
    parser.add_argument("--data", nargs="*", help="data sets; by default all of the claim")
    parser.add_argument("--methods", nargs="*", help="methods; by default all of the claim")
    parser.add_argument("--repeats", type=int, default=2, help="repeats of the five folds")
    parser.add_argument("--smoke", action="store_true", help="small data and few epochs")
    arguments = parser.parse_args()
    if unknown := set(arguments.claims) - set(METHODS):
        parser.error(f"no such claim: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore", ConvergenceWarning)
    if arguments.smoke:
        smoke()
    elif arguments.task == "run":
        run(arguments)
    else:
        print(report(load_rows()))


if __name__ == "__main__":
    sys.exit(main())
