"""
Items of tools that the provider defines.
"""

from __future__ import annotations

import pytest

from gateway.dialects.openai_responses.hosted_shapes import CALLS, RESULTS, SETTINGS


def test_every_type_has_an_example(kit):
    """
    The canaries of the request's tests are planted in items of every type.
    """
    types = {item.get("type") for item in kit.example("request")["input"]}

    assert {*CALLS, *RESULTS, *SETTINGS} <= types


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            "file_search_call",
            [
                ("deep dish pizza", "tool_arguments", "assistant"),
                ("menu of Rome.pdf", "document", "assistant"),
                ("Pizza, 9 euro.", "tool_result", "assistant"),
                ("author", "tool_result", "assistant"),
                ("Jane Doe", "tool_result", "assistant"),
            ],
        ),
        (
            "code_interpreter_call",
            [
                ("print('hi you')", "tool_arguments", "assistant"),
                ("hi you", "tool_result", "assistant"),
            ],
        ),
        (
            "shell_call_output",
            [("hi you", "tool_result", "tool"), ("no error", "tool_result", "tool")],
        ),
        (
            "mcp_approval_request",
            [
                ("q", "tool_arguments", "assistant"),
                ("who is it", "tool_arguments", "assistant"),
            ],
        ),
        ("compaction", []),
        ("item_reference", []),
    ],
)
def test_kinds(kit, kind, texts):
    """
    What the model asks for is arguments, what came back is a result; ids are nothing.
    """
    item = next(i for i in kit.example("request")["input"] if i.get("type") == kind)

    found = kit.request(input=[item]).texts()

    assert [(text.value, text.kind, text.role) for text in found] == texts


@pytest.mark.parametrize("member", ["url", "title", "name"])
def test_what_a_search_found_is_text_whatever_it_looks_like(kit, member):
    """
    An address in a source may look like an identifier, and is none.
    """
    source = {"type": "url", member: "jane.doe@corp.example"}
    action = {"type": "search", "query": "jane", "sources": [source]}
    item = {"type": "web_search_call", "id": "ws_1", "action": action}

    found = kit.request(input=[item]).texts()

    assert ("jane.doe@corp.example", "tool_result") in [
        (text.value, text.kind) for text in found
    ]
