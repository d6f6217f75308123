"""
The window, in every dialect: what is sent never shows more than it may.
"""

from __future__ import annotations

import json
import re
import threading

import pytest
from spoken_streams import CALLING, STREAMED, cuts_of, frames_of, seen_through

from gateway.errors import Blocked, Unavailable
from gateway.testing import make_response
from gateway_guardrails.inspecting import scanning
from gateway_guardrails.inspecting.plan import Plan
from gateway_guardrails.inspecting.scanning import look_at
from gateway_guardrails.inspecting.window import WatchingFilter, WindowFilter

TEXT = (
    'Hi "jane.doe@acme.com now", card 4111 1111 1111 1111; '
    "ask bob@x.org or jane.doe@acme.com now."
)
#: By mail and card alone; and with what overlaps the end of an address.
PLAIN = 'Hi "<EMAIL_1> now", card <CREDIT_CARD_1>; ask <EMAIL_2> or <EMAIL_1> now.'
MERGED = 'Hi "<EMAIL_1>", card <CREDIT_CARD_1>; ask <EMAIL_2> <EMAIL_1>.'
ARGUMENTS = (
    r'{"to": "a \"q\" 4111 1111\u00201111 1111",  "n": [1.50, "bob@x\u002eorg"]}'
)
EDITED = r'{"to": "a \"q\" <CREDIT_CARD_1>",  "n": [1.50, "<EMAIL_1>"]}'
#: Dialects whose reasoning is never without a signature.
ALWAYS_SIGNED = {"anthropic_messages"}
VALUES = (b"jane.doe", b"acme", b"1111 1111", b"bob@")


def plan_of(*guardrails):
    return Plan.of(guardrails, "output")


@pytest.fixture(params=STREAMED.values(), ids=str)
def dialect(request):
    return request.param


@pytest.fixture(params=CALLING.values(), ids=str)
def calling(request):
    return request.param


@pytest.fixture
def window(inspecting, kit):
    """
    Open a window for rules; for one rule of addresses and cards unless told otherwise.
    """

    def opened(*rules):
        chosen = rules or (kit.rule("mail", "card"),)
        return WindowFilter(inspecting(), plan_of(*chosen))

    return opened


def assert_grows_into(seen, want):
    for _, prefix in seen.prefixes():
        assert want.startswith(prefix)
    assert list(seen.said().values()) == [want]
    assert all(value == want for _, value in seen.repeats())
    assert not any(value in seen.raw for value in VALUES)


class TestCuts:
    async def test_every_two_way_cut(self, window, dialect):
        """
        Wherever a text is cut in two, no prefix shows a value, and all of it is the whole's.
        """
        for parts in cuts_of(TEXT):
            seen = await seen_through(window(), dialect, frames_of(dialect, parts))

            assert_grows_into(seen, PLAIN)

    @pytest.mark.parametrize("read", [1, 4, 20])
    async def test_one_character_at_a_time(self, window, dialect, read):
        """
        Characters that come one by one give the same, however they are read.
        """
        frames = frames_of(dialect, list(TEXT))

        seen = await seen_through(window(), dialect, frames, read)

        assert_grows_into(seen, PLAIN)

    async def test_two_rules_that_overlap(self, window, kit, dialect):
        """
        Finds of two rules that overlap become one, at every cut.
        """
        rules = kit.rule("mail", "card"), kit.rule("tail", name="tails")
        for parts in cuts_of(TEXT):
            frames = frames_of(dialect, parts)

            seen = await seen_through(window(*rules), dialect, frames)

            assert_grows_into(seen, MERGED)

    async def test_clean_streams_are_byte_identical(self, window, dialect):
        """
        What needs no edit leaves as the very bytes that came.
        """
        frames = frames_of(dialect, ["Hello ", "wörld, ", "at 411 ", "here"])

        seen = await seen_through(window(), dialect, frames)

        assert seen.frames == frames


class TestPlaces:
    async def test_arguments_at_every_cut(self, window, calling):
        """
        Strings in arguments are edited wherever their source is cut, escapes included.
        """
        for at in range(1, len(ARGUMENTS)):
            calls = [[ARGUMENTS[:at], ARGUMENTS[at:]]]
            frames = frames_of(calling, ["ok"], calls)

            seen = await seen_through(window(), calling, frames)

            assert seen.of_kind("tool_arguments") == [EDITED]
            assert json.loads(EDITED)["n"][1] == "<EMAIL_1>"
            assert b"1111 1111" not in seen.raw

    async def test_numbers_in_arguments(self, window, calling):
        """
        A card's number that is written as a number is taken out as well.
        """
        for at in range(1, 30):
            source = '{"card": 4111111111111111, "n": 1.50}'
            frames = frames_of(calling, ["ok"], [[source[:at], source[at:]]])

            seen = await seen_through(window(), calling, frames)

            edited = '{"card": "<CREDIT_CARD_1>", "n": 1.50}'
            assert seen.of_kind("tool_arguments") == [edited]
            assert b"4111111111111111" not in seen.raw

    @pytest.mark.parametrize("name", sorted({*CALLING} - ALWAYS_SIGNED))
    async def test_reasoning(self, window, name):
        """
        Reasoning that nobody signed is edited like an answer.
        """
        frames = frames_of(CALLING[name], ["ok"], reasoning=["ask bob@", "x.org!"])

        seen = await seen_through(window(), CALLING[name], frames)

        assert b"bob@" not in seen.raw
        assert b"<EMAIL_1>" in seen.raw

    async def test_errors_in_whole_answers(self, window):
        """
        A provider's error is text as well.
        """
        error = {"message": "no mail to bob@x.org", "type": "invalid_request_error"}
        response = make_response({"error": error}, status=400)

        await window().feed_response(response)

        assert response.doc["error"]["message"] == "no mail to <EMAIL_1>"

    async def test_long_answers_are_looked_at_elsewhere(
        self, inspecting, scanner, kit, monkeypatch
    ):
        """
        A long whole answer is edited as a short one is, without keeping the loop.
        """
        threads = []

        def noting(*args):
            threads.append(threading.get_ident())
            return look_at(*args)

        monkeypatch.setattr(scanning, "look_at", noting)
        text = "words " * 40_000 + TEXT
        said = {"role": "assistant", "content": text}
        response = make_response({"choices": [{"index": 0, "message": said}]})
        plan = plan_of(kit.rule("mail", "card"))

        await WindowFilter(inspecting(), plan, 1, scanner).feed_response(response)

        assert len(threads) == 1
        assert threads[0] != threading.get_ident()
        assert response.texts()[0].value == "words " * 40_000 + PLAIN


class TestActions:
    async def test_blocks(self, window, kit, dialect):
        """
        What is to be blocked cuts the stream before any of it left; the value is not told.
        """
        frames = frames_of(dialect, ["ask bob", "@x.org", " today"])

        with pytest.raises(Blocked) as caught:
            await seen_through(
                window(kit.rule("mail", action="block")), dialect, frames
            )

        assert str(caught.value) == (
            'Guardrail "pii" blocked this answer: EMAIL. Request req_test.'
        )

    async def test_a_block_is_stricter_than_a_redaction(self, window, kit, dialect):
        """
        Of two guardrails that find the same the one that blocks wins.
        """
        rules = kit.rule("mail"), kit.rule("mail", name="no-mail", action="block")
        frames = frames_of(dialect, ["ask bob@x.org!"])

        with pytest.raises(Blocked, match="no-mail"):
            await seen_through(window(*rules), dialect, frames)

    @pytest.mark.parametrize("quiet", [{"action": "flag"}, {"is_shadow": True}])
    async def test_flags_change_nothing(self, inspecting, kit, dialect, quiet):
        """
        What only flags, or only would act, lets the bytes pass at once, and is recorded.
        """
        inspection = inspecting()
        made = WatchingFilter(inspection, plan_of(kit.rule("mail", **quiet)))
        frames = frames_of(dialect, ["ask bob", "@x.o", "rg now ", "and ann@y.com!"])

        seen = await seen_through(made, dialect, frames)

        assert seen.frames == frames
        assert [one.span for one in inspection.notes.findings] == [(4, 13), (22, 31)]

    async def test_each_find_is_recorded_once(self, inspecting, kit, dialect):
        """
        What is shown to detectors again and again is told of once, at its place.
        """
        inspection = inspecting()
        made = WindowFilter(inspection, plan_of(kit.rule("mail", "card")))

        await seen_through(made, dialect, frames_of(dialect, list(TEXT)))

        spans = [finding.span for finding in inspection.notes.findings]
        found = [*kit.MAIL.finditer(TEXT), *kit.CARD.finditer(TEXT)]
        assert sorted(spans) == sorted(match.span() for match in found)

    async def test_severity_and_score(self, window, kit, dialect):
        """
        What is below a guardrail's severity is no find for it.
        """
        frames = frames_of(dialect, ["ask bob@x.org!"])

        made = window(kit.rule("mail", least_severity="critical"))

        assert (await seen_through(made, dialect, frames)).frames == frames


class TestFailures:
    async def test_closed(self, window, kit, dialect):
        """
        A detector that fails ends the answer; its text is told nobody.
        """
        frames = frames_of(dialect, ["ask bob@x.org!"])

        with pytest.raises(Unavailable) as caught:
            await seen_through(window(kit.rule("failing")), dialect, frames)

        assert "bob" not in str(caught.value)
        assert caught.value.code == "guardrail_unavailable"

    async def test_open(self, inspecting, kit, dialect):
        """
        A guardrail that fails open is passed over, told on the trail; the others look on.
        """
        inspection = inspecting()
        rules = kit.rule("mail"), kit.rule("failing", name="weak", on_failure="open")
        made = WindowFilter(inspection, plan_of(*rules))

        seen = await seen_through(made, dialect, frames_of(dialect, ["ask bob@x.org!"]))

        assert_grows_into(seen, "ask <EMAIL_1>!")
        lines = inspection.exchange.trail.lines
        assert [(line.outcome, line.reason) for line in lines] == [
            ("failed_open", "weak: failing: failed")
        ]


def test_values_are_what_is_looked_for(kit):
    """
    The texts of these tests hold what the detectors find.
    """
    assert len(re.findall(kit.MAIL, TEXT)) == 3
    assert len(re.findall(kit.CARD, TEXT)) == 1
