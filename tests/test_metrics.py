"""
Tests of `gateway.metrics`.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from prometheus_client.parser import text_string_to_metric_families

from gateway.errors import Blocked, ExchangeError
from gateway.exchange import Attempt, AttemptState, Exchange, Outcome
from gateway.hooks import PluginStats
from gateway.metrics import MAX_CODES, MAX_MODELS, OTHER, Metrics, merge
from gateway.registrations import Metric
from gateway.routing.targets import Target
from gateway.server.turned_away import TurnedAway
from gateway.settings import Settings
from gateway.usage import Usage
from gateway.views import Request


class Frozen:
    def now(self) -> float:
        return 1_700_000_000.5

    def monotonic(self) -> float:
        return 12.5


class Named:
    """
    A dialect, as far as metrics know one.
    """

    name = "openai_chat"

    def is_stream(self, request: Request) -> bool:
        return True


@attrs.define
class FakeHooks:
    stats: dict[str, PluginStats] = attrs.field(factory=dict)


@attrs.define
class Counted:
    hooks: Any = attrs.field(factory=FakeHooks)
    in_flight: int = 0

    def model_name(self, provider: str, model: str) -> str | None:
        """
        Know every model but those that a caller invented.
        """
        return None if model == "invented" else model.removesuffix("-20301231")


def make(model: str = "gpt-5", **more: Any) -> Exchange:
    """
    Make an exchange that has ended, with one attempt.
    """
    dialect: Any = Named()
    request = Request(dialect, b"{}")
    exchange = Exchange(
        id="req_1",
        operation="generate",
        dialect=dialect,
        request=request,
        headers=CIMultiDictProxy(CIMultiDict()),
        settings=Settings(),
        clock=Frozen(),
        started_at=10.0,
        first_event_at=10.3,
        status=200,
        outcome=Outcome.FINISHED,
        cost_nano=2_000_000_000,
    )
    target = Target(provider="openai", model=model, dialect="openai_chat")
    attempt = Attempt(number=1, target=target, request=request, headers=CIMultiDict())
    attempt.state, attempt.status = AttemptState.ANSWERED, 200
    attempt.sent_at, attempt.ended_at = 10.5, 10.9
    attempt.usage = Usage(input=7, cache_read=3, output=4, reasoning=1)
    exchange.attempts.append(attempt)
    for name, value in more.items():
        setattr(exchange, name, value)
    return exchange


def samples(text: bytes) -> dict[str, float]:
    """
    Read *text* into values by name and labels, ``name{a=b}``.
    """
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_counts_an_exchange() -> None:
    """
    Requests, durations, latencies, attempts, tokens and cost of an exchange are counted.
    """
    metrics = Metrics(Counted())

    metrics.observe(make())
    metrics.observe(make())

    found = samples(metrics.render())
    model = "model=gpt-5"
    where = f"{model},provider=openai"
    of = "dialect=openai_chat,operation=generate,provider=openai"
    assert (
        found[
            "gatewright_requests_total{dialect=openai_chat,model=gpt-5,operation=generate,"
            "provider=openai,status=200}"
        ]
        == 2
    )
    assert found[f"gatewright_request_duration_seconds_sum{{{of}}}"] == 5.0
    assert found[f"gatewright_request_duration_seconds_count{{{of}}}"] == 2
    assert found[f"gatewright_upstream_latency_seconds_bucket{{le=0.5,{where}}}"] == 2
    assert found[f"gatewright_upstream_latency_seconds_bucket{{le=0.25,{where}}}"] == 0
    assert found[f"gatewright_time_to_first_event_seconds_count{{{where}}}"] == 2
    assert found[f"gatewright_cost_usd_total{{{where}}}"] == 4.0
    attempts = (
        f"gatewright_upstream_attempts_total{{{model},outcome=200,provider=openai}}"
    )
    assert found[attempts] == 2
    for direction, count in (
        ("input", 14),
        ("input_cached", 6),
        ("output", 8),
        ("output_reasoning", 2),
    ):
        name = f"gatewright_tokens_total{{direction={direction},{where}}}"
        assert found[name] == count


def test_counts_errors_by_code() -> None:
    """
    What callers were told stands under its code; their words do not stand anywhere.
    """
    metrics = Metrics(Counted())

    metrics.observe(make(error=Blocked("canary"), attempts=[], status=400))

    text = metrics.render()
    assert (
        samples(text)[
            "gatewright_errors_total{code=guardrail_blocked,dialect=openai_chat}"
        ]
        == 1
    )
    assert b"canary" not in text


def test_counts_who_was_turned_away() -> None:
    """
    A request that never became an exchange counts as a request and as an error.
    """
    metrics = Metrics(Counted())

    metrics.turned_away(
        TurnedAway(
            request_id="r",
            path="/x",
            method="GET",
            status=415,
            code="not_json",
            dialect="d",
        )
    )

    found = samples(metrics.render())
    assert found["gatewright_errors_total{code=not_json,dialect=d}"] == 1
    assert (
        found[
            "gatewright_requests_total{dialect=d,model=none,operation=,provider=none,"
            "status=415}"
        ]
        == 1
    )


def test_a_nested_call_is_no_request() -> None:
    """
    What a plugin asked on its own costs, but nobody requested it.
    """
    metrics = Metrics(Counted())

    metrics.observe(make(parent=make()))

    found = samples(metrics.render())
    assert not [name for name in found if name.startswith("gatewright_requests_total")]
    assert found["gatewright_cost_usd_total{model=gpt-5,provider=openai}"] == 2.0


def test_models_are_bounded() -> None:
    """
    However many models are asked for, so many become labels and the others are one.
    """
    metrics = Metrics(Counted())

    for number in range(MAX_MODELS + 50):
        metrics.observe(make(f"m{number}"))

    models = {
        part.removeprefix("model=")
        for name in samples(metrics.render())
        for part in name.partition("{")[2].rstrip("}").split(",")
        if part.startswith("model=")
    }
    assert len(models) == MAX_MODELS + 1
    assert OTHER in models


@pytest.mark.parametrize("status", [404, None])
def test_a_name_that_no_provider_answered_to_is_no_label(status: int | None) -> None:
    """
    What a caller invented never stands in the metrics, nor takes a real model's place.
    """
    metrics = Metrics(Counted())
    exchange = make("canary", status=502)
    exchange.attempts[0].status = status
    exchange.attempts[0].state = AttemptState.BROKEN

    metrics.observe(exchange)

    text = metrics.render()
    assert b"canary" not in text
    assert b'model="other",outcome="broken"' in text


@pytest.mark.parametrize(
    ("model", "label"), [("invented", OTHER), ("gpt-5-20301231", "gpt-5")]
)
def test_a_name_that_only_the_caller_knows_is_no_label(model: str, label: str) -> None:
    """
    Some providers answer to anything; nor does each date make a model of its own.
    """
    metrics = Metrics(Counted())

    metrics.observe(make(model))

    text = metrics.render()
    assert model.encode() not in text
    assert f'model="{label}",outcome="200"'.encode() in text


def test_codes_are_bounded() -> None:
    """
    So are error codes, which plugins choose.
    """
    metrics = Metrics(Counted())

    for number in range(MAX_CODES + 5):
        metrics.observe(make(error=ExchangeError(code=f"c{number}")))

    found = samples(metrics.render())
    assert found[f"gatewright_errors_total{{code={OTHER},dialect=openai_chat}}"] == 5


def test_shows_plugins_and_load() -> None:
    """
    What plugins cost, how often they failed, and what is under way is read when asked.
    """
    stats = PluginStats(calls=3, total_ns=2_000_000_000, errors=1, refused=1)
    metrics = Metrics(
        Counted(FakeHooks({"audit": stats}), in_flight=4), lines_lost=lambda: 9
    )

    found = samples(metrics.render())

    assert found["gatewright_plugin_seconds_total{plugin=audit}"] == 2.0
    assert found["gatewright_plugin_calls_total{plugin=audit}"] == 3
    assert found["gatewright_plugin_errors_total{plugin=audit}"] == 1
    assert found["gatewright_plugin_refused_total{plugin=audit}"] == 1
    assert found["gatewright_plugin_failed_open_total{plugin=audit}"] == 0
    assert found["gatewright_in_flight{}"] == 4
    assert found["gatewright_access_lines_lost_total{}"] == 9
    assert found["gatewright_workers{}"] == 1


def test_a_flight_that_was_joined_counts_once() -> None:
    """
    Whoever follows another's attempt has asked no provider.
    """
    metrics = Metrics(Counted())
    follower = make(cost_nano=None)
    follower.attempts[0].joined = True

    metrics.observe(follower)

    assert b"gatewright_upstream_attempts_total{" not in metrics.render()


def test_sums_workers() -> None:
    """
    What several workers say is summed, and can be read again.
    """
    first, second = Metrics(Counted(in_flight=1)), Metrics(Counted(in_flight=2))
    first.observe(make())
    second.observe(make())
    second.observe(make("other-model"))

    found = samples(merge([first.render(), second.render()]))

    where = "model=gpt-5,provider=openai"
    assert found[f"gatewright_cost_usd_total{{{where}}}"] == 4.0
    assert found["gatewright_cost_usd_total{model=other-model,provider=openai}"] == 2.0
    assert found["gatewright_in_flight{}"] == 3
    assert found["gatewright_workers{}"] == 2
    assert found[f"gatewright_upstream_latency_seconds_bucket{{le=+Inf,{where}}}"] == 2


def test_the_docstring_names_every_metric() -> None:
    """
    The table that operators read is complete.
    """
    import gateway.metrics

    metrics = Metrics(Counted(FakeHooks({"a": PluginStats()})))
    metrics.observe(make(error=Blocked()))
    families = {
        family.name
        for family in text_string_to_metric_families(metrics.render().decode())
        if family.name.startswith("gatewright")
    }

    told = gateway.metrics.__doc__ or ""
    assert {name for name in families if name not in told} == set()


def test_shows_what_plugins_count() -> None:
    """
    One that counts up, one that does not; one that fails hides none of the others.
    """
    shown = [
        Metric(name="broken", told="x", value=lambda: 1 // 0),
        Metric(name="audit_lost", told="Lost.", value=lambda: 7),
        Metric(name="audit_queue", told="Queue.", value=lambda: 2, counts_up=False),
        Metric(
            name="audit_lag",
            told="Lag.",
            labels=("sink",),
            value=lambda: {("a",): 1, ('b"',): 3},
            counts_up=False,
        ),
        Metric(name="unfit", told="x", labels=("a", "b"), value=lambda: {("1",): 1}),
        Metric(name="bare", told="x", labels=("a",), value=lambda: 1),
    ]
    metrics = Metrics(Counted(), of_plugins=lambda: shown)

    found = samples(merge([metrics.render(), metrics.render()]))

    assert found["gatewright_audit_lost_total{}"] == 14
    assert found["gatewright_audit_queue{}"] == 4
    assert found["gatewright_audit_lag{sink=a}"] == 2
    assert found['gatewright_audit_lag{sink=b"}'] == 6
    assert not re.search("broken|unfit|bare", " ".join(found))


@pytest.mark.parametrize("name", ["", "Upper", "a-b", "1a", "a" * 64, "a b"])
def test_a_metric_has_a_name_that_prometheus_takes(name: str) -> None:
    """
    Anything else would spoil the page for all.
    """
    with pytest.raises(ValueError, match="name of a metric"):
        Metric(name=name, told="x", value=int)
    with pytest.raises(ValueError, match="name of a metric"):
        Metric(name="fine", told="x", value=dict, labels=(name,))
