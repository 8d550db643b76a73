"""What SNClassifier and SNRegressor have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

from .. import _checks as rules
from .._fit_tasks import FitData
from .._observed import (
    CATEGORICAL_FEATURES,
    ColumnReader,
    MissingValues,
    as_frame,
    with_plain_numbers,
)
from ..nn._activations import ACTIVATIONS
from ..nn._mlp import HIDDEN_NORMS
from . import _options as options
from ._held_out import hold_out_groups, hold_out_rows
from ._input_scaling import INPUT_SCALINGS
from ._neural_estimator import NeuralEstimator
from ._row_learner import RowLearner
from ._selection import CANDIDATES, FIXED, blended, built_in, choose
from ._table import Table

DROPOUT = rules.Rule(rules.auto_or(rules.DROPOUT).allows, f"{rules.DROPOUT.expected} or 'auto'")


class MLPEstimator(NeuralEstimator):
    """Fits a :class:`~sksn.nn.SNMLP`. Subclasses say what y is."""

    _rules: ClassVar = NeuralEstimator._rules | {
        "hidden_layer_sizes": rules.auto_or(rules.LAYER_SIZES),
        "activation": rules.one_of(*ACTIVATIONS),
        "hidden_norm": rules.one_of(*HIDDEN_NORMS),
        "input_dropout": DROPOUT,
        "dropout": DROPOUT,
        "input_scaling": rules.one_of(*INPUT_SCALINGS),
        "categorical_features": CATEGORICAL_FEATURES,
        "add_indicator": rules.one_of("auto", True, False),
        "n_bins": rules.auto_or(rules.COUNT_OR_ZERO),
        "batch_size": rules.auto_or(rules.COUNT),
        "max_epochs": rules.auto_or(rules.COUNT),
        "candidates": CANDIDATES,
    }
    _learner: RowLearner

    def __init__(
        self,
        hidden_layer_sizes: Any = "auto",
        activation: options.Activation = "relu",
        *,
        power: float = 0.5,
        target: options.Target = "mean",
        missing_values: MissingValues = np.nan,
        categorical_features: Any = "from_dtype",
        input_dropout: options.Auto | float = "auto",
        dropout: options.Auto | float = "auto",
        hidden_norm: options.HiddenNorm = None,
        input_scaling: options.InputScaling = "auto",
        add_indicator: options.Auto | bool = "auto",
        n_bins: options.Auto | int = "auto",
        lr: float = 3e-3,
        alpha: float = 1.0,
        batch_size: options.Auto | int = "auto",
        max_epochs: options.Auto | int = "auto",
        candidates: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        device: Any = "auto",
        dtype: options.DType = "float32",
        callbacks: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.power = power
        self.target = target
        self.missing_values = missing_values
        self.categorical_features = categorical_features
        self.input_dropout = input_dropout
        self.dropout = dropout
        self.hidden_norm = hidden_norm
        self.input_scaling = input_scaling
        self.add_indicator = add_indicator
        self.n_bins = n_bins
        self.lr = lr
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.candidates = candidates
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.dtype = dtype
        self.callbacks = callbacks
        self.verbose = verbose

    def _check_rows(
        self, X: Any, y: Any, columns: ColumnReader | None, continued: RowLearner | None
    ) -> Any:
        """Validate X, and check that it comes in the container that training began with."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        X = self._read(X, columns, reset=continued is None)
        if continued and sparse.issparse(X) != continued.as_sparse:  # scaled differently
            kinds = ("dense rows", "a sparse matrix")
            as_sparse = continued.as_sparse
            raise ValueError(
                f"X is {kinds[not as_sparse]}, but training began with {kinds[as_sparse]}; pass "
                "the same kind in every call."
            )
        return X

    def _learn_columns(self, X: Any) -> ColumnReader | None:
        """Return the reader of rows whose columns are not all numbers."""
        return ColumnReader.learn(as_frame(X), self.categorical_features, self.missing_values)

    def _read(self, X: Any, columns: ColumnReader | None, *, reset: bool) -> Any:
        """Validate rows."""
        X = as_frame(X)
        if columns is None:
            # Training had numbers, so categories of numbers are meant as numbers.
            X = X if reset else with_plain_numbers(X)
            return super()._validate_X(X, reset=reset)
        return columns.read(X, self, reset=reset)

    def _validate_X(self, X: Any, *, reset: bool) -> Any:
        return self._read(X, self._learner.columns, reset=reset)

    def _fitted_attributes(self, learner: Any) -> dict[str, Any]:
        attributes = super()._fitted_attributes(learner)
        columns = learner.columns
        is_categorical = None if columns is None else columns.is_categorical
        return {
            **attributes,
            "is_categorical_": is_categorical,
            "best_candidate_": learner.chosen,
            "candidate_losses_": learner.candidate_losses,
            "candidate_weights_": learner.candidate_weights,
        }

    def _new_targets(self) -> Any:
        """Return what y is, before it is known."""
        raise NotImplementedError

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
        groups: Any = None,
    ) -> Self:
        data = None if incremental else FitData(X, y, sample_weight)
        with rules.unchanged_on_error(self):
            continued = self._continued(incremental=incremental)
            columns = continued.columns if continued else self._learn_columns(X)
            X = self._check_rows(X, y, columns, continued)
            targets = continued.targets if continued else self._new_targets()
            y = targets.validate(y, self)
            groups = None if groups is None else self._checked_groups(groups)
            check_consistent_length(X, y, groups)
            y = targets.encode(y, classes)  # also the classes of rows of weight 0
            X, y, weights, groups = weighted_rows(X, y, sample_weight, groups)
            table = self._table(targets, X, y, weights)
            learner = continued or RowLearner(
                self._parameters(), targets, as_sparse=sparse.issparse(X), columns=columns
            )
            held_out = self._validation_table(learner, *validation)
            if self.candidates is not None and not incremental and not continued:
                learner = self._chosen_learner(learner, table, held_out, groups)
            if not self.early_stopping or incremental:
                held_out = None
            elif held_out is None:
                table, held_out = self._hold_out(learner, table, groups)
            lesson = self._prepare(learner, table, held_out, incremental=incremental)
            del X, y, weights, table, held_out, validation
        return self._train(learner, lesson, data)

    def _table(self, targets: Any, X: Any, y: Any, weights: Any) -> Table:
        """Return the rows to train on."""
        return Table(X, y, weights)

    def _chosen_learner(
        self, learner: RowLearner, table: Table, held_out: Table | None, groups: Any
    ) -> RowLearner:
        """Weight the candidates, and return a learner of the first, blended with the others."""
        parameters = self._parameters()
        candidates = self.candidates
        if isinstance(candidates, str):
            candidates = built_in(table.X, parameters)
        may_replace = parameters.keys() - FIXED
        for candidate in candidates:
            for name in candidate:
                if name not in may_replace:
                    raise ValueError(
                        f"candidates must name parameters that can be compared, got {name!r}; "
                        f"expected some of {', '.join(sorted(may_replace))}."
                    )
            rules.check_parameters({**parameters, **candidate}, self._rules)
        choice = choose(learner, parameters, candidates, table, held_out, groups)
        return blended(learner, parameters, choice)

    def _hold_out(self, learner: RowLearner, table: Table, groups: Any) -> tuple[Table, Table]:
        """Split rows to validate on off a table."""
        n_rows, strata = table.X.shape[0], learner.targets.strata(table.y)
        share, seed = self.validation_fraction, learner.split_seed
        if groups is None:
            kept, out = hold_out_rows(n_rows, share, seed, strata)
        else:
            kept, out = hold_out_groups(groups, share, seed)
        return table.take(kept), table.take(out)

    def _validation_table(
        self, learner: RowLearner, X: Any, y: Any, sample_weight: Any
    ) -> Table | None:
        """Return the rows to validate on that the user passed."""
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise ValueError(
                f"X_val and y_val must be passed together, got X_val={rules.shown(X)} and "
                f"y_val={rules.shown(y)}."
            )
        self._check_holds_out("X_val")
        targets = learner.targets
        with named("X_val"):
            X = self._read(X, learner.columns, reset=False)
        if sparse.issparse(X) != learner.as_sparse:
            raise ValueError("X_val must come in the container of X: both dense or both sparse.")
        with named("y_val"):
            y = targets.validate(y, self)
            check_consistent_length(X, y)
            y = targets.encode(y)
        with named("sample_weight_val"):
            X, y, weights, _ = weighted_rows(X, y, sample_weight)
        return self._held_out_table(targets, X, y, weights)

    def _check_holds_out(self, name: str) -> None:
        """Raise an error for an argument that is of use only where rows are held out."""
        if not self.early_stopping and self.candidates is None:
            raise ValueError(
                f"{name} is used by early_stopping, which is False, and to compare candidates, "
                f"which is None; set one of them, or fit without {name}."
            )

    def _checked_groups(self, groups: Any) -> np.ndarray:
        """Return the group of each row as numbers from 0."""
        self._check_holds_out("groups")
        groups = np.asarray(groups)
        if groups.ndim != 1:
            raise ValueError(f"groups must have shape (n_samples,), got shape {groups.shape}.")
        is_missing = np.array([rules.is_no_value(v) or v != v for v in groups.tolist()], dtype=bool)
        if is_missing.any():
            raise ValueError(
                f"groups must say the group of each row; that of row {is_missing.argmax()} is "
                "missing."
            )
        return np.unique(groups, return_inverse=True)[1]

    def _held_out_table(self, targets: Any, X: Any, y: Any, weights: Any) -> Table:
        """Return rows to validate on."""
        return Table(X, y, weights)

    def _predictions(
        self, X: Any, decode: Callable[[Any, np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """Validate rows, and decode the outputs of the network for them."""
        X = self._validated(X)
        return self._learner.predictions(X, decode or type(self._learner.targets).decode)


def weighted_rows(
    X: Any, y: Any, sample_weight: Any, groups: Any = None
) -> tuple[Any, Any, Any, Any]:
    """Check the weights of rows, and leave out rows of weight 0."""
    weights = rules.check_weights(sample_weight, X.shape[0])
    if weights is not None and not weights.all():
        weighted = np.flatnonzero(weights)
        X, y, weights = X[weighted], y[weighted], weights[weighted]
        groups = None if groups is None else groups[weighted]
    return X, y, weights, groups


@contextmanager
def named(name: str) -> Iterator[None]:
    """Say in errors which argument they are about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"In {name}: {error}") from error
