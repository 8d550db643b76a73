"""Reads data frames, and arrays of objects, whose columns are not all numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .._caller import levels_to_caller
from .._checks import Rule, is_torch, shown
from ._categories import Categories, declares_categories
from ._dates import Cycles
from ._entries import with_nan
from ._kinds import (
    CATEGORY,
    DATE,
    DURATION,
    NUMBER,
    column_of,
    columns_of,
    in_zone,
    is_frame,
    kinds_of,
    seconds_of,
    zone_of,
)
from ._markers import Markers, check_missing_values
from ._text_columns import warn_of_text
from ._validation import validate_observed

CATEGORICAL_FEATURES = Rule(
    lambda v: v is None or (v == "from_dtype" if isinstance(v, str) else np.ndim(v) == 1),
    "'from_dtype', None, or a sequence of names, of positions or of a bool for each feature",
)

_KINDS = {CATEGORY: "text or categories", DATE: "dates", DURATION: "durations"}


class ColumnReader:
    """Turns columns of categories, dates and numbers into numbers.

    The result has a column for each column of the input: numbers, codes of categories, or
    seconds. Columns after these hold the cyclic parts of dates.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)
        The training rows.
    kinds : list of str
        The kind of each column.
    markers : tuple of float
        Further values that mean missing.
    are_given : bool, default=False
        Whether the user names the categorical columns. Otherwise the training rows get a warning
        about text that is hardly meant as categories.

    Attributes
    ----------
    kinds : list of str
        The kind of each column.
    categories : dict of int to Categories
        The categories of each categorical column, by position.
    """

    def __init__(
        self, X: Any, kinds: list[str], markers: Markers, *, are_given: bool = False
    ) -> None:
        self.kinds = kinds
        self.markers = markers
        self._are_given = are_given
        self.categories: dict[int, Categories] = {}
        self._cycles: dict[int, Cycles] = {}
        self._zones: dict[int, Any] = {}
        for j, kind in enumerate(kinds):
            if kind == CATEGORY:
                try:
                    self.categories[j] = Categories.learn(column_of(X, j), markers)
                except TypeError as error:
                    raise TypeError(
                        f"X holds values in column {_name(X, j)!r} that cannot be categories "
                        f"({error}); expected text, numbers or other hashable values."
                    ) from error
            elif kind == DATE:
                self._zones[j] = zone_of(column_of(X, j))
                self._cycles[j] = Cycles.learn(seconds_of(column_of(X, j)))

    @classmethod
    def learn(
        cls, X: Any, categorical_features: Any, missing_values: Any = np.nan
    ) -> ColumnReader | None:
        """Return the reader of training rows; None if all of their columns are numbers."""
        if not _has_columns(X):
            if not _is_given(categorical_features):
                return None
            X = _as_array(X, categorical_features)
        markers = check_missing_values(missing_values)
        kinds = kinds_of(X)
        if not isinstance(categorical_features, str):
            given = _is_given(categorical_features)
            chosen = _positions(X, categorical_features) if given else set()
            _refuse_text(X, kinds, chosen, categorical_features)
            kinds = [CATEGORY if j in chosen else k for j, k in enumerate(kinds)]
        if all(kind == NUMBER for kind in kinds):
            return None
        return cls(X, kinds, markers, are_given=_is_given(categorical_features))

    @property
    def n_categories(self) -> np.ndarray:
        """Number of categories of each column of the result; 0 for numbers."""
        n_categories = np.zeros(len(self.kinds) + len(self.part_of), dtype=np.intp)
        for j, categories in self.categories.items():
            n_categories[j] = len(categories.values)
        return n_categories

    @property
    def is_categorical(self) -> np.ndarray:
        """Whether each column of the input is categorical."""
        return np.array([kind == CATEGORY for kind in self.kinds])

    @property
    def part_of(self) -> list[int]:
        """The date column of each cyclic part, which follow after the columns."""
        return [j for j, cycles in self._cycles.items() for _ in range(2 * len(cycles.periods))]

    def read(self, X: Any, estimator: Any, *, reset: bool) -> np.ndarray:
        """Validate rows, and turn them into numbers.

        Parameters
        ----------
        X : data frame or ndarray of shape (n_samples, n_features)
            The rows.
        estimator : estimator
            With `reset`, it receives ``n_features_in_`` and ``feature_names_in_``. Without, they
            are compared with those of X.
        reset : bool
            Whether these are the training rows.

        Returns
        -------
        ndarray of float64 of shape (n_samples, n_columns + n_parts)
            NaN where an entry is missing, or a category that training did not have.
        """
        if not _has_columns(X):
            X = _as_array(X, "as in fit")
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not X.shape[0]:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={tuple(X.shape)}) while a minimum of 1 is "
                f"required by {type(estimator).__name__}."
            )
        out = np.full((X.shape[0], len(self.n_categories)), np.nan)
        numbers = [j for j, kind in enumerate(self.kinds) if kind == NUMBER]
        if numbers:
            out[:, numbers] = self._numbers(columns_of(X, numbers), reset=reset)
        for j, categories in self.categories.items():
            column = column_of(X, j)
            out[:, j] = categories.codes(column)
            if reset and not self._are_given and not declares_categories(column):
                n_observed = int(np.count_nonzero(~np.isnan(out[:, j])))
                warn_of_text(_name(X, j), categories.values.tolist(), n_observed)
            if np.isnan(out[:, j]).all() and categories.are_of_other_type(column):
                warnings.warn(
                    f"Column {_name(X, j)!r} of X holds text where training had numbers, or the "
                    "other way round, so all of its categories are unknown and count as missing.",
                    UserWarning,
                    stacklevel=levels_to_caller(),
                )
        parts = []
        for j, kind in enumerate(self.kinds):
            if kind not in (NUMBER, CATEGORY):
                out[:, j] = self._seconds(X, j)
                if j in self._cycles:
                    parts.append(self._cycles[j].parts(out[:, j]))
        if parts:
            out[:, len(self.kinds) :] = np.concatenate(parts, axis=1)
        return out

    def _numbers(self, X: Any, *, reset: bool) -> np.ndarray:
        if not reset:
            for j, kind in enumerate(kinds_of(X) if _has_columns(X) else []):
                if kind != NUMBER:
                    raise ValueError(
                        f"Column {_name(X, j)!r} of X held numbers in fit, and holds "
                        f"{_KINDS[kind]} now. Convert it, for example by "
                        "pandas.to_numeric(column, errors='coerce')."
                    )
        named = BaseEstimator()  # so that messages name the columns
        validate_data(named, X, skip_check_array=True)
        X = validate_observed(named, X, markers=self.markers, reset=reset)
        return with_nan(np.asarray(X, dtype=np.float64), self.markers)

    def _seconds(self, X: Any, j: int) -> np.ndarray:
        column, zone = column_of(X, j), self._zones.get(j)
        try:
            has_zone = zone_of(column) is not None
            in_training = zone is not None
            seconds = seconds_of(in_zone(column, zone) if has_zone and in_training else column)
            if has_zone != in_training and not np.isnan(seconds).all():
                raise TypeError(f"training had {'a' if in_training else 'no'} time zone")
            return seconds
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"Column {_name(X, j)!r} of X must hold dates or durations, as in fit, got "
                f"{getattr(column, 'dtype', type(column))} ({error})."
            ) from error


def _is_given(categorical_features: Any) -> bool:
    """Whether the user names the categorical features."""
    return categorical_features is not None and not isinstance(categorical_features, str)


def _has_columns(X: Any) -> bool:
    """Whether X is a data frame, or an array that may hold text or dates."""
    if is_frame(X):
        return True
    is_array = isinstance(X, np.ndarray) and not isinstance(X, np.ma.MaskedArray)
    return is_array and X.ndim == 2 and X.dtype.kind in "OmM"


def _as_array(X: Any, categorical_features: Any) -> np.ndarray:
    """Return an array of two dimensions, one of whose columns is categorical."""
    if sparse.issparse(X):
        raise TypeError(
            f"X must be a data frame or an array if features are categorical "
            f"(categorical_features={shown(categorical_features)}), got a sparse matrix. Encode "
            "them as one-hot columns, or use categorical_features=None."
        )
    if is_torch(X):
        X = X.detach().cpu().numpy()
    if not isinstance(X, np.ndarray) and np.ndim(X) != 1:
        X = np.array([list(row) for row in X], dtype=object)
    if np.ndim(X) == 1:
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X has shape {np.shape(X)}. Pass one row as "
            "frame.iloc[[0]] or [row], and one column as frame[[name]]."
        )
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: X has shape {X.shape}.")
    return X


def _positions(X: Any, categorical_features: Any) -> set[int]:
    """Return the positions of the features that names, positions or a mask choose."""
    chosen, n_features = np.asarray(categorical_features), X.shape[1]
    if not chosen.size:
        return set()
    if chosen.dtype.kind == "b":
        if chosen.shape != (n_features,):
            raise ValueError(
                f"categorical_features as a mask must have shape ({n_features},), one entry for "
                f"each feature of X, got shape {chosen.shape}."
            )
        return set(np.flatnonzero(chosen).tolist())
    if chosen.dtype.kind in "iu":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ValueError(
                f"categorical_features must be positions from 0 to {n_features - 1}, got "
                f"{shown(categorical_features)}."
            )
        return set(chosen.tolist())
    names = list(X.columns) if is_frame(X) else []
    unknown = [name for name in chosen.tolist() if name not in names]
    if unknown:
        has = f"has the columns {shown(names)}" if names else "has no column names"
        raise ValueError(
            f"categorical_features names {shown(unknown[0])}, but X {has}; expected names of "
            "columns, positions or a mask."
        )
    return {j for j, name in enumerate(names) if name in chosen.tolist()}


def _refuse_text(X: Any, kinds: list[str], chosen: set[int], categorical_features: Any) -> None:
    """Refuse columns of text that are not among the categorical features."""
    for j, kind in enumerate(kinds):
        if kind == CATEGORY and j not in chosen:
            raise ValueError(
                f"X has a column that is not numeric, {_name(X, j)!r}, and is not among "
                f"categorical_features={shown(categorical_features)}. Add it, use "
                "categorical_features='from_dtype', or leave the column out."
            )


def _name(X: Any, j: int) -> Any:
    return X.columns[j] if is_frame(X) else j
