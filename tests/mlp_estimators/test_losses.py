"""Losses of SNRegressor, and rows to validate on that the user passes."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import GammaRegressor, PoissonRegressor, QuantileRegressor
from sklearn.metrics import d2_pinball_score, mean_pinball_loss, r2_score
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sksn import SNClassifier, SNRegressor
from sksn._targets._regression import weighted_quantile
from sksn._training._held_out import hold_out_rows

from .common import ESTIMATORS, SMALL, output

LINEAR = {
    "hidden_layer_sizes": (),
    "input_dropout": 0,
    "alpha": 0,
    "n_bins": 0,
    "input_scaling": "observed",
    "power": 0,
    "max_epochs": 400,
    "lr": 0.02,
    "dtype": "float64",
    "random_state": 0,
}


@pytest.mark.parametrize("loss", ["huber", "absolute_error"])
def test_weights_equal_repeats_where_most_y_are_tied(loss):
    """The scale is then the mean distance from the median."""
    X = np.random.RandomState(0).normal(size=(40, 3))
    y = np.where(np.arange(40) < 10, np.arange(40), 5.0)
    weights = np.where(np.arange(40) == 9, 3.0, 1.0)
    weighted = SNRegressor(loss=loss, **SMALL).fit(X, y, sample_weight=weights)
    repeated = SNRegressor(loss=loss, **SMALL).fit(np.r_[X, X[[9, 9]]], np.r_[y, 9, 9])
    scales = [model._learner.targets.scale for model in (weighted, repeated)]
    assert_allclose(*scales)


@pytest.fixture
def skewed():
    random = np.random.RandomState(0)
    X = random.normal(size=(300, 2))
    return X, np.exp(0.5 * X[:, 0] + 1) * random.gamma(2.0, 0.5, size=300), random


class TestLosses:
    @pytest.mark.parametrize("weights", [False, True])
    @pytest.mark.parametrize(
        ("loss", "options", "constant"),
        [
            ("squared_error", {}, lambda y, w: np.average(y, weights=w)),
            ("absolute_error", {}, lambda y, w: weighted_quantile(y[:, None], w, 0.5)),
            ("poisson", {}, lambda y, w: np.average(y, weights=w)),
            ("gamma", {}, lambda y, w: np.average(y, weights=w)),
            ("quantile", {"quantile": 0.9}, lambda y, w: weighted_quantile(y[:, None], w, 0.9)),
        ],
    )
    def test_a_network_that_knows_nothing_predicts_the_constant(
        self, skewed, loss, options, constant, weights
    ):
        _, y, random = skewed
        w = random.randint(1, 4, size=len(y)) * 1.0 if weights else np.ones(len(y))
        model = SNRegressor(loss=loss, **options, **LINEAR | {"max_epochs": 100})
        model.fit(np.zeros((len(y), 1)), y, sample_weight=w)
        predicted = model.predict([[0.0], [np.nan]])
        assert_allclose(predicted, np.repeat(constant(y, w), 2)[:2], rtol=0.02)

    @pytest.mark.parametrize(
        ("loss", "options", "peer"),
        [
            ("poisson", {}, PoissonRegressor(alpha=0)),
            ("gamma", {}, GammaRegressor(alpha=0)),
            ("quantile", {"quantile": 0.8}, QuantileRegressor(quantile=0.8, alpha=0)),
        ],
    )
    def test_a_linear_network_agrees_with_scikit_learn(self, skewed, loss, options, peer):
        X, y, _ = skewed
        if loss == "poisson":
            y = np.floor(y)
        predicted = SNRegressor(loss=loss, **options, **LINEAR).fit(X, y).predict(X)
        assert_allclose(predicted, peer.fit(X, y).predict(X), rtol=0.03, atol=0.03)

    def test_absolute_error_and_huber_resist_outliers(self, skewed):
        X, _, random = skewed
        y = X[:, 0].copy()
        y[:20] = 1e6 * random.normal(size=20)
        for loss in ("absolute_error", "huber"):
            model = SNRegressor(loss=loss, **LINEAR).fit(X, y)
            assert r2_score(X[20:, 0], model.predict(X[20:])) > 0.95

    def test_quantiles_are_sorted_and_hold_their_share(self, skewed):
        X, y, _ = skewed
        levels = [0.1, 0.5, 0.9]
        model = SNRegressor(loss="quantile", quantile=levels, **SMALL).fit(X, y)
        predicted = model.predict(X)
        assert predicted.shape == (300, 3)
        assert (np.diff(predicted, axis=1) >= 0).all()
        assert_allclose((y[:, None] <= predicted).mean(axis=0), levels, atol=0.08)
        scores = [
            d2_pinball_score(y, part, alpha=level)
            for part, level in zip(predicted.T, levels, strict=True)
        ]
        assert_allclose(model.score(X, y), np.mean(scores))
        one = SNRegressor(loss="quantile", quantile=0.9, **SMALL).fit(X, y)
        assert_allclose(one.score(X, y), d2_pinball_score(y, one.predict(X), alpha=0.9))

    def test_sorting_does_not_increase_the_loss(self):
        random = np.random.RandomState(0)
        y, predicted, levels = random.normal(size=50), random.normal(size=(50, 2)), (0.2, 0.7)

        def loss(p):
            return sum(mean_pinball_loss(y, p[:, i], alpha=level) for i, level in enumerate(levels))

        assert loss(np.sort(predicted, axis=1)) <= loss(predicted)

    @pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
    def test_affine_changes_of_y_change_nothing(self, skewed, loss):
        X, y, _ = skewed
        options = {"quantile": [0.2, 0.6]} if loss == "quantile" else {}
        model = SNRegressor(loss=loss, **options, **SMALL)
        expected = model.fit(X, y).predict(X)
        changed = model.fit(X, 4.0 * y - 8.0).predict(X)
        assert_allclose(changed, 4.0 * expected - 8.0, rtol=1e-3, atol=1e-2)

    @pytest.mark.parametrize("loss", ["poisson", "gamma"])
    def test_the_unit_of_rates_changes_nothing(self, skewed, loss):
        X, y, _ = skewed
        model = SNRegressor(loss=loss, **SMALL)
        expected = model.fit(X, y).predict(X)
        assert (expected > 0).all()
        assert_allclose(model.fit(X, 1e150 * y).predict(X), 1e150 * expected, rtol=1e-4)

    def test_constant_y_and_ties(self):
        X = np.random.RandomState(0).normal(size=(40, 2))
        ties = np.where(np.arange(40) < 30, 5.0, np.arange(40))
        for loss in ("absolute_error", "huber"):
            model = SNRegressor(loss=loss, **SMALL)
            assert_allclose(model.fit(X, np.full(40, 7.0)).predict(X), 7.0, atol=0.5)
            assert np.isfinite(model.fit(X, ties).predict(X)).all()

    def test_several_columns_of_y_that_are_partly_known(self, skewed):
        X, y, random = skewed
        Y = np.column_stack([y, 10 * y])
        Y[random.uniform(size=Y.shape) < 0.2] = np.nan
        Y = Y[~np.isnan(Y).all(axis=1)]
        for loss in ("absolute_error", "poisson", "gamma"):
            model = SNRegressor(loss=loss, **SMALL).fit(X[: len(Y)], Y)
            assert model.predict(X).shape == (300, 2)
            assert model.n_outputs_ == 2

    def test_partial_fit_keeps_the_scale_of_the_first_chunk(self, skewed):
        X, y, _ = skewed
        for loss in ("absolute_error", "poisson"):
            model = SNRegressor(loss=loss, **SMALL).partial_fit(X[:150], y[:150])
            assert np.isfinite(model.partial_fit(X[150:], 3 * y[150:]).predict(X)).all()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"loss": "mse"}, "loss must be one of 'squared_error', 'absolute_error'"),
            ({"loss": "quantile"}, "quantile must be given with loss='quantile'"),
            ({"quantile": 0.5}, "and with no other loss, got quantile=0.5"),
            ({"loss": "quantile", "quantile": 1.0}, r"quantile must be a number in \(0, 1\)"),
            ({"loss": "quantile", "quantile": [0.5, 0.1]}, "an ascending sequence"),
            ({"loss": "quantile", "quantile": [True]}, "an ascending sequence"),
            ({"loss": "poisson"}, "y must be not negative with loss='poisson', got -1.0"),
            ({"loss": "gamma"}, "y must be positive with loss='gamma', got -1.0"),
        ],
    )
    def test_bad_input(self, skewed, options, message):
        X, y, _ = skewed
        with pytest.raises(ValueError, match=message):
            SNRegressor(**options).fit(X, np.where(y > 1, y, -1.0))

    def test_bad_y(self, skewed):
        X, y, _ = skewed
        with pytest.raises(ValueError, match="y must not be 0 everywhere"):
            SNRegressor(loss="poisson").fit(X, np.zeros(300))
        with pytest.raises(ValueError, match="y must have one column if quantile has several"):
            SNRegressor(loss="quantile", quantile=[0.1, 0.9]).fit(X, np.column_stack([y, y]))


class TestValidationRows:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_equal_to_the_same_rows_split_off(self, cancer, estimator):
        X, y = cancer
        options = SMALL | {"early_stopping": True, "n_iter_no_change": 3}
        expected = estimator(**options).fit(X, y)
        strata = y if estimator is SNClassifier else None
        seed = np.random.RandomState(0).randint(2**31 - 1)  # the first draw of an estimator
        kept, out = hold_out_rows(len(y), 0.1, seed, strata)
        given = estimator(**options).fit(X[kept], y[kept], X_val=X[out], y_val=y[out])
        assert given.validation_scores_ == expected.validation_scores_
        assert_array_equal(output(given, X), output(expected, X))

    def test_weights(self, cancer):
        X, y = cancer
        options = SMALL | {"early_stopping": True}
        weights = np.where(np.arange(100) < 50, 2.0, 0.0)
        fit = {"X_val": X[:100], "y_val": y[:100], "sample_weight_val": weights}
        weighted = SNClassifier(**options, class_weight={0: 1, 1: 3}).fit(X[100:], y[100:], **fit)
        fit = {"X_val": X[:50], "y_val": y[:50]}
        without = SNClassifier(**options, class_weight={0: 1, 1: 3}).fit(X[100:], y[100:], **fit)
        assert_allclose(weighted.validation_scores_, without.validation_scores_, rtol=1e-6)
        plain = SNClassifier(**options).fit(X[100:], y[100:], **fit)
        assert plain.validation_scores_ != without.validation_scores_

    def test_frames_with_categories(self):
        X = pd.DataFrame({"town": ["a", "b"] * 50, "x": np.arange(100.0)})
        y = np.arange(100) % 2
        model = SNClassifier(early_stopping=True, **SMALL)
        model.fit(X[:80], y[:80], X_val=X[80:].assign(town="c"), y_val=y[80:])
        assert len(model.validation_scores_) == model.n_epochs_

    def test_metadata_routing(self, cancer):
        X, y = cancer
        with sklearn.config_context(enable_metadata_routing=True):
            model = SNClassifier(early_stopping=True, **SMALL)
            model.set_fit_request(X_val=True, y_val=True)
            halve = FunctionTransformer(lambda X: X / 2)
            pipeline = make_pipeline(halve, model, transform_input=["X_val"])
            pipeline.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
            params = {"X_val": X[:50], "y_val": y[:50]}
            found = cross_validate(model, X[50:], y[50:], cv=2, params=params)
        assert (found["test_score"] > 0.8).all()
        assert pipeline.score(X[400:], y[400:]) > 0.9

    def test_bad_input(self, cancer):
        X, y = cancer
        model = SNClassifier(early_stopping=True, **SMALL)
        with pytest.raises(ValueError, match="X_val and y_val must be passed together"):
            model.fit(X, y, X_val=X)
        with pytest.raises(ValueError, match="X_val is used by early_stopping, which is False"):
            SNClassifier().fit(X, y, X_val=X, y_val=y)
        with pytest.raises(ValueError, match="In X_val: X has 29 features"):
            model.fit(X, y, X_val=X[:, 1:], y_val=y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(X, y, X_val=X, y_val=y[1:])
        with pytest.raises(ValueError, match="In y_val: y has classes"):
            model.fit(X, y, X_val=X, y_val=y + 1)
        with pytest.raises(ValueError, match=r"In sample_weight_val: .* not be negative"):
            model.fit(X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y)))
        assert not hasattr(model, "net_")
