from __future__ import annotations

from gateway.request_ids import new_request_id


def test_request_ids_sort_by_time_and_cannot_be_guessed():
    """
    An id begins with its time; two of the same moment differ.
    """
    early, late = new_request_id(1.0), new_request_id(2.0)

    assert early < late
    assert new_request_id(1.0) != early
    assert early.startswith("req_")
    assert len(early) == len(late) == 32
