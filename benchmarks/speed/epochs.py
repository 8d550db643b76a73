"""Seconds of an epoch on a sparse matrix, for few and for many columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

from sksn import SNClassifier, SNRegressor

from ..common.measuring import Row, median_seconds, zipf_rows
from .peers import (
    BATCH,
    HIDDEN,
    SAME_NET,
    SKLEARN_NET,
    DensifyingRows,
    densifying_net,
    rule_for_steps,
)


def epochs(size: Any, limits: dict[str, float]) -> Iterator[Row]:
    """Measure epochs for three numbers of columns, with scikit-learn and a densifying net."""
    rng = np.random.default_rng(1)
    target = rng.normal(size=size.rows)
    ours_by_columns = []
    for n_columns, wanted in zip(size.columns, (2, 12, 60), strict=False):
        X = zipf_rows(size.rows, n_columns, 100)
        for ours, theirs in (
            (SNRegressor(**SAME_NET), MLPRegressor(**SKLEARN_NET)),
            (SNClassifier(**SAME_NET), MLPClassifier(**SKLEARN_NET)),
        ):
            is_classifier = isinstance(ours, SNClassifier)
            y = (target > 0).astype(int) if is_classifier else target
            extra = {"classes": [0, 1]} if is_classifier else {}
            some = size.rows if n_columns <= 10_000 else min(size.rows, 4 * BATCH)
            theirs.partial_fit(X[:BATCH], y[:BATCH], **extra)
            actions = {
                "ours": lambda ours=ours, X=X, y=y, extra=extra: ours.partial_fit(X, y, **extra),
                "peer": lambda theirs=theirs, X=X, y=y, some=some: theirs.partial_fit(
                    X[:some], y[:some]
                ),
            }
            of_net = min(size.rows, 10 * BATCH)
            if is_classifier and n_columns == size.columns[0]:
                net = densifying_net(n_columns, 2, nn.CrossEntropyLoss)
                dense = DensifyingRows(X[:of_net], y[:of_net])
                actions["net"] = lambda net=net, dense=dense: net.partial_fit(dense, None)
            medians, runs = median_seconds(actions, min(3, size.repeats))
            what = (
                f"one epoch, CSR, {size.rows:,} x {n_columns:,}, {X.nnz / 1e6:.2g} million entries"
            )
            yield Row(
                what,
                type(theirs).__name__,
                medians["ours"],
                medians["peer"] * size.rows / some,
                wanted,
                limit=_bytes_of_epoch(ours, X) / limits["bytes"],
                limit_by="the bytes of its first layer",
                note="; ".join(
                    ["row-sparse steps"] * ours.net_.module_.input.sparse_grad
                    + [f"peer on {some} rows, extrapolated"] * (some < size.rows)
                ),
                runs=runs,
            )
            if "net" in medians:
                seconds = medians["net"] * size.rows / of_net
                note = f"peer on {of_net} rows, extrapolated"
                name = "skorch, densifying dataset"
                yield Row(what, name, medians["ours"], seconds, 10, note=note)
        ours_by_columns.append(medians["ours"])
        if n_columns == size.columns[0]:
            forced = _row_sparse_epoch(X, y, min(3, size.repeats))
    yield Row(
        f"epoch at {size.columns[-1]:,} columns, as many draws",
        f"ours at {size.columns[0]:,}",
        ours_by_columns[-1],
        ours_by_columns[0],
        1 / 2.5,
        why="with few columns dense steps within the cache are faster still",
    )
    yield Row(
        f"epoch at {size.columns[-1]:,} columns, as many draws",
        f"ours at {size.columns[0]:,}, made to take row-sparse steps",
        ours_by_columns[-1],
        forced,
        1 / 2.5,
        why="rows that are scattered in memory, and what they owe at the end of the epoch",
    )
    yield _with_decay(X, y, ours_by_columns[-1], min(3, size.repeats))


def _row_sparse_epoch(X: sparse.csr_array, y: np.ndarray, repeats: int) -> float:
    """Measure our epoch with row-sparse steps where dense steps would be chosen."""
    with rule_for_steps(0.0):
        model = SNClassifier(**SAME_NET).partial_fit(X, y, classes=[0, 1])
    return median_seconds({"ours": lambda: model.partial_fit(X, y)}, repeats)[0]["ours"]


def _with_decay(X: sparse.csr_array, y: np.ndarray, without: float, repeats: int) -> Row:
    """Measure our epoch with the default weight decay, compared with none."""
    model = SNClassifier(**SAME_NET | {"alpha": 1.0}).partial_fit(X, y, classes=[0, 1])
    medians, runs = median_seconds({"ours": lambda: model.partial_fit(X, y)}, repeats)
    what = f"one epoch, CSR, {X.shape[0]:,} x {X.shape[1]:,}, with weight decay (alpha=1)"
    return Row(what, "ours without", medians["ours"], without, runs=runs)


def _bytes_of_epoch(model: Any, X: sparse.csr_array) -> float:
    """Return the bytes that the first layer must move: weights, gradients and moments.

    Its weights are read once in the forward pass. Its gradient is written. The optimizer reads it,
    and reads and writes weights and two moments. Entries are read twice.
    """
    n_batches = -(-X.shape[0] // BATCH)
    touched = X.shape[1]
    if model.net_.module_.input.sparse_grad:
        touched = np.mean([len(np.unique(X[i::n_batches].indices)) for i in range(4)])
    return n_batches * touched * HIDDEN * 4 * (1 + 1 + 1 + 3 + 3) + 2 * X.nnz * 8
