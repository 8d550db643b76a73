"""A variational autoencoder with a multinomial likelihood (Liang et al., WWW 2018), as a peer."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTH, _N_CODES, _DROPOUT = 600, 200, 0.5
_BATCH, _LR, _SEED = 500, 1e-3, 0
_ANNEALED = 0.5  # share of the steps in which the weight of the prior rises


class MultVAE(nn.Module):
    """Mult-VAE: 600 tanh units around 200 codes, rows of length 1, half of the input dropped."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Dropout(_DROPOUT),
            nn.Linear(n_items, _WIDTH),
            nn.Tanh(),
            nn.Linear(_WIDTH, 2 * _N_CODES),
        )
        self.decode = nn.Sequential(
            nn.Linear(_N_CODES, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, n_items)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of items, and the divergence of each row's codes from the prior."""
        mean, log_variance = self.encode(F.normalize(x)).chunk(2, dim=1)
        divergence = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(dim=1)
        codes = mean
        if self.training:
            codes = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decode(codes), divergence


def fit(X: sparse.csr_array, *, n_epochs: int, beta: float) -> MultVAE:
    """Train on interactions; `beta` is the final weight of the prior."""
    torch.manual_seed(_SEED)
    model = MultVAE(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=_LR)
    random = np.random.RandomState(_SEED)
    starts = range(0, X.shape[0], _BATCH)
    n_steps, step = n_epochs * len(starts), 0
    for _ in range(n_epochs):
        order = random.permutation(X.shape[0])
        for start in starts:
            x = torch.from_numpy(X[order[start : start + _BATCH]].toarray()).float()
            logits, divergence = model(x)
            weight = beta * min(1.0, step / (_ANNEALED * n_steps))
            loss = (weight * divergence - (F.log_softmax(logits, dim=1) * x).sum(dim=1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    return model.eval()


def scores(model: MultVAE, X: sparse.csr_array) -> np.ndarray:
    """Return the logits of all items for rows of interactions."""
    with torch.inference_mode():
        return model(torch.from_numpy(X.toarray()).float())[0].numpy()
