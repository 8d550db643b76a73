"""What these tests share: rows and networks to inspect."""

import numpy as np

from sksn.datasets import make_holes

SMALL = {"hidden_layer_sizes": (8, 5), "max_epochs": 2, "random_state": 0}


def rows(n=400, n_features=12, seed=0):
    rng = np.random.RandomState(seed)
    X = make_holes(rng.normal(size=(n, n_features)), rate_spread=0.5, random_state=seed)
    return X, rng.randint(2, size=n)


def mean_rank(n):
    """Of each row, as a share: rows below it, and half of those beside it."""
    return np.array([(n < v).mean() + (n == v).mean() / 2 for v in n])


class Counts:
    """Answers with the number of observed features, and some noise."""

    def __init__(self, noise=0.0):
        self.noise = noise

    def predict(self, X):
        n = (~np.isnan(X)).sum(axis=1)
        return 3 * n + self.noise * np.random.RandomState(0).normal(size=len(n)) * n
