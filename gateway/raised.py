"""
Where an exception was raised, told without its text, which may hold a secret.
"""

from __future__ import annotations

from functools import cache
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from types import FrameType

E = TypeVar("E", bound=BaseException)

#: What a plugin may raise that is a fault of it: to end the process is not for it to decide.
FAULTS: Final = (Exception, SystemExit)

#: Exceptions that one was raised from, one from the other.
_MOST_LINKS: Final = 16
_PATHS: Final = ("stdlib", "platstdlib", "purelib", "platlib")


def place_of(exc: BaseException) -> str:
    """
    Return file name and line of where *exc* was raised, without the folder.

    Where that is in a library, it stands in brackets behind the place in the gateway or in a
    plugin that called it: ``storage.py:118 (core.py:63)``.
    """
    place = ours = ""
    for frame, line in walk_tb(exc.__traceback__):
        place = f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{line}"
        if _is_ours(frame):
            ours = place
    if not place:
        return "?"
    return place if ours in {"", place} else f"{ours} ({place})"


def without_frames(exc: E) -> E:
    """
    Let *exc*, and what it was raised from, forget the frames that it went through.

    The exchange stands in those frames.  One that keeps its error, and so is kept by it, is freed
    by the garbage collector alone, which comes late, and its body may have megabytes.
    """
    link: BaseException | None = exc
    for _ in range(_MOST_LINKS):
        if link is None:
            break
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return exc


def _is_ours(frame: FrameType) -> bool:
    """
    Tell whether *frame* is of the core or of a plugin: by name, or because it is no library's.
    """
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if package == "gateway" or package.startswith("gateway_"):
        return True
    return not frame.f_code.co_filename.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    """
    Return how the file names of libraries begin.
    """
    import sysconfig  # a quarter of a megabyte, of which most processes need nothing

    return (*(f"{sysconfig.get_path(name)}/" for name in _PATHS), "<frozen ")
