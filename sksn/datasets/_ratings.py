"""Files of ratings: users, items, ratings and perhaps timestamps."""

from __future__ import annotations

import codecs
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

from .._caller import levels_to_caller
from .._checks import shown
from .._text import text_array
from ._cells import (
    BoundedLines,
    import_pandas,
    is_number,
    line_of,
    named,
    number_of,
    one_character,
    read_cells,
    readable,
    stripped,
)
from ._header import columns_of, is_header, role_of
from ._times import looks_like_time, times_of

_DELIMITERS = ("::", "\t", ",", ";", "|")
_COLUMNS = 5  # an index, user, item, rating and timestamp


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


def load_ratings(
    path: str | os.PathLike, *, delimiter: str | None = None, encoding: str = "utf-8"
) -> Ratings:
    r"""Read a file with one rating in each line.

    Parameters
    ----------
    path : str or path-like
        A text file, plain or gzipped (``.gz``). Each line holds a user, an item, a rating and
        optionally a timestamp, in this order; further columns are ignored. A timestamp is a
        number, or a date such as 2005-09-06 or 2005-09-06T12:30:00Z, which becomes seconds since
        1970. Other dates give a warning and no timestamps. A first line of names is a header.
        Usual names, such as userId, movieId, product_id, score, date, may stand in another order.
        Columns of other names are in the order above. If the first name is empty, the first
        column is the index of a data frame and is left out.
    delimiter : str, optional
        What separates the columns. By default the first of ``::``, tab, comma, semicolon and
        ``|`` that occurs in the first line. Cells may be in double quotes, except with ``::`` and
        tab.
    encoding : str, default="utf-8"
        Encoding of the text, such as "latin-1".

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
        If the file has no ratings, its header contradicts the order above and does not name user,
        item and rating, or a line cannot be read. The error names the line, unless pandas cannot
        split the file into lines.
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
    try:
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"encoding must be the name of a text encoding such as 'utf-8', got {encoding!r}."
        ) from error
    opened = _opened(Path(path), "utf-8-sig" if is_utf8 else encoding)
    with readable(str(path), encoding), opened as file:
        return read_ratings(file, str(path), delimiter=delimiter)


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    if not path.is_file():
        raise FileNotFoundError(f"path must name a file of ratings, got {str(path)!r}.")
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with (
        opener(path, "rb") as binary,
        io.TextIOWrapper(binary, encoding=encoding, newline="") as file,
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
        while not integers and first and not first.strip():
            first = file.readline()
    file.seek(0)
    if delimiter is None:
        delimiter = _delimiter_of(first, name)
    if integers:
        return _integer_ratings(file, name, delimiter, first.rstrip("\r\n").split(delimiter))
    quoted = len(delimiter) == 1 and delimiter != "\t"
    n_first = first.count(delimiter) + 1
    n_columns = max(_COLUMNS, n_first)
    with named(name):
        cells = read_cells(file, delimiter, n_columns, quoted=quoted, needed_by="load_ratings")
    return _ratings_of(cells[:, :n_columns], name, delimiter, n_first)


def _integer_ratings(file: TextIO, name: str, delimiter: str, first: list[str]) -> Ratings:
    """Read ratings whose ids are integers, by the parser of numbers of pandas."""
    pandas = import_pandas("fetch_movielens")
    columns = {"user": np.int64, "item": np.int64, "rating": float, "timestamp": float}
    if len(first) != len(columns):
        raise ValueError(f"{name}: expected {len(columns)} columns, got {shown(first)} in line 1.")
    n_header = 0 if is_number(first[-1]) else 1
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
    lines = np.flatnonzero((cells != "").any(axis=1))
    columns, title = [0, 1, 2, 3], ""
    if len(lines) and is_header(header := cells[lines[0]].tolist()[:n_first]):
        try:
            columns = columns_of(header)
        except ValueError as error:
            raise ValueError(f"{name}, line {line_of(raw, int(lines[0]))}: {error}") from error
        title = "".join(header[column] for column in columns[3:] if column < len(header))
        lines = lines[1:]
    if not len(lines):
        raise ValueError(f"{name} holds no ratings.")
    absent = np.full((len(cells), max(0, max(columns) + 1 - cells.shape[1])), "", object)
    cells = np.hstack([cells, absent])[:, columns]
    if len(columns) == 3:
        cells = np.hstack([cells, np.full((len(cells), 1), "", object)])
    users, items, ratings, times = cells[lines].T
    numbers = np.array(pandas.to_numeric(pandas.Series(ratings), errors="coerce"), float)
    seconds, is_wrong, wrong = times_of(times)
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
    text = next((time for time in times if time), "")
    if seconds is None and text and (role_of(title) == "timestamp" or looks_like_time(text)):
        warnings.warn(
            f"{name}: the column of timestamps{title and f' ({title})'} holds {shown(text)}, "
            "which is no time: expected a number or a date such as 2019-12-31. The ratings have "
            "no timestamps.",
            stacklevel=levels_to_caller(),
        )
    return Ratings(_ids(users.tolist()), _ids(items.tolist()), numbers, seconds)


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


def _ids(cells: list[str]) -> np.ndarray:
    """Return ids as integers if that loses nothing, such as a leading zero, else as they are."""
    try:
        numbers = np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return text_array(cells)
    is_same = all(map(str.__eq__, cells, map(str, numbers.tolist())))
    return numbers if is_same else text_array(cells)
