"""Measurements that need a process of their own, for its peak memory; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPRegressor
from torch import nn

from sksn import SNRegressor

from ..common.measuring import peak_bytes, zipf_rows
from .peers import BATCH, SAME_NET, SKLEARN_NET, DensifyingRows, densifying_net


def child(task: str, *arguments: str) -> dict[str, Any]:
    """Run one measurement."""
    tiny = zipf_rows(50, 20, 5)
    SNRegressor(max_epochs=1).fit(tiny, np.arange(50.0))  # imports before the measurement
    imports = peak_bytes()
    if task == "fit":
        X = sparse.csr_array(sparse.load_npz(arguments[0]))
        y = np.random.default_rng(0).normal(size=X.shape[0])
        model = SNRegressor(**SAME_NET | {"alpha": 1.0}, max_epochs=1).fit(X, y)
        parameters = sum(p.numel() for p in model.net_.module_.parameters())
        return {"peak": peak_bytes() - imports, "parameters": parameters}
    who, n = arguments[0], int(arguments[1])
    some = n if who == "ours" else 2 * BATCH
    X = zipf_rows(some, n, 50)
    y = np.random.default_rng(0).normal(size=some)
    if who == "ours":
        start = time.perf_counter()
        SNRegressor(**SAME_NET, max_epochs=1).fit(X, y)
        return {"seconds": time.perf_counter() - start, "peak": peak_bytes()}
    if who == "MLPRegressor":
        theirs = MLPRegressor(**SKLEARN_NET).partial_fit(X[:BATCH], y[:BATCH])
        start = time.perf_counter()
        theirs.partial_fit(X[BATCH:], y[BATCH:])
    else:
        net = densifying_net(n, 1, nn.MSELoss)
        target = y.astype(np.float32)[:, None]
        net.partial_fit(DensifyingRows(X[:BATCH], target[:BATCH]), None)
        start = time.perf_counter()
        net.partial_fit(DensifyingRows(X[BATCH:], target[BATCH:]), None)
    return {"seconds": (time.perf_counter() - start) * n / BATCH, "peak": peak_bytes()}


if __name__ == "__main__":
    print(json.dumps(child(*sys.argv[1:])))
