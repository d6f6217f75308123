from __future__ import annotations

import contextlib
from collections import Counter
from random import Random

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway import Phase, Plugin, hookimpl
from gateway.app import Gateway
from gateway.codec import loads
from gateway.plugins import FoundPlugin
from gateway.settings import settings_from_dict
from gateway.sinks import MemorySink
from gateway.testing import FakeUpstream, make_request
from gateway_governance.access import AccessTable
from gateway_governance.choosing import Chooser
from gateway_governance.entities import (
    Customer,
    ProviderConfig,
    RoutingRule,
    RoutingTarget,
    Team,
    VirtualKey,
)
from gateway_governance.facts import Used
from gateway_governance.rules import RuleSet


@attrs.frozen
class Caller:
    key: VirtualKey | None = None
    team: Team | None = None
    customer: Customer | None = None


class Governed(Plugin):
    """
    What the plugin does with a chooser, and no more.
    """

    phase = Phase.GOVERN
    chooser: Chooser
    who: Caller

    @hookimpl
    def choose_targets(self, exchange, targets):
        return self.chooser.choose(
            exchange, targets, self.who, used=Used, input_tokens=lambda: 0
        )

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        self.chooser.authorise(exchange, attempt.target, self.who)


class Escape(Plugin):
    """
    A plugin further in that puts a target of its own in front.
    """

    phase = Phase.ROUTE

    @hookimpl
    def choose_targets(self, exchange, targets):
        return (*exchange.targets("two/gpt"), *targets)


def config(provider: str, *allowed: str, weight=None, **more) -> ProviderConfig:
    allowed = allowed or ("*",)
    return ProviderConfig(
        id=f"pc_{provider}",
        provider=provider,
        allowed_models=allowed,
        weight=weight,
        **more,
    )


def key(*configs: ProviderConfig, **more) -> VirtualKey:
    return VirtualKey(id="vk_1", name="me", provider_configs=configs or None, **more)


def rule(name: str, condition: str, *targets: RoutingTarget, **more) -> RoutingRule:
    return RoutingRule(
        id=f"rr_{name}", name=name, condition=condition, targets=targets, **more
    )


def to(model: str | None = None, **more) -> RoutingTarget:
    return RoutingTarget(model=model, **more)


def settings_of(url: str):
    """
    Three providers of one vendor: ``one`` and ``two`` list gpt, ``any`` passes all names on.
    """
    place = {"type": "openai-compatible", "base_url": url, "auth": "none"}
    keys = {
        name: {"secret": f"env.K_{name.upper()}"} for name in ("main", "spare", "vip")
    }
    return settings_from_dict(
        {
            "providers": {
                "one": {**place, "models": ["gpt", "only-one"]},
                "two": {**place, "models": ["gpt"]},
                "any": place,
                "keyed": {**place, "auth": "key", "keys": keys, "models": ["k"]},
            },
            "models": {
                "smart": {
                    "targets": [
                        {"model": "one/gpt", "weight": 1000},
                        {"model": "two/gpt", "weight": 1},
                    ],
                    "fallbacks": ["any/last"],
                },
                "cheap": "any/small",
            },
            "routing": {"retries": 0},
        }
    )


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@contextlib.asynccontextmanager
async def governed(fake, who, *rules, plugins=(), seed=1, **more):
    found = [FoundPlugin(name="governed", cls=Governed)]
    found += [FoundPlugin(name=cls.__name__.lower(), cls=cls) for cls in plugins]
    environ = {f"K_{name}": f"sk-{name.lower()}" for name in ("MAIN", "SPARE", "VIP")}
    gateway = Gateway(
        settings_of(fake.openai_url), plugins=found, installed=False, environ=environ
    )
    plugin = next(
        each.plugin for each in gateway.hooks.plugins if each.name == "governed"
    )
    plugin.who = who
    plugin.chooser = Chooser(
        rules=RuleSet(rules, **more), access=AccessTable(), random=Random(seed)
    )
    async with gateway:
        yield gateway


def begin(gateway, model, **body):
    request = make_request(
        {"model": model, "messages": [{"role": "user", "content": "hi"}], **body}
    )
    return gateway.exchange(
        dialect=request.dialect,
        operation="generate",
        request=request,
        headers=CIMultiDictProxy(CIMultiDict({"X-Tier": "gold"})),
    )


async def targets(gateway, model, **body) -> list[str]:
    """
    Return the targets in order, or the refusal, as a dry run tells them.
    """
    told = await gateway.explain(begin(gateway, model, **body))
    if "refused" in told:
        return [f"{told['refused']['status']} {told['refused']['code']}"]
    return [
        line["target"] + ("!" if "refused" in line else "") for line in told["targets"]
    ]


async def ask(gateway, model, **body):
    exchange = begin(gateway, model, **body)
    sink = MemorySink()
    await gateway.relay(exchange, sink)
    return exchange, sink.status, loads(sink.body)


def code_of(answer) -> str:
    return answer["error"]["code"]


class TestAccess:
    async def test_a_name_allows_its_targets_and_fallbacks(self, fake):
        """
        The alias opens what it declares; the same model by its own name stays shut.
        """
        async with governed(fake, Caller(key(models=("smart",)))) as gateway:
            smart = await targets(gateway, "smart")
            direct = await targets(gateway, "one/gpt")

        # The first two by their weights, so in either order; the fallback last.
        assert sorted(smart[:2]) == ["one/gpt", "two/gpt"]
        assert smart[2:] == ["any/last"]
        assert direct == ["403 model_blocked"]

    async def test_a_requests_fallback_does_not_escape(self, fake):
        """
        The caller's own list of fallbacks is held to the same lists.
        """
        async with governed(fake, Caller(key(models=("only-one",)))) as gateway:
            found = await targets(gateway, "only-one", fallbacks=["cheap", "two/gpt"])

        assert found == ["one/only-one"]

    async def test_a_targets_provider_is_checked_behind_a_name(self, fake):
        """
        Of an alias, what the key may not use falls out.
        """
        who = Caller(key(config("two"), config("any", "other")))
        async with governed(fake, who) as gateway:
            assert await targets(gateway, "smart") == ["two/gpt"]
            assert await targets(gateway, "cheap") == ["403 model_blocked"]

    async def test_a_target_of_another_plugin_is_refused_before_it_is_sent(self, fake):
        """
        What is put in after the choice is authorised as an attempt, and skipped.
        """
        who = Caller(key(models=("only-one",)))
        async with governed(fake, who, plugins=[Escape]) as gateway:
            exchange, status, _ = await ask(gateway, "only-one")

        assert status == 200
        assert [each.target.name for each in exchange.attempts] == [
            "two/gpt",
            "one/only-one",
        ]
        assert len(fake.requests) == 1

    async def test_refusals_name_what_was_asked(self, fake):
        """
        403 with the code, in the caller's dialect; the provider behind a name is not told.
        """
        who = Caller(key(config("two")))
        async with governed(fake, who) as gateway:
            _, status, answer = await ask(gateway, "cheap")

        assert (status, code_of(answer)) == (403, "provider_blocked")
        assert '"cheap"' in answer["error"]["message"]
        assert "any" not in answer["error"]["message"]

    async def test_names_that_a_key_may_not_use_are_not_hinted_at(self, fake):
        """
        Whether a model exists is not told to who may not ask for it, nor names near it.
        """
        async with governed(fake, Caller(key(models=("smart",)))) as gateway:
            _, unknown_status, unknown = await ask(gateway, "chepa")
            _, known_status, known = await ask(gateway, "cheap")

        assert (unknown_status, code_of(unknown)) == (known_status, code_of(known))
        assert "cheap" not in unknown["error"]["message"]

    async def test_an_unknown_name_that_may_be_asked_for_is_unknown(self, fake):
        """
        404 to a key that may ask, without names near it.
        """
        async with governed(fake, Caller(key(models=("sm*",)))) as gateway:
            _, status, answer = await ask(gateway, "smrt")

        assert (status, code_of(answer)) == (404, "model_not_found")
        assert "smart" not in answer["error"]["message"]

    async def test_callers_without_a_key_see_the_router_as_it_is(self, fake):
        """
        Nothing is narrowed for nobody.
        """
        async with governed(fake, Caller()) as gateway:
            assert await targets(gateway, "smart") == ["one/gpt", "two/gpt", "any/last"]
            assert await targets(gateway, "gpt") == ["404 model_not_found"]

    async def test_pinned_provider_keys_are_the_only_ones_tried(self, fake):
        """
        The router's choice among keys is kept to them.
        """
        who = Caller(key(config("keyed", provider_keys=("spare", "vip"))))
        async with governed(fake, who) as gateway:
            for _ in range(30):
                await ask(gateway, "keyed/k")
            sent = {seen.headers["Authorization"] for seen in fake.requests}

        assert sent == {"Bearer sk-spare", "Bearer sk-vip"}


class TestWeights:
    async def test_weights_choose_the_provider_of_a_plain_name(self, fake):
        """
        The router could not decide between two; the key's weights do, the rest follow.
        """
        who = Caller(key(config("one", weight=1.0), config("two", weight=3.0)))
        async with governed(fake, who) as gateway:
            drawn = Counter([tuple(await targets(gateway, "gpt")) for _ in range(400)])

        assert set(drawn) == {("two/gpt", "one/gpt"), ("one/gpt", "two/gpt")}
        assert drawn["two/gpt", "one/gpt"] / 400 == pytest.approx(0.75, abs=0.08)

    async def test_a_provider_that_is_named_is_what_the_caller_gets(self, fake):
        """
        Weights have no say then.
        """
        who = Caller(key(config("one", weight=1.0), config("two", weight=3.0)))
        async with governed(fake, who) as gateway:
            assert await targets(gateway, "one/gpt") == ["one/gpt"]

    async def test_weights_outweigh_those_of_a_name(self, fake):
        """
        The key's are the narrower word; declared fallbacks stay behind.
        """
        who = Caller(
            key(config("one", weight=1e-9), config("two", weight=1.0), config("any"))
        )
        async with governed(fake, who) as gateway:
            found = await targets(gateway, "smart")

        assert found == ["two/gpt", "one/gpt", "any/last"]

    async def test_a_provider_without_a_weight_is_not_chosen(self, fake):
        """
        It may be asked for by name, and no more.
        """
        who = Caller(key(config("one", weight=1.0), config("two")))
        async with governed(fake, who) as gateway:
            assert await targets(gateway, "gpt") == ["one/gpt"]
            assert await targets(gateway, "two/gpt") == ["two/gpt"]

    async def test_a_provider_that_passes_all_on_has_what_its_config_names(self, fake):
        """
        Where nobody lists a model, the operator's word counts.
        """
        who = Caller(key(config("any", "new-model", weight=1.0)))
        async with governed(fake, who) as gateway:
            assert await targets(gateway, "new-model") == ["any/new-model"]
            assert await targets(gateway, "newer") == ["404 model_not_found"]

    async def test_one_allowed_provider_settles_what_was_ambiguous(self, fake):
        """
        Two have the model, the key may use one of them: that is the answer.
        """
        async with governed(fake, Caller(key(config("two")))) as gateway:
            assert await targets(gateway, "gpt") == ["two/gpt"]

    async def test_what_stays_ambiguous_names_only_what_may_be_used(self, fake):
        """
        The caller is told how to ask.
        """
        who = Caller(key(config("one"), config("two")))
        async with governed(fake, who) as gateway:
            _, status, answer = await ask(gateway, "gpt")

        assert status == 404
        assert '"one/gpt", "two/gpt"' in answer["error"]["message"]

    async def test_a_requests_own_fallbacks_follow(self, fake):
        """
        They are not lost where the router had nobody for the model itself.
        """
        who = Caller(
            key(config("one", weight=1.0), config("two", weight=1e-9), config("any"))
        )
        async with governed(fake, who) as gateway:
            found = await targets(gateway, "gpt", fallbacks=["cheap"])

        assert found == ["one/gpt", "two/gpt", "any/small"]


class TestRules:
    async def test_a_rule_leads_where_the_router_did_not(self, fake):
        """
        Another model at another provider, in its dialect, sent and answered.
        """
        held = rule("gold", 'headers["x-tier"] == "gold"', to("any/large"))
        async with governed(fake, Caller(), held) as gateway:
            exchange, status, _ = await ask(gateway, "one/gpt")

        assert status == 200
        assert loads(fake.requests[0].body)["model"] == "large"
        assert exchange.attempts[0].target.source == "rule gold"

    async def test_a_rule_may_serve_a_name_that_nobody_has(self, fake):
        """
        Callers ask for a name that only rules know.
        """
        held = rule("auto", 'model == "auto"', to("cheap"))
        async with governed(fake, Caller(), held) as gateway:
            assert await targets(gateway, "auto") == ["any/small"]

    async def test_a_rule_grants_nothing(self, fake):
        """
        Where it leads is authorised as if the caller had asked for it.
        """
        held = rule("r", "", to("any/large"))
        who = Caller(key(models=("gpt", "smart"), team_id="tm_1"))
        async with governed(fake, who, held) as gateway:
            assert await targets(gateway, "smart") == ["403 model_blocked"]

    async def test_a_rule_chooses_among_the_targets_of_a_name(self, fake):
        """
        A provider alone means what the name declares there.
        """
        held = rule("r", "", to(provider="two"))
        async with governed(fake, Caller(), held) as gateway:
            assert await targets(gateway, "smart") == ["two/gpt"]

    async def test_fallbacks_of_a_rule_take_the_place_of_the_requests(self, fake):
        """
        With targets or without; a rule without any leaves the caller's own.
        """
        leads = rule("leads", 'model == "only-one"', to("two/gpt"))
        adds = rule("adds", 'model == "smart"', fallbacks=("cheap",))
        both = rule("both", 'model == "cheap"', to("one/gpt"), fallbacks=("two/gpt",))
        async with governed(fake, Caller(), leads, adds, both) as gateway:
            own = await targets(gateway, "only-one", fallbacks=["any/x"])
            added = await targets(gateway, "smart", fallbacks=["any/x"])
            replaced = await targets(gateway, "cheap", fallbacks=["any/x"])

        assert own == ["two/gpt", "any/x"]
        assert added == ["one/gpt", "two/gpt", "any/small"]
        assert replaced == ["one/gpt", "two/gpt"]

    async def test_a_rule_goes_before_weights(self, fake):
        """
        Whoever names a provider in a rule means it.
        """
        who = Caller(key(config("one", weight=1e-9), config("two", weight=1.0)))
        async with governed(fake, who, rule("r", "", to("one/gpt"))) as gateway:
            assert await targets(gateway, "gpt") == ["one/gpt"]

    async def test_a_rule_may_leave_the_provider_to_weights(self, fake):
        """
        A model's own name in a rule is as open as in a request.
        """
        who = Caller(key(config("one", weight=1e-9), config("two", weight=1.0)))
        async with governed(fake, who, rule("r", "", to("gpt"))) as gateway:
            assert await targets(gateway, "only-one") == ["two/gpt", "one/gpt"]

    async def test_a_rule_pins_a_provider_key(self, fake):
        """
        Each attempt at its target goes out with that key.
        """
        held = rule("vip", "", to("k", provider="keyed", provider_key="vip"))
        async with governed(fake, Caller(), held) as gateway:
            for _ in range(5):
                await ask(gateway, "keyed/k")

        assert {seen.headers["Authorization"] for seen in fake.requests} == {
            "Bearer sk-vip"
        }

    async def test_a_pinned_key_that_the_key_may_not_use_is_refused(self, fake):
        """
        A rule does not open a provider key either.
        """
        held = rule("vip", "", to("k", provider="keyed", provider_key="vip"))
        who = Caller(key(config("keyed", provider_keys=("main",))))
        async with governed(fake, who, held) as gateway:
            assert await targets(gateway, "keyed/k") == ["403 provider_blocked"]

    async def test_a_rule_that_leads_nowhere_refuses(self, fake):
        """
        The request does not go where it was not meant to.
        """
        held = rule("r", "", to("nobody-has-this"))
        async with governed(fake, Caller(), held) as gateway:
            _, status, answer = await ask(gateway, "smart")

        assert (status, code_of(answer)) == (503, "routing_rule_failed")
        assert len(fake.requests) == 0

    async def test_every_verdict_stands_in_the_trail(self, fake):
        """
        Explain shows why each rule held or not, also where one failed.
        """
        rules = [
            rule("a", 'model == "x"', to("cheap")),
            rule("b", 'model == "smart"', to("cheap")),
            rule("c", "1 / input_tokens == 1", to("cheap")),
        ]
        async with governed(fake, Caller(), *rules) as gateway:
            held = await gateway.explain(begin(gateway, "smart"))
            failed = await gateway.explain(begin(gateway, "one/gpt"))

        reasons = [
            next(
                line["reason"]
                for line in told["trail"]
                if line["hook"] == "choose_targets"
            )
            for told in (held, failed)
        ]
        assert reasons[0] == "a: no; b: holds"
        assert reasons[1].startswith("a: no; b: no; c: failed")
        assert failed["refused"]["code"] == "routing_rule_failed"
