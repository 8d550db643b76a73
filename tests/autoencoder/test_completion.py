"""What SNAutoencoder completes, and in how much memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sksn import SNAutoencoder
from sksn.nn import SNAE
from tests.helpers import poke, to_csr, to_dense

from .common import QUICK, error, low_rank

# What it learns -----------------------------------------------------------------------------


@pytest.mark.parametrize("container", [np.asarray, to_csr])
def test_it_completes_a_matrix_of_low_rank(container):
    full, holes = low_rank(n_rows=300)
    model = SNAutoencoder(input_scaling="observed", random_state=0).fit(container(holes))
    of_means = np.sqrt(np.mean((SimpleImputer().fit_transform(holes) - full)[np.isnan(holes)] ** 2))
    assert error(model, full, container(holes)) < 0.6 * of_means


def test_rows_that_were_not_in_training_are_completed_as_well():
    full, holes = low_rank(n_rows=400)
    model = SNAutoencoder(random_state=0).fit(holes[:300])
    of_means = np.sqrt(np.mean((np.nanmean(holes[:300], axis=0) - full[300:]) ** 2))
    assert error(model, full[300:], holes[300:]) < 0.7 * of_means


def test_sparse_and_dense_rows_give_the_same_where_they_are_held_alike():
    """How rows are held is chosen by how full they are, not by how they came."""
    for observed in (0.1, 0.6):
        _, holes = low_rank(observed=observed)
        options = {**QUICK, "input_scaling": "observed", "dtype": "float64"}
        options["initial_strategy"] = "mean"
        from_dense = SNAutoencoder(**options).fit(holes)
        from_sparse = SNAutoencoder(**options).fit(to_csr(holes))
        assert from_dense._learner.as_sparse == from_sparse._learner.as_sparse == (observed < 0.2)
        np.testing.assert_allclose(from_dense.transform(holes), from_sparse.transform(holes))
        np.testing.assert_allclose(
            from_dense.transform(holes), from_dense.transform(to_csr(holes)), rtol=1e-6
        )


def test_both_ways_of_holding_rows_train_alike(monkeypatch):
    """Sampled products or full ones: the same network, but for rounding."""
    _, holes = low_rank()
    options = {**QUICK, "input_dropout": 0.0, "dtype": "float64", "max_epochs": 10}
    options["input_scaling"] = "observed"
    found = []
    for share in (0.0, 1.0):
        monkeypatch.setattr("sksn._training._completion._DENSE_SHARE", share)
        found.append(SNAutoencoder(**options).fit(holes))
    assert [model._learner.as_sparse for model in found] == [False, True]
    np.testing.assert_allclose(*(model.reconstruct(holes) for model in found), rtol=1e-6)
    np.testing.assert_allclose(*(model.loss_curve_ for model in found), rtol=1e-6)


def test_the_automatic_activation():
    _, holes = low_rank()
    for scaling, name in (("observed", "relu"), ("global", "logistic")):
        options = {**QUICK, "input_scaling": scaling}
        found, named = (
            SNAutoencoder(**options, activation=a).fit(holes).reconstruct(holes)
            for a in ("auto", name)
        )
        np.testing.assert_array_equal(found, named)


def test_units_do_not_matter():
    _, holes = low_rank()
    for scaling in ("observed", "global"):
        options = {**QUICK, "input_scaling": scaling, "dtype": "float64"}
        once = SNAutoencoder(**options).fit(holes).reconstruct(holes)
        thousandfold = SNAutoencoder(**options).fit(1000 * holes).reconstruct(1000 * holes)
        np.testing.assert_allclose(thousandfold, 1000 * once, rtol=1e-4)


# What it gives ------------------------------------------------------------------------------


def test_observed_entries_are_kept_unless_asked_otherwise():
    _, holes = low_rank()
    model = SNAutoencoder(**QUICK).fit(holes)
    observed = ~np.isnan(holes)
    for rows in (holes, to_csr(holes)):
        completed = model.transform(rows)
        assert np.array_equal(completed[observed], holes[observed])
        np.testing.assert_array_equal(completed[~observed], model.reconstruct(rows)[~observed])
    model.keep_observed = False
    np.testing.assert_array_equal(model.transform(holes), model.reconstruct(holes))
    assert not np.allclose(model.transform(holes)[observed], holes[observed])


@pytest.mark.parametrize("options", [{}, {"row_offset": None}, {"center": True}])
def test_entries_one_by_one_are_those_of_the_whole(options):
    _, holes = low_rank()
    model = SNAutoencoder(**QUICK, **options).fit(holes)
    rng = np.random.RandomState(0)
    rows, cols = rng.randint(80, size=200), rng.randint(30, size=200)
    whole = model.reconstruct(holes)
    np.testing.assert_allclose(model.predict_entries(holes, rows, cols), whole[rows, cols])
    np.testing.assert_allclose(model.predict_entries(to_csr(holes), [3], [4]), whole[3, 4])
    assert model.predict_entries(holes, [], []).shape == (0,)


def test_codes():
    _, holes = low_rank()
    model = SNAutoencoder(**{**QUICK, "hidden_layer_sizes": (12, 5)}, activation="logistic").fit(
        holes
    )
    codes = model.encode(holes)
    assert codes.shape == (80, 5)
    assert np.all((codes > 0) & (codes < 1))  # a logistic function's
    np.testing.assert_allclose(model.encode(holes[7:8]), codes[7:8])


def test_an_empty_row_and_a_feature_never_observed():
    _, holes = low_rank()
    holes[:, 4] = np.nan
    for container in (np.asarray, to_csr):
        model = SNAutoencoder(**QUICK).fit(container(holes))
        empty = np.full((1, 30), np.nan)
        assert np.isfinite(model.transform(container(empty))).all()
        assert np.isfinite(model.transform(container(holes))).all()


def test_score_is_that_of_entries_that_were_hidden():
    full, holes = low_rank(n_rows=300)
    model = SNAutoencoder(random_state=0).fit(holes)
    assert 0.3 < model.score(holes) == model.score(holes) < 1
    by_hand = model.transform(holes)
    hidden = np.isnan(holes)
    scale = model._learner.scaling.moments.scale
    errors, spread = (((a - full) / scale)[hidden] for a in (by_hand, 0 * full))
    spread = (full - model._learner.scaling.moments.mean)[hidden] / np.broadcast_to(
        scale, full.shape
    )[hidden]
    expected = 1 - np.sum(errors**2) / np.sum((spread - spread.mean()) ** 2)
    assert model.score(holes, hidden=full) == pytest.approx(expected)
    assert model.score(to_csr(holes), hidden=to_csr(full)) == pytest.approx(expected)


# In scikit-learn ----------------------------------------------------------------------------


def test_as_a_step_before_a_classifier_and_in_a_search():
    X, y = load_iris(return_X_y=True)
    X = pd.DataFrame(poke(X, 0.3), columns=list("abcd"))
    pipeline = make_pipeline(SNAutoencoder(**QUICK), LogisticRegression(max_iter=1000))
    assert pipeline.fit(X, y).score(X, y) > 0.8
    pipeline.set_output(transform="pandas")
    assert list(pipeline[:-1].fit_transform(X).columns) == list("abcd")
    cv = KFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(SNAutoencoder(**QUICK), {"power": [0.0, 1.0]}, cv=cv)
    search.fit(X, y)
    assert search.best_score_ > 0


# Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes must be a positive integer or a"),
        ({"input_scaling": None}, "input_scaling must be one of 'auto', 'observed', 'global'"),
        ({"row_offset": -1}, r"row_offset must be None or a number in \[0, inf\), got -1"),
        ({"batch_size": "all"}, "batch_size must be 'auto' or a positive integer, got 'all'"),
        ({"center": 1}, "center must be True or False, got 1"),
        ({"add_indicator": "auto"}, "add_indicator must be True or False, got 'auto'"),
        ({"power": -1}, "power must be a number"),
        ({"input_dropout": 1}, "input_dropout must be 'auto' or a number"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SNAutoencoder(**options).fit(np.ones((3, 2)))


def test_bad_input():
    _, holes = low_rank()
    with pytest.raises(ValueError, match="no observed entry"):
        SNAutoencoder().fit(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="takes all of the 1 observed entries"):
        SNAutoencoder(early_stopping=True).fit([[1.0, np.nan]])
    model = SNAutoencoder(**QUICK).fit(holes)
    with pytest.raises(ValueError, match=r"rows must lie in \[0, 80\), got 80"):
        model.predict_entries(holes, [80], [0])
    with pytest.raises(ValueError, match=r"cols must lie in \[0, 30\), got -1"):
        model.predict_entries(holes, [0], [-1])
    with pytest.raises(ValueError, match="cols must be a one-dimensional array of integers"):
        model.predict_entries(holes, [0], [0.5])
    with pytest.raises(ValueError, match="rows and cols must be of the same length, got 1 and 2"):
        model.predict_entries(holes, [0], [0, 1])
    with pytest.raises(ValueError, match="hidden must be of the shape of X"):
        model.score(holes, hidden=holes[:3])
    with pytest.raises(ValueError, match="at least 2 hidden entries"):
        model.score(holes, hidden=holes)
    with pytest.raises(ValueError, match="loss became"):
        SNAutoencoder(**{**QUICK, "activation": "relu"}, lr=1e30).fit(holes)


# Memory -------------------------------------------------------------------------------------


def test_memory_follows_the_entries_not_rows_times_columns():
    """Two thousand million places, of which a few are observed."""
    n = 45_000
    rng = np.random.RandomState(0)
    places = np.divmod(np.unique(rng.randint(n * n, size=100_000)), n)
    X = sparse.csr_array((rng.normal(size=len(places[0])), places), shape=(n, n))
    options = {"hidden_layer_sizes": 4, "max_epochs": 2, "random_state": 0}
    tracemalloc.start()
    try:
        model = SNAutoencoder(**options).fit(X)
        found = model.predict_entries(X, np.arange(1000), np.arange(1000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite(found).all()
    assert peak < 100 * 2**20  # a full matrix of bytes would be 2 GB


def test_the_module_is_public_and_trainable_by_hand():
    full, holes = low_rank(n_rows=200)
    net = SNAE(30, hidden_layer_sizes=(32,), target=18.0, row_offset=2.0, seed=0)
    rows = torch.tensor(holes, dtype=torch.float32)
    observed = rows == rows
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = ((net(rows) - rows)[observed] ** 2).mean()
        loss.backward()
        optimizer.step()
    left = (net(rows).detach().numpy() - full)[np.isnan(holes)]
    assert np.sqrt(np.mean(left**2)) < np.std(full - full.mean(axis=0))
    np.testing.assert_allclose(to_dense(to_csr(holes)), holes)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"min_value": "observd"}, "min_value must be .*, got 'observd'"),
        ({"min_value": 5, "max_value": 1}, "min_value must not exceed max_value, got 5 and 1"),
        ({"keep_observed": "no"}, "keep_observed must be .*, got 'no'"),
        ({"validation_fraction": 2.0}, "validation_fraction must be .*, got 2.0"),
    ],
)
def test_parameters_of_prediction_are_checked_there(changed, message):
    X = np.where(np.random.RandomState(0).uniform(size=(30, 4)) < 0.3, np.nan, 1.0)
    X[:, 0] = np.arange(30)
    model = SNAutoencoder(max_epochs=2).fit(X).set_params(**changed)
    for method in (model.transform, model.reconstruct, model.score):
        with pytest.raises(ValueError, match=message):
            method(X)


def test_the_old_name_of_a_parameter_warns_once_and_points_to_the_caller():
    X = np.arange(12.0).reshape(6, 2)
    with pytest.warns(FutureWarning, match="add_indicator") as warned:
        SNAutoencoder(add_indicator=True, max_epochs=2).fit(X)
    assert [one.filename for one in warned] == [__file__]
