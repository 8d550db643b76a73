"""Statistics of pre-activations by the number of observed features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from skorch.callbacks import Callback
from torch import Tensor, nn

from .._checks import check_count
from .._observed import MissingValues
from .._training._neural_estimator import NeuralEstimator
from ..nn._rows import NormalizedRows, SparseRows
from ._row_groups import count_features
from ._watch import ActivationStatistics, Watch, watched

_HOLDERS = ("best_estimator_", "regressor_")  # of searches, of TransformedTargetRegressor
_METHODS = ("predict_proba", "predict", "transform")
_BLOCK = 1024  # rows that a torch module is given at a time


def activation_statistics(
    model: Any,
    X: Any,
    *,
    n_bins: int = 10,
    layers: list[str] | None = None,
    missing_values: MissingValues = np.nan,
) -> ActivationStatistics:
    """Measure mean, variance and saturation of pre-activations, by observed features.

    Parameters
    ----------
    model : estimator or torch.nn.Module
        A fitted :class:`~sksn.SNClassifier`, :class:`~sksn.SNRegressor` or
        :class:`~sksn.SNAutoencoder`, a pipeline or a search that ends with one, or a torch
        module. It is run in evaluation mode, without dropout.
    X : array-like, data frame or sparse matrix of shape (n_samples, n_features)
        Rows as the estimator takes them. For a torch module: an array or tensor whose first
        dimension is that of the samples, with NaN where an entry is missing. The module is called
        with tensors of the type of its parameters.
    n_bins : int, default=10
        Maximum number of groups of rows, by their number of observed features.
    layers : list of str, optional
        Names of modules, as in ``named_modules()``. The inputs of non-linearities and the outputs
        of other modules are measured. By default all non-linearities of torch or, if there are
        none, all linear maps and convolutions. Of these, modules that do not run once for each
        sample (inside attention, for example) are left out.
    missing_values : float or sequence of float, default=nan
        Further values that mean missing in `X`.

    Returns
    -------
    ActivationStatistics

    Raises
    ------
    TypeError
        If `model` is neither an estimator nor a module.
    ValueError
        If `layers` names a module that the network does not have or does not run.

    See Also
    --------
    ActivationDisplay : Plots the statistics.
    ActivationRecorder : The same during training.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.datasets import make_holes
    >>> from sksn.inspection import activation_statistics
    >>> X = np.random.RandomState(0).uniform(size=(1000, 20))
    >>> X_missing = make_holes(X, rate=0.5, rate_spread=0.5, random_state=0)
    >>> model = SNRegressor(max_epochs=2, random_state=0).fit(X_missing, X.sum(axis=1))
    >>> found = activation_statistics(model, X_missing)
    >>> found.layers, found.variance.shape
    (['hidden.0'], (1, 10))
    """
    check_count("n_bins", n_bins)
    if isinstance(model, nn.Module):
        module: nn.Module = model
        run: Callable[[Any, Any], None] = _run_module
        n_observed = _count_entries(X, missing_values)
    else:
        module, run = _network(model), _run_estimator
        n_observed = count_features(X, missing_values)
    with watched(module, layers) as watch:
        run(model, X)
    return watch.statistics(n_observed, n_bins)


class ActivationRecorder(Callback):
    """A callback that measures pre-activations in each epoch of training, with dropout.

    Parameters
    ----------
    n_bins : int, default=10
        Maximum number of groups of rows, by their number of observed features.
    layers : list of str, optional
        See :func:`activation_statistics`.

    Attributes
    ----------
    epochs_ : list of ActivationStatistics
        Statistics of the training rows in each epoch of the last ``fit`` or ``partial_fit``.

    Notes
    -----
    scikit-learn copies the callbacks when it clones an estimator, as in ``cross_val_score``. Read
    those of a fitted estimator from ``estimator.callbacks``.

    Examples
    --------
    >>> import numpy as np
    >>> from sksn import SNRegressor
    >>> from sksn.inspection import ActivationRecorder
    >>> recorder = ActivationRecorder()
    >>> X = np.random.RandomState(0).uniform(size=(100, 20))
    >>> model = SNRegressor(max_epochs=3, callbacks=[recorder]).fit(X, X.sum(axis=1))
    >>> len(recorder.epochs_)
    3
    """

    def __init__(self, *, n_bins: int = 10, layers: list[str] | None = None) -> None:
        self.n_bins, self.layers = n_bins, layers

    _watch: Watch

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Add the hooks."""
        check_count("n_bins", self.n_bins)
        if hasattr(self, "_watch"):  # left by a training that failed
            self._watch.remove()
        self.epochs_: list[ActivationStatistics] = []
        self._watch = Watch(net.module_, self.layers)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Clear the records of the previous epoch."""
        self._watch.clear()
        self._counts: list[np.ndarray] = []

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool | None = None, **kwargs: Any
    ) -> None:
        """Count the observed features of the batch."""
        self._watch.active = bool(training)
        if training:
            self._counts.append(_count_rows(batch[0].rows, len(net.module_.input.weight)))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compute the statistics of the epoch."""
        self.epochs_.append(self._watch.statistics(np.concatenate(self._counts), self.n_bins))

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Remove the hooks."""
        self._watch.remove()
        del self._watch, self._counts

    def __getstate__(self) -> dict[str, Any]:
        passing = ("_watch", "_counts")  # they remain if training failed
        return {name: value for name, value in self.__dict__.items() if name not in passing}


def _network(model: Any) -> nn.Module:
    """Return the torch module of an estimator, also inside pipelines and searches."""
    last = model
    while True:
        if hasattr(last, "steps"):
            last = last.steps[-1][1]
        elif (inner := next((a for a in _HOLDERS if hasattr(last, a)), None)) is not None:
            last = getattr(last, inner)
        else:
            break
    module = getattr(getattr(last, "net_", None), "module_", None)
    if not isinstance(module, nn.Module):
        unfitted = " that is not fitted" if isinstance(last, NeuralEstimator) else ""
        raise TypeError(
            "model must be a torch.nn.Module, or a fitted SNClassifier, SNRegressor or "
            "SNAutoencoder or a pipeline or search that ends with one; got "
            f"{type(last).__name__}{unfitted}."
        )
    return module


def _run_estimator(model: Any, X: Any) -> None:
    getattr(model, next(name for name in _METHODS if hasattr(model, name)))(X)


def _run_module(module: nn.Module, X: Any) -> None:
    like = next(module.parameters(), torch.zeros(()))
    X = torch.as_tensor(np.asarray(X) if not isinstance(X, Tensor) else X)
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.no_grad():
            for block in X.split(_BLOCK):
                module(block.to(like.device, like.dtype))
    finally:
        for part in training:  # some may have been frozen
            part.training = True


def _count_entries(X: Any, missing_values: MissingValues) -> np.ndarray:
    """Count the observed entries of each sample, of any shape."""
    if isinstance(X, Tensor):
        X = X.detach().cpu()
        X = (X.float() if X.dtype == torch.bfloat16 else X).numpy()  # a type that NumPy lacks
    if sparse.issparse(X):
        raise TypeError("X must be an array or a tensor for a torch module, got a sparse matrix.")
    X = np.asarray(X)
    return count_features(X.reshape(len(X), -1), missing_values)


def _count_rows(rows: Tensor | SparseRows | NormalizedRows, n_features: int) -> np.ndarray:
    """Count the observed entries of each row of a batch."""
    if isinstance(rows, (SparseRows, NormalizedRows)):
        n_observed = rows.n_observed() if isinstance(rows, SparseRows) else rows.n_observed
    else:
        shown = rows[:, :n_features]  # beside which there may be a completion
        n_observed = (shown == shown).sum(dim=1)
    return n_observed.cpu().numpy()
