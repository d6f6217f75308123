from __future__ import annotations

import pytest

from gateway import Phase, Plugin


async def test_a_gateway_tells_what_is_checked_where(cli):
    """
    One line for each rule and endpoint.
    """
    told = await cli.run("coverage")

    lines = [line.split() for line in told.splitlines()]
    assert lines[0] == ["rule", "endpoint", "input", "output", "stream"]
    assert [
        "canaries",
        "openai_chat/generate",
        "enforced",
        "enforced",
        "enforced",
    ] in lines
    assert ["canaries", "openai_embeddings/embed", "enforced", "nothing", "-"] in lines
    assert lines[-1][:2] == ["never", "seen:"]


async def test_a_file_tells_it_without_a_gateway(here, file):
    """
    The same cells, computed here; each with why where that is asked.
    """
    cells = (await here.json("coverage", "-c", str(file)))["coverage"]
    told = await here.run("coverage", "-c", str(file), "--why", "--rule", "songs")

    assert {cell["guardrail"] for cell in cells} == {"birds", "songs"}
    assert "signed reasoning cannot be edited: block (sealed)" in told
    assert "birds" not in told


async def test_what_cannot_be_enforced_fails_a_check(here, file):
    """
    For a pipeline that will not let a rule be only half there.
    """
    blind = "{type: grounding, says: 'no'}"
    rule = f"[{blind}], stages: [input, output], action: block"
    file.write_text(file.read_text() + f"      blind: {{detectors: {rule}}}\n")

    await here.run("coverage", "-c", str(file), "--check", "--rule", "birds")
    told = await here.run(
        "coverage", "-c", str(file), "--check", "--rule", "blind", "--why", code=1
    )

    assert "grounding does not look at input" in told


class KnowsNobody(Plugin):
    """
    Knows that there are no callers.
    """

    phase = Phase.IDENTIFY

    def find_caller(self, kind, name):
        return ""


class TestNobody:
    @pytest.fixture
    async def guarded(self, guards):
        rule = {"detectors": ["word"], "action": "block"}
        typo = {**rule, "applies_to": {"teams": ["paymnets"]}}
        partly = {**rule, "applies_to": {"teams": ["paymnets"], "models": ["gpt-*"]}}
        rules = {"all": rule, "typo": typo, "partly": partly}
        async with guards({"rules": rules}, plugins=[KnowsNobody]) as found:
            yield found

    @pytest.mark.parametrize(
        ("rule", "code", "state"),
        [("all", 0, "enforced"), ("typo", 1, "nobody"), ("partly", 1, "enforced")],
    )
    async def test_names_that_nobody_bears_fail_a_check(self, cli, rule, code, state):
        """
        All of them, or one of several; why tells which.
        """
        words = ("coverage", "--check", "--rule", rule)
        told = await cli.run(*words, code=code)
        why = await cli.run(*words, "--why", code=code)

        assert f" {state} " in told
        assert ("attached to nobody" in why) == (state == "nobody")
        assert ("no team is called paymnets" in why) == (code == 1)
