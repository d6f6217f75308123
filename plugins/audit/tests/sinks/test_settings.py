"""
What the table ``sinks`` may say, and what an operator is told who got it wrong.
"""

from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.settings import settings_from_dict
from gateway_audit.settings import AuditSettings
from gateway_audit.sinks.settings import sinks_as_json, sinks_from_json

HEC = {"type": "splunk-hec", "url": "https://hec.bank.example", "secret": "env.HEC"}
TLS = {"type": "syslog", "url": "tls://log.bank.example"}


def read(sinks):
    settings = settings_from_dict({"plugins": {"audit": {"sinks": sinks}}})
    return settings.plugin("audit", AuditSettings).sinks


@pytest.mark.parametrize(
    ("sink", "why"),
    [
        ({"type": "kafka"}, "file http splunk-hec datadog elastic syslog"),
        ({"url": "https://x.example"}, "must be one of"),
        ({"type": "file", "path": "here.jsonl"}, "absolute"),
        ({"type": "file"}, "path"),
        ({**HEC, "secret": "vault.hec"}, "env.NAME or file./path"),
        ({**HEC, "secret": "abc"}, "reference"),
        ({"type": "splunk-hec", "url": "https://x.example"}, "secret"),
        ({**HEC, "url": "http://hec.bank.example"}, "allow_plain"),
        ({**HEC, "url": "ftp://hec.bank.example"}, "http:// or https://"),
        ({**HEC, "acks": True}, "did you mean ack"),
        ({**TLS, "url": "tcp://log.bank.example:514"}, "allow_plain"),
        ({**TLS, "url": "udp://log.bank.example:514"}, "allow_plain"),
        ({**TLS, "url": "https://log.bank.example"}, "tls://HOST:PORT"),
        ({**TLS, "url": "tls://log.bank.example/x"}, "tls://HOST:PORT"),
        ({**TLS, "url": "tls://log.bank.example:99999"}, "no URL"),
        ({**TLS, "cert_file": "/c.pem"}, "stand together"),
        ({**TLS, "hostname": "two words"}, "without spaces"),
        ({"type": "http", "url": "https://x.example", "header": "a b"}, "header"),
        ({"type": "elastic", "url": "https://x.example", "index": "_x"}, "index"),
    ],
)
def test_what_means_nothing_is_refused(sink, why):
    """
    Each with what may stand there instead.
    """
    with pytest.raises(ConfigError) as caught:
        read({"one": sink})

    assert why in str(caught.value)


@pytest.mark.parametrize("name", ["", "Splunk", "../x", "a b", "x" * 65, ".x"])
def test_a_name_is_one_that_a_file_can_have(name):
    """
    A sink's cursor is a file.
    """
    with pytest.raises(ConfigError, match="a sink's name has small letters"):
        read({name: HEC})


def test_every_kind_reaches_the_other_process_as_it_was_meant():
    """
    The settings are written down as JSON for the sequencer, secrets as references.
    """
    sinks = read(
        {
            "a": {"type": "file", "path": "/var/log/audit.jsonl", "keep_files": 3},
            "b": {"type": "http", "url": "http://127.0.0.1:1/x", "form": "json"},
            "c": {**HEC, "ack": False, "index": "ai"},
            "d": {"type": "datadog", "secret": "file./run/dd", "backfill": False},
            "e": {"type": "elastic", "url": "https://e.example", "timeout_s": 2.5},
            "f": {**TLS, "ca_file": "/ca.pem", "settle_s": 0},
            "g": {"type": "syslog", "url": "udp://[::1]:5514", "allow_plain": True},
        }
    )

    told = sinks_as_json(sinks)

    assert sinks_from_json(told) == sinks
    assert told["c"]["secret"] == "env.HEC"
    assert sinks["g"].place == ("udp", "::1", 5514)
    assert sinks["f"].place == ("tls", "log.bank.example", 6514)
