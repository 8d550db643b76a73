"""Tests of pipelines that end in networks."""

from sklearn import ensemble, linear_model, svm

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearRegression = regressor(linear_model.LinearRegression, __name__)
Lasso = regressor(linear_model.Lasso, __name__)
SVC = classifier(svm.SVC, __name__)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__)

EXCLUDED = {
    "decision_function": [
        "test_pipeline_methods_preprocessing_classifier",
    ],
}
DIFFERENT = {
    "y of one class is refused": [
        "test_pipeline_with_estimator_with_len",
    ],
}

PEER = PeerTests(
    "sklearn.tests.test_pipeline",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.linear_model.Lasso": Lasso,
        "sklearn.svm.SVC": SVC,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
    },
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
