from __future__ import annotations

import pytest

from gateway.errors import ConfigError, GatewayError
from gateway.settings import load_settings, settings_from_dict
from gateway.testing import GatewayClient
from gateway_guardrails import GuardrailsSettings
from gateway_guardrails.policy.rules import resolved

RULE = {"detectors": ["word"], "action": "block"}


def read(**table):
    settings = settings_from_dict({"plugins": {"guardrails": table}})
    return settings.plugin("guardrails", GuardrailsSettings)


class TestReading:
    def test_a_rule_reads_as_the_example_does(self):
        """
        Detectors are words or tables; what is left out is left to defaults.
        """
        settings = read(
            rules={
                "customer-data": {
                    "detectors": ["pii", {"type": "bedrock", "id": "abc"}],
                    "stages": ["input", "output"],
                    "action": "redact",
                    "restore": True,
                }
            }
        )

        rule = settings.rules["customer-data"]
        assert [each.plain() for each in rule.detectors] == [
            "pii",
            {"type": "bedrock", "id": "abc"},
        ]
        assert (rule.action, rule.restore, rule.on_failure) == ("redact", True, None)

    def test_what_says_the_same_is_equal(self):
        """
        So that a reload that changes nothing keeps what runs.
        """
        one = {**RULE, "detectors": [{"type": "word", "word": "x"}]}

        assert read(rules={"a": one}) == read(rules={"a": dict(one)})
        assert read(rules={"a": one}) != read(rules={"a": RULE})

    def test_the_action_may_come_from_the_defaults(self):
        """
        One place for what all rules do.
        """
        settings = read(
            rules={"a": {"detectors": ["word"]}}, defaults={"action": "flag"}
        )

        assert settings.rules["a"].action is None


class TestWhatDoesNotFitTogether:
    @pytest.mark.parametrize(
        ("rule", "key", "words"),
        [
            ({"detectors": ["word"]}, "action", "required"),
            ({"stages": []}, "stages", "must not be empty"),
            ({"action": "redact", "streaming": "async"}, "streaming", "before it was"),
            ({"style": "mask"}, "style", "action: block"),
            ({"restore": True}, "restore", "action is block"),
            (
                {"action": "redact", "restore": True, "style": "mask"},
                "restore",
                "does not tell",
            ),
            (
                {"action": "redact", "restore": True, "stages": ["output"]},
                "restore",
                "add input to stages",
            ),
            ({"sample": 0.5}, "sample", "only with action: flag"),
            ({"mandatory": True, "shadow": True}, "mandatory", "shadow: true"),
            (
                {"mandatory": True, "on_failure": "open"},
                "mandatory",
                "on_failure: open",
            ),
            (
                {"mandatory": True, "streaming": "async"},
                "mandatory",
                "streaming: async",
            ),
            ({"mandatory": True, "on_request": True}, "mandatory", "on_request"),
            ({"mandatory": True, "action": "flag"}, "mandatory", "action: flag"),
            ({"on_request": True, "when": "stream"}, "when", "the caller decides"),
            ({"when": "streams"}, "when", "undeclared reference to 'streams'"),
            ({"when": "model"}, "when", "is string"),
            ({"threshold": 1.5}, "threshold", "from 0 to 1"),
            ({"timeout_s": 0}, "timeout_s", "greater than 0"),
            ({"applies_to": {"models": ["a*b*"]}}, "applies_to.models", "one *"),
            ({"severity": "bad"}, "severity", "low medium high critical"),
        ],
    )
    def test_is_told_at_its_place(self, rule, key, words):
        """
        In a sentence that says what to do.
        """
        told = {**RULE, **rule}
        if key == "action":
            told = rule

        with pytest.raises(ConfigError) as caught:
            read(rules={"mine": told})

        (problem,) = caught.value.problems
        assert problem.path == f"plugins.guardrails.rules.mine.{key}"
        assert words in problem.message

    def test_a_default_counts_as_if_the_rule_had_it(self):
        """
        What does not fit together need not stand together.
        """
        rule = {"detectors": ["word"], "action": "redact"}

        with pytest.raises(ConfigError, match="nothing is left to redact"):
            read(rules={"a": rule}, defaults={"streaming": "async"})

    @pytest.mark.parametrize(
        ("default", "found"),
        [
            ({"shadow": True}, False),
            ({"on_failure": "open"}, "closed"),
            ({"streaming": "async"}, None),
        ],
        ids=["shadow", "on_failure", "streaming"],
    )
    def test_no_default_reaches_what_is_mandatory_that_would_not_enforce_it(
        self, default, found
    ):
        """
        So that all rules can be tried but those that must be enforced.
        """
        rule = {"detectors": ["word"], "action": "block", "mandatory": True}

        settings = read(rules={"a": rule}, defaults=default)

        whole = resolved(settings.rules["a"], settings.defaults)
        ((word, _),) = default.items()
        assert getattr(whole, word) == found

    def test_a_name_fits_in_a_header(self):
        """
        Callers ask for rules by their names, separated by commas.
        """
        with pytest.raises(ConfigError, match="a name has letters"):
            read(rules={"a,b": RULE})


class TestAgainstTheGateway:
    @pytest.mark.parametrize(
        ("rule", "path", "words"),
        [
            (
                {"detectors": ["wordy"]},
                "detectors[0]",
                "no detector is called wordy; there are azure azure_grounding",
            ),
            (
                {"detectors": [{"type": "word", "wrd": 1}]},
                "detectors[0].wrd",
                "did you mean word?",
            ),
            (
                {"detectors": ["word", {"says": "yes"}]},
                "detectors[1]",
                "a word, or a table with type",
            ),
            (
                {"detectors": [{"type": "oracle", "says": "no"}], "action": "redact"},
                "detectors[0]",
                "does not say where",
            ),
            (
                {
                    "detectors": [{"type": "grounding", "says": "no"}],
                    "streaming": "window",
                },
                "detectors[0]",
                "as a whole",
            ),
            (
                {
                    "detectors": [{"type": "grounding", "says": "no"}],
                    "stages": ["input"],
                },
                "detectors[0]",
                "looks at output alone",
            ),
            (
                {
                    "detectors": [{"type": "grounding", "says": "no"}],
                    "stages": ["input", "output"],
                    "mandatory": True,
                },
                "detectors[0]",
                "no detector of the rule looks at input",
            ),
            (
                {"applies_to": {"providers": ["nobody"]}},
                "applies_to.providers[0]",
                "no provider is called nobody",
            ),
        ],
    )
    def test_what_cannot_be_is_told_before_the_start(self, rule, path, words, plugins):
        """
        Detectors that there are not, options that they have not, deeds that they cannot do.
        """
        table = {"rules": {"mine": {**RULE, **rule}}}

        with pytest.raises(GatewayError) as caught:
            GatewayClient({"plugins": {"guardrails": table}}, plugins=plugins)

        told = str(caught.value)
        assert f"plugins.guardrails.rules.mine.{path}: " in told
        assert words in told

    def test_faults_have_line_and_column(self, tmp_path, plugins):
        """
        Those of options too, which are read later than the file.
        """
        file = tmp_path / "gateway.yaml"
        file.write_text(
            "plugins:\n"
            "  guardrails:\n"
            "    rules:\n"
            "      mine:\n"
            "        action: block\n"
            "        detectors: [word, {type: word, wrd: x}, nobody]\n"
        )

        with pytest.raises(ConfigError) as caught:
            GatewayClient(load_settings(file), plugins=plugins)

        places = [problem.where for problem in caught.value.problems]
        assert places == [f"{file}:6:40", f"{file}:6:49"]
