"""A multi-layer perceptron that reads the observed entries of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import one_of
from ._activations import ACTIVATIONS, GAINS, dense_layer, on_device
from ._dropout import DrawsFromGenerator, Dropout
from ._input_layer import InputLayer
from ._norm import SparsityNorm
from ._observed_norm import ObservedNorm
from ._rows import SparseRows

HIDDEN_NORMS = (None, "batch", "layer", "sparsity", "observed")


class SNMLP(DrawsFromGenerator):
    r"""Multi-layer perceptron with Sparsity Normalization [1]_ before its first layer.

    The first layer computes

    .. math:: h = b + \left(\frac{K}{n}\right)^{\text{power}} \sum_{j \in O} x_j w_j

    from the set :math:`O` of the :math:`n` observed features of a row :math:`x`.
    The layers after it are those of an ordinary network.

    Parameters
    ----------
    n_features, n_outputs : int
        Width of the input and of the output.
    hidden_layer_sizes : sequence of int, default=(128,)
        Width of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu", "gelu", "silu"}, default="relu"
        Non-linearity after each hidden layer.
    target : float, default=1.0
        The constant K of Sparsity Normalization.
    power : float, default=1.0
        Rows are scaled by ``(target / n_observed) ** power``.
    input_dropout : float in [0, 1), default=0.0
        Probability that an observed entry is dropped in training. n is counted after dropping.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is dropped in training.
    hidden_norm : {None, "batch", "layer", "sparsity", "observed"}, default=None
        Normalization of hidden layers. "batch" and "layer" are applied before the non-linearity.
        "sparsity" (:class:`SparsityNorm`) and "observed" (:class:`ObservedNorm`) are applied to
        the layer's output, over its non-zero units.
    indicator_features : sequence of int, optional
        Features with a second weight. For dense rows, it is applied to 1
        where the entry is missing in the data (also if input dropout drops others) and to 0
        elsewhere. For sparse rows, it is applied to 1 where the entry is observed, with Sparsity
        Normalization.
    indicator_shares : sequence of float of shape (n_indicators,), optional
        For dense rows: numbers to subtract from the indicators, usually the share of training rows
        in which the feature is missing. By default 0.
    indicator_gain : float or sequence of float of shape (n_indicators,), default=1.0
        Factor of all indicators; for dense rows, also one of each.
    bins : tuple of ndarray of shape (n_features, n_bins), optional
        Lower edge and width of the bins of each feature, for dense rows. The first layer then
        also reads ``clip((x - lower) / width, 0, 1)`` for each observed entry ``x`` and each bin
        (piecewise linear encoding [2]_). The weights of the bins start at zero.
    n_categories : sequence of int of shape (n_features,), optional
        Number of categories of each feature of dense rows; 0 for a number. An entry ``c`` of a
        categorical feature is an integer from 0 to ``n_categories - 1``. It has weights of its own,
        which start small, in place of ``c`` times the weights of the feature.
    category_gain : float or sequence of float of shape (sum of n_categories,), default=1.0
        Factor of the weights of each category, such as ``n / (n + 10)`` for one that occurs n
        times.
    part_of : sequence of int, optional
        For dense rows whose last features are parts of other features: the feature of each. Parts
        are observed and dropped with that feature, and do not count in n.
    sparse : bool, default=False
        Whether the rows are :class:`SparseRows` instead of dense tensors with NaN.
    sparse_grad : bool, default=False
        Whether the gradient of the first layer is a sparse tensor of the features that occur in
        the batch, as that of :class:`torch.nn.Embedding` with ``sparse=True``. It is for
        :class:`SparseRows`, or for the weights of categories of dense rows, and needs an optimizer
        that takes such gradients: :class:`RowSparseAdamW` for all parameters, or
        :class:`torch.optim.SparseAdam` for ``input.weight`` (and ``input.indicator_weight``, or
        ``input.category_weight`` alone) and another one for the rest. ``torch.compile`` computes
        the first layer of such a network outside of its graph, so ``fullgraph=True`` is an error.
        Under :mod:`torch.func`, gradients are dense.
    output_bias : sequence of float of shape (n_outputs,), optional
        Initial biases of the last layer, such as the log odds of classes. By default 0.
    seed : int, optional
        Seed of the initial weights. By default torch's global generator draws them.
    device : torch.device, optional
        Device of the weights. By default torch's default device.
    dtype : torch.dtype, optional
        Type of the weights and of the rows. By default torch's default type.

    Notes
    -----
    Initial weights are normal, with the variance that suits rows in which all features are
    observed. Sparse counts need weights that small: with weights scaled for K observed features,
    the accuracy on 20 newsgroups falls from 0.80 to 0.77, because the large initial weights of
    rare words remain as noise.

    Dropout draws from the attribute `generator` of its modules, or from torch's global generator
    if that is None. The generator is not part of the state and is not pickled.

    References
    ----------
    .. [1] J. Yi, J. Lee, K. J. Kim, S. J. Hwang, E. Yang. "Why Not to Use Zero Imputation?
       Correcting Sparsity Bias in Training Neural Networks". ICLR 2020. arXiv:1906.00150.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko. "On Embeddings for Numerical Features in Tabular
       Deep Learning". NeurIPS 2022. arXiv:2203.05556.
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        hidden_layer_sizes: Sequence[int] = (128,),
        activation: str = "relu",
        target: float = 1.0,
        power: float = 1.0,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        hidden_norm: str | None = None,
        indicator_features: Sequence[int] | None = None,
        indicator_shares: Sequence[float] | None = None,
        indicator_gain: float | Sequence[float] = 1.0,
        bins: tuple[np.ndarray, np.ndarray] | None = None,
        n_categories: Sequence[int] | None = None,
        category_gain: float | Sequence[float] = 1.0,
        part_of: Sequence[int] | None = None,
        sparse: bool = False,
        sparse_grad: bool = False,
        output_bias: Sequence[float] | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        one_of(*ACTIVATIONS).check("activation", activation)
        one_of(*HIDDEN_NORMS).check("hidden_norm", hidden_norm)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        widths = [*hidden_layer_sizes, n_outputs]
        with on_device(device):
            self.input = InputLayer(
                n_features,
                widths[0],
                target=target,
                power=power,
                input_dropout=input_dropout,
                indicator_features=indicator_features,
                indicator_shares=indicator_shares,
                indicator_gain=indicator_gain,
                bins=bins,
                n_categories=n_categories,
                category_gain=category_gain,
                part_of=part_of,
                sparse=sparse,
                sparse_grad=sparse_grad,
                generator=generator,
            )
            layers: list[nn.Module] = []
            last: InputLayer | nn.Linear = self.input
            for i, (width, following) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
                is_last = i == len(widths) - 2
                gain = 1.0 if is_last else GAINS[activation]
                last = dense_layer(width, following, gain, generator)
                layers += [*_hidden_layer(width, activation, dropout, hidden_norm), last]
            if output_bias is not None:
                with torch.no_grad():
                    last.bias.copy_(torch.as_tensor(output_bias))
            self.hidden = nn.Sequential(*layers)
        self.to(dtype=dtype or torch.get_default_dtype())

    def forward(self, rows: Tensor | SparseRows) -> Tensor:
        """Compute the output of the last linear map.

        Parameters
        ----------
        rows : Tensor of shape (n_rows, n_features), or SparseRows
            Dense rows with NaN where an entry is missing, or rows of observed entries.

        Returns
        -------
        Tensor of shape (n_rows, n_outputs)
        """
        return self.hidden(self.input(rows))


def _hidden_layer(
    width: int, activation: str, dropout: float, hidden_norm: str | None
) -> list[nn.Module]:
    """Return what stands between two linear maps."""
    nonlinear = ACTIVATIONS[activation]()
    if hidden_norm == "batch":
        return [_BatchNorm(width), nonlinear, Dropout(dropout)]
    if hidden_norm == "layer":
        return [nn.LayerNorm(width), nonlinear, Dropout(dropout)]
    if hidden_norm == "observed":
        return [nonlinear, Dropout(dropout), ObservedNorm(width, missing_values=0)]
    if hidden_norm == "sparsity":  # it scales the units that dropout keeps by itself
        n_active = width / 2 if activation == "relu" else width  # with initial weights
        return [
            nonlinear,
            Dropout(dropout, rescale=False),
            SparsityNorm(n_active, missing_values=0),
        ]
    return [nonlinear, Dropout(dropout)]


class _BatchNorm(nn.BatchNorm1d):
    """Batch normalization for short training and single rows.

    Its running statistics are means over the first ten batches. Those of torch start at 0 and 1,
    which would mislead a validation after few steps. A batch of one row is normalized by the
    running statistics.
    """

    steps = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) == 1:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        if self.training:
            self.steps += 1
            self.momentum = max(0.1, 1 / self.steps)
        return super().forward(x)
