"""What a network predicts: classes or numbers. Both encode y, decode outputs and name the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d

from ._checks import is_no_value, shown
from ._moments import Moments, standardize, unstandardize
from ._observed import observed_blocks

_RARE = 1e-3  # least share of a class, so that a class without rows has finite log odds
_LARGEST = np.finfo(np.float64).max


class ClassTargets:
    """Classes, or several labels that apply or not (multilabel).

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels; for multilabel y, the numbers of the labels.
    kind : {"binary", "multiclass", "multilabel"}
        The kind of y.
    """

    classes: np.ndarray
    kind: str
    _totals: np.ndarray | None = None

    @property
    def public_classes(self) -> np.ndarray:
        """The attribute `classes_`; for multilabel y a row of 0 and 1 for each label."""
        if self.kind == "multilabel":  # cross_val_predict asks for the shape of an array
            return np.tile([0, 1], (len(self.classes), 1))
        return self.classes

    # Encoding ----------------------------------------------------------------------------------

    def validate(self, y: Any, estimator: Any) -> np.ndarray:
        """Check y, and return labels of shape (n_samples,), or 0 and 1 for each label."""
        y = y.toarray() if sparse.issparse(y) else y
        if _n_columns(y) > 1 and _is_partly_missing(filled := _with_nan(y)):
            return _partial_labels(filled)
        _refuse_missing(y)
        assert_all_finite(y, input_name="y")
        with np.errstate(invalid="ignore"):  # labels that no integer can hold
            kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind == "multilabel-indicator":
            y = check_array(y, dtype=np.float64, input_name="y")
            values = np.unique(y)
            if not np.isin(values, (0, 1)).all():
                raise ValueError(f"Multilabel y must hold 0 and 1 only, got {values!r}.")
            return y.astype(np.int64)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y has several columns that are not all 0 and 1; SNClassifier takes one column of "
                "labels, or an indicator matrix (multilabel)."
            )
        y = column_or_1d(y, warn=True)
        with np.errstate(invalid="ignore"):
            check_classification_targets(y)
        return y

    def encode(self, y: np.ndarray, classes: Any = None) -> np.ndarray:
        """Return y as positions of classes; the first call learns the classes."""
        is_first = not hasattr(self, "kind")
        is_multilabel = y.ndim == 2
        seen = np.arange(y.shape[1]) if is_multilabel else np.unique(y)
        if is_first:
            self._learn_classes(seen if classes is None else np.unique(classes), is_multilabel)
        elif is_multilabel != (self.kind == "multilabel"):
            raise ValueError("y is multilabel now and was not before, or the other way round.")
        if is_multilabel:
            if len(seen) != len(self.classes):
                raise ValueError(f"y has {len(seen)} labels, expected {len(self.classes)}.")
            return y
        given = classes is not None and not is_first
        if given and not np.array_equal(self.classes, np.unique(classes)):
            raise ValueError(
                f"classes={classes!r} are not those of the first call, {self.classes!r}."
            )
        unknown = np.setdiff1d(seen, self.classes)
        if len(unknown):
            raise ValueError(f"y has classes {unknown!r} that are not among {self.classes!r}.")
        return np.searchsorted(self.classes, y)

    def _learn_classes(self, classes: np.ndarray, is_multilabel: bool) -> None:
        if len(classes) < 2 and not is_multilabel:
            raise ValueError(
                f"y has 1 class ({classes.tolist()[0]!r}); SNClassifier needs at least 2 classes."
            )
        self.classes = classes
        self.kind = "binary" if len(classes) == 2 else "multiclass"
        if is_multilabel:
            self.kind = "multilabel"

    def strata(self, y: np.ndarray) -> np.ndarray | None:
        """Return labels whose shares a split of the rows should keep."""
        return None if self.kind == "multilabel" else y

    # Class weights -----------------------------------------------------------------------------

    def weigh(
        self, y: np.ndarray, weights: np.ndarray | None, class_weight: Any
    ) -> np.ndarray | None:
        """Multiply the weights of rows by those of their classes."""
        if class_weight is None:
            return weights
        if self.kind == "multilabel":
            of_row = compute_sample_weight(class_weight, np.nan_to_num(y))
        else:
            of_row = self._class_weights(y, weights, class_weight)[y]
        result = of_row if weights is None else weights * of_row
        if not (result >= 0).all() or not result.any():
            raise ValueError(
                f"class_weight={class_weight!r} must give no class a negative weight, and "
                "some class in y a positive one."
            )
        return result

    def _class_weights(
        self, y: np.ndarray, weights: np.ndarray | None, class_weight: Any
    ) -> np.ndarray:
        if not (isinstance(class_weight, str) and class_weight == "balanced"):
            return compute_class_weight(class_weight, classes=self.classes, y=self.classes[y])
        totals = np.bincount(y, weights=weights, minlength=len(self.classes))
        self._totals = totals if self._totals is None else self._totals + totals
        seen = np.where(self._totals > 0, self._totals, 1)
        return self._totals.sum() / (len(self.classes) * seen)

    # What the network sees ---------------------------------------------------------------------

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return "multiclass" if self.kind == "multiclass" else "binary"

    def learn(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn nothing: classes need no scale."""

    def for_loss(self, y: np.ndarray) -> np.ndarray:
        """Return encoded y as the loss takes it."""
        if self.kind == "multiclass":
            return y.astype(np.int64)
        return y.reshape(len(y), -1).astype(np.float64)

    def prior(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the outputs that predict the shares of classes or labels in encoded y."""
        w = np.ones(len(y)) if weights is None else weights
        if self.kind == "multilabel":
            known = ~np.isnan(y)
            shares = (w @ np.where(known, y, 0)) / np.maximum(w @ known, np.finfo(float).tiny)
            shares = np.clip(shares, _RARE, 1 - _RARE)
            return np.log(shares) - np.log1p(-shares)
        shares = np.maximum(np.bincount(y, w, len(self.classes)) / w.sum(), _RARE)
        odds = np.log(shares)
        return odds[1:] - odds[:1] if self.kind == "binary" else odds - odds.mean()

    # Decoding ----------------------------------------------------------------------------------

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return the predicted labels for outputs of the network."""
        if self.kind == "multilabel":
            return (output > 0).astype(np.int64)
        if self.kind == "binary":
            return self.classes[(output[:, 0] > 0).astype(np.intp)]
        return self.classes[output.argmax(axis=1)]

    def probabilities(self, output: np.ndarray) -> np.ndarray:
        """Return the probability of each class, or of each label."""
        if self.kind == "multilabel":
            return expit(output)
        if self.kind == "binary":
            return np.hstack([expit(-output), expit(output)])
        return softmax(output, axis=1)

    def log_probabilities(self, output: np.ndarray) -> np.ndarray:
        """Return logarithms of the probabilities, finite where a probability rounds to 0."""
        if self.kind == "multilabel":
            return log_expit(output)
        if self.kind == "binary":
            return np.hstack([log_expit(-output), log_expit(output)])
        return log_softmax(output, axis=1)


class NumberTargets:
    """Numbers, which the network sees standardized.

    Attributes
    ----------
    n_outputs : int
        Number of columns of y.
    moments : Moments
        Mean and variance of each column.
    """

    loss = "squared_error"
    n_outputs: int
    moments: Moments | None = None

    def validate(self, y: Any, estimator: Any) -> np.ndarray:
        """Check y, and return it as float64."""
        return check_numbers(y, estimator, partly=True)

    def encode(self, y: np.ndarray, classes: None = None) -> np.ndarray:
        """Return y with two dimensions; the first call learns the number of columns."""
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if not hasattr(self, "n_outputs"):
            self._is_1d, self.n_outputs = y.ndim == 1, n_outputs
        elif n_outputs != self.n_outputs:
            raise ValueError(f"y has {n_outputs} targets, expected {self.n_outputs}.")
        return y.reshape(len(y), n_outputs)

    def strata(self, y: np.ndarray) -> None:
        """Return nothing: a split of the rows need not keep shares of numbers."""

    def learn(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn, or go on learning, mean and variance of y."""
        moments = self.moments or Moments(self.n_outputs)
        self.moments = moments.updated(observed_blocks(y, weights))

    def for_loss(self, y: np.ndarray) -> np.ndarray:
        """Return standardized y."""
        assert self.moments is not None
        return standardize(y, self.moments.mean, self.moments.scale)

    def prior(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the outputs that predict the mean of y."""
        return np.zeros(self.n_outputs)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return predictions in the units and the shape of y."""
        assert self.moments is not None
        with np.errstate(over="ignore"):
            output = unstandardize(output, self.moments.mean, self.moments.scale)
        np.clip(output, -_LARGEST, _LARGEST, out=output)
        return output[:, 0] if self._is_1d else output


def check_numbers(y: Any, estimator: Any = None, *, partly: bool = False) -> np.ndarray:
    """Return y as float64, or raise an error if it is text, not finite or missing.

    With `partly`, entries of several columns may be missing, but no whole row.
    """
    if partly and _n_columns(y) > 1:
        y = _with_nan(y)
    else:
        _refuse_missing(y)
        partly = False
    _refuse_text(y)
    finite = "allow-nan" if partly else True
    y = check_array(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite=finite,
        input_name="y",
        estimator=estimator,
    )
    if partly:
        _refuse_empty(y)
    return y


def _is_partly_missing(y: np.ndarray) -> bool:
    """Whether an array holds numbers, some of which are NaN."""
    try:
        return bool(np.isnan(y.astype(np.float64)).any())
    except (TypeError, ValueError):
        return False


def _partial_labels(y: np.ndarray) -> np.ndarray:
    """Return labels 0, 1 and NaN as floats, or raise an error."""
    y = y.astype(np.float64)
    if not np.isin(y[~np.isnan(y)], (0, 1)).all():
        raise ValueError(
            "y has several columns with missing entries and values other than 0 and 1; "
            "SNClassifier takes one column of labels, or an indicator matrix (multilabel)."
        )
    _refuse_empty(y)
    return y


def _n_columns(y: Any) -> int:
    shape = np.asarray(y).shape
    return shape[1] if len(shape) == 2 else 1


def _with_nan(y: Any) -> Any:
    """Replace None and NA among objects by NaN."""
    y = np.asarray(y)
    if y.dtype != object:
        return y
    return np.where(np.reshape([is_no_value(v) for v in y.flat], y.shape), np.nan, y)


def _refuse_empty(y: np.ndarray) -> None:
    """Refuse a row or a column of a partly missing y that is missing as a whole."""
    missing = np.isnan(y)
    for axis, kind in ((1, "row"), (0, "column")):
        empty = missing.all(axis=axis)
        if empty.any():
            raise ValueError(
                f"y is missing in all of {kind} {int(empty.argmax())}. Leave out {kind}s of which "
                "nothing is known. (Input y contains NaN.)"
            )


def _refuse_missing(y: Any) -> None:
    """Refuse None and NA, and NaN among other objects, which few functions can handle."""
    y = np.asarray(y)
    if y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError(f"y is missing (NaT) in row {int(np.isnat(y).argmax())}.")
    if y.dtype.kind == "f" and np.isnan(y).any():
        y = y.astype(object)
    if y.dtype != object:
        return
    for place, value in enumerate(y.flat):
        if is_no_value(value) or value != value:
            row = place // max(1, y[:1].size)
            raise ValueError(
                f"y is missing ({value!r}) in row {row}. Leave out the rows whose y is not known. "
                "(Input y contains NaN.)"
            )


def _refuse_text(y: Any) -> None:
    """Refuse strings as numbers, also those that look like numbers."""
    y = np.asarray(y)
    if y.dtype.kind in "US" or (y.dtype == object and any(isinstance(v, str) for v in y.flat)):
        text = next(v for v in y.ravel().tolist() if isinstance(v, (str, bytes)))
        raise ValueError(
            f"y must hold numbers, got text ({shown(text)}). Convert it, for example by "
            "y.astype(float), or use SNClassifier if it holds classes."
        )
