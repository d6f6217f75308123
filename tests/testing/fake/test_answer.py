"""
Deciding what is said.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.answer import Said, compose, cut
from gateway.testing.fake.ask import Ask, Tool
from gateway.testing.fake.errors import VendorError
from gateway.testing.fake.script import Script, ToolCall, Usage
from gateway.testing.fake.seal import Seal


def say(script=None, **fields):
    ask = Ask(body={}, model="m", **{"echo": "hi", "input_tokens": 10, **fields})
    return compose(ask, script or Script(), number=3, seal=Seal("x"))


@pytest.mark.parametrize(
    ("script", "fields", "text"),
    [
        (Script(), {}, "echo: hi"),
        (Script(text="no"), {}, "no"),
        (Script(text=""), {}, ""),
        (Script(pieces=("a", "b")), {}, "ab"),
        (Script(refusal="no"), {}, ""),
        (Script(tool_calls=(ToolCall(name="f"),)), {}, ""),
        (Script(), {"wants_json": True}, '{"echo":"hi"}'),
        (Script(), {"wants_json": True, "schema": {"type": "integer"}}, "1"),
    ],
    ids=repr,
)
def test_text(script, fields, text):
    """
    The script's text comes first, then what the request wants, then an echo.
    """
    assert say(script, **fields).said[0].text == text


@pytest.mark.parametrize(
    ("text", "count", "pieces"),
    [
        ("", None, ()),
        ("abcdefghij", None, ("abcd", "efgh", "ij")),
        ("abcdefghij", 3, ("abc", "def", "ghij")),
        ("ab", 5, ("a", "b")),
        ("ab", 1, ("ab",)),
    ],
    ids=repr,
)
def test_cuts(text, count, pieces):
    """
    Cuts are even, and no piece is empty.
    """
    assert cut(text, count) == pieces


def test_a_long_text_is_not_cut_into_crumbs():
    """
    A text of any length makes about 64 pieces.
    """
    assert len(cut("x" * 100_000)) == 64


def test_given_pieces_are_kept():
    """
    Pieces are streamed as scripted, empty ones too.
    """
    said = say(Script(pieces=("a", "", "bc"))).said[0]

    assert said.pieces == ("a", "", "bc")


def test_stops_before_a_stop_sequence():
    """
    The text ends before the first one that occurs, which is told.
    """
    said = say(Script(text="one two three"), stops=("three", "two")).said[0]

    assert (said.text, said.stop, said.stop_sequence) == (
        "one ",
        "stop_sequence",
        "two",
    )


def test_stop_sequences_that_do_not_occur_change_nothing():
    """
    A stop sequence alone is no reason to stop.
    """
    assert say(stops=("zzz",)).said[0].stop == "end"


def test_never_says_more_than_the_cap():
    """
    Reasoning, text and arguments together stay within the cap.
    """
    script = Script(
        reasoning="r" * 8,
        text="t" * 8,
        tool_calls=(ToolCall(name="f", arguments="a" * 8),),
    )

    said = say(script, cap=5).said[0]

    assert (said.reasoning, said.text) == ("r" * 8, "t" * 8)
    assert [call.arguments for call in said.calls] == ["a" * 4]
    assert (said.stop, say(script, cap=5).tokens.output) == ("length", 5)


def test_a_cap_drops_calls_that_were_not_begun():
    """
    Of two calls, the one that the cap leaves no room for is not made.
    """
    call = ToolCall(name="f", arguments="a" * 8)

    said = say(Script(tool_calls=(call, call)), cap=2).said[0]

    assert len(said.calls) == 1


def test_a_cap_cuts_between_characters():
    """
    A character that does not fit as a whole is left out.
    """
    assert say(Script(text="€€€"), cap=1).said[0].text == "€"


def test_a_cap_cuts_a_refusal():
    """
    A refusal is written by the model, too.
    """
    assert say(Script(refusal="never ever"), cap=1).said[0].refusal == "neve"


def test_pieces_are_cut_along():
    """
    A capped text keeps its pieces as far as they go.
    """
    said = say(Script(pieces=("ab", "cdef", "g")), cap=1).said[0]

    assert said.pieces == ("ab", "cd")


def test_a_vendor_may_overrun_the_cap():
    """
    A script can say more than the caller allowed.
    """
    said = say(Script(text="x" * 99, ignores_cap=True), cap=1).said[0]

    assert (len(said.text), said.stop) == (99, "end")


def test_choices_differ():
    """
    Each alternative can be told from the others.
    """
    texts = [said.text for said in say(choices=3).said]

    assert texts == ["echo: hi", "echo: hi [1]", "echo: hi [2]"]


def test_calls_the_tool_that_is_forced():
    """
    A required tool is called with arguments that fit its schema.
    """
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}

    said = say(forced=Tool("weather", schema)).said[0]

    assert said.calls == (ToolCall(name="weather", arguments='{"city":"city"}'),)
    assert (said.stop, said.text) == ("tool", "")


def test_a_custom_tool_gets_text():
    """
    A custom tool is called with free text.
    """
    said = say(forced=Tool("shell", is_custom=True)).said[0]

    assert said.calls[0].arguments == "hi"


def test_scripted_text_is_stronger_than_a_forced_tool():
    """
    The script is followed even where the vendor would not.
    """
    assert say(Script(text="no"), forced=Tool("f")).said[0].calls == ()


def test_a_schema_without_sense_is_refused():
    """
    A schema that is none is the caller's fault.
    """
    with pytest.raises(VendorError, match="Invalid schema"):
        say(wants_json=True, schema={"type": "object", "properties": [1]})


def test_thinks_where_it_was_asked_to():
    """
    Reasoning comes from the script, or where the request wants it.
    """
    assert say().said[0].reasoning == ""
    assert say(reasons=True).said[0].reasoning != ""
    assert say(Script(reasoning="hm")).said[0].reasoning == "hm"
    assert say(Script(reasoning_pieces=("h", "m"))).said[0].reasoning_pieces == (
        "h",
        "m",
    )


def test_counts_what_usage_leaves_open():
    """
    Input and output are counted, reasoning is inside the output.
    """
    tokens = say(Script(text="12345678", reasoning="1234")).tokens

    assert (tokens.input, tokens.output, tokens.reasoning) == (10, 3, 1)


def test_scripted_parts_are_added_to_counted_input():
    """
    Cached tokens are inside the total, so that buckets never exceed it.
    """
    usage = Usage(cached=100, cache_write_5m=10, cache_write_1h=1)

    tokens = say(Script(usage=usage)).tokens

    assert (tokens.input, tokens.cached, tokens.cache_write) == (121, 100, 11)


def test_scripted_usage_stands():
    """
    Scripted totals are reported as they are.
    """
    usage = Usage(input=7, output=9, reasoning=4, input_audio=2, output_audio=3)

    tokens = say(Script(usage=usage)).tokens

    assert (tokens.input, tokens.output, tokens.reasoning) == (7, 9, 4)
    assert (tokens.input_audio, tokens.output_audio) == (2, 3)


def test_what_is_not_generated_costs_no_output():
    """
    Embeddings and counts have input alone.
    """
    answer = say(is_generated=False)

    assert (answer.said, answer.tokens.output) == ((), 0)


def test_ids_belong_to_the_answer():
    """
    Ids are foreseeable, and differ between calls.
    """
    call = ToolCall(name="f")
    answer = say(Script(tool_calls=(call, ToolCall(name="g", id="mine"), call)))

    ids = [answer.call_id("call_", index) for index in range(3)]

    assert ids == ["call_fake00000003_0_0", "mine", "call_fake00000003_0_2"]


def test_nothing_said_has_no_size():
    """
    An empty alternative costs nothing.
    """
    assert Said().size == 0
