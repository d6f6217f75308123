"""
What may be kept.

Requests whose answer depends on nothing but themselves; answers that are whole, well, and of the
first choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import Chunk, Exchange, Response
from gateway_caching.settings import ScopeSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway import Attempt, Flight, Request
    from gateway_caching.keys import Keys

__all__ = ["answer_fault", "document_fault", "edits_for", "request_fault"]

#: What the provider remembers, or does later, is not in the request.
_STATEFUL: Final = (
    "previous_response_id",
    "conversation",
    "background",
    "container",
    "thread",
    "cachedContent",
)
#: Beside tools, what looks at the world: Anthropic's connector, OpenRouter's plugins.
_WORLDLY: Final = ("mcp_servers", "plugins")
#: All these, which nearly no request tells.
_TELLING: Final = frozenset({*_STATEFUL, *_WORLDLY, "prompt"})
#: Where a part of a message tells an address; what stands there may be another thing tomorrow.
_ADDRESSED: Final = frozenset({"url", "image_url", "file_url", "fileUri", "file_uri"})
_CONTAINERS: Final[frozenset[Any]] = frozenset({dict, list})
_OPERATIONS: Final = frozenset({"generate", "complete", "embed"})
#: Stops of an answer that said all that it had to say, in neutral words.
_WELL: Final = frozenset({"end", "stop_sequence"})
#: The same in the words of the dialect that may give several answers at once.
_WELL_CHOICE: Final = frozenset({"stop"})


def request_fault(exchange: Exchange, scope: ScopeSettings) -> str | None:
    """
    Say why by *scope* no answer of *exchange* may be kept or given; None if one may.
    """
    if not scope.enabled:
        return "switched off"
    if exchange.operation not in _OPERATIONS:
        return f"{exchange.operation} is not cached"
    # Where none is told vendors take 1.
    if scope.sampled or exchange.operation == "embed":
        return None
    if exchange.request.peek("temperature") != 0:
        return "no temperature of 0"
    return None


def document_fault(request: Request) -> str | None:
    """
    Say why, whatever the scope, no answer to *request* may be kept or given; None if one may.
    """
    members = request.members
    if not _TELLING.isdisjoint(members):
        fault = _fault_told(members)
        if fault is not None:
            return fault
    if any(tool.is_hosted for tool in request.tools):
        return "a hosted tool looks at the world"
    if _tells_address(request):
        return "the provider fetches what it is about"
    return None


def _fault_told(members: Mapping[str, Any]) -> str | None:
    if any(members.get(field) for field in _STATEFUL):
        return "the provider keeps state"
    if isinstance(members.get("prompt"), dict):
        return "the provider keeps the prompt"
    if any(members.get(field) for field in _WORLDLY):
        return "a tool of the provider's looks at the world"
    return None


def _tells_address(request: Request) -> bool:
    # Nearly no request says the word, which is found much faster than a member of that name.
    raw = request.encode()
    if not any(mark in raw for mark in (b'url"', b'file_uri"', b'fileUri"')):
        return False
    waiting: list[Any] = [
        request.members.get(name)
        for name in ("messages", "input", "system", "contents")
    ]
    while waiting:
        node = waiting.pop()
        if node.__class__ is dict:
            if any(_is_address(node.get(name)) for name in _ADDRESSED):
                return True
            node = node.values()
        elif node.__class__ is not list:
            continue
        waiting += [one for one in node if one.__class__ in _CONTAINERS]
    return False


def _is_address(value: object) -> bool:
    return isinstance(value, str) and not value.startswith("data:")


def answer_fault(
    exchange: Exchange, flight: Flight, scope: ScopeSettings
) -> str | None:
    """
    Say why the answer that *flight* brought may not be kept; None if it may.
    """
    attempt = _answering(flight)
    if flight.has_failed or not flight.is_over or attempt is None:
        return "it failed, or broke off"
    if attempt.target.is_fallback or len(exchange.attempts) > 1:
        return "it is not of the first choice"
    if flight.body is not None and flight.body[0] != 200:
        return f"its status is {flight.body[0]}"
    fault = _stop_fault(exchange, flight, attempt, scope)
    if fault is None and not _is_readable(exchange, flight):
        return "it cannot be read"
    return fault


def _is_readable(exchange: Exchange, flight: Flight) -> bool:
    """
    Tell whether all of an answer is JSON: who passed it on did not look into each event.
    """
    dialect = exchange.dialect
    views: Iterable[Chunk | Response] = (
        (Chunk(dialect, frame) for frame in flight.frames)
        if flight.body is None
        else (Response(dialect, flight.body[2]),)
    )
    try:
        for view in views:
            view.doc  # noqa: B018 - reads it
    except ValueError:
        return False
    return True


def edits_for(flight: Flight, keys: Keys) -> str:
    """
    Return what was edited for who answers *flight*, as `Keys.edits` tells it.
    """
    attempt = _answering(flight)
    return "" if attempt is None else keys.edits(flight.exchange, attempt)


def _answering(flight: Flight) -> Attempt | None:
    for attempt in reversed(flight.exchange.attempts):
        if attempt.flight is flight and not attempt.joined:
            return attempt
    return None


def _stop_fault(
    exchange: Exchange, flight: Flight, attempt: Attempt, scope: ScopeSettings
) -> str | None:
    if exchange.operation == "embed":
        return None
    stop = attempt.stop
    if stop is None:
        return "nothing says how it ended"
    if stop.reason == "tool":
        return None if scope.tool_calls else "it calls a tool"
    if stop.reason not in _WELL:
        return f"it ended with {stop.reason}"
    if (exchange.request.peek("n") or 1) == 1:
        return None
    if flight.body is None:
        return "several answers in one stream"
    reasons = Response(exchange.dialect, flight.body[2]).finish_reasons
    return (
        None if _WELL_CHOICE.issuperset(reasons) else "one of several did not end well"
    )
