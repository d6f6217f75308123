"""
Values that are written as one word in the settings file, and checks for fields.

A class with a classmethod ``parse(text)`` that raises ValueError may stand as the
type of any field, in a plugin's settings as well; `gateway.settings.structure`
calls it.  What ``parse`` raises is shown to the operator: it must not repeat a
text that may be a secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sized
from decimal import Decimal
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import attrs

# A scheme has neither digits nor dashes, so that hardly any literal secret with a
# dot in it passes as a reference.
SECRET_SCHEME = re.compile(r"[a-z][a-z_]{1,23}")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
#: The name of a header: RFC 9110 section 5.6.2, and no longer than people write them.
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


@attrs.frozen
class SecretRef:
    """
    Where a secret is found: ``env.NAME``, ``file./path`` or ``<store>.<name>``.

    Attributes:
        scheme: ``env``, ``file``, or the name of a plugin's store.

        name: what that store is asked for.
    """

    scheme: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a reference.

        Raises:
            ValueError: *text* is none; it is not repeated, as it may be a secret.
        """
        scheme, dot, name = text.partition(".")
        if not dot or not name or not SECRET_SCHEME.fullmatch(scheme):
            msg = (
                "a secret is written as a reference, never as itself: "
                "env.NAME, file./path or <store>.<name>"
            )
            raise ValueError(msg)
        if scheme == "env" and not ENVIRONMENT_NAME.fullmatch(name):
            msg = "env. takes the name of an environment variable: env.OPENAI_API_KEY"
            raise ValueError(msg)
        if scheme == "file" and not name.startswith("/"):
            msg = "file. takes an absolute path: file./run/secrets/openai"
            raise ValueError(msg)
        return cls(scheme, name)

    def __str__(self) -> str:
        return f"{self.scheme}.{self.name}"


@attrs.frozen
class Address:
    """
    A host and a port to listen on, ``127.0.0.1:8080`` or ``[::1]:8080``.

    Attributes:
        host: a name or an address, without brackets.

        port: 0 lets the system choose.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``host:port``.

        Raises:
            ValueError: it is none.
        """
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
            is_host = _is_ipv6(host)
        else:
            is_host = bool(host) and ":" not in host
        if not colon or not is_host:
            msg = "an address is host:port, such as 127.0.0.1:8080 or [::1]:8080"
            raise ValueError(msg)
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            msg = "a port is a number from 0 to 65535"
            raise ValueError(msg)
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """
        Whether only this machine reaches it.  A name other than localhost is not.
        """
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def told(text: str) -> dict[str, str]:
    """
    Make the metadata of a field: what the schema and the documentation say of it.
    """
    return {"help": text}


# -- validators: they raise ValueError with the whole sentence -----------------


@attrs.frozen(kw_only=True)
class Bounds:
    """
    A validator of numbers; its attributes are called as in a JSON schema.
    """

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None

    def __call__(
        self, instance: Any, attribute: attrs.Attribute[Any], value: Any
    ) -> None:
        """
        Raise ValueError if *value* is out of bounds.

        None is let through, and a word that stands in place of a number.
        """
        if not isinstance(value, (int, float, Decimal)):
            return
        if self.exclusive_minimum is not None and value <= self.exclusive_minimum:
            msg = f"must be greater than {self.exclusive_minimum}, not {value}"
            raise ValueError(msg)
        below = self.minimum is not None and value < self.minimum
        if below and self.maximum is None:
            raise ValueError(f"must be at least {self.minimum}, not {value}")
        if below or (self.maximum is not None and value > self.maximum):
            msg = f"must be from {self.minimum} to {self.maximum}, not {value}"
            raise ValueError(msg)


def at_least(low: float) -> Bounds:
    """
    Demand a number that is not below *low*.
    """
    return Bounds(minimum=low)


def above(low: float) -> Bounds:
    """
    Demand a number that is greater than *low*.
    """
    return Bounds(exclusive_minimum=low)


def between(low: float, high: float) -> Bounds:
    """
    Demand a number from *low* to *high*, both included.
    """
    return Bounds(minimum=low, maximum=high)


def not_empty(
    instance: Any, attribute: attrs.Attribute[Any], value: Sized | None
) -> None:
    """
    Demand at least one entry, or one character.
    """
    if value is not None and len(value) == 0:
        msg = "must not be empty"
        raise ValueError(msg)


def header_name(
    instance: Any, attribute: attrs.Attribute[Any], value: str | None
) -> None:
    """
    Demand the name of a header.
    """
    if value is not None and HEADER_NAME.fullmatch(value) is None:
        msg = "is no name of a header"
        raise ValueError(msg)


def http_url(instance: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    """
    Demand an ``http://`` or ``https://`` URL: see `read_url`.
    """
    if value is not None:
        read_url(value)


def read_url(text: str) -> SplitResult:
    """
    Take apart an ``http://`` or ``https://`` URL without credentials.

    Raises:
        ValueError: it is none.  It is not repeated, as it may hold a secret.
    """
    try:
        url = urlsplit(text)
        _ = url.port  # raises where the port is no number in range
    except ValueError:
        msg = "is no URL: a host or port in it is malformed"
        raise ValueError(msg) from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must be an http:// or https:// URL with a host")
    if "@" in url.netloc:
        raise ValueError("must not hold a user or password: credentials are secrets")
    if url.query or url.fragment or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError("must not hold a query, a fragment or white space")
    return url
