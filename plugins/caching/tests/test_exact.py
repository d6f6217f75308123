"""
Answers given again to the same request, and to no other.
"""

from __future__ import annotations

import asyncio
import json

import anthropic
import openai
import pytest

from gateway import Blocked, Plugin, codec, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import Script, ToolCall, Usage

ASK = {
    "model": "openai/m",
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}
PICTURE = {"type": "image_url", "image_url": {"url": "https://x.test/today.png"}}
MESSAGES = {
    "model": "anthropic/m",
    "max_tokens": 50,
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}


async def test_the_same_request_is_answered_again(start, ask):
    """
    With the same answer, its age, and no vendor asked.
    """
    client = await start(store="memory")

    first, second = await ask(client), await ask(client)

    assert (first.cache, second.cache) == ("miss", "hit")
    assert (first.was_asked, second.was_asked) == (1, 0)
    assert first.json == second.json
    assert second.headers["age"] == "0"
    assert "age" not in first.headers


async def test_the_order_of_keys_does_not_matter(start, ask):
    """
    At any depth.
    """
    client = await start(store="memory")
    await ask(client)
    turned = {
        "messages": [{"content": "hello", "role": "user"}],
        "temperature": 0,
        "model": "openai/m",
    }

    assert (await ask(client, turned)).cache == "hit"


CHANGES = {
    "model": "openai/other",
    "messages": [{"role": "user", "content": "hello!"}],
    "max_tokens": 7,
    "seed": 1,
    "stop": ["x"],
    "top_p": 0.5,
    "n": 2,
    "user": "somebody",
    "metadata": {"a": "b"},
    "response_format": {"type": "json_object"},
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "logit_bias": {"1": 2},
    "presence_penalty": 0.1,
    "reasoning_effort": "low",
    "service_tier": "flex",
    "never_heard_of": 12345678901234567890123,
    "neither_of": {"deep": [1, {"a": None}]},
}


@pytest.mark.parametrize("field", CHANGES)
async def test_whatever_else_is_changed_misses(start, ask, field):
    """
    Each field alone, also those that nobody here has heard of.
    """
    client = await start(store="memory")
    await ask(client)
    raw = codec.dumps({**ASK, field: CHANGES[field]})

    assert (await ask(client, raw)).was_asked == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (True, 1), ("1", 1), (None, "null"), ([1], 1)],
    ids=str,
)
async def test_values_of_another_kind_are_another_request(start, ask, one, other):
    """
    A vendor may take them for something else.
    """
    client = await start(store="memory")
    await ask(client, {**ASK, "never_heard_of": one})

    assert (await ask(client, {**ASK, "never_heard_of": other})).was_asked == 1


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
async def test_streams_and_whole_answers_serve_each_other(
    start, ask, fake_upstream, first, second
):
    """
    What was kept as the one is given as the other.
    """
    fake_upstream.script("m", Script(text="hello to you", split=3))
    client = await start(store="memory")
    await ask(client, {**ASK, "stream": first})

    again = await ask(client, {**ASK, "stream": second})

    assert (again.cache, again.was_asked) == ("hit", 0)
    if second:
        said = [
            choice["delta"].get("content") or ""
            for event in again.events()
            for choice in event["choices"]
        ]
        assert "".join(said) == "hello to you"
    else:
        assert again.json["choices"][0]["message"]["content"] == "hello to you"


async def test_a_stream_keeps_the_borders_of_its_events(start, ask, fake_upstream):
    """
    To the byte.
    """
    fake_upstream.script("m", Script(pieces=("he", "llo", " you")))
    client = await start(store="memory")

    first = await ask(client, {**ASK, "stream": True})
    second = await ask(client, {**ASK, "stream": True})

    assert (first.cache, second.cache) == ("miss", "hit")
    assert first.body == second.body


@pytest.mark.parametrize("asked_first", [True, False])
async def test_usage_is_told_to_those_who_ask_for_it(
    start, ask, fake_upstream, asked_first
):
    """
    Whatever the first caller wanted: the caller's own ``stream_options`` count.
    """
    fake_upstream.script("m", Script(text="hello", usage=Usage(input=3, output=4)))
    client = await start(store="memory")
    plain = {**ASK, "stream": True}
    wanting = {**plain, "stream_options": {"include_usage": True}}
    await ask(client, wanting if asked_first else plain)

    with_usage, without = await ask(client, wanting), await ask(client, plain)

    def usages(answer):
        return [e["usage"] for e in answer.events() if e.get("usage")]

    assert [each["completion_tokens"] for each in usages(with_usage)] == [4]
    assert usages(without) == []
    assert without.was_asked == 0


async def test_sdks_make_the_same_of_a_replayed_stream(start, fake_upstream):
    """
    OpenAI's and Anthropic's, of the original and of the replay.
    """
    fake_upstream.script("m", Script(text="hello to you", split=4))
    client = await start(store="memory")

    async def of_openai():
        sdk = openai.AsyncOpenAI(base_url=client.openai_url, api_key="any")
        async with sdk, sdk.chat.completions.stream(**ASK) as stream:
            return (await stream.get_final_completion()).model_dump()

    async def of_anthropic():
        sdk = anthropic.AsyncAnthropic(base_url=client.url, api_key="any")
        asked = {k: v for k, v in MESSAGES.items() if k != "temperature"}
        more = {"temperature": 0}  # which the SDK no longer has a word for
        async with sdk, sdk.messages.stream(**asked, extra_body=more) as stream:
            return (await stream.get_final_message()).model_dump()

    for read in (of_openai, of_anthropic):
        before = len(list(fake_upstream.requests))
        assert await read() == await read()
        assert len(list(fake_upstream.requests)) == before + 1


# --- what is not kept -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        Script(text="too long", stop="length"),
        Script(tool_calls=(ToolCall(name="f"),)),
        Script(text="no", stop="content_filter"),
        Script(status=500),
        Script(status=400),
        Script(text="half of it", split=4, break_after=3),
        Script(text="no JSON in it", split=4, malformed_after=2),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_answers_that_did_not_end_well_are_not_kept(
    start, ask, fake_upstream, script, is_stream
):
    """
    Cut, filtered, calling tools, failed, broken off, unreadable: asked again.
    """
    fake_upstream.script("m", script)
    client = await start(store="memory")
    document = {
        **ASK,
        "stream": is_stream,
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    try:
        await ask(client, document)
    except Exception:  # noqa: BLE001 - a stream that broke off
        assert script.break_after is not None
    fake_upstream.script("m", Script(text="well"))

    again = await ask(client, document)

    assert again.was_asked >= 1
    assert b"well" in again.body


class CapPlugin(Plugin):
    """
    Lowers the output cap, as governance does where little money is left.
    """

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        attempt.request.max_output_tokens = 100


@pytest.mark.parametrize(
    ("stop", "cache"), [("stop", "hit"), ("length", "miss")], ids=str
)
async def test_an_answer_under_a_lowered_cap_is_kept_if_it_ended_by_itself(
    start, ask, fake_upstream, stop, cache
):
    """
    A cap changes nothing of an answer that does not come up to it.
    """
    fake_upstream.script("m", Script(text="well", stop=stop))
    client = await start(FoundPlugin(name="cap", cls=CapPlugin), store="memory")
    await ask(client)

    again = await ask(client)

    assert again.cache == cache
    assert fake_upstream.requests[0].json["max_completion_tokens"] == 100


async def test_an_answer_of_a_fallback_is_not_kept(start, ask, fake_upstream):
    """
    Who is asked when the first choice is well again answers otherwise.
    """
    fake_upstream.script("m", Script(status=503))
    client = await start(store="memory")
    document = {**ASK, "fallbacks": ["openai/second"]}

    first = await ask(client, document)
    again = await ask(client, document)

    assert first.status == again.status == 200
    assert again.cache == "miss"


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.7},
        {"temperature": None},
        {"tools": [{"type": "web_search"}]},
        {"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]},
        {"plugins": [{"id": "web"}]},
        {"messages": [{"role": "user", "content": [PICTURE]}]},
    ],
    ids=str,
)
async def test_requests_whose_answer_may_differ_pass_by(start, ask, change):
    """
    And are said to; the operator may allow those of any temperature.
    """
    client = await start(store="memory")
    document = {k: v for k, v in {**ASK, **change}.items() if v is not None}

    answers = [await ask(client, document) for _ in range(2)]

    assert [each.cache for each in answers] == ["bypass", "bypass"]


async def test_a_picture_that_is_in_the_request_itself_is_part_of_it(start, ask):
    """
    Nobody can put another one in its place.
    """
    client = await start(store="memory")
    inside = {**PICTURE, "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    document = {**ASK, "messages": [{"role": "user", "content": [inside]}]}
    await ask(client, document)

    assert (await ask(client, document)).cache == "hit"


@pytest.mark.parametrize("field", ["prompt", "conversation", "background"])
async def test_what_the_provider_keeps_passes_by(start, ask, field):
    """
    A stored prompt of Responses may be edited at the vendor's.
    """
    client = await start(store="memory")
    told = {"prompt": {"id": "pmpt_1"}, "conversation": "conv_1", "background": True}
    document = {"model": "openai/m", "temperature": 0, "input": "hello"}
    document[field] = told[field]

    answer = await ask(client, document, "/v1/responses")

    assert answer.cache == "bypass"


async def test_conversations_at_anthropic_pass_by(start, ask):
    """
    Two callers who were given one answer would go on in one conversation.
    """
    client = await start(store="memory")
    document = {**MESSAGES, "temperature": 0, "thread": {"type": "create"}}

    answers = [await ask(client, document, "/v1/messages") for _ in range(2)]

    assert [each.cache for each in answers] == ["bypass", "bypass"]


@pytest.mark.parametrize("told", ["t-1", "Payments"], ids=["id", "name"])
async def test_a_team_may_have_a_way_of_its_own(start, ask, told):
    """
    By its id or its name; all others have the default.
    """
    client = await start(store="memory", teams={told: {"enabled": False}})
    theirs = {"x_key": "k", "x_team": "t-1", "x_team_name": "Payments"}

    own = [(await ask(client, **theirs)).cache for _ in range(2)]
    others = [(await ask(client, x_key="k", x_team="t-2")).cache for _ in range(2)]

    assert own == ["bypass", "bypass"]
    assert others == ["miss", "hit"]


async def test_any_temperature_is_cached_where_allowed(start, ask):
    """
    In the scope that says so.
    """
    client = await start(store="memory", models={"openai/*": {"sampled": True}})
    document = {**ASK, "temperature": 0.7}

    answers = [await ask(client, document) for _ in range(2)]

    assert [each.cache for each in answers] == ["miss", "hit"]


# --- tenants --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "first", "second", "is_shared"),
    [
        ("key", {"x_key": "a", "x_team": "t"}, {"x_key": "b", "x_team": "t"}, False),
        ("team", {"x_key": "a", "x_team": "t"}, {"x_key": "b", "x_team": "t"}, True),
        ("team", {"x_key": "a", "x_team": "t"}, {"x_key": "a", "x_team": "u"}, False),
        ("team", {"x_key": "a"}, {"x_key": "b"}, False),
        (
            "customer",
            {"x_key": "a", "x_customer": "c"},
            {"x_key": "b", "x_customer": "c"},
            True,
        ),
        (
            "customer",
            {"x_key": "a", "x_customer": "c"},
            {"x_key": "a", "x_customer": "d"},
            False,
        ),
        ("key", {}, {"x_key": "a"}, False),
        # A team called as a key is, and the reverse.
        ("team", {"x_key": "t"}, {"x_key": "b", "x_team": "t"}, False),
    ],
)
async def test_answers_stay_within_their_partition(
    start, ask, partition, first, second, is_shared
):
    """
    Identical prompts: whose answer it is decides, as the operator says.
    """
    client = await start(store="memory", partition=partition)
    await ask(client, **first)

    again = await ask(client, **second)

    assert (again.cache == "hit") is is_shared


async def test_a_caller_cannot_name_anothers_partition(start, ask):
    """
    The caller's own word only divides further.
    """
    client = await start(store="memory")
    await ask(client, x_key="a", x_gw_cache_key="shared")

    strangers = await ask(client, x_key="b", x_gw_cache_key="shared")
    same = await ask(client, x_key="a", x_gw_cache_key="shared")
    plain = await ask(client, x_key="a")

    assert (strangers.cache, same.cache, plain.cache) == ("miss", "hit", "miss")


# --- what else runs on a hit ----------------------------------------------------------------


class Guard(Plugin):
    """
    Masks a word in answers, and refuses another in requests.
    """

    word = "secret"

    @hookimpl
    async def pre_request(self, exchange):
        if any("forbidden" in text.value for text in exchange.request.texts()):
            raise Blocked

    @hookimpl
    async def post_response(self, exchange, response):
        for text in response.texts():
            if self.word in text.value:
                text.replace(text.value.replace(self.word, "***"))


async def test_guardrails_run_on_a_hit_as_they_are_today(
    start, ask, fake_upstream, monkeypatch
):
    """
    What is kept is the provider's answer: a rule that came later acts on the next hit.
    """
    fake_upstream.script("m", Script(text="a secret and a riddle"))
    client = await start(FoundPlugin(name="guard", cls=Guard), store="memory")

    first, second = await ask(client), await ask(client)
    monkeypatch.setattr(Guard, "word", "riddle")
    third = await ask(client)

    assert [each.cache for each in (first, second, third)] == ["miss", "hit", "hit"]
    assert b"a *** and a riddle" in first.body
    assert b"a *** and a riddle" in second.body
    assert b"a secret and a ***" in third.body


class Door(Plugin):
    """
    Lets nobody but one key use the provider.
    """

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        if exchange.identity is not None and exchange.identity.key_id == "b":
            raise Blocked


async def test_who_may_not_use_the_provider_gets_no_answer_of_it(start, ask):
    """
    The target that answered is authorised again for everybody who hits.
    """
    client = await start(
        FoundPlugin(name="door", cls=Door), store="memory", partition="team"
    )
    await ask(client, x_key="a", x_team="t")

    refused = await ask(client, x_key="b", x_team="t")

    assert (refused.status, refused.was_asked) == (400, 0)


# --- flights --------------------------------------------------------------------------------


async def test_identical_requests_under_way_are_one_call(start, ask, fake_upstream):
    """
    A thousand, whole and as streams, with one call upstream.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=200))
    client = await start(store="memory")

    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(ask(client, {**ASK, "stream": at % 2 == 0}) for at in range(1000))
        )

    assert {each.status for each in answers} == {200}
    assert len(list(fake_upstream.requests)) == 1
    assert {each.cache for each in answers} <= {"miss", "joined", "hit"}


async def test_who_flies_first_may_leave(start, ask, fake_upstream, until, shelf_of):
    """
    The others are answered all the same, by the same call.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300))
    client = await start(store="memory")
    shelf = shelf_of(client)

    first = asyncio.ensure_future(ask(client))
    await until(lambda: len(shelf.flights))
    (flight,) = shelf.flights._flights.values()
    second = asyncio.ensure_future(ask(client))
    await until(lambda: flight._waiting == 2)
    first.cancel()
    answer = await second

    assert (answer.status, answer.cache) == (200, "joined")
    assert len(list(fake_upstream.requests)) == 1


async def test_a_flight_that_nobody_waits_for_ends(
    start, ask, fake_upstream, until, shelf_of
):
    """
    The vendor is left, and nothing is kept in the air.
    """
    fake_upstream.script("m", Script(silent=True))
    client = await start(store="memory")
    shelf = shelf_of(client)

    only = asyncio.ensure_future(ask(client))
    await until(lambda: list(fake_upstream.requests))
    only.cancel()

    await until(lambda: not len(shelf.flights))
    await until(lambda: list(fake_upstream.departures))


# --- wishes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "second", "third"),
    [
        ({"cache_control": "no-cache"}, "miss", "hit"),
        ({"cache_control": "no-store"}, "bypass", "hit"),
        ({"CACHE_control": "no-store"}, "bypass", "hit"),
        ({"cache_control": "max-age=0"}, "miss", "hit"),
        ({"cache_control": "max-age=60"}, "hit", "hit"),
        ({"x_bf_cache_no_store": "true"}, "hit", "hit"),
    ],
    ids=str,
)
async def test_a_callers_wish_is_heard(start, ask, headers, second, third):
    """
    A fresh answer, none kept, none too old.
    """
    client = await start(store="memory")
    await ask(client)

    wished = await ask(client, **headers)
    after = await ask(client)

    assert (wished.cache, after.cache) == (second, third)


async def test_what_must_not_be_kept_is_not(start, ask):
    """
    The next caller asks again.
    """
    client = await start(store="memory")
    await ask(client, x_gw_cache_no_store="true")

    assert (await ask(client)).cache == "miss"


@pytest.mark.parametrize(
    "headers",
    [
        {"x_gw_cache_ttl": "soon"},
        {"x_gw_cache_threshold": "2"},
        {"x_bf_cache_type": "both"},
        {"x_gw_cache_no_store": "perhaps"},
        {"x_gw_cache_key": "x" * 201},
    ],
    ids=str,
)
async def test_a_wish_that_nobody_understands_is_refused(start, ask, headers):
    """
    By the name of the header, and nobody is asked.
    """
    client = await start(store="memory")

    answer = await ask(client, **headers)

    assert (answer.status, answer.was_asked) == (400, 0)
    assert "x-gw-cache-" in json.loads(answer.body)["error"]["message"]


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("idempotent", [False, True], ids=["kept", "repeated"])
async def test_what_was_lost_in_translation_is_told_each_time(
    start, ask, store, stream, idempotent
):
    """
    A caller reads in the head what did not reach the vendor, whoever's question it was.
    """
    client = await start(store=store)
    document = {**MESSAGES, "seed": 7, "stream": stream}
    more = {"idempotency_key": "once"} if idempotent else {}

    first, second = [await ask(client, document, **more) for _ in range(2)]

    assert (first.was_asked, second.was_asked) == (1, 0)
    for answer in (first, second):
        assert answer.headers["x-gw-translation"] == "seed=dropped"
