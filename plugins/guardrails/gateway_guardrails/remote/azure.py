"""
Azure AI Content Safety: harmful content by severity, and blocklists.

Source: https://learn.microsoft.com/azure/ai-services/content-safety/concepts/harm-categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from gateway.detecting import (
    Detector,
    DetectorTools,
    Find,
    Opinion,
    Question,
    Severity,
)
from gateway.settings import between, told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.azure_client import AnalyzeClient, check_extra
from gateway_guardrails.remote.azure_service import (
    RECORDS,
    AzureOptions,
    AzureService,
    is_version,
    records_of,
)
from gateway_guardrails.remote.bundles import Bundle, bundles_of
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.parts import occurrences

__all__ = ["AZURE", "MAX_CHARACTERS", "AzureJudge", "AzureOptions"]

Category = Literal["Hate", "SelfHarm", "Sexual", "Violence"]

#: Characters, Unicode's, that one call takes.
MAX_CHARACTERS: Final = 10_000
_CATEGORIES: Final[tuple[Category, ...]] = ("Hate", "SelfHarm", "Sexual", "Violence")
_TYPES: Final = {"SelfHarm": "self_harm"}
#: The highest severity, and what the answer is called, by the number of levels.
_LEVELS: Final[Mapping[int, tuple[int, str]]] = {
    4: (6, "FourSeverityLevels"),
    8: (7, "EightSeverityLevels"),
}


@attrs.frozen(kw_only=True)
class AzureAnalyzeOptions(AzureOptions):
    """
    What a rule says of an analysis.

    Attributes:
        categories: What is looked for.
        levels: How finely severity is told: 4 tells 0, 2, 4 and 6, 8 tells 0 to 7.
        threshold: The least severity that is a find.  4 is where Azure OpenAI's own filter
            stands by default.
        thresholds: Others, by category.
        blocklists: Names of the resource's blocklists.
        halt_on_blocklist_hit: After a hit categories are not looked for.
        join_characters: Short texts are sent together up to so many; 0 sends each by itself.
        api_version: The API's version.
    """

    categories: tuple[Category, ...] = attrs.field(
        default=_CATEGORIES,
        validator=attrs.validators.min_len(1),
        metadata=told("What is looked for."),
    )
    levels: Literal[4, 8] = attrs.field(
        default=4, metadata=told("Levels of severity: 4 (0, 2, 4, 6) or 8 (0 to 7).")
    )
    threshold: int = attrs.field(
        default=4,
        validator=between(1, 7),
        metadata=told("The least severity that is a find."),
    )
    thresholds: Mapping[str, int] = attrs.field(
        factory=dict,
        validator=attrs.validators.deep_mapping(
            attrs.validators.in_(_CATEGORIES), between(1, 7)
        ),
        metadata=told("Other thresholds, by category."),
    )
    blocklists: tuple[str, ...] = attrs.field(
        default=(), metadata=told("Names of the resource's blocklists.")
    )
    halt_on_blocklist_hit: bool = attrs.field(
        default=False,
        metadata=told("Whether no category is looked for after a blocklist's hit."),
    )
    join_characters: int = attrs.field(
        default=2_000,
        validator=between(0, MAX_CHARACTERS),
        metadata=told(
            "Short texts are sent together up to so many characters; 0: never."
        ),
    )
    api_version: str = attrs.field(
        default="2023-10-01",
        validator=is_version,
        metadata=told("The API's version."),
    )


class AzureJudge:
    """
    Asks ``text:analyze``.
    """

    def __init__(self, options: AzureAnalyzeOptions, tools: DetectorTools) -> None:
        self._options = options
        service = AzureService(options, tools)
        self._client = AnalyzeClient(service, options.endpoint, options.api_version)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(bundle)
                for bundle in bundles_of(
                    (("", one.text) for one in question.passages),
                    limit=MAX_CHARACTERS,
                    join=self._options.join_characters,
                )
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Let go of the client.
        """
        await self._client.close()

    async def _ask(self, bundle: Bundle) -> Heard:
        options = self._options
        _, output = _LEVELS[options.levels]
        document = {
            "text": bundle.text,
            "categories": list(options.categories),
            "blocklistNames": list(options.blocklists),
            "haltOnBlocklistHit": options.halt_on_blocklist_hit,
            "outputType": output,
        }
        answer = await self._client.analyze(document)
        heard = Heard(units=Counter({RECORDS: records_of(bundle.text)}))
        for find in self._words(answer, bundle.text):
            heard.add(find, bundle)
        has_hit = bool(heard.finds or heard.whole)
        heard.whole.extend(self._severities(answer, may_lack=has_hit))
        return heard

    def _words(self, answer: Mapping[str, Any], text: str) -> Iterator[Find]:
        """
        Yield what stands on blocklists; an entry that is not found as it stands has no place.
        """
        if answer.get("blocklistsMatch") is None:
            # Where nothing matches it is an empty list.
            if self._options.blocklists:
                raise failures.partial("blocklists were not looked at")
            return
        for row in answers.rows(answer, "blocklistsMatch"):
            entry = answers.word(row, "blocklistItemText")
            places = occurrences(entry, text, ignores_case=True)
            for at in places:
                yield Find(at, at + len(entry), "blocklist", "high")
            if not places:
                yield Find(0, 0, "blocklist", "high")

    def _severities(
        self, answer: Mapping[str, Any], *, may_lack: bool
    ) -> Iterator[Find]:
        options = self._options
        highest, _ = _LEVELS[options.levels]
        missing: set[str] = set(options.categories)
        for row in answers.rows(answer, "categoriesAnalysis"):
            category = answers.name(row, "category")
            severity = answers.number(row, "severity")
            missing.discard(category)
            least = options.thresholds.get(category, options.threshold)
            if severity >= least:
                kind = _TYPES.get(category, category.lower())
                score = min(1.0, severity / highest)
                yield Find(0, 0, kind, _severity(severity), score)
        if missing and not (may_lack and options.halt_on_blocklist_hit):
            raise failures.partial("a category was not looked for")


def _severity(level: int) -> Severity:
    if level >= 6:
        return "critical"
    if level >= 4:
        return "high"
    return "medium" if level >= 2 else "low"


def _make(options: AzureAnalyzeOptions, tools: DetectorTools) -> AzureJudge:
    check_extra("azure")
    return AzureJudge(options, tools)


AZURE: Final = Detector(
    name="azure",
    Options=AzureAnalyzeOptions,
    make=_make,
    is_local=False,
    summary="Harmful content and blocklists of Azure AI Content Safety.",
)
