"""Write the inventories of the libraries that the docs link to, so that the docs build offline.

Run ``python docs/inventories/make.py`` after an update of scikit-learn, torch or skorch. It lists
the public names of the installed packages and gives each the address at which the library's site
documents it. It needs no connection, and does not check that the page exists: what a library
exports but does not document gets an address that leads nowhere. Only names that our docs mention
are looked up.
"""

from __future__ import annotations

import importlib
import inspect
import zlib
from pathlib import Path
from types import ModuleType

import sklearn
import skorch
import torch

FOLDER = Path(__file__).parent
GENERATED = {  # each name has a page of its own
    "sklearn": (
        "modules/generated/{name}.html#{name}",
        "base calibration compose datasets decomposition ensemble exceptions experimental "
        "feature_extraction feature_extraction.text frozen impute inspection linear_model metrics "
        "metrics.pairwise model_selection multioutput naive_bayes neighbors neural_network "
        "pipeline preprocessing svm tree utils utils.class_weight utils.estimator_checks",
    ),
    "torch": (
        "generated/{name}.html#{name}",
        "nn nn.functional nn.init optim optim.lr_scheduler utils.data",
    ),
}
TORCH_PAGES = {  # names of the module torch itself
    "torch.Tensor": "tensors.html#torch.Tensor",
    "torch.device": "tensor_attributes.html#torch.device",
    "torch.dtype": "tensor_attributes.html#torch.dtype",
    "torch.compile": "generated/torch.compile.html#torch.compile",
    "torch.Generator": "generated/torch.Generator.html#torch.Generator",
    "torch.autocast": "amp.html#torch.autocast",
    "torch.utils.data.Dataset": "data.html#torch.utils.data.Dataset",
    "torch.utils.data.DataLoader": "data.html#torch.utils.data.DataLoader",
}
SKORCH_PAGES = {"callbacks": "callbacks", "net": "net", "classifier": "classifier"}
SKORCH_PAGES |= {"regressor": "regressor", "dataset": "dataset", "history": "history"}


def role(value: object) -> str:
    return "class" if inspect.isclass(value) else "function"


def public(module: ModuleType) -> dict[str, object]:
    """Return the classes and functions that a module exports."""
    names = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    found = {}
    for name in names:
        try:
            found[name] = getattr(module, name, None)
        except ImportError:  # scikit-learn's experimental estimators, before they are enabled
            continue
    return {name: value for name, value in found.items() if callable(value)}


def write(project: str, version: str, entries: dict[str, tuple[str, str]]) -> None:
    """Write an inventory; entries hold the role and the address of each name."""
    header = (
        "# Sphinx inventory version 2\n"
        f"# Project: {project}\n# Version: {version}\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    lines = (f"{name} py:{kind} 1 {page} -\n" for name, (kind, page) in sorted(entries.items()))
    path = FOLDER / f"{project}.inv"
    path.write_bytes(header.encode() + zlib.compress("".join(lines).encode(), 9))
    print(f"{path.name}: {len(entries)} names of {project} {version}")


def main() -> None:
    """Write all inventories."""
    versions = {"sklearn": sklearn.__version__, "torch": torch.__version__.partition("+")[0]}
    for project, (pattern, modules) in GENERATED.items():
        entries = {}
        for part in modules.split():
            module = importlib.import_module(f"{project}.{part}")
            if project == "sklearn":
                name = f"{project}.{part}"
                entries[name] = ("module", f"api/{name}.html#module-{name}")
            for short, value in public(module).items():
                name = f"{project}.{part}.{short}"
                entries[name] = (role(value), pattern.format(name=name))
        if project == "torch":
            entries |= {name: ("class", page) for name, page in TORCH_PAGES.items()}
            entries["torch.compile"] = ("function", TORCH_PAGES["torch.compile"])
        write(project, versions[project], entries)
    entries = {"skorch.NeuralNet": ("class", "net.html#skorch.net.NeuralNet")}
    for part, page in SKORCH_PAGES.items():
        module = importlib.import_module(f"skorch.{part}")
        for short, value in public(module).items():
            name = f"skorch.{part}.{short}"
            entries[name] = (role(value), f"{page}.html#{name}")
    write("skorch", skorch.__version__, entries)


if __name__ == "__main__":
    main()
