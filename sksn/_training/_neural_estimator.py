"""What the estimators that hold a network have in common.

An estimator validates its input, lets a :class:`Learner` prepare and train, and publishes what was
learned. Until training begins, nothing has changed, so a call that is rejected leaves the estimator
as it was. If a new network cannot be trained to its end, the estimator is not fitted. If a network
that goes on learning cannot, it keeps what it has learned so far.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .. import _checks as rules
from .._fit_tasks import CallbackSupportMixin, FitData, follows_fit
from .._observed import (
    MISSING_VALUES,
    check_missing_values,
    validate_observed,
    warn_of_other_container,
    with_nan,
)
from ._device import usual_modes
from ._epoch_tasks import EpochTasks
from ._lifecycle import Learner
from ._losses import NonFiniteLossError
from ._net import Lesson, RowNet

TRAINING_RULES = {
    "power": rules.NOT_NEGATIVE,
    "input_dropout": rules.DROPOUT,
    "lr": rules.POSITIVE,
    "alpha": rules.NOT_NEGATIVE,
    "early_stopping": rules.FLAG,
    "validation_fraction": rules.FRACTION,
    "n_iter_no_change": rules.COUNT,
    "dtype": rules.one_of("float32", "float64"),
    "random_state": rules.RANDOM_STATE,
    "callbacks": rules.CALLBACKS,
    "verbose": rules.VERBOSE,
}


class NeuralEstimator(rules.SuggestsParameters, CallbackSupportMixin, BaseEstimator):
    """What the estimators that hold a learner have in common."""

    _rules: ClassVar[dict[str, rules.Rule]] = TRAINING_RULES | {
        "target": rules.TARGET,
        "missing_values": MISSING_VALUES,
        "dropout": rules.DROPOUT,
        "warm_start": rules.FLAG,
    }
    _learner: Any
    net_: RowNet
    target_: float

    def _continued(self, *, incremental: bool) -> Any:
        """Check the parameters, and return the learner that goes on learning, if one does.

        It is a fork, so that a call that is rejected leaves the estimator as it was.
        """
        parameters = self._parameters()
        rules.check_parameters(parameters, self._rules)
        if hasattr(self, "net_") and (incremental or self.warm_start):
            self._learner.check_unchanged(parameters)
            return self._learner.fork()
        return None

    def _parameters(self) -> dict[str, Any]:
        """Return the parameters of training."""
        return {name: getattr(self, name) for name in (*self._rules, "device")}

    def _validate_X(self, X: Any, *, reset: bool) -> Any:
        """Return X as an array with NaN, or as CSR that stores exactly the observed entries."""
        markers = check_missing_values(self.missing_values)
        X = validate_observed(self, X, markers=markers, reset=reset, drop=True)
        return X.tocsr() if sparse.issparse(X) else with_nan(X, markers)

    def _validated(self, X: Any) -> Any:
        """Return rows to predict for, validated."""
        check_is_fitted(self, "net_")
        X = self._validate_X(X, reset=False)
        learner = self._learner
        share = learner.mean_count / X.shape[1]
        markers = check_missing_values(self.missing_values)
        warn_of_other_container(X, learner.fitted_on_sparse, share, markers)
        return X

    def _prepare(
        self, learner: Learner, training: Any, held_out: Any, *, incremental: bool
    ) -> Lesson:
        """Let a learner prepare training with the parameters of the estimator."""
        with usual_modes():
            return learner.prepare(
                self._parameters(),
                training,
                held_out,
                incremental=incremental,
                label=type(self).__name__ if self.verbose else None,
                prints_epochs=self.verbose > 1,
            )

    def _train(self, learner: Learner, lesson: Lesson, data: FitData | None = None) -> Self:
        """Train, and publish what was learned. Callbacks of scikit-learn see the data of `fit`."""
        if data is not None and follows_fit(self):
            lesson = self._followed(learner, lesson, data)
        goes_on = learner.net is getattr(self, "net_", None)
        try:
            if not goes_on:  # its memory is free for the new one
                rules.forget(self, "_learner", kept=("n_features_in_", "feature_names_in_"))
            with usual_modes():
                learner.train(lesson)
        except BaseException as error:
            if goes_on and not isinstance(error, NonFiniteLossError):
                self._publish(learner)
            else:
                rules.forget(self, "_learner")
            raise
        self._publish(learner)
        return self

    def _followed(self, learner: Learner, lesson: Lesson, data: FitData) -> Lesson:
        """Return a lesson that callbacks of scikit-learn follow."""

        def attributes() -> dict[str, Any]:
            learner.take_stock()
            return self._fitted_attributes(learner.snapshot())

        run = lesson.run
        tasks = EpochTasks(self, data, run.n_epochs, attributes)
        return lesson._replace(run=run._replace(followers=(*run.followers, tasks)))

    def _publish(self, learner: Learner) -> None:
        """Set all attributes of a fitted estimator in one step."""
        rules.publish(self, self._fitted_attributes(learner))

    def _fitted_attributes(self, learner: Learner) -> dict[str, Any]:
        """Return the attributes of a fitted estimator."""
        losses, scores, n_epochs, best_epoch = learner.record
        return {
            "_learner": learner,
            "net_": learner.net,
            "target_": learner.constant,
            "loss_curve_": losses,
            "validation_scores_": scores,
            "n_epochs_": n_epochs,
            "best_epoch_": best_epoch,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
