"""AdamW whose step on a row-sparse gradient costs what the touched rows cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

_ROWS = 1024  # rows whose weights, moments and gradient fit the cache of a CPU together


class RowSparseAdamW(torch.optim.AdamW):
    """AdamW [1]_ that also takes row-sparse gradients, at the cost of the rows they touch.

    Parameters with dense gradients are treated as :class:`torch.optim.AdamW` does. For a sparse
    gradient, such as that of :class:`SNMLP` with ``sparse_grad=True``, only the rows it holds are
    read and written.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them.
    lr : float, default=1e-3
        Learning rate.
    betas : tuple of float, default=(0.9, 0.999)
        Decay of the running means of the gradient and of its square.
    eps : float, default=1e-8
        Added to the denominator.
    weight_decay : float, default=1e-2
        In each step weights shrink by this share times `lr`.
    fused : bool, optional
        Whether to use torch's fused kernels.

    See Also
    --------
    torch.optim.SparseAdam : No weight decay; two to four times as slow on a CPU.

    Notes
    -----
    What happens to a row in the steps whose gradient does not hold it:

    - Its moments do not decay and it does not move, as in :class:`torch.optim.SparseAdam`. Bias is
      corrected by the number of steps of the optimiser, not of the row.
    - Its weight decay is owed: it is applied when a gradient touches the row next, and by
      :meth:`settle`. So a rare feature is regularised as much as with dense gradients, only later.
      Call :meth:`settle` before the weights are read.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. "Decoupled Weight Decay Regularization". ICLR 2019.
       arXiv:1711.05101.

    Examples
    --------
    >>> import torch
    >>> from sksn.nn import RowSparseAdamW
    >>> table = torch.nn.Embedding(1000, 4, sparse=True)
    >>> optimizer = RowSparseAdamW(table.parameters(), lr=0.1)
    >>> table(torch.tensor([3, 5])).sum().backward()
    >>> before = table.weight.detach().clone()
    >>> optimizer.step()
    >>> (table.weight != before).any(dim=1).nonzero().flatten()
    tensor([3, 5])
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, fused=fused)
        self._step_supports_amp_scaling = False  # a GradScaler is to unscale and skip by itself

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the gradients anew and returns the loss.

        Returns
        -------
        loss
            What `closure` returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                dense: dict[Any, list[tuple[Tensor, Tensor]]] = {}
                for parameter in group["params"]:
                    if parameter.grad is None:
                        continue
                    if parameter.grad.is_sparse:
                        self._step_on_rows(parameter, parameter.grad.coalesce(), group)
                    else:
                        kind = (parameter.device, parameter.dtype)
                        dense.setdefault(kind, []).append((parameter, parameter.grad))
                for pairs in dense.values():
                    self._step_on_all(pairs, group)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or fill them with zeros.

        Parameters
        ----------
        set_to_none : bool, default=True
            Whether to forget them.
        """
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _step_on_all(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        states = [self._state(parameter) for parameter, _ in pairs]
        for (parameter, _), state in zip(pairs, states, strict=True):
            _pay(parameter, state)  # what is owed from sparse gradients before
        _adamw(
            [parameter for parameter, _ in pairs],
            [gradient for _, gradient in pairs],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["step"] for state in states],
            group,
        )

    def _step_on_rows(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.sparse_dim() != 1:
            raise ValueError(
                f"A sparse gradient must have 1 sparse dimension, that of the rows, got "
                f"{gradient.sparse_dim()}."
            )
        state = self._state(parameter)
        if "log_decay" not in state:
            state["log_decay"] = 0.0
            state["log_decay_of_row"] = parameter.new_zeros(len(parameter))
        touched, gradients = gradient.indices()[0], gradient.values()
        tables = (parameter, state["exp_avg"], state["exp_avg_sq"])
        owed = None
        if group["weight_decay"]:
            of_row = state["log_decay_of_row"]
            owed = (state["log_decay"] - of_row.index_select(0, touched)).exp_()
            owed = owed.reshape(-1, *[1] * (parameter.ndim - 1))
            state["log_decay"] += _log_decay(group["lr"] * group["weight_decay"])
            of_row.index_fill_(0, touched, state["log_decay"])
        before = state["step"].clone()
        size = _ROWS if parameter.device.type == "cpu" else max(1, len(touched))
        for start in range(0, len(touched), size):
            part = slice(start, start + size)
            rows = touched[part]
            weight, mean, square = copies = [table.index_select(0, rows) for table in tables]
            if owed is not None:
                weight.mul_(owed[part])
            state["step"].copy_(before)
            _adamw([weight], [gradients[part]], [mean], [square], [state["step"]], group)
            for table, copy in zip(tables, copies, strict=True):
                table.index_copy_(0, rows, copy)
        state["step"].copy_(before + 1)

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            on = parameter.device if self.defaults["fused"] else "cpu"
            state["step"] = torch.zeros((), dtype=torch.float32, device=on)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state

    @torch.no_grad()
    def settle(self) -> None:
        """Apply the weight decay that rows which were not touched lately still owe."""
        for parameter, state in self.state.items():
            _pay(parameter, state)


def _pay(parameter: Tensor, state: dict[str, Any]) -> None:
    """Apply to all rows of a parameter the decay that they owe."""
    if state.get("log_decay"):
        of_row = state["log_decay_of_row"]
        owed = (state["log_decay"] - of_row).exp_()
        parameter.mul_(owed.reshape(-1, *[1] * (parameter.ndim - 1)))
        state["log_decay"] = 0.0
        of_row.zero_()


def _adamw(
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    group: dict[str, Any],
) -> None:
    """One step, in place; the steps count on."""
    beta1, beta2 = group["betas"]
    options = {"beta1": beta1, "beta2": beta2, "amsgrad": False, "maximize": False}
    options |= {name: group[name] for name in ("lr", "weight_decay", "eps")}
    if group["fused"]:  # the kernel itself: torch's function around it takes four times as long
        for step in steps:
            step.add_(1)
        torch._fused_adamw_(parameters, gradients, means, squares, [], steps, **options)
    else:
        adamw(parameters, gradients, means, squares, [], steps, foreach=False, **options)


def _log_decay(share: float) -> float:
    """Logarithm of what a step leaves of a weight; finite even if it leaves nothing."""
    return math.log(max(1 - share, 1e-30))
