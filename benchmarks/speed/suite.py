"""How fast is sksn, compared with other methods and with the limits of the machine?

``run`` prints a table. ``--json FILE`` writes it with the machine, the versions and all runs.
``--size`` is small, medium (ten minutes on two cores) or large, which adds a matrix of a million by
a million. ``--rows`` selects parts. Each row compares ours with a peer on the same data, after a
warm-up, in turns unless one of them takes minutes. Peak memory is that of a fresh process. Rows on
real data need SKSN_DATA. ``--smoke`` uses very little data. ``report``
writes docs/tables/speed.rst.

An epoch is a second or later call of ``partial_fit``, for all methods, with neither weight decay
nor dropout. Rows draw 100 columns each; a column drawn twice is one entry, so matrices with fewer
columns have fewer entries. A peer that would take minutes gets the first batches of the same rows,
and its time is extrapolated. "ours is" divides our time by a lower bound of the machine: the time
to read and write what must be moved, at the speed of a copy, or to multiply, at the speed of a
matrix product. Both speeds are measured first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import Normalizer
from skorch.callbacks import Callback

from sksn import SNClassifier, SNRegressor, SparsityNormalizer

from ..common.measuring import (
    HEADER,
    Row,
    even_rows,
    figure,
    in_fresh_process,
    machine,
    median_seconds,
    save,
    zipf_rows,
)
from ..common.places import RESULTS_FOLDER, TABLES
from ..common.tables import as_rst
from .convergence import convergence
from .epochs import epochs
from .peers import (
    BATCH,
    HIDDEN,
    SAME_NET,
    SKLEARN_NET,
    hand_written_epoch,
)


@dataclass
class Size:
    """The sizes of the data to measure on."""

    entries: int  # of the matrix to transform
    dense_rows: int  # of the table to transform
    rows: int  # of the matrix to train on, with up to 100 entries each
    columns: tuple[int, ...]
    table_rows: int  # of the table to train on
    huge: int  # rows and columns of the last matrix; 0 for none
    epochs: int  # on real data
    repeats: int


SIZES = {
    "smoke": Size(20_000, 500, 600, (100, 2000), 600, 2000, 1, 1),
    "small": Size(2_000_000, 100_000, 5_000, (1_000, 10_000, 100_000), 20_000, 0, 10, 3),
    "medium": Size(20_000_000, 10**6, 20_000, (10_000, 100_000, 10**6), 100_000, 0, 15, 5),
    "large": Size(20_000_000, 10**6, 20_000, (10_000, 100_000, 10**6), 100_000, 10**6, 15, 5),
}
Limits = dict[str, float]
CHILDREN = "benchmarks.speed.children"
Action = Callable[[], Any]


def compared(
    what: str,
    peer_name: str,
    ours: Action,
    theirs: Action,
    wanted: float | None,
    repeats: int,
    **options: Any,
) -> Row:
    """Time two actions in turns, and return their row."""
    medians, runs = median_seconds({"ours": ours, "peer": theirs}, repeats)
    seconds = medians["ours"], medians["peer"]
    return Row(what, peer_name, *seconds, wanted, runs=runs, **options)


def transform_sparse(size: Size, limits: Limits) -> Iterator[Row]:
    """Compare SparsityNormalizer with Normalizer, and with a copy of the stored entries."""
    per_row, n_columns = 100, 100_000
    for dtype in (np.float64, np.float32):
        X = even_rows(size.entries // per_row, n_columns, per_row).astype(dtype)
        for copy in (True, False):
            ours = SparsityNormalizer(copy=copy).fit(X)
            theirs = Normalizer("l1", copy=copy)
            target, of_peer = X.copy(), X.copy()
            actions = {
                "ours": lambda ours=ours, X=target: ours.transform(X),
                "peer": lambda theirs=theirs, X=of_peer: theirs.transform(X),
                "copy of the data array": X.data.copy,
                "X.copy()": X.copy,
            }
            medians, runs = median_seconds(actions, size.repeats)
            n_bytes = 2 * X.data.nbytes + (2 * X.indices.nbytes if copy else 0)
            what = f"transform, CSR, {X.nnz / 1e6:.3g} million {dtype.__name__}, copy={copy}"
            limit: dict[str, Any] = {"limit": n_bytes / limits["bytes"]}
            limit["limit_by"] = "a copy of the matrix" if copy else "a copy of the data array"
            seconds = medians["ours"]
            why = "its passes (a check, a multiplication, copies) each move all data once"
            peer = medians["peer"]
            yield Row(what, "Normalizer('l1')", seconds, peer, 2.5, why=why, runs=runs, **limit)
            why = "the index arrays are copied as well" if copy else ""
            for peer, wanted in (("copy of the data array", 1 / 1.7), ("X.copy()", None)):
                yield Row(what, peer, seconds, medians[peer], wanted, why=why)


def transform_dense(size: Size, limits: Limits) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(size.dense_rows, 50))
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    ours, theirs = SparsityNormalizer().fit(X), SimpleImputer().fit(X)
    yield compared(
        f"transform, dense, {len(X):,} x 50, 30 % NaN",
        "SimpleImputer",
        lambda: ours.transform(X),
        lambda: theirs.transform(X),
        1.5,
        size.repeats,
        limit=2 * X.nbytes / limits["bytes"],
        limit_by="a copy",
    )


def dense_epoch(size: Size, limits: Limits) -> Iterator[Row]:
    """Compare an epoch of the default network on a table with a hand-written loop."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(size.table_rows, 50))
    y = (X[:, 0] * X[:, 1] + rng.normal(size=len(X)) > 0).astype(int)
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    options = {"batch_size": BATCH, "lr": 3e-3, "alpha": 1.0, "input_scaling": None}
    theirs: list[float] = []

    class Beside(Callback):
        """Trains the other network after each of our epochs, outside of our time."""

        def on_train_begin(self, net: Any, **kwargs: Any) -> None:
            self.epoch = hand_written_epoch(net.module_, X, y, options)

        def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
            ours = torch.get_num_threads()
            torch.set_num_threads(threads)
            theirs.append(self.epoch())
            torch.set_num_threads(ours)

    threads = torch.get_num_threads()
    model = SNClassifier(
        random_state=0, max_epochs=1 + size.repeats, callbacks=[Beside()], **options
    ).fit(X, y)
    seconds, theirs = model.net_.history[:, "dur"][1:], theirs[1:]
    n_products = 0  # forward, for the weights, and behind the first layer for its input
    for name, p in model.net_.module_.named_parameters():
        n_products += (2 if name.startswith("input.") else 3) * p.numel() if p.ndim > 1 else 0
    yield Row(
        f"one epoch, dense, {len(X):,} x 50, default network",
        "torch loop by hand",
        float(np.median(seconds)),
        float(np.median(theirs)),
        1 / 1.15,
        limit=n_products * len(X) / limits["products"],
        limit_by="its matrix products",
        runs={"ours": list(seconds), "peer": theirs},
    )


def small_fit(size: Size, limits: Limits) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 20))
    y = (X[:, 0] > 0).astype(int)
    with_holes = np.where(rng.uniform(size=X.shape) < 0.3, np.nan, X)
    n_epochs = 2 if size.epochs == 1 else 40
    theirs = MLPClassifier((100,), max_iter=n_epochs, tol=0.0, n_iter_no_change=n_epochs + 1)
    plain = SAME_NET | {"hidden_layer_sizes": (100,), "batch_size": 200, "n_bins": 0}
    plain |= {"add_indicator": False, "input_scaling": "auto"}
    for name, options, wanted in (
        ("same network", plain, 1.0),
        ("default network, ten times the weights", {"random_state": 0, "batch_size": 200}, None),
    ):
        ours = SNClassifier(max_epochs=n_epochs, **options)
        yield compared(
            f"fit, dense, 1000 x 20, {n_epochs} epochs, {name}",
            "MLPClassifier (nothing missing)",
            lambda ours=ours: ours.fit(with_holes, y),
            lambda: theirs.fit(X, y),
            wanted,
            2 * size.repeats,
        )


def predict(size: Size, limits: Limits) -> Iterator[Row]:
    X = zipf_rows(size.rows, size.columns[1], 100)
    y = np.random.default_rng(1).normal(size=size.rows)
    ours = SNRegressor(**SAME_NET).partial_fit(X[:BATCH], y[:BATCH])
    theirs = MLPRegressor(**SKLEARN_NET).partial_fit(X[:BATCH], y[:BATCH])
    yield compared(
        f"predict, CSR, {size.rows:,} x {size.columns[1]:,}",
        "MLPRegressor",
        lambda: ours.predict(X),
        lambda: theirs.predict(X),
        1.5,
        size.repeats,
        limit=X.nnz * HIDDEN / limits["products"],
        limit_by="its products",
    )


def memory(size: Size, limits: Limits) -> Iterator[Row]:
    n_columns = size.columns[1]
    X = zipf_rows(size.rows, n_columns, 100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npz"
        sparse.save_npz(path, X, compressed=False)
        found = in_fresh_process(CHILDREN, "fit", str(path))
    n_bytes = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    yield Row(
        f"peak memory of fit above imports, CSR, {size.rows:,} x {n_columns:,}",
        "X + 4 x parameters",
        found["peak"] / 1e6,
        (n_bytes + 4 * 4 * found["parameters"]) / 1e6,
        1 / 1.3,
        unit="MB",
    )


def huge(size: Size, limits: Limits) -> Iterator[Row]:
    """Measure an epoch on a matrix that is too large to be made dense."""
    if not size.huge:
        return
    n = size.huge
    ours = in_fresh_process(CHILDREN, "huge", "ours", str(n))
    what = f"one epoch, CSR, {n:,} x {n:,}, {50 * n / 1e6:.3g} million entries"
    for name in ("MLPRegressor", "skorch, densifying dataset"):
        theirs = in_fresh_process(CHILDREN, "huge", name, str(n))
        note = "ours with all that fit does; the peer's second batch, extrapolated"
        yield Row(what, name, ours["seconds"], theirs["seconds"], note=note)
        peaks = (ours["peak"] / 1e9, theirs["peak"] / 1e9)
        note = "ours with all rows and their making, the peer's with 512 rows"
        yield Row("its peak memory", name, *peaks, unit="GB", note=note)


PARTS: dict[str, Callable[[Size, Limits], Iterator[Row]]] = {
    "transform_sparse": transform_sparse,
    "transform_dense": transform_dense,
    "epochs": epochs,
    "dense_epoch": dense_epoch,
    "small_fit": small_fit,
    "predict": predict,
    "memory": memory,
    "huge": huge,
    "convergence": lambda size, limits: convergence(size),
}


def add_arguments(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options of a task."""
    parser.add_argument("--size", choices=["small", "medium", "large"], default="medium")
    parser.add_argument("--smoke", action="store_true", help="very little data")
    parser.add_argument(
        "--rows", nargs="*", choices=PARTS, default=list(PARTS), help="parts to run"
    )
    parser.add_argument("--json", type=Path, help="where to write the results")


def run(arguments: argparse.Namespace) -> None:
    """Measure all parts, and print a table."""
    name = "smoke" if arguments.smoke else arguments.size
    where = machine()
    limits = {
        "bytes": 1e9 * where["bandwidth, GB/s"],
        "products": 1e9 * where["float32 products, G/s"],
    }
    print(", ".join(f"{key}: {value}" for key, value in where.items()) + "\n\n" + HEADER)
    rows = []
    for part in arguments.rows:
        for row in PARTS[part](SIZES[name], limits):
            print(row, flush=True)
            rows.append(row)
    if arguments.json:
        save(arguments.json, name, where, rows)


def report(arguments: argparse.Namespace) -> None:
    """Write docs/tables/speed.rst from benchmarks/results/speed.json."""
    result = json.loads((RESULTS_FOLDER / "speed.json").read_text())
    names = {part.name for part in fields(Row)}
    rows = [Row(**{k: v for k, v in row.items() if k in names}) for row in result["rows"]]
    lines = [
        "| what | peer | ours | peer's | peer's / ours | remarks |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        lower = "" if row.limit is None else f"ours is {row.ours / row.limit:.2g} x {row.limit_by}"
        remarks = "; ".join(filter(None, [lower, row.note, row.why if row.is_short else ""]))
        lines.append(
            f"| {row.what} | {row.peer_name} | {figure(row.ours, row.unit)} "
            f"| {figure(row.peer, row.unit)} | {row.ratio:.3g} | {remarks} |"
        )
    where = "; ".join(f"{name} {value}" for name, value in result["machine"].items() if value)
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    table = as_rst("\n".join(lines))
    (TABLES / "speed.rst").write_text(f"{table}\nMeasured on: {where}; {versions}.\n")
