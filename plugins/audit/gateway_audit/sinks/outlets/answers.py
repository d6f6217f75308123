"""
What an answer over HTTP means for what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway import codec
from gateway.errors import ExchangeError, SecretMissing, UpstreamTimeout
from gateway.outbound import Reply
from gateway.settings import SecretRef
from gateway_audit.sinks.outlets.outlet import NotTaken, Unfit, Way

#: Seconds that a server may ask to be left alone; it is asked again by then.
MAX_AFTER_S: Final = 600.0
_TOO_LARGE: Final = 413


async def post(
    way: Way, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
) -> Reply:
    """
    Send *body*.

    Raises:
        NotTaken: Nobody answered.
    """
    try:
        return await way.outbound.ask(
            "POST", url, headers=headers, body=body, timeout_s=timeout_s
        )
    except UpstreamTimeout:
        raise NotTaken(f"no answer within {timeout_s:g} s") from None
    except SecretMissing as exc:
        raise NotTaken(str(exc)) from None
    except ExchangeError:
        raise NotTaken("it cannot be reached, or its answer broke off") from None


def check(reply: Reply) -> None:
    """
    See that *reply* is one of success.

    Raises:
        NotTaken: It is not.
        Unfit: What was sent is too large.
    """
    if 200 <= reply.status < 300:
        return
    if reply.status == _TOO_LARGE:
        raise Unfit("it answered 413: too large")
    raise NotTaken(f"it answered {reply.status}", after_s=after_s(reply))


def after_s(reply: Reply) -> float | None:
    """
    Return how long the server wants to be left alone, if it says so in seconds (RFC 9110 10.2.3).
    """
    told = reply.headers.get("retry-after", "")
    return min(float(told), MAX_AFTER_S) if told.isascii() and told.isdigit() else None


def read_object(reply: Reply) -> dict[str, Any]:
    """
    Read the body as an object of JSON; an empty one if it is none.
    """
    try:
        told = codec.loads(reply.body)
    except codec.JsonError:
        return {}
    return told if isinstance(told, dict) else {}


def secret(way: Way, reference: SecretRef) -> str:
    """
    Return the secret as a header's value.

    Raises:
        NotTaken: There is none, or it cannot stand in a header.
    """
    try:
        value = way.secrets.get(reference)
    except SecretMissing as exc:
        raise NotTaken(str(exc)) from None
    if not value.isascii() or not value.isprintable():
        raise NotTaken(f"the secret {reference} cannot stand in a header")
    return value
