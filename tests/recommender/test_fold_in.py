"""New users, and the vectors behind predictions."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sksn import SNRecommender
from sksn._recommender._fold_in import ridge_vectors
from sksn._training._completion import EntryRows
from sksn._training._vectors import Vectors

from .common import QUICK, ratings

# Folding in -------------------------------------------------------------------------------


def test_folding_in_a_training_user_changes_nothing_for_user_rows(fitted):
    X, y = ratings()
    model = fitted["user"]
    some = np.isin(X[:, 0], np.unique(X[:, 0])[::7])
    folded = model.fold_in(X[some], y[some])
    np.testing.assert_allclose(folded.predict(X[some]), model.predict(X[some]), rtol=1e-5)
    for mine, theirs in zip(
        folded.recommend(folded.users_, n=3), model.recommend(folded.users_, n=3), strict=True
    ):
        np.testing.assert_allclose(mine.filled(0), theirs.filled(0), rtol=1e-5)
    assert len(model.users_) == 60  # which stays as it was


@pytest.mark.parametrize(
    ("orientation", "history"), [("item", True), ("item", False), ("both", True)]
)
def test_people_who_were_not_in_training(orientation, history):
    X, y = ratings(n_users=150, n_items=80)
    new = X[:, 0] % 5 == 0
    given_ = new & (np.random.RandomState(0).uniform(size=len(y)) < 0.6)
    model = SNRecommender(orientation, history=history, hidden_layer_sizes=64, random_state=0)
    model.fit(X[~new], y[~new])
    folded = model.fold_in(X[given_], y[given_])
    asked = new & ~given_
    error, of_strangers = (
        np.sqrt(np.mean((m.predict(X[asked]) - y[asked]) ** 2)) for m in (folded, model)
    )
    assert error < 0.85 * of_strangers
    assert set(X[asked, 0]) <= set(folded.users_)
    items, _ = folded.recommend(folded.users_, n=3)
    for user, found in zip(folded.users_, items, strict=True):
        assert not set(found) & set(X[given_ & (X[:, 0] == user), 1])


@pytest.mark.parametrize("history", [True, False])
def test_folding_in_a_training_user_changes_little_for_item_rows(history):
    """The ridge regression is what training aims at, so that both say much the same."""
    X, y = ratings(n_users=150, n_items=80)
    model = SNRecommender("item", history=history, hidden_layer_sizes=64, random_state=0).fit(X, y)
    folded = model.fold_in(X, y)
    pairs = np.array([(u, i) for u in model.users_[::5] for i in model.items_])
    mine, theirs = folded.predict(pairs), model.predict(pairs)
    assert abs(np.mean(mine - theirs)) < 0.03
    assert np.std(mine - theirs) < 0.35 * np.std(theirs)
    single = model.fold_in([["new", X[0, 1]]], [3.0])
    given_one = np.array([["new", item] for item in model.items_.tolist()], dtype=object)
    assert abs(single.predict(given_one).mean() - y.mean()) < 0.3


def empty_frame():
    return pd.DataFrame({"user": [], "item": []})


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
@pytest.mark.parametrize("nobody", [list, lambda: np.empty((0, 2)), empty_frame])
def test_folding_in_nobody_leaves_strangers(fitted, orientation, nobody):
    model = fitted[orientation]
    folded = model.fold_in(nobody(), [])
    assert_array_equal(folded.users_, model.users_)
    assert_array_equal(folded.recommend(["me"], n=3)[0], model.recommend([-1], n=3)[0])
    pairs = [[-1, item] for item in [*model.items_, -5]]
    assert_array_equal(folded.predict(pairs), model.predict(pairs))
    assert folded.predict([]).shape == (0,)
    assert folded.recommend([], n=3)[0].shape == (0, 3)
    with pytest.raises(ValueError, match="0 sample"):
        SNRecommender().fit(nobody(), [])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fold_in(nobody(), [1.0])


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_users_of_unknown_items_alone_are_strangers_and_named(fitted, orientation):
    model = fitted[orientation]
    said = r"items that were not in training \(2 in all, the first with -5\).*first is 'b'"
    with pytest.warns(UserWarning, match=said):
        folded = model.fold_in([["a", 0], ["b", -5], ["a", -5]], [5, 1, 2])
    assert folded.users_.tolist() == [*model.users_.tolist(), "a"]
    for asked in (folded.recommend(["b"], n=5), model.fold_in([], []).recommend(["b"], n=5)):
        for mine, theirs in zip(asked, model.recommend([-1], n=5), strict=True):
            assert_array_equal(mine, theirs)
    pairs = [["b", item] for item in [0, 3, -5]]
    of_strangers = [[-1, item] for item in [0, 3, -5]]
    frame = pd.DataFrame(pairs)
    assert_array_equal(folded.predict(frame), model.predict(of_strangers))
    alone = model.fold_in([["a", 0]], [5])
    assert_array_equal(folded.recommend(["a"])[0], alone.recommend(["a"])[0])


@pytest.mark.parametrize("rating", [50, 0.5, -1])
def test_ratings_of_another_scale_are_named(fitted, rating):
    model = fitted["both"]
    with pytest.warns(UserWarning, match=rf"ratings from .*{rating}.* of training, 1 to 5"):
        model.fold_in([["me", 0], ["me", 3]], [rating, 3])
    model.fold_in([["me", 0], ["me", 3]], [1, 5])


def test_folding_in_goes_by_what_was_learned():
    X, y = ratings(20, 10)
    model = SNRecommender("both", **QUICK).fit(X, y)
    new, given = [["me", 0], ["me", 3]], [5, 1]
    expected = model.fold_in(new, given).recommend(["me"])[1]
    model.set_params(orientation="item", n_estimators=3, row_offset=None, alpha=9.0)
    np.testing.assert_array_equal(model.fold_in(new, given).recommend(["me"])[1], expected)


def test_vectors_of_new_users_are_ridge_regressions():
    rng = np.random.RandomState(0)
    items, item_offset = rng.normal(size=(6, 3)), rng.normal(size=6)
    X = sparse.csr_array(np.array([[5.0, 0, 3, 1, 0, 2], [0] * 6]))
    vectors, prior = rng.normal(size=(2, 3)), np.array([3.0, 2.0])
    weights = np.array([1.0, 0.2, 3.0, 0.5])
    users, offsets = ridge_vectors(
        EntryRows(X, weights), items, item_offset, (vectors, prior), (0.7, 2.5)
    )
    at = X[[0]].indices
    A = np.column_stack([items[at], np.ones(4)])
    penalty = np.diag([0.7] * 3 + [2.5])
    left = X[[0]].data - item_offset[at] - items[at] @ vectors[0] - 3.0
    solution = np.linalg.solve((A.T * weights) @ A + penalty, (A.T * weights) @ left)
    np.testing.assert_allclose(users[0], vectors[0] + solution[:3])
    assert offsets[0] == pytest.approx(3 + solution[3])
    assert np.array_equal(users[1], vectors[1])
    assert offsets[1] == 2.0


@pytest.mark.parametrize("orientation", ["item", "user"])
def test_weights_of_new_users_are_in_the_unit_of_training(orientation):
    X, y = ratings()
    weights = np.random.RandomState(1).uniform(0.5, 2, size=len(y))
    options = {**QUICK, "objective": "rating", "dtype": "float64"}
    new, given_ = [["me", item] for item in np.unique(X[:, 1])[:3]], [5, 1, 4]

    def predicted(unit, *own):
        model = SNRecommender(orientation, **options).fit(X, y, sample_weight=unit * weights)
        folded = model.fold_in(new, given_, sample_weight=unit * np.array(own))
        return folded.predict([["me", item] for item in model.items_])

    usual = predicted(1, 1.0, 1.0, 1.0)
    np.testing.assert_allclose(predicted(7, 1.0, 1.0, 1.0), usual, rtol=1e-6)
    assert not np.allclose(predicted(1, 30.0, 30.0, 30.0), usual)
    assert not np.allclose(predicted(1, 0.01, 1.0, 1.0), usual)


def test_factors_blend_like_their_ratings():
    rng = np.random.RandomState(0)
    parts = [Vectors(*(rng.normal(size=s) for s in ((5, k), (4, k), 5, 4))) for k in (2, 3)]
    users, items = np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5)
    blended = Vectors.blend(parts, [0.3, 0.7])
    expected = 0.3 * parts[0].predict_pairs(users, items) + 0.7 * parts[1].predict_pairs(
        users, items
    )
    np.testing.assert_allclose(blended.predict_pairs(users, items), expected)
    (_, scores) = next(blended.predict_rows(np.arange(5)))
    np.testing.assert_allclose(scores.ravel(), expected)


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_known_users_who_are_not_named_stay_known(fitted, orientation):
    model = fitted[orientation]
    X, _ = ratings()
    folded = model.fold_in([["me", 0], [100, 0]], [5, 1])
    assert_array_equal(folded.users_[:-1], model.users_)
    others = [user for user in model.users_ if user != 100]
    assert_array_equal(folded.recommend(others)[0], model.recommend(others)[0])
    pairs = X[X[:, 0] != 100]
    assert_array_equal(folded.predict(pairs), model.predict(pairs))
    further = folded.fold_in([["me", 3]], [5])
    seen = set(X[X[:, 0] == 100, 1]) | {0}
    assert not seen & set(further.recommend([100], n=99)[0].compressed())
    assert not {0, 3} & set(further.recommend(["me"], n=99)[0].compressed())
    assert len(further.recommend(["me"], n=99)[0].compressed()) == 38
    together = model.fold_in([["me", 0], ["me", 3]], [5, 5])
    np.testing.assert_allclose(
        further.predict([["me", i] for i in model.items_]),
        together.predict([["me", i] for i in model.items_]),
    )


def test_further_interactions_are_added_to_the_earlier_ones():
    X, y = ratings(n_items=10, share=0.8)
    last = np.random.RandomState(0).uniform(size=len(X)) < 0.1
    for options in ({"y": y}, {"sample_weight": y}, {}):
        given_ = {name: values[~last] for name, values in options.items()}
        model = SNRecommender("user", **QUICK).fit(X[~last], **given_)
        new = {name: values[last] for name, values in options.items()}
        step, whole = model.fold_in(X[last], **new), model.fold_in(X, **options)
        if "y" not in options:  # weights would be added twice
            whole = model.fold_in(np.add(X, [10_000, 0]), **options)
        users = np.unique(X[:, 0])
        mine = step.recommend(users)
        theirs = whole.recommend(users if "y" in options else users + 10_000)
        np.testing.assert_allclose(mine[1].filled(0), theirs[1].filled(0), rtol=1e-4)


def test_a_new_rating_replaces_the_earlier_one(fitted):
    model = fitted["user"]
    X, y = ratings()
    mine = X[:, 0] == 100
    changed = np.where(np.arange(mine.sum()) == 0, y[mine] % 5 + 1, y[mine])
    once = model.fold_in(X[mine][:1], changed[:1])
    whole = model.fold_in(X[mine], changed)
    asked = [[100, item] for item in model.items_]
    np.testing.assert_allclose(once.predict(asked), whole.predict(asked), rtol=1e-6)
    assert not np.allclose(once.predict(asked), model.predict(asked))
