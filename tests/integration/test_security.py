"""
What strangers send breaks nothing, and what is secret is told to nobody.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
from typing import Any

import aiohttp
import attrs
import pytest
import structlog
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import Blocked, Phase, Plugin, Refused, hookimpl
from gateway.app import Gateway
from gateway.filters import StreamFilter
from gateway.plugins import FoundPlugin
from gateway.server.fleet import Solo
from gateway.server.launch import Launch
from gateway.server.logs import configure_logging
from gateway.server.management_routes import management_routes
from gateway.server.sockets import address_of, bind
from gateway.server.station import Station
from gateway.settings import Address, settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing import FakeUpstream, Insert, Script, make_request
from gateway_governance import GovernancePlugin

#: Each secret, by what it is; none of them may be told.
PROVIDER_KEY = "sk-prov-CanaryProvider0123456789abcdef"
VIRTUAL_KEY = "vk-CanaryVirtual0123456789abcdef"
WRONG_KEY = "sk-gw-CanaryWrong0123456789abcdef"
ADMIN_TOKEN = "CanaryAdmin0123456789abcdef"
WRONG_TOKEN = "CanaryStranger0123456789abcdef"
COOKIE = "CanaryCookie0123456789"
REFUSED_KEY = "sk-prov-CanaryRefused0123456789abcdef"
SECRETS = [
    *(PROVIDER_KEY, REFUSED_KEY, VIRTUAL_KEY, WRONG_KEY),
    *(ADMIN_TOKEN, WRONG_TOKEN, COOKIE),
]
#: What people and models say: told to those who talk to each other, and to nobody else.
PROMPT = "CanaryPrompt: my card is 4111 1111 1111 1111"
ANSWER = "CanaryAnswer: your card is 4111 1111 1111 1111"

CHAT = "/v1/chat/completions"
PATHS = (CHAT, "/v1/messages", "/v1/responses")


def body_for(path, model, **more):
    """
    Return a request on *path* that says the prompt in as many places as it can.
    """
    if path == "/v1/responses":
        return {"model": model, "input": PROMPT, "instructions": PROMPT, **more}
    turn = {"role": "user", "content": PROMPT}
    doc = {"model": model, "messages": [turn], "max_tokens": 50, **more}
    return {**doc, "system": PROMPT} if path == "/v1/messages" else doc


# --- a whole gateway ------------------------------------------------------------------------


class Faulty(Plugin):
    """
    Fails, or refuses, in the hook that the model's name asks for, with secrets in its text.
    """

    phase = Phase.INSPECT

    async def fault(self, exchange, hook):
        asked = exchange.request.model.rpartition("/")[2]
        if asked == f"fail-{hook}":
            raise RuntimeError(f"{PROMPT} {PROVIDER_KEY} {VIRTUAL_KEY}")
        if asked == f"refuse-{hook}":
            raise Refused("No.", code="no", details={"hook": hook})

    @hookimpl
    async def pre_request(self, exchange):
        await self.fault(exchange, "pre_request")

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        await self.fault(exchange, "before_attempt")

    @hookimpl
    async def after_attempt(self, exchange, attempt):
        await self.fault(exchange, "after_attempt")

    @hookimpl
    async def post_response(self, exchange, response):
        await self.fault(exchange, "post_response")

    @hookimpl
    async def on_complete(self, exchange):
        await self.fault(exchange, "on_complete")

    @hookimpl
    def open_filter(self, exchange, attempt):
        asked = exchange.request.model.rpartition("/")[2]
        return FaultyFilter(asked) if asked.endswith("filter") else None


class FaultyFilter(StreamFilter):
    """
    Fails at the first word, or blocks it.
    """

    def __init__(self, asked):
        self.asked = asked

    async def feed(self, chunks):
        if self.asked == "fail-filter":
            raise RuntimeError(f"{[chunk.doc for chunk in chunks]} {PROVIDER_KEY}")
        raise Blocked


@attrs.define(eq=False)
class Whole:
    """
    A gateway with its management, log and all, and what was told to whom.
    """

    url: str
    station: Station
    fake: FakeUpstream
    log: io.BytesIO
    told: list[tuple[int, str, bytes]] = attrs.Factory(list)
    ids: list[str] = attrs.Factory(list)

    async def ask(self, session, path, body, **headers):
        """
        Ask as a caller who may; note what came.
        """
        # Every failure is to be seen, and none to keep the next from its provider.
        self.station.gateway.runtime.router.health._records.clear()
        sent = {"Authorization": f"Bearer {VIRTUAL_KEY}", "Cookie": COOKIE, **headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
        url = self.url + path
        async with session.post(url, data=raw, headers=sent) as answer:
            try:
                got = await answer.read()
            except aiohttp.ClientPayloadError:
                got = b""
            self.told.append((answer.status, str(answer.headers), got))
            self.ids.append(answer.headers.get("x-gw-request-id", ""))
            return answer.status, got

    async def manage(self, session, path, token=ADMIN_TOKEN, **request):
        """
        Ask as an operator.
        """
        headers = {"Authorization": f"Bearer {token}"}
        method = "POST" if request else "GET"
        async with session.request(
            method, self.url + path, headers=headers, **request
        ) as answer:
            return answer.status, await answer.read()


@pytest.fixture(name="_unfrozen")
def _as_before():
    """
    Leave log and garbage collector as they were.
    """
    root = logging.root
    handlers, level, thresholds = root.handlers, root.level, gc.get_threshold()
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture(name="whole")
async def _whole(_unfrozen, tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text("version: [broken\n")
    async with FakeUpstream(keys=[PROVIDER_KEY]) as fake:
        keys = {"keys": {"main": {"secret": "env.PROVIDER_KEY"}}}
        slow = {"timeouts": {"first_byte_s": 0.1, "idle_s": 0.1}}
        chat = {"type": "openai", "base_url": fake.openai_url, **keys, **slow}
        nobody = {"type": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"}
        environ = {
            "PROVIDER_KEY": PROVIDER_KEY,
            "VIRTUAL_KEY": VIRTUAL_KEY,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "WRONG": REFUSED_KEY,
        }
        wrong = {"keys": {"main": {"secret": "env.WRONG"}}}
        settings = settings_from_dict(
            {
                "version": 1,
                "server": {"log": {"format": "json", "level": "debug"}},
                "admin": {"oncall": {"secret": "env.ADMIN_TOKEN", "role": "admin"}},
                "providers": {
                    "openai": chat,
                    "anthropic": {"base_url": fake.url, **keys, **slow},
                    "nobody": {**nobody, "auth": "none"},
                    "locked": {**chat, **wrong},
                },
                "routing": {"retries": 0},
                "plugins": {
                    "governance": {
                        "require_key": True,
                        "virtual_keys": {"one": {"secret": "env.VIRTUAL_KEY"}},
                    }
                },
            }
        )
        found = [
            FoundPlugin(name="governance", cls=GovernancePlugin),
            FoundPlugin(name="faulty", cls=Faulty),
        ]
        gateway = Gateway(
            settings,
            plugins=found,
            installed=False,
            environ=environ,
            data_dir=tmp_path,
        )
        log = io.BytesIO()
        station = Station(gateway, configure_logging(settings.server.log, file=log))
        sock = bind(Address("127.0.0.1", 0))
        fleet = Solo(station, Launch(file=file), address_of(sock), environ)
        await station.start(sock, None, management_routes(fleet, is_shared=True))
        yield Whole(f"http://{address_of(sock)}", station, fake, log)
        await station.stop()


# --- hostile credentials --------------------------------------------------------------------

ODD_VALUES = (
    b"",
    b" ",
    b"\t",
    b"Bearer",
    b"Bearer ",
    b"Bearer Bearer",
    b"bearer\t" + b"x" * 20,
    b"Bearer \x00",
    b"Bearer a\x01b\x7f",
    b"Bearer \x80\xff\xfe",
    b"Bearer \xed\xa0\x80",
    b"Bearer \xf0\x9f\x8c\xa7" * 3,
    b"Bearer " + b"a" * 513,
    b"Bearer " + b"a" * 8_000,
    b"Bearer " + b"a" * 16_300,
    b"Bearer " + b"a" * 40_000,
    b"Bearer a,b;c=d",
    b"Bearer ' OR 1=1 --",
    b"Bearer %s%n{0}${jndi:ldap://x}",
    b"Bearer ../../etc/passwd",
    b'Bearer {"a": [1e999]}',
    b"Bearer eyJhbGciOiJub25lIn0.e30.",
    b"Bearer sk-gw-",
    b"Bearer x\r\n folded",
    b"Bearer x\r\nX-Injected: y",
    b"Bearer x\r\n\r\nGET / HTTP/1.1",
    b"Bearer x\ry",
    b"Bearer x\ny",
    b"Basic dXNlcjpwYXNz",
    b"Basic \xff",
    b"Digest username=x",
    b"=" * 100,
)
NAMES = (b"Authorization", b"x-api-key", b"api-key", b"x-gw-key", b"x-bf-vk")


def hostile(rng, count):
    """
    Yield *count* header lines: odd values, and random bytes under every name for credentials.
    """
    for number in range(count):
        name = NAMES[number % len(NAMES)] if number % 3 else NAMES[0]
        if number < 3 * len(ODD_VALUES):
            value = ODD_VALUES[number % len(ODD_VALUES)]
        else:
            scheme = rng.choice([b"Bearer ", b"bearer ", b"", b"Bearer  ", b"BEARER\t"])
            value = scheme + rng.randbytes(rng.randint(0, 80)).replace(b"\n", b"")
        yield name + b": " + value


async def status_of(port, path, line, body, method="POST"):
    """
    Send a request with the header *line*; return its status and all that came.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    head += b"Connection: close\r\n"
    head += b"Content-Type: application/json\r\n" + line + b"\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    try:
        async with asyncio.timeout(5):
            got = await reader.read()
    except ConnectionResetError:
        got = b""
    finally:
        writer.transport.abort()
    return int(got.split(b" ", 2)[1]) if got else 0, got


async def test_a_thousand_hostile_credentials(whole, rng):
    """
    Whatever stands where a key should, nothing breaks, nobody gets in, nothing is repeated;
    and whoever has a key is answered as before.
    """
    port = int(whole.url.rpartition(":")[2])
    raw = json.dumps(body_for(CHAT, "openai/m")).encode()
    lines = list(hostile(rng, 1000))
    statuses: dict[int, int] = {}

    for at in range(0, len(lines), 50):
        batch = lines[at : at + 50]
        asked = [
            status_of(port, PATHS[(at + index) % 3], line, raw)
            for index, line in enumerate(batch)
        ]
        for line, (status, got) in zip(
            batch, await asyncio.gather(*asked), strict=True
        ):
            statuses[status] = statuses.get(status, 0) + 1
            token = line.rpartition(b" ")[2]
            assert status in {400, 401, 431}, (status, line)
            assert len(token) < 8 or token not in got

    async with aiohttp.ClientSession() as session:
        status, _ = await whole.ask(session, CHAT, body_for(CHAT, "openai/m"))
    assert sum(statuses.values()) == 1000
    assert {400, 401} <= set(statuses)
    assert status == 200
    assert len(whole.fake.requests) == 1


async def test_hostile_credentials_of_operators(whole, rng):
    """
    Management is no softer: whatever a token looks like, nobody gets in and nothing breaks.
    """
    port = int(whole.url.rpartition(":")[2])
    lines = list(hostile(rng, 200))

    asked = [status_of(port, "/api/status", line, b"", "GET") for line in lines]
    statuses = {status for status, _ in await asyncio.gather(*asked)}

    assert statuses <= {400, 401, 403, 431}


async def test_hostile_credentials_that_go_upstream(rng):
    """
    Where the caller's own key goes to the provider, what cannot be a key does not.
    """
    async with FakeUpstream() as fake:
        provider = {"type": "openai", "base_url": fake.openai_url, "auth": "caller"}
        settings = settings_from_dict({"providers": {"openai": provider}})
        async with Gateway(settings, installed=False, environ={}) as gateway:
            for line in hostile(rng, 300):
                name, _, value = line.partition(b": ")
                text = value.decode("utf-8", "surrogateescape")
                status = await relayed(gateway, {name.decode(): text})
                assert status in {200, 401}, line

        assert all(
            seen.headers["authorization"].isprintable() for seen in fake.requests
        )


async def relayed(gateway, headers):
    """
    Relay a request that came with *headers*; return the status of its answer.
    """
    request = make_request(body_for(CHAT, "openai/m"))
    exchange = gateway.exchange(
        dialect=request.dialect,
        operation="generate",
        request=request,
        headers=CIMultiDictProxy(CIMultiDict(headers)),
    )
    sink = MemorySink()
    await gateway.relay(exchange, sink)
    return sink.status


# --- canaries -------------------------------------------------------------------------------

#: What a vendor says of a caller's own mistake, which the caller hears, and of its own.
TOLD = "so says the vendor"
SAYS = f"so says the vendor of {PROVIDER_KEY}: {PROMPT}"
FAULTS = {
    "fine": Script(text=ANSWER),
    "thinks": Script(reasoning=ANSWER, text=ANSWER),
    "bad": Script(status=400, error_message=TOLD),
    "denied": Script(status=401, error_message=SAYS),
    "forbidden": Script(status=403, error_message=SAYS),
    "missing": Script(status=404, error_message=TOLD),
    "unprocessable": Script(status=422, error_message=TOLD),
    "limited": Script(status=429, error_message=TOLD, retry_after_s=1),
    "broken": Script(status=500, error_message=SAYS),
    "overloaded": Script(status=529, error_message=SAYS),
    "html": Script(status=502, raw_body=f"<html>{SAYS}</html>"),
    "no-json": Script(raw_body=f"<html>{SAYS}</html>", content_type="text/html"),
    "hang-up": Script(hang_up=True),
    "silent": Script(silent=True),
    "breaks": Script(text=ANSWER, split=3, break_after=3),
    "ends": Script(text=ANSWER, split=3, end_after=3),
    "stalls": Script(text=ANSWER, split=3, stall_after=3),
    "errs": Script(text=ANSWER, split=3, error_after=3, error_message=SAYS),
    "malformed": Script(text=ANSWER, split=3, malformed_after=3),
    "odd-frame": Script(text=ANSWER, inserts=(Insert(1, f"data: {{{PROMPT}\n\n"),)),
}
HOOKS = ("pre_request", "before_attempt", "after_attempt", "post_response")
FAILING = [
    f"{how}-{hook}"
    for how in ("fail", "refuse")
    for hook in (*HOOKS, "on_complete", "filter")
]
#: Bodies that are no requests, with secrets in them.
MALFORMED = (
    PROMPT.encode(),
    b'{"model": "openai/fine", "messages": [{"role": "user", "content": "%b"'
    % PROMPT.encode(),
    json.dumps({"model": PROMPT * 20, "messages": [], "input": ""}).encode(),
    json.dumps({"model": {"a": PROMPT}, "messages": []}).encode(),
    json.dumps({"model": "m", "messages": PROMPT, "input": {"a": PROMPT}}).encode(),
    b'{"model": "m", "%b": 1, "%b": 2}' % (PROMPT.encode(), PROMPT.encode()),
    b'{"model": "m", "a":' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"model": "m", "messages": [{"role": "%b"}]}' % PROMPT.encode(),
    b'{"model": "m", "messages": [], "max_tokens": "%b"}' % PROMPT.encode(),
    b"\xff\xfe" + PROMPT.encode(),
)
#: What the other vendor's dialect cannot say.
UNTRANSLATABLE: dict[str, dict[str, Any]] = {
    CHAT: {"n": 2, "logit_bias": {PROMPT: 1}, "messages": [{"role": PROMPT}]},
    "/v1/messages": {
        "container": PROMPT,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "document", "source": {"type": "file", "file_id": PROMPT}}
                ],
            }
        ],
    },
    "/v1/responses": {"previous_response_id": PROMPT},
}


async def make_trouble(whole, session):
    """
    Run into every kind of error that a caller or a provider can make.
    """
    for name, script in FAULTS.items():
        whole.fake.script(name, script)
    for path in PATHS:
        for model in [*FAULTS, *FAILING]:
            for provider in ("openai", "anthropic"):
                for stream in (False, True):
                    body = body_for(path, f"{provider}/{model}", stream=stream)
                    await whole.ask(session, path, body)
        for target in ("nobody/m", "locked/m", "unheard-of"):
            await whole.ask(session, path, body_for(path, target))
        for raw in MALFORMED:
            await whole.ask(session, path, raw)
        for provider in ("openai", "anthropic"):
            body = body_for(path, f"{provider}/m", **UNTRANSLATABLE[path])
            await whole.ask(session, path, body)
        fine = body_for(path, "openai/fine")
        await whole.ask(session, path, fine, Authorization=f"Bearer {WRONG_KEY}")
        await whole.ask(session, path, fine, Authorization="", Cookie=WRONG_KEY)
        for odd in ("text/plain", f"application/json; charset={WRONG_KEY}"):
            await whole.ask(session, path, fine, **{"Content-Type": odd})
        await whole.ask(session, f"/v1/{VIRTUAL_KEY}?key={VIRTUAL_KEY}", fine)


async def leave_early(whole):
    """
    Leave in the middle of an answer, and of a request.
    """
    port = int(whole.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    whole.fake.script("endless", Script(pieces=(ANSWER,), never_end=True))
    raw = json.dumps(body_for(CHAT, "openai/endless", stream=True)).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    )
    head += f"Authorization: Bearer {VIRTUAL_KEY}\r\nContent-Length: {len(raw)}\r\n\r\n"
    writer.write(head.encode() + raw)
    await reader.readuntil(b"CanaryAnswer")
    writer.transport.abort()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + raw[:50])
    await writer.drain()
    writer.transport.abort()
    await whole.fake.wait_for(lambda: whole.fake.departures)


async def management_of(whole, session):
    """
    Return everything that management says of what happened.
    """
    said = [
        await whole.manage(session, path)
        for path in (
            "/metrics",
            "/api/status",
            "/api/plugins",
            "/api/settings",
            "/api/providers",
            "/api/models",
            *(f"/api/explain/{request_id}" for request_id in whole.ids if request_id),
        )
    ]
    traces = [got for status, got in said[6:] if status == 200]
    assert [status for status, _ in said[:6]] == [200] * 6
    assert len(traces) > 200
    for path in PATHS:
        for model in ("openai/fine", "unheard-of", "openai/fail-pre_request"):
            document = {
                "path": path,
                "request": body_for(path, model),
                "headers": {"Authorization": f"Bearer {VIRTUAL_KEY}", "Cookie": COOKIE},
            }
            said.append(await whole.manage(session, "/api/explain", json=document))
    said.append(await whole.manage(session, "/api/status", WRONG_TOKEN))
    said.append(await whole.manage(session, "/api/reload", json={}))
    said.append(await whole.manage(session, f"/api/explain/{VIRTUAL_KEY}"))
    said.append(await whole.manage(session, "/api/explain", json={VIRTUAL_KEY: 1}))
    return b"\n".join(got for _, got in said)


def places_of(canary, told):
    """
    Return the surroundings in which *canary* stands in *told*.
    """
    raw = canary.encode()
    at, found = told.find(raw), []
    while at >= 0 and len(found) < 5:
        found.append(told[max(at - 120, 0) : at + len(raw) + 40])
        at = told.find(raw, at + 1)
    return found


async def test_nobody_is_told_a_secret(whole):
    """
    After errors of every kind neither logs nor metrics, traces, explanations or the answers
    hold a credential; and what was said stands in none but the answers to those who said it.
    """
    async with aiohttp.ClientSession() as session:
        await make_trouble(whole, session)
        await leave_early(whole)
        managed = await management_of(whole, session)
    await whole.station.drain(3)
    await whole.station.stop()  # which writes what the log still gathers
    statuses = {status for status, _, _ in whole.told}

    errors = b"\n".join(got for status, _, got in whole.told if status >= 400)
    answers = "\n".join(f"{headers} {got!r}" for _, headers, got in whole.told).encode()
    log = whole.log.getvalue()

    assert statuses >= {200, 400, 401, 403, 404, 415, 429, 500, 502, 504}
    assert all(request_id.encode() in log for request_id in whole.ids)
    assert all(whole.ids)
    assert b"plugin failed" in log
    told = {"log": log, "management": managed, "answers": answers}
    found = {
        (where, secret): places_of(secret, text)
        for where, text in told.items()
        for secret in SECRETS
    }
    for where in ("log", "management"):
        found[where, "prompt"] = places_of("CanaryPrompt", told[where])
        found[where, "answer"] = places_of("CanaryAnswer", told[where])
    found["errors", "prompt"] = places_of("CanaryPrompt", errors)
    found["errors", "answer"] = places_of("CanaryAnswer", errors)
    assert {place: texts for place, texts in found.items() if texts} == {}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [400, 404, 422, 429])
async def test_a_provider_who_repeats_our_key_is_not_repeated(whole, path, status):
    """
    Where a provider's own words reach the caller, our credential is taken out of them; and out
    of its id of the request, which is recorded as well.
    """
    said = f"key {PROVIDER_KEY} of org-1 is out of luck"
    ids = dict.fromkeys(("x-request-id", "request-id"), PROVIDER_KEY)
    script = Script(status=status, error_message=said, headers=ids)
    whole.fake.script("leaky", script)
    async with aiohttp.ClientSession() as session:
        got = [
            await whole.ask(session, path, body_for(path, f"{provider}/leaky"))
            for provider in ("openai", "anthropic")
        ]

    assert PROVIDER_KEY.encode() not in b"".join(body for _, body in got)
    told = [headers for _, headers, _ in whole.told[-2:]]
    assert all("[credential]" in headers for headers in told)
    assert not any(PROVIDER_KEY in headers for headers in told)


@pytest.mark.parametrize("levels", [255, 300, 500, 1000])
async def test_deep_nesting_is_refused(whole, levels):
    """
    However deep a body nests, it is the caller who is at fault, and told so.
    """
    raw = b'{"model": "m", "a":' + b"[" * levels + b"1" + b"]" * levels + b"}"
    async with aiohttp.ClientSession() as session:
        status, got = await whole.ask(session, CHAT, raw)

    assert status == 400
    assert b"nested deeper" in got
