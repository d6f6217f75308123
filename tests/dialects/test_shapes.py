from __future__ import annotations

import json

import pytest

from gateway import codec
from gateway.dialects.shapes import (
    SCHEMA_WORDS,
    JsonTokens,
    Walk,
    by_type,
    each,
    either,
    free,
    identifier,
    is_base64,
    is_identifier,
    json_source,
    media,
    node,
    said_by,
    text,
)
from gateway.testing import find_dialect
from gateway.views import View

SHAPE = {
    "id": identifier,
    "count": None,
    "words": text("message"),
    "args": json_source(),
    "inner": node({"said": text("reasoning")}),
    "list": each(
        either(text("message"), by_type({"t": node({"type": None, "x": text("x")})}))
    ),
    "any": free("schema", SCHEMA_WORDS),
    "image": media,
}


def walk(doc):
    """
    Walk *doc* by the shape above; returns the walk.
    """
    walking = Walk(View(find_dialect("openai_chat"), doc=doc), "user")
    walking.shape(doc, SHAPE)
    return walking


def found(doc) -> list[tuple[str, str]]:
    """
    Return (kind, value) of all texts in *doc*.
    """
    return [(one.kind, one.value) for one in walk(doc).out]


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("gpt-5", True), ("", True), ("a b", False), ("é", False), ("x" * 513, False)],
    ids=["model", "empty", "words", "letter", "long"],
)
def test_is_identifier(value, is_one):
    """
    An identifier has no spaces, and no letters but ASCII's; asked twice, the answer is the same.
    """
    assert is_identifier(value) is is_one
    assert is_identifier(value) is is_one


@pytest.mark.parametrize(
    ("doc", "texts"),
    [
        ({"id": "a-1", "count": 3, "words": "hi"}, [("message", "hi")]),
        ({"words": ["a", "b"]}, [("message", "a"), ("message", "b")]),
        ({"words": {"k": "v"}}, [("message", "k"), ("message", "v")]),
        ({"id": "not an id"}, [("unknown", "not an id")]),
        ({"id": ["x"]}, [("unknown", "x")]),
        ({"inner": {"said": "s"}}, [("reasoning", "s")]),
        ({"inner": "moved"}, [("unknown", "moved")]),
        ({"inner": {"new": "n"}}, [("unknown", "new"), ("unknown", "n")]),
        ({"list": ["a", {"type": "t", "x": "b"}]}, [("message", "a"), ("x", "b")]),
        (
            {"list": [{"type": "new", "x": "b"}]},
            [
                ("unknown", "type"),
                ("unknown", "new"),
                ("unknown", "x"),
                ("unknown", "b"),
            ],
        ),
        ({"list": "moved"}, [("unknown", "moved")]),
        (
            {"any": {"type": "object", "description": "d", "my key": 1}},
            [
                ("schema", "d"),
                ("schema", "my key"),
            ],
        ),
        ({"image": "aGk="}, []),
        ({"image": "data:image/png;base64,aGk="}, []),
        (
            {"image": "data:text/plain;base64,aGk="},
            [("unknown", "data:text/plain;base64,aGk=")],
        ),
        (
            {"image": "https://x.example/my secret"},
            [("unknown", "https://x.example/my secret")],
        ),
        (
            {"new": {"deep": [{"er": "v"}]}},
            [
                ("unknown", "new"),
                ("unknown", "deep"),
                ("unknown", "er"),
                ("unknown", "v"),
            ],
        ),
        ({"words": "", "new": None, "args": None}, [("unknown", "new")]),
    ],
)
def test_what_nobody_lists_is_text(doc, texts):
    """
    Listed places give their kind; everything else, moved or new, is unknown text.
    """
    assert found(doc) == texts


def test_tool_arguments_are_read_string_by_string():
    """
    The strings of JSON source are texts of their own, escapes decoded, keys included.
    """
    source = '{"to": "a \\"q\\" \\u00e9", "n": [1.50, "b"]}'

    assert [value for _, value in found({"args": source})] == [
        "to",
        'a "q" é',
        "n",
        "b",
    ]


def test_an_edit_of_arguments_keeps_every_other_byte():
    """
    Numbers, white space and the other strings stay as the model wrote them.
    """
    doc = {"args": '{ "to": "x\\u0041", "n": 1.50e3, "big": 12345678901234567890123 }'}
    texts = walk(doc).out

    next(one for one in texts if one.value == "xA").replace('new "one"')

    assert doc["args"] == (
        '{ "to": "new \\"one\\"", "n": 1.50e3, "big": 12345678901234567890123 }'
    )


@pytest.mark.parametrize("source", ["not json", '{"a"', "[" * 200])
def test_source_that_is_no_json_is_one_text(source):
    """
    What cannot be read as JSON is shown as it stands, whole.
    """
    assert found({"args": source}) == [("tool_arguments", source)]


def test_a_key_that_is_repeated_hides_nothing():
    """
    Arguments are not refused for a repeated key; both values are read, escapes decoded.
    """
    assert found({"args": '{"a":"\\u0078","a":"y"}'}) == [
        ("tool_arguments", value) for value in ("a", "x", "a", "y")
    ]


def test_two_edits_in_one_source():
    """
    Edits of several strings of one source all hold.
    """
    doc = {"args": '["a","b","a"]'}
    texts = walk(doc).out

    texts[0].replace("1")
    texts[2].replace("3")

    assert doc["args"] == '["1","b","3"]'


def test_a_key_can_be_edited():
    """
    The name of a key is replaced in place, the value with it, and stays editable.
    """
    doc = {"new": {"a@b.co": "a@b.co", "z": 1}}
    texts = walk(doc).out

    for one in texts:
        if one.value == "a@b.co":
            one.replace("[mail]")

    assert list(doc["new"].items()) == [("[mail]", "[mail]"), ("z", 1)]


def test_two_edited_keys_do_not_fall_together():
    """
    Nothing is lost when two names become the same one.
    """
    doc = {"new": {"a@b.co": 1, "c@d.co": 2}}

    for one in walk(doc).out:
        if "@" in one.value:
            one.replace("[mail]")

    assert list(doc["new"].values()) == [1, 2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("aGVsbG8=", True),
        ("", True),
        ("data:image/png;base64,AAAA", True),
        ("data:text/html;base64,AAAA", False),
        ("data:image/svg+xml,<svg>", False),
        ("hello world", False),
        ("https://example.org/x.png", False),
    ],
)
def test_base64_is_told_from_words(value, expected):
    """
    Media is passed over, a URL or words in its place are not.
    """
    assert is_base64(value) is expected


@pytest.mark.parametrize("value", ["one", ["one"]], ids=str)
@pytest.mark.parametrize(
    "rule",
    [said_by("tool", text("message")), text("message", "tool")],
    ids=["said by", "text"],
)
def test_role_holds_for_the_rule_only(rule, value):
    """
    Who said it is told for what the rule walks, and for nothing after it.
    """
    doc = {"a": value, "b": "two"}
    walk = Walk(View(find_dialect("openai_chat"), doc=doc), "user")

    walk.shape(doc, {"a": rule, "b": text("message")})

    assert [found.role for found in walk.out] == ["tool", "user"]


def test_random_documents_lose_no_string(rng):
    """
    Whatever a document of nobody's shape holds, every string of it comes out.
    """

    def make(depth):
        kind = rng.randrange(5 if depth < 4 else 2)
        if kind == 0:
            return f"w{rng.random()} x"
        if kind == 1:
            return rng.choice([1, None, True, 2.5])
        if kind == 2:
            return [make(depth + 1) for _ in range(rng.randrange(4))]
        return {f"k{rng.random()} y": make(depth + 1) for _ in range(rng.randrange(4))}

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for member in value:
                yield from strings(member)
        elif isinstance(value, dict):
            for key, member in value.items():
                yield key
                yield from strings(member)

    for _ in range(200):
        doc = {"brand new": make(0)}

        assert [value for _, value in found(doc)] == list(strings(doc))


def test_tokens_of_what_is_no_json():
    """
    JsonTokens exist only for JSON documents.
    """
    assert JsonTokens.of({"a": "nope"}, "a") is None
    assert codec.loads(b"1") == 1


@pytest.mark.parametrize(
    ("rule", "write", "read"),
    [(free("tool_arguments"), dict, dict), (json_source(), json.dumps, json.loads)],
    ids=["free", "source"],
)
def test_long_numbers_in_arguments(rule, write, read):
    """
    Whole numbers of twelve digits in arguments are texts, and become strings if they are edited.
    """
    inside = {
        "n": 4111111111111111,
        "few": 12345,
        "part": 4111111111111.5,
        "l": [10**11],
    }
    doc = {"a": write(inside)}
    walk = Walk(View(find_dialect("openai_chat"), doc=doc), "user")
    walk.shape(doc, {"a": rule})

    figures = [found for found in walk.out if found.value.isdigit()]
    for found in reversed(walk.out):  # names of keys as well, while others are to come
        found.replace(f"<{found.value}>")

    assert len(figures) == 2
    assert read(doc["a"]) == {
        "<n>": "<4111111111111111>",
        "<few>": 12345,
        "<part>": 4111111111111.5,
        "<l>": ["<100000000000>"],
    }


def test_a_renamed_key_keeps_its_long_number():
    """
    A number whose key was replaced before it can still be read and replaced.
    """
    doc = {"a": {"n": 4111111111111111}}
    walk = Walk(View(find_dialect("openai_chat"), doc=doc), "user")
    walk.shape(doc, {"a": free("tool_arguments")})

    for found in walk.out:
        found.replace(f"<{found.value}>")

    assert doc == {"a": {"<n>": "<4111111111111111>"}}


def test_numbers_elsewhere_are_none_of_it():
    """
    What is no argument of a tool may hold long numbers that are nobody's: times, counts.
    """
    doc = {"brand new": {"at": 1763600000000}}

    assert [value for _, value in found(doc)] == ["brand new", "at"]
