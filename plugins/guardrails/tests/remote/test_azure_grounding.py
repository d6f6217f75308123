"""
Azure's detection of what an answer's sources do not say.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.azure import grounded

from gateway.detecting import DetectorFailed, Find
from gateway.settings import SecretRef
from gateway_guardrails.remote import AZURE_GROUNDING

KEY = SecretRef.parse("env.AZURE_KEY")
ANSWER = "\N{GRINNING FACE} Paris has ten million towers."


@pytest.fixture
async def judge(azure, tools):
    """
    A judge with the defaults.
    """
    async with made(AZURE_GROUNDING, tools, endpoint=azure.url, key=KEY) as it:
        yield it


def answer(text=ANSWER, sources=("Paris has one tower.",), query="How many towers?"):
    return question(text, stage="output", sources=sources, query=query)


async def test_sends_question_sources_and_answer(azure, judge):
    """
    The request's own documents and tool results are what an answer is held against.
    """
    opinion = await judge.judge(answer())

    assert opinion.finds == ((),)
    assert azure.asked == [
        {
            "domain": "Generic",
            "task": "QnA",
            "qna": {"query": "How many towers?"},
            "text": ANSWER,
            "groundingSources": ["Paris has one tower."],
            "reasoning": False,
        }
    ]


async def test_places_count_characters(azure, judge):
    """
    Offsets in code points are what a text is indexed by here.
    """
    azure.grounded = lambda asked: grounded(("ten million", 12), share=0.4)

    opinion = await judge.judge(answer())

    assert opinion.finds == ((Find(12, 23, "ungrounded", "medium", 0.4),),)


async def test_a_place_that_does_not_fit_its_text_is_looked_for(azure, judge):
    """
    The text that the service quotes tells where it is.
    """
    azure.grounded = lambda asked: grounded(("ten million", 11), share=0.4)

    opinion = await judge.judge(answer())

    assert [ANSWER[f.start : f.end] for f in opinion.finds[0]] == ["ten million"]


async def test_without_places_all_of_it_is_ungrounded(azure, judge):
    """
    A find without a place is one all the same.
    """
    azure.grounded = lambda asked: grounded(share=0.4, found=True)

    opinion = await judge.judge(answer())

    assert [find.type for find in opinion.whole] == ["ungrounded"]


async def test_a_small_part_may_lack_grounds(azure, tools):
    """
    Below the least share an answer is let through.
    """
    azure.grounded = lambda asked: grounded(("ten", 12), share=0.1)
    options = {"endpoint": azure.url, "key": KEY, "least_share": 0.2}
    async with made(AZURE_GROUNDING, tools, **options) as judge:
        opinion = await judge.judge(answer())

    assert opinion.finds == ((),)
    assert opinion.whole == ()


async def test_nothing_is_said_without_sources(azure, tools):
    """
    There is nothing to hold an answer against, unless that is a failure.
    """
    options = {"endpoint": azure.url, "key": KEY}
    async with made(AZURE_GROUNDING, tools, **options) as judge:
        opinion = await judge.judge(answer(sources=()))
    async with made(AZURE_GROUNDING, tools, needs_sources=True, **options) as strict:
        with pytest.raises(DetectorFailed, match="partial_coverage"):
            await strict.judge(answer(sources=()))

    assert opinion.finds == ((),)
    assert azure.asked == []


async def test_an_answer_to_no_question_is_a_summary(azure, judge):
    """
    QnA needs a question.
    """
    await judge.judge(answer(query=""))

    assert azure.asked[0]["task"] == "Summarization"


@pytest.mark.parametrize(
    "beyond",
    [{"sources": ("s" * 55_001,)}, {"query": "q" * 7_501}],
    ids=["sources", "query"],
)
async def test_what_the_service_would_not_take_is_no_pass(azure, judge, beyond):
    """
    Nothing is cut off in silence.
    """
    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(answer(**beyond))

    assert azure.asked == []
