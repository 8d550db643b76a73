"""Tests of MLPClassifier and MLPRegressor over SNClassifier and SNRegressor."""

from typing import Any

from sklearn import neural_network

from sksn import SNClassifier, SNRegressor

from ._adapters import stand_in
from ._substitute import PeerTests

EXCLUDED = {
    "coefs_, intercepts_ or private members of the peer": [
        "test_alpha",
        "test_fit",
        "test_gradient",
        "test_learning_rate_warmstart",
        "test_shuffle",
        "test_n_iter_no_change",
        "test_mlp_param_dtypes",
    ],
    "the attributes best_loss_ and best_validation_score_": [
        "test_early_stopping",
    ],
    "parameters of the peer: solver, tol, max_fun, loss, an infinite n_iter_no_change": [
        "test_lbfgs_classification_maxfun",
        "test_lbfgs_regression_maxfun",
        "test_partial_fit_errors",
        "test_tolerance",
        "test_adaptive_learning_rate",
        "test_n_iter_no_change_inf",
        "test_mlp_warm_start_no_convergence",
        "test_mlp_vs_poisson_glm_equivalent",
    ],
    "how closely the optimizer of the peer fits the training rows": [
        "test_lbfgs_regression",
        "test_predict_proba_multilabel",
        "test_mlp_loading_from_joblib_partial_fit",
    ],
    "the learning rate of fit falls along a cosine, that of partial_fit is constant": [
        "test_partial_fit_regression",
    ],
    "the peer diverges or overflows here; sksn scales its inputs and does not": [
        "test_nonfinite_params",
        "test_mlp_diverging_loss",
    ],
    "the wording of the progress report": [
        "test_verbose_sgd",
    ],
}
DIFFERENT = {
    "y of one class is refused": [
        "test_preserve_feature_names[MLPClassifier]",
    ],
    "with warm_start, y may hold only some of the classes": [
        "test_warm_start",
    ],
    "n_epochs_ counts the epochs of all calls": [
        "test_warm_start_full_iteration",
    ],
    "partial_fit may follow a fit with early_stopping, and holds out no rows": [
        "test_mlp_partial_fit_after_fit",
    ],
    "the only row of a class is used for training, and the other rows are held out by class": [
        "test_early_stopping_stratified",
    ],
    "early_stopping needs two rows, one of them held out": [
        "test_minimum_input_sample_size",
    ],
}


def translate(mlp: Any) -> dict[str, Any]:
    """Return our parameters from those of an MLP."""
    return {
        "lr": mlp.learning_rate_init,
        "max_epochs": mlp.max_iter,
        "batch_size": 200 if mlp.batch_size == "auto" else mlp.batch_size,
    }


def _over(ours: type, peer: type) -> type:
    cls = stand_in(ours, peer, __name__, translate, dropout=0.0, input_dropout=0.0)
    cls.n_iter_ = property(lambda self: self.n_epochs_)
    return cls


MLPClassifier = _over(SNClassifier, neural_network.MLPClassifier)
MLPRegressor = _over(SNRegressor, neural_network.MLPRegressor)

PEER = PeerTests(
    "sklearn.neural_network.tests.test_mlp",
    {
        "sklearn.neural_network.MLPClassifier": MLPClassifier,
        "sklearn.neural_network.MLPRegressor": MLPRegressor,
    },
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
