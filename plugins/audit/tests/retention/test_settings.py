"""
What the table ``keep`` may say.
"""

from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.settings import settings_from_dict
from gateway_audit.retention.archives import folder_of
from gateway_audit.retention.settings import KeepSettings
from gateway_audit.settings import AuditSettings


def read(keep):
    settings = settings_from_dict({"plugins": {"audit": {"keep": keep}}})
    return settings.plugin("audit", AuditSettings).keep


def test_by_default_it_is_a_year_and_a_quarter():
    """
    365 days, archived after 90, below the data directory.
    """
    keep = read({})

    assert (keep.days.count, keep.archive_after_days.count) == (365, 90)
    assert keep.archive_to is None


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        ({"days": 0}, "number of days, or never"),
        ({"days": "1y"}, "number of days, or never"),
        ({"days": -1}, "number of days, or never"),
        ({"legal_hold": "soon"}, "the index of an entry, or a day"),
        ({"archive_to": "here"}, "absolute path"),
        ({"archive_to": "s3://x"}, "s3://bucket/prefix"),
        ({"archive_to": "s3://Bank_Audit/x"}, "s3://bucket/prefix"),
        ({"archive_to": {"url": "/a", "endpoint": "https://s3.example"}}, "a folder"),
        ({"archive_to": {"url": "s3://bank/x", "key_id": "env.K"}}, "stand together"),
        (
            {
                "archive_to": {
                    "url": "s3://bank/x",
                    "key_id": "vault.a",
                    "secret": "vault.b",
                }
            },
            "another process",
        ),
        ({"dayz": 3}, "did you mean days"),
    ],
)
def test_what_means_nothing_is_refused(keep, why):
    """
    With what may stand there instead.
    """
    with pytest.raises(ConfigError) as caught:
        read(keep)

    assert why in str(caught.value)


@pytest.mark.parametrize(
    "keep",
    [
        {},
        {"days": "never", "archive_after_days": "never"},
        {"days": 30, "legal_hold": "2026-01-31"},
        {"legal_hold": 4711, "archive_to": "/mnt/archive"},
        {"archive_to": "s3://bank-audit/gw"},
        {
            "archive_to": {
                "url": "s3://bank-audit/gw/x/",
                "endpoint": "https://s3.bank.example",
                "region": "eu-1",
                "key_id": "env.ID",
                "secret": "file./run/s3",
            }
        },
    ],
)
def test_it_reaches_the_other_process_as_it_was_meant(keep):
    """
    Written down as JSON for the sequencer.
    """
    found = read(keep)

    assert KeepSettings.from_json(found.as_json()) == found


def test_a_bucket_has_a_prefix():
    """
    Or none.
    """
    assert read({"archive_to": "s3://bank-audit/a/b/"}).archive_to.bucket == (
        "bank-audit",
        "a/b",
    )
    assert read({"archive_to": "s3://bank-audit"}).archive_to.bucket == (
        "bank-audit",
        "",
    )
    assert read({"archive_to": "/mnt/s3"}).archive_to.bucket is None


@pytest.mark.parametrize(
    ("origin", "folder"),
    [("gw.example/audit", "gw.example_audit"), ("..", "_.."), ("../x", ".._x")],
)
def test_a_logs_folder_leads_nowhere_else(origin, folder):
    """
    An origin is a name; in an archive it is one folder.
    """
    assert folder_of(origin) == folder
