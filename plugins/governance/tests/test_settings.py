from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from gateway import ConfigError
from gateway.settings import load_settings, settings_from_dict
from gateway_governance import GovernanceSettings
from gateway_governance.entities import NANO_PER_USD, Period, Unit
from gateway_governance.settings import (
    DrainUpTo,
    HoldForUnbounded,
    LowerOutput,
    UnpricedAtCeiling,
    is_key_required,
)
from gateway_governance.values import Mint

README = Path(__file__).parent.parent / "README.md"


def read(table):
    """
    Read *table* as the gateway would.
    """
    settings = settings_from_dict({"plugins": {"governance": table}})
    return settings.plugin("governance", GovernanceSettings)


def problems_of(text, tmp_path):
    """
    Read a file with the table *text*, and return what is wrong as lines.
    """
    file = tmp_path / "gateway.yaml"
    body = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    file.write_text(f"plugins:\n  governance:\n{body}")
    settings = load_settings(file)
    with pytest.raises(ConfigError) as caught:
        settings.plugin("governance", GovernanceSettings)
    found = settings.located(caught.value)
    return str(found).replace(f"{file}:", "").splitlines()


def entities(settings):
    """
    Return the entities by table and name.
    """
    return {(table, entity.name): entity for table, entity in settings.declared()}


class TestWhole:
    def test_the_table_of_the_readme(self):
        """
        What the README shows can be read.
        """
        (shown,) = [
            block.partition("```")[0]
            for block in README.read_text().split("```yaml\n")[1:]
        ]

        table = yaml.safe_load(shown)["plugins"]["governance"]

        assert read(table).virtual_keys

    def test_nothing_is_a_table_too(self):
        """
        Without a table there are no entities, and the policies are the strict ones.
        """
        settings = read({})

        assert list(settings.declared()) == []
        assert settings.require_key is None
        assert settings.unpriced_models == "refuse"
        assert settings.unbounded_requests == "refuse"
        assert settings.on_disconnect == "cancel"
        assert settings.when_short == LowerOutput(lower_output_to=4096)

    def test_the_policies_have_a_long_form_too(self):
        """
        Each policy is a word, or a table that says how far.
        """
        settings = read(
            {
                "unpriced_models": {"ceiling": 75},
                "when_short": "refuse",
                "unbounded_requests": {"hold_usd": Decimal("0.5")},
                "on_disconnect": {"drain_up_to": {"output_tokens": 500}},
            }
        )

        assert isinstance(settings.unpriced_models, UnpricedAtCeiling)
        assert settings.unpriced_models.ceiling.output == 75
        assert settings.when_short == "refuse"
        assert isinstance(settings.unbounded_requests, HoldForUnbounded)
        assert settings.unbounded_requests.hold_nano == NANO_PER_USD // 2
        assert isinstance(settings.on_disconnect, DrainUpTo)
        assert settings.on_disconnect.drain_up_to.time_s is None

    @pytest.mark.parametrize(
        ("said", "has_file", "is_exposed", "required"),
        [
            (None, False, False, False),
            (None, True, False, True),
            (None, False, True, True),
            (False, True, True, False),
            (True, False, False, True),
        ],
        ids=["nothing", "file", "exposed", "waived", "demanded"],
    )
    def test_who_needs_a_key(self, said, has_file, is_exposed, required):
        """
        A key is required as soon as there is a file or a network, unless it says otherwise.
        """
        settings = GovernanceSettings(require_key=said)

        found = is_key_required(settings, has_file=has_file, is_exposed=is_exposed)

        assert found is required


class TestEntities:
    def test_the_example_of_a_bank(self):
        """
        What stands in the file becomes entities whose ids are their names.
        """
        found = entities(
            read(
                {
                    "customers": {"bank": {"max_parallel": 500}},
                    "teams": {
                        "payments": {
                            "customer": "bank",
                            "models": ["fast", "claude-*"],
                            "budgets": [
                                {
                                    "limit_usd": 5000,
                                    "per": "month",
                                    "calendar": "Europe/Zurich",
                                }
                            ],
                            "rate_limits": [
                                {"requests": 600, "per": "minute"},
                                {"tokens": 400000, "per": "minute"},
                            ],
                        }
                    },
                    "virtual_keys": {
                        "code": {
                            "team": "payments",
                            "secret": "env.VK_CODE",
                            "providers": {
                                "anthropic": "*",
                                "openai": {"models": ["gpt-5"], "weight": 2},
                            },
                        }
                    },
                    "model_limits": {"all-of-openai": {"provider": "openai"}},
                }
            )
        )

        team, key = found["teams", "payments"], found["virtual_keys", "code"]
        assert team.limits.budgets[0].limit_nano == 5000 * NANO_PER_USD
        assert team.limits.budgets[0].period is Period.MONTH
        assert [rate.unit for rate in team.limits.rate_limits] == [
            Unit.REQUESTS,
            Unit.TOKENS,
        ]
        assert (key.id, key.team_id, team.customer_id) == ("code", "payments", "bank")
        assert [config.id for config in key.provider_configs] == [
            "code:anthropic",
            "code:openai",
        ]
        assert found["model_limits", "all-of-openai"].model == "*"
        assert all(entity.is_declared for entity in found.values())

    def test_money_is_exact(self):
        """
        A millionth of a dollar is a thousand nano-dollars, and no float is in between.
        """
        budgets = [{"limit_usd": Decimal("0.000001"), "per": "day"}]

        found = entities(read({"teams": {"a": {"budgets": budgets}}}))

        assert found["teams", "a"].limits.budgets[0].limit_nano == 1000

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("2026-12-31", 1798761600.0),
            ("2026-12-31T18:00:00+01:00", 1798736400.0),
            ("2026-12-31T17:00:00Z", 1798736400.0),
        ],
        ids=["day", "zone", "utc"],
    )
    def test_a_day_lasts_until_its_end(self, text, at):
        """
        A key expires at the end of the day that is named, or at the moment.
        """
        keys = {"a": {"secret": "env.A", "expires": text}}

        found = entities(read({"virtual_keys": keys}))

        assert found["virtual_keys", "a"].expires_at == at

    def test_rules_and_prices(self):
        """
        A rule is somebody's or everybody's; a price keeps its digits.
        """
        found = entities(
            read(
                {
                    "teams": {"a": {}},
                    "routing_rules": {
                        "mine": {"team": "a", "targets": ["openai/gpt-5"]},
                        "all": {
                            "condition": "true",
                            "targets": [{"model": "x", "weight": 0.5}],
                        },
                    },
                    "pricing_overrides": {
                        "deal": {"prices": {"input": Decimal("1.10")}}
                    },
                }
            )
        )

        mine, everybody = found["routing_rules", "mine"], found["routing_rules", "all"]
        assert (mine.scope, mine.scope_id) == ("team", "a")
        assert (mine.targets[0].provider, mine.targets[0].model) == ("openai", "gpt-5")
        assert (everybody.scope, everybody.scope_id) == ("global", None)
        assert found["pricing_overrides", "deal"].prices == {"input": "1.10"}

    def test_values_and_renames_stand_beside(self):
        """
        Where values are found and what things were called is told by name.
        """
        text = Mint(b"k" * 32).hash_of("x" * 20)

        settings = read(
            {
                "teams": {"new": {"was": "old"}},
                "virtual_keys": {"a": {"secret": "env.A"}, "b": {"hash": text}},
            }
        )

        assert settings.renames() == {("teams", "new"): "old"}
        assert [str(ref) for ref in settings.secret_refs().values()] == ["env.A"]
        assert {name: str(each) for name, each in settings.hashes().items()} == {
            "b": text
        }
        assert text not in repr(settings)


WRONG = {
    "no such team": (
        "teams:\n  payments: {}\nvirtual_keys:\n  a: {secret: env.A, team: paymets}",
        (
            "6:26 plugins.governance.virtual_keys.a.team: "
            "no such team, did you mean payments?"
        ),
    ),
    "no team at all": (
        "virtual_keys:\n  a: {secret: env.A, team: x}",
        "4:26 plugins.governance.virtual_keys.a.team: no such team; there is none",
    ),
    "period in letters": (
        "teams:\n  a: {budgets: [{limit_usd: 1, per: 1m}]}",
        (
            "4:41 plugins.governance.teams.a.budgets[0].per: must be one of "
            'minute hour day week month quarter year, not "1m"'
        ),
    ),
    "misspelt key": (
        "virtual_keys:\n  a: {secret: env.A, modelz: [x]}",
        (
            "4:26 plugins.governance.virtual_keys.a.modelz: "
            "unknown key, did you mean models?"
        ),
    ),
    "zone": (
        "teams:\n  a: {budgets: [{limit_usd: 1, per: day, calendar: Europe/Zurch}]}",
        (
            "4:46 plugins.governance.teams.a.budgets[0].calendar: "
            "no such time zone, did you mean Europe/Zurich?"
        ),
    ),
    "finer than nano": (
        "teams:\n  a: {budgets: [{limit_usd: 0.0000000001, per: day}]}",
        (
            "4:33 plugins.governance.teams.a.budgets[0].limit_usd: "
            "is finer than a nano-dollar, 0.000000001"
        ),
    ),
    "finer beyond a Decimal's digits": (
        (
            "teams:\n  a: {budgets: [{limit_usd: 999999999.000000000000000000000000000001,"
            " per: day}]}"
        ),
        (
            "4:33 plugins.governance.teams.a.budgets[0].limit_usd: "
            "is finer than a nano-dollar, 0.000000001"
        ),
    ),
    "more money than there is": (
        "teams:\n  a: {budgets: [{limit_usd: 1e300, per: day}]}",
        (
            "4:22 plugins.governance.teams.a.budgets[0].limit_usd: "
            "must not be more than 1000000000 USD, raised and all"
        ),
    ),
    "a period twice": (
        (
            "teams:\n  a:\n    budgets:\n      - {limit_usd: 1, per: day}\n"
            "      - {limit_usd: 2, per: day}"
        ),
        (
            "7:28 plugins.governance.teams.a.budgets[1].per: "
            "an owner has one budget of each period: day stands twice"
        ),
    ),
    "team and customer": (
        (
            "customers:\n  c: {}\nteams:\n  t: {}\nvirtual_keys:\n"
            "  a: {secret: env.A, team: t, customer: c}"
        ),
        (
            "8:35 plugins.governance.virtual_keys.a.customer: a key has a team or a customer, "
            "not both: the team's customer pays too"
        ),
    ),
    "requests and tokens": (
        "teams:\n  a: {rate_limits: [{requests: 1, tokens: 1, per: day}]}",
        (
            "4:25 plugins.governance.teams.a.rate_limits[0]: "
            "takes either requests or tokens: write two limits for both"
        ),
    ),
    "no value": (
        "virtual_keys:\n  a: {is_active: true}",
        (
            "4:10 plugins.governance.virtual_keys.a: "
            "needs a secret: env.NAME or file./path; or a hash: of its value"
        ),
    ),
    "models of a provider": (
        "virtual_keys:\n  a: {secret: env.A, providers: {openai: {weight: 1}}}",
        (
            "4:46 plugins.governance.virtual_keys.a.providers.openai.models: "
            "required, but missing"
        ),
    ),
    "two stars": (
        'virtual_keys:\n  a: {secret: env.A, providers: {openai: {models: ["*-*"]}}}',
        (
            "4:56 plugins.governance.virtual_keys.a.providers.openai.models[0]: "
            "more than one * in a name"
        ),
    ),
    "name": (
        "teams:\n  a/b: {}",
        (
            "4:7 plugins.governance.teams.a/b: "
            "a name has 1 to 64 letters, digits, and . _ @ - between them"
        ),
    ),
    "rule for two": (
        (
            "teams:\n  t: {}\ncustomers:\n  c: {}\nrouting_rules:\n"
            "  r: {team: t, customer: c, targets: [openai]}"
        ),
        (
            "8:10 plugins.governance.routing_rules.r: "
            "takes one of customer team: a rule is for one of them"
        ),
    ),
    "rule for a stranger": (
        "routing_rules:\n  r: {team: t, targets: [openai]}",
        "4:11 plugins.governance.routing_rules.r.team: no such team; there is none",
    ),
    "price of nothing": (
        "pricing_overrides:\n  p: {prices: {inptu: 1}}",
        (
            "4:20 plugins.governance.pricing_overrides.p.prices.inptu: "
            "no such price, did you mean input?"
        ),
    ),
    "was and is": (
        "teams:\n  a: {was: b}\n  b: {}",
        (
            "4:11 plugins.governance.teams.a.was: "
            "b is declared as well: it is either the old name or another one"
        ),
    ),
    "a past of two": (
        "teams:\n  a: {was: c}\n  b: {was: c}",
        "5:11 plugins.governance.teams.b.was: a was c already",
    ),
    "header": (
        'required_headers: ["x y"]',
        "3:24 plugins.governance.required_headers[0]: is no name of a header",
    ),
    "drain without an end": (
        "on_disconnect: {drain_up_to: {}}",
        (
            "3:34 plugins.governance.on_disconnect.drain_up_to: "
            "needs output_tokens, time_s or both; without an end write drain"
        ),
    ),
    "no moment": (
        "virtual_keys:\n  a: {secret: env.A, expires: soon}",
        (
            "4:35 plugins.governance.virtual_keys.a.expires: must be a day, 2026-12-31, "
            "or a moment with its zone, 2026-12-31T18:00:00+01:00"
        ),
    ),
}


class TestFaults:
    @pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG.keys())
    def test_says_where_and_what(self, tmp_path, text, line):
        """
        Each fault has its file, line and column, its path, and what to do.
        """
        assert problems_of(text, tmp_path) == [line]

    def test_all_are_told_at_once(self, tmp_path):
        """
        An operator mends the file once.
        """
        text = "teams:\n  a: {customer: x}\n  b: {customer: y}\nvirtual_keys:\n"
        text += "  k: {secret: env.A, team: c}"

        assert len(problems_of(text, tmp_path)) == 3

    def test_a_provider_that_nobody_declared(self):
        """
        Where the providers are known, a key or rule that names another is a fault.
        """
        settings = read(
            {
                "virtual_keys": {
                    "a": {"secret": "env.A", "providers": {"opnai": "*"}},
                },
                "routing_rules": {"r": {"targets": ["x/y"], "fallbacks": ["openai/z"]}},
            }
        )

        found = [str(problem) for problem in settings.problems(providers=["openai"])]

        assert found == [
            (
                "plugins.governance.virtual_keys.a.providers.opnai: "
                "no such provider, did you mean openai?"
            ),
            (
                "plugins.governance.routing_rules.r.targets[0].provider: "
                "no such provider; there are openai"
            ),
        ]

    def test_a_condition_is_tried(self, tmp_path):
        """
        What is no CEL, or is not installed, is told when the file is read.
        """
        text = 'routing_rules:\n  r: {condition: "((", targets: [x]}'

        (line,) = problems_of(text, tmp_path)

        assert line.startswith("4:11 plugins.governance.routing_rules.r.condition: ")

    def test_a_literal_secret_is_refused(self):
        """
        A key's value does not stand in the settings file, nor in the error.
        """
        keys = {
            "a": {"secret": "sk-canary-literal"},
            "b": {"hash": "sk-canary-literal"},
        }

        with pytest.raises(ConfigError) as caught:
            read({"virtual_keys": keys})

        said = str(caught.value)
        assert "plugins.governance.virtual_keys.a.secret" in said
        assert "plugins.governance.virtual_keys.b.hash" in said
        assert "canary" not in said
