"""
Two vendors' SDKs, in three dialects, against upstreams of both kinds, whole and streamed.

The SDKs are the oracle: their types, their accumulators, their exceptions.
"""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import attrs
import openai
import pytest

from gateway.testing import Script, ToolCall, Usage

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
#: By whose SDK it is, what overload is there.
OVERLOAD = {openai: (503, "InternalServerError"), anthropic: (529, "OverloadedError")}
#: Anthropic's type ``overloaded_error``, and OpenAI's code ``server_is_overloaded``.
OVERLOADED = "overloaded"
CALLS = (
    ToolCall(name="get_weather", arguments='{"city": "Oslo"}'),
    ToolCall(name="get_time", arguments='{"city": "Rome"}'),
)


@attrs.frozen
class Said:
    """
    What an SDK made of an answer.
    """

    text: str
    calls: tuple[tuple[str, Any], ...] = ()
    stop: str = ""
    output_tokens: int = 0
    reasoning: str = ""
    request_id: str = ""


class Chat:
    """
    OpenAI's SDK, chat completions.
    """

    def __init__(self, openai_sdk, _):
        self.sdk = openai_sdk
        self.error = openai

    def body(self, model, **more):
        """
        Write the arguments of a call.
        """
        content: Any = "hello"
        if more.pop("image", False):
            url = f"data:image/png;base64,{PNG}"
            content = [
                {"type": "text", "text": "what is it"},
                {"type": "image_url", "image_url": {"url": url}},
            ]
        body = {"model": model, "messages": [{"role": "user", "content": content}]}
        if more.pop("tools", False):
            body["tools"] = [
                {"type": "function", "function": {"name": n, "parameters": PARAMETERS}}
                for n in ("get_weather", "get_time")
            ]
        if more.pop("schema", False):
            named = {"name": "weather", "schema": SCHEMA, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        if more.pop("reasoning", False):
            body["reasoning_effort"] = "low"
        return {**body, **more}

    async def whole(self, **body):
        """
        Ask for a whole answer.
        """
        return self.said(await self.sdk.chat.completions.create(**body))

    async def stream(self, **body):
        """
        Ask for a stream, and let the SDK put it together.
        """
        options = {"include_usage": True}
        async with self.sdk.chat.completions.stream(
            stream_options=options, **body
        ) as stream:
            async for _ in stream:
                pass
            return self.said(await stream.get_final_completion())

    async def events(self, **body):
        """
        Ask for a stream, and yield its events raw.
        """
        async for event in await self.sdk.chat.completions.create(stream=True, **body):
            yield event

    @staticmethod
    def said(done):
        """
        Read what the SDK made of it.
        """
        message = done.choices[0].message
        return Said(
            text=message.content or "",
            calls=tuple(
                (call.function.name, call.function.arguments)
                for call in message.tool_calls or ()
            ),
            stop=done.choices[0].finish_reason,
            output_tokens=done.usage.completion_tokens,
            reasoning=getattr(message, "reasoning_content", None) or "",
        )


class Responses:
    """
    OpenAI's SDK, Responses.
    """

    def __init__(self, openai_sdk, _):
        self.sdk = openai_sdk
        self.error = openai

    def body(self, model, **more):
        """
        Write the arguments of a call.
        """
        parts = [{"type": "input_text", "text": "hello"}]
        if more.pop("image", False):
            url = f"data:image/png;base64,{PNG}"
            parts.append({"type": "input_image", "image_url": url, "detail": "auto"})
        body = {"model": model, "input": [{"role": "user", "content": parts}]}
        if more.pop("tools", False):
            body["tools"] = [
                {
                    "type": "function",
                    "name": n,
                    "parameters": PARAMETERS,
                    "strict": False,
                }
                for n in ("get_weather", "get_time")
            ]
        if more.pop("schema", False):
            named = {"name": "weather", "schema": SCHEMA, "strict": True}
            body["text"] = {"format": {"type": "json_schema", **named}}
        if more.pop("reasoning", False):
            body["reasoning"] = {"effort": "low", "summary": "auto"}
        return {**body, **more}

    async def whole(self, **body):
        """
        Ask for a whole answer.
        """
        return self.said(await self.sdk.responses.create(**body))

    async def stream(self, **body):
        """
        Ask for a stream, and let the SDK put it together.
        """
        async with self.sdk.responses.stream(**body) as stream:
            async for _ in stream:
                pass
            return self.said(await stream.get_final_response())

    async def events(self, **body):
        """
        Ask for a stream, and yield its events raw.
        """
        async for event in await self.sdk.responses.create(stream=True, **body):
            yield event

    @staticmethod
    def said(done):
        """
        Read what the SDK made of it.
        """
        calls = [item for item in done.output if item.type == "function_call"]
        thoughts = [item for item in done.output if item.type == "reasoning"]
        return Said(
            text=done.output_text,
            calls=tuple((call.name, call.arguments) for call in calls),
            stop="tool_calls" if calls else done.status,
            output_tokens=done.usage.output_tokens,
            reasoning="".join(part.text for item in thoughts for part in item.summary),
        )


class Messages:
    """
    Anthropic's SDK.
    """

    def __init__(self, _, anthropic_sdk):
        self.sdk = anthropic_sdk
        self.error = anthropic

    def body(self, model, **more):
        """
        Write the arguments of a call.
        """
        content: Any = "hello"
        if more.pop("image", False):
            source = {"type": "base64", "media_type": "image/png", "data": PNG}
            content = [
                {"type": "text", "text": "what is it"},
                {"type": "image", "source": source},
            ]
        body = {
            "model": model,
            "max_tokens": 4000,
            "messages": [{"role": "user", "content": content}],
        }
        if more.pop("tools", False):
            body["tools"] = [
                {"name": n, "input_schema": PARAMETERS}
                for n in ("get_weather", "get_time")
            ]
        if more.pop("schema", False):
            body["output_config"] = {
                "format": {"type": "json_schema", "schema": SCHEMA}
            }
        if more.pop("reasoning", False):
            body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return {**body, **more}

    async def whole(self, **body):
        """
        Ask for a whole answer.
        """
        return self.said(await self.sdk.messages.create(**body))

    async def stream(self, **body):
        """
        Ask for a stream, and let the SDK put it together.
        """
        async with self.sdk.messages.stream(**body) as stream:
            async for _ in stream:
                pass
            return self.said(await stream.get_final_message())

    async def events(self, **body):
        """
        Ask for a stream, and yield its events raw.
        """
        async for event in await self.sdk.messages.create(stream=True, **body):
            yield event

    @staticmethod
    def said(done):
        """
        Read what the SDK made of it.
        """
        blocks = done.content
        return Said(
            text="".join(block.text for block in blocks if block.type == "text"),
            calls=tuple(
                (block.name, block.input)
                for block in blocks
                if block.type == "tool_use"
            ),
            stop=done.stop_reason,
            output_tokens=done.usage.output_tokens,
            reasoning="".join(b.thinking for b in blocks if b.type == "thinking"),
        )


@pytest.fixture(
    params=[Chat, Responses, Messages], ids=["chat", "responses", "messages"]
)
def caller(request, openai_sdk, anthropic_sdk):
    """
    Somebody who calls, in each of the dialects.
    """
    return request.param(openai_sdk, anthropic_sdk)


@pytest.fixture(params=["openai", "anthropic"])
def upstream(request):
    """
    Who answers, in each vendor's format.
    """
    return request.param


@pytest.fixture(params=["whole", "stream"])
def how(request):
    """
    How the answer is asked for.
    """
    return request.param


def arguments_of(said: Said) -> list[tuple[str, Any]]:
    """
    Return the calls with their arguments parsed.
    """
    return [
        (name, openai_json(raw) if isinstance(raw, str) else raw)
        for name, raw in said.calls
    ]


def openai_json(raw: str) -> Any:
    """
    Parse a string of arguments.
    """
    from gateway import codec

    return codec.loads(raw.encode())


async def test_text(fake, caller, upstream, how):
    """
    Words come back, with what they cost as the vendor charged it.
    """
    said = await getattr(caller, how)(**caller.body(f"{upstream}/m"))

    assert said.text == "echo: hello"
    assert said.output_tokens == fake.bill[0].output_tokens > 0
    assert said.stop in {"stop", "end_turn", "completed"}


async def test_two_parallel_tool_calls(fake, caller, upstream, how):
    """
    Both calls arrive whole, in order, beside the words.
    """
    fake.script("t", Script(text="Looking.", tool_calls=CALLS, interleave_calls=True))

    said = await getattr(caller, how)(**caller.body(f"{upstream}/t", tools=True))

    assert said.text == "Looking."
    assert arguments_of(said) == [
        ("get_weather", {"city": "Oslo"}),
        ("get_time", {"city": "Rome"}),
    ]
    assert said.stop in {"tool_calls", "tool_use"}


async def test_an_image(fake, caller, upstream, how):
    """
    An image reaches the vendor as the very bytes.
    """
    said = await getattr(caller, how)(**caller.body(f"{upstream}/m", image=True))

    assert said.text
    assert PNG.encode() in fake.requests[0].body


async def test_reasoning(fake, caller, upstream, how):
    """
    Reasoning is shown where the caller's dialect can show it, apart from the answer.
    """
    fake.script("r", Script(reasoning="thinking hard", text="42"))

    said = await getattr(caller, how)(**caller.body(f"{upstream}/r", reasoning=True))

    assert said.text == "42"
    assert said.reasoning == "thinking hard"


async def test_structured_output(fake, caller, upstream, how):
    """
    A schema is enforced by the vendor, whoever wrote it down.
    """
    said = await getattr(caller, how)(**caller.body(f"{upstream}/m", schema=True))

    answer = openai_json(said.text)
    assert isinstance(answer["city"], str)
    assert isinstance(answer["degrees"], int)


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, "BadRequestError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (401, "InternalServerError"),  # the gateway's own credential: not the caller's
    ],
)
async def test_errors(fake, caller, upstream, how, status, raised):
    """
    The SDK raises its own exception, with the vendor's words where the caller is to blame.
    """
    script = Script(status=status, error_message="so says the vendor", retry_after_s=7)
    fake.script("e", script)

    with pytest.raises(getattr(caller.error, raised)) as caught:
        await getattr(caller, how)(**caller.body(f"{upstream}/e"))

    if status in {400, 404, 429}:
        assert "so says the vendor" in str(caught.value)
        assert caught.value.status_code == status
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.headers["x-gw-request-id"].startswith("req_")


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_overload_is_what_the_callers_vendor_calls_it(
    fake, caller, upstream, how
):
    """
    An SDK that tells overload from failure can, and knows when to come back.
    """
    script = Script(status=529, error_message="secret words", retry_after_s=7)
    fake.script("o", script)
    status, raised = OVERLOAD[caller.error]

    with pytest.raises(getattr(caller.error, raised)) as caught:
        await getattr(caller, how)(**caller.body(f"{upstream}/o"))

    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.headers["x-gw-code"] == "upstream_overloaded"
    assert OVERLOADED in caught.value.response.text
    assert "secret words" not in str(caught.value)


async def test_what_nobody_offers_is_not_asked_for_again(anthropic_sdk):
    """
    An SDK tries again after a 5xx; this one would be the same each time.
    """
    patient = anthropic_sdk.with_options(max_retries=2)
    asked = {"model": "openai/m", "messages": [{"role": "user", "content": "hello"}]}

    with pytest.raises(anthropic.APIStatusError) as caught:
        await patient.messages.count_tokens(**asked)

    assert caught.value.status_code == 501
    assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"


async def test_a_stream_that_breaks_raises(fake, caller, upstream):
    """
    A vendor that breaks off in mid-stream is an error, never a short answer.
    """
    pieces = ("one ", "two ", "three ", "four ")
    fake.script("b", Script(pieces=pieces, break_after=5, event_latency_ms=5))

    with pytest.raises(caller.error.APIError):
        async for _ in caller.events(**caller.body(f"{upstream}/b")):
            pass


async def test_a_caller_who_leaves_is_felt_upstream(fake, caller, upstream):
    """
    Leaving in mid-stream cancels the vendor within 250 ms.
    """
    fake.script("n", Script(pieces=("x ",), never_end=True, event_latency_ms=2))
    loop = asyncio.get_running_loop()
    stream = caller.events(**caller.body(f"{upstream}/n"))
    seen = 0
    async for _ in stream:
        seen += 1
        if seen == 5:
            break
    left_at = loop.time()
    await stream.aclose()
    await caller.sdk.close()

    await fake.wait_for(lambda: fake.departures, timeout=2)
    assert loop.time() - left_at < 0.25


async def test_usage_in_buckets(fake, caller, upstream):
    """
    What was read from a prompt cache is told in each dialect's own way, and never twice.
    """
    usage = Usage(input=100, cached=60, output=20)
    fake.script("u", Script(text="hi", usage=usage))

    body = caller.body(f"{upstream}/u")
    if isinstance(caller, Chat):
        told = (await caller.sdk.chat.completions.create(**body)).usage
        assert told.prompt_tokens == 100
        assert told.prompt_tokens_details.cached_tokens == 60
    elif isinstance(caller, Responses):
        told = (await caller.sdk.responses.create(**body)).usage
        assert told.input_tokens == 100
        assert told.input_tokens_details.cached_tokens == 60
    else:
        told = (await caller.sdk.messages.create(**body)).usage
        assert told.input_tokens == 40
        assert told.cache_read_input_tokens == 60


async def test_signed_reasoning_goes_round(fake, anthropic_sdk):
    """
    A signature comes back to its vendor unchanged, in a tool loop of its own dialect.
    """
    fake.script("s", Script(reasoning="hm", tool_calls=CALLS[:1]))
    tools = [{"name": "get_weather", "input_schema": PARAMETERS}]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked: list[Any] = [{"role": "user", "content": "weather"}]
    first = await anthropic_sdk.messages.create(
        model="anthropic/s",
        max_tokens=4000,
        messages=asked,
        tools=tools,
        thinking=thinking,
    )
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "3 C"}
    asked += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]

    await anthropic_sdk.messages.create(
        model="anthropic/s",
        max_tokens=4000,
        messages=asked,
        tools=tools,
        thinking=thinking,
    )

    assert len(fake.requests) == 2


async def test_signed_reasoning_goes_round_through_responses(fake, openai_sdk):
    """
    An Anthropic signature survives a Responses caller's stateless tool loop.
    """
    fake.script("s", Script(reasoning="hm", tool_calls=CALLS[:1]))
    tools: Any = [
        {
            "type": "function",
            "name": "get_weather",
            "parameters": PARAMETERS,
            "strict": False,
        }
    ]
    asked: list[Any] = [{"role": "user", "content": "weather"}]
    more: Any = {
        "tools": tools,
        "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    first = await openai_sdk.responses.create(model="anthropic/s", input=asked, **more)
    call = next(item for item in first.output if item.type == "function_call")
    asked += [item.model_dump(exclude_none=True) for item in first.output]
    asked.append(
        {"type": "function_call_output", "call_id": call.call_id, "output": "3 C"}
    )

    await openai_sdk.responses.create(model="anthropic/s", input=asked, **more)

    sent = fake.requests[1].json["messages"]
    thoughts = [
        block
        for turn in sent
        if isinstance(turn["content"], list)
        for block in turn["content"]
        if block["type"] == "thinking"
    ]
    assert thoughts[0]["signature"]
