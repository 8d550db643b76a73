"""The parts of training that can be looked at one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sksn import SNClassifier
from sksn import _blocks as blocks_module
from sksn._training import _rows as rows_module
from sksn._training._batches import BatchLoader, RowDataset
from sksn._training._callbacks import CosineSchedule
from sksn._training._device import resolve_device
from sksn._training._losses import MeanLoss
from sksn._training._quantile_bins import quantile_bins
from sksn._training._rows import CSRRows, DenseRows, StreamedRows, as_rows
from sksn._training._sparse_labels import SparseLabels
from sksn.nn import SNMLP
from tests.helpers import holey, to_csr

CPU = torch.device("cpu")


def rows_as_arrays(batch, n_features: int) -> np.ndarray:
    if isinstance(batch, torch.Tensor):
        return batch.numpy()
    dense = np.full((len(batch.offsets), n_features), np.nan)
    dense[batch.row_of_entry(), batch.columns] = batch.values
    return dense


@given(holey(max_rows=20), st.data())
def test_gathering_is_indexing(X, data):
    index = data.draw(st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=30))
    start = data.draw(st.integers(0, len(X) - 1))
    stop = data.draw(st.integers(start + 1, len(X)))
    for container in (X, to_csr(X), to_csr(X, sparse.csr_matrix)):
        rows = as_rows(container, torch.float64, CPU)
        assert len(rows) == len(X)
        taken = rows_as_arrays(rows.take(torch.tensor(index)), X.shape[1])
        np.testing.assert_array_equal(taken, X[index])
        taken = rows_as_arrays(rows.take(slice(start, stop)), X.shape[1])
        np.testing.assert_array_equal(taken, X[start:stop])


def test_long_indices():
    X = to_csr(np.eye(3))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    assert as_rows(X, torch.float32, CPU).take(torch.tensor([2, 0])).columns.dtype == torch.int32


@given(holey(max_rows=20), st.integers(1, 6), st.booleans(), st.sampled_from([1, 30, 1 << 24]))
def test_what_is_planned_is_what_is_gathered(X, n_batches, streamed, at_a_time):
    rows = CSRRows(to_csr(X), torch.float64, CPU, count_distinct=True)
    if streamed:
        rows = StreamedRows(CSRRows(to_csr(X), torch.float64, CPU), CPU)
    batches = torch.randperm(len(X), generator=torch.Generator().manual_seed(0)).chunk(n_batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "_PLANNED_ENTRIES", at_a_time)
        plan = rows.plan(list(batches))
    for index, size in zip(batches, plan, strict=True):
        taken = rows.take(index, size)
        np.testing.assert_array_equal(rows_as_arrays(taken, X.shape[1]), X[index.numpy()])
        assert taken.n_distinct == (~np.isnan(X[index.numpy()])).any(axis=0).sum()


def test_rows_too_large_for_a_gpu_stay_on_the_host(monkeypatch):
    class Gpu:
        type = "cuda"

    X = to_csr(np.eye(100))
    n_bytes = 100 * 4 + 100 * X.indices.itemsize + X.indptr.nbytes
    monkeypatch.setattr(rows_module, "_free_memory", lambda device: 2 * n_bytes)
    rows = as_rows(X, torch.float32, Gpu())
    assert isinstance(rows, StreamedRows)
    assert rows.rows.values.device == CPU
    dense = as_rows(np.eye(100), torch.float32, Gpu())
    assert isinstance(dense, StreamedRows)
    assert len(dense) == len(rows) == 100


@given(holey(max_rows=20), st.booleans())
def test_streamed_rows_are_the_same_rows(X, as_sparse):
    rows = as_rows(to_csr(X) if as_sparse else X, torch.float64, CPU)
    streamed = StreamedRows(rows, CPU)
    index = torch.arange(len(X)).flip(0)
    for selection in (index, slice(0, len(X))):
        expected, taken = (rows_as_arrays(r.take(selection), X.shape[1]) for r in (rows, streamed))
        np.testing.assert_array_equal(taken, expected)


@given(holey(max_rows=20), st.sampled_from([None, [0]]))
def test_normalizing_once_is_normalizing_in_each_batch(X, indicators):
    options = {"hidden_layer_sizes": (3,), "power": 0.5, "target": 2.0, "seed": 0}
    model = SNMLP(X.shape[1], 1, dtype=torch.float64, indicator_features=indicators, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "_ENTRIES", 10)
        once = DenseRows(X, torch.float64, CPU, normalize=model.input.normalize)
    index = torch.arange(len(X)).flip(0)
    torch.testing.assert_close(model(once.take(index)), model(torch.from_numpy(X)[index]))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("generator", [None, 0])
def test_batches_of_sparse_labels_are_dense(streamed, generator):
    y = np.random.RandomState(0).choice([0, 1, np.nan], p=[0.8, 0.1, 0.1], size=(40, 5))
    labels = SparseLabels(sparse.csr_array(y), torch.float64, CPU)
    if streamed:
        labels.rows = StreamedRows(labels.rows, CPU)
    if generator is not None:
        generator = torch.Generator().manual_seed(generator)
    rows = as_rows(np.arange(40.0)[:, None], torch.float64, CPU)
    for batch, found in BatchLoader(RowDataset(rows, labels, None), 7, generator):
        np.testing.assert_array_equal(found, y[batch.rows[:, 0].long()])


def dataset(n: int, weight=None) -> RowDataset:
    X = np.arange(n, dtype=float)[:, None]
    return RowDataset(as_rows(X, torch.float64, CPU), torch.arange(n), weight)


@given(st.integers(1, 60), st.integers(1, 70), st.booleans())
def test_an_epoch_is_every_row_once_in_even_batches(n, batch_size, shuffled):
    generator = torch.Generator().manual_seed(0) if shuffled else None
    loader = BatchLoader(dataset(n), batch_size, generator)
    batches = list(loader)
    assert len(batches) == len(loader) == -(-n // batch_size)
    sizes = [len(y) for _, y in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    for batch, y in batches:
        assert batch.rows[:, 0].tolist() == y.tolist()
    seen = torch.cat([y for _, y in batches]).tolist()
    assert sorted(seen) == list(range(n))
    if not shuffled:
        assert seen == list(range(n))


def test_epochs_are_shuffled_differently():
    loader = BatchLoader(dataset(100), 10, torch.Generator().manual_seed(0))
    orders = [torch.cat([y for _, y in loader]).tolist() for _ in range(2)]
    assert orders[0] != orders[1]


def test_weights_travel_with_their_rows():
    weight = torch.arange(10, dtype=torch.float64)
    loader = BatchLoader(dataset(10, weight), 3, torch.Generator().manual_seed(0))
    for batch, y in loader:
        torch.testing.assert_close(batch.weight, y.double())


def test_losses_by_hand():
    output = torch.tensor([[0.0], [2.0]])
    binary = MeanLoss("binary")(output, torch.tensor([[1.0], [0.0]]))
    assert binary.item() == pytest.approx((np.log(2) + np.log1p(np.exp(2))) / 2)
    squared = MeanLoss("squared_error")(torch.tensor([[1.0, 2.0], [0.0, 4.0]]), torch.zeros(2, 2))
    assert squared.item() == pytest.approx((2.5 + 8) / 2)
    weighted = MeanLoss("squared_error")(output, torch.zeros(2, 1), torch.tensor([1.5, 0.5]))
    assert weighted.item() == pytest.approx(0.5 * 4 / 2)
    multiclass = MeanLoss("multiclass")(torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([2]))
    assert multiclass.item() == pytest.approx(np.log(3))


def test_the_learning_rate_rises_and_falls_to_zero():
    class Net:
        class optimizer_:
            param_groups = ({"lr": 0.0}, {"lr": 0.0})

    schedule = CosineSchedule(0.1, n_steps=100)
    schedule.on_train_begin(Net)
    rates = []
    for _ in range(100):
        schedule.on_batch_begin(Net, training=False)
        schedule.on_batch_begin(Net, training=True)
        rates.append([group["lr"] for group in Net.optimizer_.param_groups])
    rates = np.array(rates)
    assert (rates[:, 0] == rates[:, 1]).all()
    peak = rates[:, 0].argmax()
    assert peak == 4
    assert 0.099 < rates[peak, 0] <= 0.1
    assert (np.diff(rates[:5, 0]) > 0).all()
    assert (np.diff(rates[4:, 0]) < 0).all()
    assert 0 < rates[-1, 0] < 1e-4


class TestQuantileBins:
    def test_by_hand(self):
        X = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [10.0, np.nan], [np.nan] * 2])
        lower, width = quantile_bins(X, 2, None)
        np.testing.assert_array_equal(lower[0], [1, 2])
        np.testing.assert_array_equal(width[0], [1, 8])
        assert np.isinf(lower[1]).all()

    def test_bins_hold_even_shares(self):
        x = np.random.RandomState(0).normal(size=(1000, 1))
        lower, _ = quantile_bins(x, 8, None)
        share = [
            ((x >= a) & (x < b)).mean() for a, b in zip(lower[0, :-1], lower[0, 1:], strict=True)
        ]
        np.testing.assert_allclose(share, 1 / 8, atol=0.002)

    @given(holey(max_rows=15), st.integers(1, 6), st.data())
    def test_integer_weights_are_repetitions(self, X, n_bins, data):
        weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(X), max_size=len(X))))
        weighted = quantile_bins(X, n_bins, weights.astype(float))
        repeated = quantile_bins(np.repeat(X, weights, axis=0), n_bins, None)
        for a, b in zip(weighted, repeated, strict=True):
            np.testing.assert_array_equal(a, b)

    @given(holey(), st.integers(1, 6))
    def test_the_encoding_is_monotone_and_spans_the_data(self, X, n_bins):
        lower, width = quantile_bins(X, n_bins, None)
        assert (width > 0).all()
        filled = np.clip((X[:, :, None] - lower) / width, 0, 1).sum(axis=2)
        for x, level, low in zip(X.T, filled.T, lower, strict=True):
            order = np.argsort(x[~np.isnan(x)])
            level = level[~np.isnan(x)][order]
            assert (np.diff(level) >= 0).all()
            if len(level):
                assert level[0] == 0
                assert level[-1] == np.isfinite(low).sum()

    def test_they_help_where_a_threshold_decides(self):
        rng = np.random.RandomState(0)
        X = rng.uniform(-1, 1, size=(600, 1))
        y = (np.abs(X[:, 0] - 0.1) < 0.3).astype(int)
        options = {"hidden_layer_sizes": (), "random_state": 0, "max_epochs": 100, "alpha": 0.1}
        with_bins, without = (
            SNClassifier(n_bins=n, **options).fit(X[:300], y[:300]).score(X[300:], y[300:])
            for n in ("auto", 0)
        )
        assert with_bins > without + 0.1


def test_devices():
    assert resolve_device("cpu").type == resolve_device(torch.device("cpu")).type == "cpu"
    best = "cuda" if torch.cuda.is_available() else None
    if best is None:
        best = "mps" if torch.backends.mps.is_available() else "cpu"
    assert resolve_device("auto").type == best
