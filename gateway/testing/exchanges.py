"""
Exchanges without a gateway, for tests that call a plugin's methods directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from gateway import codec
from gateway.clock import Clock, SystemClock
from gateway.dialects import Dialect, core_dialects
from gateway.exchange import Attempt, Exchange, Identity
from gateway.routing.targets import Target
from gateway.settings import Settings, settings_from_dict
from gateway.views import Chunk, Request, Response

_BODIES: Mapping[str, Mapping[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "openai_responses": {"model": "m", "input": "hi"},
    "anthropic_messages": {
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hi"}],
    },
    "openai_completions": {"model": "m", "prompt": "hi"},
    "openai_embeddings": {"model": "m", "input": "hi"},
}


class ManualClock:
    """
    A clock that stands until somebody moves it.
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> float:
        """
        Return Unix seconds.
        """
        return self._now

    def monotonic(self) -> float:
        """
        Return seconds that never go back.
        """
        return self._monotonic

    def move(self, seconds: float) -> None:
        """
        Let *seconds* pass.
        """
        self._now += seconds
        self._monotonic += seconds


def find_dialect(name: str) -> Dialect:
    """
    Return one of the core's dialects.

    Raises:
        LookupError: if there is none of that name.
    """
    for dialect in core_dialects():
        if dialect.name == name:
            return dialect
    msg = f"no dialect {name!r}"
    raise LookupError(msg)


def make_request(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    dialect: str | Dialect = "openai_chat",
    operation: str | None = None,
) -> Request:
    """
    Make a request, as if a caller had sent *body*.
    """
    spoken = find_dialect(dialect) if isinstance(dialect, str) else dialect
    if body is None:
        body = _BODIES[spoken.name]
    raw = body if isinstance(body, bytes) else codec.dumps(dict(body))
    return spoken.read_request(raw, operation or spoken.operations[0])


def make_response(
    body: Mapping[str, Any] | bytes,
    *,
    dialect: str | Dialect = "openai_chat",
    status: int = 200,
) -> Response:
    """
    Make a whole answer, as if a provider had sent *body*.
    """
    spoken = find_dialect(dialect) if isinstance(dialect, str) else dialect
    raw = body if isinstance(body, bytes) else codec.dumps(dict(body))
    return Response(spoken, raw, status=status)


def make_chunk(frame: bytes, *, dialect: str | Dialect = "openai_chat") -> Chunk:
    """
    Make an event of a stream, as if a provider had sent *frame*.
    """
    spoken = find_dialect(dialect) if isinstance(dialect, str) else dialect
    return Chunk(spoken, frame)


def make_exchange(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    dialect: str | Dialect = "openai_chat",
    operation: str | None = None,
    headers: Mapping[str, str] | None = None,
    identity: Identity | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
    **rest: Any,
) -> Exchange:
    """
    Make an exchange that no gateway relays, to call a plugin's hooks with.

    Args:
        body: The request's document, or its bytes; a short greeting by default.
        rest: Further attributes of `Exchange`.
    """
    request = make_request(body, dialect=dialect, operation=operation)
    clock = clock or SystemClock()
    return Exchange(
        id="req_test",
        operation=request.operation,
        dialect=request.dialect,
        request=request,
        headers=CIMultiDictProxy(CIMultiDict(headers or {})),
        settings=settings or settings_from_dict({}),
        clock=clock,
        identity=identity,
        started_at=clock.monotonic(),
        **rest,
    )


def make_attempt(
    exchange: Exchange,
    *,
    provider: str = "demo",
    model: str = "m",
    dialect: str | None = None,
    **rest: Any,
) -> Attempt:
    """
    Add an attempt to *exchange*, to call a plugin's hooks with.

    Args:
        rest: Further attributes of `Attempt`.
    """
    target = Target(
        provider=provider, model=model, dialect=dialect or exchange.dialect.name
    )
    attempt = Attempt(
        number=len(exchange.attempts) + 1,
        target=target,
        request=exchange.request.fork(),
        headers=CIMultiDict(),
        **rest,
    )
    exchange.attempts.append(attempt)
    return attempt
