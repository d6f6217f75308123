"""
From finds to a verdict: the strictest wins, and stretches that overlap become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from gateway.detecting import Find
    from gateway_guardrails.inspecting.plan import Scan
    from gateway_guardrails.policy.guardrail import Action, Guardrail, Style
    from gateway_guardrails.redaction import Redaction

#: Which style hides more.
_HIDES: Final[dict[Style, int]] = {"synthetic": 0, "placeholder": 1, "mask": 2}


class Hit(NamedTuple):
    """
    A find that counts for a guardrail.

    Attributes:
        took_us: How long the looking took, of which it is a part.
    """

    guardrail: Guardrail
    detector: str
    find: Find
    took_us: int | None = None

    @property
    def acts(self) -> bool:
        """
        Whether something is done about it.
        """
        return self.guardrail.acts


class Cover(NamedTuple):
    """
    A stretch of a text that is to be replaced.

    Attributes:
        kind: What stands there: the type of the widest find.
        style: What is put there: the one that hides most.
        restores: The caller may have it back: every guardrail that redacts it says so.
    """

    start: int
    end: int
    kind: str
    style: Style
    restores: bool


def hits_of(scan: Scan, finds: Iterable[Find], took_us: int | None = None) -> list[Hit]:
    """
    Return which of *finds* count, for each guardrail that goes by *scan*.
    """
    return [
        Hit(guardrail, scan.name, find, took_us)
        for find in finds
        for guardrail in scan.guardrails
        if guardrail.counts(find.severity, find.score)
    ]


def others_than_ours(hits: Iterable[Hit], text: str, redaction: Redaction) -> list[Hit]:
    """
    Leave out what was found in *text* and was put there by this conversation itself.
    """
    return [
        hit
        for hit in hits
        if not redaction.stands_for_another(text[hit.find.start : hit.find.end])
    ]


def blocking(hits: Iterable[Hit]) -> Hit | None:
    """
    Return the first of those *hits* that block, or None.
    """
    return next(
        (hit for hit in hits if hit.acts and hit.guardrail.action == "block"), None
    )


def unredacted(hit: Hit, *, refuses: bool = False) -> Action | None:
    """
    Return what was done about *hit* where nothing is redacted; None: what its guardrail says.

    Args:
        refuses: It is why.
    """
    if not hit.acts or hit.guardrail.action != "redact":
        return None
    return "block" if refuses else "flag"


def covers_of(hits: Iterable[Hit]) -> Sequence[Cover]:
    """
    Return what is to be replaced, in order and apart.
    """
    redacted = [hit for hit in hits if hit.acts and hit.guardrail.action == "redact"]
    if not redacted:
        return ()
    redacted.sort(key=lambda hit: (hit.find.start, -hit.find.end, hit.find.type))
    out: list[Cover] = []
    widest = 0
    for guardrail, _, find, _ in redacted:
        width = find.end - find.start
        cover = Cover(
            find.start, find.end, find.type, guardrail.style, guardrail.restores
        )
        if not out or find.start >= out[-1].end:
            out.append(cover)
            widest = width
        else:
            out[-1] = _both(out[-1], cover, is_wider=width > widest)
            widest = max(widest, width)
    return out


def _both(one: Cover, other: Cover, *, is_wider: bool) -> Cover:
    style = max(one.style, other.style, key=_HIDES.__getitem__)
    return Cover(
        one.start,
        max(one.end, other.end),
        other.kind if is_wider else one.kind,
        style,
        one.restores and other.restores,
    )
