"""
What a request asks for, in terms that all formats share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from gateway.testing.fake.errors import VendorError, bad_request
from gateway.testing.fake.seal import Seal

__all__ = [
    "Ask",
    "Body",
    "Rules",
    "Tool",
    "check_types",
    "is_image_url",
    "last_text",
    "need",
    "refuse_unknown",
    "strings_in",
    "whole_number",
]

Body = dict[str, Any]

_TEXT_KEYS = ("text", "content", "output")
_DEEPEST = 8  # a tool result holds parts that hold text: three


@attrs.frozen
class Rules:
    """
    How exact the vendor is with a request.

    Args:
        is_strict: refuse unknown top-level fields, conversations that do not add
            up, and seals that were not made by *seal*.
    """

    is_strict: bool
    seal: Seal


@attrs.frozen
class Tool:
    """
    A tool that the answer must call.
    """

    name: str
    schema: Any = None
    is_custom: bool = False


@attrs.frozen(kw_only=True)
class Ask:
    """
    One request, read: what decides the answer.  *body* is the rest of it.
    """

    body: Body
    model: str
    is_stream: bool = False
    input_tokens: int = 0
    echo: str = ""  # the last text that somebody other than the model wrote
    cap: int | None = None  # output tokens
    stops: tuple[str, ...] = ()
    choices: int = 1
    wants_json: bool = False
    schema: Any = None
    forced: Tool | None = None
    reasons: bool = False  # without a script, the model thinks first
    is_generated: bool = True  # false: nothing is written, nothing but input billed


def need(body: Body, key: str, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    """
    Get a field that a request cannot do without.

    Raises:
        VendorError: 400, where it is missing or of another type.
    """
    value = body.get(key)
    if value is None:
        raise bad_request(f"Missing required parameter: '{key}'.", key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise bad_request(f"Invalid type for '{key}'.", key)
    return value


def check_types(body: Body, **kinds: type[Any]) -> None:
    """
    Refuse fields that are there and of another type.

    Raises:
        VendorError: 400, about the first of them.
    """
    for key, kind in kinds.items():
        value = body.get(key)
        if value is not None and not isinstance(value, kind):
            raise bad_request(f"Invalid type for '{key}'.", key)


def whole_number(body: Body, *keys: str) -> int | None:
    """
    Get the first of *keys* that is there.

    Raises:
        VendorError: 400, where it is no whole number.
    """
    for key in keys:
        value = body.get(key)
        if value is None:
            continue
        if type(value) is not int:
            raise bad_request(f"Invalid type for '{key}': expected an integer.", key)
        return value
    return None


def refuse_unknown(body: Body, known: frozenset[str]) -> VendorError | None:
    """
    Make OpenAI's error about the first field that is not *known*.
    """
    for key in body:
        if key not in known:
            return bad_request(f"Unknown parameter: '{key}'.", key)
    return None


def strings_in(content: Any, depth: int = 0) -> list[str]:
    """
    Collect the text of a message's content: a string, or parts in any format.
    """
    if isinstance(content, str):
        return [content]
    if depth > _DEEPEST:
        return []
    if isinstance(content, list):
        return [text for part in content for text in strings_in(part, depth + 1)]
    if isinstance(content, dict):
        for key in _TEXT_KEYS:
            if isinstance(content.get(key), (str, list)):
                return strings_in(content[key], depth + 1)
    return []


def last_text(messages: Sequence[Any]) -> str:
    """
    Find the last text in *messages* that the model did not write itself.
    """
    for message in reversed(messages):
        if not isinstance(message, dict) or message.get("role") == "assistant":
            continue
        texts = strings_in(message)
        if texts:
            return "\n".join(texts)
    return ""


def is_image_url(url: Any) -> bool:
    """
    Say whether *url* is one that a vendor would look at.
    """
    return isinstance(url, str) and url.startswith(
        ("https://", "http://", "data:image/")
    )
