"""Tests of the calibration of networks."""

from sklearn import ensemble, linear_model, svm, tree

from ._adapters import classifier
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearSVC = classifier(svm.LinearSVC, __name__)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__)
DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__)
SGDClassifier = classifier(linear_model.SGDClassifier, __name__)

EXCLUDED = {
    "decision_function": [
        "test_calibration_multiclass",
        "test_calibration_ensemble_false",
        "test_calibrated_classifier_cv_works_with_large_confidence_scores",
    ],
    "the default estimator is LinearSVC": [
        "test_calibration_default_estimator",
    ],
    "the logistic regression of the peer is calibrated on its training rows": [
        "test_temperature_scaling",
    ],
    "weighting a row changes which rows share its batch": [
        "test_calibrated_classifier_cv_double_sample_weights_equivalence",
    ],
}

PEER = PeerTests(
    "sklearn.tests.test_calibration",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.svm.LinearSVC": LinearSVC,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.linear_model.SGDClassifier": SGDClassifier,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
