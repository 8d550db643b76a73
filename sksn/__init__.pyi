from . import datasets, inspection, metrics, model_selection, nn
from ._autoencoder import SNAutoencoder
from ._mlp_estimators import SNClassifier, SNRegressor
from ._normalizer import SparsityNormalizer, sparsity_normalize
from ._recommender import SNRecommender
from ._scaler import ObservedScaler

__version__: str

__all__ = [
    "ObservedScaler",
    "SNAutoencoder",
    "SNClassifier",
    "SNRecommender",
    "SNRegressor",
    "SparsityNormalizer",
    "datasets",
    "inspection",
    "metrics",
    "model_selection",
    "nn",
    "sparsity_normalize",
]
