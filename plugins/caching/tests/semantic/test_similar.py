"""
Similar questions are answered from the cache, and nothing else is.
"""

from __future__ import annotations

import asyncio

import pytest

from gateway import Blocked, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import Script

ONE = "How do I reset my password?"
ALIKE = "Please tell me how to reset my password"
UNLIKE = "How do I reset his password?"


async def test_a_similar_question_is_answered_again(start_similar, ask, chat):
    """
    With the same answer, how similar it is, and no vendor asked.
    """
    client = await start_similar()
    first = await ask(client, chat(ONE))

    again = await ask(client, chat(ALIKE))

    assert (again.cache, again.was_asked) == ("hit", 0)
    assert again.json == first.json
    assert again.headers["x-gw-cache-type"] == "semantic"
    assert 0.95 <= float(again.headers["x-gw-cache-similarity"]) < 1
    assert again.headers["x-gw-cache-id"] == first.headers["x-gw-cache-id"]


async def test_the_same_question_is_an_exact_hit(start_similar, ask, chat, generous):
    """
    For which no vector is needed.
    """
    client = await start_similar()
    await ask(client, chat(ONE))
    asked = len(generous.asked)

    again = await ask(client, chat(ONE))

    assert again.headers["x-gw-cache-type"] == "exact"
    assert "x-gw-cache-similarity" not in again.headers
    assert len(generous.asked) == asked


@pytest.mark.parametrize(
    "other",
    [UNLIKE, "How do I reset my 2 passwords?", "How do I cook rice?"],
)
async def test_another_question_is_a_miss(start_similar, ask, chat, other):
    """
    However near the embedder thinks it is.
    """
    client = await start_similar()
    await ask(client, chat(ONE))

    assert (await ask(client, chat(other))).was_asked == 1


CHANGES = {
    "model": "openai/other",
    "max_tokens": 7,
    "seed": 1,
    "stop": ["x"],
    "top_p": 0.5,
    "n": 2,
    "user": "somebody",
    "metadata": {"a": "b"},
    "response_format": {"type": "json_object"},
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "reasoning_effort": "low",
    "never_heard_of": {"deep": [1, {"a": None}]},
    "messages": [{"role": "system", "content": "You are a pirate."}],
}


@pytest.mark.parametrize("field", CHANGES)
async def test_whatever_else_is_changed_misses(start_similar, ask, chat, field):
    """
    Each field alone, also those that nobody here has heard of.
    """
    client = await start_similar()
    await ask(client, chat(ONE))

    changed = await ask(client, chat(ALIKE, **{field: CHANGES[field]}))

    assert changed.was_asked == 1


EARLIER = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello"},
]


@pytest.mark.parametrize("at", range(3))
async def test_earlier_turns_must_be_the_same(start_similar, ask, chat, at):
    """
    To the letter, though only the last is asked by its meaning.
    """
    client = await start_similar()
    await ask(client, chat(ONE, messages=EARLIER))
    changed = [dict(each) for each in EARLIER]
    changed[at]["content"] += "!"

    same = await ask(client, chat(ALIKE, messages=EARLIER))
    other = await ask(client, chat(ALIKE, messages=changed))

    assert (same.was_asked, other.was_asked) == (0, 1)


async def test_what_else_is_in_the_last_turn_must_be_the_same(start_similar, ask, chat):
    """
    An image, for one, of which the vector knows nothing.
    """

    def showing(text, image):
        url = {"url": f"data:image/png;base64,{image}"}
        parts = [
            {"type": "text", "text": text},
            {"type": "image_url", "image_url": url},
        ]
        return chat(parts)

    client = await start_similar()
    await ask(client, showing(ONE, "AAAA"))

    same = await ask(client, showing(ALIKE, "AAAA"))
    other = await ask(client, showing(ALIKE, "BBBB"))
    without = await ask(client, chat(ALIKE))

    assert [each.was_asked for each in (same, other, without)] == [0, 1, 1]


DIALECTS = {
    "anthropic": (
        "/v1/messages",
        lambda text: {
            "model": "anthropic/m",
            "max_tokens": 9,
            "temperature": 0,
            "system": "Be brief.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
        },
    ),
    "responses": (
        "/v1/responses",
        lambda text: {"model": "openai/m", "temperature": 0, "input": text},
    ),
    "completions": (
        "/v1/completions",
        lambda text: {"model": "openai/m", "temperature": 0, "prompt": text},
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_dialect_has_a_last_turn(start_similar, ask, dialect):
    """
    Wherever it has it.
    """
    path, made = DIALECTS[dialect]
    client = await start_similar()
    first = await ask(client, made(ONE), path)

    again = await ask(client, made(ALIKE), path)
    other = await ask(client, made(UNLIKE), path)

    assert (first.status, again.cache, other.was_asked) == (200, "hit", 1)


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
async def test_streams_and_whole_answers_serve_each_other(
    start_similar, ask, chat, fake_upstream, first, second
):
    """
    As they do for the same question.
    """
    fake_upstream.script("m", Script(text="hello to you", split=3))
    client = await start_similar()
    await ask(client, chat(ONE, stream=first))

    again = await ask(client, chat(ALIKE, stream=second))

    assert again.headers["x-gw-cache-type"] == "semantic"
    assert again.was_asked == 0


# --- tenants --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partition", "first", "second", "is_shared"),
    [
        ("key", {"x_key": "a", "x_team": "t"}, {"x_key": "b", "x_team": "t"}, False),
        ("team", {"x_key": "a", "x_team": "t"}, {"x_key": "b", "x_team": "t"}, True),
        # A team of another name, and a key that moved to it.
        ("team", {"x_key": "a", "x_team": "t"}, {"x_key": "a", "x_team": "u"}, False),
        ("team", {"x_key": "a"}, {"x_key": "b"}, False),
        (
            "customer",
            {"x_key": "a", "x_customer": "c"},
            {"x_key": "a", "x_customer": "d"},
            False,
        ),
        ("key", {}, {"x_key": "a"}, False),
    ],
)
async def test_answers_stay_within_their_partition(
    start_similar, ask, chat, partition, first, second, is_shared
):
    """
    Neither the same question of another's is answered, nor a similar one.
    """
    client = await start_similar(partition=partition)
    await ask(client, chat(ONE), **first)

    same, alike = [await ask(client, chat(text), **second) for text in (ONE, ALIKE)]

    # Where it is not shared, the second is like the first of its own.
    assert (same.cache == "hit") is is_shared
    assert alike.cache == "hit"
    if not is_shared:
        assert alike.headers["x-gw-cache-id"] == same.headers["x-gw-cache-id"]


async def test_a_callers_own_word_divides_further(start_similar, ask, chat):
    """
    And leads into nobody else's answers.
    """
    client = await start_similar()
    await ask(client, chat(ONE), x_key="a", x_gw_cache_key="shared")

    stranger = await ask(client, chat(ALIKE), x_key="b", x_gw_cache_key="shared")
    plain = await ask(client, chat(ALIKE), x_key="a")

    assert (stranger.cache, plain.cache) == ("miss", "miss")


# --- what else runs on a hit ----------------------------------------------------------------


class Guard(Plugin):
    """
    Masks a word in answers, once it is told to.
    """

    word = "\0"

    @hookimpl
    async def post_response(self, exchange, response):
        for text in response.texts():
            text.replace(text.value.replace(self.word, "***"))


async def test_a_guardrail_that_came_later_acts_on_a_similar_hit(
    start_similar, ask, chat, fake_upstream, monkeypatch
):
    """
    What is kept is what the provider said.
    """
    fake_upstream.script("m", Script(text="the code is tulip"))
    client = await start_similar(FoundPlugin(name="guard", cls=Guard))
    await ask(client, chat(ONE))

    monkeypatch.setattr(Guard, "word", "tulip")
    again = await ask(client, chat(ALIKE))

    assert again.headers["x-gw-cache-type"] == "semantic"
    assert b"tulip" not in again.body
    assert b"the code is ***" in again.body


class Door(Plugin):
    """
    Lets nobody but one key use the provider.
    """

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        if exchange.identity is not None and exchange.identity.key_id == "b":
            raise Blocked


async def test_who_may_not_use_the_provider_gets_no_answer_of_it(
    start_similar, ask, chat
):
    """
    The target that answered is authorised again.
    """
    door = FoundPlugin(name="door", cls=Door)
    client = await start_similar(door, partition="team")
    await ask(client, chat(ONE), x_key="a", x_team="t")

    refused = await ask(client, chat(ALIKE), x_key="b", x_team="t")

    assert (refused.status, refused.was_asked) == (400, 0)


# --- wishes and scopes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "same", "alike"),
    [
        ({}, "exact", "semantic"),
        ({"x_gw_cache_type": "exact"}, "exact", None),
        ({"x_gw_cache_type": "semantic"}, "semantic", "semantic"),
        ({"x_gw_cache_threshold": "0.9999"}, "exact", None),
        ({"x_gw_cache_threshold": "0.1"}, "exact", "semantic"),
        ({"cache_control": "no-cache"}, None, None),
        ({"cache_control": "max-age=0"}, None, None),
    ],
    ids=str,
)
async def test_a_callers_wish_is_heard(start_similar, ask, chat, headers, same, alike):
    """
    One kind alone, a higher threshold, nothing old; a lower threshold is not.
    """
    client = await start_similar(default={"threshold": 0.95})
    await ask(client, chat(ONE))

    quiet = {"x_gw_cache_no_store": "true", **headers}
    told = [await ask(client, chat(text), **quiet) for text in (ONE, ALIKE)]

    assert [each.headers.get("x-gw-cache-type") for each in told] == [same, alike]


async def test_a_scope_can_do_without(start_similar, ask, chat, generous):
    """
    Nobody is asked for a vector then.
    """
    client = await start_similar(models={"openai/*": {"semantic": False}})
    await ask(client, chat(ONE))

    assert (await ask(client, chat(ALIKE))).cache == "miss"
    assert generous.asked == []


@pytest.mark.parametrize(
    "text", ["x" * 2001, "Как сбросить пароль?", "  ", [{"type": "text", "text": ""}]]
)
async def test_what_no_words_may_stand_for_is_not_embedded(
    start_similar, ask, chat, generous, text
):
    """
    Long texts, scripts of which nothing is known, no text at all.
    """
    client = await start_similar()

    for _ in range(2):
        await ask(client, chat(text))

    assert generous.asked == []


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_what_is_purged_answers_no_similar_question(
    start_similar, ask, chat, store
):
    """
    The vector goes with the entry.
    """
    client = await start_similar(store=store)
    await ask(client, chat(ONE))
    assert (await ask(client, chat(ALIKE))).cache == "hit"

    await client.post("/api/cache/purge", {"all": True})

    assert (await ask(client, chat(ALIKE))).cache == "miss"


# --- embedders ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        {"fault": RuntimeError("no model")},
        {"answer": []},
        {"answer": [[]]},
        {"answer": [[0.0, 0.0]]},
        {"answer": [[float("nan")] * 257]},
        {"answer": ["words"]},
        {"answer": [[1.0, 2.0, 3.0]]},
    ],
    ids=str,
)
async def test_an_embedder_that_fails_is_a_miss(
    start_similar, ask, chat, generous, broken
):
    """
    Whatever it does, and nobody is told but the operator.
    """
    client = await start_similar()
    await ask(client, chat(ONE))
    for name, value in broken.items():
        setattr(generous, name, value)

    answer = await ask(client, chat(ALIKE))

    assert (answer.status, answer.cache) == (200, "miss")


async def test_an_embedder_that_does_not_answer_is_a_miss(
    start_similar, ask, chat, generous, shelf_of
):
    """
    After the time that is allowed.
    """
    client = await start_similar(semantic={"timeout_s": 0.05})
    await ask(client, chat(ONE))
    generous.gate.clear()

    answer = await ask(client, chat(ALIKE))

    assert (answer.status, answer.cache) == (200, "miss")
    assert shelf_of(client).tally.embedding_errors >= 1


async def test_a_search_that_fails_is_a_miss(start_similar, ask, chat, shelf_of):
    """
    Whatever it fails with.
    """
    client = await start_similar()
    await ask(client, chat(ONE))

    similar = shelf_of(client).similar

    class Broken:
        space = similar.embedding.space

        async def vector(self, text, exchange):
            raise RuntimeError(text)

    similar.embedding = Broken()
    answer = await ask(client, chat(ALIKE))

    assert (answer.status, answer.cache) == (200, "miss")
    assert shelf_of(client).tally.vector_errors == 1
    assert (await ask(client, chat(ALIKE))).headers["x-gw-cache-type"] == "exact"


async def test_no_vector_is_asked_for_where_there_is_nothing_to_compare(
    start_similar, ask, chat, generous
):
    """
    One for the answer that is kept; none for one that is not.
    """
    client = await start_similar()

    await ask(client, chat(ONE), x_gw_cache_no_store="true")
    assert generous.asked == []
    await ask(client, chat(ONE))
    assert generous.asked == [ONE]


async def test_many_who_ask_the_same_ask_once(
    start_similar, ask, chat, fake_upstream, generous
):
    """
    One embedding and one call for all of them.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=100))
    client = await start_similar()
    await ask(client, chat(ONE))
    before = len(list(fake_upstream.requests)), len(generous.asked)

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(ask(client, chat(UNLIKE)) for _ in range(100)))

    assert {each.status for each in answers} == {200}
    after = len(list(fake_upstream.requests)), len(generous.asked)
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]


async def test_a_model_embeds_through_the_gateway(start, ask, chat, fake_upstream):
    """
    As a call in the caller's name; its failure is a miss.
    """
    callers = []

    class Watcher(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            if exchange.parent is not None:
                callers.append((exchange.operation, exchange.identity.key_id))

    client = await start(
        FoundPlugin(name="watcher", cls=Watcher),
        store="memory",
        default={"threshold": 0.3},
        semantic={"model": "openai/embedding"},
    )
    await ask(client, chat(ONE), x_key="a")
    again = await ask(client, chat(ALIKE), x_key="a")
    fake_upstream.script("embedding", Script(status=500))
    failed = await ask(client, chat(f"{ALIKE}!"), x_key="a")

    assert again.headers["x-gw-cache-type"] == "semantic"
    assert (failed.status, failed.cache) == (200, "miss")
    assert set(callers) == {("embed", "a")}


async def test_an_embedder_that_nobody_registered_is_a_mistake(start):
    """
    Told at the start, with the names that there are.
    """
    with pytest.raises(Exception, match="no plugin registered an embedder"):
        await start(store="memory", semantic={"embedder": "nobody"})


# --- stores ---------------------------------------------------------------------------------


async def test_what_is_encrypted_shows_no_question(start_similar, ask, chat, tmp_path):
    """
    Neither its words nor its vector stand in the file.
    """
    client = await start_similar(
        store="sqlite",
        encrypt=True,
        environ={"GATEWRIGHT_SECRET_KEY": "k" * 40},
        data_dir=tmp_path,
    )
    await ask(client, chat(ONE))
    assert (await ask(client, chat(ALIKE))).cache == "hit"

    written = b"".join(path.read_bytes() for path in tmp_path.glob("cache.db*"))

    assert b"questions" in written
    assert b"reset my password" not in written
