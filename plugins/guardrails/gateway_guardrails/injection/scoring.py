"""
What the rules that were found say together: one score, and the places that make it.

Weights join as noisy-or: 1 - (1 - a)(1 - b).  What is only quoted, forbidden, reported or asked
about says less, so that who writes on attacks is not taken for an attacker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway_guardrails.injection.combined import (
    FAMILY,
    SHORT,
    alone,
    combined,
    shipped,
)
from gateway_guardrails.injection.matching import Hit, Look
from gateway_guardrails.patterns import PatternSet

__all__ = ["FLOOR", "NOTHING", "Evidence", "Score", "join", "score"]

#: How far apart, in characters, things may stand that are counted together.
REACH: Final = 2500
#: What is no score at all: no threshold is sensible below it.
FLOOR: Final = 0.3
#: What a second rule of the same family adds, against the first.
_AGAIN: Final = 0.4
#: A score that needs nothing more: what stands around it is not looked at.
_SURE: Final = 0.85
#: What everything else is worth in a text that is about attacks.
_ON_TOPIC: Final = 0.75
_LEFT: Final = 90

# Families whose words are an order, so that "never ..." before them turns them round.
_ORDERS: Final = frozenset(
    {
        *("override", "reset", "exfiltration"),
        *("prompt_extraction", "secret_extraction", FAMILY),
    }
)

_NEGATED: Final = re.compile(
    r"(?:n't|\bnot|\bnever|\bavoid|\bwithout|\bcannot|\bprevents?(?: \w+){0,3} from|\bprohibits?"
    r"|\bforbid(?:s|den)?(?: \w+){0,3}(?: to)?|\brefuses?(?: to)?|\bresists?(?: \w+)?"
    r"|\b(?:instead|rather) (?:of|than))\W+(?:\w+\W+){0,2}\Z"
    r"|(?:防止|避免|预防|禁止|阻止|防ぐ|не |nicht |no |ne )[^.。\n]{0,10}\Z",
    re.IGNORECASE,
)
_REPORTED: Final = re.compile(
    r"\b(?:attackers?|adversar(?:y|ies)|users?|someone|somebody|people|hackers?|anyone|customers?"
    r"|students?|employees?|testers?|red.teams?|malicious (?:\w+ )?\w+|injections?|jailbreaks?"
    r"|attempts?|tries|try|trying|tried|tricks?|tricked"
    r"|tricking|cause[sd]?|manipulat\w+|persuade[sd]?|convinc\w+|force[sd]?|coerce[sd]?|get(?:s|ting)?"
    r"|instruct(?:s|ing|ed)|tell(?:s|ing)?|ask(?:s|ing|ed)?)\b(?:\W+\w+){0,7}\W+\Z",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(
    r"(?:^|[.!?\n:]\s*|,\s*)(?:can you (?:explain|tell)|could you explain"
    r"|how (?:do|does|can|could|should|would|to|did)"
    r"|what (?:is|are|does|do|happens|would|makes|should)|why|explain|describe|summari[sz]e|discuss"
    r"|compare|define|should (?:i|we|you)|is it|are there|does|do|list|difference|which|when"
    r"|whether|translate|rewrite|rephrase|correct|proofread|review|analy[sz]e|classify|write|draft"
    r"|create|help me|give me)\b[^.!?\n]{0,160}\Z",
    re.IGNORECASE,
)
_TOPIC: Final = PatternSet(
    [
        (
            r"\b(?:prompt.injections?|injection attacks?|jailbreak(?:s|ing)?"
            r" (?:attacks?|attempts?|prompts?|techniques?|detect\w+)"
            r"|prompt engineer\w*|red.team\w*|guardrails?|llm security|owasp"
            r"|adversarial|threat model\w*"
            r"|attack(?:er)?s? (?:vector|surface|may|might|can|could|who|try|tries)"
            r"|mitigat\w+|defen[cs]es?|defend|classifier|detector"
            r"|security (?:review|polic\w+|team|training|engineer|researcher|audit|guidelines)"
            r"|pull request|code review|unit tests?|test cases?|research paper|blog post|essay"
            r"|documentation|changelog|novel|short story)\b"
        )
    ],
    ignores_case=True,
)
_QUOTE: Final = re.compile(r"[\"`\[(]|(?<!\w)'")
_OPENED: Final = re.compile(r"(?:[\"`\[(]|(?<!\w)')(?:[^\"`\n]{0,60})\Z")
_CLOSING: Final = {"[": "]", "(": ")"}
_OWN: Final = re.compile(r"\bmy\b", re.IGNORECASE)
_QUESTION: Final = re.compile(
    r"(?:^|[.!?\n:]\s*|,\s*)(?:(?:can|could) you (?:explain|tell me (?:why|how|what))"
    r"|how (?:do|does|can|could|should|would|to|did|many)"
    r"|what (?:is|are|does|do|did|happens|would|makes|should|part)|why|explain|who|which|when"
    r"|is it|are there|does|did|should (?:i|we)|discuss|compare|describe|summari[sz]e)\b"
    r"[^.!?\n]{0,120}\Z",
    re.IGNORECASE,
)


class Evidence(NamedTuple):
    """
    A family, where it was found, and what it says there.
    """

    family: str
    start: int
    end: int
    weight: float


class Score(NamedTuple):
    """
    How sure it is that a text is an attack, 0 to 1, and what says so.
    """

    value: float
    evidence: Sequence[Evidence] = ()


NOTHING: Final = Score(0.0)


def score(
    look: Look, text: str, factors: Mapping[str, float], *, is_foreign: bool
) -> Score:
    """
    Score what was found in *text*, by rules or by how much concepts say without them.

    Args:
        factors: What a family's weights are multiplied by, 1 where it has none.
        is_foreign: It stands where nobody should ask the assistant, so that a question is none.
    """
    if look.hits:
        return _by_rules(look, text, factors, is_foreign=is_foreign)
    told = _by_concepts(text, factors)
    if told is None:
        return NOTHING
    topical = bool(_TOPIC.hits(text))
    told = _doubted(told, text, topical=topical, is_foreign=is_foreign)
    return Score(told.weight, [told])


def _by_rules(
    look: Look, text: str, factors: Mapping[str, float], *, is_foreign: bool
) -> Score:
    told = [_evidence(hit, factors) for hit in look.hits]
    plain = _best(told, look.hits)
    around = _around(plain, text, factors)
    if _joined(plain.value, around) < FLOOR:  # doubt only takes away
        return NOTHING
    topical = bool(_TOPIC.hits(text[:REACH]))
    doubted = [
        _doubted(one, text, topical=topical, is_foreign=is_foreign) for one in told
    ]
    best = _best(doubted, look.hits)
    if around is None:
        return best
    doubt = best.value / plain.value
    around = around._replace(weight=around.weight * doubt)
    return Score(_joined(best.value, around), [*best.evidence, around])


def _around(plain: Score, text: str, factors: Mapping[str, float]) -> Evidence | None:
    """
    Look at what stands around the strongest of what was found, if that does not say enough.
    """
    factor = factors.get(FAMILY, 1.0)
    if plain.value >= _SURE or not factor:
        return None
    whole = _by_concepts(text, factors)
    found = combined(text, plain.evidence[0].start, shipped())
    if found is None or (whole and whole.weight >= found.weight * factor):
        return whole
    return Evidence(FAMILY, found.start, found.end, found.weight * factor)


def _by_concepts(text: str, factors: Mapping[str, float]) -> Evidence | None:
    """
    Look at all of a short text.
    """
    factor = factors.get(FAMILY, 1.0)
    if len(text) > SHORT or not factor:
        return None
    found = alone(text, shipped())
    if found is None:
        return None
    return Evidence(FAMILY, found.start, found.end, found.weight * factor)


def _joined(value: float, further: Evidence | None) -> float:
    """
    Join a score and what stands around it.
    """
    return value if further is None else 1 - (1 - value) * (1 - further.weight)


def _evidence(hit: Hit, factors: Mapping[str, float]) -> Evidence:
    family = hit.rule.family
    weight = hit.rule.weight * factors.get(family, 1.0)
    return Evidence(family, hit.start, hit.end, weight)


def _doubted(one: Evidence, text: str, *, topical: bool, is_foreign: bool) -> Evidence:
    doubt = _doubt(one, text, topical=topical, is_foreign=is_foreign)
    return one._replace(weight=one.weight * doubt)


def _best(weighed: Sequence[Evidence], hits: Sequence[Hit]) -> Score:
    """
    Score what stands within reach of each other, and keep the best of it.
    """
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


def _doubt(one: Evidence, text: str, *, topical: bool, is_foreign: bool) -> float:
    """
    Return what is left of a weight where it stands, 1 for all of it.
    """
    left = text[max(one.start - _LEFT, 0) : one.start]
    factor = _ON_TOPIC if topical else 1.0
    is_order = one.family in _ORDERS
    if is_order and _NEGATED.search(left) is not None:
        return factor * 0.2
    if one.family == "override" and _OWN.search(text, one.start, one.end) is not None:
        factor *= 0.3
    if _is_quoted(one, text):
        return factor * (0.3 if topical or _ASKED.search(left) is not None else 0.4)
    if is_order and _REPORTED.search(left) is not None:
        return factor * 0.4
    if not is_foreign and _QUESTION.search(left) is not None:
        return factor * (0.5 if topical else 0.65)
    return factor


def _is_quoted(one: Evidence, text: str) -> bool:
    """
    Tell whether something was found between quotes that do not hold all of the text.
    """
    inside = _QUOTE.search(text, one.start, one.end - 1)
    begin = inside.start() if inside is not None else None
    if begin is None:
        opened = _OPENED.search(text[max(one.start - _LEFT, 0) : one.start])
        if opened is None:
            return False
        begin = one.start - len(opened[0])
    if not text[:begin].strip():
        return False
    quote = text[begin]
    closed = text.find(_CLOSING.get(quote, quote), one.end - 1, one.end + _LEFT)
    return closed >= 0
