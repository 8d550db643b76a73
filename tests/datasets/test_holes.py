"""make_holes: rates that are what was asked for, and causes that are what they should be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sksn.datasets import make_holes
from sksn.datasets._holes import _shifted
from tests.helpers import holey, to_csr, to_dense

MECHANISMS = ["mcar", "mar", "mnar"]


def table(n_rows=4000, n_features=12, seed=0):
    """Correlated features on scales of their own."""
    rng = np.random.RandomState(seed)
    common = rng.normal(size=(n_rows, 1))
    return (common + rng.normal(size=(n_rows, n_features))) * 10.0 ** rng.randint(-3, 4, n_features)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("rate", "spread"), [(0.1, 0.1), (0.5, 0.0), (0.5, 0.4), (0.85, 0.05)])
def test_rates(mechanism, rate, spread):
    """Overall within 5 standard errors of a binomial count, which is above that of this one."""
    X = table()
    holes = np.isnan(make_holes(X, rate=rate, rate_spread=spread, mechanism=mechanism,
                                random_state=0))  # fmt: skip
    assert abs(holes.mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / X.size)
    by_feature = holes.mean(axis=0)
    tolerance = 5 * math.sqrt(rate * (1 - rate) / len(X))
    if mechanism == "mar":
        assert np.sort(by_feature)[0] == 0
        by_feature = np.sort(by_feature)[1:]
        rate *= 12 / 11
    assert np.abs(by_feature - rate).max() < tolerance


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.49])
def test_rows_differ_as_much_as_they_should(spread):
    """Rates are even over an interval: their variance is a third of its half width's square.

    Beside it there is that of 500 draws a row; 5 standard errors of a variance of 4000 rows.
    """
    X = np.ones((4000, 500))
    per_row = np.isnan(make_holes(X, rate=0.5, rate_spread=spread, random_state=1)).mean(axis=1)
    of_rates = spread**2 / 3
    expected = of_rates + (0.25 - of_rates) / 500
    assert abs(per_row.var() - expected) < 5 * expected * math.sqrt(2 / 4000)
    place = np.corrcoef(per_row, np.arange(4000))[0, 1]
    assert abs(place) < 5 / math.sqrt(4000), "rows come in the order of their rates"
    assert per_row.min() >= 0.5 - spread - 5 * 0.5 / math.sqrt(500)


def test_every_row_has_its_rate():
    """Ends of 0 and 1 are exact: nothing hidden in the one row, all in the other."""
    X = np.ones((2, 50))
    with_holes = make_holes(X, rate=0.5, rate_spread=0.5, random_state=0)
    shares = sorted(np.isnan(with_holes).mean(axis=1))
    assert 0 < shares[0] < 0.5 < shares[1] < 1  # at a quarter and at three quarters
    assert not np.isnan(make_holes(X, rate=0.0)).any()
    assert np.isnan(make_holes(X, rate=1.0)).all()


def test_mcar_is_told_by_nothing():
    """Correlations with all entries, and between holes, stay below 5 standard errors."""
    X = table()
    holes = np.isnan(make_holes(X, rate=0.4, random_state=3))
    together = np.corrcoef(np.hstack([X, holes]).T)
    assert np.abs(together[12:, :12]).max() < 5 / math.sqrt(len(X))
    between = together[12:, 12:][~np.eye(12, dtype=bool)]
    assert np.abs(between).max() < 5 / math.sqrt(len(X))


def test_mar_is_told_by_the_complete_feature_alone():
    X = table()
    holes = np.isnan(make_holes(X, rate=0.4, mechanism="mar", random_state=4))
    cause = int(np.flatnonzero(~holes.any(axis=0))[0])
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    for feature in range(12):
        if feature == cause:
            continue
        hole = holes[:, feature]
        assert z[hole, cause].mean() - z[~hole, cause].mean() > 1
        for low in (-0.5, 0.0, 0.5):  # among rows that agree in the cause, nothing tells
            alike = np.abs(z[:, cause] - low) < 0.1
            r = np.corrcoef(hole[alike], z[alike, feature])[0, 1]
            assert abs(r) < 4 / math.sqrt(alike.sum())


def test_mnar_hides_what_is_large():
    X = table()
    holes = np.isnan(make_holes(X, rate=0.4, mechanism="mnar", random_state=5))
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    for feature in range(12):
        odds = [
            np.log(share / (1 - share))
            for at in (-0.5, 0.5)
            for share in [holes[np.abs(z[:, feature] - at) < 0.15, feature].mean()]
        ]
        assert odds[1] - odds[0] == pytest.approx(2, abs=0.8)  # 5 standard errors of some 350


@given(holey(), st.sampled_from(MECHANISMS[::2]), st.floats(0, 1), st.integers(0, 5))
def test_what_is_left_is_what_was(X, mechanism, rate, seed):
    options = {"rate": rate, "mechanism": mechanism, "random_state": seed}
    before, out = X.copy(), make_holes(X, **options)
    np.testing.assert_array_equal(X, before)
    left = ~np.isnan(out)
    np.testing.assert_array_equal(out[left], X[left])
    as_sparse = make_holes(X, sparse_output=True, **options)
    np.testing.assert_array_equal(to_dense(as_sparse), out)
    again = make_holes(to_csr(X), **options)
    assert sparse.issparse(again)
    np.testing.assert_array_equal(to_dense(again), out)
    np.testing.assert_array_equal(make_holes(to_csr(X), sparse_output=False, **options), out)


@given(st.integers(0, 1000), st.floats(0.01, 0.99))
def test_shifted_chances_keep_their_sum(seed, rate):
    rng = np.random.RandomState(seed)
    column = rng.randint(3, size=200)
    chance = np.clip(rate + rng.uniform(-0.3, 0.3, 200), 0, 1)
    out = _shifted(chance, rng.normal(size=200), column, 3)
    np.testing.assert_allclose(np.bincount(column, out), np.bincount(column, chance), rtol=1e-9)


def test_types_and_seeds():
    X = table(50).astype(np.float32)
    assert make_holes(X, random_state=0).dtype == np.float32
    same = [make_holes(X, random_state=0) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], make_holes(X, random_state=1), equal_nan=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rate": 1.5}, r"rate must be a number in \[0, 1\], got 1.5"),
        ({"rate": True}, r"rate must be a number in \[0, 1\], got True"),
        ({"rate_spread": None}, r"rate_spread must be a number in \[0, 1\], got None"),
        ({"rate": 0.2, "rate_spread": 0.3}, "rate_spread must leave .* from -0.1 to 0.5"),
        ({"mechanism": "random"}, "mechanism must be one of 'mcar', 'mar', 'mnar', got 'random'"),
        ({"sparse_output": "csr"}, "sparse_output must be None, True or False, got 'csr'"),
        ({"sparse_output": np.ones(2)}, "sparse_output must be None, True or False, got array"),
        ({"mechanism": np.array(["mar", "mar"])}, "mechanism must be one of .* got array"),
        ({"mechanism": "mar", "rate": 0.95}, "rate is too high for mechanism='mar'"),
    ],
)
def test_bad_parameters(options, says):
    with pytest.raises(ValueError, match=says):
        make_holes(table(50), **options)


def test_mar_needs_another_feature():
    empty = np.column_stack([np.ones(3), np.full(3, np.nan)])
    for X in (np.ones((3, 1)), empty):
        with pytest.raises(ValueError, match=r"needs at least two features with .* X has 1"):
            make_holes(X, mechanism="mar")


@pytest.mark.parametrize("seed", range(6))
def test_mar_has_a_cause_that_is_observed(seed):
    """Whichever feature is drawn, the two that have entries share the holes."""
    X = np.column_stack([table(2000, 2), np.full(2000, np.nan)])
    out = make_holes(X, mechanism="mar", rate=0.3, random_state=seed)
    hidden = np.isnan(out[:, :2]).mean(axis=0)
    assert hidden.min() == 0
    assert abs(hidden.max() - 0.6) < 5 * math.sqrt(0.24 / 2000)


@pytest.mark.parametrize("n_features", [3, 5, 6, 7, 11])
def test_mar_reaches_the_highest_rate_there_is(n_features):
    X = table(301, n_features)
    rate = (n_features - 1) / n_features
    holes = np.isnan(make_holes(X, mechanism="mar", rate=rate, random_state=0))
    assert sorted(holes.mean(axis=0)) == [0] + [1] * (n_features - 1)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_seed_removes_the_same_entries_from_every_container(mechanism):
    X = make_holes(table(60, 5), rate=0.3, random_state=1)
    options = {"rate": 0.2, "mechanism": mechanism, "random_state": 0}
    expected = make_holes(X, **options)
    rows = to_csr(X)
    mixed = rows.copy()
    mixed.indices, mixed.indptr = mixed.indices.astype(np.int32), mixed.indptr.astype(np.int64)
    for matrix in (rows, rows.tocsc(), rows.tocoo(), mixed):
        np.testing.assert_array_equal(to_dense(make_holes(matrix, **options)), expected)
