"""
Tests of `gateway_audit.sequencing.key_changes`.
"""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from gateway import codec
from gateway_audit.cli.keys import keys as keys_group
from gateway_audit.sequencing.key_changes import KIND, TOLD_FILE, KeyChanges
from gateway_audit.sequencing.keys import LIST_FILE, find_origin


@pytest.fixture(name="log")
def _log(audit, tmp_path, monkeypatch):
    """
    A log that was begun, under the name that its folder keeps.
    """
    monkeypatch.chdir(tmp_path)
    find_origin(audit.folder, "gw.example/log")
    audit.write("w", [b'{"type":"first"}'])
    run(audit)
    return audit


def run(audit):
    """
    Sequence until all that is to be said is said and signed.
    """
    sequencer = audit.sequencer(companions=[KeyChanges(audit.folder)])
    for _ in range(3):
        sequencer.turn(at_once=True)
    audit.close()


def command(audit, *words):
    """
    Type ``keys …``.
    """
    group = click.Group(commands=[keys_group])
    told = [*words, "--data-dir", audit.folder.parent]
    result = CliRunner().invoke(group, ["keys", *map(str, told)])
    assert result.exit_code == 0, result.output
    return result.output


def said(audit):
    """
    Read what the log says of keys.
    """
    entries = [codec.loads(entry) for entry in audit.entries()]
    return [each for each in entries if each["type"] == KIND]


def test_a_root_key_and_a_rotation_are_entries(log, tmp_path):
    """
    Whatever command put the list there: who may sign from which size on, once each.
    """
    root = tmp_path / "root.pem"
    before = said(log)
    command(log, "root", root)
    run(log)
    run(log)
    new = command(log, "rotate", "--root-key", root).split()[0]
    run(log)
    run(log)

    first, second = said(log)
    assert before == []
    assert (first["before"], first["actor"]) == (None, "root_key")
    assert second["before"] == first["after"] != second["after"]
    assert (len(first["keys"]), len(second["keys"])) == (1, 2)
    assert second["keys"][1].endswith(new)
    assert second["root"].startswith("gw.example/log/root+")


def test_a_list_of_somebody_else_is_no_entry(log, tmp_path):
    """
    What the root key did not sign changes no key.
    """
    command(log, "root", tmp_path / "root.pem")
    run(log)
    opened, found = log.sequencer().log, KeyChanges(log.folder)
    path = log.log / LIST_FILE
    path.write_bytes(path.read_bytes().replace(b" - ", b" 9 "))

    assert list(found.turn(opened, 5.0)) == []


def test_it_is_said_again_if_it_may_not_have_been(log, tmp_path):
    """
    Killed before the entry was signed, the next one says it.
    """
    command(log, "root", tmp_path / "root.pem")
    run(log)
    (log.folder / "keys" / TOLD_FILE).unlink()

    run(log)

    assert len(said(log)) == 2
