"""Scaling of inputs before a network sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import blocks, blocks_of_rows
from .._scaler import ObservedScaler

INPUT_SCALINGS = ("auto", "observed", None)
ENTRY_SCALINGS = ("auto", "observed", "global")
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

    def transform(self, X: Any, dtype: Any = np.float64) -> Any:
        """Scale NaN-marked or CSR rows, in blocks.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            The rows.
        dtype : data type, default=numpy.float64
            Type of the result.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features)
            The scaled rows; CSR shares its index arrays with `X`.
        """
        standardise = self._standardises(X)
        if not sparse.issparse(X):
            out = np.empty(X.shape, dtype)
            for part in blocks(len(X), X.shape[1]):
                out[part] = self._standardised(X[part]) if standardise else _checked(X[part])
            return out
        entries = np.empty(X.nnz, dtype)
        if standardise:
            for part in blocks_of_rows(X.indptr):
                start, stop = X.indptr[part.start], X.indptr[part.stop]
                entries[start:stop] = self._standardised(X[part]).data
        else:
            for part in blocks(X.nnz):
                values = X.data[part]
                entries[part] = _logarithm(values) if self.kind else _checked(values)
        return type(X)((entries, X.indices, X.indptr), shape=X.shape)

    def _standardised(self, X: Any) -> Any:
        X = self.scaler.transform(X.astype(np.float64))
        if self.kind == "auto":
            return X / np.hypot(1, X / _CLIP)
        _checked(X.data if sparse.issparse(X) else X)
        return X

    def _standardises(self, X: Any) -> bool:
        return self.kind == "observed" or (self.kind == "auto" and not sparse.issparse(X))


class EntryScaling:
    """The units in which an autoencoder sees and predicts entries.

    Parameters
    ----------
    kind : {"auto", "observed", "global"}
        "observed" centres and scales every feature by its observed entries, "global" divides all
        entries by their one standard deviation. "auto" is "global" for sparse rows, whose
        entries are usually of one kind (ratings, counts), and "observed" for dense ones.
    is_sparse : bool
        Whether the rows are sparse.
    """

    def __init__(self, kind: str, *, is_sparse: bool) -> None:
        self.kind = ("global" if is_sparse else "observed") if kind == "auto" else kind
        self.scaler = ObservedScaler()

    def partial_fit(self, X: Any) -> EntryScaling:
        """Learn from NaN-marked or CSR rows."""
        if self.kind == "global":
            entries = X.data if sparse.issparse(X) else X[~np.isnan(X)]
            self.scaler.partial_fit(entries.reshape(-1, 1) if len(entries) else [[np.nan]])
        else:
            self.scaler.partial_fit(X)
        self.n_entries = float(self.scaler.n_observed_.sum())
        return self

    def transform(self, X: Any, dtype: Any = np.float64) -> Any:
        """Scale NaN-marked or CSR rows; CSR shares its index arrays with `X`."""
        values = X.data if sparse.issparse(X) else X
        if self.kind == "global":
            scaled = values / self.scaler.scale_[0]
        else:
            columns = X.indices if sparse.issparse(X) else slice(None)
            scaled = (values - self.scaler.mean_[columns]) / self.scaler.scale_[columns]
        scaled = _checked(scaled).astype(dtype)
        return (
            type(X)((scaled, X.indices, X.indptr), shape=X.shape) if sparse.issparse(X) else scaled
        )

    def inverse(self, values: np.ndarray, columns: Any = slice(None)) -> np.ndarray:
        """Values in the units of the data; `columns` are those of the entries of the last axis."""
        if self.kind == "global":
            return values * self.scaler.scale_[0]
        return values * self.scaler.scale_[columns] + self.scaler.mean_[columns]


def _checked(entries: np.ndarray) -> np.ndarray:
    """Refuse entries that become infinite in the precision of a network."""
    extreme = np.fmax.reduce(np.abs(entries), axis=None, initial=0)
    if extreme > np.finfo(np.float32).max:
        raise ValueError(
            f"X holds {extreme:.4g} in absolute value (after scaling, if any), beyond the "
            "range of float32; scale the entries, or use input_scaling='auto', which squashes "
            "outliers."
        )
    return entries


def _logarithm(entries: np.ndarray) -> np.ndarray:
    return np.copysign(np.log1p(np.abs(entries, dtype=np.float64)), entries)
