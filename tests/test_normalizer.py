import copy

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import Normalizer

from sksn import ObservedScaler, SparsityNormalizer, sparsity_normalize
from tests.helpers import holey, to_csr, to_dense

POWERS = st.sampled_from([0.0, 0.5, 1.0, 2.0])
NAN = np.nan


def test_hand_computed():
    X = [[8.0, NAN, NAN, NAN], [2.0, 4.0, 0.0, 6.0], [NAN, NAN, NAN, NAN]]
    normalizer = SparsityNormalizer().fit(X)
    assert normalizer.target_ == pytest.approx(5 / 3)
    expected = [[8 * 5 / 3, 0, 0, 0], np.array([2, 4, 0, 6]) * 5 / 12, [0, 0, 0, 0]]
    assert_allclose(normalizer.transform(X), expected)


def test_a_peer_counts_and_ratings():
    """For rows whose stored entries are all 1, power 1 and K = 1 is the L1 norm."""
    X = sparse.random_array((50, 30), density=0.2, random_state=0, format="csr")
    X.data[:] = 1
    ours = SparsityNormalizer(target=1).fit_transform(X)
    assert_allclose(ours.toarray(), Normalizer("l1").fit_transform(X).toarray())


@given(holey(), POWERS, st.booleans())
def test_dense_and_sparse_agree(X, power, from_sparse):
    train = to_csr(X) if from_sparse else X
    normalizer = SparsityNormalizer(power=power).fit(train)
    dense, as_sparse = normalizer.transform(X), normalizer.transform(to_csr(X))
    assert_allclose(as_sparse.toarray(), dense)
    assert_array_equal(np.isnan(to_dense(as_sparse)), np.isnan(X))


@given(holey())
def test_power_zero_is_the_identity_on_observed_entries(X):
    assert_array_equal(sparsity_normalize(X, power=0), np.where(np.isnan(X), 0, X))


@given(holey(), POWERS, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(X, power, random):
    order = random.sample(range(len(X)), len(X))
    normalized = sparsity_normalize(X, power=power)
    assert_allclose(sparsity_normalize(X[order], power=power), normalized[order])


@given(
    holey(), st.sampled_from(["csc", "coo", "lil", "dok"]), st.sampled_from([np.int32, np.int64])
)
def test_format_and_index_width_do_not_matter(X, form, index):
    csr = to_csr(X)
    expected = sparsity_normalize(csr)
    other = csr.asformat(form)
    for part in ("indices", "indptr"):
        if hasattr(other, part):
            setattr(other, part, getattr(other, part).astype(index))
    result = sparsity_normalize(other)
    assert result.format == ("csc" if form == "csc" else "csr")
    assert_allclose(result.toarray(), expected.toarray())
    assert result.nnz == expected.nnz
    if form == "csc":
        assert result.indices.dtype == index


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
def test_the_container_family_stays(kind):
    X = kind(np.eye(3))
    result = SparsityNormalizer().fit_transform(X)
    assert type(result) is kind


@given(holey(max_rows=5))
def test_duplicates_are_summed_before_counting(X):
    csr = to_csr(X)
    assume(csr.nnz)
    doubled = sparse.coo_array(csr)
    row, column = np.tile(doubled.row, 2), np.tile(doubled.col, 2)
    doubled = sparse.coo_array((np.tile(doubled.data / 2, 2), (row, column)), shape=X.shape)
    order = np.argsort(doubled.row, kind="stable")
    unsummed = sparse.csr_array(
        (
            doubled.data[order],
            doubled.col[order],
            np.concatenate([[0], np.cumsum(np.bincount(row, minlength=X.shape[0]))]),
        ),
        shape=X.shape,
    )
    before = unsummed.nnz
    SparsityNormalizer().fit(unsummed)
    for given_twice in (doubled, unsummed):
        result = sparsity_normalize(given_twice)
        assert_allclose(result.toarray(), sparsity_normalize(csr).toarray())
        assert result.nnz == csr.nnz
    assert unsummed.nnz == before, "the input was changed"


@given(holey(), POWERS)
def test_inverse_of_transform_sparse(X, power):
    normalizer = SparsityNormalizer(power=power).fit(X)
    back = normalizer.inverse_transform(normalizer.transform(to_csr(X)))
    assert_allclose(to_dense(back), X, rtol=1e-9)


@given(holey(), POWERS)
def test_inverse_of_transform_dense(X, power):
    observed_zeros = (X == 0).any()
    normalizer = SparsityNormalizer(power=power).fit(X)
    if observed_zeros:
        with pytest.raises(ValueError, match="cannot tell observed zeros from missing"):
            normalizer.inverse_transform(normalizer.transform(X))
    else:
        back = normalizer.inverse_transform(normalizer.transform(X))
        assert_allclose(back, X, rtol=1e-9)
    marked = SparsityNormalizer(power=power, add_indicator=True)
    assert_allclose(marked.inverse_transform(marked.fit_transform(X)), X, rtol=1e-9)


def test_inverse_gives_missing_values_back():
    X = np.array([[1.0, -1.0], [3.0, 4.0]])
    normalizer = SparsityNormalizer(missing_values=-1)
    assert_allclose(normalizer.inverse_transform(normalizer.fit_transform(X)), X)


@given(holey(), st.lists(st.integers(0, 12), max_size=4), st.data())
def test_partial_fit_in_any_chunking_is_fit(X, cuts, data):
    weights = np.array(data.draw(st.lists(st.floats(0.1, 5), min_size=len(X), max_size=len(X))))
    whole = SparsityNormalizer(add_indicator=True).fit(X, sample_weight=weights)
    chunked = SparsityNormalizer(add_indicator=True)
    edges = sorted({0, *(c for c in cuts if c < len(X)), len(X)})
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        chunked.partial_fit(X[start:stop], sample_weight=weights[start:stop])
    assert chunked.target_ == pytest.approx(whole.target_)
    assert chunked.n_samples_seen_ == whole.n_samples_seen_
    assert_array_equal(chunked.indicator_features_, whole.indicator_features_)
    again = SparsityNormalizer().partial_fit(X).fit(X[:1])
    assert again.n_samples_seen_ == 1, "fit starts anew"


def test_partial_fit_refuses_the_median_and_says_why():
    normalizer = SparsityNormalizer(target="median")
    assert not hasattr(normalizer, "partial_fit")
    with pytest.raises(AttributeError) as refused:
        normalizer.partial_fit([[1.0]])
    assert "the median of all rows does not follow" in str(refused.value.__cause__)
    assert "K" in SparsityNormalizer.partial_fit.__doc__
    with config_context(enable_metadata_routing=True):
        SparsityNormalizer().set_partial_fit_request(sample_weight=True)


def test_parameters_may_change_between_calls():
    X = [[1.0, NAN, NAN], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    normalizer = SparsityNormalizer(target="median").fit(X).set_params(target="mean")
    assert normalizer.partial_fit([[NAN, NAN, 1.0]]).target_ == 2.0
    assert normalizer.set_params(target=7).partial_fit(X).target_ == 7
    result = SparsityNormalizer().fit(X).set_params(add_indicator=True).transform(X)
    assert result.shape == (3, 5)


def test_a_chunk_without_weight_changes_nothing():
    normalizer = SparsityNormalizer().partial_fit([[1.0, 2.0]], sample_weight=[1])
    assert normalizer.partial_fit([[1.0, NAN]], sample_weight=[0]).target_ == 2


@pytest.mark.parametrize("flag", ["add_indicator", "copy"])
def test_flags(flag):
    with pytest.raises(ValueError, match=f"{flag} must be True or False, got 'no'"):
        SparsityNormalizer(**{flag: "no"}).fit([[1.0]])


def test_inverse_does_not_guess_what_a_dense_zero_was():
    sparse_fit = SparsityNormalizer().fit(sparse.csr_array([[1.0, 2.0]]))
    with pytest.raises(ValueError, match="cannot tell observed zeros from missing"):
        sparse_fit.inverse_transform(np.array([[1.0, 0.0]]))
    marked = SparsityNormalizer(add_indicator=True).fit([[1.0, 2.0, 3.0], [3.0, NAN, 1.0]])
    new = np.array([[NAN, 2.0, 3.0]])  # missing in a feature that had no missing entry in fit
    assert_allclose(marked.inverse_transform(marked.transform(new)), new)


def test_overflow_of_float32_is_refused_as_well():
    with pytest.raises(ValueError, match=r"power=20\.0 is too large: .* overflows float32"):
        sparsity_normalize(np.array([[1.0, NAN]], dtype=np.float32), target=1000, power=20)


def test_median_target():
    X = to_csr(np.array([[1, NAN, NAN], [1, 2, 3.0], [4, 5, 6.0]]))
    assert SparsityNormalizer(target="median").fit(X).target_ == 3


def test_stored_zeros_are_observed_and_stored_nan_is_missing():
    X = sparse.csr_array((np.array([4.0, 0.0, 6.0, NAN]), [0, 1, 0, 2], [0, 2, 4]), shape=(2, 3))
    result = sparsity_normalize(X, target=1)
    assert_array_equal(result.indptr, [0, 2, 3])
    assert_array_equal(result.data, [2.0, 0.0, 6.0])
    assert X.nnz == 4


def test_missing_values_zero_ignores_stored_zeros():
    X = sparse.csr_array((np.array([4.0, 0.0]), [0, 1], [0, 2]), shape=(1, 3))
    result = sparsity_normalize(X, target=2, missing_values=0)
    assert_array_equal(result.toarray(), [[8, 0, 0]])
    assert result.nnz == 1
    assert_array_equal(sparsity_normalize([[4, 0, 0]], target=2, missing_values=0), [[8, 0, 0]])


def test_none_and_pandas_na_mean_nan():
    for missing in (None, pd.NA):
        assert_array_equal(
            sparsity_normalize([[2.0, NAN]], target=2, missing_values=missing), [[4, 0]]
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_float_types_stay_and_integers_become_float64(dtype, container):
    X = np.array([[1, 2], [3, 0]])
    assert sparsity_normalize(container(X.astype(dtype))).dtype == dtype
    assert sparsity_normalize(container(X)).dtype == np.float64
    assert sparsity_normalize(X.tolist()).dtype == np.float64


@pytest.mark.parametrize("container", [np.array, sparse.csr_array, sparse.csc_array])
def test_copy(container):
    X = container(np.array([[1.0, 2.0], [3.0, 5.0]]))
    before = copy.deepcopy(X)
    copied = SparsityNormalizer(target=4).fit_transform(X)
    assert abs(X - before).max() == 0
    in_place = SparsityNormalizer(target=4, copy=False).fit_transform(X)
    assert abs(X - copied).max() == 0
    values = (lambda m: m) if container is np.array else (lambda m: m.data)
    assert np.shares_memory(values(in_place), values(X))


def test_in_place_on_read_only_input_copies():
    for X in (np.array([[1.0, NAN]]), sparse.csr_array(np.array([[1.0, 2.0]]))):
        (X if isinstance(X, np.ndarray) else X.data).flags.writeable = False
        SparsityNormalizer(target=3, copy=False).fit_transform(X)


def test_indicator_is_that_of_scikit_learns_imputers():
    X = np.array([[1, NAN, 3], [NAN, 5, 6], [7, 8, 9.0]])
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    ours = SparsityNormalizer(add_indicator=True).set_output(transform="pandas").fit(frame)
    peer = SimpleImputer(add_indicator=True).set_output(transform="pandas").fit(frame)
    assert list(ours.get_feature_names_out()) == list(peer.get_feature_names_out())
    new = pd.DataFrame([[NAN, 1.0, NAN], [2.0, NAN, 3.0]], columns=["a", "b", "c"])
    ours, peer = ours.transform(new), peer.transform(new)
    pd.testing.assert_frame_equal(ours.iloc[:, 3:], peer.iloc[:, 3:])


def test_sparse_indicator_marks_stored_entries():
    X = to_csr(np.array([[1, NAN, 0], [NAN, 5, 6.0]]))
    normalizer = SparsityNormalizer(add_indicator=True, target=2).fit(X)
    result = normalizer.transform(X)
    assert sparse.issparse(result)
    assert_array_equal(result.toarray()[:, 3:], [[1, 0], [0, 1]])
    assert result.nnz == X.nnz + 2
    names = normalizer.get_feature_names_out(["a", "b", "c"])
    assert list(names) == ["a", "b", "c", "observedindicator_a", "observedindicator_b"]


def test_what_fit_saw_decides_what_indicators_mean():
    X = np.array([[1, NAN], [NAN, 5.0]])
    dense = SparsityNormalizer(add_indicator=True, target=1).fit(X)
    assert_array_equal(dense.transform(to_csr(X)).toarray(), dense.transform(X))
    of_sparse = SparsityNormalizer(add_indicator=True, target=1).fit(to_csr(X))
    assert_array_equal(of_sparse.transform(X), of_sparse.transform(to_csr(X)).toarray())


def test_frames_in_and_out():
    frame = pd.DataFrame({"a": [1.0, NAN], "b": pd.array([2, pd.NA], dtype="Int64")})
    result = SparsityNormalizer(target=1).set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(result, pd.DataFrame({"a": [0.5, 0.0], "b": [1.0, 0.0]}))


def test_sample_weight_weighs_the_mean():
    X = np.array([[1, NAN], [1.0, 1.0]])
    assert SparsityNormalizer().fit(X, sample_weight=[3, 1]).target_ == 1.25


def test_an_overflowing_power_is_refused():
    with pytest.raises(
        ValueError, match=r"power=2000\.0 is too large: .* overflows float64 for K = 3\.0 and n = 1"
    ):
        sparsity_normalize([[1.0, NAN, NAN]], target=3, power=2000)


def test_inverse_checks_its_columns():
    with pytest.raises(ValueError, match="X has 3 columns, but transform gives 2"):
        SparsityNormalizer().fit([[1.0, 2.0]]).inverse_transform([[1.0, 2.0, 3.0]])


def test_html_representation_names_the_class():
    assert "SparsityNormalizer" in SparsityNormalizer(power=0.5)._repr_html_()


@given(holey(), POWERS, st.booleans(), st.booleans(), st.integers(1, 12))
def test_round_trips_in_either_container_with_indicators(X, power, fit_sparse, as_sparse, n_fit):
    """Also of rows that are missing and zero in other features than those of fit."""
    normalizer = SparsityNormalizer(power=power, add_indicator=True)
    normalizer.fit(to_csr(X[:n_fit]) if fit_sparse else X[:n_fit])
    back = normalizer.inverse_transform(normalizer.transform(to_csr(X) if as_sparse else X))
    assert_allclose(to_dense(back) if as_sparse else back, X, rtol=1e-9)


def test_an_observed_zero_survives_a_sparse_fit():
    normalizer = SparsityNormalizer(add_indicator=True).fit(sparse.csr_array([[1.0, 2], [3, 0]]))
    X = np.array([[0.0, 2.0], [3.0, NAN], [-0.0, 1.0], [NAN, 1.0]])
    assert_allclose(normalizer.inverse_transform(normalizer.transform(X)), X)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("container", [np.array, to_csr, lambda X: to_csr(X).tocsc()])
def test_an_entry_that_overflows_is_refused(container, copy):
    X = container(np.array([[1e308, NAN, NAN], [1.0, 1.0, 1.0]]))
    before = X.copy()
    with pytest.raises(ValueError, match="X has entries that overflow float64 when their row"):
        sparsity_normalize(X, copy=copy)
    for old, new in zip(*(np.atleast_1d(getattr(M, "data", M)) for M in (before, X)), strict=True):
        assert_array_equal(np.asarray(old), np.asarray(new))


def test_rejected_calls_change_nothing():
    normalizer = SparsityNormalizer(add_indicator=True).fit([[1.0, 2.0], [3.0, NAN]])
    for method in (normalizer.fit, normalizer.partial_fit):
        with pytest.raises(ValueError, match="sample_weight"):
            method([[1.0, NAN]], sample_weight=[-1])
        with pytest.raises(ValueError, match=r"infinity|features"):
            method([[1.0, 2.0, np.inf]])
        assert normalizer.n_features_in_ == 2
        assert normalizer.target_ == 1.5
        assert normalizer.indicator_features_.tolist() == [1]


def test_a_memory_mapped_transformer_can_go_on_learning(tmp_path):
    for transformer in (SparsityNormalizer(), ObservedScaler()):
        joblib.dump(transformer.fit(np.eye(3)), tmp_path / "fitted")
        mapped = joblib.load(tmp_path / "fitted", mmap_mode="r")
        mapped.partial_fit([[1.0, NAN, NAN]])
        assert mapped.n_samples_seen_ == 4


@pytest.mark.parametrize("container", [np.asarray, to_csr])
def test_sparse_results_may_be_made_dense_before_they_are_inverted(container):
    """As in the first version: a zero is missing where fit saw no zero."""
    X = np.array([[1, NAN, 2.0], [NAN, 3, 4], [5, NAN, 6]])
    normalizer = SparsityNormalizer(add_indicator=True).fit(container(X))
    new = np.array([[NAN, 2, NAN], [3, 1, NAN]])
    if container is to_csr:
        dense = normalizer.transform(to_csr(new)).toarray()
        assert_allclose(normalizer.inverse_transform(dense), new)
    dense = normalizer.transform(new) + 0.0
    assert_allclose(normalizer.inverse_transform(dense), new)


def test_columns_that_nothing_occupies_cost_nothing():
    """A count of 2**40 columns would need terabytes."""
    n_columns = 1 << 40
    entries = (np.array([3.0, 4.0, 5.0]), ([0, 0, 1], [5, n_columns - 1, 5]))
    X = sparse.csr_array(entries, shape=(2, n_columns))
    expected = [2.25, 3.0, 7.5]
    assert_allclose(sparsity_normalize(X).data, expected)
    normalizer = SparsityNormalizer().fit(X)
    assert_allclose(normalizer.transform(X).data, expected)
    assert_allclose(normalizer.inverse_transform(normalizer.transform(X)).data, X.data)
    assert normalizer.partial_fit(X).target_ == 1.5


def test_indicators_are_those_of_missing_entries_in_any_chunk():
    X = np.array([[1.0, 2.0, np.nan], [1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    for kind in (np.asarray, to_csr):
        normalizer = SparsityNormalizer()
        assert not hasattr(normalizer, "indicator_features_")
        for part in (X[2:], X[:1], X[1:2]):
            normalizer.partial_fit(kind(part))
        assert normalizer.indicator_features_.tolist() == [1, 2]
