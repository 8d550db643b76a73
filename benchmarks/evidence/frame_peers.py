"""The methods of the study of frames, and how each gets its rows.

Peers that take categories and missing values get them. RealMLP and TabM of pytabkit refuse missing
numbers: they get the mean of the training rows and, for each column that has missing values there,
an indicator; a missing category is a category of its own. Methods whose libraries are not installed
are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

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
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sksn import SNClassifier, SNRegressor

Methods = dict[str, tuple[BaseEstimator, Callable[[Any], Any]]]  # by name
_MOST_CATEGORIES = 255
_UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}


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


def as_complete_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return text as categories of pandas of which one is "missing"."""
    return as_categories(as_text(X))


def with_means(model: BaseEstimator) -> Pipeline:
    """Return a model of numbers filled with means, their indicators, and categories as they are."""
    filled = make_column_transformer(
        (SimpleImputer(add_indicator=True), make_column_selector(dtype_include="number")),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(filled.set_output(transform="pandas"), model)


def methods(is_class: bool) -> Methods:
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
    on_cpu = {"device": "cpu", "n_threads": 1}
    for name, module, prefix, options, prepare in (
        ("CatBoost", "catboost", "CatBoost", {"verbose": 0, "allow_writing_files": False}, as_text),
        ("LightGBM", "lightgbm", "LGBM", {"verbose": -1}, as_categories),
        ("XGBoost", "xgboost", "XGB", {"enable_categorical": True}, as_categories),
        ("RealMLP", "pytabkit", "RealMLP_TD_", on_cpu, as_complete_categories),
        ("TabM", "pytabkit", "TabM_D_", on_cpu, as_complete_categories),
    ):
        try:
            peer = getattr(import_module(module), prefix + kind)
        except ModuleNotFoundError:
            continue
        model = peer(random_state=0, **options)
        found[name] = (with_means(model) if module == "pytabkit" else model, prepare)
    return found
