"""
What the table ``plugins.caching`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from gateway.settings import SecretRef

__all__ = [
    "CachingSettings",
    "IdempotencySettings",
    "RedisSettings",
    "ScopeSettings",
    "SemanticSettings",
]

_positive: Any = attrs.validators.gt(0)
_share: Any = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.le(1.0))


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@attrs.frozen(kw_only=True)
class ScopeSettings:
    """
    How answers are kept in one scope.

    Attributes:
        enabled: Whether answers are kept and given at all.
        ttl_s: How long an answer is kept, in seconds.
        sampled: Requests are cached too whose temperature is above 0, or is not told: vendors take
            that for 1, and whoever asks again may want another answer.
        tool_calls: Answers that call tools are cached too.
        semantic: Similar questions are answered too, where there is an embedder.
        threshold: How similar they must be, as the cosine of their vectors.
        charge: Share of what the call cost that its answer costs whoever gets it again.
    """

    enabled: bool = attrs.field(
        default=True, metadata=_help("Whether answers are kept and given at all.")
    )
    ttl_s: float = attrs.field(
        default=300.0,
        validator=_positive,
        metadata=_help("How long an answer is kept, in seconds."),
    )
    sampled: bool = attrs.field(
        default=False,
        metadata=_help("Requests without temperature: 0 are cached too."),
    )
    tool_calls: bool = attrs.field(
        default=False, metadata=_help("Answers that call tools are cached too.")
    )
    semantic: bool = attrs.field(
        default=True,
        metadata=_help("Similar questions are answered too, with an embedder."),
    )
    threshold: float = attrs.field(
        default=0.95,
        validator=_share,
        metadata=_help("How similar they must be, as the cosine of their vectors."),
    )
    charge: float = attrs.field(
        default=0.0,
        validator=_share,
        metadata=_help("Share of what the call cost that a hit costs."),
    )

    def charge_nano(self, cost_nano: int) -> int:
        """
        Return what an answer that cost *cost_nano* costs again, rounded up once.
        """
        if not self.charge:
            return 0
        millionths = round(self.charge * 1_000_000)
        return -(-cost_nano * millionths // 1_000_000)


@attrs.frozen(kw_only=True)
class RedisSettings:
    """
    A Redis or Valkey server that keeps the entries.

    Attributes:
        url: ``redis://host:port/db`` or ``rediss://…``, without credentials.
        secret: The password.
        timeout_s: How long one question to it may take; then it is a miss.
    """

    url: str = attrs.field(metadata=_help("redis://host:port/db, without credentials."))
    secret: SecretRef | None = attrs.field(
        default=None, metadata=_help("The password.")
    )
    timeout_s: float = attrs.field(
        default=0.25,
        validator=_positive,
        metadata=_help("How long one question to it may take; then it is a miss."),
    )


@attrs.frozen(kw_only=True)
class SemanticSettings:
    """
    Answers to similar questions.

    Attributes:
        embedder: An embedder that a plugin registered, by its name.
        model: Or an embedding model, asked through the gateway, paid by the caller.
        max_entries: Questions in one partition, at the most.
        max_bytes: What vectors may take of each worker's memory.
        timeout_s: How long an embedding may take; then it is a miss.
        verify: Share of the hits for which the model is asked as well, to compare.
    """

    embedder: str | None = attrs.field(
        default=None, metadata=_help("An embedder that a plugin registered.")
    )
    model: str | None = attrs.field(
        default=None, metadata=_help("Or an embedding model, through the gateway.")
    )
    max_entries: int = attrs.field(
        default=100_000,
        validator=_positive,
        metadata=_help("Questions in one partition, at the most."),
    )
    max_bytes: int = attrs.field(
        default=256 * 1024 * 1024,
        validator=_positive,
        metadata=_help("What vectors may take of each worker's memory."),
    )
    timeout_s: float = attrs.field(
        default=2.0,
        validator=_positive,
        metadata=_help("How long an embedding may take; then it is a miss."),
    )
    verify: float = attrs.field(
        default=0.0,
        validator=_share,
        metadata=_help("Share of hits for which the model is asked as well."),
    )

    def __attrs_post_init__(self) -> None:
        if (self.embedder is None) == (self.model is None):
            raise ValueError("needs either embedder or model")


@attrs.frozen(kw_only=True)
class IdempotencySettings:
    """
    ``Idempotency-Key``: a request that is sent again is answered as before.

    Attributes:
        enabled: Whether the header is heard.
        ttl_s: How long an answer is kept for it, in seconds.
    """

    enabled: bool = attrs.field(
        default=True, metadata=_help("Whether the header is heard.")
    )
    ttl_s: float = attrs.field(
        default=86400.0,
        validator=_positive,
        metadata=_help("How long an answer is kept for it, in seconds."),
    )


@attrs.frozen(kw_only=True)
class CachingSettings:
    """
    The plugin's settings.

    Attributes:
        store: Where entries are kept.
        partition: Who shares answers.
        default: How answers are kept where no narrower scope says otherwise.
        models: Other ways for models, by patterns of the names that callers ask for.
        teams: Other ways for teams, by name or id; they outweigh those of models.
        max_bytes: Bytes of all entries.
        max_entries: How many entries.
        max_entry_bytes: What is larger is not kept.
        encrypt: Entries are encrypted at rest, with a key from ``server.secret_key``.
        single_flight: Identical requests under way share one call upstream.
        redis: The server, where *store* is ``redis``.
        semantic: Answers to similar questions; left out: none.
        idempotency: How ``Idempotency-Key`` is heard.
    """

    store: Literal["memory", "sqlite", "redis"] = attrs.field(
        default="sqlite",
        validator=attrs.validators.in_(("memory", "sqlite", "redis")),
        metadata=_help("Where entries are kept: memory, sqlite or redis."),
    )
    partition: Literal["key", "team", "customer"] = attrs.field(
        default="key",
        validator=attrs.validators.in_(("key", "team", "customer")),
        metadata=_help("Who shares answers: one key, a team, a customer."),
    )
    default: ScopeSettings = attrs.field(
        factory=ScopeSettings,
        metadata=_help("How answers are kept where nothing narrower says otherwise."),
    )
    models: Mapping[str, ScopeSettings] = attrs.field(
        factory=dict, metadata=_help("Other ways for models, by patterns of names.")
    )
    teams: Mapping[str, ScopeSettings] = attrs.field(
        factory=dict, metadata=_help("Other ways for teams, by name or id.")
    )
    max_bytes: int = attrs.field(
        default=256 * 1024 * 1024,
        validator=_positive,
        metadata=_help("Bytes of all entries."),
    )
    max_entries: int = attrs.field(
        default=100_000,
        validator=_positive,
        metadata=_help("How many entries."),
    )
    max_entry_bytes: int = attrs.field(
        default=1024 * 1024,
        validator=_positive,
        metadata=_help("What is larger is not kept."),
    )
    encrypt: bool = attrs.field(
        default=False, metadata=_help("Entries are encrypted at rest.")
    )
    single_flight: bool = attrs.field(
        default=True,
        metadata=_help("Identical requests under way share one call upstream."),
    )
    redis: RedisSettings | None = attrs.field(
        default=None, metadata=_help("The server, where store is redis.")
    )
    semantic: SemanticSettings | None = attrs.field(
        default=None, metadata=_help("Answers to similar questions; left out: none.")
    )
    idempotency: IdempotencySettings = attrs.field(
        factory=IdempotencySettings,
        metadata=_help("How Idempotency-Key is heard."),
    )

    def __attrs_post_init__(self) -> None:
        if (self.store == "redis") != (self.redis is not None):
            raise ValueError("store: redis and the table redis go together")
