"""Do our networks do better than what people would otherwise use, and what is SN's share in it.

``python benchmarks/claims.py run tables`` and ``run sparse`` compare methods by 5-fold
cross-validation, twice on sets of up to 1000 rows: the same folds for all, and four settings for
each method that is tuned, one of which is chosen by 3-fold cross-validation inside each training
fold (by a quarter of it that is held out where there are more than 550 rows). ``report`` writes
docs/tables/claims-*.rst and docs/claims-*.png: means with their standard errors, the difference to
the first method with the p-value of Nadeau and Bengio's corrected test, average ranks with
Nemenyi's critical difference, and the seconds of a fit without the tuning.

Data sets and methods are run one by one and kept in benchmarks/results/claims.json; those that are
there are not run again, and ``--data`` and ``--methods`` name some. All seeds are 0. Needs
SKSN_DATA; ``--smoke`` runs everything on small data that comes with scikit-learn.
"""

from __future__ import annotations

import argparse
import fcntl
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
from scipy.stats import wilcoxon
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from sksn import ObservedScaler, SNClassifier, SNRegressor
from sksn.datasets import make_holes

from _data import HOURLY, INCOMPLETE, MORE_SPARSE, SPARSE, Data, data_folder, load
from _stats import average_ranks, cliques, corrected_test, critical_difference
from _tables import as_rst
from _timing import machine, versions

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "claims.json"
LOCK = Path(tempfile.gettempdir()) / "sksn-claims.lock"
SLOW = ("MLP, KNN", "MLP, iterative", "MLP, SoftImpute")  # take hours on the hourly records
LARGE = 1000  # rows; above, folds are not repeated
SMALL = 550  # rows; above, settings are chosen by one split
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
PLAIN = {"power": 0.0, "n_bins": 0, "add_indicator": False}
OWN = {"random_state": 0, "device": "cpu"}
NET: Grid = {"net__alpha": [0.3, 3.0], "net__max_epochs": [15, 40]}


def _table_methods(metric: str) -> dict[str, tuple[Steps, Grid]]:
    regression = metric == "R2"
    network = SNRegressor if regression else SNClassifier
    boosting = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    forest = RandomForestRegressor if regression else RandomForestClassifier
    marked = ("fill", SimpleImputer(add_indicator=True, keep_empty_features=True))
    median = ("fill", SimpleImputer(strategy="median", keep_empty_features=True))
    zero = ("fill", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
    scale, observed = ("scale", StandardScaler()), ("scale", ObservedScaler())
    iterative = IterativeImputer(n_nearest_features=20, keep_empty_features=True, random_state=0)
    strengths = [0.003, 0.03, 0.3, 3.0]
    line: tuple[Any, Grid] = (
        (Ridge(), {"line__alpha": [1 / c for c in strengths]})
        if regression
        else (LogisticRegression(max_iter=1000), {"line__C": strengths})
    )

    def own(**options: Any) -> Steps:
        return [("net", network(**OWN, **options))]

    def plain(*steps: tuple[str, Any], **options: Any) -> tuple[Steps, Grid]:
        return [*steps, ("net", network(**OWN | PLAIN | options))], NET

    return {
        "SN": (own(), {}),
        "SN, tuned": (own(), NET),
        "SN, power 0": (own(power=0.0), {}),
        "SN, power 1": (own(power=1.0), {}),
        "MLP, SN 1/2": plain(power=0.5),
        "MLP, SN 1": plain(power=1.0),
        "MLP, zeros (raw)": plain(zero, scale),
        "MLP, mean": plain(observed, zero),
        "MLP, median": plain(median, scale),
        "MLP, KNN": plain(observed, ("fill", KNNImputer(keep_empty_features=True))),
        "MLP, iterative": plain(observed, ("fill", iterative)),
        "MLP, SoftImpute": plain(observed, ("fill", SoftImpute())),
        "MLP, mean + indicator": plain(marked, scale),
        "HistGradientBoosting": (
            [("trees", boosting(random_state=0))],
            {"trees__learning_rate": [0.03, 0.1], "trees__max_leaf_nodes": [7, 31]},
        ),
        "linear, mean + indicator": ([marked, scale, ("line", line[0])], line[1]),
        "random forest, mean + indicator": (
            [marked, ("trees", forest(200, random_state=0))],
            {"trees__min_samples_leaf": [1, 5], "trees__max_features": ["sqrt", 0.3]},
        ),
    }


def _sparse_methods(metric: str) -> dict[str, tuple[Steps, Grid]]:
    ways: dict[str, Steps] = {
        "raw": [],
        "L1": [("scale", Normalizer("l1"))],
        "L2": [("scale", Normalizer("l2"))],
        "TF-IDF": [("scale", TfidfTransformer(sublinear_tf=True))],
    }
    found: dict[str, tuple[Steps, Grid]] = {
        "SN": ([("net", SNClassifier(**OWN))], {}),
        "SN, tuned": ([("net", SNClassifier(**OWN))], NET),
        "SN, power 0": ([("net", SNClassifier(power=0.0, **OWN))], {}),
        "SN, power 1": ([("net", SNClassifier(power=1.0, **OWN))], {}),
    }
    strengths = [0.03, 0.3, 3.0, 30.0]
    for way, steps in ways.items():
        found[f"LinearSVC, {way}"] = [*steps, ("line", LinearSVC())], {"line__C": strengths}
        found[f"logistic, {way}"] = (
            [*steps, ("line", LogisticRegression(max_iter=200))],
            {"line__C": [10 * c for c in strengths]},
        )
        net = MLPClassifier(early_stopping=True, random_state=0)
        found[f"MLPClassifier, {way}"] = [*steps, ("net", net)], {}
    return found


def with_holes(
    name: str, metric: str, X: np.ndarray, y: np.ndarray
) -> dict[str, Callable[[], Data]]:
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
        found |= with_holes("breast cancer", "AUROC", *load_breast_cancer(return_X_y=True))
        found |= with_holes("digits", "accuracy", *load_digits(return_X_y=True))
        found |= with_holes("diabetes", "R2", *load_diabetes(return_X_y=True))
    return found


METHODS = {"tables": _table_methods, "sparse": _sparse_methods}


def compare(data: Data, steps: Steps, grid: Grid, smoke: bool = False) -> dict[str, Any]:
    """Scores of a method on all folds, and the seconds of its fits."""
    labels = data.metric != "R2"
    repeats = 1 if smoke or len(data.y) > LARGE else 2
    splitter = (RepeatedStratifiedKFold if labels else RepeatedKFold)(
        n_splits=5, n_repeats=repeats, random_state=0
    )
    inner: Any = 3
    if len(data.y) > SMALL:
        inner = (StratifiedShuffleSplit if labels else ShuffleSplit)(
            1, test_size=0.25, random_state=0
        )
    found: dict[str, list[float]] = {"scores": [], "accuracy": [], "seconds": []}
    with tempfile.TemporaryDirectory() as cache:  # imputers need not be fitted for each setting
        model: Any = Pipeline(steps, memory=cache if grid else None)
        if smoke and "net__max_epochs" in model.get_params():
            model.set_params(net__max_epochs=2)
            grid = {}
        if grid:
            model = GridSearchCV(model, grid, cv=inner, scoring=data.scorer)
        for train, test in splitter.split(data.y, data.y):
            start = time.perf_counter()
            model = clone(model).fit(data.X[train], data.y[train])
            seconds = time.perf_counter() - start
            found["seconds"].append(getattr(model, "refit_time_", seconds))
            found["scores"].append(data.score(model, test))
            if data.metric == "AUROC":
                found["accuracy"].append(
                    float(np.mean(model.predict(data.X[test]) == data.y[test]))
                )
    return {**found, "metric": data.metric, "n_train": len(train), "n_test": len(test)}


Scores = dict[tuple[str, str], dict[str, Any]]  # by data set and method


def scores_of(rows: list[dict[str, Any]], claim: str) -> Scores:
    return {(row["data"], row["method"]): row for row in rows if row["claim"] == claim}


def _names(found: Scores) -> tuple[list[str], list[str]]:
    """Data sets and methods, in the order of the first rows."""
    return tuple(list(dict.fromkeys(key[i] for key in found)) for i in range(2))


def ranks(found: Scores, data: list[str], methods: list[str]) -> dict[str, float]:
    """Average rank of each method over the data sets for which there are all."""
    complete = [name for name in data if all((name, method) in found for method in methods)]
    if not complete:
        return {}
    table = [[np.mean(found[name, method]["scores"]) for name in complete] for method in methods]
    return dict(zip(methods, average_ranks(np.array(table)), strict=True))


def groups(found: Scores) -> dict[str, tuple[list[str], list[str]]]:
    """Data sets and methods to rank, by what the ranking is called."""
    data, methods = _names(found)
    complete = [name for name in data if all((name, method) in found for method in methods)]
    if HOURLY not in data:
        return {f"{len(complete)} sets": (complete, methods)}
    real = [name for name in data if name in (*INCOMPLETE, HOURLY)]
    quick = [method for method in methods if method not in SLOW]
    without = [name for name in real if name != HOURLY]
    return {
        f"{len(complete)} sets": (complete, methods),
        f"{len(without)} with holes of their own": (without, methods),
        f"these and hourly ({len(real)})": (real, quick),
    }


def summary_table(found: Scores) -> str:
    """A line for each method: ranks, differences to the first method, cost."""
    data, methods = _names(found)
    rankings = {title: ranks(found, *group) for title, group in groups(found).items()}
    first = methods[0]
    header = [
        "method",
        *(f"average rank, {title}" for title in rankings),
        f"{first} better / worse (significantly)",
        f"mean lead of {first}",
        "p (Wilcoxon, over sets)",
        f"fit time / that of {first}",
    ]
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    main = next(iter(rankings.values()))
    for method in sorted(methods, key=lambda name: main.get(name, np.inf)):
        cells = [method]
        cells += [f"{r[method]:.2f}" if method in r else "" for r in rankings.values()]
        both = [name for name in data if {(name, first), (name, method)} <= found.keys()]
        tests = [lead(found, name, method) for name in both]
        leads = np.array([difference for difference, _ in tests])
        sure = [difference > 0 for difference, p in tests if p < 0.05]
        count = f"{np.sum(leads > 0)} / {np.sum(leads < 0)}"
        times = [
            np.median(found[name, method]["seconds"]) / np.median(found[name, first]["seconds"])
            for name in both
        ]
        if method == first:
            cells += ["", "", "", "1"]
        else:
            cells += [
                f"{count} ({sum(sure)} / {len(sure) - sum(sure)})",
                f"{leads.mean():+.4f}",
                f"{wilcoxon(leads).pvalue:.3f}" if leads.any() else "",
                f"{np.median(times):.2g}",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def lead(found: Scores, name: str, method: str) -> tuple[float, float]:
    """By how much the first method is better on a data set, and the p-value."""
    first = next(iter(found))[1]
    row = found[name, method]
    difference = np.array(found[name, first]["scores"]) - np.array(row["scores"])
    return corrected_test(difference, row["n_train"], row["n_test"])


def details_table(found: Scores) -> str:
    """Every mean with its standard error."""
    lines = [
        "| data | method | mean ± standard error | lead of the first (p) | accuracy | fit, s |",
        "|---|---|---:|---:|---:|---:|",
    ]
    data, methods = _names(found)
    for name in data:
        for method in methods:
            if (name, method) not in found:
                continue
            row = found[name, method]
            scores = np.array(row["scores"])
            error = scores.std(ddof=1) * np.sqrt(1 / len(scores) + row["n_test"] / row["n_train"])
            difference, p = lead(found, name, method)
            ahead = f"{difference:+.4f} ({p:.3f})" if method != methods[0] else ""
            accuracy = f"{np.mean(row['accuracy']):.4f}" if row["accuracy"] else ""
            lines.append(
                f"| {name}, {row['metric']} | {method} | {scores.mean():.4f} ± {error:.4f} "
                f"| {ahead} | {accuracy} | {np.median(row['seconds']):.2f} |"
            )
    return "\n".join(lines)


SHOWN = {  # in the README
    "tables": [
        "SN",
        "MLP, mean + indicator",
        "HistGradientBoosting",
        "random forest, mean + indicator",
        "linear, mean + indicator",
    ],
    "sparse": ["SN", "MLPClassifier, TF-IDF", "LinearSVC, TF-IDF", "logistic, TF-IDF"],
}


def readme_table() -> str:
    """Means on all data sets, for some of the methods; the best of a line in bold."""
    tables = []
    for claim, methods in SHOWN.items():
        found = scores_of(load_rows(), claim)
        lines = ["| | " + " | ".join(methods) + " |", "|---|" + "---:|" * len(methods)]
        for name in _names(found)[0]:
            cells = []
            means = [np.mean(found[name, method]["scores"]) for method in methods]
            for mean in means:
                cells.append(
                    f"**{mean:.3f}**" if f"{mean:.3f}" == f"{max(means):.3f}" else f"{mean:.3f}"
                )
            lines.append(f"| {name}, {found[name, 'SN']['metric']} | " + " | ".join(cells) + " |")
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


def draw_ranks(found: Scores, path: Path) -> None:
    """Critical-difference diagrams (Demsar 2006), one for each ranking."""
    from matplotlib.figure import Figure

    rankings = {
        f"{title} (critical difference {gap:.2f})": (ranks(found, data, methods), gap)
        for title, (data, methods) in groups(found).items()
        if (gap := critical_difference(len(methods), len(data)))
    }
    figure = Figure(figsize=(11, 4.2 * len(rankings)), layout="constrained")
    panels = np.ravel(figure.subplots(len(rankings), 1, squeeze=False))
    for panel, (title, (of_method, gap)) in zip(panels, rankings.items(), strict=True):
        methods = sorted(of_method, key=of_method.__getitem__)
        values = [of_method[method] for method in methods]
        for i, (method, value) in enumerate(zip(methods, values, strict=True)):
            own = {"color": "C3" if method.startswith("SN") else "0.2"}
            panel.plot([value, value], [0, -i - 1], linewidth=0.6, **own)
            panel.plot(value, 0, "o", markersize=4, **own)
            panel.annotate(
                f"{method}  {value:.2f}", (value, -i - 1), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8, **own,
            )  # fmt: skip
        for i, (start, stop) in enumerate(cliques(values, gap)):
            panel.plot([start, stop], [1 + i, 1 + i], linewidth=3, color="0.5")
        panel.set(title=f"average rank over {title}", xlim=(1, values[-1] + 3))
        panel.xaxis.tick_top()
        panel.yaxis.set_visible(False)
        for side in ("left", "right", "bottom"):
            panel.spines[side].set_visible(False)
    figure.savefig(path, dpi=90)


def report() -> None:
    """Write tables and figures into the docs."""
    for claim in METHODS:
        found = scores_of(load_rows(), claim)
        for name, table in (("", summary_table(found)), ("-details", details_table(found))):
            path = ROOT / "docs" / "tables" / f"claims-{claim}{name}.rst"
            path.write_text(as_rst(table))
        draw_ranks(found, ROOT / "docs" / f"claims-{claim}.png")


def load_rows() -> list[dict[str, Any]]:
    return json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []


def run(arguments: argparse.Namespace) -> None:
    data_folder()  # rather now than after the first sets
    where, rows = {"machine": machine(), "versions": versions()}, load_rows()
    done = {(row["claim"], row["data"], row["method"]) for row in rows}
    for claim in arguments.claims or list(METHODS):
        for name, get in datasets(claim).items():
            if arguments.data and name not in arguments.data:
                continue
            data = get()
            for method, (steps, grid) in METHODS[claim](data.metric).items():
                wanted = not arguments.methods or method in arguments.methods
                wanted = wanted and not (name == HOURLY and method in SLOW)
                if not wanted or (claim, name, method) in done:
                    continue
                row = compare(data, steps, grid)
                row = {"claim": claim, "data": name, "method": method, **row}
                mean, seconds = np.mean(row["scores"]), np.median(row["seconds"])
                print(f"{name:30s} {method:40s} {mean:.4f} {seconds:7.2f} s", flush=True)
                with LOCK.open("w") as lock:  # another process may run other data sets
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    RESULTS.write_text(
                        json.dumps(where | {"rows": [*load_rows(), row]}, indent=None)
                    )


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
        for method, (steps, grid) in METHODS[claim](data.metric).items():
            row = compare(data, steps, {k: v[:1] for k, v in grid.items()}, smoke=True)
            rows.append({"claim": claim, "data": data.name, "method": method, **row})
    for claim in METHODS:
        found = scores_of([*rows, *({**row, "data": "again"} for row in rows)], claim)
        print(summary_table(found), details_table(found), sep="\n\n")
        with tempfile.TemporaryDirectory() as folder:
            draw_ranks(found, Path(folder) / "ranks.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="?", default="report", choices=["run", "report"])
    parser.add_argument("claims", nargs="*", help="tables, sparse; by default both")
    parser.add_argument("--data", nargs="*", help="data sets; by default all of the claim")
    parser.add_argument("--methods", nargs="*", help="methods; by default all of the claim")
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
        report()


if __name__ == "__main__":
    sys.exit(main())
