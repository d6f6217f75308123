from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.providers.vendors import VENDORS
from gateway.settings import (
    SecretRef,
    load_settings,
    settings_from_dict,
    settings_from_environment,
)
from gateway.settings.load import PROVIDERS_BY_VARIABLE

EXAMPLE = Path(__file__).with_name("example.yaml")

LITERAL = (
    "a secret is written as a reference, never as itself: "
    "env.NAME, file./path or <store>.<name>"
)


def what_is_told(file: str) -> str:
    try:
        load_settings(file)
    except ConfigError as exc:
        return str(exc)
    return ""


class TestFile:
    def test_of_the_documentation_loads(self):
        """
        The example that the documentation shows has no fault in the core's tables.
        """
        settings = load_settings(EXAMPLE)

        assert str(settings.server.listen) == "0.0.0.0:8080"
        assert settings.providers["openai"].keys["main"].weight == 3
        assert settings.models["claude-*"].targets[0].model == "anthropic/claude-*"
        assert settings.hooks.required == ("governance", "guardrails", "audit")
        assert settings.hooks.timeout_s == {"guardrails": 2.0}
        assert settings.source == EXAMPLE

    def test_leaves_plugins_tables_as_they_are(self):
        """
        The core knows no plugin, so it reads nothing into their tables.
        """
        plugins = load_settings(EXAMPLE).plugins

        governance = plugins["governance"].plain()
        assert list(plugins) == ["governance", "guardrails", "audit"]
        assert governance["require_key"] is True
        assert governance["teams"]["payments"]["budgets"][0]["limit_usd"] == 5000
        assert plugins["guardrails"].where == f"{EXAMPLE}:48:3"

    def test_is_wrong_in_all_places_at_once(self, complaints):
        """
        One run names everything: syntax of YAML aside, nothing hides anything.
        """
        told = complaints(
            """\
version: 2
server:
  listen: 8080
  workers: many
  workers: 3
admin: {oncall: {secret: canary-token, role: admin}}
providers:
  openai:
    keyz: {}
    keys: {main: {secret: canary-key}}
models:
  fast: gpt-5
  best: other/gpt-5
hook: {}
plugins: {governance: [1]}
"""
        )

        assert told == [
            'gateway.yaml:1:10 version: must be 1, not "2"',
            (
                "gateway.yaml:3:11 server.listen: an address is host:port, "
                "such as 127.0.0.1:8080 or [::1]:8080"
            ),
            'gateway.yaml:4:12 server.workers: must be a whole number, not "many"',
            "gateway.yaml:5:3 server.workers: stands twice, first in line 4",
            f"gateway.yaml:6:26 admin.oncall.secret: {LITERAL}",
            "gateway.yaml:9:5 providers.openai.keyz: unknown key, did you mean keys?",
            f"gateway.yaml:10:27 providers.openai.keys.main.secret: {LITERAL}",
            'gateway.yaml:12:9 models.fast: "gpt-5" is not provider/model',
            (
                "gateway.yaml:13:9 models.best: "
                'no provider "other" is declared under providers'
            ),
            "gateway.yaml:14:1 hook: unknown key, did you mean hooks?",
            (
                "gateway.yaml:15:23 plugins.governance: must be a table, key: value, "
                "not a list"
            ),
        ]

    def test_that_is_not_there_is_an_error(self, tmp_path):
        """
        The message is the system's, without a stack trace.
        """
        with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: No such"):
            load_settings(tmp_path / "no.yaml")

    def test_that_is_a_folder_is_an_error(self, tmp_path):
        """
        A folder is no file.
        """
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            load_settings(tmp_path)

    def test_that_is_endless_is_not_read_to_its_end(self, tmp_path):
        """
        No more than the cap is taken from whatever the name leads to.
        """
        endless = tmp_path / "gateway.yaml"
        endless.touch()
        os.truncate(endless, 1 << 40)

        with pytest.raises(ConfigError, match="larger than 8 MiB"):
            load_settings(endless)

    def test_may_be_empty(self, load):
        """
        A file that says nothing has every default, and no provider.
        """
        assert load("").providers == {}

    def test_has_a_digest_of_what_it_says(self, load):
        """
        Comments and layout do not change it, values do.
        """
        one = load("server: {workers: 2}  # why\n").digest
        same = load("server:\n  workers: 2\n").digest
        other = load("server: {workers: 3}\n").digest

        assert one == same
        assert one != other

    def test_never_repeats_what_stands_in_place_of_a_secret(self, write):
        """
        Whichever value of the example is replaced by a key, no error shows the key.
        """
        lines = EXAMPLE.read_text().splitlines()
        canary = "sk-proj-canary-0123456789"
        refused = 0
        for number, line in enumerate(lines):
            for word in line.partition("#")[0].split():
                bare = word.strip("{}[],\"'")
                if bare in ("", "-") or word.endswith(":"):
                    continue
                changed = [*lines]
                changed[number] = line.replace(bare, canary, 1)
                told = what_is_told(write("\n".join(changed)))
                refused += bool(told)
                assert "canary" not in told

        assert refused > 30


class TestDict:
    def test_says_the_same_as_a_file(self, load):
        """
        An embedded gateway has the same settings as one with a file.
        """
        from_file = load("server: {workers: 2}\nmodels: {fast: demo/echo}\n")
        from_dict = settings_from_dict(
            {"server": {"workers": 2}, "models": {"fast": "demo/echo"}}
        )

        assert from_dict.server == from_file.server
        assert from_dict.models == from_file.models
        assert from_dict.digest == from_file.digest

    def test_is_wrong_with_paths_alone(self):
        """
        Without a file there is no line to name.
        """
        with pytest.raises(ConfigError) as caught:
            settings_from_dict({"server": {"workers": "2"}, "models": {"a": "b"}})

        assert str(caught.value).splitlines() == [
            "server.workers: must be a whole number, without quotes",
            'models.a: "b" is not provider/model',
        ]


class TestEnvironment:
    def test_without_keys_has_the_offline_provider(self):
        """
        A gateway without anything answers offline.
        """
        assert list(settings_from_environment({"HOME": "/"}).providers) == ["demo"]

    @pytest.mark.parametrize(
        ("variable", "name"), PROVIDERS_BY_VARIABLE.items(), ids=str
    )
    def test_switches_a_provider_on(self, variable, name):
        """
        A key that the vendor's own client would find is found, as a reference.
        """
        settings = settings_from_environment({variable: "canary"})

        (key,) = settings.providers[name].keys.values()
        assert key.secret == SecretRef("env", variable)
        assert "canary" not in repr(settings)

    def test_takes_an_empty_key_for_none(self):
        """
        A variable that is set to nothing switches nothing on.
        """
        settings = settings_from_environment({"OPENAI_API_KEY": ""})

        assert "openai" not in settings.providers

    def test_needs_azures_address_as_well(self):
        """
        Azure OpenAI has no address of its own.
        """
        key = {"AZURE_OPENAI_API_KEY": "k"}
        endpoint = {"AZURE_OPENAI_ENDPOINT": "https://eu.example"}

        assert list(settings_from_environment(key).providers) == ["demo"]
        settings = settings_from_environment(key | endpoint)
        assert settings.providers["azure-openai"].base_url == "https://eu.example"

    def test_knows_the_variables_of_every_vendor(self):
        """
        The table here and the table of vendors name the same variables.
        """
        with_address = {
            vendor.key_env: vendor.name
            for vendor in VENDORS.values()
            if vendor.key_env and vendor.base_url
        }

        assert with_address == PROVIDERS_BY_VARIABLE
