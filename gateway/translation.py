"""
From the caller's dialect to the provider's and back, for one attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import neutral

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.dialects import Dialect, ModelLimits
    from gateway.views import Chunk, Request, Response


class Translation:
    """
    What goes between two dialects for one request and its answer.

    Args:
        caller: The dialect that the caller speaks.
        provider: The dialect that the provider is asked in.
        asked: The caller's request as this attempt sends it.
        now: Unix seconds, for answers in a dialect that tells when they were made.
    """

    __slots__ = (
        "_asked",
        "_caller",
        "_losses_back",
        "_now",
        "_provider",
        "_reader",
        "_writer",
        "losses",
    )

    def __init__(
        self,
        caller: Dialect,
        provider: Dialect,
        asked: Request,
        *,
        losses: neutral.Losses,
        now: Callable[[], float],
    ) -> None:
        self._now = now
        self._caller = caller
        self._provider = provider
        self._asked = asked
        self.losses = losses
        # What the answer loses comes too late to refuse: it was paid for.
        self._losses_back = neutral.Losses(found=losses.found)

    def request(self, limits: ModelLimits) -> Request:
        """
        Write the request in the provider's dialect.

        Raises:
            Untranslatable: if something in it cannot be said and must not be lost.
        """
        ask = self._caller.to_neutral(self._asked, self.losses)
        return self._provider.from_neutral(ask, self.losses, limits)

    def answer(self, response: Response) -> Response:
        """
        Write the provider's whole answer in the caller's dialect.
        """
        answer = self._provider.read_answer(response)
        if answer.created is None:
            answer.created = int(self._now())
        return self._caller.write_answer(answer, self._asked, self._losses_back)

    def begin(self) -> None:
        """
        Make ready for a stream.
        """
        self._reader = self._provider.stream_reader()
        self._writer = self._caller.stream_writer(self._asked, self._losses_back)

    def chunks(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """
        Write the provider's *chunks* in the caller's dialect.
        """
        out: list[Chunk] = []
        for chunk in chunks:
            for event in self._reader.read(chunk):
                if isinstance(event, neutral.Start) and event.created is None:
                    event = attrs.evolve(event, created=int(self._now()))
                out += self._writer.write(event)
        return out
