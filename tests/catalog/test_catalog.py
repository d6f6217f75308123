from __future__ import annotations

import pytest

from gateway.catalog import UNKNOWN, Catalog, ModelFacts
from gateway.dialects import ModelLimits
from gateway.providers.vendors import VENDORS
from gateway.usage import Usage


@pytest.fixture(scope="module")
def builtin() -> Catalog:
    return Catalog.builtin()


def facts(provider: str, model: str, **more) -> ModelFacts:
    return ModelFacts(provider=provider, model=model, **more)


class TestFind:
    catalog = Catalog(
        [
            facts("openai", "gpt-4o", max_output_tokens=16_384),
            facts("openai", "gpt-4o-2024-05-13", max_output_tokens=4_096),
            facts("openai", "gpt-4"),
            facts("anthropic", "claude-sonnet-4-5"),
        ]
    )

    @pytest.mark.parametrize(
        ("provider", "model", "found"),
        [
            ("openai", "gpt-4o", "gpt-4o"),
            ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
            ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
            ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ],
    )
    def test_finds_names_and_dated_snapshots(self, provider, model, found):
        """
        A snapshot has the facts of its own entry, else of the name without the date.
        """
        assert self.catalog.find(provider, model).model == found

    @pytest.mark.parametrize(
        ("provider", "model"),
        [
            pytest.param("azure-openai", "gpt-4o", id="another-vendor"),
            pytest.param("openai", "gpt-4o-mini", id="a-longer-name"),
            pytest.param("openai", "gpt-4-0613", id="no-date"),
            pytest.param("openai", "gpt-4o-2024-13-01", id="no-such-month"),
            pytest.param("openai", "gpt-4o-20241120-x", id="date-in-the-middle"),
            pytest.param("openai", "GPT-4o", id="another-case"),
            pytest.param("openai", "", id="empty"),
        ],
    )
    def test_never_guesses(self, provider, model):
        """
        A name that is only similar is not found.
        """
        assert self.catalog.find(provider, model) is None

    def test_lists_the_vendors_of_a_name(self):
        """
        A bare name tells at which vendors it is known, dated or not.
        """
        catalog = Catalog([facts("b", "m"), facts("a", "m"), facts("c", "other")])

        assert catalog.providers_of("m") == ("a", "b")
        assert catalog.providers_of("m-2026-01-31") == ("a", "b")
        assert catalog.providers_of("n") == ()

    def test_what_is_added_outweighs_what_was_there(self):
        """
        An operator's own facts replace the built-in ones, in a catalog of their own.
        """
        added = facts("openai", "gpt-4", max_output_tokens=1)

        extended = self.catalog.extended([added])

        assert extended.find("openai", "gpt-4") is added
        assert len(extended) == len(self.catalog)
        assert self.catalog.find("openai", "gpt-4").max_output_tokens is None

    def test_unknown_models_have_limits_that_say_nothing(self):
        """
        Whoever writes a request gets limits in any case.
        """
        assert self.catalog.limits("openai", "secret-model") is UNKNOWN

    def test_unknown_models_cost_an_unknown_amount(self):
        """
        No price is not a price of zero.
        """
        assert self.catalog.cost_nano("openai", "secret-model", Usage(input=1)) is None


class TestBuiltin:
    def test_knows_no_vendor_that_the_table_does_not(self, builtin):
        """
        Facts are found by the vendor's name, so it must be spelt as in the table.
        """
        vendors = {provider for provider, _ in builtin._facts}

        assert vendors <= set(VENDORS)

    @pytest.mark.parametrize(
        ("provider", "model", "usage", "nano"),
        [
            ("openai", "gpt-5-2025-08-07", Usage(input=1_000_000), 1_250_000_000),
            ("openai", "gpt-5-nano", Usage(cache_read=3), 15),
            ("openai", "gpt-5.4", Usage(input=272_001), 272_001 * 5_000),
            ("anthropic", "claude-haiku-4-5", Usage(cache_write_5m=4), 5_000),
            ("anthropic", "claude-opus-4-20250514", Usage(output=1), 75_000),
            ("groq", "openai/gpt-oss-120b", Usage(output=10), 6_000),
            ("demo", "echo", Usage(input=9, output=9), 0),
        ],
    )
    def test_prices_models(self, builtin, provider, model, usage, nano):
        """
        Prices of the file, in USD per million tokens, come out in nano-USD.
        """
        assert builtin.cost_nano(provider, model, usage) == nano

    def test_every_entry_says_where_it_is_from(self, builtin):
        """
        A fact without a source cannot be checked.
        """
        assert [f.model for f in builtin._facts.values() if not f.source] == []

    def test_prices_are_plausible(self, builtin):
        """
        A slip of the decimal point is caught: answers cost more than prompts do.
        """
        for entry in builtin._facts.values():
            price = entry.price
            if price is None or "embed" in entry.capabilities:
                continue
            assert price.input_pico <= price.output_pico <= 200_000_000, entry.model
            if price.cache_read_pico is not None:
                assert price.cache_read_pico <= price.input_pico, entry.model
            for tier in entry.tiers:
                assert tier.price.input_pico >= price.input_pico, entry.model
                assert tier.price.output_pico >= price.output_pico, entry.model

    def test_models_that_refuse_sampling_are_known(self, builtin):
        """
        What OpenAI's and Anthropic's newer models refuse is left out by translation.
        """
        assert builtin.limits("openai", "gpt-5").takes_sampling is False
        assert builtin.limits("anthropic", "claude-opus-4-7").takes_sampling is False
        assert builtin.limits("anthropic", "claude-opus-4-6").takes_sampling is True

    def test_facts_are_limits(self, builtin):
        """
        The catalog's facts are what the dialects ask of a model.
        """
        limits: ModelLimits = builtin.limits("anthropic", "claude-sonnet-4-5-20250929")

        assert limits.max_output_tokens == 64_000
        assert limits.reasons_adaptively is False

    def test_vendors_tools_are_priced(self, builtin):
        """
        Searches that the vendor ran cost money beside their tokens.
        """
        searches = Usage(server_tool_calls=(("web_search", 3),))

        assert builtin.cost_nano("openai", "gpt-5", searches) == 30_000_000
        assert builtin.cost_nano("anthropic", "claude-opus-4-8", searches) == 30_000_000
        assert builtin.cost_nano("openai", "gpt-4o", searches) is None
