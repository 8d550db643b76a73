"""Tests of what all imputers do over SNAutoencoder."""

from ._imputers import IMPUTERS
from ._substitute import PeerTests

EXCLUDED = {
    "no indicator columns are appended": [
        "test_imputers_add_indicator",
        "test_imputers_add_indicator_sparse",
        "test_imputers_feature_names_out_pandas[True-*]",
        "test_imputation_adds_missing_indicator_if_add_indicator_is_true",
    ],
}
DIFFERENT = {
    "features that were never observed are kept": [
        "test_imputers_feature_names_out_pandas[False-*]",
        "test_keep_empty_features[*-False]",
    ],
}

PEER = PeerTests(
    "sklearn.impute.tests.test_common",
    IMPUTERS,
    excluded=EXCLUDED,
    different=DIFFERENT,
)
globals().update(PEER.tests)
