from __future__ import annotations

from gateway.trail import Trail


def test_a_trail_adds_up_by_plugin():
    """
    A plugin's time is the sum of its lines; attempts are told where there are any.
    """
    trail = Trail()
    trail.add("a", "pre_request", "passed", "", 1000)
    trail.add("b", "before_attempt", "refused", "no", 500, 2)
    trail.add("a", "on_complete", "passed", "", 250)

    assert trail.time_by_plugin() == {"a": 1250, "b": 500}
    assert trail.as_list()[1]["attempt"] == 2
    assert "attempt" not in trail.as_list()[0]
