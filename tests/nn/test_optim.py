"""The row-sparse optimizer against loops over rows, and against torch's optimizers."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sksn.nn import RowSparseAdamW
from sksn.nn import _optim as optim_module

N_ROWS, WIDTH = 6, 3


def sparse_gradient(rows, values, n_rows=N_ROWS):
    return torch.sparse_coo_tensor(
        torch.tensor([rows], dtype=torch.int64).reshape(1, -1),
        values,
        (n_rows, values.shape[1]),
        check_invariants=True,
    )


def gradients_for(steps, seed=0):
    """Sorted rows and a gradient for each step."""
    rng = np.random.RandomState(seed)
    return [(sorted(rows), torch.from_numpy(rng.normal(size=(len(rows), WIDTH)))) for rows in steps]


def a_parameter(n_rows=N_ROWS) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.random.RandomState(9).normal(size=(n_rows, WIDTH))))


def by_hand(weight, steps, rates, decay, betas=(0.9, 0.999), eps=1e-8):
    """The stated semantics, row by row and step by step; weights before and after settling."""
    weight = weight.detach().numpy().copy()
    owed, gap, rate = np.ones(N_ROWS), np.zeros(N_ROWS, dtype=int), np.zeros(N_ROWS)
    mean, square = np.zeros_like(weight), np.zeros_like(weight)

    def catch_up(row):
        weight[row] *= owed[row]
        for _ in range(gap[row]):
            mean[row] *= betas[0]
            square[row] *= betas[1]
            weight[row] -= rate[row] * mean[row] / (np.sqrt(square[row]) + 1e-30)
        owed[row], gap[row] = 1, 0

    for t, ((rows, gradient), lr) in enumerate(zip(steps, rates, strict=True), start=1):
        for row, g in zip(rows, gradient.numpy(), strict=True):
            catch_up(row)
            weight[row] *= 1 - lr * decay
            mean[row] = betas[0] * mean[row] + (1 - betas[0]) * g
            square[row] = betas[1] * square[row] + (1 - betas[1]) * g**2
            corrected = np.sqrt(square[row] / (1 - betas[1] ** t)) + eps
            weight[row] -= lr * mean[row] / (1 - betas[0] ** t) / corrected
            rate[row] = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
        others = np.setdiff1d(np.arange(N_ROWS), rows)
        owed[others] *= 1 - lr * decay
        gap[others] += 1
    before = weight.copy()
    for row in range(N_ROWS):
        catch_up(row)
    return before, weight


@given(
    st.lists(st.sets(st.integers(0, N_ROWS - 1)), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.1, 2.0]),
    st.booleans(),
    st.booleans(),
)
def test_the_step_is_what_loops_give(touched, decay, fused, small_blocks):
    steps, rates = gradients_for(touched), [0.1 / (1 + i) for i in range(len(touched))]
    parameter = a_parameter()
    before, after = by_hand(parameter, steps, rates, decay)
    optimizer = RowSparseAdamW([parameter], weight_decay=decay, fused=fused)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optim_module, "_ROWS", 2 if small_blocks else 1024)
        for (rows, gradient), lr in zip(steps, rates, strict=True):
            optimizer.param_groups[0]["lr"] = lr
            parameter.grad = sparse_gradient(rows, gradient)
            optimizer.step()
    np.testing.assert_allclose(parameter.detach(), before, rtol=1e-5, atol=1e-6)
    for _ in range(2):  # there is nothing to settle the second time
        optimizer.settle()
        np.testing.assert_allclose(parameter.detach(), after, rtol=1e-5, atol=1e-6)


def test_settling_early_changes_nothing():
    """Paying in two parts is paying at once."""
    results = []
    for early in (False, True):
        parameter = a_parameter()
        optimizer = RowSparseAdamW([parameter], lr=0.1, weight_decay=1.0)
        for rows, gradient in gradients_for([{0}, {0, 1}, {0}]):
            parameter.grad = sparse_gradient(rows, gradient)
            optimizer.step()
            if early:
                optimizer.settle()
        optimizer.settle()
        results.append(parameter.detach())
    torch.testing.assert_close(results[0][2:], results[1][2:])
    torch.testing.assert_close(results[0][2:], a_parameter().detach()[2:] * 0.9**3)
    torch.testing.assert_close(*results, rtol=0.05, atol=0.01)  # decay before or after moving


@pytest.mark.parametrize("fused", [False, True])
def test_with_every_row_touched_it_is_adamw(fused):
    n_rows = 3000  # several blocks
    ours, theirs = a_parameter(n_rows), a_parameter(n_rows)
    options = {"lr": 0.01, "weight_decay": 0.5}
    optimizers = (
        RowSparseAdamW([ours], fused=fused, **options),
        torch.optim.AdamW([theirs], **options),
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        gradient = torch.randn(n_rows, WIDTH, dtype=torch.float64, generator=generator)
        ours.grad = sparse_gradient(list(range(n_rows)), gradient, n_rows)
        theirs.grad = gradient
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_rare_rows_move_as_far_as_with_dense_steps(decay):
    """After the bias corrections have faded; SparseAdam moves them a fraction of that."""
    rng, n_rows = np.random.RandomState(0), 300
    ours, dense, theirs = (nn.Parameter(torch.ones(n_rows, 2, dtype=torch.float64)) for _ in "abc")
    optimizers = (
        RowSparseAdamW([ours], lr=1e-3, weight_decay=decay),
        torch.optim.AdamW([dense], lr=1e-3, weight_decay=decay),
        torch.optim.SparseAdam([theirs], lr=1e-3),
    )
    starts = []
    for step in range(4000):
        share = 1.0 if step < 3000 else 0.02
        rows = np.flatnonzero(rng.uniform(size=n_rows) < share)
        values = torch.from_numpy(rng.normal(1, 1, size=(len(rows), 2)))
        gradient = sparse_gradient(rows.tolist(), values, n_rows)
        if step == 3000:
            optimizers[0].settle()
            starts = [parameter.detach().clone() for parameter in (ours, dense, theirs)]
        ours.grad, dense.grad, theirs.grad = gradient, gradient.to_dense(), gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    optimizers[0].settle()
    ours, dense, theirs = (
        (parameter.detach() - start).mean()
        for parameter, start in zip((ours, dense, theirs), starts, strict=True)
    )
    assert ours / dense == pytest.approx(1, abs=0.03)
    if not decay:
        assert theirs / dense < 0.6


@pytest.mark.parametrize("fused", [False, True])
def test_dense_gradients_are_treated_as_adamw_does(fused):
    models = [nn.Linear(4, 3), nn.Linear(4, 3)]
    models[1].load_state_dict(models[0].state_dict())
    optimizers = [
        cls(
            [{"params": [m.weight]}, {"params": [m.bias], "weight_decay": 0.0}], lr=0.1, fused=fused
        )
        for cls, m in zip((RowSparseAdamW, torch.optim.AdamW), models, strict=True)
    ]
    x = torch.randn(8, 4)
    for _ in range(4):
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(models[0].state_dict(), models[1].state_dict())


def test_a_dense_gradient_after_sparse_ones_pays_what_is_owed():
    parameter = a_parameter()
    optimizer = RowSparseAdamW([parameter], lr=0.1, weight_decay=1.0)
    parameter.grad = sparse_gradient([0], torch.ones(1, WIDTH, dtype=torch.float64))
    optimizer.step()
    parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(parameter.detach()[1:], a_parameter().detach()[1:] * 0.9**2)
    before = parameter.detach().clone()
    optimizer.settle()
    assert torch.equal(parameter.detach(), before)


@pytest.mark.parametrize("shape", [(N_ROWS,), (N_ROWS, WIDTH, 2)])
def test_rows_of_any_shape(shape):
    whole, parameter = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.ones(shape))
    ours = RowSparseAdamW([parameter], lr=0.1, weight_decay=1.0)
    theirs = torch.optim.AdamW([whole], lr=0.1, weight_decay=1.0)
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        parameter.grad = gradient.to_sparse(1)
        whole.grad = gradient
        ours.step()
        theirs.step()
    torch.testing.assert_close(parameter, whole)


def test_gradients_that_are_not_sparse_by_rows_are_refused():
    parameter = a_parameter()
    parameter.grad = torch.ones(N_ROWS, WIDTH, dtype=torch.float64).to_sparse()
    with pytest.raises(ValueError, match="1 sparse dimension, that of the rows, got 2"):
        RowSparseAdamW([parameter]).step()


@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_grad_scaler_skips_steps_that_overflow(as_sparse):
    parameter = nn.Parameter(torch.ones(2, 1))
    optimizer = RowSparseAdamW([parameter], lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    gradient = torch.full((2, 1), torch.inf)
    scaler.scale(parameter.sum() * 0)  # starts the scaler
    parameter.grad = gradient.to_sparse(1) if as_sparse else gradient
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(parameter.detach(), torch.ones(2, 1))


def test_a_gradient_with_repeated_rows_is_added_up_first():
    results = []
    for rows, values in (([1, 1, 4], [[1.0], [2.0], [5.0]]), ([1, 4], [[3.0], [5.0]])):
        parameter = nn.Parameter(torch.ones(N_ROWS, 1))
        parameter.grad = sparse_gradient(rows, torch.tensor(values))
        RowSparseAdamW([parameter], lr=0.1).step()
        results.append(parameter.detach())
    assert torch.equal(*results)


def test_an_interrupt_leaves_no_part_of_a_state(monkeypatch):
    parameter = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = RowSparseAdamW([parameter])
    original, calls = torch.zeros_like, []

    def zeros_like(x, **options):
        calls.append(x)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(x, **options)

    parameter.grad = torch.ones(3, 2)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "zeros_like", zeros_like)
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
    optimizer.step()
    assert optimizer.state[parameter]["step"] == 1


def test_state_goes_on_where_it_was():
    steps = gradients_for([{0, 2}, {1}, {2, 5}, {0}])
    runs = []
    for reload in (False, True):
        parameter = a_parameter()
        optimizer = RowSparseAdamW([parameter], lr=0.1, weight_decay=0.5)
        for rows, gradient in steps:
            parameter.grad = sparse_gradient(rows, gradient)
            optimizer.step()
            if reload:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = RowSparseAdamW([parameter], lr=0.1, weight_decay=0.5)
                optimizer.load_state_dict(state)
        optimizer.settle()
        runs.append(parameter.detach())
    torch.testing.assert_close(*runs)


def test_zero_grad_and_closures():
    parameter = nn.Parameter(torch.ones(3))
    optimizer = RowSparseAdamW([parameter], lr=0.5, weight_decay=0.0)

    def closure():
        optimizer.zero_grad(set_to_none=False)
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3
    torch.testing.assert_close(parameter.detach(), torch.full((3,), 0.5))
    optimizer.zero_grad(set_to_none=False)
    assert torch.equal(parameter.grad, torch.zeros(3))
    optimizer.zero_grad()
    assert parameter.grad is None
    optimizer.step()
    torch.testing.assert_close(parameter.detach(), torch.full((3,), 0.5))


def test_a_step_that_decays_everything_leaves_finite_weights():
    parameter = a_parameter()
    optimizer = RowSparseAdamW([parameter], lr=1.0, weight_decay=1.0)
    for rows, gradient in gradients_for([{0}, {1}]):
        parameter.grad = sparse_gradient(rows, gradient)
        optimizer.step()
    optimizer.settle()
    assert torch.isfinite(parameter).all()
    assert (parameter[2:].abs() < 1e-30).all()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_steps_as_single_does(dtype, as_sparse, fused):
    """Tiny gradients, too, whose squares half precision takes as 0; and a state that is loaded."""
    found = []
    for kind in (dtype, torch.float32):
        parameter = nn.Parameter(torch.ones(4, 2, dtype=kind))
        optimizer = RowSparseAdamW([parameter], lr=0.1, fused=fused)
        for rows in ([0, 1], [1, 3], [0, 1]):
            gradient = torch.zeros(4, 2, dtype=kind)
            gradient[rows] = torch.tensor([[1e-4, 2.0], [-1e-5, 0.0]], dtype=kind)
            parameter.grad = gradient.to_sparse(1) if as_sparse else gradient
            optimizer.step()
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = RowSparseAdamW([parameter], lr=0.1, fused=fused)
            optimizer.load_state_dict(state)
        optimizer.settle()
        assert optimizer.state[parameter]["exp_avg_sq"].dtype == torch.float32
        found.append(parameter.detach().float())
    torch.testing.assert_close(*found, rtol=0, atol=0.02)


def after_row_sparse_steps(optimizer_type, start, **options):
    """The moves of a table after steps on few of its rows."""
    torch.manual_seed(0)
    table = torch.nn.Parameter(start.clone())
    optimizer = optimizer_type([table], lr=0.1)
    optimizer.param_groups[0].update(options)
    for step in range(12):
        rows = torch.tensor([step % 3, 4])
        values = torch.randn(2, 3, dtype=torch.float64)
        table.grad = torch.zeros_like(table).index_copy_(0, rows, values)
        if optimizer_type is RowSparseAdamW:
            table.grad = torch.sparse_coo_tensor(
                rows[None], values, table.shape, check_invariants=False
            )
        optimizer.step()
    if optimizer_type is RowSparseAdamW:
        optimizer.settle()
    return table.detach() - start


def test_betas_whose_series_is_one_of_ones():
    start = torch.randn(6, 3, dtype=torch.float64)
    found = after_row_sparse_steps(RowSparseAdamW, start, betas=(0.9, 0.81))
    near = after_row_sparse_steps(RowSparseAdamW, start, betas=(0.9, 0.81 + 1e-7))
    torch.testing.assert_close(found, near, rtol=1e-4, atol=1e-4)


def test_a_group_may_maximize():
    start = torch.randn(6, 3, dtype=torch.float64)
    found = after_row_sparse_steps(RowSparseAdamW, start, maximize=True)
    peer = after_row_sparse_steps(torch.optim.AdamW, start, maximize=True)
    assert (found - peer).abs().max() < 0.15 * peer.abs().max()
