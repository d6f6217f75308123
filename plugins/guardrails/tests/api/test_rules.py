from __future__ import annotations

import pytest

from gateway.events import AdminActed
from gateway_guardrails.events import GuardrailChanged


class TestReading:
    async def test_rules_of_the_file_and_stored_ones_are_listed(self, guarded):
        """
        Declared ones come first, and say that they are the file's.
        """
        await guarded.create("mine")

        told = await guarded.get("/rules")

        assert [(each["name"], each["source"]) for each in told["rules"]] == [
            ("canaries", "settings"),
            ("mine", "api"),
        ]

    async def test_one_is_shown_in_the_words_of_the_file(self, guarded):
        """
        What has its default is left out.
        """
        await guarded.create(
            "mine",
            detectors=[{"type": "word", "word": "x"}],
            applies_to={"teams": ["a"]},
        )

        told = await guarded.get("/rules/mine")

        assert told["rule"] == {
            "detectors": [{"type": "word", "word": "x"}],
            "action": "flag",
            "applies_to": {"teams": ["a"]},
        }
        assert told["revision"] == 1

    async def test_who_is_not_there_is_404(self, guarded):
        """
        The code says so to programs.
        """
        told = await guarded.get("/rules/nobody", status=404)

        assert told["error"]["code"] == "guardrail_not_found"

    async def test_what_looks_like_a_credential_is_not_shown(self, guarded):
        """
        Somebody pasted one in place of a reference; sent back hidden, it replaces nothing.
        """
        pasted = "sk" + "-" + "a1B2" * 6
        await guarded.create("mine", detectors=[{"type": "word", "word": pasted}])

        told = await guarded.get("/rules/mine")
        again = await guarded.ask(
            "PUT", "/rules/mine", {"rule": told["rule"]}, status=400
        )

        assert told["rule"]["detectors"][0]["word"] == "(hidden)"
        assert "(hidden) stands where" in again["error"]["message"]


class TestRefusing:
    @pytest.mark.parametrize(
        ("detector", "path", "told"),
        [
            (
                {
                    "type": "azure_shield",
                    "endpoint": "https://a.example",
                    "key": "env.NOPE",
                },
                "key",
                "secret env.NOPE: not set in the environment",
            ),
            (
                {"type": "model", "model": "nobody/has-it", "prompt": "Find it."},
                "model",
                'No model "nobody/has-it" here.',
            ),
        ],
        ids=["secret", "model"],
    )
    async def test_what_could_judge_nothing_is_refused(
        self, guarded, detector, path, told
    ):
        """
        Else every caller would be: but while it is off, it is kept.
        """
        rule = {"detectors": [detector], "action": "block"}

        answer = await guarded.create("mine", **rule, status=400)
        await guarded.create("mine", **rule, enabled=False)

        assert answer["error"]["code"] == "guardrail_invalid"
        assert answer["error"]["problems"] == [
            {"path": f"rules.mine.detectors[0].{path}", "message": told}
        ]


class TestChanging:
    async def test_a_new_rule_is_in_force_at_once(self, guarded):
        """
        The worker that was asked goes by it with its answer.
        """
        before = guarded.warden.snapshot.version

        await guarded.create("mine", action="block")

        snapshot = guarded.warden.snapshot
        assert snapshot.find("mine").action == "block"
        assert snapshot.version != before

    async def test_a_rule_can_be_replaced_and_removed(self, guarded):
        """
        A body says the whole rule; nothing of the one before stays.
        """
        await guarded.create("mine", severity="high")

        rule = {"detectors": ["word"], "action": "block"}
        await guarded.ask("PUT", "/rules/mine", {"rule": rule})
        replaced = guarded.warden.snapshot.find("mine")
        await guarded.ask("DELETE", "/rules/mine")

        assert (replaced.action, replaced.least_severity) == ("block", "low")
        assert guarded.warden.snapshot.find("mine") is None

    async def test_a_disabled_rule_is_kept_and_does_not_count(self, guarded):
        """
        It is listed all the same.
        """
        await guarded.create("mine", enabled=False)

        assert guarded.warden.snapshot.find("mine") is None
        assert (await guarded.get("/rules/mine"))["rule"]["enabled"] is False

    async def test_a_change_over_another_one_is_refused(self, guarded):
        """
        Who says what is replaced overwrites nobody's work.
        """
        await guarded.create("mine")
        rule = {"detectors": ["word"], "action": "block"}
        await guarded.ask("PUT", "/rules/mine", {"rule": rule, "revision": 1})

        told = await guarded.ask(
            "PUT", "/rules/mine", {"rule": rule, "revision": 1}, status=409
        )

        assert told["error"]["code"] == "changed"

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    async def test_the_files_rules_are_read_only(self, guarded, method):
        """
        The answer says where they are changed.
        """
        rule = {"detectors": ["word"], "action": "flag"}

        told = await guarded.ask(method, "/rules/canaries", {"rule": rule}, status=409)

        assert told["error"]["code"] == "declared"
        assert "plugins.guardrails.rules.canaries" in told["error"]["message"]

    @pytest.mark.parametrize("name", ["canaries", "mine"])
    async def test_a_name_is_taken_once(self, guarded, name):
        """
        By a rule of the file, or a stored one.
        """
        if name == "mine":
            await guarded.create(name)

        told = await guarded.create(name, status=409)

        assert told["error"]["code"] == "name_taken"

    @pytest.mark.parametrize(
        ("rule", "path", "words"),
        [
            ({"action": "stop"}, "rules.mine.action", "one of block redact flag"),
            ({"actoin": "flag"}, "rules.mine.actoin", "did you mean action?"),
            ({"detectors": []}, "rules.mine.detectors", "must not be empty"),
            (
                {"detectors": ["wordy"]},
                "rules.mine.detectors[0]",
                "no detector is called wordy; there are azure azure_grounding",
            ),
            (
                {"detectors": [{"type": "word", "wrd": "x"}]},
                "rules.mine.detectors[0].wrd",
                "did you mean word?",
            ),
            ({"when": "1 +"}, "rules.mine.when", "Syntax error"),
            (
                {"applies_to": {"providers": ["opnai"]}},
                "rules.mine.applies_to.providers[0]",
                "no provider is called opnai; there are openai",
            ),
            (
                {"action": "block", "sample": 0.5},
                "rules.mine.sample",
                "a sample enforces nothing",
            ),
        ],
    )
    async def test_what_is_wrong_is_told_with_its_place(
        self, guarded, rule, path, words
    ):
        """
        As the settings file's faults are, and nothing is stored.
        """
        told = await guarded.create("mine", status=400, **rule)

        (problem,) = told["error"]["problems"]
        assert problem["path"] == path
        assert words in problem["message"]
        assert len((await guarded.get("/rules"))["rules"]) == 1

    async def test_every_change_is_told(self, guarded):
        """
        To plugins as an event, and to the audit with hashes of both states.
        """
        await guarded.create("mine")
        await guarded.ask("DELETE", "/rules/mine")

        events = guarded.detectors.events
        changes = [each for each in events if isinstance(each, GuardrailChanged)]
        acted = [each for each in events if isinstance(each, AdminActed)]
        assert [(each.name, each.action) for each in changes] == [
            ("mine", "created"),
            ("mine", "removed"),
        ]
        assert [each.target for each in acted] == ["guardrails.rule/mine"] * 2
        assert acted[0].digests == ("", acted[1].digests[0])
