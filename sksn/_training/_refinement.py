"""A normal distribution completes rows, and a network learns to correct what it expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from .._blocks import blocks
from .._moments import Moments
from ..nn._refining import RefiningAE
from ..nn._rows import take
from ._batches import EntryBatch, EntryDataset
from ._entry_scaling import EntryScaling
from ._gaussian import GaussianModel, is_affordable
from ._held_out import hold_out_entries
from ._rows import as_rows

INITIAL_STRATEGIES = ("auto", "gaussian", "mean")
BATCH_ROWS = 512  # by default; smaller batches than those of whole tables complete better
_HIDDEN_SHARE = 0.3  # by default
_DRAWS = 8  # of the entries that are hidden
_UNPREDICTED_SHARE = 0.05  # of the entries, which tell how far the correction can be trusted
_TRUST = 100.0  # entries for which a correction counts as right before there are any
_DRAWN_NUMBERS = 4e7  # entries of all draws, from which there are fewer


class Refinement(NamedTuple):
    """The completion of scaled rows that a network refines.

    Attributes
    ----------
    hidden_share : float
        Share of the observed entries that are hidden from the network in training, and predicted.
    model : GaussianModel
        Expects values of missing and hidden entries.
    """

    hidden_share: float
    model: GaussianModel

    @classmethod
    def begin(cls, parameters: Mapping[str, Any], scaling: EntryScaling, X: Any) -> Self | None:
        """Return a refinement that has learned nothing yet, or None if rows start from means.

        Parameters
        ----------
        parameters : mapping
            Parameters of an :class:`~sksn.SNAutoencoder`.
        scaling : EntryScaling
            How entries are scaled.
        X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
            The training rows.

        Raises
        ------
        ValueError
            If parameters contradict each other.
        """
        strategy, share = parameters["initial_strategy"], parameters["input_dropout"]
        share = _HIDDEN_SHARE if share == "auto" else float(share)
        is_possible = scaling.kind == "observed" and share > 0
        if strategy == "gaussian" and not is_possible:
            raise ValueError(
                "initial_strategy='gaussian' needs input_dropout > 0 and features with scales of "
                f"their own (input_scaling='observed'), got input_dropout={share} and "
                f"input_scaling={parameters['input_scaling']!r}."
            )
        if strategy == "mean" or not is_possible:
            return None
        if strategy == "auto" and not is_affordable(X, share, _DRAWS):
            return None
        return cls(share, GaussianModel.prior(X.shape[1]))

    def learned(self, scaled: np.ndarray, seed: int) -> Self:
        """Learn the distribution of rows."""
        return self._replace(model=GaussianModel.learn(scaled, seed))

    def updated(self, scaled: np.ndarray, before: Moments, moments: Moments) -> Self:
        """Learn from further rows, after their scaling changed from that of `before`."""
        # A feature without a scale of its own keeps the variance that it has in the model.
        known, varies = before.count > 0, (before.count > 0) & ~before.is_constant
        shift = np.where(known, (before.mean - moments.mean) / moments.scale, 0.0)
        model = self.model.rescaled(shift, np.where(varies, before.scale / moments.scale, 1.0))
        return self._replace(model=model.updated(scaled))

    def beside(self, scaled: np.ndarray, dtype: Any) -> np.ndarray:
        """Put completions beside rows; shape (n_rows, 2 * n_features)."""
        return np.hstack([scaled, self.model.complete(scaled)], dtype=dtype)

    def dataset(
        self,
        scaled: np.ndarray,
        draw_seed: Callable[[], int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> PartlyHiddenDataset:
        """Return the data set to train on."""
        chosen = np.random.RandomState(draw_seed()).uniform(size=scaled.shape) < _UNPREDICTED_SHARE
        return PartlyHiddenDataset(
            as_rows(scaled, dtype, device),
            list(self._draws(scaled, draw_seed, dtype, device)),
            torch.as_tensor(chosen, device=device),
        )

    def _draws(
        self,
        scaled: np.ndarray,
        draw_seed: Callable[[], int],
        dtype: torch.dtype,
        device: torch.device,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(int(np.clip(_DRAWN_NUMBERS / scaled.size, 2, _DRAWS))):
            kept, hidden = hold_out_entries(scaled, self.hidden_share, draw_seed())
            completed = torch.as_tensor(self.model.complete(kept), dtype=dtype, device=device)
            yield torch.as_tensor(~np.isnan(hidden), device=device), completed


class PartlyHiddenDataset(EntryDataset):
    """Dense rows of which some observed entries are hidden, beside completions of what is left.

    The hidden entries are predicted. They were drawn several times; batches take turns.

    Parameters
    ----------
    rows : DenseRows
        The rows.
    draws : list of (Tensor of bool, Tensor) of shape (n_rows, n_features)
        For each draw, which entries are hidden, and the rows with these and the missing entries
        completed.
    unpredicted : Tensor of bool of shape (n_rows, n_features)
        Entries that are not predicted in training.
    """

    def __init__(self, rows: Any, draws: list[tuple[Tensor, Tensor]], unpredicted: Tensor) -> None:
        super().__init__(rows, None, draws[0][0].device)
        self.draws, self.unpredicted = draws, unpredicted
        self._turn = 0

    def take(
        self, index: Tensor | slice, size: tuple[Any, Any] = (None, None)
    ) -> tuple[Any, Tensor]:
        """Return the batch at `index`, and a y without columns."""
        hidden, completed = self.draws[self._turn]
        self._turn = (self._turn + 1) % len(self.draws)
        predicted = take(hidden, index) & ~take(self.unpredicted, index)
        return self._batch(index, hidden, completed, predicted), self._take_y(index, None)

    def rest(self) -> Iterator[EntryBatch]:
        """Return batches whose hidden entries were not predicted in training."""
        for hidden, completed in self.draws:
            for part in blocks(len(self.rows), hidden.shape[1]):
                yield self._batch(part, hidden, completed, (hidden & self.unpredicted)[part])

    def _batch(
        self, index: Tensor | slice, hidden: Tensor, completed: Tensor, predicted: Tensor
    ) -> EntryBatch:
        rows = self.rows.take(index)
        assert isinstance(rows, Tensor)
        shown = rows.masked_fill(take(hidden, index), torch.nan)
        seen = torch.cat([shown, take(completed, index)], dim=1)
        return EntryBatch(seen, rows.masked_fill(~predicted, torch.nan))


def shrink_correction(module: RefiningAE, dataset: PartlyHiddenDataset) -> None:
    """Shrink what a network adds to expected values, by the entries that it has not learned from.

    The factor is that of the least squared error, with a prior of 100 entries for which it is 1,
    and lies between 0 and 1.
    """
    module.eval()
    product, square, n_entries = 0.0, 0.0, 0
    with torch.no_grad():
        for batch in dataset.rest():
            known = batch.to_predict == batch.to_predict
            expected = batch.rows[:, known.shape[1] :][known]
            added = (module(batch.rows)[known] - expected).double()
            product += float(added @ (batch.to_predict[known] - expected).double())
            square += float(added @ added)
            n_entries += len(added)
        if square:
            prior = _TRUST * square / n_entries
            factor = min(max((product + prior) / (square + prior), 0.0), 1.0)
            module.weight.mul_(factor)
            module.bias.mul_(factor)
