"""What does sparsity that differs between rows do inside a network?

``run`` trains the same network (two hidden layers of 64 tanh units, Adam, 30 epochs, 60 on
MovieLens, batches of 128) in six ways: rows scaled by ``(K / n) ** power`` for power 0, 1/2 and 1,
ObservedNorm of the rows, and batch or layer normalization of the hidden layers of zero-imputed
rows. Before and after training it measures the pre-activations of the first hidden layer and the
gradients of its weights, by tenths of the training rows with rising n. The learning rate of each
way is the better of two, by the mean validation loss of two seeds. ``report`` writes
docs/tables/mechanisms.rst and docs/mechanisms.png.

Data: users of MovieLens-100K (of the ratings of u1.base, the network reads four fifths, predicts a
tenth, and is validated on a tenth); the hourly PhysioNet records, scaled to 0..1 and standardized;
and worm neuron cells (log counts). The last two hold out a fifth of the rows, stratified. No test
data are read. Needs SKSN_DATA; ``--smoke`` uses digits with missing pixels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor, nn
from torch.nn import functional as F

from sksn import ObservedScaler
from sksn.datasets import fetch_movielens, make_holes
from sksn.inspection import activation_statistics
from sksn.nn import ObservedNorm, SparsityNorm

from ..common.data import HOURLY, data_folder, load
from ..common.measuring import machine, versions
from ..common.places import DOCS, RESULTS_FOLDER, TABLES
from ..common.tables import as_rst

RESULTS = RESULTS_FOLDER / "mechanisms.json"
RATES = (1e-3, 3e-3)
SEEDS = (0, 1)
EPOCHS = 30
MOVIELENS = "MovieLens-100K, ratings 1 to 5"
WIDTH = 64
WAYS = ("power 0", "power 1/2", "power 1", "ObservedNorm", "batch norm", "layer norm")
POWERS = {"power 1/2": 0.5, "power 1": 1.0}


@dataclass
class Task:
    """Rows with NaN for missing entries, and what to predict; `loss` gives one number a row."""

    X: Tensor
    y: Tensor
    X_valid: Tensor
    y_valid: Tensor
    n_outputs: int
    loss: Callable[[Tensor, Tensor], Tensor]
    bias: float = 0.0


def classification(X: np.ndarray, y: np.ndarray) -> Task:
    labels = np.unique(y, return_inverse=True)[1]
    parts = train_test_split(X, labels, test_size=0.2, random_state=0, stratify=labels)
    train, valid = (torch.as_tensor(part, dtype=torch.float32) for part in parts[:2])
    y_train, y_valid = (torch.as_tensor(part) for part in parts[2:])

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target, reduction="none")

    return Task(train, y_train, valid, y_valid, int(labels.max()) + 1, loss)


def movielens() -> Task:
    """Return users: their ratings to read, to predict and to validate on."""
    ratings = fetch_movielens("100k", source=data_folder() / "movielens-100k")
    rows = ratings.splits["u1"][0]
    users, items = (np.unique(ids, return_inverse=True)[1] for ids in ratings.data[rows].T)
    role = np.random.RandomState(0).choice(3, len(rows), p=[0.8, 0.1, 0.1])
    parts = []
    for part in range(3):
        X = np.full((users.max() + 1, items.max() + 1), np.nan, dtype=np.float32)
        mine = role == part
        X[users[mine], items[mine]] = ratings.target[rows][mine]
        parts.append(torch.as_tensor(X))

    def loss(output: Tensor, target: Tensor) -> Tensor:
        known = ~target.isnan()
        error = torch.where(known, output - target.nan_to_num(), 0.0)
        return error.square().sum(dim=1) / known.sum(dim=1).clamp(min=1)

    X, target, valid = parts
    return Task(X, target, X, valid, X.shape[1], loss, bias=float(X.nanmean()))


def worm() -> Task:
    data = load("worm")
    cells = np.bincount(data.X.indices, minlength=data.X.shape[1])
    X = data.X[:, cells > 20].toarray()
    return classification(np.where(X > 0, np.log1p(X), np.nan), data.y)


def hourly(scaler: Any) -> Task:
    data = load(HOURLY)
    return classification(scaler.fit_transform(data.X), data.y)


TASKS: dict[str, Callable[[], Task]] = {
    MOVIELENS: movielens,
    "PhysioNet hourly, 0 to 1": lambda: hourly(MinMaxScaler()),
    "PhysioNet hourly, standardised": lambda: hourly(ObservedScaler()),
    "worm neurons, log counts": worm,
}


def network(way: str, task: Task) -> nn.Sequential:
    n_features = task.X.shape[1]
    target = float((~task.X.isnan()).sum(dim=1).float().mean())
    norm: dict[str, Callable[[], list[nn.Module]]] = {
        "batch norm": lambda: [nn.BatchNorm1d(WIDTH)],
        "layer norm": lambda: [nn.LayerNorm(WIDTH)],
    }
    between = norm.get(way, lambda: [])
    first: nn.Module = SparsityNorm(target, POWERS.get(way, 0.0))
    if way == "ObservedNorm":
        first = ObservedNorm(n_features)
    last = nn.Linear(WIDTH, task.n_outputs)
    nn.init.constant_(last.bias, task.bias)
    layers = [first, nn.Linear(n_features, WIDTH), *between(), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, WIDTH), *between(), nn.Tanh(), last)


def gradient_norms(net: nn.Sequential, task: Task, tenths: list[np.ndarray]) -> list[float]:
    """Return the norm of the gradient of the first layer's weights, for each tenth of rows."""
    weight, found = net[1].weight, []
    net.eval()
    for rows in tenths:
        loss = task.loss(net(task.X[rows]), task.y[rows]).mean()
        found.append(float(torch.autograd.grad(loss, weight)[0].norm()))
    return found


def measure(net: nn.Sequential, task: Task, tenths: list[np.ndarray]) -> dict[str, Any]:
    found = activation_statistics(net, task.X, n_bins=len(tenths))
    return {
        "n_observed": found.n_observed.tolist(),
        "mean": found.mean[0].tolist(),
        "variance": found.variance[0].tolist(),
        "saturated": found.saturated[0].tolist(),
        "gradient": gradient_norms(net, task, tenths),
    }


def tenths_of(X: Tensor) -> list[np.ndarray]:
    """Group rows in tenths by rising number of observed features."""
    n_observed = (~X.isnan()).sum(dim=1).numpy()
    return np.array_split(np.argsort(n_observed, kind="stable"), 10)


def train(way: str, task: Task, lr: float, seed: int, n_epochs: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    net = network(way, task)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.momentum = None  # statistics of all rows for the measurement before training
    with torch.no_grad():
        net(task.X)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.momentum = 0.1
    optimiser = torch.optim.Adam(net.parameters(), lr=lr)
    tenths, tenths_valid = tenths_of(task.X), tenths_of(task.X_valid)
    before, curve = measure(net, task, tenths), []
    for _ in range(n_epochs):
        net.train()
        total = 0.0
        for rows in torch.randperm(len(task.X)).split(128):
            if len(rows) == 1:
                continue  # batch normalization needs two
            loss = task.loss(net(task.X[rows]), task.y[rows]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        net.eval()
        with torch.no_grad():
            losses = task.loss(net(task.X_valid), task.y_valid)
        curve.append(
            {
                "train": total / len(task.X),
                "valid": float(losses.mean()),
                "valid_tenths": [float(losses[rows].mean()) for rows in tenths_valid],
            }
        )
    return {"before": before, "after": measure(net, task, tenths), "curve": curve}


def train_all(tasks: dict[str, Callable[[], Task]], n_epochs: int) -> list[dict[str, Any]]:
    found = []
    for name, get in tasks.items():
        task = get()
        for way in WAYS:
            length = n_epochs * (2 if name == MOVIELENS else 1)  # it has few rows
            runs = {lr: [train(way, task, lr, seed, length) for seed in SEEDS] for lr in RATES}
            best = {lr: np.mean([_best(r)["valid"] for r in runs[lr]]) for lr in RATES}
            lr = min(best, key=best.__getitem__)
            found.append({"data": name, "way": way, "lr": lr, "tried": list(best.items()),
                          "runs": runs[lr]})  # fmt: skip
            print(line(found[-1]), flush=True)
    return found


def _best(result: dict[str, Any]) -> dict[str, Any]:
    return min(result["curve"], key=lambda epoch: epoch["valid"])


def _mean(row: dict[str, Any], when: str, what: str) -> np.ndarray:
    """Average a statistic of ten groups of rows over the seeds."""
    return np.mean([result[when][what] for result in row["runs"]], axis=0)


COLUMNS = (
    "data",
    "",
    "untrained: sd of pre-activations, fullest / emptiest tenth",
    "shift of their mean, in sd",
    "saturated, emptiest to fullest tenth",
    "gradient, fullest / emptiest tenth",
    "trained: saturated",
    "best validation loss",
    "in epoch",
    "learning rate",
)
HEADER = "| " + " | ".join(COLUMNS) + " |\n|---|---|" + "---:|" * (len(COLUMNS) - 2)


def line(row: dict[str, Any]) -> str:
    sd, mean = _mean(row, "before", "variance") ** 0.5, _mean(row, "before", "mean")
    gradient = _mean(row, "before", "gradient")
    best = [_best(result) for result in row["runs"]]
    losses = [epoch["valid"] for epoch in best]
    numbers = [r["curve"].index(epoch) + 1 for r, epoch in zip(row["runs"], best, strict=True)]
    saturated = [_mean(row, when, "saturated") for when in ("before", "after")]
    spans = [f"{share[0]:.0%} to {share[-1]:.0%}" for share in saturated]
    cells = [
        row["data"],
        row["way"],
        f"{sd[-1] / sd[0]:.2f}",
        f"{np.ptp(mean) / sd.mean():.2f}",
        spans[0],
        f"{gradient[-1] / gradient[0]:.2f}",
        spans[1],
        f"{np.mean(losses):.4f} ± {np.std(losses, ddof=1):.4f}",
        f"{np.median(numbers):.0f}",
        f"{row['lr']:g}",
    ]
    return "| " + " | ".join(cells) + " |"


def _curve(row: dict[str, Any], of_epoch: Callable[[dict[str, Any]], float]) -> np.ndarray:
    """Average a loss by epoch over the seeds."""
    return np.mean([[of_epoch(e) for e in result["curve"]] for result in row["runs"]], axis=0)


BY_TENTH: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "mean of pre-activations,\nuntrained": lambda row: _mean(row, "before", "mean"),
    "sd of pre-activations,\nuntrained": lambda row: _mean(row, "before", "variance") ** 0.5,
    "gradient norm,\nuntrained": lambda row: _mean(row, "before", "gradient"),
    "saturated share,\ntrained": lambda row: _mean(row, "after", "saturated"),
}
BY_EPOCH: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "validation loss": lambda row: _curve(row, lambda epoch: epoch["valid"]),
    "validation loss,\nemptiest tenth": lambda row: _curve(row, lambda e: e["valid_tenths"][0]),
    "validation loss,\nfullest tenth": lambda row: _curve(row, lambda e: e["valid_tenths"][-1]),
}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["data"] for row in rows))
    n_panels = len(BY_TENTH) + len(BY_EPOCH)
    figure = Figure(figsize=(3.6 * len(names), 2.3 * n_panels), layout="constrained")
    panels = figure.subplots(n_panels, len(names), squeeze=False)
    for column, name in zip(panels.T, names, strict=True):
        column[0].set(title=name)
        for panel, (label, get) in zip(column, (BY_TENTH | BY_EPOCH).items(), strict=True):
            for i, way in enumerate(WAYS):
                row = next(r for r in rows if (r["data"], r["way"]) == (name, way))
                values = get(row)
                x = np.arange(1, len(values) + 1)
                if label in BY_TENTH:
                    x = _mean(row, "before", "n_observed")
                panel.plot(x, values, label=way, color=f"C{i}", linewidth=1.2)
            if label in BY_TENTH:
                panel.set(xlabel="observed features", xscale="log")
            else:
                panel.set(xlabel="epoch")
            if label.startswith(("sd", "gradient", "validation")):
                panel.set(yscale="log")
            if name == names[0]:
                panel.set(ylabel=label)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    figure.savefig(path, dpi=75)


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    if task == "run":
        parser.add_argument("--smoke", action="store_true", help="digits, two epochs")


def run(arguments: argparse.Namespace) -> None:
    """Train the networks, and keep what was measured."""
    if arguments.smoke:
        X, y = load_digits(return_X_y=True)
        holes = make_holes(X[:300], rate=0.5, rate_spread=0.45, random_state=0)
        print(HEADER)
        rows = train_all({"digits": lambda: classification(holes, y[:300])}, 2)
        with tempfile.TemporaryDirectory() as folder:
            draw(rows, Path(folder) / "mechanisms.png")
        return
    rows = train_all(TASKS, EPOCHS)
    content = {"machine": machine(), "versions": versions(), "rows": rows}
    RESULTS.write_text(json.dumps(content))


def report(arguments: argparse.Namespace) -> None:
    """Write the table and the figure of the docs."""
    rows = json.loads(RESULTS.read_text())["rows"]
    table = "\n".join([HEADER, *map(line, rows)])
    (TABLES / "mechanisms.rst").write_text(as_rst(table))
    draw(rows, DOCS / "mechanisms.png")
