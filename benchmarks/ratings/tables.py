"""Tables and the figure of results on ratings."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common.places import DOCS
from .methods import METHODS


def table(rows: list[dict[str, Any]], data: list[str]) -> str:
    """Tabulate methods: means over the splits of one data set."""
    lines = ["| method | test RMSE | MAE | fit, s | tuning, s | memory, MiB |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for method in METHODS:
        mine = [row for row in rows if row["method"] == method and row["data"] in data]
        if not mine:
            continue
        rmse = [row["rmse"] for row in mine]
        spread = f" ± {np.std(rmse, ddof=1):.4f} ({len(mine)} splits)" if len(mine) > 1 else ""
        means = {k: np.mean([row[k] for row in mine]) for k in mine[0] if k in _MEANS}
        lines.append(
            f"| {method} | {np.mean(rmse):.4f}{spread} | {means['mae']:.4f} | "
            f"{means['seconds']:.1f} | {means['tuning_seconds']:.0f} | {means['peak_mib']:.0f} |"
        )
    return "\n".join(lines) + "\n"


_MEANS = ("mae", "seconds", "tuning_seconds", "peak_mib")


def folds_table(rows: list[dict[str, Any]]) -> str:
    """Tabulate the five splits of MovieLens-100K."""
    names = ["u1", "u2", "u3", "u4", "u5"]
    lines = ["| method | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for method in METHODS:
        found = {r["data"]: r["rmse"] for r in rows if r["method"] == method}
        if all(name in found for name in names):
            lines.append(f"| {method} | " + " | ".join(f"{found[n]:.4f}" for n in names) + " |")
    return "\n".join(lines) + "\n"


def dates_table(rows: list[dict[str, Any]]) -> str:
    """Tabulate methods with and without dates, on random splits and on splits by date."""
    columns = {
        "u1": ["u1"],
        "u1 to u5": ["u1", "u2", "u3", "u4", "u5"],
        "last fifth of each user": ["100k-last"],
        "last fifth of all": ["100k-time"],
    }
    lines = ["| method | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for method in METHODS:
        found = {r["data"]: r["rmse"] for r in rows if r["method"] == method}
        if "100k-last" in found:
            cells = [
                f"{np.mean([found[name] for name in names]):.4f}"
                if found.keys() >= {*names}
                else ""
                for names in columns.values()
            ]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def capacity_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| hidden units | SN (power 1/2) | no SN (power 0) |", "|---:|---:|---:|"]
    for width in sorted({row["width"] for row in rows}):
        cells = []
        for power in (0.5, 0.0):
            rmse = next(r["rmse"] for r in rows if (r["width"], r["power"]) == (width, power))
            cells.append(f"{np.mean(rmse):.4f} ± {np.std(rmse, ddof=1):.4f}")
        lines.append(f"| {width} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(result: dict[str, Any]) -> None:
    """Draw RMSE by time, and by the width of the hidden layer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.5), layout="constrained")
    panels = figure.subplots(1, 3)
    for panel, name, title in (
        (panels[0], "u1", "MovieLens-100K, u1"),
        (panels[1], "1m-0", "MovieLens-1M, 90/10"),
    ):
        for i, method in enumerate(METHODS):
            for row in result["rows"]:
                if (row["data"], row["method"]) == (name, method):
                    style = {"marker": "oooooooDs^vP"[i], "color": f"C{i}", "linestyle": ""}
                    panel.plot(row["seconds"], row["rmse"], label=method, **style)
        panel.set(title=title, xlabel="seconds of one fit", ylabel="test RMSE", xscale="log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter("")
    for power, label in ((0.5, "SN (power 1/2)"), (0.0, "no SN (power 0)")):
        rows = [row for row in result["capacity"] if row["power"] == power]
        mean = [np.mean(row["rmse"]) for row in rows]
        spread = [np.std(row["rmse"], ddof=1) for row in rows]
        panels[2].errorbar([row["width"] for row in rows], mean, spread, label=label, capsize=3)
    panels[2].set(title="MovieLens-100K, u1, items", xlabel="hidden units", xscale="log")
    panels[2].xaxis.set_major_formatter("{x:g}")
    panels[2].legend()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8)
    figure.savefig(DOCS / "movielens.png", dpi=120)


def ablation_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| changed | RMSE of held-out ratings | difference |", "|---|---:|---:|"]
    base = np.array(rows[0]["rmse"])
    for row in rows:
        changed = ", ".join(f"{k}={v!r}" for k, v in row["variation"].items()) or "nothing"
        difference = np.mean(row["rmse"] - base)
        lines.append(f"| {changed} | {np.mean(row['rmse']):.4f} | {difference:+.4f} |")
    return "\n".join(lines) + "\n"


def summary(rows: list[dict[str, Any]]) -> str:
    """Tabulate the test RMSE of methods on all data sets."""
    columns = {
        "MovieLens-100K, u1": ["u1"],
        "MovieLens-1M, 90/10": [f"1m-{seed}" for seed in range(5)],
        "Douban": ["douban"],
    }
    lines = ["| test RMSE | " + " | ".join(columns) + " | fit on 100K, s | fit on 1M, s |"]
    lines.append("|---|" + "---:|" * (len(columns) + 2))
    for method in METHODS:
        mine = {row["data"]: row for row in rows if row["method"] == method}
        if "u1" not in mine or "1m-0" not in mine:
            continue
        cells = []
        for names in columns.values():
            found = [mine[name]["rmse"] for name in names if name in mine]
            cells.append(f"{np.mean(found):.4f}" if found else "")
        cells += [f"{mine[name]['seconds']:.1f}" for name in ("u1", "1m-0")]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
