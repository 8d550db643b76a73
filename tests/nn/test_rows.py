"""SparseRows from other containers, and in data loaders."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from torch.testing import assert_close
from torch.utils.data import DataLoader

from sksn.nn import SNMLP, SparseRows, SparseRowsDataset

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")  # torch says so of its sparse tensors


def dense(seed, shape=(6, 5)):
    random = np.random.RandomState(seed)
    X = random.normal(size=shape)
    X[random.uniform(size=shape) < 0.2] = 0.0
    X[random.uniform(size=shape) < 0.5] = np.nan
    return X


def stored(X):
    """A CSR array that stores exactly the observed entries."""
    row, column = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[row, column], (row, column)), shape=X.shape)


def restored(rows, n_features):
    X = np.full((len(rows.offsets), n_features), np.nan)
    X[rows.row_of_entry().numpy(), rows.columns.numpy()] = rows.values.detach().numpy()
    return X


@given(st.integers(0, 1000), st.sampled_from(["csr", "csc", "coo", "lil"]))
def test_rows_hold_exactly_the_observed_entries(seed, form):
    X = dense(seed)
    expected = X.astype(np.float32)
    rows = SparseRows.from_scipy(stored(X).asformat(form))
    np.testing.assert_array_equal(restored(rows, 5), expected)
    for tensor in (
        torch.as_tensor(X),
        torch.sparse_coo_tensor(np.array(np.nonzero(~np.isnan(X))), X[~np.isnan(X)], X.shape),
    ):
        np.testing.assert_array_equal(restored(SparseRows.from_torch(tensor), 5), X)


def test_nan_is_missing_and_duplicates_are_summed():
    twice = sparse.coo_array(([1.0, 2.0, np.nan], ([0, 0, 1], [1, 1, 0])), shape=(3, 2))
    rows = SparseRows.from_scipy(twice, dtype=torch.float64)
    assert rows.values.tolist() == [3.0]
    assert rows.n_observed().tolist() == [1, 0, 0]
    assert rows.values.dtype == torch.float64
    with_nan = torch.tensor([[torch.nan, 1.0], [0.0, 2.0]]).to_sparse_csr()
    assert SparseRows.from_torch(with_nan).values.tolist() == [1.0, 2.0]


def test_gradients_flow_to_dense_entries():
    X = torch.tensor([[torch.nan, 2.0], [3.0, torch.nan]], requires_grad=True)
    SparseRows.from_torch(X).values.square().sum().backward()
    assert_close(X.grad, torch.tensor([[0.0, 4.0], [6.0, 0.0]]))


@pytest.mark.parametrize("n_workers", [0, 1])
def test_a_loader_gives_each_row_once(n_workers):
    X, y = stored(dense(0, (23, 5))), torch.arange(23)
    data = SparseRowsDataset(X, y)
    loader = DataLoader(
        data, batch_size=5, shuffle=True, collate_fn=data.collate, num_workers=n_workers
    )
    net = SNMLP(5, 2, sparse=True, seed=0)
    whole = net(SparseRows.from_scipy(X))
    seen = []
    for rows, index in loader:
        assert_close(net(rows), whole[index])
        seen += index.tolist()
    assert sorted(seen) == list(range(23))
    rows, label = data[-1]
    assert label.tolist() == [22]
    assert_close(net(rows), whole[22:])


INDICES = [3, -1, np.int64(2), np.array(2), torch.tensor(2), slice(1, 4), slice(None, None, 2)]
INDICES += [slice(None, None, -1), slice(0), [4, 0, 0], [], -2]
MASK = [True, False, False, True, True, False]


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("index", [*INDICES, np.array([5, 1]), torch.tensor([2]), MASK])
def test_length_and_indices_are_of_rows(index, kind):
    X = dense(3)
    X[1] = np.nan
    rows = SparseRows.from_scipy(stored(X), dtype=torch.float64)
    assert len(rows) == 6
    at = torch.from_numpy(rows.offsets.numpy().astype(kind))
    weights = torch.arange(len(rows.values))
    rows = SparseRows(rows.values, rows.columns, at, 5, weights)
    chosen = rows[index]
    expected = np.atleast_2d(X[index.numpy() if isinstance(index, torch.Tensor) else index])
    np.testing.assert_array_equal(restored(chosen, 5), expected)
    assert chosen.offsets.dtype == at.dtype
    assert_close(rows.values[chosen.weights], chosen.values)


def test_rows_can_be_looped_over():
    X = dense(4)
    rows = list(SparseRows.from_scipy(stored(X), dtype=torch.float64))
    np.testing.assert_array_equal(np.vstack([restored(row, 5) for row in rows]), X)


def test_parts_that_do_not_fit_are_refused():
    ones, at = torch.ones(3), torch.tensor([0, 2])
    with pytest.raises(ValueError, match=r"columns must have one entry.*got the shape \(2,\)"):
        SparseRows(ones, torch.tensor([0, 1]), at)
    with pytest.raises(ValueError, match="weights must have one entry"):
        SparseRows(ones, torch.tensor([0, 1, 1]), at, weights=torch.ones(4))
    with pytest.raises(ValueError, match="values and offsets must have one dimension"):
        SparseRows(ones, torch.tensor([0, 1, 1]), at[:, None])
    rows = SparseRows(ones, torch.tensor([0, 1, 1]), at)
    for row in (2, -3, torch.tensor(2)):
        with pytest.raises(IndexError, match=r"row -?\d of 2 rows"):
            rows[row]
    for wrong in (True, 1.0, "a", None):
        with pytest.raises(TypeError, match="rows are selected by integers, got"):
            rows[wrong]


def test_bad_input():
    with pytest.raises(TypeError, match="X must be a sparse matrix of SciPy, got ndarray"):
        SparseRows.from_scipy(np.eye(3))
    with pytest.raises(TypeError, match="X must be a sparse matrix of SciPy, got list"):
        SparseRowsDataset([[1.0]])
    with pytest.raises(ValueError, match=r"two dimensions, got a tensor of shape \(3,\)"):
        SparseRows.from_torch(torch.ones(3))
    with pytest.raises(ValueError, match="tensor 0 must have 3 entries, one for each row of X"):
        SparseRowsDataset(sparse.eye_array(3), torch.ones(2))
    with pytest.raises(IndexError, match="row 3 of 3 rows"):
        SparseRowsDataset(sparse.eye_array(3))[3]
