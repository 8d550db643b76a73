"""Downloads that are whole and checked, or not there at all."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

_CHUNK = 1 << 20


class Archive(NamedTuple):
    """A file on a server, and its checksum as ``"sha256:..."`` or ``"md5:..."``."""

    name: str
    checksum: str


def download(
    server: str,
    archive: Archive,
    folder: Path,
    *,
    download_if_missing: bool,
    n_retries: int,
    delay: float,
    timeout: float = 60.0,
) -> Path:
    """The path of an archive in a folder, downloaded where it is not there yet.

    Parameters
    ----------
    server : str
        Address of the folder on the server, with a slash at its end.
    archive : Archive
        The file wanted.
    folder : Path
        Where to keep it.
    download_if_missing : bool
        Whether to download it at all.
    n_retries : int
        How often to try again.
    delay : float
        Seconds to wait between the attempts.
    timeout : float, default=60.0
        Seconds to wait for the server.

    Returns
    -------
    Path

    Raises
    ------
    OSError
        If the file cannot be had, or has another checksum. What was in `folder` stays as it was.
    """
    path, url = folder / archive.name, server + archive.name
    by_hand = (
        f"Download {url} by other means and pass source=, or put it into {str(folder)!r} unchanged."
    )
    if path.is_file():
        _verify(path, archive.checksum, f"{str(path)!r} is not the archive expected; remove it")
        return path
    if not download_if_missing:
        raise OSError(f"{str(path)!r} is not there and download_if_missing=False. {by_hand}")
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(n_retries + 1):
        try:
            _download_whole(url, path, archive.checksum, timeout)
            return path
        except (URLError, TimeoutError, ConnectionError) as error:
            gone = isinstance(error, HTTPError) and error.code in (403, 404, 410)
            if attempt == n_retries or gone:
                raise OSError(f"{url} could not be downloaded ({error}). {by_hand}") from error
            warnings.warn(f"{url}: {error}; trying again", stacklevel=3)
            time.sleep(delay)
    raise AssertionError("unreachable")


def _download_whole(url: str, path: Path, checksum: str, timeout: float) -> None:
    """Download beside `path` and move it there when it is known to be right."""
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            with urlopen(url, timeout=timeout) as response:
                expected = response.headers.get("Content-Length")
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
            file.close()
            if expected and Path(file.name).stat().st_size < int(expected):
                raise ConnectionError("the connection broke off")
            _verify(Path(file.name), checksum, f"{url} sent another file than expected")
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def _verify(path: Path, checksum: str, complaint: str) -> None:
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise OSError(f"{complaint}: its {algorithm} is {found}, not {expected}.")
