"""
What is read of a request, or taken out of it, without translating it.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.asked import callers_tools
from gateway.neutral import Seal, ToolCall


@pytest.mark.parametrize(
    ("tool", "name", "kind", "is_hosted"),
    [
        ({"type": "function", "name": "f"}, "f", "function", False),
        ({"type": "custom", "name": "c"}, "c", "custom", False),
        ({"type": "web_search"}, "web_search", "web_search", True),
        ({"type": "mcp", "server_label": "wiki"}, "wiki", "mcp", True),
        ({"type": "shell", "environment": {"type": "local"}}, "shell", "shell", False),
        (
            {"type": "shell", "environment": {"type": "container_auto"}},
            "shell",
            "shell",
            True,
        ),
        ({"type": "shell"}, "shell", "shell", True),
        (
            {"type": "tool_search", "execution": "client"},
            "tool_search",
            "tool_search",
            False,
        ),
        ({"type": "apply_patch"}, "apply_patch", "apply_patch", False),
        ({"type": "never_heard"}, "never_heard", "never_heard", True),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_tools(kit, tool, name, kind, is_hosted):
    """
    A tool is hosted if the provider runs it; one that nobody knows is taken for such.
    """
    (found,) = kit.request(tools=[tool]).tools

    assert (found.name, found.kind, found.is_hosted) == (name, kind, is_hosted)


def test_tools_of_a_namespace(kit):
    """
    Tools in a namespace are offered one by one.
    """
    inner = [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}]
    request = kit.request(tools=[{"type": "namespace", "name": "n", "tools": inner}])

    assert [tool.name for tool in request.tools] == ["f", "c"]


def test_tools_of_the_caller():
    """
    Calls come back by the caller's names, also those of tools that came in mid-conversation.
    """
    later = {"type": "additional_tools", "tools": [{"type": "custom", "name": "c.d"}]}
    offered = callers_tools(
        {
            "tools": [{"type": "function", "name": "a.b"}, {"type": "function"}, 1],
            "input": [{"role": "user", "content": "x"}, later],
        }
    )

    found = [
        offered.restored(ToolCall(id="1", name=name)) for name in ("a_b", "c_d", "e_f")
    ]

    assert found == [("a.b", False), ("c.d", True), ("e_f", False)]


class TestForeignSeals:
    def item(self, data):
        return {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "encrypted_content": data,
        }

    def test_reasoning_of_another_vendor_is_taken_out(self, kit):
        """
        The vendor would refuse what it did not seal; its own reasoning stays.
        """
        own = self.item("gAAAA")
        foreign = self.item(Seal(dialect="anthropic_messages", data="sig").wrap())
        request = kit.request(input=[own, foreign, {"role": "user", "content": "x"}])

        dropped = kit.dialect.drop_foreign_seals(request)

        assert dropped == 1
        assert request.doc["input"] == [own, {"role": "user", "content": "x"}]
        assert request.is_dirty

    def test_request_without_such_reasoning_stays_as_it_came(self, kit):
        """
        Nothing is written anew where nothing is taken out.
        """
        raw = b'{"model": "m",  "input": [{"role": "user", "content": "gw1."}]}'
        request = kit.dialect.read_request(raw, "generate")

        assert kit.dialect.drop_foreign_seals(request) == 0
        assert request.encode() == raw
