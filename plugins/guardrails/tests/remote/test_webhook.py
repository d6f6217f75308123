"""
A webhook that keeps the contract, and those that break it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fakes.asking import made, question
from fakes.webhook import SECRET, FakeWebhook

from gateway.detecting import DetectorFailed, Find, Passage, Place
from gateway.settings import SecretRef
from gateway.testing import make_exchange
from gateway_guardrails.remote import WEBHOOK
from gateway_guardrails.remote.webhook import _key_of

REFERENCE = SecretRef.parse("env.WEBHOOK_SECRET")


@pytest.fixture
async def webhook():
    """
    The service.
    """
    async with FakeWebhook() as fake:
        yield fake
        assert fake.violations == []


@pytest.fixture
async def judge(webhook, tools):
    """
    A judge that signs.
    """
    url = f"{webhook.url}/judge"
    async with made(WEBHOOK, tools, endpoint=url, secret=REFERENCE) as it:
        yield it


async def test_sends_what_the_contract_says(webhook, judge):
    """
    Texts with their places, what belongs to them, and the request's id.
    """
    opinion = await judge.judge(
        question(
            "hello",
            query="hello",
            sources=["Doc."],
            system="Be.",
            exchange=make_exchange(),
        )
    )

    assert opinion.finds == ((),)
    assert opinion.units == {"calls": 1}
    assert webhook.asked == [
        {
            "version": 1,
            "stage": "input",
            "request_id": "req_test",
            "passages": [{"role": "user", "kind": "message", "text": "hello"}],
            "query": "hello",
            "sources": ["Doc."],
            "system": "Be.",
        }
    ]


async def test_every_message_has_an_id_of_its_own(webhook, judge):
    """
    So that a receiver can refuse one that is played again.
    """
    await judge.judge(question("one"))
    await judge.judge(question("one"))

    assert len(set(webhook.ids)) == 2


async def test_context_stays_here_where_told(webhook, tools):
    """
    A service that needs the texts only gets no more.
    """
    options = {"endpoint": f"{webhook.url}/judge", "sends_context": False}
    async with made(WEBHOOK, tools, secret=REFERENCE, **options) as judge:
        await judge.judge(question("hello", query="hello"))

    assert not {"query", "sources", "system"} & set(webhook.asked[0])


FINDING = {
    "passage": 1,
    "start": 2,
    "end": 4,
    "type": "CODE",
    "severity": "high",
    "score": 0.5,
}


async def test_findings_have_their_places(webhook, judge):
    """
    A place counts characters in its passage.
    """
    webhook.says_of = lambda asked: {"action": "redact", "findings": [FINDING]}

    opinion = await judge.judge(question("one", "a 42 b"))

    assert opinion.finds == ((), (Find(2, 4, "CODE", "high", 0.5),))
    assert not opinion.is_blocked


async def test_masked_texts_replace_passages(webhook, judge):
    """
    A service may send texts in place of places.
    """
    webhook.says_of = lambda asked: {"action": "redact", "masked": [None, "a [] b"]}

    opinion = await judge.judge(question("one", "a 42 b"))

    assert opinion.masked == (None, "a [] b")


async def test_a_masked_text_that_masks_nothing_is_no_redaction(webhook, judge):
    """
    What is to be redacted, and is sent back as it was, would pass unseen.
    """
    webhook.says_of = lambda asked: {"action": "redact", "masked": [None, "a 42 b"]}

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("one", "a 42 b"))


@pytest.mark.parametrize("findings", [[], [{"type": "SPAM"}], [FINDING]])
async def test_block_is_no_whatever_was_found(webhook, judge, findings):
    """
    The service says no; a find without a place is of the whole.
    """
    webhook.says_of = lambda asked: {"action": "block", "findings": findings}

    opinion = await judge.judge(question("one", "a 42 b"))

    assert opinion.is_blocked
    assert opinion.whole or opinion.finds[1]


@pytest.mark.parametrize("findings", [[], [{"type": "SPAM"}], [FINDING]])
async def test_flag_is_recorded_and_not_acted_upon(webhook, judge, findings):
    """
    What is flagged stands beside the finds that a rule acts on.
    """
    webhook.says_of = lambda asked: {"action": "flag", "findings": findings}

    opinion = await judge.judge(question("one", "a 42 b"))

    assert not opinion.is_blocked
    assert opinion.whole == ()
    assert opinion.finds == ((), ())
    assert any(opinion.flagged)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="empty"),
        pytest.param([], id="a list"),
        pytest.param({"action": "maybe"}, id="unknown action"),
        pytest.param({"action": "allow", "verdict": "block"}, id="unknown field"),
        pytest.param({"action": "redact"}, id="redact nothing"),
        pytest.param({"action": "redact", "findings": [{"type": "X"}]}, id="no place"),
        pytest.param({"action": "redact", "masked": ["a"]}, id="too few masked"),
        pytest.param({"action": "redact", "masked": [1, 2]}, id="masked no texts"),
        pytest.param({"action": "allow", "masked": ["a", "b"]}, id="masked allowed"),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "note": "x"}]},
            id="finding field",
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "passage": 2}]},
            id="no passage",
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "end": 99}]},
            id="beyond the end",
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "start": 4}]}, id="empty place"
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "start": True}]}, id="bool"
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "severity": "bad"}]},
            id="severity",
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "score": 2}]}, id="score"
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "type": "x" * 65}]}, id="type"
        ),
        pytest.param(
            {"action": "block", "findings": [{**FINDING, "type": "a 42 b"}]},
            id="no word",
        ),
        pytest.param({"action": "block", "findings": {}}, id="findings no list"),
    ],
)
async def test_an_answer_that_breaks_the_contract_is_garbage(webhook, judge, answer):
    """
    Nothing is guessed: what is not understood may have been a no.
    """
    webhook.says_of = lambda asked: answer

    with pytest.raises(DetectorFailed, match="garbage"):
        await judge.judge(question("one", "a 42 b"))


async def test_a_request_beyond_its_bound_is_not_sent(webhook, tools):
    """
    A body of any size is no service's to take.
    """
    options = {"endpoint": f"{webhook.url}/judge", "max_request_bytes": 2_000}
    async with made(WEBHOOK, tools, **options) as judge:
        with pytest.raises(DetectorFailed, match="partial_coverage"):
            await judge.judge(question("x" * 2_000))

    assert webhook.asked == []


def test_a_secret_may_be_written_as_libraries_write_it():
    """
    With whsec_ the key is what the base64 behind it says.
    """
    assert _key_of("whsec_" + "a2V5") == b"key"
    assert _key_of(SECRET) == SECRET.encode()
    with pytest.raises(DetectorFailed, match="misconfigured"):
        _key_of("whsec_" + "not base64!")


async def test_the_page_of_the_contract_shows_what_is_sent_and_read(webhook, judge):
    """
    The examples of WEBHOOK.md are a request as it is sent, and an answer as it is read.
    """
    page = (Path(__file__).parents[2] / "WEBHOOK.md").read_text()
    asked, answer = (
        json.loads(one) for one in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    )
    told = asked["passages"][0]
    passage = Passage(told["text"], Place(stage="output", role=told["role"]))
    webhook.says_of = lambda _: answer

    opinion = await judge.judge(
        question(
            passage,
            stage="output",
            query=asked["query"],
            sources=asked["sources"],
            system=asked["system"],
            exchange=make_exchange(),
        )
    )

    assert webhook.asked == [{**asked, "request_id": "req_test"}]
    assert [passage.text[f.start : f.end] for f in opinion.finds[0]] == ["030 1234567"]
