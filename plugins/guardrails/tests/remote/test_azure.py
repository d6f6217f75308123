"""
Azure's text analysis, through the real SDK.
"""

from __future__ import annotations

import pytest
from fakes.asking import made, question
from fakes.azure import analysis

from gateway.detecting import DetectorFailed, Find
from gateway.settings import SecretRef
from gateway_guardrails.remote import AZURE

KEY = SecretRef.parse("env.AZURE_KEY")


@pytest.fixture
async def judge(azure, tools):
    """
    A judge with the defaults.
    """
    async with made(AZURE, tools, endpoint=azure.url, key=KEY) as it:
        yield it


async def test_allows_what_is_below_the_threshold(azure, judge):
    """
    Severity 2 of 6 is let through by default; what was billed is told.
    """
    azure.analyzed = lambda asked: analysis(asked, Violence=2)

    opinion = await judge.judge(question("x" * 1_001))

    assert opinion.whole == ()
    assert opinion.units == {"text_records": 2}


async def test_severity_becomes_a_find(azure, judge):
    """
    What reaches the threshold is told with how bad it is.
    """
    azure.analyzed = lambda asked: analysis(asked, Violence=4, SelfHarm=6)

    opinion = await judge.judge(question("hello"))

    assert opinion.whole == (
        Find(0, 0, "self_harm", "critical", 1.0),
        Find(0, 0, "violence", "high", 4 / 6),
    )
    assert not opinion.is_blocked


async def test_a_category_has_a_threshold_of_its_own(azure, tools):
    """
    With eight levels severity is told finely.
    """
    azure.analyzed = lambda asked: analysis(asked, Hate=3, Sexual=3)
    options = {"levels": 8, "thresholds": {"Hate": 3}}
    async with made(AZURE, tools, endpoint=azure.url, key=KEY, **options) as judge:
        opinion = await judge.judge(question("hello"))

    assert [find.type for find in opinion.whole] == ["hate"]
    assert azure.asked[0]["outputType"] == "EightSeverityLevels"


async def test_a_category_that_came_later_is_a_hit(azure, judge):
    """
    What the service reports at that severity counts, whatever it is called.
    """

    def analyzed(asked):
        answer = analysis(asked)
        answer["categoriesAnalysis"].append({"category": "Novel", "severity": 6})
        return answer

    azure.analyzed = analyzed

    opinion = await judge.judge(question("hello"))

    assert [find.type for find in opinion.whole] == ["novel"]


async def test_a_blocklists_words_have_their_places(azure, tools):
    """
    Blocklists ignore case; each place is told.
    """
    azure.analyzed = lambda asked: analysis(asked, "acme")
    async with made(
        AZURE, tools, endpoint=azure.url, key=KEY, blocklists=("ours",)
    ) as judge:
        opinion = await judge.judge(question("Acme and acme, no acmeist"))

    assert [find[:3] for find in opinion.finds[0]] == [
        (0, 4, "blocklist"),
        (9, 13, "blocklist"),
    ]
    assert azure.asked[0]["blocklistNames"] == ["ours"]


async def test_a_hit_may_end_the_search(azure, tools):
    """
    With halting, categories may be missing beside a hit; else that is no pass.
    """
    halted = {
        "blocklistsMatch": [{"blocklistItemText": "acme"}],
        "categoriesAnalysis": [],
    }
    azure.analyzed = lambda asked: halted
    options = {"blocklists": ("ours",), "halt_on_blocklist_hit": True}
    async with made(AZURE, tools, endpoint=azure.url, key=KEY, **options) as judge:
        opinion = await judge.judge(question("acme"))

    assert [find.type for find in opinion.finds[0]] == ["blocklist"]


async def test_a_category_that_was_not_looked_for_is_no_pass(azure, judge):
    """
    All that was asked for must be answered.
    """
    azure.analyzed = lambda asked: {"blocklistsMatch": [], "categoriesAnalysis": []}

    with pytest.raises(DetectorFailed, match="partial_coverage"):
        await judge.judge(question("hello"))


@pytest.mark.parametrize("told", [{}, {"blocklistsMatch": None}], ids=["no", "null"])
async def test_blocklists_that_were_not_looked_at_are_no_pass(azure, tools, told):
    """
    Where no entry matches the answer has an empty list; without one nobody looked.
    """
    azure.analyzed = lambda asked: {
        "categoriesAnalysis": analysis(asked)["categoriesAnalysis"],
        **told,
    }
    options = {"endpoint": azure.url, "key": KEY}
    question_ = question("hello")

    async with made(AZURE, tools, **options, blocklists=("ours",)) as judge:
        with pytest.raises(DetectorFailed, match="partial_coverage"):
            await judge.judge(question_)
    async with made(AZURE, tools, **options) as judge:
        assert not (await judge.judge(question_)).whole


async def test_long_texts_go_in_parts(azure, judge):
    """
    A run without a gap is cut hard, and none of it is left out.
    """
    text = "x" * 25_000

    await judge.judge(question(text))

    assert len(azure.asked) == 3
    assert sum(len(one["text"]) for one in azure.asked) >= len(text)


async def test_needs_either_a_key_or_a_token(azure, tools):
    """
    A rule without a credential is a fault of the settings.
    """
    with pytest.raises(ValueError, match="either key or token"):
        AZURE.Options(endpoint=azure.url)


async def test_a_token_stands_in_for_the_key(azure, tools):
    """
    Entra's token is sent as a bearer's.
    """
    token = SecretRef.parse("env.ENTRA_TOKEN")
    async with made(AZURE, tools, endpoint=azure.url, token=token) as judge:
        opinion = await judge.judge(question("hello"))

    assert opinion.finds == ((),)


def test_sends_nothing_in_clear_unasked():
    """
    http:// to another machine needs to be allowed.
    """
    with pytest.raises(ValueError, match="allow_http"):
        AZURE.Options(endpoint="http://safety.example", key=KEY)
