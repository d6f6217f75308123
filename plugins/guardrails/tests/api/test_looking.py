from __future__ import annotations

import pytest


async def test_detectors_are_listed_with_their_options(guarded):
    """
    What a rule may name, and what it may say beside.
    """
    told = await guarded.get("/detectors")

    by_name = {each["name"]: each for each in told["detectors"]}
    word = by_name["word"]
    assert word["summary"] == "One word."
    assert word["options"]["properties"]["word"] == {
        "type": "string",
        "description": "The word.",
        "default": "canary",
    }
    assert by_name["grounding"]["stages"] == ["output"]
    assert by_name["oracle"]["options"]["required"] == ["says"]


class TestLookingAtAText:
    async def test_rules_in_force_look(self, guarded):
        """
        It is told where something is and what sort, never what.
        """
        told = await guarded.post("/test", {"text": "my canary sings"})

        (found,) = told["findings"]
        assert found["guardrail"] == "canaries"
        assert found["span"] == [3, 9]
        assert found["type"] == "CANARY"
        assert "canary" not in str(told)

    async def test_detectors_can_be_tried_without_a_rule(self, guarded):
        """
        With options of their own; what was made for it is let go.
        """
        asked = [{"type": "word", "word": "sings"}, {"type": "oracle", "says": "no"}]

        told = await guarded.post("/test", {"text": "a bird sings", "detectors": asked})

        assert [each["type"] for each in told["findings"]] == ["CANARY", "OFF_TOPIC"]
        assert told["blocked_by"] == ["(test)"]
        assert guarded.detectors.oracles[-1].is_closed

    @pytest.mark.parametrize(
        ("says", "found"),
        [
            ("flag", ("HINT", [0, 3], True, True)),
            ("mask", ("masked", [0, 3], True, False)),
        ],
    )
    async def test_what_is_only_flagged_or_masked_is_told(self, guarded, says, found):
        """
        A service that lets pass what it found, or masks it without places, found it all the same.
        """
        asked = [{"type": "oracle", "says": says}]

        told = await guarded.post("/test", {"text": "one two", "detectors": asked})

        (one,) = told["findings"]
        assert (one["type"], one["span"], one["counts"], one["flagged"]) == found

    @pytest.mark.parametrize(
        ("says", "why"),
        [("fail", "unreachable: nobody is there"), ("break", "failed: ValueError")],
    )
    async def test_who_cannot_look_is_told(self, guarded, says, why):
        """
        A failure is no clean text; of one that nobody foresaw the kind is told, not the words.
        """
        asked = [{"type": "oracle", "says": says}]

        told = await guarded.post("/test", {"text": "x", "detectors": asked})

        (failure,) = told["failures"]
        assert failure["why"] == why

    async def test_nothing_is_kept(self, guarded):
        """
        Neither the text nor what was found in it.
        """
        await guarded.post("/test", {"text": "canary"})

        assert (await guarded.get("/findings"))["findings"] == []

    async def test_what_is_malformed_is_refused(self, guarded):
        """
        By name.
        """
        for body, words in (
            ({}, "text: required"),
            ({"text": "x", "stage": "middle"}, "stage: must be"),
            ({"text": "x", "detectors": ["nobody"]}, "no detector is called nobody"),
            ({"text": "x", "guards": []}, "guards: unknown"),
        ):
            told = await guarded.post("/test", body, status=400)

            assert words in told["error"]["message"]

    async def test_only_named_rules_look(self, guarded):
        """
        And one that there is not is 404.
        """
        await guarded.create("mine", detectors=[{"type": "word", "word": "sings"}])

        told = await guarded.post(
            "/test", {"text": "canary sings", "guardrails": ["mine"]}
        )
        await guarded.post("/test", {"text": "x", "guardrails": ["nobody"]}, status=404)

        assert [each["guardrail"] for each in told["findings"]] == ["mine"]


async def test_coverage_is_told_for_every_endpoint(guarded):
    """
    Each dialect's operations, both directions, streams where there are any.
    """
    told = await guarded.get("/coverage")

    cells = {
        (each["endpoint"], each["direction"], each["stream"]): each["state"]
        for each in told["coverage"]
    }
    assert cells["openai_chat/generate", "output", True] == "enforced"
    assert cells["openai_embeddings/embed", "output", False] == "nothing"
    assert ("openai_embeddings/embed", "output", True) not in cells
    assert told["unseen"]
