"""Headers of files of ratings: which line is one, and which column is which."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._checks import shown
from ._cells import number_of

ROLES = ("user", "item", "rating", "timestamp")  # in the order of a file without a header
_NAMES = {
    "user": "user users u uid customer reviewer member visitor client person account consumer",
    "item": "item items i iid movie film product asin book isbn song track artist show anime game "
    "business article sku title",
    "rating": "rating ratings r score scores star stars grade overall vote preference",
    "timestamp": "timestamp timestamps ts time date datetime reviewtime unixtime created rated",
}
_ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}
_IDS = {"id", "ids", "idx", "index", "code", "no", "number", "key"}
_MISSING = {"na", "n/a", "nan", "null", "none", "nil", "missing"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W_]+")


def role_of(name: str) -> str | None:
    """Return what a column of this name holds; None if the name is not known."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return None
    is_id = len(words) > 1 and words[-1] in _IDS
    words = words[:-1] if is_id else words[:-1] if words[-1] in ("at", "on", "utc") else words
    last = words[-1] if words else ""
    if last not in _ROLE_OF and last.endswith("id"):
        is_id, last = True, last[:-2]
    role = _ROLE_OF.get(last)
    return None if is_id and role not in ("user", "item") else role


def is_header(cells: Sequence[str]) -> bool:
    """Whether the first line of a file holds names, and not a rating that cannot be read.

    Parameters
    ----------
    cells : sequence of str
        The cells of the line.

    Returns
    -------
    bool
    """
    if len(cells) < 3 or number_of(cells[2]) is not None:
        return False
    roles = {role_of(cell) for cell in cells} - {None}
    is_name = [_is_name(cell) for cell in cells[:3]]
    if len(roles) > 1:  # such names may have an empty one among them, as that of an index
        return is_name[2] or not cells[2]
    return all(is_name[1:]) and (is_name[0] or not cells[0])


def columns_of(header: Sequence[str]) -> list[int]:
    """Return the columns of user, item and rating, and of the timestamp if there may be one.

    Columns whose names are not known are in the usual order, after the index of a data frame.

    Parameters
    ----------
    header : sequence of str
        The names of the columns.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a name contradicts the usual order, and not all of user, item and rating are named.
    """
    is_indexed = len(header) > 3 and (not header[0] or header[0].startswith("Unnamed: 0"))
    usual = list(range(is_indexed, is_indexed + len(ROLES)))
    roles = [role_of(name) for name in header]
    expected = dict(zip(usual, ROLES, strict=True))
    found = {role: [c for c, its in enumerate(roles) if its == role] for role in ROLES}
    agrees = all(role in (None, expected.get(c, role)) for c, role in enumerate(roles))
    if agrees and all(not found[role] or place in found[role] for place, role in expected.items()):
        return usual
    columns = [_best(header, found[role], place) for place, role in expected.items()]
    if None in columns[:3]:
        raise ValueError(
            f"the names {shown(', '.join(header))} contradict the order user, item, rating, "
            "timestamp, and do not say which single column is the user, which the item and which "
            "the rating; name these columns user, item and rating."
        )
    return [column for column in columns if column is not None]


def _best(header: Sequence[str], columns: list[int], usual: int) -> int | None:
    """Return the column of a role: ids before names, and short names; None if two are alike."""

    def rank(column: int) -> tuple[bool, int]:
        words = [word.lower() for word in _WORDS.findall(header[column])]
        is_id = words[-1] in _IDS or words[-1].endswith("id")
        return not is_id, len(words)

    ranks = sorted((*rank(column), column != usual, column) for column in columns)
    is_alike = len(ranks) > 1 and ranks[0][:3] == ranks[1][:3]
    if not ranks or (is_alike and role_of(header[columns[0]]) != "timestamp"):
        return None
    return ranks[0][3]


def _is_name(cell: str) -> bool:
    """Whether a cell may be a name: it begins with a letter, and does not mean a missing value."""
    return cell[:1].isalpha() and cell.lower() not in _MISSING
