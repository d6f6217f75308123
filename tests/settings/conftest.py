"""
What the tests of the settings share.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import Settings, load_settings

EXAMPLE = Path(__file__).with_name("example.yaml")


@pytest.fixture
def write(tmp_path, monkeypatch) -> Callable[[str | bytes], str]:
    """
    Write gateway.yaml into a folder of its own, and go there.
    """
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        Path("gateway.yaml").write_bytes(raw)
        return "gateway.yaml"

    return write


@pytest.fixture
def load(write) -> Callable[[str | bytes], Settings]:
    """
    Load settings from their text.
    """
    return lambda content: load_settings(write(content))


@pytest.fixture
def complaints(write) -> Callable[[str | bytes], list[str]]:
    """
    Load settings that are wrong, and return what is said about them, line by line.
    """

    def complaints(content: str | bytes) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_settings(write(content))
        return str(caught.value).splitlines()

    return complaints
