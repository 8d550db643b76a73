"""Candidates that `fit` compares on held-out rows and blends, and groups of rows."""

import pickle
import time
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_validate
from skorch.callbacks import Callback, Checkpoint, EpochScoring

from sksn import SNClassifier, SNRegressor
from sksn._targets import ClassTargets
from sksn._training import _selection
from sksn._training._held_out import hold_out_groups
from sksn._training._losses import NonFiniteLossError
from sksn._training._net import RowNet
from sksn._training._row_learner import RowLearner
from sksn._training._table import Table

from .common import ESTIMATORS, SMALL, output

USELESS = {"lr": 1e-6}  # learns nothing


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_better_parameters_are_used(cancer, estimator):
    """The result is a network that was trained with them on all rows."""
    X, y = cancer
    for own, candidate in ((USELESS, {"lr": 0.02}), ({"lr": 0.02}, USELESS)):
        model = estimator(**SMALL | own, candidates=[candidate]).fit(X, y)
        assert model.best_candidate_ == (candidate if own is USELESS else {})
        expected = estimator(**SMALL | {"lr": 0.02}).fit(X, y)
        assert_array_equal(output(model, X), output(expected, X))
        (first, loss), (second, other) = model.candidate_losses_
        assert (first, second) == ({}, candidate)
        assert (other < loss) == (own is USELESS)
        assert model.get_params()["lr"] == own["lr"]


def test_losses_are_those_of_networks_that_did_not_see_the_rows():
    """Where y is noise, a network that learns it by heart has no lower loss on held-out rows."""
    random = np.random.RandomState(0)
    X, y = random.normal(size=(200, 10)), random.normal(size=200)
    by_heart = {"dropout": 0.0, "input_dropout": 0.0, "alpha": 0.0, "max_epochs": 100}
    model = SNRegressor(**SMALL, candidates=[by_heart]).fit(X, y)
    assert model.best_candidate_ == {}
    assert model.candidate_losses_[1][1] > 1.0


def test_the_loss_is_the_mean_over_folds(cancer):
    """A fold by hand: the estimator's own parameters, trained without it."""
    X, y = cancer
    X, y = X[:100], y[:100] * 1.0
    model = SNRegressor(**SMALL, candidates=[USELESS]).fit(X, y)
    seed = np.random.RandomState(0).randint(2**31 - 1)
    losses = []
    for kept, out in KFold(5, shuffle=True, random_state=seed).split(X):
        fold = SNRegressor(**SMALL | {"random_state": seed}).fit(X[kept], y[kept])
        losses.append(np.mean((fold.predict(X[out]) - y[out]) ** 2) / y[kept].var())
    assert_allclose(model.candidate_losses_[0][1], np.mean(losses), rtol=1e-5)


def test_a_difference_within_its_standard_error_replaces_nothing(cancer):
    X, y = cancer
    same = {"lr": SMALL["lr"] * (1 + 1e-6)}
    assert SNClassifier(**SMALL, candidates=[same]).fit(X, y).best_candidate_ == {}


def test_rows_to_validate_on_choose(cancer):
    X, y = cancer
    model = SNClassifier(**SMALL, candidates=[USELESS])
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    alone = SNClassifier(**SMALL | {"random_state": np.random.RandomState(0).randint(2**31 - 1)})
    proba = alone.fit(X[:300], y[:300]).predict_proba(X[300:])
    log_loss = -np.log(proba[np.arange(len(proba)), y[300:]]).mean()
    assert_allclose(model.candidate_losses_[0][1], log_loss, rtol=1e-5)


def test_weights_count_in_the_comparison(cancer):
    """Integer weights choose as repeated rows to validate on do."""
    X, y = cancer
    repeats = np.random.RandomState(0).randint(1, 4, size=269)
    model = SNClassifier(**SMALL, candidates=[{"lr": 0.01}])
    fit = {"X_val": X[300:], "y_val": y[300:], "sample_weight_val": repeats}
    weighted = clone(model).fit(X[:300], y[:300], **fit).candidate_losses_
    fit = {"X_val": np.repeat(X[300:], repeats, axis=0), "y_val": np.repeat(y[300:], repeats)}
    repeated = clone(model).fit(X[:300], y[:300], **fit).candidate_losses_
    assert_allclose([loss for _, loss in weighted], [loss for _, loss in repeated], rtol=1e-6)


@pytest.mark.parametrize("stopping", [False, True])
def test_groups_stay_together(cancer, stopping, monkeypatch):
    X, y = cancer
    X = np.c_[X, np.arange(len(X))]
    groups = np.array([f"patient {i // 7}" for i in range(len(X))])
    seen = []
    original = _selection._fold

    def watch(learner, settings, kept, out, name):
        seen.append((kept.X[:, -1] // 7, out.X[:, -1] // 7))
        return original(learner, settings, kept, out, name)

    monkeypatch.setattr(_selection, "_fold", watch)
    model = SNClassifier(**SMALL, candidates=[USELESS], early_stopping=stopping)
    model.fit(X, y, groups=groups)
    assert len(seen) == 5
    assert not any(set(kept) & set(out) for kept, out in seen)


def test_groups_that_are_held_out():
    groups = np.repeat(np.arange(10), 3)
    kept, out = hold_out_groups(groups, 0.25, seed=0)
    assert not set(groups[kept]) & set(groups[out])
    assert len(set(groups[out])) == 3
    assert_array_equal(np.sort(np.r_[kept, out]), np.arange(30))


def test_groups_by_metadata_routing(cancer):
    X, y = cancer
    with sklearn.config_context(enable_metadata_routing=True):
        model = SNClassifier(**SMALL, early_stopping=True).set_fit_request(groups=True)
        params = {"groups": np.arange(len(y)) // 5}
        found = cross_validate(model, X, y, cv=2, params=params)
    assert (found["test_score"] > 0.8).all()


def test_few_rows_and_rare_classes(cancer):
    X, y = cancer
    model = SNClassifier(**SMALL, candidates="auto").fit(X[:40], y[:40])
    assert model.candidate_losses_ == []
    rare = y.copy()
    rare[:2] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SNClassifier(**SMALL, candidates=[USELESS]).fit(X, rare)
    assert model.best_candidate_ == {}


def test_every_kind_of_y(cancer):
    X, y = cancer
    labels = np.c_[y, 1 - y, X[:, 0] > 15]
    labels = np.where(np.random.RandomState(0).uniform(size=labels.shape) < 0.1, np.nan, labels)
    labels[np.isnan(labels).all(axis=1)] = 0
    model = SNClassifier(**SMALL | USELESS, candidates=[{"lr": 0.02}]).fit(X, labels)
    assert model.best_candidate_ == {"lr": 0.02}
    model = SNRegressor(**SMALL | USELESS, candidates=[{"lr": 0.02}], loss="quantile", quantile=0.7)
    assert model.fit(X, y).best_candidate_ == {"lr": 0.02}


def test_candidates_may_change_how_inputs_are_scaled(cancer):
    X, y = cancer
    own = {"input_scaling": None, "n_bins": 0, "target": 1e-3}
    candidate = {"input_scaling": "observed", "n_bins": 4, "target": "mean"}
    model = SNClassifier(**SMALL | own, candidates=[candidate]).fit(X * 1e-3, y)
    assert model.best_candidate_ == candidate
    expected = SNClassifier(**SMALL | own | candidate).fit(X * 1e-3, y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_a_candidate_that_fails_is_not_chosen(cancer):
    X, y = cancer
    model = SNRegressor(**SMALL, candidates=[{"lr": 1e30, "alpha": 0}, {"alpha": 0.5}]).fit(X, y)
    losses = [loss for _, loss in model.candidate_losses_]
    assert losses[1] == np.inf
    assert np.isfinite([losses[0], losses[2]]).all()


def test_training_goes_on_with_the_chosen_parameters(cancer):
    X, y = cancer
    model = SNClassifier(
        **SMALL | {"hidden_layer_sizes": (1,), "lr": 1e-6},
        candidates=[{"hidden_layer_sizes": (16,), "lr": 0.02}],
        warm_start=True,
    ).fit(X, y)
    assert model.net_.module_.input.weight.shape[1] == 16
    model.partial_fit(X, y)
    model.fit(X, y)
    assert model.net_.module_.input.weight.shape[1] == 16
    with pytest.raises(ValueError, match=r"alpha was 1\.0 when training began"):
        model.set_params(alpha=3.0, activation="gelu").fit(X, y)


# Blends -----------------------------------------------------------------------------------------

TWO = [{"activation": "tanh"}, {"hidden_layer_sizes": (8, 8)}]


@pytest.fixture
def blend(monkeypatch):
    """Every candidate has a share, whatever its loss."""
    monkeypatch.setattr(_selection, "_blend", lambda folds, which: np.array([0.5, 0.2, 0.3]))


def members_of(model):
    """The learners of a blend, and their weights."""
    others = model._learner.blend
    return [(model._learner, 1 - sum(w for _, w in others)), *others]


def decoded(learner, X, decode):
    return decode(learner.targets, learner.decoded(X, np.asarray))


@pytest.mark.usefixtures("blend")
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_probabilities_are_weighted_means(cancer, kind):
    X, y = cancer
    y = {"binary": y, "multiclass": y + (X[:, 0] > 15), "multilabel": np.c_[y, X[:, 0] > 15]}[kind]
    model = SNClassifier(**SMALL, candidates=TWO).fit(X, y)
    rows = model._validated(X)
    of_members = [decoded(m, rows, ClassTargets.probabilities) for m, _ in members_of(model)]
    weights = [w for _, w in members_of(model)]
    assert len(weights) == 3
    assert_allclose(np.sort(weights), [0.2, 0.3, 0.5])
    assert_allclose(np.sort(model.candidate_weights_), [0.2, 0.3, 0.5])
    assert_allclose(model.predict_proba(X), np.average(of_members, axis=0, weights=weights))
    assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-6)
    if kind == "multiclass":
        assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))


@pytest.mark.usefixtures("blend")
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error"])
def test_numbers_are_weighted_means(cancer, loss):
    X, y = cancer
    model = SNRegressor(**SMALL, candidates=TWO, loss=loss).fit(X, y + 1.0)
    rows = model._validated(X)
    found = [decoded(m, rows, type(m.targets).decode) for m, _ in members_of(model)]
    weights = [w for _, w in members_of(model)]
    assert len(weights) == 3
    assert_allclose(model.predict(X), np.average(found, axis=0, weights=weights))


def test_weights_by_hand():
    """The mean of those blends of quarters that are not clearly worse than the best one."""
    y = np.array([0.0, 0.0])
    outputs = [np.array([[1.0], [1.0]]), np.array([[-1.0], [-1.0]]), np.array([[9.0], [9.0]])]
    fold = _selection._Fold(
        outputs,
        lambda given, weights: np.average(given, axis=0, weights=weights),
        lambda output: (output[:, 0] - y) ** 2,
    )
    assert_allclose(_selection._blend([fold], np.arange(2)), [0.5, 0.5])
    assert_allclose(_selection._blend([fold], np.arange(3)), [0.5, 0.5, 0])
    assert_allclose(_selection._blend([fold], np.array([2, 0])), [0, 1])
    noisy = fold._replace(losses=lambda output: np.array([1.0, -0.9]) * output[:, 0])
    assert_allclose(_selection._blend([noisy], np.arange(2)), [0.5, 0.5])  # all are near


def test_a_blend_has_a_lower_loss_than_its_parts():
    """On rows that were held out from all of it."""
    random = np.random.RandomState(0)
    X = random.normal(size=(1200, 8))
    y = X[:, 0] * X[:, 1] + X[:, 2] + random.normal(size=1200)
    model = SNRegressor(candidates="auto", random_state=0).fit(X[:400], y[:400])
    rows = model._validated(X[400:])
    mine = model.score(X[400:], y[400:])
    members = members_of(model)
    assert len(members) > 1
    scores = [r2_score(y[400:], decoded(m, rows, type(m.targets).decode)) for m, _ in members]
    assert mine > np.average(scores, weights=[w for _, w in members])


@pytest.mark.usefixtures("blend")
def test_all_networks_of_a_blend_go_on_learning(cancer):
    X, y = cancer
    model = SNClassifier(**SMALL, candidates=TWO).fit(X, y)
    rows = model._validated(X)

    def outputs():
        return [decoded(m, rows, ClassTargets.probabilities) for m, _ in members_of(model)]

    before, n_networks = outputs(), len(members_of(model))
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X, y + 7)
    assert all(map(np.array_equal, before, outputs()))
    model.partial_fit(X, y)
    assert len(members_of(model)) == n_networks == 3
    assert not any(map(np.array_equal, before, outputs()))
    with pytest.raises(ValueError, match=r"alpha was 1\.0 when training began"):
        model.set_params(alpha=3.0).partial_fit(X, y)


class Followed(Callback):
    """Counts the epochs of the other networks at each epoch of a learner."""

    def __init__(self, learner):
        self.learner, self.n_epochs = learner, []

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs.append([len(other.net.history) for other, _ in self.learner.blend])


def test_callbacks_see_all_networks_trained(cancer):
    X, y = cancer
    model = SNClassifier(**SMALL, candidates=TWO).fit(X, y)
    choice = _selection.Choice([0.5, 0.2, 0.3], model.candidate_losses_)
    parameters, targets = model._parameters(), model._learner.targets
    start = RowLearner(parameters, targets, as_sparse=False)
    learner = _selection.blended(start, parameters, choice)
    table = Table(model._validated(X), targets.encode(y), None)
    lesson = learner.prepare(parameters, table)
    follower = Followed(learner)
    learner.train(lesson._replace(run=lesson.run._replace(followers=(follower,))))
    assert follower.n_epochs[0] == [SMALL["max_epochs"]] * 2
    seen = learner.snapshot()
    assert [weight for _, weight in seen.blend] == [0.3, 0.2]
    assert {id(other.net) for other, _ in seen.blend}.isdisjoint(
        id(other.net) for other, _ in learner.blend
    )


@pytest.mark.usefixtures("blend")
@pytest.mark.parametrize("n_runs", [1, 7, 16])  # 15 in the comparison, and 3 after it
@pytest.mark.parametrize("stops", [False, True])
def test_an_interrupt_of_networks_that_no_callback_follows_ends_fit(
    cancer, n_runs, stops, monkeypatch
):
    X, y = cancer
    model = SNClassifier(**SMALL, candidates=TWO, early_stopping=stops)
    before = model.fit(X, y).predict_proba(X)
    runs = []
    fit_loop = RowNet.fit_loop

    def interrupted(self, *args, epochs, **kwargs):
        runs.append(epochs)
        if len(runs) != n_runs:
            return fit_loop(self, *args, epochs=epochs, **kwargs)
        fit_loop(self, *args, epochs=1, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(RowNet, "fit_loop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(runs) == n_runs
    if n_runs <= 15:  # nothing was trained
        assert_array_equal(model.predict_proba(X), before)


@pytest.mark.usefixtures("blend")
def test_a_rejected_chunk_changes_nothing(cancer):
    X, y = cancer
    model, twin = (SNClassifier(**SMALL, candidates=TWO).fit(X, y) for _ in range(2))
    model.set_params(callbacks=[EpochScoring("accuracy")])
    monitor = Checkpoint(monitor="valid_loss_best", f_params=None)
    with pytest.raises(ValueError, match="early_stopping"):
        model.set_params(callbacks=[monitor]).partial_fit(X, y)
    model.set_params(callbacks=None)
    for one in (model, twin):
        one.partial_fit(X, y)
    assert_array_equal(model.predict_proba(X), twin.predict_proba(X))


@pytest.mark.parametrize("change", [{"lr": 1.0}, {"alpha": 77.0}, {"candidates": None}])
def test_what_a_candidate_replaces_cannot_change_later(cancer, change):
    X, y = cancer
    chosen = {"lr": 0.02, "alpha": 2.0}
    model = SNClassifier(**SMALL | USELESS, candidates=[chosen]).fit(X, y)
    assert model.best_candidate_ == chosen
    with pytest.raises(ValueError, match=rf"{next(iter(change))} was .* when training began"):
        model.set_params(**change).partial_fit(X, y)


@pytest.mark.usefixtures("blend")
def test_a_network_that_fails_in_the_end_is_left_out(cancer, monkeypatch):
    X, y = cancer
    train = RowLearner.train_to_the_end
    runs = []

    def failing(self, lesson):
        runs.append(self)
        if len(runs) == 16:
            raise NonFiniteLossError("The training loss became nan.")
        train(self, lesson)

    monkeypatch.setattr(RowLearner, "train_to_the_end", failing)
    with pytest.warns(UserWarning, match="A candidate is left out of the blend. The training loss"):
        model = SNClassifier(**SMALL, candidates=TWO).fit(X, y)
    weights = model.candidate_weights_
    assert sum(weights) == pytest.approx(1)
    assert_allclose([w for _, w in members_of(model)], [w for w in weights if w])
    assert len([w for w in weights if w]) == 2
    assert np.isfinite(model.predict_proba(X)).all()


def test_where_no_loss_is_finite_the_own_parameters_stay(cancer, monkeypatch):
    """Losses on rows far outside may overflow, as those of rates do."""
    monkeypatch.setattr(_selection, "_loss_of", lambda folds, k: np.inf)
    model = SNClassifier(**SMALL, candidates=TWO).fit(*cancer)
    assert model.candidate_weights_ == [1, 0, 0]
    assert model.best_candidate_ == {}


def test_dropout_of_the_folds_is_that_of_all_rows():
    """A fold has 96 rows for each feature, and all rows 120."""
    X = np.random.RandomState(0).normal(size=(600, 5))
    same = {"dropout": 0.1, "input_dropout": 0.025}
    options = {"random_state": 0, "max_epochs": 3, "candidates": [same, {"dropout": 0.5}]}
    losses = [loss for _, loss in SNRegressor(**options).fit(X, X[:, 0]).candidate_losses_]
    assert losses[0] == losses[1] != losses[2]


def test_many_labels_cost_little_more_than_training():
    random = np.random.RandomState(0)
    X = random.normal(size=(3000, 10))
    y = sparse.csr_array((random.uniform(size=(3000, 400)) < 0.1).astype(int))
    options = {"max_epochs": 1, "random_state": 0, "hidden_layer_sizes": 8}
    start = time.process_time()
    SNClassifier(**options).fit(X, y)
    middle = time.process_time()
    SNClassifier(**options, candidates=[{"lr": 0.02}, {"lr": 0.01}, {"lr": 0.1}]).fit(X, y)
    one, blend = middle - start, time.process_time() - middle
    assert blend < 20 * one + 6  # four networks in two folds and four in the end; was 40 s


@pytest.mark.usefixtures("blend")
def test_early_stopping_and_callbacks_in_a_blend(cancer):
    X, y = cancer
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net)

    options = SMALL | {"early_stopping": True, "n_iter_no_change": 2, "callbacks": [Watch()]}
    model = SNClassifier(**options, candidates=TWO).fit(X, y)
    assert len(members_of(model)) == 3
    assert {id(net) for net in seen} == {id(model.net_)}
    for learner, _ in members_of(model):
        assert learner.record.validation_scores is not None


def test_the_built_in_candidates_train_long_enough():
    found = _selection.built_in(np.zeros((300, 2)), {"batch_size": "auto"})
    assert found[1]["max_epochs"] == 134  # 3 batches an epoch, 400 steps
    assert _selection.built_in(np.zeros((10_000, 2)), {"batch_size": 100})[1]["max_epochs"] == 60


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ("all", "candidates must be None, 'auto', or a sequence of dictionaries"),
        ([], "candidates must be None, 'auto', or a sequence of dictionaries"),
        ([{"depth": 3}], "candidates must name parameters that can be compared, got 'depth'"),
        ([{"random_state": 3}], "parameters that can be compared, got 'random_state'"),
        ([{"dropout": 2}], r"dropout must be a number in \[0, 1\) or 'auto', got 2"),
    ],
)
def test_bad_candidates(cancer, candidates, message):
    with pytest.raises(ValueError, match=message):
        SNClassifier(candidates=candidates).fit(*cancer)


def test_bad_groups(cancer):
    X, y = cancer
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SNClassifier(early_stopping=True).fit(X, y, groups=y[1:])
    with pytest.raises(ValueError, match=r"groups must have shape \(n_samples,\)"):
        SNClassifier(early_stopping=True).fit(X, y, groups=X)
    with pytest.raises(ValueError, match="groups is used by early_stopping, which is False"):
        SNClassifier().fit(X, y, groups=y)
    with pytest.raises(ValueError, match=r"groups must say .* row 2 is missing"):
        SNClassifier(early_stopping=True).fit(X, y, groups=[0, 1, None, *y[3:]])
    with pytest.raises(ValueError, match="groups has 1 different values"):
        SNClassifier(early_stopping=True).fit(X, y, groups=np.zeros(len(y)))
    with pytest.raises(ValueError, match="groups must have at least 5 different values"):
        SNClassifier(candidates=[USELESS]).fit(X, y, groups=y)


@pytest.mark.usefixtures("blend")
def test_progress_says_which_network_is_trained(cancer, capsys):
    SNClassifier(**SMALL, candidates=TWO).fit(*cancer)
    assert not capsys.readouterr().err
    SNClassifier(**SMALL, candidates=TWO, verbose=True).fit(*cancer)
    lines = capsys.readouterr().err.splitlines()
    labels = list(dict.fromkeys(line.split(":")[0] for line in lines))
    compared = [f"fold {i}, candidate {k}/3" for i in range(1, 6) for k in range(1, 4)]
    blended = ["SNClassifier, network 1", "SNClassifier, network 2", "SNClassifier"]
    assert labels == compared + blended
