"""SNAutoencoder, constructed by the parameters of scikit-learn's imputers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn import impute
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from sksn import SNAutoencoder

from ._adapters import seeded, stand_in


def _translate(imputer: Any) -> dict[str, Any]:
    """Return our parameters from those of an imputer."""
    bounds = {name: getattr(imputer, name, None) for name in ("min_value", "max_value")}
    unbounded = {name: None for name, value in bounds.items() if _is_infinite(value)}
    return seeded(imputer) | unbounded


def _is_infinite(bound: Any) -> bool:
    return isinstance(bound, float) and bool(np.isinf(bound))


class _Completer(SNAutoencoder):
    """SNAutoencoder whose `add_indicator` says nothing, since no columns are appended."""

    def _parameters(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return super()._parameters() | {"input_indicator": False}


def _over(peer: type) -> type:
    return stand_in(_Completer, peer, __name__, _translate, max_epochs=40)


IterativeImputer = _over(impute.IterativeImputer)
KNNImputer = _over(impute.KNNImputer)
SimpleImputer = _over(impute.SimpleImputer)


IMPUTERS = {  # what takes the place of which name
    "sklearn.impute.IterativeImputer": IterativeImputer,
    "sklearn.impute.KNNImputer": KNNImputer,
    "sklearn.impute.SimpleImputer": SimpleImputer,
}
