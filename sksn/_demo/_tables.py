"""Tables with missing values for the demo: those of scikit-learn, or a CSV file."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer

from .._observed import Cycles, seconds_of
from ..datasets._cells import number_of
from ..datasets._holes import make_holes
from ._files import TableError, read_table

MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-"}
N_FOLDS = 5
_LARGEST = 1e38  # beyond, most models fail
_MAX_CATEGORIES = 20
_MAX_CLASSES = 20
_INDEX = {"", "unnamed: 0", "index", "id", "row", "rownames"}  # names of a first column
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Table:
    """Features with missing values, the y to predict, and notes on their preparation.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        The features; NaN is missing.
    y : ndarray of shape (n_samples,)
        Labels (strings or numbers), or numbers if `task` is "regression".
    task : {"binary", "multiclass", "regression"}
        The kind of prediction.
    notes : list of str
        How the table was prepared.
    columns : dict of str to ndarray
        The columns of a file before they were encoded: numbers, dates or text.
    network : dict
        Parameters of the networks that differ from the defaults. If there are some, the networks
        read entries as they are, and so does the MLP, with zeros for missing ones.
    meaning : str
        What the scores mean, and what to see in them.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    task: str
    notes: list[str] = field(default_factory=list)
    network: dict[str, Any] = field(default_factory=dict)
    meaning: str = ""
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def missing_share(self) -> float:
        """Share of the cells that are missing."""
        return float(np.isnan(self.X).mean())


def printable(text: str) -> str:
    """Return text with the characters escaped that could control a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_PLAIN = {
    "hidden_layer_sizes": (64, 64, 64),
    "activation": "tanh",
    "input_scaling": None,
    "n_bins": 0,
    "add_indicator": False,
    "input_dropout": 0.0,
    "dropout": 0.0,
    "max_epochs": 60,
}


def remove_cells(X: np.ndarray, seed: int) -> np.ndarray:
    """Remove cells at random; the share of a row is uniform between 0 and 98 %."""
    return make_holes(X, rate=0.49, rate_spread=0.49, random_state=seed)


def built_in(seed: int) -> list[Table]:
    """Return a table on which SN matters, and the same prepared, so that it does not.

    Both are the breast cancer data of scikit-learn without some of their cells.
    """
    X, y = load_breast_cancer(return_X_y=True)
    X = remove_cells(X, seed)
    removed = f"cells removed at random: 0 to 98 % of a row, {_missing(X)} overall"
    raw = Table(
        "breast cancer, raw",
        X / np.nanmax(X, axis=0),
        y,
        "binary",
        [removed, "entries from 0 to 1 and a plain network, with zeros for missing ones"],
        _PLAIN,
        "AUROC is the chance that a benign case gets a higher probability than a malignant one; "
        "guessing has 0.5. The entries are far from zero, so a row with many of them gives larger "
        "sums, and the network confuses how much is known with what is known. SN with power 1 "
        "corrects that. The MLP has the same layers and the same zeros, and the same trouble. "
        "Trees have no sums.",
    )
    centred = Table(
        "breast cancer, centred",
        X,
        y,
        "binary",
        [removed, "the default network, which centres entries; the MLP gets means and indicators"],
        meaning="Centred entries are 0 on average, as missing ones are, so little is left for SN "
        "to correct: power 1/2 and power 0 are level. Preparation gains more than SN. Use SN where "
        "entries must stay raw.",
    )
    return [raw, centred]


def read_csv(path: str, target: str) -> Table:
    """Read a file with a header line, and encode its columns of text and dates.

    A first column that numbers the rows, as pandas writes it, is left out.

    Parameters
    ----------
    path : str
        The file: CSV, also compressed (.gz), or parquet. The separator of CSV may be a comma, a
        semicolon or a tab.
    target : str
        Name of the column to predict. Numbers with more than 20 distinct values are a regression;
        anything else is a classification.

    Raises
    ------
    TableError
        If the file is missing, unreadable or empty, or the column is not there.
    """
    header, rows = read_table(path)
    if target not in header:
        raise TableError(f"{path} has no column {target!r}; its columns are {', '.join(header)}")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    notes = []
    if header[0] != target and _numbers_the_rows(header[0], columns[header[0]]):
        del columns[header[0]]
        notes.append(f"left out the first column, {header[0]!r}: it numbers the rows")
    labels = columns.pop(target)
    known = [i for i, label in enumerate(labels) if label.lower() not in MISSING]
    if len(known) < len(labels):
        notes.append(f"left out {len(labels) - len(known)} rows whose {target!r} is missing")
    if len(known) < 20:
        raise TableError(f"{path} has {len(known)} rows with a {target!r}; at least 20 are needed")
    features, plain = [], {}
    for name, every in columns.items():
        plain[name] = _read([every[i] for i in known])
        encoded, note = _encode(name, plain[name])
        features += encoded
        notes += note
    if not features:
        raise TableError(f"{path} has no usable column beside {target!r}")
    X = np.column_stack(features)
    y, task = _encode_target(target, [labels[i] for i in known], path)
    notes.append(
        f"{len(X)} rows, {X.shape[1]} features, {_missing(X)} of the cells missing, {task}"
    )
    return Table(Path(path).name, X, y, task, notes, columns=plain)


def _encode(name: str, column: np.ndarray) -> tuple[list[np.ndarray], list[str]]:
    """Return columns of numbers for one column, and notes on the encoding.

    Infinite and huge numbers become NaN in the column itself.
    """
    if column.dtype.kind == "f":
        infinite = np.abs(column) > _LARGEST
        column[infinite] = np.nan
        note = [f"{name!r}: {infinite.sum()} infinite or huge entries taken as missing"]
        if np.isnan(column).all():
            return [], [f"left out {name!r}: nothing in it is known"]
        return [column], note if infinite.any() else []
    if column.dtype.kind == "M":
        seconds = seconds_of(column)
        parts = Cycles.learn(seconds).parts(seconds)
        return [seconds, *parts.T], [
            f"{name!r}: dates as seconds and {parts.shape[1]} columns of cycles"
        ]
    missing = np.array([cell is None for cell in column])
    counts = Counter(column[~missing])
    if len(counts) > _MAX_CATEGORIES:
        return [], [f"left out {name!r}: text with {len(counts)} different values"]
    encoded = []
    for category in sorted(counts):
        encoded.append(np.where(missing, np.nan, column == category))
    if len(encoded) == 2:  # the second says nothing that the first does not
        encoded.pop()
    return encoded, [f"{name!r}: {len(counts)} categories as {len(encoded)} columns of 0 and 1"]


def _encode_target(name: str, labels: list[str], path: str) -> tuple[np.ndarray, str]:
    numbers = _as_numbers(labels)
    if numbers is not None and (np.abs(numbers) > _LARGEST).any():
        raise TableError(
            f"{path}: {name!r} has infinite or huge entries; numbers up to {_LARGEST:.1g} are "
            "needed to predict"
        )
    classes = Counter(labels)
    if numbers is not None and len(classes) > _MAX_CLASSES:
        return numbers, "regression"
    if len(classes) < 2:
        raise TableError(f"{path}: {name!r} has only one value, {labels[0]!r}; nothing to predict")
    if len(classes) > _MAX_CLASSES:
        raise TableError(f"{path}: {name!r} is text with {len(classes)} values, too many classes")
    rarest = min(classes, key=lambda label: classes[label])
    if classes[rarest] < N_FOLDS:
        raise TableError(
            f"{path}: class {rarest!r} of {name!r} has {classes[rarest]} rows, fewer than the "
            f"{N_FOLDS} that cross-validation needs"
        )
    return np.array(labels), "binary" if len(classes) == 2 else "multiclass"


def _as_numbers(cells: list[str]) -> np.ndarray | None:
    """Return the cells as floats, NaN for missing, or None if some are not numbers."""
    numbers = [math.nan if cell.lower() in MISSING else number_of(cell) for cell in cells]
    return None if None in numbers else np.array(numbers)


def _as_dates(cells: list[str]) -> np.ndarray | None:
    """Return the cells as dates, NaT for missing, or None if some are no dates in ISO format."""
    known = [cell for cell in cells if cell.lower() not in MISSING]
    if not known or not all(_ISO_DATE.match(cell) for cell in known):
        return None
    try:
        dates = [
            "NaT" if cell.lower() in MISSING else datetime.fromisoformat(cell).replace(tzinfo=None)
            for cell in cells
        ]
    except ValueError:
        return None
    return np.array(dates, dtype="datetime64[us]")


def _read(cells: list[str]) -> np.ndarray:
    """Return the cells as numbers, dates or text, as the columns of a data frame."""
    numbers = _as_numbers(cells)
    if numbers is not None:
        return numbers
    dates = _as_dates(cells)
    if dates is not None:
        return dates
    return np.array([None if cell.lower() in MISSING else cell for cell in cells], dtype=object)


def _numbers_the_rows(name: str, cells: list[str]) -> bool:
    """Whether a column has the name of an index, and counts from 0 or 1 in steps of 1."""
    return name.lower() in _INDEX and any(
        all(cell == str(i) for i, cell in enumerate(cells, start)) for start in (0, 1)
    )


def _missing(X: np.ndarray) -> str:
    return f"{100 * np.isnan(X).mean():.0f} %"
