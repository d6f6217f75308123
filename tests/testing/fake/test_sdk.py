"""
The vendors' own clients talk to the fake over a socket, whole and streamed.
"""

from __future__ import annotations

import anthropic
import openai
import pydantic
import pytest

from gateway.testing import Citation, FakeUpstream, Script, ToolCall, Usage

CALLS = (
    ToolCall(name="weather", pieces=('{"city": "', 'Oslo"}')),
    ToolCall(name="time", pieces=("{", "}")),
)
PIECES = ("He", "llo, ", "wörld €")
IMAGE = "data:image/png;base64,iVBORw0KGgo="
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
NO_STRICT = {"type": "object", "properties": {}, "additionalProperties": False}


class Forecast(pydantic.BaseModel):
    city: str
    low: int


class TestChat:
    async def whole(self, client, body):
        return await client.chat.completions.create(**body)

    async def streamed(self, client, body):
        async with client.chat.completions.stream(
            **body, stream_options={"include_usage": True}
        ) as stream:
            async for _ in stream:
                pass
            return await stream.get_final_completion()

    @pytest.fixture(params=["whole", "streamed"])
    def ask(self, request, openai_client):
        return lambda body: getattr(self, request.param)(openai_client, body)

    async def test_text(self, fake, ask, chat):
        """
        Pieces join to the text, with reason and usage.
        """
        usage = Usage(input=50, output=9, cached=20, reasoning=4)
        fake.enqueue(Script(pieces=PIECES, usage=usage))

        answer = await ask(chat())

        choice = answer.choices[0]
        assert (choice.message.content, choice.finish_reason) == (
            "".join(PIECES),
            "stop",
        )
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (50, 9)
        assert answer.usage.prompt_tokens_details.cached_tokens == 20
        assert answer.usage.completion_tokens_details.reasoning_tokens == 4

    async def test_parallel_tools(self, fake, ask, chat):
        """
        Two calls keep their names, ids and arguments apart.
        """
        fake.enqueue(Script(tool_calls=CALLS, interleave_calls=True))

        choice = (await ask(chat())).choices[0]

        calls = [
            (c.function.name, c.function.arguments) for c in choice.message.tool_calls
        ]
        assert calls == [("weather", '{"city": "Oslo"}'), ("time", "{}")]
        assert len({call.id for call in choice.message.tool_calls}) == 2
        assert choice.finish_reason == "tool_calls"

    async def test_choices(self, fake, ask, chat):
        """
        Several alternatives do not mix.
        """
        answer = await ask(chat("hi", n=3))

        texts = [choice.message.content for choice in answer.choices]
        assert texts == ["echo: hi", "echo: hi [1]", "echo: hi [2]"]

    async def test_refusal(self, fake, ask, chat):
        """
        A refusal is told apart from a text.
        """
        fake.enqueue(Script(refusal="I will not"))

        message = (await ask(chat())).choices[0].message

        assert (message.refusal, message.content or None) == ("I will not", None)

    async def test_images_and_tools_are_accepted(self, fake, ask, chat):
        """
        An image and a tool in the request disturb nothing.
        """
        body = chat(
            tools=[
                {
                    "type": "function",
                    "function": {"name": "f", "parameters": NO_STRICT, "strict": True},
                }
            ]
        )
        body["messages"][0]["content"] = [
            {"type": "image_url", "image_url": {"url": IMAGE}},
            {"type": "text", "text": "what is it?"},
        ]

        answer = await ask(body)

        assert answer.choices[0].message.content == "echo: what is it?"
        assert answer.usage.prompt_tokens > 85

    async def test_log_probabilities(self, ask, chat):
        """
        Log probabilities cover the whole text.
        """
        choice = (await ask(chat("hi", logprobs=True))).choices[0]

        tokens = [entry.token for entry in choice.logprobs.content]
        assert "".join(tokens) == "echo: hi"

    async def test_structured_output(self, openai_client, chat):
        """
        The SDK parses the answer into the model that it asked for.
        """
        answer = await openai_client.chat.completions.parse(
            **chat(), response_format=Forecast
        )

        assert answer.choices[0].message.parsed == Forecast(city="city", low=1)

    async def test_reasoning(self, fake, openai_client, chat):
        """
        Reasoning is streamed before the text, in the field that vendors agreed on.
        """
        fake.enqueue(Script(reasoning="hm hm", text="ok"))

        stream = await openai_client.chat.completions.create(**chat(), stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]

        told = [getattr(delta, "reasoning_content", None) or "" for delta in deltas]
        assert "".join(told) == "hm hm"
        assert "".join(delta.content or "" for delta in deltas) == "ok"

    async def test_legacy_completions(self, openai_client):
        """
        The format before chat works, whole and streamed.
        """
        body = {"model": "davinci", "prompt": "hi"}

        whole = await openai_client.completions.create(**body)
        stream = await openai_client.completions.create(**body, stream=True)

        assert whole.choices[0].text == "echo: hi"
        assert "".join([c.choices[0].text async for c in stream]) == "echo: hi"

    async def test_embeddings(self, openai_client):
        """
        The SDK asks for base64 and gets numbers.
        """
        answer = await openai_client.embeddings.create(
            model="m", input=["a", "b"], dimensions=8
        )

        assert [len(each.embedding) for each in answer.data] == [8, 8]


class TestResponses:
    async def whole(self, client, body):
        return await client.responses.create(**body)

    async def streamed(self, client, body):
        async with client.responses.stream(**body) as stream:
            async for _ in stream:
                pass
            return await stream.get_final_response()

    @pytest.fixture(params=["whole", "streamed"])
    def ask(self, request, openai_client):
        def send(given="hello", **fields):
            body = {"model": "gpt-x", "input": given, **fields}
            return getattr(self, request.param)(openai_client, body)

        return send

    async def test_text(self, fake, ask):
        """
        Pieces join to the text, with status and usage.
        """
        usage = Usage(input=50, output=9, cached=20, reasoning=4)
        fake.enqueue(Script(pieces=PIECES, usage=usage))

        answer = await ask()

        assert (answer.output_text, answer.status) == ("".join(PIECES), "completed")
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (50, 9)
        assert answer.usage.input_tokens_details.cached_tokens == 20

    async def test_parallel_tools(self, fake, ask):
        """
        Two calls are two items.
        """
        fake.enqueue(Script(tool_calls=CALLS))

        answer = await ask()

        calls = [(item.name, item.arguments) for item in answer.output]
        assert calls == [("weather", '{"city": "Oslo"}'), ("time", "{}")]
        assert len({item.call_id for item in answer.output}) == 2

    async def test_a_tool_that_is_required(self, ask):
        """
        Without a script, a required tool is called with arguments that fit.
        """
        tool = {"type": "function", "name": "weather", "parameters": WEATHER}

        answer = await ask(tools=[{**tool, "strict": False}], tool_choice="required")

        assert (answer.output[0].name, answer.output[0].arguments) == (
            "weather",
            '{"city":"city"}',
        )

    async def test_custom_tools(self, fake, ask):
        """
        A custom tool's input is free text.
        """
        call = ToolCall(name="sh", pieces=("ls", " -l"), is_custom=True)
        fake.enqueue(Script(tool_calls=(call,)))

        assert (await ask()).output[0].input == "ls -l"

    async def test_reasoning(self, fake, ask):
        """
        A summary can be read, what is encrypted can be sent back.
        """
        fake.enqueue(Script(reasoning="hm hm", text="ok"))

        answer = await ask(include=["reasoning.encrypted_content"])

        assert answer.output[0].summary[0].text == "hm hm"
        assert answer.output[0].encrypted_content
        assert answer.output_text == "ok"

    async def test_refusal(self, fake, ask):
        """
        A refusal is a part of the message.
        """
        fake.enqueue(Script(refusal="I will not"))

        answer = await ask()

        assert answer.output[0].content[0].refusal == "I will not"

    async def test_citations(self, fake, ask):
        """
        A citation stands with the text.
        """
        cited = Citation(url="https://a.example/", title="A", start=0, end=2)
        fake.enqueue(Script(text="ok", citations=(cited,)))

        part = (await ask()).output[0].content[0]

        assert part.annotations[0].url == "https://a.example/"

    async def test_images_are_accepted(self, ask):
        """
        An image in the input disturbs nothing.
        """
        parts = [
            {"type": "input_image", "image_url": IMAGE, "detail": "auto"},
            {"type": "input_text", "text": "what is it?"},
        ]

        answer = await ask([{"role": "user", "content": parts}])

        assert answer.output_text == "echo: what is it?"

    async def test_structured_output(self, openai_client):
        """
        The SDK parses the answer into the model that it asked for.
        """
        answer = await openai_client.responses.parse(
            model="m", input="hi", text_format=Forecast
        )

        assert answer.output_parsed == Forecast(city="city", low=1)

    async def test_an_answer_cut_short(self, fake, openai_client):
        """
        A cap makes the response incomplete.
        """
        fake.enqueue(Script(text="x" * 100))

        answer = await openai_client.responses.create(
            model="m", input="hi", max_output_tokens=16
        )

        assert (answer.status, len(answer.output_text)) == ("incomplete", 64)
        assert answer.incomplete_details.reason == "max_output_tokens"


class TestMessages:
    async def whole(self, client, body):
        return await client.messages.create(**body)

    async def streamed(self, client, body):
        async with client.messages.stream(**body) as stream:
            async for _ in stream:
                pass
            return await stream.get_final_message()

    @pytest.fixture(params=["whole", "streamed"])
    def ask(self, request, anthropic_client):
        return lambda body: getattr(self, request.param)(anthropic_client, body)

    async def test_text(self, fake, ask, message):
        """
        Pieces join to the text, with reason and usage.
        """
        usage = Usage(input=50, output=9, cached=20, cache_write_1h=5)
        fake.enqueue(Script(pieces=PIECES, usage=usage))

        answer = await ask(message())

        assert (answer.content[0].text, answer.stop_reason) == (
            "".join(PIECES),
            "end_turn",
        )
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (25, 9)
        assert answer.usage.cache_read_input_tokens == 20
        assert answer.usage.cache_creation.ephemeral_1h_input_tokens == 5

    async def test_parallel_tools(self, fake, ask, message):
        """
        Two calls are two blocks with objects as input.
        """
        fake.enqueue(Script(text="let me see", tool_calls=CALLS))

        answer = await ask(message())

        calls = [(block.name, block.input) for block in answer.content[1:]]
        assert calls == [("weather", {"city": "Oslo"}), ("time", {})]
        assert answer.stop_reason == "tool_use"

    async def test_thinking(self, fake, ask, message):
        """
        Thinking comes signed, redacted thinking as data.
        """
        fake.enqueue(Script(reasoning="hm hm", redacted=("secret",), text="ok"))

        answer = await ask(message())

        thinking, redacted, text = answer.content
        assert (thinking.thinking, text.text) == ("hm hm", "ok")
        assert thinking.signature
        assert redacted.type == "redacted_thinking"

    async def test_thinking_goes_back_to_who_signed_it(self, message):
        """
        A tool loop with thinking passes the strictest check, unless it was edited.
        """
        thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        tools = [{"name": "weather", "input_schema": WEATHER}]
        body = message(**thinking, tools=tools) | {"max_tokens": 4096}
        async with (
            FakeUpstream(strict=True) as vendor,
            anthropic.AsyncAnthropic(
                base_url=vendor.url, api_key="any", max_retries=0
            ) as client,
        ):
            vendor.enqueue(Script(reasoning="hm", tool_calls=CALLS[:1]))
            first = await client.messages.create(**body)
            use = first.content[-1]
            result = {"type": "tool_result", "tool_use_id": use.id, "content": "3 C"}
            body["messages"] += [
                {"role": "assistant", "content": [b.to_dict() for b in first.content]},
                {"role": "user", "content": [result]},
            ]
            second = await client.messages.create(**body)
            body["messages"][1]["content"][0]["thinking"] = "edited"
            with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
                await client.messages.create(**body)

        assert second.content[-1].text == "echo: 3 C"

    async def test_refusal(self, fake, ask, message):
        """
        A refusal is a stop reason.
        """
        fake.enqueue(Script(refusal="I will not"))

        answer = await ask(message())

        assert answer.stop_reason == "refusal"
        assert answer.stop_details.explanation == "I will not"

    async def test_images_and_system_are_accepted(self, ask, message):
        """
        An image and a system prompt disturb nothing.
        """
        source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
        body = message(system=[{"type": "text", "text": "be brief"}])
        body["messages"][0]["content"] = [
            {"type": "image", "source": source},
            {"type": "text", "text": "what is it?"},
        ]

        answer = await ask(body)

        assert answer.content[0].text == "echo: what is it?"

    async def test_structured_output(self, anthropic_client, message):
        """
        The SDK parses the answer into the model that it asked for.
        """
        answer = await anthropic_client.messages.parse(
            **message(), output_format=Forecast
        )

        assert answer.parsed_output == Forecast(city="city", low=1)

    async def test_counts_tokens(self, anthropic_client, message):
        """
        The count is told, and costs nothing.
        """
        body = message()
        del body["max_tokens"]

        count = await anthropic_client.messages.count_tokens(**body)

        assert count.input_tokens == 3


class TestErrorsInTheMiddle:
    async def test_openai_chat(self, fake, openai_client, chat):
        """
        An error chunk raises after the chunks that came before it.
        """
        fake.enqueue(Script(error_after=2, error_message="overheated"))

        stream = await openai_client.chat.completions.create(**chat(), stream=True)
        seen = [await anext(stream), await anext(stream)]
        with pytest.raises(openai.APIError, match="overheated"):
            await anext(stream)

        assert [chunk.choices[0].finish_reason for chunk in seen] == [None, None]

    async def test_openai_responses(self, fake, openai_client):
        """
        An error event arrives as one.
        """
        fake.enqueue(Script(error_after=2, error_code="rate_limit_exceeded"))

        stream = await openai_client.responses.create(
            model="m", input="hi", stream=True
        )
        last = [event async for event in stream][-1]

        assert (last.type, last.code) == ("error", "rate_limit_exceeded")
        assert last.sequence_number == 2

    async def test_openai_responses_may_fail_as_a_whole(self, fake, openai_client):
        """
        A failed response is the other way to say it.
        """
        fake.enqueue(Script(error_after=2, error_shape="failed", error_message="no"))

        stream = await openai_client.responses.create(
            model="m", input="hi", stream=True
        )
        last = [event async for event in stream][-1]

        assert (last.type, last.response.status) == ("response.failed", "failed")
        assert last.response.error.message == "no"

    async def test_anthropic(self, fake, anthropic_client, message):
        """
        An error event raises, with the vendor's word for it.
        """
        fake.enqueue(Script(error_after=3, error_type="overloaded_error"))

        async with anthropic_client.messages.stream(**message()) as stream:
            with pytest.raises(anthropic.APIStatusError) as caught:
                await stream.until_done()

        assert caught.value.type == "overloaded_error"
