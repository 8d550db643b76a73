"""SNRecommender: who would like what, from ratings of users for items."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from ._autoencoder import SNAutoencoder
from ._blocks import blocks
from ._factors import Factors, best, ridge_vectors
from ._ids import UNKNOWN, Ids, column_names, id_column, id_columns
from ._observed import check_count, check_weights
from ._training._history import added_by_rows
from ._training._offsets import column_offsets, row_offsets
from ._training._parameters import ENTRY_RULES, check_parameters

_SIDES = {"item": ("item",), "user": ("user",), "both": ("item", "user")}
_LEAST_PRIOR = 1e-3  # an offset needs some, however few the ratings
_PRIOR = 5.0  # ratings at the mean that are counted in beside those of a user or an item


class _Ratings(NamedTuple):
    """Ratings of users for items, given by positions."""

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray
    weights: np.ndarray | None

    def at(self, index: np.ndarray) -> _Ratings:
        return _Ratings._make(None if part is None else part[index] for part in self)

    def rows(self, side: str, shape: tuple[int, int]) -> tuple[sparse.csr_array, np.ndarray | None]:
        """One row for each item or user, and the weights of its entries in their order."""
        row, column = (self.items, self.users) if side == "item" else (self.users, self.items)
        shape = shape[::-1] if side == "item" else shape
        order = np.lexsort((column, row))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
        X = sparse.csr_array((self.values[order], column[order], indptr), shape=shape)
        return X, None if self.weights is None else self.weights[order]


class SNRecommender(RegressorMixin, BaseEstimator):
    """Predicts ratings and recommends items, by autoencoders with Sparsity Normalization [1]_.

    X has one row for each rating: a user and an item, by ids of any type; y is the rating. Each
    item is a row of an :class:`SNAutoencoder` whose features are the users (AutoRec [2]_), or
    each user one whose features are the items, or both, and their predictions are blended. No
    side information is used, and nothing is ever as large as users times items.

    Parameters
    ----------
    orientation : {"item", "user", "both"}, default="both"
        What the rows are. Items are usually the better rows; "both" blends the two, weighted as
        suits held-out ratings best, which takes twice as long.
    n_estimators : int, default=1
        Networks for each kind of rows; their predictions are averaged.
    hidden_layer_sizes : int or sequence of int, default=(300,)
        Width of each layer of the encoder; the last one is the code. The decoder is linear.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="logistic"
        Non-linearity of the hidden layers.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``, n being how many ratings they have.
    input_dropout : float in [0, 1), default=0.5
        Share of the ratings that the encoder does not see in training, though they are to be
        predicted.
    row_offset : float or None, default=10.0
        Ratings with nothing left to explain that are counted in beside those of a row in the
        mean that is its offset. None: no offsets.
    history : bool, default=True
        Whether, where rows are items, what is learned of a user includes a sum over the items
        that the user has rated, however high (as in SVD++ [3]_).
    lr : float, default=6e-3
        Learning rate of Adam at its height.
    alpha : float, default=1.0
        Strength of the L2 penalty; see :class:`SNAutoencoder`.
    batch_size : "auto" or int, default="auto"
        Rows in a batch, at most. "auto": all of them, unless there are very many ratings.
    max_epochs : int, default=150
        Number of passes over the ratings; with `early_stopping`, at most.
    early_stopping : bool, default=False
        Whether to choose the number of passes by held-out ratings.
    validation_fraction : float in (0, 1), default=0.1
        Share of the ratings to hold out for that, and for the blend.
    n_iter_no_change : int, default=20
        Passes without a lower error of held-out ratings after which to stop.
    refit : bool, default=True
        Whether to train again, on all ratings, once the passes and the blend are chosen.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, dropout and the held-out ratings. The same integer on the same
        machine gives the same result.
    device : str or torch.device, default="auto"
        Where to train. "auto": CUDA where there is one, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the networks.
    callbacks : list of skorch callbacks, optional
        Called during training, as :class:`skorch.NeuralNet` does.
    verbose : bool, default=False
        Whether to show a progress bar for each network, with the time left.

    Attributes
    ----------
    users_, items_ : ndarray of shape (n_users,), (n_items,)
        The ids of the training ratings.
    estimators_ : list of SNAutoencoder
        The networks in use, those whose rows are items first.
    blend_ : float
        Weight of the networks whose rows are items; those whose rows are users have the rest.
    n_epochs_ : list of int
        Passes that each network was trained for.
    validation_score_ : float or None
        Root mean squared error of the held-out ratings, where some were held out.
    rating_range_ : tuple of float
        Lowest and highest training rating; predictions are clipped to it.
    n_features_in_ : int
        2: a user and an item.

    See Also
    --------
    SNAutoencoder : The same for a matrix with holes.

    Notes
    -----
    A user who was not in training gets the mean rating of the item (shrunk towards the mean of
    all ratings), an item that was not gets that of the user; where both are unknown it is the
    mean of all. A pair that occurs twice in training is an error: which of its ratings holds is
    for you to say.

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
           fill_value='N/A',
                dtype='<U10')
    """

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
            What each rating counts; one of weight 0 is as good as absent.

        Returns
        -------
        self : SNRecommender
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or parameter cannot be used, a pair of user and item occurs twice, or
            a rating is NaN or infinite.
        """
        check_parameters(self, ENTRY_RULES)
        for name in ("estimators_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        users, items, values, weights = _check_ratings(X, y, sample_weight)
        self._user_ids, self._item_ids = Ids(users), Ids(items)
        ratings = _Ratings(self._user_ids.find(users), self._item_ids.find(items), values, weights)
        _refuse_duplicates(ratings, users, items)
        self.n_features_in_ = 2
        names = column_names(X)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        self.users_, self.items_ = self._user_ids.values, self._item_ids.values
        self.rating_range_ = float(values.min()), float(values.max())
        self._learn_means(ratings)
        random = check_random_state(self.random_state)
        seeds = random.randint(2**31 - 1, size=(2, 2, self.n_estimators))
        sides = _SIDES[self.orientation]
        self._sides = [side for side in sides for _ in range(self.n_estimators)]
        self._fold_prior = max(self.row_offset or 0.0, _LEAST_PRIOR)
        n_epochs: list[int] | None = None
        valid: np.ndarray | None = None
        self.validation_score_: float | None = None
        self.blend_ = {"item": 1.0, "user": 0.0, "both": 0.5}[self.orientation]
        if self.early_stopping or (len(sides) > 1 and self._n_valid(ratings) < len(values)):
            train, valid = self._hold_out(ratings, random)
            nets = self._train(ratings.at(train), ratings.at(valid), seeds[0], None)
            n_epochs = [net.best_epoch_ for net in nets] if self.early_stopping else None
            self._choose_blend(nets, ratings, train, valid)
        if valid is None or self.refit:
            nets = self._train(ratings, None, seeds[1], n_epochs)
        else:
            ratings = ratings.at(train)
        self.estimators_ = nets
        self.n_epochs_ = [net.best_epoch_ for net in nets]
        self._factors = self._as_factors(nets, ratings)
        return self

    def _n_valid(self, ratings: _Ratings) -> int:
        return int(np.ceil(self.validation_fraction * len(ratings.values)))

    def _hold_out(self, ratings: _Ratings, random: Any) -> tuple[np.ndarray, np.ndarray]:
        """Positions of ratings to train on and to validate by; both in their order."""
        n, n_valid = len(ratings.values), self._n_valid(ratings)
        if n_valid >= n:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} takes all of the n_samples={n} "
                "ratings; train on more, or without early_stopping."
            )
        order = random.permutation(n)
        return np.sort(order[n_valid:]), np.sort(order[:n_valid])

    def _train(
        self,
        ratings: _Ratings,
        valid: _Ratings | None,
        seeds: np.ndarray,
        n_epochs: list[int] | None,
    ) -> list[SNAutoencoder]:
        """The networks of each side, trained for `max_epochs` or for so many epochs each."""
        nets: list[SNAutoencoder] = []
        shape = len(self.users_), len(self.items_)
        for s, side in enumerate(_SIDES[self.orientation]):
            X, weights = ratings.rows(side, shape)
            hidden = hidden_weights = None
            if valid is not None and (self.early_stopping or self.refit):
                # what is trained again anyway may stop early
                hidden, hidden_weights = valid.rows(side, shape)
            for i, seed in enumerate(seeds[s], start=1):
                net = self._new_net(side, int(seed))
                net._label = f"{side} rows {i}/{self.n_estimators}"
                net._fit_csr(
                    X,
                    hidden,
                    weights=weights,
                    hidden_weights=hidden_weights,
                    n_epochs=None if n_epochs is None else n_epochs[len(nets)],
                    with_history=self.history and side == "item",
                )
                nets.append(net)
        return nets

    def _new_net(self, side: str, seed: int) -> SNAutoencoder:
        names = SNAutoencoder().get_params().keys() & self.get_params().keys()
        return SNAutoencoder(
            **{name: getattr(self, name) for name in names - {"random_state", "early_stopping"}},
            input_scaling="global",
            center=side == "user",  # what their means leave suits rows of users, not of items
            add_indicator=side == "user",
            early_stopping=self.early_stopping,
            random_state=seed,
        )

    def _choose_blend(
        self, nets: list[SNAutoencoder], ratings: _Ratings, train: np.ndarray, valid: np.ndarray
    ) -> None:
        """The weight of item rows, and the error of the blend, by held-out ratings."""
        held, rest = ratings.at(valid), ratings.at(train)
        of_side = [
            Factors.blend(parts, [1 / len(parts)] * len(parts)).at(held.users, held.items)
            for parts in self._factors_by_side(nets, rest)
        ]
        if len(of_side) == 2:
            difference = of_side[0] - of_side[1]
            w = np.ones(len(valid)) if held.weights is None else held.weights
            square = float(w @ difference**2)
            weight = (
                float(w @ (difference * (held.values - of_side[1]))) / square if square else 0.5
            )
            self.blend_ = min(1.0, max(0.0, weight))
            blended = self.blend_ * of_side[0] + (1 - self.blend_) * of_side[1]
        else:
            blended = of_side[0]
        error = np.clip(blended, *self.rating_range_) - held.values
        self.validation_score_ = float(np.sqrt(np.average(error**2, weights=held.weights)))

    def _factors_by_side(self, nets: list[SNAutoencoder], ratings: _Ratings) -> list[list[Factors]]:
        shape = len(self.users_), len(self.items_)
        found: dict[str, list[Factors]] = {side: [] for side in self._sides}
        rows = {side: ratings.rows(side, shape)[0] for side in found}
        for net, side in zip(nets, self._sides, strict=True):
            found[side].append(_factors(net, rows[side], side))
        return list(found.values())

    def _as_factors(self, nets: list[SNAutoencoder], ratings: _Ratings) -> Factors:
        parts = [part for side in self._factors_by_side(nets, ratings) for part in side]
        self._item_parts = [(part.items, part.item_offset) for part in parts]
        return Factors.blend(parts, self._net_weights())

    def _net_weights(self) -> list[float]:
        of_side = {"item": self.blend_, "user": 1 - self.blend_}
        return [of_side[side] / self._sides.count(side) for side in self._sides]

    def _learn_means(self, ratings: _Ratings) -> None:
        """What is known of unknown users and items, and what each user has seen."""
        shape = len(self.users_), len(self.items_)
        X, weights = ratings.rows("user", shape)
        item_means = column_offsets(X, _PRIOR, weights)
        self._mean = float(np.average(ratings.values, weights=ratings.weights))
        self._item_mean = item_means
        self._user_mean = self._mean + row_offsets(X, item_means, _PRIOR, weights)
        self._seen = X

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
        users, items = self._user_ids.find(users), self._item_ids.find(items)
        known_user, known_item = users != UNKNOWN, items != UNKNOWN
        ratings = np.full(len(users), self._mean)
        ratings[known_item] = self._item_mean[items[known_item]]
        alone = known_user & ~known_item
        ratings[alone] = self._user_mean[users[alone]]
        both = known_user & known_item
        ratings[both] = self._factors.at(users[both], items[both])
        return np.clip(ratings, *self.rating_range_)

    def recommend(
        self, users: Any, n: int = 10, *, exclude_seen: bool = True
    ) -> tuple[np.ma.MaskedArray, np.ma.MaskedArray]:
        """The items that users are predicted to rate highest.

        Parameters
        ----------
        users : array-like of shape (n_users,)
            Ids of users; those who were not in training get the items with the highest means.
        n : int, default=10
            How many items for each, at most.
        exclude_seen : bool, default=True
            Whether to leave out what a user has rated.

        Returns
        -------
        items : MaskedArray of shape (n_users, n)
            Ids of items, best first; masked where a user has no further items to see.
        scores : MaskedArray of shape (n_users, n)
            Their predicted ratings, not clipped.
        """
        check_is_fitted(self, "estimators_")
        check_count("n", n)
        position = self._user_ids.find(id_column(users, "users"))
        n = min(n, len(self.items_))
        columns = np.empty((len(position), n), dtype=np.intp)
        scores = np.empty((len(position), n))
        for part, found in self._factors.scores(np.maximum(position, 0)):
            at = position[part]
            found[at == UNKNOWN] = self._item_mean
            if exclude_seen:
                row, column = _entries_of(self._seen, at)
                found[row, column] = -np.inf
            columns[part], scores[part] = best(found, n)
        nothing = np.isneginf(scores)
        return (
            np.ma.MaskedArray(self.items_[columns], mask=nothing),
            np.ma.MaskedArray(scores, mask=nothing),
        )

    def similar_items(self, items: Any, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The items whose vectors point where those of given items do.

        Parameters
        ----------
        items : array-like of shape (n_items,)
            Ids of items that were in training.
        n : int, default=10
            How many others for each, at most.

        Returns
        -------
        items : ndarray of shape (n_items, n)
            Ids, most similar first, without the item itself.
        similarities : ndarray of shape (n_items, n)
            Cosines between the vectors from the mean of all items' vectors.

        Raises
        ------
        ValueError
            If an item was not in training.
        """
        check_is_fitted(self, "estimators_")
        check_count("n", n)
        wanted = id_column(items, "items")
        position = self._item_ids.find(wanted)
        if (position == UNKNOWN).any():
            unknown = wanted[position == UNKNOWN].tolist()[0]
            raise ValueError(f"items holds {unknown!r}, which was not in training.")
        n = min(n, len(self.items_) - 1)
        vectors = self._factors.items - self._factors.items.mean(axis=0)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.where(length > 0, length, 1)
        columns = np.empty((len(position), n), dtype=np.intp)
        cosines = np.empty((len(position), n))
        for part in blocks(len(position), len(vectors), most_entries=1 << 22):
            found = vectors[position[part]] @ vectors.T
            found[np.arange(len(found)), position[part]] = -np.inf
            columns[part], cosines[part] = best(found, n)
        return self.items_[columns], cosines

    def fold_in(self, X: Any, y: Any) -> SNRecommender:
        """A recommender for people who were not in training, from their ratings alone.

        Parameters
        ----------
        X : array-like or data frame of shape (n_ratings, 2)
            User and item of each of their ratings. The users may be new; of users that were in
            training only these ratings count. Items that were not in training are ignored.
        y : array-like of shape (n_ratings,)
            The ratings.

        Returns
        -------
        SNRecommender
            A fitted recommender that knows these users instead, and the same items; nothing is
            trained, and `self` stays as it is. Rows of users are encoded; where rows are items,
            the vector of a user is the ridge regression of the ratings on the codes of the items.
        """
        check_is_fitted(self, "estimators_")
        self._check_names(X)
        users, items, values, _ = _check_ratings(X, y, None)
        folded = copy.copy(self)
        folded._user_ids = Ids(users)
        folded.users_ = folded._user_ids.values
        at_item = self._item_ids.find(items)
        ratings = _Ratings(folded._user_ids.find(users), at_item, values, None)
        known = at_item != UNKNOWN
        _refuse_duplicates(ratings.at(known), users[known], items[known])
        shape = len(folded.users_), len(self.items_)
        rows, _ = ratings.at(known).rows("user", shape)
        folded._seen = rows
        folded._user_mean = self._mean + row_offsets(rows, self._item_mean, _PRIOR)
        folded._factors = self._folded_factors(rows, folded._user_mean)
        return folded

    def _folded_factors(self, rows: sparse.csr_array, user_mean: np.ndarray) -> Factors:
        parts = []
        for net, side, (items, item_offset) in zip(
            self.estimators_, self._sides, self._item_parts, strict=True
        ):
            if side == "user":
                parts.append(_factors(net, rows, side))
                continue
            penalties = net._decoder_penalty(), self._fold_prior
            vectors = np.zeros((rows.shape[0], items.shape[1]))
            history = net._history()
            if history is not None:
                vectors = added_by_rows(rows, history * net._scaling.inverse(np.ones(1)))
            users, user_offset = ridge_vectors(
                rows, items, item_offset, (vectors, user_mean), penalties
            )
            parts.append(Factors(users, items, user_offset, item_offset))
        return Factors.blend(parts, self._net_weights())

    def _check_names(self, X: Any) -> None:
        """Refuse columns that have other names, or another order, than in training."""
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


def _factors(net: SNAutoencoder, X: sparse.csr_array, side: str) -> Factors:
    """What a network says of rows, as vectors of users and items, in the units of ratings."""
    codes, offsets = net._encode(X)
    scale = net._scaling.inverse(np.ones(1))[0]
    decoded, bias = net._decoder.weight * scale, net._decoder.bias * scale
    if side == "item":
        return Factors(decoded, codes, bias, offsets * scale)
    return Factors(codes, decoded, offsets * scale, bias)


def _check_ratings(
    X: Any, y: Any, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Users, items, ratings and weights, without those of weight 0."""
    users, items = id_columns(X)
    if y is None:
        raise ValueError("SNRecommender requires y to be passed, but the target y is None.")
    y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(f"y must be one rating for each row of X, got shape {y.shape}.")
    check_consistent_length(users, y)
    weights = check_weights(sample_weight, len(y))
    if weights is not None:
        kept = weights > 0
        users, items, y, weights = users[kept], items[kept], y[kept], weights[kept]
        weights = weights / weights.mean()
    return users, items, y, weights


def _refuse_duplicates(ratings: _Ratings, users: np.ndarray, items: np.ndarray) -> None:
    order = np.lexsort((ratings.items, ratings.users))
    u, i = ratings.users[order], ratings.items[order]
    twice = np.flatnonzero((u[1:] == u[:-1]) & (i[1:] == i[:-1]))
    if len(twice):
        user, item = (column[order[twice[:1]]].tolist()[0] for column in (users, items))
        raise ValueError(
            f"X holds the pair of user {user!r} and item {item!r} more than once "
            f"({len(twice)} surplus ratings in all); keep one rating of each pair, or their mean."
        )


def _entries_of(X: sparse.csr_array, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row (of those asked for) and column of the entries; none for unknown rows."""
    known = np.flatnonzero(rows != UNKNOWN)
    part = X[rows[known]]
    return np.repeat(known, np.diff(part.indptr)), part.indices
