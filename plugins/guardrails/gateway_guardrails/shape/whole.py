"""
The detector of what a text as a whole must be: its length, patterns, role, JSON by a schema.

It needs the whole text, so that an answer that is streamed waits for its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from gateway import codec
from gateway.detecting import Detector, DetectorTools, Find, Place, Severity
from gateway.errors import ConfigError, Problem
from gateway_guardrails.patterns import Pattern
from gateway_guardrails.shape.detector import compiled
from gateway_guardrails.shape.schema import Schema, SchemaInvalid

__all__ = ["WHOLE_SHAPE", "WholeShapeDetector", "WholeShapeOptions"]


@attrs.frozen(kw_only=True)
class WholeShapeOptions:
    """
    What a rule may say about a text as a whole.
    """

    must: Mapping[str, str] = attrs.field(
        factory=dict,
        metadata={"help": "Patterns (RE2) that it must have, by name."},
    )
    min_characters: int = attrs.field(
        default=0, metadata={"help": "Characters that it must have at least."}
    )
    max_characters: int | None = attrs.field(
        default=None, metadata={"help": "Characters that it may have at most."}
    )
    min_words: int = attrs.field(
        default=0, metadata={"help": "Words that it must have at least."}
    )
    max_words: int | None = attrs.field(
        default=None, metadata={"help": "Words that it may have at most."}
    )
    json: bool = attrs.field(default=False, metadata={"help": "It must be JSON."})
    json_schema: Mapping[str, Any] | None = attrs.field(
        default=None, metadata={"help": "It must be JSON of this schema."}
    )
    roles: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "Whose texts there may be; left out: anybody's."}
    )
    kinds: tuple[str, ...] = attrs.field(
        default=(),
        metadata={"help": "What texts there may be, as message; left out: any."},
    )
    severity: Severity = attrs.field(
        default="medium", metadata={"help": "How much each of them matters."}
    )


@attrs.frozen
class WholeShapeDetector:
    """
    Finds a text that is not what it must be; the find is all of it, or what is too much.
    """

    options: WholeShapeOptions
    must: tuple[tuple[str, Pattern], ...] = attrs.field(repr=False)
    schema: Schema | None = attrs.field(repr=False)
    context: int = 0

    def find(
        self, text: str, start: int, *, final: bool, place: Place
    ) -> tuple[Sequence[Find], int]:
        """
        Find them once all is there; see `gateway.detecting.TextDetector.find`.
        """
        if not final:
            return (), start
        if not text:
            return (), 0
        severity = self.options.severity
        found = [
            Find(begin, len(text), name, severity)
            for name, begin in self._faults(text, place)
        ]
        return sorted(found), len(text)

    def _faults(self, text: str, place: Place) -> Iterator[tuple[str, int]]:
        options = self.options
        if options.roles and place.role is not None and place.role not in options.roles:
            yield "role", 0
        if options.kinds and place.kind not in options.kinds:
            yield "kind", 0
        if len(text) < options.min_characters:
            yield "too_short", 0
        if options.max_characters is not None and len(text) > options.max_characters:
            yield "too_long", options.max_characters
        if options.min_words or options.max_words is not None:
            yield from self._word_faults(text)
        for name, pattern in self.must:
            if pattern.search(text) is None:
                yield f"missing_{name}", 0
        if options.json or self.schema is not None:
            yield from self._json_faults(text)

    def _word_faults(self, text: str) -> Iterator[tuple[str, int]]:
        count, most = len(text.split()), self.options.max_words
        if count < self.options.min_words:
            yield "too_few_words", 0
        if most is not None and count > most:
            rest = text.split(None, most)[-1] if most else text
            yield "too_many_words", text.rindex(rest)

    def _json_faults(self, text: str) -> Iterator[tuple[str, int]]:
        try:
            document = codec.read(text.encode("utf-8", "replace"))
        except codec.JsonError:
            yield "no_json", 0
            return
        if self.schema is not None and not self.schema.fits(document):
            yield "json_schema", 0


def make(options: WholeShapeOptions, tools: DetectorTools) -> WholeShapeDetector:
    """
    Make a detector with a rule's options.

    Raises:
        ConfigError: Patterns or the schema are none.
    """
    problems: list[Problem] = []
    must = compiled("must", options.must, problems)
    schema = None
    if options.json_schema is not None:
        try:
            schema = Schema(options.json_schema)
        except SchemaInvalid as exc:
            problems.append(Problem(str(exc), path="json_schema"))
    if problems:
        raise ConfigError(problems)
    return WholeShapeDetector(options, must, schema)


WHOLE_SHAPE: Final = Detector(
    name="whole_shape",
    Options=WholeShapeOptions,
    make=make,
    needs_whole=True,
    summary="What a text must be as a whole: length, patterns, role, JSON by a schema.",
)
