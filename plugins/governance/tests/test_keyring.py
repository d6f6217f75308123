from __future__ import annotations

import pytest

from gateway import ConfigError
from gateway.settings import SecretRef
from gateway.testing import ManualClock
from gateway_governance.keyring import Keyring
from gateway_governance.owners import VirtualKeySettings


def keyring(clock=None, /, **values: str):
    """
    Make a keyring of the named values, and the mapping that it resolves them from.
    """
    keys = {
        name: VirtualKeySettings(secret=SecretRef("env", name), team=f"team-{name}")
        for name in values
    }
    clock = clock or ManualClock()
    return Keyring(keys, lambda ref: values[ref.name], clock.monotonic), values


def test_a_key_is_found_by_its_value():
    """
    The right value finds its key, any other finds nothing.
    """
    ring, _ = keyring(a="a" * 20, b="b" * 20)

    assert ring.find("a" * 20).name == "a"
    assert ring.find("b" * 20).team == "team-b"
    assert ring.find("c" * 20) is None
    assert ring.find("") is None


@pytest.mark.parametrize(
    "value",
    ["x" * 1_000_000, "a" * 19, "a" * 21, "\x00", "\udcff", "' OR 1=1 --", "é" * 30],
    ids=["1-MB", "shorter", "longer", "nul", "surrogate", "sql", "unicode"],
)
def test_hostile_values_are_unknown(value):
    """
    Whatever is shown, it is unknown, and nothing breaks.
    """
    ring, _ = keyring(a="a" * 20)

    assert ring.find(value) is None


def test_a_changed_secret_is_seen_within_a_second():
    """
    A key that was rotated at its place takes effect without a restart.
    """
    clock = ManualClock()
    ring, values = keyring(clock, a="a" * 20)
    values["a"] = "z" * 20

    before = ring.find("z" * 20)
    clock.move(1.0)

    assert before is None
    assert ring.find("z" * 20).name == "a"
    assert ring.find("a" * 20) is None


def test_keys_that_are_no_secrets_are_refused_together():
    """
    Too short and twice the same are errors with their paths; no value is shown.
    """
    with pytest.raises(ConfigError) as caught:
        keyring(short="short-canary", one="s" * 20, two="s" * 20)

    said = str(caught.value)
    assert "plugins.governance.virtual_keys.short.secret: must have 16" in said
    assert (
        "plugins.governance.virtual_keys.two.secret: has the same value as one" in said
    )
    assert "canary" not in said
