"""Sparsity bias by hand, by theorem and by scipy."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.svm import SVC, LinearSVC

from sksn import SNClassifier, SNRegressor
from sksn.inspection import (
    sparsity_bias,
)
from sksn.inspection._row_groups import count_features, row_groups
from tests.helpers import to_csr

from .common import SMALL, Counts, rows


class TestSparsityBias:
    def test_a_model_that_only_counts(self):
        X, _ = rows()
        found = sparsity_bias(Counts(), X, n_bins=4)
        assert found.slope == pytest.approx(3)
        np.testing.assert_allclose(found.slope_interval, 3)
        assert found.rank_correlation == pytest.approx(1)
        np.testing.assert_array_equal(found.n_observed, (~np.isnan(X)).sum(axis=1))
        np.testing.assert_allclose(found.bin_mean, 3 * found.bin_n_observed)
        assert found.bin_count.sum() == len(X)
        assert "slope=3" in repr(found)

    def test_bins_by_hand(self):
        X = np.array([[1, np.nan, np.nan], [2, np.nan, np.nan], [1, 1, 1], [1, 1, 0.0]])
        found = sparsity_bias(Counts(), X, n_bins=2)
        assert found.bin_n_observed.tolist() == [1, 3]
        assert found.bin_count.tolist() == [2, 2]
        assert found.bin_std.tolist() == [0, 0]

    def test_the_interval_covers_the_slope_as_often_as_it_says(self):
        """Noise that grows with n, 400 times: 95 % within 4 standard errors of a binomial."""
        rng, hits = np.random.RandomState(0), 0
        from sksn.inspection._bias import relate

        n = np.repeat(np.arange(1, 21), 5)
        for _ in range(400):
            low, high = relate(n, 2 * n + rng.normal(size=len(n)) * n**2 / 20).slope_interval
            hits += low <= 2 <= high
        assert abs(hits / 400 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)
        plain = stats.linregress(n, 2.0 * n + rng.normal(size=len(n)))
        found = relate(n, 2.0 * n + rng.normal(size=len(n)), confidence_level=0.5)
        assert found.slope == pytest.approx(plain.slope, abs=0.1)

    def test_slope_and_rank_are_those_of_scipy(self):
        X, _ = rows()
        found = sparsity_bias(Counts(noise=2), X)
        plain = stats.linregress(found.n_observed, found.response)
        assert found.slope == pytest.approx(plain.slope)
        expected = stats.spearmanr(found.n_observed, found.response).statistic
        assert found.rank_correlation == pytest.approx(expected)
        low, high = found.slope_interval
        narrow = sparsity_bias(Counts(noise=2), X, confidence_level=0.5).slope_interval
        assert low < narrow[0] < found.slope < narrow[1] < high

    def test_answers_of_all_kinds_of_models(self):
        X, y = rows()
        model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, y)
        second = sparsity_bias(model, X).response
        np.testing.assert_allclose(second, model.predict_proba(X)[:, 1])
        first = sparsity_bias(model, X, class_of_interest=0).response
        np.testing.assert_allclose(first, model.predict_proba(X)[:, 0])
        scores = sparsity_bias(model, X, response_method="decision_function").response
        np.testing.assert_allclose(scores, model.decision_function(X))
        of_first = sparsity_bias(
            model, X, response_method="decision_function", class_of_interest=0
        ).response
        np.testing.assert_allclose(of_first, -scores)
        machine = make_pipeline(SimpleImputer(), LinearSVC()).fit(X, y)
        np.testing.assert_allclose(sparsity_bias(machine, X).response, machine.decision_function(X))
        regressor = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, y)
        np.testing.assert_allclose(sparsity_bias(regressor, X).response, regressor.predict(X))
        text = np.array(["no", "yes"])[y]
        named = HistGradientBoostingClassifier(max_iter=3).fit(X, text)
        predicted = sparsity_bias(
            named, X, response_method="predict", class_of_interest="yes"
        ).response
        np.testing.assert_array_equal(predicted, named.predict(X) == "yes")
        np.testing.assert_allclose(
            sparsity_bias(named, X, class_of_interest="no").response, named.predict_proba(X)[:, 0]
        )

    def test_of_many_classes_the_confidence(self):
        X, _ = rows()
        y = np.arange(len(X)) % 3
        model = SNClassifier(**SMALL).fit(X, y)
        expected = model.predict_proba(X)
        np.testing.assert_allclose(sparsity_bias(model, X).response, expected.max(axis=1))
        chosen = sparsity_bias(model, X, class_of_interest=2).response
        np.testing.assert_allclose(chosen, expected[:, 2])

    def test_every_container_is_counted_alike(self):
        X, _ = rows()
        X[0, :3] = 0
        expected = (~np.isnan(X)).sum(axis=1)
        for container in (X, to_csr(X), to_csr(X).tocoo(), pd.DataFrame(X), X.astype(object)):
            np.testing.assert_array_equal(count_features(container), expected)
        without_zeros = (~np.isnan(X) & (X != 0)).sum(axis=1)
        for container in (X, to_csr(X), pd.DataFrame(X)):
            np.testing.assert_array_equal(count_features(container, 0), without_zeros)

    @pytest.mark.parametrize("kind", ["coo", "bsr", "csc", "lil"])
    def test_sparse_formats_that_cannot_be_indexed(self, kind):
        X, y = rows()
        X = to_csr(X)
        model = SNClassifier(**SMALL).fit(X, y)
        expected = sparsity_bias(model, X)
        X = X.tobsr((1, 1)) if kind == "bsr" else X.asformat(kind)
        np.testing.assert_array_equal(sparsity_bias(model, X).response, expected.response)

    def test_frames_with_text(self):
        frame = pd.DataFrame({"a": ["x", None, "y", "x"] * 5, "b": [1.0, 2.0, np.nan, 4.0] * 5})
        y = [0, 1, 0, 1] * 5
        encode = make_column_transformer((OrdinalEncoder(), ["a"]), remainder="passthrough")
        model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=2)).fit(frame, y)
        assert sparsity_bias(model, frame).n_observed.tolist() == [2, 1, 1, 2] * 5

    def test_several_labels_at_once(self):
        X, y = rows(60)
        labels = np.column_stack([y, 1 - y, X[:, 0] > 0]).astype(int)
        model = SNClassifier(**SMALL).fit(X, labels)
        for two in (model, SNClassifier(**SMALL).fit(X, labels[:, :2])):
            with pytest.raises(ValueError, match="several labels at once; name the one"):
                sparsity_bias(two, X)
        third = sparsity_bias(model, X, class_of_interest=2).response
        np.testing.assert_allclose(third, model.predict_proba(X)[:, 2])
        predicted = sparsity_bias(model, X, response_method="predict", class_of_interest=0)
        np.testing.assert_array_equal(predicted.response, model.predict(X)[:, 0])

    def test_classes_that_are_not_there(self):
        """A wrong label must not pass for a model without bias."""
        X, y = rows(60)
        model = SNClassifier(**SMALL).fit(X, y)
        with pytest.raises(ValueError, match=r"class_of_interest must be one of .*, got '1'"):
            sparsity_bias(model, X, response_method="predict", class_of_interest="1")
        with pytest.raises(ValueError, match="class_of_interest=1 needs a classifier, but SNRegr"):
            sparsity_bias(SNRegressor(**SMALL).fit(X, y), X, class_of_interest=1)
        four, X = np.arange(60) % 4, np.nan_to_num(X)
        pairs = SVC(decision_function_shape="ovo").fit(X, four)
        with pytest.raises(ValueError, match="gives 6 numbers a row for 4 classes"):
            sparsity_bias(pairs, X, class_of_interest=1)
        forest = RandomForestClassifier(2).fit(X, np.column_stack([four, y]))
        with pytest.raises(ValueError, match="predict_proba gives a list of 2 arrays"):
            sparsity_bias(forest, X)

    def test_nothing_varies(self):
        X, y = rows()
        constant = DummyClassifier().fit(X, y)
        found = sparsity_bias(constant, X)
        assert found.slope == pytest.approx(0, abs=1e-12)
        assert np.isnan(found.rank_correlation)
        complete = sparsity_bias(Counts(), np.ones((5, 3)))
        assert np.isnan([complete.slope, *complete.slope_interval]).all()
        assert len(complete.bin_mean) == 1

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"n_bins": 0}, "n_bins must be a positive integer, got 0"),
            ({"n_bins": True}, "n_bins must be a positive integer, got True"),
            ({"confidence_level": 1}, r"confidence_level must be a number in \(0, 1\), got 1"),
            ({"confidence_level": "a"}, r"confidence_level must be a number in \(0, 1\), got 'a'"),
            ({"response_method": "score"}, "response_method must be one of 'auto', .* got 'score'"),
            ({"response_method": "decision_function"}, "SNClassifier has no method decision_fun"),
            ({"class_of_interest": 7}, r"class_of_interest must be one of \[.*\], got 7"),
            ({"missing_values": "?"}, "missing_values must be NaN or a finite number"),
        ],
    )
    def test_bad_parameters(self, options, says):
        X, y = rows(50)
        model = SNClassifier(**SMALL).fit(X, y)
        if "decision_function" in options.values() and hasattr(model, "decision_function"):
            model, says = (
                LinearRegression().fit(np.ones((2, 12)), [0, 1]),
                "LinearRegression has no",
            )
        with pytest.raises(ValueError, match=says):
            sparsity_bias(model, X, **options)

    def test_answers_that_are_not_one_number_a_row(self):
        X, y = rows(50)
        many = SNRegressor(**SMALL).fit(X, np.column_stack([y, y]))
        with pytest.raises(ValueError, match="predict must give one number a row, got an array of"):
            sparsity_bias(many, X)
        named = SNClassifier(**SMALL).fit(X, np.array(["a", "b"])[y])
        with pytest.raises(ValueError, match="choose a response_method or a class_of_interest"):
            sparsity_bias(named, X, response_method="predict")
        with pytest.raises(ValueError, match="At least three rows are needed, got 2"):
            sparsity_bias(Counts(), X[:2])


class TestBins:
    @pytest.mark.parametrize(
        ("n_observed", "n_bins", "expected"),
        [
            ([3] * 5 + [8] * 95, 10, [{3}, {8}]),
            ([3] * 95 + [8] * 5, 10, [{3}, {8}]),
            ([1] * 50 + [2] * 50, 3, [{1}, {2}]),
            ([5] * 7, 4, [{5}]),
            (np.repeat(np.arange(9), 4), 10, [{i} for i in range(9)]),
            (np.arange(12)[::-1], 4, [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 10, 11}]),
        ],
    )
    def test_by_hand(self, n_observed, n_bins, expected):
        n_observed = np.array(n_observed)
        assert [
            set(n_observed[rows].tolist()) for rows in row_groups(n_observed, n_bins)
        ] == expected

    @given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(1, 12))
    def test_equal_numbers_together_all_rows_once_in_rising_order(self, n_observed, n_bins):
        n_observed = np.array(n_observed)
        bins = row_groups(n_observed, n_bins)
        assert 1 <= len(bins) <= n_bins
        assert sorted(np.concatenate(bins).tolist()) == list(range(len(n_observed)))
        for few, many in itertools.pairwise(bins):
            assert n_observed[few].max() < n_observed[many].min()


def test_sparse_rows_are_not_made_dense():
    X = sparse.csr_array((np.ones(3), ([0, 1, 2], [0, 10**8, 5])), shape=(3, 10**9))
    assert count_features(X).tolist() == [1, 1, 1]
