"""
Ids of tool calls in the letters that Anthropic accepts, and back.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.anthropic_messages.wire import read_id, written_id


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
