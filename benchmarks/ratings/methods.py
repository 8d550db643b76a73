"""The methods that predict ratings, and the settings over which each is tuned."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from sksn import SNRecommender

from .splits import Split

Predict = Callable[[np.ndarray], np.ndarray]


def fit_ours(split: Split, settings: dict[str, Any]) -> Predict:
    options = {"objective": "rating", "random_state": 0, "device": "cpu"} | settings
    n_columns = 3 if "dates" in options else 2
    model = SNRecommender(**options).fit(split.X[:, :n_columns], split.y)
    return lambda X: model.predict(X[:, :n_columns])


def fit_surprise(split: Split, settings: dict[str, Any]) -> Predict:
    import pandas as pd
    import surprise

    settings = {"random_state": 0, **settings}
    algorithm = getattr(surprise, settings.pop("algorithm"))
    if algorithm is surprise.KNNBaseline:
        del settings["random_state"]
        settings["verbose"] = False
    frame = pd.DataFrame({"user": split.X[:, 0], "item": split.X[:, 1], "rating": split.y})
    reader = surprise.Reader(rating_scale=(split.y.min(), split.y.max()))
    model = algorithm(**settings)
    model.fit(surprise.Dataset.load_from_df(frame, reader).build_full_trainset())
    return lambda X: np.array([model.predict(u, i).est for u, i in X[:, :2].tolist()])


def fit_lenskit(split: Split, settings: dict[str, Any]) -> Predict:
    import pandas as pd
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df

    columns = {"user_id": split.X[:, 0], "item_id": split.X[:, 1], "rating": split.y}
    scorer = BiasedMFScorer(**settings)
    scorer.train(from_interactions_df(pd.DataFrame(columns)))

    def predict(X: np.ndarray) -> np.ndarray:
        out = np.empty(len(X))
        for user in np.unique(X[:, 0]):
            at = X[:, 0] == user
            out[at] = scorer(query=user, items=ItemList(item_ids=X[at, 1])).scores()
        return np.clip(np.nan_to_num(out, nan=split.y.mean()), split.y.min(), split.y.max())

    return predict


def _product(**values: Any) -> list[dict[str, Any]]:
    """Return all combinations of the values of some settings."""
    settings: list[dict[str, Any]] = [{}]
    for name, options in values.items():
        settings = [{**s, name: option} for s in settings for option in options]
    return settings


def _knn(item_rows: bool, k: int) -> dict[str, Any]:
    options = {"name": "pearson_baseline", "user_based": not item_rows}
    return {"algorithm": "KNNBaseline", "k": k, "sim_options": options}


METHODS: dict[str, tuple[Callable[[Split, dict[str, Any]], Predict], list[dict[str, Any]]]] = {
    "SNRecommender": (fit_ours, [{}]),
    "SNRecommender, items": (fit_ours, [{"orientation": "item"}]),
    "SNRecommender, items, 80 epochs": (fit_ours, [{"orientation": "item", "max_epochs": 80}]),
    "SNRecommender, 5 + 5 networks": (fit_ours, [{"n_estimators": 5}]),
    "SNRecommender, with dates, both sides": (fit_ours, [{"dates": "all"}]),
    "SNRecommender, with dates, earlier only": (fit_ours, [{"dates": "earlier"}]),
    "SNRecommender, tuned": (
        fit_ours,
        _product(
            hidden_layer_sizes=[100, 300, 500], alpha=[0.7, 1.0, 1.4], orientation=["both"]
        ),
    ),
    "AutoRec": (
        fit_ours,
        _product(
            orientation=["item"], power=[0.0], input_dropout=[0.0], row_offset=[None],
            history=[False], early_stopping=[True], hidden_layer_sizes=[500],
            alpha=[1.0, 2.0, 3.0, 4.0, 8.0],
        ),
    ),
    "Surprise SVD": (
        fit_surprise,
        _product(
            algorithm=["SVD"], n_factors=[20, 100], reg_all=[0.05, 0.1], n_epochs=[20, 40, 80],
        ),
    ),
    "Surprise SVD++": (
        fit_surprise,
        _product(algorithm=["SVDpp"], reg_all=[0.02, 0.05, 0.1], n_epochs=[20, 40]),
    ),
    "Surprise KNNBaseline": (
        fit_surprise, [_knn(item_rows, k) for item_rows in (True, False) for k in (20, 40, 80)]
    ),
    "LensKit biased MF": (
        fit_lenskit,
        _product(embedding_size=[5, 20, 50], regularization=[0.05, 0.1, 0.2], epochs=[20]),
    ),
}  # fmt: skip
# A fit of SVD++ on MovieLens-1M takes a quarter of an hour, so it is not tuned there.
LARGE_GRIDS = {
    "Surprise SVD++": [{"algorithm": "SVDpp", "reg_all": 0.05, "n_epochs": 20}],
    "Surprise SVD": _product(
        algorithm=["SVD"], n_factors=[100], reg_all=[0.02, 0.05], n_epochs=[20, 40]
    ),
    "Surprise KNNBaseline": [_knn(True, k) for k in (20, 40, 80)],
    "LensKit biased MF": _product(embedding_size=[20, 50], regularization=[0.05, 0.1], epochs=[20]),
    "AutoRec": _product(
        orientation=["item"], power=[0.0], input_dropout=[0.0], row_offset=[None], history=[False],
        early_stopping=[True], hidden_layer_sizes=[500], alpha=[0.3, 1.0, 3.0],
    ),
    "SNRecommender, tuned": _product(hidden_layer_sizes=[500], alpha=[0.7, 1.0]),
}  # fmt: skip


def needs_dates(method: str) -> bool:
    return any("dates" in settings for settings in METHODS[method][1])


def installed(method: str) -> bool:
    package = {"Surprise": "surprise", "LensKit": "lenskit"}.get(method.split()[0])
    return package is None or importlib.util.find_spec(package) is not None
