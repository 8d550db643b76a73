"""Sparse rows under autocast, in half precision, under compilers and transforms of functions."""

from dataclasses import replace

import pytest
import torch

from sksn.nn import SNAE, SNMLP, SNLinear, SparseRows

TWO_LAYERS = {"hidden_layer_sizes": (4, 3), "seed": 0, "sparse": True}
NETWORKS = {
    "SNAE": lambda: SNAE(3, **TWO_LAYERS),
    "SNAE with offsets": lambda: SNAE(
        3, row_offset=1.0, center=True, add_indicator=True, **TWO_LAYERS
    ),
    "SNMLP": lambda: SNMLP(3, 2, indicator_features=[0, 1, 2], **TWO_LAYERS),
    "SNMLP with some indicators": lambda: SNMLP(3, 2, indicator_features=[1], **TWO_LAYERS),
    "SNLinear": lambda: SNLinear(3, 2),
}
each_network = pytest.mark.parametrize("name", NETWORKS)
each_half = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


def batch(dtype=torch.float32, first=1.0):
    values = torch.tensor([first, -2.0, 3.0, 0.5], dtype=dtype)
    columns, offsets = torch.tensor([0, 1, 0, 2]), torch.tensor([0, 2, 2])
    return SparseRows(values, columns, offsets, weights=torch.ones_like(values))


def gradients(network, out):
    network.zero_grad()
    out.float().square().sum().backward()
    return [p.grad.float().clone() for p in network.parameters() if p.grad is not None]


@each_half
@each_network
def test_autocast(name, dtype):
    network = NETWORKS[name]()
    expected = network(batch())
    with torch.autocast("cpu", dtype=dtype):
        out = network(batch())
    torch.testing.assert_close(out.float(), expected, rtol=0.05, atol=0.05)
    ours, theirs = gradients(network, out), gradients(network, expected)
    torch.testing.assert_close(ours, theirs, rtol=0.1, atol=0.1)


@each_half
@each_network
def test_weights_in_half_precision(name, dtype):
    network = NETWORKS[name]()
    expected = network(batch())
    theirs = gradients(network, expected)
    network = network.to(dtype)
    out = network(batch(dtype))
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), expected, rtol=0.05, atol=0.05)
    torch.testing.assert_close(gradients(network, out), theirs, rtol=0.1, atol=0.1)


def test_offsets_of_long_rows_in_half_precision():
    values = torch.full((5000,), 40.0, dtype=torch.float16)
    rows = SparseRows(values, torch.arange(5000), torch.tensor([0]))
    for x in (rows, values[None]):
        network = SNAE(5000, row_offset=0.0, sparse=x is rows, dtype=torch.float16)
        codes = torch.zeros(1, 300, dtype=torch.float16)
        assert network.offsets(x, codes).item() == pytest.approx(40, abs=0.1)


@each_network
def test_compile_and_export(name):
    network = NETWORKS[name]()
    torch._dynamo.reset()
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    for rows in (batch(), batch(first=7.0)):
        torch.testing.assert_close(compiled(rows), network(rows))
    ours, theirs = (gradients(network, run(batch())) for run in (compiled, network))
    torch.testing.assert_close(ours, theirs)
    exported = torch.export.export(network, (batch(),)).module()
    torch.testing.assert_close(exported(batch(first=7.0)), network(batch(first=7.0)))


@each_network
def test_transforms_of_functions(name):
    network = NETWORKS[name]()
    parameters = dict(network.named_parameters())

    def loss(parameters, rows):
        return torch.func.functional_call(network, parameters, (rows,)).square().sum()

    def loss_of_values(values):
        return network(replace(batch(), values=values)).square().sum()

    for found in (
        torch.func.grad(loss)(parameters, batch()),
        torch.func.grad(lambda p: loss(p, batch()))(parameters),
    ):
        expected = gradients(network, network(batch()))
        torch.testing.assert_close(list(found.values()), expected)
    values = batch().values.requires_grad_()
    (expected,) = torch.autograd.grad(loss_of_values(values), values)
    torch.testing.assert_close(torch.func.grad(loss_of_values)(batch().values), expected)
    expected = torch.autograd.functional.hessian(loss_of_values, batch().values)
    found = torch.func.jacrev(torch.func.grad(loss_of_values))(batch().values)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch asks for it at graph breaks
def test_sparse_gradients_stay_sparse_in_compiled_training():
    network = SNMLP(3, 2, sparse_grad=True, **TWO_LAYERS)
    torch._dynamo.reset()
    compiled = torch.compile(network, backend="aot_eager")
    for run in (compiled, network):
        network.zero_grad()
        run(batch()).square().sum().backward()
        assert network.input.weight.grad.is_sparse
    torch._dynamo.reset()
    with pytest.raises(Exception, match="_with_sparse_gradient"):
        torch.compile(network, backend="aot_eager", fullgraph=True)(batch())
    exported = torch.export.export(network, (batch(),)).module()
    torch.testing.assert_close(exported(batch()), network(batch()))
