"""Tables for Sphinx."""

from __future__ import annotations


def as_rst(markdown: str) -> str:
    """Convert a Markdown table to reStructuredText."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in markdown.splitlines()
    ]
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [rows[0], *rows[2:]]:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines) + "\n"
