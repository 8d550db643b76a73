"""Files of ratings: users, items, ratings and perhaps timestamps."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ._cells import import_pandas, line_of, read_cells

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
        """User and item of each rating; integers if all ids are integers, else strings."""
        users, items = self.users, self.items
        if users.dtype.kind != items.dtype.kind:
            users, items = users.astype(str), items.astype(str)
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
        If the file has no ratings, or a line cannot be read. The error names the line.
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
    first = file.readline()
    file.seek(0)
    if delimiter is None:
        delimiter = _delimiter_of(first, name)
    if integers:
        return _integer_ratings(file, name, delimiter, first.split(delimiter))
    n_columns = max(_COLUMNS, first.count(delimiter) + 1)
    try:
        cells = read_cells(file, delimiter, n_columns, needed_by="load_ratings")
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).strip()}") from error
    return _ratings_of(cells, name, delimiter)


def _integer_ratings(file: TextIO, name: str, delimiter: str, first: list[str]) -> Ratings:
    """Read ratings whose ids are integers, by the parser of numbers of pandas."""
    pandas = import_pandas("fetch_movielens")
    width = len(delimiter)  # "::" is read as ":", with an empty column after each
    columns = {0: "user", width: "item", 2 * width: "rating", 3 * width: "timestamp"}
    try:
        table = pandas.read_csv(
            file,
            sep=delimiter[0],
            header=None,
            names=range(3 * width + 1),
            usecols=list(columns),
            index_col=False,
            skiprows=0 if _is_number(first[-1]) else 1,
            dtype={0: np.int64, width: np.int64, 2 * width: float, 3 * width: float},
        ).rename(columns=columns)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).strip()}") from error
    return Ratings(*(table[column].to_numpy() for column in columns.values()))


def _ratings_of(cells: Any, name: str, delimiter: str) -> Ratings:
    """Turn cells into ratings, or raise an error that names the first line that cannot be read."""
    pandas = import_pandas("load_ratings")
    if len(cells) and not _is_number(cells.iat[0, 2]) and cells.iat[0, 2]:
        is_index = not cells.iat[0, 0] and bool(cells.iat[0, 3])  # of a data frame
        body = cells.iloc[1:, int(is_index) :]
    else:
        body = cells
    body = body[(body != "").any(axis=1)]  # lines that are not empty
    if not len(body):
        raise ValueError(f"{name} holds no ratings.")
    body.columns = range(body.shape[1])
    users, items, ratings, times = (body[i] for i in range(4))
    numbers = pandas.to_numeric(ratings, errors="coerce")
    lacking = (users == "") | (items == "") | (ratings == "")
    faults = [
        (lacking, lambda row: _expected_three(row, delimiter)),
        (~np.isfinite(numbers), lambda row: _no_rating(row[2])),
    ]
    seconds, fault = _times_of(pandas, times)
    if fault is not None:
        faults.append(fault)
    places = [(int(np.argmax(wrong)), message) for wrong, message in faults if np.any(wrong)]
    if places:
        place, message = min(places, key=lambda found: found[0])
        line = line_of(cells, int(body.index[place]))
        raise ValueError(f"{name}, line {line}: {message(body.iloc[place].tolist())}")
    return Ratings(
        _ids(users.tolist()), _ids(items.tolist()), numbers.to_numpy(np.float64), seconds
    )


def _times_of(pandas: Any, times: Any) -> tuple[np.ndarray | None, Any]:
    """Return seconds since 1970 if there are timestamps, and where one cannot be read."""
    first, given = times.iloc[0], times != ""
    numbers = pandas.to_numeric(times, errors="coerce")
    some = "only some of the lines have a timestamp."
    if _is_number(first):
        seconds = numbers.to_numpy(np.float64)
        return seconds, (
            ~np.isfinite(seconds),
            lambda row: some if row[3] == "" else f"expected a number, got {row[3]!r}.",
        )
    if not _is_date(pandas, first):  # no timestamps; a number among other text is a mistake
        return None, (given & numbers.notna(), lambda row: some)
    dates = pandas.to_datetime(times, format="ISO8601", errors="coerce", utc=True)
    seconds = (dates - pandas.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()
    return seconds, (
        dates.isna(),
        lambda row: some if row[3] == "" else f"expected a date like the first, got {row[3]!r}.",
    )


def _expected_three(row: list[str], delimiter: str) -> str:
    while row and not row[-1]:
        row.pop()
    return (
        f"expected user, item and rating, separated by {delimiter!r}, got {delimiter.join(row)!r}."
    )


def _no_rating(cell: str) -> str:
    if _is_number(cell):
        return f"expected a finite number, got {cell!r}."
    return f"could not convert {cell!r} to a rating; expected a number."


def _delimiter_of(line: str, name: str) -> str:
    for delimiter in _DELIMITERS:
        if delimiter in line:
            return delimiter
    raise ValueError(
        f"{name}, line 1: expected user, item and rating, separated by '::', tab, comma, semicolon "
        f"or '|', got {line.strip()!r}; name another delimiter if there is one."
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_date(pandas: Any, cell: str) -> bool:
    return bool(pandas.notna(pandas.to_datetime(cell, format="ISO8601", errors="coerce")))


def _ids(cells: list[str]) -> np.ndarray:
    """Return ids as integers if that loses nothing, such as a leading zero, else as they are."""
    try:
        numbers = np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(cells)
    return numbers if all(map(str.__eq__, cells, map(str, numbers.tolist()))) else np.array(cells)
