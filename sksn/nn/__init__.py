"""Torch modules for rows with holes."""

from ._mlp import SNMLP
from ._optim import RowSparseAdamW
from ._rows import SparseRows

__all__ = ["SNMLP", "RowSparseAdamW", "SparseRows"]
