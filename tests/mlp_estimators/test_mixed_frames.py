"""Data frames of numbers, text, categories and dates in SNClassifier and SNRegressor."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

from sksn import SNAutoencoder, SNClassifier, SNRegressor
from sksn._training import _category_counts

from .common import ESTIMATORS, SMALL

TOWNS = np.array(["Aalen", "Bonn", "Celle", "Daun"], dtype=object)


@pytest.fixture
def table():
    """Two numbers and a town, some of each missing; the town decides y."""
    random = np.random.RandomState(0)
    town = random.randint(4, size=300)
    frame = pd.DataFrame(
        {
            "town": np.where(random.uniform(size=300) < 0.1, None, TOWNS[town]),
            "a": random.normal(size=300),
            "b": np.where(random.uniform(size=300) < 0.3, np.nan, random.normal(size=300)),
        }
    )
    return frame, (town >= 2).astype(int)


def as_polars(frame, dtype):
    text = pl.Series(
        frame["town"].astype(object).where(frame["town"].notna(), None).tolist(), dtype=pl.String
    )
    return pl.DataFrame({"town": text.cast(dtype), "a": frame["a"], "b": frame["b"]})


def as_pandas(frame, dtype):
    return frame.astype({"town": dtype})


CONTAINERS = {
    "text": lambda frame: as_pandas(frame, "string"),
    "text of pyarrow": lambda frame: as_pandas(frame, "string[pyarrow]"),
    "category": lambda frame: as_pandas(frame, "category"),
    "dictionary": lambda frame: as_pandas(
        frame, pd.ArrowDtype(pytest.importorskip("pyarrow").dictionary(pa_int32(), pa_string()))
    ),
    "ordered": lambda frame: as_pandas(frame, pd.CategoricalDtype(TOWNS, ordered=True)),
    "polars text": lambda frame: as_polars(frame, pl.String),
    "polars category": lambda frame: as_polars(frame, pl.Categorical),
    "polars enum": lambda frame: as_polars(frame, pl.Enum(TOWNS.tolist())),
    "array of objects": lambda frame: frame.to_numpy(dtype=object),
}


def pa_int32():
    return pytest.importorskip("pyarrow").int32()


def pa_string():
    return pytest.importorskip("pyarrow").string()


class TestCategories:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_a_category_is_learned(self, table, estimator):
        X, y = table
        model = estimator(random_state=0).fit(X[:200], y[:200])
        known = X[200:].town.notna()
        assert model.score(X[200:][known], y[200:][known]) > 0.9
        assert model.is_categorical_.tolist() == [True, False, False]
        assert model.feature_names_in_.tolist() == ["town", "a", "b"]
        assert model.n_features_in_ == 3

    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_every_container_gives_the_same(self, table, kind):
        X, y = table
        expected = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        other = CONTAINERS[kind](X)
        assert_array_equal(SNClassifier(**SMALL).fit(other, y).predict_proba(other), expected)

    def test_categories_have_no_order(self, table):
        """Other names, and levels in another order, give the same up to initial weights."""
        X, y = table
        levels = pd.CategoricalDtype(["Daun", "Bonn", "Aalen", "Celle", "nowhere"])
        renamed = X.town.map(dict(zip(TOWNS, ["1", "2", "3", "4"], strict=True)))
        expected = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        for town in (X.town.astype(levels), renamed):
            other = X.assign(town=town)
            assert_allclose(
                SNClassifier(**SMALL).fit(other, y).predict_proba(other), expected, atol=1e-6
            )

    def test_unknown_and_missing_categories_are_unobserved(self, table):
        X, y = table
        levels = pd.CategoricalDtype([*TOWNS, "Erfurt"])
        for frame in (X, X.astype({"town": levels})):
            model = SNClassifier(**SMALL).fit(frame, y)
            new = X[:5].assign(town=["Erfurt", None, np.nan, pd.NA, "nowhere"])
            absent = frame[:5].assign(town=frame.town[:1].where([False]).tolist() * 5)
            absent = absent.astype({"town": object})
            assert_array_equal(model.predict_proba(new), model.predict_proba(absent))

    def test_levels_of_rows_without_weight_are_unknown(self, table):
        X, y = table
        weights = np.where(X.town == "Bonn", 0.0, 1.0)
        weighted = SNClassifier(**SMALL).fit(X, y, sample_weight=weights)
        without = SNClassifier(**SMALL).fit(X[weights > 0], y[weights > 0])
        assert_allclose(weighted.predict_proba(X), without.predict_proba(X), atol=1e-6)

    def test_one_category_counts_as_one_feature(self, table):
        X, y = table
        model = SNClassifier(**SMALL).fit(X, y)
        assert_allclose(model.target_, X.notna().sum(axis=1).mean())

    def test_one_value_and_missing(self):
        """A category that is always the same tells that it is observed."""
        y = np.random.RandomState(0).randint(2, size=400)
        X = pd.DataFrame({"x": np.arange(400.0) % 7, "flag": np.where(y, "yes", None)})
        assert SNClassifier(random_state=0).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) == 1.0

    def test_chosen_by_name_position_and_mask(self, table):
        X, y = table
        X = X.assign(a=(X.a * 2).round())
        expected = SNClassifier(**SMALL, categorical_features=["town", "a"]).fit(X, y)
        assert expected.is_categorical_.tolist() == [True, True, False]
        for chosen in ([0, 1], [True, True, False], np.array([0, 1]), pd.Index(["town", "a"])):
            model = SNClassifier(**SMALL, categorical_features=chosen).fit(X, y)
            assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
        codes = X.drop(columns="town").to_numpy()
        model = SNClassifier(**SMALL, categorical_features=[0]).fit(codes, y)
        assert model.is_categorical_.tolist() == [True, False]
        assert_array_equal(model.predict_proba(codes.tolist()), model.predict_proba(codes))

    def test_categories_of_numbers_where_training_had_numbers(self, table):
        X, y = table
        X = X.drop(columns="town").assign(a=(X.a * 2).round())
        model = SNClassifier(**SMALL).fit(X, y)
        categories = X.assign(a=X.a.where(X.b.notna()).astype("category"))
        numbers = X.assign(a=X.a.where(X.b.notna()))
        assert_array_equal(model.predict_proba(categories), model.predict_proba(numbers))

    def test_a_number_that_means_missing(self, table):
        X, y = table
        X = X.assign(a=(X.a * 2).round().where(X.a > 0, -9))
        options = SMALL | {"categorical_features": ["town", "a"]}
        expected = SNClassifier(**options).fit(X.assign(a=X.a.replace(-9, np.nan)), y)
        marked = SNClassifier(**options, missing_values=-9).fit(X, y)
        assert_array_equal(marked.predict_proba(X), expected.predict_proba(X.replace(-9, np.nan)))

    def test_text_among_numbers(self):
        X = pd.DataFrame({"x": [1, "1", 2.5, None] * 20})
        y = [0, 1, 1, 0] * 20
        model = SNClassifier(random_state=0, input_dropout=0).fit(X, y)
        assert model.predict(X)[:3].tolist() == [0, 1, 1]

    def test_steps_on_the_categories_of_a_batch_give_the_same(self, monkeypatch):
        random = np.random.RandomState(0)
        X = pd.DataFrame({"id": random.randint(100_000, size=1000).astype(str)})
        y = random.randint(2, size=1000)
        options = SMALL | {"dtype": "float64", "lr": 1e-3, "batch_size": 16}
        few = SNClassifier(**options).fit(X, y)
        monkeypatch.setattr(_category_counts.CategoryCounts, "are_many", lambda self, size: False)
        every = SNClassifier(**options).fit(X, y)
        assert few.net_.module_.input.sparse_grad
        assert not every.net_.module_.input.sparse_grad
        assert_allclose(few.predict_proba(X), every.predict_proba(X), atol=1e-3)

    def test_time_does_not_scale_with_categories(self):
        """A hundred thousand declared categories take steps only where rows have them."""
        levels = pd.CategoricalDtype(np.arange(100_000).astype(str))
        codes = np.random.RandomState(0).randint(100_000, size=2000).astype(str)
        X = pd.DataFrame({"id": pd.Series(codes, dtype=levels), "x": np.arange(2000.0)})
        model = SNClassifier(random_state=0, max_epochs=2).fit(X, np.arange(2000) % 2)
        layer = model.net_.module_.input
        assert layer.category_weight.shape[0] == 100_000
        touched = model.net_.optimizer_.state[layer.category_weight]
        assert not touched  # the moments are dropped after fit
        assert layer.category_gain.count_nonzero() <= 2000

    def test_partial_fit_and_warm_start(self, table):
        X, y = table
        model = SNClassifier(**SMALL)
        typed = X.astype({"town": "category"})
        for part in (slice(0, 150), slice(150, 300)):
            model.partial_fit(typed[part], y[part], classes=[0, 1])
        before = model.predict_proba(typed)
        new = model.predict_proba(typed.assign(town="nowhere"))
        assert np.abs(before - new).max() > 0
        warm = SNClassifier(**SMALL, warm_start=True).fit(typed, y)
        assert_allclose(warm.fit(typed, y).n_epochs_, 2 * SMALL["max_epochs"])

    def test_copies(self, table):
        X, y = table
        model = SNClassifier(**SMALL).fit(X, y)
        expected = model.predict_proba(X)
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
        assert_array_equal(clone(model).fit(X, y).predict_proba(X), expected)

    def test_in_pipelines_and_searches(self, table):
        X, y = table
        columns = make_column_transformer(("passthrough", ["town", "b"]))
        model = make_pipeline(columns, SNClassifier(**SMALL))
        search = GridSearchCV(model, {"snclassifier__power": [0, 0.5]}, cv=2).fit(X, y)
        assert search.best_score_ > 0.8
        assert len(cross_val_predict(SNRegressor(**SMALL), X, y, cv=2)) == len(y)

    def test_tabular_pipeline(self, table):
        skrub = pytest.importorskip("skrub", reason="skrub is not installed")
        X, y = table
        model = skrub.tabular_pipeline(SNClassifier(random_state=0)).fit(X[:200], y[:200])
        assert model.score(X[200:], y[200:]) > 0.85


class TestTextThatIsHardlyACategory:
    def test_numbers_beside_text(self):
        x = pd.Series(np.linspace(0, 1, 60)).astype(object)
        x[7] = "?"
        with pytest.warns(UserWarning, match=r"'x' of X holds numbers, and text such as '\?'") as w:
            SNClassifier(**SMALL).fit(pd.DataFrame({"x": x}), np.arange(60) % 2)
        assert w[0].filename == __file__

    def test_text_that_looks_like_numbers(self):
        frame = pd.DataFrame({"x": np.linspace(0, 1, 60).astype(str)})
        with pytest.warns(UserWarning, match=r"'x' of X holds text that looks like numbers"):
            SNRegressor(**SMALL).fit(frame, np.arange(60))

    def test_sentences(self):
        text = [f"all {i} of these are different" for i in range(60)]
        with pytest.warns(UserWarning, match="'x' of X holds a different text in nearly every row"):
            SNRegressor(**SMALL).fit(pd.DataFrame({"x": text}), np.arange(60))

    @pytest.mark.parametrize(
        "column",
        [
            [f"{i:05d}" for i in range(60)],  # codes
            [f"name {i}" for i in range(60)],
            [f"one of {i % 9} sentences of words" for i in range(60)],
            pd.Categorical(np.linspace(0, 1, 60).astype(str)),  # the user says so
            ["0.5", "1.5"] * 30,
        ],
    )
    def test_categories_get_no_warning(self, column):
        SNRegressor(**SMALL).fit(pd.DataFrame({"x": column}), np.arange(60))


def test_tables_of_arrow_are_read_and_lazy_frames_refused():
    frame = pd.DataFrame({"x": ["a", "b"] * 30, "z": np.arange(60.0)})
    y = np.arange(60) % 2
    expected = SNClassifier(**SMALL).fit(frame, y).predict_proba(frame)
    table = pa.Table.from_pandas(frame)
    assert_array_equal(SNClassifier(**SMALL).fit(table, y).predict_proba(table), expected)
    for estimator in (SNClassifier(), SNAutoencoder()):
        with pytest.raises(TypeError, match=r"a LazyFrame of polars; pass X\.collect\(\)"):
            estimator.fit(pl.from_pandas(frame[["z"]]).lazy(), y)


def test_a_column_of_numbers_that_holds_text_later():
    frame = pd.DataFrame({"x": ["a", "b"] * 30, "z": np.arange(60.0)})
    model = SNClassifier(**SMALL).fit(frame, np.arange(60) % 2)
    with pytest.raises(ValueError, match=r"'z' of X held numbers in fit, and holds text or categ"):
        model.predict(frame.astype({"z": str}))
    with pytest.raises(ValueError, match=r"Expected 2D array, got 1D array.*frame\.iloc\[\[0\]\]"):
        model.predict(frame.iloc[0])


class TestDates:
    DAYS = pd.date_range("2024-01-01", periods=400, freq="13h")

    def test_the_day_of_the_week_is_learned(self):
        y = (self.DAYS.day_of_week >= 5).astype(int)
        X = pd.DataFrame({"when": self.DAYS})
        model = SNClassifier(random_state=0, max_epochs=200).fit(X[::2], y[::2])
        assert model.score(X[1::2], y[1::2]) > 0.9
        assert model.n_features_in_ == 1
        assert model.target_ == 1.0  # the date and its parts count once

    @pytest.mark.parametrize(
        "when",
        [
            DAYS.tz_localize("UTC"),
            DAYS.astype("datetime64[s]"),
            pl.Series(DAYS),
            DAYS.to_pydatetime(),
            pd.array(DAYS.to_numpy(), dtype="timestamp[us][pyarrow]"),
        ],
        ids=lambda when: str(getattr(when, "dtype", type(when))),
    )
    def test_every_container_gives_the_same(self, when):
        y = np.arange(400) % 3
        frame = pl.DataFrame if isinstance(when, pl.Series) else pd.DataFrame
        expected = pd.DataFrame({"when": self.DAYS, "x": y * 1.0})
        other = frame({"when": when, "x": y * 1.0})
        model = SNClassifier(**SMALL).fit(expected, y)
        assert_array_equal(
            SNClassifier(**SMALL).fit(other, y).predict_proba(other), model.predict_proba(expected)
        )

    @pytest.mark.parametrize("kind", ["pandas", "polars", "objects", "arrow"])
    def test_a_time_is_the_same_in_every_zone(self, kind):
        """The clock of the training rows is the one that counts."""
        there = self.DAYS.tz_localize("UTC").tz_convert("Asia/Tokyo")
        here = pd.DataFrame({"when": there.tz_convert("America/New_York")})
        model = SNClassifier(**SMALL).fit(here, np.arange(400) % 3)
        columns = {
            "pandas": there,
            "polars": pl.Series(there.tz_convert("UTC").tz_localize(None))
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Asia/Tokyo"),
            "objects": np.array(there.to_pydatetime(), dtype=object),
            "arrow": pd.array(there, dtype="timestamp[us, tz=Asia/Tokyo][pyarrow]"),
        }
        frame = pl.DataFrame if kind == "polars" else pd.DataFrame
        other = frame({"when": columns[kind]})
        assert_array_equal(model.predict_proba(other), model.predict_proba(here))

    def test_times_with_and_without_a_zone_do_not_mix(self):
        y = np.arange(400) % 3
        naive = pd.DataFrame({"when": self.DAYS})
        aware = pd.DataFrame({"when": self.DAYS.tz_localize("UTC")})
        for fitted, other, has in ((naive, aware, "no"), (aware, naive, "a")):
            model = SNClassifier(**SMALL).fit(fitted, y)
            with pytest.raises(ValueError, match=rf"'when' .*training had {has} time zone"):
                model.predict(other)
            nothing = pd.DataFrame({"when": [None]})
            assert np.isfinite(model.predict_proba(nothing)).all()

    def test_days_without_a_time(self):
        """They have no time of day; periods, Arrow's and polars' dates and Python's agree."""
        days = pd.date_range("2024-01-01", periods=50)
        y = np.arange(50) % 2
        columns = [
            days.to_period("D"),
            pd.array(days.date, dtype="date32[pyarrow]"),
            [datetime.date(day.year, day.month, day.day) for day in days],
        ]
        model = SNClassifier(**SMALL).fit(pd.DataFrame({"day": days}), y)
        assert model.net_.module_.input.weight.shape[0] == 3  # time, sine and cosine of the week
        expected = model.predict_proba(pd.DataFrame({"day": days}))
        for column in columns:
            X = pd.DataFrame({"day": column})
            assert_array_equal(SNClassifier(**SMALL).fit(X, y).predict_proba(X), expected)

    def test_a_missing_date_is_unobserved_with_all_its_parts(self):
        random = np.random.RandomState(0)
        when = pd.Series(self.DAYS).where(random.uniform(size=400) < 0.7)
        X = pd.DataFrame({"when": when, "x": random.normal(size=400)})
        model = SNRegressor(**SMALL, power=1.0).fit(X, X.x)
        assert_allclose(model.target_, X.notna().sum(axis=1).mean())
        assert model.predict(X.assign(when=pd.NaT)).shape == (400,)
        assert model.net_.module_.input.indicator_features.tolist() == [0]

    def test_durations_and_arrays_of_dates(self):
        waits = pd.DataFrame({"wait": self.DAYS - self.DAYS[0]})
        seconds = pd.DataFrame({"wait": waits.wait.dt.total_seconds()})
        y = np.arange(400.0)
        expected = SNRegressor(**SMALL).fit(seconds, y).predict(seconds)
        assert_array_equal(SNRegressor(**SMALL).fit(waits, y).predict(waits), expected)
        days = self.DAYS.to_numpy().reshape(-1, 1)
        assert SNRegressor(**SMALL).fit(days, y).predict(days).shape == (400,)

    def test_numbers_where_training_had_dates(self):
        model = SNRegressor(**SMALL).fit(pd.DataFrame({"when": self.DAYS}), np.arange(400.0))
        with pytest.raises(ValueError, match="'when' of X must hold dates or durations, as in fit"):
            model.predict(pd.DataFrame({"when": ["no", "dates"]}))


class TestBadInput:
    @pytest.mark.parametrize(
        ("chosen", "message"),
        [
            ("all", "categorical_features must be 'from_dtype', None"),
            (3, "categorical_features must be 'from_dtype', None"),
            (["village"], "names 'village', but X has the columns"),
            ([3], "positions from 0 to 2"),
            ([True], r"must have shape \(3,\)"),
            (["a"], "'town', and is not among"),
            (None, "'town', and is not among"),
        ],
    )
    def test_categorical_features(self, table, chosen, message):
        with pytest.raises(ValueError, match=message):
            SNClassifier(categorical_features=chosen).fit(*table)

    def test_sparse_rows_and_names_of_arrays(self, table):
        X, y = table
        with pytest.raises(TypeError, match="must be a data frame or an array"):
            SNClassifier(categorical_features=[0]).fit(sparse.eye_array(300, format="csr"), y)
        with pytest.raises(ValueError, match="X has no column names"):
            SNClassifier(categorical_features=["a"]).fit(X[["a", "b"]].to_numpy(), y)
        model = SNClassifier(**SMALL).fit(X, y)
        with pytest.raises(TypeError, match="got a sparse matrix"):
            model.predict(sparse.eye_array(3, format="csr"))

    def test_other_columns_in_prediction(self, table):
        X, y = table
        model = SNClassifier(**SMALL).fit(X, y)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(X.rename(columns={"town": "city"}))
        with pytest.raises(ValueError, match="0 sample"):
            model.predict(X[:0])
        with pytest.raises(ValueError, match=r"infinity .* in column 'b'"):
            model.predict(X.assign(b=np.inf))

    def test_values_that_cannot_be_categories(self, table):
        X, y = table
        with pytest.raises(TypeError, match="column 'town' that cannot be categories"):
            SNClassifier().fit(X.assign(town=[["a"], "b"] * 150), y)
        with pytest.raises(ValueError, match="not numeric: 'town'"):
            SNClassifier().fit(X.assign(town=pd.interval_range(0, 300)), y)

    def test_text_where_training_had_numbers(self, table):
        X, y = table
        model = SNClassifier(**SMALL, categorical_features=["town", "a"])
        model.fit(X.assign(a=np.arange(300) % 3), y)
        with pytest.warns(UserWarning, match="'a' of X holds text where training had numbers"):
            model.predict(X.assign(a="1"))
