"""
Tells of changes of the settings: by a reload, and by a start with others than before.

Where ``bodies.settings`` asks for it, a change keeps what stood there and what does, sealed beside
the log like any body.  It is about whoever acted: under a name of its own, as the entry has the
operator's name beside the pseudonym, which must not tell who a caller is.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs
import structlog

from gateway.events import GatewayStarted, SettingsChanged
from gateway.settings import Settings
from gateway_audit.entries import happenings
from gateway_audit.entries.exchanges import Head
from gateway_audit.recording.journal import Journal
from gateway_audit.recording.keeping import LOST, Keeping
from gateway_audit.recording.known_settings import Known, KnownSettings
from gateway_audit.recording.settings_diff import SettingsDiff
from gateway_audit.spool.spool import AuditUnavailable
from gateway_audit.subjects.faults import RegisterFaults
from gateway_audit.subjects.register import Register

if TYPE_CHECKING:
    from gateway import Gateway

log = structlog.get_logger("gateway.audit")

#: Precedes an operator's name where it is a person's whose bodies are kept.
OPERATOR: Final = "operator:"
#: What an entry says of a change of which only hashes of the values before it are known.
UNKNOWN: Final[dict[str, Any]] = {
    "kept": "none",
    "withheld": ["settings: the values before the start are not known"],
}


@attrs.define(kw_only=True, eq=False)
class Configuration:
    """
    Follows the settings of one worker.
    """

    gateway: Gateway
    journal: Journal
    keeping: Keeping
    register: Register
    faults: RegisterFaults
    known_settings: KnownSettings
    #: Those that were in force here when it was told last.
    _settings: Settings = attrs.field(init=False)
    _telling: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)
    _one_at_a_time: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._settings = self.gateway.settings

    def hear(self, event: GatewayStarted | SettingsChanged) -> None:
        """
        Record *event*, if it happened here, and remember which settings are in force.
        """
        before, self._settings = self._settings, self.gateway.settings
        if event.is_echo:
            return
        if isinstance(event, GatewayStarted):
            self._spawn(self._remember(is_start=True))
            return
        head = self.journal.head()
        if not self._keeps or event.before == event.after:
            self._note(event, head, None)
            self._spawn(self._remember(is_start=False))
            return
        task = self._spawn(self._tell(event, head, before, self._settings))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def told(self) -> None:
        """
        Wait until every change that was heard of is noted.
        """
        while self._telling:
            await asyncio.wait(tuple(self._telling))

    @property
    def _keeps(self) -> bool:
        return self.keeping.settings.settings != "none"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self.gateway.tasks.spawn(work, name="audit settings")

    async def _tell(
        self, event: SettingsChanged, head: Head, before: Settings, after: Settings
    ) -> None:
        async with self._one_at_a_time:
            body = UNKNOWN
            if (before.digest, after.digest) == (event.before, event.after):
                body = await self._body(event.actor, head[1], before, after)
            self._note(event, head, body)
        await self._remember(is_start=False)

    async def _body(
        self, actor: str, name: str, before: Settings, after: Settings
    ) -> dict[str, Any]:
        try:
            subject = self.register.subject(f"{OPERATOR}{actor}")
            if subject is None:
                return LOST
            diff = await asyncio.to_thread(
                SettingsDiff.of,
                before,
                after,
                schemes=self.gateway.secrets.schemes,
                max_bytes=self.keeping.settings.max_bytes,
            )
            return await self.keeping.keep_change(diff, subject, name)
        except sqlite3.Error as exc:
            self.faults.note(exc)
        except OSError as exc:
            log.error("a change is not kept", error=type(exc).__name__)  # noqa: TRY400
        return LOST

    async def _remember(self, *, is_start: bool) -> None:
        """
        Remember which settings are in force; tell of others than those before the start.

        What the disk did not take is told at the next start.
        """
        key, settings = self.gateway.derive("audit/settings"), self.gateway.settings
        with (
            self.known_settings.alone() as is_alone,
            suppress(OSError, AuditUnavailable),
        ):
            if not is_alone:
                return
            known = await asyncio.to_thread(Known.of, settings, key)
            before = await asyncio.to_thread(self.known_settings.find)
            if before is not None and is_start and before.digest != known.digest:
                event = known.change_from(before, self.gateway.clock.now())
                body = UNKNOWN if self._keeps else None
                self._note(event, self.journal.head(), body)
            await self.journal.noted()
            await asyncio.to_thread(self.known_settings.keep, known)

    def _note(
        self, event: SettingsChanged, head: Head, body: dict[str, Any] | None
    ) -> None:
        self.journal.note(happenings.settings_changed(event, head, body))
