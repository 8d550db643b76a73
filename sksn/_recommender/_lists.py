"""Lists of items: the best scores of each row, and the vectors that are most alike."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from .._blocks import blocks
from .._caller import levels_to_caller
from .._checks import check_count
from ._ids import UNKNOWN, Ids, id_column

_PRIOR = 10.0  # shrinkage of similarities, in interactions
SCORES = 1 << 22  # scores of items that are computed or ranked at a time
_PADDING: dict[str, Any] = {"i": -1, "f": np.nan, "U": "", "S": b""}  # of each kind of ids


def best(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns with the n highest scores of each row, best first, and the scores.

    Among equal scores, the lower column comes first.
    """
    n_rows, n_columns = scores.shape
    if 0 < n < n_columns:
        border = np.partition(scores, n_columns - n, axis=1)[:, n_columns - n]
        columns = np.empty((n_rows, n), dtype=np.intp)
        for row in range(n_rows):
            candidates = np.flatnonzero(scores[row] >= border[row])
            order = np.argsort(-scores[row, candidates], kind="stable")[:n]
            columns[row] = candidates[order]
    else:
        columns = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return columns, np.take_along_axis(scores, columns, axis=1)


class Candidates:
    """Which items may be recommended, to all users or to each.

    Parameters
    ----------
    ids : Ids
        The items of training.
    items : array-like of shape (n_items,) or None
        The candidates. None: all items.
    exclude : array-like of shape (n_excluded,), mapping of users to array-likes, or None
        Items that are not recommended to anyone, or to each user.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used, or no candidate was in training.
    """

    def __init__(self, ids: Ids, items: Any, exclude: Any) -> None:
        self._ids = ids
        self._of_user: dict[Any, Any] = {}
        self._is_out = np.zeros(len(ids), dtype=bool)
        if items is not None:
            position = ids.find(id_column(_ordered(items), "items"))
            n_unknown = int((position == UNKNOWN).sum())
            if n_unknown == len(position):
                raise ValueError("items holds no item that was in training.")
            if n_unknown:
                warnings.warn(
                    f"items holds {n_unknown} items that were not in training, and they are not "
                    "recommended.",
                    stacklevel=levels_to_caller(),
                )
            self._is_out[:] = True
            self._is_out[position[position != UNKNOWN]] = False
        if isinstance(exclude, Mapping):
            self._of_user = dict(exclude)
        elif exclude is not None:
            self._is_out[self._positions(exclude)] = True

    def _positions(self, items: Any) -> np.ndarray:
        position = self._ids.find(id_column(_ordered(items), "exclude"))
        return position[position != UNKNOWN]

    def apply(self, scores: np.ndarray, users: np.ndarray) -> None:
        """Give minus infinity to the items that are not candidates.

        Parameters
        ----------
        scores : ndarray of shape (n_users, n_items)
            Scores, which are changed.
        users : ndarray of shape (n_users,)
            Ids of the users.
        """
        scores[:, self._is_out] = -np.inf
        if self._of_user:
            for row, user in enumerate(users.tolist()):
                if user in self._of_user:
                    scores[row, self._positions(self._of_user[user])] = -np.inf


def _ordered(items: Any) -> Any:
    """Return a set as a list; the order of candidates does not matter."""
    return list(items) if isinstance(items, Set) else items


def long_frame(users: np.ndarray, items: np.ma.MaskedArray, scores: np.ma.MaskedArray) -> Any:
    """Return lists as a pandas data frame with one row for each recommended item."""
    import pandas as pd

    row, place = np.nonzero(~np.ma.getmaskarray(items))
    return pd.DataFrame(
        {
            "user": users[row],
            "item": np.ma.getdata(items)[row, place],
            "rank": place + 1,
            "score": np.ma.getdata(scores)[row, place],
        }
    )


def masked_lists(
    ids: np.ndarray, columns: np.ndarray, scores: np.ndarray
) -> tuple[np.ma.MaskedArray, np.ma.MaskedArray]:
    """Return lists of ids and their scores, masked where there is nothing to recommend.

    Parameters
    ----------
    ids : ndarray of shape (n_items,)
        The ids of the items.
    columns : ndarray of int of shape (n_users, n)
        Positions of the items of each list.
    scores : ndarray of shape (n_users, n)
        Their scores; minus infinity where there is nothing to recommend.

    Returns
    -------
    items, scores : MaskedArray of shape (n_users, n)
        Under the mask is no id of an item, but -1, NaN, NaT or an empty string where ids are
        of this kind and none of them is the same, else None.
    """
    nothing = np.isneginf(scores)
    padding = np.array("NaT", ids.dtype) if ids.dtype.kind in "mM" else _PADDING.get(ids.dtype.kind)
    if padding is None or (ids == padding).any():
        ids, padding = ids.astype(object), None
    items = ids[columns]
    items[nothing] = padding
    fill: Any = np.array(padding, ids.dtype)  # a bare None would be NumPy's default
    return (
        np.ma.MaskedArray(items, mask=nothing, fill_value=fill),
        np.ma.MaskedArray(scores, mask=nothing, fill_value=-np.inf),
    )


def most_similar(
    ids: Ids,
    vectors: np.ndarray,
    counts: np.ndarray,
    wanted: Any,
    name: str,
    n: int,
    least: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Find what is most similar, by cosines from the mean vector that are shrunken by counts.

    Parameters
    ----------
    ids : Ids
        The items or users.
    vectors : ndarray of shape (n_ids, n_factors)
        Their vectors.
    counts : ndarray of shape (n_ids,)
        Their numbers of interactions.
    wanted : array-like of shape (n_wanted,)
        Ids of those to compare.
    name : str
        Name of the argument that holds them.
    n : int
        Maximum number of similar ones for each.
    least : int
        How many interactions a similar one must have.

    Returns
    -------
    found : ndarray of shape (n_wanted, n)
        Ids, the most similar first, without the wanted one.
    similarities : ndarray of shape (n_wanted, n)

    Raises
    ------
    ValueError
        If an argument cannot be used, or an id is not known.
    """
    check_count("n", n)
    check_count("min_interactions", least)
    wanted = id_column(wanted, name)
    positions = ids.find(wanted)
    if (positions == UNKNOWN).any():
        unknown = wanted[positions == UNKNOWN].tolist()[0]
        raise ValueError(f"{name} holds {unknown!r}, which was not in training.")
    is_out = counts < least
    n = max(0, min(n, len(ids) - int(is_out.sum()) - 1))
    vectors = vectors - vectors.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(length > 0, length, 1)
    shrinkage = np.sqrt(counts / (counts + _PRIOR))
    columns = np.empty((len(positions), n), dtype=np.intp)
    similarities = np.empty((len(positions), n))
    for part in blocks(len(positions), len(vectors), most_entries=SCORES):
        of_part = positions[part]
        found = np.clip(vectors[of_part] @ vectors.T, -1, 1)
        found *= shrinkage[of_part, None] * shrinkage
        found[:, is_out] = -np.inf
        found[np.arange(len(found)), of_part] = -np.inf
        columns[part], similarities[part] = best(found, n)
    return ids.values[columns], similarities
