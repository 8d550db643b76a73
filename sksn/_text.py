"""Arrays of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SHORT = 64  # characters; shorter texts may always have one width
_OBJECT = 57  # bytes of a string object beside its characters, with the pointer to it


def text_array(texts: Sequence[str]) -> np.ndarray:
    """Return text as an array of one width, or of objects where that would not do.

    One long text would make the array as wide as itself in every row, and NumPy drops trailing NUL
    characters, so that two different texts would become the same.

    Parameters
    ----------
    texts : sequence of str
        The texts.

    Returns
    -------
    ndarray of shape (n_texts,)
        Of a ``<U`` dtype, or of objects.
    """
    longest = max(map(len, texts), default=0)
    as_objects = sum(map(len, texts)) + _OBJECT * len(texts)
    is_wasteful = longest > _SHORT and longest * len(texts) > as_objects  # at 4 bytes a character
    if is_wasteful or any(text.endswith("\0") for text in texts):
        return np.fromiter(texts, dtype=object, count=len(texts))
    return np.array(texts, dtype=f"<U{max(1, longest)}")
