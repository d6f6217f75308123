"""
Originals are put back wherever the answer names what stands for them.
"""

from __future__ import annotations

import json
import time

import pytest
from spoken_streams import CALLING, STREAMED, cuts_of, frames_of, seen_through

from gateway.testing import make_response
from gateway_guardrails.redaction import Originals, RestoringFilter

ORIGINALS = {
    "<EMAIL_1>": 'o"hara@acme.com',
    "<EMAIL_12>": "ann@y.com",
    "Robin Birch": "Jane Doe",
    "robin@example.com": "jane@acme.com",
}
TEXT = "<EMAIL_1>, <EMAIL_12> <EMAIL_2> <b> x < <EMAIL_ Robin Birchwood, Robin Birch!"
WANT = 'o"hara@acme.com, ann@y.com <EMAIL_2> <b> x < <EMAIL_ Robin Birchwood, Jane Doe!'


@pytest.fixture(params=STREAMED.values(), ids=str)
def dialect(request):
    return request.param


@pytest.fixture
def told():
    return []


@pytest.fixture
def restoring(told):
    return lambda: RestoringFilter(Originals(ORIGINALS), lambda: told.append(1))


async def test_every_two_way_cut(restoring, dialect):
    """
    Wherever a placeholder is cut, the caller gets the original, and never a part of neither.
    """
    for parts in cuts_of(TEXT):
        seen = await seen_through(restoring(), dialect, frames_of(dialect, parts))

        assert list(seen.said().values()) == [WANT]
        assert all(WANT.startswith(prefix) for _, prefix in seen.prefixes())
        assert all(value == WANT for _, value in seen.repeats())


@pytest.mark.parametrize("dialect", CALLING.values(), ids=str)
async def test_arguments(restoring, dialect):
    """
    In arguments originals are written as JSON, whatever is in them.
    """
    source = r'{"to": "\u003cEMAIL_1> or robin@example.com", "n": 1.50}'
    for at in range(1, len(source)):
        calls = [[source[:at], source[at:]]]

        seen = await seen_through(
            restoring(), dialect, frames_of(dialect, ["x"], calls)
        )

        (arguments,) = seen.of_kind("tool_arguments")
        assert json.loads(arguments)["to"] == 'o"hara@acme.com or jane@acme.com'
        assert '"n": 1.50' in arguments


JSON_TEXT = '{"to": "<EMAIL_1>", "text": "Robin Birch"}'


async def test_answers_that_are_json_stay_it(dialect):
    """
    Where the answer is JSON, what is put back is written as in a string, however it is cut.
    """
    originals = Originals({**ORIGINALS, "Robin Birch": "-BEGIN-\nMII\\n"})
    for parts in cuts_of(JSON_TEXT):
        restoring = RestoringFilter(originals, lambda: None)

        seen = await seen_through(restoring, dialect, frames_of(dialect, parts))

        (said,) = seen.said().values()
        assert json.loads(said) == {"to": 'o"hara@acme.com', "text": "-BEGIN-\nMII\\n"}
        assert all(value == said for _, value in seen.repeats())


@pytest.mark.parametrize("style", ["<CARD_1>", "5555550000000000"])
async def test_numbers_are_numbers_again(dialect, style):
    """
    What stood for a number without quotes is one where it is all of a string, or a number.
    """
    originals = Originals()
    originals.add(style, "4111111111111111", is_number=True)
    text = f'{{"card": "{style}", "note": "of {style}"}}'
    want = '{"card": 4111111111111111, "note": "of 4111111111111111"}'
    for parts in [list(text), *cuts_of(text)]:
        restoring = RestoringFilter(originals, lambda: None)

        seen = await seen_through(restoring, dialect, frames_of(dialect, parts))

        assert list(seen.said().values()) == [want]
        assert all(value == want for _, value in seen.repeats())


async def test_whole_answers(restoring, told):
    """
    Whole answers are restored as well, and somebody is told.
    """
    said = {"role": "assistant", "content": TEXT}
    response = make_response({"choices": [{"index": 0, "message": said}]})

    await restoring().feed_response(response)

    assert response.doc["choices"][0]["message"]["content"] == WANT
    assert told


async def test_answers_without_any_are_byte_identical(restoring, dialect, told):
    """
    An answer that names nothing leaves as it came, and nobody is told.
    """
    frames = frames_of(dialect, ["if a < b: ", "<EMAIL", "_9> and <html>"])

    seen = await seen_through(restoring(), dialect, frames)

    assert seen.frames == frames
    assert not told


@pytest.mark.parametrize("token", [*ORIGINALS])
def test_at_the_end_of_a_text(token):
    """
    What stands last in a text is found, however long others are.
    """
    originals = Originals({**ORIGINALS, "x" * 80: "y"})

    (place,) = originals.places(f"is {token}", 3)

    assert place == (3, 3 + len(token), ORIGINALS[token], False)


def test_shows_nothing(restoring):
    """
    No value is in what a log would show of it.
    """
    assert "acme" not in repr(restoring())


def test_many_lookalikes_are_found_fast():
    """
    However many values a conversation has, a text is searched in time by its length.
    """
    values = {f"robin.birch{at}@example.com": f"{at}@acme.com" for at in range(5_000)}
    originals = Originals(values)
    text = "ask robin.birch4321@example.com or robin.birch49999@example.com " * 200

    started = time.process_time()
    places = originals.places(text, 0)

    assert time.process_time() - started < 2.0
    assert [place.original for place in places] == ["4321@acme.com"] * 200
