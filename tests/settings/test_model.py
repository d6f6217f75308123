from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from gateway.errors import ConfigError, PluginError, Problem
from gateway.hookspecs import Phase
from gateway.settings import PHASES, Settings, settings_from_dict
from gateway.settings.tables import file_attributes


@attrs.frozen(kw_only=True)
class CacheSettings:
    ttl_s: int = 60


@attrs.frozen(kw_only=True)
class NeedySettings:
    secret: str


@attrs.frozen(kw_only=True)
class BrokenSettings:
    what: complex = 1j


def tables_of(kind: type[Any]) -> set[type[Any]]:
    """
    Find each table that the settings are made of.
    """
    from gateway.settings import model, serving, upstreams

    return {
        member
        for module in (model, serving, upstreams)
        for member in vars(module).values()
        if isinstance(member, type)
        and attrs.has(member)
        and member.__module__ == module.__name__
    }


class TestSettings:
    def test_are_complete_without_a_file(self):
        """
        The empty snapshot is what a gateway without any settings works by.
        """
        settings = Settings()

        assert str(settings.server.listen) == "127.0.0.1:8080"
        assert settings.source is None
        assert settings.plugins == {}

    def test_are_told_apart_by_their_digest(self):
        """
        Its beginning is shown to people.
        """
        one = settings_from_dict({"server": {"workers": 1}})
        two = settings_from_dict({"server": {"workers": 2}})

        assert len(one.digest) == 64
        assert one.short == one.digest[:12]
        assert one.digest != two.digest

    def test_pass_between_processes(self):
        """
        A supervisor may hand the snapshot to a worker, plugins' tables included.
        """
        settings = settings_from_dict({"plugins": {"cache": {"ttl_s": 5}}})

        copy = pickle.loads(pickle.dumps(settings))

        assert copy.plugin("cache", CacheSettings).ttl_s == 5

    def test_know_the_vendor_of_a_provider(self):
        """
        Without a type the table's own name is the type.
        """
        settings = settings_from_dict(
            {"providers": {"openai": {}, "eu": {"type": "azure-openai"}}}
        )

        assert settings.provider_type("openai") == "openai"
        assert settings.provider_type("eu") == "azure-openai"

    def test_explain_each_key(self):
        """
        Every key has its sentence for the schema, every class names its attributes.
        """
        for table in tables_of(Settings):
            for attribute in file_attributes(table):
                where = f"{table.__name__}.{attribute.name}"
                assert attribute.metadata.get("help", "").endswith("."), where
                assert f"{attribute.name}: " in (table.__doc__ or ""), where

    def test_name_the_phases_that_there_are(self):
        """
        The words for hooks.phase are those of the hook reference.
        """
        assert list(PHASES) == [phase.name for phase in Phase]


class TestPlaces:
    TEXT = "models:\n  gpt-4.1:\n    targets: [demo/a, demo/b]\n"

    @pytest.mark.parametrize(
        ("path", "where"),
        [
            ("models", "gateway.yaml:1:1"),
            ('models."gpt-4.1"', "gateway.yaml:2:3"),
            ('models."gpt-4.1".targets[1]', "gateway.yaml:3:23"),
            ('models."gpt-4.1".targets[1].model', "gateway.yaml:3:23"),
            ('models."gpt-4.1".fallbacks', "gateway.yaml:3:5"),
            ("modelsX", "gateway.yaml:1:1"),
        ],
    )
    def test_are_found_by_path(self, load, path, where):
        """
        Whoever finds a fault later on can say where it stands, or what is above it.
        """
        assert load(self.TEXT).where(path) == where

    def test_are_added_to_problems_that_lack_them(self, load):
        """
        A path gets its line; a problem with a place, or about nothing, stays.
        """
        error = ConfigError(
            [
                Problem("bad", path="models"),
                Problem("bad", path="models", where="other:1:1"),
                Problem("bad"),
            ]
        )

        located = load(self.TEXT).located(error)

        assert str(located).splitlines() == [
            "gateway.yaml:1:1 models: bad",
            "other:1:1 models: bad",
            "bad",
        ]

    def test_are_empty_without_a_file(self):
        """
        There is nothing to point at.
        """
        assert Settings().where("models") == ""


class TestPlugin:
    def test_reads_its_table(self):
        """
        The table of a plugin becomes an instance of its class.
        """
        settings = settings_from_dict({"plugins": {"cache": {"ttl_s": 5}}})

        assert settings.plugin("cache", CacheSettings) == CacheSettings(ttl_s=5)

    @pytest.mark.parametrize("plugins", [{}, {"cache": None}, {"cache": {}}], ids=str)
    def test_without_a_table_has_its_defaults(self, plugins):
        """
        Installed means active, with or without a table.
        """
        settings = settings_from_dict({"plugins": plugins})

        assert settings.plugin("cache", CacheSettings) == CacheSettings()

    def test_without_a_table_may_lack_a_key(self, load):
        """
        What is required and stands nowhere is told with the file.
        """
        with pytest.raises(ConfigError) as caught:
            load("version: 1\n").plugin("needy", NeedySettings)

        assert str(caught.value) == (
            "gateway.yaml plugins.needy.secret: required, but missing"
        )

    def test_keeps_the_marks_of_its_table(self, load):
        """
        A plugin's errors have file, line, column and path like the core's.
        """
        settings = load("plugins:\n  cache:\n    ttl_s: long\n")

        assert settings.plugins["cache"].where == "gateway.yaml:2:3"
        with pytest.raises(ConfigError) as caught:
            settings.plugin("cache", CacheSettings)
        assert str(caught.value) == (
            'gateway.yaml:3:12 plugins.cache.ttl_s: must be a whole number, not "long"'
        )

    def test_with_an_unreadable_class_is_an_error_of_the_plugin(self):
        """
        The operator did nothing wrong, so the plugin is named, not the file.
        """
        with pytest.raises(PluginError, match=r"plugin broken: .*BrokenSettings\.what"):
            Settings().plugin("broken", BrokenSettings)
