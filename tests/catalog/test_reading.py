from __future__ import annotations

from datetime import date

import pytest

from gateway.catalog.buckets import FIELDS, PIECES, SCALES, TOKENS
from gateway.catalog.reading import (
    MAX_FILE_BYTES,
    CatalogError,
    read_catalog,
    read_catalog_file,
)

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
    (tariff,) = facts.tariffs
    assert tariff.valid_from == date(2026, 1, 31)
    assert (tariff.price.input_pico, tariff.price.output_pico) == (1_000_000, 2_500_000)
    assert tariff.price.server_tools == (("search", 10_000_000_000),)


def test_prices_are_exact():
    """
    A price is read as decimal digits, so no binary fraction comes in between.
    """
    facts = read_one("{price: {from: 2026-01-31, input: 0.07, output: 0.000001}}")

    price = facts.tariffs[0].price
    assert (price.input_pico, price.output_pico) == (70_000, 1)


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
    ``long`` becomes a tier with the tools of the price beside it.
    """
    facts = read_one(
        "{price: {from: 2026-01-31, input: 1, output: 2, tools: {s: 1}}, "
        "long: {above: 50, input: 3, output: 4}}"
    )

    (tier,) = facts.tariffs[0].rates.long
    assert tier.above_tokens == 50
    assert tier.price.input_pico == 3_000_000
    assert tier.price.server_tools == facts.tariffs[0].price.server_tools


def test_several_prices_for_long_prompts_are_sorted():
    """
    ``long`` may be a list, in any order.
    """
    facts = read_one(
        "{price: {from: 2026-01-31, input: 1, output: 2}, long: ["
        "{above: 200, input: 5, output: 6}, {above: 100, input: 3, output: 4}]}"
    )

    long = facts.tariffs[0].rates.long
    assert [tier.above_tokens for tier in long] == [100, 200]
    assert [tier.price.input_pico for tier in long] == [3_000_000, 5_000_000]


def test_reads_every_bucket():
    """
    Each word for a price has its own place, in the unit of its kind.
    """
    words = [*TOKENS, *PIECES]
    picos = {word: number for number, word in enumerate(words, start=1)}
    listed = ", ".join(f"{word}: {number}" for word, number in picos.items())
    facts = read_one(f"{{price: {{from: 2026-01-31, {listed}}}}}")

    price = facts.tariffs[0].price
    for word, place in FIELDS.items():
        assert getattr(price, place) == picos[word] * SCALES[word]


def test_service_tiers_and_regions_have_prices():
    """
    A service tier has buckets, long prompts and tools; what costs by the piece is inherited.
    """
    facts = read_one(
        "{price: {from: 2026-01-31, input: 1, output: 2, request: 5, tools: {s: 1}}, "
        "services: {flex: {input: 0.5, output: 1}, priority: {input: 2, output: 4, "
        "tools: {s: 3}, long: {above: 50, input: 3, output: 6}}}, regions: {us: 1.1}}"
    )

    (tariff,) = facts.tariffs
    (flex_name, flex), (priority_name, priority) = tariff.services
    assert (flex_name, priority_name) == ("flex", "priority")
    assert flex.price.input_pico == 500_000
    assert flex.price.request_pico == tariff.price.request_pico == 5_000_000_000
    assert flex.price.server_tools == (("s", 1_000_000_000),)
    assert priority.price.server_tools == (("s", 3_000_000_000),)
    assert priority.long[0].price.input_pico == 3_000_000
    assert priority.long[0].price.server_tools == (("s", 3_000_000_000),)
    assert tariff.regions == (("us", 1_100),)


def test_a_model_may_have_prices_of_several_times():
    """
    ``prices`` lists them, each with its day, in any order.
    """
    facts = read_one(
        "{prices: [{price: {from: 2026-07-01, input: 2, output: 2}}, "
        "{price: {from: 2026-01-31, input: 1, output: 1}, "
        "long: {above: 5, input: 3, output: 3}}]}"
    )

    early, late = facts.tariffs
    assert (early.valid_from, late.valid_from) == (date(2026, 1, 31), date(2026, 7, 1))
    assert len(early.rates.long) == 1
    assert late.rates.long == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("{colour: red}", "colour", id="unknown-key"),
        pytest.param(
            "{price: {from: 2026-01-31, inptu: 1, output: 1}}", "inptu", id="typo"
        ),
        pytest.param("{price: {input: 1, output: 1}}", "", id="no-date"),
        pytest.param("{price: {from: soon, input: 1, output: 1}}", "soon", id="no-day"),
        pytest.param("{price: {from: 2026-01-31, output: 1}}", "input", id="no-input"),
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
        pytest.param(
            "{price: {from: 2026-01-31, input: 1, output: 1}, prices: []}",
            "in the place of",
            id="both-price-and-prices",
        ),
        pytest.param(
            "{price: {from: 2026-01-31, input: 1, output: 1e20}}",
            "not a price",
            id="absurd",
        ),
        pytest.param("{price: 5}", "should be a table", id="no-table"),
        pytest.param("{also: other}", "should be a list", id="no-list"),
        pytest.param("{capabilities: [[a]]}", "single value", id="no-words"),
        pytest.param("[a]", "should be a table", id="no-entry"),
        pytest.param(
            "{price: {from: 2026-01-31, input: 1, output: 1}, regions: {us: 1.00001}}",
            "whole number",
            id="too-fine-a-factor",
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("acme: [", "no YAML at line", id="no-yaml"),
        pytest.param("- a", "the file: there is no table", id="a-list"),
        pytest.param("acme: {mdels: {}}", "acme: .*nothing else", id="unknown-key"),
        pytest.param("acme: {source: x}", "acme: there is no table", id="no-models"),
        pytest.param(
            "acme: {models: {m: {}, m: {}}}", "repeated .*line 1", id="a-model-twice"
        ),
        pytest.param(
            "acme: {source: [x], models: {m: {}}}", "single value", id="no-source"
        ),
        pytest.param("a: " + "[" * 9_999, "no YAML", id="deep"),
        pytest.param("a: &a [*a]", "recursive", id="in-itself"),
    ],
)
def test_refuses_what_is_no_price_file(text, said):
    """
    The file is refused as a whole, with a place where there is one.
    """
    with pytest.raises(CatalogError, match=said):
        list(read_catalog(text))


class TestReadCatalogFile:
    def test_reads_a_file(self, tmp_path):
        """
        An operator's file is read as the gateway's own is.
        """
        path = tmp_path / "prices.yaml"
        path.write_text(f"{HEAD}    m: {{max_output_tokens: 7}}\n")

        (facts,) = read_catalog_file(path)

        assert facts.max_output_tokens == 7

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            pytest.param(None, "cannot be read: No such file", id="missing"),
            pytest.param(b"\xff", "not UTF-8", id="no-text"),
            pytest.param(b"acme: {models: {m: {colour: red}}}", "acme/m", id="wrong"),
            pytest.param(b" " * (MAX_FILE_BYTES + 1), "larger than", id="too-large"),
        ],
    )
    def test_says_which_file_is_wrong(self, tmp_path, content, said):
        """
        An error names the file, and what is wrong in it.
        """
        path = tmp_path / "prices.yaml"
        if content is not None:
            path.write_bytes(content)

        with pytest.raises(CatalogError, match=f"prices.yaml: .*{said}"):
            read_catalog_file(path)
