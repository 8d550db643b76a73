"""Settings of hypothesis, and the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data; tests that need it skip where SKSN_DATA does not name it."""
    folder = os.environ.get("SKSN_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("SKSN_DATA does not name a folder with the real data")
    return Path(folder)
