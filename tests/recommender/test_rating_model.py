"""Predictions of ratings, and how the networks are trained."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.utils.estimator_checks import estimator_checks_generator

from sksn import SNRecommender

from .common import QUICK, ratings

# How well ---------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ["item", "user", "both"])
def test_it_predicts_better_than_means(orientation):
    X, y = ratings(n_users=150, n_items=100)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = SNRecommender(orientation, hidden_layer_sizes=64, random_state=0).fit(train, y_train)
    error = np.sqrt(np.mean((model.predict(test) - y_test) ** 2))
    means = pd.Series(y_train).groupby(train[:, 1]).mean().reindex(test[:, 1]).to_numpy()
    assert error < 0.8 * np.sqrt(np.nanmean((means - y_test) ** 2))
    assert model.score(test, y_test) > 0.3


def test_both_is_the_blend_that_suits_held_out_ratings(fitted):
    model = fitted["both"]
    assert 0 <= model.blend_ <= 1
    assert model.validation_score_ > 0
    assert len(model.estimators_) == 2
    assert [e.center for e in model.estimators_] == [False, True]
    assert (fitted["item"].blend_, fitted["user"].blend_) == (1.0, 0.0)
    assert fitted["item"].validation_score_ is None


def test_scikit_learn_takes_it_as_it_is():
    X, y = ratings()
    scores = cross_val_score(
        SNRecommender(**QUICK), X, y, scoring="neg_root_mean_squared_error", cv=KFold(3)
    )
    assert scores.shape == (3,)
    search = GridSearchCV(
        SNRecommender("item", **QUICK), {"power": [0, 0.5]}, cv=2, scoring="neg_mean_absolute_error"
    ).fit(pd.DataFrame(X, columns=["user", "item"]), y)
    assert search.best_score_ > -3
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_networks_are_averaged_and_epochs_chosen():
    X, y = ratings()
    model = SNRecommender("user", 3, early_stopping=True, n_iter_no_change=3, **QUICK).fit(X, y)
    assert len(model.estimators_) == len(model.n_epochs_) == 3
    users, items = (np.unique(part, return_inverse=True)[1] for part in X.T)
    rows = sparse.csr_array((y, (users, items)))
    found = np.mean([e.predict_entries(rows, users, items) for e in model.estimators_], axis=0)
    np.testing.assert_allclose(
        model._people[0].ratings.model.predict_pairs(users, items), found, rtol=1e-6
    )
    assert max(model.n_epochs_) <= 20
    held = SNRecommender("user", early_stopping=True, refit=False, **QUICK).fit(X, y)
    n_seen = sum(e._learner.scaling.n_entries for e in held.estimators_)
    assert n_seen == len(y) - np.ceil(0.1 * len(y))


def test_weights_count():
    X, y = ratings(share=0.15)
    rng = np.random.RandomState(0)
    absent = rng.uniform(size=len(y)) < 0.3
    options = {**QUICK, "dtype": "float64"}
    without = SNRecommender("item", **options).fit(X[~absent], y[~absent])
    zero = SNRecommender("item", **options).fit(X, y, sample_weight=np.where(absent, 0.0, 2.0))
    np.testing.assert_allclose(zero.predict(X), without.predict(X))
    # ratings that weigh much are reproduced better
    heavy = SNRecommender("item", **{**options, "max_epochs": 100}).fit(
        X, y, sample_weight=np.where(absent, 20.0, 1.0)
    )
    even = SNRecommender("item", **{**options, "max_epochs": 100}).fit(X, y)
    errors = [np.mean((m.predict(X) - y)[absent] ** 2) for m in (heavy, even)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("orientation", ["item", "user"])
def test_predictions_depend_little_on_ratings_of_little_weight(orientation):
    rng = np.random.RandomState(0)
    truth = rng.normal(size=(80, 1)) + rng.normal(size=40)
    users, items = np.nonzero(rng.uniform(size=truth.shape) < 0.5)
    is_noise = rng.uniform(size=len(users)) < 0.5
    y = np.where(is_noise, rng.normal(scale=3, size=len(users)), truth[users, items])
    X, weights = np.column_stack([users, items]), np.where(is_noise, 1e-4, 1.0)
    options = {**QUICK, "objective": "rating", "max_epochs": 60}
    weighted = SNRecommender(orientation, **options).fit(X, y, sample_weight=weights)
    clean = SNRecommender(orientation, **options).fit(X[~is_noise], y[~is_noise])
    pairs = np.column_stack([np.repeat(np.arange(80), 40), np.tile(np.arange(40), 80)])
    errors = [
        np.sqrt(np.mean((model.predict(pairs) - truth.ravel()) ** 2)) for model in (weighted, clean)
    ]
    assert errors[0] < 1.2 * errors[1] + 0.05


# What is odd ------------------------------------------------------------------------------


def test_unknown_users_and_items_fall_back_on_what_is_known(fitted):
    X, y = ratings()
    for model in fitted.values():
        item, user = X[0, 1], X[0, 0]
        n, total = np.sum(X[:, 1] == item), y[X[:, 1] == item].sum()
        alone = model.predict([[-1, item]])[0]
        assert abs(alone - total / n) < 0.5  # its mean, shrunk and freed of who rated it
        of_user = model.predict([[user, -1]])[0]
        assert abs(of_user - y[X[:, 0] == user].mean()) < 0.6
        assert model.predict([[-1, -1]])[0] == pytest.approx(y.mean())
        assert model.predict(np.empty((0, 2), dtype=int)).shape == (0,)


def test_predictions_keep_to_the_range_of_the_ratings(fitted):
    X, _ = ratings()
    pairs = np.array([(u, i) for u in np.unique(X[:, 0]) for i in np.unique(X[:, 1])])
    for model in fitted.values():
        assert model.rating_range_ == (1.0, 5.0)
        found = model.predict(pairs)
        assert found.min() >= 1
        assert found.max() <= 5


def test_an_item_nobody_rated_and_a_user_who_rated_everything():
    X, y = ratings(30, 20)
    X = np.vstack([X, [[9999, i] for i in np.unique(X[:, 1])]])
    y = np.append(y, np.full(len(X) - len(y), 4.0))
    model = SNRecommender("both", **QUICK).fit(X, y)
    items, scores = model.recommend([9999], n=5)
    assert items.mask.all()
    assert scores.mask.all()
    items, _ = model.recommend([9999], n=5, exclude_seen=False)
    assert not items.mask.any()
    with pytest.warns(UserWarning, match="ratings of items that were not in training"):
        folded = model.fold_in([[1, 123456]], [4.0])  # of whom nothing is known that helps
    assert np.isfinite(folded.predict([[1, X[0, 1]]])).all()


def test_one_rating_in_all():
    model = SNRecommender("item", **QUICK).fit([["a", "b"]], [3.5])
    np.testing.assert_allclose(model.predict([["a", "b"], ["c", "d"]]), 3.5)
    assert model.recommend(["a"])[0].mask.all()
    assert model.similar_items(["b"])[0].shape == (1, 0)
    both = SNRecommender("both", **QUICK).fit([["a", "b"]], [3.5])
    assert (both.blend_, both.validation_score_) == (0.5, None)
    np.testing.assert_allclose(both.predict([["a", "b"]]), 3.5)
    with pytest.raises(ValueError, match="takes all of the n_samples=1 ratings"):
        SNRecommender("both", early_stopping=True, **QUICK).fit([["a", "b"]], [3.5])


def test_history_is_worth_something_and_can_be_left_out():
    """Who rates what says what they like, where the ratings themselves say little."""
    rng = np.random.RandomState(0)
    taste = rng.choice([-1, 1], size=300)
    odd = rng.uniform(size=(300, 60)) < np.where(taste[:, None] > 0, 0.25, 0.05)
    even = rng.uniform(size=(300, 60)) < np.where(taste[:, None] < 0, 0.25, 0.05)
    users, items = np.nonzero(np.concatenate([odd, even], axis=1))
    y = 3 + 0.7 * taste[users] * np.where(items % 3, 1, -1) + rng.normal(size=len(users))
    X = np.column_stack([users, items])
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    scores = [
        SNRecommender("item", history=h, hidden_layer_sizes=64, random_state=0)
        .fit(train, y_train)
        .score(test, y_test)
        for h in (True, False)
    ]
    assert scores[0] > scores[1] + 0.02


def test_held_out_ratings_count_what_they_weigh():
    """Ratings of no weight to speak of, of which there are most, do not choose the epoch."""
    X, y = ratings(60, 40)
    light = np.random.RandomState(0).uniform(size=len(y)) < 0.7
    weights = np.where(light, 1e-6, 1.0)
    noise = np.where(light, np.random.RandomState(1).permutation(y), y)
    options = {**QUICK, "max_epochs": 60, "early_stopping": True, "refit": False}
    scores = [
        SNRecommender("item", **options).fit(X, target, weights).estimators_[0].validation_scores_
        for target in (y, noise)
    ]
    np.testing.assert_allclose(*scores, rtol=0.01)


def test_it_can_be_pickled_and_repeated(fitted):
    X, y = ratings()
    expected = fitted["both"].predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted["both"])).predict(X), expected)
    np.testing.assert_array_equal(clone(fitted["both"]).fit(X, y).predict(X), expected)


def test_a_progress_bar_for_each_network(capsys):
    X, y = ratings(20, 10)
    SNRecommender("item", 2, **QUICK, verbose=True).fit(X, y)
    shown = capsys.readouterr().err
    assert "item rows 1/2" in shown
    assert "item rows 2/2" in shown
    assert "20/20" in shown


# scikit-learn's own checks ----------------------------------------------------------------

# What cannot apply passes tables of random numbers as X, where this has two columns of ids, no
# pair of which may occur twice and none of which may be missing.
OTHER_WIDTH = {
    "check_dict_unchanged", "check_dont_overwrite_parameters", "check_dtype_object",
    "check_estimators_dtypes", "check_estimators_pickle", "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d", "check_fit_score_takes_y", "check_methods_sample_order_invariance",
    "check_methods_subset_invariance", "check_n_features_in_after_fitting",
    "check_pipeline_consistency", "check_regressor_data_not_an_array", "check_regressors_int",
    "check_regressors_no_decision_function", "check_regressors_train",
    "check_sample_weight_equivalence_on_dense_data", "check_sample_weights_list",
    "check_supervised_y_2d", "check_all_zero_sample_weights_error", "check_complex_data",
    "check_estimators_empty_data_messages", "check_estimators_nan_inf", "check_fit2d_1feature",
    "check_fit2d_1sample", "check_positive_only_tag_during_fit", "check_readonly_memmap_input",
}  # fmt: skip


PAIRS_TWICE = {
    "check_estimators_fit_returns_self", "check_estimators_overwrite_params",
    "check_estimators_partial_fit_n_features", "check_fit_check_is_fitted",
    "check_fit_idempotent", "check_n_features_in",
    "check_sample_weights_not_overwritten", "check_sample_weights_shape",
}  # fmt: skip


# Matrices of users and items are taken by fit alone, since their rows are no pairs to predict.
MATRICES = {"check_estimator_sparse_tag"}


class OfInteractions(SNRecommender):
    """Without ratings, pairs may occur again, so that more checks apply."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X, None, sample_weight)

    def partial_fit(self, X, y=None, sample_weight=None):
        return super().partial_fit(X, None, sample_weight)


def checks():
    for model, left_out in (
        (SNRecommender(**QUICK), PAIRS_TWICE),
        (OfInteractions(**QUICK), MATRICES),
    ):
        for estimator, check in estimator_checks_generator(model, mark=None):
            name = getattr(check, "func", check).__name__
            if name not in OTHER_WIDTH | left_out:
                yield pytest.param(estimator, check, id=f"{type(model).__name__}-{name}")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_checks_of_scikit_learn_that_can_apply(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("slope", "shift"), [(1, 3), (0.5, -7), (100, 0), (1, -1e3)])
def test_an_increasing_affine_change_of_the_ratings_changes_nothing(slope, shift):
    X, y = ratings()
    plain, changed = (SNRecommender(**QUICK).fit(X, v) for v in (y, slope * y + shift))
    expected = slope * plain.predict(X) + shift
    np.testing.assert_allclose(changed.predict(X), expected, atol=1e-3 * slope)
    assert changed.validation_score_ == pytest.approx(slope * plain.validation_score_, rel=1e-3)
    found = (m.recommend(m.users_[:9], n=5)[0].tolist() for m in (plain, changed))
    assert next(found) == next(found)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e150, 1e300])
def test_the_unit_of_ratings_changes_nothing(unit):
    X, y = ratings()
    plain, scaled = (SNRecommender(**QUICK).fit(X, values) for values in (y, y * unit))
    np.testing.assert_allclose(scaled.predict(X) / unit, plain.predict(X), rtol=1e-4)
    assert scaled.validation_score_ / unit == pytest.approx(plain.validation_score_, rel=1e-4)
    assert scaled.blend_ == pytest.approx(plain.blend_, rel=1e-3)
    scores = (m.recommend(m.users_[:3])[1].filled(0) for m in (plain, scaled))
    np.testing.assert_allclose(next(scores), next(scores), rtol=1e-4, atol=1e-4)
    folded = scaled.fold_in(X[:9], y[:9] * unit).predict(X[:40]) / unit
    np.testing.assert_allclose(folded, plain.fold_in(X[:9], y[:9]).predict(X[:40]), rtol=1e-4)


def test_held_out_ratings_may_be_much_larger_than_those_to_train_on():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        for small in (1e-200, 1e-310):
            model = SNRecommender(refit=False, **QUICK)
            for seed in range(4):
                model.set_params(random_state=seed).fit([["a", 1], ["a", 2]], [small, 1.0])
                assert np.isfinite(model.validation_score_)


def test_one_absurd_rating_leaves_predictions_finite():
    X, y = ratings()
    model = SNRecommender(**QUICK).fit(X, np.r_[1e300, y[1:]])
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.validation_score_)


def test_means_of_huge_ratings_are_finite():
    X, y = ratings()
    plain, huge = (SNRecommender("item", **QUICK).fit(X, v) for v in (y, y * 3e307))
    asked = np.array([[-1, X[0, 1]], [X[0, 0], -1], [-1, -1]])
    np.testing.assert_allclose(huge.predict(asked) / 3e307, plain.predict(asked), rtol=1e-6)
    assert huge.recommend([-1], 2)[0].tolist() == plain.recommend([-1], 2)[0].tolist()
    with pytest.raises(ValueError, match=r"y must hold numbers, got text"):
        SNRecommender().fit(X[:2], ["1", "2"])
    with pytest.raises(ValueError, match=r"y is missing \(<NA>\) in row 1"):
        SNRecommender().fit(X[:2], pd.Series([1, pd.NA], dtype=object))
