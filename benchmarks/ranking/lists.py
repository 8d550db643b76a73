"""How good are recommended lists, compared with other methods, and how much does SN help them?

``run <split> ...`` measures all methods on splits: 100k-0, "100k last", 1m-0, ml1m5-0 to
ml1m5-4, lastfm, citeulike-0, douban, gowalla; without a name, on all but gowalla. ``--powers``
measures the row powers 0, 1/4, 1/2, 3/4 and 1 instead, all other settings at their defaults, by
tenth of user activity. ``report`` writes docs/tables/ranking.rst, docs/tables/ranking-powers.rst
and docs/ranking-powers.png. Results are kept in benchmarks/results/ranking.json; what was measured
is not measured again.

"100k last" tests on the last fifth of each user; "SNRecommender, dates" is told the dates of the
training interactions there, and the other methods are not.

Protocol: a fifth of the training interactions (seed 0) is held out. Each peer is fitted with each
of its settings on the rest; the one with the highest NDCG@10 is fitted on all training interactions
and tested once. SNRecommender chooses inside ``fit`` and has no settings. Seconds are those of
the last fit. Needs SKSN_DATA, and for the libraries implicit and irspack; ``--smoke`` needs
neither.
"""

from __future__ import annotations

import argparse
import json
import time
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from scipy import stats

from sksn.metrics._hits import hits_of_matrix

from ..common.measuring import machine, versions
from ..common.places import DOCS, RESULTS_FOLDER, TABLES
from ..common.tables import as_rst
from .methods import METHODS, NEED_DATES, Scores, installed, own, settings_of
from .splits import DATED, Split, load_split

RESULTS = RESULTS_FOLDER / "ranking.json"
SPLITS = (
    *(f"ml1m5-{k}" for k in range(5)),
    *("100k-0", "100k last", "1m-0", "lastfm", "citeulike-0", "douban"),
)
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BLOCK = 500  # users


def measure(split: Split, scores: Scores) -> dict[str, Any]:
    """Score the lists of the users who have relevant items."""
    users = np.flatnonzero(np.diff(split.test.indptr))
    values: dict[str, list[np.ndarray]] = {}
    listed, popularity = set(), []
    counts = np.bincount(split.train.indices, minlength=split.train.shape[1])
    for start in range(0, len(users), _BLOCK):
        part = users[start : start + _BLOCK]
        found = np.asarray(scores(part), dtype=np.float64)
        seen = split.train[part]
        found[np.repeat(np.arange(len(part)), np.diff(seen.indptr)), seen.indices] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")[:, :100]
        listed |= set(order[:, :10].ravel().tolist())
        popularity.append(counts[order[:, :10]].mean(axis=1))
        for k in (10, 20, 50, 100):
            hits = hits_of_matrix(order[:, :k], split.test[part])
            values.setdefault(f"ndcg@{k}", []).append(hits.ndcg())
            values.setdefault(f"recall@{k}", []).append(hits.recall())
    return {
        "users": {name: np.concatenate(parts) for name, parts in values.items()},
        "coverage": len(listed) / split.train.shape[1],
        "popularity": float(np.concatenate(popularity).mean() / split.train.shape[0]),
        "activity": np.diff(split.train.indptr)[users],
    }


def compare(name: str, method: str) -> dict[str, Any]:
    """Tune a method on held-out training interactions, and test it once."""
    split = load_split(name)
    fit, settings = METHODS[method][0], settings_of(method, split)
    chosen, validated = settings[0], []
    if len(settings) > 1:
        held = split.held_out()
        for candidate in settings:
            lists = measure(held, fit(held, candidate))
            validated.append(float(lists["users"]["ndcg@10"].mean()))
        chosen = settings[int(np.argmax(validated))]
    start = time.perf_counter()
    scores = fit(split, chosen)
    seconds = time.perf_counter() - start
    found = measure(split, scores)
    shown = {key: float(values.mean()) for key, values in found["users"].items()}
    return {
        "data": name,
        "method": method,
        **shown,
        "coverage": found["coverage"],
        "popularity": found["popularity"],
        "seconds": seconds,
        "chosen": chosen,
        "validated": validated,
        "ndcg@10 of users": np.round(found["users"]["ndcg@10"], 4).tolist(),
    }


def compare_powers(name: str) -> dict[str, Any]:
    """Measure the row powers, by tenth of user activity."""
    split = load_split(name)
    found: dict[str, Any] = {}
    for power in POWERS:
        for parts, weight in (("regression", 0.0), ("factors", 1.0), ("both", 0.3)):
            given = {"power": power, "factor_weight": weight, "n_factors": 64, "ridge": 5.0}
            given |= {"count_power": 0.15, "rating_slope": 0.5, "weight_power": 0.0}
            lists = measure(split, own(ranking_settings=given)(split, {}))
            tenth = stats.rankdata(lists["activity"], method="ordinal") - 1
            tenth = tenth * 10 // len(tenth)
            values = lists["users"]["ndcg@10"]
            found.setdefault(parts, {})[str(power)] = {
                "ndcg@10": float(values.mean()),
                "tenths": [float(values[tenth == i].mean()) for i in range(10)],
            }
    return {"data": name, "powers": found}


def table(rows: list[dict[str, Any]]) -> str:
    """Tabulate the methods on each set, and the paired test over users beside ours."""
    columns = ("ndcg@10", "recall@20", "recall@50", "ndcg@100", "coverage", "popularity")
    lines = [
        "| data | method | "
        + " | ".join(columns)
        + " | lead of SNRecommender in ndcg@10 | fit, s |",
        "|---|---|" + "---:|" * (len(columns) + 2),
    ]
    order = {method: i for i, method in enumerate(METHODS)}
    by_data: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_data.setdefault(row["data"].rpartition("-")[0] or row["data"], []).append(row)
    for name, of_data in by_data.items():
        methods = sorted({row["method"] for row in of_data}, key=order.__getitem__)
        for method in methods:
            mine = [row for row in of_data if row["method"] == method]
            cells = [f"{np.mean([row[column] for row in mine]):.4f}" for column in columns]
            ours = {row["data"]: row for row in of_data if row["method"] == "SNRecommender"}
            lead = np.concatenate(
                [
                    np.subtract(ours[row["data"]]["ndcg@10 of users"], row["ndcg@10 of users"])
                    for row in mine
                    if row["data"] in ours
                ]
                or [np.zeros(1)]
            )
            error = lead.std() / np.sqrt(len(lead))
            ahead = f"{lead.mean():+.4f} ± {error:.4f}" if method != "SNRecommender" else ""
            title = f"{name} ({len(mine)} splits)" if len(mine) > 1 else name
            seconds = np.median([row["seconds"] for row in mine])
            lines.append(
                f"| {title} | {method} | " + " | ".join(cells) + f" | {ahead} | {seconds:.0f} |"
            )
    return "\n".join(lines)


def powers_table(rows: list[dict[str, Any]]) -> str:
    """Tabulate NDCG by row power, for all users and for the least and the most active tenth."""
    lines = [
        "| data | model | users | " + " | ".join(f"power {power:g}" for power in POWERS) + " |",
        "|---|---|---|" + "---:|" * len(POWERS),
    ]
    for row in rows:
        for parts, of_power in row["powers"].items():
            for users, pick in (
                ("all", lambda found: found["ndcg@10"]),
                ("least active tenth", lambda found: found["tenths"][0]),
                ("most active tenth", lambda found: found["tenths"][-1]),
            ):
                cells = [f"{pick(of_power[str(power)]):.4f}" for power in POWERS]
                lines.append(f"| {row['data']} | {parts} | {users} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw_powers(rows: list[dict[str, Any]], file: Any) -> None:
    """Draw what each row power adds to power 0, by tenth of user activity."""
    from matplotlib.figure import Figure

    parts = list(rows[0]["powers"])
    figure = Figure(figsize=(3.4 * len(parts), 2.8 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(parts), sharex=True, squeeze=False)
    for row, of_row in zip(rows, panels, strict=True):
        for panel, (name, of_power) in zip(of_row, row["powers"].items(), strict=True):
            without = np.array(of_power[str(POWERS[0])]["tenths"])
            for i, power in enumerate(POWERS[1:]):
                gain = np.array(of_power[str(power)]["tenths"]) - without
                shade = f"C{i}"
                panel.plot(range(1, 11), gain, "o-", markersize=3, color=shade, label=f"{power:g}")
            panel.axhline(0, color="0.5", linewidth=0.8)
            panel.set_title(f"{row['data']}, {name}")
        of_row[0].set_ylabel("NDCG@10 above power 0")
    for panel in panels[-1]:
        panel.set(xlabel="tenth of users, by activity", xticks=[1, 4, 7, 10])
    panels[0, 0].legend(title="power", fontsize=8)
    figure.savefig(file, dpi=90)


def load_results() -> dict[str, Any]:
    """Return what was measured."""
    if RESULTS.exists():
        return json.loads(RESULTS.read_text())
    return {"rows": [], "powers": []}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("splits", nargs="*", help="by default all but gowalla")
        parser.add_argument("--methods", nargs="*", choices=list(METHODS), help="by default all")
        parser.add_argument("--powers", action="store_true", help="measure row powers instead")
        parser.add_argument("--smoke", action="store_true", help="small data, nothing is kept")


def run(arguments: argparse.Namespace) -> None:
    """Measure methods or powers, and keep the results."""
    if arguments.smoke:
        methods = [method for method in METHODS if installed(method)]
        print(table([compare("smoke", method) for method in methods]))
        powers = [compare_powers("smoke")]
        print(powers_table(powers))
        with TemporaryFile() as file:
            draw_powers(powers, file)
        return
    for name in arguments.splits or SPLITS:
        if arguments.powers:
            _keep("powers", compare_powers(name))
            print(powers_table(load_results()["powers"][-1:]), flush=True)
            continue
        for method in arguments.methods or list(METHODS):
            done = {(row["data"], row["method"]) for row in load_results()["rows"]}
            if (name, method) in done or not installed(method):
                continue
            if method in NEED_DATES and name not in DATED:
                continue
            row = compare(name, method)
            _keep("rows", row)
            shown = f"{row['ndcg@10']:.4f} {row['recall@20']:.4f} {row['seconds']:7.1f} s"
            print(f"{name:14s} {method:32s} {shown} {row['chosen']}", flush=True)


def _keep(kind: str, row: dict[str, Any]) -> None:
    results = load_results() | {"machine": machine(), "versions": versions()}
    results[kind].append(row)
    RESULTS.write_text(json.dumps(results, indent=None))


def report(arguments: argparse.Namespace) -> None:
    """Write the tables of the docs."""
    results = load_results()
    (TABLES / "ranking.rst").write_text(as_rst(table(results["rows"])))
    (TABLES / "ranking-powers.rst").write_text(as_rst(powers_table(results["powers"])))
    draw_powers(results["powers"], DOCS / "ranking-powers.png")
