"""
The plugin, as the gateway finds it.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import settings_from_dict
from gateway_audit import AuditPlugin
from gateway_audit.settings import AuditSettings


def test_the_entry_point_names_the_plugin():
    """
    It is found by the word that the settings use.
    """
    found = entry_points(group="gateway.plugins", name="audit")

    assert [each.load() for each in found] == [AuditPlugin]


def test_it_has_one_process_that_knows_its_folders():
    """
    The sequencer is told where the spools are, a second one included.
    """
    table = {"on_failure": {"spill": "/other/disk"}}
    settings = settings_from_dict({"plugins": {"audit": table}})
    plugin = AuditPlugin(settings.plugin("audit", AuditSettings))

    (spec,) = plugin.register_processes()
    told = spec.arguments_for(Path("/data"), settings)

    assert told["folder"] == "/data/audit"
    assert told["spools"] == ["/other/disk"]
    assert told["followers"][0]["arguments"] == {"folder": "/data/audit/index"}


def test_without_its_life_it_says_so():
    """
    A hook that is called too early is a fault of ours, told by name.
    """
    with pytest.raises(RuntimeError, match="lifespan"):
        _ = AuditPlugin(AuditSettings()).recorder


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"bodies": "all"}, "none, redacted or full"),
        ({"subject": "me"}, "key, user"),
        ({"subject": {"header": "x y"}}, "name of a header"),
        ({"on_failure": {"spill": "here"}}, "absolute"),
        ({"level": "fast"}, "durable intent relaxed"),
        ({"max_entry_bytes": 100_000}, "65535"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_settings_that_mean_nothing_are_refused(table, why):
    """
    Each with what may stand there instead.
    """
    settings = settings_from_dict({"plugins": {"audit": table}})

    with pytest.raises(ConfigError, match=why):
        settings.plugin("audit", AuditSettings)
