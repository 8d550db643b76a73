"""How SNAutoencoder is trained."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from skorch.callbacks import Callback

from sksn import SNAutoencoder
from sksn._training._held_out import hold_out_entries as hold_out
from tests.helpers import to_csr, to_dense

from .common import QUICK, error, low_rank


def test_the_penalty_shrinks_weights_and_knows_no_width():
    _, holes = low_rank()
    norms = []
    for alpha in (0.1, 10):
        model = SNAutoencoder(**QUICK, initial_strategy="mean", alpha=alpha)
        module = model.fit(holes).net_.module_
        norms.append(float(module.weight.detach().norm() * module.input.weight.detach().norm()))
    assert norms[1] < 0.7 * norms[0]
    narrow, wide = (
        SNAutoencoder(h, max_epochs=300, input_dropout=0.0, random_state=0).fit(holes)
        for h in (50, 400)
    )
    apart = np.std(narrow.reconstruct(holes) - wide.reconstruct(holes))
    assert apart < 0.1 * np.nanstd(holes)


def test_input_dropout_keeps_it_from_copying():
    """Without it the encoder learns to repeat what it is shown, and knows less of the rest."""
    full, holes = low_rank(n_rows=300, rank=4)
    rng = np.random.RandomState(1)
    holes = holes + 0.5 * rng.normal(size=holes.shape)
    options = {"random_state": 0, "alpha": 0.05}
    errors = [
        error(SNAutoencoder(input_dropout=p, **options).fit(holes), full, holes) for p in (0.0, 0.5)
    ]
    assert errors[1] < errors[0]


def test_it_can_be_pickled_cloned_and_repeated():
    _, holes = low_rank()
    model = SNAutoencoder(**QUICK).fit(holes)
    expected = model.transform(holes)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(holes), expected)
    np.testing.assert_array_equal(clone(model).fit(holes).transform(holes), expected)


def test_callbacks_and_history():
    _, holes = low_rank()
    model = SNAutoencoder(**QUICK, early_stopping=True, n_iter_no_change=40).fit(holes)
    assert len(model.loss_curve_) == len(model.validation_scores_) == model.n_epochs_ == 40
    assert model.best_epoch_ == 1 + np.argmax(model.validation_scores_)
    seen = []

    class Watcher(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.history[-1, "train_loss"])

    model = SNAutoencoder(**{**QUICK, "max_epochs": 3}, callbacks=[Watcher()]).fit(holes)
    assert seen == model.loss_curve_
    assert len(seen) == 3


@pytest.mark.parametrize("observed", [0.1, 0.6])
def test_the_validation_loss_is_that_of_hidden_entries_given_the_others(observed):
    _, holes = low_rank(n_rows=200, observed=observed)
    model = SNAutoencoder(
        **{**QUICK, "max_epochs": 5}, early_stopping=True, input_scaling="global", dtype="float64"
    ).fit(holes)
    kept, hidden = hold_out(holes, 0.1, model._learner.split_seed)
    assert np.sum(~np.isnan(hidden)) == np.ceil(0.1 * np.sum(~np.isnan(holes)))
    left = (model.reconstruct(kept) - hidden) / model._learner.scaling.moments.scale[0]
    assert -model.validation_scores_[model.best_epoch_ - 1] == pytest.approx(np.nanmean(left**2))


@pytest.mark.parametrize("container", [np.asarray, to_csr])
def test_hidden_entries_are_not_kept(container):
    _, holes = low_rank()
    parts = hold_out(container(holes), 0.25, 3)
    kept, hidden = (to_dense(p) if sparse.issparse(p) else p for p in parts)
    assert not (~np.isnan(kept) & ~np.isnan(hidden)).any()
    np.testing.assert_array_equal(np.where(np.isnan(hidden), kept, hidden), holes)
    assert (~np.isnan(hidden)).sum() == np.ceil(0.25 * (~np.isnan(holes)).sum())


def test_partial_fit_and_warm_start_go_on():
    full, holes = low_rank(n_rows=300)
    model = SNAutoencoder(hidden_layer_sizes=32, random_state=0, lr=0.02)
    for _ in range(60):
        for part in (holes[:150], holes[150:]):
            model.partial_fit(part)
    assert model.n_epochs_ == 120
    assert error(model, full, holes) < 0.8 * np.std(full - full.mean(axis=0))
    model = SNAutoencoder(**QUICK, warm_start=True).fit(holes)
    first = model.loss_curve_[-1]
    model.fit(holes)
    assert model.n_epochs_ == 80
    assert model.loss_curve_[-1] < first
    model.set_params(power=1.0)
    with pytest.raises(ValueError, match=r"power was 0\.5 when training began"):
        model.fit(holes)


def test_chunks_are_penalized_as_one_data_set():
    """Twenty chunks of a matrix as much as the matrix, not twenty times as much."""
    _, holes = low_rank(n_rows=200)
    whole = SNAutoencoder(**QUICK).fit(holes)
    chunked = SNAutoencoder(**QUICK)
    for part in np.split(holes, 20):
        chunked.partial_fit(part)
    expected, found = (
        model.net_.optimizer_.param_groups[1]["weight_decay"] for model in (whole, chunked)
    )
    assert found == pytest.approx(expected)


def test_minibatches():
    full, holes = low_rank(n_rows=300)
    model = SNAutoencoder(hidden_layer_sizes=64, batch_size=64, random_state=0).fit(holes)
    assert model.net_.history[-1, "train_batch_count"] == 5
    assert error(model, full, holes) < 0.7 * np.std(full - full.mean(axis=0))
