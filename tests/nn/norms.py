"""What these tests share: samples, modules and loops over them."""

import math

import numpy as np
import torch

NAN = torch.nan


def samples(*shape, dtype=torch.float64, rate=0.4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator, dtype=torch.float64) + 1
    return x.masked_fill(torch.rand(*shape, generator=generator) < rate, NAN).to(dtype)


def by_loops(X, gain, bias, eps):
    """ObservedNorm, entry by entry."""
    out = np.zeros_like(X)
    for i, row in enumerate(X):
        entries = [x for x in row if not math.isnan(x)]
        if not entries:
            continue
        mean = math.fsum(entries) / len(entries)
        variance = math.fsum((x - mean) ** 2 for x in entries) / len(entries)
        for j, x in enumerate(row):
            if not math.isnan(x):
                out[i, j] = (x - mean) / math.sqrt(variance + eps) * gain[j] + bias[j]
    return out
