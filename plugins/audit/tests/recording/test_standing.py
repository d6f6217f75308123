"""
Tests of `gateway_audit.recording.standing`.
"""

from __future__ import annotations

import pytest

from gateway_audit.recording.standing import LATE_ENTRIES, LATE_S, standing_of
from gateway_audit.sequencing.status import Status

URL = "https://witness.test"


def judged(sink=None, witness=None, **more):
    """
    Judge a status with this sink and this witness.
    """
    return standing_of(
        Status(
            at=0,
            companions={} if sink is None else {"sinks": {"siem": sink}},
            witnesses={} if witness is None else {URL: witness},
            **more,
        )
    )


def sink(lag_s=0.0, lag_entries=0, problem="it answered 503"):
    """
    Make what a sink says of itself.
    """
    return {"lag_s": lag_s, "lag_entries": lag_entries, "problem": problem}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (sink(LATE_S + 1, 7), "sink siem is 7 entries, 901 s behind: it answered 503"),
        (
            sink(2, LATE_ENTRIES + 1),
            "sink siem is 100001 entries, 2 s behind: it answered 503",
        ),
        ({"problem": "the exports ended"}, "sink siem is dead: the exports ended"),
    ],
    ids=["long", "many", "ended"],
)
def test_a_sink_that_fails_for_long_is_a_problem(told, said):
    """
    With how far it is behind, and why.
    """
    found = judged(told)

    assert found.problems == (said,)
    assert not found.is_healthy


@pytest.mark.parametrize(
    "told",
    [sink(LATE_S - 1, 7), sink(problem=None), {}],
    ids=["a moment", "level", "nothing yet"],
)
def test_a_sink_that_fails_for_a_moment_is_none(told):
    """
    It tries again by itself.
    """
    assert judged(told).is_healthy


def test_a_sink_that_is_slow_is_a_warning():
    """
    Somebody who brings a year of entries to a new system is well.
    """
    found = judged(sink(LATE_S * 100, 10**6, problem=None))

    assert found.is_healthy
    assert found.warnings == ("sink siem is 1000000 entries, 90000 s behind",)


def test_a_witness_that_fails_for_long_is_a_problem():
    """
    Nobody else sees to it that the log is not set back.
    """
    failing = {"size": 3, "problem": "it cannot be reached"}

    found = judged(witness={**failing, "failing_s": LATE_S + 1})

    assert found.problems == (f"witness {URL} has cosigned nothing for 901 s",)
    assert judged(witness={**failing, "failing_s": LATE_S - 1}).is_healthy
    assert judged(witness={"size": 3, "problem": None, "failing_s": 0}).is_healthy


def test_what_the_sequencer_finds_wrong_counts():
    """
    As does that there is none.
    """
    found = judged(problems=("the log cannot be written",), warnings=("90% in use",))

    assert found.problems == ("the log cannot be written",)
    assert found.warnings == ("90% in use",)
    assert not standing_of(None).is_healthy
