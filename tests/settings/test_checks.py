from __future__ import annotations

import pytest

from gateway.settings import settings_from_dict
from gateway.settings.checks import find_faults, find_warnings


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "models: {fast: openai/gpt-5}",
            [
                (
                    "gateway.yaml:1:16 models.fast: "
                    'no provider "openai" is declared under providers'
                )
            ],
        ),
        (
            (
                "providers: {openai: {}}\n"
                "models:\n"
                "  a: {targets: [openai/x, {model: gpt-5}], fallbacks: [other/x, openai/]}"
            ),
            [
                (
                    "gateway.yaml:3:35 models.a.targets[1].model: "
                    '"gpt-5" is not provider/model'
                ),
                (
                    "gateway.yaml:3:56 models.a.fallbacks[0]: "
                    'no provider "other" is declared under providers'
                ),
                (
                    "gateway.yaml:3:65 models.a.fallbacks[1]: "
                    '"openai/" is not provider/model'
                ),
            ],
        ),
        (
            "models: {a: demo/*}",
            ["gateway.yaml:1:13 models.a: has a * more than the name that leads here"],
        ),
        (
            'models: {"a*": "*/x"}',
            [
                (
                    "gateway.yaml:1:16 models.a*: "
                    "a * may stand for the model, not for the provider"
                )
            ],
        ),
        (
            'models: {"*a*": demo/x}',
            ["gateway.yaml:1:10 models.*a*: more than one * in a name"],
        ),
        (
            "models: {'a b': demo/x}",
            [
                (
                    'gateway.yaml:1:10 models."a b": '
                    "a model's name is one word of at most 200 characters"
                )
            ],
        ),
        (
            "providers: {a/b: {}}",
            [
                (
                    "gateway.yaml:1:13 providers.a/b: "
                    "a name has 1 to 64 letters, digits, and . _ @ - between them"
                )
            ],
        ),
        (
            "admin: {'on call': {secret: env.A}}",
            [
                (
                    'gateway.yaml:1:9 admin."on call": '
                    "a name has 1 to 64 letters, digits, and . _ @ - between them"
                )
            ],
        ),
        (
            "providers: {a: {auth: none, keys: {main: env.A}}}",
            ["gateway.yaml:1:29 providers.a.keys: no key is ever sent with auth: none"],
        ),
        (
            "providers: {a: {keys: {main: {secret: env.A, weight: 0}, '': env.B}}}",
            [
                (
                    'gateway.yaml:1:58 providers.a.keys."": '
                    "a name has 1 to 64 letters, digits, and . _ @ - between them"
                )
            ],
        ),
        (
            "providers: {a: {keys: {main: {secret: env.A, weight: 0}}}}",
            [
                (
                    "gateway.yaml:1:17 providers.a.keys: "
                    "every key has weight 0, so none is ever chosen"
                )
            ],
        ),
        (
            "providers: {a: {headers: {Authorization: Bearer canary-123}}}",
            [
                (
                    "gateway.yaml:1:27 providers.a.headers.Authorization: "
                    "a credential does not stand here: declare it under keys"
                )
            ],
        ),
        (
            'providers: {a: {headers: {"X:Y": b, Host: c, X-Ok: "d\\ne"}}}',
            [
                "gateway.yaml:1:27 providers.a.headers.X:Y: is no name of a header",
                (
                    "gateway.yaml:1:37 providers.a.headers.Host: "
                    "is set by the gateway itself"
                ),
                (
                    "gateway.yaml:1:46 providers.a.headers.X-Ok: "
                    "its value holds what a header cannot: one line of Latin-1 text"
                ),
            ],
        ),
        (
            "server: {listen: '127.0.0.1:80', admin_listen: '127.0.0.1:80'}",
            [
                (
                    "gateway.yaml:1:48 server.admin_listen: "
                    "is where callers come in; leave it out or choose another port"
                )
            ],
        ),
        (
            "routing: {backoff_initial_s: 9, backoff_max_s: 8}",
            [
                (
                    "gateway.yaml:1:30 routing.backoff_initial_s: "
                    "is more than backoff_max_s, 8"
                )
            ],
        ),
        (
            "hooks: {required: [a, b, a], only: [b, c], disabled: [c, a]}",
            [
                'gateway.yaml:1:20 hooks.required[0]: "a" is disabled as well',
                'gateway.yaml:1:26 hooks.required[2]: "a" stands twice',
                'gateway.yaml:1:26 hooks.required[2]: "a" is disabled as well',
            ],
        ),
        (
            "hooks: {required: [a], only: [b]}",
            [
                (
                    "gateway.yaml:1:20 hooks.required[0]: "
                    '"a" is required, but does not stand in only'
                )
            ],
        ),
        (
            "hooks: {timeout_s: {a: 0}, phase: {b: LAST}, on_failure: {c: ignore}}",
            [
                (
                    "gateway.yaml:1:39 hooks.phase.b: must be one of OBSERVE IDENTIFY "
                    'GOVERN SHAPE INSPECT ANSWER ROUTE, not "LAST"'
                ),
                (
                    "gateway.yaml:1:62 hooks.on_failure.c: "
                    'must be open or closed, not "ignore"'
                ),
            ],
        ),
        (
            "hooks: {timeout_s: {a: 0}}",
            ["gateway.yaml:1:24 hooks.timeout_s.a: must be greater than 0"],
        ),
    ],
)
def test_tables_that_do_not_agree_are_told(complaints, text, messages):
    """
    Each disagreement stands where the operator would change something.
    """
    assert complaints(text) == messages
    assert "canary" not in "".join(messages)


def test_one_broken_table_does_not_hide_the_others(complaints):
    """
    Types and agreement are told together, but no follow-up of what is broken.
    """
    told = complaints(
        "providers: []\nmodels: {a: x/y}\nrouting: {backoff_initial_s: 9}"
    )

    assert [line.split()[1] for line in told] == [
        "providers:",
        "routing.backoff_initial_s:",
    ]


def test_a_broken_provider_is_still_declared(complaints):
    """
    Targets are judged by the names in the file, whatever is wrong behind them.
    """
    told = complaints("providers: {a: {auth: x}}\nmodels: {m: a/x, n: b/x}")

    assert [line.split()[1] for line in told] == ["providers.a.auth:", "models.n:"]


@pytest.mark.parametrize("providers", ["", "providers:\n"])
def test_without_providers_no_target_leads_anywhere(complaints, providers):
    """
    An empty table declares none, like one that is left out.
    """
    (told,) = complaints(f"{providers}models: {{m: a/x}}\n")

    assert told.endswith('no provider "a" is declared under providers')


def test_the_offline_provider_needs_no_declaration():
    """
    A target may always be demo's.
    """
    settings = settings_from_dict({"models": {"fast": "demo/echo"}})

    assert list(find_faults(settings, settings.providers)) == []


@pytest.mark.parametrize(
    ("mapping", "messages"),
    [
        (
            {"providers": {"a": {"base_url": "http://10.0.0.1"}}},
            ["http:// sends prompts and keys in clear over the network"],
        ),
        ({"providers": {"a": {"base_url": "http://127.0.0.1:11434"}}}, []),
        ({"providers": {"a": {"base_url": "http://[::1]:11434"}}}, []),
        ({"providers": {"a": {"base_url": "https://10.0.0.1"}}}, []),
        (
            {"server": {"admin_listen": "10.0.0.1:81"}},
            ["nobody but this machine may use it: admin names no token"],
        ),
        (
            {
                "server": {"admin_listen": "10.0.0.1:81"},
                "admin": {"a": {"secret": "env.A"}},
            },
            [],
        ),
        ({}, []),
    ],
    ids=str,
)
def test_what_is_unwise_is_a_warning(mapping, messages):
    """
    It works, so that only check speaks of it.
    """
    warnings = find_warnings(settings_from_dict(mapping))

    assert [warning.message for warning in warnings] == messages
