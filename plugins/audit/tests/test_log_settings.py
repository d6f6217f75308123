"""
What the settings may say of the log, and what becomes of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import settings_from_dict
from gateway_audit.log_settings import LogSettings
from gateway_audit.process import sequencer
from gateway_audit.settings import AuditSettings
from gateway_audit.tlog.notes import COSIGNATURE, SigningKey

WITNESS = SigningKey.of_seed("w.example/1", bytes(32), kind=COSIGNATURE).verifier
SIGNER = SigningKey.of_seed("gw.example/log", bytes(32)).verifier


def test_nothing_needs_to_be_said():
    """
    Name and key are made where none is given, and nobody is asked to cosign.
    """
    assert LogSettings().sequencer_arguments() == {
        "origin": None,
        "signing_key": None,
        "witnesses": [],
    }


def read(said):
    settings = settings_from_dict({"plugins": {"audit": said}})
    return settings.plugin("audit", AuditSettings)


def test_what_is_said_reaches_the_sequencer():
    """
    The key as a path, witnesses by URL alone or with their key.
    """
    said = {
        "origin": "gw.example/audit",
        "signing_key": "file./run/secrets/audit",
        "witnesses": [
            "https://w.example",
            {"url": "https://v.example", "key": str(WITNESS)},
        ],
    }

    told = sequencer(read(said)).arguments(Path("/data"), settings_from_dict({}))

    assert told["origin"] == "gw.example/audit"
    assert told["signing_key"] == "/run/secrets/audit"
    assert told["witnesses"] == [
        {"url": "https://w.example", "key": None},
        {"url": "https://v.example", "key": str(WITNESS)},
    ]
    assert told["folder"] == "/data/audit"


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://gw.example"},
        {"origin": "gw example"},
        {"origin": "gw+example"},
        {"signing_key": "env.KEY"},
        {"witnesses": ["ftp://w.example"]},
        {"witnesses": [{"url": "https://w.example", "key": "nonsense"}]},
        {"witnesses": [{"url": "https://w.example", "key": str(SIGNER)}]},
    ],
)
def test_what_cannot_be_used_is_refused(said):
    """
    Before the gateway starts, not when the log is signed.
    """
    with pytest.raises(ConfigError):
        read(said)
