"""
Tests of `gateway_audit.recording.known_settings`.
"""

from __future__ import annotations

import pytest

from gateway.settings import settings_from_dict
from gateway_audit.recording.journal import Journal
from gateway_audit.recording.known_settings import FILE, Known, KnownSettings
from gateway_audit.spool.spool import AuditUnavailable

KEY = bytes(32)
BEFORE = {"routing": {"retries": 0}, "models": {"fast": {"targets": ["openai/a"]}}}
AFTER = {"routing": {"retries": 3}, "models": {"slow": {"targets": ["openai/a"]}}}


async def started(running, data_dir, **more):
    """
    Start and stop a gateway; return what it told of settings.
    """
    async with running(**more) as audit:
        await audit.gateway.tasks.join(10)
        digest = audit.gateway.settings.digest
        return audit.entries("settings.changed"), digest


async def test_a_start_with_other_settings_is_an_entry(running, tmp_path):
    """
    Who stops the gateway, edits the file and starts it again stands in the log as a reload does.
    """
    first, old = await started(running, tmp_path, routing={"retries": 0})
    again, _ = await started(running, tmp_path, routing={"retries": 0})
    (entry,), new = await started(running, tmp_path, routing={"retries": 3})
    later, _ = await started(running, tmp_path, routing={"retries": 3})

    assert (first, again) == ([], [])
    assert (entry["before"], entry["after"]) == (old, new)
    assert (entry["actor"], entry["changed"]) == ("start", ["routing.retries"])
    assert later == [entry]


async def test_what_a_reload_changed_is_not_told_again(running, tmp_path):
    """
    The next start knows the settings that were in force last.
    """
    async with running(routing={"retries": 3}) as audit:
        other = audit.gateway.settings
    async with running(routing={"retries": 0}) as audit:
        await audit.gateway.tasks.join(10)
        await audit.gateway.reload(other, "root")
        await audit.gateway.tasks.join(10)
    told, _ = await started(running, tmp_path, routing={"retries": 3})

    assert [each["actor"] for each in told] == ["start", "root"]


async def test_what_the_disk_did_not_take_is_told_at_the_next_start(
    running, tmp_path, monkeypatch
):
    """
    Nothing is remembered that may not stand in the log.
    """
    await started(running, tmp_path, routing={"retries": 0})
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "noted", refuses)
        await started(running, tmp_path, routing={"retries": 3})
    told, _ = await started(running, tmp_path, routing={"retries": 3})

    assert [each["changed"] for each in told] == [["routing.retries"]] * 2


async def refuses(journal):
    raise AuditUnavailable("the disk is away")


def known(told, key=KEY):
    providers = {"openai": {"type": "demo"}}
    return Known.of(settings_from_dict({"providers": providers, **told}), key)


def test_paths_are_named_and_values_are_not_kept(tmp_path):
    """
    What came, what went and what is another; the file has hashes alone.
    """
    file = KnownSettings(tmp_path)
    file.keep(known(BEFORE))
    before = file.find()

    paths = known(AFTER).change_from(before, 1.0).changed

    assert before == known(BEFORE)
    assert "routing.retries" in paths
    assert {path.split(".")[1] for path in paths if path.startswith("models")} == {
        "fast",
        "slow",
    }
    assert "openai/a" not in (tmp_path / FILE).read_text()


def test_by_another_key_it_is_not_known_what_changed():
    """
    Hashes of two keys differ everywhere, which says nothing.
    """
    told = known(AFTER, bytes(range(32))).change_from(known(BEFORE), 1.0)

    assert told.changed == ()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"v":2}', b'{"v":1,"x":1}'])
def test_a_file_that_cannot_be_read_is_nothing(tmp_path, content):
    """
    The gateway starts all the same.
    """
    (tmp_path / FILE).write_bytes(content)

    assert KnownSettings(tmp_path).find() is None


def test_one_worker_is_at_it(tmp_path):
    """
    They all start at once.
    """
    with (
        KnownSettings(tmp_path).alone() as first,
        KnownSettings(tmp_path).alone() as second,
    ):
        assert (first, second) == (True, False)
