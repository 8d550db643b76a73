"""Devices and types of new networks."""

import numpy as np
import pytest
import torch

from sksn.nn import SNAE, SNMLP, SparseRows

ONES = torch.ones(5)
BINS = (np.zeros((5, 2)), np.ones((5, 2)))
NETWORKS = [
    lambda **how: SNMLP(5, 2, **how),
    lambda **how: SNMLP(5, 2, seed=0, output_bias=[0.0, 1.0], bins=BINS, **how),
    lambda **how: SNMLP(5, 2, hidden_norm="batch", indicator_features=[1], sparse=True, **how),
    lambda **how: SNAE(5, seed=0, hidden_layer_sizes=(4, 3), baseline=ONES, **how),
    lambda **how: SNAE(5, add_indicator=True, **how),
]


def places(network):
    tensors = [*network.parameters(), *network.buffers()]
    return {tensor.device.type for tensor in tensors}


@pytest.mark.parametrize("make", NETWORKS)
def test_networks_are_made_on_one_device(make):
    with torch.device("meta"):
        assert places(make()) == {"meta"}
        assert places(make(device="cpu")) == {"cpu"}
    network = make(device="meta", dtype=torch.float64)
    assert places(network) == {"meta"}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("at", [1, 3])
def test_a_seed_gives_the_same_weights_on_a_gpu(at):
    for ours, theirs in zip(
        NETWORKS[at](device="cuda").parameters(), NETWORKS[at]().parameters(), strict=True
    ):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=0)


def test_sparse_adam_takes_the_weights_of_the_first_layer():
    network = SNMLP(5, 2, sparse=True, sparse_grad=True)
    rest = [p for name, p in network.named_parameters() if name != "input.weight"]
    optimizers = torch.optim.SparseAdam([network.input.weight]), torch.optim.AdamW(rest)
    before = network.input.weight.detach().clone()
    rows = SparseRows(torch.ones(2), torch.tensor([0, 3]), torch.tensor([0, 1]))
    network(rows).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    moved = (network.input.weight != before).any(dim=1)
    assert moved.tolist() == [True, False, False, True, False]
