"""The real data of the benchmarks, read from the folder that SKSN_DATA names."""

from __future__ import annotations

import csv
import gzip
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.io import loadmat
from sklearn.datasets import load_svmlight_files
from sklearn.metrics import get_scorer
from sklearn.preprocessing import OneHotEncoder

if TYPE_CHECKING:
    import pandas

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
HOURLY = "physionet, hourly"
_SVMLIGHT = {  # training file, test file, features
    "a9a": ("a9a.gz", "a9a.t.gz", 123),
    "dna": ("dna.scale.gz", "dna.scale.t.gz", 180),
    "agaricus": ("agaricus.txt.train.gz", "agaricus.txt.test.gz", 126),
}
MORE_SPARSE = ("BASEHOCK", "PCMAC", *_SVMLIGHT)
FLIGHTS = "flights, one-hot"
_FLIGHTS_ROWS = 12_000
_HOURS = 48
_RARELY = 20  # hourly columns that are observed in this many stays or fewer are left out
_DESCRIPTORS = ("Age", "Gender", "Height", "ICUType", "Weight")
_OUTCOMES = ("recordid", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death")


_SCORERS = {"AUROC": "roc_auc", "accuracy": "accuracy", "R2": "r2"}


class Frame(NamedTuple):
    """A table, what to predict, whether that is a class, and groups that folds keep together.

    Where there are `folds`, they are the rows for training and those for the test of each fold.
    """

    X: pandas.DataFrame
    y: np.ndarray
    is_class: bool
    groups: np.ndarray | None = None
    folds: list[tuple[np.ndarray, np.ndarray]] | None = None


@dataclass
class Data:
    """A data set; `metric` is "AUROC" or "accuracy" for classification, and "R2" for regression."""

    name: str
    X: Any
    y: np.ndarray
    metric: str

    @property
    def scorer(self) -> Any:
        """The metric as a scorer of scikit-learn."""
        return get_scorer(_SCORERS[self.metric])

    def score(self, model: Any, rows: np.ndarray) -> float:
        """Score a fitted model on some rows."""
        return self.scorer(model, self.X[rows], self.y[rows])


def data_folder() -> Path:
    """Return the folder with the data, or end the program if there is none."""
    folder = os.environ.get("SKSN_DATA", "")
    if not Path(folder).is_dir() or not folder:
        sys.exit(
            f"SKSN_DATA must name the folder with the benchmark data, got {folder!r}; see "
            "benchmarks/README.md for what it holds and where it comes from."
        )
    return Path(folder)


def load(name: str) -> Data:
    """Load a data set by name: one of the constants of this module."""
    folder = data_folder()
    if name == HOURLY:
        return _hourly(folder / "physionet2012")
    if name == FLIGHTS:
        return _flights(folder / "mixed" / "flights.csv.gz")
    if name in ("BASEHOCK", "PCMAC"):
        file = loadmat(folder / "text" / f"{name}.mat")
        X = sparse.csr_array(file["X"].astype(np.float64))
        X.eliminate_zeros()
        return Data(name, X, file["Y"].ravel(), "accuracy")
    if name in _SVMLIGHT:
        *files, n_features = _SVMLIGHT[name]
        parts = load_svmlight_files([folder / "binary" / f for f in files], n_features=n_features)
        X = sparse.csr_array(sparse.vstack(parts[::2]))
        return Data(name, X, np.concatenate(parts[1::2]), "accuracy")
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


def _hourly(folder: Path) -> Data:
    """Return the mean of each parameter in each of 48 hours, if more than 20 stays have it.

    A descriptor of -1 is unknown.
    """
    stays, stay, column, values = [], [], [], []
    names: dict[str, int] = {}
    with tarfile.open(folder / "set-a-records.tar.gz") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is None:
                continue
            for line in file.read().decode().splitlines()[1:]:
                clock, name, value = line.split(",")
                if name == "RecordID":
                    stays.append(int(value))
                elif clock != "00:00" or name not in _DESCRIPTORS or float(value) != -1:
                    hour = min(int(clock[:2]), _HOURS - 1)
                    stay.append(len(stays) - 1)
                    column.append(names.setdefault(name, len(names)) * _HOURS + hour)
                    values.append(float(value))
    shape = (len(stays), len(names) * _HOURS)
    cell = np.ravel_multi_index((stay, column), shape)
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(cell, values, shape[0] * shape[1]).reshape(shape)
    X = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    died = {
        int(row["RecordID"]): int(row["In-hospital_death"])
        for row in csv.DictReader((folder / "Outcomes-a.txt").read_text().splitlines())
    }
    y = np.array([died[identifier] for identifier in stays])
    return Data(HOURLY, X[:, (count > 0).sum(axis=0) > _RARELY], y, "AUROC")


def _flights(path: Path) -> Data:
    """Return the categories of some flights, flight numbers among them, as columns of 0 and 1."""
    import pandas

    frame = pandas.read_csv(path).sample(_FLIGHTS_ROWS, random_state=0)
    y = frame.pop("late").to_numpy()
    names = [name for name in frame if frame[name].dtype.kind not in "if" and name != "time_hour"]
    categories = frame[[*names, "flight"]].astype(str)
    X = OneHotEncoder(dtype=np.float64).fit_transform(categories)
    return Data(FLIGHTS, sparse.csr_array(X), y, "accuracy")


def _sparse(name: str, path: Path) -> Data:
    X = sparse.csr_array(sparse.load_npz(path)).astype(np.float64)
    return Data(name, X, np.load(path)["y"].ravel(), "accuracy")
