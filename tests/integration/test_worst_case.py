"""
The worst case is never below a bill that the catalog can make of the request.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway import Usage
from gateway.catalog import Catalog
from gateway.testing import make_request
from gateway_governance.bounds import bound_of, output_tokens_for, worst_nano

NOW = 1_790_000_000.0
CATALOG = Catalog.builtin()
PRICED = [
    facts
    for provider in ("openai", "anthropic", "groq", "mistral", "xai")
    for model in CATALOG.models_of(provider)
    if (facts := CATALOG.find(provider, model)) is not None
    and facts.tariff_at(NOW) is not None
]
SHARES = st.lists(st.integers(0, 100), min_size=4, max_size=4)


def split(total: int, shares: list[int]) -> list[int]:
    """
    Divide *total* into buckets.
    """
    whole = sum(shares) or 1
    parts = [total * share // whole for share in shares]
    return [*parts[:-1], total - sum(parts[:-1])]


@given(
    facts=st.sampled_from(PRICED),
    size=st.sampled_from([10, 1000, 150_000, 300_000]),
    used=st.floats(0, 1),
    caches=SHARES,
    thought=st.integers(0, 100),
    choices=st.integers(1, 4),
    tier=st.sampled_from([None, "auto", "default"]),
)
def test_no_bill_is_above_it(facts, size, used, caches, thought, choices, tier):
    """
    However the prompt falls into buckets, whatever is thought, at every length of prompt.
    """
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "a" * size}],
        "max_completion_tokens": 500,
        "n": choices,
    }
    request = make_request(body if tier is None else {**body, "service_tier": tier})
    bound = bound_of(request, facts, "generate")
    tariff = facts.tariff_at(NOW)
    dearest = tariff.dearest(bound.input_tokens, bound.service, bound.region)
    prompt = split(int(bound.input_tokens * used), caches)
    output = int(bound.choices * bound.output_tokens * used)
    reasoning = output * thought // 100
    usage = Usage(
        input=prompt[0],
        cache_read=prompt[1],
        cache_write_5m=prompt[2],
        cache_write_1h=prompt[3],
        output=output - reasoning,
        reasoning=reasoning,
    )

    worst = worst_nano(bound, dearest, bound.output_tokens)

    assert tariff.cost_nano(usage, asked=bound.service) <= worst
    assert output_tokens_for(bound, dearest, worst) == bound.output_tokens


def test_there_are_prices_to_judge_by():
    """
    The test above has models with and without long prompts, and both vendors.
    """
    assert len(PRICED) > 30
    assert {facts.provider for facts in PRICED} >= {"openai", "anthropic"}
