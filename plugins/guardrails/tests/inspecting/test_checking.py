"""
What other people's detectors say is not believed blindly, and never breaks an exchange.
"""

from __future__ import annotations

import asyncio
import math

import attrs
import pytest
from structlog.testing import capture_logs

from gateway import Detector, Phase, Plugin, hookimpl
from gateway.detecting import DetectorFailed, Find, Opinion, Passage, Place, Question
from gateway.testing import Script
from gateway_guardrails.inspecting.checking import check_opinion, found_by

PLACE = Place(stage="input")
TEXT = "some text"

#: What no find may be.
GARBAGE = {
    "severity": Find(0, 1, "X", "catastrophic"),
    "unhashable severity": Find(0, 1, "X", ["low"]),
    "backwards": Find(2, 1, "X"),
    "empty": Find(1, 1, "X"),
    "negative": Find(-2, 1, "X"),
    "beyond": Find(0, 1 << 20, "X"),
    "half": Find(0, 1.5, "X"),
    "lines": Find(0, 1, "line\n" * 100),
    "long": Find(0, 1, "x" * 129),
    "nameless": Find(0, 1, ""),
    "typeless": Find(0, 1, None),
    "not a number": Find(0, 1, "X", "low", math.nan),
    "too sure": Find(0, 1, "X", "low", 1.5),
    "score in words": Find(0, 1, "X", "low", "high"),
    "no find": (0, 1, "X"),
    "nothing": None,
}
each_garbage = pytest.mark.parametrize("find", GARBAGE.values(), ids=GARBAGE)


def question():
    return Question(stage="input", passages=(Passage(TEXT, PLACE),))


def saying(finds, safe=9):
    return lambda text, start, *, final, place: (finds, safe)


class TestLooking:
    def test_what_may_be(self):
        """
        Finds anywhere in what is looked at, and an end of what is decided.
        """
        finds = [Find(5, 9, "X", "critical", 0), Find(0, 9, "x" * 128, "low", 1.0)]

        said = found_by(saying(finds), TEXT, 0, final=True, place=PLACE)
        partly = found_by(saying(None, 4), TEXT, 0, final=False, place=PLACE)

        assert said == (finds, 9)
        assert partly == (None, 4)

    @each_garbage
    def test_what_may_not(self, find):
        """
        Among finds that may be, too; what is told of it holds nothing of it.
        """
        look = saying([Find(0, 1, "X"), find])

        with pytest.raises(DetectorFailed) as told:
            found_by(look, TEXT, 0, final=True, place=PLACE)

        assert told.value.reason == "garbage"
        assert str(told.value).isprintable()

    @pytest.mark.parametrize(
        ("finds", "start", "safe", "final", "reason"),
        [
            ([Find(0, 3, "X")], 1, 9, False, "garbage"),
            ((find for find in [Find(0, 3, "X")]), 0, 9, False, "garbage"),
            ((), 0, None, False, "garbage"),
            ((), 0, 3.0, False, "garbage"),
            ((), 0, -1, False, "garbage"),
            ((), 0, 10, True, "garbage"),
            ((), 0, 0, True, "partial_coverage"),
            ([Find(0, 3, "X")], 0, 8, True, "partial_coverage"),
        ],
    )
    def test_nor_where_it_stands(self, finds, start, safe, final, reason):
        """
        Left of what is looked at, or decided in part where nothing follows.
        """
        with pytest.raises(DetectorFailed) as told:
            found_by(saying(finds, safe), TEXT, start, final=final, place=PLACE)

        assert told.value.reason == reason


class TestOpinions:
    def test_what_may_be(self):
        """
        Finds without a place where that is allowed.
        """
        unplaced = Find(0, 0, "X")
        opinion = Opinion(
            finds=[[Find(0, 9, "X")]], flagged=[[unplaced]], whole=[unplaced]
        )

        check_opinion(opinion, question())
        check_opinion(Opinion(masked=[None]), question())

    @each_garbage
    @pytest.mark.parametrize("where", ["finds", "flagged", "whole"])
    def test_what_may_not(self, find, where):
        """
        Wherever the opinion has it.
        """
        said = [find] if where == "whole" else [[find]]

        with pytest.raises(DetectorFailed, match="garbage"):
            check_opinion(Opinion(**{where: said}), question())

    @pytest.mark.parametrize(
        "opinion",
        [
            None,
            {"is_blocked": False},
            Opinion(finds=[[], []]),
            Opinion(finds=[(find for find in [Find(0, 3, "X")])]),
            Opinion(whole=[Find(0, 3, "X")]),
            Opinion(masked=[b"x"]),
            Opinion(cost_nano=None),
            Opinion(units=["x"]),
        ],
    )
    def test_nor_be_on_something_else(self, opinion):
        """
        Other passages, no opinion, a mask that is no text.
        """
        with pytest.raises(DetectorFailed, match="garbage"):
            check_opinion(opinion, question())


@attrs.frozen(kw_only=True)
class SaysOptions:
    """
    Which garbage is said; ``undecided`` and ``cancelled`` are none of those above.
    """

    says: str


@attrs.frozen(eq=False)
class Says:
    """
    Says garbage, looking and asked.
    """

    options: SaysOptions
    context: int = 0

    def find(self, text, start, *, final, place):
        if self.options.says == "undecided":
            return (), start
        return [GARBAGE[self.options.says]], len(text)

    async def judge(self, question):
        if self.options.says == "cancelled":
            raise asyncio.CancelledError
        return Opinion(finds=[[GARBAGE[self.options.says]] for _ in question.passages])

    async def close(self):
        """
        Nothing to close.
        """


class Strangers(Plugin):
    """
    Brings both kinds.
    """

    phase = Phase.OBSERVE

    @hookimpl
    def register_detectors(self):
        def made(options, tools):
            return Says(options)

        return (
            Detector(name="looks", Options=SaysOptions, make=made),
            Detector(name="asked", Options=SaysOptions, make=made, is_local=False),
        )


#: How a rule goes on where its detector fails, and what the caller gets.
WAYS = {
    "closed": ({"action": "block"}, 503),
    "redacting": ({"action": "redact"}, 503),
    "open": ({"action": "block", "on_failure": "open"}, 200),
    "shadow": ({"action": "block", "shadow": True}, 200),
    "flag": ({"action": "flag"}, 200),
}


class TestExchanges:
    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("stage", ["input", "output"])
    @pytest.mark.parametrize(("told", "status"), WAYS.values(), ids=WAYS)
    @pytest.mark.parametrize(
        ("word", "says", "reason"),
        [
            ("looks", "severity", "garbage"),
            ("looks", "backwards", "garbage"),
            ("looks", "lines", "garbage"),
            ("looks", "undecided", "partial_coverage"),
            ("asked", "severity", "garbage"),
            ("asked", "not a number", "garbage"),
            ("asked", "cancelled", "failed"),
        ],
    )
    async def test_it_fails_as_its_rule_says(
        self, gate, fake, word, says, reason, told, status, stage, stream
    ):
        """
        Whatever is said, the rule's own words decide; the log names the rule and the detector.
        """
        detector = {"type": word, "says": says}
        rules = {"theirs": {"detectors": [detector], "stages": [stage], **told}}
        fake.enqueue(Script(text="good day"))
        document = {
            "model": "openai/m",
            "stream": stream,
            "messages": [{"role": "user", "content": "hello"}],
        }
        with capture_logs() as logs:
            async with gate(rules, plugins=[Strangers]) as gated:
                answer = await gated.client.post("/v1/chat/completions", document)

        failed = [line for line in logs if line["event"] == "guardrail failed"]
        if not (stream and stage == "output"):  # which may have begun before it is cut
            assert answer.status == status
        assert (b"guardrail_unavailable" in answer.body) == (status == 503)
        assert b"[DONE]" in answer.body or not stream or status == 503
        assert b"line" not in answer.body
        assert failed
        for line in failed:
            assert (line["guardrail"], line["detector"]) == ("theirs", word)
            assert line["reason"] == reason


async def test_a_text_is_tried_all_the_same(gate):
    """
    Trying a text tells of the detector that fails, beside what the others found.
    """
    rules = {
        "theirs": {
            "detectors": [{"type": "looks", "says": "severity"}, "failing", "mail"],
            "action": "flag",
        }
    }
    async with gate(rules, plugins=[Strangers]) as gated:
        path = "/api/guardrails/test"
        looked = await gated.client.post(path, {"text": "ask bob@x.org"})

    assert looked.json["failures"] == [
        {
            "guardrail": "theirs",
            "detector": "looks",
            "why": "garbage: a severity that there is not",
        },
        {
            "guardrail": "theirs",
            "detector": "failing",
            "why": "failed: RuntimeError",
        },
    ]
    assert [found["type"] for found in looked.json["findings"]] == ["EMAIL"]
