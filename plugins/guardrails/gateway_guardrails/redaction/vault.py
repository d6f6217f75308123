"""
The vault: which placeholder stands for which value, by conversation, in memory alone.

A conversation is one caller's; nothing of it is written down, logged, or shown by a ``repr``.
After a restart, or on another worker, it begins anew and numbers the same values the same way,
for a request brings the whole conversation along and numbers follow the order of the document.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

from gateway_guardrails.redaction.originals import Originals
from gateway_guardrails.redaction.placeholders import PLACEHOLDER, placeholder

#: Values that one conversation may have; those beyond share a placeholder without a number.
MAX_VALUES: Final = 20_000
#: What one conversation may weigh; beyond it likewise.
MAX_WEIGHT: Final = 8 * 1024 * 1024
#: What an entry counts beside its own characters, roughly: three dictionary places.
_ENTRY_BYTES: Final = 400
#: What a conversation takes that is empty yet.
_EMPTY_BYTES: Final = 1100


@attrs.define(eq=False, repr=False)
class Conversation:
    """
    The values of one conversation, and what stands for them.

    Attributes:
        is_named: The caller named it, so that all of its values are known to be of one caller's
            conversation; otherwise only those of the request at hand are.
        restored: The tokens that may be put back, and what each stands for: the caller's own.
        weight: Its size in bytes, roughly.
        grew: Told by how much it grew; None once nobody counts it.
        begins_after: The number behind which placeholders begin.
    """

    is_named: bool = False
    begins_after: int = attrs.field(default=0, kw_only=True)
    restored: Originals = attrs.field(factory=Originals)
    weight: int = _EMPTY_BYTES
    grew: Callable[[int], None] | None = None
    used_at: float = 0.0
    _counts: dict[str, int] = attrs.field(factory=dict)
    _tokens: dict[tuple[str, str], str] = attrs.field(factory=dict)
    _originals: dict[str, str] = attrs.field(factory=dict)

    def __repr__(self) -> str:
        return f"<Conversation of {len(self._tokens)} values>"

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def is_full(self) -> bool:
        """
        Whether no further value is kept.
        """
        return len(self._tokens) >= MAX_VALUES or self.weight >= MAX_WEIGHT

    def find(self, label: str, value: str) -> str | None:
        """
        Return what stands for *value*, or None if nothing does yet.
        """
        return self._tokens.get((label, value))

    def number(self, label: str, value: str) -> str:
        """
        Return the placeholder of *value*: the same one each time.
        """
        token = self._tokens.get((label, value))
        if token is None:
            if self.is_full:
                return f"<{label}>"
            number = self._counts.get(label, self.begins_after) + 1
            self._counts[label] = number
            token = placeholder(label, number)
            self.keep(label, value, token)
        return token

    def keep(self, label: str, value: str, token: str) -> None:
        """
        Let *token* stand for *value*.
        """
        self._tokens[label, value] = token
        self._originals[token] = value
        more = _ENTRY_BYTES + 2 * (len(value) + len(token) + len(label))
        self.weight += more
        if self.grew is not None:
            self.grew(more)

    def respect(self, text: str) -> None:
        """
        Give none of the numbers that placeholders in *text* have to another value.

        Somebody wrote them, or they are of an earlier turn that nobody here remembers.
        """
        if "<" not in text:
            return
        for match in PLACEHOLDER.finditer(text):
            label, number = match[1], int(match[2])
            if number > self._counts.get(label, self.begins_after):
                self._counts[label] = number

    def original(self, token: str) -> str | None:
        """
        Return the value that *token* stands for.
        """
        return self._originals.get(token)


@attrs.define(eq=False, repr=False, kw_only=True)
class Vault:
    """
    The conversations of one worker.

    Args:
        ttl_s: A conversation is forgotten so long after its last request.
        max_bytes: What all of them may weigh; those not used for longest go first.
    """

    ttl_s: float = 3600.0
    max_bytes: int = 64 * 1024 * 1024
    _kept: OrderedDict[bytes, Conversation] = attrs.field(factory=OrderedDict)
    #: What all of them weigh, as they grow.
    _total: int = 0

    def __repr__(self) -> str:
        return f"<Vault of {len(self._kept)} conversations>"

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, name: bytes, now: float) -> Conversation | None:
        """
        Return the conversation *name* if somebody remembers it; *now* is in monotonic seconds.
        """
        self._forget(now)
        conversation = self._kept.get(name)
        if conversation is not None:
            self._use(name, conversation, now)
        return conversation

    def open(
        self, name: bytes, now: float, *, is_named: bool, begins_after: int = 0
    ) -> Conversation:
        """
        Return the conversation *name*, which begins now if nobody remembers it.
        """
        conversation = self.find(name, now)
        if conversation is None:
            conversation = Conversation(
                is_named=is_named, grew=self._grow, begins_after=begins_after
            )
            self._kept[name] = conversation
            self._total += conversation.weight
            self._use(name, conversation, now)
        return conversation

    def clear(self) -> int:
        """
        Forget every conversation; returns how many there were.
        """
        names = list(self._kept)
        for name in names:
            self._let_go(name)
        return len(names)

    def _use(self, name: bytes, conversation: Conversation, now: float) -> None:
        conversation.used_at = now
        self._kept.move_to_end(name)

    def _grow(self, weight: int) -> None:
        self._total += weight

    def _let_go(self, name: bytes) -> None:
        conversation = self._kept.pop(name)
        conversation.grew = None
        self._total -= conversation.weight

    def _forget(self, now: float) -> None:
        kept = self._kept
        while kept:
            name, oldest = next(iter(kept.items()))
            is_over = self._total > self.max_bytes and len(kept) > 1
            if not is_over and now - oldest.used_at <= self.ttl_s:
                break
            self._let_go(name)
