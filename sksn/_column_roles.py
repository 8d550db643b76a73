"""What a column of interactions holds, by its name."""

from __future__ import annotations

import re
from typing import Any

ROLES = ("user", "item", "rating", "timestamp")  # in the order of a file without a header
_NAMES = {
    "user": "user users u uid customer reviewer member visitor client person account consumer",
    "item": "item items i iid movie film product asin book isbn song track artist show anime game "
    "business article sku title",
    "rating": "rating ratings r score scores star stars grade overall vote preference",
    "count": "count counts n plays playcount quantity qty amount weight weights value",
    "timestamp": "timestamp timestamps ts time date datetime reviewtime unixtime created rated",
}
_ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}
_IDS = {"id", "ids", "idx", "index", "code", "no", "number", "key"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W_]+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: three of "ratedMovie_id"."""
    return [word.lower() for word in _WORDS.findall(name)]


def names_an_id(words: list[str]) -> bool:
    """Whether the words of a name end like the name of an id."""
    return words[-1] in _IDS or words[-1].endswith("id")


def role_of(name: str) -> str | None:
    """Return what a column of this name holds; None if the name is not known."""
    words = words_of(name)
    if not words:
        return None
    is_id = len(words) > 1 and words[-1] in _IDS
    words = words[:-1] if is_id else words[:-1] if words[-1] in ("at", "on", "utc") else words
    last = words[-1] if words else ""
    if last not in _ROLE_OF and last.endswith("id"):
        is_id, last = True, last[:-2]
    role = _ROLE_OF.get(last)
    return None if is_id and role not in ("user", "item") else role


def column_names(X: Any) -> list[str] | None:
    """Return the names of the columns of a data frame, if all of them are strings."""
    names = list(X.columns) if hasattr(X, "columns") else []
    return names if names and all(isinstance(name, str) for name in names) else None
