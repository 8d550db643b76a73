"""Torch modules for rows with holes."""

from ._autoencoder import SNAE
from ._mlp import SNMLP
from ._optim import RowSparseAdamW
from ._rows import SparseRows
from ._sampled import sampled_product

__all__ = ["SNAE", "SNMLP", "RowSparseAdamW", "SparseRows", "sampled_product"]
