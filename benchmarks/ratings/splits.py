"""Ratings to train on and to test on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sksn.datasets import fetch_movielens
from sksn.model_selection import LeaveLastOut, TimeSplit

from ..common.data import data_folder

BY_DATE = {"100k-last": LeaveLastOut(0.2), "100k-time": TimeSplit(0.2)}


class Split(NamedTuple):
    """Ratings to train on, and to test on; X has users, items and, if they are known, dates."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def held_out(self, share: float = 0.1) -> Split:
        """Split the training ratings again."""
        order = np.random.RandomState(0).permutation(len(self.y))
        n = int(share * len(self.y))
        train, valid = order[n:], order[:n]
        return Split(self.X[train], self.y[train], self.X[valid], self.y[valid])


def load_split(name: str) -> Split:
    """Load u1 to u5, 100k-last, 100k-time, 1m-<seed>, douban or smoke."""
    if name == "smoke":
        rng = np.random.RandomState(0)
        X = np.column_stack([rng.randint(40, size=700), rng.randint(30, size=700)])
        X = np.unique(X, axis=0)
        rng.shuffle(X)
        X = np.column_stack([X, np.arange(len(X))])
        y = np.clip(np.round(3 + np.sin(X[:, 0]) + np.cos(X[:, 1])), 1, 5)
        return Split(X[50:], y[50:], X[:50], y[:50])
    if name == "douban":
        with np.load(data_folder() / "monti" / "douban" / "ratings.npz") as file:
            X, y = np.column_stack([file["row"], file["col"]]), file["rating"].astype(float)
            test = file["is_test"]
        return Split(X[~test], y[~test], X[test], y[test])
    if name.startswith("1m-"):
        with np.load(data_folder() / "movielens-1m" / "ml-1m.npz") as file:
            X, y = np.column_stack([file["user"], file["item"]]), file["rating"].astype(float)
        order = np.random.RandomState(int(name[3:])).permutation(len(y))
        test, train = np.split(order, [len(y) // 10])
        return Split(X[train], y[train], X[test], y[test])
    ratings = fetch_movielens("100k", source=data_folder() / "movielens-100k")
    X, y = np.column_stack([ratings.data, ratings.timestamps]), ratings.target
    train, test = next(BY_DATE[name].split(X)) if name in BY_DATE else ratings.splits[name]
    return Split(X[train], y[train], X[test], y[test])
