"""
The plugin in a gateway, in front of a vendor that bills.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from typing import ClassVar

import pytest

from gateway import Phase, Plugin, hookimpl
from gateway.errors import ModelNotFound, UnsupportedOperation
from gateway.plugins import FoundPlugin, PluginErrors, check_class, load_plugins
from gateway.secrets import Secrets
from gateway.settings import settings_from_dict
from gateway.testing import FakeUpstream, GatewayClient, Script
from gateway_governance import GovernancePlugin, GovernanceSettings
from gateway_governance.events import BudgetCrossed
from gateway_governance.ledger.pool import Pool
from gateway_governance.values import Mint

VALUE = "vk-of-nobody-else-0123456789"
OTHER = "vk-of-somebody-else-012345678"
PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
#: USD per million tokens: a token of the prompt is 1,000 nano-USD, one of the answer 10,000.
PRICES = {"all": {"model": "*", "prices": {"input": 1, "output": 10}}}
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


def settings_for(fake, *, models=None, **governance):
    place = {"type": "openai-compatible", "base_url": fake.openai_url, "auth": "none"}
    table = {
        "require_key": True,
        "virtual_keys": {"me": {"secret": "env.VK"}},
        "pricing_overrides": PRICES,
        **governance,
    }
    return {
        "providers": {"p": place, "q": place},
        "models": models or {},
        "routing": {"retries": 0},
        "plugins": {"governance": table},
    }


@contextlib.asynccontextmanager
async def governed(fake, *others, **governance):
    """
    Run a gateway with the plugin in front of *fake*, and *others* beside it.
    """
    client = GatewayClient(
        settings_for(fake, **governance),
        plugins=[PLUGIN, *others],
        environ={"VK": VALUE, "VK_OTHER": OTHER},
    )
    async with client:
        yield client


def key(**limits):
    return {"me": {"secret": "env.VK", **limits}}


async def ask(client, *, value=VALUE, headers=None, **body):
    told = {"Authorization": f"Bearer {value}"} if value else {}
    asked = {"model": "p/m", "messages": HELLO, "max_tokens": 50, **body}
    return await client.ask(
        "POST", "/v1/chat/completions", asked, {**told, **(headers or {})}
    )


def governor_of(client):
    plugins = {each.name: each.plugin for each in client.gateway.hooks.plugins}
    return plugins["governance"].governor


async def standing_of(client, meter):
    """
    Return how the meter *meter* stands.
    """
    governor = governor_of(client)
    meters = {each.id: each for each in governor.watch.snapshot.meters()}
    (standing,) = await governor.ledger.standing((meters[meter],))
    return standing


def billed_nano(fake):
    return 1_000 * fake.bill.input_tokens + 10_000 * fake.bill.output_tokens


def test_the_plugin_is_written_as_the_core_asks():
    """
    The plugin passes the core's own check.
    """
    assert check_class(PLUGIN) == []
    assert GovernancePlugin.phase is Phase.GOVERN


# --- who ------------------------------------------------------------------------------------


class TestWho:
    async def test_a_known_key_is_let_in(self, fake):
        """
        The key's name stands in the trace, its value nowhere.
        """
        async with governed(fake) as client:
            answer = await ask(client)
            trace = client.gateway.traces.get(answer.headers["x-gw-request-id"])

        assert answer.status == 200
        assert trace["key"]["name"] == "me"
        assert VALUE not in json.dumps(trace)

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("", "virtual_key_required"),
            ("sk-somebody-else-entirely", "virtual_key_not_found"),
            ("sk-gw-0000000000", "virtual_key_not_found"),
        ],
        ids=["none", "unknown", "malformed"],
    )
    async def test_strangers_are_refused(self, fake, value, code):
        """
        Without a key, or with one that nobody gave out, the answer is 401, and nothing is sent.
        """
        async with governed(fake) as client:
            answer = await ask(client, value=value)

        assert (answer.status, answer.headers["x-gw-code"]) == (401, code)
        assert not fake.requests

    @pytest.mark.parametrize(
        "state", [{"is_active": False}, {"expires": "2020-01-01"}], ids=str
    )
    async def test_a_key_that_may_not_be_used_is_blocked(self, fake, state):
        """
        A key that was switched off or has expired is 403, not unknown.
        """
        async with governed(fake, virtual_keys=key(**state)) as client:
            answer = await ask(client)

        assert answer.status == 403
        assert answer.headers["x-gw-code"] == "virtual_key_blocked"

    async def test_without_require_key_strangers_pass(self, fake):
        """
        Where no key is required nobody needs one; a known one still identifies.
        """
        async with governed(fake, require_key=False) as client:
            stranger = await ask(client, value="sk-something-else")
            known = await ask(client)
            traces = client.gateway.traces
            who = [
                traces.get(answer.headers["x-gw-request-id"])["key"]
                for answer in (stranger, known)
            ]

        assert (stranger.status, known.status) == (200, 200)
        assert who == [None, {"id": "me", "name": "me"}]

    async def test_a_required_header_is_named(self, fake):
        """
        A request without a header that the operator wants is 400.
        """
        async with governed(fake, required_headers=["x-cost-center"]) as client:
            without = await ask(client)
            given = await ask(client, headers={"X-Cost-Center": "7"})

        assert without.headers["x-gw-code"] == "missing_required_headers"
        assert "x-cost-center" in without.json["error"]["message"]
        assert given.status == 200

    async def test_models_are_listed_by_key(self, fake):
        """
        The list of models needs a key, and shows what it may use.
        """
        names = {"fast": "p/m", "slow": "q/m"}
        keys = key(models=["fast"])
        async with governed(fake, models=names, virtual_keys=keys) as client:
            stranger = await client.ask("GET", "/v1/models")
            known = await client.ask(
                "GET", "/v1/models", headers={"Authorization": f"Bearer {VALUE}"}
            )

        assert stranger.status == 401
        assert [model["id"] for model in known.json["data"]] == ["fast"]


def test_providers_must_exist():
    """
    A key for a provider that nobody declared is an error at its place.
    """
    providers = {"nowhere": {"models": ["*"]}}
    table = {"virtual_keys": {"me": {"secret": "env.VK", "providers": providers}}}
    settings = settings_from_dict({"plugins": {"governance": table}})

    with pytest.raises(PluginErrors, match=r"virtual_keys\.me\.providers\.nowhere"):
        load_plugins(settings, [PLUGIN])


def test_rules_must_lead_somewhere():
    """
    Where nobody has the model; not where the provider is the request's, or the model embeds.
    """

    def check_model(name):
        if name.endswith("embed"):
            raise UnsupportedOperation("for embeddings")
        if name.endswith("gone"):
            raise ModelNotFound(name)

    rule = {"targets": ["a/gone", "a/here", "gone"], "fallbacks": ["embed", "gone"]}
    table = {"plugins": {"governance": {"routing_rules": {"r": rule}}}}
    settings = settings_from_dict(table).plugin("governance", GovernanceSettings)

    told = list(GovernancePlugin(settings).model_problems(check_model))

    at = "plugins.governance.routing_rules.r"
    assert [problem.path for problem in told] == [
        f"{at}.targets[0].model",
        f"{at}.fallbacks[1]",
    ]


async def test_values_that_could_not_start_are_told_beforehand():
    """
    Missing, too short, or another key's, each with its path; hashes need the secret key to tell.
    """
    keys = {
        "good": {"secret": "env.GOOD"},
        "gone": {"secret": "env.GONE"},
        "short": {"secret": "env.SHORT"},
        "twin": {"secret": "env.GOOD"},
        "hashed": {"hash": Mint(b"k" * 32).hash_of("a value, 1234567890")},
    }
    table = {"plugins": {"governance": {"virtual_keys": keys}}}
    settings = settings_from_dict(table).plugin("governance", GovernanceSettings)
    plugin = GovernancePlugin(settings)
    secrets = Secrets({"GOOD": "a good value, 1234", "SHORT": "short"})

    told = await plugin.start_problems(None, secrets)
    unread = await plugin.start_problems(None, None)

    assert sorted(problem.path.rsplit(".", 2)[1] for problem in told) == [
        *("gone", "short", "twin"),
    ]
    assert "short" not in {problem.message for problem in told}
    assert list(unread) == []


async def test_others_may_ask_who_calls(fake):
    """
    Before the start only those that are declared are known; then those that are not there, too.
    """
    table = {"teams": {"payments": {}}}
    settings = settings_from_dict({"plugins": {"governance": table}})
    before = GovernancePlugin(settings.plugin("governance", GovernanceSettings))
    async with governed(fake, **table) as client:
        told = [
            client.gateway.find_caller(kind, "payments")
            for kind in ("team", "customer")
        ]

    assert told == ["payments", ""]
    assert before.find_caller("team", "payments") == "payments"
    assert before.find_caller("team", "paymnets") is None


def test_keys_are_required_as_soon_as_it_matters():
    """
    With a settings file, or an address of the network, keys are required unless said otherwise.
    """
    asks, plain = GovernancePlugin(GovernanceSettings()), settings_from_dict({})
    exposed = settings_from_dict({"server": {"listen": "0.0.0.0:8080"}})

    assert not asks.authenticates(plain)
    assert asks.authenticates(exposed)
    assert not GovernancePlugin(GovernanceSettings(require_key=False)).authenticates(
        exposed
    )


# --- what -----------------------------------------------------------------------------------


class TestAccess:
    async def test_a_model_that_is_not_allowed_is_blocked(self, fake):
        """
        A key may ask for the names on its list alone.
        """
        names = {"fast": "p/m", "slow": "q/m"}
        keys = key(models=["fast"])
        async with governed(fake, models=names, virtual_keys=keys) as client:
            allowed = await ask(client, model="fast")
            other = await ask(client, model="slow")
            direct = await ask(client, model="p/m")

        assert allowed.status == 200
        assert {other.headers["x-gw-code"], direct.headers["x-gw-code"]} == {
            "model_blocked"
        }
        assert len(fake.requests) == 1

    async def test_a_fallback_of_the_request_grants_nothing(self, fake):
        """
        A caller cannot reach another model by naming it as a fallback.
        """
        fake.script("m", Script(status=500))
        names = {"fast": "p/m", "slow": "q/other"}
        keys = key(models=["fast"])
        async with governed(fake, models=names, virtual_keys=keys) as client:
            answer = await ask(client, model="fast", fallbacks=["slow", "q/other"])

        assert answer.status == 502
        assert {request.json["model"] for request in fake.requests} == {"m"}

    @pytest.mark.parametrize(
        ("fallbacks", "status"),
        [
            (None, 200),
            ([{"model": "haiku"}], 200),
            ([{"model": "haiku"}, {"model": "opus"}], 403),
            ("default", 403),
            ([{"model": 1}], 403),
            ([{"model": "haiku"}] * 17, 400),
        ],
        ids=["none", "allowed", "another", "the-vendors-choice", "no-name", "many"],
    )
    async def test_what_the_provider_asks_instead_is_allowed_too(
        self, fake, fallbacks, status
    ):
        """
        Anthropic's own fallbacks do not lead round the models of a key.
        """
        keys = key(models=["p/haiku", "p/sonnet"])
        asked = {"model": "p/sonnet", "messages": HELLO, "max_tokens": 50}
        told = {"Authorization": f"Bearer {VALUE}"}
        async with governed(fake, virtual_keys=keys) as client:
            answer = await client.post(
                "/v1/messages", {**asked, "fallbacks": fallbacks}, told
            )

        assert answer.status == status
        assert len(fake.requests) == (status == 200)


# --- how much -------------------------------------------------------------------------------


class TestBudgets:
    async def test_what_is_billed_is_spent(self, fake):
        """
        The budget, the answer's header and the vendor's bill say the same.
        """
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(client)
            standing = await standing_of(client, "virtual_key/me/usd/day")

        assert standing.spent == billed_nano(fake) > 0
        assert float(answer.headers["x-gw-cost-usd"]) == billed_nano(fake) / 1e9
        assert standing.held == 0

    async def test_a_spent_budget_is_402(self, fake):
        """
        When the money is spent the answer is 402, says when it resets, and nothing is sent.
        """
        # Room for one request's worst case, its prompt counted by bytes, and no second one.
        keys = key(budgets=[{"limit_usd": 0.0009, "per": "day"}])
        async with governed(fake, virtual_keys=keys, when_short="refuse") as client:
            first = await ask(client, max_tokens=16)
            fake.script("m", Script(text="x" * 64))
            answers = [await ask(client, max_tokens=16) for _ in range(12)]
            standing = await standing_of(client, "virtual_key/me/usd/day")

        assert first.status == 200
        assert answers[-1].status == 402
        assert answers[-1].headers["x-gw-code"] == "budget_exceeded"
        assert "resets at" in answers[-1].json["error"]["message"]
        assert billed_nano(fake) == standing.spent <= 900_000

    async def test_the_teams_money_counts_too(self, fake):
        """
        A key spends its team's budget, and is refused by it.
        """
        teams = {"t": {"budgets": [{"limit_usd": 0.0001, "per": "month"}]}}
        async with governed(fake, teams=teams, virtual_keys=key(team="t")) as client:
            answer = await ask(client)

        assert answer.status == 402
        assert "team/t" in answer.json["error"]["message"]

    async def test_a_large_cap_is_lowered_to_what_is_held(self, fake):
        """
        One request takes a sixteenth of the budget, and its cap goes upstream.
        """
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(client, max_tokens=100_000)

        (request,) = fake.requests
        cap = request.json["max_tokens"]
        assert 4096 <= cap < 100_000
        assert answer.headers["x-gw-output-cap"] == str(cap)

    async def test_a_model_without_a_price_is_refused_to_budgets(self, fake):
        """
        What costs nobody knows how much is 402 for a key with a budget, and free for others.
        """
        keys = {
            **key(budgets=[{"limit_usd": 1, "per": "day"}]),
            "other": {"secret": "env.VK_OTHER"},
        }
        async with governed(fake, virtual_keys=keys, pricing_overrides={}) as client:
            refused = await ask(client)
            unlimited = await ask(client, value=OTHER)

        assert (refused.status, refused.headers["x-gw-code"]) == (402, "model_unpriced")
        assert unlimited.status == 200
        assert "x-gw-cost-usd" not in unlimited.headers

    async def test_half_a_price_is_none(self, fake):
        """
        An override that tells the prompt's price alone does not make the answer free.
        """
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        half = {"half": {"model": "*", "prices": {"input": 1}}}
        async with governed(fake, virtual_keys=keys, pricing_overrides=half) as client:
            answer = await ask(client)

        assert (answer.status, answer.headers["x-gw-code"]) == (402, "model_unpriced")
        assert not fake.requests

    async def test_what_cannot_be_bounded_is_refused_to_budgets(self, fake):
        """
        Tools that the vendor runs cost what they cost, which no budget can hold.
        """
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(
                client, web_search_options={"search_context_size": "low"}
            )

        assert answer.status == 400
        assert answer.headers["x-gw-code"] == "request_unbounded"
        message = answer.json["error"]["message"]
        assert "web_search_options" in message
        assert "unbounded_requests" in message

    async def test_soft_budgets_charge_afterwards(self, fake):
        """
        A soft budget lets a request in while anything is left, and refuses when it is not.
        """
        soft = [{"limit_usd": 0.00001, "per": "day", "mode": "soft"}]
        async with governed(fake, virtual_keys=key(budgets=soft)) as client:
            answers = [await ask(client, max_tokens=5000) for _ in range(2)]
            standing = await standing_of(client, "virtual_key/me/usd/day")

        assert [answer.status for answer in answers] == [200, 402]
        assert standing.spent == billed_nano(fake)

    async def test_a_failed_call_costs_nothing(self, fake):
        """
        A vendor that answers with an error bills nothing, and nothing stays held.
        """
        fake.script("m", Script(status=500))
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(client)
            standing = await standing_of(client, "virtual_key/me/usd/day")

        assert answer.status == 502
        assert (standing.spent, standing.held) == (0, 0)

    async def test_a_fallback_is_priced_by_itself(self, fake):
        """
        A free model that fails does not make its fallback free.
        """
        fake.script("cheap", Script(status=500))
        prices = {
            **PRICES,
            "free": {"model": "cheap", "prices": {"input": 0, "output": 0}},
        }
        names = {"pair": {"targets": ["p/cheap"], "fallbacks": ["q/dear"]}}
        keys = key(budgets=[{"limit_usd": 0.0001, "per": "day"}])
        async with governed(
            fake, models=names, virtual_keys=keys, pricing_overrides=prices
        ) as client:
            answer = await ask(client, model="pair")

        assert {request.json["model"] for request in fake.requests} == {"cheap"}
        assert answer.status in {402, 502}

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    async def test_an_answer_without_usage_is_never_free(self, fake, stream):
        """
        What the vendor does not account for is estimated, above what it bills.
        """
        fake.script("m", Script(text="words " * 20, no_usage=True))
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            await ask(client, stream=stream)
            standing = await standing_of(client, "virtual_key/me/usd/day")

        assert 0 < billed_nano(fake) <= standing.spent
        assert standing.held == 0

    async def test_a_provider_that_ignores_its_cap_is_cut(self, fake):
        """
        A stream far beyond the cap that was held ends with an error.
        """
        fake.script("m", Script(pieces=("word ",) * 400, ignores_cap=True))
        keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(client, stream=True, max_tokens=20)

        assert answer.body.count(b"word ") < 100
        assert b"greater length" in answer.body


# --- how often ------------------------------------------------------------------------------


class TestRates:
    async def test_a_limit_of_requests_holds(self, fake):
        """
        The request after the last one is 429, says when to come again, and burns nothing.
        """
        teams = {"t": {"rate_limits": [{"requests": 10, "per": "hour"}]}}
        keys = key(team="t", rate_limits=[{"requests": 2, "per": "minute"}])
        async with governed(fake, teams=teams, virtual_keys=keys) as client:
            answers = [await ask(client) for _ in range(4)]
            team = await standing_of(client, "team/t/requests/hour")

        assert [answer.status for answer in answers] == [200, 200, 429, 429]
        assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
        assert answers[2].headers["x-gw-code"] == "request_limited"
        assert 0 < int(answers[2].headers["retry-after"]) <= 60
        assert answers[2].headers["x-ratelimit-remaining-requests"] == "0"
        assert team.spent == 2

    async def test_a_refused_request_burns_no_quota(self, fake):
        """
        What was refused for its model does not count as a request.
        """
        keys = key(models=["none"], rate_limits=[{"requests": 5, "per": "minute"}])
        async with governed(fake, virtual_keys=keys) as client:
            answer = await ask(client)
            standing = await standing_of(client, "virtual_key/me/requests/minute")

        assert answer.status == 403
        assert (standing.spent, standing.held) == (0, 0)

    async def test_tokens_are_limited(self, fake):
        """
        Tokens that were used count, and the next request is refused when none are left.
        """
        fake.script("m", Script(text="words " * 200))
        keys = key(rate_limits=[{"tokens": 300, "per": "minute"}])
        async with governed(fake, virtual_keys=keys) as client:
            first = await ask(client, max_tokens=250)
            second = await ask(client, max_tokens=250)
            standing = await standing_of(client, "virtual_key/me/tokens/minute")

        assert first.status == 200
        assert (second.status, second.headers["x-gw-code"]) == (429, "token_limited")
        assert standing.spent == fake.bill.input_tokens + fake.bill.output_tokens

    async def test_only_so_many_at_once(self, fake):
        """
        A request beyond those allowed at once is 429, and the place comes free again.
        """
        fake.script("m", Script(latency_ms=200))
        async with governed(fake, virtual_keys=key(max_parallel=1)) as client:
            first = asyncio.ensure_future(ask(client))
            await fake.wait_for(lambda: fake.requests, timeout=5)
            second = await ask(client)
            answered = await first
            third = await ask(client)

        assert (answered.status, third.status) == (200, 200)
        assert (second.status, second.headers["x-gw-code"]) == (429, "parallel_limited")


class Inner(Plugin):
    """
    Has a say between governance and the provider.
    """

    phase = Phase.INSPECT

    @hookimpl
    async def pre_request(self, exchange):
        return None


class TestRequestsAndAttempts:
    LIMITS: ClassVar = {
        "budgets": [{"limit_usd": 1, "per": "day"}],
        "rate_limits": [{"requests": 9, "per": "hour"}],
        "max_parallel": 3,
    }
    METERS = ("usd/day", "requests/hour", "in_flight")
    PAIR: ClassVar = {"pair": {"targets": ["p/first"], "fallbacks": ["q/second"]}}

    async def standings(self, client):
        found = [
            await standing_of(client, f"virtual_key/me/{meter}")
            for meter in self.METERS
        ]
        return [(each.held, each.spent) for each in found]

    @pytest.mark.parametrize(
        ("inner", "holds"), [((), 1), ((Inner,), 2)], ids=["straight", "inspected"]
    )
    async def test_a_request_is_held_along_with_its_attempt(
        self, fake, inner, holds, monkeypatch
    ):
        """
        One hold takes both, unless somebody further in may answer or refuse in between.
        """
        taken = []
        hold = Pool.hold
        monkeypatch.setattr(
            Pool, "hold", lambda *all: taken.append(hold(*all)) or taken[-1]
        )
        async with governed(fake, *inner, virtual_keys=key(**self.LIMITS)) as client:
            await ask(client)  # which finds out where all of it stands
            taken.clear()
            answer = await ask(client)
            after = await self.standings(client)

        assert answer.status == 200
        assert answer.headers["x-ratelimit-remaining-requests"] == "7"
        assert [len(each.rows) for each in taken] == ([3] if holds == 1 else [2, 1])
        assert after == [(0, billed_nano(fake)), (0, 2), (0, 0)]

    @pytest.mark.parametrize(
        "script", [Script(status=500), Script(break_after=0)], ids=["500", "broken"]
    )
    async def test_an_attempt_that_fails_leaves_the_request_held(self, fake, script):
        """
        While another target is tried the request is under way yet, and in the end counts once.
        """
        keys = key(**self.LIMITS)
        async with governed(fake, models=self.PAIR, virtual_keys=keys) as client:
            await ask(client, model="pair")
            fake.script("first", script)
            fake.script("second", Script(latency_ms=200))
            asked = len(fake.requests)
            second = asyncio.ensure_future(ask(client, model="pair"))
            await fake.wait_for(lambda: len(fake.requests) > asked + 1, timeout=5)
            during = await self.standings(client)
            answer = await second
            after = await self.standings(client)

        assert answer.status == 200
        assert [held for held, _ in during][1:] == [1, 1]
        assert after[1:] == [(0, 2), (0, 0)]
        assert after[0][0] == 0

    async def test_who_asks_too_often_is_told_so_once(self, fake):
        """
        A limit of the request's own ends it: no fallback is tried, and no money is held.
        """
        keys = key(**{**self.LIMITS, "rate_limits": [{"requests": 1, "per": "hour"}]})
        async with governed(fake, models=self.PAIR, virtual_keys=keys) as client:
            await ask(client, model="pair")
            answer = await ask(client, model="pair")
            trace = client.gateway.traces.get(answer.headers["x-gw-request-id"])
            after = await self.standings(client)

        assert (answer.status, answer.headers["x-gw-code"]) == (429, "request_limited")
        assert len(trace["attempts"]) == 1
        assert after[1:] == [(0, 1), (0, 0)]
        assert after[0] == (0, billed_nano(fake))

    async def test_a_rule_counts_the_request_that_it_is_asked_for(self, fake):
        """
        What is used of a limit of requests includes this one, though nothing holds it yet.
        """
        rules = {
            "last": {"condition": "requests_used >= 100.0", "targets": ["q/other"]}
        }
        keys = key(rate_limits=[{"requests": 2, "per": "hour"}])
        async with governed(fake, virtual_keys=keys, routing_rules=rules) as client:
            answers = [await ask(client) for _ in range(2)]

        assert [answer.headers["x-gw-model"] for answer in answers] == ["m", "other"]


# --- explaining, and what is told -----------------------------------------------------------


async def test_a_dry_run_holds_nothing(fake):
    """
    Explaining says what would be held, and changes no counter.
    """
    keys = key(
        budgets=[{"limit_usd": 1, "per": "day"}],
        rate_limits=[{"requests": 5, "per": "minute"}],
    )
    async with governed(fake, virtual_keys=keys) as client:
        asked = {
            "request": {"model": "p/m", "messages": HELLO, "max_tokens": 9},
            "key": "me",
        }
        told = await client.ask("POST", "/api/explain", asked)
        money = await standing_of(client, "virtual_key/me/usd/day")
        requests = await standing_of(client, "virtual_key/me/requests/minute")

    lines = [line["reason"] for line in told.json["trail"]]
    assert any(line.startswith("would hold 0.00") for line in lines)
    assert (money.spent, money.held, requests.spent, requests.held) == (0, 0, 0, 0)
    assert not fake.requests


async def test_nothing_is_held_when_all_is_over(fake, rng):
    """
    Whatever became of a hundred requests, nothing stays held, and the sums are the bill's.
    """
    keys = key(
        budgets=[{"limit_usd": 1, "per": "day"}, {"limit_usd": 5, "per": "month"}],
        rate_limits=[{"tokens": 1_000_000, "per": "minute"}],
        max_parallel=50,
    )
    fake.script("broken", Script(status=500))
    async with governed(fake, virtual_keys=keys) as client:
        asks = [
            ask(
                client,
                model=rng.choice(["p/m", "p/broken", "q/m"]),
                stream=rng.random() < 0.5,
                max_tokens=rng.randrange(1, 200),
            )
            for _ in range(100)
        ]
        for some in range(0, 100, 20):
            await asyncio.gather(*asks[some : some + 20])
        ids = ["usd/day", "usd/month", "tokens/minute", "in_flight"]
        standings = [await standing_of(client, f"virtual_key/me/{id_}") for id_ in ids]

    assert [standing.held for standing in standings] == [0, 0, 0, 0]
    assert standings[0].spent == standings[1].spent == billed_nano(fake)


async def test_thresholds_are_told_once(fake):
    """
    At 50, 80 and 100 % of a budget every plugin hears of it, once.
    """
    heard = []

    class Alarm(Plugin):
        @hookimpl
        def on_event(self, event):
            if isinstance(event, BudgetCrossed):
                heard.append((event.meter, event.percent))

    soft = [{"limit_usd": 0.0002, "per": "day", "mode": "soft"}]
    alarm = FoundPlugin(name="alarm", cls=Alarm)
    settings = settings_for(fake, virtual_keys=key(budgets=soft))
    async with GatewayClient(
        settings, plugins=[PLUGIN, alarm], environ={"VK": VALUE}
    ) as client:
        for _ in range(8):
            await ask(client)
            await governor_of(client).ledger.flush()

    meter = "virtual_key/me/usd/day"
    assert heard == [(meter, 50), (meter, 80), (meter, 100)]


async def test_without_its_records_nothing_is_spent(fake):
    """
    Where the ledger cannot be granted money, the answer is 503, and nothing is sent.
    """
    keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
    async with governed(fake, virtual_keys=keys) as client:
        file = client.gateway.data_dir / "gateway.db"
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("ALTER TABLE governance_ledger_windows RENAME TO gone")
        answer = await ask(client)
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("ALTER TABLE gone RENAME TO governance_ledger_windows")
        again = await ask(client)

    assert (answer.status, answer.headers["x-gw-code"]) == (503, "ledger_unavailable")
    assert again.status == 200
    assert len(fake.requests) == 1


async def test_a_request_may_name_the_team_that_pays(fake):
    """
    Below the key's customer a team is charged, counted and limited as if the key were its own.
    """
    customer = {"acme": {"budgets": [{"limit_usd": 1, "per": "day"}]}}
    teams = {
        "web": {"customer": "acme", "budgets": [{"limit_usd": 1, "per": "day"}]},
        "app": {"customer": "acme", "budgets": [{"limit_usd": 0.000001, "per": "day"}]},
        "theirs": {},
    }
    owned = {"me": {"secret": "env.VK", "customer": "acme"}}
    async with governed(
        fake, customers=customer, teams=teams, virtual_keys=owned
    ) as client:
        answers = [
            await ask(client, headers={"x-gw-team": name} if name else None)
            for name in ("web", "", "app", "theirs")
        ]
        spent = [
            (await standing_of(client, meter)).spent
            for meter in ("team/web/usd/day", "customer/acme/usd/day")
        ]
        trace = client.gateway.traces.get(answers[0].headers["x-gw-request-id"])

    codes = [answer.headers.get("x-gw-code") for answer in answers]
    assert codes == [None, None, "budget_exceeded", "invalid_attribution"]
    assert spent == [billed_nano(fake) // 2, billed_nano(fake)]
    assert (trace["key"]["name"], trace["team"]) == ("me", "web")


async def test_a_provider_may_go_while_it_is_asked(fake):
    """
    An exchange that a reload overtakes is held, served and charged by the settings it began with.
    """
    keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
    told = settings_for(fake, virtual_keys=keys)

    class Reloading(Plugin):
        phase = Phase.INSPECT

        @hookimpl
        async def pre_request(self, exchange):
            after = {**told, "providers": {"q": told["providers"]["q"]}}
            await client.gateway.reload(settings_from_dict(after))

    plugins = [PLUGIN, FoundPlugin(name="reloading", cls=Reloading)]
    async with GatewayClient(told, plugins=plugins, environ={"VK": VALUE}) as client:
        answer = await ask(client)
        standing = await standing_of(client, "virtual_key/me/usd/day")

    assert answer.status == 200
    assert (standing.held, standing.spent) == (0, billed_nano(fake))


async def test_what_cannot_be_capped_holds_nothing(fake, monkeypatch):
    """
    A fault between holding and sending gives back what was held.
    """

    def broken(request, tokens):
        raise RuntimeError

    keys = key(budgets=[{"limit_usd": 1, "per": "day"}])
    async with governed(fake, virtual_keys=keys) as client:
        dialect = client.gateway.dialects["openai_chat"]
        monkeypatch.setattr(dialect, "set_output_cap", broken)
        answer = await ask(client, max_tokens=100_000)
        standing = await standing_of(client, "virtual_key/me/usd/day")

    assert answer.status == 500
    assert (standing.held, standing.spent) == (0, 0)
    assert not fake.requests
