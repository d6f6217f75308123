"""
Links, and whose they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway_guardrails.literals import Literals

__all__ = ["Link", "is_of", "links", "links_from"]

_SCHEME_CHARACTERS: Final = 20
#: A longer one is cut there.
MOST_CHARACTERS: Final = 2048
_MARKS: Final = Literals(["://", "www."], ignores_case=True)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}\Z")
_REST: Final = re.compile(r"""[^\s<>"'`]{1,2048}""")
_LAST: Final = re.compile(r"""[^\s<>"'`]+""")
# A browser takes a backslash for a slash, so the host ends there as well.
_AUTHORITY_END: Final = re.compile(r"[/\\?#]")
_TRAILING: Final = ".,;:!?)]}*_|"


class Link(NamedTuple):
    """
    Where a link stands, and the host that it leads to, in lower case.
    """

    start: int
    end: int
    host: str


def links(text: str, start: int, end: int) -> Iterator[Link]:
    """
    Find links that begin from *start* on, and before *end*.
    """
    base = max(0, start - 1)
    reached = start
    for number, at, mark_end in _MARKS.hits(text[base:end]):
        begin, behind = at + base, mark_end + base
        if number == 0:
            scheme = _SCHEME.search(
                text[max(start, begin - _SCHEME_CHARACTERS) : begin]
            )
            if scheme is None:
                continue
            begin -= len(scheme.group())
        elif text[begin - 1 : begin].isalnum():
            continue
        else:
            behind = begin
        rest = _REST.match(text, behind)
        if begin < reached or rest is None:
            continue
        stop = behind + len(rest.group().rstrip(_TRAILING))
        if stop > behind:
            reached = stop
            yield Link(begin, stop, _host_of(text[behind:stop]))


def links_from(text: str, start: int) -> int:
    """
    Return where a link may begin that the end of *text* cuts, or its length.
    """
    at = len(text)
    least = max(start, at - MOST_CHARACTERS - _SCHEME_CHARACTERS)
    last = at
    for run in _LAST.finditer(text, least):
        last = run.start() if run.end() == at else at
    return last


def is_of(host: str, hosts: frozenset[str]) -> bool:
    """
    Tell whether *host* is one of *hosts*, or below one.
    """
    while host:
        if host in hosts:
            return True
        host = host.partition(".")[2]
    return False


def _host_of(rest: str) -> str:
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")
