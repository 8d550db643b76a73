"""The benchmark scripts run on small data, and fail loudly where the real data is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("task", ["choose", "report"])
def test_defaults(task, tmp_path):
    result = run(BENCHMARKS / "defaults.py", task, "--smoke", "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    assert "breast cancer" in result.stdout
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["versions"]["torch"]
    assert len(written["results"]) >= 2


def test_jobs():
    result = run(BENCHMARKS / "jobs.py", "--smoke")
    assert result.returncode == 0, result.stderr
    assert "n_jobs=1 takes" in result.stdout


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
    for name in ("demo", "report"):
        written = readme.insert(text, name, "| new |\n")
        assert "| new |\n<!-- /" in written
        assert readme.insert(written, name, "| new |\n") == written
    with pytest.raises(SystemExit, match=r"README\.md has 0 parts named nothing"):
        readme.insert(text, "nothing", "")
