import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse

from sksn import ObservedScaler, SparsityNormalizer
from sksn._checks import check_weights
from sksn._observed import missing_mask, validate_observed

DECIMAL = pd.ArrowDtype(pa.decimal128(5, 2))
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


def test_nullable_columns():
    frame = pd.DataFrame(
        {
            "i": pd.array([1, pd.NA], dtype="Int64"),
            "f": pd.array([1.5, pd.NA], dtype="Float64"),
            "b": pd.array([True, pd.NA], dtype="boolean"),
        }
    )
    assert_array_equal(validate_observed(None, frame), [[1, 1.5, 1], [np.nan] * 3])
    for missing in (pd.NA, np.nan):
        assert SparsityNormalizer(missing_values=missing).fit(frame).target_ == 1.5


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


@pytest.mark.parametrize("missing", ["?", np.inf, ["0"], 1j, 10**400, 2**53 + 1])
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


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
@pytest.mark.parametrize(
    ("values", "total"),
    [(np.array([True, True]), 1), (np.array([100, 100], np.int8), 200), ([0.5, 0.25], 0.75)],
)
def test_duplicates_have_one_sum_in_every_format(container, values, total):
    """The sum of bools is a bool, as in scipy; small integers do not wrap around."""
    columns = np.array([0, 0])
    if container is sparse.coo_array:
        X = sparse.coo_array((values, (columns, columns)), shape=(1, 2))
    elif container is sparse.csr_array:
        X = sparse.csr_array((values, columns, [0, 2]), shape=(1, 2))
    else:
        X = sparse.csc_array((values, columns, [0, 2, 2]), shape=(1, 2))
    checked = validate_observed(None, X)
    assert (checked.data.tolist(), checked.dtype.kind) == ([total], "f")
    assert X.nnz == 2, "the input was changed"


def test_a_marker_matches_only_its_own_value():
    X = np.array([[16777216, 1, 0.1]], np.float32)
    assert not missing_mask(X, (16777217.0,)).any()
    assert missing_mask(X, (16777216.0,)).tolist() == [[True, False, False]]
    assert missing_mask(X, (0.1,)).tolist() == [[False, False, True]], "0.1 as float32 holds it"
    assert not missing_mask(X, (1e300,)).any()
    integers = np.array([[2**53 + 1, 1]])
    for data in (integers, integers.tolist(), pd.DataFrame(integers), sparse.csr_array(integers)):
        with pytest.raises(ValueError, match="missing_values=9007199254740992 cannot be told from"):
            SparsityNormalizer(missing_values=2**53).fit(data)
        SparsityNormalizer(missing_values=-1).fit(data)


def test_sequences_and_frames_of_objects():
    for data in (
        [[1, pd.NA], [2, 3]],
        [[1, None], [2, 3]],
        pd.DataFrame({"a": [1, 2], "b": pd.Series([None, Decimal(3)], dtype=DECIMAL)}),
        pd.DataFrame({"a": pd.Series([1, 2], dtype=DECIMAL), "b": [pd.NA, 3]}),
        pl.DataFrame({"a": [Decimal(1), Decimal(2)], "b": [None, Decimal(3)]}),
    ):
        assert_array_equal(validate_observed(None, data), [[1, np.nan], [2, 3]])


@pytest.mark.parametrize("data", [pd.Series([1.0, 2.0]), pl.Series([1.0]), [1.0, 2.0]])
def test_one_dimension_is_refused(data):
    with pytest.raises(ValueError, match=r"Expected (2D array|a 2-dimensional container)"):
        validate_observed(None, data)


TENSORS = [
    torch.tensor([[1.0, 2.0], [3.0, torch.nan]], dtype=torch.bfloat16),
    torch.tensor([[1.0, 2.0], [3.0, torch.nan]], dtype=torch.float16),
    torch.tensor([[1.0, 2.0], [3.0, torch.nan]], requires_grad=True),
]


@pytest.mark.parametrize("X", TENSORS)
def test_tensors_of_every_kind(X):
    expected = [[1.0, 2.0], [3.0, np.nan]]
    assert_array_equal(validate_observed(None, X), expected)
    assert_array_equal(validate_observed(None, X, tensors=True), expected)
    assert_array_equal(SparsityNormalizer(target=2).fit_transform(X), [[1.0, 2.0], [6.0, 0.0]])
    with pytest.raises(TypeError, match=r"X must be a dense tensor .* torch.sparse_coo"):
        ObservedScaler().fit(torch.ones(2, 2).to_sparse())


class AnnData:
    """What X looks like that anndata makes."""

    shape, X, obs, var, isbacked = (2, 2), np.ones((2, 2)), None, None, False


class CSRDataset:
    shape, dtype = (2, 2), np.dtype(float)

    def to_memory(self):
        return sparse.csr_matrix(np.ones(self.shape))


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_single_cells(transformer):
    data = AnnData()
    with pytest.raises(TypeError, match=r"X must be .* got an AnnData object; .* adata\.X,"):
        transformer().fit(data)
    data.isbacked = True
    with pytest.raises(TypeError, match=r"adata\.to_memory\(\)\.X,"):
        transformer().fit(data)
    with pytest.raises(TypeError, match=r"got a matrix on a disk .*; pass X\.to_memory\(\)"):
        transformer().fit(CSRDataset())
    transformer().fit(CSRDataset().to_memory())


@pytest.mark.parametrize("X", [[[1.0, 2.0], [3.0]], pd.DataFrame({"a": [[1.0], [2.0]]})])
def test_cells_that_hold_sequences_are_refused(X):
    with pytest.raises(ValueError, match="rows of different lengths, or cells that hold sequences"):
        SparsityNormalizer().fit(X)
