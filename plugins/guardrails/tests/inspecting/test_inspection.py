"""
What is kept of one exchange under inspection.
"""

from __future__ import annotations

from gateway import Identity
from gateway.testing import make_exchange


def test_nobody_shares_what_was_found_by_bearing_anothers_name(inspecting):
    """
    A team, a customer and a key of one name are three callers, and strangers a fourth.
    """
    callers = [
        Identity(key_id="acme"),
        Identity(key_id="k", team_id="acme"),
        Identity(key_id="k", team_id="t", customer_id="acme"),
        None,
    ]
    exchanges = [make_exchange() for _ in callers]
    for exchange, caller in zip(exchanges, callers, strict=True):
        exchange.identity = caller

    scopes = {inspecting(exchange).scope() for exchange in exchanges}

    assert len(scopes) == len(callers)


async def test_a_dry_run_leaves_no_conversation_behind(gate):
    """
    Who asks what would happen changes nothing.
    """
    rules = {"pii": {"detectors": ["mail"], "action": "redact", "restore": True}}
    said = {"role": "user", "content": "mail anna@acme.org"}
    document = {"model": "openai/m", "messages": [said]}

    async with gate(rules) as gated:
        path = "/api/explain?path=/v1/chat/completions"
        answer = await gated.client.ask("POST", path, document, None)

        assert answer.json["dry_run"] is True
        assert any(line["outcome"] == "changed" for line in answer.json["trail"])
        assert len(gated.inspector.vault) == 0
