"""The methods of the claims: our networks, the same on imputed rows, and other methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from sksn import ObservedScaler, SNAutoencoder, SNClassifier, SNRegressor

SLOW = ("MLP, iterative", "MLP, SoftImpute")  # take most of an hour on the hourly records
Steps = list[tuple[str, Any]]  # of a pipeline
Grid = dict[str, list[Any]]  # values of its parameters to try


class SoftImpute(TransformerMixin, BaseEstimator):
    """Completion by a low-rank matrix with shrunken singular values, for standardized rows.

    R. Mazumder, T. Hastie, R. Tibshirani. "Spectral Regularization Algorithms for Learning Large
    Incomplete Matrices". JMLR 11, 2010. New rows are projected on the singular vectors of the
    training rows, by ridge regression on their observed entries.
    """

    def __init__(self, shrinkage: float = 0.2, n_iterations: int = 50) -> None:
        self.shrinkage, self.n_iterations = shrinkage, n_iterations

    def fit(self, X: np.ndarray, y: Any = None) -> SoftImpute:
        """Compute the low-rank matrix of the training rows."""
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
        """Replace the missing entries of rows."""
        out = X.copy()
        for row in out:
            observed = ~np.isnan(row)
            A = self.loadings_[:, observed]
            code = np.linalg.solve(A @ A.T + self.penalty_ * np.eye(len(A)), A @ row[observed])
            row[~observed] = code @ self.loadings_[:, ~observed]
        return out


# The network of the methods called MLP: the same as SNClassifier's, on imputed rows.
PLAIN = {"power": 0.0, "n_bins": 0, "add_indicator": False}
OWN = {"random_state": 0, "device": "cpu"}
NET: Grid = {"net__alpha": [0.3, 3.0], "net__max_epochs": [15, 40]}


def table_methods(metric: str) -> dict[str, tuple[Steps, Grid]]:
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
        "MLP, SNAutoencoder": plain(("fill", SNAutoencoder(**OWN))),
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


def sparse_methods(metric: str) -> dict[str, tuple[Steps, Grid]]:
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


# By claim: functions of the metric that return steps and grid by the name of the method.
METHODS: dict[str, Callable[[str], dict[str, tuple[Steps, Grid]]]] = {
    "tables": table_methods,
    "sparse": sparse_methods,
}
