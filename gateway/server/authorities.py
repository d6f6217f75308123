"""
The system's certificate authorities, read when somebody is first spoken to by TLS.

aiohttp makes two contexts when it is imported, one of them for whoever trusts everybody, and has
both read every authority of the system: 2 MB of memory in each process, and a tenth of its start,
also where no provider is asked by TLS.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class LateContext(ssl.SSLContext):
    """
    A context that is still to read the authorities; the first use does it.
    """

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        """
        Begin to speak, as the event loops do it.
        """
        return self._read().wrap_bio(*args, **more)

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        """
        Begin to speak over a socket.
        """
        return self._read().wrap_socket(*args, **more)

    def cert_store_stats(self) -> dict[str, int]:
        """
        Count the certificates.
        """
        return self._read().cert_store_stats()

    def get_ca_certs(self, binary_form: bool = False) -> Any:
        """
        List the authorities.
        """
        return self._read().get_ca_certs(binary_form)

    def _read(self) -> ssl.SSLContext:
        self.set_default_verify_paths()
        # From now on it is like any other; last, for threads that come meanwhile.
        context: ssl.SSLContext = self
        context.__class__ = ssl.SSLContext
        return context


@contextmanager
def read_late() -> Iterator[None]:
    """
    Let contexts that are made meanwhile read the system's authorities at their first use.

    For the imports of our own programs; nothing else may run.
    """

    def later(context: ssl.SSLContext) -> None:
        context.__class__ = LateContext

    # Found before that of the class in C below it, which all ways to the authorities end in.
    ssl.SSLContext.set_default_verify_paths = later  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths
