"""`fit` as a task that callbacks of scikit-learn follow."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9, which has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        """Return the method."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "FitData",
    "as_one_task",
    "follows_fit",
    "with_callbacks",
]


Fit = TypeVar("Fit", bound=Callable[..., Any])


class FitData(NamedTuple):
    """What a user passed to `fit`."""

    X: Any
    y: Any = None
    sample_weight: Any = None

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of a hook."""
        metadata = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        return {"X": self.X, "y": self.y, "metadata": metadata}


def follows_fit(estimator: Any) -> bool:
    """Whether callbacks, or a meta-estimator that has some, follow `fit`."""
    return hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")


def as_one_task(fit: Fit) -> Fit:
    """Decorate a `fit` that callbacks follow as one task without parts."""

    @with_callbacks
    @wraps(fit)
    def followed(self: Any, X: Any, y: Any = None, *args: Any, **options: Any) -> Any:
        if not follows_fit(self):
            return fit(self, X, y, *args, **options)
        sample_weight = args[0] if args else options.get("sample_weight")
        of_hook = {"estimator": self, **FitData(X, y, sample_weight).as_arguments()}
        task = self._init_callback_context().call_on_fit_task_begin(**of_hook)
        fit(self, X, y, *args, **options)
        task.call_on_fit_task_end(**of_hook, reconstruction_attributes=dict)
        return self

    return cast(Fit, followed)
