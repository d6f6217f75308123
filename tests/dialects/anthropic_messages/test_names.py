"""
Names and ids of tools in the letters that Anthropic accepts, and back.
"""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.anthropic_messages.names import (
    ToolNames,
    read_id,
    restored_name,
    written_id,
)

SHA = hashlib.sha256(b"a/b").hexdigest()[:8]
BLAKE = hashlib.blake2b(b"a/b", digest_size=4).hexdigest()
LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,128}")


@given(st.lists(st.text(max_size=200), max_size=8))
def test_names_are_legal_and_distinct(names):
    """
    Whatever tools are called, they get legal names, no two the same.
    """
    written = ToolNames(names)

    got = {name: written[name] for name in names}

    assert all(LEGAL.fullmatch(name) for name in got.values())
    assert len(set(got.values())) == len(got)


def test_legal_names_stay(kit):
    """
    A legal name keeps its letters even if another's would become the same.
    """
    names = ToolNames(["a.b", "a_b"])

    assert names["a_b"] == "a_b"
    assert re.fullmatch(r"a_b_[0-9a-f]{8}", names["a.b"])
    assert names.changed == ("a.b",)


def test_same_names_are_written_the_same_again():
    """
    Names do not change from request to request, or prompt caches would miss.
    """
    names = ["a.b", "a/b", "x" * 200]

    first, second = ToolNames(names), ToolNames(names)

    assert [first[name] for name in names] == [second[name] for name in names]


@given(st.text(max_size=100))
def test_ids_go_there_and_back(raw):
    """
    Any id of a call is written in legal letters and read as it was.
    """
    written = written_id(raw)

    assert not raw or re.fullmatch(r"[a-zA-Z0-9_-]+", written)
    assert read_id(written) == raw


@pytest.mark.parametrize("raw", ["gwid_!!", "gwid_x", "toolu_1"])
def test_ids_of_others_stay(raw):
    """
    What only looks wrapped is somebody's own id.
    """
    assert read_id(raw) == raw


@pytest.mark.parametrize(
    ("name", "offered", "restored"),
    [
        ("get", ["get", "got"], "get"),
        ("a_b", ["a.b", "c"], "a.b"),
        ("unheard", ["a.b", "c"], "unheard"),
        ("a_b", ["a.b", "a/b"], "a.b"),
        ("a_b_" + SHA, ["a.b", "a/b"], "a/b"),
        ("a_b_" + BLAKE, ["a.b", "a/b"], "a/b"),
        ("a_b_00000000", ["a.b", "a/b"], "a_b_00000000"),
        ("x" * 55 + "_1a2b3c4d", ["x" * 100, "y" * 100], "x" * 100),
        ("search", ["set.x", "s" * 80], "search"),
    ],
    ids=[
        *("same", "letters", "unheard", "first", "second", "second by another hash"),
        *("neither", "cut", "unlike"),
    ],
)
def test_names_come_back_to_the_caller(name, offered, restored):
    """
    The caller sees the name that it gave its tool, however a provider had to write it.
    """
    assert restored_name(name, offered) == restored
