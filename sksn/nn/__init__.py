"""Torch modules for rows with missing values."""

from ._autoencoder import SNAE
from ._conv import SNConv2d
from ._convert import remove_sparsity_normalization_, sparsity_normalize_
from ._dataset import SparseRowsDataset
from ._estimate import estimate_target
from ._mlp import SNMLP
from ._norm import SNLinear, SparsityNorm
from ._observed_norm import ObservedNorm
from ._optim import RowSparseAdamW
from ._rows import SparseRows
from ._sampled import sampled_product

__all__ = [
    "SNAE",
    "SNMLP",
    "ObservedNorm",
    "RowSparseAdamW",
    "SNConv2d",
    "SNLinear",
    "SparseRows",
    "SparseRowsDataset",
    "SparsityNorm",
    "estimate_target",
    "remove_sparsity_normalization_",
    "sampled_product",
    "sparsity_normalize_",
]
