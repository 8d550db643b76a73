"""Tests of estimators of several outputs that hold networks."""

from sklearn import ensemble, linear_model, svm

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__, max_epochs=5)
LinearRegression = regressor(linear_model.LinearRegression, __name__, max_epochs=5)
Ridge = regressor(linear_model.Ridge, __name__, max_epochs=5)
SGDClassifier = classifier(linear_model.SGDClassifier, __name__, max_epochs=5)
SGDRegressor = regressor(linear_model.SGDRegressor, __name__, max_epochs=5)
LinearSVC = classifier(svm.LinearSVC, __name__, max_epochs=5)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__, max_epochs=5)
Lasso = regressor(linear_model.Lasso, __name__, max_epochs=5)

EXCLUDED = {
    "sparse rows are scaled differently from dense rows": [
        "test_multi_target_sparse_regression",
        "test_classifier_chain_fit_and_predict_with_sparse_data",
    ],
    "hasattr(peer, predict_proba) depends on the loss of SGDClassifier": [
        "test_hasattr_multi_output_predict_proba",
        "test_multi_output_predict_proba",
        "test_multi_output_delegate_predict_proba",
    ],
    "the probabilities of the peer": [
        "test_multiclass_multioutput_estimator_predict_proba",
    ],
    "how much a chain gains on separate classifiers": [
        "test_classifier_chain_vs_independent_models",
    ],
    "decision_function": [
        "test_classifier_chain_fit_and_predict_with_linear_svc",
        "test_base_chain_crossval_fit_and_predict[classifier-decision_function]",
    ],
    "coef_": [
        "test_classifier_chain_fit_and_predict",
        "test_regressor_chain_fit_and_predict",
        "test_base_chain_random_order",
    ],
    "y of several columns that are not 0 and 1, which forests take": [
        "test_multi_output_classes_[estimator0]",
    ],
}

PEER = PeerTests(
    "sklearn.tests.test_multioutput",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.linear_model.Ridge": Ridge,
        "sklearn.linear_model.SGDClassifier": SGDClassifier,
        "sklearn.linear_model.SGDRegressor": SGDRegressor,
        "sklearn.svm.LinearSVC": LinearSVC,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
        "sklearn.linear_model.Lasso": Lasso,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
