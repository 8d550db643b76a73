"""SNRecommender: predicts ratings and recommends items."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _checks as rules
from .._blocks import largest_of
from .._moments import power_of_two
from .._observed import with_entries
from .._training._callbacks import check_monitors, without_validation
from .._training._completion import EntryRows
from .._training._held_out import count_held_out, hold_out_ratings
from .._training._neural_estimator import TRAINING_RULES
from .._training._offsets import column_offsets, row_offsets
from ..nn._activations import ACTIVATIONS
from ._ids import UNKNOWN, Ids, column_names, id_column, id_columns
from ._interactions import (
    Interactions,
    check_new_ratings,
    check_ratings,
    interactions,
    refuse_constant,
)
from ._lists import best, masked_lists, most_similar
from ._rating_model import LEAST_PRIOR, SIDES, RatingModel, train_networks

_PRIOR = 5.0  # shrinkage of the means of users and items
_PRIVATE = {"_ids", "_seen", "_means", "_user_mean", "_fold_prior", "_model"}


class SNRecommender(rules.SuggestsParameters, RegressorMixin, BaseEstimator):
    r"""Predicts ratings and recommends items, by autoencoders with Sparsity Normalization [1]_.

    X has one row for each rating, with the ids of a user and an item; y is the rating. Each item
    is a row of an :class:`SNAutoencoder` whose features are the users (AutoRec [2]_), or each user
    is a row whose features are the items, or both, and the predictions are blended. No side
    information is used, and no array has the size of users times items.

    Parameters
    ----------
    orientation : {"item", "user", "both"}, default="both"
        Whether rows are items or users. Rows of items usually predict better. "both" blends the
        two with the weight that predicts held-out ratings best, and takes twice as long.
    n_estimators : int, default=1
        Number of networks for each kind of rows. Their predictions are averaged.
    hidden_layer_sizes : int or sequence of int, default=(300,)
        Width of each layer of the encoder. The last layer is the code. The decoder is linear.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="logistic"
        Non-linearity of the hidden layers.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``. n is the number of ratings of the row.
    input_dropout : float in [0, 1), default=0.5
        Share of the ratings that the encoder does not see in training. They are predicted all the
        same.
    row_offset : float or None, default=10.0
        Shrinkage of the row offsets: a row's offset is its mean residual, computed with this many
        extra zero residuals. None: rows have no offsets.
    history : bool, default=True
        Whether user vectors include an implicit-feedback term, as in SVD++ [3]_, where rows are
        items.
    lr : float, default=6e-3
        Maximum learning rate of Adam.
    alpha : float, default=1.0
        Strength of the L2 penalty, rescaled so that a good value does not depend on layer width.
        See :class:`SNAutoencoder`.
    batch_size : "auto" or int, default="auto"
        Maximum number of rows in a batch. "auto": all rows, unless they have more than 16 million
        ratings.
    max_epochs : int, default=150
        Number of passes over the ratings, or the maximum with `early_stopping`.
    early_stopping : bool, default=False
        Whether to choose the number of passes by held-out ratings.
    validation_fraction : float in (0, 1), default=0.1
        Share of the ratings that is held out to choose the number of passes and the blend.
    n_iter_no_change : int, default=20
        Number of passes without a lower error of held-out ratings after which training stops.
    refit : bool, default=True
        Whether to train again on all ratings, once the passes and the blend are chosen.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, dropout and the held-out ratings. The same integer gives the
        same result on the same machine.
    device : str or torch.device, default="auto"
        Device to train on. "auto": CUDA if available, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the networks.
    callbacks : list of skorch callbacks, optional
        Called during training, as in :class:`skorch.NeuralNet`.
    verbose : bool, default=False
        Whether to show a progress bar for each network, with the remaining time.

    Attributes
    ----------
    users_, items_ : ndarray of shape (n_users,), (n_items,)
        The ids of the users and items of the training ratings.
    estimators_ : list of SNAutoencoder
        The trained autoencoders, those whose rows are items first, with the records of their
        training. Those whose rows are items do not keep their network, whose weights the
        recommender holds as vectors.
    blend_ : float
        Weight of the networks whose rows are items. The networks whose rows are users have the
        rest.
    n_epochs_ : list of int
        Number of passes that each network was trained for.
    validation_score_ : float or None
        Root mean squared error of the held-out ratings; None if no ratings were held out.
    rating_range_ : tuple of float
        Lowest and highest training rating. Predictions are clipped to this range.
    n_features_in_ : int
        2: a user and an item.

    See Also
    --------
    SNAutoencoder : The same for a matrix with missing entries.

    Notes
    -----
    The rating of user :math:`u` for item :math:`i` is predicted as

    .. math:: \hat x_{ui} = u_u^\top v_i + a_u + b_i

    where one side of the vectors and offsets are codes and row offsets of an autoencoder, and the
    other side is its decoder. The loss and the penalties are those of :class:`SNAutoencoder`.

    A user who was not in training gets the mean rating of the item, shrunken towards the mean of
    all ratings. An item that was not in training gets the mean rating of the user. If both are
    unknown, the prediction is the mean of all ratings. A pair that occurs twice in training is an
    error: keep one of its ratings, or their mean.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. "AutoRec: Autoencoders Meet Collaborative
       Filtering". WWW 2015. doi:10.1145/2740908.2742726.
    .. [3] Y. Koren. "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering
       Model". KDD 2008. doi:10.1145/1401890.1401944.

    Examples
    --------
    >>> from sksn import SNRecommender
    >>> X = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"], ["bob", "casablanca"],
    ...      ["cy", "brazil"], ["cy", "casablanca"]]
    >>> y = [5, 2, 4, 1, 2, 3]
    >>> model = SNRecommender(orientation="item", random_state=0).fit(X, y)
    >>> model.predict([["ann", "casablanca"], ["dee", "alien"]]).shape
    (2,)
    >>> items, scores = model.recommend(["ann"], n=1)
    >>> items
    masked_array(data=[['casablanca']],
                 mask=[[False]],
           fill_value='',
                dtype='<U10')
    """

    _rules: ClassVar = TRAINING_RULES | {
        "orientation": rules.one_of(*SIDES),
        "n_estimators": rules.COUNT,
        "hidden_layer_sizes": rules.SOME_LAYER_SIZES,
        "activation": rules.one_of("auto", *ACTIVATIONS),
        "row_offset": rules.none_or(rules.NOT_NEGATIVE),
        "history": rules.FLAG,
        "batch_size": rules.auto_or(rules.COUNT),
        "max_epochs": rules.COUNT,
        "refit": rules.FLAG,
    }

    def __init__(
        self,
        orientation: str = "both",
        n_estimators: int = 1,
        *,
        hidden_layer_sizes: Any = (300,),
        activation: str = "logistic",
        power: float = 0.5,
        input_dropout: float = 0.5,
        row_offset: float | None = 10.0,
        history: bool = True,
        lr: float = 6e-3,
        alpha: float = 1.0,
        batch_size: Any = "auto",
        max_epochs: int = 150,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        refit: bool = True,
        random_state: Any = None,
        device: Any = "auto",
        dtype: str = "float32",
        callbacks: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.orientation = orientation
        self.n_estimators = n_estimators
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.power = power
        self.input_dropout = input_dropout
        self.row_offset = row_offset
        self.history = history
        self.lr = lr
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.refit = refit
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.callbacks = callbacks
        self.verbose = verbose

    # Fitting -----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the networks on ratings.

        Parameters
        ----------
        X : array-like or data frame of shape (n_ratings, 2)
            User and item of each rating: ids of any type.
        y : array-like of shape (n_ratings,)
            The ratings.
        sample_weight : array-like of shape (n_ratings,), optional
            Weight of each rating. A rating of weight 0 is left out.

        Returns
        -------
        self : SNRecommender
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, a pair of user and item occurs twice, or
            a rating is NaN or infinite.
        """
        parameters = {name: getattr(self, name) for name in (*self._rules, "device")}
        rules.check_parameters(parameters, self._rules)
        check_monitors(
            self.callbacks,
            validated=self.early_stopping,
            remedy="early_stopping=True",
        )
        users, items, values, weights = check_ratings(X, y, sample_weight)
        refuse_constant(values)
        ids = Ids(users), Ids(items)
        ratings = interactions(users, items, values, weights, ids)
        names = column_names(X)
        rows = ratings.rows("user")
        means = _means(rows, values, weights)
        state: dict[str, Any] = {
            "n_features_in_": 2,
            **({} if names is None else {"feature_names_in_": np.array(names, dtype=object)}),
            "users_": ids[0].values,
            "items_": ids[1].values,
            "rating_range_": (float(values.min()), float(values.max())),
            "_ids": ids,
            "_seen": with_entries(rows.X, np.ones(rows.X.nnz, dtype=np.int8)),
            "_means": means,
            "_user_mean": _user_means(rows, *means),
            "_fold_prior": max(self.row_offset or 0.0, LEAST_PRIOR),
        }
        del rows
        rules.forget(self, *_PRIVATE)  # the memory of an earlier fit is free from here on
        state |= self._learn_ratings(ratings, parameters, state["rating_range_"])
        self.__dict__.update(state)
        return self

    def _learn_ratings(
        self, ratings: Interactions, parameters: dict[str, Any], rating_range: tuple[float, float]
    ) -> dict[str, Any]:
        """Choose passes and blend by held-out ratings, and train the networks in use."""
        sides = SIDES[self.orientation]
        random = check_random_state(self.random_state)
        seeds = random.randint(2**31 - 1, size=(2, 2, self.n_estimators))
        score: float | None = None
        item_weight = {"item": 1.0, "user": 0.0, "both": 0.5}[self.orientation]
        n_epochs: list[int] | None = None
        share = self.validation_fraction
        enough = count_held_out(len(ratings), share) < len(ratings)
        validates = self.early_stopping or (self.orientation == "both" and enough)
        if validates:
            kept, held_out = hold_out_ratings(len(ratings), share, random)
            # networks that are trained again may stop at their best epoch
            is_watched = self.early_stopping or self.refit
            rows = ratings.sides(sides, kept)
            watched = ratings.sides(sides, held_out) if is_watched else None
            networks = train_networks(parameters, rows, seeds[0], held_out=watched)
            if self.early_stopping:
                n_epochs = [network.engine.record.best_epoch for network in networks]
            model = RatingModel(networks, rows)
            item_weight, score = model.choose_blend(
                ratings, held_out, item_weight=item_weight, rating_range=rating_range
            )
            if self.refit:  # their memory is free for the networks in use
                del model, networks
        if not validates or self.refit:
            rows = ratings.sides(sides)
            parameters = parameters | {"callbacks": without_validation(self.callbacks)}
            networks = train_networks(parameters, rows, seeds[1], n_epochs=n_epochs)
        model = RatingModel(networks, rows)
        return {
            "estimators_": [network.face for network in networks],
            "n_epochs_": [network.engine.record.best_epoch for network in networks],
            "validation_score_": score,
            "blend_": item_weight,
            "_model": model.blend(item_weight),
        }

    # Predicting --------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Predict ratings.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2)
            Users and items.

        Returns
        -------
        ndarray of shape (n_pairs,)
            Ratings within the range of the training ratings.
        """
        check_is_fitted(self, "estimators_")
        self._check_names(X)
        users, items = id_columns(X)
        users, items = self._ids[0].find(users), self._ids[1].find(items)
        known_user, known_item = users != UNKNOWN, items != UNKNOWN
        mean, item_mean = self._means
        ratings = np.full(len(users), mean)
        ratings[known_item] = item_mean[items[known_item]]
        alone = known_user & ~known_item
        ratings[alone] = self._user_mean[users[alone]]
        both = known_user & known_item
        ratings[both] = self._model.predict_pairs(users[both], items[both])
        return np.clip(ratings, *self.rating_range_)

    def recommend(
        self, users: Any, n: int = 10, *, exclude_seen: bool = True
    ) -> tuple[np.ma.MaskedArray, np.ma.MaskedArray]:
        """Recommend the items with the highest predicted ratings.

        Parameters
        ----------
        users : array-like of shape (n_users,)
            Ids of users. Users who were not in training get the items with the highest means.
        n : int, default=10
            Maximum number of items for each user.
        exclude_seen : bool, default=True
            Whether to leave out the items that a user has rated.

        Returns
        -------
        items : MaskedArray of shape (n_users, n)
            Ids of items, best first. Places without an item are masked: ``items[0].compressed()``
            are the items of the first list alone. No id is under the mask, but -1, NaN, NaT or an
            empty string, or None where ids are of another kind or one of them is the same.
        scores : MaskedArray of shape (n_users, n)
            Their predicted ratings, not clipped.
        """
        check_is_fitted(self, "estimators_")
        rules.check_count("n", n)
        position = self._ids[0].find(id_column(users, "users"))
        n = min(n, len(self.items_))
        columns = np.empty((len(position), n), dtype=np.intp)
        scores = np.empty((len(position), n))
        columns[:], scores[:] = best(self._means[1][None], n)  # what strangers get
        known = np.flatnonzero(position != UNKNOWN)
        for part, predicted in self._model.predict_rows(position[known]):
            if exclude_seen:
                row, column = _entries_of(self._seen, position[known[part]])
                predicted[row, column] = -np.inf
            columns[known[part]], scores[known[part]] = best(predicted, n)
        return masked_lists(self.items_, columns, scores)

    def similar_items(self, items: Any, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the items whose vectors have the highest cosines to those of given items.

        Parameters
        ----------
        items : array-like of shape (n_items,)
            Ids of items that were in training.
        n : int, default=10
            Number of similar items for each.

        Returns
        -------
        items : ndarray of shape (n_items, n)
            Ids, most similar first, without the item itself.
        similarities : ndarray of shape (n_items, n)
            Cosines of the vectors, measured from the mean of all items' vectors.

        Raises
        ------
        ValueError
            If an item was not in training.
        """
        check_is_fitted(self, "estimators_")
        rules.check_count("n", n)
        wanted = id_column(items, "items")
        position = self._ids[1].find(wanted)
        if (position == UNKNOWN).any():
            unknown = wanted[position == UNKNOWN].tolist()[0]
            raise ValueError(f"items holds {unknown!r}, which was not in training.")
        n = min(n, len(self.items_) - 1)
        columns, cosines = most_similar(self._model.vectors.columns, position, n)
        return self.items_[columns], cosines

    def fold_in(self, X: Any, y: Any) -> SNRecommender:
        """Return a recommender for new users, from their ratings alone.

        Parameters
        ----------
        X : array-like or data frame of shape (n_ratings, 2)
            User and item of each of their ratings. If a user was in training, only these ratings
            count. Ratings of items that were not in training are ignored. Users without other
            ratings are not among the users of the result, which warns and gives them what it
            gives to users without ratings.
        y : array-like of shape (n_ratings,)
            The ratings, on the scale of training.

        Returns
        -------
        SNRecommender
            A fitted recommender for these users and the same items. Nothing is trained, and
            `self` is unchanged. Networks whose rows are users encode the new rows. For networks
            whose rows are items, the vector of a user is a ridge regression of the ratings on the
            codes of the items.
        """
        check_is_fitted(self, "estimators_")
        self._check_names(X)
        users, items, values = check_new_ratings(X, y, self._ids[1], self.rating_range_)
        folded = copy.copy(self)
        folded._ids = ids = Ids(users), self._ids[1]
        folded.users_ = ids[0].values
        rows = interactions(users, items, values, None, ids).rows("user")
        folded._seen = with_entries(rows.X, np.ones(rows.X.nnz, dtype=np.int8))
        folded._user_mean = _user_means(rows, *self._means)
        folded._model = self._model.fold_in(rows, folded._user_mean, prior=self._fold_prior)
        return folded

    def _check_names(self, X: Any) -> None:
        """Refuse columns whose names or order differ from training."""
        names, expected = column_names(X), getattr(self, "feature_names_in_", None)
        if names is not None and expected is not None and names != list(expected):
            raise ValueError(
                f"X must have the columns {list(expected)}, in this order, as in fit; got {names}."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _means(
    rows: EntryRows, values: np.ndarray, weights: np.ndarray | None
) -> tuple[float, np.ndarray]:
    """Return the mean rating, and the mean of each item, shrunken towards it."""
    unit = _unit_of(values)  # in which sums do not overflow
    X = with_entries(rows.X, rows.X.data / unit)
    items = column_offsets(X, _PRIOR, rows.weights) * unit
    return float(np.average(values / unit, weights=weights)) * unit, items


def _user_means(rows: EntryRows, mean: float, item_mean: np.ndarray) -> np.ndarray:
    """Return the mean of each user, freed of the items and shrunken towards the mean rating."""
    unit = max(_unit_of(rows.X.data), _unit_of(item_mean))
    X = with_entries(rows.X, rows.X.data / unit)
    return (mean / unit + row_offsets(X, item_mean / unit, _PRIOR, rows.weights)) * unit


def _unit_of(values: np.ndarray) -> float:
    """Return a power of two near the largest of some numbers."""
    largest = largest_of(values)
    return float(power_of_two(largest)) if largest else 1.0


def _entries_of(X: sparse.csr_array, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return row (among those asked for) and column of the entries."""
    part = X[rows]
    return np.repeat(np.arange(len(rows)), np.diff(part.indptr)), part.indices
