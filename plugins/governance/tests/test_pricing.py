from __future__ import annotations

from datetime import UTC, date, datetime

import attrs
import pytest

from gateway.catalog import Catalog, ModelFacts, Price, Rates, Tariff
from gateway.usage import Usage
from gateway_governance import pricing
from gateway_governance.entities import PricingOverride
from gateway_governance.pricing import Ceiling, Pricer


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-11-28T12:00:00")


def facts(model: str, *prices: tuple[str, int]) -> ModelFacts:
    return ModelFacts(
        provider="openai",
        model=model,
        tariffs=tuple(
            Tariff(
                valid_from=date.fromisoformat(day),
                rates=Rates(price=Price(input_pico=pico, output_pico=pico)),
            )
            for day, pico in prices
        ),
    )


CATALOG = Catalog(
    [
        facts("gpt-5", ("2026-01-31", 1_000_000), ("2026-12-01", 2_000_000)),
        facts("gpt-5-mini", ("2026-01-31", 100_000)),
        facts("gpt-new"),
    ]
)


def override(id_: str, usd: str = "9", **scope) -> PricingOverride:
    prices = scope.pop("prices", {"input": usd, "output": usd})
    return PricingOverride(id=id_, name=id_, prices=prices, **scope)


def find(pricer: Pricer, model="gpt-5", *, provider="main", key_id=None, when=NOW):
    return pricer.price("openai", provider, model, key_id=key_id, at=when)


class TestCatalog:
    def test_without_an_override_the_catalog_holds(self):
        """
        By the kind of provider, whatever its name in the settings.
        """
        priced = find(Pricer(CATALOG), provider="openai-eu")

        assert priced.tariff.price.input_pico == 1_000_000
        assert (priced.source, priced.override_id) == ("catalog", None)
        assert priced.version == CATALOG.version

    def test_a_price_changes_on_its_day(self):
        """
        Also for a price that was asked for before and is remembered.
        """
        pricer = Pricer(CATALOG)

        before = find(pricer, when=at("2026-11-30T23:59:59"))
        after = find(pricer, when=at("2026-12-01T00:00:00"))

        assert before.tariff.price.input_pico == 1_000_000
        assert after.tariff.price.input_pico == 2_000_000

    def test_a_price_is_remembered(self):
        """
        The next request for it finds the same object.
        """
        pricer = Pricer(CATALOG)

        assert find(pricer) is find(pricer, key_id="vk_1")


class TestOverrides:
    @pytest.mark.parametrize(
        ("scopes", "wins"),
        [
            pytest.param(
                {"all": {}, "provider": {"provider": "main"}},
                "provider",
                id="provider-before-any",
            ),
            pytest.param(
                {"provider": {"provider": "main"}, "key": {"key_id": "vk_1"}},
                "key",
                id="key-before-provider",
            ),
            pytest.param(
                {"all": {}, "short": {"model": "gpt-*"}, "long": {"model": "gpt-5*"}},
                "long",
                id="the-longer-pattern",
            ),
            pytest.param(
                {"exact": {"model": "gpt-5"}, "pattern": {"model": "gpt-5*"}},
                "exact",
                id="a-name-before-a-pattern",
            ),
            pytest.param(
                {"model": {"model": "gpt-5"}, "provider": {"provider": "main"}},
                "provider",
                id="provider-before-model",
            ),
            pytest.param(
                {"old": {"updated_at": 1.0}, "new": {"updated_at": 2.0}},
                "new",
                id="the-latest",
            ),
            pytest.param({"b": {}, "a": {}}, "a", id="the-first-id"),
            pytest.param(
                {
                    "all": {},
                    "other-key": {"key_id": "vk_2"},
                    "other-provider": {"provider": "spare"},
                    "other-model": {"model": "*-mini"},
                },
                "all",
                id="what-does-not-match",
            ),
            pytest.param(
                {"key": {"key_id": "vk_1", "provider": "spare"}, "all": {}},
                "all",
                id="a-key-at-another-provider",
            ),
        ],
    )
    def test_the_most_specific_one_holds(self, scopes, wins):
        """
        Key, then provider, then model, whatever the order in which they were made.
        """
        overrides = [override(id_, **scope) for id_, scope in scopes.items()]

        for order in (overrides, overrides[::-1]):
            priced = find(Pricer(CATALOG, order), key_id="vk_1")

            assert priced.override_id == wins
            assert priced.source == "override"

    def test_what_it_does_not_say_is_the_catalogs(self):
        """
        Of the day at which the request was made.
        """
        pricer = Pricer(CATALOG, [override("cheap", prices={"output": "0.5"})])

        price = find(pricer, when=at("2026-12-24T00:00:00")).tariff.price

        assert (price.input_pico, price.output_pico) == (2_000_000, 500_000)

    def test_keys_do_not_share_what_is_theirs(self):
        """
        A price that is remembered for one key is not another's.
        """
        pricer = Pricer(CATALOG, [override("theirs", key_id="vk_1")])

        assert find(pricer, key_id="vk_1").source == "override"
        assert find(pricer, key_id="vk_2").source == "catalog"
        assert find(pricer, key_id=None).source == "catalog"

    def test_it_prices_what_the_catalog_does_not(self):
        """
        A model without a price has one as soon as the operator says it.
        """
        pricer = Pricer(CATALOG, [override("house", model="gpt-new")])

        assert find(pricer, "gpt-new").tariff.price.input_pico == 9_000_000

    def test_half_a_price_leaves_the_model_without_one(self):
        """
        What an override leaves out of nothing is unknown.
        """
        pricer = Pricer(CATALOG, [override("half", prices={"input": "1"})])

        assert find(pricer, "gpt-new") is None

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param(override("bad", usd="dear"), id="amount"),
            pytest.param(override("bad", prices={"colour": "1"}), id="name"),
            pytest.param(override("bad", model="g*t*5"), id="pattern"),
        ],
    )
    def test_one_that_cannot_be_read_makes_no_price(self, broken):
        """
        The catalog's may be too low, so there is none, and the fault is told.
        """
        pricer = Pricer(CATALOG, [broken])

        assert find(pricer) is None
        assert [id_ for id_, _ in pricer.faults] == ["bad"]


class TestUnpriced:
    @pytest.mark.parametrize("model", ["gpt-new", "gpt-unheard-of", ""])
    def test_is_refused_by_default(self, model):
        """
        No price is None, which nobody takes for 0.
        """
        pricer = Pricer(CATALOG)

        assert find(pricer, model) is None
        assert pricer.fallback is None

    def test_a_ceiling_holds_for_every_bucket_and_is_marked(self):
        """
        What is charged is never less in one bucket, tier or region than in another.
        """
        ceiling = Ceiling(input_pico=3_000, output_pico=7_000)
        pricer = Pricer(CATALOG, unpriced=ceiling)
        usage = Usage(
            input=1,
            cache_read=1,
            cache_write_5m=1,
            cache_write_1h=1,
            input_audio=1,
            input_image=1,
            output=1,
            reasoning=1,
            output_audio=1,
            output_image=1,
            service_tier="anything",
            region="anywhere",
        )

        priced = find(pricer, "gpt-new")

        assert priced.source == "ceiling"
        assert priced is pricer.fallback
        assert priced.tariff.cost_nano(usage) == 6 * 3 + 4 * 7
        assert find(pricer, "gpt-5").source == "catalog"

    def test_a_ceiling_does_not_bound_tools(self):
        """
        What a vendor's tool costs is no matter of tokens.
        """
        pricer = Pricer(CATALOG, unpriced=Ceiling(input_pico=3, output_pico=7))
        searched = Usage(server_tool_calls=(("web_search", 1),))

        assert find(pricer, "gpt-new").tariff.cost_nano(searched) is None

    def test_free_is_a_zero_that_somebody_said(self):
        """
        It is marked, and 0 for tools too.
        """
        pricer = Pricer(CATALOG, unpriced="free")
        usage = Usage(input=5, output=5, server_tool_calls=(("web_search", 1),))

        priced = find(pricer, "gpt-new")

        assert priced.source == "free"
        assert priced.tariff.cost_nano(usage, "priority") == 0


class TestVersion:
    ONE = override("a")

    @pytest.mark.parametrize(
        "pricer",
        [
            pytest.param(Pricer(CATALOG, [override("b")]), id="another"),
            pytest.param(Pricer(CATALOG, [override("a", usd="8")]), id="price"),
            pytest.param(Pricer(CATALOG, [override("a", model="m")]), id="model"),
            pytest.param(Pricer(CATALOG, [override("a", key_id="k")]), id="key"),
            pytest.param(Pricer(CATALOG, [override("a", provider="p")]), id="provider"),
            pytest.param(Pricer(CATALOG, [ONE], unpriced="free"), id="policy"),
            pytest.param(
                Pricer(CATALOG, [ONE], Ceiling(input_pico=1, output_pico=2)),
                id="ceiling",
            ),
            pytest.param(Pricer(CATALOG.extended([facts("m")]), [ONE]), id="catalog"),
            pytest.param(Pricer(CATALOG), id="none"),
        ],
    )
    def test_changes_with_everything_that_makes_prices(self, pricer):
        """
        Two records of one version were priced alike.
        """
        assert pricer.version != Pricer(CATALOG, [self.ONE]).version

    def test_does_not_depend_on_names_or_order(self):
        """
        Every worker has the same, and renaming an override changes no price.
        """
        two = override("b", prices={"output": "2", "input": "1"})
        again = override("b", prices={"input": "1", "output": "2"})
        renamed = attrs.evolve(self.ONE, name="renamed", updated_at=7.0)

        first = Pricer(CATALOG, [self.ONE, two]).version

        assert first == Pricer(CATALOG, [again, renamed]).version
        assert first.startswith(f"{CATALOG.version}+")


def test_memory_is_bounded(monkeypatch):
    """
    Callers who choose names cannot fill it: the oldest is forgotten, a long name not kept.
    """
    monkeypatch.setattr(pricing, "KEPT", 3)
    pricer = Pricer(CATALOG)

    for number in range(10):
        find(pricer, f"m{number}")
    find(pricer, "x" * 1_000)

    kept = [model for _, _, model, _, _ in pricer._known]
    assert kept == ["m7", "m8", "m9"]
