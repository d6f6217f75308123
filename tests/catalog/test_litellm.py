from __future__ import annotations

import json
from datetime import date

import pytest

from gateway.catalog import Catalog, ModelFacts
from gateway.catalog.litellm import MAX_BYTES, Imported, read_litellm
from gateway.catalog.reading import read_catalog
from gateway.catalog.writing import write_catalog
from gateway.providers.vendors import VENDORS
from gateway.usage import Usage

DAY = date(2026, 11, 28)
PLAIN = {
    "litellm_provider": "openai",
    "mode": "chat",
    "input_cost_per_token": 2.5e-06,
    "output_cost_per_token": 1e-05,
}


def read(entries) -> Imported:
    raw = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return read_litellm(raw, DAY)


def read_one(name: str = "m", **fields) -> ModelFacts:
    imported = read({name: {**PLAIN, **fields}})
    assert imported.skipped == ()
    (facts,) = imported.facts
    return facts


def price_of(**fields):
    return read_one(**fields).tariffs[0].price


class TestPrices:
    @pytest.mark.parametrize(
        ("literal", "pico"),
        [
            ("2.5e-06", 2_500_000),
            ("3.75e-08", 37_500),
            ("1.3e-07", 130_000),
            ("0.0000001", 100_000),
            ("1E-12", 1),
            ("1", 10**12),
        ],
    )
    def test_are_exact_from_scientific_notation(self, literal, pico):
        """
        The digits that were written are the price, no binary fraction.
        """
        entry = json.dumps(PLAIN).replace("2.5e-06", literal)

        imported = read(f'{{"m": {entry}}}'.encode())

        assert imported.facts[0].tariffs[0].price.input_pico == pico
        assert imported.notes == ()

    def test_finer_than_a_pico_is_rounded_up_and_told(self):
        """
        What cannot be counted exactly is never counted too low, nor in silence.
        """
        imported = read(
            {"m": {**PLAIN, "input_cost_per_token": 1.9999900000000004e-07}}
        )

        assert imported.facts[0].tariffs[0].price.input_pico == 200_000
        assert [note.text for note in imported.notes] == [
            "rounded up: input_cost_per_token"
        ]

    def test_every_bucket_has_its_place(self):
        """
        Caches, audio, pictures, reasoning, and what is paid by the piece.
        """
        price = price_of(
            cache_read_input_token_cost=1e-06,
            cache_creation_input_token_cost=2e-06,
            cache_creation_input_token_cost_above_1hr=3e-06,
            output_cost_per_reasoning_token=4e-06,
            input_cost_per_audio_token=5e-06,
            output_cost_per_audio_token=6e-06,
            input_cost_per_image_token=7e-06,
            output_cost_per_image_token=8e-06,
            input_cost_per_image=0.009,
            input_cost_per_request=0.01,
            search_context_cost_per_query={
                "search_context_size_low": 0.01,
                "search_context_size_high": 0.02,
            },
            file_search_cost_per_1k_calls=2.5,
        )

        assert price.cache_read_pico == 1_000_000
        assert price.cache_write_5m_pico == 2_000_000
        assert price.cache_write_1h_pico == 3_000_000
        assert price.reasoning_pico == 4_000_000
        assert price.input_audio_pico == 5_000_000
        assert price.output_audio_pico == 6_000_000
        assert price.input_image_pico == 7_000_000
        assert price.output_image_pico == 8_000_000
        assert price.image_pico == 9_000_000_000
        assert price.request_pico == 10_000_000_000
        assert price.server_tools == (
            ("web_search", 20_000_000_000),
            ("file_search", 2_500_000_000),
        )

    def test_long_prompts_have_tiers(self):
        """
        Each threshold is a tier; what it does not name rises with its input.
        """
        facts = read_one(
            cache_read_input_token_cost=1e-06,
            input_cost_per_token_above_200k_tokens=7.5e-06,
            output_cost_per_token_above_200k_tokens=2e-05,
            input_cost_per_token_above_128k_tokens=5e-06,
            output_cost_per_token_above_128k_tokens=1e-05,
            cache_read_input_token_cost_above_128k_tokens=1.5e-06,
        )

        first, second = facts.tariffs[0].rates.long
        assert (first.above_tokens, second.above_tokens) == (128_000, 200_000)
        assert first.price.cache_read_pico == 1_500_000
        assert second.price.input_pico == 7_500_000
        assert second.price.cache_read_pico == 3_000_000  # 1 x 7.5 / 2.5

    def test_service_tiers_have_prices(self):
        """
        A suffix names the tier; what it leaves out is at least what is billed.
        """
        facts = read_one(
            cache_read_input_token_cost=1e-06,
            input_cost_per_token_priority=5e-06,
            output_cost_per_token_priority=2e-05,
            input_cost_per_token_batches=1.25e-06,
            output_cost_per_token_batches=5e-06,
        )

        services = dict(facts.tariffs[0].services)
        assert services.keys() == {"priority", "batch"}
        assert services["priority"].price.output_pico == 20_000_000
        assert services["priority"].price.cache_read_pico == 2_000_000
        assert services["batch"].price.cache_read_pico == 1_000_000

    def test_a_service_tier_has_long_prompts_too(self):
        """
        Its own where they are listed, else the dearer of the long and of its short price.
        """
        facts = read_one(
            input_cost_per_token_above_272k_tokens=5e-06,
            output_cost_per_token_above_272k_tokens=1.5e-05,
            input_cost_per_token_flex=1.25e-06,
            input_cost_per_token_above_272k_tokens_flex=2.5e-06,
            output_cost_per_token_above_272k_tokens_flex=7.5e-06,
            input_cost_per_token_priority=7e-06,
            output_cost_per_token_priority=1.2e-05,
        )

        tariff = facts.tariffs[0]
        assert tariff.rates_of("flex").at(300_000).input_pico == 2_500_000
        priority = tariff.rates_of("priority").at(300_000)
        assert (priority.input_pico, priority.output_pico) == (7_000_000, 15_000_000)

    def test_anthropics_factors(self):
        """
        The fast mode is a tier, a region a factor on what tokens cost.
        """
        facts = read_one(
            litellm_provider="anthropic",
            provider_specific_entry={"us": 1.1, "fast": 2.0, "other": "x"},
        )

        (tariff,) = facts.tariffs
        assert tariff.regions == (("us", 1_100),)
        assert tariff.rates_of("fast").price.output_pico == 20_000_000

    @pytest.mark.parametrize(
        ("name", "provider"),
        [("perplexity/sonar", "perplexity"), ("gpt-4o-search-preview", "openai")],
    )
    def test_who_always_searches_pays_with_each_request(self, name, provider):
        """
        These count no searches, so the dearest one is in every request.
        """
        sizes = {"search_context_size_low": 0.005, "search_context_size_high": 0.012}
        facts = read_one(
            name, litellm_provider=provider, search_context_cost_per_query=sizes
        )

        price = facts.tariffs[0].price
        assert price.request_pico == 12_000_000_000
        assert price.server_tools == ()

    def test_a_price_of_nothing_is_none(self):
        """
        A bucket at 0 is billed as the list's silence is: as input, or not known.
        """
        price = price_of(
            cache_creation_input_token_cost=0.0, input_cost_per_audio_token=0
        )

        assert price.cache_write_5m_pico is None
        assert price.input_audio_pico is None


class TestFacts:
    def test_limits_and_capabilities(self):
        """
        What the list knows beside prices is taken as well.
        """
        facts = read_one(
            max_input_tokens=200_000,
            max_output_tokens=8_192.0,
            supports_function_calling=True,
            supports_vision=True,
            supports_reasoning=False,
            supports_response_schema=True,
        )

        assert (facts.context_window, facts.max_output_tokens) == (200_000, 8_192)
        assert facts.capabilities == {"tools", "vision", "structured"}
        assert facts.dialects == ()
        assert "2026-11-28" in facts.source

    @pytest.mark.parametrize(
        ("fields", "tokens"),
        [
            ({"max_tokens": 4_096}, 4_096),
            ({"max_tokens": 4_096, "max_output_tokens": 512}, 512),
            ({"max_output_tokens": "many"}, None),
            ({"max_output_tokens": True}, None),
        ],
    )
    def test_the_most_output(self, fields, tokens):
        """
        The older field says it where the newer one does not; only counts are read.
        """
        assert read_one(**fields).max_output_tokens == tokens

    def test_an_embedding_has_no_answer(self):
        """
        Its answer is free, and it is asked in one dialect only.
        """
        facts = read_one(mode="embedding", output_cost_per_token=0.0, max_tokens=8_191)

        assert facts.tariffs[0].price.output_pico == 0
        assert facts.max_output_tokens is None
        assert facts.dialects == ("openai_embeddings",)
        assert facts.capabilities == {"embed"}

    @pytest.mark.parametrize(
        ("name", "theirs", "provider", "model"),
        [
            ("gpt-5", "openai", "openai", "gpt-5"),
            ("groq/openai/gpt-oss", "groq", "groq", "openai/gpt-oss"),
            ("together_ai/a/b", "together_ai", "together", "a/b"),
            ("azure/gpt-5", "azure", "azure-openai", "gpt-5"),
            ("claude-opus-5", "anthropic", "anthropic", "claude-opus-5"),
        ],
    )
    def test_names_are_ours(self, name, theirs, provider, model):
        """
        The vendor as in our table, the model as the vendor calls it.
        """
        facts = read_one(name, litellm_provider=theirs)

        assert (facts.provider, facts.model) == (provider, model)
        assert provider in VENDORS

    def test_another_name_has_the_same_facts(self):
        """
        ``alias_of`` names the entry that is meant.
        """
        imported = read({"m": PLAIN, "latest": {"alias_of": "m"}})

        assert [facts.model for facts in imported.facts] == ["latest", "m"]
        assert imported.facts[0].tariffs == imported.facts[1].tariffs


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        pytest.param(5, "no object", id="no-object"),
        pytest.param({"alias_of": "gone"}, "not there", id="dead-alias"),
        pytest.param({"alias_of": 5}, "not there", id="odd-alias"),
        pytest.param({}, "no such vendor", id="no-provider"),
        pytest.param(
            {**PLAIN, "litellm_provider": "bedrock"}, "no such vendor", id="vendor"
        ),
        pytest.param({**PLAIN, "mode": "image_generation"}, "mode", id="mode"),
        pytest.param({**PLAIN, "mode": ["chat"]}, "mode", id="odd-mode"),
        pytest.param(
            {**PLAIN, "input_cost_per_token": None}, "no number", id="null-price"
        ),
        pytest.param(
            {**PLAIN, "input_cost_per_token": "1e-6"}, "no number", id="text-price"
        ),
        pytest.param({**PLAIN, "input_cost_per_token": -1}, "no price", id="negative"),
        pytest.param({**PLAIN, "input_cost_per_token": 1e9}, "no price", id="absurd"),
        pytest.param({**PLAIN, "output_cost_per_token": 0.0}, "one of 0", id="zero"),
        pytest.param(
            {**PLAIN, "mode": "embedding", "input_cost_per_token": 0.0},
            "more often none",
            id="zero-embedding",
        ),
        pytest.param(
            {
                "litellm_provider": "openai",
                "mode": "chat",
                "output_cost_per_token": 1e-06,
            },
            "token of the prompt",
            id="no-input",
        ),
    ],
)
def test_what_is_not_certain_is_skipped_and_told(entry, why):
    """
    Each entry that is not taken is reported with the reason; the others are taken.
    """
    imported = read({"odd": entry, "good": PLAIN})

    (remark,) = imported.skipped
    assert remark.name == "odd"
    assert why in remark.text
    assert [facts.model for facts in imported.facts] == ["good"]


def test_the_price_of_one_region_is_skipped():
    """
    The name of a deployment does not tell where it is.
    """
    imported = read({"azure/eu/gpt-5": {**PLAIN, "litellm_provider": "azure"}})

    assert "one region" in imported.skipped[0].text


def test_an_odd_name_is_skipped_and_not_repeated_whole():
    """
    A name that is none reaches the report cut and quoted.
    """
    imported = read({"a\n" + "b" * 500: PLAIN})

    assert imported.facts == ()
    assert len(imported.skipped[0].name) < 60
    assert "\n" not in imported.skipped[0].name


def test_two_prices_of_one_model_are_told():
    """
    The first is taken, the other reported: nothing chooses in silence.
    """
    dearer = {**PLAIN, "litellm_provider": "deepseek", "input_cost_per_token": 9e-06}
    imported = read(
        {"x": {**PLAIN, "litellm_provider": "deepseek"}, "deepseek/x": dearer}
    )

    assert len(imported.facts) == 1
    assert [remark.name for remark in imported.skipped] == ["deepseek/x"]


def test_prices_that_are_not_understood_are_told():
    """
    A field that may be a price and has no place here is named.
    """
    imported = read({"m": {**PLAIN, "citation_cost_per_token": 2e-06, "rpm": 5}})

    assert imported.notes[0].text == "not taken: citation_cost_per_token"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param(b"[]", "no list of prices", id="a-list"),
        pytest.param(b"{", "not JSON", id="no-json"),
        pytest.param(b'{"m": {}, "m": {}}', "repeats a key", id="twice"),
        pytest.param(b" " * (MAX_BYTES + 1), "larger than", id="too-large"),
    ],
)
def test_what_is_no_list_is_refused(raw, said):
    """
    A file of another kind is refused as a whole.
    """
    with pytest.raises(ValueError, match=said):
        read(raw)


def test_an_imported_list_is_a_price_file():
    """
    Written and read again it prices the same, and extends the catalog.
    """
    imported = read(
        {
            "gpt-5": {**PLAIN, "input_cost_per_token_priority": 5e-06},
            "text-embed": {**PLAIN, "mode": "embedding"},
        }
    )

    again = list(read_catalog(write_catalog(imported.facts)))
    catalog = Catalog.builtin().extended(again)

    assert tuple(again) == imported.facts
    usage = Usage(input=10, service_tier="priority")
    assert catalog.cost_nano("openai", "gpt-5", usage, at=0) == 50_000
    assert catalog.limits("openai", "gpt-5").takes_sampling is False
