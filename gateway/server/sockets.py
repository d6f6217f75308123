"""
The sockets that are listened on, made before the loop runs, and the certificate they show.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigError, Problem
from gateway.settings import Address

if TYPE_CHECKING:
    import ssl

    from gateway.settings import TlsSettings

#: Connections that may wait to be accepted.
BACKLOG: Final = 1024


def bind(address: Address, *, is_shared: bool = False) -> socket.socket:
    """
    Make a socket bound to *address*, not listening yet; port 0 takes a free one.

    Args:
        is_shared: Other processes may bind the same port, and connections are spread.

    Raises:
        ConfigError: It cannot be had.
    """
    sock = _bound(address, is_shared=is_shared)
    if is_shared:
        return sock
    try:
        # Now, so that a port in use is told before anything is started.
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        raise _cannot(address, exc) from None
    return sock


def reserve(address: Address) -> socket.socket:
    """
    Make the socket that keeps *address* for workers, which share it with nobody else.

    Raises:
        ConfigError: It cannot be had; another gateway's workers listen there already.
    """
    if address.port:
        # Sockets that share a port do so with whoever asks: a gateway that was forgotten would
        # go on answering a part of the callers.  One that does not share is refused beside them.
        _bound(address, is_shared=False).close()
    return bind(address, is_shared=True)


def _bound(address: Address, *, is_shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise _cannot(address, exc) from None
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(where)
    except OSError as exc:
        sock.close()
        raise _cannot(address, exc) from None
    return sock


def _cannot(address: Address, exc: OSError) -> ConfigError:
    msg = f"{address} cannot be listened on: {exc.strerror or exc}"
    if exc.errno == errno.EADDRINUSE:
        msg += "; another program does so: end it, or choose another port"
    return ConfigError(Problem(msg))


def address_of(sock: socket.socket) -> Address:
    """
    Return where *sock* really is bound.
    """
    host, port = sock.getsockname()[:2]
    return Address(host, port)


def url_of(address: Address, *, is_tls: bool = False) -> str:
    """
    Write *address* as a URL.
    """
    return f"{'https' if is_tls else 'http'}://{address}"


def tls_context(tls: TlsSettings | None) -> ssl.SSLContext | None:
    """
    Read the certificate that the listeners show; None speaks plain HTTP.

    Raises:
        ConfigError: It cannot be read, or its key does not fit.
    """
    if tls is None:
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.certificate, tls.private_key)
    except ssl.SSLError as exc:
        why = exc.reason or "not PEM"
    except OSError as exc:
        why = exc.strerror or type(exc).__name__
    else:
        return context
    msg = f"{tls.certificate} and {tls.private_key} cannot be used: {why}"
    raise ConfigError(Problem(msg, path="server.tls"))
