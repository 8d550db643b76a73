"""Rejected calls change nothing, and failures in the middle of training leave nothing half."""

import copy
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from skorch.callbacks import Callback

from sksn import SNAutoencoder, SNClassifier, SNRegressor
from sksn._training import _fences, _lifecycle
from sksn._training._held_out import hold_out_rows
from sksn.nn import RowSparseAdamW

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = (X.sum(axis=1) > 0).astype(int)
QUICK = {"max_epochs": 3, "random_state": 0}
ESTIMATORS = [SNClassifier, SNRegressor, SNAutoencoder]


def arguments(model, X, n=None):
    return (X[:n],) if isinstance(model, SNAutoencoder) else (X[:n], Y[:n])


def first_chunk(model, X):
    classes = {"classes": [0, 1]} if isinstance(model, SNClassifier) else {}
    return model.partial_fit(*arguments(model, X), **classes)


def predicted(model, X):
    if isinstance(model, SNClassifier):
        return model.predict_proba(X)
    return model.reconstruct(X) if isinstance(model, SNAutoencoder) else model.predict(X)


def public(model):
    return {k: v for k, v in vars(model).items() if k.endswith("_") and k != "net_"}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("scaling", ["observed", None, "global"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_rejected_chunk_changes_nothing(estimator, scaling, method, as_sparse):
    if (scaling is None) == (estimator is SNAutoencoder) or (
        scaling == "global" and estimator is not SNAutoencoder
    ):
        pytest.skip("the estimator does not scale like this")
    container = sparse.csr_array if as_sparse else np.array
    good, bad = container(X), X.copy()
    bad[0, :2] = 1e300
    bad[1:30, 0] = np.nan  # K would move as well
    bad = container(np.nan_to_num(bad)) if as_sparse else bad
    model = first_chunk(estimator(input_scaling=scaling, random_state=0), good)
    twin = copy.deepcopy(model)
    bad = good * np.inf if method == "fit" else bad
    with pytest.raises(ValueError, match=r"beyond the range of float32|infinity"):
        getattr(model, method)(*arguments(model, bad))
    assert public(model).keys() == public(twin).keys()
    for name, value in public(twin).items():
        assert_array_equal(getattr(model, name), value)
    assert_array_equal(predicted(model, good), predicted(twin, good))
    for one in (model, twin):
        one.partial_fit(*arguments(one, good))
    assert_array_equal(predicted(model, good), predicted(twin, good))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_while_data_are_prepared(estimator, error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    fitted = estimator(**QUICK).fit(*arguments(estimator(), X))
    before = predicted(fitted, X)
    for method in ("_scaled", "_schedule"):
        with monkeypatch.context() as patch:
            patch.setattr(_lifecycle.Learner, method, fail)
            for cls in _lifecycle.Learner.__subclasses__():
                patch.setattr(cls, method, fail)
            for model in (estimator(early_stopping=True, **QUICK), fitted):
                with pytest.raises(error):
                    model.fit(*arguments(model, X))
            with pytest.raises(error):
                fitted.partial_fit(*arguments(model, X))
    with pytest.raises(NotFittedError):
        predicted(estimator(early_stopping=True, **QUICK), X)
    assert_array_equal(predicted(fitted, X), before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_end", "on_train_end"])
@pytest.mark.parametrize("warm", [False, True])
def test_the_record_agrees_with_the_network_after_a_failure(estimator, event, warm):
    class Fail(Callback):
        armed = False

        def fail(self, net, **kwargs):
            if self.armed:
                raise OSError("disk full")

    setattr(Fail, event, Fail.fail)
    fail = Fail()
    model = estimator(callbacks=[fail], warm_start=warm, input_scaling="observed", **QUICK)
    model.fit(*arguments(model, X))
    fail.armed = True
    train = model.fit if warm else model.partial_fit
    with pytest.raises(OSError, match="disk full"):
        train(*arguments(model, X + 1))
    assert len(model.net_.history) == model.n_epochs_ == len(model.loss_curve_)
    assert all("train_loss" in epoch for epoch in model.net_.history)
    assert model.target_ == model.net_.module_.input.target
    fresh = copy.deepcopy(model)  # what it answers comes from the network as it is now
    assert_array_equal(predicted(fresh, X), predicted(model, X))
    if estimator is SNAutoencoder:
        module = model.net_.module_.eval()
        rows = model._learner.rows.transform(X, np.float32)
        with torch.no_grad():
            expected = module(torch.as_tensor(rows)).numpy()
        assert_allclose(
            model.reconstruct(X), model._learner.scaling.inverse(expected), rtol=1e-4, atol=1e-5
        )
    fail.armed = False
    train(*arguments(model, X))
    assert model.n_epochs_ == len(model.net_.history)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_nothing_is_left_of_a_fit_that_fails_in_training(estimator):
    class Fail(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise OSError("disk full")

    model = estimator(**QUICK).fit(*arguments(estimator(), X))
    with pytest.raises(OSError, match="disk full"):
        model.set_params(callbacks=[Fail()]).fit(*arguments(model, X[:, :3]))
    assert not public(model)
    with pytest.raises(NotFittedError):
        predicted(model, X)


class Counting(SNRegressor):
    """A subclass whose `fit` sets an attribute before and after."""

    def fit(self, X, y, **options):
        self.first_ = len(X)
        super().fit(X, y, **options)
        self.last_ = len(X)
        return self


def test_attributes_of_a_subclass_stay():
    model = Counting(**QUICK).fit(X, Y)
    again = model.fit(X[:40], Y[:40])
    assert (again.first_, again.last_) == (40, 40)

    class Stop(Callback):
        def on_train_begin(self, net, **kwargs):
            raise ZeroDivisionError

    model.set_params(callbacks=[Stop()])
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y)
    assert (model.first_, model.last_) == (60, 40)
    assert not hasattr(model, "net_")
    assert not hasattr(model, "n_features_in_")


def test_an_interrupt_while_weights_settle_leaves_none_owed(monkeypatch):
    rng = np.random.RandomState(0)
    wide = sparse.csr_array(rng.uniform(size=(200, 3000)) * (rng.uniform(size=(200, 3000)) < 0.005))
    y = rng.randint(0, 2, 200)
    original, calls = RowSparseAdamW.settle, []

    def settle(self):
        calls.append(len(calls))
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(self)

    monkeypatch.setattr(RowSparseAdamW, "settle", settle)
    model = SNClassifier(batch_size=16, warm_start=True, **QUICK).fit(wide, y)
    assert model.net_.module_.input.sparse_grad
    assert model.n_epochs_ == 1
    states = [state for state in model.net_.optimizer_.state.values() if "settled" in state]
    assert states
    assert all(state["n_steps"] == state["settled"] for state in states)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_threads_that_are_born_during_a_fit_keep_all_threads_of_torch(estimator):
    seen, done = [], threading.Event()

    def work():
        torch.get_num_threads()  # what torch tells a thread first, it keeps
        done.wait()
        seen.append(torch.get_num_threads())

    class Spawn(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if not threads:
                assert torch.get_num_threads() == 1
                threads.append(threading.Thread(target=work))
                threads[0].start()

    threads = []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model = estimator(callbacks=[Spawn()], **QUICK)
        model.fit(*arguments(model, X))
        done.set()
        threads[0].join()
        assert (torch.get_num_threads(), seen) == (2, [2])
    finally:
        done.set()
        torch.set_num_threads(before)


# Extreme numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("absurd", [1e4, 1e12, 1e200, -1.7e308])
@pytest.mark.parametrize("n_rows", [1, 3])
def test_absurd_rows_do_not_blind_a_network(absurd, n_rows):
    bad = X.copy()
    bad[:n_rows] = absurd
    model = SNClassifier(random_state=0)
    assert model.fit(bad, Y).score(X, Y) > 0.9
    chunked = SNClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1])
    for _ in range(20):
        chunked.partial_fit(X, Y)
    chunked.partial_fit(bad, Y).partial_fit(np.full((1, 4), absurd), Y[:1])
    assert chunked.score(X, Y) > 0.85
    rows = np.r_[X, [[1.7e308, -1.7e308, 0, 0]]]
    assert np.isfinite(chunked.predict_proba(rows)).all()


def test_ordinary_outliers_count_as_before():
    """The fences are so far out that they leave normal, uniform and rare entries alone."""
    rng = np.random.RandomState(0)
    rare = (np.arange(1000) == 7).astype(float)
    tables = np.c_[rng.normal(size=1000), rng.uniform(size=1000), rare, np.ones(1000)]
    scaling = SNClassifier(max_epochs=1).fit(tables, rng.randint(0, 2, 1000))._learner.scaling
    assert_allclose(scaling.moments.mean, tables.mean(axis=0))
    assert_allclose(scaling.moments.deviation, tables.std(axis=0), atol=1e-12)


def test_fences_of_few_entries_are_wide():
    few = np.array([[1.0], [1.001], [50.0]])
    assert _fences.fences(few)[1] > 50
    rng = np.random.RandomState(0)
    seldom = np.full((20_000, 1), np.nan)
    seldom[rng.permutation(20_000)[:60], 0] = rng.normal(size=60)
    low, high = _fences.fences(seldom)
    assert low < np.nanmin(seldom) < np.nanmax(seldom) < high < 100
    seldom[np.flatnonzero(~np.isnan(seldom[:, 0]))[0]] = 1e12
    assert _fences.fences(seldom)[1] < 100


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e150, 1e307])
def test_the_unit_of_y_changes_nothing(unit):
    plain = SNRegressor(**QUICK).fit(X, X[:, 0]).predict(X)
    found = SNRegressor(**QUICK).fit(X, X[:, 0] * unit).predict(X)
    assert_allclose(found / unit, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e150, 1e300])
@pytest.mark.parametrize("scaling", ["observed", "global"])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_the_unit_of_a_matrix_changes_nothing(unit, scaling, container):
    plain, found = (
        SNAutoencoder(input_scaling=scaling, **QUICK).fit(M).reconstruct(M)
        for M in (container(X), container(X * unit))
    )
    refined = scaling == "observed"  # Adam makes much of the rounding of small gradients
    assert_allclose(found / unit, plain, rtol=1e-5, atol=2e-3 if refined else 1e-5)


def test_predictions_that_overflow_are_refused():
    rows, y = sparse.csr_array(np.ones((20, 300))), np.arange(20.0)
    model = SNRegressor(power=20, input_dropout=0, max_epochs=1).fit(rows, y)
    with pytest.raises(ValueError, match="prediction for row 1 is not finite, because it over"):
        model.predict(sparse.csr_array(np.eye(300)[[0, 1]] * [[0.0], [1.0]]))
    autoencoder = SNAutoencoder(power=20, activation="relu", random_state=0).fit(rows[:, :3])
    autoencoder.net_.module_.input.power = 800
    with pytest.raises(ValueError, match="is not finite, because it overflows"):
        autoencoder.transform(sparse.csr_array(np.eye(1, 3)))


# Files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_optimizer_is_kept_where_training_may_go_on(estimator):
    def states(model):
        return len(model.net_.optimizer_.state)

    model = estimator(**QUICK).fit(*arguments(estimator(), X))
    assert states(model) == 0
    assert all(parameter.grad is None for parameter in model.net_.module_.parameters())
    assert states(model.partial_fit(*arguments(model, X))) > 0
    assert states(estimator(warm_start=True, **QUICK).fit(*arguments(model, X))) > 0


def test_an_absurd_row_does_not_blind_a_rare_feature():
    rare = np.zeros((60, 1))
    rare[[5, 25, 45]] = 1
    rare[0] = 1e12
    assert _fences.fences(rare)[1] < 1e7
    chunk = np.array([[1e12], [1.0], [2.0], [3.0], [2.5]])
    assert _fences.fences(chunk)[1] < 1e7


def test_the_best_weights_are_in_use_after_an_error():
    class Fail(Callback):
        at = 99

        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == self.at:
                raise OSError("disk full")

    rng = np.random.RandomState(0)
    X = rng.normal(size=(120, 5))
    y = np.where(np.arange(120) % 4 == 0, X[:, 0] < 0, X[:, 0] > 0)
    fail = Fail()
    model = SNClassifier(
        warm_start=True, early_stopping=True, lr=0.3, max_epochs=12, n_iter_no_change=50,
        validation_fraction=0.3, callbacks=[fail], random_state=0,
    ).fit(X, y)  # fmt: skip
    record = copy.deepcopy(model.validation_scores_), model.best_epoch_, predicted(model, X)
    fail.at = 13  # in the first epoch of the next call: nothing is learned
    with pytest.raises(OSError, match="disk full"):
        model.fit(X, y)
    assert (model.validation_scores_, model.best_epoch_) == record[:2]
    assert_array_equal(predicted(model, X), record[2])
    fail.at = 22
    with pytest.raises(OSError, match="disk full"):
        model.fit(X, y)
    scores = model.validation_scores_
    assert model.best_epoch_ == 13 + int(np.argmax(scores[12:]))
    _, held_out = hold_out_rows(120, 0.3, model._learner.split_seed, y)
    loss = log_loss(y[held_out], model.predict_proba(X[held_out]))
    assert loss == pytest.approx(-scores[model.best_epoch_ - 1], rel=1e-4)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_users_grad_mode_decides_nothing(estimator):
    model = estimator(**QUICK).fit(*arguments(estimator(), X))
    with torch.no_grad():
        other = estimator(**QUICK).fit(*arguments(estimator(), X))
        assert not torch.is_grad_enabled()
    assert_array_equal(predicted(other, X), predicted(model, X))
