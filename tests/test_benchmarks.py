"""The benchmark scripts run on small data, and fail loudly where the real data is missing."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=BENCHMARKS.parent,
        env=os.environ | environment,
    )


@pytest.fixture
def stats(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("_stats")


def test_defaults(tmp_path):
    result = run(BENCHMARKS / "defaults.py", "choose", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    assert "breast cancer" in result.stdout
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["versions"]["torch"]
    assert len(written["results"]) >= 2


def test_jobs():
    result = run(BENCHMARKS / "jobs.py", "--smoke")
    assert result.returncode == 0, result.stderr
    assert "n_jobs=1 takes" in result.stdout


def test_sampled(tmp_path):
    result = run(BENCHMARKS / "sampled.py", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    ratios = json.loads((tmp_path / "r.json").read_text())["ratios"]
    assert [row["share"] for row in ratios] == [0.02, 0.05, 0.1, 0.2, 0.4, 0.8]
    assert all(row["ratio"] > 0 for row in ratios)


def test_claims():
    before = sorted((BENCHMARKS / "results").iterdir())
    result = run(BENCHMARKS / "claims.py", "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    for method in (
        "SN, tuned",
        "MLP, SoftImpute",
        "HistGradientBoosting",
        "LinearSVC, L2",
    ):
        assert re.search(rf"(AUROC|accuracy) \| {re.escape(method)} \| 0\.\d+ ±", result.stdout)
    assert "average rank, 2 sets" in result.stdout
    assert sorted((BENCHMARKS / "results").iterdir()) == before


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("mechanisms.py", "| digits | ObservedNorm |"),
        ("conditions.py", "| digits, accuracy | 160 | raw | 3 x 64 tanh |"),
        ("conditions.py", "| data | network | none | batch (p) | layer (p) | sparsity (p) |"),
        ("capacity.py", "| digits, convolutions, batch norm, dropout | 2 |"),
    ],
)
def test_what_happens_inside(script, expected):
    before = sorted((BENCHMARKS / "results").iterdir())
    result = run(BENCHMARKS / script, "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    assert expected in result.stdout
    assert sorted((BENCHMARKS / "results").iterdir()) == before


@pytest.mark.parametrize("script", ["claims", "mechanisms", "conditions", "capacity"])
def test_evidence_without_data(script):
    result = run(BENCHMARKS / f"{script}.py", "run", SKSN_DATA="")
    assert result.returncode != 0
    assert "SKSN_DATA must name the folder" in result.stderr


class TestStatistics:
    def test_cliques_are_the_largest_groups_within_the_gap(self, stats):
        assert stats.cliques([4.0, 1.0, 2.0, 2.5, 6.0], 1.5) == [(1.0, 2.5), (2.5, 4.0)]
        assert stats.cliques([1.0, 3.0], 1.5) == []

    def test_the_corrected_test_by_hand(self, stats):
        """Mean 2, variance 1, k = 3: t = 2 / sqrt(1/3 + 1/4), with 2 degrees of freedom."""
        mean, p = stats.corrected_test(np.array([1.0, 2.0, 3.0]), n_train=40, n_test=10)
        t = 2 / np.sqrt(7 / 12)
        assert mean == 2
        assert p == pytest.approx(1 - t / np.sqrt(2 + t**2))  # Student's with 2 degrees of freedom
        assert stats.corrected_test(np.zeros(3), 40, 10) == (0, 1)
        assert stats.corrected_test(np.ones(3), 40, 10) == (1, 0)

    def test_ranks(self, stats):
        scores = np.array([[0.9, 0.5], [0.8, 0.5], [0.7, 0.9]])
        assert stats.average_ranks(scores).tolist() == [1.75, 2.25, 2]

    @pytest.mark.parametrize(("k", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
    def test_critical_differences_are_those_of_demsar(self, stats, k, q):
        """His table 5 (a), to three digits."""
        expected = q * np.sqrt(k * (k + 1) / (6 * 14))
        assert stats.critical_difference(k, 14) == pytest.approx(expected, abs=1e-3)


def test_movielens():
    """Ours on tiny ratings; that nothing is written but where asked is what git would show."""
    before = sorted((BENCHMARKS / "results").iterdir())
    result = run(BENCHMARKS / "movielens.py", "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("RMSE 0.") == 2
    assert "2 units, power 0.0" in result.stdout
    assert sorted((BENCHMARKS / "results").iterdir()) == before


def test_movielens_without_data():
    result = run(BENCHMARKS / "movielens.py", "run", "u1", SKSN_DATA="")
    assert result.returncode != 0
    assert "SKSN_DATA must name the folder" in result.stderr


def test_speed(tmp_path):
    """Every part runs, and what it finds is written whole."""
    result = run(
        BENCHMARKS / "speed.py", "--smoke", "--json", tmp_path / "speed.json", SKSN_DATA=""
    )
    assert result.returncode == 0, result.stderr
    written = json.loads((tmp_path / "speed.json").read_text())
    assert written["machine"]["bandwidth, GB/s"] > 0
    assert len(written["rows"]) == result.stdout.count("\n| ") - 1  # one line is the header
    for row in written["rows"]:
        assert row["ours"] > 0, row
        assert row["peer"] > 0, row
        assert row["ratio"] == pytest.approx(row["peer"] / row["ours"])
    for part in (
        "transform, CSR",
        "transform, dense",
        "one epoch, CSR, 600 x 100,",
        "one epoch, CSR, 600 x 2,000,",
        "one epoch, CSR, 2,000 x 2,000,",
        "one epoch, dense",
        "epoch at 2,000 columns",
        "fit, dense",
        "predict",
        "peak memory of fit",
        "its peak memory",
        "training to the lowest validation loss of the peer, digits",
    ):
        assert any(row["what"].startswith(part) for row in written["rows"]), part


def test_row_sparse(tmp_path):
    result = run(BENCHMARKS / "row_sparse.py", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    written = json.loads((tmp_path / "r.json").read_text())
    assert [row["steps"] for row in written["results"]] == ["dense steps", "row-sparse steps"]


def test_the_data_to_measure_on(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _timing

    for X in (_timing.zipf_rows(200, 1000, 30), _timing.even_rows(200, 900, 30)):
        whole = sparse.csr_array((X.data, X.indices, X.indptr), shape=X.shape)
        assert whole.has_canonical_format
        whole.check_format(full_check=True)
    assert (np.diff(X.indptr) == 30).all()
    counts = np.sort(np.bincount(_timing.zipf_rows(20_000, 1000, 5).indices))[::-1]
    # rank 10 is ten times as rare as rank 1, but for rows that drew that column twice
    assert counts[9] / counts[0] == pytest.approx(1 / 10, rel=0.5)


@pytest.mark.parametrize("folder", ["", "/no/such/folder"])
def test_without_data(folder):
    result = run(BENCHMARKS / "defaults.py", "choose", SKSN_DATA=folder)
    assert result.returncode == 1
    assert "SKSN_DATA must name the folder with the benchmark data" in result.stderr


def test_the_readme_can_be_rewritten():
    """The parts that ``make readme`` replaces are there, once each."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import readme
    finally:
        sys.path.remove(str(BENCHMARKS))
    text = (BENCHMARKS.parent / "README.md").read_text()
    for name in ("demo", "claims", "ratings", "speed"):
        written = readme.insert(text, name, "| new |\n")
        assert "| new |\n<!-- /" in written
        assert readme.insert(written, name, "| new |\n") == written
    with pytest.raises(SystemExit, match=r"README\.md has 0 parts named nothing"):
        readme.insert(text, "nothing", "")
