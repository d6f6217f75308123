"""
The tools that a request to Anthropic offers.

Source: Anthropic's API reference, tools: a ``type`` names a tool that the vendor defined, and
its release; some of those run at the vendor, others at the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.views import Tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.views import Request

#: Defined by the vendor, run by the caller; every other type is taken to run at the vendor,
#: so that a new one is not mistaken for one whose cost the request bounds.
_AT_CALLER: Final = (
    "custom",
    "bash_",
    "text_editor_",
    "memory_",
    "computer_",
    "browser_toolset_",
)


def tools_of(request: Request) -> list[Tool]:
    """
    List the tools of *request*, and the MCP servers that the vendor is to call.
    """
    return [*_defined(request.peek("tools")), *_servers(request.peek("mcp_servers"))]


def _defined(tools: Any) -> Iterator[Tool]:
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        kind = tool.get("type") or "custom"
        name = tool.get("name") or tool.get("mcp_server_name") or kind
        if kind == "custom":
            yield Tool(name=str(name), kind="function", is_hosted=False)
        else:
            is_hosted = not str(kind).startswith(_AT_CALLER)
            yield Tool(name=str(name), kind=str(kind), is_hosted=is_hosted)


def _servers(servers: Any) -> Iterator[Tool]:
    for server in servers if isinstance(servers, list) else ():
        if isinstance(server, dict):
            yield Tool(name=str(server.get("name")), kind="mcp", is_hosted=True)
