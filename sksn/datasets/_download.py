"""Downloads with a checksum, by pooch. An incomplete or wrong file is not kept."""

from __future__ import annotations

import hashlib
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple


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
        If the file cannot be downloaded, or has another checksum. `folder` is then unchanged.
    ImportError
        If pooch is needed and not installed.
    """
    path, url = folder / archive.name, server + archive.name
    by_hand = (
        f"Download {url} by other means and pass source=, or put it into {str(folder)!r} unchanged."
    )
    if path.is_file():
        _verify(path, archive.checksum)
        return path
    if not download_if_missing:
        raise OSError(f"{str(path)!r} is not there and download_if_missing=False. {by_hand}")
    pooch = _import_pooch(by_hand)
    from requests.exceptions import RequestException  # pooch needs requests

    for attempt in range(n_retries + 1):
        try:
            pooch.retrieve(
                url,
                archive.checksum,
                fname=archive.name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=timeout),
            )
            return path
        except RequestException as error:
            gone = error.response is not None and error.response.status_code in (403, 404, 410)
            if attempt == n_retries or gone:
                raise OSError(f"{url} could not be downloaded ({error}). {by_hand}") from error
            warnings.warn(f"{url}: {error}; trying again", stacklevel=3)
            time.sleep(delay)
        except ValueError as error:  # of the checksum
            raise OSError(f"{url} sent another file than expected: {error}") from error
    raise AssertionError("unreachable")


def _import_pooch(by_hand: str) -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "Downloading needs pooch; install it, or sksn with it: pip install 'sksn[data]'. "
            f"{by_hand}"
        ) from error
    return pooch


def _verify(path: Path, checksum: str) -> None:
    """Raise an OSError if a file has another checksum."""
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise OSError(
            f"{str(path)!r} is not the archive expected; remove it: its {algorithm} is {found}, "
            f"not {expected}."
        )
