"""
What each guardrail can do where: guardrail x endpoint x direction x stream.

It is computed from what dialects say of themselves (operations, streams, fields that no view can
show, reasoning that is signed) and from what detectors say (stages, places, whole answers), so
that a new dialect or detector stands in the table by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

import attrs

from gateway import Dialect
from gateway_guardrails.policy.attachment import Attachment
from gateway_guardrails.policy.making import Unmade

if TYPE_CHECKING:
    from gateway import Exchange
    from gateway.detecting import Stage
    from gateway_guardrails.policy.guardrail import Guardrail, Scope

#: ``nobody``: all whom the rule is attached to are nobody; ``off``: it does not look there;
#: ``nothing``: there are no words.
State = Literal["enforced", "flagged", "cannot", "nobody", "nothing", "off"]

#: What no guardrail on texts can see, wherever it stands.
UNSEEN: Final = (
    "images, audio and files in requests and answers, but for their texts",
)

#: Operations whose answers hold numbers alone.
_WORDLESS_ANSWERS: Final = frozenset({"embed", "count_tokens"})
#: Operations whose answers may stream, where the dialect has streams.
_STREAMED: Final = frozenset({"generate", "complete"})


@attrs.frozen(kw_only=True)
class Cover:
    """
    What one guardrail does in one direction of one endpoint.

    Attributes:
        endpoint: ``dialect/operation``.
        is_stream: The answer streams; requests never do.
        why: Why it is not enforced; "" where it is.
        notes: What an auditor should know all the same.
        strangers: A sentence for each name in the rule that nobody bears.
    """

    guardrail: str
    endpoint: str
    direction: Stage
    is_stream: bool
    state: State
    why: str = ""
    notes: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


def coverage(
    guardrails: Iterable[Guardrail],
    dialects: Iterable[Dialect],
    *,
    embeddings: str,
    attachment: Callable[[Scope], Attachment],
) -> list[Cover]:
    """
    Compute the table.

    Args:
        embeddings: What a redacting rule does to texts to embed: ``redact``, ``refuse``.
        attachment: Tells who bears the names that a rule is attached to.
    """
    endpoints = [
        (dialect, operation) for dialect in dialects for operation in dialect.operations
    ]
    return [
        cover
        for guardrail in guardrails
        for attached in (attachment(guardrail.scope),)
        for dialect, operation in endpoints
        for cover in _covers(guardrail, dialect, operation, embeddings, attached)
    ]


def why_not_enforced(guardrail: Guardrail, exchange: Exchange) -> str | None:
    """
    Say why *guardrail* cannot be enforced on *exchange*, whatever is in it; None where it can.

    For those that are mandatory: what cannot be checked is refused, 400
    ``guardrail_unenforceable``.  The reason may be shown to the caller.
    """
    for stage in sorted(guardrail.stages):
        is_stream = stage == "output" and exchange.request.is_stream
        state, why = _state(
            guardrail, exchange.dialect, exchange.operation, stage, is_stream=is_stream
        )
        if state == "cannot":
            return why
    return None


def _covers(
    guardrail: Guardrail,
    dialect: Dialect,
    operation: str,
    embeddings: str,
    attached: Attachment,
) -> Iterator[Cover]:
    endpoint = f"{dialect.name}/{operation}"
    streams = operation in _STREAMED and dialect.facts() is not None
    ways: list[tuple[Stage, bool]] = [("input", False), ("output", False)]
    if streams:
        ways.append(("output", True))
    for direction, is_stream in ways:
        state, why = _state(
            guardrail, dialect, operation, direction, is_stream=is_stream
        )
        if attached.is_nobody and state not in ("nothing", "off"):
            state, why = "nobody", "attached to nobody"
        notes = (
            tuple(_notes(guardrail, dialect, operation, direction, embeddings))
            if state in ("enforced", "flagged")
            else ()
        )
        yield Cover(
            guardrail=guardrail.name,
            endpoint=endpoint,
            direction=direction,
            is_stream=is_stream,
            state=state,
            why=why,
            notes=notes,
            strangers=attached.strangers,
        )


def _state(
    guardrail: Guardrail,
    dialect: Dialect,
    operation: str,
    direction: Stage,
    *,
    is_stream: bool,
) -> tuple[State, str]:
    if direction not in guardrail.stages:
        return "off", f"stages: {' '.join(sorted(guardrail.stages))}"
    if direction == "output" and operation in _WORDLESS_ANSWERS:
        return "nothing", "answers hold numbers alone"
    why = _why_not(guardrail, dialect, direction, is_stream=is_stream)
    if why is not None:
        return "cannot", why
    for is_so, told in (
        (guardrail.action == "flag", "action: flag"),
        (guardrail.is_shadow, "shadow: true"),
    ):
        if is_so:
            return "flagged", told
    if is_stream and guardrail.streaming == "async":
        return (
            "flagged",
            "streaming: async lets text out before it was judged, then cuts",
        )
    return "enforced", ""


def _why_not(
    guardrail: Guardrail, dialect: Dialect, direction: Stage, *, is_stream: bool
) -> str | None:
    """
    Say why nothing can be looked at there, or nobody can look.
    """
    if is_stream and type(dialect).chunk_texts is Dialect.chunk_texts:
        return f"{dialect.name} does not show the words of its streams"
    broken = [
        judge.name
        for judge in guardrail.judges_at(direction)
        if isinstance(judge.judge, Unmade)
    ]
    if broken:
        return f"{', '.join(broken)} cannot be made"
    if not (guardrail.texts_at(direction) or guardrail.judges_at(direction)):
        names = ", ".join(each.name for each in guardrail.detectors)
        return f"{names} does not look at {direction}"
    return None


def _notes(
    guardrail: Guardrail,
    dialect: Dialect,
    operation: str,
    direction: Stage,
    embeddings: str,
) -> Iterator[str]:
    absent = [each.name for each in guardrail.detectors if direction not in each.stages]
    if absent:
        yield f"{', '.join(absent)} does not look at {direction}"
    if direction == "input" and dialect.unreadable_fields:
        fields = ", ".join(dialect.unreadable_fields)
        told = "refused" if guardrail.refuses_unread else "passed on unseen"
        yield f"{fields} as token numbers cannot be read: {told}"
    if guardrail.action == "redact":
        if operation == "embed":
            yield f"finds: {embeddings} (embeddings)"
        if type(dialect).drop_foreign_seals is not Dialect.drop_foreign_seals:
            yield f"signed reasoning cannot be edited: {guardrail.sealed} (sealed)"
    if guardrail.on_failure == "open":
        yield "a detector that fails lets pass (on_failure: open)"
    if guardrail.sample < 1:
        yield f"{guardrail.sample:.0%} of exchanges (sample)"
    if guardrail.condition is not None:
        yield "on a condition (when)"
    if guardrail.is_on_request:
        yield "on request (on_request)"
    if not guardrail.scope.is_global:
        yield "for those it is attached to (applies_to)"
