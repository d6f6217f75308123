"""
What the table ``plugins.audit.sinks`` says: where entries are exported to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

import attrs

from gateway.settings import (
    Address,
    SecretRef,
    Unread,
    above,
    between,
    header_name,
    http_url,
    structure,
    told,
)
from gateway_audit.checks import resolves_elsewhere

# A sink's name is a file's name too: its cursor's.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_INDEX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_HOST: Final = re.compile(r"[!-~]{1,255}")
_SITE: Final = "https://http-intake.logs.datadoghq.com"


def _is_absolute(
    instance: Any, attribute: attrs.Attribute[Any], value: Path | None
) -> None:
    if value is not None and not value.is_absolute():
        raise ValueError("must be an absolute path")


def _matches(pattern: re.Pattern[str], wanted: str) -> Any:
    def check(
        instance: Any, attribute: attrs.Attribute[Any], value: str | None
    ) -> None:
        if value is not None and not pattern.fullmatch(value):
            raise ValueError(wanted)

    return check


def _is_loopback(url: SplitResult) -> bool:
    return Address(url.hostname or "", 0).is_loopback


@attrs.frozen(kw_only=True)
class AnySink:
    """
    What every sink has.

    Attributes:
        backfill: Whether what is in the log already is exported when the sink is new.
    """

    backfill: bool = attrs.field(
        default=True,
        metadata=told("Whether a new sink begins with what is in the log already."),
    )


@attrs.frozen(kw_only=True)
class FileSink(AnySink):
    """
    A file of JSON lines.
    """

    type: Literal["file"]
    path: Path = attrs.field(
        validator=_is_absolute, metadata=told("The file; older ones stand beside it.")
    )
    rotate_bytes: int = attrs.field(
        default=100 * 1024 * 1024,
        validator=between(1024 * 1024, 1 << 40),
        metadata=told("Bytes after which another file is begun."),
    )
    keep_files: int = attrs.field(
        default=10,
        validator=between(0, 10_000),
        metadata=told("Older files that are kept; 0 keeps all."),
    )


@attrs.frozen(kw_only=True)
class OverHttp(AnySink):
    """
    What every sink over HTTP has.

    Attributes:
        allow_plain: Whether ``http://`` may lead to another machine.
    """

    url: str = attrs.field(validator=http_url, metadata=told("Where it listens."))
    allow_plain: bool = attrs.field(
        default=False,
        metadata=told("Whether it may be http:// to another machine: all can read it."),
    )
    timeout_s: float = attrs.field(
        default=30.0, validator=above(0), metadata=told("For one request.")
    )

    def __attrs_post_init__(self) -> None:
        url = urlsplit(self.url)
        if url.scheme == "http" and not (self.allow_plain or _is_loopback(url)):
            raise ValueError("url must be https://, or set allow_plain: true")


@attrs.frozen(kw_only=True)
class HttpSink(OverHttp):
    """
    Anybody who takes JSON by POST and answers 2xx once it is theirs.
    """

    type: Literal["http"]
    secret: SecretRef | None = attrs.field(
        default=None,
        validator=resolves_elsewhere,
        metadata=told("What the header says."),
    )
    header: str = attrs.field(
        default="authorization",
        validator=header_name,
        metadata=told("The header; in authorization the secret follows Bearer."),
    )
    form: Literal["jsonl", "json"] = attrs.field(
        default="jsonl", metadata=told("Lines of JSON, or one list.")
    )


@attrs.frozen(kw_only=True)
class SplunkSink(OverHttp):
    """
    Splunk's HTTP Event Collector.

    Attributes:
        ack: Whether a record counts as delivered only once it is indexed.
    """

    type: Literal["splunk-hec"]
    secret: SecretRef = attrs.field(
        validator=resolves_elsewhere, metadata=told("The collector's token.")
    )
    index: str | None = attrs.field(
        default=None,
        validator=_matches(_INDEX, "must be the name of an index"),
        metadata=told("The index; left out: the token's own."),
    )
    sourcetype: str = attrs.field(
        default="gatewright:audit",
        validator=_matches(_HOST, "must be a word"),
        metadata=told("The source type."),
    )
    ack: bool = attrs.field(
        default=True,
        metadata=told("Wait until it is indexed; Splunk Cloud does not offer that."),
    )
    ack_timeout_s: float = attrs.field(
        default=300.0,
        validator=above(0),
        metadata=told("Seconds after which what was not indexed is sent again."),
    )


@attrs.frozen(kw_only=True)
class DatadogSink(OverHttp):
    """
    Datadog's log intake.
    """

    type: Literal["datadog"]
    url: str = attrs.field(
        default=_SITE, validator=http_url, metadata=told("The intake of your site.")
    )
    secret: SecretRef = attrs.field(
        validator=resolves_elsewhere, metadata=told("The API key.")
    )
    service: str = attrs.field(
        default="gatewright",
        validator=_matches(_HOST, "must be a word"),
        metadata=told("The service that logs stand under."),
    )


@attrs.frozen(kw_only=True)
class ElasticSink(OverHttp):
    """
    An index of Elasticsearch, or a data stream.
    """

    type: Literal["elastic"]
    secret: SecretRef | None = attrs.field(
        default=None, validator=resolves_elsewhere, metadata=told("An API key.")
    )
    index: str = attrs.field(
        default="gatewright-audit",
        validator=_matches(_INDEX, "must be the name of an index"),
        metadata=told("The index or data stream."),
    )


@attrs.frozen(kw_only=True)
class SyslogSink(AnySink):
    """
    A syslog server: RFC 5424 over TLS (RFC 5425), the message as CEF.

    Attributes:
        settle_s: Syslog has no acknowledgement: what was written counts as delivered when the
            connection has stood for so long after it.
    """

    type: Literal["syslog"]
    url: str = attrs.field(metadata=told("tls://HOST:6514; tcp:// and udp:// too."))
    allow_plain: bool = attrs.field(
        default=False,
        metadata=told("Whether it may be tcp:// or udp://: all can read it."),
    )
    ca_file: Path | None = attrs.field(
        default=None,
        validator=_is_absolute,
        metadata=told("PEM file of its authorities, not those of egress."),
    )
    cert_file: Path | None = attrs.field(
        default=None,
        validator=_is_absolute,
        metadata=told("PEM file of our own certificate, where it wants one."),
    )
    key_file: Path | None = attrs.field(
        default=None, validator=_is_absolute, metadata=told("And of its key.")
    )
    hostname: str | None = attrs.field(
        default=None,
        validator=_matches(_HOST, "must be a name without spaces"),
        metadata=told("Who we are; left out: this machine's name."),
    )
    settle_s: float = attrs.field(
        default=2.0,
        validator=between(0, 60),
        metadata=told("Seconds that the connection must stand after a message."),
    )
    timeout_s: float = attrs.field(
        default=30.0, validator=above(0), metadata=told("To connect, and to write.")
    )

    def __attrs_post_init__(self) -> None:
        scheme, _, _ = self.place
        if scheme != "tls" and not self.allow_plain:
            raise ValueError(f"url: {scheme}:// needs allow_plain: true, or use tls://")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file stand together")

    @property
    def place(self) -> tuple[str, str, int]:
        """
        Scheme, host and port.

        Raises:
            ValueError: The URL has none.
        """
        try:
            url = urlsplit(self.url)
            port = url.port
        except ValueError:
            raise ValueError("url is no URL") from None
        rest = (url.path, url.query, url.fragment, url.username, url.password)
        if url.scheme not in {"tls", "tcp", "udp"} or not url.hostname or any(rest):
            raise ValueError("url must be tls://HOST:PORT, or tcp:// or udp://")
        return url.scheme, url.hostname, port or (6514 if url.scheme == "tls" else 514)


SinkSettings = FileSink | HttpSink | SplunkSink | DatadogSink | ElasticSink | SyslogSink


def sink_names(
    instance: Any, attribute: attrs.Attribute[Any], value: Mapping[str, Any]
) -> None:
    """
    Demand names that a file can have too.
    """
    for name in value:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name[:64]!r}: a sink's name has small letters, digits, - and _"
            )


def sinks_as_json(sinks: Mapping[str, SinkSettings]) -> dict[str, Any]:
    """
    Return *sinks* as they would stand in the file: what another process is told.
    """
    return {name: _as_json(sink) for name, sink in sinks.items()}


def sinks_from_json(sinks: Mapping[str, Any]) -> dict[str, SinkSettings]:
    """
    Read what `sinks_as_json` wrote.
    """
    node = Unread.of({"sinks": sinks}).node
    return dict(structure(node, _SinksTable, path="plugins.audit").sinks)


def _as_json(sink: SinkSettings) -> dict[str, Any]:
    return {
        key: value if isinstance(value, bool | int | float) else str(value)
        for key, value in attrs.asdict(sink, recurse=False).items()
        if value is not None
    }


@attrs.frozen(kw_only=True)
class _SinksTable:
    sinks: Mapping[str, SinkSettings]
