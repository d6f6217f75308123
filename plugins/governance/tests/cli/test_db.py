from __future__ import annotations

import json
import sqlite3
import stat

import pytest

from gateway import Plugin, hookimpl
from gateway.events import AdminActed
from gateway.testing import GatewayClient

ROOT_KEY = "r" * 40
NEW_ROOT = "n" * 40


@pytest.fixture
def place(tmp_path, monkeypatch):
    """
    Settings and a data directory of a gateway that does not run.
    """
    file = tmp_path / "gateway.yaml"
    data = tmp_path / "data"
    file.write_text(
        f"version: 1\nserver: {{secret_key: env.ROOT, data_dir: {data}}}\n"
        "providers: {demo: {}}\n"
    )
    monkeypatch.setenv("ROOT", ROOT_KEY)
    return file, data


@pytest.fixture
def db(alone, place):
    """
    Run a command on that data.
    """
    file, _ = place

    async def run(*words, code=0):
        return await alone.run("db", *words, "-c", str(file), code=code)

    return run


async def serve(place, plugins, work, root=ROOT_KEY):
    """
    Let a gateway run on the data while *work* is done.
    """
    _, data = place
    settings = {
        "server": {"secret_key": "env.ROOT"},
        "plugins": {"governance": {"require_key": True}},
    }
    client = GatewayClient(
        settings, plugins=plugins, environ={"ROOT": root}, data_dir=data
    )
    async with client:
        return await work(client)


async def make_key(client):
    told = {"name": "mine", "allow_all_providers": True}
    answer = await client.ask("POST", "/api/governance/virtual-keys", told)
    assert answer.status == 200
    return answer.json["virtual_key"]["value"]


async def test_tables_are_behind_until_they_are_migrated(db):
    """
    Code 1 before, 0 after; a second time there is nothing to do.
    """
    before = await db("status", code=1)
    await db("migrate")
    await db("migrate")
    after = json.loads(await db("status", "--json"))

    assert "behind" in before
    assert [line["current"] for line in after["lines"]] == [
        line["newest"] for line in after["lines"]
    ]
    assert after["is_running"] is False


async def test_a_backup_is_whole_and_for_its_owner_alone(db, place, plugins, tmp_path):
    """
    Made while the gateway runs; never over another file.
    """
    target = tmp_path / "copy.db"

    async def work(client):
        value = await make_key(client)
        told = await db("backup", str(target))
        status = json.loads(await db("status", "--json"))
        return value, told, status

    value, told, status = await serve(place, plugins, work)
    again = await db("backup", str(target), code=1)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with sqlite3.connect(target) as copy:
        names = [row[0] for row in copy.execute("SELECT name FROM governance_entities")]
    copy.close()
    assert names == ["mine"]
    assert value.encode() not in target.read_bytes()
    assert "secret key" in told
    assert (status["is_running"], status["entities"]) == (True, {"virtual_key": 1})
    assert "is there already" in again


async def test_a_backup_of_nothing_leaves_nothing(db, tmp_path):
    """
    Code 1, and no empty file.
    """
    told = await db("backup", str(tmp_path / "copy.db"), code=1)

    assert "no database" in told
    assert not (tmp_path / "copy.db").exists()


async def test_looking_at_a_database_makes_none(db, place, tmp_path):
    """
    Else a backup in the wrong folder, or without the settings file, succeeds with nothing in it.
    """
    _, data = place

    status = await db("status", code=1)
    rekeyed = await db("rekey", code=1)

    assert not (data / "gateway.db").exists()
    assert f"there is no {data / 'gateway.db'}" in status
    assert "there is no database" in rekeyed
    assert "--data-dir" in rekeyed

    data.mkdir()
    (data / "gateway.db").touch()
    told = await db("backup", str(tmp_path / "copy.db"), code=1)

    assert "nothing in the database" in told
    assert not (tmp_path / "copy.db").exists()


async def test_stored_keys_stand_in_the_way_of_another_secret_key(db, place, plugins):
    """
    Their values are known to nobody: they are named, and nothing is changed.
    """
    await serve(place, plugins, make_key)

    told = await db("rekey", code=1)

    assert "1 virtual keys" in told
    assert "mine" in told
    assert "--revoke-stored" in told
    status = json.loads(await db("status", "--json"))
    assert status["entities"] == {"virtual_key": 1}


async def test_a_gateway_starts_with_another_secret_key_once_stored_keys_are_revoked(
    db, place, plugins
):
    """
    They are gone by name, and new ones are made with the new key.
    """
    old = await serve(place, plugins, make_key)

    told = await db("rekey", "--revoke-stored")
    new = await serve(place, plugins, make_key, root=NEW_ROOT)

    assert "revoked mine" in told
    assert "keep it" in told
    assert old != new


async def test_another_secret_key_is_told_to_whoever_records(db, place, plugins):
    """
    The next start says what became of which key, as if the management API had done it.
    """
    heard = []

    class Hears(Plugin):
        @hookimpl
        def on_event(self, event):
            if isinstance(event, AdminActed):
                heard.append((event.actor, event.action, event.target))

    await serve(place, [*plugins, Hears], make_key)
    ((_, _, made),) = heard
    await db("rekey", "--revoke-stored")
    heard.clear()
    await serve(
        place,
        [*plugins, Hears],
        lambda client: client.gateway.tasks.join(10),
        root=NEW_ROOT,
    )

    assert heard == [
        ("cli", "gatewright db rekey", "server.secret_key"),
        ("cli", "gatewright db rekey", made),
    ]


async def test_nothing_is_done_while_a_gateway_runs(db, place, plugins):
    """
    It would go on hashing with the old key.
    """

    async def work(client):
        return await db("rekey", "--revoke-stored", code=1)

    told = await serve(place, plugins, work)

    assert "stop it first" in told


async def test_another_database_has_its_own_tools(alone, place, monkeypatch):
    """
    A backup of PostgreSQL is pg_dump's.
    """
    file, data = place
    file.write_text(
        f"version: 1\nserver: {{data_dir: {data}}}\nstorage: {{url: env.DB}}\n"
    )
    monkeypatch.setenv("DB", "postgresql://u:secret-word@db/x")

    told = await alone.run("db", "backup", "-c", str(file), str(data / "x"), code=1)

    assert "pg_dump" in told
    assert "secret-word" not in told
