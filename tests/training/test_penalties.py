"""Penalties by hand, and what they do not depend on."""

import numpy as np
import pytest
from scipy import sparse

from sksn._training._penalties import entry_penalties, weight_decay

X = np.array([[1.0, 3.0, np.nan], [np.nan, 2.0, np.nan]])
OPTIONS = {
    "constant": 1.5,
    "widths": (4,),
    "baseline": np.array([1.0, 2.0, 5.0]),
    "center": False,
    "row_offset": None,
    "add_indicator": False,
}


def test_weight_decay_falls_with_the_number_of_batches():
    assert [weight_decay(2.0, n) for n in (1, 20, 40)] == [2.0, 2.0, 1.0]


def test_by_hand():
    square = (1 + 9 + 4) / 3
    found = entry_penalties(X, 2.0, **OPTIONS)
    assert found.first == pytest.approx(2 * 15 * 1.5 * square / 4)
    assert found.behind == pytest.approx(2 * 0.7 * 4)
    assert found.implicit == pytest.approx(found.behind / 7)


def test_residuals_and_indicators_by_hand():
    """Residuals are 0, 1 and 0 without row offsets; offsets of 1/4 and 0 leave others."""
    centred = OPTIONS | {"center": True}
    found = entry_penalties(X, 1.0, **centred)
    assert found.first == pytest.approx(2 * 15 * 1.5 * (1 / 3) / 4)
    found = entry_penalties(X, 1.0, **centred | {"row_offset": 2.0, "add_indicator": True})
    square = ((-1 / 4) ** 2 + (3 / 4) ** 2) / 3 + 1
    assert found.first == pytest.approx(2 * 15 * 1.5 * square / 4)


@pytest.mark.parametrize("options", [{}, {"center": True}, {"center": True, "row_offset": 3.0}])
def test_the_container_does_not_matter(options):
    row, column = np.nonzero(~np.isnan(X))
    as_sparse = sparse.csr_array((X[row, column], (row, column)), shape=X.shape)
    dense, of_sparse = (entry_penalties(A, 1.0, **OPTIONS | options) for A in (X, as_sparse))
    assert dense == pytest.approx(of_sparse)


@pytest.mark.parametrize("width", [1, 8])
def test_copies_of_hidden_units_cost_nothing(width):
    """Two copies of each unit, with half of the outgoing weights each, have the same penalty."""
    rng = np.random.RandomState(0)
    first, second = rng.normal(size=(3, width)), rng.normal(size=(width, 3))
    costs = []
    for W1, W2 in (
        (first, second),
        (np.hstack([first, first]), np.vstack([second, second]) / 2),
    ):
        p = entry_penalties(X, 1.0, **OPTIONS | {"widths": (W1.shape[1],)})
        costs.append((p.first * (W1**2).sum(), p.behind * (W2**2).sum()))
    assert costs[0] == pytest.approx(costs[1])
