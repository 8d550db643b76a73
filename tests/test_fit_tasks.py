"""Progress, and callbacks of scikit-learn, which follow fit and its epochs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from tests.helpers import poke

callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")

from sksn import (  # noqa: E402
    ObservedScaler,
    SNAutoencoder,
    SNClassifier,
    SNRecommender,
    SNRegressor,
    SparsityNormalizer,
)

QUICK = {"max_epochs": 4, "random_state": 0}
NETWORKS = [SNClassifier(**QUICK), SNRegressor(**QUICK), SNAutoencoder(**QUICK)]
each_network = pytest.mark.parametrize("estimator", NETWORKS, ids=lambda e: type(e).__name__)


class Recorder:
    """Records the tasks that it sees, and ends training after some epochs."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.events, self.scores, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))
        self.seen = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if fitted_estimator is not None:  # a search has none
            self.scores.append(output(fitted_estimator, X))
        n_epochs = sum(event[:2] == ("end", "epoch") for event in self.events)
        return self.stop_after == n_epochs


def output(estimator, X):
    return (estimator.predict if hasattr(estimator, "predict") else estimator.transform)(X)


def table():
    X = np.random.RandomState(0).normal(size=(60, 4))
    return poke(X, 0.2), (X[:, 0] > 0).astype(int)


@each_network
def test_callbacks_see_fit_and_its_epochs(estimator):
    X, y = table()
    recorder = Recorder()
    plain = clone(estimator).fit(X, y)
    model = clone(estimator).set_callbacks(recorder).fit(X, y)
    tasks = [("epoch", i) for i in range(4)]
    inner = [event for task in tasks for event in (("begin", *task), ("end", *task))]
    assert recorder.events == ["setup", ("begin", "fit", 0), *inner, ("end", "fit", 0), "teardown"]
    assert recorder.seen[0] is X
    np.testing.assert_array_equal(output(model, X), output(plain, X), "nothing else changes")
    if not isinstance(estimator, SNAutoencoder):  # whose corrections are shrunken at the end
        np.testing.assert_array_equal(recorder.scores[-1], output(model, X))
    assert not np.array_equal(recorder.scores[0], recorder.scores[-1])
    assert vars(model).keys() - vars(plain).keys() == {"_skl_callbacks"}


def test_what_a_callback_keeps_stays_as_it_was():
    X, y = table()
    kept = []

    class Keeper(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            kept.append((fitted_estimator, fitted_estimator.predict_proba(X)))

    SNClassifier(**QUICK).set_callbacks(Keeper()).fit(X, y)
    for model, proba in kept:
        np.testing.assert_array_equal(model.predict_proba(X), proba)
    assert not np.array_equal(kept[0][1], kept[-1][1])
    assert [model.n_epochs_ for model, _ in kept] == [1, 2, 3, 4, 4]


@each_network
def test_a_callback_may_end_training(estimator):
    X, y = table()
    model = clone(estimator).set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert model.n_epochs_ == 2
    assert len(model.loss_curve_) == 2


def test_weights_are_metadata():
    X, y = table()
    recorder, weights = Recorder(), np.arange(60.0)
    SNRegressor(**QUICK).set_callbacks(recorder).fit(X, y, sample_weight=weights)
    assert recorder.seen[1] is y
    assert recorder.seen[2]["sample_weight"] is weights


def test_a_failure_tears_down_and_leaves_nothing():
    X, y = table()

    class Failure(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("of the callback")

    failure = Failure()
    model = SNClassifier(**QUICK).set_callbacks(failure)
    with pytest.raises(RuntimeError, match="of the callback"):
        model.fit(X, y)
    assert failure.events[-1] == "teardown"
    assert not [name for name in vars(model) if "ctx" in name or "teardown" in name]


def test_meta_estimators_hand_them_on():
    X, y = table()
    recorder = Recorder()
    search = GridSearchCV(SNClassifier(**QUICK), {"power": [0.0, 1.0]}, cv=2)
    search.set_callbacks(recorder).fit(X, y)
    assert recorder.events.count(("end", "epoch", 3)) == 5
    recorder = Recorder()
    steps = (ObservedScaler(), SparsityNormalizer(), SNRegressor(**QUICK))
    pipeline = make_pipeline(*steps)
    pipeline.set_callbacks(recorder).fit(X, y)
    assert ("end", "epoch", 3) in recorder.events
    assert sum(event[0] == "begin" for event in recorder.events) == 1 + 3 + 4


def test_a_scoring_monitor_has_a_score_of_each_epoch():
    X, y = table()
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = SNClassifier(**QUICK).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data
    scores = [row["neg_log_loss"] for row in log if row["task_name"] == "epoch"]
    assert len(scores) == 4
    assert scores[-1] == pytest.approx(-np.mean(-np.log(model.predict_proba(X)[range(60), y])))


def test_the_recommender_is_one_task():
    X = np.array([[u, i] for u in range(12) for i in range(8) if (u + i) % 3])
    recorder = Recorder()
    recorder.on_fit_task_end = lambda estimator, context: recorder.events.append("end")
    SNRecommender(objective="ranking").set_callbacks(recorder).fit(X)
    assert recorder.events == ["setup", ("begin", "fit", 0), "end", "teardown"]


@each_network
@pytest.mark.parametrize(("verbose", "n_lines"), [(False, 0), (np.True_, 9), (2, 35)])
def test_lines_where_there_is_no_terminal(estimator, verbose, n_lines, capsys):
    X, y = table()
    model = clone(estimator).set_params(verbose=verbose, max_epochs=35).fit(X, y)
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert len(lines) == n_lines
    if verbose:
        assert lines[-1].startswith(f"{type(model).__name__}: epoch 35/35, train_loss ")


def test_a_line_says_the_losses(capsys):
    X, y = table()
    model = SNClassifier(verbose=2, early_stopping=True, **QUICK).fit(X, y)
    first = capsys.readouterr().err.splitlines()[0]
    losses = model.loss_curve_[0], -model.validation_scores_[0]
    assert f"epoch 1/4, train_loss {losses[0]:.4g}, valid_loss {losses[1]:.4g}, 0." in first


def test_the_last_epoch_is_said_when_training_ends_early(capsys):
    X, y = table()
    options = {**QUICK, "max_epochs": 100, "verbose": True}
    SNClassifier(**options).set_callbacks(Recorder(stop_after=13)).fit(X, y)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "SNClassifier: epoch 10/100",
        "SNClassifier: epoch 13/100",
    ]
