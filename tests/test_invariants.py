"""What must hold whatever the defaults are, over estimators, containers and types."""

import numpy as np
import pytest
import sklearn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sksn import SNAutoencoder, SNClassifier, SNRecommender, SNRegressor
from sksn._training._input_scaling import INPUT_SCALINGS

NAN = np.nan
FAST = {"random_state": 0, "max_epochs": 3, "hidden_layer_sizes": 8}


def stored(X):
    """CSR of the entries that are not NaN, zeros included."""
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


CONTAINERS = {"dense": np.asarray, "sparse": stored}


def halves(model, X, y):
    """The score on the odd rows of a model that learned from the even ones."""
    return model.fit(X[::2], y[::2]).score(X[1::2], y[1::2])


def table(seed=0, n=200, p=5, missing=0.3):
    random = np.random.RandomState(seed)
    X = random.normal(size=(n, p))
    y = X[:, 0] + 0.1 * random.normal(size=n)
    X[random.uniform(size=X.shape) < missing] = NAN
    return X, y


# Nothing observed looks like missing ---------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("input_scaling", INPUT_SCALINGS)
@pytest.mark.parametrize("value", [1.0, 0.0, -3.0, "two", "rare", "skewed", "normal"])
def test_an_observed_entry_is_told_from_a_missing_one(value, input_scaling, container):
    random = np.random.RandomState(0)
    y = random.randint(0, 2, 800)
    values = {
        "two": random.randint(0, 2, 800) * 1.0,
        "rare": (random.uniform(size=800) < 0.02) * 1.0,
        "skewed": random.exponential(size=800) ** 3,
        "normal": random.normal(size=800),
    }.get(value, value)
    X = np.c_[random.normal(size=(800, 3)), np.where(y, values, NAN)]
    if container == "sparse" and input_scaling is None and isinstance(value, str):
        pytest.skip("entries that vary around zero are as they are")
    model = SNClassifier(input_scaling=input_scaling, random_state=0)
    assert halves(model, CONTAINERS[container](X), y) > 0.9


def test_flags_of_numbers_and_their_regression():
    random = np.random.RandomState(0)
    y = random.randint(0, 2, 400)
    X = np.c_[random.normal(size=(400, 3)), np.where(y, 1.0, NAN)]
    assert halves(SNRegressor(random_state=0), X, y) > 0.95


def test_a_flag_beside_many_values_that_look_like_missing_ones():
    random = np.random.RandomState(0)
    y = random.randint(0, 2, 800)
    X = random.exponential(size=(800, 21)) ** 3 * (random.uniform(size=(800, 21)) < 0.5)
    X[random.uniform(size=X.shape) < 0.5] = NAN
    X[:, 0] = np.where(y, 1.0, NAN)
    assert halves(SNClassifier(random_state=0), X, y) > 0.95


def test_stored_zeros_are_observed():
    random = np.random.RandomState(0)
    score = random.randint(0, 3, (600, 5))
    X = np.where(score < 2, score, NAN)
    for convert in CONTAINERS.values():
        assert halves(SNClassifier(random_state=0), convert(X), score[:, 0] == 0) > 0.98


def test_tied_values_leave_bins_for_the_rest():
    random = np.random.RandomState(0)
    x = np.where(random.uniform(size=1500) < 0.9, 0, np.exp(2 * random.normal(size=1500)))
    X, y = np.c_[x, random.normal(size=(1500, 2))], x > 1
    model = SNClassifier(random_state=0).fit(X[::2], y[::2])
    positive = 2 * np.flatnonzero(x[1::2] > 0) + 1
    assert model.score(X[positive], y[positive]) > 0.95


# Units do not matter -------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    unit=st.sampled_from([1e-8, 1e-3, 0.37, 7.0, 1e3, 1e9]),
    container=st.sampled_from(sorted(CONTAINERS)),
    y_unit=st.sampled_from([1e-4, 1.0, 1e6]),
)
def test_units_change_no_prediction(unit, container, y_unit):
    X, y = table()
    X = np.abs(X) if container == "sparse" else X
    convert = CONTAINERS[container]
    options = FAST | {"dtype": "float64"}
    one = SNRegressor(**options).fit(convert(X), y).predict(convert(X))
    other = SNRegressor(**options).fit(convert(X * unit), y * y_unit + 3).predict(convert(X * unit))
    assert_allclose((other - 3) / y_unit, one, rtol=1e-4, atol=1e-4)


def test_each_dense_feature_has_a_unit_of_its_own():
    X, y = table()
    units = np.array([1e-6, 1.0, 1e3, 17.0, 1e9])
    options = FAST | {"dtype": "float64"}
    one = SNRegressor(**options).fit(X, y).predict(X)
    other = SNRegressor(**options).fit(X * units, y).predict(X * units)
    assert_allclose(other, one, rtol=1e-6, atol=1e-6)


def test_counts_fractions_and_long_rows_train_alike():
    random = np.random.RandomState(0)
    y = random.uniform(size=(300, 1))
    a, b = random.gamma(0.5, 5, (2, 1000))
    X = random.poisson(0.8 * (y * a + (1 - y) * b + 2 * a + 2 * b)).astype(float)
    for unit in (1.0, 0.01, 1e-5):
        model = SNRegressor(random_state=0)
        assert halves(model, sparse.csr_array(X * unit), y[:, 0]) > 0.9


def test_numbers_beside_one_hot_columns():
    random = np.random.RandomState(0)
    year, town = random.randint(1990, 2025, 600), random.randint(0, 15, 600)
    X = sparse.csr_array(np.c_[np.eye(15)[town], year])
    assert halves(SNClassifier(random_state=0), X, year > 2007) > 0.94


@pytest.mark.parametrize(("n", "p", "missing"), [(600, 520, 0.05), (600, 1500, 0.9)])
def test_wide_dense_tables(n, p, missing):
    random = np.random.RandomState(0)
    hidden = random.normal(size=(n, 5))
    X = hidden @ random.normal(size=(5, p)) + random.normal(size=(n, p))
    X[random.uniform(size=X.shape) < missing] = NAN
    assert halves(SNRegressor(random_state=0), X, hidden[:, 0]) > 0.7


# A network that knows nothing predicts the prior ----------------------------------------------


@pytest.mark.parametrize("kind", ["empty row", "constant X"])
def test_classes_of_which_nothing_is_known(kind):
    random = np.random.RandomState(0)
    X = random.normal(size=(600, 5))
    y = (X[:, 0] + X[:, 1] > 2.3).astype(int)
    X[random.uniform(size=X.shape) < 0.2] = NAN
    X = np.ones_like(X) if kind == "constant X" else X
    model = SNClassifier(random_state=0).fit(X, y)
    asked = np.full((1, 5), NAN) if kind == "empty row" else X[:1]
    assert abs(model.predict_proba(asked)[0, 1] - y.mean()) < 0.02


def test_shares_of_several_classes_and_labels():
    random = np.random.RandomState(0)
    y = random.choice(3, 900, p=[0.05, 0.15, 0.8])
    X = random.normal(size=(900, 4))
    nothing = np.full((1, 4), NAN)
    shares = np.bincount(y) / len(y)
    assert_allclose(
        SNClassifier(random_state=0).fit(X, y).predict_proba(nothing)[0], shares, atol=0.06
    )
    labels = np.eye(3, dtype=int)[y]
    several = SNClassifier(random_state=0).fit(X, labels).predict_proba(nothing)[0]
    assert_allclose(several, shares, atol=0.06)


@pytest.mark.parametrize("container", CONTAINERS)
def test_features_that_training_never_saw_change_nothing(container):
    random = np.random.RandomState(0)
    X = random.normal(size=(200, 6))
    y = X[:, 0].copy()
    known = X.copy()
    known[:, 3:] = NAN
    convert = CONTAINERS[container]
    model = SNRegressor(**FAST).fit(convert(known), y)
    assert_array_equal(model.predict(convert(X)), model.predict(convert(known)))


def test_constants_of_training_change_nothing_later():
    X, y = table(missing=0.0)
    X[:, 3:] = 1.0
    model = SNRegressor(**FAST).fit(X, y)
    other = X.copy()
    other[:, 3:] = 1e6
    assert_array_equal(model.predict(other), model.predict(X))


# random_state alone decides -----------------------------------------------------------------


MODELS = {
    "classifier": lambda X, y: SNClassifier(**FAST).fit(X, y > 0).predict_proba(X),
    "regressor": lambda X, y: SNRegressor(**FAST).fit(X, y).predict(X),
    "double": lambda X, y: SNRegressor(**FAST, dtype="float64").fit(X, y).predict(X),
    "autoencoder": lambda X, y: SNAutoencoder(**FAST).fit_transform(X),
    "recommender": lambda X, y: (
        SNRecommender(**FAST)
        .fit(np.argwhere(~np.isnan(X)), X[~np.isnan(X)])
        .predict(np.argwhere(~np.isnan(X)))
    ),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("state", ["dtype", "no_grad", "inference", "device", "pandas", "polars"])
def test_states_of_the_user_change_nothing(model, state):
    X, y = table()
    X = X.astype(np.float64)
    expected = np.asarray(MODELS[model](X, y))
    before = torch.get_default_dtype()
    try:
        if state == "dtype":
            torch.set_default_dtype(torch.float64)
            found = MODELS[model](X, y)
        elif state == "no_grad":
            with torch.no_grad():
                found = MODELS[model](X, y)
        elif state == "inference":
            with torch.inference_mode():
                found = MODELS[model](X, y)
        elif state == "device":
            with torch.device("meta"):
                found = MODELS[model](X, y)
        else:
            pytest.importorskip(state)
            with sklearn.config_context(transform_output=state):
                found = MODELS[model](X, y)
        if state == "dtype":
            assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert_array_equal(np.asarray(found), expected)


# What comes in unharmed goes out unharmed -----------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", CONTAINERS)
def test_completion_keeps_entries_and_types(dtype, container):
    X = table()[0].astype(dtype)
    completed = SNAutoencoder(**FAST).fit_transform(CONTAINERS[container](X))
    assert completed.dtype == dtype
    observed = ~np.isnan(X)
    assert_array_equal(completed[observed], X[observed])


@settings(max_examples=20, deadline=None)
@given(constant=st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6))
def test_constants_are_completed_by_themselves(constant):
    X = table()[0]
    X[:, 2] = np.where(np.isnan(X[:, 2]), NAN, constant)
    X[:, 4] = NAN
    completed = SNAutoencoder(**FAST).fit(X).transform(X)
    assert_array_equal(completed[:, 2], constant)
    assert_array_equal(completed[:, 4], 0)


def test_items_without_ratings_are_predicted_by_the_mean():
    random = np.random.RandomState(0)
    X = np.where(random.uniform(size=(100, 8)) < 0.5, random.randint(1, 6, (100, 8)), NAN)
    X[:, 7] = NAN
    model = SNAutoencoder(**FAST).fit(stored(X))
    assert_allclose(model.reconstruct(stored(X))[:, 7], np.nanmean(X))


def test_bounds_of_completed_entries():
    X = np.abs(table(missing=0.5)[0])
    assert SNAutoencoder(**FAST).fit_transform(X).min() >= 0
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    observed = SNAutoencoder(min_value="observed", max_value="observed", **FAST).fit(X)
    predicted = observed.reconstruct(X * 3)
    assert (predicted >= low).all()
    assert (predicted <= high).all()
    assert SNAutoencoder(min_value=2.0, **FAST).fit(X).reconstruct(X).min() >= 2
    highest = SNAutoencoder(max_value=[0.1, 9, 9, 9, 9], **FAST).fit(X).reconstruct(X)
    assert highest[:, 0].max() <= 0.1
    with pytest.raises(ValueError, match=r"min_value must be one number or one for each of the 5"):
        SNAutoencoder(min_value=[1.0, 2.0], **FAST).fit(X)
    with pytest.raises(ValueError, match="min_value must not exceed max_value"):
        SNAutoencoder(min_value=3.0, max_value=1.0, **FAST).fit(X)


# Containers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [SNRegressor(**FAST), SNAutoencoder(**FAST)])
@pytest.mark.parametrize("fitted", CONTAINERS)
def test_zeros_that_mean_something_else_are_not_silent(estimator, fitted):
    random = np.random.RandomState(0)
    X = random.poisson(0.5, (100, 6)).astype(float)
    as_sparse = sparse.csr_array(X)
    first, then = (X, as_sparse) if fitted == "dense" else (as_sparse, X)
    model = estimator.fit(first, X[:, 0])
    use = model.predict if hasattr(model, "predict") else model.transform
    with pytest.warns(UserWarning, match="missing_values=0"):
        use(then)
    same = sklearn.clone(estimator).set_params(missing_values=0).fit(first, X[:, 0])
    use = same.predict if hasattr(same, "predict") else same.transform
    assert_allclose(use(then), use(first), rtol=1e-5, atol=1e-6)
