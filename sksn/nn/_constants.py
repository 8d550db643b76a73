"""The constants of Sparsity Normalization as a part of a module's state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._checks import check_constant, check_power, shown

_DEFAULT = 0.0  # no K is 0, so it stands for None


class ConstantsInState(nn.Module):
    """A module with `target` and `power`, which its state dict holds as ``_extra_state``.

    The same weights with other constants compute something else, so a module that loads a state
    dict takes its constants too. A state dict without them, such as that of a plain layer, leaves
    those of the module.
    """

    target: float | None
    power: float
    needs_target = False

    def get_extra_state(self) -> Tensor:
        """Return `target`, 0 for None, and `power`; float64 of shape (2,)."""
        target = _DEFAULT if self.target is None else self.target
        return torch.tensor([target, self.power], dtype=torch.float64, device="cpu")

    def set_extra_state(self, state: Any) -> None:
        """Take `target` and `power` from what ``get_extra_state`` returned."""
        if not isinstance(state, Tensor) or state.shape != (2,):
            raise ValueError(
                "_extra_state must be a tensor of shape (2,), the target and the power of a "
                f"{type(self).__name__}, got {shown(state)}."
            )
        target, power = state.tolist()
        if target == _DEFAULT and self.needs_target:
            raise ValueError(f"the state has no target, which a {type(self).__name__} needs.")
        target, power = None if target == _DEFAULT else check_constant(target), check_power(power)
        self.target, self.power = target, power

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
