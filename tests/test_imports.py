"""Importing sksn and its transformers must not cost an import of torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sksn


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import sksn",
        "from sksn import SparsityNormalizer, ObservedScaler, sparsity_normalize",
        "from sksn import SparsityNormalizer; SparsityNormalizer().fit_transform([[1.0, 2.0]])",
        "import sksn; dir(sksn); hasattr(sksn, 'no_such_name')",
    ],
)
def test_without_torch(statement):
    modules = modules_after(statement)
    assert "sksn" in modules
    assert not modules & {"torch", "skorch", "matplotlib", "tqdm"}


@pytest.mark.parametrize(
    "statement",
    ["from sksn import SNClassifier", "import sksn; sksn.nn", "import sksn; sksn.inspection"],
)
def test_networks_load_on_first_use(statement):
    assert "torch" in modules_after(statement)


def test_every_public_name_is_there_and_documented():
    assert set(sksn.__all__) <= set(dir(sksn))
    for name in sksn.__all__:
        assert getattr(sksn, name).__doc__


def test_type_checkers_see_the_names_that_load_on_first_use():
    stub = (Path(sksn.__file__).parent / "__init__.pyi").read_text()
    listed = next(
        node.value for node in ast.parse(stub).body if ast.unparse(node).startswith("__all__")
    )
    assert set(ast.literal_eval(listed)) == set(sksn.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No sksn attribute Nothing"):
        _ = sksn.Nothing
