"""
Azure's Prompt Shields: attacks in what a user says, and in what documents and tools bring.

Source: https://learn.microsoft.com/azure/ai-services/content-safety/concepts/jailbreak-detection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import attrs

from gateway.detecting import Detector, DetectorTools, Find, Opinion, Passage, Question
from gateway.settings import told
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.asking import all_of, check_may_ask, within
from gateway_guardrails.remote.azure_service import (
    RECORDS,
    AzureOptions,
    AzureService,
    is_version,
    records_of,
)
from gateway_guardrails.remote.bundles import bundles_of
from gateway_guardrails.remote.opinions import Heard, gathered

__all__ = ["AZURE_SHIELD", "AzureShieldJudge", "AzureShieldOptions"]

MAX_PROMPT_CHARACTERS: Final = 10_000
#: Documents of one call, and their characters together.
MAX_DOCUMENTS: Final = 5
MAX_DOCUMENTS_CHARACTERS: Final = 10_000

_INSTRUCTORS: Final = frozenset({"system", "developer"})


@attrs.frozen(kw_only=True)
class AzureShieldOptions(AzureOptions):
    """
    What a rule says of Prompt Shields.

    Attributes:
        judges_instructions: System and developer messages are judged too, as documents.  They
            give orders by their nature, so that this finds more than attacks.
        api_version: The API's version.
    """

    judges_instructions: bool = attrs.field(
        default=False,
        metadata=told("Whether system and developer messages are judged too."),
    )
    api_version: str = attrs.field(
        default="2024-09-01",
        validator=is_version,
        metadata=told("The API's version."),
    )


class AzureShieldJudge:
    """
    Asks ``text:shieldPrompt``: a user's words as the prompt, all others' as documents.
    """

    def __init__(self, options: AzureShieldOptions, tools: DetectorTools) -> None:
        self._options = options
        self._service = AzureService(options, tools)

    async def judge(self, question: Question) -> Opinion:
        """
        Judge all passages.
        """
        check_may_ask(question)
        prompts: list[str] = []
        documents: list[str] = []
        for passage in question.passages:
            if self._is_judged(passage):
                is_prompt = _is_users(passage)
                limit = MAX_PROMPT_CHARACTERS if is_prompt else MAX_DOCUMENTS_CHARACTERS
                bundles = bundles_of([("", passage.text)], limit=limit)
                parts = [bundle.text for bundle in bundles]
                (prompts if is_prompt else documents).extend(parts)
        async with within(self._options.timeout_s):
            heard = await all_of(
                self._ask(prompt, batch or [])
                for prompt, batch in zip_longest(prompts, _batches(documents))
            )
        return gathered(heard, len(question.passages), self._options.prices)

    async def close(self) -> None:
        """
        Do nothing: the way out is the gateway's.
        """

    def _is_judged(self, passage: Passage) -> bool:
        is_instruction = (
            passage.place.role in _INSTRUCTORS and passage.place.kind == "message"
        )
        return self._options.judges_instructions or not is_instruction

    async def _ask(self, prompt: str | None, documents: Sequence[str]) -> Heard:
        asked: dict[str, Any] = {}
        if prompt is not None:
            asked["userPrompt"] = prompt
        if documents:
            asked["documents"] = list(documents)
        version = self._options.api_version
        answer = await self._service.call("text:shieldPrompt", version, asked)
        records = records_of(prompt or "", *documents)
        heard = Heard(units=Counter({RECORDS: records}))
        if prompt is not None and _has_attack(
            answers.table(answer, "userPromptAnalysis")
        ):
            heard.whole.append(Find(0, 0, "prompt_attack", "high"))
        heard.whole.extend(_of_documents(answer, len(documents)))
        return heard


def _is_users(passage: Passage) -> bool:
    return passage.place.role == "user" and passage.place.kind == "message"


def _batches(documents: Sequence[str]) -> Iterator[list[str]]:
    """
    Yield *documents* in batches that one call takes.
    """
    batch: list[str] = []
    size = 0
    for document in documents:
        size += len(document)
        if batch and (len(batch) == MAX_DOCUMENTS or size > MAX_DOCUMENTS_CHARACTERS):
            yield batch
            batch, size = [], len(document)
        batch.append(document)
    if batch:
        yield batch


def _of_documents(answer: Mapping[str, Any], asked: int) -> Iterator[Find]:
    if not asked:
        return
    analyses = answers.rows(answer, "documentsAnalysis")
    if len(analyses) != asked:
        raise failures.partial(f"{len(analyses)} of {asked} documents")
    for analysis in analyses:
        if _has_attack(analysis):
            yield Find(0, 0, "document_attack", "high")


def _has_attack(analysis: Mapping[str, Any]) -> bool:
    return answers.flag(analysis, "attackDetected")


AZURE_SHIELD: Final = Detector(
    name="azure_shield",
    Options=AzureShieldOptions,
    make=AzureShieldJudge,
    is_local=False,
    stages=frozenset({"input"}),
    redacts=False,
    summary="Prompt attacks, by Azure's Prompt Shields.",
)
