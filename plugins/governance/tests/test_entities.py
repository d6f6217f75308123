from __future__ import annotations

from gateway_governance.entities import Budget, Override, Owner, OwnerKind, Period


def test_an_owner_is_written_as_kind_and_id():
    """
    Meters, logs and the command line name owners alike.
    """
    assert str(Owner(OwnerKind.TEAM, "payments")) == "team/payments"


def test_an_override_counts_until_its_time_is_over():
    """
    A raised limit falls back by itself.
    """
    raised = Budget(
        limit_nano=100,
        period=Period.DAY,
        overrides=(
            Override(amount=20, until=50.0),
            Override(amount=3, until=60.0),
        ),
    )

    assert [raised.limit_at(now) for now in (0.0, 50.0, 60.0)] == [123, 103, 100]
