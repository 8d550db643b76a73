"""The first layer's sums over observed entries, and their gradients, against dense products."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sksn.nn import SNMLP, SparseRows
from sksn.nn._bag import ColumnIndex, weighted_sums

N_FEATURES = 7


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def batches(draw):
    """A batch with empty rows, repeated columns within a row, and both kinds of indices."""
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    column = st.integers(0, N_FEATURES - 1)
    columns = draw(st.lists(column, min_size=sum(lengths), max_size=sum(lengths)))
    kind = draw(st.sampled_from([torch.int32, torch.int64]))
    values = torch.randn(
        len(columns), dtype=torch.float64, generator=torch.manual_seed(len(columns))
    )
    ends = torch.tensor(lengths).cumsum(0)
    offsets = (ends - torch.tensor(lengths)).to(kind)
    return SparseRows(values, torch.tensor(columns, dtype=kind), offsets)


def as_dense(rows: SparseRows, factors: torch.Tensor) -> torch.Tensor:
    dense = torch.zeros(len(rows.offsets), N_FEATURES, dtype=factors.dtype)
    for row, column, factor in zip(rows.row_of_entry(), rows.columns, factors, strict=True):
        dense[row, column] += factor
    return dense


def a_weight() -> torch.Tensor:
    return torch.randn(N_FEATURES, 3, dtype=torch.float64, generator=seeded(1))


@given(batches(), st.booleans(), st.booleans())
def test_sums_and_gradients_are_those_of_the_dense_product(rows, occurring, distinct_known):
    columns_before = rows.columns.clone()
    if distinct_known:
        rows = replace(rows, n_distinct=len(rows.columns.unique()))
    weight, factors = a_weight().requires_grad_(), rows.values.clone().requires_grad_()
    index = ColumnIndex(rows, N_FEATURES, occurring=occurring)
    out = weighted_sums(rows, factors, weight, index)
    expected = as_dense(rows, factors) @ weight
    torch.testing.assert_close(out, expected)

    direction = torch.randn_like(expected)
    of_weight, of_factors = torch.autograd.grad(out, (weight, factors), direction)
    dense = torch.autograd.grad(expected, (weight, factors), direction, allow_unused=True)
    torch.testing.assert_close(of_weight.to_dense(), dense[0])
    torch.testing.assert_close(
        of_factors, torch.zeros(0).double() if dense[1] is None else dense[1]
    )
    if occurring:
        assert of_weight.is_sparse
        assert of_weight.is_coalesced()
        assert of_weight.indices()[0].tolist() == sorted(set(rows.columns.tolist()))
    assert torch.equal(rows.columns, columns_before)


@given(batches())
def test_sorting_and_counting_find_the_same(rows):
    counted = ColumnIndex(rows, N_FEATURES, occurring=False)._count()
    everywhere = ColumnIndex(rows, N_FEATURES, occurring=False)._sort()
    assert torch.equal(counted.order, everywhere.order)
    assert torch.equal(counted.starts, everywhere.starts)
    occurring = ColumnIndex(rows, N_FEATURES, occurring=True)._sort()
    assert torch.equal(occurring.order, counted.order)
    assert counted.starts[occurring.columns].tolist() == occurring.starts.tolist()


@pytest.mark.parametrize("kind", [torch.int32, torch.int64])
def test_gradcheck(kind):
    rows = SparseRows(
        torch.tensor([0.5, -2.0, 1.0, 3.0, 0.1], dtype=torch.float64),
        torch.tensor([2, 0, 2, 6, 6], dtype=kind),  # the last row holds its column twice
        torch.tensor([0, 2, 2, 3], dtype=kind),  # and the second one is empty
    )
    weight, factors = a_weight().requires_grad_(), rows.values.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda w, f: weighted_sums(rows, f, w), (weight, factors))
    assert torch.autograd.gradgradcheck(lambda w, f: weighted_sums(rows, f, w), (weight, factors))


@pytest.mark.parametrize("sparse_grad", [False, True])
def test_a_penalty_on_gradients_is_that_of_dense_rows(sparse_grad):
    dense = torch.tensor([[2.0, torch.nan, 1.0], [torch.nan, 3.0, torch.nan]]).double()
    columns, offsets = torch.tensor([0, 2, 1]), torch.tensor([0, 2])
    options = {"activation": "tanh", "target": 2.0, "dtype": torch.float64, "seed": 0}
    found = []
    for sparse in (False, True):
        model = SNMLP(3, 1, sparse=sparse, sparse_grad=sparse and sparse_grad, **options)
        x = dense[~dense.isnan()].requires_grad_() if sparse else dense.clone().requires_grad_()
        rows = SparseRows(x, columns, offsets) if sparse else x
        (slope,) = torch.autograd.grad(model(rows).sum(), x, create_graph=True)
        slope.square().nansum().backward()
        found.append([p.grad.to_dense() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(*found)


def test_gradcheck_of_the_whole_network():
    rows = SparseRows(
        torch.tensor([0.5, -2.0, 1.0, 3.0], dtype=torch.float64),
        torch.tensor([2, 0, 2, 6]),
        torch.tensor([0, 2, 2]),
    )
    options = {"activation": "tanh", "indicator_features": [0, 2], "seed": 0, "target": 2.0}
    model = SNMLP(N_FEATURES, 2, sparse=True, power=0.5, dtype=torch.float64, **options)
    names = [name for name, _ in model.named_parameters()]
    parameters = tuple(p for _, p in model.named_parameters())

    def call(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (rows,))

    assert torch.autograd.gradcheck(call, parameters)


@pytest.mark.parametrize("input_dropout", [0.0, 0.5])
def test_a_sparse_gradient_of_the_network_is_its_dense_one(input_dropout):
    rng = np.random.RandomState(0)
    dense = rng.normal(size=(6, N_FEATURES))
    dense[rng.uniform(size=dense.shape) < 0.6] = np.nan
    row, column = np.nonzero(~np.isnan(dense))
    starts = torch.from_numpy(np.searchsorted(row, np.arange(6)))
    rows = SparseRows(torch.from_numpy(dense[row, column]), torch.from_numpy(column), starts)
    gradients = []
    for sparse_grad in (False, True):
        model = SNMLP(
            N_FEATURES,
            2,
            sparse=True,
            sparse_grad=sparse_grad,
            indicator_features=[1],
            input_dropout=input_dropout,
            seed=0,
            dtype=torch.float64,
        )
        model.use_generator(torch.Generator().manual_seed(0))
        model(rows).square().sum().backward()
        assert model.input.weight.grad.is_sparse is sparse_grad
        assert model.input.indicator_weight.grad.is_sparse is sparse_grad
        gradients.append([p.grad.to_dense() for p in model.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b)


def test_torch_finds_the_same_with_its_own_embedding_bag():
    generator = seeded(0)
    table = nn.EmbeddingBag(50, 4, mode="sum")
    columns = torch.randint(50, (40,), generator=generator)
    offsets, factors = torch.arange(0, 40, 8), torch.rand(40, generator=generator)
    table(columns, offsets, per_sample_weights=factors).sin().sum().backward()
    weight = table.weight.detach().requires_grad_()
    weighted_sums(SparseRows(factors, columns, offsets), factors, weight).sin().sum().backward()
    torch.testing.assert_close(weight.grad, table.weight.grad)
