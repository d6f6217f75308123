"""
Heads of answers, written as bytes.

aiohttp copies headers twice and asks a dozen questions before it writes them; here the same
head is one string, checked as strictly: no control character leaves, and what frames an answer
is said by the gateway alone.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What answers say of the software: nothing that tells which hole may fit.
SERVER_NAME: Final = "gatewright"

_LINE_END: Final = "\r\n"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Where an answer ends, when and by whom it was made is not for others to say.
_OWN: Final = frozenset({"content-length", "transfer-encoding", "date", "server"})
#: Names that were looked at and are sent: the same few again and again.
_sent: Final[set[str]] = set()
_MOST_NAMES: Final = 256
_joined: Final = ": ".join


def answer_head(
    status: int, headers: Mapping[str, str], framing: str, now: float
) -> bytes:
    """
    Write the head of an answer, the blank line included.

    Args:
        framing: Lines of our own, each with its line end: how long the answer is.
        now: Unix seconds.

    Raises:
        ValueError: if a header cannot be sent; names it, and not what it holds.
    """
    if not _sent.issuperset(headers):
        headers = {name: headers[name] for name in headers if _is_sent(name)}
    if not "".join(headers.values()).isprintable():
        _check_values(headers)
    lines = _LINE_END.join((*map(_joined, headers.items()), framing))
    return f"{_opening(status, int(now))}{lines}{_LINE_END}".encode()


def _is_sent(name: str) -> bool:
    """
    Tell whether a header called *name* is to be sent.
    """
    if not _TOKEN.fullmatch(name):
        msg = f"a header of an answer has a name that is none: {name[:64]!r}"
        raise ValueError(msg)
    if name.lower() in _OWN:
        return False
    if len(_sent) < _MOST_NAMES:
        _sent.add(name)
    return True


def _check_values(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if _CONTROL.search(value):
            msg = f"the header {name} of an answer holds a control character"
            raise ValueError(msg)


@lru_cache(maxsize=64)
def _opening(status: int, second: int) -> str:
    """
    Write what all answers of one second share: status line, date, server.
    """
    reason = HTTPStatus(status).phrase if status in _KNOWN else ""
    date = formatdate(second, usegmt=True)
    return f"HTTP/1.1 {status} {reason}\r\nDate: {date}\r\nServer: {SERVER_NAME}\r\n"


_KNOWN: Final = frozenset(HTTPStatus)
