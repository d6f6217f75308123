"""
Tests of `gateway_audit.recording.settings_diff`.
"""

from __future__ import annotations

import pytest

from gateway import codec
from gateway.settings import settings_from_dict
from gateway_audit.recording.settings_diff import SettingsDiff

SCHEMES = ("env", "file", "vault")
CANARY = "correct horse"


def diff(before, after, max_bytes=10_000):
    """
    Compare two settings that differ in the table of one plugin.
    """
    old, new = (
        settings_from_dict({"plugins": {"x": told}}) for told in (before, after)
    )
    return SettingsDiff.of(old, new, schemes=SCHEMES, max_bytes=max_bytes)


def test_each_path_has_what_stood_there_and_what_does():
    """
    What came has nothing before, what went nothing after; what stayed is not there.
    """
    before = {"rules": [{"limit": 1}, {"limit": 2}], "gone": "a", "same": 7}
    after = {"rules": [{"limit": 1}, {"limit": 3}], "new": {"deep": True}, "same": 7}

    assert diff(before, after).paths == {
        "plugins.x.gone": {"after": None, "before": "a"},
        "plugins.x.new": {"after": {"deep": True}, "before": None},
        "plugins.x.rules[1].limit": {"after": 3, "before": 2},
    }


@pytest.mark.parametrize(
    "table",
    [
        {"password": CANARY},
        {"api_key": CANARY},
        {"X-Api-Key": CANARY},
        {"license_key": CANARY},
        {"client_secret": {"value": [CANARY]}},
        {"auth": {"bearer_token": CANARY}},
        {"url": f"postgresql://gw:{CANARY.replace(' ', '')}@db.example/gw"},
        {"anything": "sk-correcthorse"},
        {"sk-correcthorse": 1},
    ],
    ids=str,
)
def test_what_is_or_may_be_a_secret_is_not_kept(table):
    """
    By its name, by what it looks like, and within a URL; that it changed is.
    """
    for paths in (diff({}, table).paths, diff(table, {}).paths):
        told = codec.dumps(paths).decode()
        assert len(paths) == 1
        assert "hidden" in told or "a text of" in told
        assert "horse" not in told


def test_numbers_below_a_secret_name_are_not_kept_either():
    """
    A PIN is one; what counts tokens is none.
    """
    before = {"pass_token": 1, "max_tokens": 10, "token_ttl_s": 1, "is_secret": True}
    after = {"pass_token": 4711, "max_tokens": 20, "token_ttl_s": 2, "is_secret": False}

    told = diff(before, after).paths

    hidden = told.pop("plugins.x.pass_token")
    assert set(hidden.values()) == {"(hidden)"}
    assert [each["after"] for each in told.values()] == [False, 20, 2]


@pytest.mark.parametrize("reference", ["env.NEW", "file./run/new", "vault.new"])
def test_references_to_secrets_are_kept(reference):
    """
    They say where a secret is, and not what; what only has a dot in it is none.
    """
    told = diff({"secret": "hunter.two"}, {"secret": reference}).paths

    change = told["plugins.x.secret"]
    assert change == {"after": reference, "before": "(hidden)"}


def test_there_is_an_end_to_it():
    """
    What is too long for the room is counted; what is shorter stands there all the same.
    """
    before = {"a": 0, "b": 0, "c": 0}
    found = diff(before, {"a": "x" * 500, "b": 1, "c": "y"}, max_bytes=300)

    assert list(found.paths) == ["plugins.x.b", "plugins.x.c"]
    assert found.left_out == 1
