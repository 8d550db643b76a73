"""Warnings about columns of text that are hardly meant as categories."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from .._caller import levels_to_caller

_MOST = 0.9  # of the categories
_MANY = 20  # categories, below which any text may be one


def warn_of_text(name: Any, categories: list[Any], n_observed: int) -> None:
    """Warn of a column of text that holds numbers, or sentences that hardly occur twice.

    Parameters
    ----------
    name : object
        The name of the column.
    categories : list
        Its different values.
    n_observed : int
        Number of its entries that are not missing.
    """
    n_categories = len(categories)
    text = [value for value in categories if isinstance(value, str)]
    if n_categories <= _MANY or not text:
        return
    others = [value for value in categories if isinstance(value, numbers.Real)]
    written = [value for value in text if _is_number(value)]
    # integers may be codes, such as those of towns
    fractions = [value for value in written if not value.strip().lstrip("+-").isdigit()]
    if len(others) + len(written) >= _MOST * n_categories and (others or fractions):
        what = "numbers, and text" if others else "text that looks like numbers,"
        warnings.warn(
            f"Column {name!r} of X holds {what} such as {(text if others else fractions)[0]!r}, "
            "and is read as categories. If numbers are meant, convert it: "
            f"pandas.to_numeric(frame[{name!r}], errors='coerce').",
            stacklevel=levels_to_caller(),
        )
    elif n_categories >= _MOST * n_observed and _are_sentences(text):
        warnings.warn(
            f"Column {name!r} of X holds a different text in nearly every row. As categories, "
            "these say nothing about other rows: leave the column out, or encode it, for example "
            "with sklearn.feature_extraction.text.TfidfVectorizer in a ColumnTransformer.",
            stacklevel=levels_to_caller(),
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_sentences(text: list[str]) -> bool:
    """Whether there are three words or more on average."""
    return sum(len(value.split()) for value in text) >= 3 * len(text)
