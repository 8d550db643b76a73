"""AdamW for row-sparse gradients: the time of a step scales with the rows of the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from ._mask import exact_type

_OF_ROW = ("touched", "caught_up", "rate", "log_decay_of_row")
_SAME = 1e-9  # difference of numbers that are equal but for rounding
_STEPS_UNTIL_REST = 200  # after so many without a gradient, a row moves by less than 1e-9 of before
_ROWS = 1024  # rows whose weights, moments and gradient fit the cache of a CPU together


class RowSparseAdamW(torch.optim.AdamW):
    r"""AdamW [1]_ that also takes row-sparse gradients, and then updates only their rows.

    Parameters with dense gradients are treated as in :class:`torch.optim.AdamW`. For a sparse
    gradient, such as that of :class:`SNMLP` with ``sparse_grad=True``, a step reads and writes
    only the rows that the gradient holds.

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
    torch.optim.SparseAdam : Leaves out weight decay, and the owed steps.

    Notes
    -----
    In a step whose gradient does not hold a row, AdamW still moves the row: its running mean
    :math:`m` and mean square :math:`v` decay by :math:`\beta_1` and :math:`\beta_2`, and weight
    decay :math:`\lambda` shrinks its weights :math:`w`. Here the row *owes* these steps. It takes
    all of them at once when a gradient holds it again, or in :meth:`settle`. After a gap of
    :math:`g` steps with learning rates :math:`\eta_t`, and with :math:`\eta` the bias-corrected
    learning rate of the row's last gradient,

    .. math:: w \leftarrow w \prod_{t=1}^{g} (1 - \eta_t \lambda)
        - \eta \frac{m}{\sqrt{v}} \sum_{t=1}^{g} \left(\frac{\beta_1}{\sqrt{\beta_2}}\right)^t

    Call :meth:`settle` before you read the weights. Until a row takes its steps, the network sees
    its old weights; apart from that, and from the learning rate in the second term, a row moves as
    with dense gradients.

    So the choice of steps affects speed and hardly changes the network: in five settings in which
    a batch holds few features, the accuracy was within 0.0014 of that with dense steps
    (``python -m benchmarks run row_sparse``). Without the second term it changed by -0.002 to
    +0.015, so we found no gain in accuracy from the term itself. :class:`torch.optim.SparseAdam`
    leaves out both terms; features that occur in a fifth of the batches or less then move several
    times less than with dense gradients.

    For parameters in half precision, moments are kept and steps are computed in float32.

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
        self._step_supports_amp_scaling = False  # a GradScaler unscales and skips by itself

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the gradients again and returns the loss.

        Returns
        -------
        loss
            The loss that `closure` returned.
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

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state.

        Parameters
        ----------
        state_dict : dict
            What ``state_dict`` returned.
        """
        super().load_state_dict(state_dict)
        saved = (i for group in state_dict["param_groups"] for i in group["params"])
        for group in self.param_groups:
            for parameter, i in zip(group["params"], saved, strict=False):
                exact = exact_type(parameter.dtype)
                if exact == parameter.dtype:
                    continue
                state = self.state[parameter]  # which torch has turned into half precision
                for name in {"exp_avg", "exp_avg_sq", *_OF_ROW} & state.keys():
                    value = state_dict["state"][i][name]
                    state[name] = value.to(parameter.device, exact, copy=True)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients, or fill them with zeros.

        Parameters
        ----------
        set_to_none : bool, default=True
            Whether to remove them.
        """
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _step_on_all(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        states = [self._state(parameter) for parameter, _ in pairs]
        for parameter, _ in pairs:  # steps owed after sparse gradients
            self._settle(parameter, group, resting_too=True)
        exact = exact_type(pairs[0][0].dtype)
        copies = [parameter.to(exact) for parameter, _ in pairs]  # half precision is too coarse
        _adamw(
            copies,
            [gradient.to(exact) for _, gradient in pairs],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["step"] for state in states],
            group,
        )
        for (parameter, _), copy in zip(pairs, copies, strict=True):
            if copy is not parameter:
                parameter.copy_(copy)

    def _step_on_rows(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.sparse_dim() != 1:
            raise ValueError(
                f"A sparse gradient must have 1 sparse dimension, that of the rows, got "
                f"{gradient.sparse_dim()}."
            )
        state = self._state(parameter)
        if "n_steps" not in state:
            exact = exact_type(parameter.dtype)
            of_rows = {name: parameter.new_zeros(len(parameter), dtype=exact) for name in _OF_ROW}
            state.update({**of_rows, "n_steps": 0, "settled": 0, "log_decay": 0.0})
        rows, gradients = gradient.indices()[0], gradient.values()
        for part, copies in self._caught_up(parameter, rows, group):
            weight, mean, square = copies
            step = state["step"].clone()  # it is advanced once for all blocks, below
            _adamw([weight], [gradients[part].to(weight.dtype)], [mean], [square], [step], group)
        state["step"] += 1
        n = state["n_steps"] = state["n_steps"] + 1
        state["log_decay"] += _log_decay(group["lr"] * group["weight_decay"])
        beta1, beta2 = group["betas"]
        rate = group["lr"] * math.sqrt(1 - beta2**n) / (1 - beta1**n)
        for name, value in zip(_OF_ROW, (n, n, rate, state["log_decay"]), strict=True):
            state[name].index_fill_(0, rows, value)

    def _caught_up(
        self, parameter: Tensor, rows: Tensor, group: dict[str, Any], *, settles: bool = False
    ) -> Iterator[tuple[slice, list[Tensor]]]:
        """Yield copies of weights and moments of rows that took the steps they owed.

        The copies are written back afterwards. Without a gradient, AdamW moves a row by
        ``rate * mean / sqrt(square)`` in each step, while `mean` and `square` decay by their
        betas: a geometric series.
        """
        state = self.state[parameter]
        tables = (parameter, state["exp_avg"], state["exp_avg_sq"])
        _, caught_up, rate, log_decay = (state[name].index_select(0, rows) for name in _OF_ROW)
        gap = state["n_steps"] - caught_up
        beta1, beta2 = group["betas"]
        ratio = beta1 / math.sqrt(beta2)
        if abs(1 - ratio) < _SAME:  # a series of ones, but for rounding
            moves = rate * gap
        else:
            moves = rate * (1 - ratio**gap) * (ratio / (1 - ratio))
        shape = (-1, *[1] * (parameter.ndim - 1))
        owed = (state["log_decay"] - log_decay).exp_()
        of_mean = (beta1**gap).masked_fill_(gap > _STEPS_UNTIL_REST, 0)  # no subnormal numbers
        factors = [x.reshape(shape) for x in (owed, moves, of_mean, beta2**gap)]
        exact = exact_type(parameter.dtype)
        size = _ROWS if parameter.device.type == "cpu" else max(1, len(rows))
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            copies = [table.index_select(0, rows[part]).to(exact) for table in tables]
            weight, mean, square = copies
            shrink, move, shrink_mean, shrink_square = (factor[part] for factor in factors)
            if state["log_decay"]:
                weight.mul_(shrink)
            weight.addcdiv_(mean * move, square.sqrt().add_(group["eps"]), value=-1)
            mean.mul_(shrink_mean)
            square.mul_(shrink_square)
            yield part, copies
            for table, copy in zip(tables, copies, strict=True):
                table.index_copy_(0, rows[part], copy.to(table.dtype))
            if settles:  # block by block, because an interrupt may follow
                state["caught_up"].index_fill_(0, rows[part], state["n_steps"])
                state["log_decay_of_row"].index_fill_(0, rows[part], state["log_decay"])

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            on = parameter.device if self.defaults["fused"] else "cpu"
            begun = {
                "step": torch.zeros((), dtype=torch.float32, device=on),
                "exp_avg": torch.zeros_like(parameter, dtype=exact_type(parameter.dtype)),
                "exp_avg_sq": torch.zeros_like(parameter, dtype=exact_type(parameter.dtype)),
            }
            state.update(begun)  # at once, because an interrupt may come at any time
        return state

    @torch.no_grad()
    def settle(self) -> None:
        """Let all rows take the steps that they owe."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self._settle(parameter, group)

    def _settle(
        self, parameter: Tensor, group: dict[str, Any], *, resting_too: bool = False
    ) -> None:
        state = self.state.get(parameter, {})
        if "n_steps" not in state or state["n_steps"] == state["settled"]:
            return
        since = 1 if resting_too else max(1, state["settled"] - _STEPS_UNTIL_REST)
        rows = (state["touched"] >= since).nonzero()[:, 0]
        for _ in self._caught_up(parameter, rows, group, settles=True):
            pass
        if state["log_decay"]:  # the remaining rows owe only decay
            owed = (state["log_decay"] - state["log_decay_of_row"]).exp_()
            parameter.mul_(owed.reshape(-1, *[1] * (parameter.ndim - 1)))
        state["log_decay"] = 0.0
        state["log_decay_of_row"].zero_()
        state["settled"] = state["n_steps"]


def _adamw(
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    group: dict[str, Any],
) -> None:
    """Take one step of AdamW, in place; it advances `steps`."""
    beta1, beta2 = group["betas"]
    options = {name: group[name] for name in ("lr", "weight_decay", "eps")}
    adamw(
        parameters,
        gradients,
        means,
        squares,
        [],
        steps,
        foreach=False,
        fused=bool(group["fused"]),
        amsgrad=False,
        maximize=group["maximize"],
        beta1=beta1,
        beta2=beta2,
        **options,
    )


def _log_decay(share: float) -> float:
    """Return the logarithm of the factor of decay in a step, finite even for the factor 0."""
    return math.log(max(1 - share, 1e-30))
