"""sksn among scikit-learn's tools, on small data that always runs."""

import os

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sksn import ObservedScaler, SNClassifier, SNRegressor, SparsityNormalizer
from tests.helpers import poke

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 5, "lr": 0.02, "random_state": 0}


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return poke(X, 0.4), y


def test_transformers_as_pipeline_steps(cancer):
    X, y = cancer
    steps = make_pipeline(ObservedScaler(), SparsityNormalizer(power=0.5), LogisticRegression())
    assert cross_val_score(steps, X, y, scoring="roc_auc").mean() > 0.95


@pytest.mark.slow
def test_grid_search_over_the_parameters_of_sn(cancer):
    X, y = cancer
    grid = {"power": [0, 0.5, 1], "input_dropout": [0.0, 0.3]}
    search = GridSearchCV(SNClassifier(**SMALL), grid, cv=3, scoring="roc_auc", n_jobs=2)
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.95
    alone = GridSearchCV(SNClassifier(**SMALL), grid, cv=3, scoring="roc_auc").fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], atol=1e-3
    )


def threads_in_worker(estimator, X, y):
    """A scorer that reports how many threads torch uses where it runs."""
    import torch

    return torch.get_num_threads() + (os.getpid() == MAIN) * 1000


MAIN = os.getpid()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_workers_do_not_oversubscribe_the_cores(cancer):
    """n_jobs processes times torch's threads are at most as many as there are cores."""
    X, y = cancer
    threads = cross_val_score(
        SNClassifier(**SMALL), X, y, cv=2, n_jobs=2, scoring=threads_in_worker
    )
    assert (threads >= 1).all()
    assert (threads % 1000 * 2 <= max(os.cpu_count() or 1, 2)).all()


def test_column_transformer_and_frames():
    rng = np.random.RandomState(0)
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.assign(colour=np.where(X["bmi"] > 0, "red", "blue"))
    X = X.mask(rng.uniform(size=X.shape) < 0.2)
    numbers = [name for name in X if name != "colour"]
    prepare = ColumnTransformer(
        [
            ("numbers", ObservedScaler(), numbers),
            ("colour", OneHotEncoder(sparse_output=False), ["colour"]),
        ]
    ).set_output(transform="pandas")
    model = make_pipeline(prepare, SNRegressor(**SMALL | {"max_epochs": 20}))
    assert cross_val_score(model, X, y).mean() > 0.25
    model.fit(X, y)
    assert list(model[-1].feature_names_in_) == list(model[0].get_feature_names_out())


def test_set_output_through_a_pipeline(cancer):
    X, _ = cancer
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    steps = make_pipeline(ObservedScaler(), SparsityNormalizer(add_indicator=True))
    result = steps.set_output(transform="polars").fit_transform(frame)
    assert result.columns[:2] == ["f0", "f1"]
    assert result.columns[-1] == "missingindicator_f29"
    assert list(steps.get_feature_names_out()) == result.columns


def test_metadata_routing(cancer):
    X, y = cancer
    weights = np.where(y == 1, 10.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        steps = make_pipeline(
            ObservedScaler().set_fit_request(sample_weight=True),
            SparsityNormalizer().set_fit_request(sample_weight=True),
            SNClassifier(**SMALL).set_fit_request(sample_weight=True),
        )
        routed = cross_validate(
            steps,
            X,
            y,
            cv=3,
            params={"sample_weight": weights},
            scoring=get_scorer("roc_auc").set_score_request(sample_weight=True),
            return_estimator=True,
        )
    scaler, normalizer, network = routed["estimator"][0]
    assert scaler.n_observed_.sum() > (~np.isnan(X)).sum()
    unweighted = sklearn.base.clone(steps).fit(X, y).predict_proba(X)[:, 1]
    weighted = network.predict_proba(normalizer.transform(scaler.transform(X)))[:, 1]
    assert weighted.mean() > unweighted.mean()
