"""The table and the picture of the README, and those of the demo, from benchmarks/results.

``python -m benchmarks report readme results picture`` writes these parts only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
from typing import Any

import numpy as np

from sksn.__main__ import main as demo

from .common.measuring import insert
from .common.places import DOCS, RESULTS_FOLDER, ROOT, TABLES
from .common.tables import as_rst

README = ROOT / "README.md"
# One row for each kind of data, those on which sksn loses among them: the data, what they are, the
# score, and the peers by their names in the results and in the README.
TABLES_SHOWN = (
    ("physionet", "intensive care, 26 % missing"),
    ("pima", "diabetes records, 12 % missing"),
    ("bands", "print bands, 5 % missing"),
    ("digits, 50% ± 0% holes", "digits, half of the pixels removed"),
)
SPARSE_SHOWN = (("20news", "20 newsgroups, word counts"), ("PCMAC", "PC and Mac, word counts"))
TABLE_PEERS = {
    "MLP, SoftImpute": "MLP, SoftImpute",
    "MLP, mean + indicator": "MLP, means",
    "HistGradientBoosting": "HistGradientBoosting",
    "random forest, mean + indicator": "random forest",
}
SPARSE_PEERS = {
    "MLPClassifier, TF-IDF": "MLPClassifier",
    "LinearSVC, TF-IDF": "LinearSVC",
    "logistic, TF-IDF": "logistic",
}
RATING_PEERS = ("AutoRec", "Surprise SVD", "LensKit biased MF")
LIST_PEERS = ("EASE", "implicit ALS", "RP3beta")


def load(name: str) -> dict[str, Any]:
    return json.loads((RESULTS_FOLDER / f"{name}.json").read_text())


def line(data: str, score: str, ours: float, peers: dict[str, float], lower: bool = False) -> str:
    """Return a row of the table; the best score is bold."""
    order = sorted(peers, key=peers.__getitem__, reverse=not lower)
    best = (min if lower else max)([ours, *peers.values()])

    def shown(value: float) -> str:
        return f"**{value:.3f}**" if f"{value:.3f}" == f"{best:.3f}" else f"{value:.3f}"

    cell = ", ".join(f"{name} {shown(peers[name])}" for name in order)
    return f"| {data} | {score} | {shown(ours)} | {cell} |"


def results_table() -> str:
    """Tabulate sksn at its defaults beside peers on eight data sets."""
    means: dict[tuple[str, str], float] = {}
    metrics = {}
    for row in load("claims")["rows"]:
        means[row["data"], row["method"]] = float(np.mean(row["scores"]))
        metrics[row["data"]] = row["metric"]
    lines = ["| data | score | sksn | peers, best first |", "|---|---|---:|---|"]
    for shown, peers in ((TABLES_SHOWN, TABLE_PEERS), (SPARSE_SHOWN, SPARSE_PEERS)):
        for name, what in shown:
            found = {peers[m]: means[name, m] for m in peers if (name, m) in means}
            best = dict(sorted(found.items(), key=lambda item: -item[1])[:3])
            lines.append(line(what, metrics[name], means[name, "SN"], best))
    errors = {
        row["method"]: row["rmse"] for row in load("movielens")["rows"] if row["data"] == "1m-0"
    }
    peers = {name: errors[name] for name in RATING_PEERS}
    lines.append(line("MovieLens-1M, ratings", "RMSE", errors["SNRecommender"], peers, lower=True))
    gains: dict[str, list[float]] = {}
    for row in load("ranking")["rows"]:
        if row["data"].startswith("ml1m5"):
            gains.setdefault(row["method"], []).append(row["ndcg@10"])
    lists = {name: float(np.mean(gains[name])) for name in LIST_PEERS}
    ours = float(np.mean(gains["SNRecommender"]))
    lines.append(line("MovieLens-1M, lists", "NDCG@10", ours, lists))
    return "\n".join(lines) + "\n"


def removed_errors() -> dict[str, float]:
    """Return the share of the error that SN removes, in percent, by kind of data.

    The same network with the power that the guide advises, beside power 0: 1 for raw entries and
    1/2 elsewhere.
    """
    shares = {}

    def share(name: str, without: float, with_sn: float) -> None:
        shares[name] = 100 * (without - with_sn) / without

    of_entries = {
        "raw": ("table, raw, power 1\n(1 - AUROC)", "1.0"),
        "prepared": ("table, standardized\n(1 - AUROC)", "0.5"),
    }
    for row in load("conditions")["rows"]:
        if row["data"].startswith("breast") and row["share"] == 1 and "tanh" in row["network"]:
            errors = {power: 1 - np.mean(scores) for power, scores in row["scores"].items()}
            name, power = of_entries[row["entries"]]
            share(name, errors["0.0"], errors[power])
    accuracy = {
        row["power"]: np.mean(row["scores"])
        for row in load("capacity")["rows"]
        if row["data"] == "digits, convolutions" and not row["parts"] and row["width"] == 8
    }
    share("images, raw pixels\n(1 - accuracy)", 1 - accuracy[0.0], 1 - accuracy[0.5])
    ndcg = load("ranking")["powers"][0]["powers"]["factors"]
    share(
        "lists of items, vectors\n(1 - NDCG)",
        1 - ndcg["0.0"]["ndcg@10"],
        1 - ndcg["0.5"]["ndcg@10"],
    )
    rmse = {
        row["power"]: np.mean(row["rmse"])
        for row in load("movielens")["capacity"]
        if row["width"] == 500
    }
    share("ratings\n(RMSE)", rmse[0.0], rmse[0.5])
    return dict(sorted(shares.items(), key=lambda item: item[1]))


def picture() -> None:
    """Draw docs/sn.png: what SN does to the first layer, and how much of the error it removes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    ways = {"power 0": ("without SN", "C3", "--"), "power 1/2": ("with SN, power 1/2", "C0", "-")}
    for row in load("mechanisms")["rows"]:
        if row["data"] == "MovieLens-100K, ratings 1 to 5" and row["way"] in ways:
            label, color, style = ways[row["way"]]
            n = row["runs"][0]["before"]["n_observed"]
            size = np.sqrt(np.mean([run["before"]["variance"] for run in row["runs"]], axis=0))
            left.plot(n, size / size[-1], style, color=color, marker="o", markersize=4, label=label)
    left.set_xscale("log")
    left.set(
        title="What SN does: the size of pre-activations no longer\n"
        "depends on how many features are observed",
        xlabel="observed features in the row (MovieLens-100K)",
        ylabel="size of the first layer's pre-activations,\nrelative to rows with most features",
        ylim=(0, None),
    )
    left.legend()
    shares = removed_errors()
    right.barh(list(shares), list(shares.values()), color="C0")
    for place, value in enumerate(shares.values()):
        right.annotate(
            f"{value:.1f} %".replace("-0.0", "0.0"), (max(value, 0), place), xytext=(4, 0),
            textcoords="offset points", va="center",
        )  # fmt: skip
    right.set(
        title="What one gains: share of the error of a network\nthat SN removes, all else the same",
        xlabel="% of the error removed",
        xlim=(min(0, *shares.values()), 1.15 * max(shares.values())),
    )
    for panel in (left, right):
        panel.title.set_fontsize(10)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "sn.png", dpi=110)


def demo_tables() -> None:
    """Run the demo, and write docs/tables/demo.rst and docs/demo.png."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if demo(["--output", str(DOCS / "demo.png")]) != 0:
            sys.exit("the demo failed")
    tables = re.findall(r"(?:^\|.*\n)+", printed.getvalue(), flags=re.MULTILINE)
    (TABLES / "demo.rst").write_text("\n".join(map(as_rst, tables)))


def results() -> None:
    """Write the table of the README."""
    README.write_text(insert(README.read_text(), "results", results_table()))


PARTS = {"results": results, "picture": picture, "demo": demo_tables}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; by default all")


def report(arguments: argparse.Namespace) -> None:
    """Write the parts of the README."""
    if unknown := set(arguments.parts) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}")
    for name in arguments.parts or PARTS:
        PARTS[name]()
