"""Sampled products and the autoencoder module: sparse rows say what dense ones say."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sksn.nn import SNAE, SparseRows, sampled_product
from sksn.nn import _sampled as module
from sksn.nn._bag import ColumnIndex
from sksn.nn._implicit_feedback import ImplicitFeedbackAE, implicit_feedback
from tests.helpers import holey, to_csr


def as_rows(X, dtype=torch.float64):
    X = to_csr(X)
    return SparseRows(
        torch.tensor(X.data, dtype=dtype),
        torch.tensor(X.indices.astype(np.int32)),
        torch.tensor(X.indptr[:-1].astype(np.int32)),
    )


@pytest.mark.parametrize("gathering", [False, True])
@given(X=holey(), width=st.integers(1, 5))
def test_it_is_the_full_product_where_asked(gathering, X, width):
    rows = as_rows(X)
    torch.manual_seed(0)
    left, right = torch.randn(len(X), width).double(), torch.randn(X.shape[1], width).double()
    row, column = np.nonzero(~np.isnan(X))
    if gathering:
        found = module._by_gathering(rows, ColumnIndex(rows, X.shape[1]).row, left, right)
    else:
        found = sampled_product(rows, left, right)
    torch.testing.assert_close(found, (left @ right.T)[row, column])


@given(X=holey(max_rows=5, max_features=4))
def test_its_gradient_is_right(X):
    rows = as_rows(X)
    torch.manual_seed(0)
    left = torch.randn(len(X), 3, dtype=torch.float64, requires_grad=True)
    right = torch.randn(X.shape[1], 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: sampled_product(rows, a, b), (left, right))
    assert torch.autograd.gradgradcheck(lambda a, b: sampled_product(rows, a, b), (left, right))


OPTIONS = [
    {},
    {"row_offset": 2.0},
    {"row_offset": 0.5, "center": True},
    {"center": True, "hidden_layer_sizes": (5, 3)},
    {"row_offset": 1.0, "activation": "relu", "power": 1.0, "hidden_layer_sizes": (2, 4)},
]


@pytest.mark.parametrize("options", OPTIONS)
@given(X=holey())
def test_the_sampled_loss_is_the_dense_masked_loss(options, X):
    baseline = torch.linspace(-1, 1, X.shape[1])
    nets = [
        SNAE(
            X.shape[1],
            target=2.0,
            seed=0,
            baseline=baseline,
            sparse=is_sparse,
            dtype=torch.float64,
            **{"hidden_layer_sizes": (4,), **options},
        )
        for is_sparse in (True, False)
    ]
    with torch.no_grad():
        for net in nets:
            net.weight.mul_(50)  # so that the codes matter
    observed = torch.tensor(~np.isnan(X))
    target = torch.tensor(X)[observed]
    losses = [
        ((nets[0](as_rows(X)) - target) ** 2).sum(),
        ((nets[1](torch.tensor(X))[observed] - target) ** 2).sum(),
    ]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.backward()
    for sparse_one, dense_one in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(sparse_one.grad, dense_one.grad)


@given(X=holey())
def test_an_indicator_of_observed_entries_is_one_of_missing_ones_with_another_bias(X):
    """Sparse rows say what is observed and dense ones what is missing, without scaling."""
    options = {"hidden_layer_sizes": (3,), "power": 0.0, "add_indicator": True, "seed": 0}
    of_sparse = SNAE(X.shape[1], sparse=True, dtype=torch.float64, **options)
    of_dense = SNAE(X.shape[1], dtype=torch.float64, **options)
    with torch.no_grad():
        of_dense.input.indicator_weight.neg_()
        of_dense.input.bias += of_sparse.input.indicator_weight.sum(0)
    torch.testing.assert_close(of_sparse.encode(as_rows(X)), of_dense.encode(torch.tensor(X)))


def test_what_rows_add_to_features_and_that_it_stays():
    X = np.array(
        [[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [4.0, 5.0, np.nan], [1.0, 1.0, np.nan]]
    )
    net = ImplicitFeedbackAE(3, n_rows=4, hidden_layer_sizes=(2,), sparse=True, dtype=torch.float64)
    with torch.no_grad():
        net.implicit.copy_(torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [8.0, 1.0]]))
    own = net.weight.detach().clone()
    net.observe(as_rows(X.T))
    added = 0.17 * np.array([[15 / 2, 1 / 2], [13 / np.sqrt(3), 1 / np.sqrt(3)], [0, 0]])
    np.testing.assert_allclose((net.decoder() - own).detach(), added)
    rows = as_rows(X)
    before = net(rows)
    before.sum().backward()
    assert (net.implicit.grad != 0).all()
    net.settle()
    torch.testing.assert_close(net(rows), before)
    assert torch.equal(net.decoder(), net.weight)
    found = implicit_feedback(to_csr(X.T), net.implicit.detach().numpy())
    np.testing.assert_allclose(found, added)
    assert net.__getstate__()["_index"] is None


def test_by_hand():
    """One row, one hidden unit, one feature hidden: every number can be followed."""
    net = SNAE(
        3, hidden_layer_sizes=(1,), activation="identity", target=4.0, power=0.5, row_offset=1.0,
        sparse=True, dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        net.input.weight.copy_(torch.tensor([[1.0], [2.0], [3.0]]))
        net.weight.copy_(torch.tensor([[0.5], [1.0], [0.25]]))
        net.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    rows = as_rows(np.array([[3.0, np.nan, 1.0]]))
    # two of K = 4 are observed: (3 * 1 + 1 * 3) * sqrt(4 / 2)
    code = 6 * np.sqrt(2)
    explained = np.array([1 + 0.5 * code, 3 + 0.25 * code])
    offset = (np.array([3, 1]) - explained).sum() / (2 + 1)
    np.testing.assert_allclose(net(rows).detach(), explained + offset)
    np.testing.assert_allclose(net.encode(rows).detach(), [[code]])
    target = as_rows(np.array([[np.nan, 7.0, np.nan]]))
    np.testing.assert_allclose(net(rows, target).detach(), [2 + code + offset])


def test_weights_of_entries_weigh_the_offset():
    rows = as_rows(np.array([[1.0, 4.0]]))
    net = SNAE(2, hidden_layer_sizes=(1,), row_offset=1.0, sparse=True, dtype=torch.float64)
    with torch.no_grad():
        net.weight.zero_()
    weighted = replace(rows, weights=torch.tensor([3.0, 1.0], dtype=torch.float64))
    np.testing.assert_allclose(net(rows).detach(), [5 / 3, 5 / 3])
    np.testing.assert_allclose(net(weighted).detach(), [7 / 5, 7 / 5])


def test_input_dropout_hides_entries_from_the_encoder_only():
    net = SNAE(2, hidden_layer_sizes=(2,), input_dropout=0.5, seed=0, sparse=True)
    rows = as_rows(np.ones((1000, 2)), torch.float32)
    assert len(net(rows)) == 2000
    codes = net.train().encode(rows).detach().numpy().round(5)
    assert len(np.unique(codes, axis=0)) == 4  # none, either or both of two entries seen
    assert len(np.unique(net.eval().encode(rows).detach().numpy().round(5), axis=0)) == 1


def test_time_follows_the_entries_not_the_places():
    """A product over a hundred thousand million places, a handful of them wanted."""
    n = 300_000
    X = sparse.csr_array((np.ones(3), ([0, 5, n - 1], [n - 1, 7, 0])), shape=(n, n))
    rows = SparseRows(
        torch.tensor(X.data, dtype=torch.float32),
        torch.tensor(X.indices),
        torch.tensor(X.indptr[:-1]),
    )
    left, right = torch.ones(n, 2), torch.ones(n, 2, requires_grad=True)
    found = sampled_product(rows, left, right)
    found.sum().backward()
    assert found.tolist() == [2.0, 2.0, 2.0]
    assert right.grad.sum() == 6


def in_beta(code: str) -> int:
    """How often torch warns, after running code in a fresh process, that CSR is in beta."""
    code = f"""
import warnings
import torch
from sksn.nn import SparseRows, sampled_product
index = torch.tensor([0], dtype=torch.int32)
rows, ones = SparseRows(torch.ones(1), index, index), torch.ones(1, 2)
warnings.simplefilter("error")
{code}
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    torch.sparse_csr_tensor([0, 1], [0], [0.0], (1, 1))
print(sum("in beta" in str(warning.message) for warning in found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_importing_leaves_the_warning_of_torch_to_the_user():
    """torch warns once in a process that CSR tensors are in beta."""
    assert in_beta("") == 1


def test_a_sampled_product_warns_of_nothing():
    assert in_beta("sampled_product(rows, ones, ones)") == 0


def test_a_function_of_all_tensors_of_a_batch():
    rows = SparseRows(torch.ones(2), torch.tensor([0, 1]), torch.tensor([0, 1]), 2, torch.ones(2))
    doubled = rows.map(lambda part: part * 2)
    parts = (doubled.values, doubled.columns, doubled.offsets)
    assert [part.tolist() for part in parts] == [[2.0, 2.0], [0, 2], [0, 2]]
    assert (doubled.n_distinct, doubled.weights.tolist()) == (2, [2.0, 2.0])
    assert replace(rows, weights=None).map(torch.clone).weights is None
