"""
The command ``audit reseal``, and what a gateway says that needs it.
"""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from gateway.errors import ConfigError
from gateway_audit.bodies.sealing import unseal
from gateway_audit.cli.log_commands import log_commands
from gateway_audit.sequencing.sequencer import LOCK_FILE
from gateway_audit.spool.disk import Disk

OLD, NEW = "the-old-secret-key-of-this-gateway", "the-new-secret-key-of-this-gateway"


@pytest.fixture(name="reseal")
def _reseal(tmp_path, monkeypatch):
    """
    Run the command where the settings name the new key.
    """
    settings = tmp_path / "gateway.yaml"
    settings.write_text(
        "providers: {p: {type: demo}}\nserver: {secret_key: env.NEW_KEY}\n"
    )
    monkeypatch.setenv("NEW_KEY", NEW)
    monkeypatch.setenv("OLD_KEY", OLD)

    def run(old="env.OLD_KEY", code=0):
        group = click.Group(commands=list(log_commands()))
        words = ["reseal", "--old-key", old, "-c", settings, "--data-dir", tmp_path]
        result = CliRunner().invoke(group, [str(word) for word in words])
        assert result.exit_code == code, result.output
        return result.output

    return run


def by(key, **table):
    """
    Return settings of a gateway that is rooted in *key*.
    """
    return {
        "table": {"subject": "user", "bodies": "full", **table},
        "server": {"secret_key": "env.KEY"},
        "environ": {"KEY": key},
    }


async def test_after_another_secret_key_everybody_is_known_as_before(running, reseal):
    """
    Who called under the old key calls under the new one, and the bodies of before open.
    """
    async with running(**by(OLD)) as audit:
        await audit.call(user="alice")
        alice = audit.recorder.register.find("alice")
        (before,) = audit.entries("outcome")
    said = reseal()
    async with running(**by(NEW)) as audit:
        answer = await audit.call(user="alice")
        after = audit.entries("outcome")[-1]
        await audit.gateway.tasks.join(10)
        (acted,) = audit.entries("admin.acted")
        known = audit.recorder.register.find("alice")
        body = before["body"]
        content = audit.recorder.keeping.shelf.get(alice.pseudonym, body["name"])
        plain = unseal(
            content,
            name=body["name"],
            subject_key=known.key,
            commitment=body["commitment"],
        )

    assert "1" in said
    assert answer.status == 200
    assert known == alice
    assert after["subject"] == before["subject"] == alice.pseudonym
    assert after["peer"] == before["peer"]
    assert b"hello" in plain
    assert (acted["actor"], acted["target"]) == ("cli", "audit/subjects.db")


async def test_a_gateway_that_needs_it_does_not_start(running):
    """
    It says which setting it is about, and what to do.
    """
    async with running(**by(OLD)) as audit:
        await audit.call(user="alice")

    with pytest.raises(
        ConfigError, match=r"server\.secret_key.*audit reseal --old-key"
    ):
        async with running(**by(NEW)):
            pass


async def test_the_same_again_changes_nothing(running, reseal):
    """
    A script may run it twice.
    """
    async with running(**by(OLD)) as audit:
        await audit.call(user="alice")

    assert "persons sealed" in reseal()
    assert "already" in reseal()


async def test_a_wrong_old_key_is_told(running, reseal, monkeypatch):
    """
    Nothing is changed by it.
    """
    async with running(**by(OLD)) as audit:
        await audit.call(user="alice")
    monkeypatch.setenv("OLD_KEY", OLD[::-1])

    assert "neither with --old-key" in reseal(code=1)


def test_there_is_nothing_to_seal(reseal):
    """
    Where no gateway with an audit ever ran.
    """
    assert "nothing is sealed" in reseal(code=1)
    assert "reference" in reseal(old="the key itself", code=2)


async def test_not_beside_a_gateway_at_work(running, reseal, tmp_path):
    """
    It would go on sealing with the old key.
    """
    async with running(**by(OLD)) as audit:
        await audit.call(user="alice")
    disk = Disk()
    lock = disk.lock(tmp_path / "audit" / LOCK_FILE)

    assert "stop it first" in reseal(code=1)
    disk.close(lock)
