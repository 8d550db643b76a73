"""The benchmark scripts run on small data, and fail loudly where the real data is missing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
pytestmark = pytest.mark.slow


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


def test_defaults(tmp_path):
    result = run("run", "defaults", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    assert "breast cancer" in result.stdout
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["versions"]["torch"]
    assert len(written["results"]) >= 2


def test_jobs():
    result = run("run", "jobs", "--smoke")
    assert result.returncode == 0, result.stderr
    assert "n_jobs=1 takes" in result.stdout


def test_sampled(tmp_path):
    result = run("run", "sampled", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    ratios = json.loads((tmp_path / "r.json").read_text())["ratios"]
    assert [row["share"] for row in ratios] == [0.02, 0.05, 0.1, 0.2, 0.4, 0.8]
    assert all(row["ratio"] > 0 for row in ratios)


def test_claims():
    before = sorted(RESULTS.iterdir())
    result = run("run", "claims", "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    for method in (
        "SN, tuned",
        "MLP, SoftImpute",
        "HistGradientBoosting",
        "LinearSVC, L2",
    ):
        assert re.search(rf"(AUROC|accuracy) \| {re.escape(method)} \| 0\.\d+ ±", result.stdout)
    assert "average rank, 2 sets" in result.stdout
    assert sorted(RESULTS.iterdir()) == before


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("mechanisms", "| digits | ObservedNorm |"),
        ("conditions", "| digits, accuracy | 160 | raw | 3 x 64 tanh |"),
        ("conditions", "| data | network | none | batch (p) | layer (p) | sparsity (p) |"),
        ("capacity", "| digits, convolutions, batch norm, dropout | 2 |"),
    ],
)
def test_what_happens_inside(script, expected):
    before = sorted(RESULTS.iterdir())
    result = run("run", script, "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    assert expected in result.stdout
    assert sorted(RESULTS.iterdir()) == before


@pytest.mark.parametrize("script", ["claims", "mechanisms", "conditions", "capacity"])
def test_evidence_without_data(script):
    result = run("run", script, SKSN_DATA="")
    assert result.returncode != 0
    assert "SKSN_DATA must name the folder" in result.stderr


def test_movielens():
    """Ours on tiny ratings; that nothing is written but where asked is what git would show."""
    before = sorted(RESULTS.iterdir())
    result = run("run", "movielens", "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("RMSE 0.") == 2
    assert "2 units, power 0.0" in result.stdout
    assert sorted(RESULTS.iterdir()) == before


def test_lists():
    before = sorted(RESULTS.iterdir())
    result = run("run", "lists", "--smoke", SKSN_DATA="")
    assert result.returncode == 0, result.stderr
    for method in ("SNRecommender", "SNRecommender, power 0", "EASE", "most popular"):
        assert re.search(rf"\| smoke \| {method} \| 0\.\d+ \|", result.stdout)
    assert "| smoke | regression | least active tenth | 0." in result.stdout
    assert sorted(RESULTS.iterdir()) == before


def test_movielens_without_data():
    result = run("run", "movielens", "u1", SKSN_DATA="")
    assert result.returncode != 0
    assert "SKSN_DATA must name the folder" in result.stderr


def test_speed(tmp_path):
    """Every part runs, and what it finds is written whole."""
    result = run("run", "speed", "--smoke", "--json", tmp_path / "speed.json", SKSN_DATA="")
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
    result = run("run", "row_sparse", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    written = json.loads((tmp_path / "r.json").read_text())
    assert [row["steps"] for row in written["results"]][:2] == ["dense", "row-sparse"]


def test_outliers(tmp_path):
    result = run("run", "outliers", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    (record,) = json.loads((tmp_path / "r.json").read_text())["results"]
    means = {name: sum(scores) / len(scores) for name, scores in record["runs"].items()}
    assert means["fences, absurd"] > means["plain, absurd"] + 0.01


def test_as_brought(tmp_path):
    result = run("run", "as_brought", "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    for record in json.loads((tmp_path / "r.json").read_text())["results"]:
        scores = {method: of["score"] for method, of in record["scores"].items()}
        assert scores["SN"] > max(scores.values()) - 0.02


@pytest.mark.parametrize("folder", ["", "/no/such/folder"])
def test_without_data(folder):
    result = run("run", "defaults", SKSN_DATA=folder)
    assert result.returncode == 1
    assert "SKSN_DATA must name the folder with the benchmark data" in result.stderr


def test_what_is_asked_for_wrongly_is_named():
    for arguments, message in (
        (("run", "nothing"), "invalid choice: 'nothing'"),
        (("report", "jobs"), "jobs has nothing to report"),
        (("run",), "run needs a study"),
    ):
        result = run(*arguments)
        assert result.returncode == 2
        assert message in result.stderr


def test_the_studies_are_listed():
    result = run("list")
    assert result.returncode == 0
    assert {line.split()[0] for line in result.stdout.splitlines()} >= {"claims", "movielens"}
