from __future__ import annotations

import attrs
import pytest

from gateway.conditions import Kind
from gateway.settings import settings_from_dict
from gateway.testing import make_exchange
from gateway_governance.entities import Customer, Team, VirtualKey
from gateway_governance.facts import FACTS, Facts, Used

SETTINGS = settings_from_dict(
    {
        "providers": {"openai": {"keys": {"main": "env.K"}}},
        "models": {"fast": "openai/gpt"},
    }
)


@attrs.frozen
class Caller:
    key: VirtualKey | None = None
    team: Team | None = None
    customer: Customer | None = None


def facts_of(who=None, used=Used, input_tokens=lambda: 0, **exchange) -> Facts:
    return Facts(
        exchange=make_exchange(settings=SETTINGS, **exchange),
        who=who or Caller(),
        used=used,
        input_tokens=input_tokens,
    )


def body(model="m", **more):
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("openai/gpt", "openai", "gpt"),
        ("gpt", "", "gpt"),
        ("meta/llama", "", "meta/llama"),
        ("openai/", "", "openai/"),
    ],
)
def test_a_name_is_taken_apart_at_a_provider_that_there_is(name, provider, model):
    """
    A slash in a model's own name makes no provider.
    """
    facts = facts_of(body=body(name))

    assert (facts.get("provider"), facts.get("model")) == (provider, model)


def test_a_rule_moves_the_request_on():
    """
    Rules that follow a chained one see what it led to.
    """
    facts = facts_of(body=body("gpt"))

    facts.move_to("openai/o1")

    assert (facts.get("provider"), facts.get("model")) == ("openai", "o1")


def test_headers_are_lower_case_and_hold_no_credential():
    """
    A condition has no business with what a caller is known by.
    """
    facts = facts_of(
        headers={
            "X-Tier": "gold",
            "Authorization": "Bearer s",
            "x-api-key": "s",
            "Cookie": "s",
            "X-BF-VK": "s",
        }
    )

    assert facts.get("headers") == {"x-tier": "gold"}


def test_parameters_of_the_query_hold_no_credential():
    """
    Some callers put their key there.
    """
    facts = facts_of(query="region=eu&key=secret&empty=&api_key=secret&a=1&a=2")

    assert facts.get("params") == {"region": "eu", "empty": "", "a": "2"}


@pytest.mark.parametrize(
    ("dialect", "operation", "expected"),
    [
        ("openai_chat", "generate", "chat_completion"),
        ("anthropic_messages", "generate", "chat_completion"),
        ("openai_responses", "generate", "responses"),
        ("openai_completions", "complete", "text_completion"),
        ("openai_embeddings", "embed", "embedding"),
        ("anthropic_messages", "count_tokens", "count_tokens"),
    ],
)
def test_operations_have_bifrosts_words_too(dialect, operation, expected):
    """
    A condition taken over from there means the same here.
    """
    facts = facts_of(dialect=dialect, operation=operation)

    assert facts.get("request_type") == expected
    assert facts.get("operation") == operation
    assert facts.get("dialect") == dialect


def test_owners_are_told_by_id_and_name():
    """
    Whoever is not there is an empty text, which no name equals.
    """
    key = VirtualKey(id="vk_1", name="me", metadata={"env": "prod"})
    facts = facts_of(Caller(key=key, team=Team(id="tm_1", name="payments")))

    names = ("virtual_key_id", "virtual_key_name", "team_id", "team_name")
    assert [facts.get(name) for name in names] == ["vk_1", "me", "tm_1", "payments"]
    assert facts.get("customer_name") == ""
    assert facts.get("metadata") == {"env": "prod"}


def test_what_costs_is_found_once_and_only_if_asked():
    """
    The ledger and the tokenizer are asked at most once a request.
    """
    calls = []

    def used():
        calls.append("used")
        return Used(money=80.5, tokens=10.0, requests=20.0)

    def tokens():
        calls.append("tokens")
        return 7

    facts = facts_of(used=used, input_tokens=tokens)
    facts.get("model")
    before = list(calls)

    percents = [
        facts.get(name)
        for name in ("budget_used", "tokens_used", "request", "rate_used")
    ]
    counts = [facts.get("input_tokens"), facts.get("input_tokens")]

    assert before == []
    assert percents == [80.5, 10.0, 20.0, 20.0]
    assert counts == [7, 7]
    assert calls == ["used", "tokens"]


def test_every_fact_is_of_its_kind():
    """
    The engine takes each value as it is declared, also of a bare or a strange request.
    """
    kinds = {
        Kind.TEXT: str,
        Kind.FLAG: bool,
        Kind.COUNT: int,
        Kind.PERCENT: float,
        Kind.TEXTS: dict,
    }
    strange = facts_of(
        body=body("mé", max_tokens=10**30, stream=True, tools=[]),
        headers={"x-é": "\udcff"},
    )

    for facts in (facts_of(), strange):
        for name, kind in FACTS.items():
            value = facts.get(name)
            assert type(value) is kinds[kind], name
            texts = [value, *(value if isinstance(value, dict) else ())]
            assert all(str(text).encode() is not None for text in texts)
    assert strange.get("max_output_tokens") == 2**63 - 1
