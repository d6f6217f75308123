"""
Where a log is read from: a folder, or a web server that serves one.
"""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from gateway_audit.tlog.errors import NotReached, TlogError
from gateway_audit.tlog.tiles import WIDTH, Read

#: A bundle of 256 entries of the largest size, each behind its length.
MAX_FILE_BYTES: Final = WIDTH * (65_535 + 2)
TIMEOUT_S: Final = 30.0


def source_of(place: str, token: str | None = None) -> Read:
    """
    Return what reads the log at *place*, ``http(s)://…`` or a path.

    What it reads is bounded; FileNotFoundError is raised for what is not there.

    Args:
        token: An admin's or viewer's, where a gateway serves its own log.
    """
    if place.startswith(("http://", "https://")):
        return _Web(place, token).read
    return _Folder(Path(place)).read


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        try:
            with (self._root / path).open("rb") as file:
                return _bounded(file.read(MAX_FILE_BYTES + 1), path)
        except (IsADirectoryError, NotADirectoryError):
            raise FileNotFoundError(path) from None
        except FileNotFoundError:
            raise
        except OSError as exc:
            msg = f"{self._root / path} cannot be read: {exc.strerror}"
            raise NotReached(msg) from None


class _Web:
    def __init__(self, prefix: str, token: str | None) -> None:
        self._prefix = prefix.rstrip("/")
        self._token = token
        self._opener = build_opener()

    def read(self, path: str) -> bytes:
        url = f"{self._prefix}/{path}"
        try:
            request = Request(url)  # noqa: S310 - http or https
            if self._token:  # which no redirect carries elsewhere
                request.add_unredirected_header(
                    "Authorization", f"Bearer {self._token}"
                )
            with self._opener.open(request, timeout=TIMEOUT_S) as reply:
                content: bytes = reply.read(MAX_FILE_BYTES + 1)
        except HTTPError as exc:
            with exc:
                if exc.code in (404, 410):
                    raise FileNotFoundError(path) from None
                why = (
                    "give --token or GATEWRIGHT_TOKEN"
                    if exc.code == 401
                    else exc.reason
                )
                msg = f"{url}: the server answered {exc.code}: {why}"
                raise NotReached(msg) from None
        except (URLError, OSError, HTTPException, ValueError) as exc:
            raise NotReached(f"{url} cannot be reached: {exc}") from None
        return _bounded(content, path)


def _bounded(content: bytes, path: str) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        raise TlogError(f"{path} is larger than any file of a log")
    return content
