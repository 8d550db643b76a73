"""What SNAutoencoder completes from expected values that the network corrects."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import KNNImputer

from sksn import SNAutoencoder
from sksn.nn._refining import RefiningAE
from tests.helpers import poke, to_csr

from .common import QUICK


def curved(n_rows=1200):
    random = np.random.RandomState(0)
    x = random.uniform(-2, 2, (n_rows, 3))
    noise = 0.1 * random.normal(size=(n_rows, 3))
    return np.column_stack([x, np.column_stack([x[:, 0] ** 2, x[:, 1] * x[:, 2], x[:, 1]]) + noise])


def rmse(completed, full, hidden):
    return np.sqrt(np.mean((completed - full)[hidden] ** 2))


def refined(model):
    return model._learner.refinement is not None


def test_a_sum_of_columns_is_completed():
    random = np.random.RandomState(0)
    parts = random.uniform(0, 10, (500, 3))
    full = np.column_stack([parts.sum(axis=1), parts])
    holes = full.copy()
    holes[400:, 0] = np.nan
    found = SNAutoencoder(random_state=0).fit_transform(holes)
    of_neighbours = KNNImputer().fit_transform(holes)
    assert (
        rmse(found, full, np.isnan(holes)) < 0.1 < 0.7 < rmse(of_neighbours, full, np.isnan(holes))
    )


def test_the_network_learns_what_is_not_linear():
    full = curved()
    holes = poke(full, 0.2)
    hidden = np.isnan(holes)
    model = SNAutoencoder(random_state=0).fit(holes)
    learner = model._learner
    expected = learner.refinement.model.complete(learner.scaling.transform(holes))
    expected = learner.scaling.inverse(expected)
    assert rmse(model.transform(holes), full, hidden) < 0.85 * rmse(expected, full, hidden)
    untrained = SNAutoencoder(max_epochs=1, lr=1e-12, random_state=0).fit(holes)
    assert rmse(untrained.transform(holes), expected, hidden) < 0.2  # it starts close to them


def test_the_network_never_sees_what_it_is_to_predict():
    holes = poke(curved(60), 0.3)
    model = SNAutoencoder(dtype="float64", **QUICK).fit(holes)
    refinement, place = model._learner.refinement, model._learner.net.place

    def batches(X):
        train = refinement.dataset(X, lambda: 7, *place)  # one seed for each draw
        return train[:][0], next(train.rest())

    batch, rest = batches(holes)
    shown, completed = np.split(batch.rows.numpy(), 2, axis=1)
    predicted, unpredicted = (~np.isnan(part.to_predict.numpy()) for part in (batch, rest))
    hidden = predicted | unpredicted
    assert not (predicted & unpredicted).any()
    assert 0 < unpredicted.sum() < predicted.sum()
    assert hidden.sum() == np.ceil(0.3 * (~np.isnan(holes)).sum())
    assert_array_equal(np.isnan(shown), np.isnan(holes) | hidden)
    assert_array_equal(batch.to_predict.numpy()[predicted], holes[predicted])
    again, _ = batches(np.where(hidden, holes + 100, holes))
    assert_allclose(again.rows.numpy()[:, 6:], completed)


def test_noise_is_not_corrected():
    random = np.random.RandomState(0)
    X = random.normal(size=(400, 20))
    model = SNAutoencoder(random_state=0).fit(poke(X, 0.2))
    learner = model._learner
    expected = learner.refinement.model.complete(learner.scaling.transform(poke(X, 0.2)))
    added = learner.scaling.transform(model.reconstruct(poke(X, 0.2))) - expected
    assert np.sqrt(np.mean(added**2)) < 0.05


@pytest.mark.parametrize("early_stopping", [False, True])
def test_single_entries_blocks_containers_and_pickles_agree(early_stopping):
    holes = poke(curved(300), 0.3)
    holes[5] = np.nan
    options = {**QUICK, "input_scaling": "observed", "early_stopping": early_stopping}
    model = SNAutoencoder(**options).fit(holes)
    assert refined(model)
    assert isinstance(model.net_.module_, RefiningAE)
    everything = model.reconstruct(holes)
    rows, columns = np.array([5, 0, 299, 5]), np.array([1, 2, 3, 5])
    assert_allclose(model.predict_entries(holes, rows, columns), everything[rows, columns])
    assert_allclose(model.reconstruct(holes[5:9]), everything[5:9], rtol=1e-9, atol=1e-9)
    assert_allclose(everything[5], np.nanmean(holes, axis=0), atol=1)
    assert_allclose(SNAutoencoder(**options).fit(to_csr(holes)).reconstruct(holes), everything)
    assert_array_equal(pickle.loads(pickle.dumps(model)).reconstruct(holes), everything)
    assert model.encode(holes).shape == (300, QUICK["hidden_layer_sizes"])


def test_further_rows_move_the_expected_values():
    full = curved(400)
    holes, further = poke(full[:200], 0.2), poke(full[200:] * 3 + 5, 0.2, seed=1)
    model = SNAutoencoder(**QUICK).fit(holes)
    before = model._learner.refinement.model
    model.partial_fit(further)
    after = model._learner.refinement.model
    assert (before.n_rows, after.n_rows) == (200, 400)
    both = SNAutoencoder(**QUICK).fit(np.vstack([holes, further]))
    whole = both._learner.refinement.model  # one step of EM, from the distribution so far
    assert_allclose(after.mean, whole.mean, atol=0.2)
    assert_allclose(after.covariance, whole.covariance, atol=0.25)
    kept = model.reconstruct(holes)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(holes[:, :2])
    assert_array_equal(model.reconstruct(holes), kept)


def test_features_that_begin_to_vary_later_are_completed_in_their_units():
    full = curved(400) * 1e-3 + 1e3
    holes = poke(full, 0.2)
    first = holes[:200].copy()
    first[:, 0] = np.nan
    first[:, 5] = 1e3
    model = SNAutoencoder(**QUICK).fit(first)
    for _ in range(3):
        model.partial_fit(holes[200:])
    learned = model._learner.refinement.model
    assert np.abs(learned.mean).max() < 2
    assert np.linalg.eigvalsh(learned.covariance).max() < 20
    wrong = (model.transform(holes[200:]) - full[200:])[np.isnan(holes[200:])]
    assert np.abs(wrong).max() < 0.1


def test_where_rows_start_from_means():
    holes = poke(curved(100), 0.3)
    assert not refined(SNAutoencoder(**QUICK, initial_strategy="mean").fit(holes))
    assert not refined(SNAutoencoder(**QUICK, input_dropout=0).fit(holes))
    assert not refined(SNAutoencoder(**QUICK).fit(to_csr(holes)))  # of one scale
    wide = np.random.RandomState(0).normal(size=(20, 1001))
    assert not refined(SNAutoencoder(**{**QUICK, "max_epochs": 1}).fit(wide))
    for options in ({"input_scaling": "global"}, {"input_dropout": 0.0}):
        model = SNAutoencoder(**QUICK, initial_strategy="gaussian", **options)
        with pytest.raises(ValueError, match="initial_strategy='gaussian' needs input_dropout > 0"):
            model.fit(holes)
        assert not hasattr(model, "net_")


def test_constants_and_features_without_entries_stay():
    holes = poke(curved(100), 0.3)
    holes = np.column_stack([holes, np.where(holes[:, 0] > 0, 3.0, np.nan), np.full(100, np.nan)])
    completed = SNAutoencoder(**QUICK).fit_transform(holes)
    assert_array_equal(completed[:, 6], 3.0)
    assert_array_equal(completed[:, 7], 0.0)
