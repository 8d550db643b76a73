"""The MovieLens data sets, from GroupLens or from a folder."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from sklearn.datasets import get_data_home

from .._checks import COUNT_OR_ZERO, NOT_NEGATIVE, one_of
from ._cells import readable
from ._download import Archive, download
from ._ratings import Ratings, read_ratings

_SERVER = "https://files.grouplens.org/datasets/movielens/"
_TERMS = (
    "MovieLens data may be used for research, not redistributed, and is to be cited as F. M. "
    "Harper and J. A. Konstan, The MovieLens Datasets: History and Context, ACM Transactions on "
    "Interactive Intelligent Systems 5 (2015). Terms: https://grouplens.org/datasets/movielens/"
)


class _Release(NamedTuple):
    archive: Archive
    ratings: str


_RELEASES = {
    "100k": _Release(
        Archive(
            "ml-100k.zip",
            "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        ),
        "u.data",
    ),
    "1m": _Release(
        Archive(
            "ml-1m.zip",
            "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        ),
        "ratings.dat",
    ),
    "10m": _Release(
        Archive(
            "ml-10m.zip",
            "sha256:813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
        ),
        "ratings.dat",
    ),
    "25m": _Release(
        Archive("ml-25m.zip", "md5:6b51fb2759a8657d3bfcbfc42b592ada"),
        "ratings.csv",
    ),
    "latest-small": _Release(
        Archive(
            "ml-latest-small.zip",
            "sha256:696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        ),
        "ratings.csv",
    ),
}
_SPLITS = ("u1", "u2", "u3", "u4", "u5", "ua", "ub")


def fetch_movielens(
    name: str = "100k",
    *,
    data_home: str | os.PathLike | None = None,
    source: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    return_X_y: bool = False,
) -> Any:
    """Load a MovieLens data set [1]_, and download it from GroupLens if it is not there.

    Parameters
    ----------
    name : {"100k", "1m", "10m", "25m", "latest-small"}, default="100k"
        The data set. GroupLens replaces "latest-small" from time to time; this one has 100,836
        ratings (9/2018).
    data_home : str or path-like, optional
        Folder for downloads, by default that of scikit-learn (``~/scikit_learn_data``). The
        archive is kept in its folder ``movielens``.
    source : str or path-like, optional
        A zip archive, or a folder with the files of the data set. Nothing is then downloaded, and
        no checksum is compared.
    download_if_missing : bool, default=True
        Whether to download an archive that is not in `data_home`. False raises an OSError instead.
    n_retries : int, default=3
        Number of further attempts when the connection fails, not negative.
    delay : float, default=1.0
        Seconds between the attempts, not negative.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of :class:`Ratings`.

    Returns
    -------
    Ratings
        `data` of shape (n_ratings, 2) holds users and items, and `target` the ratings: 1 to 5
        ("100k", "1m"), or 1/2 to 5 in steps of 1/2. `users`, `items` and `ratings` hold the same
        columns one by one. `timestamps` are seconds since 1970, UTC. For "100k", `splits` holds
        the canonical splits "u1" to "u5" (five folds), "ua" and "ub" as indices of training and
        test ratings, if their files are there: ``list(splits.values())[:5]`` is a `cv` for
        scikit-learn. `DESCR` has the terms.

    Raises
    ------
    ValueError
        If `name` is not known, a parameter is out of range, an archive is damaged or encrypted, or
        a file has another content than expected.
    OSError
        If the data is not there and cannot be downloaded, or the downloaded archive has another
        checksum. A wrong archive is not kept.
    ImportError
        If pandas is not installed, or pooch is needed and not installed.

    References
    ----------
    .. [1] F. M. Harper, J. A. Konstan. "The MovieLens Datasets: History and Context". ACM
       Transactions on Interactive Intelligent Systems 5(4), 2015. doi:10.1145/2827872.

    Examples
    --------
    >>> from sksn.datasets import fetch_movielens
    >>> X, y = fetch_movielens("100k", return_X_y=True)  # doctest: +SKIP
    """
    one_of(*_RELEASES).check("name", name)
    COUNT_OR_ZERO.check("n_retries", n_retries)
    NOT_NEGATIVE.check("delay", delay)
    release = _RELEASES[name]
    if source is None:
        home = Path(get_data_home(data_home)) / "movielens"
        source = download(
            _SERVER,
            release.archive,
            home,
            download_if_missing=download_if_missing,
            n_retries=n_retries,
            delay=delay,
        )
    files = _Files(Path(source))
    ratings = files.read(release.ratings, lambda *file: read_ratings(*file, integers=True))
    if return_X_y:
        return ratings.data, ratings.target
    return replace(
        ratings,
        splits=_splits(files, ratings) if name == "100k" else {},
        DESCR=f"MovieLens {name}: {len(ratings):,} ratings. {_TERMS}",
    )


class _Files:
    """The files of a data set, in a folder or a zip archive, at any depth."""

    def __init__(self, source: Path) -> None:
        self.source = source
        if source.is_dir():
            self.names = [str(p.relative_to(source)) for p in sorted(source.rglob("*"))]
        elif (source.suffix == ".zip" and source.is_file()) or zipfile.is_zipfile(source):
            with readable(str(source)), zipfile.ZipFile(source) as archive:
                self.names = archive.namelist()
        else:
            raise FileNotFoundError(
                f"source must be a folder or a zip archive, got {str(source)!r}."
            )

    def find(self, name: str) -> str | None:
        """Return the path of a file of this name; of several, the shortest."""
        found = [path for path in self.names if Path(path).name == name]
        return min(found, key=len, default=None)

    def read(self, name: str, reader: Callable[[TextIO, str], Any]) -> Any:
        """Open the file of this name, and return what `reader` makes of it."""
        path = self.find(name)
        if path is None:
            raise FileNotFoundError(f"{str(self.source)!r} holds no {name!r}.")
        where = str(self.source / path)
        if self.source.is_dir():
            with readable(where), open(where, encoding="utf-8", newline="") as file:
                return reader(file, where)
        with (
            readable(where),
            zipfile.ZipFile(self.source) as archive,
            archive.open(path) as binary,
            io.TextIOWrapper(binary, encoding="utf-8", newline="") as file,
        ):
            return reader(file, where)


def _splits(files: _Files, ratings: Ratings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the canonical splits of MovieLens-100K as indices of its ratings."""
    keys = _keys(ratings)
    order = np.argsort(keys)

    def indices(file: TextIO, where: str) -> np.ndarray:
        part = read_ratings(file, where, integers=True)
        wanted = _keys(part)
        found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
        if not np.array_equal(keys[found], wanted):
            raise ValueError(f"{where} holds ratings that are not in u.data.")
        return found

    return {
        name: (files.read(f"{name}.base", indices), files.read(f"{name}.test", indices))
        for name in _SPLITS
        if files.find(f"{name}.base") and files.find(f"{name}.test")
    }


def _keys(ratings: Ratings) -> np.ndarray:
    """Return one integer for each pair of user and item."""
    return ratings.users.astype(np.int64) << 32 | ratings.items.astype(np.int64)
