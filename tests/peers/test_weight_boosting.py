"""Tests of boosting with networks as its estimators."""

from sklearn import svm, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__, max_epochs=3)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__, max_epochs=3)
SVC = classifier(svm.SVC, __name__, max_epochs=20)
SVR = regressor(svm.SVR, __name__, max_epochs=3)

EXCLUDED = {
    "sparse rows are scaled differently from dense rows": [
        "test_sparse_regression",
    ],
    "feature_importances_": [
        "test_adaboost_numerically_stable_feature_importance_with_small_weights",
    ],
}

PEER = PeerTests(
    "sklearn.ensemble.tests.test_weight_boosting",
    {
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
        "sklearn.svm.SVC": SVC,
        "sklearn.svm.SVR": SVR,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
