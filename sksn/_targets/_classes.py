"""Classes to predict, or several labels that apply or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d

from ._labels import (
    NO_LABELS,
    can_stay_sparse,
    label_shares,
    label_weights,
    partial_labels,
    refuse_other_labels,
    sparse_labels,
)
from ._missing import is_partly_missing, n_columns, refuse_missing, with_nan
from ._mixing import log_mean

_RARE = 1e-3  # least share of a class, so that a class without rows has finite log odds


class ClassTargets:
    """Classes, or several labels that apply or not (multilabel).

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels; for multilabel y, the numbers of the labels.
    kind : {"binary", "multiclass", "multilabel"}
        The kind of y.
    """

    are_numbers: ClassVar = False
    loss_options: ClassVar[dict[str, Any]] = {}
    classes: np.ndarray
    kind: str
    _totals: np.ndarray | None = None
    _of_class: np.ndarray  # the weights of the classes that `weigh` used last

    @property
    def public_classes(self) -> np.ndarray:
        """The attribute `classes_`; for multilabel y a row of 0 and 1 for each label."""
        if self.kind == "multilabel":  # cross_val_predict asks for the shape of an array
            return np.tile([0, 1], (len(self.classes), 1))
        return self.classes

    # Encoding ----------------------------------------------------------------------------------

    def validate(self, y: Any, estimator: Any) -> Any:
        """Check y, and return labels of shape (n_samples,), or 0 and 1 for each label.

        0 and 1 in a sparse matrix are returned as a CSR matrix.
        """
        if can_stay_sparse(y):
            return sparse_labels(y)
        y = y.toarray() if sparse.issparse(y) else y
        if n_columns(y) > 1 and is_partly_missing(filled := with_nan(y)):
            return partial_labels(filled)
        refuse_missing(y)
        assert_all_finite(y, input_name="y")
        with np.errstate(invalid="ignore"):  # labels that no integer can hold
            kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind == "multilabel-indicator":
            y = check_array(y, dtype=np.float64, input_name="y")
            refuse_other_labels(np.unique(y))
            return y.astype(np.int64)
        if kind in ("multiclass-multioutput", "continuous-multioutput"):
            raise ValueError(NO_LABELS)
        y = column_or_1d(y, warn=True)
        with np.errstate(invalid="ignore"):
            check_classification_targets(y)
        return y

    def encode(self, y: Any, classes: Any = None) -> Any:
        """Return y as positions of classes; the first call learns the classes."""
        is_first = not hasattr(self, "kind")
        is_multilabel = y.ndim == 2
        seen = np.arange(y.shape[1]) if is_multilabel else np.unique(y)
        if is_first:
            self._learn_classes(seen if classes is None else np.unique(classes), is_multilabel)
        elif is_multilabel != (self.kind == "multilabel"):
            kinds = ("one label for each row", "several labels for each row")
            raise ValueError(
                f"y has {kinds[is_multilabel]}, and had {kinds[not is_multilabel]} in the first "
                "call."
            )
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

    def strata(self, y: Any) -> np.ndarray | None:
        """Return labels whose shares a split of the rows should keep."""
        return None if self.kind == "multilabel" else y

    # Class weights -----------------------------------------------------------------------------

    def weigh(self, y: Any, weights: np.ndarray | None, class_weight: Any) -> np.ndarray | None:
        """Multiply the weights of rows by those of their classes."""
        if class_weight is None:
            return weights
        if self.kind == "multilabel":
            of_row = label_weights(y, class_weight)
        else:
            self._of_class = self._class_weights(y, weights, class_weight)
            of_row = self._of_class[y]
        result = of_row if weights is None else weights * of_row
        if not (result >= 0).all() or not result.any():
            raise ValueError(
                f"class_weight={class_weight!r} must give no class a negative weight, and "
                "some class in y a positive one."
            )
        return result

    def weigh_held_out(
        self, y: Any, weights: np.ndarray | None, class_weight: Any
    ) -> np.ndarray | None:
        """Multiply the weights of held-out rows by those of their classes in training."""
        if class_weight is None:
            return weights
        is_multilabel = self.kind == "multilabel"
        of_row = label_weights(y, class_weight) if is_multilabel else self._of_class[y]
        return of_row if weights is None else weights * of_row

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

    @property
    def may_be_partly_known(self) -> bool:
        """Whether entries of y may be NaN: those of several labels."""
        return self.n_outputs > 1 and self.kind == "multilabel"

    def learn(self, y: Any, weights: np.ndarray | None) -> None:
        """Learn nothing: classes need no scale."""

    def for_loss(self, y: Any) -> Any:
        """Return encoded y as the loss takes it; sparse labels stay sparse."""
        if sparse.issparse(y):
            return y
        if self.kind == "multiclass":
            return y.astype(np.int64)
        return y.reshape(len(y), -1).astype(np.float64)

    def prior(self, y: Any, weights: np.ndarray | None) -> np.ndarray:
        """Return the outputs that predict the shares of classes or labels in encoded y."""
        if self.kind == "multilabel":
            shares = np.clip(label_shares(y, weights), _RARE, 1 - _RARE)
            return np.log(shares) - np.log1p(-shares)
        w = np.ones(len(y)) if weights is None else weights
        shares = np.maximum(np.bincount(y, w, len(self.classes)) / w.sum(), _RARE)
        odds = np.log(shares)
        return odds[1:] - odds[:1] if self.kind == "binary" else odds - odds.mean()

    # Decoding ----------------------------------------------------------------------------------

    def mix(self, outputs: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
        """Return the outputs that give the weighted mean of the probabilities of networks."""
        if self.kind == "multiclass":
            return log_mean((log_softmax(output, axis=1) for output in outputs), weights)
        of_one, of_zero = (
            log_mean((log_expit(sign * output) for output in outputs), weights) for sign in (1, -1)
        )
        return of_one - of_zero

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
