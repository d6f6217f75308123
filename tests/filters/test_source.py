"""
Edits in JSON source.
"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.edits import Edit, splice
from gateway.filters.source import edits_in_source

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ax"\\\n\ud800é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("bx", max_size=3), inner, max_size=3)
    ),
)


async def judge(text):
    return [Edit(*match.span(), '<"é">') for match in re.finditer("secret|x+", text)]


async def edited(source):
    return splice(source, await edits_in_source(source, judge))


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ('{"a": 1.50, "b" : "no\\u0020"}', '{"a": 1.50, "b" : "no\\u0020"}'),
        ('{"a":"secret","b":[1e5,"secret."]}', r'{"a":"<\"é\">","b":[1e5,"<\"é\">."]}'),
        (r'{"a":"s\u0065cr\u0065t"}', r'{"a":"<\"é\">"}'),
        (r'{"secret":"\"secret"}', r'{"<\"é\">":"\"<\"é\">"}'),
        (r'{"a":1,"a":"s\u0065cret"}', r'{"a":1,"a":"<\"é\">"}'),
        ('"secret"', r'"<\"é\">"'),
        ("12", "12"),
        ("", ""),
    ],
    ids="clean edited escaped quotes repeated-key string number empty".split(),
)
async def test_edits_string_tokens(source, want):
    """
    Strings that change are written anew, everything else stays as it is spelt.
    """
    assert await edited(source) == want


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ('{"a": "secret', '{"a": "<"é">'),
        (r'{"a": "s\u0065cret', r'{"a": "<\"é\">'),
        (r'{"a": "s\u0065cret\u00', r'{"a": "<\"é\">u00'),
        (r'{"a": "s\u0065cret", "b', r'{"a": "<\"é\">", "b'),
        (r'{"a": "\ud83d\ude00 secret" "b\"', '{"a": "\\ud83d\\ude00 <"é">" "b\\"'),
        (r'{"a":"\n x"}{"a":"s\u0065cret"}', r'{"a":"\n <"é">"}{"a":"<\"é\">"}'),
        ("secret\ud800", '<"é">\ud800'),
        (r'"\n secret" x', '"\\n <"é">" <"é">'),
    ],
    ids="plain escaped in-escape next-token surrogates two-documents lone both".split(),
)
async def test_source_that_is_not_json_hides_nothing(source, want):
    """
    What broke off, or never was JSON, is judged as it stands and as a lenient reader decodes it.
    """
    result = await edited(source)

    assert "secret" not in result
    if "\\ud83d" not in source and "\\n" not in source:
        assert result == want


async def digits(text):
    return [Edit(*match.span(), "[n]") for match in re.finditer(r"\d{12,}", text)]


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ('{"a": 4111111111111111, "b":1.5}', '{"a": "[n]", "b":1.5}'),
        ("[411111111111, 41111111111]", '["[n]", 41111111111]'),
        ("[-411111111111, 411111111111.5, 4111111111110e1]", None),
        ('{"a": "411111111111", "b": "1e411111111111"}', '{"a": "[n]", "b": "1e[n]"}'),
    ],
)
async def test_long_numbers(source, want):
    """
    A whole number of twelve digits is shown as well, and becomes a string if it is edited.
    """
    made = splice(source, await edits_in_source(source, digits))

    assert made == (want or source)
    assert json.loads(made)


@given(JSON, st.booleans())
async def test_says_what_editing_every_string_would_say(value, ascii_only):
    """
    Editing the source is editing the strings of what it says.
    """

    async def through(node):
        if isinstance(node, str):
            return splice(node, await judge(node))
        if isinstance(node, list):
            return [await through(member) for member in node]
        if isinstance(node, dict):
            return [[await through(k), await through(v)] for k, v in node.items()]
        return node

    source = json.dumps(value, ensure_ascii=ascii_only)

    said = json.loads(
        await edited(source), object_pairs_hook=lambda p: [list(x) for x in p]
    )

    assert said == await through(value)
