"""
Definitions of tools.
"""

from __future__ import annotations

from gateway.dialects.openai_responses.tool_shapes import TOOLS


def test_every_type_has_an_example(kit):
    """
    The canaries of the request's tests are planted in tools of every type.
    """
    types = {tool["type"] for tool in kit.example("request")["tools"]}

    # These are versions of a type that has one.
    assert set(TOOLS) - types == {
        "web_search_2025_08_26",
        "web_search_preview_2025_03_11",
    }


def test_definitions_are_said_by_the_system(kit):
    """
    Descriptions and schemas are texts of the system, of kinds of their own.
    """
    tool = {
        "type": "function",
        "name": "f",
        "description": "Tells the weather.",
        "parameters": {"properties": {"city": {"description": "Where."}}},
    }

    texts = [(t.value, t.kind, t.role) for t in kit.request(tools=[tool]).texts()]

    assert texts == [
        ("Tells the weather.", "tool_definition", "system"),
        ("city", "schema", "system"),
        ("Where.", "schema", "system"),
    ]


def test_tool_of_an_unknown_type_is_all_text(kit):
    """
    A tool that nobody has heard of hides nothing.
    """
    request = kit.request(tools=[{"type": "never_heard", "prompt": "do it"}, "x y"])

    assert {"never_heard", "prompt", "do it", "x y"} <= {
        t.value for t in request.texts()
    }


def test_format_of_the_answer(kit):
    """
    The schema that the answer must follow is text; the names of settings are not.
    """
    form = {
        "type": "json_schema",
        "name": "answer",
        "description": "What to say.",
        "schema": {"properties": {"x": {"enum": ["a b"]}}},
    }

    texts = kit.request(text={"format": form, "verbosity": "low"}).texts()

    assert [(t.value, t.kind) for t in texts] == [
        ("What to say.", "schema"),
        ("x", "schema"),
        ("a b", "schema"),
    ]
