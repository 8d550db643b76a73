"""Our estimators, constructed by the parameters of a peer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sksn import SNClassifier, SNRegressor

# Small and quick networks: the tests of meta-estimators train hundreds of them.
QUICK = {
    "hidden_layer_sizes": (16,),
    "max_epochs": 30,
    "batch_size": 32,
    "lr": 0.02,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "n_bins": 0,
    "alpha": 0.01,
}

OTHER_MEANING = {"loss"}  # names that peers have too, for something else


def stand_in(
    ours: type,
    peer: type,
    module: str,
    translate: Callable[[Any], dict[str, Any]] | None = None,
    **settings: Any,
) -> type:
    """Return a subclass of one of our estimators whose parameters are those of a peer.

    Parameters
    ----------
    ours : class
        The estimator that does the work.
    peer : class
        The estimator of scikit-learn whose place it takes.
    module : str
        The module that holds the new class under the name of the peer, so that it can be pickled.
    translate : callable, optional
        Returns our parameters from an instance that has the peer's. Parameters of the same name
        need no translation, except a loss; the peer's other parameters are ignored.
    **settings
        Our parameters that the peer does not have, where they differ from our defaults.

    Returns
    -------
    class
        The subclass. It has the name of the peer.
    """
    signature = inspect.signature(peer.__init__)
    own = ours().get_params() | settings

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    def _parameters(self: Any) -> dict[str, Any]:
        found = super(cls, self)._parameters()
        mine = {name: own[name] for name in OTHER_MEANING & found.keys()}
        return found | mine | (translate(self) if translate else {})

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    members = {name: value for name, value in own.items() if name not in signature.parameters}
    members |= {"__init__": __init__, "_parameters": _parameters, "__module__": module}
    if not hasattr(peer, "partial_fit"):
        members["partial_fit"] = _Absent()
    cls = type(peer.__name__, (ours,), members)
    return cls


class _Absent:
    """A method that the peer does not have: neither its class nor its instances show it."""

    def __get__(self, instance: Any, owner: type) -> None:
        raise AttributeError(f"{owner.__name__!r} object has no attribute 'partial_fit'")


def seeded(estimator: Any) -> dict[str, Any]:
    """Give a network a seed where the peer needs none to be reproducible."""
    seed = getattr(estimator, "random_state", None)
    return {"random_state": 0 if seed is None else seed}


def classifier(peer: type, module: str, **settings: Any) -> type:
    """Return a quick SNClassifier in the place of a classifier."""
    return stand_in(SNClassifier, peer, module, seeded, **QUICK | settings)


def regressor(peer: type, module: str, **settings: Any) -> type:
    """Return a quick SNRegressor in the place of a regressor."""
    return stand_in(SNRegressor, peer, module, seeded, **QUICK | settings)
