"""
Programs without what they never use: ``python -m gateway.server.lean gateway.server.worker``.

structlog imports rich, and two libraries more, wherever they are installed, to colour tracebacks
on a terminal, and greenlet, to keep what greenlets log apart.  A gateway writes its own lines
(`gateway.server.logs`), so that there they are 3 MB of memory in each process and a tenth of a
second, for nothing.

For our own programs alone: whoever embeds the gateway may want structlog with its colours.
"""

from __future__ import annotations

import linecache
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

_UNUSED: Final = ("rich", "better_exceptions", "colorama", "greenlet")


def import_structlog() -> None:
    """
    Import structlog as if nothing were installed that it uses where it can and we do not.

    What else imports one of these libraries, a plugin for instance, finds it as ever.
    """
    if "structlog" in sys.modules:
        return
    hidden = [name for name in _UNUSED if name not in sys.modules]
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    for name in hidden:
        modules[name] = (
            None  # importing it is an ImportError (the import system, 5.3.1)
        )
    try:
        import_module("structlog")
    finally:
        for name in hidden:
            del modules[name]


def forget_sources() -> None:
    """
    Drop the source of every method that attrs wrote: it is kept for debuggers alone.

    Before much else is made, for then that takes its place: 0.6 MB less in each process.
    """
    linecache.clearcache()


if __name__ == "__main__":
    from gateway.server.authorities import read_late

    import_structlog()
    with read_late():
        program = import_module(sys.argv[1])
    program.main()
