"""
The vendors' SDKs as judges: what each makes of an answer, in words that all dialects share.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, ClassVar

import anthropic
import attrs
import httpx2
import openai
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter


@attrs.frozen(kw_only=True)
class Said:
    """
    What an SDK made of an answer, in words that all dialects share.
    """

    text: str
    calls: tuple[Any, ...] = ()
    reasoning: str = ""
    stop: str
    tokens: tuple[int, int, int, int]  # in, of that cached; out, of that reasoning


class Sdk:
    """
    A vendor's SDK, whose every request is answered by the bytes that it is given.
    """

    #: Validates an event of a stream as the vendor documents it.
    event: ClassVar[TypeAdapter[Any]]

    def __init__(self):
        self._body, self._kind = b"", ""
        transport = httpx2.MockTransport(self._answer)
        self.client = self.make(httpx2.Client(transport=transport))

    def make(self, http):
        return openai.OpenAI(api_key="x", max_retries=0, http_client=http)

    def _answer(self, request):
        headers = {"content-type": self._kind}
        return httpx2.Response(200, headers=headers, content=self._body)

    def streamed(self, frames):
        """
        Let the SDK put a stream together, also where it has an accumulator beside iteration.
        """
        self._body, self._kind = b"".join(frames), "text/event-stream"
        return self.said(self.accumulated())

    def whole(self, body):
        self._body, self._kind = body, "application/json"
        return self.said(self.created())


def parsed(source):
    """
    Parse a call's arguments; those that were cut off stay as they are.
    """
    try:
        return json.loads(source)
    except ValueError:
        return source


class ChatSdk(Sdk):
    event = TypeAdapter(ChatCompletionChunk)
    ask: ClassVar[Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}

    def accumulated(self):
        list(self.client.chat.completions.create(**self.ask, stream=True))
        with self.client.chat.completions.stream(**self.ask) as stream:
            list(stream)
            return stream.current_completion_snapshot

    def created(self):
        return self.client.chat.completions.create(**self.ask)

    def said(self, done: ChatCompletion):
        (choice,) = done.choices
        message = choice.message
        usage = done.usage
        return Said(
            text=(message.content or "") + (message.refusal or ""),
            calls=tuple(
                (call.id, call.function.name, parsed(call.function.arguments))
                for call in message.tool_calls or ()
            ),
            reasoning=getattr(message, "reasoning_content", None) or "",
            stop="refused" if message.refusal else STOPS[choice.finish_reason],
            tokens=(
                usage.prompt_tokens,
                usage.prompt_tokens_details.cached_tokens,
                usage.completion_tokens,
                usage.completion_tokens_details.reasoning_tokens,
            )
            if usage
            else (),
        )


class ResponsesSdk(Sdk):
    event = TypeAdapter(ResponseStreamEvent)

    def accumulated(self):
        last = list(self.client.responses.create(model="m", input="x", stream=True))[-1]
        with self.client.responses.stream(model="m", input="x") as stream:
            assert list(stream)[-1].type == last.type
        return last.response

    def created(self):
        return self.client.responses.create(model="m", input="x")

    def said(self, done: OpenAIResponse):
        parts = [p for i in done.output if i.type == "message" for p in i.content]
        calls = [item for item in done.output if item.type == "function_call"]
        thoughts = [item for item in done.output if item.type == "reasoning"]
        stop = "tool" if calls else "end"
        if done.status != "completed":
            stop = STOPS[done.incomplete_details.reason]
        elif any(part.type == "refusal" for part in parts):
            stop = "refused"
        usage = done.usage
        return Said(
            text="".join(p.refusal if p.type == "refusal" else p.text for p in parts),
            calls=tuple(
                (call.call_id, call.name, parsed(call.arguments)) for call in calls
            ),
            reasoning="".join(part.text for item in thoughts for part in item.summary),
            stop=stop,
            tokens=(
                usage.input_tokens,
                usage.input_tokens_details.cached_tokens,
                usage.output_tokens,
                usage.output_tokens_details.reasoning_tokens,
            )
            if usage
            else (),
        )


class MessagesSdk(Sdk):
    event = TypeAdapter(RawMessageStreamEvent)
    ask: ClassVar[Any] = {**ChatSdk.ask, "max_tokens": 9}

    def make(self, http):
        return anthropic.Anthropic(api_key="x", max_retries=0, http_client=http)

    def accumulated(self):
        list(self.client.messages.create(**self.ask, stream=True))
        with self.client.messages.stream(**self.ask) as stream:
            list(stream)
            return stream.get_final_message()

    def created(self):
        return self.client.messages.create(**self.ask)

    def said(self, done: Message):
        usage = done.usage
        details = usage.output_tokens_details
        cached = usage.cache_read_input_tokens or 0
        return Said(
            text="".join(block.text for block in done.content if block.type == "text"),
            calls=tuple(
                (block.id, block.name, block.input)
                for block in done.content
                if block.type == "tool_use"
            ),
            reasoning="".join(b.thinking for b in done.content if b.type == "thinking"),
            stop=STOPS[done.stop_reason],
            tokens=(
                usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0),
                cached,
                usage.output_tokens,
                details.thinking_tokens if details else 0,
            ),
        )


class CompletionsSdk(Sdk):
    # The vendor's type has no events that do not end, which its API sends.
    event = TypeAdapter(dict[str, Any])

    def accumulated(self):
        return list(self.client.completions.create(model="m", prompt="x", stream=True))

    def created(self):
        return [self.client.completions.create(model="m", prompt="x")]

    def said(self, chunks):
        choices = [choice for chunk in chunks for choice in chunk.choices]
        usage = [chunk.usage for chunk in chunks if chunk.usage]
        return Said(
            text="".join(choice.text for choice in choices),
            stop=next(STOPS[c.finish_reason] for c in choices if c.finish_reason),
            tokens=tuple((u.prompt_tokens, 0, u.completion_tokens, 0) for u in usage),
        )


STOPS = {
    "stop": "end",
    "end_turn": "end",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tool",
    "tool_use": "tool",
    "content_filter": "refused",
    "refusal": "refused",
}
#: Whoever adds a dialect with streams says which SDK reads them.
SDKS = {
    "openai_chat": ChatSdk,
    "openai_responses": ResponsesSdk,
    "anthropic_messages": MessagesSdk,
    "openai_completions": CompletionsSdk,
}


@cache
def sdk_of(dialect):
    return SDKS[dialect.name]()
