"""Tests of voting among networks."""

from sklearn import ensemble, linear_model, naive_bayes, neighbors, svm, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearRegression = regressor(linear_model.LinearRegression, __name__)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__)
RandomForestRegressor = regressor(ensemble.RandomForestRegressor, __name__)
GaussianNB = classifier(naive_bayes.GaussianNB, __name__)
DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__)
SVC = classifier(svm.SVC, __name__)
KNeighborsClassifier = classifier(neighbors.KNeighborsClassifier, __name__)

EXCLUDED = {
    "the row that the peers classify differently": [
        "test_tie_situation",
    ],
    "probabilities of the peers": [
        "test_predict_proba_on_toy_problem",
        "test_set_estimator_drop",
    ],
    "networks take sample_weight; KNeighborsClassifier does not": [
        "test_sample_weight",
    ],
}

PEER = PeerTests(
    "sklearn.ensemble.tests.test_voting",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
        "sklearn.ensemble.RandomForestRegressor": RandomForestRegressor,
        "sklearn.naive_bayes.GaussianNB": GaussianNB,
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
        "sklearn.svm.SVC": SVC,
        "sklearn.neighbors.KNeighborsClassifier": KNeighborsClassifier,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
