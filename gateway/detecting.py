"""
What guardrails ask of those who look at texts: the vocabulary that detectors and guardrails share.

A `Detector` is registered by a plugin (`register_detectors`) and named in rules; made with a rule's
options it becomes a `TextDetector`, which looks at a text by itself, or a `Judge`, which asks
somebody and so is waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import attrs

from gateway.dialects.media import words_of_file

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.exchange import Exchange
    from gateway.outbound import Outbound
    from gateway.secrets import Secrets
    from gateway.settings import SecretRef, Settings
    from gateway.views import Request, Response

__all__ = [
    "Detector",
    "DetectorFailed",
    "DetectorTools",
    "Find",
    "Judge",
    "Opinion",
    "Passage",
    "Place",
    "Question",
    "Severity",
    "Stage",
    "TextDetector",
    "words_of_file",
]

Stage = Literal["input", "output"]
Severity = Literal["low", "medium", "high", "critical"]


class Find(NamedTuple):
    """
    Something that was found in a text; says where, never what.

    Attributes:
        start: Its first character in the text that was looked at.
        end: The one after its last; greater than *start*.
        type: The detector's word for it: ``EMAIL``, ``aws_access_key``, ``override``; callers are
            told it, so that it is printable and has 128 characters at most.
        score: How sure the detector is, 0 to 1.
    """

    start: int
    end: int
    type: str
    severity: Severity = "medium"
    score: float = 1.0


@attrs.frozen(kw_only=True)
class Place:
    """
    Where a text stands, which decides how far it is trusted.

    Attributes:
        role: ``user``, ``assistant``, ``system``, ``developer``, ``tool``, ``provider``; None where
            the dialect does not say.
        kind: As `gateway.Text.kind`: ``message``, ``tool_result``, ``document``, …
    """

    stage: Stage
    role: str | None = None
    kind: str = "message"


class TextDetector(Protocol):
    """
    Looks at a text by itself: quick, without waiting, safe to call from any thread.

    Attributes:
        context: How many characters left of what is undecided it needs to see, for words beside a
            match and for boundaries.
    """

    @property
    def context(self) -> int: ...  # noqa: D102 - told above

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find in *text* from *start* on; what stands left of it is context.

        Whatever way a text is cut into pieces, the finds that are decided are the same: a match
        that could still begin, grow, or be confirmed by what comes is not decided.

        Args:
            text: Can be encoded: half a surrogate pair, which JSON can write, is shown as U+FFFD.
            final: Nothing follows *text*, so that all of it is decided.

        Returns:
            Finds that begin at *start* or later, in order of their start, which may overlap; and
            *safe*, the position before which all is decided.
        """


@attrs.frozen
class Passage:
    """
    A text, and where it stands.
    """

    text: str
    place: Place


@attrs.frozen(kw_only=True)
class Question:
    """
    What a `Judge` is asked.

    Attributes:
        passages: What is to be judged, in order; none is empty.
        query: What the user asked last; "" if that is not known.
        sources: What the answer may rest on: tool results and documents of the request.
        system: The system prompt.
        exchange: On whose behalf it is asked, for nested calls; None outside of one.
    """

    stage: Stage
    passages: Sequence[Passage]
    query: str = ""
    sources: Sequence[str] = ()
    system: str = ""
    exchange: Exchange | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Opinion:
    """
    What a `Judge` says.

    Attributes:
        finds: For each passage what was found there.
        masked: For each passage the text to put in its place where the service says it without
            places, else None; () if it never does.
        whole: Finds that concern all of it and have no place: their span is (0, 0).
        flagged: For each passage what the service found and was told to let pass: it is recorded
            and not acted upon; () if there is nothing of that kind.  A span of (0, 0) is no place.
        is_blocked: The service itself says no, whatever its finds are.
        cost_nano: What the asking cost, in nano-USD, where that is known.
        units: What the service counts: ``{"topic_policy_units": 1}``.
    """

    finds: Sequence[Sequence[Find]] = ()
    masked: Sequence[str | None] = ()
    whole: Sequence[Find] = ()
    flagged: Sequence[Sequence[Find]] = ()
    is_blocked: bool = False
    cost_nano: int = 0
    units: Mapping[str, int] = attrs.field(factory=dict)


class DetectorFailed(Exception):
    """
    A detector could not judge, or not all of it; its text holds nothing of what was judged.

    Args:
        reason: One word for programs: ``timeout``, ``throttled``, ``unreachable``,
            ``unavailable`` (the service's own fault), ``garbage``, ``partial_coverage``,
            ``refused``, ``misconfigured``.
        told: More for an operator: a status, an error code.
    """

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(f"{reason}: {told}" if told else reason)
        self.reason = reason
        self.told = told


class Judge(Protocol):
    """
    Asks somebody: a remote service, a model.

    One that looks at the images of `Question.exchange` as well has an attribute ``reads_images``
    that is true; it is asked about a request with images each time, and about one with nothing
    but images without any passage.
    """

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages of *question*, whole.

        Raises:
            DetectorFailed: It could not, or only in part.
        """

    async def close(self) -> None:
        """
        Let go of connections and threads.
        """


@attrs.frozen(kw_only=True)
class DetectorTools:
    """
    What a detector may need when it is made.

    Attributes:
        settings: The gateway's.
        secrets: Resolves the references in its options, at use.
        outbound: The way out, for requests of its own; None where nobody may be asked.
        call: Asks a model through the gateway, as `gateway.Gateway.call`; None outside of one.
        request: Makes the request of such a call: of a document, in OpenAI's chat format unless
            another dialect is named.
        references: Yields every secret that the settings refer to, those of plugins too; None
            where only *settings* are known.
        knows_credential: Tells whether a text is a credential that some plugin lets callers in
            by; None where no plugin does.
        folder: Where what takes long to make may be kept for the next start; None where a detector
            is made to look once, or to be checked, and should be there soon.
    """

    settings: Settings
    secrets: Secrets
    clock: Clock
    outbound: Outbound | None = None
    call: Callable[..., Awaitable[Response]] | None = None
    request: Callable[..., Request] | None = None
    references: Callable[[], Iterable[SecretRef]] | None = None
    knows_credential: Callable[[str], bool] | None = None
    folder: Path | None = None


@attrs.frozen(kw_only=True)
class Detector:
    """
    A kind of detector, as a plugin registers it.

    Attributes:
        name: The word used in rules.
        Options: An attrs class: what a rule may say beside the name, read like any settings.
        make: Makes one with a rule's options: a `TextDetector`, or a `Judge`.  It raises
            `gateway.errors.ConfigError` where it cannot be used as told.
        is_local: It makes a `TextDetector`.
        stages: Where it can look.
        redacts: Its finds have places, so that they can be redacted.
        needs_whole: It judges an answer as a whole, so that a stream must be held back to the end.
        summary: One sentence for the documentation.
    """

    name: str
    Options: type
    make: Callable[[Any, DetectorTools], TextDetector | Judge]
    is_local: bool = True
    stages: frozenset[Stage] = frozenset({"input", "output"})
    redacts: bool = True
    needs_whole: bool = False
    summary: str = ""
