from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.catalog import UNKNOWN, Catalog, ModelFacts, Price, Rates, Tariff
from gateway.dialects import ModelLimits
from gateway.providers.vendors import VENDORS
from gateway.usage import Usage


@pytest.fixture(scope="module")
def builtin() -> Catalog:
    return Catalog.builtin()


NOW = datetime(2026, 11, 28, tzinfo=UTC).timestamp()


def all_rates(entry: ModelFacts) -> list[Rates]:
    return [
        rates
        for tariff in entry.tariffs
        for rates in (tariff.rates, *(rates for _, rates in tariff.services))
    ]


def all_prices(entry: ModelFacts) -> list[Price]:
    return [
        price
        for rates in all_rates(entry)
        for price in (rates.price, *(tier.price for tier in rates.long))
    ]


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

        assert extended.find("openai", "gpt-4") == added
        assert len(extended) == len(self.catalog)
        assert self.catalog.find("openai", "gpt-4").max_output_tokens is None

    def test_a_snapshot_that_is_added_keeps_what_is_known_of_its_model(self):
        """
        A price list names snapshots one by one and knows nothing of sampling.
        """
        catalog = Catalog([facts("openai", "gpt-5", takes_sampling=False)])

        extended = catalog.extended([facts("openai", "gpt-5-2025-08-07")])

        assert extended.find("openai", "gpt-5-2025-08-07").takes_sampling is False

    def test_unknown_models_have_limits_that_say_nothing(self):
        """
        Whoever writes a request gets limits in any case.
        """
        assert self.catalog.limits("openai", "secret-model") is UNKNOWN

    def test_unknown_models_cost_an_unknown_amount(self):
        """
        No price is not a price of zero.
        """
        usage = Usage(input=1)

        assert self.catalog.cost_nano("openai", "secret-model", usage, at=NOW) is None


class TestVersion:
    @staticmethod
    def priced(model="m", pico=1_000, **more) -> ModelFacts:
        price = Price(input_pico=pico, output_pico=0)
        tariff = Tariff(valid_from=date(2026, 1, 31), rates=Rates(price=price))
        return facts("acme", model, **{"tariffs": (tariff,), **more})

    def test_is_of_what_is_known_not_of_its_order(self):
        """
        Two processes that read the same facts agree, whatever order they read them in.
        """
        first, second = self.priced("m"), self.priced("n")

        one = Catalog([first, second]).version

        assert one == Catalog([second, first]).version
        assert len(one) == 16

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"pico": 1_001}, id="price"),
            pytest.param({"max_output_tokens": 5}, id="limit"),
            pytest.param({"capabilities": frozenset({"tools"})}, id="capability"),
            pytest.param({"tariffs": ()}, id="no-price"),
        ],
    )
    def test_changes_with_every_fact(self, changed):
        """
        A record's version tells apart what would have been priced in another way.
        """
        before = Catalog([self.priced()]).version

        assert Catalog([self.priced(**changed)]).version != before

    def test_does_not_change_with_the_source(self):
        """
        Where a fact was found does not change it.
        """
        before = Catalog([self.priced()]).version

        assert Catalog([self.priced(source="elsewhere")]).version == before

    def test_is_the_same_in_another_process(self):
        """
        No hash seed and no address is in it: this is the version of these facts for ever.
        """
        known = self.priced(capabilities=frozenset({"b", "a", "c"}))

        assert Catalog([known]).version == "99ed10bd0549781f"

    def test_unpriced_models_are_listed(self):
        """
        An operator can see what would be refused.
        """
        catalog = Catalog([self.priced("m"), facts("acme", "n")])

        assert catalog.unpriced(NOW) == (("acme", "n"),)


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
        assert builtin.cost_nano(provider, model, usage, at=NOW) == nano

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
            if "embed" in entry.capabilities:
                continue
            for price in all_prices(entry):
                assert price.input_pico <= price.output_pico <= 300_000_000
                read = price.cache_read_pico
                assert read is None or read <= price.input_pico, entry.model
            for rates in all_rates(entry):
                for tier in rates.long:
                    assert tier.price.input_pico >= rates.price.input_pico, entry.model
                    assert tier.price.output_pico >= rates.price.output_pico

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

        def cost(provider, model):
            return builtin.cost_nano(provider, model, searches, at=NOW)

        assert cost("openai", "gpt-5") == 30_000_000
        assert cost("anthropic", "claude-opus-4-8") == 30_000_000
        assert cost("openai", "gpt-4o") is None
