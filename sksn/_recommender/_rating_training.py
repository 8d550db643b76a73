"""How the networks of ratings are trained: on a part of them first, to choose, and then on all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .._training._callbacks import without_validation
from .._training._held_out import count_held_out, hold_out_ratings
from ._interactions import Interactions
from ._rating_model import SIDES, RatingModel, train_networks


class _Chosen(NamedTuple):
    """What held-out ratings choose.

    Attributes
    ----------
    item_weight : float
        The weight of networks whose rows are items.
    error : float or None
        Root mean squared error of the held-out ratings; None if none were held out.
    n_epochs : list of int or None
        Epochs of each network; None for ``max_epochs``.
    """

    item_weight: float
    error: float | None = None
    n_epochs: list[int] | None = None


def trained(
    ratings: Interactions,
    parameters: Mapping[str, Any],
    random: np.random.RandomState,
    *,
    rating_range: tuple[float, float],
) -> tuple[RatingModel, dict[str, Any]]:
    """Choose passes and blend by held-out ratings, and train the networks in use.

    Parameters
    ----------
    ratings : Interactions
        The ratings, on the scale of the networks.
    parameters : mapping
        The parameters of the recommender.
    random : RandomState
        The source of the seeds and of the held-out ratings.
    rating_range : tuple of float
        Lowest and highest rating.

    Returns
    -------
    model : RatingModel
        The blend.
    record : dict
        The fitted attributes of the recommender that tell of the networks.
    """
    sides = SIDES[parameters["orientation"]]
    seeds = random.randint(2**31 - 1, size=(2, 2, parameters["n_estimators"]))
    chosen = _Chosen({"item": 1.0, "user": 0.0, "both": 0.5}[parameters["orientation"]])
    model: RatingModel | None = None
    enough = count_held_out(len(ratings), parameters["validation_fraction"]) < len(ratings)
    if parameters["early_stopping"] or (len(sides) == 2 and enough):
        kept, held_out = hold_out_ratings(len(ratings), parameters["validation_fraction"], random)
        model = _trained_on(kept, held_out, ratings, parameters, seeds[0])
        item_weight, error = model.choose_blend(
            ratings, held_out, item_weight=chosen.item_weight, rating_range=rating_range
        )
        best = [network.engine.record.best_epoch for network in model.networks]
        chosen = _Chosen(item_weight, error, best if parameters["early_stopping"] else None)
    if model is None or parameters["refit"]:
        model = None  # its memory is free for the networks in use
        rows = ratings.sides(sides)
        quiet = {**parameters, "callbacks": without_validation(parameters["callbacks"])}
        networks = train_networks(quiet, rows, seeds[1], n_epochs=chosen.n_epochs)
        model = RatingModel(networks, rows)
    record = {
        "estimators_": [network.face for network in model.networks],
        "n_epochs_": [network.engine.record.best_epoch for network in model.networks],
        "validation_score_": chosen.error,
        "blend_": chosen.item_weight,
    }
    return model.blend(chosen.item_weight), record


def _trained_on(
    kept: np.ndarray,
    held_out: np.ndarray,
    ratings: Interactions,
    parameters: Mapping[str, Any],
    seeds: np.ndarray,
) -> RatingModel:
    """Train networks on a part of the ratings.

    They watch the held-out ratings if they stop early. So do networks that are trained again later,
    whose best epoch is used.
    """
    sides = SIDES[parameters["orientation"]]
    rows = ratings.sides(sides, kept)
    watches = parameters["early_stopping"] or parameters["refit"]
    watched = ratings.sides(sides, held_out) if watches else None
    return RatingModel(train_networks(parameters, rows, seeds, held_out=watched), rows)
