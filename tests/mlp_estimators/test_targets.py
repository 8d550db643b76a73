"""y of SNClassifier and SNRegressor: classes, labels and numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict

from sksn import SNClassifier, SNRegressor

from .common import SMALL


class TestTargets:
    @pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [0.0, 1.0]])
    def test_binary_labels_of_any_type(self, cancer, labels):
        X, y = cancer
        y = np.array(labels)[y]
        model = SNClassifier(**SMALL).fit(X, y)
        assert_array_equal(model.classes_, labels)
        assert model.predict(X).dtype == y.dtype
        assert model.score(X, y) > 0.93
        proba = model.predict_proba(X)
        assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))

    def test_multiclass_and_probabilities(self, digits):
        X, y = digits
        names = np.array(["n" + str(d) for d in range(10)])
        model = SNClassifier(**SMALL).fit(X, names[y])
        proba = model.predict_proba(X)
        assert proba.dtype == np.float64
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        assert_allclose(np.log(proba), model.predict_log_proba(X), atol=1e-9)
        assert_array_equal(names[proba.argmax(axis=1)], model.predict(X))
        assert model.score(X, names[y]) > 0.8

    def test_log_probabilities_do_not_underflow(self):
        X, y = np.array([[-1.0], [1.0]] * 20), np.array([0, 1] * 20)
        model = SNClassifier(
            hidden_layer_sizes=(), lr=1.0, max_epochs=300, input_scaling=None, alpha=0
        ).fit(X, y)
        far = model.predict_log_proba([[1e6]])
        assert far[0, 0] < -1e4
        assert np.isfinite(far).all()
        options = {"hidden_layer_sizes": (), "lr": 1.0, "max_epochs": 300, "alpha": 0}
        for labels in (np.column_stack([y, 1 - y]), y + (X[:, 0] > 5) + 2 * (np.arange(40) == 7)):
            model = SNClassifier(input_scaling=None, **options).fit(X, labels)
            far = model.predict_log_proba([[1e6]])
            assert far.min() < -1e4
            assert np.isfinite(far).all()

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_multilabel(self, digits, container):
        X, y = digits
        labels = np.column_stack([y % 2, y >= 5, y == 0]).astype(int)
        model = SNClassifier(**SMALL | {"max_epochs": 20}).fit(X, container(labels))
        predicted, proba = model.predict(X), model.predict_proba(X)
        assert_array_equal(predicted, proba > 0.5)
        assert_allclose(np.log(proba), model.predict_log_proba(X))
        assert ((predicted == labels).mean(axis=0) > 0.85).all()
        assert model.score(X, labels) > 0.8

    @pytest.mark.parametrize("n_labels", [2, 3])
    def test_probabilities_of_labels_are_cross_validated(self, digits, n_labels):
        X, y = digits
        labels = np.column_stack([y % 2, y >= 5, y == 0]).astype(int)[:, :n_labels]
        model = SNClassifier(**SMALL | {"max_epochs": 5})
        proba = cross_val_predict(model, X, labels, cv=3, method="predict_proba")
        assert proba.shape == labels.shape
        assert_array_equal(model.fit(X, labels).classes_, [[0, 1]] * labels.shape[1])

    def test_regression_in_the_units_of_y(self, diabetes):
        X, y = diabetes
        model = SNRegressor(**SMALL).fit(X, y)
        assert model.score(X, y) > 0.35
        rescaled = SNRegressor(**SMALL).fit(X, 1e6 * y - 3e8)
        assert_allclose(rescaled.predict(X), 1e6 * model.predict(X) - 3e8, rtol=1e-3)
        assert model.predict(X).dtype == np.float64

    def test_many_outputs(self, diabetes):
        X, y = diabetes
        Y = np.column_stack([y, -5 * y, np.full(len(y), 7.0)])
        predicted = SNRegressor(**SMALL).fit(X, Y).predict(X)
        assert predicted.shape == Y.shape
        assert r2_score(Y[:, :2], predicted[:, :2]) > 0.3
        one_column = SNRegressor(**SMALL).fit(X, y[:, None])
        assert one_column.predict(X).shape == (len(y), 1)

    def test_a_constant_target_is_predicted(self, diabetes):
        X, _ = diabetes
        model = SNRegressor(**SMALL | {"max_epochs": 60}).fit(X, np.full(len(X), 42.0))
        assert_allclose(model.predict(X), 42, atol=0.5)
