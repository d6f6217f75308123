from __future__ import annotations

from gateway.outcomes import Seal

THEIRS = Seal(dialect="openai_responses", data="ZW5j", item_id="rs_1")

FOREIGN = {"type": "thinking", "thinking": "Hm", "signature": THEIRS.wrap()}
HIDDEN = {"type": "redacted_thinking", "data": THEIRS.wrap()}
OWN = {"type": "thinking", "thinking": "Ah", "signature": "c2ln"}


def asked(kit, **members):
    said = {"role": "assistant", "content": "42", **members}
    return kit.asked(messages=["x", said])


def test_foreign_reasoning_is_taken_out(kit):
    """
    What no provider can read goes, and so do the words that say the same.
    """
    request = asked(kit, reasoning_content="Hm", thinking_blocks=[FOREIGN, HIDDEN])

    dropped = kit.dialect.drop_foreign_seals(request)

    assert dropped == 2
    assert request.doc["messages"] == ["x", {"role": "assistant", "content": "42"}]
    assert request.is_dirty


def test_own_reasoning_stays(kit):
    """
    What the provider sealed itself goes back to it.
    """
    request = asked(kit, reasoning_content="Ah", thinking_blocks=[OWN, HIDDEN])

    dropped = kit.dialect.drop_foreign_seals(request)

    said = request.doc["messages"][1]
    assert dropped == 1
    assert (said["reasoning_content"], said["thinking_blocks"]) == (
        "Ah",
        [OWN],
    )


def test_there_is_nothing_to_take_out(kit):
    """
    A request without such reasoning stays as it came.
    """
    raw = b'{"model": "m",  "messages": [{"thinking_blocks": ["gw1.", {}]}, 1]}'
    request = kit.raw_request(raw)

    assert kit.dialect.drop_foreign_seals(request) == 0
    assert request.encode() == raw
