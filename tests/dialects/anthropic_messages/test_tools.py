"""
The tools of a request, and who runs them.
"""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("tool", "name", "kind", "is_hosted"),
    [
        ({"name": "go", "input_schema": {}}, "go", "function", False),
        ({"type": "custom", "name": "go"}, "go", "function", False),
        ({"type": None, "name": "go"}, "go", "function", False),
        ({"type": "bash_20250124", "name": "bash"}, "bash", "bash_20250124", False),
        (
            {"type": "memory_20250818", "name": "memory"},
            "memory",
            "memory_20250818",
            False,
        ),
        (
            {"type": "computer_toolset_20260801"},
            "computer_toolset_20260801",
            "computer_toolset_20260801",
            False,
        ),
        (
            {"type": "web_search_20250305", "name": "web_search"},
            "web_search",
            "web_search_20250305",
            True,
        ),
        (
            {"type": "code_execution_20260521", "name": "code_execution"},
            "code_execution",
            "code_execution_20260521",
            True,
        ),
        ({"type": "mcp_toolset", "mcp_server_name": "db"}, "db", "mcp_toolset", True),
        ({"type": "a_new_one_2027", "name": "new"}, "new", "a_new_one_2027", True),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
def test_tool_tells_who_runs_it(kit, tool, name, kind, is_hosted):
    """
    What the vendor runs is hosted, and a type that nobody knows is taken for that.
    """
    (found,) = kit.request({"tools": [tool]}).tools

    assert (found.name, found.kind, found.is_hosted) == (name, kind, is_hosted)


def test_remote_servers_are_hosted_tools(kit):
    """
    MCP servers that the vendor calls cost what the request does not tell.
    """
    (tool,) = kit.request({"mcp_servers": [{"name": "db", "url": "https://x"}]}).tools

    assert (tool.name, tool.kind, tool.is_hosted) == ("db", "mcp", True)


@pytest.mark.parametrize(
    "doc", [{}, {"tools": None}, {"tools": ["x"], "mcp_servers": 3}]
)
def test_no_tools_are_no_error(kit, doc):
    """
    A request without tools, or with something else in their place, offers none.
    """
    assert list(kit.request(doc).tools) == []
