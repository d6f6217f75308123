"""
The plugin brings its encodings to the gateway.
"""

from __future__ import annotations

import contextlib

import pytest

from gateway import ConfigError
from gateway.app import Gateway
from gateway.plugins import FoundPlugin, check_class
from gateway.settings import settings_from_dict
from gateway_encodings import EncodingsPlugin, EncodingsSettings

FOUND = FoundPlugin(name="encodings", cls=EncodingsPlugin)


def read(table):
    """
    Read *table* as the gateway would.
    """
    settings = settings_from_dict({"plugins": {"encodings": table}})
    return settings.plugin("encodings", EncodingsSettings)


@contextlib.asynccontextmanager
async def running(**table):
    gateway = Gateway(
        settings_from_dict({"plugins": {"encodings": table}}),
        plugins=[FOUND],
        installed=False,
    )
    async with gateway:
        yield gateway


def test_the_plugin_is_written_as_the_core_asks():
    """
    The plugin passes the core's own check.
    """
    assert check_class(FOUND) == []


def test_the_table_of_the_readme():
    """
    What the README shows can be read.
    """
    assert read({"preload": ["o200k_base"]}).preload == ("o200k_base",)


def test_unknown_encodings_are_refused():
    """
    A name that is no encoding's keeps the gateway from starting.
    """
    with pytest.raises(ConfigError, match=r"plugins\.encodings\.preload"):
        read({"preload": ["o200k"]})


async def test_encodings_are_found_by_name():
    """
    Other plugins find both encodings; none is loaded before somebody counts.
    """
    async with running() as gateway:
        found = gateway.encodings

        assert set(found) == {"o200k_base", "cl100k_base"}
        assert [one._encoding for one in found.values()] == [None, None]


async def test_preloads_what_it_is_told_to():
    """
    What `preload` names is ready when the gateway is.
    """
    async with running(preload=["cl100k_base"]) as gateway:
        assert gateway.encodings["cl100k_base"]._encoding is not None
        assert gateway.encodings["o200k_base"]._encoding is None
