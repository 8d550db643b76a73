"""SNRecommender: recommends items and predicts ratings."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _checks as rules
from .._column_roles import column_names
from .._fit_tasks import CallbackSupportMixin, as_one_task
from .._named_columns import COLUMNS, interactions_of, pairs_of
from .._training._callbacks import check_monitors
from .._training._neural_estimator import TRAINING_RULES
from ..metrics._scorer import score_lists
from ..nn._activations import ACTIVATIONS
from ._choice import SETTINGS, may_be_given
from ._further import fold_in, learn
from ._ids import id_column, pair_columns
from ._interactions import interactions
from ._lists import Candidates, best, long_frame, masked_lists, most_similar
from ._pairs import check_dates, check_further_pairs, check_pairs
from ._people import (
    People,
    all_users,
    counts_of,
    explain,
    predict_pairs,
    scores_of,
    vectors_of,
)
from ._ranker import Ranker
from ._rating_model import SIDES
from ._rating_predictor import RatingPredictor

_PRIVATE = {"_items", "_people"}
_LIST = 10  # items in the lists that `score` computes


class SNRecommender(rules.SuggestsParameters, CallbackSupportMixin, RegressorMixin, BaseEstimator):
    r"""Recommends items and predicts ratings, with Sparsity Normalization [1]_.

    X has one row for each interaction, with the ids of a user and an item and perhaps its date, or
    is a sparse matrix of users and items. y is the ratings, if there are some. Clicks, plays and
    purchases need no y: the recommender then learns which items go with which. From ratings it
    learns both, so that :meth:`predict` gives ratings, and :meth:`recommend` the items that users
    are most likely to want.

    Ratings are predicted by autoencoders. Each item is a row of an :class:`SNAutoencoder` whose
    features are the users (AutoRec [2]_), or each user is a row whose features are the items, or
    both, and the predictions are blended. Items are ranked by a linear model of items in closed
    form. No side information is used, and no array has the size of users times items.

    Parameters
    ----------
    orientation : {"item", "user", "both"}, default="both"
        Whether rows are items or users. Rows of items usually predict better. "both" blends the
        two with the weight that predicts held-out ratings best, and takes twice as long.
    n_estimators : int, default=1
        Number of networks for each kind of rows. Their predictions are averaged.
    objective : {"auto", "rating", "ranking"}, default="auto"
        What to learn: to predict ratings, to rank items, or both. "auto": both from ratings, and
        the ranking alone if y is None or all the same. With "rating", :meth:`recommend` gives the
        items with the highest predicted ratings. The parameters below are those of the rating
        networks, except `ranking_settings`, `validation_fraction` and `random_state`.
    dates : {"all", "earlier", "ignore"}, default="all"
        Which of a user's ratings correct a predicted rating, if X has dates: all of them, those of
        earlier dates, or none. Ratings near in time count most (see Notes). Training with
        dates takes about three times as long. In lists, which are for what comes next, recent
        interactions count more, except with "ignore".
    ranking_settings : {"auto", "default"} or dict, default="auto"
        Settings of the ranking that are not chosen by held-out interactions, such as
        ``{"power": 0.0}``, which turns Sparsity Normalization off there. See `ranking_settings_`
        for their names. "auto": all are chosen. "default": none is, which is faster.
    columns : dict, optional
        Names of the columns of data frames, such as ``{"user": "userId", "item": "movieId"}``. X
        may then have its columns in any order, and others, which are ignored. "rating" names the
        column that stands for `y`, "count" the one that stands for `sample_weight`, and
        "timestamp" that of the dates, which `predict` does not need. Cross validation and searches
        then need only the frame; scorers of ratings need ``y=frame["stars"]`` too, the same
        column. By default, X has the columns user, item and perhaps date, in this
        order.
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
        Share of the interactions that is held out to choose the number of passes and the blend of
        the networks, and the settings of the ranking.
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
    verbose : bool or int, default=False
        Whether to show a progress bar for each network, with the remaining time. Where the output
        is no terminal, it is lines; 2 shows a line for each epoch.

    Attributes
    ----------
    users_, items_ : ndarray of shape (n_users,), (n_items,)
        The ids of the users and items of training, in ascending order. Items that came later
        (:meth:`partial_fit`) follow the earlier ones.
    ranking_settings_ : dict
        What was chosen for the ranking: ``rating_slope`` and ``weight_power`` (how ratings and
        weights count), ``power``, ``ridge``, ``count_power``, ``n_factors``, ``factor_weight`` and
        ``recency_power`` (see Notes). This and the next attribute exist unless the objective is
        "rating".
    ranking_score_ : float or None
        NDCG of lists of ten items against the held-out interactions; None if there were too few
        interactions to choose by. Of ratings, those of the median or more are relevant.
    user_vectors_, item_vectors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        Vectors of the ranking. Their products rank items as the scores do without the part of the
        regression, so that they can serve candidates from an index of nearest neighbours. With
        ``objective="rating"``, their products rank items as the predicted ratings do.
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
        Lowest and highest training rating. Predictions are clipped to this range, and the networks
        see that of the first fit as 1 to 5, so that an increasing affine change of the ratings
        changes nothing.
    date_effect_ : dict
        What dates say about ratings: ``decays`` and ``coefficients`` (see Notes; decays are in
        seconds, or in the unit of numeric dates), and ``errors``, the root mean squared errors of
        held-out ratings without and with the correction, or None if there were too few. This
        exists if X had dates and ratings were learned with them.
    n_features_in_ : int
        2, a user and an item, or 3 with dates.
    feature_names_in_ : ndarray of shape (2,) or (3,)
        Names of the columns, if X was a data frame whose column names are all strings.

    See Also
    --------
    SNAutoencoder : The same for a matrix with missing entries.

    Notes
    -----
    The rating of user :math:`u` for item :math:`i` is predicted as

    .. math:: \hat x_{ui} = u_u^\top v_i + a_u + b_i

    where one side of the vectors and offsets are codes and row offsets of an autoencoder, and the
    other side is its decoder. The loss and the penalties are those of :class:`SNAutoencoder`.

    The score of item :math:`i` for user :math:`u` adds what each interaction of the user says:

    .. math:: s_{ui} = \left(\frac{K}{n_u}\right)^p \sum_j x_{uj}
        \left((1 - w) \frac{b_{ji}}{c_i^q} + w f_{ji}\right)

    :math:`n_u` is how many items the user has interacted with, :math:`c_i` how many users the item.
    :math:`x_{uj}` is the strength of an interaction: 1, or :math:`(1 + s z_{uj}) m_{uj}^t`, where z
    is the rating in standard deviations from the mean and m the sample weight. With dates, it is
    multiplied by :math:`(1 + l_{uj})^{-r}`, where l is how many interactions of the user came
    later, and r is ``recency_power``. The coefficients b are a ridge regression of each item on all
    others (EASE [4]_, with a penalty of which half grows with the item's count, as in EDLAE [5]_).
    The products f of vectors project on the leading singular vectors of the matrix, whose columns
    are divided by :math:`\sqrt{c}` (GF-CF [6]_). p is ``power``, q ``count_power``, w
    ``factor_weight``, s ``rating_slope`` and t ``weight_power``; they, the penalty and the number
    of vectors are chosen by lists of held-out interactions, each only if it improves them by more
    than the standard error. r is chosen by lists of each user's latest interactions. An interaction
    without a date has l as if half of the user's others came later. With more than 20,000 items,
    cosines to the 200 nearest items, times a power of the item's length, replace the regression;
    there, only the row power is chosen, and 256 vectors are used.

    People rate similarly within minutes. With dates, the residuals :math:`r_{uj}` of the training
    ratings are computed by networks that were trained without them (five folds). The rating of user
    u at date t is corrected by

    .. math:: \sum_d (a_d + a'_d \, q_d) \frac{\sum_j e^{-|t - t_j| / d} \, r_{uj}}{w_d + 10},
        \quad w_d = \sum_j e^{-|t - t_j| / d}, \quad q_d = \frac{w_d}{w_d + 10}

    for three decays d: 1/4, 4 and 64 times the median gap between successive dates of a user. So
    the unit and the origin of dates do not matter. The correction is at most the largest of the
    three means without the 10. The coefficients are a ridge regression on
    held-out ratings, or 0 if it does not lower their error by more than the standard error. A
    rating without a date (NaN, NaT, None) corrects no other. A pair without a date gets the
    prediction that it has without dates, as do unknown users and items.

    A user who was not in training gets the mean rating of the item, shrunken towards the mean of
    all ratings. An item that was not in training gets the mean rating of the user. If both are
    unknown, the prediction is the mean of all ratings. A pair with two ratings is an error: keep
    one of them, or their mean. Without ratings, a pair that occurs again is one interaction whose
    weight is the sum. Lists for users without interactions are the most popular items.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. "AutoRec: Autoencoders Meet Collaborative
       Filtering". WWW 2015. doi:10.1145/2740908.2742726.
    .. [3] Y. Koren. "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering
       Model". KDD 2008. doi:10.1145/1401890.1401944.
    .. [4] H. Steck. "Embarrassingly Shallow Autoencoders for Sparse Data". WWW 2019.
       arXiv:1905.03375.
    .. [5] H. Steck. "Autoencoders that don't overfit towards the Identity". NeurIPS 2020.
    .. [6] Y. Shen, Y. Wu, Y. Zhang, C. Shan, J. Zhang, B. Letaief, D. Li. "How Powerful is Graph
       Convolution for Recommendation?" CIKM 2021. arXiv:2108.07567.

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
        "objective": rules.one_of("auto", "rating", "ranking"),
        "dates": rules.one_of("all", "earlier", "ignore"),
        "ranking_settings": rules.Rule(
            may_be_given, f"'auto', 'default' or a dict of numbers for some of {list(SETTINGS)}"
        ),
        "columns": COLUMNS,
        "orientation": rules.one_of(*SIDES),
        "n_estimators": rules.COUNT,
        "hidden_layer_sizes": rules.SOME_LAYER_SIZES,
        "activation": rules.one_of(*ACTIVATIONS),
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
        objective: str = "auto",
        dates: str = "all",
        ranking_settings: Any = "auto",
        columns: Any = None,
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
        self.objective = objective
        self.dates = dates
        self.ranking_settings = ranking_settings
        self.columns = columns
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

    @as_one_task
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from interactions of users with items.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2 or 3), or sparse matrix (n_users, n_items)
            User and item of each interaction: ids of any type. A third column is dates: numbers in
            any unit, dates and times of Python, NumPy or pandas, or text. A frame may have further
            columns where their names are given (`columns`). The stored entries of a sparse
            matrix are interactions of users and items whose ids are their positions. They say how
            much an interaction counts, or are ratings with ``objective="rating"``.
        y : array-like of shape (n_pairs,), optional
            The ratings. Without them, or if they are all the same, the recommender learns to rank
            items, and a pair that occurs again is a repeated interaction.
        sample_weight : array-like of shape (n_pairs,), optional
            How much each interaction counts, such as a number of plays. An interaction of weight 0
            is left out.

        Returns
        -------
        self : SNRecommender
            The trained estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter cannot be used, a pair of user and item has two ratings,
            or a rating is NaN or infinite.
        """
        parameters = {name: getattr(self, name) for name in (*self._rules, "device")}
        rules.check_parameters(parameters, self._rules)
        check_monitors(
            self.callbacks,
            validated=self.early_stopping,
            remedy="early_stopping=True",
        )
        X, y, sample_weight = interactions_of(self.columns, X, y, sample_weight, are_first=True)
        pairs = check_pairs(X, y, sample_weight, objective=self.objective)
        ids = pairs.find_ids()
        learned = interactions(pairs, ids)
        names = None if pairs.ids else column_names(X)
        state: dict[str, Any] = {
            "n_features_in_": 2 if pairs.dates is None else 3,
            **({} if names is None else {"feature_names_in_": np.array(names, dtype=object)}),
            "items_": ids[1].values,
            "_items": ids[1],
        }
        del pairs
        rules.forget(self, *_PRIVATE)  # the memory of an earlier fit is free from here on
        seed, ratings, ranker = self.random_state, None, None
        if learned.values is not None and self.objective != "ranking":
            ratings, record = RatingPredictor.fit(learned, parameters, check_random_state(seed))
            state |= record | {"rating_range_": tuple(ratings.scale)}
        if self.objective != "rating":
            ranker = Ranker.fit(
                learned.dated(self.dates != "ignore"),
                given=self.ranking_settings,
                share=self.validation_fraction,
                random=check_random_state(seed),
            )
            state |= {
                "ranking_settings_": ranker.settings(),
                "ranking_score_": ranker.choice.score,
            }
        state["_people"] = [People.of(ids[0], learned, ranker, ratings)]
        rules.publish(self, state)
        return self

    @property
    def users_(self) -> np.ndarray:
        """Ids of the users, shape (n_users,)."""
        return all_users(self._people).values

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from further interactions: those of today, with new users and new items.

        The ranking keeps its settings, and the networks are not trained again. The cost follows
        the interactions of the users of X and the size of the models, and not the earlier
        interactions of all other users.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2 or 3), or sparse matrix (n_users, n_items)
            User and item of each interaction, and perhaps dates, as in :meth:`fit`. What dates say
            of ratings is not learned again. If X is empty, nothing changes.
        y : array-like of shape (n_pairs,), optional
            The ratings. Needed if ratings were learned. A new rating of an item replaces an earlier
            one of the same user.
        sample_weight : array-like of shape (n_pairs,), optional
            How much each interaction counts, in the unit of the first fit. Without ratings, those
            of a pair that occurs again are added to the earlier ones.

        Returns
        -------
        self : SNRecommender
            The estimator. If it was not fitted, this is :meth:`fit`. New items follow the earlier
            ones in ``items_``. If an error occurs, or the call is interrupted, nothing has changed.

        Raises
        ------
        ValueError
            If an argument cannot be used, a pair of user and item has two ratings in X, or X has
            ratings and the recommender has learned from interactions without.

        Notes
        -----
        Interactions that were folded in before (:meth:`fold_in`) are learned from as well.

        *Ranking.* Up to 20,000 items, the result is that of a fit to all interactions with the
        same settings, up to rounding: coefficients and vectors are functions of the products of
        items, which are sums over users. The recommender keeps these products, in at most half of
        the memory of the coefficients. The mean and the deviation of the ratings, and the unit of
        weights, stay those of the first fit. With more items, only the products with the nearest
        items and the leading singular vectors are kept: products of two items that were not near
        start at zero, and directions that were not among the vectors are forgotten.

        *Ratings.* The vectors and offsets of the users and items of the new ratings move, so that
        they minimize the squared errors of these ratings and a penalty on the distance from where
        they were. The penalty is what as many earlier ratings would add, with users or items that
        are average ones. New users and items start at the mean vector, and their penalty is
        the inverse covariance of all vectors, times the squared error of training. Both sides are
        computed in closed form, in turn. Vectors of other users do not move, and neither do the
        scale of the ratings and the blend. Fit again from time to time.

        Examples
        --------
        >>> from sksn import SNRecommender
        >>> model = SNRecommender(random_state=0).fit(
        ...     [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"], ["cy", "brazil"]])
        >>> model = model.partial_fit([["bob", "casablanca"], ["dee", "alien"]])
        >>> model.users_
        array(['ann', 'bob', 'cy', 'dee'], dtype='<U3')
        >>> model.items_
        array(['alien', 'brazil', 'casablanca'], dtype='<U10')
        """
        if not hasattr(self, "items_"):
            return self.fit(X, y, sample_weight)
        X, y, sample_weight = interactions_of(self.columns, X, y, sample_weight)
        X = self._named(X)
        expected = self._people[-1].expected
        pairs = check_further_pairs(X, y, sample_weight, expected, extends=True)
        if len(pairs.users):
            people, items = learn(self._people, self._items, pairs)
            fitted = {"items_": items.values, "_items": items, "_people": people}
            if people[-1].ratings is not None:
                fitted["rating_range_"] = people[-1].ratings.limits
            self.__dict__.update(fitted)  # in one step
        return self

    # Predicting --------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Predict ratings, or score pairs if no ratings were learned.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2 or 3)
            Users and items, and perhaps dates, if there were dates in training. Ratings are then
            those that the users give at these dates.

        Returns
        -------
        ndarray of shape (n_pairs,)
            Ratings within the range of the training ratings. Without ratings, the scores by which
            :meth:`recommend` ranks: a higher one is better, and they have no unit. There, an item
            that was not in training has minus infinity.
        """
        check_is_fitted(self, "items_")
        X = self._named(X)
        users, items, column = pair_columns(X)
        dates = check_dates(X, column, are_known=self.n_features_in_ == 3)
        items = self._items.find(items)
        return predict_pairs(self._people, users, items, dates)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Score predictions of ratings by R squared, or lists by NDCG.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2 or 3)
            Users and items, and perhaps dates, as in :meth:`predict`.
        y : array-like of shape (n_pairs,), optional
            Their ratings.
        sample_weight : array-like of shape (n_pairs,), optional
            Weights of the ratings.

        Returns
        -------
        float
            R squared of the predicted ratings, if there are ratings that differ and the
            recommender has learned some. Otherwise the NDCG of lists of ten items for the users of
            X, whose relevant items are those of X; items of training are not recommended.
        """
        check_is_fitted(self, "items_")
        X, y, _ = interactions_of(self.columns, X, y)
        if y is not None and self._people[-1].ratings is not None and np.ptp(np.asarray(y)) > 0:
            return float(super().score(X, y, sample_weight))
        X = self._named(X)
        users, items, _ = pair_columns(X)
        return score_lists(self, users, items, k=_LIST)

    def recommend(
        self,
        users: Any,
        n: int = 10,
        *,
        exclude_seen: bool = True,
        items: Any = None,
        exclude: Any = None,
        as_frame: bool = False,
    ) -> Any:
        """Recommend the items that users are most likely to want.

        With ``objective="rating"``, these are the items with the highest predicted ratings.

        Parameters
        ----------
        users : array-like of shape (n_users,)
            Ids of users. Users who were not in training get the most popular items, or those with
            the highest means with ``objective="rating"``.
        n : int, default=10
            Maximum number of items for each user.
        exclude_seen : bool, default=True
            Whether to leave out the items that a user has interacted with.
        items : array-like of shape (n_candidates,), optional
            The items to choose from. By default all of training.
        exclude : array-like of shape (n_excluded,) or mapping of users to array-likes, optional
            Items that are not recommended to anyone, or to each user.
        as_frame : bool, default=False
            Whether to return a data frame; needs pandas.

        Returns
        -------
        items : MaskedArray of shape (n_users, n)
            Ids of items, best first. Places without an item are masked: ``items[0].compressed()``
            are the items of the first list alone. No id is under the mask, but -1, NaN, NaT or an
            empty string, or None where ids are of another kind or one of them is the same.
        scores : MaskedArray of shape (n_users, n)
            Their scores, or their predicted ratings, not clipped.

        With `as_frame`, a data frame with one row for each item and the columns user, item, rank
        (from 1) and score.

        Raises
        ------
        ValueError
            If an argument cannot be used, or none of `items` was in training.
        """
        check_is_fitted(self, "items_")
        rules.check_count("n", n)
        rules.check_flag("exclude_seen", exclude_seen)
        rules.check_flag("as_frame", as_frame)
        asked = id_column(users, "users")
        candidates = Candidates(self._items, items, exclude)
        n = min(n, len(self.items_))
        columns = np.empty((len(asked), n), dtype=np.intp)
        scores = np.empty((len(asked), n))
        for place, predicted in scores_of(self._people, asked, without_seen=exclude_seen):
            candidates.apply(predicted, asked[place])
            columns[place], scores[place] = best(predicted, n)
        found = masked_lists(self.items_, columns, scores)
        return long_frame(asked, *found) if as_frame else found

    def explain(self, user: Any, item: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what each of a user's interactions adds to the score of an item.

        Parameters
        ----------
        user, item : object
            Ids that were in training.

        Returns
        -------
        items : ndarray of shape (n_interactions,)
            The items that the user has interacted with, those that add most first.
        contributions : ndarray of shape (n_interactions,)
            What each adds. The sum is the score of the item in :meth:`recommend`.

        Raises
        ------
        ValueError
            If the user or the item was not in training, or no ranking was learned.
        """
        check_is_fitted(self, "items_")
        items, contributions = explain(self._people, self._items, user, item)
        return self.items_[items], contributions

    @property
    def user_vectors_(self) -> np.ndarray:
        """Vectors of the users, shape (n_users, n_factors)."""
        return vectors_of(self._people, self.users_)

    @property
    def item_vectors_(self) -> np.ndarray:
        """Vectors of the items, shape (n_items, n_factors)."""
        return self._people[-1].for_lists.item_vectors

    def similar_items(
        self, items: Any, n: int = 10, *, min_interactions: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        r"""Find the items whose vectors are most similar to those of given items.

        Where ratings were learned, these are the codes of the items in the rating networks, and
        otherwise :attr:`item_vectors_`.

        Parameters
        ----------
        items : array-like of shape (n_items,)
            Ids of items that were in training.
        n : int, default=10
            Maximum number of similar items for each.
        min_interactions : int, default=1
            How many interactions a similar item must have in training.

        Returns
        -------
        items : ndarray of shape (n_items, n)
            Ids, most similar first, without the item itself.
        similarities : ndarray of shape (n_items, n)
            Cosines of the vectors, measured from the mean of all items' vectors, times
            :math:`\sqrt{c / (c + 10)}` for both items. c is an item's number of interactions: the
            vectors of items with few are uncertain.

        Raises
        ------
        ValueError
            If an item was not in training.
        """
        check_is_fitted(self, "items_")
        group = self._people[-1]
        codes, counts = group.for_pairs.codes, group.for_pairs.counts
        return most_similar(self._items, codes, counts, items, "items", n, min_interactions)

    def similar_users(
        self, users: Any, n: int = 10, *, min_interactions: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the users whose vectors are most similar to those of given users.

        Parameters
        ----------
        users : array-like of shape (n_users,)
            Ids of known users.
        n : int, default=10
            Maximum number of similar users for each.
        min_interactions : int, default=1
            How many interactions a similar user must have.

        Returns
        -------
        users : ndarray of shape (n_users, n)
            Ids, most similar first, without the user.
        similarities : ndarray of shape (n_users, n)
            As in :meth:`similar_items`.

        Raises
        ------
        ValueError
            If a user is not known.
        """
        check_is_fitted(self, "items_")
        ids = all_users(self._people)
        counts = counts_of(self._people, ids.values)
        return most_similar(ids, self.user_vectors_, counts, users, "users", n, min_interactions)

    def fold_in(self, X: Any, y: Any = None, sample_weight: Any = None) -> SNRecommender:
        """Return a recommender that knows further interactions, without training.

        Parameters
        ----------
        X : array-like or data frame of shape (n_pairs, 2 or 3)
            User and item of each interaction, of new users and of known ones, and perhaps dates.
            Those of a known user are added to the earlier ones, and a new rating of an item
            replaces the earlier one. Interactions with items that were not in training are ignored,
            with a warning.
        y : array-like of shape (n_pairs,), optional
            The ratings, on the scale of training. Needed if ratings were learned.
        sample_weight : array-like of shape (n_pairs,), optional
            How much each interaction counts, in the unit of training.

        Returns
        -------
        SNRecommender
            A fitted recommender for all these users and the same items; `self` is unchanged.
            Networks whose rows are users encode the new rows. For networks whose rows are items,
            the vector of a user is a ridge regression of the ratings on the codes of the items. The
            ranking depends on a user's interactions alone. The cost follows the users of X.
        """
        check_is_fitted(self, "items_")
        X, y, sample_weight = interactions_of(self.columns, X, y, sample_weight)
        X = self._named(X)
        pairs = check_further_pairs(X, y, sample_weight, self._people[-1].expected)
        folded = copy.copy(self)
        folded._people = fold_in(self._people, self._items, pairs)
        return folded

    def _named(self, X: Any) -> Any:
        """Return users and items; refuse columns whose names or order differ from training."""
        X = pairs_of(self.columns, X)
        names, expected = column_names(X) or [], getattr(self, "feature_names_in_", [])
        n = min(len(names), len(expected))  # either may lack the dates
        if names[:n] != list(expected)[:n]:
            raise ValueError(
                f"X must have the columns {list(expected)}, in this order, as in fit; got {names}."
            )
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = False
        return tags
