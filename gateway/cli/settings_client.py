"""
Asking a running gateway for its settings.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any, Final

import attrs

from gateway import codec
from gateway.settings.values import Address, read_url

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_S: Final = 10.0


class Unreachable(Exception):
    """
    The gateway does not answer as a gateway would; says why.
    """


@attrs.frozen(kw_only=True)
class RunningSettings:
    """
    What a running gateway works by.

    Attributes:
        digest: see `gateway.settings.Settings`.

        settings: as `gateway.settings.settings_as_dict` renders them.
    """

    digest: str
    settings: dict[str, Any]


def fetch_settings(url: str, token: str | None) -> RunningSettings:
    """
    Ask the gateway at *url* for the settings that it works by.

    Raises:
        Unreachable: it cannot be asked, refuses, or says something else.
    """
    document = _get_json(f"{url.rstrip('/')}/api/settings", token)
    digest = document.get("digest")
    settings = document.get("settings")
    if not isinstance(digest, str) or not isinstance(settings, dict):
        raise Unreachable(f"{url} is no gateway: it gave no settings")
    return RunningSettings(digest=digest, settings=settings)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """
    Stays where it was told: a redirect would carry the token elsewhere.
    """

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """
        Follow none.
        """


def _get_json(url: str, token: str | None) -> dict[str, Any]:
    """
    Get a JSON object.

    Raises:
        Unreachable: there is none to be had.
    """
    try:
        host = read_url(url).hostname or ""
    except ValueError as exc:
        raise Unreachable(f"the URL {exc}") from None
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # The scheme was checked: file:// and the like are none of the two that may be.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with _opener(host).open(request, timeout=TIMEOUT_S) as answer:
            raw: bytes = answer.read(MAX_ANSWER_BYTES + 1)
    except urllib.error.HTTPError as exc:
        with exc:
            raise Unreachable(f"{url} answered {exc.code}{_remedy(exc.code)}") from None
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = getattr(exc, "reason", exc)
        raise Unreachable(f"{url} cannot be reached: {reason}") from None
    return _object_of(raw, url)


def _opener(host: str) -> urllib.request.OpenerDirector:
    # This machine is never behind the proxy that the environment names.
    is_local = Address(host, 0).is_loopback
    proxies = urllib.request.ProxyHandler({} if is_local else None)
    return urllib.request.build_opener(proxies, _NoRedirects)


def _object_of(raw: bytes, url: str) -> dict[str, Any]:
    if len(raw) > MAX_ANSWER_BYTES:
        raise Unreachable(f"{url} answered more than {MAX_ANSWER_BYTES} bytes")
    try:
        document = codec.read(raw)
    except codec.JsonError:
        document = None
    if not isinstance(document, dict):
        raise Unreachable(f"{url} is no gateway: it answered no JSON object")
    return document


def _remedy(status: int) -> str:
    if status in (401, 403):
        return ": give --token or GATEWRIGHT_TOKEN, a token named under admin"
    return ": is this the address of its admin listener?" if status == 404 else ""
