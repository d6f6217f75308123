"""
Looks for prompt injection and jailbreaks: a score, and the places that make it.

What a user wrote is judged whole, since a jailbreak is the sum of its sentences.  In an answer that
streams, each sentence in which something could begin is judged by itself, so that what is found
never depends on how the stream was cut, and nothing else is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from gateway.detecting import Find, Place, Severity
from gateway_guardrails.commonest import commonest_words
from gateway_guardrails.injection.anomalies import anomalies
from gateway_guardrails.injection.catalogue import rules
from gateway_guardrails.injection.combined import alone, shipped
from gateway_guardrails.injection.matching import Look, Matcher, Screens
from gateway_guardrails.injection.normalise import Normalised, normalise
from gateway_guardrails.injection.options import InjectionOptions
from gateway_guardrails.injection.readings import Reading, readings
from gateway_guardrails.injection.scoring import NOTHING, Evidence, Score, score
from gateway_guardrails.patterns import compile_pattern

__all__ = ["InjectionDetector"]

#: How many places of one text are told.
MAX_FINDS: Final = 16
#: How long a sentence of an answer may be before what it has so far is judged.
SENTENCE: Final = 400

_FOREIGN_KINDS: Final = frozenset(
    {"tool_result", "document", "tool_definition", "schema", "annotation"}
)
#: What a rule for answers begins with, or has near its beginning.
_OPENERS: Final = compile_pattern(
    r"ignor|disregard|forget|overlook|bypass|overrid|previous|reveal|system|prompt|instruct|jailbr"
    r"|anything|pretend|uncensor|unfilter|refus|\[/?inst|<\||<<|!\[|<!--|restrict|filter|from now"
    r"|vergiss|oublie|olvid|dimentic|esque|negeer|игнор|забуд|忽略|忘记|無視|무시|تجاهل|अनदेखा"
    "|[\u200b\u2060-\u2064\u202a-\u202e\U000e0000-\U000e0fff]",
    ignores_case=True,
)
_OPENER_LENGTH: Final = 12
_SENTENCE_END: Final = re.compile("\n|[.!?](?=\\s)|[\u3002\uff01\uff1f]")
_LAST_TOKEN: Final = re.compile(r"\S*\Z")
#: What it says that something was disguised, where it says something at all.
DISGUISE: Final = 0.25
RIGHT_TO_LEFT: Final = "\u202e"

_ASKED: Final = Place(stage="input", role="user")
_Placing = Callable[[int, int], tuple[int, int]]


class InjectionDetector:
    """
    A `gateway.detecting.TextDetector`, made once for a rule's options.

    Args:
        screens: It finds the same without them, in twice the time.
    """

    context: int = 0

    def __init__(
        self, options: InjectionOptions, screens: Screens | None = None
    ) -> None:
        self.options = options
        chosen = [
            rule
            for rule in rules()
            if (rule.language == "en" or rule.language in options.languages)
            and options.families.get(rule.family, 1.0) > 0
        ]
        self._matcher = Matcher(chosen, screens)

    def warm_up(self) -> None:
        """
        Look at examples of all rules, and at ordinary words, so that no text waits for automata.

        RE2 makes them as texts need them: some take 2 ms where a rule is found for the first time.
        """
        self._matcher.warm_up()
        alone("", shipped())
        self.score(" ".join(rule.miss for rule in rules()), _ASKED)
        self.score(" ".join(commonest_words()), _ASKED)

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find what speaks to the assistant out of turn.

        What a system prompt or a developer says is not judged: it is what others are judged by.
        """
        if place.role in {"system", "developer"} and place.kind not in _FOREIGN_KINDS:
            return (), len(text)
        if place.stage == "output":
            return self._by_sentence(text, start, final=final, place=place)
        if not final:
            return (), start  # the sum of it is judged
        told = text[start:] if start else text
        finds = self._judged(told, self._threshold(place), place)
        return _moved(finds, start), len(text)

    def score(self, text: str, place: Place) -> Score:
        """
        Score *text* as a whole: as it is seen, as it may be read, and by what is unusual about it.
        """
        plain = normalise(text)
        is_foreign = _is_foreign(place)
        look = self._matcher.look(plain.text, is_foreign=is_foreign)
        best = self._scored(look, plain.text, plain.span, is_foreign=is_foreign)
        for told, start, end in plain.hidden:
            shown = normalise(told).text
            hidden = self._scored(
                self._matcher.look(shown, is_foreign=is_foreign),
                shown,
                _all(start, end),
                is_foreign=is_foreign,
            )
            best = max(best, _disguised(hidden), key=_value)
        is_turned = plain.invisible > 0 and RIGHT_TO_LEFT in text
        for reading in readings(
            plain.text,
            is_turned=is_turned,
            has_letter_signs=look.signs.letters,
        ):
            read = self._read(reading, plain, is_foreign=is_foreign)
            best = max(best, _disguised(read), key=_value)
        unusual = anomalies(plain, self.options.families)
        return best if not unusual else _with(best, unusual, plain)

    def _read(self, reading: Reading, plain: Normalised, *, is_foreign: bool) -> Score:
        look = self._matcher.look(reading.text, is_foreign=is_foreign)
        read = score(look, reading.text, self.options.families, is_foreign=is_foreign)
        told = look.hits or read.evidence
        if not any(reading.was_decoded(one.start, one.end) for one in told):
            return NOTHING  # it stands in clear beside what was decoded
        return _placed(read, _through(reading, plain))

    def _scored(
        self, look: Look, text: str, placed: _Placing, *, is_foreign: bool
    ) -> Score:
        judged = score(look, text, self.options.families, is_foreign=is_foreign)
        return _placed(judged, placed)

    def _threshold(self, place: Place) -> float:
        if _is_foreign(place):
            return self.options.tool
        return (
            self.options.assistant if place.role == "assistant" else self.options.user
        )

    def _judged(self, text: str, threshold: float, place: Place) -> list[Find]:
        judged = self.score(text, place)
        if judged.value < threshold:
            return []
        return _told(judged)

    def _by_sentence(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        finds: list[Find] = []
        at = start
        threshold = self._threshold(place)
        while (opener := _OPENERS.search(text, at)) is not None:
            begin = opener.start()
            end = _end_of_sentence(text, begin, final=final)
            if end is None:
                return finds, begin
            finds.extend(_moved(self._judged(text[begin:end], threshold, place), begin))
            at = end
        if final:
            return finds, len(text)
        token = _LAST_TOKEN.search(text, max(at, len(text) - _OPENER_LENGTH))
        return finds, token.start() if token is not None else len(text)


def _is_foreign(place: Place) -> bool:
    return place.role == "tool" or place.kind in _FOREIGN_KINDS


def _end_of_sentence(text: str, begin: int, *, final: bool) -> int | None:
    limit = begin + SENTENCE
    end = _SENTENCE_END.search(text, begin, min(limit, len(text)))
    if end is not None:
        return end.end()
    if len(text) >= limit:
        return limit
    return len(text) if final else None


def _disguised(judged: Score) -> Score:
    """
    Raise a score because what it is about was disguised; a disguise alone is none.
    """
    if not judged.value:
        return judged
    return Score(1 - (1 - judged.value) * (1 - DISGUISE), judged.evidence)


def _with(judged: Score, unusual: Sequence[Evidence], plain: Normalised) -> Score:
    rest = 1 - judged.value
    for one in unusual:
        rest *= 1 - one.weight
    if judged.evidence:  # which has places, where what is unusual is all of the text
        return Score(1 - rest, judged.evidence)
    return _placed(Score(1 - rest, unusual), plain.span)


def _placed(judged: Score, placed: _Placing) -> Score:
    """
    Move what was found to where it stood in the text as it was.
    """
    if not judged.evidence:
        return judged
    moved = []
    for one in judged.evidence:
        start, end = placed(one.start, one.end)
        moved.append(one._replace(start=start, end=end))
    return Score(judged.value, moved)


def _through(reading: Reading, plain: Normalised) -> _Placing:
    return lambda start, end: plain.span(*reading.span(start, end))


def _all(start: int, end: int) -> _Placing:
    return lambda _, __: (start, end)


def _value(judged: Score) -> float:
    return judged.value


def _told(judged: Score) -> list[Find]:
    """
    Tell the strongest places, those of one family that overlap as one.
    """
    severity, value = _severity(judged.value), round(judged.value, 3)
    strongest = sorted(judged.evidence, key=lambda one: -one.weight)[:MAX_FINDS]
    merged: list[Find] = []
    for one in sorted(strongest, key=lambda one: (one.family, one.start)):
        last = merged[-1] if merged else None
        if last and last.type == one.family and one.start <= last.end:
            merged[-1] = last._replace(end=max(last.end, one.end))
        else:
            merged.append(Find(one.start, one.end, one.family, severity, value))
    return sorted(merged)


def _severity(value: float) -> Severity:
    if value >= 0.85:
        return "high"
    return "medium" if value >= 0.6 else "low"


def _moved(finds: Sequence[Find], by: int) -> Sequence[Find]:
    if not by:
        return finds
    return [find._replace(start=find.start + by, end=find.end + by) for find in finds]
