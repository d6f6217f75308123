from __future__ import annotations

import pytest

from gateway.settings import SecretRef, TargetSettings


def test_reads_every_key_of_a_provider(load):
    """
    Each key of a provider's table finds its attribute.
    """
    settings = load(
        """
providers:
  eu:
    type: azure-openai
    base_url: https://eu.example
    keys:
      main: {secret: env.A, weight: 3, models: ["gpt-*"]}
      spare: env.B
    headers: {X-Team: core}
    models: [gpt-5]
    timeouts: {connect_s: 1, first_byte_s: 2, idle_s: 3, total_s: 4}
    max_parallel: 5
    queue_timeout_s: 0
    proxy: http://127.0.0.1:3128
  mine: {type: anthropic, auth: caller}
"""
    )

    eu = settings.providers["eu"]
    assert (eu.type, eu.base_url) == ("azure-openai", "https://eu.example")
    assert (eu.keys["main"].weight, eu.keys["main"].models) == (3, ("gpt-*",))
    assert eu.keys["spare"].secret == SecretRef("env", "B")
    assert (eu.keys["spare"].weight, eu.keys["spare"].models) == (1, ("*",))
    assert (eu.headers, eu.models) == ({"X-Team": "core"}, ("gpt-5",))
    assert (eu.timeouts.connect_s, eu.timeouts.first_byte_s) == (1.0, 2.0)
    assert (eu.timeouts.idle_s, eu.timeouts.total_s) == (3.0, 4.0)
    assert (eu.max_parallel, eu.queue_timeout_s) == (5, 0.0)
    assert eu.proxy.url == "http://127.0.0.1:3128"
    assert (eu.auth, settings.providers["mine"].auth) == ("key", "caller")


def test_reads_models_in_long_and_short(load):
    """
    A plain string is an alias with one target, in a list of targets as well.
    """
    settings = load(
        """
providers: {openai: {}, openrouter: {}}
models:
  fast: openai/gpt-5-mini
  smart:
    targets: [{model: openai/gpt-5, weight: 4}, openrouter/meta/llama]
    fallbacks: [openai/gpt-5-mini]
  "gpt-*": openai/gpt-*
"""
    )

    models = settings.models
    assert models["fast"].targets == (TargetSettings(model="openai/gpt-5-mini"),)
    assert models["fast"].fallbacks == ()
    assert [target.weight for target in models["smart"].targets] == [4, 1]
    assert models["smart"].targets[1].provider == "openrouter"
    assert models["smart"].fallbacks == ("openai/gpt-5-mini",)
    assert list(models) == ["fast", "smart", "gpt-*"]


def test_reads_routing(load):
    """
    Each key of the routing table finds its attribute.
    """
    routing = load(
        "routing: {retries: 0, retry_budget: 1, backoff_initial_s: 0, backoff_max_s: 1,"
        " cooldown_s: 2, failures_to_cool: 4, total_s: 5}"
    ).routing

    assert (routing.retries, routing.retry_budget) == (0, 1.0)
    assert (routing.backoff_initial_s, routing.backoff_max_s) == (0.0, 1.0)
    assert (routing.cooldown_s, routing.failures_to_cool) == (2.0, 4)
    assert routing.total_s == 5.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "providers: {a: {keys: {main: {secret: sk-canary-123}}}}",
            (
                "gateway.yaml:1:39 providers.a.keys.main.secret: a secret is written as "
                "a reference, never as itself: env.NAME, file./path or <store>.<name>"
            ),
        ),
        (
            "providers: {a: {keys: {main: sk-canary-123}}}",
            (
                "gateway.yaml:1:30 providers.a.keys.main: a secret is written as "
                "a reference, never as itself: env.NAME, file./path or <store>.<name>"
            ),
        ),
        (
            "providers: {a: {keys: [env.A]}}",
            (
                "gateway.yaml:1:23 providers.a.keys: must be a table, key: value, "
                "not a list"
            ),
        ),
        (
            "providers: {a: {auth: bearer}}",
            (
                "gateway.yaml:1:23 providers.a.auth: must be one of key caller none, "
                'not "bearer"'
            ),
        ),
        (
            "providers: {a: {base_url: 'ftp://x'}}",
            (
                "gateway.yaml:1:27 providers.a.base_url: must be an http:// or https:// "
                "URL with a host"
            ),
        ),
        (
            "providers: {a: {keys: {main: {secret: env.A, models: []}}}}",
            "gateway.yaml:1:54 providers.a.keys.main.models: must not be empty",
        ),
        (
            "models: {a: {targets: []}}",
            "gateway.yaml:1:23 models.a.targets: must not be empty",
        ),
        (
            "models: {a: {fallbacks: [demo/b]}}",
            "gateway.yaml:1:13 models.a.targets: required, but missing",
        ),
        (
            "models: {a: [demo/b]}",
            "gateway.yaml:1:13 models.a: must be a table, key: value, not a list",
        ),
        (
            "routing: {retry_budget: 10%}",
            'gateway.yaml:1:25 routing.retry_budget: must be a number, not "10%"',
        ),
        (
            "routing: {retries: -1}",
            "gateway.yaml:1:20 routing.retries: must be from 0 to 20, not -1",
        ),
    ],
)
def test_says_what_is_wrong(complaints, text, message):
    """
    Each wrong value is told with its place, and no secret is repeated.
    """
    assert complaints(text) == [message]
    assert "canary" not in message
