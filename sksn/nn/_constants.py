"""The constants of Sparsity Normalization as a part of a module's state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._checks import check_constant, check_power


class ConstantsInState(nn.Module):
    """A module with `target` and `power`, which its state dict holds as ``_extra_state``.

    The same weights with other constants compute something else, so a module that loads a state
    dict takes its constants too. A state dict without them, such as that of a plain layer, leaves
    those of the module.
    """

    target: float | None
    power: float

    def get_extra_state(self) -> Tensor:
        """Return `target`, NaN for None, and `power`; float64 of shape (2,)."""
        target = torch.nan if self.target is None else self.target
        return torch.tensor([target, self.power], dtype=torch.float64, device="cpu")

    def set_extra_state(self, state: Any) -> None:
        """Take `target` and `power` from what ``get_extra_state`` returned."""
        target, power = (float(value) for value in state)
        self.target = None if target != target else check_constant(target)
        self.power = check_power(power)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        *further: Any,
    ) -> None:
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, *further
        )
        constants = f"{prefix}_extra_state"
        if constants not in state_dict and constants in missing_keys:
            missing_keys.remove(constants)
