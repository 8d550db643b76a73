"""What every neural estimator of sksn does, whatever its network is for."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from .._observed import check_missing_values, missing_mask, validate_observed
from ._net import RowNet


class RowEstimator(BaseEstimator):
    """Validates rows with holes, draws seeds and records what training did."""

    net_: RowNet
    _built_with: dict[str, Any]
    _random: np.random.RandomState

    def _validate_X(self, X: Any, *, reset: bool) -> Any:
        """X as a NaN-marked array, or as CSR that stores exactly the observed entries."""
        missing_values = check_missing_values(self.missing_values)
        X = validate_observed(self, X, missing_values=missing_values, reset=reset, drop=True)
        if sparse.issparse(X):
            return X.tocsr()
        if not np.isnan(missing_values):
            X = np.where(missing_mask(X, missing_values), np.nan, X)
        return X

    def _check_unchanged(self) -> None:
        """What the network was built with cannot change while it goes on learning."""
        for name, value in self._built_with.items():
            if not _same(getattr(self, name), value):
                raise ValueError(
                    f"{name} was {value!r} when training began and is {getattr(self, name)!r} now; "
                    "a network that goes on learning cannot change it: fit with warm_start=False."
                )

    def _draw_seed(self) -> int:
        return int(self._random.randint(2**31 - 1))

    def _record(self, start: int, *, validated: bool) -> None:
        """Publish the history; `start` epochs of it are of earlier calls."""
        if len(self.net_.history) == start == 0:
            raise KeyboardInterrupt("training was interrupted before its first epoch was over")
        self.loss_curve_ = self.net_.history[:, "train_loss"]
        self.n_epochs_ = self.best_epoch_ = len(self.net_.history)
        self.validation_scores_ = None
        if validated and len(self.net_.history) > start:
            self.validation_scores_ = [
                -epoch.get("valid_loss", np.nan) for epoch in self.net_.history
            ]
            self.best_epoch_ = start + 1 + int(np.argmax(self.validation_scores_[start:]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if np.ndim(a) or np.ndim(b) else bool(a == b)
