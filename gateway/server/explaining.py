"""
Dry runs: what would become of a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import codec
from gateway.clock import utc_text
from gateway.errors import InvalidRequest
from gateway.server.routes import inference_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.server.routes import Route

DEFAULT_PATH: Final = "/v1/chat/completions"
MAX_HEADERS: Final = 64
MAX_HEADER_CHARACTERS: Final = 8 * 1024
MAX_KEY_NAME: Final = 200

_KEYS: Final = ("path", "headers", "key", "request")


@attrs.frozen(kw_only=True)
class Ask:
    """
    A question: what would become of this request.

    Attributes:
        request: The document as a caller would send it.
        path: Where it would be sent.
        headers: Those that it would carry.
        key: Name of the virtual key in whose name it is asked, instead of a credential.
    """

    request: bytes = attrs.field(repr=False)
    path: str = DEFAULT_PATH
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    key: str = ""

    def as_dict(self) -> dict[str, Any]:
        """
        Write it down for another process.

        Raises:
            InvalidRequest: The request is no JSON.
        """
        return {
            "path": self.path,
            "headers": dict(self.headers),
            "key": self.key,
            "request": _parsed(self.request),
        }


def read_ask(document: Any) -> Ask:
    """
    Read a question with all that belongs to it: ``{path, headers, key, request}``.

    Raises:
        InvalidRequest: It says something else.
    """
    if not isinstance(document, dict) or not isinstance(document.get("request"), dict):
        msg = (
            "The body must be {path, headers, key, request} with the request as an "
            "object; or name the path in the query, ?path=/v1/messages, and send the "
            "request itself."
        )
        raise InvalidRequest(msg)
    unknown = [key for key in document if key not in _KEYS]
    if unknown:
        names = ", ".join(unknown[:5])[:200]
        msg = f"Unknown key: {names}. There are {', '.join(_KEYS)}."
        raise InvalidRequest(msg, code="unknown_key")
    path = document.get("path", DEFAULT_PATH)
    key = document.get("key") or ""
    if not isinstance(path, str) or not isinstance(key, str) or len(key) > MAX_KEY_NAME:
        msg = "path and key must be short texts."
        raise InvalidRequest(msg)
    return Ask(
        request=codec.dumps(document["request"]),
        path=path,
        headers=_headers(document.get("headers") or {}),
        key=key,
    )


def _parsed(raw: bytes) -> Any:
    try:
        return codec.read(raw)
    except codec.JsonError as exc:
        msg = f"The body is {exc}."
        raise InvalidRequest(msg, code="invalid_json") from None


def _headers(told: Any) -> dict[str, str]:
    is_short = isinstance(told, dict) and len(told) <= MAX_HEADERS
    if not is_short or not all(
        isinstance(value, str) and len(name) + len(value) <= MAX_HEADER_CHARACTERS
        for name, value in told.items()
    ):
        msg = f"headers must be an object of at most {MAX_HEADERS} short texts."
        raise InvalidRequest(msg)
    return dict(told)


async def explain(gateway: Gateway, ask: Ask) -> dict[str, Any]:
    """
    Run the way in for *ask*: nothing is sent, nothing is counted.

    With a key's name, the exchange carries that name (`Exchange.explained_key`) for the plugin
    that identifies callers; who may ask this may ask it in the name of any key.

    Raises:
        ExchangeError: The request cannot be read, the path is none, or no plugin took the
            key's name, so that the answer would be that of a caller without one.
    """
    route = _route_of(gateway, ask.path)
    exchange = gateway.exchange(
        dialect=route.dialect,
        operation=route.operation,
        request=route.dialect.read_request(ask.request, route.operation),
        headers=CIMultiDictProxy(CIMultiDict(ask.headers)),
        path=route.path,
    )
    exchange.explained_key = ask.key or None
    model = exchange.request.model
    verdict = await gateway.explain(exchange)
    who = exchange.identity
    if ask.key and who is None and "refused" not in verdict:
        msg = (
            "No active plugin knows virtual keys by their names, so none was explained."
        )
        raise InvalidRequest(msg, code="key_not_explained")
    return {
        "dry_run": True,
        "at": utc_text(gateway.clock.now()),
        "path": route.path,
        "dialect": route.dialect.name,
        "operation": route.operation,
        "model": model,
        "settings": gateway.settings.short,
        "key": who and {"id": who.key_id, "name": who.key_name},
        "team": who and who.team_id,
        "customer": who and who.customer_id,
        **verdict,
    }


def _route_of(gateway: Gateway, path: str) -> Route:
    routes = list(inference_routes(gateway.dialects))
    for route in routes:
        if route.path == path:
            return route
    known = " ".join(route.path for route in routes if route.path.startswith("/v1/"))
    msg = f"No model is asked at that path; there are {known}"
    raise InvalidRequest(msg, code="unknown_path")
