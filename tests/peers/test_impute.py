"""Tests of simple and iterative imputers over SNAutoencoder."""

from ._imputers import IMPUTERS
from ._substitute import PeerTests

EXCLUDED = {
    "statistics_, strategies and fill values of SimpleImputer": [
        "test_imputation_mean_median",
        "test_imputation_median_special_cases",
        "test_imputation_most_frequent",
        "test_imputation_constant_error_invalid_type",
        "test_imputation_constant_integer",
        "test_imputation_constant_float",
        "test_imputation_custom",
        "test_simple_imputer_constant_fill_value_casting",
    ],
    "text is not completed; other messages say so": [
        "test_imputation_mean_median_error_invalid_type",
        "test_imputation_mean_median_error_invalid_type_list_pandas",
        "test_imputation_const_mostf_error_invalid_types",
        "test_imputation_most_frequent_objects",
        "test_imputation_most_frequent_pandas",
        "test_imputation_constant_object",
        "test_imputation_constant_pandas",
        "test_missing_indicator_with_imputer[X0-a-*]",
        "test_missing_indicator_with_imputer[X2-nan-*]",
        "test_missing_indicator_with_imputer[X3-None-*]",
        "test_simple_imputation_string_list",
        "test_simple_impute_pd_na",
        "test_imputer_lists_fit_transform",
        "test_inconsistent_dtype_X_missing_values",
    ],
    "attributes and methods of the peer, such as imputation_sequence_ and inverse_transform": [
        "test_iterative_imputer_one_feature",
        "test_iterative_imputer_zero_iters",
        "test_iterative_imputer_imputation_order",
        "test_iterative_imputer_estimators",
        "test_iterative_imputer_early_stopping",
        "test_iterative_imputer_min_max_array_like",
        "test_imputation_order",
        "test_simple_imputation_inverse_transform",
        "test_simple_imputation_inverse_transform_exceptions",
        "test_iterative_imputer_constant_fill_value",
    ],
    "the values that one regression for each feature gives": [
        "test_iterative_imputer_rank_one",
        "test_iterative_imputer_transform_recovery",
        "test_iterative_imputer_additive_matrix",
        "test_iterative_imputer_skip_non_missing",
        "test_iterative_imputer_with_empty_features",
    ],
    "completed entries are not sampled (sample_posterior)": [
        "test_iterative_imputer_truncated_normal_posterior",
        "test_iterative_imputer_transform_stochasticity",
    ],
    "no indicator columns are appended": [
        "test_imputer_without_indicator",
        "test_simple_imputation_add_indicator_sparse_matrix",
    ],
    "other messages for bounds that do not fit": [
        "test_iterative_imputer_catch_min_max_error",
    ],
}
DIFFERENT = {
    "features that were never observed are kept": [
        "test_imputation_deletion_warning",
        "test_imputation_deletion_warning_feature_names",
        "test_iterative_imputer_no_missing",
        "test_iterative_imputer_min_max_value_remove_empty",
        "test_knn_imputer_keep_empty_features[False]",
        "test_simple_imputer_keep_empty_features[False-*]",
    ],
    "completed rows are dense": [
        "test_imputation_copy",
        "test_simple_imputer_keep_empty_features[True-*-sparse]",
    ],
    "an entry of a sparse matrix that is not stored is missing": [
        "test_imputation_error_sparse_0",
    ],
    "rows with nothing observed at all teach nothing and are refused": [
        "test_iterative_imputer_all_missing",
    ],
}

PEER = PeerTests(
    "sklearn.impute.tests.test_impute",
    IMPUTERS,
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
