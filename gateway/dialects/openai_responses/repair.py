"""
Calls and results that do not meet, which the vendor refuses.

Source: the OpenAI API reference, "Function calling": every call among the items is answered once,
and every answer has its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.neutral import Losses

Doc = dict[str, Any]

_OUTPUTS: Final = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
}
_MISSING: Final = "No result was given for this call."
_ORPHAN: Final = "Result of a tool call that is not shown here:"


def repair_calls(items: list[Doc], losses: Losses) -> list[Doc]:
    """
    Return *items* with a result for each call and a call for each result.

    Of two results for one call the later one counts.  Every repair is on *losses*.
    """
    last = {
        item["call_id"]: index
        for index, item in enumerate(items)
        if item.get("type") in _OUTPUTS.values()
    }
    called = set()
    out = []
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind in _OUTPUTS.values() and item["call_id"] not in called:
            losses.emulate("tool_result", "its call is not there: written as text")
            out.append(_as_message(item))
        elif kind in _OUTPUTS.values() and last[item["call_id"]] != index:
            losses.drop("tool_result", "a later result of the same call counts")
        else:
            out.append(item)
        if kind in _OUTPUTS:
            called.add(item["call_id"])
    return _answered(out, losses)


def _answered(items: list[Doc], losses: Losses) -> list[Doc]:
    answered = {
        item["call_id"] for item in items if item.get("type") in _OUTPUTS.values()
    }
    out: list[Doc] = []
    missing: list[Doc] = []
    for item in items:
        kind = item.get("type")
        if kind == "message" and item.get("role") != "assistant":
            out += missing
            missing = []
        out.append(item)
        if kind in _OUTPUTS and item["call_id"] not in answered:
            losses.emulate("tool_calls", "a call without a result got one that says so")
            answer = {"call_id": item["call_id"], "output": _MISSING}
            missing.append({"type": _OUTPUTS[kind], **answer})
    return out + missing


def _as_message(item: Doc) -> Doc:
    output = item["output"]
    said = (
        [{"type": "input_text", "text": output}] if isinstance(output, str) else output
    )
    parts = [{"type": "input_text", "text": _ORPHAN}, *said]
    return {"type": "message", "role": "user", "content": parts}
