"""Downloads with a checksum, by pooch. An incomplete or wrong file is not kept.

The bytes first go to a file without a name, of which nothing is left if the process is killed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import warnings
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from .._caller import levels_to_caller


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
    """Return the path of an archive in a folder, and download it if it is not there.

    Parameters
    ----------
    server : str
        Address of the folder on the server, with a slash at the end.
    archive : Archive
        The file to download.
    folder : Path
        Where to keep it.
    download_if_missing : bool
        Whether to download it at all.
    n_retries : int
        Number of further attempts after one that failed.
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
        If the file cannot be downloaded, or has another checksum. No file is then left in `folder`.
    ImportError
        If pooch is needed and not installed.
    """
    path, url = folder / archive.name, server + archive.name
    by_hand = (
        f"Download {url} by other means and pass source=, or put it into {str(folder)!r} unchanged."
    )
    if path.is_file():
        with path.open("rb") as kept:
            found = _digest(kept, archive.checksum)
        if found is not None:
            raise OSError(f"{str(path)!r} is not the archive expected; remove it: {found}.")
        return path
    if not download_if_missing:
        raise OSError(f"{str(path)!r} is not there and download_if_missing=False. {by_hand}")
    downloader = _import_pooch(by_hand).HTTPDownloader(timeout=timeout)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        for attempts_left in range(n_retries, -1, -1):
            fault = _try(downloader, url, file)
            if fault is None:
                break
            reason, may_pass = fault
            if not attempts_left or not may_pass:
                raise OSError(f"{url} could not be downloaded ({reason}). {by_hand}")
            warnings.warn(f"{url}: {reason}; trying again", stacklevel=levels_to_caller())
            time.sleep(delay)
        found = _digest(file, archive.checksum)
        if found is not None:
            raise OSError(f"{url} sent another file than expected: {found}.")
        _keep(file, path)
    return path


def _try(downloader: Any, url: str, file: Any) -> tuple[str, bool] | None:
    """Download into a file. Return None, or why it failed and whether it may work later."""
    from requests.exceptions import RequestException  # pooch needs requests
    from urllib3.exceptions import HTTPError  # requests needs urllib3

    file.seek(0)
    file.truncate()
    try:
        downloader(url, file, None)
    except RequestException as error:
        gone = error.response is not None and error.response.status_code in (403, 404, 410)
        return str(error), not gone
    except (HTTPError, HTTPException, ValueError) as error:  # answers that are no HTTP
        return str(error) or type(error).__name__, True
    return None


def _keep(file: Any, path: Path) -> None:
    """Copy a file to a path, with the permissions of any new file. There is never a part of it."""
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with unfinished.open("wb") as kept:
            file.seek(0)
            shutil.copyfileobj(file, kept)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _digest(file: Any, checksum: str) -> str | None:
    """Return None if a file has this checksum, or else which it has."""
    algorithm, _, expected = checksum.partition(":")
    file.seek(0)
    found = hashlib.file_digest(file, algorithm).hexdigest()
    return None if found == expected else f"its {algorithm} is {found}, not {expected}"


def _import_pooch(by_hand: str) -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "Downloading needs pooch; install it, or sksn with it: pip install 'sksn[data]'. "
            f"{by_hand}"
        ) from error
    return pooch
