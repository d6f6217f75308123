from __future__ import annotations

from datetime import date

import attrs
import pytest

from gateway import (
    ConfigError,
    Detector,
    Metric,
    Plugin,
    ProcessSpec,
    Route,
    Usage,
    hookimpl,
)
from gateway.catalog import Catalog, ModelFacts, Price, Rates, Tariff
from gateway.clock import SystemClock
from gateway.dialects import Dialect
from gateway.errors import ModelNotFound, Problem
from gateway.installation import Installation
from gateway.plugins import FoundPlugin, PluginErrors
from gateway.providers.vendors import VENDORS
from gateway.routing.targets import Target
from gateway.runtime import make_runtime
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict
from gateway.testing import find_dialect, make_attempt, make_exchange
from gateway.upstream import Upstream

OPENAI = {"openai": {"keys": {"main": {"secret": "env.KEY"}}}}


def runtime(settings=None, *classes: type[Plugin], before=None, environ=None):
    """
    Make a runtime of *settings* with the plugin *classes*.
    """
    return make_runtime(
        settings_from_dict(settings or {}),
        secrets=Secrets(environ or {"KEY": "sk-canary"}),
        upstream=Upstream(),
        clock=SystemClock(),
        extra=[FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in classes],
        installation=Installation(version="0", catalog=Catalog.builtin()),
        before=before,
    )


def test_a_credential_is_resolved_at_use():
    """
    The secret of a key is looked up by its reference each time.
    """
    made = runtime({"providers": OPENAI})
    keyed = Target(provider="openai", model="m", dialect="openai_chat", key="main")
    bare = Target(provider="openai", model="m", dialect="openai_chat")

    assert made.credential(keyed) == "sk-canary"
    assert made.credential(bare) is None
    assert "canary" not in repr(made.providers["openai"])


def test_what_an_attempt_cost_is_added_up():
    """
    Usage and price give the cost; without one of them it is unknown, not zero.
    """
    made = runtime({"providers": OPENAI})
    exchange = make_exchange()
    unknown = make_attempt(exchange, provider="openai", model="no-such-model")
    unknown.usage = Usage(input=10)
    made.price(exchange, unknown)
    before = exchange.cost_nano
    name = made.catalog.models_of("openai")[0]
    priced = make_attempt(exchange, provider="openai", model=name)
    priced.usage = Usage(input=1_000_000)
    made.price(exchange, priced)
    joined = make_attempt(exchange, provider="openai", model=name, joined=True)
    joined.usage = Usage(input=1_000_000)
    once = exchange.cost_nano
    made.price(exchange, joined)

    assert before is None
    assert once is not None
    assert exchange.cost_nano == once > 0


PRICE = Price(input_pico=2_000, output_pico=0)
TARIFF = Tariff(
    valid_from=date(2026, 1, 31),
    rates=Rates(price=PRICE),
    services=(("priority", Rates(price=attrs.evolve(PRICE, input_pico=5_000))),),
)


def test_a_plugin_chooses_the_tariff_of_an_attempt():
    """
    What a plugin priced the attempt at is what it costs, whatever the catalog says.
    """
    made = runtime({"providers": OPENAI})
    exchange = make_exchange()
    attempt = make_attempt(exchange, provider="openai", model="gpt-5")
    attempt.usage, attempt.tariff = Usage(input=10), TARIFF
    attempt.price_version = "its own"

    made.price(exchange, attempt)

    assert exchange.cost_nano == 20
    assert attempt.price_version == "its own"


def test_the_catalog_prices_what_no_plugin_did():
    """
    The attempt then tells which prices it was, and is at the tier that was asked for.
    """
    made = runtime({"providers": OPENAI}, KnowsModels)
    exchange = make_exchange({"model": "m", "messages": [], "service_tier": "priority"})
    attempt = make_attempt(exchange, provider="openai", model="house-model")
    attempt.usage = Usage(input=10)

    made.price(exchange, attempt)

    assert exchange.cost_nano == 50
    assert attempt.tariff is TARIFF
    assert attempt.price_version == made.catalog.version


class KnowsModels(Plugin):
    @hookimpl
    def register_models(self):
        return [
            ModelFacts(provider="openai", model="house-model", tariffs=(TARIFF,)),
            ModelFacts(provider="openai", model="gpt-5", tariffs=(TARIFF,)),
        ]


class KnowsThemToo(KnowsModels):
    @hookimpl
    def register_models(self):
        return [ModelFacts(provider="openai", model="gpt-5")]


def test_what_plugins_know_of_models_outweighs_the_catalog():
    """
    Their facts are in the catalog, which keeps what they do not say.
    """
    made = runtime({"providers": OPENAI}, KnowsModels)

    known = made.catalog.limits("openai", "gpt-5")
    assert known.tariffs[0].price.input_pico == PRICE.input_pico
    assert known.takes_sampling is False
    assert made.catalog.limits("openai", "house-model").tariffs == (TARIFF,)
    assert made.catalog.version != runtime({"providers": OPENAI}).catalog.version


def test_facts_of_one_model_from_two_plugins_are_an_error():
    """
    Nobody could say which price holds, so both plugins are named.
    """
    with pytest.raises(PluginErrors) as caught:
        runtime({"providers": OPENAI}, KnowsModels, KnowsThemToo)

    assert "openai/gpt-5" in str(caught.value)
    assert "knowsmodels" in str(caught.value)
    assert "knowsthemtoo" in str(caught.value)


@attrs.frozen
class Store:
    name: str = "vault"

    def get(self, name):
        """
        Return the secret at *name*.
        """
        return {"a/b": "from-the-vault"}[name]


class Spoken(type(find_dialect("openai_embeddings"))):
    name = "embeddings_again"


async def _handler(request):
    raise NotImplementedError


class RegistersAll(Plugin):
    @hookimpl
    def register_providers(self):
        return [attrs.evolve(VENDORS["openai-compatible"], name="house")]

    @hookimpl
    def register_dialects(self):
        return [Spoken()]

    @hookimpl
    def register_secret_stores(self):
        return [Store()]

    @hookimpl
    def register_detectors(self):
        return [Store("pii")]

    @hookimpl
    def register_embedders(self):
        return [Store("ngrams")]

    @hookimpl
    def register_encodings(self):
        return [Store("o200k_base")]

    @hookimpl
    def register_processes(self):
        return [ProcessSpec(name="sequencer", target="x:y")]

    @hookimpl
    def register_metrics(self):
        return [Metric(name="entries_lost", told="Entries.", value=lambda: 3)]

    @hookimpl
    def register_routes(self):
        return [
            Route(method="GET", path="/api/x", permission="x:read", handler=_handler)
        ]


def test_everything_that_plugins_register_is_found_by_name():
    """
    Providers, dialects, stores, detectors, embedders, encodings, processes, metrics, routes.
    """
    settings = {
        "providers": {
            "mine": {
                "type": "house",
                "base_url": "https://llm.example",
                "keys": {"main": {"secret": "vault.a/b"}},
            }
        }
    }

    made = runtime(settings, RegistersAll)

    target = Target(provider="mine", model="m", dialect="openai_chat", key="main")
    assert made.credential(target) == "from-the-vault"
    assert isinstance(made.dialects["embeddings_again"], Dialect)
    assert made.detectors["pii"].name == "pii"
    assert made.embedders["ngrams"].name == "ngrams"
    assert made.encodings["o200k_base"].name == "o200k_base"
    assert [process.name for process in made.processes] == ["sequencer"]
    assert [metric.name for metric in made.metrics] == ["entries_lost"]
    assert [(route.name, who) for route, who in made.routes] == [
        ("GET /api/x", "registersall")
    ]


class RegistersToo(RegistersAll):
    @hookimpl
    def register_routes(self):
        return [
            Route(method="GET", path="/api/x", permission="y:read", handler=_handler)
        ]


def test_two_registrations_of_one_name_are_refused():
    """
    Two plugins cannot have the same route, and the error names both.
    """
    with pytest.raises(PluginErrors, match="registersall"):
        runtime(None, RegistersAll, RegistersToo)


def test_a_runtime_goes_on_where_nothing_changed():
    """
    A new snapshot keeps plugins with the same settings and what is known of health.
    """
    before = runtime({"providers": OPENAI}, RegistersAll)

    after = runtime({"providers": OPENAI, "models": {}}, RegistersAll, before=before)

    assert after.plugins[0].plugin is before.plugins[0].plugin
    assert after.router.health is before.router.health


def test_a_provider_that_cannot_be_is_a_config_error():
    """
    All mistakes in the providers are told together.
    """
    with pytest.raises(ConfigError) as caught:
        runtime({"providers": {"openai": {}, "azure-openai": {"auth": "none"}}})

    assert "providers.openai" in str(caught.value)
    assert "providers.azure-openai" in str(caught.value)


def test_authentication_is_what_some_plugin_says():
    """
    The loopback rule is lifted by a plugin that authenticates, as it is configured.
    """

    class Asks(Plugin):
        authenticates_callers = True

    assert runtime(None, Asks).authenticates_callers
    assert not runtime(None, RegistersAll).authenticates_callers


def test_plugins_check_what_they_say_of_detectors():
    """
    Once all are there, whoever brings them; every fault with its place, and nothing starts.
    """

    class Brings(Plugin):
        @hookimpl
        def register_detectors(self):
            return [Detector(name="bird", Options=object, make=lambda *_: None)]

    class Names(Plugin):
        def detector_problems(self, detectors):
            return [Problem(f"there are {' '.join(detectors)}", path="plugins.names")]

    with pytest.raises(ConfigError, match="^plugins.names: there are bird$"):
        runtime({}, Names, Brings)


class NamesModels(Plugin):
    """
    Names models, one of which nobody has.
    """

    def model_problems(self, check_model):
        for name in ("openai/gpt-5", "openai/gpt-unheard", "nobody/has-it"):
            try:
                check_model(name)
            except ModelNotFound as exc:
                yield Problem(str(exc), path=f"plugins.names.{name}")


def test_plugins_check_the_models_that_they_name():
    """
    Once it is known who has which; nothing starts with one that nobody has.
    """
    with pytest.raises(ConfigError) as refused:
        runtime({"providers": OPENAI}, NamesModels)

    (problem,) = refused.value.problems
    assert problem.path == "plugins.names.nobody/has-it"
    assert problem.message == 'No model "nobody/has-it" here.'


def test_a_refused_model_leaves_what_runs_as_it_is():
    """
    The limits of a provider are those of the settings in force.
    """
    before = runtime({"providers": OPENAI})
    provider = {**OPENAI["openai"], "max_parallel": 1}

    with pytest.raises(ConfigError):
        runtime({"providers": {"openai": provider}}, NamesModels, before=before)

    assert before.router.admission("openai").limit != 1


def test_who_lists_everything_is_told_all_and_nothing_is_raised():
    """
    What plugins say of detectors and of models goes into one list.
    """

    class Names(NamesModels):
        def detector_problems(self, detectors):
            return [Problem("there are none")]

    problems = []

    made = make_runtime(
        settings_from_dict({"providers": OPENAI}),
        secrets=Secrets({}),
        upstream=Upstream(),
        clock=SystemClock(),
        extra=[FoundPlugin(name="names", cls=Names)],
        installation=Installation(version="0", catalog=Catalog.builtin()),
        problems=problems,
    )

    assert made.providers
    assert [problem.message for problem in problems] == [
        "there are none",
        'No model "nobody/has-it" here.',
    ]
