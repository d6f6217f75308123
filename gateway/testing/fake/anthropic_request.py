"""
Read ``POST /v1/messages`` and ``POST /v1/messages/count_tokens``.
"""

from __future__ import annotations

from typing import Any

from gateway.testing.fake.anthropic_rules import check_strictly, continues_thread
from gateway.testing.fake.ask import Ask, Body, Rules, Tool, last_text
from gateway.testing.fake.errors import bad_request
from gateway.testing.fake.tokens import count_input

__all__ = ["read_count", "read_message"]

_ROLES = frozenset("user assistant system".split())
_TYPES: dict[str, type[Any] | tuple[type[Any], ...]] = {
    "metadata": dict,
    "output_config": dict,
    "stop_sequences": list,
    "stream": bool,
    "system": (str, list),
    "temperature": (int, float),
    "thinking": dict,
    "tool_choice": dict,
    "tools": list,
}


def read_message(body: Body, rules: Rules) -> Ask:
    """
    Check a request for a message and say what it asks for.
    """
    messages = _check(body)
    cap = body.get("max_tokens")
    if cap is None:
        raise bad_request("max_tokens: Field required")
    if type(cap) is not int or cap < 0:
        raise bad_request("max_tokens: Input should be a valid integer")
    if rules.is_strict:
        check_strictly(body, messages, rules)
    schema = _schema(body)
    thinking = body.get("thinking") or {}
    return Ask(
        body=body,
        model=body["model"],
        is_stream=body.get("stream") is True,
        input_tokens=_count(body),
        echo=last_text(messages),
        cap=cap,
        stops=tuple(each for each in body.get("stop_sequences") or () if each),
        wants_json=schema is not None,
        schema=schema,
        forced=_forced(body, messages),
        reasons=thinking.get("type") in {"enabled", "adaptive", "between_tools"},
    )


def read_count(body: Body, rules: Rules) -> Ask:
    """
    Check a request that only wants its tokens counted.
    """
    messages = _check(body)
    if rules.is_strict:
        check_strictly(body, messages, rules)
    return Ask(
        body=body,
        model=body["model"],
        input_tokens=_count(body),
        is_generated=False,
    )


def _check(body: Body) -> list[Any]:
    """
    Check what both kinds of request have.
    """
    model = body.get("model")
    if model is None:
        raise bad_request("model: Field required")
    if not isinstance(model, str):
        raise bad_request("model: Input should be a valid string")
    messages = body.get("messages")
    if messages is None:
        raise bad_request("messages: Field required")
    if not isinstance(messages, list):
        raise bad_request("messages: Input should be a valid list")
    if not messages and not continues_thread(body):
        raise bad_request("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(f"messages.{index}", message)
    for key, kind in _TYPES.items():
        if body.get(key) is not None and not isinstance(body[key], kind):
            raise bad_request(f"{key}: Input has the wrong type")
    return messages


def _check_message(where: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise bad_request(f"{where}: Input should be a valid dictionary")
    if message.get("role") not in _ROLES:
        raise bad_request(f"{where}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if content is None:
        raise bad_request(f"{where}.content: Field required")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise bad_request(f"{where}.content: Input should be a valid list")
    for index, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise bad_request(f"{where}.content.{index}.type: Field required")


def _count(body: Body) -> int:
    return count_input(body.get("system"), body["messages"], body.get("tools"))


def _schema(body: Body) -> Any:
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise bad_request("output_config.format.type: Input should be 'json_schema'")
    if not isinstance(wanted.get("schema"), dict):
        raise bad_request("output_config.format.schema: Field required")
    return wanted["schema"]


def _forced(body: Body, messages: list[Any]) -> Tool | None:
    """
    Find the tool that must be called, unless its result was just told.
    """
    choice = body.get("tool_choice") or {}
    kind = choice.get("type")
    tools = [tool for tool in body.get("tools") or () if isinstance(tool, dict)]
    if kind not in {"any", "tool"} or (messages and _tells_result(messages[-1])):
        return None
    for tool in tools:
        if kind == "any" or tool.get("name") == choice.get("name"):
            return Tool(str(tool.get("name")), tool.get("input_schema"))
    raise bad_request("tool_choice: Tool not found in provided tools")


def _tells_result(message: dict[str, Any]) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(
        block["type"] == "tool_result" for block in content
    )
