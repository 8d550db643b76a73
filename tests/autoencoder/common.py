"""What these tests share: matrices of low rank."""

import numpy as np
from scipy import sparse

from tests.helpers import poke, to_dense

QUICK = {"hidden_layer_sizes": 16, "max_epochs": 40, "random_state": 0}


def low_rank(n_rows=80, n_features=30, rank=2, observed=0.6, seed=0):
    """A matrix of low rank, and the same with holes."""
    rng = np.random.RandomState(seed)
    full = rng.normal(size=(n_rows, rank)) @ rng.normal(size=(rank, n_features)) + 3
    return full, poke(full, 1 - observed, seed)


def error(model, full, holes):
    hidden = np.isnan(to_dense(holes) if sparse.issparse(holes) else holes)
    return float(np.sqrt(np.mean((model.transform(holes) - full)[hidden] ** 2)))
