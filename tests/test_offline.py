from __future__ import annotations

import pytest

from gateway import Gateway, Plugin, hookimpl
from gateway.errors import ConfigError
from gateway.events import AdminActed
from gateway.notices import FOLDER
from gateway.offline import Offline, told
from gateway.secrets import Secrets, root_key
from gateway.settings import SecretRef, Settings

ROOT = "r" * 40


def test_reads_the_settings_that_serve_would_read(tmp_path, monkeypatch):
    """
    The file that is named, else gateway.yaml here, else none.
    """
    named = tmp_path / "named.yaml"
    named.write_text("version: 1\nproviders: {demo: {}}\n")
    monkeypatch.chdir(tmp_path)

    without = Offline.open(None, tmp_path, {})
    (tmp_path / "gateway.yaml").write_text("version: 1\nproviders: {demo: {}}\n")
    here = Offline.open(None, tmp_path, {})
    other = Offline.open(named, tmp_path, {})

    assert without.settings.source is None
    assert str(here.settings.source) == "gateway.yaml"
    assert other.settings.source == named


def test_the_data_is_where_the_command_or_the_settings_say(tmp_path):
    """
    In this order; else where a gateway keeps it by itself.
    """
    file = tmp_path / "g.yaml"
    file.write_text(f"version: 1\nserver: {{data_dir: {tmp_path / 'a'}}}\n")

    places = [
        Offline.open(file, tmp_path / "b", {}),
        Offline.open(file, None, {}),
        Offline.open(None, None, {"XDG_STATE_HOME": str(tmp_path)}),
    ]

    assert [place.data_dir for place in places] == [
        tmp_path / "b",
        tmp_path / "a",
        tmp_path / "gatewright",
    ]


def test_derives_the_keys_of_the_gateway(tmp_path):
    """
    The same root gives the same key for the same purpose.
    """
    file = tmp_path / "g.yaml"
    file.write_text("version: 1\nserver: {secret_key: env.ROOT}\n")
    place = Offline.open(file, tmp_path, {"ROOT": ROOT})

    expected = root_key(
        place.settings.server.secret_key, tmp_path, secrets=Secrets({"ROOT": ROOT})
    )

    assert place.derive("a") == expected.derive("a") != place.derive("b")
    assert place.derive("a", 64) == expected.derive("a", 64)


def test_derives_the_keys_of_a_root_of_before(tmp_path):
    """
    What was sealed before another root was set can be opened with the old one.
    """
    file = tmp_path / "g.yaml"
    file.write_text("version: 1\nserver: {secret_key: env.ROOT}\n")
    before = Offline.open(file, tmp_path, {"ROOT": ROOT})
    after = Offline.open(file, tmp_path, {"ROOT": "q" * 40, "OLD": ROOT})

    old = after.derive("a", root=SecretRef("env", "OLD"))

    assert old == before.derive("a") != after.derive("a")


def test_the_storage_is_the_one_that_the_settings_name(tmp_path):
    """
    SQLite in the data directory where they name none.
    """
    default = Offline.open(None, tmp_path, {}).storage()
    file = tmp_path / "g.yaml"
    file.write_text("version: 1\nstorage: {url: env.DB}\n")
    named = Offline.open(file, tmp_path, {"DB": "postgresql://db/x"}).storage()

    assert (default.data_dir, default.url) == (tmp_path, None)
    assert str(named.url) == "postgresql+asyncpg://db/x"


def test_what_is_wrong_is_told_in_lines(capsys):
    """
    One for each problem, and exit code 1.
    """
    with pytest.raises(SystemExit) as caught, told():
        raise ConfigError("no such file")

    assert caught.value.code == 1
    assert capsys.readouterr().err == "error: no such file\n"


async def test_what_a_command_did_is_told_by_the_next_gateway_that_starts(tmp_path):
    """
    To every plugin, with who did it and when; once.
    """
    heard = []

    class Hears(Plugin):
        @hookimpl
        def on_event(self, event):
            heard.append(event)

    Offline.open(None, tmp_path, {}).note_acted("gatewright x y", "thing/a", "thing/b")
    for _ in range(2):
        gateway = Gateway(
            Settings(), plugins=[Hears], installed=False, data_dir=tmp_path
        )
        async with gateway:
            await gateway.tasks.join(10)

    acted = [event for event in heard if isinstance(event, AdminActed)]
    assert [event.target for event in acted] == ["thing/a", "thing/b"]
    assert {(event.actor, event.action) for event in acted} == {
        ("cli", "gatewright x y")
    }
    assert acted[0].details["done_at"].startswith("20")


def test_a_command_says_that_it_cannot_be_noted(tmp_path):
    """
    It was done all the same.
    """
    (tmp_path / FOLDER).write_text("in the way")

    with pytest.raises(ConfigError, match="this was done"):
        Offline.open(None, tmp_path, {}).note_acted("gatewright x y", "thing/a")
