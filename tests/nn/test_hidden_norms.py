"""Norms of hidden layers."""

import math

import numpy as np
import pytest
import torch

from sksn.nn import SNMLP

from .norms import by_loops, samples


class TestHiddenNorms:
    def test_sparsity_in_hidden_layers_is_what_loops_give(self):
        model = SNMLP(
            4, 2, hidden_layer_sizes=(6,), hidden_norm="sparsity", seed=0, dtype=torch.float64
        ).eval()
        x = samples(5, 4)
        hidden = torch.relu(model.input(x)).detach().numpy()
        assert 0 < (hidden > 0).mean() < 1
        weight, bias = (p.detach().numpy() for p in model.hidden[-1].parameters())
        expected = [
            sum(h * w * 3 / max(1, (row > 0).sum()) for h, w in zip(row, weight.T, strict=True))
            + bias
            for row in hidden
        ]
        np.testing.assert_allclose(model(x).detach(), expected)

    def test_dropout_does_not_shift_what_follows_sparsity_normalization(self):
        """Its mean over masks is what it is without; 4000 masks, 5 standard errors."""
        model = SNMLP(
            4, 1, hidden_layer_sizes=(64,), hidden_norm="sparsity", dropout=0.5, seed=0,
            dtype=torch.float64,
        )  # fmt: skip
        model.use_generator(torch.Generator().manual_seed(0))
        x = torch.ones(4000, 4, dtype=torch.float64)
        found, expected = model.train()(x), model.eval()(x[:1])
        assert abs(found.mean() - expected) < 5 * found.std() / math.sqrt(len(x))

    @pytest.mark.parametrize("activation", ["relu", "tanh"])
    def test_a_hidden_layer_that_is_standardized(self, activation):
        model = SNMLP(
            4, 2, hidden_layer_sizes=(6,), hidden_norm="observed", activation=activation,
            seed=0, dtype=torch.float64,
        ).eval()  # fmt: skip
        inside = model.hidden[:-1](model.input(samples(5, 4))).detach().numpy()
        hidden = model.hidden[0](model.input(samples(5, 4))).detach().numpy()
        active = np.where(hidden == 0, np.nan, hidden)
        expected = by_loops(active, np.ones(6), np.zeros(6), 1e-5)
        np.testing.assert_allclose(inside, expected, rtol=1e-6, atol=1e-8)
