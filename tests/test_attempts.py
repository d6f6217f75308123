from __future__ import annotations

import asyncio

import pytest

from gateway import Identity, Phase, Plugin, codec, hookimpl
from gateway.neutral import SEAL_MARK, Seal
from gateway.testing import Script
from gateway.testing.fake import Usage

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def place(fake, kind="openai-compatible", **more):
    """
    Make a provider of the fake.
    """
    return {"type": kind, "base_url": fake.openai_url, **more}


async def test_another_key_is_another_attempt(
    fake_upstream, gateway_client, monkeypatch
):
    """
    A key that is refused is replaced by the next one of the same provider.
    """
    monkeypatch.setenv("KEY_BAD", "sk-bad")
    monkeypatch.setenv("KEY_GOOD", "sk-good")
    keys = {
        "bad": {"secret": "env.KEY_BAD", "weight": 1000},
        "good": {"secret": "env.KEY_GOOD", "weight": 1},
    }
    seen = []

    class Watch(Plugin):
        @hookimpl
        async def after_attempt(self, exchange, attempt):
            seen.append((attempt.target.key, attempt.status))

    fake_upstream.enqueue(Script(status=401))
    client = await gateway_client(
        Watch, providers={"main": place(fake_upstream, keys=keys)}
    )

    answer = await client.post("/v1/chat/completions", {"model": "main/m", **CHAT})

    assert answer.status == 200
    assert seen == [("bad", 401), ("good", 200)]
    assert fake_upstream.requests[1].headers["Authorization"] == "Bearer sk-good"


@pytest.mark.parametrize(
    ("dialects", "path"),
    [(None, "/v1/responses"), (["openai_chat"], "/v1/chat/completions")],
    ids=["what-the-type-speaks", "chat-alone"],
)
async def test_a_provider_is_asked_in_what_it_speaks(
    fake_upstream, gateway_client, dialects, path
):
    """
    A server that speaks chat alone gets chat, whatever its type and the caller speak.
    """
    told = {} if dialects is None else {"dialects": dialects}
    main = place(fake_upstream, "openai", auth="none", **told)
    client = await gateway_client(providers={"main": main})

    answer = await client.post("/v1/responses", {"model": "main/m", "input": "hi"})

    assert answer.status == 200, answer.body
    assert answer.json["object"] == "response"
    assert [request.path for request in fake_upstream.requests] == [path]


async def test_retry_after_is_told(fake_upstream, gateway_client):
    """
    A provider that is out of breath is told as it is, with when to come back.
    """
    fake_upstream.script("m", Script(status=429, retry_after_s=17))
    client = await gateway_client(routing={"retries": 0})

    answer = await client.post("/v1/chat/completions", {"model": "openai/m", **CHAT})

    assert answer.status == 429
    assert answer.headers["retry-after"] == "17"


async def test_a_retry_comes_after_a_wait(fake_upstream, gateway_client):
    """
    The same target is asked again when its failure may pass.
    """
    fake_upstream.enqueue(Script(status=503))
    routing = {"retries": 1, "backoff_initial_s": 0.01, "backoff_max_s": 0.02}
    client = await gateway_client(routing=routing)

    answer = await client.post("/v1/chat/completions", {"model": "openai/m", **CHAT})

    assert answer.status == 200
    assert answer.headers["x-gw-attempts"] == "2"


async def test_one_tenants_failures_take_no_provider_from_another(
    fake_upstream, gateway_client
):
    """
    What a caller's own requests break, others go on using; two teams' failures close it.
    """

    class WhoIs(Plugin):
        phase = Phase.IDENTIFY

        @hookimpl
        async def pre_request(self, exchange):
            key = exchange.headers["x-key"]
            exchange.identity = Identity(key_id=key, team_id=key[0])

    fake_upstream.script("m", Script(status=500))
    routing = {"retries": 0, "failures_to_cool": 3}
    client = await gateway_client(WhoIs, routing=routing)

    async def ask(key):
        body = {"model": "openai/m", **CHAT}
        answer = await client.post("/v1/chat/completions", body, headers={"x-key": key})
        return answer.status

    broken = [await ask(key) for key in ("a1", "a2", "a1")]
    fake_upstream.script("m", Script())
    after = [await ask(key) for key in ("a2", "b1")]
    fake_upstream.script("m", Script(status=500))
    together = [await ask(key) for key in ("b1", "b1", "c1", "d1")]

    assert broken == [502, 502, 502]
    assert after == [503, 200]
    assert together == [502, 502, 502, 503]


async def test_fallbacks_of_the_request(fake_upstream, gateway_client):
    """
    A caller may name further targets; the field itself goes nowhere.
    """
    fake_upstream.script("a", Script(status=500))
    client = await gateway_client(routing={"retries": 0})
    body = {"model": "openai/a", "fallbacks": ["anthropic/b"], **CHAT}

    answer = await client.post("/v1/chat/completions", body)

    assert answer.status == 200
    assert answer.headers["x-gw-provider"] == "anthropic"
    assert all(b"fallbacks" not in request.body for request in fake_upstream.requests)


async def test_what_cannot_be_translated_is_skipped(fake_upstream, gateway_client):
    """
    A target whose dialect cannot say the request is no failure of the others.
    """
    models = {"pair": {"targets": ["anthropic/b"], "fallbacks": ["openai/a"]}}
    client = await gateway_client(models=models)

    answer = await client.post(
        "/v1/chat/completions", {"model": "pair", "n": 2, **CHAT}
    )

    assert answer.status == 200
    assert answer.headers["x-gw-provider"] == "openai"
    assert len(answer.json["choices"]) == 2


async def test_what_nobody_can_say_is_a_400_by_its_name(fake_upstream, gateway_client):
    """
    If no target can say it, the field is named.
    """
    client = await gateway_client()
    body = {"model": "anthropic/b", "n": 2, **CHAT}

    answer = await client.post("/v1/chat/completions", body)

    assert answer.status == 400
    assert answer.headers["x-gw-code"] == "untranslatable"
    assert '"n"' in answer.json["error"]["message"]
    assert len(fake_upstream.requests) == 0


async def test_losses_stand_in_a_header(fake_upstream, gateway_client):
    """
    What translation could not carry over is listed for the caller.
    """
    client = await gateway_client()

    answer = await client.post(
        "/v1/chat/completions", {"model": "anthropic/b", "seed": 7, **CHAT}
    )

    assert answer.status == 200
    assert "seed=dropped" in answer.headers["x-gw-translation"]


@pytest.mark.parametrize(("mode", "status"), [("strict", 400), ("silent", 200)])
async def test_the_operator_says_what_becomes_of_losses(gateway_client, mode, status):
    """
    Strict refuses, silent drops without a header.
    """
    client = await gateway_client(server={"translation": mode})

    answer = await client.post(
        "/v1/chat/completions", {"model": "anthropic/b", "seed": 7, **CHAT}
    )

    assert answer.status == status
    assert "x-gw-translation" not in answer.headers


async def test_an_operation_nobody_speaks_is_501(gateway_client):
    """
    Embeddings of a provider without embeddings are refused by name.
    """
    client = await gateway_client()

    answer = await client.post("/v1/embeddings", {"model": "anthropic/b", "input": "x"})

    assert answer.status == 501
    assert answer.headers["x-gw-code"] == "unsupported_operation"


async def test_a_busy_provider_is_503_in_time(fake_upstream, gateway_client):
    """
    When every place at a provider is taken, the wait is bounded.
    """
    fake_upstream.script("slow", Script(latency_ms=500))
    limits = {"max_parallel": 1, "queue_timeout_s": 0.05, "auth": "none"}
    client = await gateway_client(providers={"main": place(fake_upstream, **limits)})
    slow = asyncio.ensure_future(
        client.post("/v1/chat/completions", {"model": "main/slow", **CHAT})
    )
    await fake_upstream.wait_for(lambda: fake_upstream.requests, timeout=2)
    answer = await client.post("/v1/chat/completions", {"model": "main/m", **CHAT})

    assert answer.status == 503
    assert answer.headers["x-gw-code"] == "upstream_busy"
    assert (await slow).status == 200


async def test_an_unknown_model_is_404_with_its_neighbours(gateway_client):
    """
    A misspelt name is told with what is near it.
    """
    client = await gateway_client(models={"smart": "openai/gpt"})

    answer = await client.post("/v1/chat/completions", {"model": "smrt", **CHAT})

    assert answer.status == 404
    assert "smart" in answer.json["error"]["message"]
    assert answer.headers["x-gw-code"] == "model_not_found"


async def test_aliases_carry_what_they_matched(fake_upstream, gateway_client):
    """
    A pattern's star goes into the target's name.
    """
    client = await gateway_client(models={"claude-*": "anthropic/claude-*"})

    await client.post("/v1/chat/completions", {"model": "claude-x", **CHAT})

    assert codec.loads(fake_upstream.requests[0].body)["model"] == "claude-x"


SEALED = Seal(dialect="elsewhere", data="c2ln").wrap()
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": SEALED}
BROUGHT_BACK = {
    "/v1/chat/completions": (
        "openai/m",
        {
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "42", "thinking_blocks": [THOUGHT]},
                {"role": "user", "content": "why"},
            ]
        },
    ),
    "/v1/responses": (
        "openai/m",
        {
            "input": [
                {"role": "user", "content": "hi"},
                {
                    "type": "reasoning",
                    "id": "rs_1",
                    "summary": [],
                    "encrypted_content": SEALED,
                },
                {"role": "user", "content": "why"},
            ]
        },
    ),
    "/v1/messages": (
        "anthropic/m",
        {
            "max_tokens": 100,
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": [THOUGHT, {"type": "text", "text": "42"}],
                },
                {"role": "user", "content": "why"},
            ],
        },
    ),
}


@pytest.mark.parametrize("path", BROUGHT_BACK)
async def test_reasoning_of_another_provider_is_not_passed_through(
    fake_upstream, gateway_client, monkeypatch, path
):
    """
    What this gateway wrapped no provider can read: it is taken out, and the trail says so.
    """
    trails = []

    class Watch(Plugin):
        @hookimpl
        async def on_complete(self, exchange):
            trails.append([line.reason for line in exchange.trail.lines])

    monkeypatch.setenv("KEY", "sk-any")
    keys = {"one": {"secret": "env.KEY"}}
    providers = {
        "openai": place(fake_upstream, "openai", keys=keys),
        "anthropic": {"base_url": fake_upstream.url, "keys": keys},
    }
    client = await gateway_client(Watch, providers=providers)
    model, body = BROUGHT_BACK[path]

    answer = await client.post(path, {"model": model, **body})

    assert answer.status == 200
    assert SEAL_MARK not in fake_upstream.requests[0].body
    assert b"why" in fake_upstream.requests[0].body
    assert any("foreign_reasoning" in reason for reason in trails[0])


#: What is sent with status 200 and is no answer, and what the caller hears.
NO_ANSWERS = {
    "nothing": ("", 502, "upstream_failed"),
    "null": ("null", 502, "upstream_failed"),
    "a list": ("[]", 502, "upstream_failed"),
    "an error": (
        '{"error": {"type": "rate_limit_error", "code": "rate_limit_exceeded"}}',
        429,
        "rate_limit_exceeded",
    ),
    "an error in Anthropic's shape": (
        '{"type": "error", "error": {"type": "overloaded_error", "message": "later"}}',
        503,
        "server_is_overloaded",
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
@pytest.mark.parametrize("case", NO_ANSWERS)
async def test_what_is_no_answer_is_a_failure_whatever_its_status(
    fake_upstream, gateway_client, case, kind, stream
):
    """
    A provider that says 200 and answers nothing, or an error, has failed: the next one is asked.
    """
    body, status, code = NO_ANSWERS[case]
    script = Script(raw_body=body, content_type="application/json")
    fake_upstream.script("m", script)
    url = fake_upstream.url if kind == "anthropic" else fake_upstream.openai_url
    main = {"type": kind, "base_url": url, "auth": "none"}
    client = await gateway_client(
        providers={"main": main, "spare": place(fake_upstream)}, routing={"retries": 0}
    )
    asked = {"model": "main/m", "stream": stream, **CHAT}

    alone = await client.post("/v1/chat/completions", asked)
    helped = await client.post(
        "/v1/chat/completions", {**asked, "fallbacks": ["spare/other"]}
    )

    assert (alone.status, alone.json["error"]["code"]) == (status, code)
    assert (helped.status, b"echo" in helped.body) == (200, True)
    assert helped.headers["x-gw-attempts"] == "2"


async def test_an_answer_that_holds_an_error_beside_it_is_one(
    fake_upstream, gateway_client
):
    """
    What says something is passed on as it came, with whatever else stands in it.
    """
    body = '{"choices": [], "error": {"message": "of no account"}}'
    fake_upstream.script("m", Script(raw_body=body, content_type="application/json"))
    client = await gateway_client(providers={"main": place(fake_upstream)})

    answer = await client.post("/v1/chat/completions", {"model": "main/m", **CHAT})

    assert (answer.status, answer.body) == (200, body.encode())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("tokens", [10**10, 2**62])
async def test_usage_that_cannot_be_is_none(
    fake_upstream, gateway_client, tokens, stream
):
    """
    No provider can name a number that those who add up cannot hold.
    """
    seen = []

    class Watch(Plugin):
        @hookimpl
        async def after_attempt(self, exchange, attempt):
            seen.append((attempt.status, attempt.usage, attempt.cost_nano))

    fake_upstream.script("m", Script(usage=Usage(input=3, output=tokens)))
    client = await gateway_client(Watch, providers={"main": place(fake_upstream)})

    answer = await client.post(
        "/v1/chat/completions", {"model": "main/m", "stream": stream, **CHAT}
    )

    assert answer.status == 200
    assert seen == [(200, None, None)]


@pytest.mark.parametrize("name", ["m\nx", "m\x00", "m\x7f", "m\ud800"], ids=ascii)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_models_name_can_stand_in_a_header(
    fake_upstream, gateway_client, path, name
):
    """
    A name that no header can hold is refused before anybody is asked, not behind it.
    """
    client = await gateway_client(providers={"main": place(fake_upstream)})

    answer = await client.post(path, {"model": f"main/{name}", "max_tokens": 9, **CHAT})

    assert answer.status == 400
    assert "model: must not hold" in answer.json["error"]["message"]
    assert not list(fake_upstream.requests)


async def test_a_dropped_fields_name_may_be_anything(fake_upstream, gateway_client):
    """
    The list of losses in the answer's head is one that clients can read.
    """
    main = {"type": "anthropic", "base_url": fake_upstream.url, "auth": "none"}
    client = await gateway_client(providers={"main": main})
    odd = {"a\nb\ud800": 1, "c" * 9000: 1, **{f"field{n}": 1 for n in range(2000)}}

    answer = await client.post(
        "/v1/chat/completions", {"model": "main/m", **CHAT, **odd}
    )

    told = answer.headers["x-gw-translation"]
    assert answer.status == 200
    assert "a?b?=dropped, ccc" in told
    assert told.endswith(" more")
    assert len(told) < 4096


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_header_that_cannot_be_sent_is_a_fault_that_is_told(
    fake_upstream, gateway_client, stream
):
    """
    A plugin that sets one gets its caller an error, not silence.
    """

    class Careless(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            exchange.response_headers["x-team"] = "one\ntwo"

    client = await gateway_client(Careless, providers={"main": place(fake_upstream)})

    async with asyncio.timeout(10):
        answer = await client.post(
            "/v1/chat/completions", {"model": "main/m", "stream": stream, **CHAT}
        )

    assert (answer.status, answer.headers["x-gw-code"]) == (500, "internal_error")
    assert "x-team" not in answer.headers


class _Wrong(Plugin):
    """
    Does what a plugin must not, in the hook that the caller names.
    """

    @hookimpl
    async def pre_request(self, exchange):
        mode = exchange.headers["x-mode"]
        if mode == "exits":
            raise SystemExit(3)
        return "no answer" if mode == "pre_request" else None

    @hookimpl
    def choose_targets(self, exchange, targets):
        return ["m"] if exchange.headers["x-mode"] == "choose_targets" else targets

    @hookimpl
    async def on_stream_chunk(self, exchange, chunk):
        return b"data" if exchange.headers["x-mode"] == "on_stream_chunk" else chunk

    @hookimpl
    async def post_response(self, exchange, response):
        return (
            {"choices": []} if exchange.headers["x-mode"] == "post_response" else None
        )


@pytest.mark.parametrize(
    ("mode", "stream"),
    [
        ("exits", False),
        ("pre_request", False),
        ("choose_targets", False),
        ("on_stream_chunk", True),
        ("post_response", False),
    ],
)
async def test_the_log_names_the_plugin_that_did_wrong(
    fake_upstream, gateway_client, capsys, mode, stream
):
    """
    One that returns what it may not, or would end the process, with its caller's request id.
    """
    client = await gateway_client(_Wrong, providers={"main": place(fake_upstream)})

    answer = await client.post(
        "/v1/chat/completions",
        {"model": "main/m", "stream": stream, **CHAT},
        {"x-mode": mode},
    )

    assert (answer.status, answer.headers["x-gw-code"]) == (500, "plugin_failed")
    told = [line for line in capsys.readouterr().out.splitlines() if "failed" in line]
    assert len(told) == 1
    assert "plugin failed" in told[0]
    assert answer.headers["x-gw-request-id"] in told[0]


async def test_what_is_said_behind_the_end_is_not_translated(
    fake_upstream, gateway_client
):
    """
    The caller's stream has one end, whatever the provider goes on to say in the same breath.
    """
    said = (
        'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
    )
    stop = 'data: {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    body = said % "one" + stop + "data: [DONE]\n\n" + said % "two"
    script = Script(raw_body=body, content_type="text/event-stream")
    fake_upstream.script("m", script)
    client = await gateway_client(providers={"main": place(fake_upstream)})

    answer = await client.post(
        "/v1/messages",
        {"model": "main/m", "max_tokens": 9, "stream": True, **CHAT},
    )

    assert b'"one"' in answer.body
    assert b'"two"' not in answer.body
    assert answer.body.endswith(b'data: {"type":"message_stop"}\n\n')


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        (Script(hang_up=True), 502, "upstream_failed"),
        (Script(silent=True), 504, "upstream_timeout"),
        (Script(raw_body="<html>"), 502, "200"),
    ],
    ids=["hang-up", "silent", "no-json"],
)
async def test_every_attempt_is_told_where_no_provider_answered(
    fake_upstream, gateway_client, script, status, said
):
    """
    Who was asked and how it went stands in the error, as it does behind a status of theirs.
    """
    for model in ("m", "n"):
        fake_upstream.script(model, script)
    slow = place(fake_upstream, timeouts={"first_byte_s": 0.2})
    client = await gateway_client(
        providers={"main": slow, "spare": slow}, routing={"retries": 0}
    )

    answer = await client.post(
        "/v1/chat/completions",
        {"model": "main/m", "fallbacks": ["spare/n"], **CHAT},
    )

    assert answer.status == status
    tried = f"(tried: main/m {said}; spare/n {said})"
    assert answer.json["error"]["message"].endswith(tried)
