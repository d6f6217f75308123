"""
Tests of `gateway_audit.entries.names`.
"""

from __future__ import annotations

import pytest

from gateway import ModelListing
from gateway.testing import make_attempt, make_exchange
from gateway_audit.entries.names import Names

LISTED = [
    ModelListing(id="fast", provider="openai", leads_to=("openai/gpt-5-mini",)),
    ModelListing(id="openai/gpt-5", provider="openai"),
]


@pytest.fixture(name="names")
def _names():
    names = Names(b"k" * 32, lambda: LISTED, ["llama-*"])
    names.follow(object())
    return names


@pytest.mark.parametrize(
    "name",
    ["fast", "openai/gpt-5", "gpt-5", "gpt-5-2026-08-07", "gpt-5-mini", "llama-3-70b"],
)
def test_names_that_somebody_else_knows_are_shown(names, name):
    """
    Those of the settings and the catalog, dated snapshots, and the operator's patterns.
    """
    assert names.model(name) == name


def test_any_other_is_a_hash_by_which_equal_ones_are_told(names):
    """
    The provider is ours, the model behind it is the caller's word.
    """
    shown = names.model("openai/canary")

    assert shown.startswith("openai/~")
    assert shown == names.model("openai/canary")
    assert shown != names.model("openai/other")
    assert names.model("canary") == f"~{shown.partition('~')[2]}"
    assert names.model("canary/gpt-5").startswith("~")


def test_a_target_shows_its_provider(names):
    """
    Which is the operator's word, whatever the model is.
    """
    exchange = make_exchange()
    known = make_attempt(exchange, provider="openai", model="gpt-5").target
    unknown = make_attempt(exchange, provider="openai", model="canary").target

    assert names.target(known) == "openai/gpt-5"
    assert names.target(unknown).startswith("openai/~")


def test_a_reason_has_nothing_of_the_caller(names):
    """
    What is quoted, and the model that was asked for, go the way of names.
    """
    hidden = names.hidden(["q/canary", "fast", "openai/gpt-5"])

    told = names.reason('No model "canary" here; q/canary is not "fast".', hidden)

    assert "canary" not in told
    assert '"fast"' in told
    assert names.reason("holds $0.30 for fast", hidden) == "holds $0.30 for fast"
    assert [word for word, _ in hidden] == ["q/canary", "canary"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("line\nbreak\x1b[31m", "line?break?[31m"), ("µs → ok", "µs → ok")],
    ids=["control", "letters"],
)
def test_a_reason_has_no_control_characters(names, reason, told):
    """
    Whoever reads the log in a terminal is safe.
    """
    assert names.reason(reason) == told


def test_a_reason_is_bounded(names):
    """
    It has a beginning, and says that there was more.
    """
    told = names.reason("x" * 5000)

    assert len(told) == 301
    assert told.endswith("…")


def test_other_settings_have_other_names():
    """
    A reload is followed with the first exchange that has the new snapshot.
    """
    listed = list(LISTED)
    names = Names(b"k" * 32, lambda: listed)
    first, second = object(), object()
    names.follow(first)
    before = names.model("new")
    listed.append(ModelListing(id="new", provider="x"))
    names.follow(first)
    same = names.model("new")
    names.follow(second)

    assert before == same != "new"
    assert names.model("new") == "new"
