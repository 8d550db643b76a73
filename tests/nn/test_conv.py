"""SNConv2d, window by window; and models that are given Sparsity Normalization."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sksn.nn import SNConv2d, SNLinear, remove_sparsity_normalization_, sparsity_normalize_

from .test_norm import samples

OPTIONS = [
    {},
    {"power": 0.5, "bias": False},
    {"target": 3.0, "stride": 2},
    {"padding": 1, "target": 8.0},
    {"padding": (2, 1), "power": 0.5},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "padding": 1},
    {"padding": 1, "padding_mode": "circular"},
    {"padding": "same", "kernel_size": 3},
]


def layer_of(options):
    torch.manual_seed(0)
    return SNConv2d(4, 6, **({"kernel_size": (2, 3), "dtype": torch.float64} | options))


def images(rate=0.6, n=3):
    x = samples(n, 4, 7, 6, rate=rate)
    x[0, :, :4, :4] = torch.nan
    x[-1] = torch.nan
    return x


def window_by_window(layer, x):
    """What the layer should give, and where a window has something observed."""
    n_samples, channels, *_ = x.shape
    if layer.padding == "same":
        sides = [1, 1, 1, 1]
    else:
        sides = [layer.padding[1]] * 2 + [layer.padding[0]] * 2
    zeros = layer.padding_mode == "zeros"
    mode = {"mode": "constant", "value": torch.nan} if zeros else {"mode": layer.padding_mode}
    inside = F.pad(torch.ones_like(x), sides, **(mode | ({"value": 0.0} if zeros else {})))
    x = F.pad(x, sides, **mode)
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel_size, layer.stride, layer.dilation
    height = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    width = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    out = np.zeros((n_samples, layer.out_channels, height, width))
    mask = np.zeros(out.shape, bool)
    per_group, outs = channels // layer.groups, layer.out_channels // layer.groups
    for s, c, i, j in np.ndindex(*out.shape):
        group = slice(c // outs * per_group, (c // outs + 1) * per_group)
        total, n, full = 0.0, 0, 0.0
        for channel in range(group.start, group.stop):
            for a, b in np.ndindex(kh, kw):
                at = (s, channel, i * sh + a * dh, j * sw + b * dw)
                full += inside[at].item()
                if not torch.isnan(x[at]):
                    n += 1
                    total += (x[at] * layer.weight[c, channel - group.start, a, b]).item()
        if n:
            K = layer.target or full
            bias = 0.0 if layer.bias is None else layer.bias[c].item()
            out[s, c, i, j] = total * (K / n) ** layer.power + bias
            mask[s, c, i, j] = True
    return out, mask


@pytest.mark.parametrize("options", OPTIONS)
def test_is_what_windows_give(options):
    layer, x = layer_of(options | {"return_mask": True}), images()
    expected, observed = window_by_window(layer, x)
    out, mask = layer(x)
    np.testing.assert_allclose(out.detach(), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(mask.expand_as(out), observed)
    assert not observed.all()
    masked, _ = layer(x.nan_to_num(9.0), ~x.isnan())
    torch.testing.assert_close(masked, out)
    torch.testing.assert_close(layer(x[1])[0], out[1])


@pytest.mark.parametrize("options", [o for o in OPTIONS if "target" not in o])
def test_complete_images_are_convolved_as_ever(options):
    layer, x = layer_of(options | {"return_mask": True}), samples(2, 4, 7, 6, rate=0)
    out, within = layer(x)
    torch.testing.assert_close(out, nn.Conv2d.forward(layer, x) * within)
    assert within.all() == (options.get("padding") != (2, 1)), "two rows lie beyond the border"


@pytest.mark.parametrize("options", OPTIONS)
def test_gradcheck_compile_export_and_meta(options):
    layer, x = layer_of(options), images(n=2)
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    inputs = (x.requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    x = x.detach()
    torch._dynamo.reset()  # of the other layers' graphs
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x))
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x), layer(x))
    torch.testing.assert_close(pickle.loads(pickle.dumps(layer))(x), layer(x))
    assert layer.to("meta")(x.to("meta")).shape[0] == 2


def test_masks_of_one_channel_and_layers_in_a_row():
    first = SNConv2d(4, 6, 3, return_mask=True, dtype=torch.float64)
    second = SNConv2d(6, 2, 3, return_mask=True, dtype=torch.float64)
    x = images()
    hidden, mask = first(x)
    assert mask.shape == (3, 1, 5, 4)
    out, last = second(hidden, mask)
    holes = hidden.masked_fill(~mask, torch.nan)
    torch.testing.assert_close(out, second(holes)[0])
    assert not out[-1].any()
    assert not last[-1].any()
    assert not first(torch.ones_like(x), torch.zeros(1, 1, 7, 6))[1].any()
    with pytest.raises(ValueError, match=r"mask must have the shape of x, \(3, 4, 7, 6\)"):
        first(x, torch.ones(3, 2, 7, 6))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    """A window of 40 x 81 entries is more than either type counts exactly."""
    layer = SNConv2d(1, 1, (40, 81), bias=False, dtype=dtype)
    nn.init.constant_(layer.weight, 1 / 4096)
    x = torch.ones(1, 1, 40, 81, dtype=dtype)
    x[0, 0, 0, :3] = torch.nan
    out = layer(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float().item(), 40 * 81 / 4096, rtol=0.01, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer.float()(x.float())
    torch.testing.assert_close(out.float().item(), 40 * 81 / 4096, rtol=0.01, atol=0)


def test_arguments_are_those_of_conv2d():
    options = (4, 6, 3, 2, 1, 1, 2, False, "circular")
    assert repr(SNConv2d(*options)).startswith(repr(nn.Conv2d(*options))[4:-1].join(["SNConv", ""]))
    with pytest.raises(ValueError, match="return_mask must be True or False, got 'no'"):
        SNConv2d(1, 1, 3, return_mask="no")


class TestConversion:
    def model(self):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU()),
            nn.Flatten(),
            nn.Linear(3 * 5 * 5, 4),
        )

    def test_in_place_and_back(self):
        model = self.model()
        plain, parameters = copy.deepcopy(model), list(model.parameters())
        x = torch.randn(2, 1, 5, 5)
        assert sparsity_normalize_(model, power=0.5) is model
        assert type(model[0][0]) is SNConv2d
        assert type(model[2]) is nn.Linear
        assert all(p is q for p, q in zip(model.parameters(), parameters, strict=True))
        torch.testing.assert_close(model(x), plain(x))
        holes = x.masked_fill(x > 0, torch.nan)
        fresh = SNConv2d(1, 3, 3, padding=1, power=0.5)
        fresh.load_state_dict(plain[0][0].state_dict())
        torch.testing.assert_close(model[0][0](holes), fresh(holes))
        assert model(holes).isfinite().all()
        assert remove_sparsity_normalization_(model) is model
        assert type(model[0][0]) is nn.Conv2d
        assert vars(model[0][0]).keys() == vars(plain[0][0]).keys()
        assert repr(model) == repr(plain)
        assert model(holes).isnan().any()

    def test_a_layer_that_is_the_model(self):
        model = sparsity_normalize_(nn.Linear(3, 2), 2.0)
        assert (type(model), model.target, model.power) == (SNLinear, 2.0, 1.0)

    def test_again_changes_the_parameters(self):
        model = sparsity_normalize_(sparsity_normalize_(self.model(), 2.0), 4.0, power=0.5)
        assert (model[0][0].target, model[0][0].power) == (4.0, 0.5)

    def test_named_layers(self):
        model = sparsity_normalize_(self.model(), layers=["0.0", "2"])
        assert type(model[0][0]) is SNConv2d
        assert type(model[2]) is SNLinear
        assert type(sparsity_normalize_(self.model(), layers="2")[2]) is SNLinear

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"layers": ["0.0", "9"]}, "layers names '9', but the model has no such module"),
            ({"layers": ["0.0", "1"]}, "layers names '1', which is a Flatten; expected"),
            ({"layers": []}, "layers must name at least one layer"),
            ({"target": 0.0}, "target must be a positive number, got 0.0"),
            ({"power": -1.0}, "power must be a number"),
        ],
    )
    def test_refusals_change_nothing(self, options, says):
        model = self.model()
        with pytest.raises(ValueError, match=says):
            sparsity_normalize_(model, **options)
        assert type(model[0][0]) is nn.Conv2d

    def test_nothing_to_turn(self):
        with pytest.raises(ValueError, match="model must hold a torch"):
            sparsity_normalize_(nn.ReLU())
        for change in (sparsity_normalize_, remove_sparsity_normalization_):
            with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got list"):
                change([nn.Linear(2, 2)])

    @pytest.mark.parametrize(
        "first",
        [
            nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)),
            nn.LazyLinear(3),
            nn.Conv1d(3, 3, 1),
            nn.BatchNorm1d(3),
            nn.modules.linear.NonDynamicallyQuantizableLinear(3, 3),
        ],
        ids=lambda first: type(first).__name__,
    )
    def test_a_first_layer_that_cannot_be_turned_is_not_passed_over(self, first):
        """A later one would take the NaN that the first one makes for what is missing."""
        model = nn.Sequential(nn.Flatten(), first, nn.Linear(3, 1))
        with pytest.raises(ValueError, match=rf"model begins with '1', a {type(first).__name__}"):
            sparsity_normalize_(model)
        assert type(model[2]) is nn.Linear
        assert type(sparsity_normalize_(model, layers="2")[2]) is SNLinear

    def test_modules_with_parameters_of_their_own_are_no_layers(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.token = nn.Parameter(torch.zeros(3))
                self.body = nn.Sequential(nn.Linear(3, 2))

        assert type(sparsity_normalize_(Net()).body[0]) is SNLinear

    def test_shared_layers_have_all_their_names(self):
        layer = nn.Linear(3, 3)
        model = nn.Sequential(layer, nn.ReLU(), layer)
        assert type(sparsity_normalize_(model, layers="2")[0]) is SNLinear

    def test_what_has_been_given_more_is_not_turned_back(self):
        model = sparsity_normalize_(nn.Sequential(nn.Linear(3, 2), nn.Conv2d(1, 1, 1)))
        sparsity_normalize_(model, layers="1")
        nn.utils.parametrizations.weight_norm(model[1])
        with pytest.raises(ValueError, match="model has '1', a ParametrizedSNConv2d"):
            remove_sparsity_normalization_(model)
        assert type(model[0]) is SNLinear
        nn.utils.parametrize.remove_parametrizations(model[1], "weight")
        assert type(remove_sparsity_normalization_(model)[1]) is nn.Conv2d
