"""
The redactions of one exchange: what is put in a value's place, and what may be put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from gateway_guardrails.redaction.originals import Originals
from gateway_guardrails.redaction.placeholders import MASK, label_of

if TYPE_CHECKING:
    from gateway_guardrails.policy.guardrail import Style
    from gateway_guardrails.redaction.lookalikes import Lookalikes
    from gateway_guardrails.redaction.vault import Conversation


def _nothing() -> None:
    return None


@attrs.define(eq=False, repr=False, kw_only=True)
class Redaction:
    """
    Writes what stands for values in one exchange.

    Args:
        open: Opens the conversation, once something is redacted.
        find: Finds it if somebody remembers it already.
        texts: Returns what the request says.
    """

    open: Callable[[], Conversation]
    find: Callable[[], Conversation | None] = _nothing
    lookalikes: Lookalikes
    texts: Callable[[], Iterable[str]] = tuple
    known: Conversation | None = attrs.field(default=None, init=False)
    _was_sought: bool = attrs.field(default=False, init=False)
    #: What may be put back for this caller, whose own it is.
    _live: Originals = attrs.field(factory=Originals, init=False)
    #: Where no look-alike may stand already.
    _texts: tuple[str, ...] | None = attrs.field(default=None, init=False)

    def __repr__(self) -> str:
        return f"<Redaction, {len(self._live)} to be put back>"

    def read(self, texts: Iterable[str]) -> None:
        """
        Take note of what *texts* say, all of a request's before anything was edited.

        What stands there may not stand for another value.  The numbers of placeholders are kept
        by calling `respect` for one text after the other, between those of the values in them.
        """
        self._texts = tuple(texts)
        self._opened()

    def token(
        self,
        kind: str,
        value: str,
        style: Style,
        *,
        restores: bool,
        is_number: bool = False,
    ) -> str:
        """
        Return what is put in the place of *value*, which was found to be a *kind*.

        Args:
            restores: It is the caller's own and may be put back into the answer.
            is_number: It is a number of JSON, and is put back as one.
        """
        if style == "mask":
            return MASK
        conversation = self._opened()
        label = label_of(kind)
        if style == "synthetic":
            token = self._lookalike(conversation, kind, label, value)
        else:
            token = conversation.number(label, value)
        if restores and conversation.original(token) == value:
            self._live.add(token, value, is_number=is_number)
            conversation.restored.add(token, value, is_number=is_number)
        return token

    def respect(self, text: str) -> None:
        """
        Give none of the numbers that placeholders in *text* have to another value.
        """
        if "<" in text:
            self._opened().respect(text)

    def stands_for_another(self, found: str) -> bool:
        """
        Tell whether *found* is what this conversation put in the place of a value.

        A look-alike looks like what is to be found, and is nobody's.
        """
        known = self.look_up()
        return known is not None and known.original(found) is not None

    def look_up(self) -> Conversation | None:
        """
        Return the conversation if somebody remembers it.
        """
        if self.known is None and not self._was_sought:
            self._was_sought = True
            self.known = self.find()
        return self.known

    @property
    def live(self) -> Originals:
        """
        What may be put back, and what each of it stands for.

        Of a conversation that the caller named that is all of it: the answer may speak of an
        earlier turn that the provider remembers.
        """
        known = self.known
        if known is not None and known.is_named:
            return known.restored
        return self._live

    def _opened(self) -> Conversation:
        conversation = self.known
        if conversation is None:
            conversation = self.known = self.open()
        if self._texts is None:  # nothing of the request was redacted
            self._texts = tuple(self.texts())
            for text in self._texts:
                conversation.respect(text)
        return conversation

    def _lookalike(
        self, conversation: Conversation, kind: str, label: str, value: str
    ) -> str:
        place = f"~{label}"
        token = conversation.find(place, value)
        if token is not None:
            return token
        if not conversation.is_full:
            for token in self.lookalikes.of(kind, value):
                if conversation.original(token) is None and not self._is_said(token):
                    conversation.keep(place, value, token)
                    return token
        return conversation.number(label, value)

    def _is_said(self, token: str) -> bool:
        return any(token in text for text in self._texts or ())
