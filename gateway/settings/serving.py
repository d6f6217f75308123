"""
What the settings file says about the gateway itself: listeners, limits, the way out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from gateway.settings.upstreams import ProxySettings
from gateway.settings.values import (
    Address,
    SecretRef,
    above,
    at_least,
    between,
    told,
)

MIB: Final = 1024 * 1024

# As SQLAlchemy writes it.  Only these two databases are tested, by their asyncio drivers.
_DATABASE_URL: Final = re.compile(
    r"(postgresql(\+asyncpg)?|sqlite(\+aiosqlite)?)://[^\s\x00-\x1f\x7f]+"
)


_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?"
)


def default_data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """
    Return where data is kept if nobody says so, by the XDG base directory specification.
    """
    state = (os.environ if environ is None else environ).get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "gatewright"


@attrs.frozen(kw_only=True)
class TlsSettings:
    """
    The certificate that the listeners show.

    Attributes:
        certificate: PEM file with the certificate and its chain.

        private_key: PEM file with the private key.
    """

    certificate: Path = attrs.field(
        metadata=told("PEM file with the certificate and its chain.")
    )
    private_key: Path = attrs.field(metadata=told("PEM file with the private key."))


@attrs.frozen(kw_only=True)
class LogSettings:
    """
    How the gateway logs.

    Attributes:
        format: ``auto`` is text on a terminal and JSON elsewhere.

        level: what is less than this is not logged.

        access: whether each request leaves a line.
    """

    format: Literal["auto", "text", "json"] = attrs.field(
        default="auto", metadata=told("auto is text on a terminal, JSON elsewhere.")
    )
    level: Literal["debug", "info", "warning", "error"] = attrs.field(
        default="info", metadata=told("What is less than this is not logged.")
    )
    access: bool = attrs.field(
        default=True, metadata=told("Whether each request leaves a line.")
    )


def origins(
    instance: Any, attribute: attrs.Attribute[Any], value: tuple[str, ...]
) -> None:
    """
    Demand what a browser calls an origin, or ``*``.
    """
    for origin in value:
        if origin != "*" and _ORIGIN.fullmatch(origin) is None:
            msg = f'"{origin}" is no origin: scheme://host or scheme://host:port, or *'
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class CorsSettings:
    """
    Which pages of other origins may call from within a browser.

    Attributes:
        allow_origins: as the browser calls them, ``https://chat.example``; ``*`` is every
            page, where callers authenticate.
    """

    allow_origins: tuple[str, ...] = attrs.field(
        default=(),
        validator=origins,
        metadata=told("https://chat.example, or * for every page; empty: none."),
    )


@attrs.frozen(kw_only=True)
class ServerSettings:
    """
    How the gateway listens, and the limits that it puts on callers.

    Attributes:
        listen: where callers come in.

        admin_listen: where management and metrics are; None is the callers' port,
            for this machine only.

        data_dir: where the gateway keeps what must outlive it; None lets it choose.

        secret_key: root of all that is sealed or hashed; None makes one in data_dir.

        workers: processes that serve on the one port.

        tls: certificate and key; None speaks plain HTTP.

        drain_timeout_s: how long requests in flight may take once the gateway ends.

        max_body_bytes: the longest request body, decompressed.

        max_arriving_bytes: of all bodies that one worker receives at a time; the oldest
            give way.

        header_timeout_s: how long a caller may take to send the headers.

        body_timeout_s: how long a caller may be silent within the body.

        keep_alive_s: how long an idle connection is kept.

        stream_ping_s: silence after which a stream gets a keep-alive comment.

        write_stall_s: how long a caller may take nothing of what is written.

        max_in_flight: requests served at once by one worker.

        allowed_hosts: names that a Host header may give; empty allows any where
            callers authenticate.

        cors: which pages of other origins may call.

        translation: what happens to what cannot be translated: ``strict`` refuses,
            ``warn`` lists it in a header, ``silent`` drops it.

        server_timing: whether answers carry a Server-Timing header.

        log: how the gateway logs.
    """

    listen: Address = attrs.field(
        default=Address("127.0.0.1", 8080),
        metadata=told("Where callers come in: host:port."),
    )
    admin_listen: Address | None = attrs.field(
        default=None,
        metadata=told(
            "Where /api and /metrics are; left out: the callers' port, loopback only."
        ),
    )
    data_dir: Path | None = attrs.field(
        default=None,
        metadata=told("Folder for what must outlive the gateway; one per gateway."),
    )
    secret_key: SecretRef | None = attrs.field(
        default=None,
        metadata=told(
            "Root of all that is sealed or hashed; left out: made in data_dir."
        ),
    )
    workers: int = attrs.field(
        default=1,
        validator=between(1, 256),
        metadata=told("Processes that serve on the one port."),
    )
    tls: TlsSettings | None = attrs.field(
        default=None,
        metadata=told("Certificate and key; left out: plain HTTP."),
    )
    drain_timeout_s: float = attrs.field(
        default=30.0,
        validator=at_least(0),
        metadata=told("How long requests in flight may take once the gateway ends."),
    )
    max_body_bytes: int = attrs.field(
        default=20 * MIB,
        validator=between(1, 1024 * MIB),
        metadata=told("The longest request body, decompressed."),
    )
    max_arriving_bytes: int = attrs.field(
        default=256 * MIB,
        validator=between(MIB, 1024 * 1024 * MIB),
        metadata=told(
            "Of all bodies that one worker receives at a time; the oldest give way."
        ),
    )
    header_timeout_s: float = attrs.field(
        default=10.0,
        validator=above(0),
        metadata=told("How long a caller may take to send the headers."),
    )
    body_timeout_s: float = attrs.field(
        default=30.0,
        validator=above(0),
        metadata=told("How long a caller may be silent within the body."),
    )
    keep_alive_s: float = attrs.field(
        default=75.0,
        validator=above(0),
        metadata=told("How long an idle connection is kept."),
    )
    stream_ping_s: float = attrs.field(
        default=15.0,
        validator=above(0),
        metadata=told("Silence after which a stream gets a keep-alive comment."),
    )
    write_stall_s: float = attrs.field(
        default=60.0,
        validator=above(0),
        metadata=told("How long a caller may take nothing of what is written."),
    )
    max_in_flight: int = attrs.field(
        default=10_000,
        validator=at_least(1),
        metadata=told("Requests that one worker serves at once."),
    )
    allowed_hosts: tuple[str, ...] = attrs.field(
        default=(),
        metadata=told("Names that a Host header may give; empty: not restricted."),
    )
    cors: CorsSettings = attrs.field(
        factory=CorsSettings,
        metadata=told("Which pages of other origins may call; no page is the default."),
    )
    translation: Literal["strict", "warn", "silent"] = attrs.field(
        default="warn",
        metadata=told(
            "What cannot be translated is refused (strict), dropped and listed in a "
            "header (warn), or dropped (silent)."
        ),
    )
    server_timing: bool = attrs.field(
        default=True, metadata=told("Whether answers carry a Server-Timing header.")
    )
    log: LogSettings = attrs.field(
        factory=LogSettings, metadata=told("How the gateway logs.")
    )


@attrs.frozen(kw_only=True)
class AdminToken:
    """
    A named credential for the management API.

    Attributes:
        secret: where the token is found.

        role: ``admin`` may change things, ``viewer`` may look.
    """

    secret: SecretRef = attrs.field(metadata=told("Where the token is found."))
    role: Literal["admin", "viewer"] = attrs.field(
        default="viewer", metadata=told("admin may change things, viewer may look.")
    )


def database_url(
    instance: Any, attribute: attrs.Attribute[Any], value: SecretRef | str | None
) -> None:
    """
    Demand a reference, or the URL of a database without its password.
    """
    if not isinstance(value, str):
        return
    if _DATABASE_URL.fullmatch(value) is None:
        msg = (
            "must be a URL such as postgresql://gateway@db.example/gateway or "
            "sqlite:////srv/gateway.db, or a reference to a secret that is one"
        )
        raise ValueError(msg)
    if ":" in value.partition("://")[2].rpartition("@")[0]:
        raise ValueError("must not hold a password: name it by storage.secret")


@attrs.frozen(kw_only=True)
class StorageSettings:
    """
    The database in which plugins keep rows.

    Attributes:
        url: which it is, or where its whole URL is found; None is a file in data_dir.

        secret: where the password is found, if *url* has none.
    """

    url: SecretRef | str | None = attrs.field(
        default=None,
        validator=database_url,
        metadata=told(
            "URL without a password, or a reference to a whole one; "
            "left out: SQLite in data_dir."
        ),
    )
    secret: SecretRef | None = attrs.field(
        default=None, metadata=told("Where the database's password is found.")
    )

    @secret.validator
    def _stands_beside_url(self, _: Any, value: SecretRef | None) -> None:
        if value is not None and self.url is None:
            raise ValueError("is the password of storage.url, which is not set")


@attrs.frozen(kw_only=True)
class EgressSettings:
    """
    The way out to the providers.

    Attributes:
        proxy: an HTTP proxy; None goes directly.

        ca_file: PEM file of certificate authorities, instead of the system's.
    """

    proxy: ProxySettings | None = attrs.field(
        default=None,
        metadata=told("HTTP proxy, its URL or a table; left out: directly."),
    )
    ca_file: Path | None = attrs.field(
        default=None,
        metadata=told("PEM file of certificate authorities, not the system's."),
    )
