"""
Records the exchanges and events of one worker.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import structlog

from gateway import Attempt, Exchange, Outcome, Unavailable
from gateway.errors import ConfigError, Problem
from gateway.events import (
    AdminDenied,
    CallerTurnedAway,
    Event,
    GatewayStarted,
    SettingsChanged,
)
from gateway.filters import StreamFilter
from gateway_audit.bodies.shelf import Shelf
from gateway_audit.entries import exchanges, happenings
from gateway_audit.entries.exchanges import Parties
from gateway_audit.entries.names import Names
from gateway_audit.index.reading import IndexReader
from gateway_audit.places import Places
from gateway_audit.recording.configuration import Configuration
from gateway_audit.recording.figures import Figures
from gateway_audit.recording.journal import Journal
from gateway_audit.recording.keeping import LOST, Keeping
from gateway_audit.recording.known_settings import KnownSettings
from gateway_audit.recording.refusals import Refusals
from gateway_audit.recording.sheet import SHEET, Copyist, Sheet
from gateway_audit.recording.standing import Standing
from gateway_audit.recording.watching import Watch
from gateway_audit.settings import AuditSettings, Spill
from gateway_audit.spool.spool import AuditUnavailable, Spool
from gateway_audit.subjects.events import SubjectErased
from gateway_audit.subjects.faults import RegisterFaults
from gateway_audit.subjects.register import FILE, SUBJECTS, Register
from gateway_audit.subjects.seals import KEY_BYTES, SealedByAnother

if TYPE_CHECKING:
    from gateway import Gateway

log = structlog.get_logger("gateway.audit")

#: Seconds for which refusals are counted before they are told together.
COUNTED_S: Final = 1.0
#: Whose the bodies are where nobody is named.
NOBODY: Final = "nobody"
_UNSERVED: Final = (Outcome.REFUSED, Outcome.FAILED)
_STRANGER: Final = "unknown"
_RETRY_S: Final = 1.0
#: Of the fallbacks that a request names, more than routing takes.
_MAX_FALLBACKS: Final = 100


@attrs.define(kw_only=True, eq=False)
class Recorder:
    """
    Records what one worker does.

    Attributes:
        journal: Writes entries.
        register: Knows persons.
        names: Shows names.
        index: Finds entries again.
        places: Where everything is kept.
        watch: Sees whether the log is made of what is written.
        figures: Shows what the sequencer says in numbers.
        configuration: Tells of changes of the settings.
    """

    settings: AuditSettings
    gateway: Gateway
    journal: Journal
    register: Register
    names: Names
    keeping: Keeping
    index: IndexReader
    places: Places
    watch: Watch
    figures: Figures
    configuration: Configuration = attrs.field(init=False)
    _faults: RegisterFaults = attrs.field(init=False)
    _refusals: Refusals = attrs.field(init=False)
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)
    _keeps: bool = attrs.field(init=False)
    _intents_last: bool = attrs.field(init=False)
    _outcomes_last: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._faults = RegisterFaults(self.register)
        self.configuration = Configuration(
            gateway=self.gateway,
            journal=self.journal,
            keeping=self.keeping,
            register=self.register,
            faults=self._faults,
            known_settings=KnownSettings(self.places.root),
        )
        self._refusals = Refusals(self.settings.refusals)
        self._keeps = self.settings.bodies.any
        self._intents_last = self.settings.level != "relaxed"
        self._outcomes_last = self.settings.level == "durable"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, gateway: Gateway, settings: AuditSettings
    ) -> AsyncIterator[Self]:
        """
        Open the files, and close them when all that was recorded is on the disk.
        """
        places = Places.below(gateway.data_dir)
        register = _register(gateway, settings, places)
        journal = _journal(gateway, settings, places)
        recorder = cls(
            settings=settings,
            gateway=gateway,
            journal=journal,
            register=register,
            names=Names(
                gateway.derive("audit/names"), gateway.models, settings.model_names
            ),
            keeping=Keeping(
                settings=settings.bodies,
                shelf=Shelf(places.bodies),
                is_durable=settings.level == "durable",
            ),
            index=IndexReader(places.index),
            places=places,
            watch=Watch(places, gateway.clock),
            figures=Figures(places, gateway.clock),
        )
        try:
            yield recorder
        finally:
            recorder.watch.close()
            recorder.figures.close()
            await recorder.configuration.told()
            recorder._faults.close()
            recorder.tell_refusals()
            await journal.close()
            register.close()

    # --- how it is --------------------------------------------------------------------------

    @property
    def refuses(self) -> bool:
        """
        Whether entries reach no disk, or nobody new can be told by a pseudonym.
        """
        is_lost = self._faults.fault is not None
        return self.journal.refuses or (is_lost and self.settings.on_failure != "open")

    @property
    def standing(self) -> Standing:
        """
        How this worker's part is, by what happened last.
        """
        found = []
        if self.journal.is_failing:
            found.append("the disk cannot be written")
        if self._faults.fault is not None:
            found.append(f"the register of persons fails: {self._faults.fault}")
        if self.keeping.is_failing:
            found.append("bodies cannot be stored")
        nearly_full = (
            ("the disk is nearly full",) if self.journal.is_nearly_full else ()
        )
        return Standing(tuple(found), nearly_full)

    async def look(self) -> Standing:
        """
        Try the register of persons and, where bodies are kept, whether there is room for one.
        """
        self._faults.look()
        if self._keeps or self.keeping.is_failing:
            with suppress(OSError):  # which it notes itself
                await self.keeping.look()
        return self.standing

    # --- exchanges --------------------------------------------------------------------------

    def arrive(self, exchange: Exchange) -> None:
        """
        Note of the request as it came what will not be there later.
        """
        if exchange.dry_run:
            return
        sheet = exchange.stash[SHEET] = Sheet()
        fallbacks = exchange.request.members.get("fallbacks")
        if isinstance(fallbacks, list):
            told = fallbacks[:_MAX_FALLBACKS]
            sheet.fallbacks = tuple(each for each in told if isinstance(each, str))
        if self._keeps:
            sheet.came = exchange.request.encode()

    async def intend(self, exchange: Exchange, attempt: Attempt) -> None:
        """
        Record that *attempt* is about to go out.

        Raises:
            Unavailable: It cannot be recorded, so it must not go out.
        """
        if exchange.dry_run:
            return
        self.names.follow(exchange.settings)
        try:
            if self._keeps and self.settings.on_failure != "open":
                await self._be_ready(exchange)
            sheet = self._sheet(exchange)
            parties = sheet.parties or self._parties(exchange, sheet)
            entry = exchanges.intent(
                self.journal.head(), exchange, attempt, parties, self.names
            )
            await self.journal.write(entry, is_durable=self._intents_last)
        except AuditUnavailable:
            raise _unavailable() from None
        sheet.intents += 1

    async def _be_ready(self, exchange: Exchange) -> None:
        try:
            await self.keeping.be_ready(exchange)
        except OSError as exc:
            raise AuditUnavailable("a body cannot be stored") from exc

    def copy(self, exchange: Exchange) -> StreamFilter | None:
        """
        Return what copies the answer to *exchange*, where it is kept.
        """
        if not self._keeps:
            return None
        sheet = self._sheet(exchange)
        sheet.kept = self.keeping.kept_of(exchange)
        if sheet.kept == "none" or not exchange.request.is_stream:
            return None
        sheet.frames = []
        return Copyist(sheet.frames, self.settings.bodies.max_bytes + 1)

    async def complete(self, exchange: Exchange) -> None:
        """
        Record how *exchange* ended.

        Raises:
            Unavailable: It cannot be recorded, so the caller must not have the answer.
        """
        self.names.follow(exchange.settings)
        sheet = self._sheet(exchange)
        is_unserved = not sheet.intents and exchange.outcome in _UNSERVED
        if is_unserved and not self._is_told(exchange):
            return
        try:
            parties = sheet.parties or self._parties(exchange, sheet)
            head = self.journal.head()
            body = await self._body(exchange, sheet, head[1]) if self._keeps else None
            entry = exchanges.outcome(
                head, exchange, parties, self.names, body, sheet.fallbacks
            )
            if is_unserved and self.journal.is_failing:
                # A refusal need not wait for the disk; its entry does.
                self.journal.note(entry)
                return
            await self.journal.write(entry, is_durable=self._outcomes_last)
            if body is LOST and self.settings.on_failure != "open":
                raise AuditUnavailable("a body cannot be stored")
        except AuditUnavailable:
            # Who was refused, or has left, gets nothing that would have to be recorded.
            if not is_unserved and exchange.outcome is not Outcome.LEFT:
                raise _unavailable() from None

    async def _body(
        self, exchange: Exchange, sheet: Sheet, name: str
    ) -> dict[str, Any] | None:
        sheet.kept = self.keeping.kept_of(exchange)
        if sheet.kept == "none":
            return None
        who = exchange.identity
        named = self._named(exchange) or (NOBODY if who is None else who.key_id)
        try:
            subject = self.register.subject(named) or self.register.subject(NOBODY)
            if subject is None:
                return None
            return await self.keeping.keep(exchange, sheet, subject, name)
        except sqlite3.Error as exc:
            self._faults.note(exc)
            return LOST
        except OSError as exc:
            log.error("a body is not kept", error=type(exc).__name__)  # noqa: TRY400
            return LOST

    def _is_told(self, exchange: Exchange) -> bool:
        """
        Tell whether a refusal gets an entry of its own; it is counted if not.
        """
        who = exchange.identity
        source = self._source(exchange.peer) if who is None else who.key_id
        code = _STRANGER if exchange.error is None else exchange.error.code
        return self._admits(source, code, is_known=who is not None)

    # --- who ----------------------------------------------------------------------------------

    def _sheet(self, exchange: Exchange) -> Sheet:
        sheet = exchange.stash.get(SHEET)
        if sheet is None:
            sheet = exchange.stash[SHEET] = Sheet()
        return sheet

    def _parties(self, exchange: Exchange, sheet: Sheet) -> Parties:
        named = self._named(exchange)
        try:
            subject = None if named is None else self.register.subject(named)
            peer = self.register.peer(exchange.peer, exchange.clock.now())
        except sqlite3.Error as exc:
            self._faults.note(exc)
            if self.settings.on_failure == "open":
                return Parties()
            raise AuditUnavailable("the register of persons fails") from exc
        pseudonym = None if subject is None else subject.pseudonym
        parties = Parties(pseudonym, peer)
        if exchange.identity is not None:
            sheet.parties = parties
        return parties

    def _named(self, exchange: Exchange) -> str | None:
        """
        Return whom a known caller says that the request is about.
        """
        told = self.settings.subject
        if told.header is None and told.field is None:
            return None
        if exchange.identity is None and self.gateway.authenticates_callers:
            return None
        if told.header is not None:
            return exchange.headers.get(told.header) or None
        return _user_of(exchange)

    def _peer(self, address: str) -> str | None:
        try:
            return self.register.peer(address, self.gateway.clock.now())
        except sqlite3.Error as exc:
            self._faults.note(exc)
            return None

    def _source(self, address: str) -> str:
        return self._peer(address) or _STRANGER

    # --- beside exchanges -------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """
        Record *event*, if it happened here.
        """
        if isinstance(event, SubjectErased):
            self.register.forget(event.lookup)
            return
        if isinstance(event, GatewayStarted | SettingsChanged):
            self.configuration.hear(event)
        if event.is_echo or happenings.is_in_outcome(event):
            return
        if isinstance(event, SettingsChanged):
            return  # it is told with its body
        if isinstance(event, AdminDenied | CallerTurnedAway):
            code = "admin_denied" if isinstance(event, AdminDenied) else event.code
            if not self._admits(self._source(event.peer), code, is_known=False):
                return
        self.journal.note(happenings.of_event(event, self.journal.head(), self._peer))

    async def settle(self) -> None:
        """
        Wait until all that happened beside exchanges is on the disk.

        Raises:
            Unavailable: It is not; it is written as soon as the disk takes it.
        """
        await self.configuration.told()
        try:
            await self.journal.noted()
        except AuditUnavailable:
            msg = (
                "This was done, but cannot be recorded at the moment; it is recorded as soon "
                "as the audit's disk takes it.  Operator: see /api/audit/status."
            )
            raise Unavailable(msg, code="audit_unavailable") from None

    async def erase(self, name: str) -> str | None:
        """
        Forget the person called *name*: pseudonym, keys and bodies, here and in every worker.

        Returns:
            What was forgotten, or None if nobody is known by that name.
        """
        erased = self.register.erase(name)
        await asyncio.to_thread(self.register.wipe)
        if erased is None:
            return None
        self.gateway.broadcast(
            SubjectErased(at=self.gateway.clock.now(), lookup=erased.lookup)
        )
        shelf = self.keeping.shelf
        count = await asyncio.to_thread(shelf.drop, erased.pseudonym)
        return f"{erased.pseudonym} leads to nobody; bodies destroyed: {count}"

    def note(self, kind: str, **members: Any) -> None:
        """
        Record something that the audit itself did.
        """
        self.journal.note(happenings.entry(kind, self.journal.head(), **members))

    def _admits(self, source: str, code: str, *, is_known: bool) -> bool:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(COUNTED_S, self.tell_refusals)
        now_ms = int(self.gateway.clock.now() * 1000)
        return self._refusals.admits(source, code, now_ms, is_known=is_known)

    def tell_refusals(self) -> None:
        """
        Record how many were refused of late without an entry of their own.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        told = self._refusals.take(int(self.gateway.clock.now() * 1000))
        if told is not None:
            self.note("refusals", **told)


def _register(gateway: Gateway, settings: AuditSettings, places: Places) -> Register:
    secret = gateway.derive(SUBJECTS, 2 * KEY_BYTES)
    try:
        return Register(places.root, secret, peer_keys_days=settings.peer_keys_days)
    except SealedByAnother as exc:
        msg = (
            f"{exc}: run `gatewright audit reseal --old-key REF` with the old one, env.NAME or "
            f"file./path; without it, {places.root / FILE} can only be moved away: nobody can "
            "tell then whose pseudonyms stand in the log, nor open the bodies kept so far"
        )
        raise ConfigError(Problem(msg, path="server.secret_key")) from None


def _journal(gateway: Gateway, settings: AuditSettings, places: Places) -> Journal:
    journal: Journal | None = None

    def changed() -> None:
        if journal is not None:
            journal.mend()

    policy = settings.on_failure
    spill = None
    if isinstance(policy, Spill):
        spill = Spool(policy.spill, clock=gateway.clock)
    journal = Journal(
        Spool(places.spool, clock=gateway.clock, on_change=changed),
        clock=gateway.clock,
        max_bytes=settings.max_entry_bytes,
        spill=spill,
        is_open=policy == "open",
    )
    return journal


def _user_of(exchange: Exchange) -> str | None:
    members = exchange.request.members
    metadata = members.get("metadata")
    told = members.get("user") or members.get("safety_identifier")
    if told is None and isinstance(metadata, dict):
        told = metadata.get("user_id")
    return told if isinstance(told, str) and told else None


def _unavailable() -> Unavailable:
    msg = "This request cannot be recorded at the moment, so it is not served."
    return Unavailable(msg, code="audit_unavailable", ends=True, retry_after_s=_RETRY_S)
