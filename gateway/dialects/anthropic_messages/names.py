"""
The dialect's name, and names and ids of tools in the letters that Anthropic accepts.

Source: Anthropic's API reference: a tool's name is ``[a-zA-Z0-9_-]{1,128}``, the id of a call
``[a-zA-Z0-9_-]+``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME: Final = "anthropic_messages"

_LONGEST: Final = 128
_HASH: Final = 8
_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_-]")
_HASHED: Final = re.compile(r"(.+)_([0-9a-f]{8})", re.DOTALL)
_WRAPPED: Final = "gwid_"


class ToolNames:
    """
    The names of one request's tools as Anthropic accepts them.

    Made anew for each request: in a map that requests share, two tenants' ``a.b`` and ``a/b``
    would meet.

    Args:
        names: All names of the request, in their order; the same names in the same order
            are always written the same, so that prompt caches hold.
    """

    __slots__ = ("_written",)

    def __init__(self, names: Iterable[str]) -> None:
        names = list(dict.fromkeys(names))
        self._written = {name: name for name in names if _is_good(name)}
        taken = set(self._written)
        for name in names:
            if name not in self._written:
                written = _cleaned(name)
                if written in taken:
                    written = _with_hash(written, name)
                taken.add(written)
                self._written[name] = written

    def __getitem__(self, name: str) -> str:
        return self._written.get(name) or (name if _is_good(name) else _cleaned(name))

    @property
    def changed(self) -> tuple[str, ...]:
        """
        The names that could not be written as they are.
        """
        return tuple(name for name, new in self._written.items() if name != new)


def restored_name(name: str, offered: Sequence[str]) -> str:
    """
    Return the name of the tool that the caller *offered* and that a provider calls *name*.

    A provider's dialect may have had to write it in other letters, or shorter with a hash
    behind it.  A name that leads to no tool, or to several, is returned as it is.
    """
    if name in offered:
        return name
    plain = {tool: _OTHER.sub("_", tool) for tool in offered}
    for tool, letters in plain.items():
        if letters == name:
            return tool  # the first one keeps the bare letters, others get a hash
    hashed = _HASHED.fullmatch(name)
    if hashed is None:
        return name
    found = [tool for tool, letters in plain.items() if letters.startswith(hashed[1])]
    if len(found) > 1:
        found = [tool for tool in found if hashed[2] in _digests(tool)]
    return found[0] if len(found) == 1 else name


def written_id(raw: str) -> str:
    """
    Return the id of a tool call in the letters that Anthropic accepts; see `read_id`.
    """
    if _ID.fullmatch(raw):
        return raw
    wrapped = base64.urlsafe_b64encode(raw.encode("utf-8", "surrogatepass"))
    return _WRAPPED + wrapped.decode().rstrip("=")


def read_id(written: str) -> str:
    """
    Return the id that `written_id` wrote; another's as it is.
    """
    if not written.startswith(_WRAPPED):
        return written
    body = written[len(_WRAPPED) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)
        return raw.decode("utf-8", "surrogatepass")
    except ValueError:
        return written


def _is_good(name: str) -> bool:
    return len(name) <= _LONGEST and _ID.fullmatch(name) is not None


def _cleaned(name: str) -> str:
    clean = _OTHER.sub("_", name) or "tool"
    return clean if len(clean) <= _LONGEST else _with_hash(clean, name)


def _with_hash(clean: str, name: str) -> str:
    return f"{clean[: _LONGEST - _HASH - 1]}_{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]


def _digests(name: str) -> tuple[str, str]:
    """
    Return the hashes that dialects put behind a name of which they keep only the beginning.
    """
    raw = name.encode("utf-8", "surrogatepass")
    return _digest(name), hashlib.blake2b(raw, digest_size=_HASH // 2).hexdigest()
