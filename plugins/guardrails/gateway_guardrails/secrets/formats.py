"""
The formats of vendors' credentials, read from `formats.toml`.
"""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any, Final, cast

import attrs

from gateway.detecting import Severity

__all__ = ["Format", "NamedFormat", "all_formats", "all_named_formats"]

_SHORT: Final = 512


@attrs.frozen(kw_only=True)
class Format:
    """
    A credential that is known by its own form.

    Attributes:
        has: Literals in lower case, one of which stands in each; () if there is none.
        pattern: The whole of it, in RE2's syntax.
        lead: How many characters may stand between its start and the literal.
        entropy: Bits a character that it has at least.
        check: The word of its checksum, see `checksums.CHECKSUMS`.
        needs_check: What has not that checksum is none of it: its form is that of other things.
        most: How many characters it has at most.
        example: The shape from which tests make one.
        source: Where the form is told.
    """

    name: str
    vendor: str
    pattern: str
    example: str
    source: str
    has: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    lead: int = 0
    entropy: float = 2.5
    severity: Severity = "critical"
    check: str | None = None
    needs_check: bool = False
    most: int = _SHORT

    @property
    def is_local(self) -> bool:
        """
        It has a mark and a bound: what stands around the mark decides.
        """
        return bool(self.has) and self.most <= _SHORT


@attrs.frozen(kw_only=True)
class NamedFormat:
    """
    A credential without a mark of its own, known by the vendor's name in front of it.

    Attributes:
        word: That name, in lower case.
        value: What the value must be, whole, in RE2's syntax.
    """

    name: str
    vendor: str
    word: str
    value: str
    source: str
    entropy: float = 2.5
    severity: Severity = "critical"


@functools.cache
def all_formats() -> tuple[Format, ...]:
    """
    Return the formats, the more special ones first.
    """
    return tuple(Format(**row) for row in _table()["format"])


@functools.cache
def all_named_formats() -> tuple[NamedFormat, ...]:
    """
    Return the formats that need the vendor's name.
    """
    return tuple(NamedFormat(**row) for row in _table()["named"])


@functools.cache
def _table() -> dict[str, list[dict[str, Any]]]:
    text = (files("gateway_guardrails.secrets") / "formats.toml").read_text("utf-8")
    return cast("dict[str, list[dict[str, Any]]]", tomllib.loads(text))
