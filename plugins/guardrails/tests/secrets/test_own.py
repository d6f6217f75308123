"""
The gateway's own keys for its providers.
"""

from __future__ import annotations

import pytest
from cutting import assert_cut_invariant

from gateway.detecting import DetectorTools
from gateway.secrets import Secrets
from gateway.settings import ProviderKeySettings, ProviderSettings, SecretRef, Settings
from gateway.testing import ManualClock
from gateway_guardrails.secrets import SECRETS, SecretsOptions

from .conftest import PLACE, found_in, made

FIRST = "Qx7_" + made("{an28}")
SECOND = "Zt3-" + made("{an40}")


@pytest.fixture
def key_file(tmp_path):
    """
    A file with a key in it.
    """
    path = tmp_path / "key"
    path.write_text(FIRST + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def clock():
    """
    A clock that is put on by hand.
    """
    return ManualClock()


@pytest.fixture
def own_detector(key_file, clock):
    """
    A detector of a gateway with two providers' keys, one of which is not there.
    """
    keys = {
        "first": ProviderKeySettings(secret=SecretRef("file", str(key_file))),
        "gone": ProviderKeySettings(secret=SecretRef("env", "NOT_SET")),
    }
    settings = Settings(providers={"openai": ProviderSettings(keys=keys)})
    secrets = Secrets({}, clock=clock)
    tools = DetectorTools(settings=settings, secrets=secrets, clock=clock)
    return SECRETS.make(SecretsOptions(names=False), tools)


def test_finds_a_key_exactly(own_detector):
    """
    A provider's key is found wherever it stands; half of it is not.
    """
    assert found_in(own_detector, f"use {FIRST}.") == [("provider_key", FIRST)]
    assert found_in(own_detector, f"a{FIRST}b") == [("provider_key", FIRST)]
    assert found_in(own_detector, f"use {FIRST[:-1]}") == []


def test_follows_a_file_that_was_changed(own_detector, key_file, clock):
    """
    The new key is found within seconds, and the one before still is.
    """
    key_file.write_text(SECOND)
    clock.move(5)

    found = found_in(own_detector, f"{FIRST} {SECOND}")

    assert found == [("provider_key", FIRST), ("provider_key", SECOND)]


def test_finds_what_else_the_settings_refer_to(key_file, clock):
    """
    A plugin's secrets, an administrator's token; a provider's key stays one.
    """
    provider = ProviderKeySettings(secret=SecretRef("file", str(key_file)))
    references = [provider.secret, SecretRef("env", "TOKEN")]
    tools = DetectorTools(
        settings=Settings(providers={"a": ProviderSettings(keys={"k": provider})}),
        secrets=Secrets({"TOKEN": SECOND}, clock=clock),
        clock=clock,
        references=lambda: references,
    )

    found = found_in(SECRETS.make(SecretsOptions(), tools), f"{FIRST} {SECOND}")

    assert found == [("provider_key", FIRST), ("gateway_secret", SECOND)]


def test_cutting_does_not_matter(own_detector):
    """
    A provider's key is found wherever a stream cuts it.
    """
    assert_cut_invariant(own_detector, f"use {FIRST}, not x{FIRST[:9]}", rounds=4)


def test_keeps_no_key(own_detector):
    """
    Nothing that hangs on the detector shows a key, or more of it than its first four characters.
    """
    own = own_detector.own
    shown = repr(own_detector) + repr(own) + repr(vars(own))

    assert FIRST[:5].lower() not in shown.lower()
    assert FIRST[4:12] not in shown


def test_no_provider_means_no_work():
    """
    Without keys there is nothing to look for.
    """
    clock = ManualClock()
    tools = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=clock)

    detector = SECRETS.make(SecretsOptions(), tools)

    assert detector.own is None
    assert detector.find("hello", 0, final=True, place=PLACE) == ((), 5)
