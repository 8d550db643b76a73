"""The losses that networks are trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn._rows import SparseRows

_DELTA = 1.35  # robust deviations; 95 % as efficient as the squared error where errors are normal


def _huber(output: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    return F.huber_loss(output, y, reduction, delta=_DELTA)


def _poisson(output: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced(output.exp() - y * output, reduction)


def _gamma(output: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced(output + y * (-output).exp(), reduction)


def _quantile(output: Tensor, y: Tensor, reduction: str = "mean", *, levels: Tensor) -> Tensor:
    error = y - output
    return _reduced(torch.maximum(levels * error, (levels - 1) * error), reduction)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    return loss.mean() if reduction == "mean" else loss


_LOSSES: dict[str, Callable[..., Tensor]] = {
    "squared_error": F.mse_loss,
    "absolute_error": F.l1_loss,
    "huber": _huber,
    "poisson": _poisson,
    "gamma": _gamma,
    "quantile": _quantile,
    "binary": F.binary_cross_entropy_with_logits,
    "multiclass": F.cross_entropy,
}


OF_LOGARITHMS = ("poisson", "gamma")  # losses whose outputs are logarithms


class NonFiniteLossError(ValueError):
    """The loss became NaN or infinite, so the weights are of no use."""


class MeanLoss(nn.Module):
    r"""Weighted mean over rows of a loss that is averaged over outputs.

    With :math:`N` rows of weights :math:`w_i` (of mean 1), :math:`D` outputs :math:`z_{id}`, and
    :math:`\ell` the loss of a number, a label or a class,

    .. math:: \frac{1}{N} \sum_i w_i \frac{1}{D} \sum_d \ell(z_{id}, y_{id})

    Parameters
    ----------
    kind : {"squared_error", "absolute_error", "huber", "poisson", "gamma", "quantile", "binary", \
"multiclass"}
        The loss. "multiclass" has one loss for all outputs of a row. The outputs of "poisson" and
        "gamma" are logarithms; their losses are half the deviance, but for a constant.
    partly : bool, default=False
        Whether entries of y may be NaN. The loss is then the weighted mean over the entries that
        are known.
    levels : sequence of float, optional
        The levels of "quantile", one for each output, or one for all.
    """

    def __init__(
        self, kind: str, *, partly: bool = False, levels: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.kind, self.partly, self.levels = kind, partly, levels

    def _loss(self, output: Tensor, y: Tensor, **options: Any) -> Tensor:
        if self.levels is not None:
            options["levels"] = output.new_tensor(self.levels)
        return _LOSSES[self.kind](output, y, **options)

    def forward(self, output: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the loss of a batch."""
        if self.partly:
            return self._of_known(output, y, weight)
        if weight is None:
            return self._loss(output, y)
        return (self.of_rows(output, y) * weight).mean()

    def of_rows(self, output: Tensor, y: Tensor) -> Tensor:
        """Compute the loss of each row, of shape (n_rows,)."""
        if not self.partly:
            loss = self._loss(output, y, reduction="none")
            return loss.mean(dim=1) if loss.ndim == 2 else loss
        loss, known = self._known_losses(output, y)
        return loss.sum(dim=1) / known.sum(dim=1).clamp(min=1)

    def _of_known(self, output: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
        loss, known = self._known_losses(output, y)
        if weight is not None:
            loss = loss * weight[:, None]
        return loss.sum() / known.sum().clamp(min=1)

    def _known_losses(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of each entry, 0 where y is not known, and 1 where it is, else 0."""
        known = (y == y).to(output.dtype)
        return self._loss(output, y.nan_to_num(0.0), reduction="none") * known, known


class EntryLoss(nn.Module):
    r"""Weighted mean squared error over the set :math:`T` of entries to predict.

    .. math:: \frac{\sum_{(i,j) \in T} w_{ij} (\hat x_{ij} - x_{ij})^2}{\sum_{(i,j) \in T} w_{ij}}
    """

    def forward(self, predicted: Tensor, wanted: Tensor | SparseRows) -> Tensor:
        """Compute the loss of a batch; NaN in `wanted` marks entries that are not in T."""
        if isinstance(wanted, Tensor):
            observed = wanted == wanted
            error = torch.where(observed, predicted - wanted, 0.0)
            return (error * error).sum() / observed.sum().clamp(min=1)
        error = predicted - wanted.values
        if wanted.weights is None:
            return (error * error).sum() / max(1, len(error))
        return (error * error * wanted.weights).sum() / wanted.weights.sum().clamp(min=1e-30)
