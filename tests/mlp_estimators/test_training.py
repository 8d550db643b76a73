"""How SNClassifier and SNRegressor are trained."""

import gc
import weakref
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from sksn import SNClassifier, SNRegressor
from sksn._training import _device
from tests.helpers import poke, to_csr

from .common import ESTIMATORS, SMALL, output


class InterruptAt(Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch, batch):
        self.epoch, self.batch = epoch, batch

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        self.count_ = 0 if not training else getattr(self, "count_", 0) + 1
        if training and len(net.history) == self.epoch and self.count_ > self.batch:
            raise KeyboardInterrupt

    def on_epoch_begin(self, net, **kwargs):
        self.count_ = 0


class KeepValidation(Callback):
    """Holds on to the rows that were set aside, and may stop the training."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after

    def on_epoch_end(self, net, dataset_valid=None, **kwargs):
        self.dataset_ = dataset_valid
        if len(net.history) == self.stop_after:
            raise KeyboardInterrupt


class TestTraining:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_the_same_seed_gives_the_same_network(self, cancer, estimator, early_stopping):
        X, y = cancer
        options = SMALL | {"early_stopping": early_stopping, "random_state": 7}
        state = torch.get_rng_state()
        a, b = (output(estimator(**options).fit(X, y), X) for _ in range(2))
        assert_array_equal(a, b)
        other = estimator(**options | {"random_state": 8}).fit(X, y)
        assert not np.allclose(a, output(other, X))
        assert torch.equal(state, torch.get_rng_state()), "torch's generator was touched"

    def test_rows_without_weight_are_rows_that_are_not_there(self, cancer):
        X, y = cancer
        weights = np.random.RandomState(0).randint(0, 3, size=len(y)).astype(float)
        kept = weights > 0
        weighted = SNClassifier(**SMALL).fit(X, y, sample_weight=weights)
        removed = SNClassifier(**SMALL).fit(X[kept], y[kept], sample_weight=weights[kept])
        assert_array_equal(weighted.predict_proba(X), removed.predict_proba(X))

    def test_weights_matter_and_their_unit_does_not(self, cancer):
        X, y = cancer
        weights = np.where(y == 1, 20.0, 1.0)
        means = [
            SNClassifier(**SMALL).fit(X, y, sample_weight=w).predict_proba(X)[:, 1].mean()
            for w in (None, weights, 1000 * weights)
        ]
        assert means[1] > means[0] + 0.02
        assert means[2] == pytest.approx(means[1], abs=1e-3)

    def test_class_weight(self, cancer):
        X, y = cancer
        by_class = SNClassifier(class_weight={0: 1, 1: 5}, **SMALL).fit(X, y)
        by_row = SNClassifier(**SMALL).fit(X, y, sample_weight=np.where(y == 1, 5.0, 1.0))
        assert by_class.predict_proba(X)[:, 1].mean() == pytest.approx(
            by_row.predict_proba(X)[:, 1].mean(), abs=0.02
        )
        few = np.flatnonzero((y == 1) | (np.arange(len(y)) % 10 == 0))
        X, y = X[few], y[few]
        options = SMALL | {"max_epochs": 3}
        recalls = [
            (SNClassifier(class_weight=w, **options).fit(X, y).predict(X)[y == 0] == 0).mean()
            for w in (None, "balanced")
        ]
        assert recalls[1] > recalls[0]

    def test_balanced_in_chunks_is_balanced(self):
        model = SNClassifier(class_weight="balanced", **SMALL)
        rng = np.random.RandomState(0)
        X, y = rng.normal(size=(300, 3)), np.repeat([0, 1], [250, 50])
        order = rng.permutation(300)
        for _ in range(30):
            for rows in np.array_split(order, 3):
                model.partial_fit(X[rows], y[rows], classes=[0, 1])
        assert_allclose(model._learner.targets._totals, [250 * 30, 50 * 30])
        assert abs(model.predict_proba(X)[:, 1].mean() - 0.5) < 0.1

    def test_balanced_multilabel(self, digits):
        X, y = digits
        labels = np.column_stack([y == 0, y == 1]).astype(int)
        options = SMALL | {"max_epochs": 1}
        plain, balanced = (
            SNClassifier(class_weight=w, **options).fit(X, labels).predict_proba(X).mean()
            for w in (None, "balanced")
        )
        assert balanced > plain

    def test_warm_start_goes_on(self, cancer):
        X, y = cancer
        model = SNClassifier(warm_start=True, **SMALL | {"max_epochs": 3}).fit(X, y)
        first = list(model.loss_curve_)
        model.fit(X, y)
        assert model.n_epochs_ == 6
        assert model.loss_curve_[:3] == first
        assert model.loss_curve_[-1] < first[-1]
        assert clone(model).set_params(warm_start=False).fit(X, y).n_epochs_ == 3

    def test_partial_fit_learns(self, digits):
        X, y = digits
        model = SNClassifier(**SMALL)
        for _ in range(8):
            for rows in np.array_split(np.arange(len(y)), 3):
                model.partial_fit(X[rows], y[rows], classes=np.arange(10))
        assert model.n_epochs_ == 24
        assert model.score(X, y) > 0.8

    def test_partial_fit_of_a_regressor_learns_its_scales(self, diabetes):
        X, y = diabetes
        model = SNRegressor(**SMALL)
        for _ in range(40):
            for rows in np.array_split(np.arange(len(y)), 3):
                model.partial_fit(X[rows], y[rows])
        assert model.score(X, y) > 0.35
        assert model._learner.targets.moments.mean[0] == pytest.approx(y.mean())
        assert model.target_ == pytest.approx((~np.isnan(X)).sum(axis=1).mean())
        assert model.net_.module_.input.target == model.target_

    def test_early_stopping_puts_the_best_weights_back(self, cancer):
        X, y = cancer
        kept = KeepValidation()
        model = SNClassifier(
            early_stopping=True,
            callbacks=[("keep", kept)],
            **SMALL | {"lr": 0.1, "max_epochs": 100},
        ).fit(X, y)
        assert model.n_epochs_ < 100
        assert model.n_epochs_ == model.best_epoch_ + model.n_iter_no_change
        assert model.best_epoch_ == np.argmax(model.validation_scores_) + 1
        net, (batch, target) = model.net_, kept.dataset_[:]
        with torch.no_grad():
            loss = net.get_loss(net.module_.eval()(batch.rows), target).item()
        assert loss == pytest.approx(-max(model.validation_scores_), rel=1e-5)
        assert len(target) == np.ceil(0.1 * len(y))

    @pytest.mark.parametrize("seed", range(4))
    def test_validation_rows_have_the_classes_in_their_shares(self, cancer, seed):
        X, y = cancer
        kept = KeepValidation()
        options = {"callbacks": [("keep", kept)], "early_stopping": True, "max_epochs": 1}
        SNClassifier(**SMALL | options | {"random_state": seed}).fit(X, y)
        assert abs(kept.dataset_.y.sum().item() - y.mean() * len(kept.dataset_)) <= 1
        rare = np.where(np.arange(len(y)) == 5, 2, y)  # one row of class 2: no shares to keep
        SNClassifier(**SMALL | options).fit(X, rare)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_a_loss_that_is_not_finite_is_an_error(self, diabetes, estimator):
        X, y = diabetes
        model = estimator(**SMALL | {"lr": 1e30, "max_epochs": 50})
        with pytest.raises(
            ValueError, match=r"loss became (nan|inf) in epoch \d+. Try a smaller lr"
        ):
            model.fit(X, y > 100)
        with pytest.raises(NotFittedError):
            model.predict(X)

    def test_a_failing_callback_leaves_no_half_trained_network(self, cancer):
        class Fail(Callback):
            def on_epoch_end(self, net, **kwargs):
                raise OSError("disk full")

        model = SNClassifier(callbacks=[Fail()], **SMALL)
        with pytest.raises(OSError, match="disk full"):
            model.fit(*cancer)
        with pytest.raises(NotFittedError):
            model.predict(cancer[0])

    def test_callbacks_of_skorch(self, cancer):
        stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10, sink=str)
        model = SNClassifier(callbacks=[("stop", stop)], **SMALL).fit(*cancer)
        assert model.n_epochs_ == 3
        assert set(model.net_.history[-1]) >= {"epoch", "train_loss", "dur"}

    def test_progress(self, cancer, capsys):
        SNClassifier(verbose=True, early_stopping=True, **SMALL).fit(*cancer)
        shown = capsys.readouterr().err
        assert "SNClassifier" in shown
        assert "10/10" in shown
        assert "train_loss" in shown
        assert "valid_loss" in shown
        assert "epoch" in shown
        SNClassifier(**SMALL).fit(*cancer)
        assert capsys.readouterr() == ("", "")

    def test_linear_models(self, cancer):
        X, y = cancer
        model = SNClassifier(**SMALL | {"hidden_layer_sizes": ()}).fit(X, y)
        assert len(model.net_.module_.hidden) == 0
        assert model.score(X, y) > 0.8
        assert SNClassifier(**SMALL | {"hidden_layer_sizes": 8}).fit(X, y).score(X, y) > 0.9

    def test_target(self, cancer):
        X, y = cancer
        n = (~np.isnan(X)).sum(axis=1)
        assert SNClassifier(**SMALL).fit(X, y).target_ == pytest.approx(n.mean())
        assert SNClassifier(target="median", **SMALL).fit(X, y).target_ == np.median(n)
        assert SNClassifier(target=5, **SMALL).fit(X, y).target_ == 5

    def test_weights_decay_and_biases_do_not(self, cancer):
        model = SNClassifier(alpha=0.7, hidden_norm="layer", **SMALL).fit(*cancer)
        groups = model.net_.optimizer_.param_groups
        decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
        parameters = dict(model.net_.module_.named_parameters())
        assert len(decay) == len(parameters)
        for parameter in parameters.values():
            assert decay[id(parameter)] == (0.7 if parameter.ndim > 1 else 0)

    def test_weight_decay_falls_with_the_number_of_batches(self, cancer):
        def weight_decay(n_rows):
            X, y = (part[:n_rows] for part in cancer)
            options = SMALL | {"batch_size": 4, "max_epochs": 1}
            net = SNClassifier(alpha=0.7, **options).fit(X, y).net_
            return net.optimizer_.param_groups[0]["weight_decay"]

        assert weight_decay(40) == weight_decay(80) == 0.7
        assert weight_decay(157) == pytest.approx(0.35)  # 40 batches

    def test_wide_dense_rows_take_fewer_steps_and_decay_more(self):
        X, y = np.random.RandomState(0).normal(size=(60, 513)), np.arange(60) % 2

        def fitted(X, batch_size):
            model = SNClassifier(hidden_layer_sizes=2, batch_size=batch_size, random_state=0)
            model.fit(X, y)
            return model.n_epochs_, model.net_.optimizer_.param_groups[0]["weight_decay"]

        assert [fitted(X, size)[0] for size in (1, 6, 60)] == [5, 12, 20]
        assert fitted(X, 60)[1] == 5
        assert fitted(X[:, 1:], 60) == fitted(to_csr(X), 60) == (40, 1)

    def test_the_learning_rate_of_fit_ends_near_zero_and_of_partial_fit_stays(self, cancer):
        model = SNClassifier(**SMALL).fit(*cancer)
        assert model.net_.optimizer_.param_groups[0]["lr"] < 1e-3 * model.lr
        model = SNClassifier(**SMALL).partial_fit(*cancer, classes=[0, 1])
        assert model.net_.optimizer_.param_groups[0]["lr"] == model.lr

    def test_partial_fit_after_fit_goes_on_learning(self, cancer):
        X, y = cancer
        model = SNClassifier(**SMALL | {"max_epochs": 2}).fit(X, y)
        first = model.loss_curve_[-1]
        for _ in range(10):
            model.partial_fit(X, y)
        assert model.loss_curve_[-1] < 0.9 * first
        model.set_params(lr=1e-9).partial_fit(X, y)
        assert model.net_.optimizer_.param_groups[0]["lr"] == 1e-9

    def test_the_best_epoch_of_a_warm_start_is_of_its_last_call(self, cancer):
        options = SMALL | {"early_stopping": True, "warm_start": True, "max_epochs": 4}
        model = SNClassifier(**options).fit(*cancer)
        model.set_params(lr=1.0).fit(*cancer)  # too large: nothing gets better
        assert model.n_epochs_ == 8
        assert model.best_epoch_ > 4
        losses = [-score for score in model.validation_scores_]
        assert losses[model.best_epoch_ - 1] == min(losses[4:])

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_a_rejected_call_changes_nothing(self, diabetes, estimator):
        X, y = diabetes[0], diabetes[1] > 140
        model = estimator(**SMALL).fit(X, y)
        before = output(model, X)
        with pytest.raises(ValueError, match="inconsistent"):
            model.partial_fit(X, y[1:])
        with pytest.raises(ValueError, match="sparse matrix"):
            model.partial_fit(to_csr(X), y)
        with pytest.raises(ValueError, match="inconsistent"):
            model.fit(X[:, :3], y[1:])
        assert model.n_features_in_ == X.shape[1]
        assert_array_equal(output(model, X), before)

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("batch", [0, 7])
    def test_an_interrupt_keeps_what_was_learned(self, cancer, early_stopping, batch):
        X, y = cancer
        interrupt = InterruptAt(epoch=3, batch=batch)
        options = SMALL | {"early_stopping": early_stopping, "batch_size": 50}
        model = SNClassifier(callbacks=[("interrupt", interrupt)], **options).fit(X, y)
        assert model.n_epochs_ == len(model.loss_curve_) == 2
        assert model.score(X, y) > 0.8
        interrupt.epoch = 99
        assert model.partial_fit(X, y).n_epochs_ == 3

    def test_an_interrupt_before_the_first_epoch_is_over_is_passed_on(self, cancer):
        model = SNClassifier(callbacks=[InterruptAt(epoch=1, batch=0)], **SMALL)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*cancer)
        with pytest.raises(NotFittedError):
            model.predict(cancer[0])

    def test_the_best_weights_come_back_also_after_a_users_own_stop(self, cancer):
        kept = KeepValidation(stop_after=3)  # while every epoch is the best so far
        options = SMALL | {"early_stopping": True, "lr": 0.003, "max_epochs": 50}
        model = SNClassifier(callbacks=[("keep", kept)], **options).fit(*cancer)
        assert model.best_epoch_ == model.n_epochs_ == 3
        batch, target = kept.dataset_[:]
        with torch.no_grad():
            loss = model.net_.get_loss(model.net_.module_.eval()(batch.rows), target).item()
        assert loss == pytest.approx(-max(model.validation_scores_), rel=1e-5)

    def test_validation_may_begin_later(self, cancer):
        model = SNClassifier(warm_start=True, **SMALL).fit(*cancer)
        model.set_params(early_stopping=True).fit(*cancer)
        assert np.isnan(model.validation_scores_[:10]).all()
        assert model.best_epoch_ > 10
        assert model.partial_fit(*cancer).validation_scores_ is None

    def test_a_warm_start_validates_on_the_same_rows(self, cancer):
        kept = KeepValidation()
        options = {"early_stopping": True, "warm_start": True, "callbacks": [("keep", kept)]}
        model = SNClassifier(**SMALL | options).fit(*cancer)
        first = kept.dataset_.rows.values
        model.fit(*cancer)
        assert_array_equal(model.net_.callbacks_[-1][1].dataset_.rows.values, first)

    @pytest.mark.parametrize(
        ("name", "value"), [("power", 1.0), ("hidden_layer_sizes", (3,)), ("device", "abacus")]
    )
    def test_what_a_network_was_built_with_stays(self, cancer, name, value):
        model = SNClassifier(warm_start=True, **SMALL).fit(*cancer)
        with pytest.raises(ValueError, match=f"{name} was .* when training began and is .* now"):
            model.set_params(**{name: value}).fit(*cancer)

    def test_the_unit_of_weights_does_not_matter_at_all(self, cancer):
        X, y = cancer
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        for unit in (1e-50, 1e42):
            weighted = SNClassifier(**SMALL).fit(X, y, sample_weight=np.full(len(y), unit))
            assert_allclose(weighted.predict_proba(X), reference, rtol=1e-3, atol=1e-6)

    def test_training_that_begins_with_one_row_learns_what_is_missing(self, cancer):
        X, y = cancer
        model = SNClassifier(**SMALL).partial_fit(X[:1], y[:1], classes=[0, 1])
        assert len(model.net_.module_.input.indicator_features) == X.shape[1]
        for _ in range(10):
            model.partial_fit(X, y)
        assert model.score(X, y) > 0.9

    def test_scoring_callbacks_and_schedules_of_skorch(self, cancer, digits, diabetes):
        for (X, y), estimator, scoring in (
            (cancer, SNClassifier, "accuracy"),
            (digits, SNClassifier, "accuracy"),
            (diabetes, SNRegressor, "r2"),
        ):
            scorer = EpochScoring(scoring, name="score", lower_is_better=False)
            options = SMALL | {"early_stopping": True, "callbacks": [scorer], "max_epochs": 20}
            model = estimator(**options).fit(X, y)
            assert max(model.net_.history[:, "score"]) > 0.25
        constant = LRScheduler("StepLR", step_size=100)
        model = SNClassifier(callbacks=[constant], **SMALL).fit(*cancer)
        assert model.net_.optimizer_.param_groups[0]["lr"] == model.lr

    def test_small_batches_get_one_thread_and_large_ones_all(self, cancer, monkeypatch):
        seen = []

        class Threads(Callback):
            def on_epoch_end(self, net, **kwargs):
                seen.append(torch.get_num_threads())

        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            options = SMALL | {"max_epochs": 1, "callbacks": [Threads()]}
            SNClassifier(**options).fit(*cancer)
            assert torch.get_num_threads() == 2
            monkeypatch.setattr(_device, "_PRODUCTS_FOR_THREADS", 0)
            SNClassifier(**options).fit(*cancer)
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)
        assert seen == [1, 2]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_row_that_cannot_be_used_leaves_no_network_be_it_held_out(estimator):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 4))
    y = (X.sum(axis=1) > 0).astype(int)
    for row in range(len(X)):  # six of them are held out
        model = estimator(max_epochs=1, early_stopping=True, input_scaling=None, random_state=0)
        bad = X.copy()
        bad[row, 0] = 1e39
        with pytest.raises(ValueError, match=r"beyond the range of float32"):
            model.fit(bad, y)
        with pytest.raises(NotFittedError):
            model.predict(X)


@pytest.mark.parametrize("incremental", [False, True])
def test_class_weights_may_change_while_a_network_goes_on_learning(incremental):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 4)), rng.randint(0, 2, 60)
    model = SNClassifier(max_epochs=2, warm_start=True, random_state=0)
    model.partial_fit(X, y, classes=[0, 1])
    for class_weight in ({0: 1, 1: 50}, "balanced", None):
        model.set_params(class_weight=class_weight)
        model = model.partial_fit(X, y) if incremental else model.fit(X, y)
    assert model.n_epochs_ == (4 if incremental else 7)


class FewParameters(SNClassifier):
    """A subclass that shows two of the parameters."""

    def __init__(self, hidden_layer_sizes=(4,), random_state=0):
        super().__init__(hidden_layer_sizes, max_epochs=2, random_state=random_state)


def test_a_subclass_may_show_fewer_parameters():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(30, 3)), rng.randint(0, 2, 30)
    expected = SNClassifier((4,), max_epochs=2, random_state=0).fit(X, y).predict_proba(X)
    assert_array_equal(FewParameters().fit(X, y).predict_proba(X), expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_old_network_is_gone_when_another_is_trained(estimator):
    class Look(Callback):
        alive: ClassVar = []

        def on_train_begin(self, net, **kwargs):
            gc.collect()
            self.alive.append(before() is not None)

    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(30, 3)), rng.randint(0, 2, 30)
    model = estimator(max_epochs=1, random_state=0).fit(X, y)
    before = weakref.ref(model.net_.module_)
    model.set_params(callbacks=[Look()]).fit(X, y)
    assert Look.alive == [False]


def test_the_constant_is_that_of_the_network_after_a_failure():
    class Fail(Callback):
        def on_epoch_begin(self, net, **kwargs):
            raise RuntimeError("no more")

    rng = np.random.RandomState(0)
    X = poke(rng.normal(size=(60, 8)), 0.5)
    model = SNRegressor(max_epochs=1, early_stopping=True, random_state=0).fit(X, X[:, 0] > 0)
    before = model.target_
    model.net_.callbacks_.append(("fail", Fail()))
    with pytest.raises(RuntimeError, match="no more"):
        model.partial_fit(X[:10], X[:10, 0] > 0)
    assert model.target_ == model.net_.module_.input.target != before


def test_shares_may_be_fractions():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(30, 3)), rng.randint(0, 2, 30)
    shares = {"dropout": Fraction(1, 4), "input_dropout": Fraction(1, 8)}
    a, b = (
        SNClassifier(max_epochs=1, random_state=0, **{k: kind(v) for k, v in shares.items()})
        for kind in (Fraction, float)
    )
    assert_array_equal(a.fit(X, y).predict_proba(X), b.fit(X, y).predict_proba(X))
