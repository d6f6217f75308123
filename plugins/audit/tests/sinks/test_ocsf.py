"""
Records in the words of OCSF.
"""

from __future__ import annotations

import json

import pytest

from gateway import codec
from gateway_audit.sinks import ocsf
from gateway_audit.sinks.records import Record

OUTCOME = {
    "at": 1_790_000_000_123,
    "attempts": [
        {"target": "openai/gpt-5-mini", "usage": None},
        {
            "stop": "stop",
            "target": "anthropic/claude-sonnet-4-5",
            "usage": {
                "cache_read": 100,
                "images": 3,
                "input": 20,
                "is_estimated": True,
                "output": 7,
                "reasoning": 5,
            },
        },
    ],
    "code": None,
    "customer": None,
    "duration_us": 1_234_567,
    "id": "01JD7K",
    "key": "vk_1",
    "model": "smart",
    "op": "chat",
    "peer": "peer_9",
    "request": "req_01",
    "status": 200,
    "subject": "sub_7",
    "team": "payments",
    "type": "outcome",
    "v": 1,
}
#: What the base event, API Activity and their objects demand.
REQUIRED = {
    *("activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"),
    *("metadata", "actor", "api", "src_endpoint"),
}


def event(**members):
    raw = codec.dumps({**OUTCOME, **members})
    return json.loads(ocsf.encode(Record.of_entry("gw.test/log", 41, raw)))


def test_an_outcome_is_an_ai_operation():
    """
    Model, provider and tokens of the attempt that counted; who, and under which receipt.
    """
    told = event()

    assert told.keys() >= REQUIRED
    assert (told["class_uid"], told["type_uid"]) == (6003, 600399)
    assert told["metadata"]["profiles"] == ["ai_operation"]
    assert told["ai_model"] == {
        "ai_provider": "anthropic",
        "model_name": "claude-sonnet-4-5",
    }
    context = told["message_context"]
    assert (context["prompt_tokens"], context["completion_tokens"]) == (120, 12)
    assert context["total_tokens"] == 132
    assert told["api"]["request"]["uid"] == "req_01"
    assert told["api"]["response"] == {"code": 200}
    assert told["actor"]["user"]["uid"] == "sub_7"
    assert told["actor"]["user"]["groups"] == [{"uid": "payments", "type": "team"}]
    assert told["src_endpoint"] == {"uid": "peer_9"}
    assert (told["duration"], told["status_id"]) == (1234, 1)


def test_its_place_in_the_log_is_told():
    """
    In the schema's own words, and under ours.
    """
    told = event()

    assert told["metadata"]["log_name"] == "gw.test/log"
    assert told["metadata"]["sequence"] == 41
    assert told["metadata"]["uid"] == "01JD7K"
    assert told["unmapped"]["index"] == 41
    assert len(told["unmapped"]["leaf_hash"]) == 64


@pytest.mark.parametrize(
    ("members", "activity", "status", "severity"),
    [
        ({"status": 402, "code": "budget_exceeded"}, 99, 2, 2),
        ({"type": "auth.denied", "code": "admin_denied"}, 99, 2, 3),
        ({"type": "settings.changed", "status": None}, 3, 1, 1),
        ({"type": "erasure", "status": None}, 4, 1, 1),
        ({"type": "export", "status": None}, 2, 1, 1),
        ({"type": "read", "status": None}, 2, 1, 1),
        ({"type": "body.read", "status": None}, 2, 1, 1),
        ({"type": "log.truncated", "status": None}, 99, 1, 5),
        ({"type": "gap", "status": None}, 99, 1, 4),
        ({"status": None}, 99, 0, 1),
    ],
)
def test_what_happened_is_told_apart(members, activity, status, severity):
    """
    By what was done, how it went, and how grave that is.
    """
    told = event(**members)

    found = (told["activity_id"], told["status_id"], told["severity_id"])
    assert found == (activity, status, severity)
    assert told["type_uid"] == 600300 + activity


@pytest.mark.parametrize("attempts", [None, [], [{}], [{"target": "x"}]], ids=repr)
def test_an_outcome_that_lacks_something_is_told_all_the_same(attempts):
    """
    A cache hit has no attempt; an attempt that was not sent has no usage.
    """
    told = event(attempts=attempts)

    assert told.keys() >= REQUIRED
    assert "message_context" not in told
