"""Leading eigenvectors of a symmetric matrix, near those of an earlier one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_SMALL = 500  # rows up to which all eigenvectors are computed
_GUARDS = 16  # random vectors beside the known ones
_BASIS = 600  # vectors of the space that is searched at a time
_MOST_ROUNDS = 50


def leading_eigenvectors(
    multiply: Callable[[np.ndarray], np.ndarray], known: np.ndarray, n: int, *, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute the leading eigenvectors by a block Krylov method that starts at known ones.

    Each round searches the space of :math:`V, MV, M^2V, \ldots` for the best approximation, and
    the next one starts there. Products with many vectors at once are several times as fast as the
    products with single vectors of the Lanczos method.

    Parameters
    ----------
    multiply : callable
        Multiplies the matrix M by vectors of shape (n_rows, n_vectors).
    known : ndarray of shape (n_rows, n_known)
        Vectors near the leading ones.
    n : int
        Number of eigenvectors, fewer than rows.
    tolerance : float
        Largest residual of an eigenvector, relative to the largest eigenvalue.

    Returns
    -------
    vectors : ndarray of shape (n_rows, n)
    values : ndarray of shape (n,)
        The eigenvalues, largest first.
    """
    n_rows = len(known)
    if n_rows <= _SMALL:
        values, vectors = np.linalg.eigh(multiply(np.eye(n_rows)))
        order = np.argsort(-values)[:n]
        return vectors[:, order], values[order]
    width = min(n + _GUARDS, n_rows)
    random = np.random.RandomState(0).normal(size=(n_rows, max(_GUARDS, width - known.shape[1])))
    block = np.linalg.qr(np.hstack([known[:, : width - _GUARDS], random])[:, :width])[0]
    for _ in range(_MOST_ROUNDS):
        basis = _krylov(multiply, block)
        images = multiply(basis)
        values, mixed = np.linalg.eigh(basis.T @ images)
        order = np.argsort(-values)[:width]
        values, mixed = values[order], mixed[:, order]
        block = basis @ mixed
        residuals = images @ mixed[:, :n] - block[:, :n] * values[:n]
        if np.linalg.norm(residuals, axis=0).max() <= tolerance * abs(values[0]):
            break
    return block[:, :n], values[:n]


def _krylov(multiply: Callable[[np.ndarray], np.ndarray], block: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the space."""
    n_rows, width = block.shape
    parts = [block]
    while (len(parts) + 1) * width <= min(max(_BASIS, 3 * width), n_rows):
        parts.append(np.linalg.qr(multiply(parts[-1]))[0])
    return np.linalg.qr(np.hstack(parts))[0]  # orthonormal, even where the parts are dependent
