"""Tests of KNNImputer over SNAutoencoder."""

from ._imputers import KNNImputer
from ._substitute import PeerTests

EXCLUDED = {
    "the values that neighbours give": [
        "test_knn_imputer_zero_nan_imputes_the_same",
        "test_knn_imputer_verify",
        "test_knn_imputer_one_n_neighbors",
        "test_knn_imputer_all_samples_are_neighbors",
        "test_knn_imputer_weight_uniform",
        "test_knn_imputer_weight_distance",
        "test_knn_imputer_callable_metric",
        "test_knn_imputer_with_simple_example",
        "test_knn_imputer_not_enough_valid_distances",
        "test_knn_imputer_nan_distance",
        "test_knn_imputer_drops_all_nan_features",
        "test_knn_imputer_distance_weighted_not_enough_neighbors",
    ],
}
DIFFERENT = {
    "NaN is missing whatever missing_values says": [
        "test_knn_imputer_default_with_invalid_input",
        "test_knn_tags[-1-False]",
    ],
    "features that were never observed are kept": [
        "test_knn_imputer_removes_all_na_features",
    ],
}

PEER = PeerTests(
    "sklearn.impute.tests.test_knn",
    {
        "sklearn.impute.KNNImputer": KNNImputer,
    },
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
