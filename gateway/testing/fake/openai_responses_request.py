"""
Read ``POST /v1/responses``.
"""

from __future__ import annotations

from typing import Any

from gateway.testing.fake.ask import (
    Ask,
    Body,
    Rules,
    Tool,
    check_types,
    is_image_url,
    last_text,
    need,
    refuse_unknown,
    whole_number,
)
from gateway.testing.fake.errors import VendorError, bad_request
from gateway.testing.fake.tokens import count_input

__all__ = ["read_response"]

_FIELDS = frozenset(
    "access_programs background client_metadata context_management conversation image "
    "include input instructions max_output_tokens max_tool_calls metadata model "
    "moderation parallel_tool_calls previous_response_id prompt prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning safety_identifier "
    "service_tier store stream stream_options temperature text tool_choice tools "
    "top_logprobs top_p truncation user".split()
)
_ROLES = frozenset("user assistant system developer".split())
_PARTS = frozenset(
    "input_text input_image input_file input_audio output_text refusal".split()
)
_OWN = frozenset("function_call custom_tool_call reasoning item_reference".split())
_OUTPUTS = frozenset("function_call_output custom_tool_call_output".split())
_CALLS = frozenset("function_call custom_tool_call".split())
_SMALLEST_CAP = 16


def read_response(body: Body, rules: Rules) -> Ask:
    """
    Check a request for a response and say what it asks for.
    """
    model = need(body, "model", str)
    check_types(
        body,
        include=list,
        metadata=dict,
        reasoning=dict,
        stream_options=dict,
        text=dict,
        tools=list,
        top_logprobs=int,
    )
    items = _items(need(body, "input", (str, list)))
    if rules.is_strict:
        _check_strictly(body, items, rules)
    wants_json, schema = _format(body.get("text"))
    reasoning = body.get("reasoning")
    effort = reasoning.get("effort", "medium") if isinstance(reasoning, dict) else None
    return Ask(
        body=body,
        model=model,
        is_stream=body.get("stream") is True,
        input_tokens=count_input(body.get("instructions"), items, body.get("tools")),
        echo=last_text([item for item in items if item.get("type") not in _OWN]),
        cap=whole_number(body, "max_output_tokens"),
        wants_json=wants_json,
        schema=schema,
        forced=_forced(body, items),
        reasons=effort not in {None, "none"},
    )


def _items(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    if not given:
        raise bad_request("Invalid 'input': expected at least one item.", "input")
    for index, item in enumerate(given):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            raise bad_request(f"Invalid type for '{where}'.", where)
        if item.get("type", "message") == "message" and item.get("role") not in _ROLES:
            raise bad_request(f"Invalid value for '{where}.role'.", f"{where}.role")
    return list(given)


def _format(text: Any) -> tuple[bool, Any]:
    wanted = text.get("format") if isinstance(text, dict) else None
    if wanted is None:
        return False, None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        for key in ("name", "schema"):
            if key not in wanted:
                param = f"text.format.{key}"
                raise bad_request(f"Missing required parameter: '{param}'.", param)
        return True, wanted["schema"]
    if kind not in {"text", "json_object"}:
        raise bad_request("Invalid value for 'text.format.type'.", "text.format.type")
    return kind == "json_object", None


def _forced(body: Body, items: list[dict[str, Any]]) -> Tool | None:
    """
    Find the tool that must be called, unless its result was just told.
    """
    callable_kinds = {"function", "custom"}
    tools = [
        tool
        for tool in body.get("tools") or ()
        if isinstance(tool, dict) and tool.get("type") in callable_kinds
    ]
    if not tools or items[-1].get("type") in _OUTPUTS:
        return None
    choice = body.get("tool_choice")
    if choice == "required":
        return _tool(tools[0])
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        if choice.get("mode") != "required":
            return None
        choice = (choice.get("tools") or [None])[0]
    if not isinstance(choice, dict) or choice.get("type") not in callable_kinds:
        return None
    for tool in tools:
        if tool.get("name") == choice.get("name"):
            return _tool(tool)
    name = choice.get("name")
    raise bad_request(f"Tool choice '{name}' not found in 'tools'.", "tool_choice")


def _tool(tool: dict[str, Any]) -> Tool:
    name = tool.get("name")
    if not isinstance(name, str):
        raise bad_request("Missing required parameter: 'tools[0].name'.", "tools")
    return Tool(name, tool.get("parameters"), is_custom=tool["type"] == "custom")


def _check_strictly(body: Body, items: list[dict[str, Any]], rules: Rules) -> None:
    if unknown := refuse_unknown(body, _FIELDS):
        raise unknown
    cap = whole_number(body, "max_output_tokens")
    if cap is not None and cap < _SMALLEST_CAP:
        key = "max_output_tokens"
        raise bad_request(f"Invalid '{key}': expected 16 or more.", key)
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") == "function" and not isinstance(tool.get("name"), str):
            where = f"tools[{index}].name"
            raise bad_request(f"Missing required parameter: '{where}'.", where)
    for index, item in enumerate(items):
        _check_parts(f"input[{index}].content", item)
        _check_seal(item, rules)
    if not body.get("previous_response_id") and not body.get("conversation"):
        _check_calls(items)


def _check_parts(where: str, item: dict[str, Any]) -> None:
    content = item.get("content")
    if item.get("type", "message") != "message" or not isinstance(content, list):
        return
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS:
            param = f"{where}[{index}].type"
            raise bad_request(f"Invalid value: '{kind}' for '{param}'.", param)
        if kind != "input_image" or part.get("file_id"):
            continue
        if not is_image_url(part.get("image_url")):
            param = f"{where}[{index}].image_url"
            raise bad_request(f"Invalid image URL in '{param}'.", param)


def _check_seal(item: dict[str, Any], rules: Rules) -> None:
    """
    Refuse reasoning that was encrypted for somebody else.
    """
    sealed = item.get("encrypted_content")
    if item.get("type") != "reasoning" or sealed is None:
        return
    if not rules.seal.recognises(sealed):
        raise VendorError(
            400,
            "The encrypted content of a reasoning item could not be verified.",
            code="invalid_encrypted_content",
        )


def _check_calls(items: list[dict[str, Any]]) -> None:
    """
    Refuse an input in which calls and outputs do not meet.
    """
    called = {i.get("call_id") for i in items if i.get("type") in _CALLS}
    answered = {i.get("call_id") for i in items if i.get("type") in _OUTPUTS}
    for call_id in answered - called:
        raise bad_request(
            f"No tool call found for function call output with call_id {call_id}.",
            "input",
        )
    for call_id in called - answered:
        raise bad_request(f"No tool output found for function call {call_id}.", "input")
