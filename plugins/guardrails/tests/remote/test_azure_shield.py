"""
Azure's Prompt Shields.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.azure import shield

from gateway.detecting import DetectorFailed, Passage, Place
from gateway.settings import SecretRef
from gateway_guardrails.remote import AZURE_SHIELD

KEY = SecretRef.parse("env.AZURE_KEY")


@pytest.fixture
async def judge(azure, tools):
    """
    A judge with the defaults.
    """
    async with made(AZURE_SHIELD, tools, endpoint=azure.url, key=KEY) as it:
        yield it


def said(text: str, role: str, kind: str = "message") -> Passage:
    return Passage(text, Place(stage="input", role=role, kind=kind))


async def test_a_users_words_are_the_prompt_and_others_are_documents(azure, judge):
    """
    What tools and documents bring is judged as such; the operator's own words are not.
    """
    await judge.judge(
        question(
            said("be kind", "system"),
            said("hello", "user"),
            said("page", "tool", "tool_result"),
            said("paper", "user", "document"),
            said("I said", "assistant"),
        )
    )

    assert azure.asked == [
        {"userPrompt": "hello", "documents": ["page", "paper", "I said"]}
    ]


async def test_instructions_are_judged_where_that_is_told(azure, tools):
    """
    Where callers write the system prompt it is no better than a document.
    """
    options = {"endpoint": azure.url, "key": KEY, "judges_instructions": True}
    async with made(AZURE_SHIELD, tools, **options) as judge:
        await judge.judge(question(said("obey", "system")))

    assert azure.asked == [{"documents": ["obey"]}]


async def test_tells_an_attack_in_a_prompt_from_one_in_a_document(azure, judge):
    """
    Each has its own type.
    """
    azure.shielded = lambda asked: shield(asked, prompt=True, documents=(0,))

    opinion = await judge.judge(
        question(said("hello", "user"), said("page", "tool", "tool_result"))
    )

    assert [find.type for find in opinion.whole] == ["prompt_attack", "document_attack"]


async def test_allows_what_is_no_attack(azure, judge):
    """
    Nothing found is an opinion without finds.
    """
    opinion = await judge.judge(question("hello"))

    assert opinion.whole == ()
    assert opinion.units == {"text_records": 1}


async def test_keeps_to_the_limits_of_one_call(azure, judge):
    """
    Seven documents, two of them long, and a long prompt: several calls, all within bounds.
    """
    pages = [
        said("p" * size, "tool", "tool_result") for size in (9_000,) * 2 + (10,) * 5
    ]

    await judge.judge(question(said("q" * 12_000, "user"), *pages))

    documents = [text for one in azure.asked for text in one.get("documents", [])]
    prompts = [one["userPrompt"] for one in azure.asked if "userPrompt" in one]
    assert sorted(map(len, documents)) == [10] * 5 + [9_000] * 2
    assert sum(map(len, prompts)) >= 12_000


async def test_fewer_analyses_than_documents_are_no_pass(azure, judge):
    """
    A document without an analysis was not judged.
    """
    azure.shielded = lambda asked: {"documentsAnalysis": []}

    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(question(said("page", "tool", "tool_result")))


async def test_a_prompt_without_an_analysis_is_garbage(azure, judge):
    """
    Likewise the prompt.
    """
    azure.shielded = lambda asked: {}

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("hello"))
