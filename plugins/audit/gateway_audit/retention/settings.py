"""
What the table ``plugins.audit.keep`` says.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any, Final, Self

import attrs

from gateway.settings import SecretRef, Unread, above, http_url, structure, told
from gateway_audit.checks import resolves_elsewhere

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and plain keys.
_S3: Final = re.compile(
    r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?"
)
_NEVER: Final = ("never", "forever")


@attrs.frozen(kw_only=True)
class Days:
    """
    A number of days, or never.
    """

    count: int | None = attrs.field(validator=attrs.validators.optional(above(0)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a number, or ``never``.

        Raises:
            ValueError: It is neither.
        """
        if text in _NEVER:
            return cls(count=None)
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 36_525:
            raise ValueError("must be a number of days, or never")
        return cls(count=int(text))

    def __str__(self) -> str:
        return "never" if self.count is None else str(self.count)

    @property
    def seconds(self) -> float | None:
        """
        As seconds.
        """
        return None if self.count is None else self.count * 86_400.0


@attrs.frozen(kw_only=True)
class LegalHold:
    """
    From where on nothing may be pruned.
    """

    index: int | None = None
    since: dt.date | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read an entry's index, or a day.

        Raises:
            ValueError: It is neither.
        """
        if text.isascii() and text.isdigit():
            return cls(index=int(text))
        try:
            return cls(since=dt.date.fromisoformat(text))
        except ValueError:
            msg = "must be the index of an entry, or a day: 2026-01-31"
            raise ValueError(msg) from None

    def __str__(self) -> str:
        return str(self.since if self.index is None else self.index)

    @property
    def since_s(self) -> float | None:
        """
        When the day begins in UTC, in Unix seconds.
        """
        if self.since is None:
            return None
        begin = dt.datetime.combine(self.since, dt.time(), dt.UTC)
        return begin.timestamp()


@attrs.frozen(kw_only=True)
class ArchiveSettings:
    """
    Where older entries go.

    Attributes:
        url: A folder, or ``s3://bucket/prefix``.
        endpoint: Of another S3 than Amazon's.
    """

    url: str = attrs.field(metadata=told("A folder, or s3://bucket/prefix."))
    endpoint: str | None = attrs.field(
        default=None,
        validator=http_url,
        metadata=told("Where an S3 that is not Amazon's listens."),
    )
    region: str | None = attrs.field(default=None, metadata=told("The S3 region."))
    key_id: SecretRef | None = attrs.field(
        default=None,
        validator=resolves_elsewhere,
        metadata=told("The access key's id; left out: as boto3 finds credentials."),
    )
    secret: SecretRef | None = attrs.field(
        default=None,
        validator=resolves_elsewhere,
        metadata=told("The access key's secret."),
    )

    def __attrs_post_init__(self) -> None:
        if self.url.startswith("s3:"):
            if not _S3.fullmatch(self.url):
                raise ValueError("url must be s3://bucket/prefix")
        elif not Path(self.url).is_absolute():
            raise ValueError("url must be an absolute path, or s3://bucket/prefix")
        elif self.endpoint or self.region or self.key_id:
            raise ValueError("a folder has neither endpoint, region nor keys")
        if (self.key_id is None) != (self.secret is None):
            raise ValueError("key_id and secret stand together")

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: the URL.
        """
        return cls(url=text)

    @property
    def bucket(self) -> tuple[str, str] | None:
        """
        The bucket and what names in it begin with; None of a folder.
        """
        found = _S3.fullmatch(self.url)
        return None if found is None else (found[1], found[2].strip("/"))


@attrs.frozen(kw_only=True)
class KeepSettings:
    """
    How long what is kept.

    Attributes:
        days: After which entries are pruned.
        archive_after_days: After which they go to the archive.
        archive_to: Which archive; ``archive`` below ``data_dir/audit`` if none is said.
    """

    days: Days = attrs.field(
        default=Days(count=365),
        metadata=told("Days after which entries are pruned, or never."),
    )
    archive_after_days: Days = attrs.field(
        default=Days(count=90),
        metadata=told("Days after which entries go to the archive, or never."),
    )
    archive_to: ArchiveSettings | None = attrs.field(
        default=None,
        metadata=told("A folder, s3://bucket/prefix, or {url, endpoint, ...}."),
    )
    legal_hold: LegalHold | None = attrs.field(
        default=None,
        metadata=told("A day or an entry's index from which on nothing is pruned."),
    )

    @property
    def policy(self) -> dict[str, Any]:
        """
        What a retention entry says of it.
        """
        return {
            "archive_after_days": self.archive_after_days.count,
            "days": self.days.count,
            "legal_hold": None if self.legal_hold is None else str(self.legal_hold),
        }

    def as_json(self) -> dict[str, Any]:
        """
        Return it as it would stand in the file: what another process is told.
        """
        found: dict[str, Any] = {
            "days": str(self.days),
            "archive_after_days": str(self.archive_after_days),
        }
        if self.legal_hold is not None:
            found["legal_hold"] = str(self.legal_hold)
        if self.archive_to is not None:
            told_of = attrs.asdict(self.archive_to, recurse=False).items()
            found["archive_to"] = {k: str(v) for k, v in told_of if v is not None}
        return found

    @classmethod
    def from_json(cls, keep: dict[str, Any]) -> Self:
        """
        Read what `as_json` wrote.
        """
        return structure(Unread.of(keep).node, cls, path="plugins.audit.keep")
