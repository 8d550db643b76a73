"""Cells of delimited text, read by pandas."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from typing import Any, TextIO

import numpy as np

LONGEST_LINE = 1 << 20  # characters
_LONGEST_REASON = 300
_CHUNK = 1 << 16
_DAMAGED = (
    *(EOFError, OSError, zlib.error, zipfile.BadZipFile, lzma.LZMAError),
    *(NotImplementedError, RuntimeError),  # a compression that is not known, and encryption
)
_SEPARATOR = "\x1f"  # stands for delimiters that pandas reads slowly or not at all


@contextmanager
def readable(name: str, encoding: str = "utf-8") -> Iterator[None]:
    """Turn the errors of a file that is damaged, or that is no text, into a ValueError.

    Parameters
    ----------
    name : str
        Name of the file, for the error.
    encoding : str, default="utf-8"
        The encoding in which it is read, for the error.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no text in {encoding.upper()}: {error}.") from error
    except _DAMAGED as error:
        if isinstance(error, OSError) and not _is_of_file(error):
            raise
        text = reason(error).rstrip(".")
        raise ValueError(f"{name} is damaged or cannot be unpacked: {text}.") from error


def _is_of_file(error: OSError) -> bool:
    """Whether the content is at fault: gzip gives no number, a zip's directory EINVAL."""
    return type(error) in (OSError, gzip.BadGzipFile) and error.errno in (None, EINVAL)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put the name of a file before an error of its content; that of a decoder stays as it is."""
    try:
        yield
    except UnicodeDecodeError:
        raise
    except (ValueError, Warning) as error:  # pandas warns of rows that are too long
        raise ValueError(f"{name}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return the text of an error, cut if it quotes a long cell."""
    text = str(error).strip()
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


class BoundedLines(io.TextIOBase):
    """A text file whose lines are at most a million characters long.

    A small archive can hold a line of gigabytes. Reading more than that raises a ValueError.

    Parameters
    ----------
    file : text file
        The file.
    """

    def __init__(self, file: TextIO) -> None:
        self._file, self._length, self._line = file, 0, 1

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning, the only place that is used."""
        self._length, self._line = 0, 1
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1) -> str:
        """Read characters, or all of them."""
        parts, left = [], math.inf if size is None or size < 0 else size
        while left:
            part = self._file.read(int(min(left, _CHUNK)))
            if not part:
                break
            self._count(part)
            parts.append(part)
            left -= len(part)
        return "".join(parts)

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        """Read a line."""
        line = self._file.readline(LONGEST_LINE + 1 if size < 0 else size)
        self._count(line)
        return line

    def _count(self, part: str) -> None:
        part, start = part.replace("\r\n", " \n").replace("\r", "\n"), 0
        while True:
            end = part.find("\n", start)
            self._length += (len(part) if end < 0 else end) - start
            if self._length > LONGEST_LINE:
                raise ValueError(
                    f"line {self._line} is longer than {LONGEST_LINE} characters; expected one row "
                    "in each line."
                )
            if end < 0:
                return
            self._length, start, self._line = 0, end + 1, self._line + 1


def number_of(cell: str) -> float | None:
    """Return a cell as a number; None if it is not one, such as 1_000, which Python would read."""
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def is_number(cell: str) -> bool:
    """Whether a cell is a number."""
    return number_of(cell) is not None


def import_pandas(needed_by: str) -> Any:
    """Return pandas, or raise an ImportError that says what to install."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs pandas; install it, or sksn with it: pip install 'sksn[data]'."
        ) from error
    return pandas


def read_cells(
    file: TextIO, delimiter: str, n_columns: int, *, quoted: bool, needed_by: str
) -> np.ndarray:
    """Read delimited text, one row a line.

    Parameters
    ----------
    file : text file
        Opened for reading.
    delimiter : str
        What separates the cells.
    n_columns : int
        Number of columns, unless a row has more.
    quoted : bool
        Whether cells may be in double quotes.
    needed_by : str
        What needs pandas, for an error.

    Returns
    -------
    ndarray of object of shape (n_lines, n_columns or more)
        The cells as they are; empty where a row has no further cell.

    Raises
    ------
    ValueError
        If the text cannot be read.
    """
    pandas = import_pandas(needed_by)
    file, delimiter = one_character(file, delimiter)
    while True:
        try:
            return pandas.read_csv(
                file,
                sep=delimiter,
                header=None,
                names=range(n_columns),
                index_col=False,
                dtype=object,
                na_filter=False,
                skip_blank_lines=False,
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            ).to_numpy()
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            if "C error: Expected" not in str(error):
                raise ValueError(reason(error)) from error
            n_columns *= 2  # a row is longer
            file.seek(0)


def one_character(file: TextIO, delimiter: str) -> tuple[TextIO, str]:
    """Return text whose delimiter is one ASCII character, as pandas needs it, and this."""
    if len(delimiter) == 1 and delimiter.isascii():
        return file, delimiter
    return io.StringIO(file.read().replace(delimiter, _SEPARATOR)), _SEPARATOR


def stripped(cells: np.ndarray) -> np.ndarray:
    """Return cells without the white space around them."""
    return np.array([cell.strip() for cell in cells.flat], dtype=object).reshape(cells.shape)


def line_of(cells: np.ndarray, row: int) -> int:
    """Return the line of the text in which a row starts; cells may hold line breaks."""
    return row + 1 + sum(cell.count("\n") for cell in cells[:row].flat)
