import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sksn.nn import SNMLP, SparseRows
from sksn.nn._dropout import Dropout
from tests.helpers import holey, to_csr


def sparse_rows(X: np.ndarray, dtype=torch.float64) -> SparseRows:
    csr = to_csr(X)
    return SparseRows(
        torch.tensor(csr.data, dtype=dtype),
        torch.tensor(csr.indices.astype(np.int64)),
        torch.tensor(csr.indptr[:-1].astype(np.int64)),
    )


def network(n_features: int, **options) -> SNMLP:
    options = {"hidden_layer_sizes": (5,), "seed": 0, "dtype": torch.float64} | options
    return SNMLP(n_features, 2, **options).eval()


def by_hand(model: SNMLP, X: np.ndarray, target: float, power: float, bins=((), ())) -> np.ndarray:
    """Loops over rows, features and bins; one hidden layer, ReLU."""
    weight, bias = (p.detach().numpy() for p in (model.input.weight, model.input.bias))
    last = model.hidden[-1]
    out = []
    for row in X:
        n = sum(not np.isnan(x) for x in row)
        hidden = bias.copy()
        for j, (x, w) in enumerate(zip(row, weight, strict=True)):
            if not np.isnan(x):
                hidden += (target / n) ** power * x * w
                for b, (lower, width) in enumerate(zip(bins[0][j], bins[1][j], strict=True)):
                    filled = min(max((x - lower) / width, 0), 1)
                    of_bin = model.input.bin_weight[j * len(bins[0][j]) + b].detach().numpy()
                    hidden += (target / n) ** power * filled * of_bin
        hidden = np.maximum(hidden, 0)
        out.append(last.weight.detach().numpy() @ hidden + last.bias.detach().numpy())
    return np.array(out)


@given(holey(), st.sampled_from([0.0, 0.5, 1.0]))
def test_forward_is_what_loops_give(X, power):
    model = network(X.shape[1], target=3.0, power=power)
    expected = by_hand(model, X, 3.0, power, np.empty((2, X.shape[1], 0)))
    np.testing.assert_allclose(model(torch.tensor(X)).detach(), expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(model(sparse_rows(X)).detach(), expected, rtol=1e-8, atol=1e-8)


@given(holey(), st.sampled_from([0.0, 0.5, 1.0]))
def test_bins_are_what_loops_give(X, power):
    n_features = X.shape[1]
    lower = np.tile([-5.0, 0.0, np.inf], (n_features, 1))
    width = np.tile([5.0, 7.0, 1.0], (n_features, 1))
    model = network(n_features, target=3.0, power=power, bins=(lower, width))
    before = model(torch.tensor(X)).detach()
    plain = network(n_features, target=3.0, power=power)
    torch.testing.assert_close(before, plain(torch.tensor(X)).detach())
    nn.init.normal_(model.input.bin_weight)
    expected = by_hand(model, X, 3.0, power, (lower, width))
    np.testing.assert_allclose(model(torch.tensor(X)).detach(), expected, rtol=1e-8, atol=1e-8)


def test_a_row_with_nothing_observed_gives_what_the_biases_give():
    model = network(3)
    nn.init.normal_(model.input.bias)
    expected = model.hidden(model.input.bias.detach())
    torch.testing.assert_close(
        model(torch.full((1, 3), torch.nan, dtype=torch.float64))[0], expected
    )
    torch.testing.assert_close(model(sparse_rows(np.full((1, 3), np.nan)))[0], expected)


def test_sparse_gradients_are_the_dense_ones():
    X = np.random.RandomState(0).normal(size=(6, 4))
    X[X < -0.5] = np.nan
    gradients = []
    for rows in (torch.tensor(X), sparse_rows(X)):
        model = network(4, power=0.5, target=2.0)
        model(rows).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    for dense, as_sparse in zip(*gradients, strict=True):
        torch.testing.assert_close(dense, as_sparse)


def test_gradcheck():
    X = np.random.RandomState(0).normal(size=(3, 4))
    X[0, 1] = X[1, 2] = np.nan
    bins = (np.tile([-1.0, 0.0], (4, 1)), np.ones((4, 2)))
    model = network(4, power=0.5, activation="tanh", bins=bins, indicator_features=[1, 2])
    names = [name for name, _ in model.named_parameters()]
    parameters = tuple(p for _, p in model.named_parameters())

    def call(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (dense,))

    dense = torch.tensor(X)
    assert torch.autograd.gradcheck(call, parameters)


class TestTheorem:
    """The paper's theorem, for rows of independent entries and a random first layer.

    Over the draw of the rows, the mean of a pre-activation does not depend on how many entries
    are observed with power 1, and for centred entries its variance does not with power 1/2.
    With 20,000 rows for each n and 64 units, a bound of 5 standard errors is exceeded by chance
    in less than one of 10,000 runs (union over units, normal tails); the seed is fixed.
    """

    def pre_activations(self, n, power, mean, n_rows=20_000, n_features=50):
        rng = np.random.RandomState(n)
        X = rng.normal(mean, 1, size=(n_rows, n_features))
        order = rng.uniform(size=X.shape).argsort(axis=1)
        X[order >= n] = np.nan
        model = SNMLP(
            n_features, 64, hidden_layer_sizes=(), target=20.0, power=power, seed=1
        ).eval()
        with torch.no_grad():
            return model(torch.tensor(X, dtype=torch.float32)).double().numpy()

    def test_power_one_keeps_the_mean(self):
        few, many = (self.pre_activations(n, 1.0, mean=2.0) for n in (5, 45))
        error = np.sqrt((few.var(axis=0) + many.var(axis=0)) / len(few))
        assert (np.abs(few.mean(axis=0) - many.mean(axis=0)) < 5 * error).all()

    def test_power_one_half_keeps_the_variance(self):
        few, many = (self.pre_activations(n, 0.5, mean=0.0) for n in (5, 45))
        variances = [z.var(axis=0) for z in (few, many)]
        error = np.sqrt(sum(((z - z.mean(axis=0)) ** 2).var(axis=0) / len(z) for z in (few, many)))
        assert (np.abs(variances[0] - variances[1]) < 5 * error).all()

    @pytest.mark.parametrize("power", [0.0, 0.5])
    def test_other_powers_do_not_keep_the_mean(self, power):
        few, many = (self.pre_activations(n, power, mean=2.0) for n in (5, 45))
        error = np.sqrt((few.var(axis=0) + many.var(axis=0)) / len(few))
        assert (np.abs(few.mean(axis=0) - many.mean(axis=0)) > 5 * error).mean() > 0.8


class TestInputDropout:
    def test_n_is_counted_after_dropping(self):
        """With power 1, entries of 2 and weights of 1, the sum is 2 K whatever drops."""
        model = SNMLP(
            40, 1, hidden_layer_sizes=(), target=7.0, power=1.0, input_dropout=0.5, seed=0
        ).train()
        nn.init.ones_(model.input.weight)
        X = np.full((30, 40), 2.0)
        X[:, 25:] = np.nan
        for rows in (torch.tensor(X, dtype=torch.float32), sparse_rows(X, torch.float32)):
            torch.testing.assert_close(model(rows), torch.full((30, 1), 14.0))

    def test_drops_the_share_it_is_told(self):
        model = SNMLP(
            1000, 1, hidden_layer_sizes=(), target=1.0, power=0.0, input_dropout=0.3, seed=0
        ).train()
        nn.init.ones_(model.input.weight)
        X = np.ones((50, 1000))
        for rows in (torch.tensor(X, dtype=torch.float32), sparse_rows(X, torch.float32)):
            share = model(rows).mean().item() / 1000
            assert abs(share - 0.7) < 5 * np.sqrt(0.3 * 0.7 / 50_000)
        assert (model.eval()(rows) == 1000).all()


def test_indicators_dense_mark_missing_and_sparse_mark_observed():
    X = np.array([[1.0, np.nan, 3.0], [np.nan, 2.0, np.nan]])
    dense = network(3, hidden_layer_sizes=(), indicator_features=[1, 2])
    expected = dense.input.indicator_weight.detach()[[0]] + 0
    nn.init.zeros_(dense.input.weight)
    torch.testing.assert_close(dense(torch.tensor(X))[:1].detach(), expected)

    marked = network(3, hidden_layer_sizes=(), indicator_features=[0, 1, 2], sparse=True, power=1)
    nn.init.zeros_(marked.input.weight)
    weight = marked.input.indicator_weight.detach()
    expected = torch.stack([(weight[0] + weight[2]) / 2, weight[1]])
    torch.testing.assert_close(marked(sparse_rows(X)).detach(), expected)


def test_each_dense_indicator_may_have_a_factor():
    options = {"hidden_layer_sizes": (), "indicator_features": [0, 2]}
    model = network(3, indicator_gain=[0.5, 2.0], indicator_shares=[0.0, 0.25], **options)
    nn.init.zeros_(model.input.weight)
    first, third = model.input.indicator_weight.detach()
    expected = torch.stack([0.5 * first - 0.5 * third, 1.5 * third])
    X = torch.tensor([[np.nan, 1, 1], [1, np.nan, np.nan]], dtype=torch.float64)
    torch.testing.assert_close(model(X).detach(), expected)


@pytest.mark.parametrize("norm", ["batch", "layer", "sparsity", "observed"])
def test_hidden_norms_take_one_row(norm):
    model = network(3, hidden_norm=norm, hidden_layer_sizes=(4, 4)).train()
    assert torch.isfinite(model(torch.ones(1, 3, dtype=torch.float64))).all()


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
def test_the_initial_second_moment_stays_through_layers(activation):
    """Within a third over four layers; gains that are 10 % off would miss it by a factor of 2."""
    model = SNMLP(
        100,
        100,
        hidden_layer_sizes=(400,) * 4,
        activation=activation,
        target=100.0,
        power=0.5,
        seed=0,
    ).eval()
    X = torch.randn(500, 100, generator=torch.Generator().manual_seed(0))
    shrunk_by_the_last_activation = {"logistic": 0.2934, "tanh": 0.3943, "relu": 0.5}
    shrunk_by_the_last_activation |= {"identity": 1, "gelu": 0.4252, "silu": 0.3558}
    ratio = model(X).square().mean().item() / shrunk_by_the_last_activation[activation]
    assert 0.75 < ratio < 1.33


def test_running_statistics_are_those_of_the_data_after_few_batches():
    model = network(3, hidden_norm="batch", hidden_layer_sizes=(4,)).train()
    X = torch.randn(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 5
    for _ in range(3):
        model(X)
    norm, z = model.hidden[0], model.input(X)
    torch.testing.assert_close(norm.running_mean, z.mean(dim=0))
    torch.testing.assert_close(norm.running_var, z.var(dim=0))
    torch.testing.assert_close(model(X), model.eval()(X), rtol=0.01, atol=0.01)


def test_seed_and_generator_make_it_repeatable():
    a, b = (network(4, dropout=0.5, input_dropout=0.5).train() for _ in range(2))
    X = torch.ones(8, 4, dtype=torch.float64)
    for model in (a, b):
        model.use_generator(torch.Generator().manual_seed(3))
    state = torch.get_rng_state()
    torch.testing.assert_close(a(X), b(X))
    assert torch.equal(state, torch.get_rng_state()), "torch's own generator was used"


def test_copies_and_pickles_leave_the_generator_behind():
    model = network(4, dropout=0.5)
    model.use_generator(torch.Generator())
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.input.generator is None
        torch.testing.assert_close(other.input.weight, model.input.weight)


def test_sparse_rows():
    rows = sparse_rows(np.array([[1.0, np.nan], [np.nan, np.nan], [2.0, 3.0]]))
    assert rows.n_observed().tolist() == [1, 0, 2]
    assert rows.row_of_entry().tolist() == [0, 2, 2]
    assert rows.to("cpu").values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", ["rows", "dense"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_counts_exactly(kind, dtype):
    """K / n times n ones is K, however many of 3000 are dropped; neither type counts that far.

    The scale itself is rounded: 2 ** -9 relatively in bfloat16.
    """
    model = SNMLP(
        3000, 1, hidden_layer_sizes=(), target=100.0, input_dropout=0.5, dtype=dtype, seed=0
    ).train()
    nn.init.ones_(model.input.weight)
    x = torch.ones(2, 3000, dtype=dtype)
    rows = sparse_rows(np.ones((2, 3000)), dtype) if kind == "rows" else x
    torch.testing.assert_close(
        model(rows).float(), torch.full((2, 1), 100.0), rtol=2**-7, atol=0, check_dtype=False
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rare_dropout_in_half_precision(dtype):
    """A share of 0.001 of a million, within 5 standard errors."""
    dropped = (Dropout(0.001).train()(torch.ones(1000, 1000, dtype=dtype)) == 0).double().mean()
    assert abs(dropped - 0.001) < 5 * (0.001 * 0.999 / 1e6) ** 0.5


def test_compiled_training_takes_batches_of_all_sizes():
    torch._dynamo.reset()
    model = SNMLP(3, 2, hidden_layer_sizes=(4,), dropout=0.1, input_dropout=0.1).train()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    for n_rows in (5, 7, 3):
        assert compiled(torch.ones(n_rows, 3)).shape == (n_rows, 2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden_norm": "foo"}, "hidden_norm must be one of None, 'batch', .* got 'foo'"),
        ({"activation": "foo"}, "activation must be one of 'identity', .* got 'foo'"),
    ],
)
def test_bad_options(options, says):
    with pytest.raises(ValueError, match=says):
        SNMLP(3, 2, **options)
