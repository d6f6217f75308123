"""
Custom tools, whose input is free text, toward providers that know functions only.

Such a provider is offered a function whose one argument is the input.  What its model then gives
the function is taken out again for the caller, who offered a custom tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec

if TYPE_CHECKING:
    from gateway.neutral import ToolCall

_INPUT: Final = "input"

#: JSON Schema of the arguments of the function that stands for a custom tool.
PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {_INPUT: {"type": "string"}},
    "required": [_INPUT],
}


def wrapped(text: str) -> dict[str, Any]:
    """
    Return the arguments of the function that stand for the input *text*.
    """
    return {_INPUT: text}


def free_text(call: ToolCall, arguments: str) -> str:
    """
    Return the input of a custom tool, which *call* calls with *arguments*.

    Where a model gave the function anything but the one argument, all of it is the input: the
    caller's tool can say best what is wrong with it.
    """
    if call.kind == "custom":
        return arguments
    try:
        given = codec.loads(arguments.encode("utf-8", "surrogatepass"))
    except codec.JsonError:
        return arguments
    text = given.get(_INPUT) if isinstance(given, dict) and len(given) == 1 else None
    return text if isinstance(text, str) else arguments
