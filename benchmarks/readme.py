"""The tables and the picture of the README, from the demo and from benchmarks/results.

``python -m benchmarks report readme ratings speed`` writes these parts only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
from dataclasses import fields

from sksn.__main__ import main as demo

from .common.measuring import HEADER, Row, insert
from .common.places import DOCS, RESULTS_FOLDER, ROOT
from .evidence.claims import load_rows
from .evidence.ranking import readme_table
from .ratings.movielens import load_results
from .ratings.tables import summary


def demo_tables() -> str:
    """Run the demo, and return its tables; its picture goes to docs/demo.png."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if demo(["--output", str(DOCS / "demo.png")]) != 0:
            sys.exit("the demo failed")
    tables = re.findall(r"(?:^\|.*\n)+", printed.getvalue(), flags=re.MULTILINE)
    return "\n".join(tables)


def speed_table() -> str:
    """Return the table of ``python -m benchmarks run speed``."""
    result = json.loads((RESULTS_FOLDER / "speed.json").read_text())
    names = {part.name for part in fields(Row)}
    rows = [Row(**{k: v for k, v in row.items() if k in names}) for row in result["rows"]]
    where = "; ".join(f"{name} {value}" for name, value in result["machine"].items() if value)
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    return "\n".join([HEADER, *map(str, rows)]) + f"\n\nMeasured on: {where}; {versions}.\n"


PARTS = {
    "demo": demo_tables,
    "claims": lambda: readme_table(load_rows()),
    "ratings": lambda: summary(load_results()["rows"]),
    "speed": speed_table,
}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; by default all")


def report(arguments: argparse.Namespace) -> None:
    """Write the parts of the README."""
    if unknown := set(arguments.parts) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}")
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name in arguments.parts or PARTS:
        text = insert(text, name, PARTS[name]())
    readme.write_text(text)
