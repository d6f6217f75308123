"""
Ways round a guardrail in what is answered, 21 to 30 of the checklist.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from bypasses import ASKED, CARD, HI, VERSION, WORD, chat, responses

from gateway.testing import Citation, Insert, Script, ToolCall
from gateway_caching import CachingPlugin

ARGUMENTS = json.dumps({"q": f"say {WORD}", "n": 1})
ANSWERS = [
    (
        22,
        Script(
            tool_calls=(ToolCall(name="f", pieces=(ARGUMENTS[:12], ARGUMENTS[12:])),)
        ),
    ),
    (23, Script(text="ok", reasoning=f"the {WORD} thinks")),
    (24, Script(refusal=f"no {WORD}")),
    (
        24,
        Script(
            text="see there",
            citations=(Citation(url="https://a.example", title=WORD, end=3),),
        ),
    ),
    (26, Script(pieces=("a zebra", "canary sings"))),
    (26, Script(text=f"a {WORD} sings", split=30)),
]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(("number", "script"), ANSWERS, ids=str)
async def test_words_in_an_answer(start, fake, number, script, dialect, is_stream):
    """
    22 to 26: tool calls, reasoning, refusals, citations, streams; the word, which reaches the
    caller where no rule counts, reaches nobody.
    """
    path, document = ASKED[dialect]
    said = []

    for rules in ({}, None):
        fake.script("m", script)
        client = await start(rules)
        answer = await client.post(path, {**document, "stream": is_stream}, VERSION)
        said.append(spoken(answer, is_stream=is_stream))

    assert [WORD in one for one in said] == [True, False], (dialect, number)


def spoken(answer, *, is_stream):
    """
    Return all that an answer says, what a stream says in pieces put together by its key.
    """
    by_key = {}

    def walk(value, key):
        if isinstance(value, str):
            by_key[key] = by_key.get(key, "") + value
        elif isinstance(value, dict):
            for name, below in value.items():
                walk(below, name)
        elif isinstance(value, list):
            for below in value:
                walk(below, key)

    walk(answer.events() if is_stream and answer.status == 200 else answer.json, "")
    return "\n".join(by_key.values())


async def test_21_every_choice(start, fake):
    """
    21: of several answers each is looked at.
    """
    fake.script("m", Script(text=f"card {CARD}"))
    client = await start()

    for is_stream in (False, True):
        answer = await client.post(*chat(HI, n=3, stream=is_stream))

        assert answer.status == 200
        assert b"4111" not in answer.body
        assert answer.body.count(b"<CREDIT_CARD_1>") == 3


async def test_24_log_probabilities_say_the_text_again(start, fake):
    """
    24: beside a text that was redacted they are blanked.
    """
    fake.script("m", Script(text=f"card {CARD}", extra={}))
    client = await start()

    answer = await client.post(*chat(HI, logprobs=True, top_logprobs=2))

    assert b"1111" not in answer.body


async def test_25_events_that_say_it_again(start, fake):
    """
    25: the closing events of Responses repeat the text, redacted as it was streamed.
    """
    fake.script("m", Script(text=f"card {CARD} ok", split=7))
    client = await start()

    answer = await client.post(*responses("hi", stream=True))

    events = {event["type"]: event for event in answer.events()}
    redacted = "card <CREDIT_CARD_1> ok"
    assert b"1111" not in answer.body
    assert events["response.output_text.done"]["text"] == redacted
    output = events["response.completed"]["response"]["output"]
    assert output[0]["content"][0]["text"] == redacted


@pytest.mark.parametrize("dialect", ASKED)
async def test_27_cut_at_every_byte(start, fake, dialect):
    """
    27: bytes that come one by one, inside a character, a frame, an escape.
    """
    fake.script("m", Script(text=f"grün é {CARD} 日本 ok", split=9, chunk_bytes=1))
    path, document = ASKED[dialect]
    client = await start()

    answer = await client.post(path, {**document, "stream": True}, VERSION)

    assert answer.status == 200
    assert b"1111" not in answer.body
    assert b"CREDIT_CARD_1" in answer.body


@pytest.mark.parametrize("dialect", ASKED)
async def test_28_events_that_nobody_has_heard_of(start, fake, dialect):
    """
    28: what is not known is text, and looked at.
    """
    said = json.dumps({"type": "brand.new", "words": [WORD]})
    frame = f"event: brand.new\ndata: {said}\n\n"
    fake.script("m", Script(text="ok", inserts=(Insert(1, frame),)))
    path, document = ASKED[dialect]
    client = await start()

    answer = await client.post(path, {**document, "stream": True}, VERSION)

    assert WORD.encode() not in answer.body


async def test_29_a_blocked_stream_ends_in_order(start, fake):
    """
    29: the end, in the dialect's words, once, and the provider is left.
    """
    fake.script(
        "m",
        Script(
            pieces=("good words ", f"and a {WORD} ", "never ending"), never_end=True
        ),
    )
    client = await start()

    async with asyncio.timeout(20):
        answer = await client.post(*chat(HI, stream=True))

    assert WORD.encode() not in answer.body
    assert answer.body.endswith(b"data: [DONE]\n\n")
    reasons = [c["finish_reason"] for e in answer.events() for c in e["choices"]]
    assert reasons[-1] == "content_filter"


@pytest.mark.parametrize("dialect", ASKED)
async def test_30_nothing_said_is_no_fault(start, fake, dialect):
    """
    30: an empty answer to an empty question.
    """
    fake.script("m", Script(text=""))
    path, document = ASKED[dialect]
    client = await start()

    for is_stream in (False, True):
        answer = await client.post(path, {**document, "stream": is_stream}, VERSION)
        assert answer.status == 200


@pytest.mark.parametrize("frame", [f": {WORD}\n\n", f": {WORD}\n", f"id: {WORD}\n"])
@pytest.mark.parametrize("is_cached", [False, True], ids=["alone", "cached"])
async def test_lines_beside_an_event(start, fake, frame, is_cached):
    """
    Comments and ids, which no detector is shown, reach nobody; from a cache neither, which keeps
    what came as it came.
    """
    others = [("caching", CachingPlugin)] if is_cached else []
    tables = {"caching": {"store": "memory", "default": {"sampled": True}}}
    insert = Insert(before=1, frame=frame)
    fake.script("m", Script(text="a good day", split=3, inserts=(insert,)))
    client = await start(None, *others, tables=tables if is_cached else None)

    answers = [await client.post(*chat(HI, stream=True)) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert not any(WORD in answer.body.decode() for answer in answers)
    if is_cached:
        assert answers[1].headers["x-gw-cache"] == "hit"
