"""What the tests share: real data where there is any, and random matrices with holes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

settings.register_profile("default", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data; tests that need it skip where SKSN_DATA does not name it."""
    folder = os.environ.get("SKSN_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SKSN_DATA does not name a folder with the real data")
    return Path(folder)


@st.composite
def holey(draw, max_rows: int = 12, max_features: int = 8, dtype=np.float64) -> np.ndarray:
    """A dense matrix with NaN, with zeros, empty rows and never observed features among it."""
    shape = draw(st.tuples(st.integers(1, max_rows), st.integers(1, max_features)))
    entry = st.one_of(
        st.just(np.nan), st.just(0.0), st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
    )
    X = draw(hnp.arrays(dtype, shape, elements=entry))
    for row in draw(st.sets(st.integers(0, shape[0] - 1), max_size=2)):
        X[row] = np.nan
    return X


def poke(X: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    """Hide a share of the cells at random."""
    X = np.array(X, dtype=np.float64)
    X[np.random.RandomState(seed).uniform(size=X.shape) < rate] = np.nan
    return X
