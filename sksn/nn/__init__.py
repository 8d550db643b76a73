"""Torch modules for rows with holes."""

from ._mlp import SNMLP
from ._rows import SparseRows

__all__ = ["SNMLP", "SparseRows"]
