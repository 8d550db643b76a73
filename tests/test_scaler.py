import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from sksn import ObservedScaler
from sksn._observed import _entries as module
from tests.helpers import holey, to_csr, to_dense

NAN = np.nan
FLAGS = {"with_mean": st.booleans(), "with_std": st.booleans()}


@given(holey(max_rows=20), st.booleans(), st.booleans())
def test_dense_is_what_standard_scaler_gives(X, with_mean, with_std):
    """StandardScaler skips NaN in dense data; a feature that is never observed is its own case."""
    X = X[:, ~np.isnan(X).all(axis=0)]
    if not X.shape[1]:
        return
    ours = ObservedScaler(with_mean=with_mean, with_std=with_std).fit(X)
    peer = StandardScaler(with_mean=with_mean, with_std=with_std).fit(X)
    assert_allclose(ours.transform(X), peer.transform(X), rtol=1e-6, atol=1e-6)


@given(holey(), st.booleans(), st.sampled_from(["csr", "csc"]))
def test_sparse_agrees_with_dense_and_keeps_its_pattern(X, with_mean, form):
    scaler = ObservedScaler(with_mean=with_mean)
    expected = scaler.fit(X).transform(X)
    given_ = to_csr(X).asformat(form)
    result = scaler.fit(given_).transform(given_)
    assert_array_equal(result.indices, given_.indices)
    assert_array_equal(result.indptr, given_.indptr)
    assert_allclose(to_dense(result), expected, rtol=1e-9, atol=1e-9)


@given(holey(), st.booleans(), st.booleans())
def test_inverse(X, with_mean, with_std):
    scaler = ObservedScaler(with_mean=with_mean, with_std=with_std).fit(X)
    assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, rtol=1e-6, atol=1e-4)
    back = scaler.inverse_transform(scaler.transform(to_csr(X)))
    assert_allclose(to_dense(back), X, rtol=1e-6, atol=1e-4)


@given(holey(max_rows=20), st.lists(st.integers(0, 20), max_size=5), st.data())
def test_partial_fit_in_any_chunking_is_fit(X, cuts, data):
    weights = np.array(data.draw(st.lists(st.floats(0.1, 5), min_size=len(X), max_size=len(X))))
    whole = ObservedScaler().fit(X, sample_weight=weights)
    chunked = ObservedScaler()
    edges = sorted({0, *(c for c in cuts if c < len(X)), len(X)})
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        chunked.partial_fit(X[start:stop], sample_weight=weights[start:stop])
    for name in ("mean_", "var_", "n_observed_"):
        assert_allclose(getattr(chunked, name), getattr(whole, name), rtol=1e-8, atol=1e-8)
    assert chunked.n_samples_seen_ == whole.n_samples_seen_


@given(holey(max_rows=10), st.data())
def test_integer_weights_are_repetitions(X, data):
    weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(X), max_size=len(X))))
    weighted = ObservedScaler().fit(X, sample_weight=weights)
    repeated = ObservedScaler().fit(np.repeat(X, weights, axis=0))
    assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-9, atol=1e-9)
    assert_allclose(weighted.var_, repeated.var_, rtol=1e-8, atol=1e-8)


def test_blocks_change_nothing(monkeypatch):
    X = np.random.RandomState(0).normal(5, 2, size=(200, 7))
    X[X < 4] = np.nan
    weights = np.random.RandomState(1).uniform(size=200)
    expected = ObservedScaler().fit(X, sample_weight=weights)
    monkeypatch.setattr(module, "_BLOCK", 16)
    for given_ in (X, to_csr(X)):
        blocked = ObservedScaler().fit(given_, sample_weight=weights)
        assert_allclose(blocked.mean_, expected.mean_)
        assert_allclose(blocked.scale_, expected.scale_)


def test_numerically_sound_far_from_zero():
    """The textbook formula, E[x^2] - E[x]^2, loses every digit here."""
    noise = np.random.RandomState(0).normal(size=(1000, 1))
    scaler = ObservedScaler()
    for chunk in np.split(1e9 + noise, 10):
        scaler.partial_fit(chunk)
    assert scaler.scale_[0] == pytest.approx(noise.std(), rel=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3, -7.3e-8])
def test_constant_and_never_observed_features_are_harmless(constant):
    X = np.column_stack([np.full(1001, constant), np.full(1001, np.nan)])
    scaler = ObservedScaler().fit(X)
    assert_array_equal(scaler.scale_, [1, 1])
    assert_allclose(scaler.mean_[0], constant, rtol=4e-16)  # a plain sum is off by more
    result = scaler.transform(X)
    assert_allclose(result[:, 0], 0, atol=abs(constant) * 1e-12)
    assert np.isnan(result[:, 1]).all()
    assert_array_equal(scaler.transform([[2.0, 3.0]])[0, 1], 3.0)


def test_missing_values_come_out_as_nan_and_go_back():
    X = np.array([[1.0, -9.0], [3.0, 4.0]])
    scaler = ObservedScaler(missing_values=-9).fit(X)
    scaled = scaler.transform(X)
    assert_array_equal(np.isnan(scaled), X == -9)
    assert_allclose(scaler.inverse_transform(scaled), X)
    stored = sparse.csr_array(X)
    assert_array_equal(np.isnan(scaler.transform(stored).data), stored.data == -9)


def test_stored_nan_stays():
    X = sparse.csr_array((np.array([1.0, np.nan, 3.0]), [0, 1, 0], [0, 2, 3]), shape=(2, 2))
    assert_array_equal(ObservedScaler().fit_transform(X).data, [-1, np.nan, 1])


@pytest.mark.parametrize("container", [np.array, sparse.csr_array, sparse.csc_array])
def test_copy(container):
    X = container(np.array([[1.0, 2.0], [3.0, 5.0]]))
    before = copy.deepcopy(X)
    scaled = ObservedScaler().fit_transform(X)
    assert abs(X - before).max() == 0
    ObservedScaler(copy=False).fit_transform(X)
    assert abs(X - scaled).max() == 0


def test_a_chunk_without_weight_changes_nothing():
    scaler = ObservedScaler().partial_fit([[1.0], [3.0]]).partial_fit([[9.0]], sample_weight=[0])
    assert scaler.mean_[0] == 2


@pytest.mark.parametrize("flag", ["with_mean", "with_std", "copy"])
def test_flags(flag):
    with pytest.raises(ValueError, match=f"{flag} must be True or False, got 1"):
        ObservedScaler(**{flag: 1}).fit([[1.0]])


def test_float32_stays():
    X = np.array([[1, 2], [3, np.nan]], dtype=np.float32)
    assert ObservedScaler().fit_transform(X).dtype == np.float32
    assert ObservedScaler().fit_transform(to_csr(X)).dtype == np.float32


def test_names_and_frames():
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [np.nan, 5.0]})
    scaler = ObservedScaler().set_output(transform="pandas")
    result = scaler.fit_transform(frame)
    pd.testing.assert_frame_equal(result, pd.DataFrame({"a": [-1.0, 1.0], "b": [np.nan, 0.0]}))
    assert list(scaler.get_feature_names_out()) == ["a", "b"]


def test_inverse_checks_its_columns():
    with pytest.raises(ValueError, match="X has 3 columns, expected 2"):
        ObservedScaler().fit([[1.0, 2.0]]).inverse_transform([[1.0, 2.0, 3.0]])


@given(st.integers(-1000, 1000), st.booleans())
def test_huge_and_tiny_units_are_scaled_like_others(exponent, as_sparse):
    X = np.array([[1.0, NAN], [2.0, 5.0], [NAN, 7.0]])
    scaled = ObservedScaler().fit_transform(np.ldexp(X, exponent))
    assert_array_equal(scaled, ObservedScaler().fit_transform(X))
    assert_allclose(ObservedScaler().fit_transform([[1e160, 1], [2e160, 2]]), [[-1, -1], [1, 1]])


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array, sparse.csc_matrix])
def test_entries_that_overflow_are_refused_and_left_as_they_are(copy, container):
    scaler = ObservedScaler(copy=copy).fit([[0.0, 1.0], [1e-10, 2.0]])
    X = container([[1e300, 1.0], [2.0, 1.0]])
    before = X.copy()
    with pytest.raises(ValueError, match=r"X has entries that overflow float64 .* smallest 5e-11"):
        scaler.transform(X)
    assert abs(X - before).sum() == 0
    wide = ObservedScaler(copy=copy).fit([[0.0, 1.0], [1e10, 2.0]])
    with pytest.raises(ValueError, match="overflow float64"):
        wide.inverse_transform(X)
    assert abs(X - before).sum() == 0


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "bad", [([[1.0, 2.0]], [-1.0]), ([[np.inf, 1.0]], None), ([[1.0, 2.0, 3.0]], [NAN])]
)
def test_a_rejected_call_changes_nothing(method, bad):
    scaler = ObservedScaler().fit([[1.0, 2.0], [3.0, 5.0]])
    before = copy.deepcopy(vars(scaler))
    with pytest.raises(ValueError, match=r"sample_weight|infinity|features"):
        getattr(scaler, method)(bad[0], sample_weight=bad[1])
    assert vars(scaler).keys() == before.keys()
    for name in ("mean_", "scale_", "n_observed_", "n_features_in_", "n_samples_seen_"):
        assert_array_equal(getattr(scaler, name), before[name])
    scaler.partial_fit([[2.0, 1.0]])
    expected = ObservedScaler().fit([[1.0, 2.0], [3.0, 5.0], [2.0, 1.0]])
    assert_allclose(scaler.scale_, expected.scale_)


def values(M):
    return M.toarray() if sparse.issparse(M) else M


@pytest.mark.parametrize("convert", [np.array, sparse.csr_array])
def test_copy_of_one_call(convert):
    X = convert(np.array([[1.0, 2.0], [3.0, 5.0]]))
    scaler = ObservedScaler().fit(X)
    before = X.copy()
    expected = scaler.transform(X)
    np.testing.assert_array_equal(values(X), values(before))
    scaler.transform(X, copy=False)
    np.testing.assert_array_equal(values(X), values(expected))
    with pytest.raises(ValueError, match="copy must be True or False"):
        scaler.transform(before, copy="no")
