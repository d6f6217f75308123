"""
What the settings file says about who is upstream: providers, models, routing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import attrs

from gateway.settings.values import (
    SecretRef,
    above,
    at_least,
    between,
    http_url,
    not_empty,
    told,
)


@attrs.frozen(kw_only=True)
class ProxySettings:
    """
    An HTTP proxy on the way out.

    Attributes:
        url: where it listens, without credentials.

        user: who we are to it.

        secret: where the password is found; without *user*, where ``user:password`` is.
    """

    url: str = attrs.field(
        validator=http_url, metadata=told("Where it listens, without credentials.")
    )
    user: str | None = attrs.field(
        default=None, validator=not_empty, metadata=told("Who we are to it.")
    )
    secret: SecretRef | None = attrs.field(
        default=None,
        metadata=told("Where the password is found; without user: user:password."),
    )

    @user.validator
    def _has_a_password(self, _: Any, value: str | None) -> None:
        # RFC 7617 section 2: a user with a colon cannot be told from his password.
        if value is not None and ":" in value:
            raise ValueError("must not hold a colon")

    @secret.validator
    def _stands_with_user(self, _: Any, value: SecretRef | None) -> None:
        if self.user is not None and value is None:
            raise ValueError("needs a secret beside its user")

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form, the URL alone.

        Raises:
            ValueError: *text* is none.
        """
        return cls(url=text)


@attrs.frozen(kw_only=True)
class Timeouts:
    """
    How long a provider may take.

    Attributes:
        connect_s: until the connection stands.

        first_byte_s: from the request sent to the first byte of the answer.

        idle_s: between two bytes of the answer.

        total_s: for one attempt.
    """

    connect_s: float = attrs.field(
        default=5.0,
        validator=above(0),
        metadata=told("Until the connection stands."),
    )
    first_byte_s: float = attrs.field(
        default=60.0,
        validator=above(0),
        metadata=told("From the request sent to the answer's first byte."),
    )
    idle_s: float = attrs.field(
        default=60.0,
        validator=above(0),
        metadata=told("Between two bytes of the answer."),
    )
    total_s: float = attrs.field(
        default=600.0, validator=above(0), metadata=told("For one attempt.")
    )


@attrs.frozen(kw_only=True)
class ProviderKeySettings:
    """
    One credential that a provider gave us.

    Attributes:
        secret: where the credential is found.

        weight: its share of the requests, against the other keys; 0 is never chosen.

        models: names or patterns with ``*`` that it may be used for.
    """

    secret: SecretRef = attrs.field(metadata=told("Where the credential is found."))
    weight: int = attrs.field(
        default=1,
        validator=at_least(0),
        metadata=told("Its share of the requests; 0: not used."),
    )
    models: tuple[str, ...] = attrs.field(
        default=("*",),
        validator=not_empty,
        metadata=told("Models that it may be used for; * stands for anything."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form, a reference alone.

        Raises:
            ValueError: *text* is no reference.
        """
        return cls(secret=SecretRef.parse(text))


@attrs.frozen(kw_only=True)
class ProviderSettings:
    """
    One upstream vendor, by the name under which targets call it.

    Attributes:
        type: which vendor it is; None is the table's own name.

        base_url: where it answers; None is the vendor's own address.

        keys: credentials by name.

        auth: ``key`` sends one of *keys*, ``caller`` passes the caller's own
            credential through, ``none`` sends none.

        headers: more headers for every request to it; no credentials.

        models: the models that may be asked for; None is all.

        dialects: the wire formats that it speaks, the preferred one first; None is what
            its type speaks.

        timeouts: how long it may take.

        max_parallel: requests at once, from one worker.

        queue_timeout_s: how long a request waits for its turn.

        proxy: the HTTP proxy for this provider; None is ``egress.proxy``.
    """

    type: str | None = attrs.field(
        default=None,
        metadata=told("Which vendor it is; left out: the table's own name."),
    )
    base_url: str | None = attrs.field(
        default=None,
        validator=http_url,
        metadata=told("Where it answers; left out: the vendor's own address."),
    )
    keys: Mapping[str, ProviderKeySettings] = attrs.field(
        factory=dict, metadata=told("Credentials by name.")
    )
    auth: Literal["key", "caller", "none"] = attrs.field(
        default="key",
        metadata=told("Whose credential goes upstream: one of keys, the caller's, no."),
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        metadata=told("More headers for every request to it; no credentials."),
    )
    models: tuple[str, ...] | None = attrs.field(
        default=None,
        metadata=told("Models that may be asked for, * allowed; left out: all."),
    )
    dialects: tuple[str, ...] | None = attrs.field(
        default=None,
        validator=not_empty,
        metadata=told(
            "Wire formats that it speaks, best first; left out: those of its type."
        ),
    )
    timeouts: Timeouts = attrs.field(
        factory=Timeouts, metadata=told("How long it may take.")
    )
    max_parallel: int = attrs.field(
        default=1000,
        validator=at_least(1),
        metadata=told("Requests at once, from one worker."),
    )
    queue_timeout_s: float = attrs.field(
        default=1.0,
        validator=at_least(0),
        metadata=told("How long a request waits for its turn."),
    )
    proxy: ProxySettings | None = attrs.field(
        default=None,
        metadata=told("HTTP proxy for this provider; left out: egress.proxy."),
    )


@attrs.frozen(kw_only=True)
class TargetSettings:
    """
    One model of one provider.

    Attributes:
        model: ``provider/model``; a ``*`` stands for what the name's ``*`` matched.

        weight: its share of first choices; 0 is tried only after the others.
    """

    model: str = attrs.field(
        metadata=told("provider/model; a * stands for what the name's * matched.")
    )
    weight: int = attrs.field(
        default=1,
        validator=at_least(0),
        metadata=told("Its share of first choices; 0: only after the others."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form, ``provider/model`` alone.
        """
        return cls(model=text)

    @property
    def provider(self) -> str:
        """
        The provider's name: what stands before the first slash.
        """
        return self.model.partition("/")[0]


@attrs.frozen(kw_only=True)
class ModelSettings:
    """
    A name that callers use, and what it leads to.

    Attributes:
        targets: candidates; weights pick the first, the others follow.

        fallbacks: ``provider/model`` in the order in which they are tried last.
    """

    targets: tuple[TargetSettings, ...] = attrs.field(
        validator=not_empty,
        metadata=told("Candidates: weights pick the first, the others follow."),
    )
    fallbacks: tuple[str, ...] = attrs.field(
        default=(),
        metadata=told("provider/model, tried last, in this order."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form, an alias: ``provider/model`` alone.
        """
        return cls(targets=(TargetSettings(model=text),))


@attrs.frozen(kw_only=True)
class RoutingSettings:
    """
    When another attempt is made, and where.

    Attributes:
        retries: further attempts at targets already tried.

        retry_budget: share of the traffic that may be retries.

        backoff_initial_s: wait before the first retry at the same place.

        backoff_max_s: the longest wait.

        cooldown_s: how long a failing key or provider is left alone.

        failures_to_cool: failures in a row after which it is; those of one customer, team
            or key alone keep that one away, and no other.

        total_s: for all attempts of one request together.
    """

    retries: int = attrs.field(
        default=2,
        validator=between(0, 20),
        metadata=told("Further attempts at targets already tried."),
    )
    retry_budget: float = attrs.field(
        default=0.1,
        validator=between(0, 1),
        metadata=told("Share of the traffic that may be retries."),
    )
    backoff_initial_s: float = attrs.field(
        default=0.5,
        validator=at_least(0),
        metadata=told("Wait before the first retry at the same place."),
    )
    backoff_max_s: float = attrs.field(
        default=5.0, validator=at_least(0), metadata=told("The longest wait.")
    )
    cooldown_s: float = attrs.field(
        default=10.0,
        validator=at_least(0),
        metadata=told("How long a failing key or provider is left alone."),
    )
    failures_to_cool: int = attrs.field(
        default=3,
        validator=at_least(1),
        metadata=told(
            "Failures in a row after which it is left alone: by whoever met them alone, "
            "by everybody once two parties did."
        ),
    )
    total_s: float = attrs.field(
        default=600.0,
        validator=above(0),
        metadata=told("For all attempts of one request together."),
    )
