"""Tests of permutation importances of networks."""

from sklearn import ensemble, linear_model

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearRegression = regressor(linear_model.LinearRegression, __name__)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__)
RandomForestRegressor = regressor(ensemble.RandomForestRegressor, __name__)

EXCLUDED = {
    "coef_ and feature_importances_": [
        "test_robustness_to_high_cardinality_noisy_feature",
        "test_permutation_importance_linear_regression",
    ],
    "how closely the peer fits a few rows, or a linear function": [
        "test_permutation_importance_mixed_types",
        "test_permutation_importance_sample_weight",
    ],
}
DIFFERENT: dict[str, list[str]] = {}

PEER = PeerTests(
    "sklearn.inspection.tests.test_permutation_importance",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
        "sklearn.ensemble.RandomForestRegressor": RandomForestRegressor,
    },
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
