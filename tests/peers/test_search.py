"""Tests of the search for parameters of networks."""

from sklearn import linear_model, svm, tree

from ._adapters import classifier, regressor
from ._substitute import PeerTests

LogisticRegression = classifier(linear_model.LogisticRegression, __name__)
LinearRegression = regressor(linear_model.LinearRegression, __name__)
Ridge = regressor(linear_model.Ridge, __name__)
SVC = classifier(svm.SVC, __name__)
LinearSVC = classifier(svm.LinearSVC, __name__)
DecisionTreeClassifier = classifier(tree.DecisionTreeClassifier, __name__)
DecisionTreeRegressor = regressor(tree.DecisionTreeRegressor, __name__)
SGDClassifier = classifier(linear_model.SGDClassifier, __name__)

EXCLUDED = {
    "sparse rows are scaled differently from dense rows": [
        "test_grid_search_sparse_scoring",
    ],
    "attributes and parameters of SVC: dual_coef_, kernel, probability": [
        "test_grid_search_one_grid_point",
        "test_grid_search_precomputed_kernel",
        "test_predict_proba_disabled",
    ],
    "the parameter C changes nothing here": [
        "test_refit_callable",
        "test_search_cv_results_rank_tie_breaking",
    ],
    "weighting a row changes which rows share its batch": [
        "test_search_cv_sample_weight_equivalence[estimator*]",
    ],
    "C=0 is an error of the peer": [
        "test_search_cv_timing",
    ],
    "decision_function": [
        "test_grid_search_correct_score_results",
    ],
    "SGDClassifier has probabilities only with some losses": [
        "test_stochastic_gradient_loss_param",
    ],
}

PEER = PeerTests(
    "sklearn.model_selection.tests.test_search",
    {
        "sklearn.linear_model.LogisticRegression": LogisticRegression,
        "sklearn.linear_model.LinearRegression": LinearRegression,
        "sklearn.linear_model.Ridge": Ridge,
        "sklearn.svm.SVC": SVC,
        "sklearn.svm.LinearSVC": LinearSVC,
        "sklearn.tree.DecisionTreeClassifier": DecisionTreeClassifier,
        "sklearn.tree.DecisionTreeRegressor": DecisionTreeRegressor,
        "sklearn.linear_model.SGDClassifier": SGDClassifier,
    },
    excluded=EXCLUDED,
)
globals().update(PEER.tests)
