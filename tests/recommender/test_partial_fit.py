"""Further interactions: what is learned from them, and what stays as it was."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from sksn import SNRecommender
from sksn._recommender import _further, _gram, _item_model, _item_parts, _item_update
from sksn._recommender._gram import HalfMatrix, gram_matrix
from sksn._recommender._item_model import Settings, fit_items
from sksn._recommender._item_update import update_items
from sksn._recommender._rating_update import Prior, Side, move_vectors, with_one
from sksn.metrics import ndcg_at_k

from .common import QUICK, ratings
from .test_ranking import clicks


def ranker(**options):
    options = {"ranking_settings": "default", "random_state": 0} | options
    return SNRecommender(objective="ranking", **options)


def split_of(X, seed=0):
    """Interactions that come later: of some users, with some items, and at random."""
    some = np.random.RandomState(seed).uniform(size=len(X)) < 0.1
    return some | (X[:, 0] > np.quantile(X[:, 0], 0.9)) | (X[:, 1] > np.quantile(X[:, 1], 0.9))


def all_pairs(X):
    users, items = np.unique(X[:, 0]), np.unique(X[:, 1])
    return np.column_stack([np.repeat(users, len(items)), np.tile(items, len(users))])


def answers(model):
    """What a recommender says."""
    lists = model.recommend(model.users_, n=5)
    predicted = model.predict(all_pairs(np.array([[u, model.items_[0]] for u in model.users_])))
    return [*(part.filled(-1) for part in lists), predicted, model.users_, model.items_]


# The ranking is that of a fit to all ----------------------------------------------------------


@pytest.mark.parametrize("options", [{"power": 0.0}, {"power": 0.35}, {"power": 1.0, "ridge": 30}])
def test_a_ranking_is_that_of_a_fit_to_all_interactions(options):
    X = clicks()
    late = split_of(X)
    whole = ranker(ranking_settings={**ranker_settings(), **options}).fit(X)
    part = clone(whole).fit(X[~late])
    assert len(part.users_) < len(whole.users_)
    assert len(part.items_) < len(whole.items_)
    part.partial_fit(X[late])
    pairs = all_pairs(X)
    assert_allclose(part.predict(pairs), whole.predict(pairs), atol=1e-6)
    assert_array_equal(part.users_, whole.users_)
    assert_array_equal(np.sort(part.items_), whole.items_)
    for mine, theirs in zip(part.recommend([-1, 100]), whole.recommend([-1, 100]), strict=True):
        if mine.dtype.kind == "f":
            assert_allclose(mine.filled(-1), theirs.filled(-1), atol=1e-6)
    items, contributions = part.explain(part.users_[0], part.items_[-1])
    assert contributions.sum() == pytest.approx(part.predict([[100, part.items_[-1]]])[0], abs=1e-6)
    assert set(items) == set(X[X[:, 0] == 100, 1])


def ranker_settings():
    return {**Settings()._asdict(), "rating_slope": 0.0, "weight_power": 0.0}


@pytest.mark.parametrize("n_calls", [1, 7, 40])
def test_calls_in_any_order_say_the_same_and_groups_stay_few(n_calls):
    X = clicks()
    late = split_of(X)
    whole, part = ranker().fit(X), ranker().fit(X[~late])
    order = np.random.RandomState(n_calls).permutation(np.flatnonzero(late))
    for some in np.array_split(order, n_calls):
        part.partial_fit(X[some])
        assert len(part._people) <= 1 + np.log2(len(X))
    pairs = all_pairs(X)
    assert_allclose(part.predict(pairs), whole.predict(pairs), atol=1e-6)
    sizes = [group.given.nnz for group in part._people]
    assert all(2 * small <= large for small, large in zip(sizes[:-1], sizes[1:], strict=True))


def test_what_was_folded_in_before_is_learned_too():
    X = clicks()
    late = split_of(X)
    first = late & (X[:, 1] <= X[~late, 1].max())
    whole, part = ranker().fit(X), ranker().fit(X[~late])
    folded = part.fold_in(X[first])
    folded.partial_fit(X[late & ~first])
    pairs = all_pairs(X)
    assert_allclose(folded.predict(pairs), whole.predict(pairs), atol=1e-6)
    assert_array_equal(answers(part)[2], answers(ranker().fit(X[~late]))[2])


def test_weights_of_pairs_that_occur_again_are_added():
    X = clicks(80, 12)
    rng = np.random.RandomState(0)
    plays, share = rng.randint(2, 50, len(X)), rng.uniform(size=len(X))
    first = np.maximum(1, (plays * share).astype(int))
    first[0] = 1
    options = {"ranking_settings": {**ranker_settings(), "weight_power": 0.4}}
    whole = ranker(**options).fit(X, sample_weight=plays)
    part = ranker(**options).fit(X, sample_weight=first)
    more = plays > first
    part.partial_fit(X[more], sample_weight=(plays - first)[more])
    mine, theirs = part.predict(X), whole.predict(X)
    assert_allclose(mine / mine.std(), theirs / theirs.std(), rtol=1e-4)


def test_lists_from_ratings_are_nearly_those_of_a_fit_to_all():
    X, y = ratings(n_users=300, n_items=60)
    held_out = np.random.RandomState(1).uniform(size=len(X)) < 0.2
    liked = held_out & (y >= 4)
    late = split_of(X) & ~held_out
    early = ~late & ~held_out
    options = {"ranking_settings": {**ranker_settings(), "rating_slope": 0.5}}
    whole = ranker(**options).fit(X[~held_out], y[~held_out])
    part = ranker(**options).fit(X[early], y[early])
    users = np.unique(X[liked, 0])
    before = ndcg_at_k(X[liked], users, part.recommend(users)[0])
    part.partial_fit(X[late], y[late])
    mine, theirs = (ndcg_at_k(X[liked], users, m.recommend(users)[0]) for m in (part, whole))
    assert abs(mine - theirs) < 0.01
    assert mine > before + 0.05
    scores = [m.predict(X[liked]) for m in (part, whole)]
    assert np.corrcoef(scores)[0, 1] > 0.999


def strengths_of(n_users=900, n_items=700, seed=0):
    """Interactions, those of them that are early, and the users whose interactions change."""
    rng = np.random.RandomState(seed)
    tastes, kinds = rng.normal(size=(n_users, 5)), rng.normal(size=(n_items, 5))
    chance = 0.05 * np.exp(0.7 * tastes @ kinds.T - 1) * rng.beta(1, 3, n_items)
    X = (rng.uniform(size=(n_users, n_items)) < chance) * 1.0
    X[:, 0] = 1
    early = X * (rng.uniform(size=X.shape) < 0.98)
    early[800:], early[:, 650:] = 0, 0
    early[:, 0] = X[:, 0] * (np.arange(n_users) < 800)
    changed = np.flatnonzero((early != X).any(axis=1))
    return sparse.csr_array(X), sparse.csr_array(early[:800, :650]), early, changed


def mean_count(X):
    return float(np.diff(X.indptr)[np.diff(X.indptr) > 0].mean())


def updated(model, X, early, changed):
    before = sparse.csr_array(early[changed])
    return update_items(model, before, X[changed], X, X.shape[0])


def test_many_items_and_matrices_in_blocks(monkeypatch):
    X, first, early, changed = strengths_of()
    rule = Settings(n_factors=12)
    expected = fit_items(X, rule, mean_count(X)).score(X)
    monkeypatch.setattr(_gram, "_PRODUCTS", 10_000)
    model = fit_items(first, rule, mean_count(first))
    assert_allclose(updated(model, X, early, changed).score(X), expected, atol=1e-4)
    monkeypatch.setattr(_item_model, "exact_dtype", lambda n: np.float32)
    monkeypatch.setattr(_item_update, "exact_dtype", lambda n: np.float32)
    assert_allclose(updated(model, X, early, changed).score(X), expected, atol=1e-3)


def test_items_beyond_the_dense_limit_keep_their_nearest_items(monkeypatch):
    """New items may cross the limit; there, all products are known. Beyond it, most are."""
    X, first, early, changed = strengths_of()
    rule = Settings(n_factors=12, factor_weight=0.3)
    for limit, near in ((680, 1 - 1e-6), (600, 0.95)):
        for module in (_item_model, _item_update):
            monkeypatch.setattr(module, "MOST_DENSE", limit)
        for module in (_item_parts, _item_update):
            monkeypatch.setattr(module, "NEIGHBOURS", 60)
        expected = fit_items(X, rule, mean_count(X)).score(X)
        stale = fit_items(first, rule, mean_count(first))
        found = updated(stale, X, early, changed)
        assert sparse.issparse(found.coefficients)
        assert np.diff(found.coefficients.tocsc().indptr).max() <= 60
        alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(found.score(X), expected, strict=True)]
        assert np.mean(alike) > near
        again = update_items(found, X[:0], X[:0], X, X.shape[0])
        assert_allclose(again.score(X), found.score(X), atol=1e-4 * np.abs(expected).max())


# Ratings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_ratings_are_predicted_nearly_as_after_a_fit_to_all(orientation):
    X, y = ratings(n_users=200, n_items=80)
    held_out = np.random.RandomState(1).uniform(size=len(X)) < 0.2
    late = split_of(X) & ~held_out
    early = ~late & ~held_out
    options = {"objective": "rating", "hidden_layer_sizes": 32, "random_state": 0}
    whole = SNRecommender(orientation, **options).fit(X[~held_out], y[~held_out])
    part = SNRecommender(orientation, **options).fit(X[early], y[early])

    def error(model):
        return np.sqrt(np.mean((model.predict(X[held_out]) - y[held_out]) ** 2))

    before = error(part)
    one = pickle.loads(pickle.dumps(part)).partial_fit(X[late], y[late])
    for some in np.array_split(np.flatnonzero(late), 5):
        part.partial_fit(X[some], y[some])
    for model in (one, part):
        assert error(model) < 0.6 * error(whole) + 0.4 * before
    assert_array_equal(np.sort(part.items_), whole.items_)
    new = part.items_[-1]
    assert part.similar_items([new], n=3)[0].shape == (1, 3)
    folded = part.fold_in([["me", new], ["me", part.items_[0]]], [5, 1])
    assert folded.predict([["me", new]]) > folded.predict([["me", part.items_[0]]])
    stranger = part.predict([[-1, new]])[0]
    assert abs(stranger - y[X[:, 1] == new].mean()) < 0.7


def test_moved_vectors_minimize_what_the_docs_say():
    """The gradient of the displayed formula is zero at the result, for each side in turn."""
    rng = np.random.RandomState(0)
    users, items = rng.normal(size=(9, 4)), rng.normal(size=(7, 4))  # the last is an offset
    counts = rng.randint(1, 9, 7)
    prior = Prior.learn(users, items[:, :-1], counts, 0.5)
    X = sparse.csr_array((rng.uniform(size=(9, 7)) < 0.6) * rng.uniform(1, 5, (9, 7)))
    n, w = rng.randint(0, 20, 9), rng.uniform(0.5, 2, X.nnz)
    found = prior.moved(users, n, items[:, :-1], items[:, -1], X, w)
    covariance = np.cov(users, rowvar=False, bias=True)
    covariance = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    D = 0.5 * np.linalg.inv(covariance)
    partners = with_one(items[:, :-1])
    C = np.einsum("i,ij,ik->jk", counts / counts.sum(), partners, partners)
    for u in range(9):
        part = slice(X.indptr[u], X.indptr[u + 1])
        at = X.indices[part]
        left = X.data[part] - items[at, -1] - partners[at] @ found[u]
        gradient = (D + n[u] * C) @ (found[u] - users[u]) - partners[at].T @ (w[part] * left)
        assert_allclose(gradient, 0, atol=1e-8)


def test_vectors_without_new_ratings_stay():
    rng = np.random.RandomState(0)
    users, items = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    X = sparse.csr_array(([4.0], ([2], [1])), shape=(5, 4))
    sides = [
        Side(own, np.full(len(own), 3), Prior.learn(own, other[:, :-1], np.ones(len(other)), 1.0))
        for own, other in ((users, items), (items, users))
    ]
    found = move_vectors(*sides, X, None)
    for own, moved, at in zip((users, items), found, (2, 1), strict=True):
        others = np.arange(len(own)) != at
        assert_array_equal(moved[others], own[others])
        assert not np.allclose(moved[at], own[at])


def test_a_new_rating_replaces_the_earlier_one_and_the_same_one_changes_nothing():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X, y)
    before = answers(model)
    again = pickle.loads(pickle.dumps(model)).partial_fit(X[:50], y[:50])
    for mine, theirs in zip(answers(again), before, strict=True):
        assert_allclose(mine, theirs, rtol=1e-5)
    place = np.argmax(y == 1)
    pair, low = X[[place]], model.predict(X[[place]])
    model.partial_fit(pair, [5])
    assert model.predict(pair) > low
    group = model._people[0]
    given_ = group.given[group.ids.find(pair[:, 0])]
    assert given_[0, model._items.find(pair[:, 1])[0]] == 5
    assert sum(group.given.nnz for group in model._people) <= len(X) + given_.nnz
    with pytest.raises(ValueError, match="more than once"):
        model.partial_fit(pair[[0, 0]], [4, 5])


def test_weights_of_earlier_ratings_are_kept():
    X, y = ratings()
    w = np.random.RandomState(0).randint(1, 9, len(y)) / 2
    late = split_of(X)
    model = ranker().fit(X[~late], y[~late], w[~late])
    model.partial_fit(X[late], y[late], w[late])
    known = {}
    for group in model._people[::-1]:
        users = group.ids.values[np.repeat(np.arange(len(group.ids)), np.diff(group.given.indptr))]
        pairs = zip(users.tolist(), model.items_[group.given.indices].tolist(), strict=True)
        known |= dict(zip(pairs, group.weights.tolist(), strict=True))
    assert known == dict(zip(map(tuple, X.tolist()), w.tolist(), strict=True))
    scores = [m.predict(X) for m in (model, ranker().fit(X, y, w))]
    assert np.corrcoef(scores)[0, 1] > 0.995
    both = SNRecommender(**QUICK).fit(X[~late], y[~late], w[~late]).partial_fit(X[late], y[late])
    assert np.isfinite(both.predict(X)).all()


def test_ratings_beyond_the_range_extend_it_and_are_said():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X, y)
    many = np.column_stack([np.full(40, 999), np.unique(X[:, 1])])
    with pytest.warns(UserWarning, match=r"ratings from 9 to 9, .* 1 to 5.*may now reach"):
        model.partial_fit(many, np.full(40, 9.0))
    assert model.rating_range_ == (1, 9)
    assert model.predict(many).max() > 5


def test_means_for_strangers_are_those_of_all_ratings_shrunken():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X, y)
    (mean,) = model.predict([[-1, -1]])
    assert mean == pytest.approx(y.mean())
    model.partial_fit([[-5 - i, 999] for i in range(4)], [5.0] * 4)
    found = model.predict([[-1, 999], [-5, -1], [-1, -1]])
    expected = [
        mean + 4 * (5 - mean) / (4 + 5),
        mean + (5 - mean) / (1 + 5),
        (y.sum() + 20) / (len(y) + 4),
    ]
    assert_allclose(found, expected)


@pytest.mark.filterwarnings("ignore:y has ratings from")
def test_ratings_too_far_outside_the_range_are_refused():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X, y * 1e-200)
    said = answers(model)
    with pytest.raises(ValueError, match="too far outside the range of training, 1e-200 to 5e-200"):
        model.partial_fit(X[:2], [1e300, -1e300])
    for mine, theirs in zip(answers(model), said, strict=True):
        assert_array_equal(mine, theirs)


# What changes nothing -------------------------------------------------------------------------


NOTHING = [list, lambda: np.empty((0, 2)), lambda: pd.DataFrame({"a": [], "b": []})]


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("objective", ["auto", "rating", "ranking"])
def test_nothing_new_changes_nothing(objective, nothing):
    X, y = ratings()
    model = SNRecommender(objective=objective, **QUICK).fit(X, y)
    for known in (model, model.fold_in([[100, 0], ["me", 3]], [3, 4])):
        before = dict(vars(known))
        assert known.partial_fit(nothing(), []) is known
        assert vars(known) == before
    if objective == "ranking":
        plain = ranker().fit(X)
        before = dict(vars(plain))
        plain.partial_fit(sparse.csr_array((5, 5)))
        assert vars(plain) == before


def test_the_first_call_is_a_fit():
    X, y = ratings()
    for options in ({"y": y}, {}):
        first = SNRecommender(**QUICK).partial_fit(X, **options)
        for mine, theirs in zip(
            answers(first), answers(SNRecommender(**QUICK).fit(X, **options)), strict=True
        ):
            assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match="0 sample"):
        SNRecommender().partial_fit([])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2]],), "y is None, but the recommender was fitted on ratings"),
        (([[1, 2], [1, 2]], [3, 4]), "more than once"),
        (([[1, 2]], [np.nan]), "y contains NaN"),
        (([[1, None]], [3]), "missing item"),
        (([[1, 2]], [3], [-1]), "sample_weight must not be negative"),
        (([[1, 2, 3, 4]], [3]), "two columns"),
        (([[1, 2, 3]], [3]), "third column of X holds ratings"),
    ],
)
def test_a_rejected_call_changes_nothing(arguments, message):
    model = SNRecommender(**QUICK).fit(*ratings())
    before, said = dict(vars(model)), answers(model)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*arguments)
    assert vars(model) == before
    for mine, theirs in zip(answers(model), said, strict=True):
        assert_array_equal(mine, theirs)


def test_ratings_for_a_recommender_without_ratings_are_refused():
    model = ranker().fit(clicks())
    with pytest.raises(ValueError, match="y holds ratings, but the recommender was fitted without"):
        model.partial_fit([[1, 2], [1, 3]], [1, 5])
    model.partial_fit([[1, 0], [1, 3]], [1, 1])
    assert not {0, 3} & set(model.recommend([1], n=99)[0].compressed())


@pytest.mark.parametrize("step", ["update_items", "further_ratings", "_merged"])
def test_an_interrupted_call_changes_nothing(step, monkeypatch):
    X, y = ratings()
    late = split_of(X)
    model = SNRecommender(**QUICK).fit(X[~late], y[~late])
    before, said = dict(vars(model)), answers(model)
    real = getattr(_further, step)

    def interrupted(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(_further, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X[late], y[late])
    assert vars(model) == before
    for mine, theirs in zip(answers(model), said, strict=True):
        assert_array_equal(mine, theirs)


# Ids, containers, memory ----------------------------------------------------------------------


def test_new_ids_come_after_the_earlier_ones_whatever_they_are():
    model = ranker().fit([["ann", "m"], ["bob", "m"], ["bob", "n"], ["cy", "n"]])
    model.partial_fit([["abe", "a"], ["ann", "zz"], ["cy", "m"]])
    assert model.items_.tolist() == ["m", "n", "a", "zz"]
    assert model.users_.tolist() == ["abe", "ann", "bob", "cy"]
    assert not {"m", "zz"} & set(model.recommend(["ann"])[0].compressed())
    long = "x" * 40_000
    model.partial_fit([[long, long]] + [[f"user {i}", "m"] for i in range(200)])
    assert model.items_.nbytes < 1e6
    assert model.users_.nbytes < 1e6
    assert np.isfinite(model.predict([[long, long], ["ann", "a"]])).all()
    mixed = ranker().fit([[1, 1], [1, 2], [2, 2]])
    with pytest.warns(UserWarning, match="none of them is known"):
        mixed.partial_fit([["a", "b"]])
    assert mixed.items_.tolist() == [1, 2, "b"]
    assert mixed.predict([["a", "b"], [1, 2]]).shape == (2,)


def test_matrices_may_grow():
    X = clicks(60, 12)
    pairs = np.column_stack([(X[:, 0] - 100) // 7, X[:, 1] // 3])
    early = (pairs[:, 0] < 50) & (pairs[:, 1] < 10)

    def matrix(pairs, shape):
        return sparse.coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=shape)

    part = ranker().fit(matrix(pairs[early], (50, 10))).partial_fit(matrix(pairs[~early], (60, 12)))
    whole = ranker().fit(matrix(pairs, (60, 12)))
    every = all_pairs(pairs)
    assert_allclose(part.predict(every), whole.predict(every), atol=1e-6)
    part.partial_fit(sparse.coo_array(([1], ([3], [5])), shape=(62, 12)))
    assert part._people[0].ids.values.tolist() == [3, 60, 61]  # and not all that X has rows for
    assert_array_equal(part.users_, np.arange(62))
    X, y = ratings()
    stars = sparse.csr_array((y, (X[:, 0], X[:, 1])))
    model = SNRecommender(objective="rating", **QUICK).fit(stars).partial_fit(stars[:150])
    assert len(model.users_) == stars.shape[0]
    with pytest.raises(ValueError, match="y must be None where X is a sparse matrix"):
        model.partial_fit(stars, y)


def test_names_of_columns_stay():
    X = clicks()
    frame = pd.DataFrame(X, columns=["who", "what"])
    model = ranker().fit(frame)
    with pytest.raises(ValueError, match=r"must have the columns \['who', 'what'\], in this"):
        model.partial_fit(frame[["what", "who"]])
    model.partial_fit(frame[:5])
    assert model.feature_names_in_.tolist() == ["who", "what"]


def test_pickles_and_clones():
    X, y = ratings()
    late = split_of(X)
    model = SNRecommender(**QUICK).fit(X[~late], y[~late]).partial_fit(X[late][:40], y[late][:40])
    back = pickle.loads(pickle.dumps(model))
    for known in (model, back):
        known.partial_fit(X[late][40:], y[late][40:])
    for mine, theirs in zip(answers(back), answers(model), strict=True):
        assert_array_equal(mine, theirs)
    assert not hasattr(clone(model), "items_")
    model.fit(X, y)
    assert_array_equal(model.items_, np.unique(X[:, 1]))


@pytest.mark.parametrize("objective", ["rating", "ranking"])
def test_memory_does_not_follow_the_earlier_interactions(objective):
    n_users, n_items = 40_000, 200
    rng = np.random.RandomState(0)
    pairs = np.argwhere(rng.uniform(size=(n_users, n_items)) < 0.3)
    y = rng.randint(1, 6, len(pairs)).astype(float)
    options = {"hidden_layer_sizes": 2, "max_epochs": 1, "ranking_settings": "default"}
    model = SNRecommender("item", objective=objective, random_state=0, **options)
    model.fit(pairs, y)
    new = np.array([[n_users + 5, 3], [n_users + 5, n_items], [7, n_items], [8, n_items]])
    tracemalloc.start()
    try:
        model.partial_fit(new, [5, 4, 3, 2])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(pairs)  # the earlier interactions take 5 bytes each, or 8
    assert len(model._people) == 2
    items, _ = model.recommend([7], n=n_items + 1)
    assert n_items not in items.compressed()


# Nothing seen -----------------------------------------------------------------------------------


@st.composite
def steps(draw):
    """Calls with few users and items, so that pairs, users and items occur again."""
    pair = st.tuples(st.integers(0, 7), st.integers(0, 9))
    pairs = st.lists(pair, max_size=6, unique=True)
    names = st.sampled_from(["fold_in", "partial_fit"])
    return draw(st.lists(st.tuples(names, pairs), min_size=1, max_size=4))


FITTED = {}


def started(objective):
    """A recommender that knows some of the users and items."""
    if objective not in FITTED:
        rng = np.random.RandomState(0)
        pairs = np.argwhere(rng.uniform(size=(5, 6)) < 0.5)
        y = rng.randint(1, 6, len(pairs))
        model = SNRecommender(objective=objective, ranking_settings="default", **QUICK)
        FITTED[objective] = pickle.dumps((model.fit(pairs, y), pairs))
    return pickle.loads(FITTED[objective])


@pytest.mark.filterwarnings("ignore:X has .* that were not in training")
@settings(max_examples=40, deadline=None)
@given(steps(), st.sampled_from(["auto", "rating", "ranking"]), st.data())
def test_nothing_seen_or_excluded_is_recommended_in_any_order(calls, objective, data):
    model, pairs = started(objective)
    seen = {user: {i for u, i in pairs.tolist() if u == user} for user in range(8)}
    for name, new in calls:
        stars = [1 + (u + i) % 5 for u, i in new]
        known = set(model.items_.tolist())
        model = getattr(model, name)(np.array(new, int).reshape(-1, 2), stars)
        for user, item in new:
            if name == "partial_fit" or item in known:
                seen[user].add(item)
        assert set(model.items_.tolist()) == known | (
            {item for _, item in new} if name == "partial_fit" else set()
        )
    excluded = data.draw(st.lists(st.integers(0, 9), max_size=4))
    users = list(range(8))
    lists, scores = model.recommend(users, n=12, exclude=excluded)
    catalogue = set(model.items_.tolist())
    for user, items, score in zip(users, lists, scores, strict=True):
        found = items.compressed().tolist()
        assert set(found) == catalogue - seen[user] - set(excluded)
        assert len(found) == len(set(found))
        assert np.isfinite(score.compressed()).all()
    assert np.isfinite(model.predict([[u, i] for u in users for i in catalogue])).all()
    assert model.user_vectors_.shape[0] == len(model.users_)
    assert set(model.users_.tolist()) == {u for u in users if seen[u]}


# Parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.02, 0.9])
def test_a_symmetric_matrix_in_half_of_its_memory(share, monkeypatch):
    rng = np.random.RandomState(0)
    rows = sparse.csr_array((rng.uniform(size=(30, 40)) < share) * rng.uniform(size=(30, 40)))
    monkeypatch.setattr(_gram, "_PRODUCTS", 200)
    monkeypatch.setattr(_gram, "_ROWS", 7)
    A = gram_matrix(rows, np.float64)
    assert_allclose(A, (rows.T @ rows).toarray())
    half = HalfMatrix.of(A)
    assert_allclose(half.dense(40, np.float64), A, rtol=1e-6)
    longer = half.dense(43, np.float32)
    assert_allclose(longer[:40, :40], A, rtol=1e-6)
    assert not longer[40:].any()
    assert not longer[:, 40:].any()
    assert len(pickle.dumps(half)) < 0.55 * 4 * A.size + 1000


def test_folding_in_goes_by_ratings_where_only_the_ranking_was_learned():
    X, y = ratings()
    model = ranker(ranking_settings={**ranker_settings(), "rating_slope": 0.5}).fit(X, y)
    users = np.unique(X[:, 0])[::7]
    some = np.isin(X[:, 0], users)
    folded = model.fold_in(X[some] + [10_000, 0], y[some])
    for mine, theirs in zip(folded.recommend(users + 10_000), model.recommend(users), strict=True):
        assert_allclose(mine.filled(0), theirs.filled(0), rtol=1e-5)
    average = model.fold_in([["me", 0], ["me", 3]])
    assert not {0, 3} & set(average.recommend(["me"], n=99)[0].compressed())
