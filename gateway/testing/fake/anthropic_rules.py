"""
What the Messages API refuses although it could be understood.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.testing.fake.ask import Body, Rules, is_image_url
from gateway.testing.fake.errors import bad_request

__all__ = ["check_strictly", "continues_thread"]

_FIELDS = frozenset(
    "cache_control container context_management diagnostics inference_geo max_tokens "
    "mcp_servers messages metadata model output_config service_tier speed "
    "stop_sequences stream system temperature thinking thread tool_choice tools top_k "
    "top_p".split()
)
_BLOCKS = frozenset(
    "text image document search_result thinking redacted_thinking tool_use tool_result "
    "server_tool_use web_search_tool_result web_fetch_tool_result "
    "code_execution_tool_result bash_code_execution_tool_result "
    "text_editor_code_execution_tool_result tool_search_tool_result "
    "container_upload mid_conversation_system".split()
)
_IMAGES = frozenset("image/jpeg image/png image/gif image/webp".split())
_TOOL_BLOCKS = frozenset({"tool_use", "tool_result"})
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+\Z")
_SMALLEST_BUDGET = 1024


_THREADS = frozenset({"create", "continue"})
#: What a conversation that the vendor keeps was created with.
_CREATED_WITH = ("system", "tools")


def continues_thread(body: Body) -> bool:
    """
    Say whether *body* tells only what is new in a conversation that the vendor keeps.
    """
    thread = body.get("thread")
    return isinstance(thread, dict) and thread.get("type") == "continue"


def check_strictly(body: Body, messages: list[dict[str, Any]], rules: Rules) -> None:
    """
    Refuse what the vendor's validation refuses.

    Raises:
        VendorError: 400, with the path of the field.
    """
    for key in body:
        if key not in _FIELDS:
            raise bad_request(f"{key}: Extra inputs are not permitted")
    if not 0 <= (body.get("temperature") or 0) <= 1:
        raise bad_request("temperature: range: 0..1")
    _check_thinking(body)
    _check_thread(body)
    _check_tools(body, messages)
    if messages and messages[0]["role"] == "assistant":
        raise bad_request("messages: first message must use the user role")
    for index, message in enumerate(messages):
        for number, block in enumerate(_blocks(message)):
            _check_block(f"messages.{index}.content.{number}", block, rules)
    if not continues_thread(body):  # or the calls stand in what the vendor keeps
        _check_calls(messages)


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content)


def _check_thinking(body: Body) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") not in {"enabled", "adaptive"}:
        return
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise bad_request(
            "Thinking may not be enabled when tool_choice forces tool use."
        )
    if thinking["type"] == "adaptive":
        return
    budget = thinking.get("budget_tokens")
    if type(budget) is not int or budget < _SMALLEST_BUDGET:
        raise bad_request(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to "
            f"{_SMALLEST_BUDGET}"
        )
    if budget >= body.get("max_tokens", budget + 1):
        raise bad_request("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_thread(body: Body) -> None:
    thread = body.get("thread")
    if thread is None:
        return
    if not isinstance(thread, dict) or thread.get("type") not in _THREADS:
        raise bad_request("thread: Input tag should be 'create' or 'continue'")
    if not continues_thread(body):
        return
    if not isinstance(thread.get("previous_message_id"), str):
        raise bad_request("thread.continue.previous_message_id: Field required")
    for key in _CREATED_WITH:
        if body.get(key) is not None:
            raise bad_request(f"{key}: Cannot be changed on a thread")


def _check_tools(body: Body, messages: list[dict[str, Any]]) -> None:
    tools = body.get("tools") or []
    for index, tool in enumerate(tools):
        where = f"tools.{index}"
        if not isinstance(tool, dict):
            raise bad_request(f"{where}: Input should be a valid dictionary")
        if tool.get("type", "custom") != "custom":
            continue  # a tool that runs at the vendor
        if not _TOOL_NAME.match(str(tool.get("name", ""))):
            raise bad_request(f"{where}.custom.name: String should match pattern")
        if not isinstance(tool.get("input_schema"), dict):
            raise bad_request(f"{where}.custom.input_schema: Field required")
    uses_tools = any(
        block["type"] in _TOOL_BLOCKS for m in messages for block in _blocks(m)
    )
    if uses_tools and not tools and not continues_thread(body):
        raise bad_request(
            "Requests which include `tool_use` or `tool_result` blocks must define tools"
        )


def _check_block(where: str, block: dict[str, Any], rules: Rules) -> None:
    kind = block["type"]
    if kind not in _BLOCKS:
        raise bad_request(f"{where}: Input tag '{kind}' found using 'type' is unknown")
    if kind == "text" and not block.get("text"):
        raise bad_request(f"{where}.text: text content blocks must be non-empty")
    if kind == "image":
        _check_image(f"{where}.image.source", block.get("source"))
    if kind == "tool_use" and not _CALL_ID.match(str(block.get("id", ""))):
        raise bad_request(f"{where}.tool_use.id: String should match pattern")
    if kind == "tool_use" and not isinstance(block.get("input"), dict):
        raise bad_request(f"{where}.tool_use.input: Input should be a valid dictionary")
    if kind == "thinking" and not _is_sealed(block, rules):
        raise bad_request(f"{where}: Invalid `signature` in `thinking` block")
    if kind == "redacted_thinking" and not rules.seal.recognises(block.get("data")):
        raise bad_request(f"{where}: Invalid `data` in `redacted_thinking` block")


def _check_image(where: str, source: Any) -> None:
    kind = source.get("type") if isinstance(source, dict) else None
    if kind == "base64":
        if source.get("media_type") not in _IMAGES:
            raise bad_request(
                f"{where}.base64.media_type: Input should be an image type"
            )
        if not isinstance(source.get("data"), str):
            raise bad_request(f"{where}.base64.data: Field required")
    elif kind == "url":
        if not is_image_url(source.get("url")):
            raise bad_request(f"{where}.url.url: Input should be a URL")
    elif kind != "file":
        raise bad_request(f"{where}: Input tag found using 'type' is unknown")


def _is_sealed(block: dict[str, Any], rules: Rules) -> bool:
    """
    Say whether a signature fits; text that was left out cannot be compared.
    """
    text = block.get("thinking")
    if not isinstance(text, str):
        return False
    return rules.seal.recognises(block.get("signature"), text or None)


def _check_calls(messages: list[dict[str, Any]]) -> None:
    """
    Refuse a conversation in which calls and results do not meet.
    """
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        blocks = _blocks(message)
        results = [b for b in blocks if b["type"] == "tool_result"]
        told = {str(block.get("tool_use_id")) for block in results}
        if unexpected := told - waiting:
            raise bad_request(
                f"messages.{index}: unexpected `tool_use_id` found in `tool_result` "
                f"blocks: {', '.join(sorted(unexpected))}"
            )
        if missing := waiting - told:
            raise bad_request(
                f"messages.{index}: `tool_use` ids were found without `tool_result` "
                f"blocks immediately after: {', '.join(sorted(missing))}"
            )
        if results and blocks[: len(results)] != results:
            raise bad_request(f"messages.{index}: `tool_result` blocks must come first")
        waiting = {str(b["id"]) for b in blocks if b["type"] == "tool_use"}
    if waiting:
        raise bad_request(
            f"messages.{len(messages) - 1}: `tool_use` ids were found without "
            f"`tool_result` blocks immediately after: {', '.join(sorted(waiting))}"
        )
