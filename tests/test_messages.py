"""Mistakes that are easily made, and what the errors say about them."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from skorch.callbacks import Checkpoint, EarlyStopping

from sksn import (
    ObservedScaler,
    SNAutoencoder,
    SNClassifier,
    SNRecommender,
    SNRegressor,
    SparsityNormalizer,
)
from sksn.nn import SNMLP, SNLinear, SparseRows, SparsityNorm

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = (X.sum(axis=1) > 0).astype(int)
PAIRS = [["ann", "alien"], ["ann", "brazil"], ["bob", "alien"], ["bob", "casablanca"]]
STARS = [5.0, 2.0, 4.0, 1.0]
ESTIMATORS = [SNClassifier, SNRegressor, SNAutoencoder, SNRecommender]


def fit(model):
    if isinstance(model, SNAutoencoder):
        return model.fit(X)
    return model.fit(PAIRS, STARS) if isinstance(model, SNRecommender) else model.fit(X, Y)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"callbacks": [lambda net: None]},
            r"callbacks must be a list of skorch callbacks .*Callb",
        ),
        ({"callbacks": [("name", 3)]}, "callbacks must be a list of skorch callbacks or None, got"),
        (
            {"random_state": "x"},
            r"random_state must be None, an integer in \[0, 2\*\*32\) or a n.*'x'",
        ),
        ({"random_state": -1}, "random_state must be None, an integer"),
        (
            {"early_stopping": True, "validation_fraction": np.arange(10_000.0)},
            r"validation_fraction must be a number in \(0, 1\), got an array of shape \(10000,\)",
        ),
        (
            {"callbacks": [EarlyStopping()]},
            "EarlyStopping, which monitors 'valid_loss', but nothing",
        ),
        ({"callbacks": [("keep", Checkpoint(dirname="x"))]}, "Checkpoint, which monitors 'valid_"),
    ],
)
def test_parameters(estimator, parameters, message):
    with pytest.raises(ValueError, match=message) as caught:
        fit(estimator(max_epochs=1, **parameters))
    assert len(str(caught.value)) < 500


def test_a_callback_may_monitor_what_takes_place():
    stop = EarlyStopping(monitor="train_loss", sink=str)
    assert SNClassifier(max_epochs=2, callbacks=[stop]).fit(X, Y).n_epochs_ == 2
    model = SNClassifier(max_epochs=2, early_stopping=True, callbacks=[EarlyStopping(sink=str)])
    assert model.fit(X, Y).n_epochs_ == 2
    with pytest.raises(ValueError, match="monitors 'valid_loss'"):
        model.partial_fit(X, Y)


@pytest.mark.parametrize(
    "estimator", [*(e() for e in ESTIMATORS), SparsityNormalizer(), ObservedScaler()]
)
def test_a_parameter_that_may_have_been_meant(estimator):
    name = list(estimator.get_params())[-1]
    with pytest.raises(ValueError, match=f"Invalid parameter .* Did you mean '{name}'"):
        estimator.set_params(**{name + "x": 1})
    with pytest.raises(ValueError, match=r"Invalid parameter 'qqqq'.*\]\.$"):
        estimator.set_params(qqqq=1)
    assert estimator.set_params(**estimator.get_params()) is estimator


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_labels_that_are_missing(missing):
    for y in (np.array(["a", "b", missing] * 20, object), pd.Series(["a", "b", missing] * 20)):
        with pytest.raises(ValueError, match=r"y is missing \(.*\) in row 2\. Leave out the rows"):
            SNClassifier().fit(X, y)
    with pytest.raises(ValueError, match="y is missing"):
        SNRegressor().fit(X, np.array([1.0, 2.0, missing] * 20, object))


@pytest.mark.parametrize("y", [["a", "b"] * 30, ["1", "2"] * 30, [1, "2"] * 30])
def test_text_as_numbers(y):
    for text in (y, np.array(y, dtype=object), pd.Series(y)):
        with pytest.raises(
            ValueError, match=r"y must hold numbers, got text \('.'\)\. .*SNClassif"
        ):
            SNRegressor().fit(X, text)


def test_one_class_is_named():
    with pytest.raises(ValueError, match=r"y has 1 class \('yes'\); SNClassifier needs at least 2"):
        SNClassifier().fit(X, ["yes"] * 60)


# Recommender -------------------------------------------------------------------------------


def test_a_frame_with_its_ratings():
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "stars": [4, 5], "when": [0, 0]})
    with pytest.raises(ValueError, match=r"X=frame\[\['user', 'item'\]\] and y=frame\['stars'\]"):
        SNRecommender().fit(frame, frame["stars"])


def test_a_matrix_of_ratings():
    with pytest.raises(ValueError, match=r"y must be None where X is a sparse matrix .* type list"):
        SNRecommender().fit(sparse.csr_array(np.eye(3)), [1, 2, 3])
    model = SNRecommender().fit(sparse.csr_array(np.eye(3)))
    with pytest.raises(
        TypeError, match=r"fit and partial_fit .* take one.*np\.column_stack\(X\.nonzero\(\)\)"
    ):
        model.predict(sparse.csr_array(np.eye(3)))


def test_ratings_that_are_all_the_same():
    with pytest.raises(ValueError, match=r"y holds the same rating, 1, for all 4 pairs.*'ranking'"):
        SNRecommender(objective="rating").fit(PAIRS, np.ones(4))


def test_ratings_that_are_needed():
    with pytest.raises(ValueError, match=r"y is None, but objective='rating'.*'auto'"):
        SNRecommender(objective="rating").fit(PAIRS)
    with pytest.raises(ValueError, match=r"y is None, but the recommender was fitted on ratings"):
        SNRecommender(max_epochs=1).fit(PAIRS, STARS).fold_in(PAIRS)


# Layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [SNLinear(4, 2), SparsityNorm(4.0)])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.eye(4), r"got ndarray\. Use torch\.as_tensor\(x\)"),
        (sparse.csr_array(np.eye(4)), r"got csr_array\. Pass the rows .* as sksn\.nn\.SparseRows"),
        (torch.eye(4).to_sparse(), r"got torch\.sparse_coo\. Pass .* as sksn\.nn\.SparseRows"),
        (torch.ones(2, 4).long(), r"got torch\.int64\. Use x\.float\(\)"),
    ],
)
def test_what_is_no_dense_tensor(layer, x, message):
    with pytest.raises(TypeError, match=f"x must be a dense tensor of floating .*{message}"):
        layer(x)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_torch_csr_tensor():
    with pytest.raises(
        TypeError, match=r"got torch\.sparse_csr\. Pass the rows of a sparse matrix"
    ):
        SNLinear(4, 2)(torch.eye(4).to_sparse_csr())


def test_what_does_not_fit_the_weights():
    layer = SNLinear(4, 2)
    with pytest.raises(TypeError, match=r"type of the weights, torch\.float32, got torch\.float64"):
        layer(torch.ones(2, 4, dtype=torch.float64))
    for shape in ((2, 5), (4,) * 0, (2, 3)):
        with pytest.raises(ValueError, match=r"x must have 4 features \(in_features\).*the shape"):
            layer(torch.ones(shape))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.ones(2, 4)).shape == (2, 2)
        assert layer(torch.ones(2, 4, dtype=torch.bfloat16)).shape == (2, 2)
    assert SNMLP(4, 1)(torch.ones(2, 4)).shape == (2, 1)
    rows = SparseRows(torch.ones(2), torch.tensor([0, 3]), torch.tensor([0, 1]))
    assert layer(rows).shape == (2, 2)


def test_monitors_of_classes_and_of_the_recommender():
    with pytest.raises(ValueError, match="EarlyStopping, which monitors 'valid_loss', but nothing"):
        SNClassifier(callbacks=[EarlyStopping]).fit(X, Y)
    with pytest.raises(ValueError, match=r"monitor='train_loss', or early_stopping=True\."):
        SNRecommender(callbacks=[EarlyStopping()]).fit(PAIRS, STARS)
    # the refit, which has no held-out ratings, leaves the callback out
    watched = SNRecommender(early_stopping=True, callbacks=[EarlyStopping()], max_epochs=2)
    watched.fit(PAIRS, STARS)


def test_an_entry_out_of_range_points_to_what_helps():
    chunk = np.where(np.arange(60)[:, None] == 0, 1e300, X)
    model = SNAutoencoder(max_epochs=1).partial_fit(X)
    with pytest.raises(
        ValueError, match=r"beyond the range of float32; look for extreme entries \(r.*r\)\.$"
    ):
        model.partial_fit(chunk)
    model = SNClassifier(input_scaling="observed").partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="or use input_scaling='auto', which squashes"):
        model.partial_fit(chunk, Y)
    with pytest.raises(ValueError, match="X holds an integer that float64 cannot hold"):
        SparsityNormalizer().fit([[10**400, 2]])
