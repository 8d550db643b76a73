"""The demo's comparison: all models on the same folds, with out-of-fold predictions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from .._mlp_estimators import SNClassifier, SNRegressor
from ._tables import Table, printable

SCORE_NAMES = {"binary": "AUROC", "multiclass": "accuracy", "regression": "R2"}
POWERS = {"SN, power 1": 1.0, "SN, power 1/2": 0.5, "no SN (power 0)": 0.0}


@dataclass
class Result:
    """Scores and predictions of one model.

    Attributes
    ----------
    scores : ndarray of shape (n_folds,)
        AUROC, accuracy or R2 of each fold.
    output : ndarray of shape (n_samples,)
        Out-of-fold probability of the second class, probability of the predicted class, or
        prediction.
    predicted : ndarray of shape (n_samples,)
        Out-of-fold predicted labels or numbers.
    seconds : float
        Time to fit, summed over folds.
    """

    scores: np.ndarray
    output: np.ndarray
    predicted: np.ndarray
    seconds: float


def models(table: Table, seed: int, quick: bool = False) -> dict[str, Any]:
    """Return the models to compare, by their names in the table."""
    options = table.network | ({"max_epochs": 5} if quick else {})
    iterations: dict[str, Any] = {"max_iter": 10} if quick else {}
    network, mlp, boosting = (
        (SNRegressor, MLPRegressor, HistGradientBoostingRegressor)
        if table.task == "regression"
        else (SNClassifier, MLPClassifier, HistGradientBoostingClassifier)
    )
    compared = {
        name: network(power=power, random_state=seed, **options) for name, power in POWERS.items()
    }
    prepared: list[Any] = [SimpleImputer(keep_empty_features=True, add_indicator=True)]
    prepared.append(StandardScaler())
    layers = {}
    if table.network:  # entries are read as they are: the MLP gets the same
        prepared = [SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)]
        layers = {name: table.network[name] for name in ("hidden_layer_sizes", "activation")}
    peer = mlp(random_state=seed, early_stopping=False, **layers, **iterations)
    if table.task == "regression":  # the network standardizes y as well
        peer = TransformedTargetRegressor(peer, transformer=StandardScaler())
    compared["SimpleImputer + MLP"] = make_pipeline(*prepared, peer)
    compared["HistGradientBoosting"] = boosting(random_state=seed, **iterations)
    return compared


def compare(table: Table, *, seed: int, n_folds: int, quick: bool = False) -> dict[str, Result]:
    """Cross-validate every model on the same folds, with a progress bar."""
    splitter = KFold if table.task == "regression" else StratifiedKFold
    folds = list(splitter(n_folds, shuffle=True, random_state=seed).split(table.X, table.y))
    compared = models(table, seed, quick)
    results = {}
    first = models(table, seed, quick=True)["SN, power 1"]
    first.fit(table.X, table.y)  # loads libraries
    with tqdm(total=len(compared) * n_folds, unit="fit", desc=printable(table.name)) as bar:
        for name, model in compared.items():
            bar.set_postfix_str(name)
            results[name] = _cross_validate(model, table, folds, bar.update)
    return results


def _cross_validate(model: Any, table: Table, folds: list, fitted: Callable[[], Any]) -> Result:
    scores, seconds = [], 0.0
    output = np.full(len(table.y), np.nan)
    predicted = np.empty_like(table.y)
    for train, test in folds:
        start = time.perf_counter()
        fold_model = clone(model).fit(table.X[train], table.y[train])
        seconds += time.perf_counter() - start
        score, output[test], predicted[test] = _evaluate(fold_model, table, test)
        scores.append(score)
        fitted()
    return Result(np.array(scores), output, predicted, seconds)


def _evaluate(model: Any, table: Table, test: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    X, y = table.X[test], table.y[test]
    if table.task == "regression":
        predicted = model.predict(X)
        return r2_score(y, predicted), predicted, predicted
    proba = model.predict_proba(X)
    predicted = model.classes_[proba.argmax(axis=1)]
    if table.task == "binary":
        return roc_auc_score(y, proba[:, 1]), proba[:, 1], predicted
    return accuracy_score(y, predicted), proba.max(axis=1), predicted


def group_score(table: Table, result: Result, rows: np.ndarray) -> float:
    """Score the out-of-fold predictions of some rows; NaN if the score is not defined."""
    y = table.y[rows]
    if table.task == "regression":
        return -float(np.mean(np.abs(y - result.predicted[rows])))
    if table.task == "multiclass":
        return accuracy_score(y, result.predicted[rows])
    if len(np.unique(y)) < 2:
        return np.nan
    return roc_auc_score(y, result.output[rows])


def format_table(table: Table, results: dict[str, Result]) -> str:
    """Return the comparison as a Markdown table, one row a model."""
    score = SCORE_NAMES[table.task]
    lines = [
        f"| {printable(table.name)} | {score}, mean of the folds | standard error "
        "| fits of all folds, s |",
        "|---|---:|---:|---:|",
    ]
    for name, result in results.items():
        error = result.scores.std(ddof=1) / np.sqrt(len(result.scores))
        lines.append(
            f"| {name} | {result.scores.mean():.3f} | {error:.3f} | {result.seconds:.1f} |"
        )
    return "\n".join(lines)


def save_model(table: Table, path: str, seed: int) -> None:
    """Train a network with the defaults on the columns of a file, and save it by joblib.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    frame = import_module("pandas").DataFrame(table.columns)
    network = SNRegressor if table.task == "regression" else SNClassifier
    joblib.dump(network(random_state=seed).fit(frame, table.y), path)
