"""Normalising in blocks: nothing depends on where one ends, and nothing is half-written."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sksn import SNClassifier, SparsityNormalizer, sparsity_normalize
from sksn import _blocks as blocks_module
from sksn._blocks import blocks, blocks_of_rows
from sksn._row_scaling import count_true, survey
from tests.helpers import holey, to_csr

KINDS = {
    "array": np.ascontiguousarray,
    "columns first": np.asfortranarray,
    "csr": to_csr,
    "csc": lambda X: to_csr(X).tocsc(),
}


def with_peak(function, argument):
    """What the function returns, and the most bytes that it held meanwhile."""
    tracemalloc.start()
    try:
        return function(argument), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@given(st.integers(0, 50), st.sampled_from([0.0, 0.3, 1.0, 7.0, 1e9]))
def test_blocks_are_the_whole_range_once(n, entries):
    assert [i for part in blocks(n, entries) for i in range(n)[part]] == list(range(n))


@given(holey(), st.sampled_from(sorted(KINDS)), st.sampled_from([1, 3, 1 << 17]), st.booleans())
def test_blocks_do_not_matter(X, kind, size, copy):
    n_observed = (~np.isnan(X)).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.nan_to_num(X * (3 / n_observed) ** 0.5)
    container = KINDS[kind](X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "_ENTRIES", size)
        result = sparsity_normalize(container, target=3, power=0.5, copy=copy)
    result = result.toarray() if sparse.issparse(result) else result
    assert_allclose(result, expected, rtol=1e-12)


@given(holey(), st.sampled_from([1, 3, 1 << 17]))
def test_a_survey_counts(X, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "_ENTRIES", size)
        of_array, of_matrix = survey(X, ()), survey(to_csr(X), ())
    observed = ~np.isnan(X)
    for seen in (of_array, of_matrix):
        assert_array_equal(seen.row_counts, observed.sum(axis=1))
        assert_array_equal(seen.complete, np.flatnonzero(observed.all(axis=0)))
    assert_array_equal(of_array.zeros, np.flatnonzero((X == 0).any(axis=0)))


def test_complete_columns_of_very_wide_rows():
    wide = sparse.csr_array((np.ones(3), ([0, 0, 1], [5, 1 << 30, 1 << 30])), shape=(2, 1 << 31))
    assert survey(wide, ()).complete.tolist() == [1 << 30]
    assert survey(wide[[0]], ()).complete.tolist() == [5, 1 << 30]


def test_counting_many_columns_is_exact():
    n = 2**24 + 1  # the first integer that float32 does not hold
    assert count_true(np.ones((1, n), dtype=bool))[0] == n


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 60), st.integers(1, 8))
def test_blocks_of_rows_are_bounded(lengths, most_entries, most_rows):
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    parts = list(blocks_of_rows(indptr, most_entries=most_entries, most_rows=most_rows))
    assert [i for part in parts for i in range(len(lengths))[part]] == list(range(len(lengths)))
    for part in parts:
        n_rows = part.stop - part.start
        assert n_rows <= most_rows
        assert n_rows == 1 or indptr[part.stop] - indptr[part.start] <= most_entries


def test_one_long_row_among_empty_ones_needs_no_temporary():
    starts = np.zeros(50_001, dtype=np.int32)
    starts[25_000:] = 1_000_000
    columns = np.arange(1_000_000, dtype=np.int32)
    X = sparse.csr_array((np.ones(1_000_000), columns, starts), shape=(50_000, 1_000_000))
    normalizer = SparsityNormalizer(copy=False, target=2e6).fit(X)
    result, peak = with_peak(normalizer.transform, X)
    assert (result.data == 2).all()
    assert peak < 0.5 * X.data.nbytes


def test_capacity_beyond_the_entries_is_ignored():
    X = to_csr(np.arange(1.0, 13.0).reshape(4, 3))
    roomy = X.copy()
    roomy.data = np.append(X.data, [np.inf] * 5)
    roomy.indices = np.append(X.indices, [2] * 5).astype(X.indices.dtype)
    normalizer = SparsityNormalizer()
    assert_array_equal(
        normalizer.fit_transform(roomy).toarray(), normalizer.fit_transform(X).toarray()
    )
    y = [0, 1, 0, 1]
    models = [SNClassifier(max_epochs=2, random_state=0).fit(x, y) for x in (X, roomy)]
    assert_array_equal(*(model.predict_proba(roomy) for model in models))


def test_an_extreme_value_that_means_missing_does_not_overflow():
    lowest = np.finfo(np.float32).min
    X = np.array([[lowest, 1.0], [2.0, 4.0]], dtype=np.float32)
    with np.errstate(over="raise"):
        result = sparsity_normalize(X, target=2, missing_values=lowest)
    assert_array_equal(result, [[0, 2], [2, 4]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copy", [True, False])
def test_an_infinity_is_refused_before_anything_is_written(kind, copy):
    X = np.ones((30, 4))
    X[::2, 1] = np.nan
    normalizer = SparsityNormalizer(target=10, copy=copy).fit(X)
    X[-1, 3] = np.inf
    container = KINDS[kind](X)
    before = container.copy()
    with pytest.raises(ValueError, match="X contains infinity"):
        normalizer.transform(container)
    assert_array_equal(*(c.data if sparse.issparse(c) else c for c in (container, before)))


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_a_copy_shares_nothing_and_in_place_shares_everything(form):
    X = sparse.random_array((40, 30), density=0.2, random_state=0).asformat(form)
    X.data[3] = 0
    own = SparsityNormalizer().fit_transform(X)
    shared = SparsityNormalizer(copy=False).fit_transform(X.copy())
    assert_array_equal(own.toarray(), shared.toarray())
    again = SparsityNormalizer(copy=False).fit_transform(X)
    for name in ("data", "indices", "indptr"):
        assert not np.may_share_memory(getattr(own, name), getattr(X, name))
        assert np.may_share_memory(getattr(again, name), getattr(X, name))


def test_a_stored_nan_is_dropped_from_a_copy_too():
    X = to_csr(np.arange(1.0, 13.0).reshape(4, 3))
    X.data[[0, 7]] = np.nan
    for copy in (True, False):
        result = SparsityNormalizer(target=3, copy=copy).fit(X).transform(X.copy())
        assert result.nnz == 10
        assert_allclose(result.toarray()[0], [0, 3, 4.5])


@pytest.mark.parametrize("kind", KINDS)
def test_no_temporary_is_as_large_as_the_data(kind):
    """Beyond the result, less than a third of the data is ever allocated."""
    X = np.random.RandomState(0).normal(size=(100_000, 20))
    X[X < -1] = np.nan
    container = KINDS[kind](X)
    arrays = [container]
    if sparse.issparse(container):
        arrays = [container.data, container.indices, container.indptr]
    n_bytes = sum(array.nbytes for array in arrays)
    normalizer = SparsityNormalizer().fit(container)
    result, peak = with_peak(normalizer.transform, container)
    assert result.shape == X.shape
    assert n_bytes <= peak < 1.33 * n_bytes
