"""Where results, tables and figures are kept."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TABLES = DOCS / "tables"
RESULTS_FOLDER = ROOT / "benchmarks" / "results"
