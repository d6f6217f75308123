"""
Amazon Bedrock Guardrails: a guardrail made in AWS, applied to what passes here.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Final

import attrs

from gateway.detecting import (
    Detector,
    DetectorTools,
    Find,
    Opinion,
    Question,
)
from gateway.settings import between, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.assessments import Entry, entries_of, units_of
from gateway_guardrails.remote.aws import AwsOptions, BedrockRuntime, check_extra
from gateway_guardrails.remote.bundles import Bundle, bundles_of
from gateway_guardrails.remote.masks import align
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.parts import occurrences

__all__ = ["BEDROCK", "BedrockJudge", "BedrockOptions"]

#: USD per 1,000 text units; words and patterns of one's own are free.
#: Source: https://aws.amazon.com/bedrock/pricing/, as reported in May 2026.
PRICES: Final[Mapping[str, Decimal]] = {
    "content_policy_units": Decimal("0.15"),
    "topic_policy_units": Decimal("0.15"),
    "sensitive_information_policy_units": Decimal("0.10"),
    "contextual_grounding_policy_units": Decimal("0.10"),
}
#: Characters of what an answer is checked against, and of a question.
MAX_SOURCE_CHARACTERS: Final = 100_000
MAX_QUERY_CHARACTERS: Final = 1_000
MAX_GROUNDED_CHARACTERS: Final = 5_000


@attrs.frozen(kw_only=True)
class BedrockOptions(AwsOptions):
    """
    What a rule says of a guardrail in AWS.

    Attributes:
        id: The guardrail's id or ARN.
        version: A number, or ``DRAFT``.
        grounding: Send the request's tool results and documents, and what was asked, with an
            answer, for contextual grounding.
        max_characters: A longer text is sent in parts.
        join_characters: Short texts are sent together up to so many; 0 sends each by itself.
        prices: USD per 1,000 of each unit; others cost nothing that is known.
    """

    id: str = attrs.field(
        validator=attrs.validators.matches_re(
            r"[a-z0-9]+|arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail/[a-z0-9]+"
        ),
        metadata=told("The guardrail's id or ARN."),
    )
    version: str = attrs.field(
        default="DRAFT",
        validator=attrs.validators.matches_re(r"[1-9]\d{0,7}|DRAFT"),
        metadata=told("Its version: a number, or DRAFT."),
    )
    grounding: bool = attrs.field(
        default=False,
        metadata=told(
            "Check answers against the request's tool results and documents."
        ),
    )
    max_characters: int = attrs.field(
        default=20_000,
        validator=between(1_000, 1_000_000),
        metadata=told("A longer text is sent in parts that overlap."),
    )
    join_characters: int = attrs.field(
        default=2_000,
        validator=between(0, 20_000),
        metadata=told(
            "Short texts are sent together up to so many characters; 0: never."
        ),
    )
    prices: Mapping[str, Decimal] = attrs.field(
        factory=lambda: dict(PRICES),
        metadata=told("USD per 1,000 of each unit that AWS counts."),
    )


class BedrockJudge:
    """
    Asks ``ApplyGuardrail``, with one text a call: only so is it certain what an answer is of.
    """

    def __init__(self, options: BedrockOptions, tools: DetectorTools) -> None:
        self._options = options
        self._runtime = BedrockRuntime(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        beside = self._grounding_of(question)
        bundles = bundles_of(
            (("", one.text) for one in question.passages),
            limit=MAX_GROUNDED_CHARACTERS if beside else self._options.max_characters,
            join=0 if beside else self._options.join_characters,
        )
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(question, bundle, beside) for bundle in bundles
            )
        each = chain.from_iterable(heard)
        return gathered(each, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Let go of connections and threads.
        """
        await self._runtime.close()

    async def _ask(
        self, question: Question, bundle: Bundle, beside: Sequence[Mapping[str, Any]]
    ) -> list[Heard]:
        block: dict[str, Any] = {"text": bundle.text}
        if beside:
            block["qualifiers"] = ["guard_content"]
        answer = await self._runtime.call(
            "apply_guardrail",
            guardrailIdentifier=self._options.id,
            guardrailVersion=self._options.version,
            source="INPUT" if question.stage == "input" else "OUTPUT",
            content=[*beside, {"text": block}],
        )
        heard = Heard(units=Counter(units_of(answers.table(answer, "usage"))))
        try:
            _Reading(bundle, len(beside) + 1, heard).read(answer)
        except _Unplaced:
            if len(bundle.pieces) == 1:
                raise failures.garbage("a mask that has no place in the text") from None
            alone = await all_of(
                self._ask(question, one, beside) for one in bundle.apart()
            )
            return [Heard(units=heard.units), *chain.from_iterable(alone)]
        return [heard]

    def _grounding_of(self, question: Question) -> list[Mapping[str, Any]]:
        """
        Return the blocks that an answer is checked against.
        """
        is_asked = self._options.grounding and question.stage == "output"
        if not is_asked or not question.sources or not question.query:
            return []
        if sum(map(len, question.sources)) > MAX_SOURCE_CHARACTERS:
            raise failures.partial(f"sources beyond {MAX_SOURCE_CHARACTERS} characters")
        if len(question.query) > MAX_QUERY_CHARACTERS:
            raise failures.partial(f"a query beyond {MAX_QUERY_CHARACTERS} characters")
        blocks = [(one, "grounding_source") for one in question.sources if one]
        blocks.append((question.query, "query"))
        return [{"text": {"text": one, "qualifiers": [kind]}} for one, kind in blocks]


class _Unplaced(Exception):
    """
    A mask has no place in a text that is not all of a passage.
    """


@attrs.frozen
class _Reading:
    """
    Reads what was answered about one bundle.
    """

    bundle: Bundle
    blocks: int
    heard: Heard

    def read(self, answer: Mapping[str, Any]) -> None:
        """
        Read it.

        Raises:
            DetectorFailed: It is no answer, or of a part of the text only.
            _Unplaced: It must be asked about in another way.
        """
        action = answers.word(answer, "action")
        _check_coverage(answer)
        entries = list(entries_of(answers.rows(answer, "assessments")))
        heard = self.heard
        heard.is_blocked = any(entry.is_blocked for entry in entries)
        masked = [entry for entry in entries if entry.is_masked]
        if masked and not heard.is_blocked:
            self._read_mask(answer, masked)
        else:
            self._place(masked)
        self._place(entry for entry in entries if not entry.is_masked)
        if action != "NONE" and not heard.is_blocked and not masked:
            # It intervened for a reason that this client does not know.
            heard.is_blocked = True
            heard.whole.append(Find(0, 0, "intervened", "high"))

    def _read_mask(self, answer: Mapping[str, Any], masked: Sequence[Entry]) -> None:
        copy = self._copy(answer)
        words: dict[str, list[str]] = {}
        for entry in masked:
            words.setdefault(entry.mask, []).append(entry.match)
        places = align(self.bundle.text, copy, words)
        if places is not None and {place.name for place in places} == set(words):
            by_mask = {entry.mask: entry for entry in masked}
            for place in places:
                self.heard.add(
                    by_mask[place.name].find(place.start, place.end), self.bundle
                )
        elif self.bundle.is_whole:
            self.heard.masked[self.bundle.number] = copy
        else:
            raise _Unplaced

    def _copy(self, answer: Mapping[str, Any]) -> str:
        """
        Return the masked text: of the only block, or of the last of all.
        """
        outputs = answers.rows(answer, "outputs")
        if len(outputs) not in {1, self.blocks}:
            raise failures.garbage("other outputs than there were texts")
        return answers.word(outputs[-1], "text")

    def _place(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            is_flag = not (entry.is_blocked or entry.is_masked)
            starts = occurrences(entry.match, self.bundle.text)
            for start in starts:
                find = entry.find(start, start + len(entry.match))
                self.heard.add(find, self.bundle, is_flag=is_flag)
            if not starts:
                self.heard.add(entry.find(0, 0), self.bundle, is_flag=is_flag)


def _check_coverage(answer: Mapping[str, Any]) -> None:
    coverage = answer.get("guardrailCoverage")
    if coverage is None:
        return
    for kind in ("textCharacters", "images"):
        counted = answers.row(coverage, "guardrailCoverage").get(kind)
        if counted is None:
            continue
        told = answers.row(counted, kind)
        guarded, total = (answers.number(told, name) for name in ("guarded", "total"))
        if guarded < total:
            raise failures.partial(f"{kind}: {guarded} of {total}")


def _make(options: BedrockOptions, tools: DetectorTools) -> BedrockJudge:
    check_extra("bedrock")
    return BedrockJudge(options, tools)


BEDROCK: Final = Detector(
    name="bedrock",
    Options=BedrockOptions,
    make=_make,
    is_local=False,
    summary="A guardrail of Amazon Bedrock (ApplyGuardrail).",
)
