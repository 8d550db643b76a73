"""Recommenders to compare: each takes a split and settings, and returns a function of scores."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from sksn import SNRecommender

from . import mult_vae
from .splits import LIKED, Split

Scores = Callable[[np.ndarray], np.ndarray]  # of users, of shape (n_users, n_items)
Fit = Callable[[Split, dict[str, Any]], Scores]


def _liked(split: Split, extra: float) -> sparse.csr_array:
    """Return 1 for each interaction, and more for a liked item."""
    values = np.ones(split.train.nnz)
    if split.kind == "ratings":
        values += extra * (split.train.data >= LIKED)
    return sparse.csr_array((values, split.train.indices, split.train.indptr), split.train.shape)


def popular(split: Split, settings: dict[str, Any]) -> Scores:
    counts = np.bincount(split.train.indices, minlength=split.train.shape[1]).astype(float)
    return lambda users: np.tile(counts, (len(users), 1))


def ease(split: Split, settings: dict[str, Any]) -> Scores:
    X = _liked(split, settings.get("liked", 0.0)).astype(np.float32)
    gram = (X.T @ X).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(settings["ridge"])
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return lambda users: X[users] @ weights


def implicit_als(split: Split, settings: dict[str, Any]) -> Scores:
    from implicit.als import AlternatingLeastSquares

    X = _liked(split, settings.get("liked", 0.0)).astype(np.float32)
    options = {"factors": settings["factors"], "regularization": settings["regularization"]}
    model = AlternatingLeastSquares(
        **options, alpha=settings["alpha"], iterations=15, random_state=0, num_threads=1
    )
    model.fit(sparse.csr_matrix(X), show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def implicit_bpr(split: Split, settings: dict[str, Any]) -> Scores:
    from implicit.bpr import BayesianPersonalizedRanking

    X = _liked(split, 0.0).astype(np.float32)
    model = BayesianPersonalizedRanking(
        **settings, iterations=100, random_state=0, num_threads=1, verify_negative_samples=True
    )
    model.fit(sparse.csr_matrix(X), show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def multinomial_vae(split: Split, settings: dict[str, Any]) -> Scores:
    X = _liked(split, 0.0)
    model = mult_vae.fit(X, **settings)
    return lambda users: mult_vae.scores(model, X[users])


def irspack(name: str) -> Fit:
    def fit(split: Split, settings: dict[str, Any]) -> Scores:
        from irspack import recommenders

        settings = dict(settings)
        X = sparse.csr_matrix(_liked(split, settings.pop("liked", 0.0)))
        model = getattr(recommenders, f"{name}Recommender")(X, **settings).learn()
        return lambda users: np.asarray(model.get_score(users))

    return fit


def own(*, with_dates: bool = False, **options: Any) -> Fit:
    def fit(split: Split, settings: dict[str, Any]) -> Scores:
        entries = split.train.tocoo()
        X, y = np.column_stack(entries.coords), None
        if with_dates and split.dates is not None:
            X = np.column_stack([X, split.dates.data.astype(np.int64)])
        weights = entries.data if split.kind == "counts" else None
        if split.kind == "ratings":
            y = entries.data
        model = SNRecommender(objective="ranking", random_state=0, **options)
        model.fit(X, y, sample_weight=weights)
        place = np.full(split.train.shape[1], -1)
        place[model.items_] = np.arange(len(model.items_))

        def scores(users: np.ndarray) -> np.ndarray:
            found = np.full((len(users), split.train.shape[1]), -np.inf)
            frame, values = model.recommend(users, n=len(model.items_))  # all unseen items
            kept = ~np.ma.getmaskarray(frame)
            row = np.nonzero(kept)[0]
            found[row, np.ma.getdata(frame)[kept]] = np.ma.getdata(values)[kept]
            return found

        return scores

    return fit


_RIDGES = [{"ridge": ridge} for ridge in (20, 100, 300, 800, 2000, 5000)]
_FACTORS = [
    {"factors": factors, "regularization": 0.01, "alpha": alpha}
    for factors in (64, 128)
    for alpha in (1.0, 5.0, 20.0)
]
# By name: the function, and the settings to choose from.
METHODS: dict[str, tuple[Fit, list[dict[str, Any]]]] = {
    "SNRecommender": (own(), [{}]),
    "SNRecommender, nothing chosen": (own(ranking_settings="default"), [{}]),
    "SNRecommender, power 0": (own(ranking_settings={"power": 0.0}), [{}]),
    "SNRecommender, dates": (own(with_dates=True), [{}]),
    "EASE": (ease, _RIDGES),
    "implicit ALS": (implicit_als, _FACTORS),
    "implicit BPR": (
        implicit_bpr,
        [
            {"factors": factors, "learning_rate": lr, "regularization": 0.01}
            for factors in (64, 128)
            for lr in (0.01, 0.03, 0.1)
        ],
    ),
    "Mult-VAE": (
        multinomial_vae,
        [{"n_epochs": n, "beta": beta} for n in (50, 100, 200) for beta in (0.2, 0.5)],
    ),
    "RP3beta": (
        irspack("RP3beta"),
        [{"alpha": a, "beta": b} for a in (0.6, 1.0) for b in (0.2, 0.4, 0.6)],
    ),
    "EDLAE": (
        irspack("EDLAE"),
        [{"reg": reg, "dropout_p": p} for reg in (100, 500, 1500) for p in (0.2, 0.4)],
    ),
    "most popular": (popular, [{}]),
}
NEED_DATES = ("SNRecommender, dates",)
RATED = (
    "EASE",
    "implicit ALS",
    "RP3beta",
    "EDLAE",
)  # which also choose how much a liked item counts
NEEDS = {
    "implicit ALS": "implicit",
    "implicit BPR": "implicit",
    "RP3beta": "irspack",
    "EDLAE": "irspack",
}


def settings_of(method: str, split: Split) -> list[dict[str, Any]]:
    """Return the settings that a method may choose from."""
    _, settings = METHODS[method]
    if split.kind != "ratings" or method not in RATED:
        return settings
    return [{**setting, "liked": liked} for setting in settings for liked in (0.0, 2.0)]


def installed(method: str) -> bool:
    """Whether the library of a method is installed."""
    return find_spec(NEEDS.get(method, "sksn")) is not None
