"""The common parts of the docstrings of the neural estimators."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)

PARAMETERS = """\
hidden_layer_sizes : "auto", int or sequence of int, default="auto"
        Width of each hidden layer. Empty for a linear model. "auto": one layer of 128 units. For
        regression, it is two of them if there are 2000 dense rows or more, 100 for each feature,
        and functions of single features explain 40 % of the variance of y: then there is little
        noise to fit, and a second layer can tell how features interact.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="relu"
        Non-linearity of the hidden layers.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``, where n is the number of observed features of the
        row. 1/2 makes the variance of the first layer's output independent of n. 1 makes its
        mean independent of n, as published. 0 only replaces missing entries by zeros. The default
        was chosen on validation folds (``python -m benchmarks run defaults``).
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of n over the training rows, or a positive number.
    missing_values : number or sequence of numbers, default=np.nan
        Numbers that mean missing; NaN always does.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        The categorical features. "from_dtype": the columns of a data frame whose type is text,
        category or enum (of pandas, pyarrow or polars), and columns of Python objects that hold
        text. Otherwise their names, their positions, or a bool for each feature; None for none.
        Booleans are numbers, unless they are chosen here. Each category has weights of its own in
        the first layer, which start small and are multiplied by ``c / (c + 10)`` for a category
        that occurs c times in training. A missing category, and one that training has not seen,
        are unobserved. A categorical feature counts as one feature in n, however many categories
        it has.

        Columns of dates are numbers, whatever this parameter is: the time in seconds, and its place
        in the cycles of day, week and year of which the training rows span at least one period
        (sine and cosine). The date and its cycles count as one feature. Durations are numbers too.
    input_dropout : {"auto"} or float in [0, 1), default="auto"
        Share of the observed entries of each row that is dropped in training. n is counted after
        dropping. "auto": 0.2 with 9 features or more. With d < 9 features, it is
        ``0.2 * (d - 1) / 8``, because each feature that is dropped takes a large part of a row. It
        is a quarter of this for regression on 100 dense rows or more for each feature.
    dropout : {"auto"} or float in [0, 1), default="auto"
        Share of the hidden units that is dropped in training. "auto": 0.5, or 0.1 for regression on
        100 dense rows or more for each feature, except in ``partial_fit``.
    hidden_norm : {None, "batch", "layer", "sparsity", "observed"}, default=None
        Normalization of each hidden layer. "batch" and "layer" are applied between its linear map
        and its non-linearity. "sparsity" (Sparsity Normalization) and "observed" (standardizing
        each sample) are applied to the layer's output, over its non-zero units.
    input_scaling : {"auto", "observed", None}, default="auto"
        "observed" centres and scales each feature by its observed entries. For dense rows, "auto"
        does the same, except that entries far from the median do not count, so that they cannot
        hide the others; it then squashes entries smoothly into (-3, 3). For sparse rows, "auto"
        gives ``sign(x) * log(1 + abs(x) / unit)``, because centring would make observed entries
        look like missing ones. The unit is the median of the absolute entries, or the feature's own
        median if that differs by a factor of more than ten, so counts, fractions and TF-IDF need no
        preparation. Features of sparse rows whose value matters more than their presence (observed
        in 90 % of the rows or more, far from 0 for how little they vary, or with many stored zeros)
        are scaled as in dense rows. "auto" also multiplies all entries by one number, so that the
        sum of a row's absolute entries is at most 150 on average (and, in sparse rows of up to 512
        features, their root mean square is 2 if the sum allows it). None leaves entries as
        they are. A feature that training has never observed is ignored in prediction.
    add_indicator : {"auto"} or bool, default="auto"
        Whether the network also sees, for each feature with missing entries in training, whether
        the entry is missing (dense rows) or observed (sparse rows). "auto": for the features in
        which an observed entry could look like a missing one. In dense rows with bins, these are
        the features of which a training entry lies below all bins and near the mean (flags, skewed
        and constant features); in dense rows without bins, all features; in sparse rows, those that
        are scaled as in dense rows or have stored zeros. If training begins with ``partial_fit``,
        indicators do not depend on what is missing in the first chunk. Under "auto", indicators
        beside bins are multiplied by one number, so that they sum to at most 1 in a row, on
        average, because many indicators overfit. Those of constant features, of which a network
        sees nothing else, keep their size.
    n_bins : {"auto"} or int, default="auto"
        Number of quantile bins in which the first layer also sees each observed entry of dense
        rows (piecewise linear encoding [2]_). They give a network the thresholds that trees have. A
        value that many rows share is an edge of bins, which do not count it otherwise. 0: no bins.
        "auto": 8 for up to 512 features, or 32 from 2000 rows on if there are 100 rows for each
        feature; else 0. It is also 0 if training begins with ``partial_fit``, because a first chunk
        tells too little about quantiles; a number is then used as given, and the bins of the first
        chunk stay. Sparse rows have no bins.
    lr : float, default=3e-3
        Maximum learning rate of AdamW. The learning rate rises over the first 5 % of the steps and
        then falls to 0 along a cosine. In ``partial_fit`` it is constant.
    alpha : float, default=1.0
        Weight decay of AdamW. In each step, weights shrink by the share ``alpha * lr``; biases do
        not. If an epoch has more than 20 batches, `alpha` is multiplied by ``20 / n_batches``,
        because more rows need less regularization. For dense rows of more than 512 features, it is
        multiplied by 5, because they overfit sooner.
    batch_size : {"auto"} or int, default="auto"
        Maximum number of rows in a batch. "auto": 128; for 19,200 dense rows or more 256, and twice
        as many for each doubling of the rows, up to 1024. Larger batches take fewer steps, and
        with that many rows no longer cost accuracy.
    max_epochs : {"auto"} or int, default="auto"
        Number of passes over the training rows, or the maximum with `early_stopping`. "auto": 40,
        or more if that gives too few steps of the optimizer. Sparse rows of up to 512 features get
        at least 800 steps, and rows with categorical features at least 300. Other dense rows of
        d features get at least ``5 * n_entries / d ** 2`` steps, up to 300: small tables with many
        observed entries for each feature. Dense rows of
        more than 512 features overfit sooner: they get as many epochs as 120 steps need, but at
        least 5 and at most 20.
    candidates : None, "auto" or sequence of dict, default=None
        Parameters of further networks, whose predictions are averaged with those of the network of
        the estimator's own parameters. "auto" stands for three: more regularization (dropout 0.5,
        input_dropout 0.4, alpha 2); long training of a smooth network with less (activation "gelu",
        dropout and input_dropout 0.1, at least 60 epochs and 400 steps); and two layers of 128
        units (dropout 0.3, or with 100 rows for each feature dropout 0.1, input_dropout 0.05 and
        100 epochs). The weights are chosen by the loss on held-out rows: those of ``X_val``, or
        five folds of up to 1000 rows, and of more rows as many folds as hold 1000 (at most 10,000
        rows of each, and fewer if there are many outputs). They are the mean of those blends in
        quarters whose loss is not clearly higher than the lowest one. Of more than six candidates,
        the best six are blended. All networks of a weight of 0.1 or more are then trained on all
        rows, and the network of the largest weight last, which callbacks follow. Fewer than 50 rows
        are not compared without ``X_val``. ``partial_fit`` does not choose, and goes on with all
        networks of a blend. Parameters that a candidate replaces cannot change there.
    early_stopping : bool, default=False
        Whether to hold out rows, to stop when their loss no longer falls, and to use the weights
        with the lowest loss.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows to hold out, stratified by class if there are enough rows of each class;
        with ``groups``, share of the groups.
    n_iter_no_change : int, default=10
        Number of epochs without a lower validation loss after which training stops.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights and the scaling of the previous ``fit``. The
        parameters of the network and of its inputs must not change; `lr`, `batch_size`,
        `max_epochs` and those of early stopping may. The moments of the optimizer are kept after
        ``fit`` only if this is True; a ``partial_fit`` that follows another ``fit`` begins with
        fresh ones.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of rows, dropout and the held-out rows. The same
        integer gives the same result on the same machine.
    device : str or torch.device, default="auto"
        Device to train on. "auto": CUDA if available, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the network. "float64" makes results nearly independent of the order of
        summation, at about twice the cost.
    callbacks : list of skorch callbacks, optional
        Called during training, as in :class:`skorch.NeuralNet`. The history records
        ``train_loss``, ``dur`` and, with `early_stopping`, ``valid_loss`` for each epoch. Scoring
        callbacks see encoded classes (0, 1, ...) or standardized y. An
        :class:`skorch.callbacks.LRScheduler` replaces the cosine.
    verbose : bool or int, default=False
        Whether to show a progress bar with the epoch, the losses and the remaining time. Where
        the output is no terminal, it is some ten lines; 2 shows a line for each epoch."""

ATTRIBUTES = """\
target_ : float
        The constant K in use.
    loss_curve_ : list of float
        Mean training loss of each epoch, in training mode (with dropout).
    validation_scores_ : list of float or None
        Validation loss of each epoch with its sign changed, so that more is better; None without
        `early_stopping`.
    n_epochs_ : int
        Number of epochs trained, over all calls.
    best_epoch_ : int
        The epoch, from 1, whose weights are in use: with `early_stopping` the best of the last
        call, and else the last.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` has names that are all strings."""

REFERENCES = """\
.. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko. "On Embeddings for Numerical Features in Tabular
       Deep Learning". NeurIPS 2022. arXiv:2203.05556."""


def document(cls: T) -> T:
    """Insert the common parts into the docstring of an estimator."""
    if cls.__doc__:  # None under python -OO
        for name, text in (
            ("{parameters}", PARAMETERS),
            ("{attributes}", ATTRIBUTES),
            ("{references}", REFERENCES),
        ):
            cls.__doc__ = cls.__doc__.replace(name, text)
    return cls
