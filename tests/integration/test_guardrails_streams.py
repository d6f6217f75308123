"""
Guardrails between real SDKs and fake vendors: streams and whole answers, passed on or translated.
"""

from __future__ import annotations

import asyncio
import re

import aiohttp
import anthropic
import attrs
import openai
import pytest

from gateway import Answer, Detector, Phase, Plugin, hookimpl
from gateway.detecting import Find, Opinion
from gateway.plugins import FoundPlugin
from gateway.testing import GatewayClient, Script, ToolCall, settings_for
from gateway.views import Response
from gateway_guardrails import GuardrailsPlugin

MAIL = "jane@acme.com"
PATTERN = re.compile(r"[a-z]+@[a-z]+\.com")
#: The ways from a caller to a vendor, two of them by translation.
WAYS = [
    (path, vendor)
    for path in ("chat", "responses", "messages")
    for vendor in ("openai", "anthropic")
]
REDACT = {"pii": {"detectors": ["mails"], "action": "redact", "restore": True}}
BLOCK = {"pii": {"detectors": ["mails"], "action": "block", "stages": ["output"]}}


@attrs.frozen
class Nothing:
    """
    Nothing to choose.
    """


class Mails:
    """
    Finds addresses.
    """

    context = 1

    def find(self, text, start, *, final, place):
        tail = re.search(r"[a-z@.]+\Z", text[start:])
        safe = start + tail.start() if tail and not final else len(text)
        matches = PATTERN.finditer(text, start)
        return [Find(*m.span(), "EMAIL") for m in matches if m.end() <= safe], safe


class Slow:
    """
    A judge that thinks until it is told to end.
    """

    def __init__(self):
        self.is_asked = asyncio.Event()
        self.may_say = asyncio.Event()

    async def judge(self, question):
        self.is_asked.set()
        await self.may_say.wait()
        return Opinion()

    async def close(self):
        """
        Nothing to close.
        """


class Detectors(Plugin):
    """
    Brings them, and keeps the exchanges.
    """

    phase = Phase.OBSERVE

    def __init__(self, settings):
        super().__init__(settings)
        self.slow = Slow()
        self.ended = []
        self.has_ended = asyncio.Event()

    @hookimpl
    def register_detectors(self):
        return (
            Detector(name="mails", Options=Nothing, make=lambda _, __: Mails()),
            Detector(
                name="slow",
                Options=Nothing,
                make=lambda _, __: self.slow,
                is_local=False,
            ),
        )

    @hookimpl
    def on_complete(self, exchange):
        self.ended.append(exchange)
        self.has_ended.set()


class Caller:
    """
    Asks with the SDK of one path, and says what it heard.
    """

    def __init__(self, client, path, vendor):
        self.path = path
        self.model = f"{vendor}/m"
        told = {"api_key": "unused", "max_retries": 0, "timeout": 10}
        self.openai = openai.AsyncOpenAI(base_url=client.openai_url, **told)
        self.anthropic = anthropic.AsyncAnthropic(base_url=client.url, **told)

    async def close(self):
        await self.openai.close()
        await self.anthropic.close()

    async def ask(self, words, *, stream):
        """
        Return the text, and the arguments of the calls.
        """
        ask = getattr(self, f"_{self.path}")
        return await ask(words, stream=stream)

    async def _chat(self, words, *, stream):
        turns = [{"role": "user", "content": words}]
        body = {"model": self.model, "messages": turns}
        completions = self.openai.chat.completions
        if not stream:
            done = await completions.create(**body)
        else:
            async with completions.stream(**body) as events:
                async for _ in events:
                    pass
                done = await events.get_final_completion()
        message = done.choices[0].message
        calls = [call.function.arguments for call in message.tool_calls or ()]
        return message.content or "", calls

    async def _responses(self, words, *, stream):
        body = {"model": self.model, "input": words}
        if not stream:
            done = await self.openai.responses.create(**body)
        else:
            async with self.openai.responses.stream(**body) as events:
                async for _ in events:
                    pass
                done = await events.get_final_response()
        calls = [one.arguments for one in done.output if one.type == "function_call"]
        return done.output_text, calls

    async def _messages(self, words, *, stream):
        turns = [{"role": "user", "content": words}]
        body = {"model": self.model, "messages": turns, "max_tokens": 400}
        if not stream:
            done = await self.anthropic.messages.create(**body)
        else:
            async with self.anthropic.messages.stream(**body) as events:
                async for _ in events:
                    pass
                done = await events.get_final_message()
        texts = [block.text for block in done.content if block.type == "text"]
        calls = [str(block.input) for block in done.content if block.type == "tool_use"]
        return "".join(texts), calls


@pytest.fixture
def guarded(fake):
    """
    Make a gateway with guardrails by rules.
    """

    def made(rules):
        found = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)
        settings = settings_for(
            fake,
            routing={"retries": 0},
            plugins={"guardrails": {"rules": rules}},
        )
        return GatewayClient(settings, plugins=[found, Detectors])

    return made


def detectors_of(client):
    plugins = [loaded.plugin for loaded in client.gateway.hooks.plugins]
    return next(plugin for plugin in plugins if isinstance(plugin, Detectors))


@pytest.mark.parametrize(("path", "vendor"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
class TestEveryWay:
    async def test_originals_come_back(self, guarded, fake, path, vendor, stream):
        """
        The vendor never sees an address, the caller gets it back: in texts and arguments.
        """
        pieces = tuple("I wrote to <EMAIL_1>, not to zoe@other.com.")
        call = ToolCall(name="send", pieces=tuple('{"to": "<EMAIL_1>"}'))
        fake.enqueue(Script(pieces=pieces, tool_calls=(call,)))
        async with guarded(REDACT) as client:
            caller = Caller(client, path, vendor)
            text, calls = await caller.ask(f"Write to {MAIL}!", stream=stream)
            await caller.close()
            (exchange,) = detectors_of(client).ended

        assert text == f"I wrote to {MAIL}, not to <EMAIL_2>."
        assert len(calls) == 1
        assert MAIL in calls[0]
        assert MAIL.encode() not in fake.requests[-1].body
        assert b"<EMAIL_1>" in fake.requests[-1].body
        assert exchange.is_restored

    async def test_a_blocked_answer_shows_nothing(
        self, guarded, fake, path, vendor, stream
    ):
        """
        An answer that is blocked ends as the SDK expects it; no part of the value is heard.
        """
        fake.enqueue(Script(pieces=tuple("Hello. Write to jane@acme.com today.")))
        heard = ""
        async with guarded(BLOCK) as client:
            caller = Caller(client, path, vendor)
            try:
                heard, _ = await caller.ask("Hi", stream=stream)
            except (openai.APIError, anthropic.APIError) as exc:
                error = str(exc)
                assert "pii" in error
                assert "jane" not in error
            except openai.ContentFilterFinishReasonError:
                pass  # what the SDK makes of a content filter's end
            await caller.close()
            (exchange,) = detectors_of(client).ended

        assert "jane" not in heard
        assert exchange.error.code == "guardrail_blocked"


@pytest.mark.parametrize(("path", "vendor"), WAYS)
async def test_bytes_that_come_one_by_one(guarded, fake, path, vendor):
    """
    Where the network cuts between any two bytes, also inside a character, all is the same.
    """
    fake.enqueue(
        Script(pieces=("é zoe@", "other.com 😀, <EMA", "IL_1>"), chunk_bytes=1)
    )
    async with guarded(REDACT) as client:
        caller = Caller(client, path, vendor)
        text, _ = await caller.ask(f"Write to {MAIL}!", stream=True)
        await caller.close()

    assert text == f"é <EMAIL_2> 😀, {MAIL}"


@pytest.mark.parametrize("stream", [True, False])
async def test_every_choice(guarded, fake, stream):
    """
    With several choices each of them is looked at, in a stream and whole.
    """
    fake.enqueue(Script(pieces=("to zoe@", "other.com", " ok")))
    body = {
        "model": "openai/m",
        "n": 3,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    async with guarded(REDACT) as client:
        answer = await client.post("/v1/chat/completions", {**body, "stream": stream})

    assert b"zoe" not in answer.body
    assert answer.body.count(b"<EMAIL_1>") == 3


async def test_an_error_of_the_provider_is_text(guarded, fake):
    """
    What a provider's error quotes is looked at as well.
    """
    fake.enqueue(Script(status=400, error_message="no such user: zoe@other.com"))
    async with guarded(REDACT) as client:
        body = {"model": "openai/m", "messages": [{"role": "user", "content": "Hi"}]}
        answer = await client.post("/v1/chat/completions", body)

    assert answer.status == 400
    assert "zoe" not in str(answer.body)
    assert "<EMAIL_1>" in answer.json["error"]["message"]


async def test_a_broken_stream_drops_what_was_held(guarded, fake):
    """
    Where the provider breaks off, what was held back is dropped and not sent.
    """
    fake.enqueue(Script(pieces=("Hello. ", "zoe@ot", "her.com"), break_after=3))
    body = {
        "model": "openai/m",
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    async with guarded(REDACT) as client:
        answer = await client.post("/v1/chat/completions", body)

    assert b"Hello." in answer.body
    assert b"zoe" not in answer.body


async def test_a_caller_who_leaves_while_a_judge_thinks(guarded, fake):
    """
    The exchange is settled, and nothing that was held ever leaves.
    """
    rules = {"slow": {"detectors": ["slow"], "action": "block", "stages": ["output"]}}
    fake.enqueue(Script(text="a secret"))
    body = {
        "model": "openai/m",
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    async with guarded(rules) as client, aiohttp.ClientSession() as session:
        detectors = detectors_of(client)
        asking = asyncio.ensure_future(
            session.post(f"{client.url}/v1/chat/completions", json=body)
        )
        await asyncio.wait_for(detectors.slow.is_asked.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(detectors.has_ended.wait(), 5)
        (exchange,) = detectors.ended

    assert exchange.bytes_sent == 0
    assert exchange.outcome.value == "left"


class Canned(Plugin):
    """
    Answers every request, as a cache does.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def pre_request(self, exchange):
        said = {"role": "assistant", "content": "ask zoe@other.com or <EMAIL_1>"}
        doc = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
        return Answer(response=Response(exchange.dialect, doc=doc))


async def test_a_cached_answer_is_looked_at(fake):
    """
    What a cache answers is looked at by the rules of every target, and restored.
    """
    rules = {
        "pii": {**REDACT["pii"], "stages": ["input"]},
        "out": {
            "detectors": ["mails"],
            "action": "redact",
            "stages": ["output"],
            "applies_to": {"providers": ["anthropic"]},
        },
    }
    found = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)
    settings = settings_for(fake, plugins={"guardrails": {"rules": rules}})
    body = {"model": "openai/m", "messages": [{"role": "user", "content": MAIL}]}
    async with GatewayClient(settings, plugins=[found, Detectors, Canned]) as client:
        answer = await client.post("/v1/chat/completions", body)

    said = answer.json["choices"][0]["message"]["content"]
    assert said == f"ask <EMAIL_2> or {MAIL}"


class Flying(Plugin):
    """
    Asks in a flight, as a cache does that asks once for many callers.
    """

    phase = Phase.ANSWER

    @hookimpl
    async def pre_request(self, exchange):
        return await exchange.forward().answer()


@pytest.mark.parametrize(
    ("provider", "said"), [("openai", "<EMAIL_1>"), ("anthropic", "zoe@other.com")]
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_flights_answer_is_its_targets(fake, provider, said, stream):
    """
    What a flight brings is looked at by the rules of the target that answered, and of no other.
    """
    rule = {**REDACT["pii"], "applies_to": {"providers": [provider]}}
    found = FoundPlugin(name="guardrails", cls=GuardrailsPlugin)
    settings = settings_for(fake, plugins={"guardrails": {"rules": {"out": rule}}})
    fake.enqueue(Script(pieces=("ask zoe@", "other.com!")))
    body = {"model": "openai/m", "stream": stream}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    async with GatewayClient(settings, plugins=[found, Detectors, Flying]) as client:
        answer = await client.post("/v1/chat/completions", body)

    if stream:
        choices = [event["choices"] for event in answer.events()]
        heard = "".join(
            one["delta"].get("content") or "" for (one, *_) in filter(None, choices)
        )
    else:
        heard = answer.json["choices"][0]["message"]["content"]
    assert heard == f"ask {said}!"
