import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse

from sksn import ObservedScaler, SparsityNormalizer
from sksn._checks import check_weights
from sksn._observed import validate_observed

TRANSFORMERS = [SparsityNormalizer, ObservedScaler]


@pytest.mark.parametrize("transformer", TRANSFORMERS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinities_are_refused(transformer, bad):
    X = np.array([[1.0, bad], [2.0, 3.0]])
    for container in (np.asarray, sparse.csr_array, sparse.csc_matrix):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            transformer().fit(container(X))


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_wrong_number_of_features(transformer):
    fitted = transformer().fit(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3 features"):
        fitted.transform(np.ones((2, 2)))


@pytest.mark.parametrize("transformer", TRANSFORMERS)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.empty((0, 3)), r"Found array with 0 sample\(s\)"),
        (np.empty((3, 0)), r"Found array with 0 feature\(s\)"),
        ([1.0, 2.0], "Expected 2D array, got 1D array"),
        (np.array([[1 + 2j]]), "Complex data not supported"),
        (np.array([["a", "b"]]), "X must be numeric, got an array of dtype <U1"),
        (np.array([["a", 1.0]], dtype=object), "X holds text .*'a'.*OneHotEncoder"),
        ([["a", 1.0]], "X holds text|X must be numeric"),
    ],
)
def test_inputs_that_are_not_tables_of_numbers(transformer, X, message):
    with pytest.raises(ValueError, match=message):
        transformer().fit(X)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["u", "v"]),
        pd.Series(["u", None], dtype="string"),
        pd.Series(["u", "v"], dtype="category"),
        pd.Series([1, 2], dtype="category"),
        pd.Series([datetime.datetime(2020, 1, 1)] * 2),
        pd.Series([datetime.timedelta(1)] * 2),
        pd.Series(pd.arrays.SparseArray([0.0, 1.0])),
    ],
)
def test_frames_with_columns_to_encode(column):
    frame = pd.DataFrame({"ok": [1.0, 2.0], "bad": column})
    with pytest.raises(ValueError, match=r"columns that are not numeric: 'bad' \(.*Encode text"):
        SparsityNormalizer().fit(frame)


def test_object_columns_of_text_are_refused_and_of_numbers_taken():
    frame = pd.DataFrame({"a": pd.Series([1, None], dtype=object)})
    assert_array_equal(validate_observed(None, frame), [[1], [np.nan]])
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Series(["x", None], dtype=object)})
    with pytest.raises(ValueError, match=r"not numeric: 'b' \(object\)\. Encode"):
        validate_observed(None, frame)


def test_masked_arrays_keep_their_holes():
    X = np.ma.masked_array([[1, -999]], mask=[[0, 1]])
    assert_array_equal(validate_observed(None, X), [[1, np.nan]])


def test_missing_objects():
    for missing in (None, pd.NA, np.nan):
        X = np.array([[1, missing]], dtype=object)
        assert_array_equal(validate_observed(None, X), [[1, np.nan]])
        frame = pd.DataFrame({"a": pd.Series([1, missing], dtype=object), "b": [1.0, 2.0]})
        assert_array_equal(validate_observed(None, frame), [[1, 1], [np.nan, 2]])


def test_objects_that_are_no_numbers():
    with pytest.raises(TypeError, match=r"X holds entries that are no numbers .*Encode"):
        validate_observed(None, np.array([[datetime.date(2020, 1, 1)]], dtype=object))


def test_tensors_are_arrays_to_who_does_not_ask_for_them():
    X = torch.tensor([[1.0, np.nan]])
    assert isinstance(validate_observed(None, X), np.ndarray)


def test_polars_frames():
    frame = pl.DataFrame({"a": [1, None], "b": [1.5, 2.0]})
    assert_array_equal(validate_observed(None, frame), [[1, 1.5], [np.nan, 2]])
    with pytest.raises(ValueError, match="'c' \\(String\\)"):
        SparsityNormalizer().fit(frame.with_columns(c=pl.Series(["x", "y"])))


@pytest.mark.parametrize("missing", [pd.NA, np.nan])
def test_nullable_columns(missing):
    frame = pd.DataFrame(
        {
            "i": pd.array([1, pd.NA], dtype="Int64"),
            "f": pd.array([1.5, pd.NA], dtype="Float64"),
            "b": pd.array([True, pd.NA], dtype="boolean"),
        }
    )
    assert_array_equal(
        validate_observed(None, frame, missing_values=missing), [[1, 1.5, 1], [np.nan] * 3]
    )


class TestAmbiguousFormats:
    """DIA drops stored zeros when it is converted, and BSR has its padding stored."""

    def test_dia_without_zeros_is_taken(self):
        X = sparse.dia_array((np.array([[1.0, 2, 3]]), [0]), shape=(3, 3))
        assert SparsityNormalizer().fit(X).target_ == 1

    def test_padding_outside_the_matrix_does_not_count(self):
        X = sparse.dia_array((np.array([[0.0, 2, 3]]), [1]), shape=(3, 3))
        assert SparsityNormalizer().fit(X).target_ == pytest.approx(2 / 3)

    def test_dia_with_zeros_is_refused(self):
        X = sparse.dia_array((np.array([[1.0, 0, 3]]), [0]), shape=(3, 3))
        with pytest.raises(ValueError, match="sparse DIA matrix that stores zeros"):
            SparsityNormalizer().fit(X)
        assert SparsityNormalizer(missing_values=0).fit(X).target_ == pytest.approx(2 / 3)

    def test_bsr(self):
        full = sparse.bsr_array(np.ones((4, 4)), blocksize=(2, 2))
        assert SparsityNormalizer().fit(full).target_ == 4
        padded = sparse.bsr_array(np.eye(4), blocksize=(2, 2))
        with pytest.raises(ValueError, match="sparse BSR matrix that stores zeros"):
            SparsityNormalizer().fit(padded)
        assert SparsityNormalizer(missing_values=0).fit(padded).target_ == 1


@pytest.mark.parametrize("missing", ["?", np.inf, [0], 1j])
def test_bad_missing_values(missing):
    with pytest.raises(ValueError, match="missing_values must be NaN or a finite number, got"):
        SparsityNormalizer(missing_values=missing).fit([[1.0]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"sample_weight has 1 entries .* X has 2 rows"),
        ([1.0, -2.0], "sample_weight must not be negative, got -2.0 at row 1"),
        ([0.0, 0.0], "sample_weight is zero for every row"),
        ([1.0, np.nan], "sample_weight holds NaN or infinity"),
        ([[1.0], [1.0]], "sample_weight must be one-dimensional"),
        (["a", "b"], r"sample_weight must hold numbers, got \['a', 'b'\]"),
    ],
)
@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_bad_sample_weight(transformer, weights, message):
    with pytest.raises(ValueError, match=message):
        transformer().fit([[1.0], [2.0]], sample_weight=weights)


def test_one_number_weighs_every_row():
    assert_array_equal(check_weights(2, 3), [2, 2, 2])
    assert_array_equal(check_weights(np.array(2.0), 3), [2, 2, 2])
    assert check_weights(None, 3) is None
