"""
What detectors and guardrails say to each other.
"""

from __future__ import annotations

import pickle

from gateway.detecting import DetectorFailed, Find


def test_a_failure_says_its_reason_and_what_an_operator_may_read():
    """
    Programs go by the word, people by the sentence.
    """
    failure = DetectorFailed("throttled", "429 of the service")

    assert failure.reason == "throttled"
    assert str(failure) == "throttled: 429 of the service"
    assert str(DetectorFailed("timeout")) == "timeout"


def test_a_find_is_a_plain_tuple():
    """
    Finds are made by the thousand, kept in caches and handed between threads.
    """
    find = Find(3, 7, "EMAIL")

    assert find == (3, 7, "EMAIL", "medium", 1.0)
    assert pickle.loads(pickle.dumps(find)) == find
