"""Neural networks for data with missing values, as scikit-learn estimators.

Importing sksn imports neither torch nor skorch. The neural estimators load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._normalizer import SparsityNormalizer, sparsity_normalize
from ._scaler import ObservedScaler

if TYPE_CHECKING:
    from ._autoencoder import SNAutoencoder
    from ._mlp_estimators import SNClassifier, SNRegressor
    from ._recommender import SNRecommender

__version__ = "0.1.0.dev0"

__all__ = [
    "ObservedScaler",
    "SNAutoencoder",
    "SNClassifier",
    "SNRecommender",
    "SNRegressor",
    "SparsityNormalizer",
    "__version__",
    "sparsity_normalize",
]

_LAZY = {
    "SNAutoencoder": "._autoencoder",
    "SNClassifier": "._mlp_estimators",
    "SNRecommender": "._recommender",
    "SNRegressor": "._mlp_estimators",
    "datasets": ".datasets",
    "inspection": ".inspection",
    "metrics": ".metrics",
    "nn": ".nn",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LAZY[name], __name__)
    return module if _LAZY[name] == f".{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
