"""
Text that is JSON stays JSON, whatever is edited in it and wherever chunks split it.
"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_streams import STREAMED, cuts_of, frames_of, seen_through

from gateway.filters import Edit, TextFilter
from gateway.testing import make_response

#: Words with a letter that may be the end of an escape before them, numbers, quotes.
WORDS = re.compile(r"n?secret|\d{4,}|~[^~]*~")
BEGUN = re.compile(r"n?s?[a-z]*\Z|\d+\Z|~[^~]*\Z")
PIECES = st.sampled_from(
    ["secret", "a", "\n", '"', "\\", "é", "1234", "😀", "{", "[1, 12345]"]
)
STRINGS = st.lists(PIECES, max_size=4).map("".join)
NUMBERS = st.integers() | st.sampled_from([-12345, 1.5e300, 12345.25, 10**30])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3)
    ),
)
ROOTS = st.lists(JSON, max_size=3) | st.dictionaries(STRINGS, JSON, max_size=3)


class Words(TextFilter):
    """
    Puts something with a quote and a line end in the place of each word.
    """

    context = 1

    def __init__(self, new='<"\n>', *, is_number=False):
        self.new = new
        self.is_number = is_number

    def find(self, text, start, final):
        edits, at = [], start
        for match in WORDS.finditer(text, start):
            if final or match.end() < len(text) or match[0][-1] == "~":
                edits.append(Edit(*match.span(), self.new, self.is_number))
                at = match.end()
        begun = None if final else BEGUN.search(text, at)
        return edits, begun.start() if begun else len(text)


async def whole(text, made):
    said = {"role": "assistant", "content": text}
    response = make_response({"choices": [{"index": 0, "message": said}]})
    await made.feed_response(response)
    return response.doc["choices"][0]["message"]["content"]


async def streamed(dialect, parts, made):
    seen = await seen_through(made, dialect, frames_of(dialect, parts))
    (said,) = seen.said().values()
    assert all(said.startswith(prefix) for _, prefix in seen.prefixes())
    assert all(value == said for _, value in seen.repeats())
    return said


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ('{"card": 4111, "n": 12}', r'{"card": "<\"\n>", "n": 12}'),
        ("[-4111, 4111.5, 1e4111]", r'["-<\"\n>", "<\"\n>.5", "1e<\"\n>"]'),
        ("[4111.4111]", r'["<\"\n>.<\"\n>"]'),
        ('{"a": "x 4111 y"}', r'{"a": "x <\"\n> y"}'),
        (r'{"a": "to:\nsecret"}', r'{"a": "to:\n<\"\n>"}'),
        (r'{"a": "\\nsecret"}', r'{"a": "\\<\"\n>"}'),
        ('{"secret": {"b": [4111]}}', r'{"<\"\n>": {"b": ["<\"\n>"]}}'),
        ('["a~b", 12, "c", {"d": 5}, "e~f"]', r'["a<\"\n>", "", "", {"": ""}, "f"]'),
        ('```json\n{"a": 4111}\n```', '```json\n{"a": "<\\"\\n>"}\n```'),
        ('{"a": 4111}\n{"b": 4111}', '{"a": "<\\"\\n>"}\n{"b": "<\\"\\n>"}'),
        ("say 4111", 'say <"\n>'),
        ("[1] 4111", '[1] <"\n>'),
        ('{"a": 4111} 4111', '{"a": "<\\"\\n>"} <"\n>'),
        ("[4111 4111]", '["<\\"\\n>" <"\n>]'),
        ('{a: "secret"}', '{a: "<"\n>"}'),
        ('{"a": 41', '{"a": 41'),
    ],
    ids=(
        "number,parts,twice,string,escape,backslash,keys,many,fence,lines,prose,reference,behind,"
        "no comma,no JSON,broken off"
    ).split(","),
)
@pytest.mark.parametrize("dialect", STREAMED.values(), ids=str)
async def test_edits(dialect, text, want):
    """
    Whole and however it is cut, text that is JSON is JSON with strings that were edited.
    """
    assert await whole(text, Words()) == want
    for parts in [list(text), *cuts_of(text)]:
        assert await streamed(dialect, parts, Words()) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ('{"card": "secret"}', '{"card": 4111}'),
        ('["secret", "a secret", "secret!"]', '[4111, "a 4111", "4111!"]'),
        ("secret", "4111"),
        ('["12345", 12345]', "[4111, 4111]"),
    ],
)
async def test_numbers(text, want):
    """
    What stood for a number becomes one where it is all of a string; a number stays one.
    """
    dialect = STREAMED["openai_chat"]

    assert await whole(text, Words("4111", is_number=True)) == want
    for parts in [list(text), *cuts_of(text)]:
        made = Words("4111", is_number=True)
        held = await streamed(dialect, parts, made)
        assert held == want


@settings(deadline=None)
@given(ROOTS, st.booleans(), st.integers(1, 9), st.booleans())
async def test_any_json_stays_json(value, ascii_only, size, spaced):
    """
    Nothing that is edited makes JSON unreadable, nor more of it than the words.
    """
    source = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None)
    parts = [source[at : at + size] for at in range(0, len(source), size)]

    at_once = await whole(source, Words())
    in_parts = await streamed(STREAMED["openai_chat"], parts, Words())

    assert in_parts == at_once
    json.loads(at_once)
    if not WORDS.search(source):
        assert at_once == source
    assert "secret" not in at_once
