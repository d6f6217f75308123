"""
What Bedrock says in the assessments of ``ApplyGuardrail``, entry by entry.

``GUARDRAIL_INTERVENED`` is no block: it is said of a mask too.  What an entry's own ``action``
says counts: ``BLOCKED``, ``ANONYMIZED``, or ``NONE`` with ``detected`` where the guardrail only
watches.  An action with another name is one that came after this was written, and blocks.

Source: botocore's model of ``bedrock-runtime`` (Apache-2.0), and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from gateway.detecting import Find, Severity
from gateway_guardrails.remote import answers
from gateway_guardrails.remote.aws_types import severity_of, type_of

__all__ = ["Entry", "entries_of", "units_of"]

_CONFIDENCES: Final[Mapping[str, float]] = {
    "NONE": 0.0,
    "LOW": 0.33,
    "MEDIUM": 0.66,
    "HIGH": 1.0,
}
#: What lacks what a grounding filter measures.
_LACKS: Final = {"GROUNDING": "ungrounded", "RELEVANCE": "irrelevant"}
#: Results of automated reasoning that contradict the policy.
_CONTRADICTIONS: Final = ("invalid", "impossible")
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@attrs.frozen(kw_only=True)
class Entry:
    """
    One thing that a guardrail found.

    Attributes:
        type: In our words.
        match: The words that were found, where it is words.
        mask: What stands for them in a masked text: ``{EMAIL}``'s name.
        is_blocked: The guardrail says no.
        is_masked: The guardrail has masked it; neither: it only watches.
    """

    type: str
    severity: Severity
    match: str = attrs.field(default="", repr=False)
    mask: str = ""
    score: float = 1.0
    is_blocked: bool = False
    is_masked: bool = False

    def find(self, start: int, end: int) -> Find:
        """
        Return the find that it is at a place.
        """
        return Find(start, end, self.type, self.severity, self.score)


def entries_of(assessments: list[Mapping[str, Any]]) -> Iterator[Entry]:
    """
    Yield all that was found.
    """
    for assessment in assessments:
        for policy, read in _POLICIES.items():
            found = assessment.get(policy)
            if found is not None:
                yield from read(answers.row(found, policy))


def units_of(usage: Mapping[str, Any]) -> dict[str, int]:
    """
    Return what is billed, by our spelling of its name.
    """
    return {
        _HUMP.sub("_", name).lower(): count
        for name, count in usage.items()
        if isinstance(count, int) and count > 0 and name.endswith("Units")
    }


# --- the policies -------------------------------------------------------------------------------


def _topics(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in _hits(policy, "topics"):
        name = answers.word(row, "name")
        yield _entry(row, f"topic_{_slug(name)}", "high")


def _content(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in _hits(policy, "filters"):
        score = _CONFIDENCES.get(str(row.get("confidence")), 1.0)
        yield _entry(row, _slug(answers.word(row, "type")), "high", score=score)


def _words(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in _hits(policy, "customWords"):
        yield _entry(row, "custom_word", "medium", match=_match(row))
    for row in _hits(policy, "managedWordLists"):
        kind = _slug(answers.word(row, "type"))
        yield _entry(row, kind, "medium", match=_match(row))


def _sensitive(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in _hits(policy, "piiEntities"):
        kind = answers.name(row, "type")
        severity = severity_of(kind)
        yield _entry(row, type_of(kind), severity, match=_match(row), mask=kind)
    for row in _hits(policy, "regexes"):
        name = str(row.get("name") or "regex")
        kind = f"regex_{_slug(name)}"
        yield _entry(row, kind, "medium", match=_match(row), mask=name)


def _grounding(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in _hits(policy, "filters"):
        kind = answers.word(row, "type")
        kind = _LACKS.get(kind, _slug(kind))
        yield _entry(row, kind, "medium", score=1 - answers.score(row, "score"))


def _reasoning(policy: Mapping[str, Any]) -> Iterator[Entry]:
    for row in answers.rows(policy, "findings") if policy.get("findings") else ():
        for kind in _CONTRADICTIONS:
            if row.get(kind) is not None:
                yield Entry(type=f"reasoning_{kind}", severity="medium")


_POLICIES: Final = {
    "topicPolicy": _topics,
    "contentPolicy": _content,
    "wordPolicy": _words,
    "sensitiveInformationPolicy": _sensitive,
    "contextualGroundingPolicy": _grounding,
    "automatedReasoningPolicy": _reasoning,
}


def _hits(policy: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """
    Yield the rows that say that something was found: some tell of what was looked for too.
    """
    for row in answers.rows(policy, name) if policy.get(name) is not None else ():
        if answers.word(row, "action") != "NONE" or row.get("detected") is True:
            yield row


def _entry(
    row: Mapping[str, Any],
    kind: str,
    severity: Severity,
    *,
    match: str = "",
    mask: str = "",
    score: float = 1.0,
) -> Entry:
    action = row["action"]
    return Entry(
        type=kind,
        severity=severity,
        match=match,
        mask=mask,
        score=score,
        is_blocked=action not in ("NONE", "ANONYMIZED"),
        is_masked=action == "ANONYMIZED",
    )


def _match(row: Mapping[str, Any]) -> str:
    match = row.get("match")
    return match if isinstance(match, str) else ""


def _slug(name: str) -> str:
    """
    Return *name* in lower-case letters, digits and underscores.
    """
    return _NO_WORD.sub("_", name.lower()).strip("_")[:64] or "unnamed"
