"""What these tests share: data sets and estimators."""

from sksn import SNClassifier, SNRegressor

ESTIMATORS = [SNClassifier, SNRegressor]


SMALL = {"hidden_layer_sizes": (32,), "max_epochs": 10, "lr": 0.02, "random_state": 0}


def output(estimator, X):
    return (
        estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else estimator.predict(X)
    )
