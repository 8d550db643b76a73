"""Interactions to train on, and the ones that lists should hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sksn.datasets import fetch_movielens
from sksn.model_selection import LeaveLastOut

from ..common.data import data_folder

DATED = ("100k last",)  # splits with dates
LIKED = 4  # stars of a relevant item
SHARE = 0.2  # of the interactions to test on, where a set has no split of its own


class Split(NamedTuple):
    """Interactions to train on, and the relevant items of users.

    Attributes
    ----------
    train : CSR matrix of shape (n_users, n_items)
        Ratings, counts or ones.
    test : CSR matrix of shape (n_users, n_items)
        Its entries are the relevant items.
    kind : {"ratings", "counts", "ones"}
        What the entries of `train` are.
    dates : CSR matrix of shape (n_users, n_items) or None
        When the interactions of `train` happened, in their order.
    """

    train: sparse.csr_array
    test: sparse.csr_array
    kind: str
    dates: sparse.csr_array | None = None

    def held_out(self, share: float = 0.2, seed: int = 0) -> Split:
        """Split the training interactions again, to choose settings by."""
        entries = self.train.tocoo()
        is_out = np.random.RandomState(seed).uniform(size=entries.nnz) < share
        relevant = is_out & (entries.data >= LIKED) if self.kind == "ratings" else is_out
        users, items = entries.coords
        return Split(
            _matrix(users[~is_out], items[~is_out], entries.data[~is_out], self.train.shape),
            _matrix(users[relevant], items[relevant], None, self.train.shape),
            self.kind,
        )


def load_split(name: str) -> Split:
    """Load 100k-<seed>, 1m-<seed>, ml1m5-<fold>, citeulike-<seed>, lastfm, douban or gowalla.

    "100k last" tests on the last fifth of the ratings of each user. smoke needs no data.
    """
    kind, _, number = name.partition("-")
    folder = None if kind == "smoke" else data_folder() / "topn"
    if folder is None:
        rng = np.random.RandomState(0)
        fits = np.arange(60)[:, None] % 2 == np.arange(40)[None] % 2
        users, items = np.nonzero(rng.uniform(size=fits.shape) < np.where(fits, 0.5, 0.1))
        return _random_split(users, items, rng.randint(1, 6, size=len(users)), 0, "ratings")
    if kind in ("100k", "1m", "100k last"):
        if kind == "1m":
            with np.load(data_folder() / "movielens-1m" / "ml-1m.npz") as file:
                users, items, stars = file["user"], file["item"], file["rating"]
        else:
            ratings = fetch_movielens("100k", source=data_folder() / "movielens-100k")
            (users, items), stars = ratings.data.T, ratings.target
            if kind == "100k last":
                dated = np.column_stack([users, items, ratings.timestamps])
                ((_, test),) = LeaveLastOut(SHARE).split(dated)
                is_test = np.isin(np.arange(len(users)), test)
                users, items = _places(users), _places(items)
                split = _split_values(users, items, stars, is_test, "ratings")
                kept = users[~is_test], items[~is_test], ratings.timestamps[~is_test]
                return split._replace(dates=_matrix(*kept, split.train.shape))
        return _random_split(_places(users), _places(items), stars, int(number), "ratings")
    if kind == "douban":  # its ratings as interactions
        with np.load(data_folder() / "monti" / "douban" / "ratings.npz") as file:
            users, items, is_test = file["row"], file["col"], file["is_test"]
        return _split(users, items, None, is_test)
    if kind == "ml1m5":
        with np.load(folder / "ml1m-five-splits.npz") as file:
            users, items = (_places(column) for column in file["interactions"].T)
            return _split(users, items, None, file["is_test"][int(number)])
    if kind == "citeulike":
        with np.load(folder / "citeulike-a.npz") as file:
            users, items = file["interactions"].T
        return _random_split(users, items, np.ones(len(users)), int(number), "ones")
    if kind == "lastfm":
        with np.load(folder / "lastfm.npz") as file:
            parts = [file[part] for part in ("train", "tune", "test")]
            plays = [file[f"{part}_value"] for part in ("train", "tune", "test")]
        users, items = np.concatenate(parts).T
        is_test = np.arange(len(users)) >= len(users) - len(parts[2])
        return _split(users, items, np.concatenate(plays), is_test)
    with np.load(folder / "gowalla-lightgcn.npz") as file:
        train, test = file["train"], file["test"]
    users, items = np.concatenate([train, test]).T
    return _split(users, items, None, np.arange(len(users)) >= len(train))


def _places(ids: np.ndarray) -> np.ndarray:
    return np.unique(ids, return_inverse=True)[1]


def _matrix(
    users: np.ndarray, items: np.ndarray, values: np.ndarray | None, shape: tuple[int, ...]
) -> sparse.csr_array:
    values = np.ones(len(users)) if values is None else values.astype(float)
    return sparse.csr_array((values, (users, items)), shape=shape)


def _split(
    users: np.ndarray, items: np.ndarray, counts: np.ndarray | None, is_test: np.ndarray
) -> Split:
    shape = users.max() + 1, items.max() + 1
    train = None if counts is None else counts[~is_test]
    return Split(
        _matrix(users[~is_test], items[~is_test], train, shape),
        _matrix(users[is_test], items[is_test], None, shape),
        "ones" if counts is None else "counts",
    )


def _random_split(
    users: np.ndarray, items: np.ndarray, values: np.ndarray, seed: int, kind: str
) -> Split:
    is_test = np.random.RandomState(seed).uniform(size=len(users)) < SHARE
    return _split_values(users, items, values, is_test, kind)


def _split_values(
    users: np.ndarray, items: np.ndarray, values: np.ndarray, is_test: np.ndarray, kind: str
) -> Split:
    shape = int(users.max()) + 1, int(items.max()) + 1
    relevant = is_test & (values >= LIKED) if kind == "ratings" else is_test
    return Split(
        _matrix(users[~is_test], items[~is_test], values[~is_test], shape),
        _matrix(users[relevant], items[relevant], None, shape),
        kind,
    )
