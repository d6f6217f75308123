"""
What the rules that were found say together: one score, and the places that make it.

Weights join as noisy-or: 1 - (1 - a)(1 - b).  What is only quoted, forbidden, reported or asked
about says less, so that who writes on attacks is not taken for an attacker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from .matching import Hit

__all__ = ["NOTHING", "Evidence", "Score", "join", "score"]

#: How far apart, in characters, things may stand that are counted together.
REACH: Final = 2500
#: What a second rule of the same family adds, against the first.
_AGAIN: Final = 0.4
#: What everything else is worth in a text that is about attacks.
_ON_TOPIC: Final = 0.75
_LEFT: Final = 90

# Families whose words are an order, so that "never ..." before them turns them round.
_ORDERS: Final = frozenset(
    {"override", "reset", "prompt_extraction", "secret_extraction", "exfiltration"}
)

_NEGATED: Final = re.compile(
    r"(?:n't|\bnot|\bnever|\bavoid|\bwithout|\bcannot|\bprevents?(?: \w+){0,3} from|\bprohibits?"
    r"|\bforbid(?:s|den)?(?: \w+){0,3}(?: to)?|\brefuses?(?: to)?|\bresists?(?: \w+)?"
    r"|\b(?:instead|rather) (?:of|than))\W+(?:\w+\W+){0,2}\Z",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"[\"'`(\[*]\W{0,3}(?:\w+\W+){0,6}\Z")
_TOLD: Final = re.compile(
    r"\b(?:says?|said|saying|like|such as|e\.g|examples?|phrases?|strings?|sentences?"
    r"|contain(?:s|ing)?|called|titled|entitled|named|reads?|wrote|writes?|written"
    r"|typ(?:e|es|ed|ing)|terms?|words?|mean(?:s|ing)?|translat\w+|keywords?|payloads?|patterns?|detect\w*|flag\w*"
    r"|blocks?|blocked|match\w*|regex\w*|warnings?|comments?|titles?|subjects?|headings?|labels?"
    r"|lyrics?|quotes?|quoted|asks?|asked|tells?|told|instruct(?:s|ed|ing)|known as|spell\w*"
    r"|grammar|correct\w*|inputs?|messages?|prompts?|texts?|lines?|column|rows?|tests?|attacks?"
    r"|queries|query|responds? to|sends?|sent|posts?|posted|includes?|including|with"
    r"|the|an?|saw|seen|if|about)\W{0,4}\Z",
    re.IGNORECASE,
)
_REPORTED: Final = re.compile(
    r"\b(?:attackers?|adversar(?:y|ies)|users?|someone|somebody|people|hackers?|anyone|customers?"
    r"|students?|employees?|testers?|red.teams?|malicious (?:\w+ )?\w+|injections?|jailbreaks?"
    r"|documents?|emails?|pages?|websites?|attempts?|tries|try|trying|tried|tricks?|tricked|tricking"
    r"|cause[sd]?|manipulat\w+|persuade[sd]?|convinc\w+|force[sd]?|coerce[sd]?|get(?:s|ting)?"
    r"|instruct(?:s|ing|ed)|tell(?:s|ing)?|ask(?:s|ing|ed)?)\b(?:\W+\w+){0,7}\W+\Z",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(
    r"(?:^|[.!?\n:]\s*|,\s*)(?:can you (?:explain|tell)|could you explain"
    r"|how (?:do|does|can|could|should|would|to|did)"
    r"|what (?:is|are|does|do|happens|would|makes|should)|why|explain|describe|summari[sz]e|discuss"
    r"|compare|define|should (?:i|we|you)|is it|are there|does|do|list|difference|which|when"
    r"|whether|translate|rewrite|rephrase|correct|proofread|review|analy[sz]e|classify|write|draft|create"
    r"|help me|give me)\b[^.!?\n]{0,160}\Z",
    re.IGNORECASE,
)
_TOPIC: Final = re.compile(
    r"\b(?:prompt.injections?|injection attacks?|jailbreak(?:s|ing)? (?:attacks?|attempts?|prompts?"
    r"|techniques?|detect\w+)|prompt engineer\w*|red.team\w*|guardrails?|llm security|owasp"
    r"|adversarial|threat model\w*"
    r"|attack(?:er)?s? (?:vector|surface|may|might|can|could|who|try|tries)"
    r"|mitigat\w+|defen[cs]es?|defend|classifier|detector"
    r"|security (?:review|polic\w+|team|training|engineer|researcher|audit|guidelines)|pull request"
    r"|code review|unit tests?|test cases?|research paper|blog post|essay|documentation|changelog"
    r"|novel|short story)\b",
    re.IGNORECASE,
)


@attrs.frozen
class Evidence:
    """
    A family, where it was found, and what it says there.
    """

    family: str
    start: int
    end: int
    weight: float


@attrs.frozen
class Score:
    """
    How sure it is that a text is an attack, 0 to 1, and what says so.
    """

    value: float
    evidence: Sequence[Evidence] = ()


NOTHING: Final = Score(0.0)


def score(hits: Sequence[Hit], text: str, factors: Mapping[str, float]) -> Score:
    """
    Score what was found in *text*.

    Args:
        factors: What a family's weights are multiplied by, 1 where it has none.
    """
    if not hits:
        return NOTHING
    topical = _TOPIC.search(text[:REACH]) is not None
    weighed = [
        Evidence(
            hit.rule.family,
            hit.start,
            hit.end,
            hit.rule.weight
            * factors.get(hit.rule.family, 1.0)
            * _doubt(hit, text, topical=topical),
        )
        for hit in hits
    ]
    rules = [id(hit.rule) for hit in hits]
    best = NOTHING
    for first, evidence in enumerate(weighed):
        if first and weighed[first - 1].start == evidence.start:
            continue
        last = first
        while last < len(weighed) and weighed[last].start <= evidence.start + REACH:
            last += 1
        value = join(weighed[first:last], rules[first:last])
        if value > best.value:
            best = Score(value, weighed[first:last])
    return best


def join(evidence: Sequence[Evidence], rules: Sequence[int]) -> float:
    """
    Join weights: each rule once, the first of a family in full, further ones in part.
    """
    families: dict[str, dict[int, float]] = {}
    for one, rule in zip(evidence, rules, strict=True):
        weights = families.setdefault(one.family, {})
        weights[rule] = max(weights.get(rule, 0.0), one.weight)
    doubt = 1.0
    for weights in families.values():
        first, *further = sorted(weights.values(), reverse=True)
        doubt *= 1 - min(first, 0.99)
        for weight in further:
            doubt *= 1 - weight * _AGAIN
    return 1 - doubt


def _doubt(hit: Hit, text: str, *, topical: bool) -> float:
    """
    Return what is left of a rule's weight where it stands, 1 for all of it.
    """
    left = text[max(hit.start - _LEFT, 0) : hit.start]
    factor = _ON_TOPIC if topical else 1.0
    if hit.rule.family in _ORDERS and _NEGATED.search(left) is not None:
        return factor * 0.2
    if not left:
        return factor
    quoted = _QUOTED.search(left)
    if quoted is not None and _TOLD.search(left[: quoted.start()]) is not None:
        return factor * (0.3 if topical or _ASKED.search(left) is not None else 0.45)
    if hit.rule.family in _ORDERS and _REPORTED.search(left) is not None:
        return factor * 0.4
    if topical and _ASKED.search(left) is not None:
        return factor * 0.5
    return factor
