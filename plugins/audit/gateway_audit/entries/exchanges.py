"""
The entries of an exchange: what goes out to a provider, and what came of it.

An *intent* stands in the log before a provider is asked: one for each attempt.  An *outcome* stands
there before the caller has the last byte: one for each exchange, with the whole path of decisions.
Both name the exchange by its id, which is the receipt that the caller has.

Times beside ``at`` are microseconds from the beginning of the exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from gateway import Attempt, Exchange, Finding, Usage
from gateway_audit.entries.names import Names
from gateway_audit.entries.parameters import parameters

_UPSTREAM_ID: Final = re.compile(r"[A-Za-z0-9._:=+/@-]{1,128}")
_NOBODY: Final = (None, None, None, None)
#: The buckets of usage, in the order of their names.
_BUCKETS: Final = tuple(
    sorted(
        each.name
        for each in attrs.fields(Usage)
        if each.name not in {"server_tool_calls", "service_tier", "region"}
    )
)


@attrs.define(slots=True)
class Parties:
    """
    Who stands behind an exchange, as pseudonyms.

    Attributes:
        subject: The person; None where none is named.
        peer: The network address.
    """

    subject: str | None = None
    peer: str | None = None


#: When, in Unix milliseconds, and the entry's id.  Whose it is and which number it has, ``worker``
#: and ``seq``, is put in by whoever writes it.
Head = tuple[int, str]


def intent(
    head: Head, exchange: Exchange, attempt: Attempt, parties: Parties, names: Names
) -> dict[str, Any]:
    """
    Make the entry of an attempt that is about to go out.

    Args:
        head: When, and the entry's id.
    """
    at, entry_id = head
    key, key_name, team, customer = _who(exchange)
    target = attempt.target
    return {
        "at": at,
        "attempt": attempt.number,
        "customer": customer,
        "dialect": exchange.dialect.name,
        "hold_nano": attempt.hold_nano,
        "id": entry_id,
        "joined": attempt.joined,
        "key": key,
        "key_name": key_name,
        "max_output_tokens": attempt.request.max_output_tokens,
        "op": exchange.operation,
        "peer": parties.peer,
        "provider_key": target.key,
        "request": exchange.id,
        "seq": 0,
        "settings": exchange.settings.digest,
        "stream": attempt.request.is_stream,
        "subject": parties.subject,
        "target": names.target(target),
        "team": team,
        "type": "intent",
        "v": 1,
        "worker": "",
    }


def outcome(
    head: Head,
    exchange: Exchange,
    parties: Parties,
    names: Names,
    body: dict[str, Any] | None = None,
    fallbacks: tuple[str, ...] = (),
) -> dict[str, Any]:
    """
    Make the entry of an exchange that has ended, but for its last byte.

    Args:
        body: Where its request and answer are kept, and what proves them.
        fallbacks: Models that the request itself named as such.
    """
    at, entry_id = head
    key, key_name, team, customer = _who(exchange)
    request, error, trail = exchange.request, exchange.error, exchange.trail
    hidden = names.hidden(_named(exchange, fallbacks))
    began = exchange.started_at
    client_id = exchange.headers.get("x-request-id")
    parent = exchange.parent
    return {
        "at": at,
        "attempts": [_attempt(each, began, names) for each in exchange.attempts],
        "body": body,
        "bytes_in": len(request.encode()),
        "bytes_out": exchange.bytes_sent,
        "client_request": None if client_id is None else names.word(client_id),
        "code": None if error is None else error.code,
        "cost_nano": exchange.cost_nano,
        "customer": customer,
        "dialect": exchange.dialect.name,
        "duration_us": int((exchange.clock.monotonic() - began) * 1_000_000),
        "findings": [_finding(each) for each in trail.findings],
        "first_event_us": _since(began, exchange.first_event_at),
        "id": entry_id,
        "key": key,
        "key_name": key_name,
        "model": names.model(request.model),
        "op": exchange.operation,
        "outcome": None if exchange.outcome is None else exchange.outcome.value,
        "params": parameters(request),
        "parent": None if parent is None else parent.id,
        "peer": parties.peer,
        "request": exchange.id,
        "seq": 0,
        "settings": exchange.settings.digest,
        "status": exchange.status,
        "stream": request.is_stream,
        "subject": parties.subject,
        "team": team,
        "trail": [_line(each, hidden, names) for each in trail.said],
        "type": "outcome",
        "v": 1,
        "worker": "",
    }


def _named(exchange: Exchange, fallbacks: tuple[str, ...]) -> Iterator[str]:
    """
    Yield the names that the caller may have chosen.
    """
    yield exchange.request.model
    for attempt in exchange.attempts:
        yield attempt.target.model
        yield attempt.target.asked
    yield from fallbacks


def _who(exchange: Exchange) -> tuple[str | None, str | None, str | None, str | None]:
    who = exchange.identity
    if who is None:
        return _NOBODY
    return who.key_id, who.key_name or None, who.team_id, who.customer_id


def _attempt(attempt: Attempt, began: float, names: Names) -> dict[str, Any]:
    error, stop, usage = attempt.error, attempt.stop, attempt.usage
    upstream_id = attempt.upstream_id
    if upstream_id is not None and not _UPSTREAM_ID.fullmatch(upstream_id):
        upstream_id = None
    return {
        "bytes": attempt.bytes_received,
        "cost_nano": attempt.cost_nano,
        "dialect": attempt.target.dialect,
        "ended_us": _since(began, attempt.ended_at),
        "error": None if error is None else error.code,
        "first_event_us": _since(began, attempt.first_event_at),
        "hold_nano": attempt.hold_nano,
        "joined": attempt.joined,
        "number": attempt.number,
        "prices": attempt.price_version or None,
        "provider_key": attempt.target.key,
        "sent_us": _since(began, attempt.sent_at),
        "state": attempt.state.value,
        "status": attempt.status,
        "stop": None if stop is None else stop.reason,
        "target": names.target(attempt.target),
        "upstream_id": upstream_id,
        "usage": None if usage is None else _usage(usage),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """
    Return the buckets that hold something.
    """
    return {name: told for name in _BUCKETS if (told := getattr(usage, name))}


def _since(began: float, at: float | None) -> int | None:
    return None if at is None else int((at - began) * 1_000_000)


def _line(
    said: tuple[str, str, str, str, int, int],
    hidden: tuple[tuple[str, str], ...],
    names: Names,
) -> dict[str, Any]:
    plugin, hook, decided, reason, ns, attempt = said
    line: dict[str, Any] = {"attempt": attempt} if attempt else {}
    line["hook"] = hook
    line["outcome"] = decided
    line["plugin"] = plugin
    if reason:
        line["reason"] = names.reason(reason, hidden)
    line["us"] = ns // 1000
    return line


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "action": finding.action,
        "detector": finding.detector,
        "guardrail": finding.guardrail,
        "score": finding.score,
        "severity": finding.severity,
        "shadow": finding.is_shadow,
        "span": finding.span,
        "stage": finding.stage,
        "type": finding.type,
    }
