"""How well ratings are predicted, beside those who do nothing else.

``python benchmarks/movielens.py run u1`` measures all methods on one split; u1 to u5 are those of
MovieLens-100K, 1m-0 to 1m-4 random tenths of MovieLens-1M, douban is the split of Monti et al.
``ablation`` says what each part is worth, on held-out training ratings of u1, and ``capacity``
tries widths of the hidden layer with and without Sparsity Normalization, on its test ratings.
``report`` writes the tables and the figure of docs/movielens.rst. Results are kept in
benchmarks/results/movielens.json; a method that is run again replaces its row.

Protocol: of the training ratings a tenth (seed 0) is held out; each method is fitted with each
of its settings on the rest, and the setting with the lowest error of the held-out ratings is
fitted on all training ratings and predicts the test ratings, once. The seconds are those of that
last fit; each method runs in a process of its own, with one thread.
Needs SKSN_DATA, and for the peers ``pip install ".[bench]"``; ``--smoke`` needs neither.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sksn import SNRecommender
from sksn.datasets import fetch_movielens

from _data import data_folder
from _tables import as_rst
from _timing import in_fresh_process, machine, peak_bytes, versions

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "movielens.json"
WIDTHS = (10, 20, 50, 100, 200, 500, 1000)
Predict = Callable[[np.ndarray], np.ndarray]


class Split(NamedTuple):
    """Pairs of user and item with their ratings, to train on and to be tested by."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def held_out(self, share: float = 0.1) -> Split:
        """The training ratings, split again."""
        order = np.random.RandomState(0).permutation(len(self.y))
        n = int(share * len(self.y))
        train, valid = order[n:], order[:n]
        return Split(self.X[train], self.y[train], self.X[valid], self.y[valid])


def load_split(name: str) -> Split:
    """One of u1 to u5, 1m-<seed>, douban and smoke."""
    if name == "smoke":
        rng = np.random.RandomState(0)
        X = np.column_stack([rng.randint(40, size=700), rng.randint(30, size=700)])
        X = np.unique(X, axis=0)
        rng.shuffle(X)
        y = np.clip(np.round(3 + np.sin(X[:, 0]) + np.cos(X[:, 1])), 1, 5)
        return Split(X[50:], y[50:], X[:50], y[:50])
    if name == "douban":
        with np.load(data_folder() / "monti" / "douban" / "ratings.npz") as file:
            X, y = np.column_stack([file["row"], file["col"]]), file["rating"].astype(float)
            test = file["is_test"]
        return Split(X[~test], y[~test], X[test], y[test])
    if name.startswith("1m-"):
        with np.load(data_folder() / "movielens-1m" / "ml-1m.npz") as file:
            X, y = np.column_stack([file["user"], file["item"]]), file["rating"].astype(float)
        order = np.random.RandomState(int(name[3:])).permutation(len(y))
        test, train = np.split(order, [len(y) // 10])
        return Split(X[train], y[train], X[test], y[test])
    ratings = fetch_movielens("100k", source=data_folder() / "movielens-100k")
    train, test = ratings.splits[name]
    return Split(
        ratings.data[train], ratings.target[train], ratings.data[test], ratings.target[test]
    )


# Methods ------------------------------------------------------------------------------------


def fit_ours(split: Split, settings: dict[str, Any]) -> Predict:
    return SNRecommender(random_state=0, device="cpu", **settings).fit(split.X, split.y).predict


def fit_surprise(split: Split, settings: dict[str, Any]) -> Predict:
    import pandas as pd
    import surprise

    settings = {"random_state": 0, **settings}
    algorithm = getattr(surprise, settings.pop("algorithm"))
    if algorithm is surprise.KNNBaseline:
        del settings["random_state"]
        settings["verbose"] = False
    frame = pd.DataFrame({"user": split.X[:, 0], "item": split.X[:, 1], "rating": split.y})
    reader = surprise.Reader(rating_scale=(split.y.min(), split.y.max()))
    model = algorithm(**settings)
    model.fit(surprise.Dataset.load_from_df(frame, reader).build_full_trainset())
    return lambda X: np.array([model.predict(u, i).est for u, i in X.tolist()])


def fit_lenskit(split: Split, settings: dict[str, Any]) -> Predict:
    import pandas as pd
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df

    columns = {"user_id": split.X[:, 0], "item_id": split.X[:, 1], "rating": split.y}
    scorer = BiasedMFScorer(**settings)
    scorer.train(from_interactions_df(pd.DataFrame(columns)))

    def predict(X: np.ndarray) -> np.ndarray:
        out = np.empty(len(X))
        for user in np.unique(X[:, 0]):
            at = X[:, 0] == user
            out[at] = scorer(query=user, items=ItemList(item_ids=X[at, 1])).scores()
        return np.clip(np.nan_to_num(out, nan=split.y.mean()), split.y.min(), split.y.max())

    return predict


def _product(**values: Any) -> list[dict[str, Any]]:
    """Every combination of the values of some settings."""
    settings: list[dict[str, Any]] = [{}]
    for name, options in values.items():
        settings = [{**s, name: option} for s in settings for option in options]
    return settings


def _knn(item_rows: bool, k: int) -> dict[str, Any]:
    options = {"name": "pearson_baseline", "user_based": not item_rows}
    return {"algorithm": "KNNBaseline", "k": k, "sim_options": options}


METHODS: dict[str, tuple[Callable[[Split, dict[str, Any]], Predict], list[dict[str, Any]]]] = {
    "SNRecommender": (fit_ours, [{}]),
    "SNRecommender, items": (fit_ours, [{"orientation": "item"}]),
    "SNRecommender, items, 80 epochs": (fit_ours, [{"orientation": "item", "max_epochs": 80}]),
    "SNRecommender, 5 + 5 networks": (fit_ours, [{"n_estimators": 5}]),
    "SNRecommender, tuned": (
        fit_ours,
        _product(
            hidden_layer_sizes=[100, 300, 500], alpha=[0.7, 1.0, 1.4], orientation=["both"]
        ),
    ),
    "AutoRec": (
        fit_ours,
        _product(
            orientation=["item"], power=[0.0], input_dropout=[0.0], row_offset=[None],
            history=[False], early_stopping=[True], hidden_layer_sizes=[500],
            alpha=[1.0, 2.0, 3.0, 4.0, 8.0],
        ),
    ),
    "Surprise SVD": (
        fit_surprise,
        _product(
            algorithm=["SVD"], n_factors=[20, 100], reg_all=[0.05, 0.1], n_epochs=[20, 40, 80],
        ),
    ),
    "Surprise SVD++": (
        fit_surprise,
        _product(algorithm=["SVDpp"], reg_all=[0.02, 0.05, 0.1], n_epochs=[20, 40]),
    ),
    "Surprise KNNBaseline": (
        fit_surprise, [_knn(item_rows, k) for item_rows in (True, False) for k in (20, 40, 80)]
    ),
    "LensKit biased MF": (
        fit_lenskit,
        _product(embedding_size=[5, 20, 50], regularization=[0.05, 0.1, 0.2], epochs=[20]),
    ),
}  # fmt: skip
# A fit of SVD++ on MovieLens-1M takes a quarter of an hour: it is not tuned there.
LARGE_GRIDS = {
    "Surprise SVD++": [{"algorithm": "SVDpp", "reg_all": 0.05, "n_epochs": 20}],
    "Surprise SVD": _product(
        algorithm=["SVD"], n_factors=[100], reg_all=[0.02, 0.05], n_epochs=[20, 40]
    ),
    "Surprise KNNBaseline": [_knn(True, k) for k in (20, 40, 80)],
    "LensKit biased MF": _product(embedding_size=[20, 50], regularization=[0.05, 0.1], epochs=[20]),
    "AutoRec": _product(
        orientation=["item"], power=[0.0], input_dropout=[0.0], row_offset=[None], history=[False],
        early_stopping=[True], hidden_layer_sizes=[500], alpha=[0.3, 1.0, 3.0],
    ),
    "SNRecommender, tuned": _product(hidden_layer_sizes=[500], alpha=[0.7, 1.0]),
}  # fmt: skip


def errors(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    left = predicted - y
    return float(np.sqrt(np.mean(left**2))), float(np.mean(np.abs(left)))


def measure(name: str, method: str) -> dict[str, Any]:
    """Tune a method on held-out training ratings and test it, once."""
    split = load_split(name)
    fit, settings = METHODS[method]
    if name.startswith("1m"):
        settings = LARGE_GRIDS.get(method, settings)
    fit(load_split("smoke"), dict(settings[0]))  # imports and compiles all that there is
    imports, start = peak_bytes(), time.perf_counter()
    chosen, validated = settings[0], []
    if len(settings) > 1:
        held = split.held_out()
        for candidate in settings:
            validated.append(errors(fit(held, dict(candidate))(held.X_test), held.y_test)[0])
        chosen = settings[int(np.argmin(validated))]
    tuning = time.perf_counter() - start
    start = time.perf_counter()
    predict = fit(split, dict(chosen))
    seconds = time.perf_counter() - start
    rmse, mae = errors(predict(split.X_test), split.y_test)
    return {
        "data": name,
        "method": method,
        "rmse": rmse,
        "mae": mae,
        "seconds": seconds,
        "tuning_seconds": tuning if validated else 0.0,
        "peak_mib": (peak_bytes() - imports) / 2**20,
        "chosen": chosen,
        "validated": validated,
        "settings": settings,
    }


def capacity(name: str, seeds: int, widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """Test errors against the width of the hidden layer, with and without normalisation."""
    split, rows = load_split(name), []
    for width in widths:
        for power in (0.5, 0.0):
            found = []
            for seed in range(seeds):
                model = SNRecommender(
                    "item", hidden_layer_sizes=width, power=power, random_state=seed, device="cpu"
                )
                predicted = model.fit(split.X, split.y).predict(split.X_test)
                found.append(errors(predicted, split.y_test)[0])
            rows.append({"width": width, "power": power, "rmse": found})
            print(f"{width:5d} units, power {power}: {np.mean(found):.4f}", flush=True)
    return rows


VARIATIONS: list[dict[str, Any]] = [
    {},
    {"history": False},
    {"history": False, "power": 0.0},
    {"row_offset": None},
    {"row_offset": 0.0},
    {"row_offset": 2.5},
    *({"power": power} for power in (0.0, 0.25, 0.75, 1.0)),
    *({"input_dropout": share} for share in (0.0, 0.3, 0.7)),
    *({"hidden_layer_sizes": width} for width in (100, 1000, (300, 100))),
    *({"alpha": alpha} for alpha in (0.5, 2.0)),
    *({"activation": kind} for kind in ("tanh", "relu", "silu")),
    {"max_epochs": 50},
    {"max_epochs": 500},
    {"early_stopping": True},
    {"n_estimators": 5},
    {"orientation": "user"},
    {"orientation": "user", "activation": "tanh"},
    {"orientation": "both"},
]


def ablation(name: str, seeds: int, variations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Errors of held-out training ratings, where one part is changed at a time."""
    held, rows = load_split(name).held_out(), []
    for variation in variations:
        found = []
        for seed in range(seeds):
            settings = {"orientation": "item", "random_state": seed, "device": "cpu", **variation}
            model = SNRecommender(**settings).fit(held.X, held.y)
            found.append(errors(model.predict(held.X_test), held.y_test)[0])
        rows.append({"variation": variation, "rmse": found})
        print(f"{np.mean(found):.4f} {variation}", flush=True)
    return rows


# Report -------------------------------------------------------------------------------------


def table(rows: list[dict[str, Any]], data: list[str]) -> str:
    """One line a method: means over the splits of one data set."""
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
    """The five splits of MovieLens-100K, each on its own."""
    names = ["u1", "u2", "u3", "u4", "u5"]
    lines = ["| method | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for method in METHODS:
        found = {r["data"]: r["rmse"] for r in rows if r["method"] == method}
        if all(name in found for name in names):
            lines.append(f"| {method} | " + " | ".join(f"{found[n]:.4f}" for n in names) + " |")
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
    """RMSE against time, and against the width of the hidden layer."""
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
                    style = {"marker": "oooooDs^vP"[i], "color": f"C{i}", "linestyle": ""}
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
    figure.savefig(ROOT / "docs" / "movielens.png", dpi=120)


def load_results() -> dict[str, Any]:
    if RESULTS.exists():
        return json.loads(RESULTS.read_text())
    return {"rows": [], "ablation": [], "capacity": []}


def save_results(result: dict[str, Any]) -> None:
    result.update(machine=machine(), versions=versions())
    RESULTS.write_text(json.dumps(result, indent=1))


def ablation_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| changed | RMSE of held-out ratings | difference |", "|---|---:|---:|"]
    base = np.array(rows[0]["rmse"])
    for row in rows:
        changed = ", ".join(f"{k}={v!r}" for k, v in row["variation"].items()) or "nothing"
        difference = np.mean(row["rmse"] - base)
        lines.append(f"| {changed} | {np.mean(row['rmse']):.4f} | {difference:+.4f} |")
    return "\n".join(lines) + "\n"


def report() -> None:
    """Write tables and figures into the docs."""
    result = load_results()
    rows = result["rows"]
    folder = ROOT / "docs" / "tables"
    folder.mkdir(exist_ok=True)
    for name, content in (
        ("100k", table(rows, ["u1"])),
        ("folds", folds_table(rows)),
        ("1m", table(rows, [f"1m-{seed}" for seed in range(5)])),
        ("douban", table(rows, ["douban"])),
        ("ablation", ablation_table(result["ablation"])),
        ("capacity", capacity_table(result["capacity"])),
    ):
        (folder / f"{name}.rst").write_text(as_rst(content))
    draw(result)


def summary() -> str:
    """What the README shows: one line a method, one column a data set; test RMSE."""
    rows = load_results()["rows"]
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


def installed(method: str) -> bool:
    package = {"Surprise": "surprise", "LensKit": "lenskit"}.get(method.split()[0])
    return package is None or importlib.util.find_spec(package) is not None


def run(names: list[str], methods: list[str]) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # for the children
    for name in names:
        for method in methods:
            if not installed(method):
                print(f"{name}: {method} is not installed", flush=True)
                continue
            row = in_fresh_process(__file__, "child", name, method)
            print(
                f"{name:8s} {method:32s} RMSE {row['rmse']:.4f} MAE {row['mae']:.4f} "
                f"{row['seconds']:7.1f} s {row['peak_mib']:6.0f} MiB {row['chosen']}",
                flush=True,
            )
            if name == "smoke":
                continue
            result = load_results()
            key = (name, method)
            result["rows"] = [r for r in result["rows"] if (r["data"], r["method"]) != key] + [row]
            save_results(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "task", nargs="?", default="run", choices=["run", "ablation", "capacity", "report", "child"]
    )
    parser.add_argument("names", nargs="*", help="splits; for a child, a split and a method")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--smoke", action="store_true", help="tiny data, sksn only")
    arguments = parser.parse_args()
    if arguments.task == "child":
        print(json.dumps(measure(*arguments.names)))
    elif arguments.smoke:
        run(["smoke"], [method for method in arguments.methods if method.startswith("SN")][:2])
        ablation("smoke", 1, [{"max_epochs": 2}])
        capacity("smoke", 1, (2,))
    elif arguments.task == "run":
        run(arguments.names or ["u1"], arguments.methods)
    elif arguments.task == "ablation":
        found = ablation("u1", 1, VARIATIONS)
        save_results(load_results() | {"ablation": found})
    elif arguments.task == "capacity":
        found = capacity("u1", 5, WIDTHS)
        save_results(load_results() | {"capacity": found})
    else:
        report()


if __name__ == "__main__":
    sys.exit(main())
