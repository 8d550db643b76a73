"""Lists from interactions: models in closed form, strengths, choices, and what is left out."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.model_selection import KFold, cross_validate

from sksn import SNRecommender
from sksn._recommender import _choice, _gram, _item_model, _item_parts
from sksn._recommender._choice import SETTINGS, choose
from sksn._recommender._item_model import Settings, fit_items
from sksn._recommender._item_parts import neighbours, regression, scaled_rows, singular_vectors
from sksn._recommender._signals import Signal, SignalScale
from sksn.metrics import make_ranking_scorer, ndcg_at_k

from .common import QUICK, ratings


def clicks(n_users=200, n_items=30, seed=0):
    """Clicks of users of two tastes: even items please one half, odd ones the other."""
    rng = np.random.RandomState(seed)
    taste = rng.randint(2, size=n_users)
    fits = (np.arange(n_items)[None] + taste[:, None]) % 2 == 0
    popular = rng.beta(1, 2, size=n_items)
    is_click = rng.uniform(size=fits.shape) < popular * np.where(fits, 0.8, 0.05)
    is_click[np.arange(n_users), rng.randint(n_items, size=n_users)] = True
    return np.column_stack(np.nonzero(is_click)) * [7, 3] + [100, 0]


def ranker(**options):
    return SNRecommender(objective="ranking", random_state=0, **options)


def some_rows(n_users=60, n_items=9, seed=0):
    rng = np.random.RandomState(seed)
    X = (rng.uniform(size=(n_users, n_items)) < 0.4) * rng.uniform(0.5, 2, (n_users, n_items))
    return sparse.csr_array(X)


# The models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [0, 0.35, 1])
def test_the_regression_is_a_ridge_regression_without_the_item_itself(power):
    """Scaling rows is weighting them: the squares of the scales are the weights."""
    X, ridge = some_rows(), 0.7
    n = np.diff(X.indptr)
    weights = np.where(n > 0, (4.0 / np.maximum(n, 1)) ** (2 * power), 0)
    found = regression(scaled_rows(X, 4.0, power), ridge)
    D = X.toarray()
    gram = D.T @ (weights[:, None] * D)
    penalty = ridge / 2 * (np.diag(gram).mean() + np.diag(gram))
    for item in range(D.shape[1]):
        other = np.arange(D.shape[1]) != item
        expected = np.linalg.solve(
            gram[np.ix_(other, other)] + np.diag(penalty[other]), gram[other, item]
        )
        assert_allclose(found[other, item], expected, atol=1e-6)
        assert found[item, item] == 0


def test_the_regression_in_blocks_and_in_float32(monkeypatch):
    X = some_rows(100, 40)
    expected = regression(X, 2.0)
    monkeypatch.setattr(_gram, "_PRODUCTS", 120)
    assert_allclose(regression(X, 2.0), expected, atol=1e-6)
    assert_allclose(regression(X, 2.0, np.float32), expected, atol=1e-5)


def test_factors_project_on_the_leading_singular_vectors():
    X = some_rows(50, 12)
    counts = np.diff(X.tocsc().indptr)
    encode, decode, _ = singular_vectors(X, 4)
    _, _, right = np.linalg.svd(X.toarray() / np.sqrt(counts))
    expected = (right[:4].T @ right[:4]) * np.sqrt(counts) / np.sqrt(counts)[:, None]
    assert_allclose(encode @ decode.T, expected, atol=1e-5)
    assert singular_vectors(X, 99)[0].shape == (12, 11)
    assert singular_vectors(some_rows(1, 5), 3)[0].shape == (5, 0)


def test_neighbours_are_the_items_with_the_highest_cosines(monkeypatch):
    X = some_rows(80, 20)
    monkeypatch.setattr(_item_parts, "NEIGHBOURS", 5)
    monkeypatch.setattr(_gram, "_PRODUCTS", 100)
    found = neighbours(X).toarray()
    length = np.linalg.norm(X.toarray(), axis=0)
    D = X.toarray() / length
    cosines = (D.T @ D - np.eye(20)) * length**0.8
    for item in range(20):
        best = np.argsort(-cosines[:, item])[:5]
        assert set(np.flatnonzero(found[:, item])) == set(best)
        assert_allclose(found[best, item], cosines[best, item], rtol=1e-5)


def test_scores_of_many_items_come_from_neighbours(monkeypatch):
    X = clicks()
    monkeypatch.setattr(_item_model, "MOST_DENSE", 10)
    monkeypatch.setattr(_choice, "MOST_DENSE", 10)
    model = ranker().fit(X)
    assert sparse.issparse(model._people[0].ranker.model.coefficients)
    assert model.ranking_settings_["factor_weight"] == 0.3
    given_ = ranker(ranking_settings={"n_factors": 2}).fit(X)
    assert given_.item_vectors_.shape == (30, 2)
    lists, _ = model.recommend(model.users_, n=3)
    assert lists.shape == (200, 3)
    items, contributions = model.explain(100, 0)
    scores = model.predict([[100, 0]])
    assert contributions.sum() == pytest.approx(scores[0], rel=1e-4)
    assert len(items) == (X[:, 0] == 100).sum()


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_parts_are_blended_by_their_spread(weight):
    X = some_rows(100, 20)
    alone = [fit_items(X, Settings(factor_weight=w), 8.0).score(X) for w in (0.0, 1.0)]
    spread = [np.sqrt(scores.var(axis=1).mean()) for scores in alone]
    found = fit_items(X, Settings(factor_weight=weight), 8.0).score(X)
    expected = (1 - weight) * alone[0] + weight * alone[1] * (
        spread[0] / spread[1] if weight < 1 else 1
    )
    assert_allclose(found, expected, atol=1e-4)


# What counts ---------------------------------------------------------------------------------


def test_lists_hold_what_people_of_the_same_taste_like():
    X = clicks()
    held_out = np.random.RandomState(1).uniform(size=len(X)) < 0.2
    model = ranker().fit(X[~held_out])
    users = np.unique(X[held_out, 0])
    users = users[np.isin(users, X[~held_out, 0])]
    lists, _ = model.recommend(users)
    strangers, _ = model.recommend(-1 - users)  # the most popular items
    mine, of_all = (ndcg_at_k(X[held_out], users, found) for found in (lists, strangers))
    assert mine > of_all + 0.1
    counts = pd.Series(X[~held_out, 1]).value_counts()
    assert counts[strangers[0, 0]] == counts.max()
    assert model.ranking_score_ > 0.3
    assert set(model.ranking_settings_) == set(SETTINGS)


def test_ratings_that_are_all_the_same_are_no_ratings():
    X = clicks()
    expected = ranker().fit(X).recommend(X[:, 0].tolist()[:9])
    for model in (SNRecommender(random_state=0).fit(X, np.full(len(X), 4)), ranker().fit(X)):
        found = model.recommend(X[:, 0].tolist()[:9])
        assert_array_equal(found[0], expected[0])
        assert not hasattr(model, "rating_range_")


def test_auto_predicts_ratings_and_ranks_by_what_was_liked():
    X, y = ratings(100, 40)
    model = SNRecommender(**QUICK).fit(X, y)
    alone = SNRecommender(objective="rating", **QUICK).fit(X, y)
    assert_array_equal(model.predict(X), alone.predict(X))
    assert not hasattr(alone, "ranking_settings_")
    lists = ranker().fit(X, y).recommend(model.users_)
    assert_array_equal(model.recommend(model.users_)[0], lists[0])
    liked_most = SignalScale.learn(Signal(0.5), y, None).strengths(y, None, len(y))
    assert liked_most[y == 5].min() > liked_most[y == 1].max()
    assert liked_most.mean() == pytest.approx(1)


def test_a_pair_that_occurs_again_counts_as_the_sum_of_its_weights():
    X = clicks(80, 12)
    rng = np.random.RandomState(0)
    times = rng.randint(1, 5, size=len(X))
    again = np.repeat(X, times, axis=0)[rng.permutation(times.sum())]
    by_rows, by_weights = ranker().fit(again), ranker().fit(X, sample_weight=times)
    assert_array_equal(by_rows.predict(X), by_weights.predict(X))
    matrix = sparse.coo_array((times, ((X[:, 0] - 100) // 7, X[:, 1] // 3)))
    by_matrix = ranker().fit(matrix)
    assert_array_equal(by_matrix.users_, np.arange(80))
    pairs = np.column_stack([(X[:, 0] - 100) // 7, X[:, 1] // 3])
    assert_allclose(by_matrix.predict(pairs), by_weights.predict(X), rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-3, 10, 1e6])
def test_the_unit_of_weights_changes_nothing(unit):
    X = clicks()
    plays = np.random.RandomState(0).lognormal(3, 3, size=len(X))
    plain, scaled = (ranker().fit(X, sample_weight=w) for w in (plays, plays * unit))
    assert_allclose(plain.predict(X), scaled.predict(X), rtol=1e-4)
    assert np.isfinite(plain.predict(X)).all()


def test_weights_of_zero_are_left_out_and_stored_zeros_are_not():
    X = clicks()
    weights = np.random.RandomState(0).randint(0, 3, size=len(X))
    model = ranker().fit(X, sample_weight=weights)
    assert_array_equal(
        model.predict(X), ranker().fit(X[weights > 0], None, weights[weights > 0]).predict(X)
    )
    matrix = sparse.csr_array(np.eye(5))
    matrix.data[2] = 0
    assert ranker().fit(matrix).recommend([2], exclude_seen=True)[0].compressed().tolist() == [
        *(0, 1, 3, 4)
    ]


def test_a_matrix_of_ratings_for_the_rating_objective():
    X, y = ratings()
    matrix = sparse.csr_array((y, ((X[:, 0] - 100) // 7, X[:, 1] // 3)))
    pairs = np.column_stack([(X[:, 0] - 100) // 7, X[:, 1] // 3])
    found = SNRecommender(objective="rating", **QUICK).fit(matrix)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    expected = SNRecommender(objective="rating", **QUICK).fit(pairs[order], y[order])
    assert_allclose(found.predict(pairs), expected.predict(pairs), rtol=1e-5)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sparse.csr_array(-np.eye(3)), "X holds -1; .* must not be negative"),
        (sparse.csr_array(np.diag([1, np.nan])), "X holds NaN or infinity"),
        (sparse.csr_array((3, 3)), "X holds no interaction"),
    ],
)
def test_matrices_that_cannot_be_used_are_named(X, message):
    with pytest.raises(ValueError, match=message):
        SNRecommender().fit(X)


# Choosing ------------------------------------------------------------------------------------


def test_settings_are_chosen_by_held_out_interactions():
    X = clicks(400, 40)
    positions = sparse.csr_array(
        (np.arange(len(X)), ((X[:, 0] - 100) // 7, X[:, 1] // 3)), shape=(400, 40)
    )
    options = {"given": "auto", "share": 0.2, "random": np.random.RandomState(0)}
    choice = choose(positions, None, None, **options)
    best = max(score for *_, score in choice.tried)
    assert choice.score <= best
    of_default = next(score for _, tried, score in choice.tried if tried == Settings())
    assert choice.score >= of_default
    assert (choice.signal, choice.settings, choice.score) in choice.tried
    few = choose(positions[:3], None, None, **options)
    assert few.settings == Settings()
    assert few.score is None


@pytest.mark.parametrize("seed", [0, 2])
def test_chosen_settings_make_better_lists_of_interactions_that_were_not_seen(seed):
    """Where users pick by popularity alone, the products of items are noise."""
    rng = np.random.RandomState(seed)
    picked = rng.uniform(size=(800, 60)) < 0.25 / np.arange(1, 61) ** 0.7
    X = np.argwhere(picked)
    is_out = rng.uniform(size=len(X)) < 0.3
    users = np.intersect1d(X[is_out, 0], X[~is_out, 0])
    found = {}
    for given_ in ("default", "auto"):
        model = ranker(ranking_settings=given_).fit(X[~is_out])
        found[given_] = ndcg_at_k(X[is_out], users, model.recommend(users)[0])
    assert found["auto"] > found["default"] + 0.01
    assert model.ranking_settings_["ridge"] > Settings().ridge


def test_settings_that_are_given_are_not_chosen():
    X = clicks()
    kept = {**Signal()._asdict(), **Settings()._asdict(), "recency_power": 0.0}
    assert ranker(ranking_settings="default").fit(X).ranking_settings_ == kept
    model = ranker(ranking_settings={"power": 0, "n_factors": 3}).fit(X)
    assert model.ranking_settings_["power"] == 0
    assert model.ranking_settings_["n_factors"] == 3
    assert model.item_vectors_.shape == (30, 3)
    every = ranker(ranking_settings=kept).fit(X)
    assert every.ranking_score_ is None
    for bad in ("none", {"powers": 1}, {"power": -1}, {"n_factors": 1.5}, {"factor_weight": 2}, 3):
        with pytest.raises(
            ValueError, match="ranking_settings must be 'auto', 'default' or a dict"
        ):
            ranker(ranking_settings=bad).fit(X)


def test_noise_chooses_no_settings():
    """Clicks without structure: the settings remain the default ones in most cases."""
    changed = 0
    for seed in range(5):
        rng = np.random.RandomState(seed)
        users, items = np.nonzero(rng.uniform(size=(300, 20)) < 0.3)
        model = ranker().fit(np.column_stack([users, items]))
        kept = {**Signal()._asdict(), **Settings()._asdict(), "recency_power": 0.0}
        changed += sum(model.ranking_settings_[name] != value for name, value in kept.items())
    assert changed <= 10  # of 40


def test_random_state_alone_decides():
    X = clicks()
    first, second = (ranker().fit(X) for _ in range(2))
    assert_array_equal(first.predict(X), second.predict(X))
    again = pickle.loads(pickle.dumps(first))
    assert_array_equal(first.recommend(X[:5, 0])[0], again.recommend(X[:5, 0])[0])


# Lists ---------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_nothing_seen_or_excluded_is_ever_recommended(data):
    X = clicks(40, 12, seed=data.draw(st.integers(0, 3)))
    model = FITTED.setdefault(len(X), ranker().fit(X))
    some = st.lists(st.sampled_from(model.items_.tolist()), min_size=1, unique=True)
    users = data.draw(st.lists(st.sampled_from([*model.users_.tolist(), -1]), min_size=1))
    candidates, excluded = data.draw(st.none() | some), data.draw(st.none() | some)
    of_user = data.draw(st.booleans())
    exclude = dict.fromkeys(users[:1], excluded) if of_user and excluded else excluded
    n = data.draw(st.integers(1, 15))
    lists, scores = model.recommend(users, n, items=candidates, exclude=exclude)
    for user, items, score in zip(users, lists, scores, strict=True):
        found = set(items.compressed().tolist())
        assert len(found) == items.count()
        assert not found & set(X[X[:, 0] == user, 1].tolist())
        if excluded and (not of_user or user == users[0]):
            assert not found & set(excluded)
        assert candidates is None or found <= set(candidates)
        assert np.all(np.diff(score.compressed()) <= 0)


FITTED = {}


def test_candidates_that_were_not_in_training_are_said():
    model = ranker().fit(clicks())
    with pytest.warns(UserWarning, match="items holds 1 items that were not in training"):
        lists, _ = model.recommend([100], items=[0, 3, -5], exclude_seen=False)
    assert set(lists.compressed()) == {0, 3}
    with pytest.raises(ValueError, match="items holds no item that was in training"):
        model.recommend([100], items=[-5])
    of_set, _ = model.recommend([100], items={0, 3}, exclude={0}, exclude_seen=False)
    assert of_set.compressed().tolist() == [3]
    everything, _ = model.recommend([100], exclude=[-5])
    assert_array_equal(everything, model.recommend([100])[0])


def test_lists_as_a_data_frame():
    model = ranker().fit(clicks())
    items, scores = model.recommend([100, -1], n=30)
    frame = model.recommend([100, -1], n=30, as_frame=True)
    assert frame.columns.tolist() == ["user", "item", "rank", "score"]
    assert len(frame) == items.count()
    mine = frame[frame.user == 100]
    assert mine["item"].tolist() == items[0].compressed().tolist()
    assert_allclose(mine["score"], scores[0].compressed())
    assert mine["rank"].tolist() == list(range(1, len(mine) + 1))


def test_explanations_add_up_to_the_score():
    X = clicks()
    model = ranker().fit(X)
    lists, scores = model.recommend([100], n=2)
    for item, score in zip(lists[0], scores[0], strict=True):
        items, contributions = model.explain(100, item)
        assert set(items) == set(X[X[:, 0] == 100, 1])
        assert contributions.sum() == pytest.approx(score, rel=1e-4)
        assert np.all(np.diff(contributions) <= 0)
    with pytest.raises(ValueError, match="user=-1 was not in training"):
        model.explain(-1, 0)
    with pytest.raises(ValueError, match="item=-1 was not in training"):
        model.explain(100, -1)
    rated = SNRecommender(objective="rating", **QUICK).fit(*ratings())
    with pytest.raises(ValueError, match="explain needs a ranking"):
        rated.explain(100, 0)


def test_folding_in_a_users_own_interactions_gives_that_users_list():
    X = clicks()
    plays = np.random.RandomState(0).randint(1, 100, size=len(X))
    for weights in (None, plays):
        model = ranker().fit(X, sample_weight=weights)
        some = np.isin(X[:, 0], users := np.unique(X[:, 0])[::5])
        new = X[some] + [0 if weights is None else 10_000, 0]  # else plays would be added
        folded = model.fold_in(new, sample_weight=None if weights is None else weights[some])
        asked = np.unique(new[:, 0])
        for mine, theirs in zip(folded.recommend(asked), model.recommend(users), strict=True):
            assert_allclose(mine.filled(0), theirs.filled(0), rtol=1e-5)


def test_vectors_are_public():
    X, y = ratings()
    for model in (ranker().fit(clicks()), SNRecommender(objective="rating", **QUICK).fit(X, y)):
        assert len(model.user_vectors_) == len(model.users_)
        assert len(model.item_vectors_) == len(model.items_)
        products = model.user_vectors_ @ model.item_vectors_.T
        assert products.shape == (len(model.users_), len(model.items_))
    _, scores = model.recommend(model.users_[:1], n=99, exclude_seen=False)
    ratings_of = model._people[0].ratings
    found = np.sort(products[0])[::-1] * ratings_of.scale.error(ratings_of.model.unit)
    assert np.ptp(found - scores[0].compressed()) < 1e-3


def test_score_of_lists_and_of_ratings():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X[::2], y[::2])
    residual = np.sum((model.predict(X[1::2]) - y[1::2]) ** 2)
    expected = 1 - residual / np.sum((y[1::2] - y[1::2].mean()) ** 2)
    assert model.score(X[1::2], y[1::2]) == pytest.approx(expected)
    users = np.unique(X[1::2, 0])
    lists = ndcg_at_k(X[1::2], users, model.recommend(users)[0])
    for given_ in (None, np.ones(len(X[1::2]))):
        assert model.score(X[1::2], given_) == pytest.approx(lists)
    ranked = ranker().fit(X[::2], y[::2])
    assert ranked.score(X[1::2], y[1::2]) == pytest.approx(ranked.score(X[1::2]))
    folds = KFold(5, shuffle=True, random_state=0)
    scorer = make_ranking_scorer("recall", k=5)
    scores = cross_validate(ranker(), clicks(), scoring=scorer, cv=folds)
    assert np.isfinite(scores["test_score"]).all()
