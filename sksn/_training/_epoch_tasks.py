"""Epochs as tasks that callbacks of scikit-learn follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback

from .._fit_tasks import FitData


class EpochTasks(Callback):
    """Tells scikit-learn's callbacks when `fit` and its epochs begin and end.

    Parameters
    ----------
    estimator : estimator
        The estimator that trains.
    data : FitData
        What was passed to `fit`.
    n_epochs : int
        Maximum number of epochs.
    fitted_attributes : callable
        Returns the attributes of the estimator as if training were over.
    """

    def __init__(
        self,
        estimator: Any,
        data: FitData,
        n_epochs: int,
        fitted_attributes: Callable[[], dict[str, Any]],
    ) -> None:
        self.estimator, self.data, self.n_epochs = estimator, data, n_epochs
        self.fitted_attributes = fitted_attributes

    def _arguments(self) -> dict[str, Any]:
        return {"estimator": self.estimator, **self.data.as_arguments()}

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.fit_ = self.estimator._init_callback_context(max_subtasks=self.n_epochs)
        self.fit_.call_on_fit_task_begin(**self._arguments())

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.epoch_ = self.fit_.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(**self._arguments())

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if self.epoch_.call_on_fit_task_end(
            **self._arguments(), reconstruction_attributes=self.fitted_attributes
        ):
            raise KeyboardInterrupt  # which ends training as in skorch

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self.fit_.call_on_fit_task_end(
            **self._arguments(), reconstruction_attributes=self.fitted_attributes
        )
