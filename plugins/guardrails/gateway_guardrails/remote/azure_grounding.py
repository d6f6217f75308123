"""
Azure's detection of what is not grounded in the sources of an answer.

Source: https://learn.microsoft.com/azure/ai-services/content-safety/concepts/groundedness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Opinion, Question
from gateway.settings import between, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.azure_service import (
    RECORDS,
    AzureOptions,
    AzureService,
    is_version,
    records_of,
)
from gateway_guardrails.remote.bundles import Bundle, bundles_of
from gateway_guardrails.remote.offsets import span_of
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.parts import occurrences

__all__ = ["AZURE_GROUNDING", "AzureGroundingJudge", "AzureGroundingOptions"]

#: Characters of an answer and of a question, and of all sources together.
MAX_CHARACTERS: Final = 7_500
MAX_SOURCE_CHARACTERS: Final = 55_000


@attrs.frozen(kw_only=True)
class AzureGroundingOptions(AzureOptions):
    """
    What a rule says of grounding.

    Attributes:
        domain: What the talk is about.
        task: ``QnA`` tells Azure what was asked; where that is not known, it is a summary.
        least_share: An answer of which less is ungrounded is let through.
        needs_sources: An answer without sources cannot be judged, which is a failure; else
            there is nothing to say of it.
        api_version: The API's version; there are only previews.
    """

    domain: Literal["Generic", "Medical"] = attrs.field(
        default="Generic", metadata=told("What the talk is about.")
    )
    task: Literal["QnA", "Summarization"] = attrs.field(
        default="QnA", metadata=told("Whether a question is answered.")
    )
    least_share: float = attrs.field(
        default=0.0,
        validator=between(0, 1),
        metadata=told("An answer of which less is ungrounded is let through, 0 to 1."),
    )
    needs_sources: bool = attrs.field(
        default=False,
        metadata=told("Whether an answer without sources counts as not judged."),
    )
    api_version: str = attrs.field(
        default="2024-09-15-preview",
        validator=is_version,
        metadata=told("The API's version."),
    )


class AzureGroundingJudge:
    """
    Asks ``text:detectGroundedness``.
    """

    def __init__(self, options: AzureGroundingOptions, tools: DetectorTools) -> None:
        self._options = options
        self._service = AzureService(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        sources = [one for one in question.sources if one]
        if not sources:
            if self._options.needs_sources:
                raise failures.partial("no sources to judge by")
            return gathered([], len(question.passages), {})
        beside = self._beside(question, sources)
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(bundle, beside)
                for bundle in bundles_of(
                    (("", one.text) for one in question.passages), limit=MAX_CHARACTERS
                )
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Do nothing: the way out is the gateway's.
        """

    def _beside(self, question: Question, sources: list[str]) -> dict[str, Any]:
        """
        Return what is sent beside the answer.
        """
        if sum(map(len, sources)) > MAX_SOURCE_CHARACTERS:
            raise failures.partial(f"sources beyond {MAX_SOURCE_CHARACTERS} characters")
        told: dict[str, Any] = {
            "domain": self._options.domain,
            "task": self._options.task if question.query else "Summarization",
            "groundingSources": sources,
            "reasoning": False,
        }
        if told["task"] == "QnA":
            if len(question.query) > MAX_CHARACTERS:
                raise failures.partial(f"a query beyond {MAX_CHARACTERS} characters")
            told["qna"] = {"query": question.query}
        return told

    async def _ask(self, bundle: Bundle, beside: Mapping[str, Any]) -> Heard:
        answer = await self._service.call(
            "text:detectGroundedness",
            self._options.api_version,
            {**beside, "text": bundle.text},
        )
        records = records_of(bundle.text, *beside["groundingSources"])
        heard = Heard(units=Counter({RECORDS: records}))
        is_ungrounded = answers.flag(answer, "ungroundedDetected")
        share = answers.score(answer, "ungroundedPercentage")
        if is_ungrounded and share >= self._options.least_share:
            for find in _places(answer, bundle.text, share):
                heard.add(find, bundle)
            if not heard.finds:
                heard.whole.append(Find(0, 0, "ungrounded", "medium", share))
        return heard


def _places(answer: Mapping[str, Any], text: str, score: float) -> Iterator[Find]:
    """
    Yield the ungrounded places; one whose offsets do not fit its text is looked for.
    """
    if answer.get("ungroundedDetails") is None:
        return
    for row in answers.rows(answer, "ungroundedDetails"):
        said = answers.word(row, "text")
        start, size = (
            answers.number(answers.table(row, name), "codePoint")
            for name in ("offset", "length")
        )
        if said and text[start : start + size] != said:
            start, size = next(iter(occurrences(said, text)), start), len(said)
        span = span_of(text, start, start + size, "codepoint")
        yield Find(*span, "ungrounded", "medium", score)


AZURE_GROUNDING: Final = Detector(
    name="azure_grounding",
    Options=AzureGroundingOptions,
    make=AzureGroundingJudge,
    is_local=False,
    stages=frozenset({"output"}),
    needs_whole=True,
    summary="What an answer says that its sources do not, by Azure AI Content Safety.",
)
