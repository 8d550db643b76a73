"""Categorical features and parts of features in the first layer of SNMLP."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from sksn.nn import SNMLP, RowSparseAdamW

SIZES = [3, 0, 4]  # categories of three features, the second of which is a number


def networks(**options):
    """A network with categories, and one that reads one-hot columns with the same weights."""
    options = {"target": 2.0, "power": 0.5, "hidden_layer_sizes": (5,), "seed": 0} | options
    gain = [0.5, 1.0, 0.25, 1.0, 0.75, 0.5, 1.0]
    net = SNMLP(3, 2, n_categories=SIZES, category_gain=gain, **options).double()
    other = SNMLP(8, 2, **options | {"sparse_grad": False}).double()
    with torch.no_grad():
        weight = torch.cat(
            [net.input.category_weight[:3], net.input.weight[1:2], net.input.category_weight[3:]]
        )
        other.input.weight.copy_(weight)
        other.input.bias.copy_(net.input.bias)
        other.hidden.load_state_dict(net.hidden.state_dict())
    return net, other, np.array(gain)


def rows(gain, n_rows=50):
    """Codes with NaN, and one-hot columns that hold the gain where a category is observed."""
    random = np.random.RandomState(0)
    X = np.column_stack(
        [random.randint(3, size=n_rows), random.normal(size=n_rows), random.randint(4, size=n_rows)]
    ).astype(float)
    X[random.uniform(size=X.shape) < 0.3] = np.nan
    one_hot = np.full((n_rows, 8), np.nan)
    one_hot[:, 3] = X[:, 1]
    for feature, start, at in ((0, 0, 0), (2, 3, 4)):
        seen = np.flatnonzero(~np.isnan(X[:, feature]))
        codes = X[seen, feature].astype(int)
        one_hot[seen, at + codes] = gain[start + codes]
    return torch.as_tensor(X), torch.as_tensor(one_hot)


@pytest.mark.parametrize("sparse_grad", [False, True])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_categories_equal_one_hot_columns(power, sparse_grad):
    """Each category is a column that is observed, with the gain as its entry, or missing."""
    net, other, gain = networks(power=power, sparse_grad=sparse_grad)
    X, one_hot = rows(gain)
    assert_close(net(X), other(one_hot))
    net(X).square().sum().backward()
    other(one_hot).square().sum().backward()
    found = net.input.category_weight.grad
    assert found.is_sparse == sparse_grad
    expected = other.input.weight.grad
    assert_close(found.to_dense(), torch.cat([expected[:3], expected[4:]]))
    assert_close(net.input.weight.grad[1], expected[3])
    assert not net.input.weight.grad[[0, 2]].any()


def test_training_equals_that_with_one_hot_columns():
    net, other, gain = networks()
    X, one_hot = rows(gain)
    y = torch.as_tensor(np.random.RandomState(1).normal(size=(len(X), 2)))
    for model, inputs in ((net, X), (other, one_hot)):
        optimizer = RowSparseAdamW(model.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            (model(inputs) - y).square().mean().backward()
            optimizer.step()
    assert_close(net(X), other(one_hot))


def test_categories_without_gain_draw_no_weights():
    few = SNMLP(1, 2, n_categories=[2], category_gain=[1.0, 1.0], seed=0)
    more = SNMLP(1, 2, n_categories=[4], category_gain=[0.0, 1.0, 0.0, 1.0], seed=0)
    assert_close(more.input.category_weight[[1, 3]], few.input.category_weight)
    assert not more.input.category_weight[[0, 2]].any()
    assert_close(more.hidden[-1].weight, few.hidden[-1].weight)


def test_parts_are_dropped_with_their_feature_and_do_not_count():
    net = SNMLP(4, 1, target=2.0, power=1.0, input_dropout=0.5, part_of=[1, 1], seed=0)
    net.use_generator(torch.Generator().manual_seed(0))
    X = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).repeat(200, 1)
    normalized = net.input.normalize(X)
    kept = normalized.entries != 0
    assert torch.equal(kept[:, 1], kept[:, 2])
    assert torch.equal(kept[:, 1], kept[:, 3])
    assert torch.equal(normalized.n_observed.long(), kept[:, :2].sum(dim=1))
    assert set(normalized.n_observed.long().tolist()) == {0, 1, 2}
    both = normalized.entries[normalized.n_observed == 2]
    assert_close(both, X[: len(both)])  # K / n = 1
