"""
OpenAI's legacy completions: a prompt in, its continuation out; passed through, never translated.

Source: OpenAI's API reference, "Completions (legacy)"; vLLM and others still serve it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gateway.dialects.logprobs import is_token, said
from gateway.dialects.openai_chat import live
from gateway.dialects.openai_chat.completing import CompletingDialect
from gateway.dialects.openai_chat.logprobs import blank
from gateway.dialects.openai_chat.messages import place_of
from gateway.dialects.openai_chat.offers import (
    check_counts,
)
from gateway.dialects.openai_chat.rules import (
    each_member,
    each_object,
    end_user,
    event_texts,
    label,
    members,
    running,
    stray,
    stray_value,
    texts_of,
    token_biases,
)
from gateway.dialects.openai_chat.stops import read_stop, worst
from gateway.dialects.openai_chat.texts import (
    ALL_LANES,
    CHOICE,
    ENVELOPE,
)
from gateway.dialects.shapes import Rule, Walk, each, either, figure, text
from gateway.errors import InvalidRequest
from gateway.views import MESSAGE, Chunk, Request, Response

if TYPE_CHECKING:
    from gateway.outcomes import Stop
    from gateway.views import Lane, Text

_MAX_PROMPTS: Final = 2048

# --- texts ----------------------------------------------------------------------------------


def token_numbers(value: Any) -> bool:
    """
    Tell whether *value* is a prompt of token numbers: a list of integers, or of such lists.

    Nobody here can read what they say, so a guardrail must refuse them or let them pass unread.
    """
    if value.__class__ is not list or not value:
        return False
    kinds = {member.__class__ for member in value}
    return kinds == {int} or (kinds == {list} and all(map(token_numbers, value)))


def _prompt(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if not token_numbers(value):
        _WRITTEN_PROMPT(walk, box, key, value)


_SPOKEN = text(MESSAGE)
_WRITTEN_PROMPT = either(_SPOKEN, each(_SPOKEN))
_FIGURES = (
    "best_of echo frequency_penalty presence_penalty logprobs max_tokens n seed stream "
    "temperature top_p top_k min_p repetition_penalty"
).split()
_REQUEST: Final[dict[str, Rule]] = {
    **dict.fromkeys(_FIGURES, figure),
    "model": label,
    "prompt": _prompt,
    "suffix": _SPOKEN,
    "stop": either(_SPOKEN, each(_SPOKEN)),
    "logit_bias": token_biases,
    "stream_options": members({"include_usage": figure, "include_obfuscation": figure}),
    "user": end_user,
}


def _logprobs(walk: Walk, choice: dict[str, Any]) -> None:
    """
    Pass over tokens that spell the text; otherwise they are texts, as the other candidates.
    """
    value = choice["logprobs"]
    tokens = value.get("tokens") if isinstance(value, dict) else None
    pieces = tokens if isinstance(tokens, list) else ()
    spelt = "".join(piece for piece in pieces if isinstance(piece, str))
    is_echo = isinstance(tokens, list) and spelt == choice.get("text")
    shape = _ECHO if is_echo else _UNSPOKEN
    members(shape)(walk, choice, "logprobs", value)


def _candidates(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over the other tokens that were likely, which are names of members.
    """
    for candidates in value if isinstance(value, list) else (value,):
        is_plain = isinstance(candidates, dict) and all(map(is_token, candidates))
        if candidates is not None and not is_plain:
            stray_value(walk, box, key, value)
            return
    for candidates in value if isinstance(value, list) else (value,):
        for token, likelihood in (candidates or {}).items():
            figure(walk, candidates, token, likelihood)


_ECHO: Final[dict[str, Rule]] = {
    "tokens": each_member(said(stray_value)),
    "token_logprobs": each_member(figure),
    "top_logprobs": _candidates,
    "text_offset": each_member(figure),
}
_UNSPOKEN: Final = {**_ECHO, "tokens": stray_value, "top_logprobs": stray_value}


def _choice(walk: Walk, choice: dict[str, Any], position: int) -> None:
    walk.lane = (place_of(choice, position),)
    is_chunk = isinstance(walk.view, Chunk)
    for key, value in choice.items():
        if key == "text" and value is not None:
            walk.form = "delta" if is_chunk else "whole"
            walk.beside = blank(choice) if choice.get("logprobs") else None
            _TEXT(walk, choice, key, value)
            walk.form = "whole"
            walk.beside = None
        elif key == "logprobs":
            if value is not None:
                _logprobs(walk, choice)
        elif key not in _CHOICE:
            stray(walk, choice, key, value)
        elif value is not None:
            _CHOICE[key](walk, choice, key, value)
    walk.lane = ()


_TEXT = running(MESSAGE)
_CHOICE: Final[dict[str, Rule]] = {**CHOICE, "text": _TEXT}
_ANSWER: Final[dict[str, Rule]] = {**ENVELOPE, "choices": each_object(_choice)}


# --- the dialect ----------------------------------------------------------------------------


class OpenAICompletions(CompletingDialect):
    """
    ``POST /v1/completions``.
    """

    name: ClassVar[str] = "openai_completions"
    operations: ClassVar[tuple[str, ...]] = ("complete",)
    path: ClassVar[Mapping[str, str]] = MappingProxyType({"complete": "/completions"})
    unreadable_fields: ClassVar[tuple[str, ...]] = ("prompt",)
    caps: ClassVar[tuple[str, ...]] = ("max_tokens",)
    envelope: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"id": "cmpl-cut", "object": "text_completion", "created": 0, "model": ""}
    )

    def silence(self) -> dict[str, Any]:
        """
        Make a text that says nothing.
        """
        return {"text": ""}

    def check_request(self, request: Request) -> None:
        """
        Check also the prompt, and what bounds the cost.
        """
        super().check_request(request)
        prompt = request.doc.get("prompt")
        if not isinstance(prompt, str | list | None):
            raise InvalidRequest("prompt: must be a string or a list")
        if isinstance(prompt, list) and _count(prompt) > _MAX_PROMPTS:
            raise InvalidRequest(f"prompt: has more than {_MAX_PROMPTS} prompts")
        check_counts(request, self.caps)

    def instruct(self, request: Request, words: str) -> bool:
        """
        Begin every prompt with *words*; one of token numbers cannot be.
        """
        doc = request.doc
        prompt = doc.get("prompt")
        if isinstance(prompt, str):
            doc["prompt"] = f"{words}\n\n{prompt}"
        elif isinstance(prompt, list) and all(isinstance(one, str) for one in prompt):
            doc["prompt"] = [f"{words}\n\n{one}" for one in prompt]
        else:
            return False
        return True

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*; a prompt of token numbers is none, see `unreadable`.
        """
        return texts_of(request, "user", _REQUEST)

    # --- answers ----------------------------------------------------------------------------

    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*.
        """
        return texts_of(response, "assistant", _ANSWER)

    def stop_of(self, response: Response) -> Stop | None:
        """
        Return why the model stopped; with several choices the worst.
        """
        doc = response.doc
        choices = doc.get("choices") if isinstance(doc, dict) else None
        found = [
            read_stop(choice, has_calls=False)
            for choice in (choices if isinstance(choices, list) else ())
            if isinstance(choice, dict)
        ]
        return worst([stop for stop in found if stop is not None])

    # --- streams ----------------------------------------------------------------------------

    def chunk_texts(self, chunk: Chunk) -> list[Text]:
        """
        List the texts of *chunk*.
        """
        return event_texts(chunk, _ANSWER)

    def chunk_ends(self, chunk: Chunk) -> Sequence[Lane]:
        """
        Return prefixes of the lanes that *chunk* ends: those of finished choices.
        """
        if chunk.is_done:
            return ALL_LANES
        doc = chunk.doc
        if not isinstance(doc, dict):
            return ()
        if doc.get("error"):
            return ALL_LANES
        choices = doc.get("choices")
        return tuple(
            (place_of(choice, position),)
            for position, choice in enumerate(
                choices if isinstance(choices, list) else ()
            )
            if isinstance(choice, dict) and choice.get("finish_reason")
        )

    def tracker(self, request: Request) -> live.SentChunks:
        """
        Make a tracker of what was sent: each prompt has choices of its own.
        """
        prompt = request.peek("prompt")
        count = _count(prompt) if isinstance(prompt, list) else 1
        return live.SentChunks(count * live.choice_count(request))


def _count(prompt: list[Any]) -> int:
    """
    Count the prompts in a list: token numbers at its top are one prompt.
    """
    is_one = bool(prompt) and prompt[0].__class__ is int
    return 1 if is_one else max(len(prompt), 1)
