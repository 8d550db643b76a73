"""Tests of estimators of several classes that hold networks."""

from sklearn import linear_model, neighbors, svm, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearRegression = regressor(linear_model.LinearRegression, __name__)
Ridge = regressor(linear_model.Ridge, __name__)
Lasso = regressor(linear_model.Lasso, __name__)
Perceptron = classifier(linear_model.Perceptron, __name__)
SGDClassifier = classifier(linear_model.SGDClassifier, __name__)
SVC = classifier(svm.SVC, __name__)
LinearSVC = classifier(svm.LinearSVC, __name__)
KNeighborsClassifier = classifier(neighbors.KNeighborsClassifier, __name__)
DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__)

EXCLUDED = {
    "how closely the peer fits the training rows": [
        "test_ovr_fit_predict",
        "test_ovr_ovo_regressor",
        "test_ovo_ties",
        "test_ovo_ties2",
        "test_ovr_partial_fit",
    ],
    "decision_function": [
        "test_ovr_always_present",
    ],
}

PEER = PeerTests(
    "sklearn.tests.test_multiclass",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.linear_model.Ridge": Ridge,
        "sklearn.linear_model.Lasso": Lasso,
        "sklearn.linear_model.Perceptron": Perceptron,
        "sklearn.linear_model.SGDClassifier": SGDClassifier,
        "sklearn.svm.SVC": SVC,
        "sklearn.svm.LinearSVC": LinearSVC,
        "sklearn.neighbors.KNeighborsClassifier": KNeighborsClassifier,
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
