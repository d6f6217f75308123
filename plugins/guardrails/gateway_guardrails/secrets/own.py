"""
The secrets of this gateway, its providers' keys first, recognised without being kept.

Of each is kept: its length, its first four characters in lower case (a mark, as any vendor's), and
a keyed hash of it, whose key lives as long as this process.  References are resolved again every
few seconds, so that a file that was changed is noticed; the value before stays known, as it may
still be valid.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from secrets import token_bytes
from typing import TYPE_CHECKING, Final, Self

import attrs

from gateway.errors import SecretMissing
from gateway_guardrails.secrets.runs import is_run

if TYPE_CHECKING:
    from gateway.detecting import DetectorTools
    from gateway.settings import SecretRef
    from gateway_guardrails.literals import Literals
    from gateway_guardrails.secrets.rules import Rules

__all__ = ["MARK_CHARACTERS", "OwnKeys"]

#: How long what was resolved is taken to be what is there: references to files and variables, which
#: cost a look at the disk, and those to other stores, which may cost a request.
LOOK_AGAIN_S: Final = 2.0
ASK_AGAIN_S: Final = 60.0
#: Keys that are looked for.
MOST_KEYS: Final = 1024
#: A shorter one would be found in words; a longer one is a document, whose private key is found.
_LEAST_CHARACTERS: Final = 12
_MOST_CHARACTERS: Final = 512
MARK_CHARACTERS: Final = 4
_CHEAP: Final = ("env", "file")


@attrs.frozen
class _Known:
    """
    What is kept of a key.
    """

    type: str
    mark: str
    length: int
    digest: bytes = attrs.field(repr=False)


class OwnKeys:
    """
    The providers' keys, and what else the settings refer to; safe to call from any thread.

    Args:
        tools: Where references are found, and what resolves them.
        rules: What else is looked for, by the same automaton.
    """

    def __init__(self, tools: DetectorTools, rules: Rules) -> None:
        self._secrets = tools.secrets
        self._clock = tools.clock
        self._rules = rules
        self._types = dict(islice(_references(tools), MOST_KEYS))
        self._references = tuple(self._types)
        self._hash_key = token_bytes(32)
        self._lock = threading.Lock()
        self._known: dict[SecretRef, tuple[_Known, ...]] = {}
        self._by_mark: Mapping[str, frozenset[_Known]] = {}
        self._literals = rules.literals
        self._look_at = self._ask_at = tools.clock.monotonic()
        if self._references:
            self._resolve(self._references)

    def __repr__(self) -> str:
        return f"<OwnKeys of {len(self._references)} references>"

    @classmethod
    def of(cls, tools: DetectorTools, rules: Rules) -> Self | None:
        """
        Resolve all that the settings refer to; None if they refer to nothing.
        """
        own = cls(tools, rules)
        return own if own._references else None

    @property
    def literals(self) -> Literals:
        """
        What announces a credential, one's own keys included.
        """
        now = self._clock.monotonic()
        if now - self._look_at >= LOOK_AGAIN_S and self._lock.acquire(blocking=False):
            try:
                self._look_again(now)
            finally:
                self._lock.release()
        return self._literals

    def find_at(self, text: str, start: int) -> tuple[int, str] | None:
        """
        Return where the key ends that begins at *start*, and of what type it is.
        """
        mark = text[start : start + MARK_CHARACTERS].lower()
        for known in self._by_mark.get(mark, ()):
            end = start + known.length
            if end <= len(text) and self._digest(text[start:end]) == known.digest:
                return end, known.type
        return None

    def _look_again(self, now: float) -> None:
        self._look_at = now
        asks = now - self._ask_at >= ASK_AGAIN_S
        if asks:
            self._ask_at = now
        self._resolve(one for one in self._references if asks or one.scheme in _CHEAP)

    def _resolve(self, references: Iterable[SecretRef]) -> None:
        is_changed = False
        for reference in references:
            known = self._of(reference)
            before = self._known.get(reference, ())
            if known is not None and known not in before[:1]:
                self._known[reference] = (known, *before[:1])
                is_changed = True
        if not is_changed:
            return
        by_mark: dict[str, set[_Known]] = {}
        for each in self._known.values():
            for known in each:
                by_mark.setdefault(known.mark, set()).add(known)
        taken = {mark.literal for mark in self._rules.marks}
        # The mappings first: who has the new automaton finds what it announces.
        self._by_mark = {mark: frozenset(known) for mark, known in by_mark.items()}
        self._literals = self._rules.with_literals(sorted(set(by_mark) - taken))

    def _of(self, reference: SecretRef) -> _Known | None:
        try:
            value = self._secrets.get(reference)
        except SecretMissing:
            return None  # whoever needs it says so
        if not _LEAST_CHARACTERS <= len(value) <= _MOST_CHARACTERS:
            return None
        if not is_run(value):
            return None  # it would be cut in two
        return _Known(
            self._types[reference],
            value[:MARK_CHARACTERS].lower(),
            len(value),
            self._digest(value),
        )

    def _digest(self, value: str) -> bytes:
        return blake2b(value.encode(), key=self._hash_key, digest_size=32).digest()


def _references(tools: DetectorTools) -> Iterator[tuple[SecretRef, str]]:
    """
    Yield what the settings refer to, each once, with the type of its finds.
    """
    seen = set()
    for provider in tools.settings.providers.values():
        for key in provider.keys.values():
            if key.secret not in seen:
                seen.add(key.secret)
                yield key.secret, "provider_key"
    for reference in () if tools.references is None else tools.references():
        if reference not in seen:
            seen.add(reference)
            yield reference, "gateway_secret"
