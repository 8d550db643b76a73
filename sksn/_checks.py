"""Checks of arguments, and the errors that they raise.

The rule of a parameter stands in the class that has the parameter; this module has the kinds of
rules. Every message names the argument, what came and what was expected.
"""

from __future__ import annotations

import difflib
import numbers
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

_OF_INPUT = ("n_features_in_", "feature_names_in_")
_LONGEST = 100  # characters of a value in an error message
_FEW = 10  # entries of an array in an error message
_PAGE = "https://sksn.readthedocs.io/en/latest/generated/{estimator_module}.{estimator_name}.html"


def is_real(value: Any, kind: type = numbers.Real) -> bool:
    """Whether a value is a real number (or an integer: ``numbers.Integral``) and not a bool."""
    return isinstance(value, kind) and not is_flag(value)


def is_flag(value: Any) -> bool:
    """Whether a value is True or False."""
    return isinstance(value, (bool, np.bool_))


def is_torch(value: Any) -> bool:
    """Whether a value is a torch tensor. This never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_no_value(value: Any) -> bool:
    """Whether a value is a missing value of Python or pandas other than NaN."""
    return value is None or type(value).__name__ == "NAType"


def shown(value: Any) -> str:
    """Return a value as an error message shows it: short, and the shape of an array."""
    if isinstance(value, np.ndarray) and value.size > _FEW:
        return f"an array of shape {value.shape}"
    text = repr(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}..."


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Restore the attributes of an estimator if an error occurs: a rejected call changes nothing.

    Objects that the attributes hold must not be changed in place.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__ = before
        raise


def publish(estimator: Any, attributes: Mapping[str, Any]) -> None:
    """Set the attributes of a fitted estimator in one step, so that :func:`forget` knows them."""
    names = frozenset(name for name in attributes if name.endswith("_"))
    estimator.__dict__.update(attributes, _published=names)


def forget(estimator: Any, *private: str, kept: Iterable[str] = ()) -> None:
    """Drop the fitted attributes of an estimator in one step; those of a subclass stay.

    Parameters
    ----------
    estimator : object
        The estimator.
    *private : str
        Attributes to drop beside those that were published.
    kept : iterable of str, default=()
        Fitted attributes to keep.
    """
    fitted = vars(estimator)
    dropped = {*private, "_published", *fitted.get("_published", ()), *_OF_INPUT} - {*kept}
    estimator.__dict__ = {name: value for name, value in fitted.items() if name not in dropped}


# Rules of parameters -------------------------------------------------------------------------


class Rule(NamedTuple):
    """What a parameter may be.

    Attributes
    ----------
    allows : callable
        Whether a value is allowed.
    expected : str
        Completes the sentence "<name> must be ...".
    hint : str
        A further sentence for the error message.
    """

    allows: Callable[[Any], bool]
    expected: str
    hint: str = ""

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError that names the parameter if the value is not allowed."""
        if not self.allows(value):
            hint = f" {self.hint}" if self.hint else ""
            raise ValueError(f"{name} must be {self.expected}, got {shown(value)}.{hint}")


def _is_count(value: Any) -> bool:
    return is_real(value, numbers.Integral) and value >= 1


def _is_layer_sizes(value: Any) -> bool:
    return _is_count(value) or (
        isinstance(value, (tuple, list, np.ndarray)) and all(_is_count(size) for size in value)
    )


def _is_statistic(value: Any) -> bool:
    return isinstance(value, str) and value in ("mean", "median")


def _is_callback(value: Any) -> bool:
    """Whether a value is a callback of skorch, its class, or a pair of a name and either."""
    if isinstance(value, tuple):
        return len(value) == 2 and isinstance(value[0], str) and _is_callback(value[1])
    return hasattr(value, "on_train_begin")


def _is_nan_or_exact(value: Any) -> bool:
    """Whether a number is NaN, or finite and unchanged as a float."""
    try:
        return value != value or (abs(float(value)) != np.inf and float(value) == value)
    except OverflowError:  # an integer beyond all floats
        return False


FLAG = Rule(is_flag, "True or False")
COUNT = Rule(_is_count, "a positive integer")
COUNT_OR_ZERO = Rule(
    lambda v: is_real(v, numbers.Integral) and v >= 0, "an integer that is not negative"
)
POSITIVE = Rule(lambda v: is_real(v) and 0 < v < np.inf, "a positive number")
NOT_NEGATIVE = Rule(lambda v: is_real(v) and 0 <= v < np.inf, "a number in [0, inf)")
DROPOUT = Rule(lambda v: is_real(v) and 0 <= v < 1, "a number in [0, 1)")
RATE = Rule(lambda v: is_real(v) and 0 <= v <= 1, "a number in [0, 1]")
FRACTION = Rule(lambda v: is_real(v) and 0 < v < 1, "a number in (0, 1)")
LAYER_SIZES = Rule(_is_layer_sizes, "a positive integer or a sequence of them")
SOME_LAYER_SIZES = Rule(
    lambda v: _is_layer_sizes(v) and np.size(v) > 0,
    "a positive integer or a sequence of at least one",
)
TARGET = Rule(
    lambda v: _is_statistic(v) or POSITIVE.allows(v), "'mean', 'median' or a positive number"
)
MISSING_VALUE = Rule(
    lambda v: is_no_value(v) or (isinstance(v, numbers.Real) and _is_nan_or_exact(v)),
    "NaN or a finite number",
    "Integers must be exact in float64. Values of other kinds have to be replaced by NaN first.",
)
CALLBACKS = Rule(
    lambda v: v is None or (isinstance(v, (list, tuple)) and all(map(_is_callback, v))),
    "a list of skorch callbacks or None",
    "A callback is an instance of a subclass of skorch.callbacks.Callback.",
)
RANDOM_STATE = Rule(
    lambda v: (
        v is None
        or v is np.random
        or isinstance(v, np.random.RandomState)
        or (is_real(v, numbers.Integral) and 0 <= v < 2**32)
    ),
    "None, an integer in [0, 2**32) or a numpy.random.RandomState",
)
VERBOSE = Rule(lambda v: isinstance(v, (numbers.Integral, np.bool_)), "True or False, or 2")


def one_of(*allowed: Any) -> Rule:
    """The rule of a parameter that takes one of a few values: strings, flags or None."""

    def is_allowed(value: Any) -> bool:
        if is_flag(value) or value is None:
            return any(value is a for a in allowed) or (
                value is not None and bool(value) in allowed
            )
        return isinstance(value, str) and value in allowed

    return Rule(is_allowed, "one of " + ", ".join(map(repr, allowed)))


def auto_or(rule: Rule) -> Rule:
    """The rule of a parameter that may also be "auto"."""
    return Rule(
        lambda v: (isinstance(v, str) and v == "auto") or rule.allows(v),
        f"'auto' or {rule.expected}",
    )


def none_or(rule: Rule) -> Rule:
    """The rule of a parameter that may also be None."""
    return Rule(lambda v: v is None or rule.allows(v), f"None or {rule.expected}")


def deprecated(rule: Rule) -> Rule:
    """The rule of a parameter that should no longer be given."""
    return rule._replace(
        allows=lambda v: (isinstance(v, str) and v == "deprecated") or rule.allows(v)
    )


def check_parameters(parameters: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raise a ValueError that names the first parameter that breaks its rule."""
    for name, rule in rules.items():
        rule.check(name, parameters[name])


class SuggestsParameters:
    """Mixin of estimators whose ``set_params`` names the parameter that may have been meant."""

    _doc_link_module = "sksn"
    _doc_link_template = _PAGE

    def set_params(self, **params: Any) -> Any:
        """Set parameters.

        Parameters
        ----------
        **params
            New values of parameters, by name.

        Returns
        -------
        self : estimator
            The estimator.

        Raises
        ------
        ValueError
            If there is no parameter of a name. The error names a similar one, if there is one.
        """
        try:
            return super().set_params(**params)  # type: ignore[misc]
        except ValueError as error:
            known = self.get_params(deep=False)  # type: ignore[attr-defined]
            for name in params:
                similar = difflib.get_close_matches(name, known, n=1)
                if name not in known and similar and "Invalid parameter" in str(error):
                    raise ValueError(f"{error} Did you mean {similar[0]!r}?") from error
            raise


# Single arguments ----------------------------------------------------------------------------


def check_flag(name: str, value: Any) -> None:
    """Raise a ValueError if a parameter is not True or False."""
    FLAG.check(name, value)


def check_flags(estimator: Any, *names: str) -> None:
    """Raise a ValueError that names the first of these parameters that is not True or False."""
    for name in names:
        check_flag(name, getattr(estimator, name))


def check_count(name: str, value: Any) -> None:
    """Raise a ValueError if a parameter is not a positive integer."""
    COUNT.check(name, value)


def check_not_negative(name: str, value: Any) -> float:
    """Return a parameter as a float, or raise a ValueError if it is not in [0, inf)."""
    NOT_NEGATIVE.check(name, value)
    return float(value)


def check_power(power: Any) -> float:
    """Return `power` as a float, or raise a ValueError if it is not in [0, inf)."""
    return check_not_negative("power", power)


def check_target(target: Any) -> str | float:
    """Return `target` as ``"mean"``, ``"median"`` or a float, or raise a ValueError."""
    TARGET.check("target", target)
    return target if isinstance(target, str) else float(target)


def check_constant(target: Any) -> float:
    """Return the constant K as a float, or raise a ValueError if it is not positive."""
    try:
        value = float(target)
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if is_flag(target) or isinstance(target, str) or not 0 < value < np.inf:
        raise ValueError(f"target must be a positive number, got {target!r}.")
    return value


def check_missing_value(missing_values: Any) -> float:
    """Return `missing_values` as a float, or raise a ValueError."""
    MISSING_VALUE.check("missing_values", missing_values)
    return np.nan if is_no_value(missing_values) else float(missing_values)


def check_weights(
    sample_weight: Any, n_samples: int, *, allow_all_zero: bool = False
) -> np.ndarray | None:
    """Return `sample_weight` as float64 of shape (n_samples,), or raise a ValueError.

    None stays None. One number becomes the weight of every row.
    """
    if sample_weight is None:
        return None
    if is_torch(sample_weight):
        sample_weight = sample_weight.detach().cpu()
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must hold numbers, got {sample_weight!r}.") from error
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.ndim != 1:
        raise ValueError(
            f"sample_weight must be one-dimensional (Sample weights must be 1D array or scalar), "
            f"got an array of shape {weights.shape}."
        )
    if len(weights) != n_samples:
        raise ValueError(
            f"sample_weight has {len(weights)} entries (sample_weight.shape == {weights.shape}), "
            f"but X has {n_samples} rows; expected ({n_samples},)."
        )
    if not np.isfinite(weights).all():
        raise ValueError("sample_weight holds NaN or infinity; expected finite numbers.")
    if (weights < 0).any():
        raise ValueError(
            f"sample_weight must not be negative, got {weights.min()} at row {weights.argmin()}."
        )
    if not weights.any() and not allow_all_zero:
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    return weights
