"""
The detector of denied topics: by words alone, which is all that it claims.

A topic is told by phrases, each of which is enough, and by examples, whose rarer words are taken
as its terms.  A stretch of a sentence is of that topic if enough of an example's terms stand in it.
So it finds what is said in the topic's words, and nothing that is said in others; and it cannot
tell who speaks *about* a topic from who wants it.  For meaning, ask a model (a remote guardrail).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Place, Severity
from gateway.errors import ConfigError, Problem
from gateway_guardrails.words.detector import entries_of
from gateway_guardrails.words.folding import folded
from gateway_guardrails.words.lexicon import WORD, Entry, Lexicon
from gateway_guardrails.words.stemming import LANGUAGES, is_stopword, stem_of

__all__ = ["TOPICS", "Topic", "TopicsDetector", "TopicsOptions"]

#: So far from its first term a sentence is waited for.
REACH: Final = 400
#: Examples and phrases of one rule.
MOST_SENTENCES: Final = 2_000
_LEAST_TERMS: Final = 2
_LEAST_TERM: Final = 3
_SENTENCE_END: Final = re.compile(r"[.!?][)\"'\]]?\s|\n|[\u3002\uff01\uff1f]")
_TYPE: Final = re.compile(r"[^a-z0-9]+")


@attrs.frozen(kw_only=True)
class Topic:
    """
    A topic that is not wanted.
    """

    name: str = attrs.field(metadata={"help": "What it is called."})
    phrases: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Each of them is enough."}
    )
    examples: tuple[str, ...] = attrs.field(
        default=(),
        metadata={"help": "Sentences of that topic; their words are its terms."},
    )
    language: str = attrs.field(
        default="en", metadata={"help": "Whose endings do not matter."}
    )
    severity: Severity = attrs.field(
        default="medium", metadata={"help": "How much it matters."}
    )


@attrs.frozen(kw_only=True)
class TopicsOptions:
    """
    What a rule may say about topics.
    """

    topics: tuple[Topic, ...] = attrs.field(
        default=(), metadata={"help": "The topics that are not wanted."}
    )
    overlap: float = attrs.field(
        default=0.6,
        metadata={
            "help": "The share of an example's terms that is enough, above 0 to 1."
        },
    )


@attrs.frozen
class _Example:
    """
    The terms of one example: stems, each with its weight.
    """

    topic: int
    weights: Mapping[str, float]
    total: float


@attrs.frozen
class TopicsDetector:
    """
    Finds stretches of text that are of a denied topic.
    """

    topics: tuple[Topic, ...]
    phrases: Lexicon = attrs.field(repr=False)
    terms: Lexicon = attrs.field(repr=False)
    examples: Mapping[str, tuple[_Example, ...]] = attrs.field(repr=False)
    overlap: float
    context: int = 1

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find them; see `gateway.detecting.TextDetector.find`.
        """
        shown = folded(text)
        safe = len(text)
        if not final:
            safe = min(
                self.phrases.open_from(shown, start), self.terms.open_from(shown, start)
            )
        found = [self._find(one.start, one.end, int(one.entry.label), 1.0)
                 for one in self.phrases.told(shown, start)]  # fmt: skip
        if len(self.terms):
            more, safe = self._by_terms(shown, start, safe, final=final)
            found += more
        return sorted({one for one in found if one.start < safe}), safe

    def _by_terms(
        self, text: str, start: int, safe: int, *, final: bool
    ) -> tuple[list[Find], int]:
        """
        Take the text stretch by stretch, each from a term to the end of its sentence.
        """
        terms = sorted(
            {
                (one.start, one.end, one.entry.words[0])
                for one in self.terms.told(text, start)
            }
        )
        found: list[Find] = []
        reached = 0
        for first, (begin, _, _) in enumerate(terms):
            if begin < reached or begin >= safe:
                continue
            stop = _stretch_end(text, begin)
            if stop is None and not final:
                return found, min(safe, begin)
            reached = stop if stop is not None else len(text)
            found += self._judge([one for one in terms[first:] if one[0] < reached])
        return found, safe

    def _judge(self, terms: Sequence[tuple[int, int, str]]) -> Iterator[Find]:
        here = {stem for _, _, stem in terms}
        best: dict[int, float] = {}
        for example in {
            id(one): one for stem in here for one in self.examples[stem]
        }.values():
            matched = [stem for stem in here if stem in example.weights]
            score = sum(example.weights[stem] for stem in matched) / example.total
            is_enough = len(matched) >= min(_LEAST_TERMS, len(example.weights))
            if is_enough and score >= self.overlap:
                best[example.topic] = max(best.get(example.topic, 0.0), score)
        end = max(end for _, end, _ in terms)
        for topic, score in best.items():
            yield self._find(terms[0][0], end, topic, round(min(1.0, score), 3))

    def _find(self, start: int, end: int, topic: int, score: float) -> Find:
        told = self.topics[topic]
        type_ = "topic_" + _TYPE.sub("_", folded(told.name).lower()).strip("_")
        return Find(start, end, type_, told.severity, score)


def _stretch_end(text: str, begin: int) -> int | None:
    end = _SENTENCE_END.search(text, begin, begin + REACH)
    if end is not None:
        return end.end()
    return begin + REACH if len(text) >= begin + REACH else None


def _terms_of(sentence: str, language: str) -> list[str]:
    words = WORD.findall(folded(sentence).lower())
    return list(
        dict.fromkeys(
            stem_of(word, language)
            for word in words
            if len(word) >= _LEAST_TERM and not is_stopword(word, language)
        )
    )


def make(options: TopicsOptions, tools: DetectorTools) -> TopicsDetector:
    """
    Make a detector with a rule's options.

    Raises:
        ConfigError: A topic says nothing, or too much, or a value cannot be.
    """
    _check(options)
    drawn = [
        (number, topic.language, _terms_of(example, topic.language))
        for number, topic in enumerate(options.topics)
        for example in topic.examples
    ]
    examples = _weighed(drawn)
    entries = {
        Entry((stem,), language, "") for _, language, stems in drawn for stem in stems
    }
    phrases = (
        entry
        for number, topic in enumerate(options.topics)
        for entry in entries_of(
            topic.phrases,
            language=topic.language,
            label=str(number),
            path=f"topics[{number}].phrases",
        )
    )
    return TopicsDetector(
        options.topics, Lexicon(phrases), Lexicon(entries), examples, options.overlap
    )


def _check(options: TopicsOptions) -> None:
    problems = list(_problems(options))
    if problems:
        raise ConfigError(problems)


def _problems(options: TopicsOptions) -> Iterator[Problem]:
    if not options.topics:
        yield Problem("must be one at least", path="topics")
    if not 0 < options.overlap <= 1:
        msg = f"must be above 0 and at most 1, not {options.overlap}"
        yield Problem(msg, path="overlap")
    for number, topic in enumerate(options.topics):
        path = f"topics[{number}]"
        if topic.language not in LANGUAGES:
            msg = f"{topic.language!r} is none of {' '.join(LANGUAGES)}"
            yield Problem(msg, path=f"{path}.language")
        elif not topic.phrases and not any(
            _terms_of(one, topic.language) for one in topic.examples
        ):
            msg = "must have phrases, or examples with words of its own"
            yield Problem(msg, path=path)
    told = sum(len(one.phrases) + len(one.examples) for one in options.topics)
    if told > MOST_SENTENCES:
        msg = f"must be {MOST_SENTENCES} phrases and examples at most, not {told}"
        yield Problem(msg, path="topics")


def _weighed(
    drawn: Iterable[tuple[int, str, list[str]]],
) -> Mapping[str, tuple[_Example, ...]]:
    """
    Weigh each term: one that stands in every topic tells little of any.
    """
    drawn = [one for one in drawn if one[2]]
    topics_of: dict[str, set[int]] = {}
    for topic, _, stems in drawn:
        for stem in stems:
            topics_of.setdefault(stem, set()).add(topic)
    spread = Counter({stem: len(topics) for stem, topics in topics_of.items()})
    found: dict[str, list[_Example]] = {}
    for topic, _, stems in drawn:
        weights = {stem: 1.0 / spread[stem] for stem in stems}
        example = _Example(topic, weights, sum(weights.values()))
        for stem in stems:
            found.setdefault(stem, []).append(example)
    return {stem: tuple(examples) for stem, examples in found.items()}


TOPICS: Final = Detector(
    name="topics",
    Options=TopicsOptions,
    make=make,
    summary="Denied topics by their words: phrases, and the terms of examples; not by meaning.",
)
