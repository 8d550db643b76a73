"""What these tests share: ratings to fit, and fitted recommenders."""

import numpy as np

QUICK = {"hidden_layer_sizes": 8, "max_epochs": 20, "random_state": 0, "device": "cpu"}


def ratings(n_users=60, n_items=40, share=0.4, seed=0):
    """Ratings of 1 to 5 with two tastes behind them, by ids that are no positions."""
    rng = np.random.RandomState(seed)
    tastes, kinds = rng.normal(size=(n_users, 2)), rng.normal(size=(n_items, 2))
    full = 3 + tastes @ kinds.T + 0.5 * rng.normal(size=(n_users, 1))
    users, items = np.nonzero(rng.uniform(size=full.shape) < share)
    y = np.clip(np.round(full[users, items]), 1, 5)
    return np.column_stack([users * 7 + 100, items * 3]), y
