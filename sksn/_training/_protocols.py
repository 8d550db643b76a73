"""What a network has to know of y and of the columns of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Targets(Protocol):
    """What a network predicts; see ``sksn._targets``."""

    @property
    def are_numbers(self) -> bool:
        """Whether y is numbers, and not classes or labels."""

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the network."""

    @property
    def loss(self) -> str:
        """Name of the loss."""

    @property
    def loss_options(self) -> dict[str, Any]:
        """Further arguments of the loss."""

    @property
    def may_be_partly_known(self) -> bool:
        """Whether entries of y may be NaN."""

    def learn(self, y: Any, weights: np.ndarray | None) -> None:
        """Learn, or go on learning, how y is scaled."""

    def for_loss(self, y: Any) -> Any:
        """Return encoded y as the loss takes it."""

    def mix(self, outputs: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
        """Return the outputs that give the weighted mean of the predictions of networks."""


class Columns(Protocol):
    """What the columns of dense rows are; see ``sksn._observed``."""

    @property
    def n_categories(self) -> np.ndarray:
        """Number of categories of each column; 0 for numbers."""

    @property
    def part_of(self) -> Sequence[int]:
        """For the last columns, which are parts of other columns: the column of each."""
