"""
The buffer: whole texts are judged before any of them leaves.
"""

from __future__ import annotations

import asyncio

import pytest
from spoken_streams import CALLING, STREAMED, frames_of, seen_through

from gateway.errors import Blocked, Unavailable
from gateway.testing import make_response
from gateway.views import Chunk
from gateway_guardrails.inspecting.buffer import BufferFilter
from gateway_guardrails.inspecting.plan import Plan

CHAT = STREAMED["openai_chat"]


@pytest.fixture(params=STREAMED.values(), ids=str)
def dialect(request):
    return request.param


@pytest.fixture
def judging(inspecting, scanner, kit):
    """
    Open a buffer whose judge does something; returns the filter and the judge.
    """

    def opened(does, *detectors, needs_whole=False, **rest):
        judge = kit.SmallJudge(kit.JudgeOptions(does=does))
        chosen = kit.rule(*detectors, judges=[judge], needs_whole=needs_whole, **rest)
        inspection = inspecting()
        plan = Plan.of([chosen], "output")
        request = inspection.exchange.request
        return BufferFilter(inspection, plan, scanner, request), judge

    return opened


async def test_holds_each_text_to_its_end(judging):
    """
    No text leaves before it is judged; then all of it does.
    """
    made, judge = judging("allow", action="block")
    frames = frames_of(CHAT, ["a ", "long ", "answer"])

    left = [
        [chunk.encode() for chunk in await made.feed([Chunk(CHAT, frame)])]
        for frame in frames
    ]

    said = [b"long" in b"".join(out) for out in left]
    assert said.index(True) == 4  # with the event that ends the choice
    assert [one.text for one in judge.questions[0].passages] == ["a long answer"]
    assert b"".join(b"".join(out) for out in left) == b"".join(frames)


async def test_blocks(judging, dialect):
    """
    What a judge blocks never leaves, in any dialect.
    """
    made, _ = judging("block", action="block")

    with pytest.raises(Blocked, match="blocked this answer"):
        await seen_through(made, dialect, frames_of(dialect, ["so ", "ba", "d!"]))


async def test_redacts_with_scans_beside(judging, dialect):
    """
    What a judge masks and what a detector finds is taken out together.
    """
    made, _ = judging("mask", "mail", action="redact")
    frames = frames_of(dialect, ["so ba", "d, ask bob", "@x.org; bad"])

    seen = await seen_through(made, dialect, frames)

    want = "so <MASKED_1>, ask <EMAIL_1>; <MASKED_1>"
    assert list(seen.said().values()) == [want]
    assert all(value == want for _, value in seen.repeats())


@pytest.mark.parametrize("dialect", CALLING.values(), ids=str)
async def test_one_question_for_all_that_ended(judging, dialect):
    """
    The strings of a call's arguments are judged together, not one by one.
    """
    made, judge = judging("find", action="redact")
    calls = [['{"a": "one", "b"', ': ["bad", "two"]}']]

    seen = await seen_through(made, dialect, frames_of(dialect, ["x"], calls), read=99)

    assert seen.of_kind("tool_arguments") == ['{"a": "one", "b": ["<BAD_1>", "two"]}']
    assert len(judge.questions) <= 2
    assert {"one", "bad", "two"} <= {
        passage.text for question in judge.questions for passage in question.passages
    }


async def test_an_answer_wanted_whole_is_held_to_its_end(judging, dialect):
    """
    A judge that wants the answer whole gets all of it at once, and nothing leaves before.
    """
    made, judge = judging("allow", action="block", needs_whole=True)
    chunks = [Chunk(dialect, one) for one in frames_of(dialect, ["a ", "b"])]

    before = [await made.feed([chunk]) for chunk in chunks]
    after = await made.flush()

    assert not any(before)
    assert [id(chunk) for chunk in after] == [id(chunk) for chunk in chunks]
    assert len(judge.questions) == 1


async def test_whole_answers(judging):
    """
    A whole answer is judged at once, and edited.
    """
    made, judge = judging("find", action="redact")
    said = {"role": "assistant", "content": "bad", "refusal": "bad too"}
    response = make_response({"choices": [{"index": 0, "message": said}]})

    await made.feed_response(response)

    assert [text.value for text in response.texts()] == ["<BAD_1>", "<BAD_1> too"]
    assert len(judge.questions) == 1


@pytest.mark.parametrize(("on_failure", "raises"), [("closed", True), ("open", False)])
async def test_a_judge_that_fails(judging, dialect, on_failure, raises):
    """
    An answer that could not be judged is cut, or let through where that is told.
    """
    made, _ = judging("fail", action="block", on_failure=on_failure)
    frames = frames_of(dialect, ["x"])

    if raises:
        with pytest.raises(Unavailable, match="throttled"):
            await seen_through(made, dialect, frames)
    else:
        assert (await seen_through(made, dialect, frames)).frames == frames


async def test_whoever_leaves_gets_nothing(judging):
    """
    A stream that ends while a judge thinks lets nothing out.
    """
    made, judge = judging("allow", action="block")
    judge.gate = asyncio.Event()
    chunks = [Chunk(CHAT, one) for one in frames_of(CHAT, ["secret"])]
    feeding = asyncio.ensure_future(made.feed(chunks))
    await asyncio.wait_for(judge.is_asked.wait(), 5)

    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding

    assert await made.flush() == []
