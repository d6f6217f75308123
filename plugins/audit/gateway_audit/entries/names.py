"""
Which words of callers may stand in the log as they are, and what stands there instead.

The name of a model is the caller's own word until somebody else knows it too.  Names that the
settings and the catalog know, and those that fit a pattern of the operator's, are shown; any other
is shown as a keyed hash, so that equal ones can be told and none can be read.  What was the
caller's word in a plugin's reason goes the same way.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Any, Final

from gateway import ModelListing, Target

_REMEMBERED: Final = 4096
# OpenAI dates a snapshot -2025-08-07, Anthropic -20250929.
_SNAPSHOT: Final = re.compile(r"-20\d{2}-?\d{2}-?\d{2}\Z")
# The core quotes what callers wrote so; see gateway.errors.
_QUOTED: Final = re.compile(r'"([^"]*)"?')
_ODD: Final = re.compile(r"[^\x20-\x7e\u00a1-\uffff]")
_MAX_REASON: Final = 300
#: Shorter words say nothing, and would be found in every other one.
_LEAST_HIDDEN: Final = 4
_NEVER: Final = re.compile(r"(?!)")


class Names:
    """
    Shows names to whom the log is shown.

    Args:
        key: Of the hash; the same in every process.
        listed: Asks the gateway for the models that callers may name.
        patterns: Further names, with ``*``.
    """

    def __init__(
        self,
        key: bytes,
        listed: Callable[[], Iterable[ModelListing]],
        patterns: Iterable[str] = (),
    ) -> None:
        self._key = key
        self._listed = listed
        told = "|".join(translate(pattern) for pattern in patterns)
        self._patterns = re.compile(told) if told else _NEVER
        self._known: frozenset[str] = frozenset()
        self._of: Any = None
        self._shown: dict[str, str] = {}
        #: Names that are shown, and so is what stands in them behind a provider.
        self._plain: set[str] = set()

    def follow(self, snapshot: object) -> None:
        """
        See to it that the names are those of *snapshot*: the settings of an exchange.
        """
        if snapshot is not self._of:
            self._known = frozenset(_all_names(self._listed()))
            self._shown = {}
            self._plain = set()
            self._of = snapshot

    def model(self, name: str) -> str:
        """
        Return what is shown of a model's *name*, as callers write it.
        """
        shown = self._shown.get(name)
        if shown is None:
            if len(self._shown) >= _REMEMBERED:
                self._shown.clear()
            shown = self._shown[name] = (
                name if self._is_known(name) else self._hide(name)
            )
        return shown

    def target(self, target: Target) -> str:
        """
        Return what is shown of a target: provider and model.
        """
        whole = f"{target.provider}/{target.model}"
        if self.model(whole) == whole:
            return whole
        return f"{target.provider}/{self.model(target.model)}"

    def word(self, text: str) -> str:
        """
        Return the keyed hash of *text*, with a mark that it is one.
        """
        raw = text.encode(errors="surrogatepass")
        return f"~{hmac.digest(self._key, raw, 'sha256').hex()[:16]}"

    def hidden(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """
        Return those of *names* that are not shown, each with what is, the longest first.

        Args:
            names: Models and targets that the caller may have named.
        """
        found = {}
        for name in names:
            if name in self._plain:
                continue
            for word in (name, name.partition("/")[2]):
                if len(word) >= _LEAST_HIDDEN and (shown := self.model(word)) != word:
                    found[word] = shown
            if not found and len(self._plain) < _REMEMBERED:
                self._plain.add(name)
        if not found:
            return ()
        return tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))

    def reason(self, reason: str, hidden: Iterable[tuple[str, str]] = ()) -> str:
        """
        Return a plugin's *reason* without the caller's words.

        Args:
            hidden: See `hidden`.
        """
        if '"' in reason:
            reason = _QUOTED.sub(self._quote, reason)
        for word, shown in hidden:
            if word in reason:
                reason = reason.replace(word, shown)
        if not reason.isascii() or not reason.isprintable():
            reason = _ODD.sub("?", reason)
        return reason if len(reason) <= _MAX_REASON else f"{reason[:_MAX_REASON]}…"

    def _quote(self, found: re.Match[str]) -> str:
        return f'"{self.model(found[1])}"'

    def _hide(self, name: str) -> str:
        provider, slash, model = name.partition("/")
        if slash and provider in self._known:
            return f"{provider}/{self.word(model)}"
        return self.word(name)

    def _is_known(self, name: str) -> bool:
        return (
            name in self._known
            or _SNAPSHOT.sub("", name) in self._known
            or self._patterns.match(name) is not None
        )


def _all_names(listed: Iterable[ModelListing]) -> Iterable[str]:
    for model in listed:
        for name in (model.id, *model.leads_to):
            provider, slash, bare = name.partition("/")
            yield name
            if slash:
                yield provider
                yield bare
