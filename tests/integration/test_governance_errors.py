"""
Every error that governance raises, as the vendors' SDKs see it, in every dialect.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import anthropic
import attrs
import openai
import pytest

from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient, Script
from gateway_governance import GovernancePlugin

PLUGIN = FoundPlugin(name="governance", cls=GovernancePlugin)
AGENT = {"X-Claude-Code-Session-Id": "5f0c"}
HELLO = [{"role": "user", "content": "hello"}]
#: USD per million tokens: a token of the prompt is 1,000 nano-USD, one of the answer 10,000.
PRICES = {"input": 1, "output": 10}
SMALL = {"limit_usd": 0.00001, "per": "day"}
LARGE = {"limit_usd": 1, "per": "day"}
#: Pays for one request's worst case at a time, and for many answers.
NARROW = {"limit_usd": 0.0012, "per": "day"}

KEYS: dict[str, dict[str, Any]] = {
    "any": {},
    "off": {"is_active": False},
    "other-provider": {"providers": {"q": "*"}},
    "other-model": {"models": ["fast"]},
    "spent": {"budgets": [SMALL]},
    "rich": {"budgets": [LARGE]},
    "narrow": {"budgets": [NARROW]},
    "once": {"rate_limits": [{"requests": 1, "per": "hour"}]},
    "few-tokens": {"rate_limits": [{"tokens": 5, "per": "hour"}]},
    "alone": {"max_parallel": 1},
}


def value_of(name):
    return f"vk-of-{name}-0123456789abcdef"


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        fake.script("slow", Script(text="ok", latency_ms=400))
        fake.script("broken", Script(status=500))
        yield fake


def governed(fake, **governance):
    """
    Make a gateway in front of *fake*, with all keys.
    """
    place = {"base_url": fake.openai_url, "type": "openai-compatible", "auth": "none"}
    priced = {
        f"{name}-prices": {"model": name, "prices": PRICES}
        for name in ("m", "slow", "broken")
    }
    table = {
        "require_key": True,
        "required_headers": ["x-cost-center"],
        "when_short": "refuse",
        "wait": {"up_to_s": 0.2},
        "virtual_keys": {
            name: {"secret": f"env.{name.upper().replace('-', '_')}", **limits}
            for name, limits in KEYS.items()
        },
        "pricing_overrides": priced,
        **governance,
    }
    settings = {
        "providers": {"p": place, "q": place},
        "models": {
            "fast": "p/m",
            "pair": {"targets": ["p/m"], "fallbacks": ["q/m"]},
            "lame": {"targets": ["p/broken"], "fallbacks": ["q/dear"]},
        },
        "routing": {"retries": 0},
        "plugins": {"governance": table},
    }
    environ = {name.upper().replace("-", "_"): value_of(name) for name in KEYS}
    return GatewayClient(settings, plugins=[PLUGIN], environ=environ)


@pytest.fixture(name="client")
async def _client(fake):
    async with governed(fake) as client:
        yield client


# --- the callers ----------------------------------------------------------------------------


class Chat:
    """
    OpenAI's SDK, chat completions.
    """

    errors = openai
    no_money = openai.APIStatusError
    unbounded: ClassVar[Any] = {"web_search_options": {"search_context_size": "low"}}

    def __init__(self, client, key, **options):
        self.sdk = openai.AsyncOpenAI(
            base_url=client.openai_url,
            api_key=value_of(key),
            default_headers={"x-cost-center": "7"},
            **{"max_retries": 0, "timeout": 20, **options},
        )

    async def ask(self, **asked):
        asked = {"model": "p/m", "max_tokens": 50, **asked}
        return await self.sdk.chat.completions.create(messages=HELLO, **asked)

    @staticmethod
    def code_of(error):
        return error.code

    @staticmethod
    def kind_of(error):
        return error.type


class Responses(Chat):
    """
    OpenAI's SDK, responses.
    """

    unbounded: ClassVar[Any] = {"tools": [{"type": "web_search"}]}

    async def ask(self, **asked):
        asked = {"model": "p/m", "max_output_tokens": 50, **asked}
        return await self.sdk.responses.create(input="hello", **asked)


class Messages:
    """
    Anthropic's SDK.
    """

    errors = anthropic
    no_money = anthropic.PaymentRequiredError
    unbounded: ClassVar[Any] = {
        "tools": [{"type": "web_search_20250305", "name": "web_search"}]
    }

    def __init__(self, client, key, **options):
        self.sdk = anthropic.AsyncAnthropic(
            base_url=client.url,
            api_key=value_of(key),
            default_headers={"x-cost-center": "7"},
            **{"max_retries": 0, "timeout": 20, **options},
        )

    async def ask(self, **asked):
        asked = {"model": "p/m", "max_tokens": 50, **asked}
        return await self.sdk.messages.create(messages=HELLO, **asked)

    @staticmethod
    def code_of(error):
        return error.body["error"]["details"]["error_code"]

    @staticmethod
    def kind_of(error):
        return error.body["error"]["type"]


CALLERS = [Chat, Responses, Messages]


@pytest.fixture(name="caller", params=CALLERS, ids=lambda each: each.__name__.lower())
def _caller(request):
    return request.param


async def refused(waiting, errors) -> Any:
    with pytest.raises(errors.APIStatusError) as caught:
        await waiting
    return caught.value


@asynccontextmanager
async def asking(fake, asker, **asked):
    """
    Have a request under way at the vendor.
    """
    before = len(fake.requests)
    under_way = asyncio.ensure_future(asker.ask(**asked))
    await fake.wait_for(lambda: len(fake.requests) > before, timeout=5)
    yield under_way
    await under_way


# --- every code -----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Case:
    """
    A caller that is refused.

    Attributes:
        kinds: What OpenAI and Anthropic call it.
        name: Of the SDKs' exception; "" is that of 402.
        limited: The rate that headers tell of.
    """

    code: str
    status: int
    key: str
    name: str
    kinds: tuple[str, str]
    asked: dict[str, Any] = attrs.field(factory=dict)
    warm: str = ""
    limited: str = ""


INVALID = ("invalid_request_error", "invalid_request_error")
STRANGER = ("authentication_error", "authentication_error")
FORBIDDEN = ("permission_error", "permission_error")
UNPAID = ("insufficient_quota", "billing_error")
LIMITED = ("rate_limit_error", "rate_limit_error")

CASES = [
    Case(
        code="virtual_key_required",
        status=401,
        key="any",
        name="AuthenticationError",
        kinds=STRANGER,
        asked={"without": "credential"},
    ),
    Case(
        code="virtual_key_not_found",
        status=401,
        key="nobody",
        name="AuthenticationError",
        kinds=STRANGER,
    ),
    Case(
        code="virtual_key_blocked",
        status=403,
        key="off",
        name="PermissionDeniedError",
        kinds=FORBIDDEN,
    ),
    Case(
        code="provider_blocked",
        status=403,
        key="other-provider",
        name="PermissionDeniedError",
        kinds=FORBIDDEN,
    ),
    Case(
        code="model_blocked",
        status=403,
        key="other-model",
        name="PermissionDeniedError",
        kinds=FORBIDDEN,
    ),
    Case(code="budget_exceeded", status=402, key="spent", name="", kinds=UNPAID),
    Case(
        code="budget_exceeded",
        status=402,
        key="spent",
        name="",
        kinds=UNPAID,
        asked={"model": "pair"},
    ),
    Case(
        code="model_unpriced",
        status=402,
        key="rich",
        name="",
        kinds=UNPAID,
        asked={"model": "p/nobody-knows"},
    ),
    Case(
        code="request_limited",
        status=429,
        key="once",
        name="RateLimitError",
        kinds=LIMITED,
        warm="before",
        limited="requests",
    ),
    Case(
        code="token_limited",
        status=429,
        key="few-tokens",
        name="RateLimitError",
        kinds=LIMITED,
        limited="tokens",
    ),
    Case(
        code="parallel_limited",
        status=429,
        key="alone",
        name="RateLimitError",
        kinds=LIMITED,
        warm="meanwhile",
    ),
    Case(
        code="budget_busy",
        status=429,
        key="narrow",
        name="RateLimitError",
        kinds=LIMITED,
        warm="meanwhile",
    ),
    Case(
        code="missing_required_headers",
        status=400,
        key="any",
        name="BadRequestError",
        kinds=INVALID,
        asked={"without": "header"},
    ),
    Case(
        code="request_unbounded",
        status=400,
        key="rich",
        name="BadRequestError",
        kinds=INVALID,
        asked={"with": "unbounded"},
    ),
    Case(
        code="invalid_run",
        status=400,
        key="any",
        name="BadRequestError",
        kinds=INVALID,
        asked={"extra_headers": {"x-gw-run-id": "r", "x-gw-run-budget": "much"}},
    ),
]
CASE_IDS = [f"{case.code}-{case.asked.get('model', case.status)}" for case in CASES]


def asked_of(case, caller, **more):
    """
    Return what the SDK's method is given.
    """
    asked = {**case.asked, **more}
    match asked.pop("without", ""):
        case "credential":
            asked["extra_headers"] = {"Authorization": caller.errors.omit}
        case "header":
            asked["extra_headers"] = {"x-cost-center": caller.errors.omit}
    if asked.pop("with", ""):
        asked |= caller.unbounded
    return asked


async def refusal_for(case, caller, fake, client, **more) -> Any:
    """
    Bring about the refusal of *case*.
    """
    asker = caller(client, case.key)
    async with asker.sdk:
        waiting = asker.ask(**asked_of(case, caller, **more))
        if case.warm == "before" and not fake.requests:
            await asker.ask()
        if case.warm != "meanwhile":
            return await refused(waiting, caller.errors)
        async with asking(fake, asker, model="p/slow"):
            return await refused(waiting, caller.errors)


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
async def test_every_error_is_the_sdks_own(fake, client, caller, case):
    """
    Status, class, the vendor's own word, our code in the body and beside it; a time to wait where
    waiting helps, and the limit where it is a rate; and nothing sent.  Streamed or not.
    """
    refusals = [
        await refusal_for(case, caller, fake, client, **more)
        for more in ({}, {"stream": True})
    ]

    expected = getattr(caller.errors, case.name) if case.name else caller.no_money
    for error in refusals:
        headers = error.response.headers
        assert type(error) is expected
        assert error.status_code == case.status
        assert caller.code_of(error) == case.code == headers["x-gw-code"]
        assert caller.kind_of(error) == case.kinds[caller is Messages]
        assert headers["x-gw-request-id"].startswith("req_")
        assert headers["content-type"].startswith("application/json")
        assert value_of(case.key) not in error.response.text
        check_waits(case, headers)
    sent = [request.json["model"] for request in fake.requests]
    assert sent == {"before": ["m"], "meanwhile": ["slow"] * 2}.get(case.warm, [])


def check_waits(case, headers):
    """
    Every 429 says in whole seconds when to come again, and nothing else does; a rate says what
    its limit is and what is left of it.
    """
    assert ("retry-after" in headers) == (case.status == 429)
    assert "x-should-retry" not in headers
    if case.status == 429:
        assert 1 <= int(headers["retry-after"]) <= 3600
    told = {name for name in headers if name.startswith("x-ratelimit-")}
    if not case.limited:
        assert not told
        return
    assert told == {
        f"x-ratelimit-{what}-{case.limited}" for what in ("limit", "remaining", "reset")
    }
    limit = int(headers[f"x-ratelimit-limit-{case.limited}"])
    assert 0 <= int(headers[f"x-ratelimit-remaining-{case.limited}"]) <= limit
    assert headers[f"x-ratelimit-reset-{case.limited}"]


# --- what clients do about it ---------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
async def test_a_coding_agent_stops_where_trying_again_is_no_use(fake, client, case):
    """
    Anthropic's agent is told of money as 429 billing_error, not to be sent again; an unknown key
    is not to be sent again either; what passes by itself is retried as ever.
    """
    more = {**case.asked.get("extra_headers", {}), **AGENT}
    asked = attrs.evolve(case, asked={**case.asked, "extra_headers": more})
    if "without" in case.asked:
        name = {"credential": "Authorization", "header": "x-cost-center"}
        dropped = {name[case.asked["without"]]: anthropic.omit}
        asked = attrs.evolve(case, asked={"extra_headers": {**AGENT, **dropped}})
    error = await refusal_for(asked, Messages, fake, client)

    is_money = case.status == 402
    assert error.status_code == (429 if is_money else case.status)
    assert error.body["error"]["type"] == case.kinds[1]
    assert error.response.headers["x-gw-code"] == case.code
    said = error.response.headers.get("x-should-retry")
    assert said == ("false" if is_money or case.status == 401 else None)
    assert "retry-after" not in error.response.headers or case.status == 429


async def test_busy_money_is_waited_for_and_then_retried(fake, client, caller):
    """
    While one request holds all, the next one waits at the gateway, is then told to come again,
    and the SDK, which does, is served.
    """
    asker = caller(client, "narrow")
    patient = caller(client, "narrow", max_retries=3)
    loop = asyncio.get_running_loop()
    async with asker.sdk, patient.sdk, asking(fake, asker, model="p/slow"):
        began = loop.time()
        error = await refused(asker.ask(), caller.errors)
        waited_s = loop.time() - began
        answer = await patient.ask()

    assert caller.code_of(error) == "budget_busy"
    assert 0.2 <= waited_s < 5.0
    assert answer.id
    assert len(fake.requests) == 2


async def test_money_outweighs_no_upstream_failure(fake, client, caller):
    """
    If one target failed and only the others were refused for money, it is the failure that is told.
    """
    asker = caller(client, "rich")
    async with asker.sdk:
        error = await refused(asker.ask(model="lame"), caller.errors)

    assert error.status_code == 502
    assert len(fake.requests) == 1


async def test_every_target_refused_for_money_is_402(fake, client, caller):
    """
    An alias whose targets are all too dear is 402, and nobody was asked.
    """
    asker = caller(client, "spent")
    async with asker.sdk:
        error = await refused(asker.ask(model="pair"), caller.errors)

    assert error.status_code == 402
    assert "virtual_key/spent" in error.message
    assert "resets at" in error.message
    assert not fake.requests
