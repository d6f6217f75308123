"""
Names of tools in the letters that providers accept, and back, through every pair of dialects.
"""

from __future__ import annotations

import asyncio
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import neutral
from gateway.assembly import events_of
from gateway.dialects.tool_names import (
    OfferedTools,
    ToolNames,
    restored_name,
)
from gateway.neutral import Ask, ToolCall, ToolDefinition, Turn
from gateway.testing import find_dialect, make_request
from gateway.translation import Translation

LENGTHS = (64, 128)
HASHED = re.compile(r"a_b_[0-9a-f]{8}")
COLLIDING = ["a.b", "a/b", "a_b"]
NAMES = [*COLLIDING, "x" * 63 + "." + "y" * 30, "x" * 63 + "/" + "y" * 30, "naïve"]

names_lists = st.lists(st.text(max_size=140), max_size=8, unique=True)


@pytest.mark.parametrize("longest", LENGTHS)
@given(names=names_lists)
def test_names_are_legal_and_distinct(longest, names):
    """
    Whatever tools are called, they get legal names, no two the same.
    """
    written = ToolNames(names, longest=longest)

    got = [written[name] for name in names]

    assert all(re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{longest}}}", name) for name in got)
    assert len(set(got)) == len(names)


@pytest.mark.parametrize("longest", LENGTHS)
@given(names=names_lists)
def test_names_come_back(longest, names):
    """
    The caller is told the name that the caller gave.
    """
    written = ToolNames(names, longest=longest)

    assert [restored_name(written[name], names) for name in names] == names


@pytest.mark.parametrize(
    "name",
    ["f", "get_weather", "a-b", "x" * 64],
    ids=["short", "usual", "dash", "long"],
)
def test_good_names_stay(name):
    """
    A name that every provider takes is not touched.
    """
    names = ToolNames([name], longest=64)

    assert names[name] == name
    assert names.changed == ()


def test_good_names_keep_their_letters():
    """
    A legal name stays even if another's would become the same.
    """
    names = ToolNames(["a.b", "a_b"], longest=64)

    assert names["a_b"] == "a_b"
    assert HASHED.fullmatch(names["a.b"])
    assert names.changed == ("a.b",)


def test_a_hash_that_is_taken_is_not_given_twice():
    """
    A tool that bears the name that another one would get keeps it.
    """
    hashed = ToolNames(COLLIDING, longest=64)["a/b"]
    given = [*COLLIDING, hashed]

    written = ToolNames(given, longest=64)

    assert written[hashed] == hashed
    assert written["a/b"] != hashed
    assert restored_name(written["a/b"], given) == "a/b"


def test_same_names_are_written_the_same_again():
    """
    Names do not change from request to request, or prompt caches would miss.
    """
    first, second = (ToolNames(NAMES, longest=64) for _ in range(2))

    assert [first[name] for name in NAMES] == [second[name] for name in NAMES]


def test_an_ask_names_what_it_offers_and_what_it_calls():
    """
    Tools that only the conversation calls are named as well, hosted ones are not.
    """
    hosted = ToolDefinition(name="web.search", kind="hosted")
    calls = [Turn(role="assistant", blocks=[ToolCall(id="1", name="c.d")])]
    ask = Ask(model="m", tools=[ToolDefinition(name="a.b"), hosted], turns=calls)

    names = ToolNames.of(ask, longest=64)

    assert names.changed == ("a.b", "c.d")


def test_unknown_names_stay():
    """
    A name that the request does not have is not fitted: the provider says what is wrong.
    """
    assert ToolNames(["f"], longest=64)["a.b"] == "a.b"


@pytest.mark.parametrize(
    "name", ["invented", "a_b_00000000", "x" * 55], ids=["word", "hash", "cut"]
)
def test_the_models_inventions_stay(name):
    """
    A name that leads to no tool is told as it is.
    """
    assert restored_name(name, ["a.b", "a/b", "x" * 100]) == name


def test_a_tool_that_made_way_for_one_of_the_past_comes_back():
    """
    The hash leads to the tool even if the caller no longer offers what it was told apart from.
    """
    written = ToolNames(["a.b", "a_b"], longest=64)["a.b"]

    assert restored_name(written, ["a.b", "c"]) == "a.b"


@pytest.mark.parametrize(
    ("call", "restored"),
    [
        (ToolCall(id="1", name="a_b"), ("a.b", True)),
        (ToolCall(id="1", name="f"), ("f", False)),
        (ToolCall(id="1", name="g", kind="custom"), ("g", True)),
    ],
    ids=["custom", "function", "invented"],
)
def test_a_call_is_of_the_kind_that_was_offered(call, restored):
    """
    Whether a tool takes free text is for the caller to say, not for the provider.
    """
    offered = OfferedTools({"a.b": "custom", "f": "function"})

    assert offered.restored(call) == restored


# --- through every pair of dialects ---------------------------------------------------------

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages")
PAIRS = [(a, b) for a in DIALECTS for b in DIALECTS if a != b]


@attrs.frozen
class Limits:
    """
    What a catalog knows: nothing.
    """

    max_output_tokens: int | None = None
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None


def offering(dialect, names):
    """
    Make a caller's request that offers tools of those names.
    """
    schema = {"type": "object", "properties": {}}
    shapes = {
        "openai_chat": lambda name: {
            "type": "function",
            "function": {"name": name, "parameters": schema},
        },
        "openai_responses": lambda name: {
            "type": "function",
            "name": name,
            "parameters": schema,
        },
        "anthropic_messages": lambda name: {"name": name, "input_schema": schema},
    }
    tools = [shapes[dialect](name) for name in names]
    plain = make_request(dialect=dialect).doc
    return make_request({**plain, "tools": tools}, dialect=dialect)


class Talk:
    """
    One tenant's exchange: a request to a provider, and its answer that calls every tool.
    """

    def __init__(self, caller, provider, names):
        self.provider = find_dialect(provider)
        asked = offering(caller, names)
        self.translation = Translation(
            find_dialect(caller),
            self.provider,
            asked,
            losses=neutral.Losses(),
            now=lambda: 0.0,
        )
        self.sent = self.translation.request(Limits())
        self.reader = find_dialect(caller)
        self.told = [tool.name for tool in self.sent.tools]

    @property
    def called(self):
        calls = [ToolCall(id=f"c{n}", name=name) for n, name in enumerate(self.told)]
        return neutral.Answer(
            id="a", model="m", blocks=calls, stop=neutral.Stop(reason="tool")
        )

    def whole(self):
        response = self.provider.write_answer(self.called, self.sent, neutral.Losses())
        answer = self.reader.read_answer(self.translation.answer(response))
        return [block.name for block in answer.blocks]

    def streamed(self):
        writer = self.provider.stream_writer(self.sent, neutral.Losses())
        chunks = [
            chunk for event in events_of(self.called) for chunk in writer.write(event)
        ]
        self.translation.begin()
        reader = self.reader.stream_reader()
        events = [
            event
            for chunk in self.translation.chunks(chunks)
            for event in reader.read(chunk)
        ]
        return [event.block.name for event in events if isinstance(event, neutral.Open)]


@pytest.mark.parametrize(("caller", "provider"), PAIRS)
def test_names_go_through_every_pair_of_dialects(caller, provider):
    """
    Whatever the provider has to be told, the caller hears its own names, whole and streamed.
    """
    talk = Talk(caller, provider, NAMES)

    assert len(set(talk.told)) == len(NAMES)
    assert talk.whole() == NAMES
    assert talk.streamed() == NAMES


@pytest.mark.parametrize(("caller", "provider"), PAIRS)
async def test_two_tenants_names_never_meet(caller, provider):
    """
    Two tenants whose tools become the same letters each hear their own, at the same time.
    """
    both_began = asyncio.Barrier(2)

    async def tenant(names):
        talk = Talk(caller, provider, names)
        await both_began.wait()
        whole = talk.whole()
        await both_began.wait()
        return talk.told, whole, talk.streamed()

    one, other = await asyncio.gather(tenant(["a.b"]), tenant(["a/b"]))

    assert one == (["a_b"], ["a.b"], ["a.b"])
    assert other == (["a_b"], ["a/b"], ["a/b"])
