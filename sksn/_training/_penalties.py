"""The penalties on the weights of networks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._offsets import mean_squared_residual, row_offsets

_BATCHES_OF_FULL_DECAY = 20  # in an epoch; with more rows, less has to be penalized
_FIRST_PENALTY, _PENALTY = 15.0, 0.7  # chosen on three sets of ratings
_IMPLICIT_DIVISOR = 7


def weight_decay(alpha: float, n_batches: int) -> float:
    r"""Compute the weight decay of AdamW.

    .. math:: \alpha \min\left(1, \frac{20}{\text{n\_batches}}\right)

    Parameters
    ----------
    alpha : float
        Strength of the penalty.
    n_batches : int
        Number of batches in an epoch.

    Returns
    -------
    float
        In each step, weights shrink by this share times the learning rate.
    """
    return float(alpha * min(1.0, _BATCHES_OF_FULL_DECAY / n_batches))


class EntryPenalties(NamedTuple):
    """Penalties of an autoencoder, beside a sum of squared errors.

    Half of each number is multiplied by the sum of the squared weights.

    Attributes
    ----------
    first : float
        Of the weights of the first layer.
    behind : float
        Of the weights after the first layer.
    implicit : float
        Of the vectors of the implicit-feedback term.
    """

    first: float
    behind: float
    implicit: float


def entry_penalties(
    X: Any,
    alpha: float,
    *,
    constant: float,
    widths: tuple[int, ...],
    baseline: np.ndarray,
    center: bool,
    row_offset: float | None,
    add_indicator: bool,
    completed: bool = False,
) -> EntryPenalties:
    r"""Compute penalties that do not depend on layer width, row length or the size of entries.

    .. math:: \lambda_\text{first} = \alpha \frac{15 K s}{h_1}
        \qquad \lambda_\text{behind} = \alpha\, 0.7\, h

    :math:`h_1` is the width of the first layer, :math:`h` that of the code, :math:`K` the mean
    number of observed entries of a row, and :math:`s` the mean square of the entries that the
    encoder sees (twice that if they are residuals, plus 1 for an indicator). If each hidden unit
    is copied and its outgoing weights are halved, the function stays the same, and so does the
    penalty.

    Parameters
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The training rows in the units of the network.
    alpha : float
        Strength of the penalties.
    constant : float
        The constant K.
    widths : tuple of int
        Widths of the layers of the encoder.
    baseline : ndarray of shape (n_features,)
        Initial biases of the network.
    center, row_offset, add_indicator
        See :class:`~sksn.nn.SNAE`.
    completed : bool, default=False
        Whether the encoder also sees completed rows, all of whose entries then add to :math:`K`.

    Returns
    -------
    EntryPenalties
    """
    rows, columns = np.zeros(X.shape[0]), np.zeros(X.shape[1])
    if center:
        columns = baseline
        if row_offset is not None:
            rows = row_offsets(X, baseline, row_offset)
    square = mean_squared_residual(X, rows, columns) + bool(add_indicator)
    n_seen = constant + X.shape[1] * completed
    first = _FIRST_PENALTY * (2 if center else 1) * n_seen * square / widths[0]
    behind = alpha * _PENALTY * widths[-1]
    return EntryPenalties(alpha * first, behind, behind / _IMPLICIT_DIVISOR)
