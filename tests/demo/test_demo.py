import csv
import sys
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris

import sksn
from sksn.__main__ import main
from sksn._demo._compare import compare, format_table, group_score, models
from sksn._demo._tables import Table, TableError, built_in, read_csv, remove_cells
from sksn.inspection._row_groups import row_groups

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def write_csv(path, header, rows, separator=","):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(header)
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def iris_csv(tmp_path):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    rng = np.random.RandomState(0)
    rows = [
        [x if rng.uniform() > 0.3 else "NA" for x in row] + [names[label]]
        for row, label in zip(X, y, strict=True)
    ]
    return write_csv(tmp_path / "iris.csv", ["a", "b", "c", "d", "species"], rows)


def test_the_demo_runs(tmp_path, capsys):
    picture = tmp_path / "demo.png"
    assert main(["--quick", "--output", str(picture)]) == 0
    shown = capsys.readouterr()
    for model in ("SN, power 1 ", "SN, power 1/2", "no SN", "SimpleImputer + MLP", "HistGradient"):
        assert shown.out.count(f"\n| {model}") == 2
    assert "AUROC is the chance that" not in shown.out, "scores of a smoke test mean nothing"
    assert "should follow the outcome" in shown.out
    assert "fit/s" in shown.err, "a progress bar"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_table_of_the_users_own(iris_csv, tmp_path, capsys):
    options = ["--quick", "--output", str(tmp_path / "own.png")]
    assert main(["--data", iris_csv, "--target", "species", *options]) == 0
    shown = capsys.readouterr().out
    assert "150 rows, 4 features, 32 % of the cells missing, multiclass" in shown
    assert "| iris.csv | accuracy" in shown


def test_a_model_is_saved(tmp_path, capsys):
    random = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "town": random.choice(["a", "b", "c"], 60),
            "x": np.where(random.uniform(size=60) < 0.2, np.nan, random.normal(size=60)),
            "day": pd.date_range("2024-01-01", periods=60),
            "y": ["yes", "no"] * 30,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    path = str(tmp_path / "model.joblib")
    options = ["--quick", "--output", str(tmp_path / "t.png"), "--save", path]
    assert main(["--data", str(tmp_path / "t.csv"), "--target", "y", *options]) == 0
    assert f"joblib.load({path!r}).predict(frame)" in capsys.readouterr().out
    model = joblib.load(path)
    assert model.feature_names_in_.tolist() == ["town", "x", "day"]
    assert set(model.predict(frame.drop(columns="y"))) <= {"yes", "no"}
    options[-1] = str(tmp_path / "nowhere" / "model.joblib")
    assert main(["--data", str(tmp_path / "t.csv"), "--target", "y", *options]) == 2


def test_the_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"sksn {sksn.__version__}\n"


def test_the_peer_of_a_regression_standardizes_y(tmp_path):
    """As the network does; without, it cannot learn y in the thousands."""
    X, y = load_diabetes(return_X_y=True)
    table = Table("d", X, y * 1e4, "regression")
    peer = models(table, seed=0)["SimpleImputer + MLP"]
    assert peer.fit(X, y * 1e4).score(X, y * 1e4) > 0.3


def test_a_complete_table_is_told_that_nothing_changes(tmp_path, capsys):
    X, y = load_diabetes(return_X_y=True)
    path = write_csv(tmp_path / "d.csv", ["x", "y"], np.column_stack([X[:, 2], y]))
    options = ["--data", path, "--target", "y", "--quick", "--output", str(tmp_path / "d.png")]
    assert main(options) == 0
    assert "nothing is missing, so SN changes nothing" in capsys.readouterr().out
    assert main([*options, "--holes"]) == 0
    shown = capsys.readouterr().out
    assert "further cells removed" in shown
    assert "| d.csv | R2" in shown


class TestOneLineOfError:
    def failure(self, capsys, *arguments):
        assert main([*map(str, arguments), "--quick"]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("sksn: ")
        assert shown.err.count("\n") == 1
        return shown.err

    def test_a_missing_file(self, capsys, tmp_path):
        path = tmp_path / "absent.csv"
        error = self.failure(capsys, "--data", path, "--target", "y")
        assert f"cannot read {path}: No such file" in error

    def test_an_absent_column(self, capsys, iris_csv):
        error = self.failure(capsys, "--data", iris_csv, "--target", "colour")
        assert "has no column 'colour'; its columns are a, b, c, d, species" in error

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is empty"),
            ("a,b\n", "has a header but no rows"),
            (",,\n", "has a header but no rows"),
            ('""\n', "has a header but no rows"),
            ("a,b\n1,2,,,,3\n", "data row 1 has 6 cells, the header 2"),
            ("a,b\n1,2\n", "has 1 rows with a 'b'; at least 20 are needed"),
            ("a,b\n1,2,3\n", "data row 1 has 3 cells, the header 2"),
            ("a,a\n1,2\n", "two columns of the same name"),
            ("a,b\n" + "1,x\n" * 30, "'b' has only one value, 'x'"),
            ("b\n" + "1\n2\n" * 30, "no usable column beside 'b'"),
            (
                "a,b\n" + "1,x\n1,y\n" * 30 + "1,z\n" * 4,
                "class 'z' of 'b' has 4 rows, fewer than the 5",
            ),
            ("a,b\n" + "1,2\n1,inf\n" * 30, "'b' has infinite or huge entries"),
            (
                'a,b\n"1,x\n',
                "is not a CSV file that can be read: Error tokenizing data",
            ),
        ],
    )
    def test_tables_that_cannot_be_used(self, capsys, tmp_path, content, message):
        path = tmp_path / "bad.csv"
        path.write_text(content)
        assert message in self.failure(capsys, "--data", path, "--target", "b")

    def test_text_targets_with_too_many_values(self, capsys, tmp_path):
        path = write_csv(tmp_path / "t.csv", ["a", "b"], [[i, f"name {i}"] for i in range(30)])
        error = self.failure(capsys, "--data", path, "--target", "b")
        assert "'b' is text with 30 values, too many classes" in error

    def test_bytes_that_are_no_text(self, capsys, tmp_path):
        path = tmp_path / "b.csv"
        path.write_bytes(b"a,b\n\xff\xfe")
        assert "is not UTF-8 text" in self.failure(capsys, "--data", path, "--target", "b")

    @pytest.mark.parametrize(
        ("output", "message"),
        [("no/such/folder.png", "there is no such folder"), ("x.jpg", "must name a .png file")],
    )
    def test_a_picture_that_cannot_be_written(self, capsys, tmp_path, output, message):
        assert message in self.failure(capsys, "--output", tmp_path / output)

    def test_a_model_that_cannot_be_written(self, capsys, tmp_path):
        """It is found out before the table is read."""
        path = tmp_path / "no" / "model.joblib"
        found = self.failure(capsys, "--data", "x.csv", "--target", "y", "--save", path)
        assert f"cannot write {path}: there is no such folder" in found

    @pytest.mark.parametrize(
        "arguments", [["--data", "x"], ["--target", "x"], ["--holes"], ["--seed", "-1"]]
    )
    def test_arguments_that_need_each_other(self, arguments, capsys):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "error: --" in capsys.readouterr().err


class TestReading:
    def test_columns_are_encoded_and_it_is_said_how(self, tmp_path):
        colours, letters = ["red", "green", "blue", "?"], "abcdefghijklmnopqrstuvwxyz"
        rows = [
            [i, colours[i % 4], "yes" if i % 2 else "no", letters[i % 26] + "x", "", i % 3]
            for i in range(60)
        ]
        rows[5][5] = ""
        header = ["n", "colour", "flag", "id", "nothing", "label"]
        table = read_csv(write_csv(tmp_path / "t.csv", header, rows, separator=";"), "label")
        assert table.X.shape == (59, 1 + 3 + 1)
        assert table.task == "multiclass"
        blue, green, red = table.X[:, 1], table.X[:, 2], table.X[:, 3]
        np.testing.assert_array_equal(red[:4], [1, 0, 0, np.nan])
        np.testing.assert_array_equal(green[:4], [0, 1, 0, np.nan])
        np.testing.assert_array_equal(blue[:4], [0, 0, 1, np.nan])
        np.testing.assert_array_equal(table.X[:4, 4], [1, 0, 1, 0])
        notes = "\n".join(table.notes)
        for said in (
            "left out 1 rows whose 'label' is missing",
            "'colour': 3 categories as 3 columns of 0 and 1",
            "'flag': 2 categories as 1 columns",
            "left out 'id': text with 26 different values",
            "left out 'nothing': nothing in it is known",
        ):
            assert said in notes

    def test_many_numbers_are_regressed(self, tmp_path):
        path = write_csv(tmp_path / "r.csv", ["a", "b"], [[i, i / 7] for i in range(40)])
        table = read_csv(path, "b")
        assert table.task == "regression"
        np.testing.assert_allclose(table.y, np.arange(40) / 7)

    def test_infinite_entries_are_missing_and_it_is_said(self, tmp_path):
        rows = [[i if i else "inf", "x" if i % 2 else "y"] for i in range(30)]
        table = read_csv(write_csv(tmp_path / "i.csv", ["a", "b"], rows), "b")
        assert np.isnan(table.X[0, 0])
        assert "'a': 1 infinite or huge entries taken as missing" in table.notes

    def test_tabs_and_quotes(self, tmp_path):
        path = tmp_path / "t.tsv"
        body = "".join(f'"{i % 7}"\t"a\tb"\t"{"xy"[i % 2]}"\n' for i in range(30))
        path.write_text('\n"n"\t"two\nlines"\t"label"\n' + body)
        table = read_csv(str(path), "label")
        np.testing.assert_array_equal(table.X[:9, 0], [*range(7), 0, 1])
        assert sorted(set(table.y)) == ["x", "y"]

    def test_byte_order_mark_and_quotes(self, tmp_path):
        path = tmp_path / "q.csv"
        body = '"a, first",b\n' + '"1",x\n"2",y\n' * 10
        path.write_bytes(b"\xef\xbb\xbf" + body.encode())
        assert read_csv(str(path), "b").X.shape == (20, 1)

    def test_cells_may_hold_line_breaks(self, tmp_path):
        rows = [[i, "two\nlines" if i % 2 else "one"] for i in range(30)]
        table = read_csv(write_csv(tmp_path / "l.csv", ["a", "b"], rows), "b")
        assert sorted(set(table.y)) == ["one", "two\nlines"]

    def test_a_column_that_numbers_the_rows_is_no_feature(self, tmp_path):
        """Rows sorted by class would be told apart by it."""
        for name, start in (("", 0), ("Unnamed: 0", 0), ("id", 1)):
            rows = [[i + start, i % 7, "xy"[i // 15]] for i in range(30)]
            table = read_csv(write_csv(tmp_path / "i.csv", [name, "a", "b"], rows), "b")
            assert table.X.shape == (30, 1)
            assert f"left out the first column, {name!r}: it numbers the rows" in table.notes
        rows = [[7 * i, i % 7, "xy"[i // 15]] for i in range(30)]
        table = read_csv(write_csv(tmp_path / "i.csv", ["id", "a", "b"], rows), "b")
        assert table.X.shape == (30, 2)

    def test_dates_are_numbers(self, tmp_path):
        days = pd.date_range("2024-01-01", periods=40)
        rows = [["NA" if i == 3 else day.date(), i % 2] for i, day in enumerate(days)]
        table = read_csv(write_csv(tmp_path / "d.csv", ["day", "y"], rows), "y")
        assert table.X.shape == (40, 3)
        assert "'day': dates as seconds and 2 columns of cycles" in table.notes
        assert np.isnan(table.X[3]).all()
        np.testing.assert_array_equal(np.diff(table.X[5:, 0]), 86400)
        np.testing.assert_allclose(table.X[7, 1:], table.X[0, 1:], atol=1e-9)

    def test_compressed_files_and_parquet(self, tmp_path):
        frame = pd.DataFrame({"a": np.arange(30.0) / 4, "b": ["x", "y"] * 15, "c": range(30)})
        frame.loc[3, "a"] = np.nan
        for name in ("t.csv", "t.csv.gz"):
            frame.to_csv(tmp_path / name, index=False)
        frame.to_parquet(tmp_path / "t.parquet")
        plain, zipped, parquet = (
            read_csv(str(tmp_path / name), "b") for name in ("t.csv", "t.csv.gz", "t.parquet")
        )
        np.testing.assert_array_equal(zipped.X, plain.X)
        np.testing.assert_array_equal(parquet.X, plain.X)
        for name in ("damaged.gz", "damaged.parquet"):
            (tmp_path / name).write_bytes(b"no such file")
            with pytest.raises(TableError, match=name):
                read_csv(str(tmp_path / name), "b")

    def test_errors_are_table_errors(self, tmp_path):
        with pytest.raises(TableError, match="Is a directory"):
            read_csv(str(tmp_path), "b")


def test_holes_differ_from_row_to_row():
    X = remove_cells(np.zeros((2000, 100)), seed=0)
    share = np.isnan(X).mean(axis=1)
    assert abs(share.mean() - 0.49) < 5 * 0.98 / np.sqrt(12 * 2000)
    assert share.std() > 0.25


def test_bins_hold_every_row_once_in_order_of_n():
    n = np.random.RandomState(0).randint(0, 9, size=100)
    bins = row_groups(n)
    assert sorted(np.concatenate(bins)) == list(range(100))
    edges = [(n[rows].min(), n[rows].max()) for rows in bins]
    assert all(a[1] <= b[0] for a, b in zip(edges[:-1], edges[1:], strict=True))
    assert len(row_groups(np.full(10, 3))) == 1


def test_scores_are_those_of_out_of_fold_predictions():
    _, table = built_in(seed=0)
    results = compare(table, seed=0, n_folds=2, quick=True)
    for result in results.values():
        assert np.isfinite(result.output).all()
        assert result.scores.mean() > 0.8
        assert group_score(table, result, np.arange(len(table.y))) > 0.8
    assert np.isnan(group_score(table, result, np.flatnonzero(table.y == 1)))
    assert format_table(table, results).count("\n") == 1 + len(results)


def test_figures_are_explained(tmp_path, capsys, monkeypatch):
    quickly = partial(compare, seed=0, n_folds=2, quick=True)
    monkeypatch.setattr("sksn._demo._compare.compare", lambda table, **ignored: quickly(table))
    assert main(["--output", str(tmp_path / "demo.png")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for table in built_in(seed=0):
        assert table.meaning in shown


@pytest.mark.slow
def test_sn_matters_in_the_first_table_and_not_in_the_second():
    raw, centred = (compare(table, seed=0, n_folds=3) for table in built_in(seed=0))
    means = [{name: r.scores.mean() for name, r in each.items()} for each in (raw, centred)]
    assert means[0]["SN, power 1"] > means[0]["no SN (power 0)"] + 0.04
    assert abs(means[1]["SN, power 1/2"] - means[1]["no SN (power 0)"]) < 0.01


def test_the_mlp_gets_the_preparation_of_the_network():
    raw, centred = (models(table, seed=0) for table in built_in(seed=0))
    zeros, mlp = raw["SimpleImputer + MLP"]
    network = raw["no SN (power 0)"]
    assert zeros.strategy == "constant"
    assert zeros.fill_value == 0
    assert mlp.hidden_layer_sizes == network.hidden_layer_sizes
    assert mlp.activation == network.activation
    means, *_ = centred["SimpleImputer + MLP"]
    assert means.add_indicator


def test_regression_bins_use_absolute_errors():
    table = Table("t", np.zeros((2, 1)), np.array([1.0, 3.0]), "regression")
    result = type("R", (), {"predicted": np.array([2.0, 5.0])})
    assert group_score(table, result, np.array([0, 1])) == -1.5


def test_without_matplotlib_the_table_still_comes(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["--quick", "--output", str(tmp_path / "x.png")]) == 0
    assert "install matplotlib" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a$x^$b.csv", "a\x1b[31mb.csv", "$\\frac$.csv"])
def test_names_may_hold_any_character(tmp_path, capsys, name):
    labels = ["$5_$", "$\\x$", "\x1b[2J"]
    rows = [[x, x if x % 3 else 1e300, labels[x % 3]] for x in range(60)]
    path = write_csv(tmp_path / name, ["$a_$", "b\x1b]0;title\x07", "$y^$"], rows)
    options = ["--quick", "--output", str(tmp_path / "$^$.png")]
    assert main(["--data", path, "--target", "$y^$", *options]) == 0
    shown = capsys.readouterr()
    assert "20 infinite or huge entries taken as missing" in shown.out
    assert "\x1b" not in shown.out + shown.err.replace("\x1b[A", "")  # a progress bar moves up
    assert main(["--data", path, "--target", "no\x1b[2J", *options]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_extreme_numbers_to_predict_are_refused_before_training(tmp_path, capsys):
    rows = [[x, 10.0**x * 1e290] for x in range(40)]
    path = write_csv(tmp_path / "d.csv", ["x", "y"], [[a, min(b, 1e307)] for a, b in rows])
    assert main(["--data", path, "--target", "y", "--output", str(tmp_path / "d.png")]) == 2
    assert "'y' has infinite or huge entries" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_found_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sksn._demo._compare.compare", None)
    (tmp_path / "folder.png").mkdir()
    long = "x" * 300 + ".png"
    for path in (tmp_path / "folder.png", tmp_path / long, tmp_path / "none" / "a.png"):
        assert main(["--output", str(path)]) == 2
        assert "cannot write" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_a_check_of_the_output_leaves_it_as_it_was(tmp_path):
    from sksn.__main__ import _check_writable

    (tmp_path / "old.png").write_bytes(b"old")
    _check_writable(str(tmp_path / "old.png"))
    _check_writable(str(tmp_path / "new.png"))
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert not (tmp_path / "new.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_leads_nowhere_stays_a_link(tmp_path):
    from sksn.__main__ import _check_writable

    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    _check_writable(str(tmp_path / "link.png"))
    assert (tmp_path / "link.png").is_symlink()
