"""Downloaded tables of BeyondArena: the list, what is read, and what is refused."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from benchmarks.common.arena import IN_TABARENA, LISTED, listed_in, load_arena, tables_in
from benchmarks.common.data import Frame
from benchmarks.evidence import frames

TABLE = pd.DataFrame(
    {
        "label": pd.Categorical(["yes", "no", "yes", "no"]),
        "town": pd.Categorical(["a", None, "b", "a"]),
        "words": pd.array(["good", None, "bad", "nan"], dtype="string"),
        "x": np.array([0.5, np.nan, 2, 3], dtype=np.float32),
        "count": pd.array([1, None, 3, 4], dtype="Int64"),
        "whole": pd.array([1, 2, 3, 4], dtype="Int32"),
        "flag": pd.array([True, None, False, True], dtype="boolean"),
        "month": pd.PeriodIndex(["2024-01", None, "2024-03", "2024-04"], freq="M"),
        "person": ["p", "q", "p", "q"],
        "visit": [1, 1, 2, 1],
    }
)
TASK = {"target_column_name": "label", "problem_type": "binary_classification"}


def write(folder, name, table=TABLE, *, splits=None, base=None, uuid="0001", **task):
    """Write a table as data-foundry does, with those fields of its metadata that are read."""
    path = folder / base / "versions" / uuid if base else folder / name / uuid
    path.mkdir(parents=True)
    table.to_parquet(path / "dataset.parquet", index=False)
    dtypes = {column: str(dtype) for column, dtype in table.dtypes.items()}
    for file, content in {
        "dtypes": dtypes,
        "container_metadata": {"uuid": uuid},
        "dataset_metadata.dataset-mold-v1": {"unique_name": name},
        "task_metadata.predictive-ml-task-mold-v1": TASK | task,
        "experiment_metadata.predictive-ml-splits-mold-v1": {"splits": splits or {}},
    }.items():
        (path / f"{file}.json").write_text(json.dumps(content))
    return path


def test_values_and_types(tmp_path):
    write(tmp_path, "new")
    frame = load_arena("new", tmp_path)
    assert frame.y.tolist() == ["yes", "no", "yes", "no"]
    assert frame.is_class
    assert frame.groups is None
    assert frame.folds is None
    X = frame.X
    assert list(X) == list(TABLE)[1:]
    assert X["town"].dtype == "category"
    assert X["town"].isna().tolist() == [False, True, False, False]
    assert X["words"].dtype == object
    assert X["words"].isna().tolist() == [False, True, False, False]
    assert X["words"][1] is not pd.NA  # scikit-learn's encoders refuse it
    assert X["words"][3] == "nan"
    assert X["town"].cat.categories.dtype == object
    assert X["x"].dtype == np.float32
    assert X["count"].dtype == X["flag"].dtype == np.float64
    np.testing.assert_array_equal(X["count"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(X["flag"], [1, np.nan, 0, 1])
    assert X["whole"].dtype == np.int32
    first = [pd.Timestamp("2024-01-01"), pd.NaT, pd.Timestamp("2024-03-01")]
    assert X["month"].tolist()[:3] == first


def test_recorded_types_are_restored(tmp_path):
    """A file that holds text: the types are those of dtypes.json. No text "nan" appears."""
    path = write(tmp_path, "new", TABLE.astype({"town": "string", "label": "string"}))
    dtypes = {"town": "category", "label": "category", "words": "str", "whole": "float64"}
    (path / "dtypes.json").write_text(json.dumps(dtypes))
    X = load_arena("new", tmp_path).X
    assert X["town"].dtype == "category"
    assert X["whole"].dtype == np.float64
    assert X["words"].isna().tolist() == [False, True, False, False]


def test_numbers_groups_and_folds(tmp_path):
    """Rows 0 and 2 are of p, in visits 1 and 2; rows 1 and 3 are of one visit of q."""
    write(tmp_path, "one", target_column_name="x", group_on="person", problem_type="regression")
    with pytest.raises(ValueError, match="1 cells of 'x', the target of one, are missing"):
        load_arena("one", tmp_path)
    task = {"target_column_name": "whole", "problem_type": "regression"}
    write(tmp_path, "persons", group_on="person", **task)
    frame = load_arena("persons", tmp_path)
    assert not frame.is_class
    assert frame.y.tolist() == [1, 2, 3, 4]
    assert frame.groups.tolist() == [0, 1, 0, 1]
    assert "person" not in frame.X
    write(tmp_path, "visits", group_on=["person", "visit"], **task)
    frame = load_arena("visits", tmp_path)
    assert frame.groups.tolist() == [0, 1, 2, 1]
    assert not {"person", "visit"} & set(frame.X)
    splits = {"0": {"0": [[0, 1], [2]]}, "1": {"0": [[0, 1, 2], [3]]}}
    write(tmp_path, "later", splits=splits, time_on="month", **task)
    frame = load_arena("later", tmp_path)
    found = [(train.tolist(), test.tolist()) for train, test in frame.folds]
    assert found == [([0, 1], [2]), ([0, 1, 2], [3])]
    assert "month" in frame.X
    write(tmp_path, "drawn", splits=splits, **task)  # shuffled rows get the folds of the study
    assert load_arena("drawn", tmp_path).folds is None


def test_samples_lie_deeper_and_small_tables_come_first(tmp_path):
    write(tmp_path, "sepsis_prediction_1m", base="sepsis_prediction")
    write(tmp_path, "hepatitis_survival_prediction")
    write(tmp_path, "airfoil_self_noise")  # has no missing cells
    assert sorted(tables_in(tmp_path)) == [
        "airfoil_self_noise",
        "hepatitis_survival_prediction",
        "sepsis_prediction_1m",
    ]
    assert listed_in(tmp_path) == ["hepatitis_survival_prediction", "sepsis_prediction_1m"]
    assert len(load_arena("sepsis_prediction_1m", tmp_path).y) == 4
    assert len(load_arena("airfoil_self_noise", str(tmp_path)).y) == 4


def test_the_list():
    """68 tables as counted in the metadata, of which 12 are of TabArena-v0.1."""
    names = [table.name for table in LISTED]
    assert len(names) == len(set(names)) == 68
    assert len(IN_TABARENA) == 12
    assert set(IN_TABARENA) <= set(names)
    cells = [table.n_rows * table.n_features for table in LISTED]
    assert cells == sorted(cells)
    assert all(0 < table.missing < 1 for table in LISTED)
    splits = [table.split for table in LISTED]
    assert [splits.count(s) for s in ("random", "temporal", "grouped")] == [40, 19, 9]
    tasks = [table.task for table in LISTED]
    assert [tasks.count(t) for t in ("binary", "multiclass", "regression")] == [38, 11, 19]


def test_errors_name_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        load_arena("new", tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"has no table new .*It has: no table"):
        load_arena("new", tmp_path)
    write(tmp_path, "other")
    with pytest.raises(FileNotFoundError, match=r"has no table new .*It has: other"):
        load_arena("new", tmp_path)
    write(tmp_path, "other", uuid="0002")
    with pytest.raises(ValueError, match="several versions of other, keep one: 0001, 0002"):
        load_arena("other", tmp_path)


@pytest.mark.parametrize(
    "file", ["dataset.parquet", "dtypes.json", "task_metadata.*.json", "experiment_metadata.*.json"]
)
def test_errors_name_a_file(tmp_path, file):
    path = write(tmp_path, "new", splits={"0": {"0": [[0], [1]]}}, time_on="month")
    load_arena("new", tmp_path)
    next(path.glob(file)).unlink()
    with pytest.raises(FileNotFoundError) as error:
        load_arena("new", tmp_path)
    assert str(error.value) == f"{path} has no file {file}"


@pytest.mark.parametrize("task", [{"target_column_name": "gone"}, {"group_on": ["person", "gone"]}])
def test_errors_name_a_column_of_the_task(tmp_path, task):
    write(tmp_path, "new", **task)
    with pytest.raises(ValueError, match="new has no column 'gone', which its task names"):
        load_arena("new", tmp_path)


def test_errors_name_a_column_of_the_types(tmp_path):
    path = write(tmp_path, "new")
    (path / "dtypes.json").write_text(json.dumps({"gone": "category"}))
    with pytest.raises(ValueError, match=r"dataset\.parquet has no column 'gone' of dtypes\.json"):
        load_arena("new", tmp_path)
    (path / "dtypes.json").write_text(json.dumps({"words": "float64"}))
    with pytest.raises(ValueError, match="column 'words' cannot become float64: "):
        load_arena("new", tmp_path)


class _Shares(BaseEstimator):
    """A model that predicts the share of each training class, and keeps the rows it was given."""

    fitted = ()

    def fit(self, X, y):
        assert np.unique(y).tolist() == list(range(len(np.unique(y))))
        self.shares_ = np.bincount(y) / len(y)
        _Shares.fitted = (*_Shares.fitted, X.index.tolist())
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))


def test_recorded_folds_are_used_and_a_class_may_be_unseen(monkeypatch):
    """Class "b" is unseen in training, and no test row is of "c"."""
    monkeypatch.setattr(_Shares, "fitted", ())
    frame = Frame(
        pd.DataFrame({"x": np.arange(6.0)}),
        np.array(["a", "c", "a", "c", "a", "b"]),
        True,
        folds=[(np.array([0, 1, 2, 3]), np.array([4, 5]))],
    )
    found = frames.compare(frame, _Shares(), lambda X: X)
    assert _Shares.fitted == ([0, 1, 2, 3],)
    assert found["scores"] == [0.5]
    seen = -np.log(0.5)
    unseen = -np.log(np.finfo(np.float64).eps)
    assert found["log_loss"] == [pytest.approx((seen + unseen) / 2, rel=1e-6)]


def test_the_area_is_that_of_each_class_against_the_rest():
    """By hand: of the pairs with a row of the rest, all are right, 2 of 4, and 1 of 3."""
    proba = np.array([[0.8, 0.1, 0.1], [0.1, 0.6, 0.3], [0.1, 0.7, 0.2], [0.0, 0.65, 0.35]])
    y = np.array([0, 1, 2, 1])
    assert frames._auroc(y, proba) == pytest.approx((1 + 2 / 4 + 1 / 3) / 3)


def arguments(*argv):
    parser = argparse.ArgumentParser()
    frames.add_arguments(parser, "run")
    return parser.parse_args(argv)


def test_a_run_keeps_the_results_of_the_tables_of_a_folder(tmp_path, monkeypatch, capsys):
    many = pd.concat([TABLE] * 5, ignore_index=True)
    for name in ("hepatitis_survival_prediction", "heart_disease_hungary", "airfoil_self_noise"):
        write(tmp_path, name, many)
    results = tmp_path / "frames.json"
    results.write_text(json.dumps({"results": [{"data": "chile", "method": "shares"}]}))
    monkeypatch.setattr(frames, "RESULTS", results)
    monkeypatch.setattr(frames, "methods", lambda _: {"shares": (_Shares(), lambda X: X)})

    def kept():
        return [row["data"] for row in json.loads(results.read_text())["results"]]

    frames.run(arguments("--folder", str(tmp_path), "--data", "airfoil_self_noise"))
    assert kept() == ["chile", "airfoil_self_noise"]
    frames.run(arguments("--folder", str(tmp_path)))
    listed = ["hepatitis_survival_prediction", "heart_disease_hungary"]
    assert kept() == ["chile", "airfoil_self_noise", *listed]
    capsys.readouterr()
    frames.run(arguments("--folder", str(tmp_path)))  # nothing is measured again
    assert capsys.readouterr().out == ""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="empty has no table of the list"):
        frames.run(arguments("--folder", str(tmp_path / "empty")))
