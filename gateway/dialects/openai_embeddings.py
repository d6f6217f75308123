"""
OpenAI's embeddings: texts in, vectors out; passed through, never translated.

Source: OpenAI's API reference, "Create embeddings"; Jina, Voyage and vLLM take objects with an
image as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gateway.dialects.media import document
from gateway.dialects.openai_chat.rules import (
    each_member,
    end_user,
    error,
    figures,
    label,
    labels,
    members,
    stray_value,
    texts_of,
)
from gateway.dialects.openai_chat.usage import read_any_usage
from gateway.dialects.openai_completions import token_numbers
from gateway.dialects.openai_dialect import OpenAIDialect
from gateway.dialects.shapes import Rule, Walk, figure, is_base64, text
from gateway.errors import InvalidRequest
from gateway.views import MESSAGE, Response

if TYPE_CHECKING:
    from gateway.usage import Usage
    from gateway.views import Request, Text

# --- texts ----------------------------------------------------------------------------------

_SPOKEN = text(MESSAGE)
_OBJECT = members({"text": _SPOKEN, "image": document, "type": label})


def _input(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is str:
        _SPOKEN(walk, box, key, value)
    elif value.__class__ is not list:
        stray_value(walk, box, key, value)
    elif not token_numbers(value):
        for index, member in enumerate(value):
            walk.lane = ("input", index)
            _one(walk, value, index, member)
        walk.lane = ()


def _one(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is str:
        _SPOKEN(walk, box, key, value)
    elif value.__class__ is dict:
        _OBJECT(walk, box, key, value)
    elif not token_numbers(value):
        stray_value(walk, box, key, value)


def _vector(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a vector: numbers, base64, or an object of such by precision.
    """
    if value.__class__ is list:
        # By the kinds of its members: there are thousands, and they are all alike.
        if not {member.__class__ for member in value} <= _NUMBERS:
            stray_value(walk, box, key, value)
    elif value.__class__ is not str or not is_base64(value):
        stray_value(walk, box, key, value)


_NUMBERS: Final[set[type]] = {int, float}
_REQUEST: Final[dict[str, Rule]] = {
    "model": label,
    "input": _input,
    "dimensions": figure,
    "encoding_format": label,
    "embedding_types": labels,
    "input_type": label,
    "task": label,
    "truncate": label,
    "user": end_user,
}
_ANSWER: Final[dict[str, Rule]] = {
    "object": label,
    "id": label,
    "created": figure,
    "model": label,
    "data": each_member(
        members({"object": label, "index": figure, "embedding": _vector})
    ),
    "usage": figures(),
    "error": error,
}


# --- the dialect ----------------------------------------------------------------------------


class OpenAIEmbeddings(OpenAIDialect):
    """
    ``POST /v1/embeddings``.
    """

    name: ClassVar[str] = "openai_embeddings"
    operations: ClassVar[tuple[str, ...]] = ("embed",)
    path: ClassVar[Mapping[str, str]] = MappingProxyType({"embed": "/embeddings"})
    unreadable_fields: ClassVar[tuple[str, ...]] = ("input",)

    def check_request(self, request: Request) -> None:
        """
        Check also that there is something to embed.
        """
        super().check_request(request)
        value = request.doc.get("input")
        if not isinstance(value, str | list) or value == []:
            raise InvalidRequest("input: a string or a list is required")

    def is_stream(self, request: Request) -> bool:
        """
        Vectors come at once.
        """
        return False

    def request_texts(self, request: Request) -> list[Text]:
        """
        List the texts of *request*; an input of token numbers is none, see `unreadable`.
        """
        return texts_of(request, "user", _REQUEST)

    def response_texts(self, response: Response) -> list[Text]:
        """
        List the texts of *response*: vectors are none, an error has some.
        """
        return texts_of(response, "provider", _ANSWER)

    def usage_of(self, response: Response) -> Usage | None:
        """
        Return what was used.
        """
        return read_any_usage(response.doc)
