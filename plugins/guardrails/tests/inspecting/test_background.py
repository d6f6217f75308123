"""
In the background: an answer passes, and is cut when somebody says no.
"""

from __future__ import annotations

import asyncio

import pytest
from spoken_streams import STREAMED, frames_of, seen_through

from gateway.errors import Blocked, Unavailable
from gateway.filters import Outcome
from gateway.tasks import Tasks
from gateway.testing import make_response
from gateway.views import Chunk
from gateway_guardrails.inspecting.background import MOST, WINDOW, BackgroundFilter
from gateway_guardrails.inspecting.plan import Plan

CHAT = STREAMED["openai_chat"]


@pytest.fixture(params=STREAMED.values(), ids=str)
def dialect(request):
    return request.param


@pytest.fixture
async def passing(inspecting, kit):
    """
    Open a filter whose judge does something; returns the filter, the judge and the notes.
    """
    tasks = Tasks()

    def opened(does, **rest):
        judge = kit.SmallJudge(kit.JudgeOptions(does=does))
        told = {"action": "block", "streaming": "async", **rest}
        inspection = inspecting()
        plan = Plan.of([kit.rule(judges=[judge], **told)], "output")

        def spawn(work):
            return tasks.spawn(work, name="test")

        made = BackgroundFilter(inspection, plan, inspection.exchange.request, spawn)
        return made, judge, inspection.notes

    yield opened
    await tasks.join(1.0)


async def test_passes_at_once(passing):
    """
    Text leaves as it comes; the event that ends the answer waits for the verdict.
    """
    made, judge, _ = passing("allow")
    judge.gate = asyncio.Event()
    *first, last, done = [Chunk(CHAT, one) for one in frames_of(CHAT, ["a ", "b"])][:5]

    left = [chunk for one in first[:3] for chunk in await made.feed([one])]
    ending = asyncio.ensure_future(made.feed([last, done]))
    await asyncio.wait_for(judge.is_asked.wait(), 5)
    waited = not ending.done()
    judge.gate.set()

    assert left == first[:3]
    assert waited
    assert await ending == [last, done]


async def test_asks_about_windows(passing):
    """
    A long answer is asked about window by window, each with a little of what came before.
    """
    made, judge, _ = passing("allow")
    pieces = [f"{at:04d} " * 60 for at in range(10)]

    await seen_through(made, CHAT, frames_of(CHAT, pieces))

    texts = [question.passages[0].text for question in judge.questions]
    assert len(texts) >= 3
    assert all(len(text) >= WINDOW for text in texts[:-1])
    assert all(texts[0][-150:] in text for text in texts[1:2])
    assert "".join(pieces).endswith(texts[-1][-50:])


async def test_cuts(passing, dialect):
    """
    A no cuts the answer, at the latest before it ends.
    """
    made, _, notes = passing("block")

    with pytest.raises(Blocked):
        await seen_through(made, dialect, frames_of(dialect, ["so ", "bad"]))

    assert [finding.action for finding in notes.findings] == ["block"]


async def test_flags(passing, dialect):
    """
    What only flags changes nothing.
    """
    made, _, notes = passing("find", action="flag")
    frames = frames_of(dialect, ["so ", "bad"])

    seen = await seen_through(made, dialect, frames)

    assert seen.frames == frames
    assert {finding.type for finding in notes.findings} == {"BAD"}


async def test_a_judge_that_fails(passing, dialect):
    """
    An answer that could not be judged does not end well.
    """
    made, _, _ = passing("fail")

    with pytest.raises(Unavailable):
        await seen_through(made, dialect, frames_of(dialect, ["x"]))


async def test_whole_answers(passing):
    """
    A whole answer waits for its verdict.
    """
    made, _, _ = passing("block")
    said = {"role": "assistant", "content": "bad"}

    with pytest.raises(Blocked):
        await made.feed_response(
            make_response({"choices": [{"index": 0, "message": said}]})
        )


async def test_no_more_waits_than_is_bounded(passing):
    """
    An answer that comes faster than it is judged passes, and that it was not all looked at is
    told; what waits takes no more memory for it.
    """
    made, judge, notes = passing("allow", action="flag")
    judge.gate = asyncio.Event()
    frames = frames_of(CHAT, ["word " * 4000] * 40)
    chunks = [Chunk(CHAT, one) for one in frames]

    for chunk in chunks[:-2]:
        await made.feed([chunk])
        await asyncio.sleep(0)  # so that who is asked begins
    judge.gate.set()
    await made.feed(chunks[-2:])
    await made.flush()

    lengths = [len(one.passages[0].text) for one in judge.questions]
    assert max(lengths) <= MOST + 20_000
    assert sum(lengths) < 40 * 20_000
    assert notes.failures == {("pii", False): 1}


async def test_a_long_answer_that_is_whole_is_looked_at_whole(passing):
    """
    Nothing else comes, so that nobody is behind.
    """
    made, judge, notes = passing("allow", action="flag")
    said = {"role": "assistant", "content": "word " * MOST}

    await made.feed_response(
        make_response({"choices": [{"index": 0, "message": said}]})
    )

    assert [len(one.passages[0].text) for one in judge.questions] == [5 * MOST]
    assert not notes.failures


async def test_whoever_leaves_ends_the_asking(passing):
    """
    When the stream is over, however it ended, nobody is asked on.
    """
    made, judge, _ = passing("allow")
    judge.gate = asyncio.Event()
    chunks = [Chunk(CHAT, one) for one in frames_of(CHAT, ["word " * 300])]
    await made.feed(chunks[:2])
    await asyncio.wait_for(judge.is_asked.wait(), 5)
    (asking,) = [task for task in asyncio.all_tasks() if task.get_name() == "test"]

    await made.close(Outcome.LEFT)
    await asyncio.wait([asking], timeout=5)

    assert asking.cancelled()
