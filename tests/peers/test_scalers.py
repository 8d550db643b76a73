"""Tests of StandardScaler over ObservedScaler.

Those of Normalizer do not carry over to SparsityNormalizer: all of them are about norms of rows.
"""

from sksn import ObservedScaler

from ._substitute import PeerTests

EXCLUDED = {
    "attributes of steps that are turned off are None in the peer": [
        "test_standard_scaler_partial_fit",
        "test_scaler_return_identity",
    ],
    "how near to a constant a feature may come before its scale is 1": [
        "test_standard_scaler_near_constant_features[None-float64-*-100*]",
    ],
    "entries average - scale that are zero are not stored, so the feature has another variance": [
        "test_standard_scaler_near_constant_features[cs?_*]",
    ],
    "the callbacks of scikit-learn (set_callbacks)": [
        "test_standard_scaler_callback_support",
    ],
}
DIFFERENT = {
    "sparse rows are centred and stay sparse": [
        "test_scaler_without_centering",
        "test_scale_sparse_with_mean_raise_exception",
    ],
    "an entry that is not stored is missing, not zero": [
        "test_scaler_int",
    ],
    "n_samples_seen_ counts rows; n_observed_ counts the entries, or their weights": [
        "test_scaler_n_samples_seen_with_nan",
        "test_standard_scaler_transform_with_partial_fit[True]",
    ],
    "float16 becomes float64": [
        "test_standard_scaler_dtype[False-None]",
        "test_standard_scaler_dtype[True-None]",
    ],
}


class StandardScaler(ObservedScaler):
    """ObservedScaler takes the parameters of StandardScaler as they are."""


PEER = PeerTests(
    "sklearn.preprocessing.tests.test_data",
    {"sklearn.preprocessing.StandardScaler": StandardScaler},
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
