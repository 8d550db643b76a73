"""Tests of stacking with networks as estimators and as final estimators."""

from sklearn import ensemble, linear_model, svm

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__, max_epochs=10)
LinearRegression = regressor(linear_model.LinearRegression, __name__, max_epochs=10)
Ridge = regressor(linear_model.Ridge, __name__, max_epochs=10)
SVC = classifier(svm.SVC, __name__, max_epochs=10)
LinearSVC = classifier(svm.LinearSVC, __name__, max_epochs=10)
LinearSVR = regressor(svm.LinearSVR, __name__, max_epochs=10)
RandomForestClassifier = classifier(ensemble.RandomForestClassifier, __name__, max_epochs=10)
RandomForestRegressor = regressor(ensemble.RandomForestRegressor, __name__, max_epochs=10)

EXCLUDED = {
    "the peer has no predict_proba": [
        "test_stacking_classifier_error[y1-params1-*]",
    ],
    "how much weights change the predictions of the peer": [
        "test_stacking_with_sample_weight[StackingClassifier]",
    ],
    "coef_": [
        "test_stacking_cv_influence",
    ],
    "probabilities of labels are one array, as those of MLPClassifier; forests give a list": [
        "test_stacking_classifier_multilabel_predict_proba[RandomForestClassifier]",
    ],
}

PEER = PeerTests(
    "sklearn.ensemble.tests.test_stacking",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.linear_model.Ridge": Ridge,
        "sklearn.svm.SVC": SVC,
        "sklearn.svm.LinearSVC": LinearSVC,
        "sklearn.svm.LinearSVR": LinearSVR,
        "sklearn.ensemble.RandomForestClassifier": RandomForestClassifier,
        "sklearn.ensemble.RandomForestRegressor": RandomForestRegressor,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
