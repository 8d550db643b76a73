"""scikit-learn's own checks, over several configurations of every estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sksn import ObservedScaler, SNAutoencoder, SNClassifier, SNRegressor, SparsityNormalizer

FULL_BATCH = {
    "input_dropout": 0.0,
    "dropout": 0.0,
    "batch_size": 10_000,
    "dtype": "float64",
    "random_state": 0,
}
TRANSFORMERS = [
    SparsityNormalizer(),
    SparsityNormalizer(target="median", power=0.5, add_indicator=True),
    SparsityNormalizer(target=3, power=0),
    ObservedScaler(),
    ObservedScaler(with_mean=False),
    ObservedScaler(with_std=False, missing_values=-1),
]
NETWORKS = [
    SNClassifier(),
    SNClassifier(early_stopping=True, activation="tanh", lr=0.01),
    SNClassifier(hidden_norm="batch", hidden_layer_sizes=(32, 16), n_bins=0, lr=0.02),
    SNClassifier(input_scaling=None, add_indicator=True, power=1, class_weight="balanced"),
    SNRegressor(),
    SNRegressor(early_stopping=True, hidden_norm="layer", max_epochs=100),
    SNClassifier((32, 16), hidden_norm="sparsity", n_bins=0, lr=0.02),
    SNClassifier((32, 16), hidden_norm="observed", n_bins=0, lr=0.02),
]
AUTOENCODERS = [
    SNAutoencoder(max_epochs=30),
    SNAutoencoder(
        (16, 8), activation="tanh", early_stopping=True, batch_size=16, row_offset=None,
        keep_observed=False, max_epochs=30,
    ),
    SNAutoencoder(
        8, center=True, input_indicator=True, input_scaling="global", target="median", power=1,
        max_epochs=30,
    ),
]  # fmt: skip
FULL_BATCH_NETWORKS = [
    SNClassifier(max_epochs=40, **FULL_BATCH),
    SNClassifier((), target="median", power=0, lr=0.1, max_epochs=40, **FULL_BATCH),
    SNRegressor(max_epochs=100, **FULL_BATCH),
]


def by_nature(estimator):
    """Weights are repetitions only without minibatches, dropout and validation rows."""
    if estimator not in NETWORKS:
        return {}
    reason = (
        "weighting a row changes which rows share its batch, its dropout and its validation; "
        "the full-batch configurations pass"
    )
    kinds = ("dense", "sparse")
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in kinds}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [*TRANSFORMERS, *NETWORKS, *AUTOENCODERS, *FULL_BATCH_NETWORKS],
    expected_failed_checks=by_nature,
)
def test_check(estimator, check):
    check(estimator)
