"""
The plugin, as the gateway finds it.
"""

from __future__ import annotations

import threading
from importlib.metadata import entry_points

import attrs
import pytest

from gateway import Detector, Gateway, Plugin, hookimpl
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway_guardrails import GuardrailsPlugin


@attrs.frozen
class NoOptions:
    """
    Nothing to choose.
    """


class Slow(Plugin):
    """
    Brings a detector that remembers what it was made with, and in which thread.
    """

    def __init__(self, settings):
        super().__init__(settings)
        self.made = []

    def _make(self, options, tools):
        self.made.append((tools.folder, threading.current_thread()))

    @hookimpl
    def register_detectors(self):
        return [Detector(name="slow", Options=NoOptions, make=self._make)]


def test_the_entry_point_names_the_plugin():
    """
    It is found by the word that the settings use.
    """
    found = entry_points(group="gateway.plugins", name="guardrails")

    assert [each.load() for each in found] == [GuardrailsPlugin]


@pytest.mark.parametrize("has_served", [False, True])
async def test_what_would_not_start_is_found_beside_the_event_loop(
    tmp_path, has_served
):
    """
    A reload tries while callers are served; to try makes no folder, and uses one that is there.
    """
    folder = tmp_path / "guardrails"
    if has_served:
        folder.mkdir()
    rules = {"some": {"detectors": ["slow"], "action": "flag"}}
    gateway = Gateway(
        settings_from_dict(
            {
                "server": {"data_dir": str(tmp_path)},
                "plugins": {"guardrails": {"rules": rules}},
            }
        ),
        plugins=[FoundPlugin(name="guardrails", cls=GuardrailsPlugin), Slow],
        environ={},
    )

    assert await gateway.start_problems(None) == []

    ((kept, thread),) = gateway.plugin(Slow).made
    assert kept == (folder if has_served else None)
    assert thread is not threading.current_thread()
    assert folder.is_dir() is has_served
