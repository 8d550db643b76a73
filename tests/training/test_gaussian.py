"""The normal distribution that completes rows, against brute force and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sksn._training._gaussian import GaussianModel, is_affordable
from tests.helpers import poke


def table(n_rows=60, n_features=6, missing=0.4, seed=0):
    random = np.random.RandomState(seed)
    full = random.normal(size=(n_rows, 3)) @ random.normal(size=(3, n_features))
    full += 0.3 * random.normal(size=full.shape)
    return poke((full - full.mean(axis=0)) / full.std(axis=0), missing, seed)


def some_model(n_features=6, seed=1):
    random = np.random.RandomState(seed)
    root = random.normal(size=(n_features, n_features))
    return GaussianModel(random.normal(size=n_features), root @ root.T + np.eye(n_features), 2.0)


def conditioned(model, row):
    """The expected row and the covariance of its missing entries, as textbooks write them."""
    out, missing = row.copy(), np.isnan(row)
    S = model.covariance
    covariance = np.zeros_like(S)
    slopes = S[np.ix_(missing, ~missing)] @ np.linalg.inv(S[np.ix_(~missing, ~missing)])
    out[missing] = model.mean[missing] + slopes @ (row - model.mean)[~missing]
    left = S[np.ix_(missing, missing)] - slopes @ S[np.ix_(~missing, missing)]
    covariance[np.ix_(missing, missing)] = left
    return out, covariance


@given(st.floats(0, 1), st.integers(0, 5))
def test_missing_entries_get_their_conditional_means(missing, seed):
    X, model = table(20, missing=missing, seed=seed), some_model()
    expected = [conditioned(model, row)[0] for row in X]
    assert_allclose(model.complete(X), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("missing", [0.1, 0.5, 0.9])
def test_a_step_is_that_of_the_textbook(missing):
    X, model = table(missing=missing), some_model()
    expected, covariances = zip(*(conditioned(model, row) for row in X), strict=True)
    mean = np.mean(expected, axis=0)
    square = (expected - mean).T @ (expected - mean) + np.sum(covariances, axis=0)
    stepped = model.updated(X)
    assert_allclose(stepped.mean, mean)
    assert_allclose(stepped.covariance, (square + 2 * np.eye(6)) / (len(X) + 2))


def log_posterior(model, X):
    """Of the parameters, up to a constant."""
    S, total = model.covariance, 0.0
    for row in X:
        seen = ~np.isnan(row)
        if seen.any():
            part, left = S[np.ix_(seen, seen)], (row - model.mean)[seen]
            total -= np.linalg.slogdet(part)[1] + left @ np.linalg.solve(part, left)
    prior = np.linalg.slogdet(S)[1] + np.trace(np.linalg.inv(S))
    return (total - model.prior_rows * prior) / 2


def test_no_step_makes_the_parameters_less_likely():
    X, model = table(), GaussianModel.prior(6, 3.0)
    likely = [log_posterior(model, X)]
    for _ in range(20):
        model = model._replace(n_rows=0.0).updated(X)
        likely.append(log_posterior(model, X))
    assert (np.diff(likely) > -1e-9).all()
    assert likely[-1] > likely[0] + 1


def test_rows_without_missing_entries_in_two_parts_are_as_one():
    X = table(missing=0.0)
    prior = GaussianModel.prior(6, 3.0)
    whole, parts = prior.updated(X), prior.updated(X[:20]).updated(X[20:])
    assert_allclose(whole.covariance, (len(X) * np.cov(X.T, ddof=0) + 3 * np.eye(6)) / 63)
    for one, other in zip(whole, parts, strict=True):
        assert_allclose(one, other, atol=1e-12)


def test_units_that_change_change_completions_alike():
    X, model = table(), some_model()
    shift, factor = np.arange(6.0), np.linspace(0.5, 3, 6)
    rescaled = model.rescaled(shift, factor).complete(factor * X + shift)
    assert_allclose(rescaled, factor * model.complete(X) + shift, atol=1e-9)


def test_the_prior_is_weak_for_exact_sums_and_strong_for_noise():
    random = np.random.RandomState(0)
    parts = random.normal(size=(300, 3))
    exact = np.column_stack([parts, parts.sum(axis=1) / np.sqrt(3)])
    of_sums = GaussianModel.learn(poke(exact, 0.1), 0).prior_rows
    of_noise = GaussianModel.learn(poke(random.normal(size=(100, 20)), 0.1), 0).prior_rows
    assert of_sums < 1 < 50 <= of_noise


@pytest.mark.parametrize("n_observed", [0, 1, 5])
def test_a_few_entries_are_enough(n_observed):
    X = np.full((3, 4), np.nan)
    X.ravel()[:n_observed] = 1.0
    model = GaussianModel.learn(X, 0)
    assert np.isfinite(model.complete(X)).all()
    assert (np.linalg.eigvalsh(model.covariance) > 0).all()


def test_what_takes_long_is_not_affordable():
    def half(n_rows, n_features):
        return is_affordable(
            np.where(np.arange(n_features) % 2, 1.0, np.nan) + np.zeros((n_rows, 1)), 0.3, 8
        )

    assert half(5000, 100)
    assert not half(5000, 800)
    assert is_affordable(np.zeros((500, 1000)), 0.1, 8)
    assert not is_affordable(np.zeros((2, 1001)), 0.1, 8)
