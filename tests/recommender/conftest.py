"""Fixtures: ratings to fit, and fitted recommenders."""

import pytest

from sksn import SNRecommender

from .common import QUICK, ratings


@pytest.fixture(scope="module")
def fitted():
    X, y = ratings()
    return {o: SNRecommender(o, **QUICK).fit(X, y) for o in ("item", "user", "both")}
