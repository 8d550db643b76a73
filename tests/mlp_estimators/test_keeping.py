"""Pickles and copies of SNClassifier and SNRegressor."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sksn import SNClassifier
from tests.helpers import to_csr

from .common import ESTIMATORS, SMALL, output


class TestKeeping:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("container", [np.asarray, to_csr])
    def test_pickle_and_joblib(self, cancer, estimator, container, tmp_path):
        X, y = cancer
        model = estimator(early_stopping=True, **SMALL).fit(container(X), y)
        joblib.dump(model, tmp_path / "model")
        for back in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
            assert_array_equal(output(back, container(X)), output(model, container(X)))
            back.partial_fit(container(X), y)

    def test_a_pickle_does_not_carry_the_data(self, cancer):
        X, y = cancer
        X = np.tile(X, (30, 1))
        model = SNClassifier(early_stopping=True, **SMALL).fit(X, np.tile(y, 30))
        assert len(pickle.dumps(model)) < X.nbytes / 20

    @pytest.mark.parametrize("device", ["cuda", "mps"])
    def test_a_net_trained_on_a_gpu_opens_without_one(self, cancer, device):
        if getattr(torch.backends if device == "mps" else torch, device).is_available():
            model = SNClassifier(**SMALL | {"device": device}).fit(*cancer)
        else:
            model = SNClassifier(**SMALL).fit(*cancer)
            model.net_.device = device  # what the pickle would say
        state = pickle.dumps(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skorch says that it falls back to the CPU
            back = pickle.loads(state)
        back.predict(cancer[0])

    def test_clone_of_a_fitted_estimator_is_not_fitted(self, cancer):
        model = SNClassifier(callbacks=[Callback()], **SMALL).fit(*cancer)
        with pytest.raises(NotFittedError):
            clone(model).predict(cancer[0])
