"""Measurements of speed and memory: medians, limits of the machine, data to measure on."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
import skorch
import torch
from scipy import sparse

from .places import ROOT


@dataclass
class Row:
    """One line of the table of speed.

    `ours` and `peer` are in `unit`, and `ratio` is peer / ours. `wanted` is the least ratio that we
    aimed for, and `why` explains a lower one. `limit` is a lower bound of the machine, and
    `limit_by` names it.
    """

    what: str
    peer_name: str
    ours: float
    peer: float
    wanted: float | None = None
    unit: str = "s"
    limit: float | None = None
    limit_by: str = ""
    note: str = ""
    why: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The peer's value divided by ours."""
        return self.peer / self.ours if self.ours else np.inf

    @property
    def is_short(self) -> bool:
        """Whether the ratio is below the one that we aimed for."""
        return self.wanted is not None and self.ratio < self.wanted

    def __str__(self) -> str:
        wanted = "" if self.wanted is None else f"{self.wanted:.2g}"
        ratio = f"{self.ratio:.3g}"
        remarks = [self.note]
        if self.limit is not None:
            remarks.insert(0, f"{self.ours / self.limit:.2g} x {self.limit_by}")
        if self.is_short:
            ratio += " (short)"
            remarks.append(self.why)
        return (
            f"| {self.what} | {self.peer_name} | {figure(self.ours, self.unit)} "
            f"| {figure(self.peer, self.unit)} | {ratio} | {wanted} "
            f"| {'; '.join(filter(None, remarks))} |"
        )


HEADER = (
    "| what | peer | ours | peer's | times better | wanted | ours is |\n"
    "|---|---|---:|---:|---:|---:|---|"
)


def figure(value: float, unit: str) -> str:
    if not np.isfinite(value):
        return "fails"
    if unit == "s" and value < 0.1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} {unit}"


def median_seconds(
    actions: dict[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return median and all wall-clock seconds of actions, run in turns after a warm-up."""
    runs: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(repeats + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            result = action()
            seconds = time.perf_counter() - start
            del result
            if turn:
                runs[name].append(seconds)
    return {name: statistics.median(taken) for name, taken in runs.items()}, runs


def bandwidth() -> float:
    """Measure the bytes a second that a copy between arrays in memory reads and writes."""
    source, target = np.ones(1 << 26, dtype=np.float32), np.zeros(1 << 26, dtype=np.float32)
    seconds, _ = median_seconds({"copy": lambda: np.copyto(target, source)}, 5)
    return 2 * source.nbytes / seconds["copy"]


def multiplications() -> float:
    """Measure the multiply-adds a second of a float32 matrix product with all threads."""
    a = torch.rand(1536, 1536)
    seconds, _ = median_seconds({"product": lambda: a @ a}, 5)
    return 1536**3 / seconds["product"]


def machine() -> dict[str, Any]:
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "bandwidth, GB/s": round(bandwidth() / 1e9, 1),
        "float32 products, G/s": round(multiplications() / 1e9, 1),
    }


def versions() -> dict[str, str]:
    modules = {"numpy": np, "scipy": scipy, "scikit-learn": sklearn, "torch": torch}
    modules["skorch"] = skorch
    named = {name: module.__version__ for name, module in modules.items()}
    return {"python": platform.python_version(), **named}


def save(path: Path, size: str, where: dict[str, Any], rows: list[Row]) -> None:
    """Write rows, machine and versions as JSON."""
    records = [asdict(row) | {"ratio": row.ratio} for row in rows]
    result = {"size": size, "machine": where, "versions": versions(), "rows": records}
    path.write_text(json.dumps(result, indent=1))


def keep(arguments: argparse.Namespace, results: Path, records: list[Any]) -> None:
    """Write records where ``--json`` says; a smoke test leaves the results of the study alone."""
    if not arguments.smoke or arguments.json != results:
        result = {"versions": versions(), "results": records}
        arguments.json.write_text(json.dumps(result, indent=1))


def show(name: str, results: Path, table: Callable[[list[Any]], str]) -> None:
    """Write the table of kept records between the marks of a name in benchmarks/README.md."""
    readme = ROOT / "benchmarks" / "README.md"
    records = json.loads(results.read_text())["results"]
    readme.write_text(insert(readme.read_text(), name, table(records)))


def insert(text: str, name: str, content: str) -> str:
    """Replace a part of a README, between the comments that open and close it."""
    pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- /{name} -->)"
    replaced, count = re.subn(
        pattern, lambda match: match[1] + content + match[2], text, flags=re.DOTALL
    )
    if count != 1:
        sys.exit(f"README.md has {count} parts named {name}, expected 1")
    return replaced


def zipf_rows(n_rows: int, n_columns: int, per_row: int, seed: int = 0) -> sparse.csr_array:
    """Return rows whose entries fall on columns with probability 1 / rank, in random order.

    Entries that fall on the same column of a row become one entry.
    """
    rng = np.random.default_rng(seed)
    cumulated = np.cumsum(1 / np.arange(1, n_columns + 1))
    drawn = np.searchsorted(cumulated, rng.uniform(0, cumulated[-1], size=(n_rows, per_row)))
    shuffled = rng.permutation(n_columns).astype(np.int32)
    columns = np.sort(shuffled[drawn], axis=1)
    first = np.ones(columns.shape, dtype=bool)
    np.not_equal(columns[:, 1:], columns[:, :-1], out=first[:, 1:])
    starts = np.concatenate([[0], np.cumsum(first.sum(axis=1))]).astype(np.int32)
    values = rng.uniform(0.5, 1.5, size=starts[-1])
    return sparse.csr_array((values, columns[first], starts), shape=(n_rows, n_columns))


def even_rows(n_rows: int, n_columns: int, per_row: int, seed: int = 0) -> sparse.csr_array:
    """Return rows with equal numbers of entries, one in each of equal ranges of the columns."""
    rng = np.random.default_rng(seed)
    stretch = n_columns // per_row
    columns = rng.integers(stretch, size=(n_rows, per_row), dtype=np.int32)
    columns += np.arange(per_row, dtype=np.int32) * stretch
    starts = np.arange(0, columns.size + 1, per_row, dtype=np.int32)
    values = rng.uniform(0.5, 1.5, size=columns.size)
    return sparse.csr_array((values, columns.ravel(), starts), shape=(n_rows, n_columns))


def in_fresh_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module in a process of its own, for its peak memory, and return the JSON it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode != 0:
        sys.exit(f"{module} {' '.join(arguments)} failed:\n{done.stderr or 'it was killed'}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_bytes() -> int:
    """Return the peak memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage inherits the parent's value there
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
