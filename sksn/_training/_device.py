"""The device to train on, and the number of its threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from threadpoolctl import ThreadpoolController
from torch import nn

_PRODUCTS_FOR_THREADS = 1 << 25  # multiplications in a batch from which several threads are used


def resolve_device(device: Any) -> torch.device:
    """Return a torch device that exists here; "auto" is CUDA, MPS or the CPU, in this order."""
    if isinstance(device, str) and device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device={device!r} cannot be used here ({reason}); expected 'auto' or a torch device "
            "that exists on this machine, such as 'cpu'."
        ) from error
    return resolved


@contextmanager
def usual_modes() -> Iterator[None]:
    """Compute as if the user had set no mode of torch and no default device."""
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            modes.enter_context(torch.device("cpu"))
        yield


@contextmanager
def threads_for(module: nn.Module, n_rows: int) -> Iterator[None]:
    """Use one thread of the CPU for small batches, and torch's own number for large ones.

    Where other processes keep the cores busy, two threads that wait for each other after every
    small product took 25 times as long as one. On idle cores, the second thread gains little.
    """
    products = sum(p.numel() for p in module.parameters()) * n_rows
    if products > _PRODUCTS_FOR_THREADS or torch.get_num_threads() == 1:
        yield
        return
    # torch.set_num_threads would also hold, for good, in threads that begin meanwhile. This limit
    # does not reach MKL once the user has called torch.set_num_threads with more than one.
    with _threadpools().limit(limits=1, user_api="openmp"):
        yield


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()
