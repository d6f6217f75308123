"""
Tells which of many patterns may be in a text, in one pass that costs little more for more of them.

Hyperscan, where it is installed, sees a text once for hundreds of patterns, with gaps of words too,
which an automaton of RE2 outgrows.  It is asked for less than it can: whether, not where.  What it
tells is then looked for by RE2, so that what is found is the same with it and without.

Source: https://intel.github.io/hyperscan/dev-reference/compilation.html.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import structlog

from gateway.durable import write_new

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger("gateway.guardrails")

__all__ = ["HAS_SCREENS", "Screen", "kept_screen"]

try:
    _hyperscan: Any = import_module("hyperscan")
except ImportError:  # no wheel for this system
    _hyperscan = None

#: Whether there may be screens; a processor without SSSE3 has none all the same.
HAS_SCREENS: Final = _hyperscan is not None
_ONE_BYTE: Final = "gatewright-one-byte"
_DIGEST_LENGTH: Final = sha256().digest_size
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_OR_END: Final = re.compile(r"\|\$\)")


class Screen:
    """
    Patterns that are asked for together; safe to use from any thread.

    A character beyond ASCII counts as one that no pattern names, and as all of those that one does.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self._own = threading.local()  # a scratch is one thread's at a time

    @classmethod
    def compiled(cls, patterns: Sequence[str]) -> Screen | None:
        """
        Compile *patterns*, which ignore case: about 4 s for a hundred; None where it cannot be.
        """
        if _hyperscan is None:
            return None
        database = _hyperscan.Database()
        flags = _hyperscan.HS_FLAG_CASELESS | _hyperscan.HS_FLAG_SINGLEMATCH
        try:
            database.compile(
                expressions=[_loosened(one) for one in patterns],
                ids=list(range(len(patterns))),
                elements=len(patterns),
                flags=flags,
            )
        except (
            _hyperscan.error
        ) as exc:  # another processor, or what another version refuses
            log.warning("patterns are sought one by one: no screen", why=str(exc))
            return None
        return cls(database)

    def dumped(self) -> bytes:
        """
        Return it as a file keeps it.
        """
        return cast("bytes", _hyperscan.dumpb(self._database))

    def hits(self, text: str) -> list[int]:
        """
        Return the numbers of all patterns that are in *text*, and perhaps of some that are not.
        """
        try:
            scratch = self._own.scratch
        except AttributeError:
            scratch = self._own.scratch = _hyperscan.Scratch(self._database)
        found: list[int] = []
        self._database.scan(
            text.encode("latin-1", _ONE_BYTE),
            match_event_handler=lambda number, *_: found.append(number),
            scratch=scratch,
        )
        return found


def kept_screen(patterns: Sequence[str], file: Path) -> Screen | None:
    """
    Return the screen of *patterns* that is kept in *file*, else a new one, which it keeps there.

    That nothing can be kept does no harm: what is kept is what was compiled, and nobody's secret.
    """
    if _hyperscan is None:
        return None
    kept = _read(patterns, file)
    if kept is not None:
        return kept
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(_alone_in(file.parent))
        made = _read(patterns, file)  # by who was here before
        if made is None:
            made = Screen.compiled(patterns)
            if made is not None:
                with suppress(OSError):
                    _keep(made, patterns, file)
    return made


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """
    Wait until no other process makes something in *folder*, so that workers do not do the same.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(patterns: Sequence[str], file: Path) -> Screen | None:
    """
    Read *file*; None if it is of other patterns, of another version or processor, or damaged.
    """
    try:
        content = file.read_bytes()
        digest, dumped = content[:_DIGEST_LENGTH], content[_DIGEST_LENGTH:]
        if digest != _digest(patterns, dumped):
            return None
        return Screen(_hyperscan.loadb(dumped, _hyperscan.HS_MODE_BLOCK))
    except (OSError, _hyperscan.error):
        return None


def _keep(screen: Screen, patterns: Sequence[str], file: Path) -> None:
    dumped = screen.dumped()
    new = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        write_new(new, _digest(patterns, dumped) + dumped)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _digest(patterns: Sequence[str], dumped: bytes) -> bytes:
    told = "\0".join((_hyperscan.__version__, *patterns))
    return sha256(told.encode() + b"\0" + dumped).digest()


def _loosened(pattern: str) -> bytes:
    """
    Return *pattern* for Hyperscan: found wherever it is, in texts of one byte a character.
    """
    # Ends inside of a pattern are not known to it.
    told = _OR_END.sub("|)", pattern)
    return _BEYOND_ASCII.sub(r"[\\x80-\\xff]", told).encode("ascii")


def _as_one_byte(exc: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(exc, UnicodeEncodeError):
        raise exc
    told = exc.object[exc.start : exc.end]
    try:
        told.encode()
    except UnicodeEncodeError:  # as `str.encode` replaces lone halves of a pair
        return _halved(told), exc.end
    return b"\xff" * len(told), exc.end


def _halved(told: str) -> bytes:
    return bytes(ord("?" if 0xD800 <= ord(one) <= 0xDFFF else "\xff") for one in told)


codecs.register_error(_ONE_BYTE, _as_one_byte)
