"""Tables of the study of frames: scores, log losses, ranks and seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common.statistics import average_ranks

BLOCKS = "bands, blocks"  # the rows of bands; neighbouring rows are of one print job
_CHOSEN_BY = (
    "bands",
    BLOCKS,
    "pima",
    "horse",
    "autos",
    "movies",
    "physionet",
    "chile",
    "flights",
    "baseball",
)
_DIRECTIONS = {"scores": 1, "log_loss": -1}  # 1 where more is better
_TITLES = {"scores": "{}, {}", "log_loss": "{}, log loss", "seconds": "{}, CPU s"}

Rows = list[dict[str, Any]]


def table(rows: Rows) -> str:
    """Return scores, log losses, ranks and seconds as a Markdown table."""
    names = list(dict.fromkeys(row["method"] for row in rows))
    sets = list(dict.fromkeys(row["data"] for row in rows))
    found = {(row["data"], row["method"]): row for row in rows}
    lines = ["| table | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]

    def add(label: str, values: list[str]) -> None:
        lines.append(f"| {label} | " + " | ".join(values) + " |")

    def no_value(data: str, name: str) -> str:
        return "did not finish" if "unfinished" in found.get((data, name), {}) else "-"

    for key, title in _TITLES.items():
        better = _DIRECTIONS.get(key, -1)
        of_sets = []
        for data in sets:
            cells = [found.get((data, name), {}).get(key) for name in names]
            if not any(cells):
                continue
            means = [np.mean(cell) if cell else np.nan for cell in cells]
            best = np.nanmax(better * np.array(means)) if key != "seconds" else None
            is_class = bool(found[data, names[0]]["log_loss"])
            digits = 1 if key == "seconds" else 4
            shown = [
                no_value(data, name)
                if np.isnan(m)
                else f"**{m:.{digits}f}**"
                if better * m == best
                else f"{m:.{digits}f}"
                for name, m in zip(names, means, strict=True)
            ]
            mark = "" if data in _CHOSEN_BY else " *"
            add(title.format(data, "AUROC" if is_class else "R2") + mark, shown)
            if all(cells):
                of_sets.append([better * m for m in means])
        if key != "seconds" and of_sets:
            ranks = average_ranks(np.array(of_sets).T)
            what = "score" if key == "scores" else "log loss"
            label = f"average rank by {what}, {len(of_sets)} tables"
            add(label, [f"{r:.2f}" for r in ranks])
    return "\n".join(lines)
