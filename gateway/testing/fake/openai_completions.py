"""
Read and write ``POST /v1/completions``, the format before chat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.testing.fake.answer import CREATED, Answer, Said, Stop
from gateway.testing.fake.ask import (
    Ask,
    Body,
    Rules,
    need,
    refuse_unknown,
    strings_in,
    whole_number,
)
from gateway.testing.fake.errors import Vendor, bad_request
from gateway.testing.fake.frames import DONE, Event
from gateway.testing.fake.openai_chat import error_chunk
from gateway.testing.fake.openai_chat_request import read_stops
from gateway.testing.fake.openai_usage import chat_usage, token_logprob
from gateway.testing.fake.operation import Operation
from gateway.testing.fake.tokens import count_input

__all__ = ["COMPLETIONS"]

_FIELDS = frozenset(
    "best_of echo frequency_penalty logit_bias logprobs max_tokens model n "
    "presence_penalty prompt seed stop stream stream_options suffix temperature top_p "
    "user".split()
)
_FINISH: dict[Stop, str] = {
    "end": "stop",
    "length": "length",
    "stop_sequence": "stop",
    "tool": "stop",
    "refusal": "content_filter",
}
_MOST_CHOICES = 128
_FINGERPRINT = "fp_fake"


def _read(body: Body, rules: Rules) -> Ask:
    model = need(body, "model", str)
    prompt = need(body, "prompt", (str, list))
    if rules.is_strict and (unknown := refuse_unknown(body, _FIELDS)):
        raise unknown
    prompts = _prompts(prompt)
    choices = (whole_number(body, "n") or 1) * len(prompts)
    if not 1 <= choices <= _MOST_CHOICES:
        raise bad_request("Invalid 'n': expected 1 to 128 choices in all.", "n")
    return Ask(
        body=body,
        model=model,
        is_stream=body.get("stream") is True,
        input_tokens=_count(prompt),
        echo=prompts[-1],
        cap=whole_number(body, "max_tokens"),
        stops=read_stops(body.get("stop")),
        choices=choices,
    )


def _prompts(prompt: Any) -> list[str]:
    """
    Read one text for each prompt; token ids have no text.
    """
    texts = strings_in(prompt)
    if texts:
        return texts
    is_batch = bool(prompt) and isinstance(prompt[0], list)
    return [""] * (len(prompt) if is_batch else 1)


def _count(prompt: Any) -> int:
    if isinstance(prompt, list) and not strings_in(prompt):
        return sum(len(each) if isinstance(each, list) else 1 for each in prompt)
    return count_input(prompt)


def _whole(answer: Answer) -> dict[str, Any]:
    choices = []
    for index, said in enumerate(answer.said):
        text = _echoed(answer) + said.text
        pieces = [each for each in (_echoed(answer), *said.pieces) if each]
        choice = _choice(answer, index, text, pieces, finish=_finish(answer, said))
        choices.append(choice)
    document = {**_head(answer), "choices": choices}
    if not answer.script.no_usage:
        document["usage"] = chat_usage(answer.tokens)
    return answer.add(document)


def _events(answer: Answer) -> Iterator[Event]:
    options = answer.ask.body.get("stream_options")
    is_asked = isinstance(options, dict) and options.get("include_usage") is True
    nothing = {"usage": None} if is_asked else {}
    for index, said in enumerate(answer.said):
        if echoed := _echoed(answer):
            choice = _choice(answer, index, echoed, [echoed], finish=None)
            yield _event(answer, {"choices": [choice], **nothing}, "")
        for piece in answer.pieces(said):
            choice = _choice(answer, index, piece, [piece], finish=None)
            yield _event(answer, {"choices": [choice], **nothing}, piece)
        choice = _choice(answer, index, "", (), finish=_finish(answer, said))
        yield _event(answer, {"choices": [choice], **nothing}, "")
    if is_asked and not answer.script.no_usage:
        yield _event(answer, {"choices": [], "usage": chat_usage(answer.tokens)}, "")
    yield DONE


def _event(answer: Answer, rest: dict[str, Any], text: str) -> Event:
    return Event(orjson.dumps(answer.add({**_head(answer), **rest})), text=text)


def _head(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id("cmpl-"),
        "object": "text_completion",
        "created": CREATED,
        "model": answer.model,
        "system_fingerprint": _FINGERPRINT,
    }


def _echoed(answer: Answer) -> str:
    return answer.ask.echo if answer.ask.body.get("echo") is True else ""


def _finish(answer: Answer, said: Said) -> str:
    return answer.stop_word(said, _FINISH)


def _choice(
    answer: Answer, index: int, text: str, pieces: Iterable[str], *, finish: str | None
) -> dict[str, Any]:
    choice = {
        "index": index,
        "text": text,
        "logprobs": _logprobs(answer, pieces),
        "finish_reason": finish,
    }
    return answer.add_inner(choice)


def _logprobs(answer: Answer, pieces: Iterable[str]) -> dict[str, Any] | None:
    count = answer.ask.body.get("logprobs")
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    tokens = [token_logprob(piece, count) for piece in pieces]
    offsets, offset = [], 0
    for token in tokens:
        offsets.append(offset)
        offset += len(token["token"])
    return {
        "tokens": [token["token"] for token in tokens],
        "token_logprobs": [token["logprob"] for token in tokens],
        "text_offset": offsets,
        "top_logprobs": [
            {each["token"]: each["logprob"] for each in token["top_logprobs"]}
            for token in tokens
        ],
    }


COMPLETIONS = Operation(
    name="completion",
    vendor=Vendor.OPENAI,
    read=_read,
    whole=_whole,
    events=_events,
    error_event=error_chunk,
)
