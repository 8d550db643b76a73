"""The constant K, from training data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from .._checks import check_missing_value
from ._mask import observed_entries
from ._rows import SparseRows


def estimate_target(
    data: Tensor | SparseRows | Iterable[Any],
    *,
    missing_values: float = np.nan,
    dim: int | tuple[int, ...] = -1,
) -> float:
    """Return the mean number of observed entries of a sample: the constant K.

    Parameters
    ----------
    data : Tensor, SparseRows, or iterable of batches
        The training samples: dense with NaN where an entry is missing, or rows of observed entries.
        Batches, such as those of a :class:`torch.utils.data.DataLoader`, may be tuples or lists
        that begin with the samples.
    missing_values : float, default=nan
        A further value that means missing; NaN always does.
    dim : int or tuple of int, default=-1
        The dimensions of the entries of a dense sample, such as ``(1, 2, 3)`` for images.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If samples are neither tensors of floating point numbers nor SparseRows, or data is a data
        set instead of a loader.
    ValueError
        If there is no sample, a sample has no dimension of its own, or nothing is observed.

    See Also
    --------
    SparsityNorm, SNLinear : Have K as `target`.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import SNLinear, estimate_target
    >>> X = torch.tensor([[1.0, torch.nan, 2.0], [1.0, 3.0, 2.0]])
    >>> SNLinear(3, 8, target=estimate_target(X))
    SNLinear(in_features=3, out_features=8, bias=True, target=2.5, power=1)
    """
    missing_values = check_missing_value(missing_values)
    if isinstance(data, Dataset):
        raise TypeError(f"data must be batches, got a {type(data).__name__}: pass a DataLoader.")
    is_one = isinstance(data, (Tensor, SparseRows)) or not isinstance(data, Iterable)
    batches: Iterable[Any] = [data] if is_one else data  # type: ignore[assignment]
    n_observed = n_samples = 0
    for batch in batches:
        samples = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if isinstance(samples, SparseRows):
            n_observed += int(observed_entries(samples.values, None, missing_values).sum())
            n_samples += len(samples)
        else:
            observed = observed_entries(samples, None, missing_values)
            if observed.ndim < 2:
                raise ValueError(
                    "samples must have two dimensions or more, got a tensor of shape "
                    f"{tuple(observed.shape)}; of one batch, pass the samples without the rest."
                )
            of_sample = observed.sum(dim=dim)
            n_observed += int(of_sample.sum())
            n_samples += of_sample.numel()
    if not n_observed:
        raise ValueError(f"data must have an observed entry, got none in {n_samples} samples.")
    return n_observed / n_samples
