"""
What is kept of one exchange from its request to its last byte.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import attrs

from gateway import StashKey
from gateway.detecting import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway import Attempt, Exchange, Request, Text
    from gateway.detecting import Passage, Stage
    from gateway_guardrails.inspecting.notes import Notes
    from gateway_guardrails.policy.guardrail import Guardrail
    from gateway_guardrails.policy.snapshot import PolicySnapshot
    from gateway_guardrails.redaction import Redaction

_SOURCES: Final = frozenset({"tool_result", "document"})
_SYSTEM: Final = frozenset({"system", "developer"})


@attrs.define(eq=False, kw_only=True, repr=False)
class Inspection:
    """
    One exchange under inspection.

    Attributes:
        guardrails: Those that count whatever its target is, without those left out by sampling.
        took_ns: Time spent in looking, the judges' included.
    """

    exchange: Exchange
    snapshot: PolicySnapshot
    guardrails: tuple[Guardrail, ...]
    notes: Notes
    redaction: Redaction
    took_ns: int = 0
    _circumstances: Circumstances | None = None

    def scope(self) -> bytes:
        """
        Return on whose behalf and by which policy texts are looked at, for the cache.
        """
        identity = self.exchange.identity
        tenant = ""
        if identity is not None:
            # Told apart by what they are: a team may be called as somebody's key is.
            tenant = (
                (identity.customer_id and f"customer {identity.customer_id}")
                or (identity.team_id and f"team {identity.team_id}")
                or f"key {identity.key_id}"
            )
        return f"{tenant}\0{self.snapshot.version}\0".encode("utf-8", "replace")

    def for_target(self, attempt: Attempt | None) -> tuple[Guardrail, ...]:
        """
        Return the further guardrails that count because of the target of *attempt*.

        Where there is none, as for a cached answer, nobody knows whose answer it is: all that
        might count do.
        """
        if attempt is None:
            return self._sampled(self.snapshot.for_any_target(self.exchange))
        return self._sampled(self.snapshot.for_target(self.exchange, attempt.target))

    def question(
        self, stage: Stage, passages: Sequence[Passage], request: Request
    ) -> Question:
        """
        Put a question about *passages*, with what *request* tells of them.
        """
        told = self._circumstances
        if told is None:
            told = self._circumstances = Circumstances.of(request.texts())
        return Question(
            stage=stage,
            passages=passages,
            query=told.query,
            sources=told.sources,
            system=told.system,
            exchange=self.exchange,
        )

    def forget_circumstances(self) -> None:
        """
        Read the request anew for the next question: it was edited.
        """
        self._circumstances = None

    def _sampled(self, guardrails: tuple[Guardrail, ...]) -> tuple[Guardrail, ...]:
        return sampled(guardrails, self.exchange.id)


@attrs.frozen
class Circumstances:
    """
    What a request says beside what is judged.
    """

    query: str = attrs.field(repr=False)
    sources: tuple[str, ...] = attrs.field(repr=False)
    system: str = attrs.field(repr=False)

    @classmethod
    def of(cls, texts: Sequence[Text]) -> Circumstances:
        """
        Read them from the *texts* of a request.
        """
        said = [text for text in texts if text.kind == "message"]
        asked = (text.value for text in reversed(said) if text.role == "user")
        return cls(
            query=next(asked, ""),
            sources=tuple(text.value for text in texts if text.kind in _SOURCES),
            system="\n".join(text.value for text in said if text.role in _SYSTEM),
        )


#: Where an exchange keeps its inspection.
INSPECTION: Final[StashKey[Inspection]] = StashKey("guardrails.inspection")


def sampled(guardrails: Iterable[Guardrail], request_id: str) -> tuple[Guardrail, ...]:
    """
    Leave out those of *guardrails* that look at a share of exchanges, and not at this one.
    """
    return tuple(
        guardrail
        for guardrail in guardrails
        if guardrail.sample >= 1
        or _share(guardrail.name, request_id) < guardrail.sample
    )


def _share(name: str, request_id: str) -> float:
    drawn = blake2b(f"{name}\0{request_id}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn, "big") / (1 << 32)
