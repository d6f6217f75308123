"""
Who may come in, and how a request must be addressed, before its body is read.

Browsers make this more than a matter of addresses: a page on the web may send requests to
127.0.0.1, under a name of its own that it lets point there (DNS rebinding).  So while nothing
authenticates callers, the peer, the Host and the Origin must all be this machine.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote

import attrs
from aiohttp import hdrs

from gateway.errors import ConfigError, InvalidRequest, NotAllowed, Problem
from gateway.settings import find_secrets

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDictProxy

    from gateway.settings import Address, Settings

#: How this machine calls itself.
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
#: What `peer_of` says of a caller on a Unix socket.
UNIX_PEER: Final = "unix"

#: What management says to whoever it does not answer.
THIS_MACHINE: Final = (
    "Management answers this machine only, and no proxy. Operator: set "
    "server.admin_listen and admin."
)
#: What proxies say of whom they speak for (RFC 7239, RFC 9110 section 7.6.3, and by custom).
_FORWARDED: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")

_MAX_KNOWN: Final = 64
_MAX_AUTHORITY: Final = 300
# Everything but what str.isprintable() accepts is looked at by these.
_FORBIDDEN_VALUE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_FORBIDDEN_TARGET: Final = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\#]")
_HOST: Final = re.compile(
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::([0-9]{1,5}))?"
)


class Authenticating(Protocol):
    """
    A gateway, as far as the doors need to know it.
    """

    @property
    def authenticates_callers(self) -> bool:
        """
        Whether some plugin refuses callers without a credential.
        """


# --- how a request is addressed -------------------------------------------------------------


def check_target(target: str) -> None:
    """
    Demand the origin form (RFC 9112 section 3.2.1) and a path that goes nowhere but down.

    Raises:
        InvalidRequest: 400; the target is not repeated.
    """
    if not target.startswith("/") or target.startswith("//"):
        msg = "The request target must be a path, beginning with one slash."
        raise InvalidRequest(msg, code="bad_request_target")
    path = target.partition("?")[0]
    if _FORBIDDEN_TARGET.search(target) or _climbs(path):
        msg = "The request target holds characters or steps that are not allowed."
        raise InvalidRequest(msg, code="bad_request_target")


def _climbs(path: str) -> bool:
    if "." not in path and "%" not in path:
        return False
    # Twice, for a proxy behind may decode once more than the one before.
    plain = unquote(unquote(path)).replace("\\", "/")
    return "\x00" in plain or any(step in {".", ".."} for step in plain.split("/"))


def check_headers(headers: CIMultiDictProxy[str]) -> None:
    """
    Demand header values that may be forwarded.

    aiohttp's parser lets bytes that are not UTF-8 through as lone surrogates.  (That Host is
    there, and once, it checks itself.)

    Raises:
        InvalidRequest: 400; names the header, never its value.
    """
    if "".join(headers.values()).isprintable():
        return
    for name, value in headers.items():
        if _FORBIDDEN_VALUE.search(value):
            msg = f"The header {name} holds bytes that are not allowed."
            raise InvalidRequest(msg, code="bad_header")


def wants_websocket(headers: CIMultiDictProxy[str]) -> bool:
    """
    Tell whether the caller asks to speak WebSocket; other upgrades may be passed over.
    """
    asked = headers.get(hdrs.UPGRADE, "")
    return any(word.strip().lower() == "websocket" for word in asked.split(","))


# --- who may come in ------------------------------------------------------------------------


def peer_of(request: web.BaseRequest) -> str:
    """
    Return the caller's network address; `UNIX_PEER` for a Unix socket, "" if it is unknown.
    """
    remote = request.remote
    if remote is None:
        return ""
    return remote or UNIX_PEER


def is_loopback(peer: str) -> bool:
    """
    Tell whether *peer*, as `peer_of` returns it, is on this machine.
    """
    if peer in {"127.0.0.1", UNIX_PEER, "::1"}:
        return True
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_this_machine(request: web.BaseRequest) -> bool:
    """
    Tell whether *request* comes from this machine, as far as the proxies in front say.

    The address of one that runs here says nothing of whom it speaks for.
    """
    if not is_loopback(peer_of(request)):
        return False
    headers = request.headers
    return not any(name in headers for name in _FORWARDED)


@attrs.frozen(kw_only=True)
class Door:
    """
    The rules of one settings snapshot on peer, Host and Origin.

    Attributes:
        hosts: Names that Host and Origin may give, in lower case, some with a port.
        origins: Pages that are let in whatever authenticates callers.
        loopback_only: Nothing authenticates callers, so they must be on this machine.
        is_open: Nothing needs to be checked.
    """

    hosts: frozenset[str]
    loopback_only: bool
    is_open: bool
    #: Pages that the operator named; not ``*``, for any page could call then, from this machine.
    origins: frozenset[str] = frozenset()
    #: Answers of `admits`, which is asked the same few names again and again.
    _known: dict[str, bool] = attrs.field(factory=dict, init=False, eq=False)
    #: Host and Origin of requests that were let in.
    _passed: set[tuple[str, str | None]] = attrs.field(
        factory=set, init=False, eq=False
    )

    @classmethod
    def of(cls, settings: Settings, gateway: Authenticating) -> Door:
        """
        Make the rules for what *settings* and the active plugins say.
        """
        named = frozenset(host.lower() for host in settings.server.allowed_hosts)
        authenticates = gateway.authenticates_callers
        return cls(
            hosts=named | LOOPBACK_NAMES,
            loopback_only=not authenticates,
            is_open=authenticates and not named,
            origins=frozenset(
                map(str.lower, set(settings.server.cors.allow_origins) - {"*"})
            ),
        )

    def check(self, request: web.BaseRequest) -> None:
        """
        Check where *request* comes from.

        Raises:
            NotAllowed: 403, with the remedy.
        """
        if self.is_open:
            return
        if self.loopback_only and not is_loopback(peer_of(request)):
            msg = (
                "Nothing here authenticates callers, so only this machine is answered. "
                "Operator: set plugins.governance.require_key."
            )
            raise NotAllowed(msg, code="loopback_only")
        headers = request.headers
        names = headers.get(hdrs.HOST, ""), headers.get(hdrs.ORIGIN)
        if names in self._passed:
            return
        self._check_names(headers)
        if len(names[0]) + len(names[1] or "") <= _MAX_AUTHORITY:
            if len(self._passed) >= _MAX_KNOWN:
                self._passed.clear()
            self._passed.add(names)

    def _check_names(self, headers: CIMultiDictProxy[str]) -> None:
        if not self.admits(headers.get(hdrs.HOST, "")):
            msg = (
                "The Host header names no host that is answered here. "
                "Operator: add the name to server.allowed_hosts."
            )
            raise NotAllowed(msg, code="host_not_allowed")
        if not self.loopback_only:
            return
        origin = headers.get(hdrs.ORIGIN)
        if origin is not None and not self._admits_origin(origin):
            msg = (
                "Pages of other origins are not answered while nothing authenticates "
                "callers. Operator: set plugins.governance.require_key, or add the page's "
                "origin to server.cors.allow_origins."
            )
            raise NotAllowed(msg, code="origin_not_allowed")

    def _admits_origin(self, origin: str) -> bool:
        if origin.lower() in self.origins:
            return True
        scheme, _, rest = origin.partition("://")
        return scheme in {"http", "https"} and self.admits(rest)

    def admits(self, authority: str) -> bool:
        """
        Tell whether *authority*, ``host`` or ``host:port``, is one of `hosts`.

        An entry without a port admits every port.
        """
        known = self._known.get(authority)
        if known is None:
            if len(authority) > _MAX_AUTHORITY:
                return False
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[authority] = self._admits(authority)
        return known

    def _admits(self, authority: str) -> bool:
        found = _HOST.fullmatch(authority.lower())
        if found is None or int(found[2] or 0) > 65535:
            return False
        name = found[1].strip("[]").rstrip(".")
        if name in self.hosts or found[1] in self.hosts:
            return True
        return found[2] is not None and f"{found[1]}:{found[2]}" in self.hosts


# --- where may be listened ------------------------------------------------------------------


def may_listen(settings: Settings, gateway: Authenticating, address: Address) -> None:
    """
    Check that *address* may take callers.

    Raises:
        ConfigError: it is not this machine's own, and nothing authenticates callers; says
            what would be at stake and what to do.
    """
    if address.is_loopback or gateway.authenticates_callers:
        return
    remedy = "plugins.governance.require_key"
    if not settings.admin:
        remedy += " and admin"
    loopback = "::1" if ":" in address.host else "127.0.0.1"
    problem = Problem(
        f"{address} would let the network spend {_at_stake(settings)}: no caller "
        f"credential is required. Set {remedy}, or listen on {loopback}",
        path="server.listen",
    )
    raise ConfigError(problem)


def _at_stake(settings: Settings) -> str:
    """
    Name the credentials that callers would spend, by their references.
    """
    found = dict.fromkeys(
        reference.name if reference.scheme == "env" else str(reference)
        for provider in settings.providers.values()
        for _, reference in find_secrets(provider.keys)
    )
    names = list(found)
    if not names:
        return "what the providers cost"
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more credentials"
    return " and ".join(names)
