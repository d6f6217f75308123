"""
Texts of content blocks and tool definitions.
"""

from __future__ import annotations

import pytest

from gateway.views import (
    ANNOTATION,
    DOCUMENT,
    MESSAGE,
    SUMMARY,
    TOOL_DEFINITION,
    TOOL_RESULT,
    UNKNOWN,
)

RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "secret"}
NESTED = {"type": "tool_result", "content": [{"type": "text", "text": "secret"}]}
STDOUT = {
    "type": "bash_code_execution_tool_result",
    "content": {"type": "bash_code_execution_result", "stdout": "secret"},
}
FAILED = {
    "type": "tool_search_tool_result",
    "content": {"type": "tool_search_tool_result_error", "error_message": "secret"},
}
TAB = {"tab_id": "1", "title": "secret", "url": "u"}
BROWSER = {
    "type": "tool_result",
    "content": [{"type": "browser_state", "tabs": [{**TAB, "url": "u"}]}],
}


@pytest.mark.parametrize(
    ("block", "kind", "role"),
    [
        ({"type": "text", "text": "secret"}, MESSAGE, "user"),
        (RESULT, TOOL_RESULT, "tool"),
        (NESTED, TOOL_RESULT, "tool"),
        (STDOUT, TOOL_RESULT, "tool"),
        (FAILED, TOOL_RESULT, "tool"),
        (BROWSER, TOOL_RESULT, "tool"),
        (
            {"type": "document", "source": {"type": "text", "data": "secret"}},
            DOCUMENT,
            "user",
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "secret"}},
            DOCUMENT,
            "user",
        ),
        ({"type": "compaction", "content": "secret"}, SUMMARY, "user"),
        ({"type": "text", "citations": [{"cited_text": "secret"}]}, ANNOTATION, "user"),
        ({"type": "song", "verse": "secret"}, UNKNOWN, "user"),
        (
            {"type": "image", "source": {"type": "base64", "data": "secret words"}},
            UNKNOWN,
            "user",
        ),
        (
            {
                "type": "tool_addition",
                "tool": {
                    "type": "tool_definition",
                    "definition": {"name": "n", "description": "secret"},
                },
            },
            TOOL_DEFINITION,
            "system",
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_block_tells_kind_and_role(kit, block, kind, role):
    """
    What a block says is of the block's kind, and said by whoever the block is from.
    """
    request = kit.request({"messages": [{"role": "user", "content": [block]}]})

    (text,) = [t for t in request.texts() if "secret" in t.value]

    assert (text.kind, text.role) == (kind, role)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "base64", "data": "iVBORw0KGgo="}},
        {"type": "redacted_thinking", "data": "x" * 3000},
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "tool_use", "id": "toolu_1", "name": "go", "input": {}},
        {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
    ],
    ids=lambda block: block["type"],
)
def test_media_and_identifiers_are_no_text(kit, block):
    """
    What nobody wrote is not yielded.
    """
    request = kit.request({"messages": [{"role": "user", "content": [block]}]})

    assert request.texts() == []


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "n", "description": "secret"},
        {"name": "n", "input_schema": {"properties": {"secret": {"type": "string"}}}},
        {"name": "n", "input_examples": [{"q": "secret"}]},
        {"type": "web_search_20250305", "blocked_domains": ["secret"]},
        {"type": "mcp_toolset", "configs": {"a secret": {"enabled": True}}},
        {"type": "mcp_toolset", "tools": [{"name": "n", "description": "secret"}]},
    ],
    ids=["description", "schema", "examples", "domains", "configs", "listing"],
)
def test_tools_are_text_of_the_system(kit, tool):
    """
    Whoever writes a tool's definition speaks to the model as the system does.
    """
    doc = {"tools": [tool]}

    texts = [t for t in kit.request(doc).texts() if "secret" in t.value]

    if "blocked_domains" in tool:  # a domain is an identifier
        assert texts == []
    else:
        assert {t.role for t in texts} == {"system"}
