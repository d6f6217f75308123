"""
One dialect on both sides: what the caller wrote reaches the provider, and what the provider
wrote the caller, byte for byte, over real sockets; and which headers do, and which never.
"""

from __future__ import annotations

import contextlib
from typing import Any

import aiohttp
import anthropic
import attrs
import openai
import pytest
from aiohttp import web

from gateway import NotAuthenticated, Phase, Plugin, hookimpl
from gateway.testing import GatewayClient

PROVIDER_KEY = "sk-provider-0123456789abcdef"
CALLER_KEY = "sk-caller-0123456789abcdef"
JSON = {"Content-Type": "application/json"}


@attrs.frozen
class Seen:
    """
    A request as the provider got it.
    """

    path: str
    headers: dict[str, str]
    body: bytes


@attrs.define
class Upstream:
    """
    A provider that answers whatever it is told to, and keeps every byte it got.
    """

    body: bytes = b"{}"
    headers: dict[str, str] = attrs.Factory(lambda: dict(JSON))
    status: int = 200
    seen: list[Seen] = attrs.Factory(list)
    url: str = ""

    async def answer(self, request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.path, headers, await request.read()))
        response = web.StreamResponse(status=self.status, headers=self.headers)
        await response.prepare(request)
        for at in range(0, len(self.body), 7):  # in pieces that respect nothing
            await response.write(self.body[at : at + 7])
        await response.write_eof()
        return response

    def streams(self, *frames):
        self.body = b"".join(frames)
        self.headers = {"Content-Type": "text/event-stream"}


@pytest.fixture(name="upstream")
async def _upstream():
    upstream = Upstream()
    runner = web.ServerRunner(web.Server(upstream.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield upstream
    await runner.cleanup()


@pytest.fixture(name="start")
async def _start(upstream, monkeypatch):
    """
    Starts gateways in front of the provider, which two vendors' providers share.
    """
    monkeypatch.setenv("PROVIDER_KEY", PROVIDER_KEY)
    async with contextlib.AsyncExitStack() as stack:

        async def start(*plugins, **provider):
            said = {"keys": {"main": {"secret": "env.PROVIDER_KEY"}}}
            if provider.get("auth") == "caller":
                said = {}
            said |= provider
            openai_like = {"type": "openai", "base_url": f"{upstream.url}/v1"}
            settings = {
                "providers": {
                    "openai": {**openai_like, **said},
                    "anthropic": {"base_url": upstream.url, **said},
                },
                "models": {
                    "m": "openai/m",
                    "c": "anthropic/c",
                    "short": "openai/a-much-longer-name",
                    "clip": "anthropic/a-much-longer-name",
                },
                "routing": {"retries": 0},
            }
            client = GatewayClient(settings, plugins=plugins)
            return await stack.enter_async_context(client)

        yield start


@pytest.fixture(name="client")
async def _client(start):
    return await start()


def edits_of(client, answer):
    """
    Return the edits that stand in the trail of the exchange that gave *answer*.
    """
    trace = client.gateway.traces.get(answer.headers["x-gw-request-id"])
    return [line["reason"] for line in trace["trail"] if line["hook"] == "edit"]


# --- requests -------------------------------------------------------------------------------

#: White space, escapes, numbers, surrogates and members that no tidy writer would send.
ODD = (
    b'"zz_new" : {"a":[1.50,-0.0,1E+2,1e999,  12345678901234567890123456789],"\\u0061b":'
    b'"\\u00e9t\\u00e9 \\ud800 \\/ \xf0\x9f\x8c\xa7","model" :\t"short"},\r\n\t"temperature":0.50'
)


@attrs.frozen
class Route:
    """
    A route that asks a model, and a body for it; *model* is what it asks for.
    """

    path: str
    model: bytes
    rest: bytes
    upstream: str
    cap: bytes = b""

    def __str__(self):
        return self.path

    def body(self, model=None, more=b""):
        name = model or self.model
        return b'\n{ %b, %b,\n"model" :\t"%b" %b}\n' % (self.rest, ODD, name, more)


TURN = b'"messages":[{"zz":0,"content":"\\u00e9t\\u00e9","role":"user"}]'
CHAT = Route("/v1/chat/completions", b"m", TURN, "/v1/chat/completions", b"max_tokens")
RESPONSES = Route(
    "/v1/responses",
    b"m",
    b'"input": "\\u00e9t\\u00e9"',
    "/v1/responses",
    b"max_output_tokens",
)
MESSAGES = Route(
    "/v1/messages", b"c", TURN + b', "max_tokens": 100', "/v1/messages", b"max_tokens"
)
COUNT = Route("/v1/messages/count_tokens", b"c", TURN, "/v1/messages/count_tokens")
COMPLETIONS = Route(
    "/v1/completions",
    b"m",
    b'"prompt":"\\u00e9t\\u00e9"',
    "/v1/completions",
    b"max_tokens",
)
EMBEDDINGS = Route(
    "/v1/embeddings", b"m", b'"input":["\\u00e9t\\u00e9"]', "/v1/embeddings"
)
ROUTES = [CHAT, RESPONSES, MESSAGES, COUNT, COMPLETIONS, EMBEDDINGS]
each_route = pytest.mark.parametrize("route", ROUTES, ids=str)


@each_route
async def test_a_request_arrives_as_the_bytes_that_were_sent(upstream, client, route):
    """
    Whatever its spelling, and whatever nobody has heard of in it, no byte is changed.
    """
    answer = await client.post(route.path, route.body())

    (seen,) = upstream.seen
    assert answer.status == 200
    assert seen.body == route.body()
    assert seen.path == route.upstream
    assert edits_of(client, answer) == []


@each_route
async def test_an_alias_changes_the_model_and_nothing_else(upstream, client, route):
    """
    The name of the model is spliced into the caller's bytes, and the trail says so.
    """
    alias = {b"m": b"short", b"c": b"clip"}[route.model]

    answer = await client.post(route.path, route.body(alias))

    assert upstream.seen[0].body == route.body(b"a-much-longer-name")
    assert edits_of(client, answer) == ["model"]


ASKED = b',"stream_options" : {"include_usage":true }'


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS], ids=str)
async def test_usage_is_asked_for_in_front_of_the_other_bytes(upstream, client, route):
    """
    Where the caller did not ask what a stream used, the question is put in, and told.
    """
    upstream.streams(b"data: [DONE]\n\n")
    body = route.body(more=b',"stream":true')

    answer = await client.post(route.path, body)

    question = b'"stream_options":{"include_usage":true},'
    assert upstream.seen[0].body.replace(question, b"", 1) == body
    assert upstream.seen[0].body.count(question) == 1
    assert edits_of(client, answer) == ["stream_options"]


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS], ids=str)
async def test_usage_that_the_caller_asks_for_is_no_edit(upstream, client, route):
    """
    A caller who asks sends the very bytes.
    """
    upstream.streams(b"data: [DONE]\n\n")
    body = route.body(more=b',"stream":true' + ASKED)

    answer = await client.post(route.path, body)

    assert upstream.seen[0].body == body
    assert edits_of(client, answer) == []


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS], ids=str)
async def test_usage_is_added_to_what_the_caller_wants_of_the_stream(
    upstream, client, route
):
    """
    Beside the caller's own options the question is put in, and no other byte changes.
    """
    upstream.streams(b"data: [DONE]\n\n")
    options = b',"stream":true,"stream_options" : {"include_obfuscation":false}'
    body = route.body(more=options)

    answer = await client.post(route.path, body)

    sent = upstream.seen[0].body
    assert b'"include_usage":true' in sent
    assert ODD in sent
    assert edits_of(client, answer) == ["stream_options"]


class Capper(Plugin):
    """
    Caps every answer, as a budget does.
    """

    phase = Phase.GOVERN

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        attempt.request.max_output_tokens = 7


CAPPED = [route for route in ROUTES if route.cap]


@pytest.mark.parametrize("route", CAPPED, ids=str)
async def test_a_lower_cap_replaces_the_callers(upstream, start, route):
    """
    A cap that a plugin lowers is spliced into the caller's bytes, and the trail says so.
    """
    client = await start(Capper)
    said = b"" if route is MESSAGES else b', "%b": 100' % route.cap
    body = route.body(more=said)

    answer = await client.post(route.path, body)

    old = b'"%b": 100' % route.cap
    assert upstream.seen[0].body == body.replace(old, old[:-3] + b"7")
    assert edits_of(client, answer) == [route.cap.decode()]


@pytest.mark.parametrize("route", [r for r in CAPPED if r is not MESSAGES], ids=str)
async def test_a_new_cap_is_put_in_front(upstream, start, route):
    """
    A cap where the caller had none stands before the caller's bytes, and the trail says so.
    """
    client = await start(Capper)
    cap = b"max_completion_tokens" if route is CHAT else route.cap
    body = route.body()

    answer = await client.post(route.path, body)

    assert upstream.seen[0].body == body.replace(b"{", b'{"%b":7,' % cap, 1)
    assert edits_of(client, answer) == [cap.decode()]


# --- answers --------------------------------------------------------------------------------


@each_route
@pytest.mark.parametrize("status", [200, 201])
async def test_an_answer_arrives_as_the_bytes_that_were_sent(
    upstream, client, route, status
):
    """
    A whole answer is the provider's very bytes, members included that nobody knows.
    """
    upstream.body = (
        b'\r\n{ %b, "id":\t"x" ,"choices":[],"output":[ ],"content":[]}' % ODD
    )
    upstream.status = status

    answer = await client.post(route.path, route.body())

    assert answer.body == upstream.body
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/json")


HELLO = b": hello\n\n"
NOVEL = (
    b'id: 7\nevent: zz.new\nretry: 9\ndata: {"type":"zz.new", "a" : 1.50}\nzz: 1\n\n'
)
CHAT_EVENTS = (
    HELLO,
    (
        b'data:{"choices":[{"index":0,"delta":{"content":"\\u00e9t\\u00e9 \xf0\x9f\x8c\xa7",'
        b'"zz":1e999},"finish_reason":null}] , "zz":[1.50]}\n\n'
    ),
    NOVEL,
    b'data: {"choices":[{"index":0,"delta":{},\ndata: "finish_reason":"stop"}]}\n\n',
)
CHAT_USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
)
DONE = b"data: [DONE]\n\n"
RESPONSES_EVENTS = (
    HELLO,
    (
        b'event: response.created\ndata: {"type":"response.created","sequence_number":0,'
        b'"response":{"id":"resp_1","zz":1.50}}\n\n'
    ),
    NOVEL,
    (
        b'event: response.completed\ndata: {"type":"response.completed","sequence_number":1, '
        b'"response":{"id":"resp_1","status":"completed","output":[],"zz":1e999}}\n\n'
    ),
)
MESSAGES_EVENTS = (
    HELLO,
    (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","usage":'
        b'{"input_tokens":1,"output_tokens":1},"zz":1.50}}\n\n'
    ),
    NOVEL,
    (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"'
        b'},"usage":{"output_tokens":1 }}\n\n'
    ),
    b'event: message_stop\ndata: {"type":"message_stop" , "zz":0}\n\n',
)
STREAMS = [
    pytest.param(CHAT, (*CHAT_EVENTS, DONE), id="chat"),
    pytest.param(COMPLETIONS, (*CHAT_EVENTS, DONE), id="completions"),
    pytest.param(RESPONSES, RESPONSES_EVENTS, id="responses"),
    pytest.param(MESSAGES, MESSAGES_EVENTS, id="messages"),
]


@pytest.mark.parametrize(("route", "events"), STREAMS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
async def test_a_stream_arrives_as_the_bytes_that_were_sent(
    upstream, client, route, events, line_end
):
    """
    Events, fields and comments that nobody knows reach the caller, line ends and all.
    """
    upstream.streams(*(event.replace(b"\n", line_end) for event in events))

    answer = await client.post(route.path, route.body(more=b',"stream":true'))

    assert answer.body == upstream.body
    assert answer.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS], ids=str)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "hidden"])
async def test_only_usage_that_nobody_asked_for_is_taken_out(
    upstream, client, route, line_end, asks
):
    """
    Of a stream whose usage the gateway asked for, that one event is hidden and nothing else.
    """
    events = [e.replace(b"\n", line_end) for e in (*CHAT_EVENTS, CHAT_USAGE, DONE)]
    upstream.streams(*events)
    more = b',"stream":true' + (ASKED if asks else b"")

    answer = await client.post(route.path, route.body(more=more))

    expected = events if asks else [*events[:-2], events[-1]]
    assert answer.body == b"".join(expected)


# --- headers --------------------------------------------------------------------------------

#: What must not leave the gateway: credentials, cookies, where the caller is.
KEPT = {
    "Cookie": "session=caller-cookie",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Host": "inside.example",
    "Forwarded": "for=203.0.113.7",
    "X-Real-IP": "203.0.113.7",
    "Via": "1.1 inside",
    "Proxy-Authorization": "Basic caller-proxy",
    "OpenAI-Organization": "org-caller",
    "OpenAI-Project": "proj-caller",
    "X-Request-Id": "caller-id",
    "X-Custom": "caller-custom",
    "User-Agent": "caller-agent",
}
#: What a provider may be sent: what it is about, its own credential, the vendor's switches.
SENT = {
    "host",
    "content-type",
    "content-length",
    "authorization",
    "x-api-key",
    "openai-beta",
    "anthropic-version",
    "anthropic-beta",
    "idempotency-key",
}
CREDENTIALS = [{"Authorization": f"Bearer {CALLER_KEY}"}, {"x-api-key": CALLER_KEY}]
each_credential = pytest.mark.parametrize(
    "credential", CREDENTIALS, ids=["bearer", "x-api-key"]
)


@each_route
@each_credential
async def test_what_is_the_callers_stays_here(upstream, client, route, credential):
    """
    No credential, cookie or address of the caller reaches a provider, who gets its own key.
    """
    await client.post(route.path, route.body(), {**KEPT, **credential})

    (seen,) = upstream.seen
    values = " ".join(seen.headers.values())
    assert "caller" not in values
    assert "203.0.113.7" not in values
    assert set(seen.headers) <= SENT
    assert PROVIDER_KEY in values


@pytest.mark.parametrize("route", [MESSAGES, COUNT], ids=str)
async def test_anthropics_switches_go_on_as_they_came(upstream, client, route):
    """
    Version and betas are forwarded, lists and odd spacing and all.
    """
    headers = {"anthropic-version": "2023-01-01", "anthropic-beta": "a-1 ,b-2,zz-new-9"}

    await client.post(route.path, route.body(), headers)
    await client.post(route.path, route.body())

    first, second = upstream.seen
    assert {name: first.headers[name] for name in headers} == headers
    assert second.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in second.headers


async def test_several_lines_of_betas_are_one_list(upstream, client):
    """
    A header that came twice is one list upstream, in its order.
    """
    async with aiohttp.ClientSession() as session:
        headers = [("anthropic-beta", "a-1"), ("anthropic-beta", "b-2"), *JSON.items()]
        url = client.url + MESSAGES.path
        async with session.post(url, data=MESSAGES.body(), headers=headers) as answer:
            assert answer.status == 200

    assert upstream.seen[0].headers["anthropic-beta"] == "a-1, b-2"


#: What must not reach the caller: whose account it is, and what machine answered.
LEAKS = {
    "Set-Cookie": "__cf_bm=provider",
    "OpenAI-Organization": "org-provider",
    "anthropic-organization-id": "org-provider",
    "Server": "provider-nginx",
    "CF-Ray": "provider-ray",
    "x-ratelimit-remaining-tokens": "12345",
    "anthropic-ratelimit-tokens-remaining": "12345",
    "X-Internal-Host": "provider-host",
    "Strict-Transport-Security": "max-age=1",
    "Alt-Svc": "provider",
}


@pytest.mark.parametrize("route", [CHAT, RESPONSES, MESSAGES, EMBEDDINGS], ids=str)
@pytest.mark.parametrize("status", [200, 429])
async def test_what_is_the_providers_stays_there(upstream, client, route, status):
    """
    The caller sees nothing of the account that answered, neither with an answer nor an error.
    """
    upstream.headers |= LEAKS
    upstream.status = status
    if status != 200:
        upstream.body = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'

    answer = await client.post(route.path, route.body())

    assert answer.status == status
    assert not {name.lower() for name in LEAKS} - {"server"} & set(answer.headers)
    assert not any("provider" in value for value in answer.headers.values())
    assert answer.headers["server"] == "gatewright"


@each_route
@each_credential
async def test_a_provider_may_be_asked_with_the_callers_own_key(
    upstream, start, route, credential
):
    """
    With ``auth: caller`` the credential goes through, in the spelling that the vendor reads.
    """
    client = await start(auth="caller")

    answer = await client.post(route.path, route.body(), {**KEPT, **credential})

    (seen,) = upstream.seen
    name = "x-api-key" if route.model == b"c" else "authorization"
    sent = CALLER_KEY if route.model == b"c" else f"Bearer {CALLER_KEY}"
    assert answer.status == 200
    assert seen.headers[name] == sent
    assert set(seen.headers) <= SENT
    assert " ".join(seen.headers.values()).count("caller") == 1


async def test_no_key_for_this_gateway_is_taken_for_the_callers_own(upstream, start):
    """
    A virtual key never reaches a provider, and is named as what is missing.
    """
    client = await start(auth="caller")

    answer = await client.post(
        CHAT.path, CHAT.body(), {"Authorization": "Bearer sk-gw-0123456789"}
    )

    assert answer.status == 401
    assert answer.headers["x-gw-code"] == "provider_credential_required"
    assert upstream.seen == []


# --- ways in --------------------------------------------------------------------------------

BELOW = {
    "/v1": ["/chat/completions", "/responses", "/completions", "/embeddings"],
    "/openai/v1": ["/chat/completions", "/responses", "/completions", "/embeddings"],
    "/openai": ["/chat/completions", "/responses", "/completions", "/embeddings"],
    "/anthropic/v1": ["/messages", "/messages/count_tokens"],
}
BY_PATH = {route.path: route for route in ROUTES}


class Doorkeeper(Plugin):
    """
    Asks for a key, in either vendor's header.
    """

    phase = Phase.IDENTIFY
    authenticates_callers = True

    @hookimpl
    async def pre_request(self, exchange):
        headers = exchange.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if CALLER_KEY not in (bearer, headers.get("x-api-key")):
            raise NotAuthenticated


@pytest.mark.parametrize(
    "path", [prefix + below for prefix, paths in BELOW.items() for below in paths]
)
@each_credential
async def test_every_way_in_takes_both_credential_headers(
    upstream, start, path, credential
):
    """
    A base URL is all that a client has to change, whichever header it shows its key in.
    """
    client = await start(Doorkeeper)
    prefix = next(p for p in sorted(BELOW, key=len, reverse=True) if path.startswith(p))
    route = BY_PATH["/v1" + path.removeprefix(prefix)]

    without = await client.post(path, route.body())
    answer = await client.post(path, route.body(), credential)

    assert (without.status, answer.status) == (401, 200)
    assert [seen.path for seen in upstream.seen] == [route.upstream]
    assert upstream.seen[0].body == route.body()


@pytest.mark.parametrize("below", ["/v1", "/openai/v1", "/openai"])
async def test_openais_sdk_lists_models(client, below):
    """
    The list of models has the shape that OpenAI's SDK reads, and one can be looked up.
    """
    url = client.url + below
    async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as sdk:
        listed = [model async for model in await sdk.models.list()]
        one = await sdk.models.retrieve("m")

    assert {model.id for model in listed} >= {"m", "c", "short", "clip"}
    assert {model.object for model in listed} == {"model"}
    assert (one.id, one.owned_by) == ("m", "openai")


@pytest.mark.parametrize("below", ["", "/anthropic"])
async def test_anthropics_sdk_lists_models(client, below):
    """
    By the header that Anthropic's SDK sends the list has the shape that it reads.
    """
    url = client.url + below
    async with anthropic.AsyncAnthropic(
        base_url=url, api_key="x", max_retries=0
    ) as sdk:
        page = await sdk.models.list()
        one = await sdk.models.retrieve("c")

    assert {model.id for model in page.data} >= {"m", "c", "short", "clip"}
    assert {model.type for model in page.data} == {"model"}
    assert page.has_more is False
    assert (one.id, one.display_name) == ("c", "c")


@pytest.mark.parametrize("path", ["/", "/api/hello"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_coding_agents_find_somebody_here(start, path, method):
    """
    The probes of coding agents are answered before anybody authenticates.
    """
    client = await start(Doorkeeper)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, client.url + path) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/", "/ws"])
async def test_web_sockets_are_not_spoken(client, path):
    """
    An upgrade is told 426 and what to speak instead, before anything else is looked at.
    """
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.get(client.url + path, headers=headers) as answer,
    ):
        body: Any = await answer.json()

        assert answer.status == 426
        assert answer.headers["Upgrade"] == "HTTP/1.1"
        assert "HTTP streaming" in body["error"]["message"]
