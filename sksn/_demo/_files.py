"""Files of tables as text: CSV, also compressed by gzip, and parquet."""

from __future__ import annotations

import gzip
import io
import zlib
from importlib import import_module

from ..datasets._cells import read_cells, stripped


class TableError(Exception):
    """A line that says why a table cannot be used."""


def read_table(path: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a CSV file."""
    text = _text_of(path)
    if not text.strip():
        raise TableError(f"{path} is empty")
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(",;\t", key=first.count)
    n_columns = first.count(separator) + 1
    try:
        cells = read_cells(io.StringIO(text), separator, n_columns, quoted=True, needed_by="--data")
    except ImportError as error:
        raise TableError(str(error)) from error
    except ValueError as error:
        raise TableError(f"{path} is not a CSV file that can be read: {error}") from error
    filled = [row for row in stripped(cells).tolist() if any(row)]
    if len(filled) < 2:
        raise TableError(f"{path} has a header but no rows")
    header, *rows = (row[: _n_cells(row)] if i == 0 else row for i, row in enumerate(filled))
    if len(set(header)) < len(header):
        raise TableError(f"{path} has two columns of the same name in its header")
    for i, row in enumerate(rows):
        if _n_cells(row) > len(header):
            raise TableError(
                f"{path}: data row {i + 1} has {_n_cells(row)} cells, the header {len(header)}"
            )
    return header, rows


def _n_cells(row: list[str]) -> int:
    """Return the number of cells up to the last that is not empty."""
    return max(i + 1 for i, cell in enumerate(row) if cell)


def _text_of(path: str) -> str:
    """Return the text of a CSV file, or a parquet file as such text."""
    try:
        if path.lower().endswith((".parquet", ".pq")):
            return _csv_of_parquet(path)
        if path.lower().endswith(".gz"):
            with gzip.open(path, "rt", newline="", encoding="utf-8-sig") as file:
                return file.read()
        with open(path, newline="", encoding="utf-8-sig") as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableError(f"{path} is damaged or not compressed by gzip") from error
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 text") from error


def _csv_of_parquet(path: str) -> str:
    try:
        frame = import_module("pandas").read_parquet(path)
    except ImportError as error:
        raise TableError("parquet files need pandas and pyarrow: pip install pyarrow") from error
    except ValueError as error:  # pyarrow's errors are such
        raise TableError(f"{path} is not a parquet file that can be read: {error}") from error
    return frame.to_csv(index=False)
