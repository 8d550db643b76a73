"""Splitters that test on later interactions than they train on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.model_selection import BaseCrossValidator

from .._checks import COUNT, FRACTION, check_count, shown
from .._dates import read_dates
from .._named_columns import pairs_of
from .._training._held_out import count_held_out
from ..metrics._hits import all_columns_of, positions


class _Log(NamedTuple):
    """Interactions in the order of their dates.

    Attributes
    ----------
    rows : ndarray of int of shape (n_interactions,)
        Their rows in X. Those of the same date are in the order of X.
    users : ndarray of int of shape (n_interactions,)
        Positions of their users.
    dates : ndarray of shape (n_interactions,)
        Their dates as numbers, in ascending order.
    """

    rows: np.ndarray
    users: np.ndarray
    dates: np.ndarray

    @classmethod
    def of(cls, X: Any, names: Mapping[str, Any] | None) -> _Log:
        """Read and sort the interactions of X, a frame if its columns are named."""
        if sparse.issparse(X):
            raise TypeError(
                "X is a sparse matrix of users and items, which has no dates; pass rows of user, "
                "item and date."
            )
        if names is not None and "timestamp" not in names:
            raise ValueError(f"columns must name a 'timestamp', got {shown(dict(names))}.")
        columns = all_columns_of(pairs_of(names, X, are_dated=True))
        if len(columns) < 3:
            raise ValueError(
                f"X must have three columns, user, item and date, got shape {np.shape(X)}."
            )
        dates = read_dates(columns[2]).values
        if dates.dtype.kind == "f" and np.isnan(dates).any():
            row = int(np.isnan(dates).argmax())
            raise ValueError(f"X has no date in row {row}; leave such interactions out.")
        rows = np.argsort(dates, kind="stable")
        users = positions(columns[0], columns[0])[1]
        return cls(rows, users[rows], dates[rows])

    def where(self, chosen: np.ndarray) -> _Log:
        """Return some of the interactions."""
        return _Log(*(part[chosen] for part in self))


class _SplitsByDate(BaseCrossValidator):
    """A splitter whose earlier splits are made from the training part of the next."""

    n_splits: int
    columns: Mapping[str, Any] | None

    @abstractmethod
    def _is_last(self, log: _Log) -> np.ndarray:
        """Whether each interaction is tested in the last split."""

    @abstractmethod
    def _check(self) -> None:
        """Raise a ValueError if a parameter cannot be used."""

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to train on and to test on.

        Parameters
        ----------
        X : array-like or data frame of shape (n_interactions, 3)
            User, item and date of each interaction.
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int
            Rows of X, in ascending order. The split that tests the earliest interactions is first.

        Raises
        ------
        ValueError
            If X has no third column, a date is missing or cannot be read, or a split has nothing
            to train on or to test on.
        """
        self._check()
        log, splits = _Log.of(X, self.columns), []
        for _ in range(self.n_splits):
            is_last = self._is_last(log)
            if is_last.all() or not is_last.any():
                raise ValueError(
                    f"{self!r} finds nothing to {'train' if is_last.any() else 'test'} on in "
                    f"{len(log.rows)} interactions of {len(np.unique(log.users))} users with "
                    f"{len(np.unique(log.dates))} different dates."
                )
            splits.append((np.sort(log.rows[~is_last]), np.sort(log.rows[is_last])))
            log = log.where(~is_last)
        yield from reversed(splits)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
        """
        return self.n_splits


class LeaveLastOut(_SplitsByDate):
    """Splitter that tests on the last interactions of each user.

    X has the columns user, item and date. Ids are of any type. Dates are numbers, dates and times
    of Python, NumPy or pandas, or text.

    Parameters
    ----------
    test_size : int or float, default=1
        Number of interactions of each user to test on, or their share, in (0, 1), rounded up.
    n_splits : int, default=1
        Number of splits. Each split before the last divides the training part of the next one in
        the same way, so that its test interactions are the last ones there.
    columns : dict, optional
        Names of the columns of data frames: "user", "item" and "timestamp". See
        :class:`~sksn.SNRecommender`. By default, X has them in this order.

    See Also
    --------
    TimeSplit : Splits all interactions at one date.

    Notes
    -----
    No test interaction of a user is earlier than a training interaction of the same user. Among
    interactions of the same date, the later row of X is the later one.

    A user keeps at least one training interaction. So a user with fewer interactions than asked for
    has fewer in the test, and a user with a single one has none.

    A user's test interactions may be earlier than training interactions of other users. A
    recommender can then learn from what was not yet known. :class:`TimeSplit` avoids this.

    Examples
    --------
    >>> from sksn.model_selection import LeaveLastOut
    >>> X = [["ann", "alien", "2024-05-01"], ["ann", "brazil", "2024-05-03"],
    ...      ["bob", "alien", "2024-04-01"], ["ann", "solaris", "2024-05-02"],
    ...      ["bob", "brazil", "2024-04-02"]]
    >>> for train, test in LeaveLastOut().split(X):
    ...     print(train, test)
    [0 2 3] [1 4]
    """

    def __init__(self, test_size: float = 1, *, n_splits: int = 1, columns: Any = None) -> None:
        self.test_size = test_size
        self.n_splits = n_splits
        self.columns = columns

    def _check(self) -> None:
        if not (COUNT.allows(self.test_size) or FRACTION.allows(self.test_size)):
            raise ValueError(
                "test_size must be a positive integer or a number in (0, 1), got "
                f"{shown(self.test_size)}."
            )
        check_count("n_splits", self.n_splits)

    def _is_last(self, log: _Log) -> np.ndarray:
        counts = np.bincount(log.users)
        if self.test_size < 1:
            asked = count_held_out(counts, self.test_size)
        else:
            asked = np.full(len(counts), int(self.test_size))
        n_kept = counts - np.minimum(asked, counts - 1)
        order = np.argsort(log.users, kind="stable")  # users, and the dates of each
        starts = np.cumsum(counts) - counts
        is_last = np.empty(len(order), dtype=bool)
        of_user = log.users[order]
        is_last[order] = np.arange(len(order)) - starts[of_user] >= n_kept[of_user]
        return is_last


class TimeSplit(_SplitsByDate):
    """Splitter that trains on the interactions before a date and tests on the rest.

    X has the columns user, item and date, as for :class:`LeaveLastOut`.

    Parameters
    ----------
    test_size : float, default=0.2
        Share of the interactions to test on, in (0, 1). The date is the latest that leaves at
        least this share for the test.
    n_splits : int, default=1
        Number of splits. Each split before the last divides the training part of the next one in
        the same way.
    columns : dict, optional
        Names of the columns of data frames: "user", "item" and "timestamp". See
        :class:`~sksn.SNRecommender`. By default, X has them in this order.

    See Also
    --------
    LeaveLastOut : Tests on the last interactions of each user.

    Notes
    -----
    Every training interaction is earlier than every test interaction: interactions of the same date
    are on the same side. With few different dates, the test can be much larger than asked for.

    Users and items of the test may have no training interaction.

    Examples
    --------
    >>> from sksn.model_selection import TimeSplit
    >>> X = [["ann", "alien", 10], ["ann", "brazil", 40], ["bob", "alien", 20],
    ...      ["cy", "brazil", 30]]
    >>> for train, test in TimeSplit(test_size=0.25).split(X):
    ...     print(train, test)
    [0 2 3] [1]
    """

    def __init__(self, test_size: float = 0.2, *, n_splits: int = 1, columns: Any = None) -> None:
        self.test_size = test_size
        self.n_splits = n_splits
        self.columns = columns

    def _check(self) -> None:
        if not FRACTION.allows(self.test_size):
            raise ValueError(f"test_size must be {FRACTION.expected}, got {shown(self.test_size)}.")
        check_count("n_splits", self.n_splits)

    def _is_last(self, log: _Log) -> np.ndarray:
        if not len(log.dates):
            return np.zeros(0, dtype=bool)
        n_test = count_held_out(len(log.dates), self.test_size)
        return np.asarray(log.dates >= log.dates[len(log.dates) - n_test])
