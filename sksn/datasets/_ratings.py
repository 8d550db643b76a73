"""Files of ratings: who rated what, how high, and perhaps when."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np

_DELIMITERS = ("::", "\t", ",", ";", "|")


@dataclass(frozen=True)
class Ratings:
    """Ratings, one of a user for an item in each place.

    Attributes
    ----------
    users, items : ndarray of shape (n_ratings,)
        Who rated what; integers or strings.
    ratings : ndarray of shape (n_ratings,)
        How high, float64.
    timestamps : ndarray of shape (n_ratings,) or None
        When, if that is known.
    splits : dict of str to (ndarray, ndarray)
        Indices of training and test ratings of the splits that the data comes with.
    DESCR : str
        What the data is, its terms and whom to cite.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    timestamps: np.ndarray | None = None
    splits: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    DESCR: str = ""

    @property
    def data(self) -> np.ndarray:
        """User and item of each rating; integers if all ids are, else strings."""
        users, items = self.users, self.items
        if users.dtype.kind != items.dtype.kind:
            users, items = users.astype(str), items.astype(str)
        return np.column_stack([users, items])

    @property
    def target(self) -> np.ndarray:
        """The ratings, as scikit-learn calls them."""
        return self.ratings

    def __len__(self) -> int:
        return len(self.ratings)


def load_ratings(path: str | os.PathLike, *, delimiter: str | None = None) -> Ratings:
    r"""Read a file with one rating in each line.

    Parameters
    ----------
    path : str or path-like
        A text file, plain or gzipped (``.gz``), whose lines hold a user, an item, a rating and,
        if they like, a timestamp (a number, or a date like 2005-09-06 or 2005-09-06T12:30:00, which
        becomes seconds since 1970), in this order; further columns are ignored. A first line
        whose third column is no number is taken for a header; where its first name is empty, the
        first column is the index of a data frame and left out.
    delimiter : str, optional
        What separates the columns. By default the first of ``::``, tab, comma, semicolon and
        ``|`` that occurs in the first line. Comma, semicolon and ``|`` may stand within double
        quotes.

    Returns
    -------
    Ratings
        The ratings, with the attributes `data` of shape (n_ratings, 2) and `target`, which are
        what :class:`~sksn.SNRecommender` is fitted with, and `users`, `items`, `ratings` and
        `timestamps`. Ids are integers where all of a column are, else strings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file has no ratings or a line cannot be understood; names the line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sksn.datasets import load_ratings
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "ratings.dat"
    ...     _ = path.write_text("1::Alien::5\n1::Brazil::4\n2::Alien::3.5\n")
    ...     ratings = load_ratings(path)
    >>> ratings.items
    array(['Alien', 'Brazil', 'Alien'], dtype='<U6')
    >>> ratings.ratings
    array([5. , 4. , 3.5])
    """
    with _opened(Path(path)) as file:
        try:
            return read_ratings(file, str(path), delimiter=delimiter)
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no text in UTF-8: {error}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if not path.is_file():
        raise FileNotFoundError(f"path must name a file of ratings, got {str(path)!r}.")
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with (
        opener(path, "rb") as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as file,
    ):
        yield file


def read_ratings(
    file: TextIO, name: str, *, delimiter: str | None = None, integers: bool = False
) -> Ratings:
    """Read ratings from a text file.

    Parameters
    ----------
    file : text file
        Opened for reading, at its beginning.
    name : str
        Says in errors where the ratings are from.
    delimiter : str, optional
        What separates the columns.
    integers : bool, default=False
        Whether all ids are integers and there are timestamps: millions of them are then read in
        seconds.

    Returns
    -------
    Ratings
    """
    first = file.readline()
    if delimiter is None:
        delimiter = _delimiter_of(first, name)
    if integers:
        has_header = not _is_number(first.split(delimiter)[-1])
        lines = chain([] if has_header else [first], file)
        return _integer_ratings(lines, name, delimiter)
    columns = _columns(chain([first], file), delimiter, name)
    users, items = (_ids(column) for column in columns[:2])
    timestamps = np.array(columns[3]) if columns[3] else None
    return Ratings(users, items, np.array(columns[2]), timestamps)


def _integer_ratings(lines: Iterable[str], name: str, delimiter: str) -> Ratings:
    tabbed = lines if len(delimiter) == 1 else (line.replace(delimiter, "\t") for line in lines)
    separator = delimiter if len(delimiter) == 1 else "\t"
    types = [("user", np.int64), ("item", np.int64), ("rating", float), ("timestamp", float)]
    try:
        table = np.loadtxt(tabbed, dtype=types, delimiter=separator, comments=None, ndmin=1)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    users, items, ratings, times = (np.ascontiguousarray(table[column]) for column, _ in types)
    return Ratings(users, items, ratings, times)


def _delimiter_of(line: str, name: str) -> str:
    for delimiter in _DELIMITERS:
        if delimiter in line:
            return delimiter
    raise ValueError(
        f"{name}, line 1: expected user, item and rating, separated by '::', tab, comma, semicolon "
        f"or '|', got {line.strip()!r}; name another delimiter if there is one."
    )


def _columns(
    lines: Iterable[str], delimiter: str, name: str
) -> tuple[list[str], list[str], list[float], list[float]]:
    """Users, items, ratings and timestamps (none, or as many)."""
    users: list[str] = []
    items: list[str] = []
    ratings: list[float] = []
    times: list[float] = []
    start, read_time = 0, None
    for number, row in _cells(lines, delimiter):
        if number == 1 and len(row) > 2 and not _is_number(row[2]):
            start = int(len(row) > 3 and not row[0].strip())  # the index of a data frame
            continue
        row = row[start:]
        where = f"{name}, line {number}"
        if len(row) < 3 or not row[0].strip() or not row[1].strip():
            raise ValueError(
                f"{where}: expected user, item and rating, separated by {delimiter!r}, got "
                f"{delimiter.join(row)!r}."
            )
        users.append(row[0].strip())
        items.append(row[1].strip())
        ratings.append(_number(row[2], where))
        if len(ratings) == 1 and len(row) > 3:
            read_time = _reader_of_times(row[3])
        if read_time is None and not (len(row) > 3 and _is_number(row[3])):
            continue
        if read_time is None or len(row) < 4:
            raise ValueError(f"{where}: only some of the lines have a timestamp.")
        times.append(read_time(row[3], where))
    if not ratings:
        raise ValueError(f"{name} holds no ratings.")
    return users, items, ratings, times


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise ValueError(f"{where}: {error}; expected a number.") from None
    if not np.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {cell.strip()!r}.")
    return value


def _date(cell: str, where: str) -> float:
    """Seconds since 1970."""
    seconds = _seconds(cell)
    if seconds is None:
        raise ValueError(f"{where}: expected a date like the first, got {cell.strip()!r}.")
    return seconds


def _seconds(cell: str) -> float | None:
    try:
        date = np.datetime64(cell.strip(), "s")
    except ValueError:
        return None
    return None if np.isnat(date) else float(date.astype(np.int64))


def _reader_of_times(cell: str) -> Callable[[str, str], float] | None:
    """What reads cells like this one; None for text that is neither a number nor a date."""
    if _is_number(cell):
        return _number
    return None if _seconds(cell) is None else _date


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not empty."""
    if len(delimiter) == 1:
        if delimiter == "\t":
            reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        else:
            reader = csv.reader(lines, delimiter=delimiter)
        yield from ((reader.line_num, row) for row in reader if row)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r\n").split(delimiter)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _ids(cells: list[str]) -> np.ndarray:
    """Ids as integers, where that loses nothing (a leading zero, say), else as they are."""
    try:
        numbers = np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(cells)
    return numbers if all(map(str.__eq__, cells, map(str, numbers.tolist()))) else np.array(cells)
