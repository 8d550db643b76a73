"""What the installed tests of scikit-learn expect from pytest, and the marks of those excluded."""

import numpy as np
import pytest

from ._substitute import NAME


def pytest_configure(config):
    config.addinivalue_line("markers", "thread_unsafe: a mark of scikit-learn; without effect here")


@pytest.hookimpl(tryfirst=True)  # before tests are deselected
def pytest_collection_modifyitems(config, items):
    of_others = []
    for item in items:
        peer = getattr(getattr(item, "module", None), NAME, None)
        if peer is None:
            continue
        if not peer.concerns(item):
            of_others.append(item)
            continue
        peer.mark(item)
        # The tests warn in many ways; those that are about warnings set their own filters.
        item.add_marker(pytest.mark.filterwarnings("ignore"), append=False)
    config.hook.pytest_deselected(items=of_others)
    items[:] = [item for item in items if item not in set(of_others)]


@pytest.fixture
def global_random_seed():
    return 42


@pytest.fixture(params=[np.float32, np.float64])
def global_dtype(request):
    return request.param


@pytest.fixture
def pyplot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.close("all")
    yield pyplot
    pyplot.close("all")
