"""Files of ratings: users, items, ratings and perhaps timestamps."""

from __future__ import annotations

import gzip
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np

from .._checks import shown
from .._text import text_array
from ._cells import (
    BoundedLines,
    import_pandas,
    line_of,
    named,
    number_of,
    one_character,
    read_cells,
    readable,
    stripped,
)

_DELIMITERS = ("::", "\t", ",", ";", "|")
_COLUMNS = 5  # an index, user, item, rating and timestamp
_SOME = "only some of the lines have a timestamp."


@dataclass(frozen=True)
class Ratings:
    """Ratings of users for items.

    Attributes
    ----------
    users, items : ndarray of shape (n_ratings,)
        Ids of the user and the item of each rating; integers or strings.
    ratings : ndarray of shape (n_ratings,)
        The ratings, float64.
    timestamps : ndarray of shape (n_ratings,) or None
        Time of each rating, if it is known.
    splits : dict of str to (ndarray, ndarray)
        Indices of the training and test ratings of the splits that come with the data.
    DESCR : str
        Description of the data, its terms and its citation.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    timestamps: np.ndarray | None = None
    splits: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    DESCR: str = ""

    @property
    def data(self) -> np.ndarray:
        """User and item of each rating; objects if the columns differ in kind, as 1 and 'a'."""
        users, items = self.users, self.items
        if users.dtype.kind != items.dtype.kind:  # a common type would change the ids
            users, items = users.astype(object), items.astype(object)
        return np.column_stack([users, items])

    @property
    def target(self) -> np.ndarray:
        """The ratings, under the name that scikit-learn uses."""
        return self.ratings

    def __len__(self) -> int:
        return len(self.ratings)


def load_ratings(path: str | os.PathLike, *, delimiter: str | None = None) -> Ratings:
    r"""Read a file with one rating in each line.

    Parameters
    ----------
    path : str or path-like
        A text file, plain or gzipped (``.gz``). Each line holds a user, an item, a rating and
        optionally a timestamp, in this order; further columns are ignored. A timestamp is a
        number, or a date such as 2005-09-06 or 2005-09-06T12:30:00, which becomes seconds since
        1970. A first line whose third column is not a number is a header. If the first name in
        it is empty, the first column is the index of a data frame and is left out.
    delimiter : str, optional
        What separates the columns. By default the first of ``::``, tab, comma, semicolon and
        ``|`` that occurs in the first line. Cells may be in double quotes, except with ``::`` and
        tab.

    Returns
    -------
    Ratings
        The ratings. Its attributes `data` of shape (n_ratings, 2) and `target` are the X and y of
        :class:`~sksn.SNRecommender`; `users`, `items`, `ratings` and `timestamps` hold the
        columns. The ids of a column are integers if all of them are, else strings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file has no ratings, or a line cannot be read. The error names the line, unless
        pandas cannot split the file into lines.
    ImportError
        If pandas is not installed.

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
    if delimiter is not None and not (isinstance(delimiter, str) and delimiter):
        raise ValueError(f"delimiter must be None or a string, got {delimiter!r}.")
    with readable(str(path)), _opened(Path(path)) as file:
        return read_ratings(file, str(path), delimiter=delimiter)


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
        Name of the file, for errors.
    delimiter : str, optional
        What separates the columns.
    integers : bool, default=False
        Whether all ids are integers and there are timestamps, so that millions of ratings are
        read in seconds.

    Returns
    -------
    Ratings
    """
    file = cast(TextIO, BoundedLines(file))
    with named(name):
        first = file.readline()
    file.seek(0)
    if delimiter is None:
        delimiter = _delimiter_of(first, name)
    if integers:
        return _integer_ratings(file, name, delimiter, first.rstrip("\r\n").split(delimiter))
    quoted = len(delimiter) == 1 and delimiter != "\t"
    with named(name):
        cells = read_cells(file, delimiter, _COLUMNS, quoted=quoted, needed_by="load_ratings")
    return _ratings_of(cells[:, :_COLUMNS], name, delimiter, first.count(delimiter) + 1)


def _integer_ratings(file: TextIO, name: str, delimiter: str, first: list[str]) -> Ratings:
    """Read ratings whose ids are integers, by the parser of numbers of pandas."""
    pandas = import_pandas("fetch_movielens")
    columns = {"user": np.int64, "item": np.int64, "rating": float, "timestamp": float}
    if len(first) != len(columns):
        raise ValueError(f"{name}: expected {len(columns)} columns, got {shown(first)} in line 1.")
    n_header = 0 if _is_number(first[-1]) else 1
    with named(name), warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)  # of longer rows
        file, separator = one_character(file, delimiter)
        table = pandas.read_csv(
            file,
            sep=separator,
            header=None,
            names=list(columns),
            index_col=False,
            skiprows=n_header,
            dtype=columns,
            na_filter=False,
        )
    if not len(table):
        raise ValueError(f"{name} holds no ratings.")
    users, items, ratings, times = (np.array(table[column]) for column in columns)
    for what, numbers in (("rating", ratings), ("timestamp", times)):
        wrong = np.flatnonzero(~np.isfinite(numbers))
        if len(wrong):
            raise ValueError(
                f"{name}, line {wrong[0] + 1 + n_header}: expected a finite number as a {what}, "
                f"got {numbers[wrong[0]]}."
            )
    return Ratings(users, items, ratings, times)


def _ratings_of(raw: np.ndarray, name: str, delimiter: str, n_first: int) -> Ratings:
    """Turn cells into ratings, or raise an error that names the first line that cannot be read."""
    pandas = import_pandas("load_ratings")
    cells = stripped(raw)
    is_filled = (cells != "").any(axis=1)
    if n_first > 2 and len(cells) and not _is_number(cells[0, 2]):  # a header
        is_filled[0] = False
        if n_first > 3 and not cells[0, 0]:  # the first column is the index of a data frame
            cells = cells[:, 1:]
    lines = np.flatnonzero(is_filled)
    if not len(lines):
        raise ValueError(f"{name} holds no ratings.")
    users, items, ratings, times = cells[lines, :4].T
    numbers = np.array(pandas.to_numeric(pandas.Series(ratings), errors="coerce"), float)
    seconds, is_wrong, wrong = _times_of(times)
    faults = [
        ((users == "") | (items == "") | (ratings == ""), _expected_three),
        (~np.isfinite(numbers), _no_rating),
        (is_wrong, wrong),
    ]
    places = [(int(np.argmax(found)), message) for found, message in faults if found.any()]
    if places:
        place, message = min(places, key=lambda found: found[0])
        line = line_of(raw, int(lines[place]))
        raise ValueError(f"{name}, line {line}: {message(cells[lines[place]].tolist(), delimiter)}")
    return Ratings(_ids(users.tolist()), _ids(items.tolist()), numbers, seconds)


def _times_of(cells: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, Any]:
    """Return seconds since 1970 if there are timestamps, and where and why one is wrong."""
    read = number_of if _is_number(cells[0]) else _seconds
    if read(cells[0]) is None:  # no timestamps; a number among other text is a mistake
        is_number = np.array([_is_number(cell) for cell in cells])
        return None, is_number, lambda row, _: _SOME
    found = [read(cell) for cell in cells]
    seconds = np.array([np.nan if value is None else value for value in found])
    expected = "a number" if read is number_of else "a date like the first"

    def wrong(row: list[str], delimiter: str) -> str:
        return _SOME if row[3] == "" else f"expected {expected}, got {shown(row[3])}."

    return seconds, ~np.isfinite(seconds), wrong


def _expected_three(row: list[str], delimiter: str) -> str:
    while row and not row[-1]:
        row.pop()
    return (
        f"expected user, item and rating, separated by {delimiter!r}, got "
        f"{shown(delimiter.join(row))}."
    )


def _no_rating(row: list[str], delimiter: str) -> str:
    value = number_of(row[2])
    if value is not None and not np.isfinite(value):
        return f"expected a finite number, got {shown(row[2])}."
    return f"could not convert {shown(row[2])} to a rating; expected a number."


def _delimiter_of(line: str, name: str) -> str:
    for delimiter in _DELIMITERS:
        if delimiter in line:
            return delimiter
    raise ValueError(
        f"{name}, line 1: expected user, item and rating, separated by '::', tab, comma, semicolon "
        f"or '|', got {shown(line.strip())}; name another delimiter if there is one."
    )


def _is_number(cell: str) -> bool:
    return number_of(cell) is not None


def _seconds(cell: str) -> float | None:
    """Return a date as seconds since 1970; None if the cell is not a date."""
    try:
        date = np.datetime64(cell, "s")
    except ValueError:
        return None
    return None if np.isnat(date) else float(date.astype(np.int64))


def _ids(cells: list[str]) -> np.ndarray:
    """Return ids as integers if that loses nothing, such as a leading zero, else as they are."""
    try:
        numbers = np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return text_array(cells)
    is_same = all(map(str.__eq__, cells, map(str, numbers.tolist())))
    return numbers if is_same else text_array(cells)
