"""Labels in a sparse matrix: the same as in an array, without making it dense."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from sksn import SNClassifier
from sksn._training import _prediction
from tests.helpers import poke, to_csr

RANDOM = np.random.RandomState(0)
X = poke(RANDOM.normal(size=(150, 6)), 0.3)
LABELS = (RANDOM.uniform(size=(150, 130)) < np.linspace(0, 1, 130)).astype(int)
WEIGHTS = RANDOM.uniform(size=150) * (RANDOM.uniform(size=150) > 0.2)
PARTLY = np.where(RANDOM.uniform(size=LABELS.shape) < 0.1, np.nan, LABELS)
FAST = {"random_state": 0, "max_epochs": 3, "hidden_layer_sizes": 8, "batch_size": 32}
FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]


def assert_same(model, other):
    assert_array_equal(model.predict_proba(X), other.predict_proba(X))
    assert model.loss_curve_ == other.loss_curve_
    assert model.validation_scores_ == other.validation_scores_


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True},
        {"warm_start": True},
        {"dtype": "float64"},
        {"class_weight": "balanced"},
        {"class_weight": [{0: 1, 1: 1 + label / 1000} for label in range(130)]},
    ],
    ids=str,
)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["even", "weighted"])
@pytest.mark.parametrize("labels", [LABELS, PARTLY], ids=["known", "partly known"])
def test_the_same_bits_as_an_array(options, weights, labels):
    models = [SNClassifier(**FAST | options) for _ in range(2)]
    for y, model in zip((labels, sparse.csr_array(labels)), models, strict=True):
        model.fit(X, y, weights).fit(X[::-1], y[::-1], weights)
        model.partial_fit(X[:40], y[:40], sample_weight=None if weights is None else weights[:40])
    assert_same(*models)
    assert models[1].n_epochs_ == (7 if "warm_start" in options else 4)


def test_the_same_bits_from_sparse_rows_and_in_chunks():
    models = [SNClassifier(**FAST) for _ in range(2)]
    for y, model in zip((LABELS, sparse.coo_matrix(LABELS)), models, strict=True):
        for _ in range(3):
            model.partial_fit(to_csr(X), y)
    assert_array_equal(*(model.predict_proba(to_csr(X)) for model in models))
    assert [len(classes) for classes in models[1].classes_] == [2] * 130


@pytest.fixture(scope="module")
def fitted():
    return SNClassifier(**FAST).fit(X, LABELS)


@pytest.mark.filterwarnings("ignore:Constructing a DIA matrix")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("array", bool), ("matrix", np.int8), ("array", np.uint64), ("matrix", np.float64)],
)
def test_every_format_and_type(name, kind, dtype, fitted):
    y = getattr(sparse, f"{name}_{kind}")(LABELS.astype(dtype))
    model = SNClassifier(**FAST).fit(X, y)
    assert_same(model, fitted)
    assert model.predict(X).dtype == np.int64


def test_predictions_are_dense_and_scored_against_sparse_labels(fitted):
    y = sparse.csr_array(LABELS)
    model = SNClassifier(**FAST).fit(X, y)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        predicted = getattr(model, method)(X)
        assert isinstance(predicted, np.ndarray)
        assert_array_equal(predicted, getattr(fitted, method)(X))
    assert model.score(X, y) == fitted.score(X, LABELS)


def test_stored_zeros_and_duplicates_in_any_order_are_left_as_they_are():
    columns = np.tile(np.repeat(np.arange(130)[::-1], 2), 150)
    data = np.repeat(LABELS[:, ::-1].ravel() / 2, 2)
    halves = sparse.csr_array((data, columns, np.arange(151) * 260), shape=LABELS.shape)
    before = [part.copy() for part in (halves.data, halves.indices, halves.indptr)]
    assert_array_equal(halves.toarray(), LABELS)
    assert not halves.has_canonical_format
    for y in (halves, halves.astype(bool), halves.tocoo()):
        assert_same(SNClassifier(**FAST).fit(X, y), SNClassifier(**FAST).fit(X, LABELS))
    for part, expected in zip((halves.data, halves.indices, halves.indptr), before, strict=True):
        assert_array_equal(part, expected)


def test_capacity_beyond_the_entries():
    y = sparse.csr_array(LABELS)
    y.data, y.indices = np.append(y.data, 7), np.append(y.indices, 0)
    assert_same(SNClassifier(**FAST).fit(X, y), SNClassifier(**FAST).fit(X, LABELS))


def test_labels_that_apply_to_no_row_or_to_every_row():
    for y in (np.zeros_like(LABELS), np.ones_like(LABELS)):
        model = SNClassifier(**FAST).fit(X, sparse.csr_array(y))
        assert_same(model, SNClassifier(**FAST).fit(X, y))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize(
    ("value", "others", "message"),
    [
        (-1, [0], r"Multilabel y must hold 0 and 1 only, got array\(\[-1\., +0\.\]\)"),
        (2, [1], r"Multilabel y must hold 0 and 1 only, got array\(\[1\., +2\.\]\)"),
        (2, [0, 1], "y has several columns that are not all 0 and 1"),
        (0.5, [0], "y has several columns that are not all 0 and 1"),
        (1 + 1e-12, [0], "y has several columns that are not all 0 and 1"),
        (np.inf, [0, 1], "Input y contains infinity"),
        (2, [0, np.nan], "y has several columns with missing entries and values other than 0 and"),
    ],
)
def test_what_is_no_label_is_refused(container, value, others, message):
    y = np.resize(np.array([*others, value]), (150, 4))
    model = SNClassifier(**FAST).fit(X, LABELS)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, container(y))
    assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_row_or_a_label_of_which_nothing_is_known(container):
    for index, name in ((3, "row 3"), ((slice(None), 5), "column 5")):
        y = LABELS.astype(float)
        y[index] = np.nan
        with pytest.raises(ValueError, match=f"y is missing in all of {name}"):
            SNClassifier(**FAST).fit(X, container(y))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_another_number_of_rows_or_labels(container):
    model = SNClassifier(warm_start=True, **FAST).fit(X, container(LABELS))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, container(LABELS[1:]))
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y has 129 labels, expected 130"):
            call(X, container(LABELS[:, 1:]))
        with pytest.raises(ValueError, match="y has one label for each row, and had several"):
            call(X, LABELS[:, 30])


def test_one_column_holds_classes():
    y = LABELS[:, [30]]
    for container in (sparse.csr_array, sparse.csc_matrix):
        with pytest.warns(DataConversionWarning):
            model = SNClassifier(**FAST).fit(X, container(3 * y))
        assert_array_equal(model.classes_, [0, 3])
        assert_same(model, SNClassifier(**FAST).fit(X, 3 * y[:, 0]))


def test_weights_of_labels_are_those_of_scikit_learn():
    y = sparse.csr_array(LABELS)
    for class_weight, message in (
        ({0: 1, 1: 2}, "should be a list of dicts"),
        ([{0: 1, 1: 2}] * 65, "number of elements in class_weight should match"),
    ):
        with pytest.raises(ValueError, match=message):
            SNClassifier(class_weight=class_weight, **FAST).fit(X, np.hstack([LABELS, LABELS]))
        with pytest.raises(ValueError, match=message):
            SNClassifier(class_weight=class_weight, **FAST).fit(X, sparse.hstack([y, y]))
    doubled = [{0: 1, 1: 2 if label == 30 else 1} for label in range(130)]
    assert_same(
        SNClassifier(class_weight=doubled, **FAST).fit(X, y),
        SNClassifier(**FAST).fit(X, LABELS, 1.0 + LABELS[:, 30]),
    )


def test_a_network_that_knows_nothing_predicts_the_shares():
    model = SNClassifier(**FAST | {"lr": 1e-9}).fit(X, sparse.csr_array(LABELS), WEIGHTS)
    nothing = model.predict_proba(np.full((1, 6), np.nan))
    shares = np.average(LABELS, axis=0, weights=WEIGHTS)
    assert_allclose(nothing[0], np.clip(shares, 1e-3, 1 - 1e-3), atol=1e-5)
    share = np.nansum(PARTLY * WEIGHTS[:, None], axis=0)
    share /= (~np.isnan(PARTLY) * WEIGHTS[:, None]).sum(axis=0)
    nothing = clone(model).fit(X, sparse.csr_array(PARTLY), WEIGHTS)
    nothing = nothing.predict_proba(np.full((1, 6), np.nan))
    assert_allclose(nothing[0], np.clip(share, 1e-3, 1 - 1e-3), atol=1e-5)


@pytest.mark.parametrize("y", [LABELS, LABELS[:, 30], np.resize(["a", "bcd", "e"], 150)])
def test_predictions_in_blocks(y, monkeypatch):
    model = SNClassifier(**FAST).fit(X, y)
    methods = (model.predict, model.predict_proba, model.predict_log_proba)
    whole = [method(X) for method in methods]
    monkeypatch.setattr(_prediction, "_ENTRIES", 4000)
    for method, expected in zip(methods, whole, strict=True):
        found = method(X)
        assert found.dtype == expected.dtype
        if found.dtype == np.float64:
            assert_allclose(found, expected, rtol=1e-9)
        else:
            assert_array_equal(found, expected)


def test_a_row_whose_prediction_overflows_is_named_in_any_block(monkeypatch):
    model = SNClassifier(input_scaling=None, **FAST | {"dtype": "float64"}).fit(X, LABELS)
    rows = X.copy()
    rows[97] = 1e30
    model.net_.module_.input.weight.data.mul_(1e300)
    for entries in (1 << 20, 4000):
        monkeypatch.setattr(_prediction, "_ENTRIES", entries)
        with pytest.raises(ValueError, match="The prediction for row 97 is not finite"):
            model.predict(rows)
