"""
The plugin: hooks alone, short ones; what they decide with stands in modules of its own.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import structlog

from gateway import (
    Answer,
    Attempt,
    Blocked,
    Exchange,
    Phase,
    Plugin,
    StashKey,
    hookimpl,
)
from gateway.filters import StreamFilter
from gateway_example.masking import WordFilter, find_word

log = structlog.get_logger("gateway_example")

#: What this plugin keeps on an exchange from one hook to the next.
FILTER: StashKey[WordFilter] = StashKey("example.filter")


@attrs.frozen(kw_only=True)
class ExampleSettings:
    """
    What the table ``plugins.example`` says.

    Attributes:
        words: Words that may neither be asked for nor answered, whatever their case.
        mask: What stands in an answer instead of one.
    """

    words: tuple[str, ...] = attrs.field(
        default=(),
        validator=attrs.validators.deep_iterable(attrs.validators.min_len(1)),
        metadata={"help": "Words that may neither be asked for nor answered."},
    )
    mask: str = attrs.field(
        default="[withheld]",
        metadata={"help": "What stands in an answer instead of one."},
    )


class ExamplePlugin(Plugin):
    """
    Keeps words out of requests and answers.
    """

    phase: ClassVar[Phase] = Phase.INSPECT
    Settings: ClassVar[type] = ExampleSettings

    settings: ExampleSettings

    def __init__(self, settings: ExampleSettings) -> None:
        super().__init__(settings)
        self.masked = 0

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        """
        Refuse a request that names one of the words.
        """
        for text in exchange.request.texts():
            if find_word(text.value, self.settings.words) is not None:
                # Not which one: a refusal is no place to read the list from.
                exchange.explain(f"a word that is withheld, in {text.kind}")
                msg = "The request names something that must not leave the house."
                raise Blocked(msg)
        return None

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        """
        Mask the words in the answer, in a stream and in a whole one.
        """
        if not self.settings.words:
            return None
        opened = WordFilter(self.settings.words, self.settings.mask)
        exchange.stash[FILTER] = opened
        return opened

    @hookimpl
    def on_complete(self, exchange: Exchange) -> None:
        """
        Count what was masked.
        """
        opened = exchange.stash.get(FILTER)
        if opened is not None and opened.edit_count:
            self.masked += opened.edit_count
            log.info("masked", request_id=exchange.id, count=opened.edit_count)
