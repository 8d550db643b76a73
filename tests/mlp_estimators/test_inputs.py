"""X of SNClassifier and SNRegressor: containers, missing values and preparation."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sksn import SNClassifier, SNRegressor
from sksn._training import _prediction
from tests.helpers import to_csr

from .common import ESTIMATORS, SMALL, output


class TestInputs:
    def test_every_sparse_format_gives_the_same(self, digits):
        X, y = digits
        X, y = X[:200], y[:200]
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        for form in ("csc", "coo", "lil", "dok"):
            other = X.asformat(form)
            assert_array_equal(SNClassifier(**SMALL).fit(other, y).predict_proba(other), reference)
        wide = X.copy()
        wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
        assert_array_equal(SNClassifier(**SMALL).fit(wide, y).predict_proba(wide), reference)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("options", [{}, {"power": 1.0, "hidden_norm": "layer"}])
    def test_dense_and_sparse_train_alike(self, cancer, estimator, options):
        """The same observed entries without random drops give the same network up to rounding."""
        X, y = cancer
        options = {"input_dropout": 0, "dropout": 0, "input_scaling": "observed"} | options
        options |= {"add_indicator": False, "n_bins": 0, "dtype": "float64"}
        dense = estimator(**SMALL | options).fit(X, y)
        from_sparse = estimator(**SMALL | options).fit(to_csr(X), y)
        assert_allclose(output(from_sparse, to_csr(X)), output(dense, X), rtol=1e-6)
        assert_allclose(output(from_sparse, X), output(dense, X), rtol=1e-6)
        assert_allclose(output(dense, to_csr(X)), output(dense, X), rtol=1e-6)

    def test_indicators_beside_bins_sum_to_one_at_most(self):
        random = np.random.RandomState(0)
        X = random.poisson(1.0, (200, 20)) * 1.0
        X[:, :2] = 1.0
        X[random.uniform(size=X.shape) < 0.5] = np.nan
        layer = SNClassifier(**SMALL).fit(X, X[:, 0] == 1).net_.module_.input
        assert layer.indicator_features.tolist() == list(range(20))
        gain, shares = layer.indicator_gain, layer.indicator_shares
        assert gain[:2].tolist() == [1.0, 1.0]
        assert_allclose((2 * gain * shares * (1 - shares))[2:].sum(), 1.0, rtol=1e-5)
        asked = SNClassifier(add_indicator=True, **SMALL).fit(X, X[:, 0] == 1)
        assert asked.net_.module_.input.indicator_gain == 1.0

    def test_rows_may_be_predicted_in_the_other_container(self, cancer):
        X, y = cancer
        for container, add_indicator in ((np.asarray, "auto"), (to_csr, True)):
            model = SNClassifier(add_indicator=add_indicator, **SMALL).fit(container(X), y)
            assert_allclose(model.predict_proba(X), model.predict_proba(to_csr(X)), rtol=1e-10)

    def test_sparse_rows_are_never_dense(self, digits, monkeypatch):
        X, y = digits

        def refuse(*args, **kwargs):
            raise AssertionError("a sparse matrix was made dense")

        for kind in (sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
            for name in ("toarray", "todense"):
                monkeypatch.setattr(kind, name, refuse)
        SNClassifier(**SMALL).fit(X, y).predict(X)

    def test_frames_of_pandas_and_polars(self, cancer):
        X, y = cancer
        names = [f"f{i}" for i in range(X.shape[1])]
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        frame = pd.DataFrame(X, columns=names)
        for given in (frame, frame.astype("Float64"), pl.DataFrame(X, schema=names)):
            model = SNClassifier(**SMALL).fit(given, y)
            assert_allclose(model.predict_proba(given), reference, rtol=1e-10)
            assert list(model.feature_names_in_) == names

    def test_missing_values(self, cancer):
        X, y = cancer
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        marked = np.where(np.isnan(X), -1, X)
        model = SNClassifier(missing_values=-1, **SMALL).fit(marked, y)
        assert_array_equal(model.predict_proba(marked), reference)

    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_rows_with_nothing_observed_and_features_never_observed(self, diabetes, container):
        X, y = diabetes
        X = X.copy()
        X[:5], X[:, 2] = np.nan, np.nan
        model = SNRegressor(**SMALL).fit(container(X), y)
        predicted = model.predict(container(X))
        assert np.isfinite(predicted).all()
        assert_allclose(predicted[:5], predicted[0])

    def test_a_matrix_without_any_entry(self):
        X, y = sparse.csr_array((20, 3)), np.array([0, 1] * 10)
        assert_allclose(SNClassifier(**SMALL).fit(X, y).predict_proba(X), 0.5, atol=0.1)

    def test_the_input_is_left_alone(self, cancer, digits):
        for X, y in (cancer, digits):
            for scaling in ("auto", "observed", None):
                before = copy.deepcopy(X)
                SNClassifier(input_scaling=scaling, **SMALL).fit(X, y).predict(X)
                if sparse.issparse(X):
                    assert_array_equal(X.data, before.data)
                else:
                    assert_array_equal(X, before)

    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_prediction_does_not_depend_on_its_blocks(self, diabetes, container, monkeypatch):
        X, y = diabetes
        model = SNRegressor(**SMALL).fit(container(X), y)
        whole = model.predict(container(X))
        monkeypatch.setattr(_prediction, "_ENTRIES", 64 * 16)
        assert_allclose(model.predict(container(X)), whole, rtol=1e-9)
