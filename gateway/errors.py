"""
Every error that Gatewright raises on purpose.

::

    GatewayError
    ├── ConfigError              start-up and reload: a list of problems with marks
    │   └── SecretMissing        a reference that leads to no secret
    ├── PluginError              start-up: plugin, distribution, hook
    └── ExchangeError            has status and code; reaches the caller
        ├── Refused                            403 refused
        │   ├── NotAuthenticated               401 virtual_key_required
        │   ├── BudgetExceeded                 402 budget_exceeded
        │   ├── NotAllowed                     403 not_allowed
        │   ├── RateLimited                    429 request_limited
        │   ├── Blocked                        400 guardrail_blocked
        │   ├── Unavailable                    503 unavailable
        │   ├── InvalidRequest                 400 invalid_request
        │   │   └── Untranslatable             400 untranslatable
        │   ├── ModelNotFound                  404 model_not_found
        │   ├── BodyTimeout                    408 body_timeout
        │   ├── BodyTooLarge                   413 body_too_large
        │   ├── NotJson                        415 not_json
        │   ├── UpgradeRefused                 426 upgrade_refused
        │   └── UnsupportedOperation           501 unsupported_operation
        ├── UpstreamError                      502 upstream_failed
        │   ├── UpstreamTimeout                504 upstream_timeout
        │   ├── UpstreamOverloaded             503 upstream_overloaded
        │   └── UpstreamBusy                   503 upstream_busy
        └── PluginFailed                       500 plugin_failed

``str(error)`` of an `ExchangeError` is the one sentence that a caller may see:
no key, no prompt, no name of an internal part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import attrs

__all__ = [
    "Blocked",
    "BodyTimeout",
    "BodyTooLarge",
    "BudgetExceeded",
    "ConfigError",
    "ExchangeError",
    "GatewayError",
    "InvalidRequest",
    "ModelNotFound",
    "NotAllowed",
    "NotAuthenticated",
    "NotJson",
    "PluginError",
    "PluginFailed",
    "Problem",
    "RateLimited",
    "Refused",
    "SecretMissing",
    "Unavailable",
    "UnsupportedOperation",
    "Untranslatable",
    "UpgradeRefused",
    "UpstreamBusy",
    "UpstreamError",
    "UpstreamOverloaded",
    "UpstreamTimeout",
]

# What a caller wrote may stand in an answer only in part: an error must not
# become a mirror for a body of any size.
MAX_QUOTED = 200
MAX_NAMED_FIELDS = 20

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class GatewayError(Exception):
    """
    Anything that Gatewright raises on purpose; never raised itself.
    """

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
        # Exceptions pickle by calling their class with `args` again, which fails
        # for keyword-only constructors; workers tell the supervisor by pickle.
        return _revive, (type(self), self.args), self.__getstate__()


def _revive(kind: type[GatewayError], args: tuple[Any, ...]) -> GatewayError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


# -- start-up ------------------------------------------------------------------


@attrs.frozen
class Problem:
    """
    One thing that is wrong with the settings.

    Attributes:
        message: what is wrong and what to do, without any secret.

        path: where in the settings, ``plugins.x.y[0]``; empty for the whole.

        where: where in the file, ``file:line:column``; empty without a file.
    """

    message: str
    path: str = attrs.field(default="", kw_only=True)
    where: str = attrs.field(default="", kw_only=True)

    def __str__(self) -> str:
        place = " ".join(part for part in (self.where, self.path) if part)
        return f"{place}: {self.message}" if place else self.message


class ConfigError(GatewayError):
    """
    The settings cannot be used; every problem found is in `problems`.

    Args:
        problems: one sentence, one problem, or all of them.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class SecretMissing(ConfigError):
    """
    A reference leads to no secret; names the reference, never a value.
    """

    reference: str

    def __init__(self, reference: str, why: str) -> None:
        self.reference = reference
        super().__init__(f"secret {reference}: {why}")


class PluginError(GatewayError):
    """
    A plugin cannot be loaded, checked or configured.

    Args:
        message: what is wrong and what to do.

        plugin: the entry point's name, which is the plugin's name everywhere.

        distribution: what was installed, ``gatewright-x 0.1.0``, where known.

        hook: the hook that is wrong, where it is one.
    """

    def __init__(
        self, message: str, *, plugin: str, distribution: str = "", hook: str = ""
    ) -> None:
        self.message = message
        self.plugin = plugin
        self.distribution = distribution
        self.hook = hook
        super().__init__(message)

    def __str__(self) -> str:
        who = f"plugin {self.plugin}"
        if self.distribution:
            who += f" ({self.distribution})"
        if self.hook:
            who += f", hook {self.hook}"
        return f"{who}: {self.message}"


# -- what reaches a caller -----------------------------------------------------


class ExchangeError(GatewayError):
    """
    Ends an exchange with an error in the caller's dialect; never raised itself.

    `status` and `code` belong to the class; an instance may replace them.

    Args:
        message: the sentence for the caller; the class has one of its own.

        status: the HTTP status, where it is not the class's.

        code: the code sent as ``x-gw-code``, where it is not the class's.

        headers: more headers to send.  The server adds ``Retry-After``.

        retry_after_s: in how many seconds another try may succeed.

        details: facts for the trail and the log; JSON-able, without secrets.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "The gateway could not answer this request."

    # Defaults on the class, so that a subclass made by attrs, whose __init__ does
    # not call this one, has them as well.
    message: str = ""
    headers: Mapping[str, str] = _NOTHING
    retry_after_s: float | None = None
    details: Mapping[str, Any] = _NOTHING

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or self.sentence
        super().__init__(self.message)
        # Through the instance's dict: to a type checker a ClassVar stays one.
        if status is not None:
            vars(self)["status"] = status
        if code is not None:
            vars(self)["code"] = code
        if headers:
            self.headers = dict(headers)
        if details:
            self.details = dict(details)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message or self.sentence


class Refused(ExchangeError):
    """
    A deliberate no.

    From ``before_attempt`` it skips the target, or with *ends* it ends the
    exchange.

    Args:
        ends: no other target may be tried.
    """

    status: ClassVar[int] = 403
    code: ClassVar[str] = "refused"
    sentence: ClassVar[str] = "The gateway refused this request."

    ends: bool = False

    def __init__(
        self, message: str | None = None, *, ends: bool = False, **rest: Any
    ) -> None:
        super().__init__(message, **rest)
        self.ends = ends


class NotAuthenticated(Refused):
    """
    Nobody knows who calls.
    """

    status: ClassVar[int] = 401
    code: ClassVar[str] = "virtual_key_required"
    sentence: ClassVar[str] = "A valid credential is required."


class BudgetExceeded(Refused):
    """
    The money is spent, not only held; or what a model costs is not known (``model_unpriced``).

    To Anthropic's coding agent it is told as 429 ``billing_error`` with ``x-should-retry:
    false``, which makes it stop.
    """

    status: ClassVar[int] = 402
    code: ClassVar[str] = "budget_exceeded"
    sentence: ClassVar[str] = "A budget is spent."


class NotAllowed(Refused):
    """
    Known, but not permitted.
    """

    status: ClassVar[int] = 403
    code: ClassVar[str] = "not_allowed"
    sentence: ClassVar[str] = "This credential does not permit the request."


class RateLimited(Refused):
    """
    Too much in too short a time, or too much at once.

    Args:
        limit: the limit that was reached, in words: ``600 requests per minute``.
    """

    status: ClassVar[int] = 429
    code: ClassVar[str] = "request_limited"

    limit: str = ""

    def __init__(
        self,
        message: str | None = None,
        *,
        limit: str = "",
        retry_after_s: float | None = None,
        **rest: Any,
    ) -> None:
        self.limit = limit
        if message is None:
            message = f"{limit or 'A rate limit'} exceeded"
            if retry_after_s is not None:
                message += f", retry in {math.ceil(retry_after_s)} s"
        super().__init__(message, retry_after_s=retry_after_s, **rest)


class Blocked(Refused):
    """
    A guardrail stopped the content.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "guardrail_blocked"
    sentence: ClassVar[str] = "A guardrail blocked this content."


class Unavailable(Refused):
    """
    What the answer needs is not there at this moment.
    """

    status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"
    sentence: ClassVar[str] = "The gateway cannot serve this request at the moment."


class InvalidRequest(Refused):
    """
    The request is malformed.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    sentence: ClassVar[str] = "The request is malformed."


class Untranslatable(InvalidRequest):
    """
    The provider's dialect has no way to say what the request says.

    Args:
        fields: the name or names of what cannot be said, as the caller wrote them.

        dialect: the dialect in which they cannot be said.

        why: more for the caller, where there is more to say.
    """

    code: ClassVar[str] = "untranslatable"

    fields: tuple[str, ...] = ()
    dialect: str = ""

    def __init__(
        self,
        fields: str | Iterable[str],
        *,
        dialect: str = "",
        why: str = "",
        **rest: Any,
    ) -> None:
        self.fields = (fields,) if isinstance(fields, str) else tuple(fields)
        self.dialect = dialect
        target = f"the dialect {dialect}" if dialect else "the provider's dialect"
        message = f"{_names(self.fields)} cannot be expressed in {target}"
        super().__init__(f"{message}: {why}" if why else message, **rest)


class ModelNotFound(Refused):
    """
    No such model here, or none that this caller may know of.

    Args:
        model: the name that the caller asked for.
    """

    status: ClassVar[int] = 404
    code: ClassVar[str] = "model_not_found"

    model: str = ""

    def __init__(self, model: str, message: str | None = None, **rest: Any) -> None:
        self.model = model
        super().__init__(message or f"No model {quoted(model)} here.", **rest)


class BodyTimeout(Refused):
    """
    The request's body came too slowly.
    """

    status: ClassVar[int] = 408
    code: ClassVar[str] = "body_timeout"
    sentence: ClassVar[str] = "The request's body did not arrive in time."


class BodyTooLarge(Refused):
    """
    The request's body is longer than `server.max_body_bytes`.

    Args:
        limit_bytes: how much would have been read.
    """

    status: ClassVar[int] = 413
    code: ClassVar[str] = "body_too_large"
    sentence: ClassVar[str] = "The request's body is too large."

    limit_bytes: int | None = None

    def __init__(
        self, message: str | None = None, *, limit_bytes: int | None = None, **rest: Any
    ) -> None:
        self.limit_bytes = limit_bytes
        if message is None and limit_bytes is not None:
            message = f"The request's body is larger than {limit_bytes} bytes."
        super().__init__(message, **rest)


class NotJson(Refused):
    """
    The request's body is of a type that this route does not read.
    """

    status: ClassVar[int] = 415
    code: ClassVar[str] = "not_json"
    sentence: ClassVar[str] = "The request's content type must be application/json."


class UpgradeRefused(Refused):
    """
    The caller asks to speak WebSocket.
    """

    status: ClassVar[int] = 426
    code: ClassVar[str] = "upgrade_refused"
    sentence: ClassVar[str] = "WebSocket is not spoken here; use HTTP streaming."


class UnsupportedOperation(Refused):
    """
    The provider, or the gateway, has no such operation.
    """

    status: ClassVar[int] = 501
    code: ClassVar[str] = "unsupported_operation"
    sentence: ClassVar[str] = "This operation is not supported here."

    # The vendors' SDKs would ask twice again, as after any 5xx.
    headers: Mapping[str, str] = MappingProxyType({"x-should-retry": "false"})


class UpstreamError(ExchangeError):
    """
    The provider failed, and so did whoever was asked in its place.

    Args:
        provider: the provider asked last, by its name in the settings.

        upstream_status: the HTTP status it gave, None where there was none.

        attempts: one short line for each attempt, without secrets.
    """

    status: ClassVar[int] = 502
    code: ClassVar[str] = "upstream_failed"
    outcome: ClassVar[str] = "failed"

    provider: str = ""
    upstream_status: int | None = None
    attempts: tuple[str, ...] = ()

    def __init__(
        self,
        message: str | None = None,
        *,
        provider: str = "",
        upstream_status: int | None = None,
        attempts: Iterable[str] = (),
        **rest: Any,
    ) -> None:
        self.provider = provider
        self.upstream_status = upstream_status
        self.attempts = tuple(attempts)
        super().__init__(message or self._tell(), **rest)

    def _tell(self) -> str:
        who = f"Provider {self.provider}" if self.provider else "The provider"
        told = f"{who} {self.outcome}"
        if self.upstream_status is not None:
            told += f" with status {self.upstream_status}"
        if self.attempts:
            told += f" (tried: {'; '.join(self.attempts)})"
        return told


class UpstreamTimeout(UpstreamError):
    """
    The provider did not answer in time.
    """

    status: ClassVar[int] = 504
    code: ClassVar[str] = "upstream_timeout"
    outcome: ClassVar[str] = "did not answer in time"


class UpstreamOverloaded(UpstreamError):
    """
    The provider said that it has too much to do; on Anthropic's routes 529, as there.
    """

    status: ClassVar[int] = 503
    code: ClassVar[str] = "upstream_overloaded"
    outcome: ClassVar[str] = "reported overload"


class UpstreamBusy(UpstreamError):
    """
    Nobody who could answer is free or healthy.
    """

    status: ClassVar[int] = 503
    code: ClassVar[str] = "upstream_busy"
    outcome: ClassVar[str] = "has no capacity at the moment"


class PluginFailed(ExchangeError):
    """
    A plugin raised what it should not have; the chain failed closed.

    Args:
        plugin: its name, for the log only.

        hook: the hook that raised, for the log only.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "plugin_failed"
    sentence: ClassVar[str] = (
        "The gateway failed while it handled this request; "
        "its log says more under the request id."
    )

    plugin: str = ""
    hook: str = ""

    def __init__(self, plugin: str, *, hook: str = "", **rest: Any) -> None:
        super().__init__(None, **rest)
        self.plugin = plugin
        self.hook = hook


def quoted(text: str) -> str:
    """
    Quote what a caller wrote, cut to a bounded length.

    Whoever keeps reasons knows by the quotes what is a caller's word; so there is none inside.
    """
    text = text.replace('"', "'")
    if len(text) > MAX_QUOTED:
        text = text[: MAX_QUOTED - 1] + "…"
    return f'"{text}"'


def _names(fields: tuple[str, ...]) -> str:
    shown = ", ".join(quoted(field) for field in fields[:MAX_NAMED_FIELDS])
    more = len(fields) - MAX_NAMED_FIELDS
    return f"{shown} and {more} more" if more > 0 else shown
