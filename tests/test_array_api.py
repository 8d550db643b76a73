"""Torch tensors through SparsityNormalizer, under array_api_dispatch.

SciPy decides at import whether it dispatches, so each test is a program of its own.
"""

import os
import subprocess
import sys

import pytest

PROLOGUE = """
import numpy as np, torch, sklearn
from sksn import SparsityNormalizer
sklearn.set_config(array_api_dispatch=True)
device = "cuda" if torch.cuda.is_available() else "cpu"
X = np.array([[2.0, np.nan, 4.0], [1.0, 3.0, np.nan], [np.nan] * 3, [1.0, 2.0, 3.0]])
T = torch.tensor(X, device=device)
"""
PROGRAMS = {
    "tensors stay tensors on their device": """
for options in ({}, {"power": 0.5, "target": "median"}, {"add_indicator": True}):
    of_tensor = SparsityNormalizer(**options).fit(T)
    result = of_tensor.transform(T)
    expected = SparsityNormalizer(**options).fit_transform(X)
    assert isinstance(result, torch.Tensor) and result.device == T.device
    assert result.dtype == torch.float64
    torch.testing.assert_close(result.cpu(), torch.tensor(expected))
    back = of_tensor.inverse_transform(result)
    torch.testing.assert_close(back, T, equal_nan=True)
""",
    "float32 stays": """
result = SparsityNormalizer().fit_transform(T.float())
assert result.dtype == torch.float32
""",
    "in place": """
result = SparsityNormalizer(copy=False).fit_transform(T)
assert result.data_ptr() == T.data_ptr() and not T.isnan().any()
""",
    "the input is left alone": """
SparsityNormalizer().fit_transform(T)
assert T.isnan().sum() == 5
""",
    "weights": """
w = torch.tensor([1.0, 1.0, 0.0, 2.0], device=device)
assert SparsityNormalizer().fit(T, sample_weight=w).target_ == 2.5
""",
    "partial_fit": """
normalizer = SparsityNormalizer().partial_fit(T[:2]).partial_fit(T[2:])
assert normalizer.target_ == SparsityNormalizer().fit(T).target_
""",
    "float64 is exact and overflow is refused": """
ones = torch.ones(1, 3, dtype=torch.float64)
assert SparsityNormalizer(target=1).fit_transform(ones)[0, 0] == 1 / 3
try:
    SparsityNormalizer(target=1e30, power=20).fit_transform(T)
except ValueError as error:
    assert "power=20.0 is too large" in str(error)
else:
    raise AssertionError
""",
    "other estimators take tensors as arrays": """
from sksn import ObservedScaler
assert isinstance(ObservedScaler().fit_transform(T.cpu()), np.ndarray)
""",
    "infinities are refused": """
try:
    SparsityNormalizer().fit(torch.tensor([[np.inf, 1.0]]))
except ValueError as error:
    assert "infinity" in str(error)
else:
    raise AssertionError
""",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_torch(program):
    result = subprocess.run(
        [sys.executable, "-c", PROLOGUE + PROGRAMS[program]],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
