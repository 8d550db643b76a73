"""Candidates from an index of vectors, as the documentation shows."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pytest

from .test_ranking import clicks, ranker

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lists.rst"


def test_the_examples_of_the_page_run():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted >= 10
    assert found.failed == 0


def test_an_index_of_products_holds_the_best_candidates():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its bindings use deprecated names
        faiss = pytest.importorskip("faiss")
    model = ranker(ranking_settings={"factor_weight": 1.0}).fit(clicks())
    items, users = model.item_vectors_, model.user_vectors_
    index = faiss.IndexFlatIP(items.shape[1])
    index.add(np.ascontiguousarray(items))
    _, found = index.search(np.ascontiguousarray(users), 20)
    lists, _ = model.recommend(model.users_, n=3, exclude_seen=False)
    for user, listed, candidates in zip(model.users_, lists, found, strict=True):
        assert set(listed) <= set(model.items_[candidates].tolist())
        some, _ = model.recommend([user], n=3, items=model.items_[candidates], exclude_seen=False)
        assert some[0].tolist() == listed.tolist()
