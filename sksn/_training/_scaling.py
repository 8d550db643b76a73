"""Scaling of inputs before a network sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._scaler import ObservedScaler

INPUT_SCALINGS = ("auto", "observed", None)
_CLIP = 3.0


class InputScaling:
    """The scaling that ``input_scaling`` names; ``partial_fit`` goes on learning it.

    Parameters
    ----------
    kind : {"auto", "observed", None}
        "observed" centres and scales every feature by its observed entries. "auto" does that
        for dense rows and then squashes entries smoothly into (-3, 3), so that an outlier
        cannot swamp its row; entries of sparse rows become ``sign(x) * log(1 + abs(x))``, since
        centring would erase the presence of an entry. None leaves entries as they are.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart. "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data". NeurIPS 2024. arXiv:2407.04491. (Smooth clipping.)
    """

    def __init__(self, kind: str | None) -> None:
        self.kind = kind
        self.scaler = ObservedScaler()

    def partial_fit(self, X: Any, sample_weight: np.ndarray | None) -> InputScaling:
        """Learn from NaN-marked or CSR rows."""
        if self._standardises(X):
            self.scaler.partial_fit(X, sample_weight=sample_weight)
        return self

    def transform(self, X: Any) -> Any:
        """Scale NaN-marked or CSR rows; the entries are new ones."""
        if self._standardises(X):
            X = self.scaler.transform(X.astype(np.float64))
            if self.kind == "auto":
                X /= np.hypot(1, X / _CLIP)
        elif self.kind == "auto":
            entries = np.copysign(np.log1p(np.abs(X.data)), X.data)
            X = type(X)((entries, X.indices, X.indptr), shape=X.shape)
        else:
            X = X.copy()
        if self.kind != "auto":
            _check_range(X.data if sparse.issparse(X) else X)
        return X

    def _standardises(self, X: Any) -> bool:
        return self.kind == "observed" or (self.kind == "auto" and not sparse.issparse(X))


def _check_range(entries: np.ndarray) -> None:
    """Refuse entries that become infinite in the precision of a network."""
    extreme = np.nanmax(np.abs(entries), initial=0)
    if extreme > np.finfo(np.float32).max:
        raise ValueError(
            f"X holds {extreme:.4g} in absolute value (after scaling, if any), beyond the range of "
            "float32; scale the entries, or use input_scaling='auto', which squashes outliers."
        )
