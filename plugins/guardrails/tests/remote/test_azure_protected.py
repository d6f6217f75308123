"""
Azure's detection of protected material.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.azure import protected

from gateway.settings import SecretRef
from gateway_guardrails.remote import AZURE_PROTECTED
from gateway_guardrails.remote.azure_protected import windows_of

KEY = SecretRef.parse("env.AZURE_KEY")


@pytest.fixture
async def judge(azure, tools):
    """
    A judge with the defaults.
    """
    async with made(AZURE_PROTECTED, tools, endpoint=azure.url, key=KEY) as it:
        yield it


async def test_allows_what_is_nobodys(azure, judge):
    """
    Nothing found is an opinion without finds.
    """
    opinion = await judge.judge(question("la " * 100, stage="output"))

    assert opinion.finds == ((),)


async def test_a_find_is_as_wide_as_its_window(azure, judge):
    """
    The service tells no place; the window that was asked about is one.
    """
    azure.compared = lambda asked: protected(detected="song" in asked["text"])
    text = "word " * 300 + "song " * 10 + "word " * 300

    opinion = await judge.judge(question(text, stage="output"))

    assert all("song" in text[find.start : find.end] for find in opinion.finds[0])
    assert opinion.finds[0]
    assert len(opinion.finds[0]) < len(azure.asked)


async def test_a_text_that_is_too_short_is_not_asked_about(azure, judge):
    """
    Below 110 characters the service takes none.
    """
    opinion = await judge.judge(question("la " * 36, stage="output"))

    assert azure.asked == []
    assert opinion.finds == ((),)


@pytest.mark.parametrize("size", [110, 999, 1_000, 1_001, 1_801, 2_600, 5_000])
@pytest.mark.parametrize("unit", ["x", "word ", "A sentence. "])
def test_windows_cover_all_and_keep_to_the_limits(size, unit):
    """
    Whatever the text, every character stands in a window that the service takes.
    """
    text = (unit * size)[:size]

    windows = windows_of(text)

    covered = {at for start, part in windows for at in range(start, start + len(part))}
    assert covered == set(range(size))
    assert all(110 <= len(part) <= 1_000 for _, part in windows)
    assert all(text[start : start + len(part)] == part for start, part in windows)
