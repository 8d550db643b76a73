"""Headers of files of ratings: which line is one, and which column is which."""

from __future__ import annotations

from collections.abc import Sequence

from .._checks import shown
from .._column_roles import ROLES, names_an_id, role_of, words_of
from ._cells import number_of

_MISSING = {"na", "n/a", "nan", "null", "none", "nil", "missing"}


def _role_in_file(name: str) -> str | None:
    """Return what a column of a file holds. Counts may stand where ratings are expected."""
    role = role_of(name)
    return role if role in ROLES else None


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
    roles = {_role_in_file(cell) for cell in cells} - {None}
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
    roles = [_role_in_file(name) for name in header]
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
        words = words_of(header[column])
        return not names_an_id(words), len(words)

    ranks = sorted((*rank(column), column != usual, column) for column in columns)
    is_alike = len(ranks) > 1 and ranks[0][:3] == ranks[1][:3]
    if not ranks or (is_alike and role_of(header[columns[0]]) != "timestamp"):
        return None
    return ranks[0][3]


def _is_name(cell: str) -> bool:
    """Whether a cell may be a name: it begins with a letter, and does not mean a missing value."""
    return cell[:1].isalpha() and cell.lower() not in _MISSING
