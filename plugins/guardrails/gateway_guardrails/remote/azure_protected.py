"""
Azure's detection of protected material: song texts, articles, recipes that others own.

Source: https://learn.microsoft.com/azure/ai-services/content-safety/concepts/protected-material.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Opinion, Question
from gateway.settings import told
from gateway_guardrails.remote import answers
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.azure_service import (
    RECORDS,
    AzureOptions,
    AzureService,
    is_version,
    records_of,
)
from gateway_guardrails.remote.bundles import Bundle
from gateway_guardrails.remote.opinions import Heard, gathered
from gateway_guardrails.remote.parts import OVERLAP, Part, parts_of

__all__ = ["AZURE_PROTECTED", "AzureProtectedJudge", "AzureProtectedOptions"]

#: Azure takes texts of so many characters; a shorter one is too short to be anybody's.
MIN_CHARACTERS: Final = 110
MAX_CHARACTERS: Final = 1_000


@attrs.frozen(kw_only=True)
class AzureProtectedOptions(AzureOptions):
    """
    What a rule says of protected material.

    Attributes:
        api_version: The API's version.
    """

    api_version: str = attrs.field(
        default="2024-09-01",
        validator=is_version,
        metadata=told("The API's version."),
    )


class AzureProtectedJudge:
    """
    Asks ``text:detectProtectedMaterial``, window by window: a find is as wide as its window.
    """

    def __init__(self, options: AzureProtectedOptions, tools: DetectorTools) -> None:
        self._options = options
        self._service = AzureService(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(Bundle.of(number, passage.text), window)
                for number, passage in enumerate(question.passages)
                for window in windows_of(passage.text)
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Do nothing: the way out is the gateway's.
        """

    async def _ask(self, passage: Bundle, window: Part) -> Heard:
        answer = await self._service.call(
            "text:detectProtectedMaterial",
            self._options.api_version,
            {"text": window.text},
        )
        heard = Heard(units=Counter({RECORDS: records_of(window.text)}))
        if answers.flag(answers.table(answer, "protectedMaterialAnalysis"), "detected"):
            find = Find(0, len(window.text), "protected_material", "high")
            heard.add(window.placed(find), passage)
        return heard


def windows_of(text: str) -> list[Part]:
    """
    Cut *text* into windows that Azure takes; none where it is too short.
    """
    if len(text) < MIN_CHARACTERS:
        return []
    # The last one is longer than what it shares with the one before, and so than the least.
    return parts_of(text, MAX_CHARACTERS, OVERLAP)


AZURE_PROTECTED: Final = Detector(
    name="azure_protected",
    Options=AzureProtectedOptions,
    make=AzureProtectedJudge,
    is_local=False,
    stages=frozenset({"output"}),
    needs_whole=True,
    summary="Protected material in answers, by Azure AI Content Safety.",
)
