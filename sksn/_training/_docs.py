"""The part of the docstrings that the neural estimators have in common."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(128,)
        Width of each hidden layer. Empty for a linear model.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="relu"
        Non-linearity of the hidden layers.
    power : float in [0, inf), default=0.5
        Rows are scaled by ``(K / n) ** power``, n being how many of their features are observed.
        1/2 keeps the variance of what the first layer computes independent of n, 1 its mean
        (Sparsity Normalization as published), 0 only fills holes with zeros. The default was
        chosen on validation folds (``benchmarks/defaults.py``); search it.
    target : {"mean", "median"} or float, default="mean"
        The constant K: a statistic of n over the training rows, or a positive number.
    missing_values : number, default=np.nan
        A further value that means missing; NaN always does.
    input_dropout : float in [0, 1), default=0.2
        Share of the observed entries that is dropped from each row in training. n is counted
        afterwards.
    dropout : float in [0, 1), default=0.5
        Share of the hidden units that is dropped in training.
    hidden_norm : {None, "batch", "layer", "sparsity", "observed"}, default=None
        Normalisation of each hidden layer. "batch" and "layer": between its linear map and its
        non-linearity. "sparsity" (Sparsity Normalization) and "observed" (standardising each
        sample): of what it hands on, by those units that ReLU and dropout have not made zero.
    input_scaling : {"auto", "observed", None}, default="auto"
        "observed" centres and scales each feature by its observed entries. "auto" does the same
        for dense rows and then squashes entries smoothly into (-3, 3); entries of sparse rows,
        usually counts, whose presence centring would erase, become
        ``sign(x) * log(1 + abs(x))``. None leaves entries as they are.
    add_indicator : {"auto"} or bool, default="auto"
        Whether the network also sees, for each feature with missing entries in training, that
        the entry is missing (dense rows) or observed (sparse rows). "auto": dense rows without
        bins only, since bins already tell a missing entry from a mean one. Where training begins
        with ``partial_fit``, all features have indicators.
    n_bins : {"auto"} or int, default="auto"
        Quantile bins in which the first layer also sees each observed entry of dense rows
        (piecewise linear encoding [2]_): what trees gain by thresholds, for a network. 0: only the
        entries themselves. "auto": 8 for up to 512 features, else 0, and 0 where training begins
        with ``partial_fit``, whose first chunk says too little about quantiles (a number given
        here is honoured, and the bins of the first chunk stay). Sparse rows have none.
    lr : float, default=3e-3
        Learning rate of AdamW at its height. It rises over the first twentieth of the steps and
        then falls to 0 along a cosine; in ``partial_fit`` it is constant.
    alpha : float, default=1.0
        Weight decay of AdamW: in each step, weights shrink by the share ``alpha`` times the
        learning rate. Biases do not. Where an epoch has more than 20 batches, by ``20 / n_batches``
        of that: the more rows there are, the less need be penalised.
    batch_size : int, default=128
        Rows in a batch, at most.
    max_epochs : {"auto"} or int, default="auto"
        Number of passes over the training rows; with `early_stopping`, at most. "auto": 40, and
        20 for dense rows of more than 512 features.
    early_stopping : bool, default=False
        Whether to set rows aside, stop when the loss on them no longer falls, and go back to the
        best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows to set aside (stratified by class where the classes allow).
    n_iter_no_change : int, default=10
        Epochs without a lower validation loss after which to stop.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights and scales of the previous ``fit``. Only `lr`,
        `batch_size`, `max_epochs` and what concerns early stopping may have changed.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of rows, dropout and the validation rows. The same
        integer on the same machine gives the same result.
    device : str or torch.device, default="auto"
        Where to train. "auto": CUDA where there is one, then MPS, then the CPU.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the network. "float64" makes results independent of the order of summation
        for all practical purposes, at about twice the cost.
    callbacks : list of skorch callbacks, optional
        Called during training, as :class:`skorch.NeuralNet` does. The history records
        ``train_loss``, ``dur`` and, with `early_stopping`, ``valid_loss`` for each epoch. Scoring
        callbacks see encoded classes (0, 1, ...) or standardised targets. An
        :class:`skorch.callbacks.LRScheduler` takes the place of the cosine.
    verbose : bool, default=False
        Whether to show a progress bar with the epoch, the losses and the time left."""

ATTRIBUTES = """\
target_ : float
        The constant K in use.
    loss_curve_ : list of float
        Mean training loss of each epoch, in training mode (with dropout).
    validation_scores_ : list of float or None
        The validation loss of each epoch with its sign changed, so that more is better; None
        without `early_stopping`.
    n_epochs_ : int
        Number of epochs trained, over all calls.
    best_epoch_ : int
        The epoch, from 1, whose weights are in use: with `early_stopping` the best of the last
        call, else the last.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where `X` has names that are all strings."""

REFERENCES = """\
.. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko. "On Embeddings for Numerical Features in Tabular
       Deep Learning". NeurIPS 2022. arXiv:2203.05556."""


def document(cls: T) -> T:
    """Fill the common parts into the docstring of an estimator."""
    if cls.__doc__:  # None under python -OO
        for name, text in (
            ("{parameters}", PARAMETERS),
            ("{attributes}", ATTRIBUTES),
            ("{references}", REFERENCES),
        ):
            cls.__doc__ = cls.__doc__.replace(name, text)
    return cls
