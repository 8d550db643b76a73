"""Tables of the study of frames: scores and ranks, and a comparison with each peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from ..common.statistics import average_ranks, holm

BLOCKS = "bands, blocks"  # the rows of bands; neighbouring rows are of one print job
_CHOSEN_BY = (
    "bands",
    BLOCKS,
    "pima",
    "horse",
    "horse_colic_survival",  # BeyondArena's table of the same horses
    "autos",
    "movies",
    "physionet",
    "chile",
    "flights",
    "baseball",
)
_ONCE_MORE = (BLOCKS, "horse_colic_survival", "hepatitis_survival_prediction")
_OURS = ("SN", "SN, candidates")
_LEVEL = 0.01
_DIRECTIONS = {"scores": 1, "log_loss": -1}  # 1 where more is better
_TITLES = {"scores": "{}, {}", "log_loss": "{}, log loss", "seconds": "{}, CPU s"}

Rows = list[dict[str, Any]]


def table(rows: Rows, *, chosen_by: Sequence[str] = _CHOSEN_BY) -> str:
    """Return scores, log losses, ranks and seconds as a Markdown table.

    Tables by which nothing was chosen have a star.
    """
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
            is_class = any(found.get((data, name), {}).get("log_loss") for name in names)
            digits = 1 if key == "seconds" else 4
            shown = [
                no_value(data, name)
                if np.isnan(m)
                else f"**{m:.{digits}f}**"
                if better * m == best
                else f"{m:.{digits}f}"
                for name, m in zip(names, means, strict=True)
            ]
            mark = "" if data in chosen_by else " *"
            add(title.format(data, "AUROC" if is_class else "R2") + mark, shown)
            if all(cells):
                of_sets.append([better * m for m in means])
        if key != "seconds" and of_sets:
            ranks = average_ranks(np.array(of_sets).T)
            what = "score" if key == "scores" else "log loss"
            label = f"average rank by {what}, {len(of_sets)} tables"
            add(label, [f"{r:.2f}" for r in ranks])
    return "\n".join(lines)


def comparison(rows: Rows) -> str:
    """Return, for each peer, on how many tables ours are better, level and worse, and p-values.

    Level is a difference of at most 0.01. The p-values are those of Wilcoxon's signed-rank test
    over tables, corrected by Holm for the number of peers. The rows of bands count once, and so do
    those of horse and hepatitis, which BeyondArena has as well.
    """
    peers = list(dict.fromkeys(row["method"] for row in rows if row["method"] not in _OURS))
    columns = []
    for key in _DIRECTIONS:
        for ours in _OURS:
            leads = [_leads(rows, key, ours, peer) for peer in peers]
            values = holm([wilcoxon(lead).pvalue if lead.any() else 1.0 for lead in leads])
            columns.append(
                [
                    f"{np.sum(lead > _LEVEL)} / {np.sum(abs(lead) <= _LEVEL)} "
                    f"/ {np.sum(lead < -_LEVEL)} (p = {p:.3f})"
                    for lead, p in zip(leads, values, strict=True)
                ]
            )
    titles = [f"{ours}, {what}" for what in ("scores", "log loss") for ours in _OURS]
    lines = ["| beside | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    lines += [
        f"| {peer} | " + " | ".join(cells) + " |"
        for peer, *cells in zip(peers, *columns, strict=True)
    ]
    return "\n".join(lines)


def _leads(rows: Rows, key: str, ours: str, peer: str) -> np.ndarray:
    """Return how much better the mean of ours is, on each table that has both."""
    means = {
        (row["data"], row["method"]): np.mean(row[key])
        for row in rows
        if row[key] and row["data"] not in _ONCE_MORE
    }
    sets = [data for data, method in means if method == ours and (data, peer) in means]
    return _DIRECTIONS[key] * np.array([means[data, ours] - means[data, peer] for data in sets])
