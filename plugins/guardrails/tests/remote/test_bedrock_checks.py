"""
Bedrock's InvokeGuardrailChecks, through the real boto3.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.bedrock import REGION, checks

from gateway.detecting import DetectorFailed, Find, Passage, Place
from gateway.settings import SecretRef
from gateway_guardrails.remote import BEDROCK_CHECKS

AWS = {
    "region": REGION,
    "access_key": SecretRef.parse("env.AWS_ID"),
    "secret_key": SecretRef.parse("env.AWS_SECRET"),
}


@pytest.fixture
async def judge(bedrock, tools):
    """
    A judge of all checks.
    """
    async with made(BEDROCK_CHECKS, tools, endpoint_url=bedrock.url, **AWS) as it:
        yield it


def place(begins: int, ends: int, kind: str = "EMAIL", confidence: float = 0.9):
    return {
        "type": kind,
        "confidenceScore": confidence,
        "beginOffset": begins,
        "endOffset": ends,
        "messageIndex": 0,
        "contentIndex": 0,
    }


async def test_allows_what_scores_low(bedrock, judge):
    """
    Scores below the least one are no finds; units are counted.
    """
    bedrock.checked = lambda asked: checks(asked, attack={"JAILBREAK": 0.49})

    opinion = await judge.judge(question("hello"))

    assert opinion.whole == ()
    assert opinion.finds == ((),)
    assert opinion.units == {
        "content_filter_text_units": 1,
        "prompt_attack_text_units": 1,
        "sensitive_information_text_units": 1,
    }
    assert opinion.cost_nano == 0


async def test_scores_become_finds_and_never_a_block(bedrock, judge):
    """
    The checks only detect: what follows is the rule's.
    """
    bedrock.checked = lambda asked: checks(
        asked, content={"HATE": 0.6}, attack={"JAILBREAK": 0.9}
    )

    opinion = await judge.judge(question("hello"))

    assert opinion.whole == (
        Find(0, 0, "hate", "medium", 0.6),
        Find(0, 0, "jailbreak", "high", 0.9),
    )
    assert not opinion.is_blocked


async def test_personal_facts_have_their_places(bedrock, judge):
    """
    Offsets count characters, those outside the first plane as one.
    """
    text = "\N{GRINNING FACE} a@b.de"
    bedrock.checked = lambda asked: checks(asked, pii=[place(2, 8)])

    opinion = await judge.judge(question(text))

    assert opinion.finds == ((Find(2, 8, "EMAIL", "medium", 0.9),),)


@pytest.mark.parametrize(
    ("unit", "begins", "ends"), [("codepoint", 2, 8), ("utf16", 3, 9), ("utf8", 5, 11)]
)
async def test_offsets_may_count_something_else(bedrock, tools, unit, begins, ends):
    """
    What AWS counts is a setting, for it is not told.
    """
    bedrock.checked = lambda asked: checks(asked, pii=[place(begins, ends)])
    options = {"offsets": unit, "endpoint_url": bedrock.url, **AWS}
    async with made(BEDROCK_CHECKS, tools, **options) as judge:
        opinion = await judge.judge(question("\N{GRINNING FACE} a@b.de"))

    assert [find[:2] for find in opinion.finds[0]] == [(2, 8)]


async def test_offsets_outside_the_text_are_garbage(bedrock, judge):
    """
    A place that is none is not cut to fit.
    """
    bedrock.checked = lambda asked: checks(asked, pii=[place(0, 99)])

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("a@b.de"))


async def test_what_was_truncated_is_no_pass(bedrock, judge):
    """
    A list of facts that was cut off is partial coverage.
    """
    bedrock.checked = lambda asked: checks(asked, truncated=True)

    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(question("hello"))


async def test_a_check_that_was_not_answered_is_garbage(bedrock, judge):
    """
    All that was asked for must be there.
    """
    bedrock.checked = lambda asked: {"results": {}, "usage": {}}

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("hello"))


async def test_texts_go_together_with_those_of_their_role(bedrock, judge):
    """
    What a tool says is the user's side; and one message a call, for answers are no talk.
    """
    roles = ["user", "assistant", "developer", "tool", None]
    passages = [
        Passage(f"text {number}", Place(stage="input", role=role))
        for number, role in enumerate(roles)
    ]

    await judge.judge(question(*passages))

    asked = {
        one["messages"][0]["role"]: one["messages"][0]["content"][0]["text"]
        for one in bedrock.asked
    }
    assert asked == {
        "user": "text 0\n\ntext 3\n\ntext 4",
        "assistant": "text 1",
        "system": "text 2",
    }
    assert all(len(one["messages"]) == 1 for one in bedrock.asked)


async def test_only_what_is_told_is_checked(bedrock, tools):
    """
    An empty list leaves a check out, and nobody pays for it.
    """
    options = {"content": (), "entities": (), "attacks": ("JAILBREAK",)}
    async with made(
        BEDROCK_CHECKS, tools, endpoint_url=bedrock.url, **options, **AWS
    ) as judge:
        await judge.judge(question("hello"))

    assert bedrock.asked[0]["checks"] == {
        "promptAttack": {"categories": [{"category": "JAILBREAK"}]}
    }


def test_checks_of_nothing_are_a_fault():
    """
    A rule that checks nothing would look like one that passes everything.
    """
    with pytest.raises(ValueError, match="nothing to check"):
        BEDROCK_CHECKS.Options(content=(), attacks=(), entities=())
