"""Tiny and extreme fits: no number that is not finite, and no estimator that is half fitted."""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sksn import SNAutoencoder, SNClassifier, SNRecommender, SNRegressor
from sksn.nn import RowSparseAdamW

from .common import cases

SCALES = [1.0, 0.0, 1e-310, 1e-200, 1e-30, 1e30, 1e38, 1e39, 1e160, 1e300]
SHARED = {
    "power": st.sampled_from([0.0, 0.5, 1.0, 20.0]),
    "input_dropout": st.sampled_from([0.0, 0.5, 0.9]),
    "early_stopping": st.booleans(),
    "max_epochs": st.integers(1, 3),
    "hidden_layer_sizes": st.sampled_from([1, 3, (4, 2)]),
    "lr": st.sampled_from([1e-3, 0.1, 1e20]),
    "alpha": st.sampled_from([0.0, 1.0, 1e10]),
    "random_state": st.integers(0, 5),
    "dtype": st.sampled_from(["float32", "float64"]),
}
OF_KIND = {
    SNClassifier: {
        "input_scaling": st.sampled_from(["auto", "observed", None]),
        "n_bins": st.sampled_from(["auto", 0, 3]),
        "add_indicator": st.sampled_from(["auto", True, False]),
        "hidden_norm": st.sampled_from([None, "batch", "layer", "sparsity", "observed"]),
        "batch_size": st.integers(1, 20),
        "target": st.sampled_from(["mean", "median", 1e-5]),
    },
    SNAutoencoder: {
        "input_scaling": st.sampled_from(["auto", "observed", "global"]),
        "row_offset": st.sampled_from([None, 0.0, 10.0]),
        "center": st.booleans(),
        "input_indicator": st.booleans(),
        "target": st.sampled_from(["mean", "median", 1e-5]),
    },
    SNRecommender: {
        "orientation": st.sampled_from(["item", "user", "both"]),
        "history": st.booleans(),
        "refit": st.booleans(),
        "row_offset": st.sampled_from([None, 0.0, 10.0]),
    },
}
OF_KIND[SNRegressor] = OF_KIND[SNClassifier]


@st.composite
def tables(draw):
    """Rows in which all, some or no entries are observed, some of them extreme."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 14)), draw(st.integers(1, 6))
    X = rng.normal(size=(n, d)) * draw(st.sampled_from(SCALES))
    if draw(st.booleans()):
        X[rng.uniform(size=X.shape) < 0.2] = draw(st.sampled_from([0.0, *SCALES]))
    X[rng.uniform(size=X.shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = np.nan
    y = rng.randint(0, draw(st.integers(1, 4)), n) * draw(st.sampled_from([1, 1e-200, 1e300]))
    if draw(st.booleans()):
        return X, y, None
    rows = _csr(X)
    return rows, y, draw(st.sampled_from([None, "weights"])) and rng.uniform(0.1, 3, n)


def _csr(X):
    row, column = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[row, column], (row, column)), shape=X.shape)


def answers(model, X):
    """All that a fitted estimator returns for rows."""
    if isinstance(model, SNRecommender):
        predicted = model.predict(X)
        _, scores = model.recommend(model.users_[:3], n=3, exclude_seen=False)
        return [predicted, scores.filled(0), model.similar_items(model.items_[:2], 2)[1]]
    if isinstance(model, SNAutoencoder):
        return [model.transform(X), model.reconstruct(X), model.encode(X)]
    if isinstance(model, SNClassifier):
        return [model.predict_proba(X), model.predict_log_proba(X)]
    return [model.predict(X)]


def check(model, train, X):
    """Train. Afterwards the estimator answers with finite numbers or an error, or is not fitted."""
    before = {name for name in vars(model) if name.endswith("_")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            train()
    except ValueError as error:
        note(str(error))
        after = {name for name in vars(model) if name.endswith("_")}
        assert after in (before, set()), "it is half fitted"
        if not after:
            with pytest.raises(NotFittedError):
                answers(model, X)
            return
    check_answers(lambda: answers(model, X))


def check_answers(ask):
    """Whether all answers are finite, or an error says that they are not."""
    try:
        found = ask()
    except ValueError as error:
        if "not finite" in str(error) or "beyond the range" in str(error):
            return
        raise
    for part in found:
        assert np.isfinite(part).all()


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@cases(0.03)
@given(tables(), st.sampled_from([SNClassifier, SNRegressor, SNAutoencoder]), st.data())
def test_tiny_and_extreme_fits(table, estimator, data):
    X, y, weights = table
    options = data.draw(st.fixed_dictionaries({}, optional=SHARED | OF_KIND[estimator]))
    model = estimator(**{"max_epochs": 2, "hidden_layer_sizes": 3} | options)
    more = {} if estimator is SNAutoencoder else {"sample_weight": weights}
    given_y = () if estimator is SNAutoencoder else (y,)
    check(model, lambda: model.fit(X, *given_y, **more), X)
    for _ in range(data.draw(st.integers(0, 2))):
        scale = data.draw(st.sampled_from(SCALES))
        with np.errstate(over="ignore"):
            chunk = X * scale
        first = {"classes": np.unique(y)} if estimator is SNClassifier else {}
        check(model, lambda c=chunk, f=first: model.partial_fit(c, *given_y, **f), X)


@cases(0.01)
@given(st.integers(0, 2**32 - 1), st.sampled_from(SCALES), st.data())
def test_tiny_and_extreme_recommenders(seed, scale, data):
    rng = np.random.RandomState(seed)
    n_users, n_items = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    pairs = np.argwhere(rng.uniform(size=(n_users, n_items)) < 0.6)
    if not len(pairs):
        return
    y = rng.randint(1, 6, len(pairs)) * scale
    if data.draw(st.booleans()):
        with np.errstate(over="ignore"):
            y[rng.randint(len(y))] *= data.draw(st.sampled_from(SCALES[:-2]))
    if not np.isfinite(y).all():
        return
    own = OF_KIND[SNRecommender]
    options = data.draw(st.fixed_dictionaries({}, optional=SHARED | own))
    options["objective"] = data.draw(st.sampled_from(["auto", "rating", "ranking"]))
    model = SNRecommender(**{"max_epochs": 2, "hidden_layer_sizes": 3} | options)
    check(model, lambda: model.fit(pairs, y), pairs)
    if hasattr(model, "users_"):
        check_answers(lambda: answers(model.fold_in(pairs[:3], y[:3]), pairs))
        moved = pairs + data.draw(st.sampled_from([[0, 0], [2, 0], [0, 2], [9, 9]]))
        with np.errstate(over="ignore"):
            later = y * data.draw(st.sampled_from([1, 0.5, *SCALES[:-2]]))
        if np.isfinite(later).all():
            check(model, lambda: model.partial_fit(moved, later), pairs)


# Interrupts --------------------------------------------------------------------------------


def interrupted(train, seconds):
    """Train, and press Ctrl-C after some time."""
    ended = threading.Event()

    def press():
        if not ended.wait(seconds):
            _thread.interrupt_main()

    thread = threading.Thread(target=press)
    with contextlib.suppress(KeyboardInterrupt):
        thread.start()
        try:
            train()
        finally:
            ended.set()
            thread.join()
            time.sleep(0)  # an interrupt that is on its way arrives here


RNG = np.random.RandomState(0)
ROWS = RNG.normal(size=(60, 5))
WIDE = sparse.csr_array(RNG.uniform(size=(60, 2000)) * (RNG.uniform(size=(60, 2000)) < 0.005))
LABELS = RNG.randint(0, 2, 60)
PAIRS = np.argwhere(RNG.uniform(size=(20, 15)) < 0.5)
STARS = RNG.randint(1, 6, len(PAIRS)).astype(float)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files are open
@cases(0.01, few=6)
@given(
    st.sampled_from(["dense", "wide", "autoencoder", "recommender"]),
    st.floats(0.0, 1.0),
    st.sampled_from(["fit", "fit again", "partial_fit"]),
)
def test_interrupts_at_random_moments(kind, moment, method):
    options = {"max_epochs": 6, "hidden_layer_sizes": 8, "random_state": 0}
    model, X, arguments = {
        "dense": (SNClassifier(batch_size=16, early_stopping=True, **options), ROWS, (LABELS,)),
        "wide": (SNClassifier(batch_size=4, warm_start=True, **options), WIDE, (LABELS,)),
        "autoencoder": (SNAutoencoder(warm_start=True, **options), ROWS, ()),
        "recommender": (SNRecommender(**options), PAIRS, (STARS,)),
    }[kind]
    if method != "fit":
        model.fit(X, *arguments)
    train = model.partial_fit if method == "partial_fit" else model.fit
    interrupted(lambda: train(X, *arguments), moment * 0.1)
    fitted = {name for name in vars(model) if name.endswith("_")}
    if not fitted & {"net_", "estimators_"}:
        assert not fitted, "it is half fitted"
        with pytest.raises(NotFittedError):
            answers(model, X)
        return
    for part in answers(model, X):
        assert np.isfinite(part).all()
    if kind == "recommender":
        return
    history = model.net_.history
    assert model.n_epochs_ == len(history) == len(model.loss_curve_)
    assert all("train_loss" in epoch for epoch in history)
    assert model.target_ == model.net_.module_.input.target
    optimizer = model.net_.optimizer_
    if isinstance(optimizer, RowSparseAdamW):
        for state in optimizer.state.values():
            assert state.get("n_steps") == state.get("settled")
    train(X, *arguments)  # it can go on
