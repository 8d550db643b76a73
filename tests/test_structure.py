"""The structure of the package: floors, circles, sizes of files, and private members."""

import ast
from pathlib import Path

import pytest

import sksn

PACKAGE = Path(sksn.__file__).resolve().parent
FILES = sorted(PACKAGE.rglob("*.py"))
STUBS = sorted(PACKAGE.rglob("*.pyi"))  # of packages whose names load on first use
MOST_FLOORS = 6
MOST_LINES = 350
# Longer files are mostly docstrings of public classes: at most so many lines are code.
LONG = {
    "_autoencoder.py": 200,
    "_mlp_estimators.py": 250,
    "_normalizer.py": 200,
    "_recommender/_estimator.py": 250,
}
BASES = ("NeuralEstimator", "MLPEstimator")  # whose rules subclasses extend
NAMED_TUPLES = ("_replace", "_make", "_asdict", "_fields")  # their public methods
OF_LIBRARIES = (  # which have no public name for it
    "sys._getframe",
    "torch._C",
    "torch._C._are_functorch_transforms_active",
    "parameter.grad._coalesced_",
    "self.estimator._init_callback_context",
)


def room_of(path: Path) -> str:
    """The top-level module or package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].partition(".")[0]


def imported(path: Path) -> set[str]:
    """The rooms that a file imports, lazily or for types too."""
    package = ("sksn", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            module = [*base, *(node.module or "").split(".")] if node.module else list(base)
            names = [module] if node.module else [[*module, a.name] for a in node.names]
        found |= {name[1] for name in names if len(name) > 1}
    return found


def rooms() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for path in FILES + STUBS:
        room = room_of(path)
        graph.setdefault(room, set()).update(imported(path) - {room})
    return graph


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each room: one above the highest that it imports."""
    found: dict[str, int] = {}

    def floor(room: str, above: tuple[str, ...] = ()) -> int:
        assert room not in above, f"a circle: {' -> '.join((*above, room))}"
        if room not in found:
            found[room] = 1 + max((floor(r, (*above, room)) for r in graph[room]), default=0)
        return found[room]

    for room in graph:
        floor(room)
    return found


def n_code_lines(path: Path) -> int:
    """Lines that are neither empty nor comments nor docstrings."""
    text = path.read_text()
    documented = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text and isinstance(node.value.value, str):
            documented |= set(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.split("#")[0].strip()) and i not in documented for i, line in lines)


def test_there_are_few_floors_and_no_circle():
    graph = rooms()
    assert {"nn", "_training", "_recommender"} <= set(graph)
    assert "_training" in graph["_autoencoder"]
    assert {"nn", "_recommender"} <= graph["__init__"]
    assert max(floors(graph).values()) <= MOST_FLOORS


def test_a_circle_would_be_found():
    with pytest.raises(AssertionError, match="a circle: a -> b -> a"):
        floors({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short_or_mostly_docstrings(path):
    name = str(path.relative_to(PACKAGE))
    if name in LONG:
        assert n_code_lines(path) <= LONG[name]
    else:
        assert len(path.read_text().splitlines()) <= MOST_LINES


def of_own_class(tree: ast.AST) -> set[str]:
    """The names that are assigned a copy of self, or an object of a class of the file."""
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    makers = {"copy.copy(self)", "super().fork()", "super().snapshot()"}
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and (
            ast.unparse(node.value) in makers
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in classes)
        )
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_code_uses_private_members_of_another_object(path):
    tree = ast.parse(path.read_text())
    own = {"self", "cls"} | of_own_class(tree)
    own |= {"autoencoder"} if path.name == "_autoencoder.py" else set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        if node.attr.startswith("__") or node.attr in NAMED_TUPLES:
            continue
        if ast.unparse(node) in OF_LIBRARIES:
            continue
        of = node.value
        rules = isinstance(of, ast.Name) and of.id in BASES and node.attr == "_rules"
        inherited = isinstance(of, ast.Call) and ast.unparse(of) == "super()"
        assert rules or inherited or (isinstance(of, ast.Name) and of.id in own), (
            f"{path.name}, line {node.lineno}: {ast.unparse(node)}"
        )
