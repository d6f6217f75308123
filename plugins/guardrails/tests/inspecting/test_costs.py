"""
What inspection costs, in processor time: on top of passing a stream on, and of a request's texts.

The bounds are those promised for streams; what this machine does stands far below them.
"""

from __future__ import annotations

import time

import pytest
from spoken_streams import CALLING, frames_of

from gateway.testing import make_request
from gateway.views import Chunk
from gateway_guardrails.inspecting.incoming import RequestInspector
from gateway_guardrails.inspecting.plan import Plan
from gateway_guardrails.inspecting.window import WindowFilter
from gateway_guardrails.redaction import Originals, RestoringFilter

WORDS = ("The quick brown fox jumps over the lazy dog and goes home. " * 30).split(" ")
ROUNDS = 5


async def cost_us(made, dialect, read):
    """
    Return what an event costs at best, in microseconds.
    """
    frames = frames_of(dialect, [f"{word} " for word in WORDS])
    best = 1e9
    for _ in range(ROUNDS):
        chunks = [Chunk(dialect, frame) for frame in frames]
        for chunk in chunks:
            chunk.texts()  # read for whoever looks first
        looking = made()
        started = time.process_time()
        for at in range(0, len(chunks), read):
            await looking.feed(chunks[at : at + read])
        await looking.flush()
        best = min(best, (time.process_time() - started) / len(chunks) * 1e6)
    return best


@pytest.mark.parametrize(("read", "bound_us"), [(20, 15), (1, 30)])
@pytest.mark.parametrize("dialect", CALLING.values(), ids=str)
async def test_a_window(inspecting, kit, dialect, read, bound_us):
    """
    Three detectors by two rules stay below the bound, also if every event comes alone.
    """
    rules = kit.rule("mail", "card"), kit.rule("tail", name="tails")
    plan = Plan.of(rules, "output")

    cost = await cost_us(lambda: WindowFilter(inspecting(), plan), dialect, read)

    assert cost < bound_us


@pytest.mark.parametrize("dialect", CALLING.values(), ids=str)
async def test_restoring(dialect):
    """
    Putting back what is not named costs no more.
    """
    originals = Originals({f"<EMAIL_{at}>": "x" for at in range(1, 100)})

    cost = await cost_us(lambda: RestoringFilter(originals, print), dialect, 1)

    assert cost < 30


async def test_a_turn_that_was_seen(inspecting, scanner, kit):
    """
    A long conversation whose turns are known costs a few microseconds a turn.
    """
    turns = [
        {"role": ("user", "assistant")[at % 2], "content": f"{at} " + "word " * 200}
        for at in range(200)
    ]
    plan = Plan.of([kit.rule("mail", "card")], "input")
    inspector = RequestInspector(scanner=scanner)
    best = 1e9
    for _ in range(ROUNDS):
        request = make_request({"model": "m", "messages": turns})
        request.texts()
        inspection = inspecting()
        started = time.process_time()
        await inspector.inspect(inspection, request, plan)
        best = min(best, (time.process_time() - started) / len(turns) * 1e6)

    assert best < 40


@pytest.mark.parametrize("hostile", ["<" * 200_000, "<A" * 100_000, "<A_1" * 50_000])
async def test_hostile_texts_are_restored_in_linear_time(hostile):
    """
    A text full of what begins like a placeholder takes no longer than its length allows.
    """
    dialect = CALLING["openai_chat"]
    frames = frames_of(
        dialect, [hostile[at : at + 100] for at in range(0, len(hostile), 100)]
    )
    chunks = [Chunk(dialect, frame) for frame in frames]
    looking = RestoringFilter(Originals({"<EMAIL_1>": "x"}), print)

    started = time.process_time()
    for chunk in chunks:
        await looking.feed([chunk])
    await looking.flush()

    assert time.process_time() - started < 2.0
