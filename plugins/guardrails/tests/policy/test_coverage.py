from __future__ import annotations

import pytest

from gateway.detecting import Detector
from gateway.dialects import core_dialects
from gateway.testing import make_exchange
from gateway_guardrails.policy.attachment import Attachment
from gateway_guardrails.policy.coverage import coverage, why_not_enforced
from gateway_guardrails.policy.guardrail import Guardrail, NamedDetector, NamedJudge
from gateway_guardrails.policy.making import Unmade

OUTPUT = frozenset({"output"})
KNOWN = Attachment()


def local(**told):
    return Guardrail(name="g", texts=(NamedDetector(name="d", detector=None),), **told)


def judged(judge=None, **told):
    kind = Detector(name="j", Options=object, make=None, is_local=False, stages=OUTPUT)
    named = NamedJudge(name="j", judge=judge, kind=kind, stages=OUTPUT)
    return Guardrail(name="g", judges=(named,), **told)


def covers_of(guardrail, *, embeddings="redact", attached=KNOWN):
    return coverage(
        [guardrail],
        core_dialects(),
        embeddings=embeddings,
        attachment=lambda scope: attached,
    )


def cell(guardrail, endpoint, direction, *, stream=False, **told):
    covers = covers_of(guardrail, **told)
    (found,) = [
        cover
        for cover in covers
        if (cover.endpoint, cover.direction, cover.is_stream)
        == (endpoint, direction, stream)
    ]
    return found


class TestCells:
    def test_every_endpoint_has_its_cells(self):
        """
        Input, output, and streamed output where the dialect streams.
        """
        covers = covers_of(local())

        streamed = {cover.endpoint for cover in covers if cover.is_stream}
        assert streamed == {
            "openai_chat/generate",
            "openai_responses/generate",
            "anthropic_messages/generate",
            "openai_completions/complete",
        }
        assert len(covers) == 6 * 2 + 4

    @pytest.mark.parametrize(
        ("guardrail", "direction", "stream", "state", "why"),
        [
            (local(), "input", False, "enforced", ""),
            (local(), "output", True, "enforced", ""),
            (local(action="flag"), "input", False, "flagged", "action: flag"),
            (local(is_shadow=True), "input", False, "flagged", "shadow: true"),
            (local(streaming="async"), "output", True, "flagged", "cuts"),
            (local(streaming="async"), "output", False, "enforced", ""),
            (local(stages=OUTPUT), "input", False, "off", "stages: output"),
            (judged(), "input", False, "cannot", "j does not look at input"),
            (judged(), "output", True, "enforced", ""),
            (judged(Unmade("gone")), "output", False, "cannot", "cannot be made"),
        ],
    )
    def test_say_what_is_done_there(self, guardrail, direction, stream, state, why):
        """
        And where it is less than enforcing, why.
        """
        found = cell(guardrail, "openai_chat/generate", direction, stream=stream)

        assert found.state == state
        assert why in found.why

    def test_whoever_is_attached_to_nobody_enforces_nothing(self):
        """
        Nor flags; where one of several names is nobody's, the others are protected.
        """
        strangers = ("no team is called paymnets",)
        nobodys = Attachment(strangers=strangers, is_nobody=True)
        partly = Attachment(strangers=strangers)

        for guardrail in (local(), local(action="flag"), judged(Unmade("gone"))):
            found = cell(guardrail, "openai_chat/generate", "input", attached=nobodys)
            assert (found.state, found.why) == ("nobody", "attached to nobody")
            assert found.strangers == strangers
        found = cell(local(), "openai_chat/generate", "input", attached=partly)
        off = local(stages=OUTPUT)
        assert (found.state, found.strangers) == ("enforced", strangers)
        assert (
            cell(off, "openai_chat/generate", "input", attached=nobodys).state == "off"
        )

    def test_answers_without_words_need_no_check(self):
        """
        Vectors and counts.
        """
        assert cell(local(), "openai_embeddings/embed", "output").state == "nothing"
        assert (
            cell(local(), "anthropic_messages/count_tokens", "output").state
            == "nothing"
        )

    def test_what_cannot_be_read_or_edited_is_noted(self):
        """
        Token numbers, signed reasoning, a failure that lets pass.
        """
        redacting = local(action="redact", on_failure="open", sealed="drop")
        telling = local(action="flag", is_mandatory=True)

        embedded = cell(redacting, "openai_embeddings/embed", "input").notes
        told = cell(telling, "openai_embeddings/embed", "input").notes
        spoken = cell(redacting, "anthropic_messages/generate", "output").notes

        assert "input as token numbers cannot be read: refused" in embedded
        assert "input as token numbers cannot be read: refused" in told
        assert "finds: redact (embeddings)" in embedded
        assert "signed reasoning cannot be edited: drop (sealed)" in spoken
        assert "a detector that fails lets pass (on_failure: open)" in spoken


class TestWhyNotEnforced:
    def test_what_can_be_checked_has_no_reason(self):
        """
        Nothing stands in the way of an ordinary request.
        """
        assert why_not_enforced(local(), make_exchange()) is None

    def test_a_detector_that_is_gone_enforces_nothing(self):
        """
        Nor one that does not look where the rule wants it to.
        """
        exchange = make_exchange()

        gone = judged(Unmade("gone"), stages=OUTPUT)
        blind = judged()

        assert why_not_enforced(gone, exchange) == "j cannot be made"
        assert why_not_enforced(blind, exchange) == "j does not look at input"
