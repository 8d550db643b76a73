"""SparsityNorm, SNLinear and ObservedNorm, against loops and theorems."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sksn import sparsity_normalize
from sksn.nn import ObservedNorm, SNLinear, SparseRows, SparsityNorm
from tests.helpers import holey

from .norms import NAN, by_loops, samples
from .test_mlp import sparse_rows

POWERS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def modules(n):
    """One of each, for rows of n features, with parameters that are not those of the start."""
    found = [
        SparsityNorm(2.0, 0.5),
        SparsityNorm(2.0, missing_values=0),
        SNLinear(n, 3, dtype=torch.float64),
        SNLinear(n, 3, bias=False, target=1.5, power=0.5, dtype=torch.float64),
        ObservedNorm(n, dtype=torch.float64),
        ObservedNorm(n, affine=False, missing_values=0),
    ]
    generator = torch.Generator().manual_seed(1)
    for module in found:
        for parameter in module.parameters():
            nn.init.normal_(parameter, generator=generator)
    return found


def parts(out):
    return vars(out) if isinstance(out, SparseRows) else out


class TestSparsityNorm:
    @given(holey(), POWERS, st.floats(0.5, 20))
    def test_does_what_the_transformer_does(self, X, power, target):
        module = SparsityNorm(target, power)
        expected = sparsity_normalize(X, target=target, power=power)
        np.testing.assert_allclose(module(torch.tensor(X)), expected, rtol=1e-10, atol=1e-12)
        mask, filled = ~np.isnan(X), np.nan_to_num(X, nan=7.0)
        masked = module(torch.tensor(filled), torch.tensor(mask))
        np.testing.assert_allclose(masked, expected, rtol=1e-10, atol=1e-12)
        masked = module(torch.tensor(filled), torch.tensor(mask.astype(int)))
        np.testing.assert_allclose(masked, expected, rtol=1e-10, atol=1e-12)
        rows = module(sparse_rows(X))
        np.testing.assert_allclose(rows.values, expected[mask], rtol=1e-10, atol=1e-12)

    def test_zeros_of_hidden_layers(self):
        module = SparsityNorm(2.0, missing_values=0)
        out = module(torch.tensor([[0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0] * 4]))
        assert out.tolist() == [[0, 2, 0, 0], [0.5] * 4, [0] * 4]

    def test_several_dimensions_make_a_sample(self):
        x = samples(3, 2, 4, 5)
        out = SparsityNorm(6.0, dim=(1, 2, 3))(x)
        flat = SparsityNorm(6.0)(x.flatten(1))
        torch.testing.assert_close(out.flatten(1), flat)
        per_channel = SparsityNorm(6.0, dim=(-2, -1))(x)
        torch.testing.assert_close(per_channel.flatten(2), SparsityNorm(6.0)(x.flatten(2)))

    def test_a_mask_does_not_make_nan_observed(self):
        out = SparsityNorm(1.0)(torch.tensor([[NAN, 3.0]]), torch.tensor([[True, True]]))
        assert out.tolist() == [[0, 3]]

    def test_masks_broadcast(self):
        mask = torch.tensor([True, False, True])
        out = SparsityNorm(1.0)(torch.ones(2, 3), mask)
        assert out.tolist() == [[0.5, 0, 0.5]] * 2

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_many_features_in_half_precision(self, dtype):
        """4097 is no number of either type, and the sum of so many ones is none in bfloat16."""
        x = torch.full((1, 5000), NAN, dtype=dtype)
        x[0, :4097] = 1
        out = SparsityNorm(8194.0)(x)
        assert out.dtype == dtype
        assert torch.equal(out[0, :4097], torch.full((4097,), 2, dtype=dtype))

    @pytest.mark.parametrize(
        ("target", "power", "says"),
        [
            (0, 1, "target must be a positive number, got 0"),
            (NAN, 1, "target must be a positive number, got nan"),
            (True, 1, "target must be a positive number, got True"),
            (np.True_, 1, "target must be a positive number, got (np.)?True"),
            (10**400, 1, "target must be a positive number, got 1000"),
            ("mean", 1, "target must be a positive number, got 'mean'"),
            (1, -1, "power must be a number"),
        ],
    )
    def test_bad_parameters(self, target, power, says):
        with pytest.raises(ValueError, match=says):
            SparsityNorm(target, power)

    def test_bad_missing_values(self):
        with pytest.raises(ValueError, match="missing_values must be NaN or a finite number"):
            SparsityNorm(1.0, missing_values="none")


class TestSNLinear:
    @given(holey(), POWERS, st.sampled_from([None, 2.5]))
    def test_is_a_linear_map_of_what_is_normalized(self, X, power, target):
        torch.manual_seed(0)
        layer = SNLinear(X.shape[1], 3, target=target, power=power, dtype=torch.float64)
        K = target or X.shape[1]
        weight, bias = (p.detach().numpy() for p in (layer.weight, layer.bias))
        expected = sparsity_normalize(X, target=K, power=power) @ weight.T + bias
        np.testing.assert_allclose(layer(torch.tensor(X)).detach(), expected, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(layer(sparse_rows(X)).detach(), expected, rtol=1e-8, atol=1e-8)

    def test_takes_the_place_of_linear(self):
        torch.manual_seed(0)
        plain, layer = nn.Linear(6, 4), SNLinear(6, 4)
        layer.load_state_dict(plain.state_dict())
        x = torch.randn(5, 2, 6)
        torch.testing.assert_close(layer(x), plain(x), rtol=0, atol=0)

    def test_sparse_gradients_are_the_dense_ones(self):
        x = samples(6, 4)
        layer = SNLinear(4, 3, dtype=torch.float64)
        gradients = []
        for rows in (x, sparse_rows(x.numpy())):
            layer.zero_grad()
            layer(rows).square().sum().backward()
            gradients.append([p.grad.clone() for p in layer.parameters()])
        torch.testing.assert_close(*gradients)

    @pytest.mark.parametrize("rows", [False, True])
    def test_half_precision_overflows_only_where_the_result_does(self, rows):
        """100 x 1000 / 1 and the sum of 1000 x 100 are beyond float16; 3000 and 1000 are not."""
        layer = SNLinear(1000, 1, bias=False, dtype=torch.float16)
        nn.init.constant_(layer.weight, 0.03)
        x = torch.full((1, 1000), NAN, dtype=torch.float16)
        x[0, 0] = 100
        full = torch.full((1, 1000), 100, dtype=torch.float16)
        small = SNLinear(1000, 1, bias=False, target=10.0, dtype=torch.float16)
        nn.init.ones_(small.weight)
        if rows:
            first = torch.zeros(1, dtype=torch.int64)
            x = SparseRows(x[0, :1], first, first)
            full = SparseRows(full[0], torch.arange(1000), first)
        assert layer(x).item() == pytest.approx(3000, rel=1e-3)
        assert small(full).item() == pytest.approx(1000, rel=1e-3)
        if not rows:
            with torch.autocast("cpu", torch.float16):
                out = layer.float()(x.float())
            assert out.dtype == torch.float16
            assert out.item() == pytest.approx(3000, rel=1e-3)


class TestObservedNorm:
    @given(holey(), st.sampled_from([1e-5, 0.1]))
    def test_is_what_loops_give(self, X, eps):
        module = ObservedNorm(X.shape[1], eps=eps, dtype=torch.float64)
        for parameter in module.parameters():
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(2))
        gain, bias = (p.detach().numpy() for p in module.parameters())
        expected = by_loops(X, gain, bias, eps)
        dense = module(torch.tensor(X)).detach()
        np.testing.assert_allclose(dense, expected, rtol=1e-6, atol=1e-6)
        rows = module(sparse_rows(X)).values.detach()
        np.testing.assert_allclose(rows, expected[~np.isnan(X)], rtol=1e-6, atol=1e-6)

    def test_of_complete_samples_is_layer_norm(self):
        x = torch.randn(7, 9, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(ObservedNorm(9)(x), nn.LayerNorm(9)(x))

    @given(st.floats(0.5, 4), st.floats(-5, 5), st.integers(0, 100))
    def test_neither_scale_nor_shift_of_a_sample_matters(self, scale, shift, seed):
        module, x = ObservedNorm(8, affine=False, eps=1e-12), samples(4, 8, seed=seed)
        torch.testing.assert_close(module(x), module(x * scale + shift), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("eps", [1e-5, 0.0])
    def test_one_entry_none_and_equal_ones(self, eps):
        module = ObservedNorm(3, eps=eps)
        nn.init.constant_(module.bias, 5)
        x = torch.tensor([[NAN, 3.0, NAN], [NAN] * 3, [2.0, 2.0, NAN]], requires_grad=True)
        out = module(x)
        assert out.tolist() == [[0, 5, 0], [0, 0, 0], [5, 5, 0]]
        (out**2).sum().backward()
        assert x.grad.isfinite().all()

    @pytest.mark.parametrize("value", [0.1, 1e4 + 0.1, -3e-5])
    def test_what_rounding_leaves_of_equal_entries_is_no_variance(self, value):
        x = torch.full((1, 7), value)
        for eps in (0.0, 1e-5):
            assert not ObservedNorm(7, affine=False, eps=eps)(x).any()
            assert not ObservedNorm(7, affine=False, eps=eps)(sparse_rows(x.numpy())).values.any()

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"n_features": 0}, "n_features must be a positive integer, got 0"),
            ({"eps": -1}, r"eps must be a number in \[0, inf\), got -1"),
            ({"eps": "x"}, r"eps must be a number in \[0, inf\), got 'x'"),
            ({"affine": "no"}, "affine must be True or False, got 'no'"),
        ],
    )
    def test_bad_parameters(self, options, says):
        with pytest.raises(ValueError, match=says):
            ObservedNorm(**({"n_features": 3} | options))

    def test_samples_of_another_width(self):
        with pytest.raises(ValueError, match=r"x must have 3 features .* got shape \(2, 1\)"):
            ObservedNorm(3)(torch.ones(2, 1))

    def test_zeros_of_hidden_layers(self):
        module = ObservedNorm(4, affine=False, missing_values=0, eps=0)
        out = module(torch.tensor([[0.0, 1.0, 3.0, 0.0]]))
        assert out.tolist() == [[0, -1, 1, 0]]

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_computes_in_single(self, dtype):
        """The squares of 300 overflow float16."""
        x = samples(4, 3000).mul(300).to(dtype)
        module = ObservedNorm(3000, affine=False)
        out = module(x)
        assert out.dtype == dtype
        torch.testing.assert_close(out.float(), module(x.float()), rtol=0.01, atol=0.01)


class TestAll:
    @pytest.mark.parametrize("at", range(6))
    def test_gradcheck(self, at):
        module, x = modules(5)[at], samples(4, 5).requires_grad_()
        names = [name for name, _ in module.named_parameters()]

        def call(x, *values):
            return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))

        assert torch.autograd.gradcheck(call, (x, *module.parameters()))

    @pytest.mark.parametrize("at", range(6))
    def test_compile_and_export_give_the_same(self, at):
        module, x = modules(5)[at], samples(4, 5)
        expected = module(x)
        compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), expected)
        rows = torch.export.Dim("rows", min=2, max=1000)
        exported = torch.export.export(module, (x,), dynamic_shapes=({0: rows},)).module()
        torch.testing.assert_close(exported(x), expected)
        torch.testing.assert_close(exported(samples(7, 5)), module(samples(7, 5)))

    @pytest.mark.parametrize("at", range(6))
    def test_never_waits_for_the_device(self, at):
        """Tensors without data know no value to wait for."""
        module = modules(5)[at].to("meta")
        assert module(torch.empty(4, 5, device="meta", dtype=torch.float64)).shape[0] == 4
        rows = sparse_rows(samples(4, 5).numpy()).to("meta")
        assert module(rows) is not None

    @pytest.mark.parametrize("at", range(6))
    def test_autocast(self, at):
        module, x = modules(5)[at].float(), samples(4, 5, dtype=torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = module(x)
        torch.testing.assert_close(out.float(), module(x), rtol=0.05, atol=0.05)

    @pytest.mark.parametrize("at", range(6))
    def test_state_and_pickle(self, at):
        x = samples(4, 5)
        module, other = modules(5)[at], modules(5)[at]
        for parameter in other.parameters():
            nn.init.zeros_(parameter)
        other.load_state_dict(module.state_dict())
        torch.testing.assert_close(other(x), module(x))
        torch.testing.assert_close(pickle.loads(pickle.dumps(module))(x), module(x))

    @pytest.mark.parametrize("at", range(6))
    def test_rows_are_compiled_and_exported(self, at):
        module = modules(5)[at]
        rows, others = (sparse_rows(samples(4, 5, seed=seed).numpy()) for seed in (0, 1))
        torch._dynamo.reset()
        compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
        for batch in (rows, others):
            torch.testing.assert_close(parts(compiled(batch)), parts(module(batch)))
        exported = torch.export.export(module, (rows,)).module()
        torch.testing.assert_close(parts(exported(rows)), parts(module(rows)))
        gradients = []
        for run in (compiled, module):
            module.zero_grad()
            out = run(rows)
            out = out.values if isinstance(out, SparseRows) else out
            if out.requires_grad:
                out.square().sum().backward()
            gradients.append([p.grad.clone() for p in module.parameters()])
        torch.testing.assert_close(*gradients)

    @pytest.mark.parametrize("make", [SparsityNorm, ObservedNorm])
    def test_rows_that_store_what_is_missing(self, make):
        """As dense rows have it: zeros are missing where they are said to be, NaN always."""
        stored = torch.tensor([0.0, 1.0, 3.0, NAN, 5.0])
        rows = SparseRows(stored, torch.tensor([0, 1, 2, 3, 0]), torch.tensor([0, 4]))
        dense = torch.tensor([[0.0, 1.0, 3.0, NAN], [5.0, NAN, NAN, NAN]])
        for missing in (0, NAN):
            module = make(4, missing_values=missing)
            expected = module(dense)[[0, 0, 0, 0, 1], [0, 1, 2, 3, 0]]
            torch.testing.assert_close(module(rows).values, expected)
        layer = SNLinear(4, 2)
        torch.testing.assert_close(layer(rows), layer(dense))

    @pytest.mark.parametrize("module", [SparsityNorm(1.0), SNLinear(3, 2), ObservedNorm(3)])
    def test_what_is_no_tensor_of_floats(self, module):
        for x, kind in ((torch.ones(2, 3).long(), "torch.int64"), (np.ones((2, 3)), "ndarray")):
            with pytest.raises(TypeError, match=f"x must be a dense .* got {kind}"):
                module(x)
        with pytest.raises(TypeError, match="mask must be a tensor or None, got list"):
            module(torch.ones(1, 3), [[True] * 3])

    @pytest.mark.parametrize("module", [SparsityNorm(1.0), SNLinear(3, 2), ObservedNorm(3)])
    def test_a_mask_that_does_not_fit(self, module):
        x = torch.ones(4, 3)
        for mask in (torch.ones(3, 4), torch.ones(1, 4, 3)):
            with pytest.raises(ValueError, match=r"mask must have the shape of x, \(4, 3\)"):
                module(x, mask)
        with pytest.raises(ValueError, match="mask must be None for SparseRows"):
            module(sparse_rows(np.ones((4, 3))), torch.ones(4, 3))

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    @pytest.mark.parametrize("at", range(6))
    def test_cuda_agrees(self, at):
        module, x = modules(5)[at], samples(4, 5)
        torch.testing.assert_close(module.cuda()(x.cuda()).cpu(), modules(5)[at](x))
