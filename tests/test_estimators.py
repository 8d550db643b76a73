import copy
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from sksn import SNClassifier, SNRegressor
from sksn._training import _net, _prediction

from .conftest import poke
from .helpers import to_csr

ESTIMATORS = [SNClassifier, SNRegressor]
SMALL = {"hidden_layer_sizes": (32,), "max_epochs": 10, "lr": 0.02, "random_state": 0}


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return poke(X, 0.4), y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return poke(X, 0.3), y


@pytest.fixture(scope="module")
def digits():
    """Counts of 0 to 16 in a sparse matrix; zeros are not stored."""
    X, y = load_digits(return_X_y=True)
    return sparse.csr_array(X), y


def output(estimator, X):
    return (
        estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)
    )


class TestTargets:
    @pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [0.0, 1.0]])
    def test_binary_labels_of_any_type(self, cancer, labels):
        X, y = cancer
        y = np.array(labels)[y]
        model = SNClassifier(**SMALL).fit(X, y)
        assert_array_equal(model.classes_, labels)
        assert model.predict(X).dtype == y.dtype
        assert model.score(X, y) > 0.93
        proba = model.predict_proba(X)
        assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))

    def test_multiclass_and_probabilities(self, digits):
        X, y = digits
        names = np.array(["n" + str(d) for d in range(10)])
        model = SNClassifier(**SMALL).fit(X, names[y])
        proba = model.predict_proba(X)
        assert proba.dtype == np.float64
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        assert_allclose(np.log(proba), model.predict_log_proba(X), atol=1e-9)
        assert_array_equal(names[proba.argmax(axis=1)], model.predict(X))
        assert model.score(X, names[y]) > 0.8

    def test_log_probabilities_do_not_underflow(self):
        X, y = np.array([[-1.0], [1.0]] * 20), np.array([0, 1] * 20)
        model = SNClassifier(
            hidden_layer_sizes=(), lr=1.0, max_epochs=300, input_scaling=None, alpha=0
        ).fit(X, y)
        far = model.predict_log_proba([[1e6]])
        assert far[0, 0] < -1e4
        assert np.isfinite(far).all()
        options = {"hidden_layer_sizes": (), "lr": 1.0, "max_epochs": 300, "alpha": 0}
        for labels in (np.column_stack([y, 1 - y]), y + (X[:, 0] > 5) + 2 * (np.arange(40) == 7)):
            model = SNClassifier(input_scaling=None, **options).fit(X, labels)
            far = model.predict_log_proba([[1e6]])
            assert far.min() < -1e4
            assert np.isfinite(far).all()

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_multilabel(self, digits, container):
        X, y = digits
        labels = np.column_stack([y % 2, y >= 5, y == 0]).astype(int)
        model = SNClassifier(**SMALL | {"max_epochs": 20}).fit(X, container(labels))
        predicted, proba = model.predict(X), model.predict_proba(X)
        assert_array_equal(predicted, proba > 0.5)
        assert_allclose(np.log(proba), model.predict_log_proba(X))
        assert ((predicted == labels).mean(axis=0) > 0.85).all()
        assert model.score(X, labels) > 0.8

    def test_regression_in_the_units_of_y(self, diabetes):
        X, y = diabetes
        model = SNRegressor(**SMALL).fit(X, y)
        assert model.score(X, y) > 0.35
        rescaled = SNRegressor(**SMALL).fit(X, 1e6 * y - 3e8)
        assert_allclose(rescaled.predict(X), 1e6 * model.predict(X) - 3e8, rtol=1e-3)
        assert model.predict(X).dtype == np.float64

    def test_many_outputs(self, diabetes):
        X, y = diabetes
        Y = np.column_stack([y, -5 * y, np.full(len(y), 7.0)])
        predicted = SNRegressor(**SMALL).fit(X, Y).predict(X)
        assert predicted.shape == Y.shape
        assert r2_score(Y[:, :2], predicted[:, :2]) > 0.3
        one_column = SNRegressor(**SMALL).fit(X, y[:, None])
        assert one_column.predict(X).shape == (len(y), 1)

    def test_a_constant_target_is_predicted(self, diabetes):
        X, _ = diabetes
        model = SNRegressor(**SMALL | {"max_epochs": 60}).fit(X, np.full(len(X), 42.0))
        assert_allclose(model.predict(X), 42, atol=0.5)


class TestInputs:
    def test_every_sparse_format_gives_the_same(self, digits):
        X, y = digits
        X, y = X[:200], y[:200]
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        for form in ("csc", "coo", "lil", "dok"):
            other = X.asformat(form)
            assert_array_equal(SNClassifier(**SMALL).fit(other, y).predict_proba(other), reference)
        wide = X.copy()
        wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
        assert_array_equal(SNClassifier(**SMALL).fit(wide, y).predict_proba(wide), reference)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("options", [{}, {"power": 1.0, "hidden_norm": "layer"}])
    def test_dense_and_sparse_train_alike(self, cancer, estimator, options):
        """The same observed entries without random drops give the same network up to rounding."""
        X, y = cancer
        options = {"input_dropout": 0, "dropout": 0, "input_scaling": "observed"} | options
        options |= {"add_indicator": False, "n_bins": 0, "dtype": "float64"}
        dense = estimator(**SMALL | options).fit(X, y)
        from_sparse = estimator(**SMALL | options).fit(to_csr(X), y)
        assert_allclose(output(from_sparse, to_csr(X)), output(dense, X), rtol=1e-6)
        assert_allclose(output(from_sparse, X), output(dense, X), rtol=1e-6)
        assert_allclose(output(dense, to_csr(X)), output(dense, X), rtol=1e-6)

    def test_rows_may_be_predicted_in_the_other_container(self, cancer):
        X, y = cancer
        for container, add_indicator in ((np.asarray, "auto"), (to_csr, True)):
            model = SNClassifier(add_indicator=add_indicator, **SMALL).fit(container(X), y)
            assert_allclose(model.predict_proba(X), model.predict_proba(to_csr(X)), rtol=1e-10)

    def test_sparse_rows_are_never_dense(self, digits, monkeypatch):
        X, y = digits

        def refuse(*args, **kwargs):
            raise AssertionError("a sparse matrix was made dense")

        for kind in (sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
            for name in ("toarray", "todense"):
                monkeypatch.setattr(kind, name, refuse)
        SNClassifier(**SMALL).fit(X, y).predict(X)

    def test_frames_of_pandas_and_polars(self, cancer):
        X, y = cancer
        names = [f"f{i}" for i in range(X.shape[1])]
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        frame = pd.DataFrame(X, columns=names)
        for given in (frame, frame.astype("Float64"), pl.DataFrame(X, schema=names)):
            model = SNClassifier(**SMALL).fit(given, y)
            assert_allclose(model.predict_proba(given), reference, rtol=1e-10)
            assert list(model.feature_names_in_) == names

    def test_missing_values(self, cancer):
        X, y = cancer
        reference = SNClassifier(**SMALL).fit(X, y).predict_proba(X)
        marked = np.where(np.isnan(X), -1, X)
        model = SNClassifier(missing_values=-1, **SMALL).fit(marked, y)
        assert_array_equal(model.predict_proba(marked), reference)

    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_rows_with_nothing_observed_and_features_never_observed(self, diabetes, container):
        X, y = diabetes
        X = X.copy()
        X[:5], X[:, 2] = np.nan, np.nan
        model = SNRegressor(**SMALL).fit(container(X), y)
        predicted = model.predict(container(X))
        assert np.isfinite(predicted).all()
        assert_allclose(predicted[:5], predicted[0])

    def test_a_matrix_without_any_entry(self):
        X, y = sparse.csr_array((20, 3)), np.array([0, 1] * 10)
        assert_allclose(SNClassifier(**SMALL).fit(X, y).predict_proba(X), 0.5, atol=0.1)

    def test_the_input_is_left_alone(self, cancer, digits):
        for X, y in (cancer, digits):
            for scaling in ("auto", "observed", None):
                before = copy.deepcopy(X)
                SNClassifier(input_scaling=scaling, **SMALL).fit(X, y).predict(X)
                if sparse.issparse(X):
                    assert_array_equal(X.data, before.data)
                else:
                    assert_array_equal(X, before)

    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_prediction_does_not_depend_on_its_blocks(self, diabetes, container, monkeypatch):
        X, y = diabetes
        model = SNRegressor(**SMALL).fit(container(X), y)
        whole = model.predict(container(X))
        monkeypatch.setattr(_prediction, "_ENTRIES", 64 * 16)
        assert_allclose(model.predict(container(X)), whole, rtol=1e-9)


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
        model = SNClassifier(warm_start=True, **SMALL).fit(X, y)
        first = list(model.loss_curve_)
        model.fit(X, y)
        assert model.n_epochs_ == 20
        assert model.loss_curve_[:10] == first
        assert model.loss_curve_[-1] < first[-1]
        assert clone(model).set_params(warm_start=False).fit(X, y).n_epochs_ == 10

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
    def test_a_failed_fit_leaves_no_network_and_a_failed_partial_fit_the_old_one(
        self, diabetes, estimator
    ):
        X, y = diabetes[0], diabetes[1] > 140
        model = estimator(**SMALL).fit(X, y)
        before = output(model, X)
        with pytest.raises(ValueError, match="inconsistent"):
            model.partial_fit(X, y[1:])
        with pytest.raises(ValueError, match="sparse matrix"):
            model.partial_fit(to_csr(X), y)
        assert_array_equal(output(model, X), before)
        with pytest.raises(ValueError, match="inconsistent"):
            model.fit(X[:, :3], y[1:])
        with pytest.raises(NotFittedError):
            model.predict(X)

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
            monkeypatch.setattr(_net, "_PRODUCTS_FOR_THREADS", 0)
            SNClassifier(**options).fit(*cancer)
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)
        assert seen == [1, 2]


class TestKeeping:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_pickle_and_joblib(self, cancer, estimator, container, tmp_path):
        X, y = cancer
        model = estimator(early_stopping=True, **SMALL).fit(container(X), y)
        joblib.dump(model, tmp_path / "model")
        for back in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
            assert_array_equal(output(back, container(X)), output(model, container(X)))
            back.partial_fit(container(X), y)

    def test_a_pickle_does_not_carry_the_data(self, cancer):
        X, y = cancer
        X = np.tile(X, (30, 1))
        model = SNClassifier(early_stopping=True, **SMALL).fit(X, np.tile(y, 30))
        assert len(pickle.dumps(model)) < X.nbytes / 20

    @pytest.mark.parametrize("device", ["cuda", "mps"])
    def test_a_net_trained_on_a_gpu_opens_without_one(self, cancer, device):
        if getattr(torch.backends if device == "mps" else torch, device).is_available():
            model = SNClassifier(**SMALL | {"device": device}).fit(*cancer)
        else:
            model = SNClassifier(**SMALL).fit(*cancer)
            model.net_.device = device  # what the pickle would say
        state = pickle.dumps(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skorch says that it falls back to the CPU
            back = pickle.loads(state)
        back.predict(cancer[0])

    def test_clone_of_a_fitted_estimator_is_not_fitted(self, cancer):
        model = SNClassifier(callbacks=[Callback()], **SMALL).fit(*cancer)
        with pytest.raises(NotFittedError):
            clone(model).predict(cancer[0])


class TestBadInput:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("hidden_layer_sizes", (0,), "a positive integer or a sequence of them"),
            ("hidden_layer_sizes", "big", "a positive integer or a sequence of them"),
            ("activation", "sigmoidal", "one of 'identity', 'logistic'"),
            ("power", -1, "a number in"),
            ("target", "max", "'mean', 'median' or a positive number"),
            ("missing_values", "?", "NaN or a finite number"),
            ("input_dropout", 1, r"a number in \[0, 1\)"),
            ("dropout", -0.1, r"a number in \[0, 1\)"),
            ("hidden_norm", "group", "one of None, 'batch', 'layer', 'sparsity', 'observed'"),
            ("input_scaling", "minmax", "one of 'auto', 'observed', None"),
            ("add_indicator", "yes", "one of 'auto', True, False"),
            ("n_bins", -1, "'auto' or an integer that is not negative"),
            ("n_bins", 2.0, "'auto' or an integer that is not negative"),
            ("lr", 0, "a positive number"),
            ("alpha", -1e-9, r"a number in \[0, inf\)"),
            ("batch_size", 0, "a positive integer"),
            ("batch_size", 2.5, "a positive integer"),
            ("max_epochs", 0, "'auto' or a positive integer"),
            ("max_epochs", "many", "'auto' or a positive integer"),
            ("early_stopping", "yes", "True or False"),
            ("validation_fraction", 1.0, r"a number in \(0, 1\)"),
            ("n_iter_no_change", 0, "a positive integer"),
            ("warm_start", 1, "True or False"),
            ("dtype", "float16", "one of 'float32', 'float64'"),
            ("callbacks", 3, "a list of skorch callbacks or None"),
            ("verbose", "loud", "True or False"),
        ],
    )
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_parameters(self, cancer, estimator, name, value, expected):
        with pytest.raises(ValueError, match=f"{name} must be {expected}.*, got "):
            estimator(**{name: value}).fit(*cancer)

    @pytest.mark.parametrize("device", ["cuda:99", "abacus", "meta:x", 3.5])
    def test_a_device_that_does_not_exist(self, cancer, device):
        with pytest.raises(
            ValueError, match=r"device=.*cannot be used here .*expected 'auto' or a"
        ):
            SNClassifier(device=device).fit(*cancer)

    def test_one_class(self, cancer):
        X, y = cancer
        with pytest.raises(ValueError, match=r"y has 1 class .*needs at least 2 classes"):
            SNClassifier().fit(X, np.zeros(len(y)))

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_y_that_is_not_finite(self, cancer, estimator, bad):
        X, y = cancer
        y = y.astype(float)
        y[3] = bad
        with pytest.raises(ValueError, match=r"Input y contains (NaN|infinity)"):
            estimator().fit(X, y)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_lengths(self, cancer, estimator):
        X, y = cancer
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[569, 568\]"):
            estimator().fit(X, y[1:])
        with pytest.raises(ValueError, match=r"sample_weight has 5 entries .* X has 569 rows"):
            estimator().fit(X, y, sample_weight=np.ones(5))
        with pytest.raises(
            ValueError, match=r"sample_weight must not be negative, got -1.0 at row 0"
        ):
            estimator().fit(X, y, sample_weight=-np.ones(len(y)))
        with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
            estimator().fit(X, None)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_features(self, cancer, estimator):
        X, y = cancer
        model = estimator(**SMALL).fit(X, y)
        with pytest.raises(ValueError, match=r"X has 29 features, but .* is expecting 30"):
            model.predict(X[:, 1:])
        with pytest.raises(ValueError, match="Input X contains infinity"):
            model.predict(np.full((1, 30), np.inf))
        with pytest.raises(ValueError, match="not numeric: 'colour'"):
            estimator().fit(pd.DataFrame({"colour": ["red", "blue"]}), [0, 1])
        with pytest.raises(ValueError, match="BSR matrix that stores zeros"):
            estimator().fit(sparse.bsr_array(np.eye(4), blocksize=(2, 2)), [0, 1, 0, 1])

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_entries_beyond_the_range_of_float32(self, container):
        X = container(np.array([[1e300, 1.0], [1.0, 2.0]]))
        with pytest.raises(ValueError, match=r"X holds 1e\+300.*beyond the range of float32"):
            SNClassifier(input_scaling=None).fit(X, [0, 1])

    def test_regression_targets_and_several_columns_of_labels(self, cancer):
        X, y = cancer
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            SNClassifier().fit(X, y + 0.5 * np.arange(len(y)))
        with pytest.raises(ValueError, match=r"Multilabel y must hold 0 and 1 only, got .*-1"):
            SNClassifier().fit(X, np.column_stack([2 * y - 1, 1 - 2 * y]))
        with pytest.raises(ValueError, match="y has several columns that are not all 0 and 1"):
            SNClassifier().fit(X, np.column_stack([y, y + 1]))

    def test_extreme_entries_saturate_and_are_not_lost(self):
        X = np.array([[1.0], [2.0], [3.0]] * 10, dtype=np.float32)
        y = (X[:, 0] > 1.5).astype(int)
        model = SNClassifier(**SMALL | {"max_epochs": 40, "n_bins": 0}).fit(X, y)
        huge = model.predict_proba(np.array([[1e3], [1e200]]))[:, 1]
        assert_allclose(huge[1], huge[0], atol=0.01)
        large = np.array([[1e3], [1e25], [3e38]], dtype=np.float32)
        assert_allclose(
            model.predict_proba(large)[:, 1], model.predict_proba(large)[0, 1], atol=0.01
        )
        assert model.predict_proba(large)[0, 1] > 0.9
        observed = SNClassifier(input_scaling="observed", **SMALL).fit(1e-3 * X, y)
        with pytest.raises(ValueError, match="beyond the range of float32"):
            observed.predict(large)

    def test_partial_fit_knows_what_came_before(self, cancer):
        X, y = cancer
        model = SNClassifier(**SMALL).partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"y has classes array\(\[2\]\) that are not among"):
            model.partial_fit(X, y + 1)
        with pytest.raises(ValueError, match=r"classes=\[1, 2\] are not those of the first call"):
            model.partial_fit(X, y, classes=[1, 2])
        model.partial_fit(X, y, classes=[1, 0])
        with pytest.raises(ValueError, match="multilabel now and was not before"):
            model.partial_fit(X, np.column_stack([y, 1 - y]))
        with pytest.raises(
            ValueError, match="X is a sparse matrix, but training began with dense rows"
        ):
            model.partial_fit(to_csr(X), y)
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            SNClassifier().partial_fit(X, y)
        regressor = SNRegressor(**SMALL).partial_fit(X, y)
        with pytest.raises(ValueError, match="y has 2 targets, expected 1"):
            regressor.partial_fit(X, np.column_stack([y, y]))

    def test_class_weight(self, cancer):
        with pytest.raises(
            ValueError, match=r"class_weight=\{0: -1, 1: 1\} must give no class a neg"
        ):
            SNClassifier(class_weight={0: -1, 1: 1}).fit(*cancer)
        with pytest.raises(ValueError, match="The 'class_weight' parameter"):
            SNClassifier(class_weight="heavy").fit(*cancer)

    def test_wide_dense_rows_are_trained_on_for_fewer_epochs(self):
        def n_epochs(X, **options):
            model = SNClassifier(hidden_layer_sizes=2, **options).fit(X, [0, 1] * 4)
            return len(model.loss_curve_)

        rows = np.random.RandomState(0).uniform(1, 2, (8, 513))
        assert n_epochs(rows[:, :512]) == n_epochs(sparse.csr_array(rows)) == 40
        assert n_epochs(rows) == 20
        assert n_epochs(rows, max_epochs=3) == 3

    def test_validation_rows_need_rows_beside_them(self):
        with pytest.raises(ValueError, match="takes all: n_samples=2"):
            SNClassifier(early_stopping=True, validation_fraction=0.9).fit([[1.0], [2.0]], [0, 1])
