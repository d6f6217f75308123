from __future__ import annotations

from datetime import date

import pytest

from gateway.catalog.reading import CatalogError, read_catalog

HEAD = "acme:\n  source: its page\n  models:\n"


def read_one(entry: str):
    (facts,) = read_catalog(f"{HEAD}    m: {entry}\n")
    return facts


def test_reads_an_entry():
    """
    Every key of an entry finds its place.
    """
    facts = read_one(
        "{context_window: 100, max_output_tokens: 10, takes_sampling: false, "
        "reasons_adaptively: true, capabilities: [tools], dialects: [openai_chat], "
        "price: {from: 2026-01-31, input: 1, output: 2.5, tools: {search: 10}}}"
    )

    assert (facts.provider, facts.model, facts.source) == ("acme", "m", "its page")
    assert (facts.context_window, facts.max_output_tokens) == (100, 10)
    assert (facts.takes_sampling, facts.reasons_adaptively) == (False, True)
    assert facts.capabilities == {"tools"}
    assert facts.dialects == ("openai_chat",)
    assert facts.price.valid_from == date(2026, 1, 31)
    assert (facts.price.input_pico, facts.price.output_pico) == (1_000_000, 2_500_000)
    assert facts.price.server_tools == (("search", 10_000_000_000),)


def test_prices_are_exact():
    """
    A price is read as decimal digits, so no binary fraction comes in between.
    """
    facts = read_one("{price: {from: 2026-01-31, input: 0.07, output: 0.000001}}")

    assert (facts.price.input_pico, facts.price.output_pico) == (70_000, 1)


def test_other_names_are_models_of_their_own():
    """
    A name under ``also`` has the same facts.
    """
    found = list(read_catalog(f"{HEAD}    m: {{max_output_tokens: 7, also: [n, o]}}\n"))

    assert [facts.model for facts in found] == ["m", "n", "o"]
    assert {facts.max_output_tokens for facts in found} == {7}


def test_an_entry_may_be_empty():
    """
    That a vendor has a model is a fact by itself.
    """
    assert read_one("").max_output_tokens is None


def test_a_long_price_holds_above_its_threshold():
    """
    ``long`` becomes a tier with the tools and the date of the price beside it.
    """
    facts = read_one(
        "{price: {from: 2026-01-31, input: 1, output: 2, tools: {s: 1}}, "
        "long: {above: 50, input: 3, output: 4}}"
    )

    (tier,) = facts.tiers
    assert tier.above_tokens == 50
    assert tier.price.input_pico == 3_000_000
    assert tier.price.server_tools == facts.price.server_tools
    assert tier.price.valid_from == facts.price.valid_from


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("{colour: red}", "colour", id="unknown-key"),
        pytest.param(
            "{price: {from: 2026-01-31, inptu: 1, output: 1}}", "inptu", id="typo"
        ),
        pytest.param("{price: {input: 1, output: 1}}", "", id="no-date"),
        pytest.param("{price: {from: soon, input: 1, output: 1}}", "soon", id="no-day"),
        pytest.param(
            "{price: {from: 2026-01-31, output: 1}}", "input_pico", id="no-input"
        ),
        pytest.param(
            "{price: {from: 2026-01-31, input: -1, output: 1}}", "-1", id="negative"
        ),
        pytest.param(
            "{price: {from: 2026-01-31, input: 0.0000001, output: 1}}",
            "whole number",
            id="too-fine",
        ),
        pytest.param(
            "{price: {from: 2026-01-31, input: free, output: 1}}", "", id="no-number"
        ),
        pytest.param(
            "{long: {above: 1, input: 1, output: 1}}", "price", id="long-alone"
        ),
        pytest.param("{takes_sampling: perhaps}", "perhaps", id="no-flag"),
        pytest.param("{max_output_tokens: many}", "many", id="no-count"),
    ],
)
def test_says_which_entry_is_wrong(entry, said):
    """
    A wrong entry is refused by its name, with what is wrong in it.
    """
    with pytest.raises(CatalogError, match=f"^acme/m: .*{said}"):
        read_one(entry)
