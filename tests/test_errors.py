from __future__ import annotations

import inspect
import pickle
from typing import Any, ClassVar

import attrs
import pytest

from gateway import errors
from gateway.errors import (
    Blocked,
    BodyTooLarge,
    ConfigError,
    ExchangeError,
    GatewayError,
    ModelNotFound,
    PluginError,
    PluginFailed,
    Problem,
    RateLimited,
    Refused,
    SecretMissing,
    Untranslatable,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
)

EVERY = [getattr(errors, name) for name in errors.__all__ if name != "Problem"]

# What a caller sees, by class: ARCHITECTURE.md section 7.
CODES = {
    "NotAuthenticated": (401, "virtual_key_required"),
    "BudgetExceeded": (402, "budget_exceeded"),
    "Refused": (403, "refused"),
    "NotAllowed": (403, "not_allowed"),
    "RateLimited": (429, "request_limited"),
    "Blocked": (400, "guardrail_blocked"),
    "Unavailable": (503, "unavailable"),
    "InvalidRequest": (400, "invalid_request"),
    "Untranslatable": (400, "untranslatable"),
    "ModelNotFound": (404, "model_not_found"),
    "BodyTimeout": (408, "body_timeout"),
    "BodyTooLarge": (413, "body_too_large"),
    "NotJson": (415, "not_json"),
    "UpgradeRefused": (426, "upgrade_refused"),
    "UnsupportedOperation": (501, "unsupported_operation"),
    "UpstreamError": (502, "upstream_failed"),
    "UpstreamTimeout": (504, "upstream_timeout"),
    "UpstreamBusy": (503, "upstream_busy"),
    "UpstreamOverloaded": (503, "upstream_overloaded"),
    "PluginFailed": (500, "plugin_failed"),
    "ExchangeError": (500, "internal_error"),
}


@attrs.define
class StyledRefusal(Refused):
    """
    As an author may write one with attrs.
    """

    status: ClassVar[int] = 418

    limit: str = ""

    def __str__(self) -> str:
        return f"{self.limit} exceeded"


def make(kind: type[GatewayError]) -> GatewayError:
    """
    Make an error with whatever its constructor demands.
    """
    special: dict[type, Any] = {
        ConfigError: lambda: ConfigError([Problem("bad", path="a.b", where="f:1:2")]),
        SecretMissing: lambda: SecretMissing("env.X", "not set"),
        PluginError: lambda: PluginError("bad", plugin="p", distribution="d", hook="h"),
        Untranslatable: lambda: Untranslatable(["n"], dialect="messages"),
        ModelNotFound: lambda: ModelNotFound("gpt"),
        PluginFailed: lambda: PluginFailed("secretive", hook="pre_request"),
        GatewayError: lambda: GatewayError("plain"),
        RateLimited: lambda: RateLimited(limit="600 per minute", retry_after_s=2.1),
        UpstreamError: lambda: UpstreamError(
            provider="openai", upstream_status=500, attempts=["openai/x (500)"]
        ),
    }
    return special.get(kind, kind)()


class TestTree:
    def test_is_drawn_in_the_docstring(self):
        """
        Each class stands in the drawing with its status and code.
        """
        for kind in EVERY:
            assert kind.__name__ in errors.__doc__
            if kind.__name__ in CODES and kind is not ExchangeError:
                status, code = CODES[kind.__name__]
                line = next(
                    line
                    for line in errors.__doc__.splitlines()
                    if line.split()[-3:-2] == [kind.__name__]
                )
                assert line.split()[-2:] == [str(status), code]

    def test_is_complete(self):
        """
        Every error of the module is public, and has one root.
        """
        defined = {
            kind
            for _, kind in inspect.getmembers(errors, inspect.isclass)
            if issubclass(kind, Exception) and kind.__module__ == errors.__name__
        }

        assert defined == set(EVERY)
        assert all(issubclass(kind, GatewayError) for kind in defined)

    @pytest.mark.parametrize(("name", "expected"), CODES.items(), ids=str)
    def test_gives_status_and_code(self, name, expected):
        """
        Both belong to the class.
        """
        kind = getattr(errors, name)

        assert (kind.status, kind.code) == expected

    def test_lists_each_error_that_reaches_a_caller(self):
        """
        No class with a status is missing from the table above.
        """
        reaching = {kind.__name__ for kind in EVERY if issubclass(kind, ExchangeError)}

        assert reaching == set(CODES)


class TestEveryError:
    @pytest.mark.parametrize("kind", [*EVERY, StyledRefusal])
    def test_passes_between_processes(self, kind):
        """
        What it says, and its fields, survive pickling.
        """
        error = make(kind)

        copy = pickle.loads(pickle.dumps(error))

        assert type(copy) is kind
        assert str(copy) == str(error)
        assert copy.args == error.args
        assert vars(copy) == vars(error)

    @pytest.mark.parametrize("kind", [*EVERY, StyledRefusal])
    def test_can_be_raised_from_another(self, kind):
        """
        Its cause and traceback can be set.
        """
        cause = ValueError("cause")

        with pytest.raises(kind) as caught:
            raise make(kind) from cause

        assert caught.value.__cause__ is cause
        assert caught.value.__traceback__ is not None

    @pytest.mark.parametrize(
        "kind", [kind for kind in EVERY if issubclass(kind, ExchangeError)]
    )
    def test_has_a_sentence_for_the_caller(self, kind):
        """
        Made without a message it says something a caller can read.
        """
        assert len(str(make(kind)).split()) > 3


class TestExchangeError:
    def test_lets_an_instance_replace_status_and_code(self):
        """
        A refusal with a code of its own needs no class; the class is not changed.
        """
        error = Refused("not this one", status=451, code="model_blocked")

        assert (error.status, error.code) == (451, "model_blocked")
        assert (Refused.status, Refused.code) == (403, "refused")
        assert pickle.loads(pickle.dumps(error)).status == 451

    def test_carries_headers_and_details(self):
        """
        Both are copies: who raised it may go on using the mapping.
        """
        headers = {"x-limit": "1"}
        error = Blocked("no", headers=headers, details={"rule": "pii"})
        headers.clear()

        assert error.headers == {"x-limit": "1"}
        assert error.details == {"rule": "pii"}

    def test_ends_the_exchange_only_if_asked_to(self):
        """
        A refusal in before_attempt skips one target unless it ends all.
        """
        assert not Refused("skip").ends
        assert Refused("stop", ends=True).ends
        assert Blocked("stop", ends=True).ends

    def test_has_defaults_without_its_constructor(self):
        """
        A class made by attrs calls no __init__ of ours, and is complete all the same.
        """
        error = StyledRefusal(limit="ten")

        assert str(error) == "ten exceeded"
        assert (error.status, error.ends, error.headers) == (418, False, {})
        assert error.retry_after_s is None


class TestMessages:
    def test_rate_limit_says_when_to_retry(self):
        """
        Seconds are rounded up: a retry too early is refused again.
        """
        error = RateLimited(limit="600 requests per minute", retry_after_s=2.1)

        assert str(error) == "600 requests per minute exceeded, retry in 3 s"
        assert error.retry_after_s == 2.1

    def test_untranslatable_names_the_fields(self):
        """
        The caller learns which fields, and in which dialect they are unknown.
        """
        error = Untranslatable(["n", "logit_bias"], dialect="messages", why="drop them")

        assert error.fields == ("n", "logit_bias")
        assert str(error) == (
            '"n", "logit_bias" cannot be expressed in the dialect messages: drop them'
        )

    def test_untranslatable_takes_one_name(self):
        """
        A single field is no list of letters.
        """
        assert Untranslatable("audio").fields == ("audio",)

    @pytest.mark.parametrize(
        "error",
        [
            Untranslatable([f"field-{n}" * 100 for n in range(1000)]),
            ModelNotFound("m" * 100_000),
        ],
        ids=["fields", "model"],
    )
    def test_what_the_caller_wrote_is_cut(self, error):
        """
        An error is no mirror for a body of any size.
        """
        assert len(str(error)) < 5_000

    def test_body_too_large_tells_the_limit(self):
        """
        The caller learns how much would have been read.
        """
        assert "1024 bytes" in str(BodyTooLarge(limit_bytes=1024))

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (UpstreamError(provider="openai"), "Provider openai failed"),
            (
                UpstreamError(provider="a", upstream_status=500, attempts=["x", "y"]),
                "Provider a failed with status 500 (tried: x; y)",
            ),
            (UpstreamTimeout(provider="a"), "Provider a did not answer in time"),
            (UpstreamBusy(), "The provider has no capacity at the moment"),
        ],
    )
    def test_upstream_errors_list_the_attempts(self, error, text):
        """
        Who was asked, what became of it, and what else was tried.
        """
        assert str(error) == text

    def test_plugin_failure_names_the_plugin_to_the_log_only(self):
        """
        A caller learns that something failed, not what runs here.
        """
        error = PluginFailed("secretive", hook="pre_request")

        assert (error.plugin, error.hook) == ("secretive", "pre_request")
        assert "secretive" not in str(error)
        assert "pre_request" not in repr(error)

    def test_a_callers_word_stands_between_two_quotes(self):
        """
        Whoever keeps what was said knows by them which words are the caller's.
        """
        assert str(ModelNotFound('a"jane"b')) == "No model \"a'jane'b\" here."

    def test_plugin_error_names_all_three(self):
        """
        Plugin, distribution and hook stand in front.
        """
        error = PluginError("is a generator", plugin="p", distribution="d 1", hook="h")

        assert str(error) == "plugin p (d 1), hook h: is a generator"

    def test_config_error_has_one_line_a_problem(self):
        """
        Place, path, message; what is not known is left out.
        """
        error = ConfigError(
            [
                Problem("bad", path="a.b", where="f:1:2"),
                Problem("bad", path="a.b"),
                Problem("bad", where="f"),
                Problem("bad"),
            ]
        )

        assert str(error).splitlines() == [
            "f:1:2 a.b: bad",
            "a.b: bad",
            "f: bad",
            "bad",
        ]
        assert ConfigError("bad").problems == (Problem("bad"),)
