"""Sparse rows for torch's data loaders."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from torch import Tensor
from torch.utils.data import Dataset

from ._rows import SparseRows


class SparseRowsDataset(Dataset):
    """Rows of a SciPy matrix, and what belongs to them, for :class:`torch.utils.data.DataLoader`.

    A loader fetches a batch in one step, so pass ``collate_fn=SparseRowsDataset.collate``, which
    leaves the batch as it is.

    Parameters
    ----------
    X : sparse matrix or array of shape (n_rows, n_features)
        The rows. Stored entries are observed, zeros included; NaN is missing.
    *tensors : Tensor of shape (n_rows, ...)
        What belongs to each row, such as y.

    See Also
    --------
    SparseRows.from_scipy : The same for all rows at once.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from scipy.sparse import random_array
    >>> from torch.utils.data import DataLoader
    >>> from sksn.nn import SNMLP, SparseRowsDataset
    >>> X = random_array((100, 1000), density=0.01, rng=np.random.default_rng(0))
    >>> data = SparseRowsDataset(X, torch.zeros(100))
    >>> loader = DataLoader(data, batch_size=32, shuffle=True, collate_fn=data.collate)
    >>> net = SNMLP(1000, 1, sparse=True)
    >>> [len(net(rows)) for rows, y in loader]
    [32, 32, 32, 4]
    """

    def __init__(self, X: Any, *tensors: Tensor) -> None:
        if not sparse.issparse(X):
            raise TypeError(f"X must be a sparse matrix of SciPy, got {type(X).__name__}.")
        for i, tensor in enumerate(tensors):
            if len(tensor) != X.shape[0]:
                raise ValueError(
                    f"tensor {i} must have {X.shape[0]} entries, one for each row of X, got "
                    f"{len(tensor)}."
                )
        self.X = sparse.csr_array(X)
        self.tensors = tensors

    def __len__(self) -> int:
        return self.X.shape[0]

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)} rows")
        return self.__getitems__([index % len(self)])

    def __getitems__(self, indices: list[int]) -> tuple[Any, ...]:
        """Return a batch: its rows as :class:`SparseRows`, and its part of each tensor."""
        rows = SparseRows.from_scipy(self.X[np.asarray(indices, dtype=np.intp)])
        return (rows, *(tensor[indices] for tensor in self.tensors))

    @staticmethod
    def collate(batch: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a batch as it was fetched.

        Parameters
        ----------
        batch : tuple
            Rows and tensors.

        Returns
        -------
        tuple
            The same.
        """
        return batch
