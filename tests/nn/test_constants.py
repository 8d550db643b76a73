"""K from data, and K and power as a part of the state of a module."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sksn.nn import (
    SNAE,
    SNMLP,
    SNConv2d,
    SNLinear,
    SparseRows,
    SparsityNorm,
    estimate_target,
    sparsity_normalize_,
)

from .norms import samples


def images():
    return samples(2, 3, 5, 5, dtype=torch.float32)


def rows():
    return samples(4, 6, dtype=torch.float32)


PAIRS = {  # modules with constants and without, and what they read
    "norm": (lambda **c: SparsityNorm(**{"target": 6.0, **c}), rows),
    "linear": (lambda **c: SNLinear(6, 3, **c), rows),
    "conv": (lambda **c: SNConv2d(3, 2, 3, padding=1, **c), images),
    "mlp": (lambda **c: SNMLP(6, 3, **c), rows),
    "autoencoder": (lambda **c: SNAE(6, **c), rows),
}


@pytest.mark.parametrize("name", PAIRS)
def test_who_loads_a_state_computes_the_same(name, tmp_path):
    make, data = PAIRS[name]
    saved, x = make(target=2.5, power=0.5), data()
    torch.save(saved.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    for other in (make(), make(target=7.0, power=2.0)):
        assert not torch.allclose(other(x), saved(x))
        assert other.load_state_dict(state).missing_keys == []
        torch.testing.assert_close(other(x), saved(x))


@pytest.mark.parametrize("name", PAIRS)
def test_a_state_without_constants_leaves_those_of_the_module(name):
    make, data = PAIRS[name]
    module, x = make(target=2.5, power=0.5), data()
    expected = module(x)
    state = {key: v for key, v in module.state_dict().items() if "_extra_state" not in key}
    module.load_state_dict(state)
    torch.testing.assert_close(module(x), expected)


def test_the_default_of_k_is_restored():
    layer = SNLinear(3, 2, target=1.0)
    layer.load_state_dict(SNLinear(3, 2).state_dict())
    assert layer.target is None
    assert layer.constant == 3.0


def test_a_model_that_was_converted_loads_what_it_saved_before_and_after():
    plain = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    before = plain.state_dict()
    model = sparsity_normalize_(plain, 2.0, power=0.5)
    model.load_state_dict(before)
    assert (model[0].target, model[0].power) == (2.0, 0.5)
    other = sparsity_normalize_(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)))
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(rows()), model(rows()))


def test_other_missing_keys_are_still_said():
    with pytest.raises(RuntimeError, match=r"Missing key.*weight"):
        SNLinear(3, 2).load_state_dict({})


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        (torch.tensor([-1.0, 1.0]), "target must be"),
        (torch.tensor([2.0, -1.0]), "power must be"),
        (torch.tensor(2.0), r"_extra_state must be a tensor of shape \(2,\)"),
        (None, r"_extra_state must be a tensor of shape \(2,\)"),
    ],
)
def test_a_state_of_bad_constants_is_refused(constants, message):
    layer = SNLinear(3, 2, target=1.0, power=0.5)
    with pytest.raises(ValueError, match=message):
        layer.load_state_dict({**layer.state_dict(), "_extra_state": constants})
    assert (layer.target, layer.power) == (1.0, 0.5)


def test_a_norm_needs_a_target():
    norm = SparsityNorm(3.0)
    with pytest.raises(ValueError, match="no target, which a SparsityNorm needs"):
        norm.load_state_dict({"_extra_state": SNLinear(3, 2).state_dict()["_extra_state"]})
    assert norm.target == 3.0


def test_states_are_finite_and_equal_where_modules_are():
    states = [SNLinear(3, 2).state_dict()["_extra_state"] for _ in range(2)]
    assert states[0].isfinite().all()
    assert torch.equal(*states)


def test_k_is_the_mean_number_of_observed_entries():
    x = rows()
    expected = float((~x.isnan()).sum() / len(x))
    assert estimate_target(x) == pytest.approx(expected)
    assert estimate_target(SparseRows.from_torch(x)) == pytest.approx(expected)
    assert estimate_target(x.nan_to_num(9.0), missing_values=9.0) == pytest.approx(expected)
    for data in (TensorDataset(x, torch.zeros(4)), x):  # batches of one and of three samples
        assert estimate_target(DataLoader(data, batch_size=3)) == pytest.approx(expected)
    pictures = images()
    whole = float((~pictures.isnan()).sum() / len(pictures))
    assert estimate_target(pictures, dim=(1, 2, 3)) == pytest.approx(whole)


def test_data_without_a_k():
    with pytest.raises(ValueError, match="observed entry, got none in 2 samples"):
        estimate_target(torch.full((2, 3), torch.nan))
    with pytest.raises(ValueError, match="got none in 0 samples"):
        estimate_target([])
    with pytest.raises(TypeError, match="got a TensorDataset: pass a DataLoader"):
        estimate_target(TensorDataset(rows()))
    with pytest.raises(ValueError, match=r"two dimensions or more, got a tensor of shape \(4,\)"):
        estimate_target((rows(), torch.zeros(4)))
    for wrong in (3, torch.ones(2, 2, dtype=torch.int64), ["ab"]):
        with pytest.raises(TypeError, match="x must be a dense tensor of floating point numbers"):
            estimate_target(wrong)
