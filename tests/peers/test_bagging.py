"""Tests of bagging with networks as its estimators."""

from sklearn import linear_model, neighbors, svm, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__, max_epochs=3)
Perceptron = classifier(linear_model.Perceptron, __name__, max_epochs=3)
DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__, max_epochs=3)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__, max_epochs=3)
SVC = classifier(svm.SVC, __name__, max_epochs=3)
SVR = regressor(svm.SVR, __name__, max_epochs=3)
KNeighborsClassifier = classifier(neighbors.KNeighborsClassifier, __name__, max_epochs=3)
KNeighborsRegressor = regressor(neighbors.KNeighborsRegressor, __name__, max_epochs=3)

EXCLUDED = {
    "y of one class is refused, which a bootstrap of few rows may or may not have": [
        "test_bagging_classifier_with_missing_inputs",
    ],
    "sparse rows are scaled differently from dense rows": [
        "test_sparse_classification",
        "test_sparse_regression",
    ],
    "trees fit the training rows exactly": [
        "test_bootstrap_samples",
    ],
    "decision_function": [
        "test_parallel_classification",
    ],
    "the default estimator is a tree": [
        "test_estimator",
    ],
    "coef_": [
        "test_estimators_samples",
        "test_estimators_samples_deterministic",
    ],
}
DIFFERENT = {
    "NaN is allowed": [
        "test_bagging_allow_nan_tag[bagging2-False]",
        "test_bagging_allow_nan_tag[bagging3-False]",
    ],
}

PEER = PeerTests(
    "sklearn.ensemble.tests.test_bagging",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.Perceptron": Perceptron,
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
        "sklearn.svm.SVC": SVC,
        "sklearn.svm.SVR": SVR,
        "sklearn.neighbors.KNeighborsClassifier": KNeighborsClassifier,
        "sklearn.neighbors.KNeighborsRegressor": KNeighborsRegressor,
    },
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
