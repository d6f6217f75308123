"""
What a plugin's refusals become in the vendors' SDKs: class, status, code, headers.
"""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from gateway import (
    BudgetExceeded,
    Identity,
    NotAllowed,
    NotAuthenticated,
    Phase,
    Plugin,
    RateLimited,
    hookimpl,
)
from gateway.errors import InvalidRequest
from gateway.testing import FakeUpstream
from gateway.testing.client import GatewayClient, settings_for

AGENT = {"X-Claude-Code-Session-Id": "5f0c"}
LIMITS = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-limit-requests": "600"}

REFUSALS: dict[str, Any] = {
    "no-key": NotAuthenticated,
    "blocked": lambda: NotAllowed(code="model_blocked"),
    "spent": lambda: BudgetExceeded(
        "The budget is spent.", headers={"x-gw-budget-resets": "12"}
    ),
    "unpriced": lambda: BudgetExceeded("No price.", code="model_unpriced"),
    "limited": lambda: RateLimited(
        limit="600 requests per minute", retry_after_s=12.4, headers=LIMITS
    ),
    "busy": lambda: RateLimited("Wait.", code="budget_busy", retry_after_s=0.2),
    "no-header": lambda: InvalidRequest(
        "x-team is required.", code="missing_required_headers"
    ),
}


class DoorPlugin(Plugin):
    """
    Refuses as the caller's header asks it to, on the way in or before an attempt.
    """

    phase = Phase.GOVERN
    authenticates_callers = True

    def why(self, exchange):
        exchange.response_headers["x-gw-noted"] = "yes"
        return REFUSALS.get(exchange.headers.get("x-why", ""))

    @hookimpl
    async def pre_request(self, exchange):
        why = self.why(exchange)
        if why is not None and "x-late" not in exchange.headers:
            raise why()

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        why = self.why(exchange)
        if why is not None:
            raise why()

    @hookimpl
    async def list_models(self, exchange, models):
        why = self.why(exchange)
        if why is not None:
            raise why()
        allowed = exchange.headers.get("x-allowed")
        if allowed is None:
            return models
        exchange.identity = Identity(key_id="k")
        return [model for model in models if model.id in allowed.split()]


@pytest.fixture
async def client():
    settings = {"models": {"fast": "openai/m", "smart": "anthropic/m"}}
    async with (
        FakeUpstream() as fake,
        GatewayClient(settings_for(fake, **settings), plugins=[DoorPlugin]) as client,
    ):
        yield client


class OpenAi:
    """
    OpenAI's SDK.
    """

    errors = openai
    no_money = openai.APIStatusError

    def __init__(self, client):
        self.sdk = openai.AsyncOpenAI(
            base_url=client.openai_url, api_key="x", max_retries=0
        )

    async def ask(self, **headers):
        messages = [{"role": "user", "content": "hi"}]
        return await self.sdk.chat.completions.create(
            model="fast", messages=messages, extra_headers=headers
        )

    @staticmethod
    def code_of(error):
        return error.code


class Anthropic:
    """
    Anthropic's SDK.
    """

    errors = anthropic
    no_money = anthropic.PaymentRequiredError

    def __init__(self, client):
        self.sdk = anthropic.AsyncAnthropic(
            base_url=client.url, api_key="x", max_retries=0
        )

    async def ask(self, **headers):
        messages = [{"role": "user", "content": "hi"}]
        return await self.sdk.messages.create(
            model="fast", max_tokens=9, messages=messages, extra_headers=headers
        )

    @staticmethod
    def code_of(error):
        return error.body["error"]["details"]["error_code"]


@pytest.fixture(params=[OpenAi, Anthropic], ids=["openai", "anthropic"])
async def vendor(request, client):
    """
    One SDK after the other, in front of the gateway.
    """
    made = request.param(client)
    async with made.sdk:
        yield made


async def refused(waiting, errors) -> Any:
    with pytest.raises(errors.APIStatusError) as caught:
        await waiting
    return caught.value


@pytest.mark.parametrize("late", [{}, {"x-late": "1"}], ids=["way-in", "attempt"])
@pytest.mark.parametrize(
    ("why", "status", "kind", "code"),
    [
        ("no-key", 401, "AuthenticationError", "virtual_key_required"),
        ("blocked", 403, "PermissionDeniedError", "model_blocked"),
        ("spent", 402, "", "budget_exceeded"),
        ("unpriced", 402, "", "model_unpriced"),
        ("limited", 429, "RateLimitError", "request_limited"),
        ("busy", 429, "RateLimitError", "budget_busy"),
        ("no-header", 400, "BadRequestError", "missing_required_headers"),
    ],
)
async def test_refusals_are_the_sdks_errors(vendor, late, why, status, kind, code):
    """
    Each has its status, its class and its code, as told in the body and beside it.
    """
    error = await refused(vendor.ask(**{"x-why": why, **late}), vendor.errors)

    assert type(error) is (getattr(vendor.errors, kind) if kind else vendor.no_money)
    assert error.status_code == status
    assert vendor.code_of(error) == code
    assert error.response.headers["x-gw-code"] == code
    assert error.response.headers["x-gw-request-id"].startswith("req_")


@pytest.mark.parametrize("late", [{}, {"x-late": "1"}], ids=["way-in", "attempt"])
async def test_headers_reach_the_caller_with_the_refusal(vendor, late):
    """
    Those of the refusal, those that plugins noted on the exchange, and when to come back.
    """
    error = await refused(vendor.ask(**{"x-why": "limited", **late}), vendor.errors)

    headers = error.response.headers
    assert headers["retry-after"] == "13"
    assert LIMITS.items() <= dict(headers).items()
    assert headers["x-gw-noted"] == "yes"


async def test_a_wait_of_less_than_a_second_is_one(vendor):
    """
    Retry-After knows whole seconds, and none would be no wait.
    """
    error = await refused(vendor.ask(**{"x-why": "busy"}), vendor.errors)

    assert error.response.headers["retry-after"] == "1"


async def test_an_answer_carries_the_headers_too(vendor):
    """
    What is left of a limit is told with every answer.
    """
    raw = vendor.sdk.with_raw_response
    messages = [{"role": "user", "content": "hi"}]
    if isinstance(vendor, OpenAi):
        answer = await raw.chat.completions.create(model="fast", messages=messages)
    else:
        answer = await raw.messages.create(
            model="fast", max_tokens=9, messages=messages
        )

    assert answer.headers["x-gw-noted"] == "yes"


class TestCodingAgent:
    @pytest.fixture
    async def agent(self, client):
        """
        Anthropic's SDK, as the agent uses it.
        """
        agent = Anthropic(client)
        async with agent.sdk:
            yield agent

    @pytest.mark.parametrize("late", [{}, {"x-late": "1"}], ids=["way-in", "attempt"])
    async def test_is_told_of_a_spent_budget_so_that_it_stops(self, agent, late):
        """
        Anthropic's agent stops at a 429 billing_error that says not to try again.
        """
        asked = {"x-why": "spent", **AGENT, **late}
        error = await refused(agent.ask(**asked), anthropic)

        assert isinstance(error, anthropic.RateLimitError)
        assert error.body["error"]["type"] == "billing_error"
        assert error.response.headers["x-should-retry"] == "false"
        assert error.response.headers["x-gw-code"] == "budget_exceeded"
        assert error.response.headers["x-gw-budget-resets"] == "12"
        assert "retry-after" not in error.response.headers

    async def test_does_not_send_an_unknown_key_again(self, agent):
        """
        A 401 says so, in the list of models too.
        """
        asked = {"x-why": "no-key", **AGENT}
        error = await refused(agent.ask(**asked), anthropic)
        listed = await refused(agent.sdk.models.list(extra_headers=asked), anthropic)

        assert error.response.headers["x-should-retry"] == "false"
        assert listed.status_code == 401
        assert listed.response.headers["x-should-retry"] == "false"

    async def test_may_try_a_rate_limit_again(self, agent):
        """
        What passes by itself is retried as ever.
        """
        asked = {"x-why": "limited", **AGENT}
        error = await refused(agent.ask(**asked), anthropic)

        assert "x-should-retry" not in error.response.headers
        assert error.response.headers["retry-after"] == "13"

    async def test_is_no_exception_for_openai(self, client):
        """
        OpenAI's clients get 402 whatever headers they send.
        """
        other = OpenAi(client)
        async with other.sdk:
            error = await refused(other.ask(**{"x-why": "spent", **AGENT}), openai)

        assert error.status_code == 402


class TestModels:
    async def ids(self, vendor, **headers) -> list[str]:
        page = await vendor.sdk.models.list(extra_headers=headers)
        return [model.id for model in page.data]

    async def test_are_those_that_the_caller_may_use(self, vendor):
        """
        Two callers see two lists; what a plugin noted comes with them.
        """
        assert await self.ids(vendor, **{"x-allowed": "smart"}) == ["smart"]
        assert {"fast", "smart"} <= set(await self.ids(vendor))

    async def test_that_the_caller_may_not_use_do_not_exist(self, vendor):
        """
        One that is not allowed and one that is not there are told alike.
        """
        told = []
        for name in ("fast", "nothing"):
            waiting = vendor.sdk.models.retrieve(
                name, extra_headers={"x-allowed": "smart"}
            )
            error = await refused(waiting, vendor.errors)
            told.append(error.message.replace(name, "NAME"))
            told[-1] = told[-1].replace(error.response.headers["x-gw-request-id"], "ID")
            assert isinstance(error, vendor.errors.NotFoundError)

        assert told[0] == told[1]

    async def test_that_the_caller_may_use_are_shown(self, vendor):
        """
        The one is told by its name.
        """
        model = await vendor.sdk.models.retrieve(
            "smart", extra_headers={"x-allowed": "smart"}
        )

        assert model.id == "smart"

    async def test_are_told_to_nobody_without_a_key(self, vendor):
        """
        Where a key is required the list requires it, and so does each model of it.
        """
        asked = {"x-why": "no-key"}
        for waiting in (
            vendor.sdk.models.list(extra_headers=asked),
            vendor.sdk.models.retrieve("fast", extra_headers=asked),
        ):
            error = await refused(waiting, vendor.errors)

            assert isinstance(error, vendor.errors.AuthenticationError)
            assert vendor.code_of(error) == "virtual_key_required"
            assert error.response.headers["x-gw-noted"] == "yes"
            assert "fast" not in error.response.text
