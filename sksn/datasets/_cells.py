"""Cells of delimited text, read by pandas."""

from __future__ import annotations

import csv
import io
from typing import Any, TextIO

_SEPARATOR = "\x1f"  # stands for a delimiter of several characters, which pandas reads slowly


def import_pandas(needed_by: str) -> Any:
    """Return pandas, or raise an ImportError that says what to install."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs pandas; install it, or sksn with it: pip install 'sksn[data]'."
        ) from error
    return pandas


def read_cells(file: TextIO, delimiter: str, n_columns: int, *, needed_by: str) -> Any:
    """Read delimited text, one row a line.

    Parameters
    ----------
    file : text file
        Opened for reading.
    delimiter : str
        What separates the cells. Cells may be quoted, unless it is a tab or has several
        characters.
    n_columns : int
        Number of columns; longer rows are an error.
    needed_by : str
        What needs pandas, for an error.

    Returns
    -------
    pandas.DataFrame of shape (n_lines, n_columns)
        Stripped strings; empty where a row has no further cell.

    Raises
    ------
    ValueError
        If the text cannot be read.
    """
    pandas = import_pandas(needed_by)
    if len(delimiter) > 1:
        file = io.StringIO(file.read().replace(delimiter, _SEPARATOR))
        delimiter = _SEPARATOR
    unquoted = delimiter in ("\t", _SEPARATOR)
    cells = pandas.read_csv(
        file,
        sep=delimiter,
        header=None,
        names=range(n_columns),
        index_col=False,
        dtype=object,
        na_filter=False,
        skip_blank_lines=False,
        quoting=csv.QUOTE_NONE if unquoted else csv.QUOTE_MINIMAL,
    )
    return cells.apply(lambda column: column.str.strip())


def line_of(cells: Any, row: int) -> int:
    """Return the line of the text in which a row starts; cells may hold line breaks."""
    breaks = sum(cell.count("\n") for cell in cells.iloc[:row].to_numpy().ravel())
    return row + 1 + breaks
