"""Tests of partial dependences of networks."""

from sklearn import ensemble, linear_model, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__, max_epochs=10)
LinearRegression = regressor(linear_model.LinearRegression, __name__, max_epochs=10)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__, max_epochs=10)
RandomForestRegressor = regressor(ensemble.RandomForestRegressor, __name__, max_epochs=10)

EXCLUDED = {
    "the attribute tree_": [
        "test_recursion_decision_tree_vs_forest_and_gbdt",
    ],
    "linear regression is the yardstick": [
        "test_partial_dependence_easy_target",
    ],
}

PEER = PeerTests(
    "sklearn.inspection.tests.test_partial_dependence",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
        "sklearn.ensemble.RandomForestRegressor": RandomForestRegressor,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
