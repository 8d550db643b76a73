"""The real data of the benchmarks, read in place from the folder that SKSN_DATA names."""

from __future__ import annotations

import csv
import gzip
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

INCOMPLETE = (
    "hepatitis",
    "kidney_disease",
    "horse",
    "bands",
    "winconsin",
    "pima",
    "mammographics",
    "physionet",
)
SPARSE = ("worm", "20news")
_OUTCOMES = ("recordid", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death")


@dataclass
class Data:
    """A data set for classification; `metric` is "AUROC" or "accuracy"."""

    name: str
    X: Any
    y: np.ndarray
    metric: str


def data_folder() -> Path:
    """The folder with the data; ends the program where there is none."""
    folder = os.environ.get("SKSN_DATA", "")
    if not Path(folder).is_dir() or not folder:
        sys.exit(
            f"SKSN_DATA must name the folder with the benchmark data, got {folder!r}; see "
            "benchmarks/README.md for what it holds and where it comes from."
        )
    return Path(folder)


def load(name: str) -> Data:
    """Load one of `INCOMPLETE` or `SPARSE`."""
    folder = data_folder()
    if name == "physionet":
        return _physionet(folder / "physionet2012" / "PhysionetChallenge2012-set-a.csv.gz")
    if name == "worm":
        return _sparse(name, folder / "single-cell" / "worm_neuron_cell.npz")
    if name == "20news":
        return _sparse(name, folder / "text" / "20news_bydate_test_2000.npz")
    X = np.genfromtxt(folder / "uci-missing" / name / "_data.txt", delimiter=",")
    y = np.loadtxt(folder / "uci-missing" / name / "_labels.txt").astype(int)
    if name == "pima":  # column 0 counts pregnancies, column 5 is the body mass index
        X[np.isnan(X[:, 0]), 0] = 0
        X[X[:, 5] == 0, 5] = np.nan
    return Data(name, X, y, "AUROC")


def _physionet(path: Path) -> Data:
    with gzip.open(path, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    cells = np.array([[float(cell or "nan") for cell in row] for row in rows])
    y = cells[:, header.index("In-hospital_death")].astype(int)
    features = [i for i, column in enumerate(header) if column not in _OUTCOMES]
    return Data("physionet", cells[:, features], y, "AUROC")


def _sparse(name: str, path: Path) -> Data:
    X = sparse.csr_array(sparse.load_npz(path)).astype(np.float64)
    return Data(name, X, np.load(path)["y"].ravel(), "accuracy")
