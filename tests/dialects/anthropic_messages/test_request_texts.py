"""
Texts of requests: a closed world, in order, by role.
"""

from __future__ import annotations

import pytest

from gateway.views import ARGUMENTS, MESSAGE, NAME, REASONING, SCHEMA, TOOL_DEFINITION


def test_canary_comes_out_wherever_it_is_planted(kit):
    """
    No string of a rich request escapes, and no unknown key nor its name.
    """
    example = kit.example("request")

    missed = kit.missed(example, lambda doc: kit.request(doc).texts())

    assert missed == []


def test_counting_has_the_same_texts(kit):
    """
    A request to count tokens is inspected like one to generate.
    """
    example = kit.example("request")
    del example["max_tokens"], example["stream"]

    texts = kit.request(example, "count_tokens").texts()

    assert [t.value for t in texts] == [
        t.value for t in kit.request(kit.example("request")).texts()
    ]


def test_texts_come_in_the_order_of_the_document(kit):
    """
    Texts stand in the order in which the document has them.
    """
    doc = {
        "model": "m",
        "system": "one",
        "messages": [
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": [{"type": "text", "text": "three"}]},
        ],
        "tools": [{"name": "n", "description": "four"}],
    }

    texts = kit.request(doc).texts()

    assert [t.value for t in texts] == ["one", "two", "three", "four"]
    assert [t.role for t in texts] == ["system", "user", "assistant", "system"]


def test_lanes_differ_by_position(kit):
    """
    Texts at different places stand in different lanes.
    """
    doc = {
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "messages": [
            {"role": "user", "content": "c"},
            {"role": "user", "content": [{"type": "text", "text": "d"}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "content": [{"type": "text", "text": "e"}]}
                ],
            },
        ],
        "tools": [{"name": "n", "description": "f"}],
    }

    lanes = [t.lane for t in kit.request(doc).texts()]

    assert len(lanes) == 6
    assert len(set(lanes)) == 6


def test_kinds_tell_what_a_text_is(kit):
    """
    Messages, reasoning, arguments, tools, schemas and names are told apart.
    """
    texts = kit.request(kit.example("request")).texts()
    kinds = {t.value: t.kind for t in texts}

    assert kinds["Well?"] == MESSAGE
    assert kinds["Let me see."] == REASONING
    assert kinds["weather in Oslo"] == ARGUMENTS
    assert kinds["Tells the weather."] == TOOL_DEFINITION
    assert kinds["The answer"] == SCHEMA
    assert kinds["https://mcp.example.org/"] == NAME


def test_role_that_nobody_knows_is_text(kit):
    """
    What stands in place of a role is inspected like any other unknown string.
    """
    doc = {"messages": [{"role": "my secret plan", "content": "hello"}]}

    texts = kit.request(doc).texts()

    assert [(t.value, t.role) for t in texts] == [
        ("my secret plan", None),
        ("hello", None),
    ]


@pytest.mark.parametrize("said", ["a@example.org", "user_17"])
def test_the_user_id_is_text(kit, said):
    """
    It is a name, even where the vendor wants an opaque id: what looks so may say anything.
    """
    found = kit.request({"metadata": {"user_id": said}}).texts()

    assert [(text.value, text.kind) for text in found] == [(said, NAME)]


def test_malformed_documents_are_all_text(kit):
    """
    Values of the wrong type are walked, not skipped.
    """
    doc = {
        "system": {"why": "secret one"},
        "messages": {"0": "secret two"},
        "tools": "secret three",
        "metadata": "secret four",
        "stop_sequences": "secret five",
    }

    values = [t.value for t in kit.request(doc).texts()]

    assert {"secret one", "secret two", "secret three", "secret four"} < set(values)
    assert "secret five" in values


def test_replacing_every_text_changes_the_document(kit):
    """
    Each text can be replaced in place, and the document then says so.
    """
    request = kit.request(kit.example("request"))
    for index, text in enumerate(request.texts()):
        if not text.sealed:
            text.replace(f"replaced {index}")

    again = kit.dialect.read_request(request.encode(), "generate")

    assert [t.value for t in again.texts() if t.kind == MESSAGE] == [
        t.value for t in request.texts() if t.kind == MESSAGE
    ]
    assert b"Well?" not in request.encode()


@pytest.mark.parametrize(
    "message",
    [
        "a text",
        {"role": "user", "content": {"why": "a text"}},
        {"role": "user", "content": [{"type": "text", "text": ["a text"]}]},
        {"role": "user", "content": ["a text"]},
        {"role": "user", "name": "a text"},
        {"role": "user", "content": "", "clear_at": "a text"},
    ],
    ids=["string", "object", "list", "bare", "key", "third key"],
)
def test_malformed_messages_are_all_text(kit, message):
    """
    A message that is not what it should be does not slip through.
    """
    texts = kit.request(
        {"messages": [message, {"role": "user", "content": "x"}]}
    ).texts()

    assert "a text" in [t.value for t in texts]
    assert (texts[-1].value, texts[-1].role) == ("x", "user")


def test_role_of_a_message_does_not_reach_what_follows(kit):
    """
    What stands behind the messages is not said by whoever spoke last.
    """
    doc = {
        "messages": [{"role": "assistant", "content": [{"type": "text", "text": ""}]}],
        "stop_sequences": ["END"],
    }

    (text,) = kit.request(doc).texts()

    assert text.role == "user"


def test_threads_are_named_by_identifiers(kit):
    """
    Nobody wrote the id of an earlier answer; a redacted one would lead nowhere.
    """
    thread = {"type": "continue", "previous_message_id": "msg_01AbCdEfGhIjKlMnOpQrStUv"}

    assert kit.request({"messages": [], "thread": thread}).texts() == []
