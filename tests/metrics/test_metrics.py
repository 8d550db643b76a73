"""Metrics of lists: cases by hand, and the values of scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from sksn import SNRecommender
from sksn.metrics import (
    average_precision_at_k,
    coverage_at_k,
    hit_rate_at_k,
    make_ranking_scorer,
    mean_popularity_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

PAIRS = [("ann", "a"), ("ann", "b"), ("ann", "c"), ("bob", "a"), ("cy", "d")]
LISTS = [["b", "x", "a", "y"], ["x", "y", "z", "a"], ["a", "b", "c", "x"]]
USERS = ["ann", "bob", "cy"]


@pytest.mark.parametrize(
    ("metric", "k", "expected"),
    [
        (precision_at_k, 2, [1 / 2, 0, 0]),
        (precision_at_k, 4, [2 / 4, 1 / 4, 0]),
        (recall_at_k, 4, [2 / 3, 1, 0]),
        (hit_rate_at_k, 3, [1, 0, 0]),
        (average_precision_at_k, 4, [(1 + 2 / 3) / 3, 1 / 4, 0]),
        (ndcg_at_k, 1, [1, 0, 0]),
        (
            ndcg_at_k,
            4,
            [(1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2), 1 / np.log2(5), 0],
        ),
        (precision_at_k, 10, [2 / 10, 1 / 10, 0]),
    ],
)
def test_cases_by_hand(metric, k, expected):
    found = metric(PAIRS, USERS, LISTS, k=k, average=False)
    np.testing.assert_allclose(found, expected)
    assert metric(PAIRS, USERS, LISTS, k=k) == pytest.approx(np.mean(expected))
    frame = pd.DataFrame(PAIRS)
    assert metric(frame, USERS, np.array(LISTS), k=k) == pytest.approx(np.mean(expected))


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_the_values_of_scikit_learn(seed, k):
    rng = np.random.RandomState(seed)
    is_relevant = rng.uniform(size=(6, 8)) < 0.4
    is_relevant[:, 0] |= ~is_relevant.any(axis=1)
    scores = rng.permutation(48).reshape(6, 8) * 1.0
    pairs, lists = np.column_stack(np.nonzero(is_relevant)), np.argsort(-scores, axis=1)
    expected = ndcg_score(is_relevant, scores, k=k)
    assert ndcg_at_k(pairs, np.arange(6), lists, k=k) == pytest.approx(expected)
    expected = label_ranking_average_precision_score(is_relevant, scores)
    assert average_precision_at_k(pairs, np.arange(6), lists, k=8) == pytest.approx(expected)


def test_masked_places_hold_no_item():
    lists = np.ma.MaskedArray([[-1, 2], [1, -1]], mask=[[True, False], [False, True]])
    pairs = [[10, 2], [10, -1], [11, -1]]
    np.testing.assert_allclose(recall_at_k(pairs, [10, 11], lists, average=False), [1 / 2, 0])
    assert coverage_at_k(lists, [1, 2, 3, -1]) == 0.5


def test_users_without_interactions_are_left_out():
    found = precision_at_k(PAIRS, ["ann", "dee"], LISTS[:2], k=4, average=False)
    np.testing.assert_array_equal(np.isnan(found), [False, True])
    assert precision_at_k(PAIRS, ["ann", "dee"], LISTS[:2], k=4) == 0.5
    assert recall_at_k([*PAIRS, PAIRS[0]], USERS, LISTS) == recall_at_k(PAIRS, USERS, LISTS)


def test_coverage_and_popularity():
    assert coverage_at_k(LISTS, ["a", "b", "c", "d"], k=1) == 0.5
    assert mean_popularity_at_k(PAIRS, [["a"], ["d"], ["x"]], k=1) == pytest.approx(1 / 3)
    assert mean_popularity_at_k([*PAIRS, PAIRS[0]], [["a"]]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PAIRS, USERS[:2], LISTS), "users must have one user for each list"),
        ((PAIRS, ["ann", "ann", "bob"], LISTS), "must not hold a user twice"),
        ((PAIRS, USERS, ["a", "b", "c"]), "items must have one list for each user"),
        (([["dee", "a"]], USERS, LISTS), "no interaction of the users"),
        ((np.ones(3), USERS, LISTS), r"two columns, user and item, got an array of shape \(3,\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        recall_at_k(*arguments)
    with pytest.raises(ValueError, match="k must be"):
        recall_at_k(PAIRS, USERS, LISTS, k=0)


def test_a_scorer_of_liked_items():
    rng = np.random.RandomState(0)
    X = np.column_stack(np.nonzero(rng.uniform(size=(40, 12)) < 0.5))
    y = rng.randint(1, 6, size=len(X))
    test = rng.uniform(size=len(X)) < 0.3
    model = SNRecommender(objective="ranking", random_state=0).fit(X[~test], y[~test])
    liked = test & (y >= 4)
    users = np.unique(X[liked, 0])
    expected = ndcg_at_k(X[liked], users, model.recommend(users, n=5)[0], k=5)
    scorer = make_ranking_scorer("ndcg", k=5, threshold=4)
    assert scorer(model, X[test], y[test]) == pytest.approx(expected)
    assert make_ranking_scorer(k=5)(model, X[test], y[test]) != pytest.approx(expected)
    with pytest.raises(ValueError, match=r"metric must be one of \['ndcg'"):
        make_ranking_scorer("auc")


def test_lists_that_cannot_be_scored():
    with pytest.raises(ValueError, match=r"item twice in a list, got \['x', 'x'\] in list 1"):
        recall_at_k(PAIRS, ["ann", "bob"], [["x", "y"], ["x", "x"]], k=2)
    with pytest.raises(ValueError, match="lists of the same length, got lengths from 1 to 2"):
        recall_at_k(PAIRS, ["ann", "bob"], [["x", "y"], ["x"]], k=2)
    with pytest.raises(ValueError, match="text and numbers are never the same id"):
        recall_at_k([[0, 1], [0, 2]], [0], [["1", "2"]], k=2)


def test_a_threshold_needs_ratings():
    model = SNRecommender(ranking_settings="default").fit(PAIRS)
    with pytest.raises(ValueError, match=r"threshold=4.*no ratings; pass them as y"):
        make_ranking_scorer(threshold=4)(model, PAIRS)


def test_scores_that_mislead_get_a_warning():
    rng = np.random.default_rng(0)
    kind = np.arange(30) % 3
    user, item = np.nonzero(rng.uniform(size=(90, 30)) < 0.1 + 0.5 * (kind == np.c_[:90] % 3))
    X = np.column_stack([user, item])
    model = SNRecommender(ranking_settings="default").fit(X[user < 30])
    with pytest.warns(UserWarning, match=r"60 of 60 users of X were not in training") as warned:
        make_ranking_scorer()(model, X[user >= 30])
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match="The score is 0, because the interactions of X were in"):
        assert make_ranking_scorer()(model, X[user < 30]) == 0
