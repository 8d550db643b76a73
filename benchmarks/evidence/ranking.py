"""Tables and figures of the claims: means, ranks, tests, critical differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from ..common.data import HOURLY, INCOMPLETE
from ..common.statistics import (
    average_ranks,
    cliques,
    corrected_error,
    corrected_test,
    critical_difference,
)
from .methods import SLOW

Scores = dict[tuple[str, str], dict[str, Any]]  # by data set and method


def scores_of(rows: list[dict[str, Any]], claim: str) -> Scores:
    return {(row["data"], row["method"]): row for row in rows if row["claim"] == claim}


def _names(found: Scores) -> tuple[list[str], list[str]]:
    """Return data sets and methods, in the order of the first rows."""
    return tuple(list(dict.fromkeys(key[i] for key in found)) for i in range(2))


def ranks(found: Scores, data: list[str], methods: list[str]) -> dict[str, float]:
    """Return the average rank of each method over the data sets."""
    if not data:
        return {}
    table = [[np.mean(found[name, method]["scores"]) for name in data] for method in methods]
    return dict(zip(methods, average_ranks(np.array(table)), strict=True))


def groups(found: Scores) -> dict[str, tuple[list[str], list[str]]]:
    """Return the data sets and methods of each ranking; each set has results of all methods."""
    data, methods = _names(found)

    def complete(names: list[str], methods: list[str]) -> list[str]:
        return [name for name in names if all((name, method) in found for method in methods)]

    every = complete(data, methods)
    rankings = {f"{len(every)} sets": (every, methods)}
    if HOURLY not in data:
        return rankings
    real = [name for name in data if name in (*INCOMPLETE, HOURLY)]
    without = complete([name for name in real if name != HOURLY], methods)
    quick = [method for method in methods if method not in SLOW]
    real = complete(real, quick)
    return rankings | {
        f"{len(without)} with missing values of their own": (without, methods),
        f"these and hourly ({len(real)})": (real, quick),
    }


def summary_table(found: Scores) -> str:
    """Tabulate methods: ranks, differences to the first method, cost."""
    data, methods = _names(found)
    rankings = {title: ranks(found, *group) for title, group in groups(found).items()}
    first = methods[0]
    header = [
        "method",
        *(f"average rank, {title}" for title in rankings),
        f"{first} better / worse (significantly)",
        f"mean lead of {first}",
        "p (Wilcoxon, over sets)",
        f"fit time / that of {first}",
    ]
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    main = next(iter(rankings.values()))
    for method in sorted(methods, key=lambda name: main.get(name, np.inf)):
        cells = [method]
        cells += [f"{r[method]:.2f}" if method in r else "" for r in rankings.values()]
        both = [name for name in data if {(name, first), (name, method)} <= found.keys()]
        tests = [lead(found, name, method) for name in both]
        leads = np.array([difference for difference, _ in tests])
        sure = [difference > 0 for difference, p in tests if p < 0.05]
        count = f"{np.sum(leads > 0)} / {np.sum(leads < 0)}"
        times = [
            np.median(found[name, method]["seconds"]) / np.median(found[name, first]["seconds"])
            for name in both
        ]
        if method == first:
            cells += ["", "", "", "1"]
        else:
            cells += [
                f"{count} ({sum(sure)} / {len(sure) - sum(sure)})",
                f"{leads.mean():+.4f}",
                f"{wilcoxon(leads).pvalue:.3f}" if leads.any() else "",
                f"{np.median(times):.2g}",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def lead(found: Scores, name: str, method: str) -> tuple[float, float]:
    """Return the lead of the first method on a data set, and the p-value."""
    first = next(iter(found))[1]
    row = found[name, method]
    difference = np.array(found[name, first]["scores"]) - np.array(row["scores"])
    return corrected_test(difference, row["n_train"], row["n_test"])


def details_table(found: Scores) -> str:
    """Tabulate all means with their standard errors."""
    lines = [
        "| data | method | mean ± standard error | lead of the first (p) | accuracy | log loss "
        "| calibration error | fit, s |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    data, methods = _names(found)
    for name in data:
        for method in methods:
            if (name, method) not in found:
                continue
            row = found[name, method]
            scores = np.array(row["scores"])
            error = corrected_error(scores, row["n_train"], row["n_test"])
            difference, p = lead(found, name, method)
            ahead = f"{difference:+.4f} ({p:.3f})" if method != methods[0] else ""
            others = " | ".join(
                f"{np.mean(row[key]):.4f}" if row.get(key) else ""
                for key in ("accuracy", "log_loss", "calibration")
            )
            lines.append(
                f"| {name}, {row['metric']} | {method} | {scores.mean():.4f} ± {error:.4f} "
                f"| {ahead} | {others} | {np.median(row['seconds']):.2f} |"
            )
    return "\n".join(lines)


SHOWN = {  # in the tables of scores
    "tables": [
        "SN",
        "MLP, mean + indicator",
        "HistGradientBoosting",
        "random forest, mean + indicator",
        "linear, mean + indicator",
    ],
    "sparse": ["SN", "MLPClassifier, TF-IDF", "LinearSVC, TF-IDF", "logistic, TF-IDF"],
}


def scores_table(rows: list[dict[str, Any]], claim: str) -> str:
    """Tabulate the means of some methods on all data sets; the best of a line is bold."""
    methods = SHOWN[claim]
    found = scores_of(rows, claim)
    lines = ["| | " + " | ".join(methods) + " |", "|---|" + "---:|" * len(methods)]
    for name in _names(found)[0]:
        cells = []
        means = [np.mean(found[name, method]["scores"]) for method in methods]
        for mean in means:
            cells.append(
                f"**{mean:.3f}**" if f"{mean:.3f}" == f"{max(means):.3f}" else f"{mean:.3f}"
            )
        lines.append(f"| {name}, {found[name, 'SN']['metric']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw_ranks(found: Scores, path: Path) -> None:
    """Draw critical-difference diagrams (Demsar 2006), one for each ranking."""
    from matplotlib.figure import Figure

    rankings = {}
    for title, (data, methods) in groups(found).items():
        if data:
            gap = critical_difference(len(methods), len(data))
            of_method = ranks(found, data, methods)
            rankings[f"{title} (critical difference {gap:.2f})"] = (of_method, gap)
    figure = Figure(figsize=(11, 4.2 * len(rankings)), layout="constrained")
    panels = np.ravel(figure.subplots(len(rankings), 1, squeeze=False))
    for panel, (title, (of_method, gap)) in zip(panels, rankings.items(), strict=True):
        methods = sorted(of_method, key=of_method.__getitem__)
        values = [of_method[method] for method in methods]
        for i, (method, value) in enumerate(zip(methods, values, strict=True)):
            own = {"color": "C3" if method.startswith("SN") else "0.2"}
            panel.plot([value, value], [0, -i - 1], linewidth=0.6, **own)
            panel.plot(value, 0, "o", markersize=4, **own)
            panel.annotate(
                f"{method}  {value:.2f}", (value, -i - 1), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8, **own,
            )  # fmt: skip
        for i, (start, stop) in enumerate(cliques(values, gap)):
            panel.plot([start, stop], [1 + i, 1 + i], linewidth=3, color="0.5")
        panel.set(title=f"average rank over {title}", xlim=(1, values[-1] + 3))
        panel.xaxis.tick_top()
        panel.yaxis.set_visible(False)
        for side in ("left", "right", "bottom"):
            panel.spines[side].set_visible(False)
    figure.savefig(path, dpi=90)
