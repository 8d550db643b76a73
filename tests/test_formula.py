import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sksn._checks import check_power, check_target
from sksn._formula import ConstantLearner, shrunken_mean, sparsity_scale

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=20).map(np.array)


def test_hand_computed():
    scale = sparsity_scale(np.array([0, 1, 4, 9]), target=4.0, power=0.5)
    np.testing.assert_allclose(scale, [0, 2, 1, 2 / 3])


@given(COUNTS, st.floats(0.1, 100), st.floats(0, 3))
def test_rows_with_n_equal_to_the_target_stay_and_scale_falls_with_n(n, target, power):
    scale = sparsity_scale(n, target, power)
    assert ((scale == 0) == (n == 0)).all()
    observed = np.sort(n[n > 0])
    assert (np.diff(sparsity_scale(observed, target, power)) <= 1e-12).all()
    assert sparsity_scale(np.array([target]), target, power) == pytest.approx(1)


@given(COUNTS, st.floats(0, 3))
def test_powers_multiply(n, power):
    once, twice = (sparsity_scale(n, 7.0, p) for p in (power, 2 * power))
    np.testing.assert_allclose(once**2, twice, rtol=1e-12)


@given(COUNTS, st.floats(0.1, 100), st.floats(0, 3))
def test_torch_agrees_with_numpy(n, target, power):
    ours = sparsity_scale(torch.tensor(n, dtype=torch.float64), target, power)
    np.testing.assert_allclose(ours.numpy(), sparsity_scale(n, target, power), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_torch_keeps_its_type(dtype):
    assert sparsity_scale(torch.tensor([0.0, 3.0], dtype=dtype), 2.0, 1.0).dtype == dtype


@pytest.mark.parametrize("power", [-0.1, np.inf, np.nan, "1", None, True, [1]])
def test_bad_power(power):
    with pytest.raises(ValueError, match=r"power must be a number in \[0, inf\), got"):
        check_power(power)


@pytest.mark.parametrize("target", [0, -1, np.inf, np.nan, "max", None, True])
def test_bad_target(target):
    with pytest.raises(ValueError, match="target must be 'mean', 'median' or a positive number"):
        check_target(target)


@pytest.mark.parametrize("statistic", ["mean", "median"])
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=15))
def test_integer_weights_are_repetitions(statistic, counted):
    n, weights = map(np.array, zip(*counted, strict=True))
    weighted = ConstantLearner(statistic).update(n, weights.astype(float))
    repeated = getattr(np, statistic)(np.repeat(n, weights))
    assert weighted == pytest.approx(repeated)


@given(COUNTS, st.integers(0, 20))
def test_mean_in_chunks_is_the_mean(n, cut):
    learner = ConstantLearner("mean")
    for chunk in (n[:cut], n[cut:]):
        if len(chunk):
            target = learner.update(chunk)
    assert target == pytest.approx(n.mean() or 1.0)


def test_nothing_observed_anywhere_gives_one():
    assert ConstantLearner("mean").update(np.zeros(3)) == 1
    assert ConstantLearner("median").update(np.zeros(3)) == 1


def test_a_median_of_zero_is_refused():
    with pytest.raises(ValueError, match="target='median' is 0 here"):
        ConstantLearner("median").update(np.array([0, 0, 5]))


def test_a_shrunken_mean_is_the_mean_with_zeros_added():
    total, count = np.array([6.0, 3.0, 0.0]), np.array([2.0, 1.0, 0.0])
    np.testing.assert_allclose(shrunken_mean(total, count, 2.0), [6 / 4, 3 / 3, 0])
    np.testing.assert_allclose(shrunken_mean(total, count, 0.0), [3, 3, 0])
    with_zeros = [np.mean([1.0, 5.0, 0.0, 0.0]), np.mean([3.0, 0.0, 0.0]), 0]
    ours = shrunken_mean(torch.tensor(total), torch.tensor(count), 2.0)
    np.testing.assert_allclose(ours, with_zeros)
