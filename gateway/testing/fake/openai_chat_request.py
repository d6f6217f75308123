"""
Read ``POST /v1/chat/completions``.
"""

from __future__ import annotations

import re
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
from gateway.testing.fake.errors import bad_request
from gateway.testing.fake.tokens import count_input

__all__ = ["read_chat", "read_stops"]

_FIELDS = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens max_tokens messages metadata modalities model moderation n "
    "parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format "
    "safety_identifier seed service_tier stop store stream stream_options temperature "
    "tool_choice tools top_logprobs top_p user verbosity web_search_options".split()
)
_ROLES = frozenset("developer system user assistant tool function".split())
_PARTS = frozenset("text image_url input_audio file refusal".split())
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_MOST_CHOICES = 128


def read_chat(body: Body, rules: Rules) -> Ask:
    """
    Check a chat request and say what it asks for.
    """
    model = need(body, "model", str)
    messages = need(body, "messages", list)
    if not messages:
        raise bad_request("Invalid 'messages': expected at least one.", "messages")
    check_types(body, tools=list, stream_options=dict, top_logprobs=int)
    _check_messages(messages)
    if rules.is_strict:
        _check_strictly(body, messages)
    choices = whole_number(body, "n") or 1
    if not 1 <= choices <= _MOST_CHOICES:
        raise bad_request("Invalid 'n': expected 1 to 128.", "n")
    wants_json, schema = _format(body.get("response_format"))
    return Ask(
        body=body,
        model=model,
        is_stream=body.get("stream") is True,
        input_tokens=count_input(messages, body.get("tools"), body.get("functions")),
        echo=last_text(messages),
        cap=whole_number(body, "max_completion_tokens", "max_tokens"),
        stops=read_stops(body.get("stop")),
        choices=choices,
        wants_json=wants_json,
        schema=schema,
        forced=_forced(body, messages),
        reasons=body.get("reasoning_effort") not in {None, "none"},
    )


def read_stops(stop: Any) -> tuple[str, ...]:
    """
    Read ``stop``: a string, or up to four of them.
    """
    if stop is None:
        return ()
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(s, str) for s in stops):
        raise bad_request("Invalid type for 'stop'.", "stop")
    if len(stops) > 4:
        raise bad_request("Invalid 'stop': expected at most 4.", "stop")
    return tuple(each for each in stops if each)


def _check_messages(messages: list[Any]) -> None:
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise bad_request(f"Invalid type for '{where}'.", where)
        if message.get("role") not in _ROLES:
            raise bad_request(f"Invalid value for '{where}.role'.", f"{where}.role")


def _format(response_format: Any) -> tuple[bool, Any]:
    """
    Read whether JSON is wanted, and by which schema.
    """
    if response_format is None:
        return False, None
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind == "json_schema":
        wanted = response_format.get("json_schema")
        if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
            param = "response_format.json_schema"
            raise bad_request(f"Missing required parameter: '{param}.name'.", param)
        return True, wanted.get("schema", {})
    if kind not in {"text", "json_object"}:
        raise bad_request(
            "Invalid value for 'response_format.type'.", "response_format"
        )
    return kind == "json_object", None


def _forced(body: Body, messages: list[Any]) -> Tool | None:
    """
    Find the tool that must be called, unless its result was just told.
    """
    tools = [each for each in body.get("tools") or () if isinstance(each, dict)]
    if not tools or messages[-1]["role"] in {"tool", "function"}:
        return None
    choice = body.get("tool_choice")
    if choice == "required":
        return _tool(tools[0])
    if not isinstance(choice, dict):
        return None
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools", {})
        wanted = (allowed.get("tools") or [None])[0]
        if allowed.get("mode") != "required":
            return None
    else:
        wanted = choice
    name = _name(wanted)
    for tool in tools:
        if _name(tool) == name:
            return _tool(tool)
    raise bad_request(f"Tool choice '{name}' not found in 'tools'.", "tool_choice")


def _name(tool: Any) -> Any:
    kind = tool.get("type") if isinstance(tool, dict) else None
    inner = tool.get(kind) if isinstance(kind, str) else None
    return inner.get("name") if isinstance(inner, dict) else None


def _tool(tool: dict[str, Any]) -> Tool:
    name = _name(tool)
    if not isinstance(name, str):
        raise bad_request("Missing required parameter: 'tools[0].function'.", "tools")
    if tool["type"] == "custom":
        return Tool(name, is_custom=True)
    return Tool(name, tool["function"].get("parameters"))


def _check_strictly(body: Body, messages: list[Any]) -> None:
    if unknown := refuse_unknown(body, _FIELDS):
        raise unknown
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise bad_request("Invalid 'temperature': expected 0 to 2.", "temperature")
    if body.get("tools") == []:
        raise bad_request("Invalid 'tools': expected at least one.", "tools")
    for index, tool in enumerate(body.get("tools") or ()):
        if not _TOOL_NAME.match(_name(tool) or ""):
            where = f"tools[{index}].function.name"
            raise bad_request(f"Invalid '{where}'.", where)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise bad_request("'top_logprobs' needs 'logprobs'.", "top_logprobs")
    if body.get("stream_options") is not None and body.get("stream") is not True:
        raise bad_request("'stream_options' needs 'stream'.", "stream_options")
    for index, message in enumerate(messages):
        _check_parts(f"messages[{index}].content", message.get("content"))
    _check_calls(messages)


def _check_parts(where: str, content: Any) -> None:
    if content is None or isinstance(content, str):
        return
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS:
            param = f"{where}[{index}].type"
            raise bad_request(f"Invalid value: '{kind}' for '{param}'.", param)
        if kind == "image_url" and not is_image_url(_url(part.get("image_url"))):
            param = f"{where}[{index}].image_url"
            raise bad_request(f"Invalid image URL in '{param}'.", param)


def _url(image: Any) -> Any:
    return image.get("url") if isinstance(image, dict) else None


def _check_calls(messages: list[Any]) -> None:
    """
    Refuse a conversation in which calls and results do not meet.
    """
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise bad_request(
                    "A message with role 'tool' must answer a preceding 'tool_calls'.",
                    f"messages[{index}].role",
                )
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = {call.get("id") for call in message.get("tool_calls") or ()}
    if waiting:
        missing = ", ".join(sorted(map(str, waiting)))
        raise bad_request(
            "An assistant message with 'tool_calls' must be followed by tool messages "
            f"that answer each 'tool_call_id'; without an answer: {missing}",
            "messages",
        )
