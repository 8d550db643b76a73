"""Writes the README's tables and picture: runs the demo, and formats benchmarks/results.

``python benchmarks/readme.py ratings speed`` writes these parts only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
from dataclasses import fields
from pathlib import Path

from sksn.__main__ import main as demo

from _ranking import readme_table
from _timing import HEADER, Row, insert
from claims import load_rows
from movielens import summary

ROOT = Path(__file__).resolve().parent.parent


def demo_tables() -> str:
    """The tables that ``python -m sksn`` prints; its picture goes to docs/demo.png."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if demo(["--output", str(ROOT / "docs" / "demo.png")]) != 0:
            sys.exit("the demo failed")
    tables = re.findall(r"(?:^\|.*\n)+", printed.getvalue(), flags=re.MULTILINE)
    return "\n".join(tables)


def speed_table() -> str:
    """What ``python benchmarks/speed.py --json`` wrote."""
    result = json.loads((ROOT / "benchmarks" / "results" / "speed.json").read_text())
    names = {part.name for part in fields(Row)}
    rows = [Row(**{k: v for k, v in row.items() if k in names}) for row in result["rows"]]
    where = "; ".join(f"{name} {value}" for name, value in result["machine"].items() if value)
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    return "\n".join([HEADER, *map(str, rows)]) + f"\n\nMeasured on: {where}; {versions}.\n"


PARTS = {
    "demo": demo_tables,
    "claims": lambda: readme_table(load_rows()),
    "ratings": summary,
    "speed": speed_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; by default all")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name in parts:
        text = insert(text, name, PARTS[name]())
    readme.write_text(text)


if __name__ == "__main__":
    main()
