"""Cells of delimited text, read by pandas."""

from __future__ import annotations

import csv
import io
from typing import Any, TextIO

import numpy as np

_SEPARATOR = "\x1f"  # stands for delimiters that pandas reads slowly or not at all


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
                raise ValueError(str(error).strip()) from error
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
