"""Are smaller networks enough with Sparsity Normalization?

``run`` compares power 0, 1/2 and 1 by 5-fold cross-validation (seed 0, the same folds), over

- widths 2 to 512 of one hidden layer: SNClassifier without bins, on the hourly PhysioNet records,
  on digits with missing pixels (0..16 divided by 16, not centred), and on the same digits centred;
- widths 2 to 32 of a convolutional network on the same digits: two SNConv2d of 3 x 3, the second
  twice as wide, and a linear map; ReLU, Adam, 20 epochs, batches of 64. It is trained alone, with
  batch normalization, with dropout of half the features, and with both. Without SN, missing pixels
  are zeros and the layers are those of torch.

``report`` writes docs/tables/capacity-*.rst and docs/capacity.png, with the errors on
MovieLens-100K of ``run movielens capacity``. The smallest network is the narrowest one whose mean
is within one standard error of the best of its kind, or of the best without SN. The share of
missing pixels differs between digits, uniformly from 0 to 98 %. Needs SKSN_DATA; ``--smoke`` uses
200 digits.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional as F

from sksn import SNClassifier
from sksn.datasets import make_holes
from sksn.nn import SNConv2d

from ..common.data import HOURLY, Data, data_folder, load
from ..common.measuring import machine, versions
from ..common.places import DOCS, RESULTS_FOLDER, TABLES
from ..common.statistics import corrected_error, corrected_test
from ..common.tables import as_rst
from ..ratings.movielens import load_results

RESULTS = RESULTS_FOLDER / "capacity.json"
WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
CONV_WIDTHS = (2, 8, 32)
POWERS = (0.0, 0.5, 1.0)
PARTS = ((), ("batch norm",), ("dropout",), ("batch norm", "dropout"))
RAW, CENTRED, CONV = "digits, raw", "digits, centred", "digits, convolutions"


def digits(n_rows: int | None = None) -> Data:
    X, y = load_digits(return_X_y=True)
    holes = make_holes(X / 16, rate=0.49, rate_spread=0.49, random_state=0)
    return Data("digits", holes[:n_rows], y[:n_rows], "accuracy")


def folds_of(data: Data) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(StratifiedKFold(5, shuffle=True, random_state=0).split(data.X, data.y))


def dense(name: str, data: Data, widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """Score one hidden layer by width and power."""
    rows = []
    options = {"n_bins": 0, "random_state": 0, "device": "cpu"}
    if name == RAW:
        options |= {"input_scaling": None, "add_indicator": False}
    for width in widths:
        for power in POWERS:
            scores = []
            for train, test in folds_of(data):
                net = SNClassifier(width, power=power, **options).fit(data.X[train], data.y[train])
                scores.append(data.score(net, test))
            n_parameters = sum(p.numel() for p in net.net_.module_.parameters())
            rows.append(
                {"data": name, "metric": data.metric, "parts": [], "width": width, "power": power,
                 "scores": scores, "n_parameters": n_parameters,
                 "n_train": len(train), "n_test": len(test)}
            )  # fmt: skip
            print(name, width, power, f"{np.mean(scores):.4f}", flush=True)
    return rows


class ConvNet(nn.Module):
    """Two convolutions and a linear map, for images of 8 x 8 with NaN for missing pixels."""

    def __init__(self, width: int, power: float, parts: tuple[str, ...]) -> None:
        super().__init__()
        self.power = power
        sizes = [(1, width), (width, 2 * width)]
        self.convolutions = nn.ModuleList(
            SNConv2d(*size, 3, power=power, return_mask=True) if power else nn.Conv2d(*size, 3)
            for size in sizes
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(size[1]) if "batch norm" in parts else nn.Identity() for size in sizes
        )
        self.dropout = nn.Dropout(0.5 if "dropout" in parts else 0.0)
        self.last = nn.Linear(2 * width * 16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the scores of ten classes."""
        mask = ~x.isnan()
        x = x.nan_to_num()
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            if self.power:
                x, mask = convolution(x, mask)
            else:
                x = convolution(x)
            x = norm(x).relu()
        return self.last(self.dropout(x.flatten(1)))


def train_conv(net: ConvNet, X: torch.Tensor, y: torch.Tensor, n_epochs: int) -> None:
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_epochs)
    net.train()
    for _ in range(n_epochs):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(net(X[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    net.eval()


def convolutional(data: Data, widths: tuple[int, ...], n_epochs: int = 20) -> list[dict[str, Any]]:
    X = torch.as_tensor(data.X, dtype=torch.float32).reshape(-1, 1, 8, 8)
    y = torch.as_tensor(data.y)
    rows = []
    for parts in PARTS:
        for width in widths:
            for power in POWERS:
                scores = []
                for train, test in folds_of(data):
                    torch.manual_seed(0)
                    net = ConvNet(width, power, parts)
                    train_conv(net, X[train], y[train], n_epochs)
                    with torch.no_grad():
                        guess = net(X[test]).argmax(dim=1)
                    scores.append(float((guess == y[test]).float().mean()))
                n_parameters = sum(p.numel() for p in net.parameters())
                rows.append(
                    {"data": CONV, "metric": "accuracy", "parts": parts, "width": width,
                     "power": power, "scores": scores, "n_parameters": n_parameters,
                     "n_train": len(train), "n_test": len(test)}
                )  # fmt: skip
                print(CONV, parts, width, power, f"{np.mean(scores):.4f}", flush=True)
    return rows


def _name(row: dict[str, Any]) -> str:
    return row["data"] + "".join(f", {part}" for part in row["parts"])


def _error(row: dict[str, Any]) -> float:
    """Return the standard error of the mean."""
    return corrected_error(row["scores"], row["n_train"], row["n_test"])


def movielens_rows() -> list[dict[str, Any]]:
    """Return the negative errors on MovieLens-100K in the form of the other rows."""
    return [
        {"data": "MovieLens-100K, u1", "metric": "minus RMSE", "parts": [], "width": row["width"],
         "power": row["power"], "scores": [-rmse for rmse in row["rmse"]],
         "n_parameters": row["width"], "n_train": 1, "n_test": 0}
        for row in load_results()["capacity"]
    ]  # fmt: skip


def _smallest(rows: list[dict[str, Any]], like: dict[str, Any]) -> str:
    """Return width and parameters of the narrowest network within a standard error of another."""
    enough = np.mean(like["scores"]) - _error(like)
    good = [row for row in rows if np.mean(row["scores"]) >= enough]
    if not good:
        return "none"
    small = min(good, key=lambda row: row["width"])
    n_parameters = "" if small["data"].startswith("Movie") else f" ({small['n_parameters']:,})"
    return f"{small['width']}{n_parameters}"


def smallest_table(rows: list[dict[str, Any]]) -> str:
    """Tabulate the best network, and the smallest that is as good as it or as without SN."""
    lines = [
        "| network | power | best score | at width | smallest as good (parameters) "
        "| smallest as good as the best of power 0 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(map(_name, rows)):
        without: dict[str, Any] = {}
        for power in POWERS:
            mine = [row for row in rows if _name(row) == name and row["power"] == power]
            if not mine:
                continue
            best = max(mine, key=lambda row: np.mean(row["scores"]))
            without = without or best  # power 0 comes first
            lines.append(
                f"| {name}, {best['metric']} | {power:g} | {np.mean(best['scores']):.4f} ± "
                f"{_error(best):.4f} | {best['width']} | {_smallest(mine, best)} "
                f"| {_smallest(mine, without)} |"
            )
    return "\n".join(lines)


def width_table(rows: list[dict[str, Any]]) -> str:
    """Tabulate all scores; with SN, the p-value of the difference to power 0 at the same width."""
    lines = [
        "| network | width | power 0 | power 1/2 (p) | power 1 (p) |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(map(_name, rows)):
        mine = {(row["width"], row["power"]): row for row in rows if _name(row) == name}
        for width in sorted({width for width, _ in mine}):
            without = np.array(mine[width, 0.0]["scores"])
            cells = [f"{without.mean():.4f}"]
            for power in POWERS[1:]:
                row = mine.get((width, power))
                if row is None:
                    cells.append("")
                    continue
                scores = np.array(row["scores"])
                _, p = corrected_test(scores - without, row["n_train"], row["n_test"])
                cells.append(f"{scores.mean():.4f} ({p:.3f})")
            lines.append(f"| {name} | {width} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(map(_name, rows)))
    figure = Figure(figsize=(16, 8), layout="constrained")
    panels = figure.subplots(2, -(-len(names) // 2), squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        for power, color in zip(POWERS, ("grey", "C0", "C3"), strict=True):
            mine = [row for row in rows if _name(row) == name and row["power"] == power]
            if mine:
                panel.errorbar(
                    [row["width"] for row in mine],
                    [np.mean(row["scores"]) for row in mine],
                    [_error(row) for row in mine],
                    label=f"power {power:g}", color=color, capsize=3,
                )  # fmt: skip
        metric = next(row["metric"] for row in rows if _name(row) == name)
        panel.set_title(name, fontsize=10)
        panel.set(xlabel="width", ylabel=metric)
        panel.set_xscale("log", base=2)
    panels[0].legend()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    figure.savefig(DOCS / "capacity.png", dpi=90)


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="200 digits, small widths")


def run(arguments: argparse.Namespace) -> None:
    """Train the networks of all widths, and keep what was measured."""
    if arguments.smoke:
        small = digits(200)
        rows = [*dense(RAW, small, (2, 4)), *convolutional(small, (2,), 1)]
        print(smallest_table(rows), width_table(rows), sep="\n")
        return
    data_folder()  # an error now rather than after an hour
    image = digits()
    rows = convolutional(image, CONV_WIDTHS)
    rows += dense(RAW, image, WIDTHS) + dense(CENTRED, image, WIDTHS)
    rows += dense(HOURLY, load(HOURLY), WIDTHS[::2])  # each takes minutes
    content = {"machine": machine(), "versions": versions(), "rows": rows}
    RESULTS.write_text(json.dumps(content))


def report(arguments: argparse.Namespace) -> None:
    """Write the tables and the figure of the docs."""
    rows = [*json.loads(RESULTS.read_text())["rows"], *movielens_rows()]
    (TABLES / "capacity-smallest.rst").write_text(as_rst(smallest_table(rows)))
    (TABLES / "capacity-widths.rst").write_text(as_rst(width_table(rows)))
    draw(rows)
