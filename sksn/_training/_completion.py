"""The engine that completes rows: SNAutoencoder and SNRecommender hold one each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from scipy import sparse

from .._observed import row_counts, to_container
from ..nn._autoencoder import SNAE
from ..nn._implicit_feedback import ImplicitFeedbackAE
from ..nn._refining import RefiningAE
from ._batches import EntryDataset
from ._build import build_net, layer_sizes
from ._entry_net import EntryNet
from ._entry_ranges import EntryRanges
from ._entry_scaling import EntryScaling
from ._lifecycle import MAY_CHANGE, Learner
from ._losses import EntryLoss
from ._net import Lesson, RowNet
from ._offsets import column_offsets
from ._penalties import EntryPenalties, entry_penalties
from ._prediction import RowFormat, codes_and_offsets, dense_outputs, finite
from ._refinement import BATCH_ROWS, PartlyHiddenDataset, Refinement, shrink_correction
from ._rows import CSRRows, as_rows
from ._vectors import Vectors

_DENSE_SHARE = 0.4  # of observed entries, from which dense products are faster than sampled ones
_STEP_ENTRIES = 1 << 24  # most entries in a batch by default
_EPOCHS = 150
_MOST_EPOCHS = 600  # of small dense tables, which have one batch
_LEARNED_ENTRIES = 3e7  # entries that are learned from, repeats included, up to which they get more
_INPUT_DROPOUT = 0.5  # by default, unless the network refines a completion


class EntryRows(NamedTuple):
    """Rows and the weights of their entries.

    Attributes
    ----------
    X : ndarray with NaN, or CSR matrix of observed entries, of shape (n_rows, n_features)
        The rows.
    weights : ndarray of shape (n_entries,) or None
        Weight of each entry of a CSR matrix.
    """

    X: Any
    weights: np.ndarray | None = None


class CompletionEngine(Learner):
    """Learns to predict the entries of rows from some of them.

    Parameters
    ----------
    parameters : mapping
        Parameters of an :class:`~sksn.SNAutoencoder`.
    is_sparse : bool
        Whether the user's rows are sparse.
    implicit_feedback : bool, default=False
        Whether the decoder has the implicit-feedback term of SVD++.

    Attributes
    ----------
    penalties : EntryPenalties
        The penalties of the last training, beside a sum of squared errors.
    """

    may_change: ClassVar[frozenset[str]] = MAY_CHANGE | {
        *("alpha", "keep_observed", "min_value", "max_value")
    }
    scaling: EntryScaling
    penalties: EntryPenalties
    ranges: EntryRanges | None = None  # of the observed entries of each feature
    refinement: Refinement | None = None  # of rows that the network sees completed

    def __init__(
        self,
        parameters: Mapping[str, Any],
        *,
        is_sparse: bool,
        implicit_feedback: bool = False,
    ) -> None:
        scaling = EntryScaling(parameters["input_scaling"], is_sparse=is_sparse)
        super().__init__(parameters, scaling, as_sparse=is_sparse)
        self.implicit_feedback = implicit_feedback
        activation = parameters["activation"]
        automatic = "logistic" if scaling.kind == "global" else "relu"
        self._activation = automatic if activation == "auto" else activation

    # Predicting --------------------------------------------------------------------------------

    @property
    def rows(self) -> RowFormat:
        """How the network wants its rows."""
        if self.refinement is None:
            return super().rows
        return RowFormat(self.as_sparse, self._beside_completion)

    def _beside_completion(self, X: np.ndarray, dtype: Any) -> np.ndarray:
        assert self.refinement is not None
        return self.refinement.beside(self.scaling.transform(X), dtype)

    def codes(self, X: Any) -> np.ndarray:
        """Compute the codes of validated rows."""
        return self.vectors(EntryRows(X)).rows

    def vectors(self, rows: EntryRows, dtype: Any = np.float64) -> Vectors:
        """Return the predictions for validated rows as vectors, in the units of the network.

        On the CPU, the vectors of columns share memory with the network if they are of its type.
        """
        assert self.net is not None
        weight = self.net.module_.weight.detach().cpu().numpy().astype(dtype, copy=False)
        n_rows, start = rows.X.shape[0], 0
        codes, offsets = np.empty((n_rows, weight.shape[1]), dtype), np.empty(n_rows)
        for part in self._vector_blocks(rows):
            block = slice(start, start + len(part.rows))
            codes[block], offsets[block] = part.rows, part.row_offsets
            start = block.stop
        return Vectors(codes, weight, offsets, self._bias)

    def reconstruct(self, X: Any) -> np.ndarray:
        """Predict all entries of validated rows."""
        out, start = np.empty(X.shape), 0
        for predicted in self._predicted_blocks(X):
            stop = start + len(predicted)
            out[start:stop] = finite(self.scaling.inverse(predicted))
            start = stop
        known = self._known
        (features,) = np.nonzero(~np.isnan(known))
        out[:, features] = known[features]
        return out

    def predict_entries(self, X: Any, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Predict single entries of validated rows."""
        wanted, position = np.unique(rows, return_inverse=True)
        if not len(wanted):
            return np.empty(0)
        if self.refinement is not None:
            return self.reconstruct(X[wanted])[position, columns]
        predicted = self.vectors(EntryRows(X[wanted])).predict_pairs(position, columns)
        known = self._known[columns]
        restored = finite(self.scaling.inverse(predicted, columns), "entry")
        return np.where(np.isnan(known), restored, known)

    def bounds(self, min_value: Any, max_value: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of predicted entries of each feature; see :class:`EntryRanges`."""
        assert self.ranges is not None
        return self.ranges.bounds(min_value, max_value)

    @property
    def _known(self) -> np.ndarray:
        """What features are predicted as without the network; NaN where it is needed."""
        assert self.ranges is not None
        assert self.scaling.moments is not None
        kind = self.scaling.kind
        return self.ranges.known(kind, self.scaling.moments.mean[0] if kind == "global" else 0.0)

    def implicit_vectors(self) -> np.ndarray | None:
        """Return the vectors of the implicit-feedback term, one for each training row."""
        if not self.implicit_feedback:
            return None
        assert self.net is not None
        return self.net.module_.implicit.detach().cpu().numpy().copy()

    @property
    def _bias(self) -> np.ndarray:
        """The biases of the decoder."""
        assert self.net is not None
        return self.net.module_.bias.detach().cpu().double().numpy()

    def _predicted_blocks(self, X: Any) -> Iterator[np.ndarray]:
        assert self.net is not None
        if self.refinement is not None:
            yield from dense_outputs(self.net, X, self.rows)
            return
        for vectors in self._vector_blocks(EntryRows(X)):
            for _, predicted in vectors.predict_rows(np.arange(len(vectors.rows))):
                yield predicted

    def _vector_blocks(self, rows: EntryRows) -> Iterator[Vectors]:
        assert self.net is not None
        weight = self.net.module_.weight.detach().cpu().double().numpy()
        bias = self._bias
        for codes, offsets in codes_and_offsets(self.net, rows.X, self.rows, rows.weights):
            yield Vectors(codes, weight, offsets, bias)

    # Training ----------------------------------------------------------------------------------

    def _begin(self, parameters: Mapping[str, Any], training: EntryRows) -> None:
        X = training.X
        few = row_counts(X).sum() < _DENSE_SHARE * X.shape[0] * X.shape[1]
        self.as_sparse = bool(few) or training.weights is not None
        self.refinement = Refinement.begin(parameters, self.scaling, X)
        if self.refinement is not None:
            self.as_sparse = False

    def train(self, lesson: Lesson) -> bool:
        """Train the network, and shrink its corrections unless it learned from a chunk of rows."""
        finished = super().train(lesson)
        if isinstance(lesson.train, PartlyHiddenDataset) and not lesson.run.constant_lr:
            assert self.net is not None
            shrink_correction(self.net.module_, lesson.train)
        return finished

    def _finish(self, *, is_first: bool) -> None:
        assert self.net is not None
        if is_first and self.implicit_feedback:
            self.net.module_.settle()

    def _learn_statistics(self, training: EntryRows) -> None:
        before = self.scaling.moments
        self.scaling.partial_fit(training.X)
        self.ranges = EntryRanges.learn(training.X, self.ranges)
        if not self.scaling.n_entries:
            raise ValueError("X has no observed entry; there is nothing to learn from.")
        if self.refinement is None:
            return
        scaled = self.scaling.transform(to_container(training.X, False))
        if before is None:
            self.refinement = self.refinement.learned(scaled, self._draw_seed())
        else:
            assert self.scaling.moments is not None
            self.refinement = self.refinement.updated(scaled, before, self.scaling.moments)

    def _scaled(self, parameters: Mapping[str, Any], data: EntryRows) -> EntryRows:
        data = super()._scaled(parameters, data)
        return data._replace(X=to_container(data.X, self.as_sparse))

    def _build(
        self, parameters: Mapping[str, Any], training: EntryRows, seed: int, *, incremental: bool
    ) -> RowNet:
        module, of_module = self._module(parameters, training)
        net = build_net(
            EntryNet,
            module,
            parameters,
            seed=seed,
            of_module={
                "n_features": training.X.shape[1],
                "activation": self._activation,
                "add_indicator": parameters["input_indicator"],
                "target": self.constant,
                "sparse": self.as_sparse,
            }
            | of_module,
            criterion=EntryLoss,
            optimizer=torch.optim.Adam,
            optimizer__eps=1e-14,  # gradients of a mean over millions of entries are that small
            max_epochs=_n_epochs(parameters["max_epochs"], training.X),
        )
        if self.implicit_feedback:
            transposed = sparse.csr_array(to_container(training.X, True).T)
            net.module_.observe(CSRRows(transposed, *net.place).take(slice(None)))
        return net

    def _module(
        self, parameters: Mapping[str, Any], training: EntryRows
    ) -> tuple[type[SNAE], dict[str, Any]]:
        """Return the class of the network, and arguments that differ from the usual ones."""
        if self.refinement is not None:  # the data set hides entries
            return RefiningAE, {"input_dropout": 0.0, "row_offset": None, "center": False}
        baseline = column_offsets(training.X, parameters["row_offset"], training.weights)
        share = parameters["input_dropout"]
        of_module = {
            "baseline": torch.as_tensor(baseline),
            "input_dropout": _INPUT_DROPOUT if share == "auto" else float(share),
        }
        if self.implicit_feedback:
            return ImplicitFeedbackAE, of_module | {"n_rows": training.X.shape[0]}
        return SNAE, of_module

    def _schedule(
        self, parameters: Mapping[str, Any], training: EntryRows, incremental: bool
    ) -> tuple[int, int, tuple[float, ...]]:
        assert self.net is not None
        X = training.X
        module = self.net.module_
        n_entries = int(row_counts(X).sum())
        self.penalties = entry_penalties(
            X,
            parameters["alpha"],
            constant=self.constant,
            widths=layer_sizes(parameters["hidden_layer_sizes"]),
            baseline=module.baseline.cpu().double().numpy(),
            center=module.center,
            row_offset=module.row_offset,
            add_indicator=parameters["input_indicator"],
            completed=self.refinement is not None,
        )
        n_seen = self.scaling.n_entries if incremental else n_entries
        batch_size = parameters["batch_size"]
        if self.refinement is not None:
            n_seen *= self.refinement.hidden_share
            batch_size = BATCH_ROWS if batch_size == "auto" else batch_size
        return (
            _n_epochs(parameters["max_epochs"], X),
            _rows_in_batch(batch_size, X.shape[0], n_entries),
            tuple(penalty / n_seen for penalty in self.penalties),
        )

    def _dataset(self, training: EntryRows) -> EntryDataset:
        assert self.net is not None
        dtype, device = self.net.place
        if self.refinement is not None:
            return self.refinement.dataset(training.X, self._draw_seed, dtype, device)
        rows = as_rows(training.X, dtype, device, weights=training.weights)
        return EntryDataset(rows, None, device)

    def _validation_set(self, train: EntryDataset, held_out: EntryRows) -> EntryDataset:
        assert self.net is not None
        dtype, device = self.net.place
        rows, to_predict = train.rows, as_rows(held_out.X, dtype, device, weights=held_out.weights)
        if self.refinement is not None:
            seen = rows.take(slice(None))
            assert isinstance(seen, torch.Tensor)
            scaled = seen.cpu().numpy()
            rows = as_rows(self.refinement.beside(scaled, scaled.dtype), dtype, device)
        return EntryDataset(rows, to_predict, device)


def _n_epochs(max_epochs: Any, X: Any) -> int:
    """Return ``max_epochs``; "auto" is more for a small dense table, whose epoch is one step."""
    if max_epochs != "auto":
        return int(max_epochs)
    if sparse.issparse(X):
        return _EPOCHS
    n_entries = max(1, int(row_counts(X).sum()))
    return int(np.clip(_LEARNED_ENTRIES / n_entries, _EPOCHS, _MOST_EPOCHS))


def _rows_in_batch(batch_size: Any, n_rows: int, n_entries: int) -> int:
    """Return ``batch_size``; "auto" is all rows, unless they hold too many entries for a step."""
    if batch_size != "auto":
        return int(batch_size)
    n_batches = max(1, round(n_entries / _STEP_ENTRIES))
    return -(-n_rows // n_batches)
