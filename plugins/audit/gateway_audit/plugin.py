"""
The audit plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from gateway import (
    Answer,
    Attempt,
    Exchange,
    Metric,
    Phase,
    Plugin,
    ProcessSpec,
    Route,
    hookimpl,
)
from gateway.events import AdminActed, Event, TraceRecalled
from gateway.filters import StreamFilter
from gateway_audit.api.readers import Readers
from gateway_audit.index.recalling import recall
from gateway_audit.process import sequencer
from gateway_audit.recording.recorder import Recorder
from gateway_audit.settings import AuditSettings

if TYPE_CHECKING:
    import click

    from gateway import Gateway


class AuditPlugin(Plugin):
    """
    Records every call, decision and change so that a stranger can verify the record.
    """

    phase: ClassVar[Phase] = Phase.OBSERVE
    Settings: ClassVar[type] = AuditSettings

    settings: AuditSettings

    def __init__(self, settings: AuditSettings) -> None:
        super().__init__(settings)
        self._recorder: Recorder | None = None
        self.readers = Readers(self._note)

    @property
    def recorder(self) -> Recorder:
        """
        What the hooks work with, while the plugin's lifespan lasts.
        """
        if self._recorder is None:
            msg = "audit was not started: its lifespan was not entered"
            raise RuntimeError(msg)
        return self._recorder

    def _note(self, kind: str, /, **members: str | int) -> None:
        self.recorder.note(kind, **members)

    def not_ready(self) -> str:
        """
        Say so while requests would be refused, as they cannot be recorded.
        """
        if self._recorder is None or not self._recorder.refuses:
            return ""
        return "requests cannot be recorded, so none is served"

    def warnings(self) -> Iterable[str]:
        """
        Tell what is wrong, or may go wrong, here and with the log.
        """
        if self._recorder is None:
            return ()
        standing = self._recorder.standing + self._recorder.figures.standing()
        return (*standing.problems, *standing.warnings)

    # --- registering ------------------------------------------------------------------------

    @hookimpl
    def register_processes(self) -> Iterable[ProcessSpec]:
        return (sequencer(self.settings),)

    @hookimpl
    def register_metrics(self) -> Iterable[Metric]:
        from gateway_audit.recording.counting import metrics  # serving alone needs it

        return metrics(lambda: self._recorder)

    @hookimpl
    def register_routes(self) -> Iterable[Route]:
        from gateway_audit.api.routes import routes  # serving alone needs it

        return routes(lambda: self.recorder, self.readers)

    @hookimpl
    def register_commands(self) -> Iterable[click.Command]:
        from gateway_audit.cli import commands  # and this the command line

        return commands()

    # --- life -------------------------------------------------------------------------------

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with Recorder.open(gateway, self.settings) as recorder:
            self._recorder = recorder
            try:
                yield
            finally:
                self.readers.tell()
                self._recorder = None

    @hookimpl
    async def recall(self, request_id: str) -> Mapping[str, Any] | None:
        return await recall(self.recorder.index, request_id)

    @hookimpl
    async def erase_subject(self, subject: str) -> str | None:
        return await self.recorder.erase(subject)

    @hookimpl
    def on_event(self, event: Event) -> None:
        if self._recorder is None:
            return
        if isinstance(event, TraceRecalled):
            self.readers.page(event.actor, 1)
        else:
            self._recorder.hear(event)

    @hookimpl
    async def settle_event(self, event: Event) -> None:
        if isinstance(event, AdminActed):
            await self.recorder.settle()

    # --- exchanges --------------------------------------------------------------------------

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Answer | None:
        self.recorder.arrive(exchange)
        return None

    @hookimpl
    async def before_attempt(self, exchange: Exchange, attempt: Attempt) -> None:
        await self.recorder.intend(exchange, attempt)

    @hookimpl
    def open_filter(
        self, exchange: Exchange, attempt: Attempt | None
    ) -> StreamFilter | None:
        return self.recorder.copy(exchange)

    @hookimpl
    async def on_complete(self, exchange: Exchange) -> None:
        await self.recorder.complete(exchange)
