"""
The detector of words and phrases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Place, Severity
from gateway.errors import ConfigError, Problem
from gateway_guardrails.words.folding import folded
from gateway_guardrails.words.lexicon import (
    MOST_CHARACTERS,
    WORD,
    Entry,
    Lexicon,
    masked,
)
from gateway_guardrails.words.presets import PRESETS, words_of
from gateway_guardrails.words.stemming import LANGUAGES, stem_of

__all__ = ["WORDS", "WordsDetector", "WordsOptions"]

#: Words and phrases of one rule.
MOST_ENTRIES: Final = 50_000

Match = Literal["exact", "stem"]


@attrs.frozen(kw_only=True)
class WordsOptions:
    """
    What a rule may say about words.
    """

    words: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Words and phrases, of no language."}
    )
    languages: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=dict,
        metadata={"help": "Words and phrases by language: en, de, fr, es, it, pt, nl."},
    )
    presets: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Lists that come along, as profanity.en."}
    )
    match: Match = attrs.field(
        default="exact",
        metadata={"help": "exact, or stem: endings do not matter, by language."},
    )
    masks: bool = attrs.field(
        default=False,
        metadata={"help": "Whether words with stars for letters inside are found too."},
    )
    severity: Severity = attrs.field(
        default="medium", metadata={"help": "How much each of them matters."}
    )
    type: str = attrs.field(
        default="denied_word", metadata={"help": "What a find is called."}
    )


@attrs.frozen
class WordsDetector:
    """
    Finds words and phrases, whatever their case and diacritics.

    Attributes:
        context: What stands before a word decides whether it begins there.
    """

    lexicon: Lexicon = attrs.field(repr=False)
    severity: Severity = "medium"
    context: int = 1

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find them; see `gateway.detecting.TextDetector.find`.
        """
        shown = folded(text)
        safe = len(text) if final else self.lexicon.open_from(shown, start)
        found: dict[int, Find] = {}
        for told in self.lexicon.told(shown, start):
            known = found.get(told.start)
            if told.start < safe and (known is None or known.end < told.end):
                found[told.start] = Find(
                    told.start, told.end, told.entry.label, self.severity
                )
        return [found[at] for at in sorted(found)], safe


def entries_of(
    phrases: Iterable[str],
    *,
    language: str | None,
    label: str,
    path: str,
    masks: bool = False,
) -> Iterator[Entry]:
    """
    Make entries of words and phrases as somebody wrote them.

    Args:
        path: Which option has them.

    Raises:
        ConfigError: One has no letter, or too many.
    """
    for phrase in phrases:
        words = tuple(WORD.findall(folded(phrase).lower()))
        if not words or len(phrase) > MOST_CHARACTERS:
            msg = f"each must have 1 to {MOST_CHARACTERS} characters, and a letter"
            raise ConfigError([Problem(msg, path=path)])
        stems = tuple(stem_of(word, language) for word in words) if language else words
        yield Entry(stems, language, label)
        if masks and len(words) == 1:
            for hidden in masked(words[0]):
                yield Entry((hidden,), None, label)


def make(options: WordsOptions, tools: DetectorTools) -> WordsDetector:
    """
    Make a detector with a rule's options.

    Raises:
        ConfigError: There is nothing to look for, too much, or a name is not known.
    """
    problems: list[Problem] = []
    entries = list(_entries(options, problems))
    if problems:
        raise ConfigError(problems)
    if not 0 < len(entries) <= MOST_ENTRIES:
        msg = f"must be 1 to {MOST_ENTRIES} with those of languages and presets"
        raise ConfigError([Problem(msg, path="words")])
    return WordsDetector(Lexicon(entries), options.severity)


def _entries(options: WordsOptions, problems: list[Problem]) -> Iterator[Entry]:
    for language, words, path in _lists(options, problems):
        stems = language if options.match == "stem" else None
        try:
            yield from entries_of(
                words,
                language=stems,
                label=options.type,
                path=path,
                masks=options.masks,
            )
        except ConfigError as exc:
            problems += exc.problems


def _lists(
    options: WordsOptions, problems: list[Problem]
) -> Iterator[tuple[str | None, Sequence[str], str]]:
    """
    Yield each list of words with its language and the option that has it.
    """
    yield None, options.words, "words"
    for language, words in options.languages.items():
        path = f"languages.{language}"
        if language in LANGUAGES:
            yield language, words, path
        else:
            problems.append(_none_of(language, LANGUAGES, path))
    for number, preset in enumerate(options.presets):
        path = f"presets[{number}]"
        if preset in PRESETS:
            yield preset.rpartition(".")[2], words_of(preset), path
        else:
            problems.append(_none_of(preset, PRESETS, path))


def _none_of(told: str, known: Iterable[str], path: str) -> Problem:
    return Problem(f"{told!r} is none of {' '.join(known)}", path=path)


WORDS: Final = Detector(
    name="words",
    Options=WordsOptions,
    make=make,
    summary="Words and phrases by lists: as they are or by stem, whatever case and diacritics.",
)
