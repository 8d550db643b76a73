"""Runs the installed tests of scikit-learn over other classes.

A :class:`PeerTests` executes a test file of scikit-learn under a name of its own, while the names
that the file imports are replaced by our classes. Its test functions are then collected by pytest
from the module that asks for them. Tests that use no replaced name are left out: they say nothing
about our classes.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any
from unittest import mock

import pytest

NAME = "PEER"  # the variable in a test module that holds its PeerTests
Names = Mapping[str, Iterable[str]]


class PeerTests:
    """The tests of an installed test file, over other classes.

    Parameters
    ----------
    path : str
        The module of the tests.
    replaced : dict
        What takes the place of which name; keys are such as "sklearn.svm.SVC".
    excluded : dict of lists
        Tests that do not carry over, as lists of names by their common reason. A name is that of a
        function, or of some of its cases: "name[case]", where a case may be a pattern such as
        "csr_*".
    different : dict of lists
        Tests that must fail, because our classes behave differently on purpose; by reason.
    """

    def __init__(
        self,
        path: str,
        replaced: Mapping[str, Any],
        *,
        excluded: Names,
        different: Names = MappingProxyType({}),
    ) -> None:
        self.excluded = _by_name(excluded)
        self.different = _by_name(different)
        both = self.excluded.keys() & self.different.keys()
        assert not both, f"listed twice: {sorted(both)}"
        self.collected: set[str] = set()
        self.module = _executed(path, replaced)
        self.own = _Substitutes(self.module, replaced.values())
        found = vars(self.module).items()
        self.functions = {
            name: value
            for name, value in found
            if name.startswith("test_") and inspect.isfunction(value) and self.own.used_by(value)
        }
        for function in self.functions.values():
            function.pytestmark = [_listed(m) for m in getattr(function, "pytestmark", [])]
        self.fixtures = {
            name: value for name, value in found if type(value).__name__.startswith("Fixture")
        }

    @property
    def tests(self) -> dict[str, Any]:
        """What pytest shall find in a test module: tests, their fixtures, a test of the lists."""

        def test_lists_name_tests() -> None:
            assert self.unknown() == []

        return {**self.fixtures, **self.functions, "test_lists_name_tests": test_lists_name_tests}

    def concerns(self, item: pytest.Function) -> bool:
        """Whether a collected test, or this case of it, uses one of our classes."""
        function = self.functions.get(item.originalname)
        if function is None or self.own.used_by(function, with_marks=False):
            return True
        return self.own.held_by(item.callspec.params)

    def mark(self, item: pytest.Function) -> None:
        """Mark a collected test that is excluded or different."""
        self.collected.add(item.name)
        for name, reason in self.excluded.items():
            if _matches(item.name, name):
                item.add_marker(pytest.mark.skip(reason=reason))
        for name, reason in self.different.items():
            if _matches(item.name, name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def unknown(self) -> list[str]:
        """Return the names in the lists that no test has.

        Cases are looked for only where cases of their function were collected.
        """
        missing = []
        for name in (*self.excluded, *self.different):
            function, case = name.partition("[")[::2]
            cases = [other for other in self.collected if other.startswith(f"{function}[")]
            named = any(_matches(other, name) for other in cases)
            if function not in self.functions or (case and cases and not named):
                missing.append(name)
        return missing


def _matches(item: str, name: str) -> bool:
    """Whether a name from a list is that of a collected test, of its function, or of its case."""
    function, _, case = item.partition("[")
    listed, _, pattern = name.partition("[")
    return function == listed and (not pattern or fnmatchcase(case[:-1], pattern[:-1]))


def _by_name(lists: Names) -> dict[str, str]:
    """Turn lists of names by reason into reasons by name."""
    reasons: dict[str, str] = {}
    for reason, names in lists.items():
        for name in names:
            assert name not in reasons, f"{name} is listed twice"
            reasons[name] = reason
    return reasons


def _listed(mark: pytest.Mark) -> pytest.Mark:
    """Turn generators of cases into lists: pytest warns of them."""
    if mark.name != "parametrize" or isinstance(mark.args[1], Collection):
        return mark
    return pytest.mark.parametrize(mark.args[0], list(mark.args[1]), *mark.args[2:]).mark


def _executed(path: str, replaced: Mapping[str, Any]) -> types.ModuleType:
    """Execute a module under another name, while what it imports is replaced."""
    importlib.import_module(path)  # all that it needs is imported unchanged
    origin = importlib.util.find_spec(path).origin
    name = f"over_sksn_{path.replace('.', '_')}"
    spec = importlib.util.spec_from_file_location(name, origin)
    module = importlib.util.module_from_spec(spec)
    with ExitStack() as stack:
        for target, value in replaced.items():
            home, attribute = target.rsplit(".", 1)
            home = importlib.import_module(home)
            stack.enter_context(mock.patch.object(home, attribute, value))
        spec.loader.exec_module(module)
    sys.modules[name] = module  # so that objects of its classes can be pickled
    return module


class _Substitutes:
    """Finds out which functions of a module use one of a set of classes."""

    def __init__(self, module: types.ModuleType, classes: Iterable[type]) -> None:
        self.names = vars(module)
        self.file = module.__file__
        self.classes = tuple(classes)
        self.known: dict[tuple[int, bool], bool] = {}

    def used_by(self, function: Any, *, with_marks: bool = True) -> bool:
        """Whether a function, what it calls in its module, or its parameters hold a class."""
        key = id(function), with_marks
        if key in self.known:
            return self.known[key]
        self.known[key] = False  # while it is looked at
        code = inspect.unwrap(function).__code__
        names = {*_names(code), *code.co_varnames[: code.co_argcount]}  # arguments are fixtures
        used = any(self.held_by(self.names[name]) for name in names if name in self.names)
        if with_marks and not used:
            marks = getattr(function, "pytestmark", [])
            used = any(self.held_by(mark.args) for mark in marks)
        self.known[key] = used
        return used

    def held_by(self, value: Any) -> bool:
        """Whether a value is a class of the set, an instance of one, or holds one."""
        if isinstance(value, type):
            return value in self.classes or any(self.held_by(v) for v in _methods(value, self.file))
        if isinstance(value, self.classes):
            return True
        if isinstance(value, dict):
            return any(map(self.held_by, value.values()))
        if isinstance(value, (list, tuple, set)):
            return any(map(self.held_by, value))
        wrapped = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(wrapped):
            return wrapped.__code__.co_filename == self.file and self.used_by(value)
        if hasattr(value, "get_params"):
            return self.held_by(value.get_params(deep=False))
        return False


def _names(code: types.CodeType) -> set[str]:
    """Return the global names that a function and the functions in it use."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _methods(cls: type, file: str) -> list[Any]:
    """Return the methods that a class defines, if it stands in a file."""
    methods = [value for value in vars(cls).values() if inspect.isfunction(value)]
    return [m for m in methods if m.__code__.co_filename == file]
