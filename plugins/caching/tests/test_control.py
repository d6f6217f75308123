"""
What operators may do: see what was saved, let entries go.
"""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from gateway import Phase, Plugin
from gateway.testing import Script, Usage
from gateway_caching.cli import cache

ASK = {
    "model": "openai/m",
    "temperature": 0,
    "messages": [{"role": "user", "content": "hello"}],
}


@pytest.fixture(params=["memory", "sqlite"])
async def client(request, start):
    return await start(store=request.param, partition="team")


@pytest.mark.parametrize(
    "wanted",
    [
        {"all": True},
        {"team": "t"},
        {"model": "openai/m"},
        {"tag": "news"},
        {"word": "chat"},
        {"older_than_s": 0},
        {"team": "t", "model": "openai/m", "tag": "news"},
    ],
    ids=str,
)
async def test_what_is_meant_is_gone(client, ask, wanted):
    """
    And is asked for again.
    """
    told = {
        "x_key": "k",
        "x_team": "t",
        "x_gw_cache_tags": "news, sport",
        "x_bf_cache_key": "chat",
    }
    await ask(client, **told)

    gone = await client.post("/api/cache/purge", wanted)

    assert (gone.status, gone.json) == (200, {"purged": 1, "strangers": []})
    assert (await ask(client, **told)).cache == "miss"


@pytest.mark.parametrize(
    "wanted",
    [{"team": "u"}, {"key": "k"}, {"model": "m"}, {"tag": "new"}, {"id": "0" * 40}],
    ids=str,
)
async def test_what_is_not_meant_stays(client, ask, wanted):
    """
    Another team, another model, another tag.
    """
    told = {"x_key": "k", "x_team": "t", "x_gw_cache_tags": "news"}
    await ask(client, **told)

    gone = await client.post("/api/cache/purge", wanted)

    assert gone.json == {"purged": 0, "strangers": []}
    assert (await ask(client, **told)).cache == "hit"


async def test_an_entry_is_purged_by_the_id_that_answers_tell(client, ask):
    """
    By our route and by Bifrost's.
    """
    for path in ("/api/cache/purge", "/api/cache/clear/"):
        entry_id = (await ask(client)).headers["x-gw-cache-id"]
        if path.endswith("/"):
            gone = await client.ask("DELETE", path + entry_id)
        else:
            gone = await client.post(path, {"id": entry_id})

        assert gone.json == {"purged": 1, "strangers": []}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"all": False},
        {"modelx": "m"},
        {"model": ""},
        {"model": 1},
        {"key": "a", "team": "b"},
        {"older_than_s": -1},
        {"older_than_s": True},
        {"older_than_s": None},
        [],
    ],
    ids=str,
)
async def test_what_means_nothing_is_refused(client, ask, wanted):
    """
    Nothing goes by mistake.
    """
    await ask(client)

    refused = await client.post("/api/cache/purge", wanted)

    assert refused.status == 400
    assert (await ask(client)).cache == "hit"


async def test_what_was_saved_is_told(client, ask, fake_upstream):
    """
    Hits, and the tokens that they did not take.
    """
    fake_upstream.script("m", Script(text="hello", usage=Usage(input=10, output=5)))
    for _ in range(3):
        await ask(client)

    told = (await client.ask("GET", "/api/cache/stats")).json

    (day,) = told["days"]
    assert (day["hits"], day["missed"], day["kept"]) == (2, 1, 1)
    assert day["saved_tokens"] == 30
    assert told["store"]["entries"] == 1
    assert told["store"]["bytes"] > 0


async def test_two_gateways_on_one_data_directory_let_go_together(
    start, ask, tmp_path, until, shelf_of
):
    """
    Each keeps entries in its own memory; a purge reaches both, and so do the sums.
    """
    one = await start(store="memory", data_dir=tmp_path)
    other = await start(store="memory", data_dir=tmp_path)
    for client in (one, other):
        await ask(client)
        assert (await ask(client)).cache == "hit"

    await one.post("/api/cache/purge", {"all": True})

    shelf = shelf_of(other)
    store = shelf.pantry.store
    await until(lambda: not store._records)
    await shelf.days.flush()
    (day,) = (await one.ask("GET", "/api/cache/stats")).json["days"]
    assert (day["hits"], day["missed"]) == (2, 2)


class RegisterPlugin(Plugin):
    """
    Knows one caller of each kind, and that there are no others.
    """

    phase = Phase.IDENTIFY

    def find_caller(self, kind, name):
        return f"id_{kind}" if name in {"payments", f"id_{kind}"} else ""


@pytest.mark.parametrize("name", ["payments", "id"])
@pytest.mark.parametrize(
    ("kind", "scope"),
    [("virtual_key", "key"), ("team", "team"), ("customer", "customer")],
)
async def test_callers_are_meant_by_name_or_id(start, ask, kind, scope, name):
    """
    Entries are kept by ids, which nobody knows by heart.
    """
    client = await start(RegisterPlugin, store="memory", partition=scope)
    told = {"x_key": "k", f"x_{scope}": f"id_{kind}"}
    await ask(client, **told)
    meant = f"id_{kind}" if name == "id" else name

    gone = await client.post("/api/cache/purge", {scope: meant})

    assert gone.json == {"purged": 1, "strangers": []}
    assert (await ask(client, **told)).cache == "miss"


async def test_a_name_that_is_nobodys_is_told(start, ask):
    """
    A slip does not look like a purge; who is gone, and left entries, is meant by id.
    """
    client = await start(RegisterPlugin, partition="team")
    await ask(client, x_key="k", x_team="gone")
    at = ("--url", client.url)

    slip = await asyncio.to_thread(run, "purge", "--team", "paymnets", *at)
    gone = await asyncio.to_thread(run, "purge", "--team", "gone", *at)
    empty = await asyncio.to_thread(run, "purge", "--team", "payments", *at)

    assert (slip.exit_code, slip.output) == (1, "error: no team is called paymnets\n")
    assert (gone.exit_code, gone.output) == (0, "1 entries are gone\n")
    assert (empty.exit_code, empty.output) == (0, "0 entries are gone\n")


def run(*arguments):
    return CliRunner().invoke(cache, list(arguments))


async def test_the_commands_ask_the_gateway(client, ask):
    """
    ``cache stats`` and ``cache purge``.
    """
    import asyncio

    await ask(client)
    at = ("--url", client.url)

    stats = await asyncio.to_thread(run, "stats", *at)
    nothing = await asyncio.to_thread(run, "purge", *at)
    purged = await asyncio.to_thread(run, "purge", "--model", "openai/m", *at)

    assert stats.exit_code == 0, stats.output
    assert "1 entries" in stats.output
    assert nothing.exit_code == 2
    assert "1 entries are gone" in purged.output


@pytest.mark.parametrize(
    ("age", "is_gone"),
    [("5m", False), ("300", False), ("3m", True), ("180.5", True), ("0", True)],
)
async def test_an_age_is_told_as_everywhere(
    client, ask, shelf_of, monkeypatch, age, is_gone
):
    """
    As a span of time; a bare number is one of seconds.
    """
    await ask(client)
    clock = shelf_of(client).gateway.clock
    now = clock.now()
    monkeypatch.setattr(type(clock), "now", lambda _: now + 240)

    told = await asyncio.to_thread(
        run, "purge", "--older-than", age, "--url", client.url
    )

    assert told.output == f"{int(is_gone)} entries are gone\n"


@pytest.mark.parametrize("age", ["soon", "-1", "1 h", "nan", "1e400", "5y"])
def test_what_is_no_age_is_wrong_usage(age):
    """
    And shows what one looks like.
    """
    told = run("purge", "--older-than", age)

    assert told.exit_code == 2
    assert "write it as 90s, 30m, 8h, 7d or 2w, or as seconds" in told.output


@pytest.mark.parametrize(
    "wanted",
    [{"key": "a"}, {"team": "t"}, {"customer": "c"}, {"tag": "x"}, {"word": "w"}, "id"],
    ids=str,
)
async def test_what_is_kept_for_repeats_goes_too(client, ask, wanted):
    """
    Whatever it is meant by, though a repeat's answer is no entry of the cache.
    """
    told = {"x_key": "a", "x_team": "t", "x_customer": "c", "idempotency_key": "one"}
    told |= {"x_gw_cache_tags": "x", "x_gw_cache_key": "w"}
    first = await ask(client, **told)
    if wanted == "id":
        wanted = {"id": first.headers["x-gw-cache-id"]}
    await ask(client, **told)

    await client.post("/api/cache/purge", wanted)

    assert "idempotent-replayed" not in (await ask(client, **told)).headers


@pytest.mark.parametrize("word", [{}, {"idempotency_key": "one"}], ids=["", "repeat"])
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_was_under_way_is_not_kept(
    client, ask, fake_upstream, shelf_of, until, stream, word
):
    """
    Who purges wants no answer of before, and this one was asked for before.
    """
    fake_upstream.script("m", Script(text="hello", latency_ms=300))
    document = {**ASK, "stream": stream}
    flying = asyncio.ensure_future(ask(client, document, **word))
    await until(lambda: len(list(fake_upstream.requests)))

    await client.post("/api/cache/purge", {"model": "openai/m"})
    await flying
    await until(lambda: not len(shelf_of(client).flights))

    assert (await ask(client, document, **word)).was_asked == 1


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_nor_is_one_that_was_under_way_elsewhere(
    start, ask, fake_upstream, shelf_of, until, tmp_path, store
):
    """
    In another worker, which hears of the purge.
    """
    one = await start(store=store, data_dir=tmp_path)
    other = await start(store=store, data_dir=tmp_path)
    fake_upstream.script("m", Script(text="hello", latency_ms=600))
    flying = asyncio.ensure_future(ask(other))
    await until(lambda: len(list(fake_upstream.requests)))

    await one.post("/api/cache/purge", {"all": True})
    await flying
    await until(lambda: not len(shelf_of(other).flights))

    assert shelf_of(other).tally.unkept == {"purged meanwhile": 1}


async def test_a_person_that_is_to_be_forgotten_is_in_no_answer(client, ask):
    """
    All go, for nobody can tell in which of them the name stands.
    """
    await ask(client)

    report = dict(await client.gateway.erase_subject("anna@example.org"))

    assert report["caching"] == "1 answers let go of, whoever they name"
    assert (await ask(client)).cache == "miss"


async def test_what_was_kept_before_the_clock_was_put_back_is_not_given(
    start, ask, shelf_of, monkeypatch
):
    """
    It would live longer than it may.
    """
    client = await start(store="memory")
    await ask(client)
    clock = shelf_of(client).gateway.clock
    now = clock.now()

    monkeypatch.setattr(type(clock), "now", lambda _: now - 3600)

    assert (await ask(client)).cache == "miss"


@pytest.mark.needs_redis
@pytest.mark.parametrize("is_seen", [False, True])
async def test_a_purge_reaches_what_is_under_way_on_other_machines(
    start, ask, tmp_path, redis_port, fake_upstream, shelf_of, is_seen
):
    """
    With a Redis that both share, whether or not anybody looks there in between.
    """
    redis = {"url": f"redis://127.0.0.1:{redis_port}/0", "timeout_s": 5}
    one, other = [
        await start(store="redis", redis=redis, data_dir=tmp_path / name)
        for name in ("one", "other")
    ]
    await one.post("/api/cache/purge", {"all": True})
    fake_upstream.script("m", Script(latency_ms=400))
    slow = asyncio.ensure_future(ask(one))
    await fake_upstream.wait_for(lambda: fake_upstream.in_flight, timeout=5)
    await other.post("/api/cache/purge", {"model": "another"})
    if is_seen:
        await ask(one, {**ASK, "seed": 1})
    await slow
    await shelf_of(one).flights.close()

    again = await ask(one)
    await shelf_of(one).flights.close()
    once_more = await ask(one)

    assert (again.cache, once_more.cache) == ("miss", "hit")
