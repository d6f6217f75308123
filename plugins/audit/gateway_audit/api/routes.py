"""
The routes: entries, how the audit is, the log's own files, bodies, and forgetting a person.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
import structlog
from aiohttp import hdrs, web

from gateway import Route, codec
from gateway.errors import ExchangeError
from gateway.management import (
    ApiError,
    ApiRoot,
    actor_of,
    json_response,
    note_change,
    read_json,
)
from gateway_audit.api import downloads
from gateway_audit.api.query import read_search, single
from gateway_audit.api.readers import Readers
from gateway_audit.bodies.reading import BodyReader, OpenedBody
from gateway_audit.index.reading import Found
from gateway_audit.recording.recorder import Recorder
from gateway_audit.recording.standing import standing_of
from gateway_audit.retention.holding import held_of
from gateway_audit.retention.keeper import archives_of
from gateway_audit.sequencing.status import Status, read_status
from gateway_audit.settings import Spill
from gateway_audit.subjects.register import MAX_NAME

#: A page of more entries is an export, with its filters; of fewer, they are counted.
GLANCE: Final = 100
#: Characters of the reason why a legal hold did not count.
MAX_REASON: Final = 200
log = structlog.get_logger("gateway.audit")

_API: Final = ApiRoot("audit")
_KINDS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
# C2SP tlog-tiles: levels 0 to 5, or entries; groups of three digits; a partial tile's width.
_TILE: Final = re.compile(
    r"(?:[0-5]|entries)/(?:x\d{3}/){0,5}\d{3}(?:\.p/[1-9]\d{0,2})?"
)
_INDEX: Final = re.compile(r"\d{1,18}", re.ASCII)
_EXPORTED: Final = (
    "What was exported before is out of reach: ask whoever has it to forget as well."
)


def routes(recorder: Callable[[], Recorder], readers: Readers) -> Iterator[Route]:
    """
    Yield every route.

    Args:
        recorder: Returns what the audit works with, once its life began.
        readers: Tells who reads.
    """
    office = AuditRoutes(recorder, readers)
    yield _API.route("GET", "", office.entries, "Looks for entries, or downloads them.")
    yield _API.route("GET", "/status", office.status, "How the audit is.")
    yield _API.route(
        "GET",
        r"/{note:checkpoint|checkpoint\.witnessed|keys}",
        office.note,
        "The log's newest signed checkpoint, as witnesses cosigned it; its keys.",
    )
    yield _API.route(
        "GET",
        "/tile/{tile:.+}",
        office.tile,
        "A tile of the log, or a bundle of entries.",
    )
    yield _API.route("POST", "/erase", office.erase, "Forgets a person.")
    # A POST, as the reading is written down; its own permission, which no viewer has.
    yield _API.route(
        "POST",
        "/bodies/{request}",
        office.body,
        "Opens what was kept of a request.",
        permission="audit.bodies:write",
    )
    yield _API.route(
        "POST",
        "/entries/{index}/body",
        office.entry_body,
        "Opens what was kept beside an entry.",
        permission="audit.bodies:write",
    )


@attrs.frozen(eq=False)
class AuditRoutes:
    """
    Answers for the audit.
    """

    recorder: Callable[[], Recorder]
    readers: Readers

    async def entries(self, request: web.Request) -> web.Response:
        """
        List entries, or download them; either is told in the log.
        """
        recorder = self.recorder()
        query = single(request)
        search, limit, form = read_search(query, recorder.names.word)
        found = await recorder.index.search(search, limit)
        following = found[-1].place if len(found) == limit else None
        if form != "json" or len(found) > GLANCE:
            self._note_export(request, query, form, len(found))
        else:
            self.readers.page(actor_of(request).name, len(found))
        if form == "json":
            entries = [_shown(each) for each in found]
            return json_response({"entries": entries, "next": following})
        write = downloads.as_csv if form == "csv" else downloads.as_jsonl
        body = await asyncio.to_thread(write, found)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: _KINDS[form],
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="audit.{form}"',
        }
        if following is not None:
            headers["x-gw-next"] = str(following)
        return web.Response(body=body, headers=headers)

    def _note_export(
        self, request: web.Request, query: dict[str, str], form: str, count: int
    ) -> None:
        self.recorder().note(
            "export",
            actor=actor_of(request).name,
            count=count,
            filters=dict(sorted(query.items())),
            format=form,
        )

    async def status(self, request: web.Request) -> web.Response:
        """
        Tell how the audit is, in this worker and in the log.
        """
        recorder = self.recorder()
        settings, journal = recorder.settings, recorder.journal
        now = recorder.gateway.clock.now()
        log = await asyncio.to_thread(read_status, recorder.places.root, now)
        policy = settings.on_failure
        standing = await recorder.look() + standing_of(log)
        spool_bytes = await asyncio.to_thread(recorder.watch.spool_bytes)
        return json_response(
            {
                "is_healthy": standing.is_healthy,
                "problems": list(standing.problems),
                "warnings": list(standing.warnings),
                "level": settings.level,
                "on_failure": "spill" if isinstance(policy, Spill) else policy,
                "worker": {
                    "name": journal.worker,
                    "is_failing": journal.is_failing,
                    "is_nearly_full": journal.is_nearly_full,
                    "lost": journal.lost,
                    "spilled": journal.spilled,
                },
                "spool_bytes": spool_bytes,
                "log": None if log is None else log.document(),
                "retention": _companion(log, "retention"),
                "sinks": _companion(log, "sinks"),
                "witnesses": {} if log is None else log.witnesses,
                "indexed": await recorder.index.size(),
            }
        )

    async def note(self, request: web.Request) -> web.Response:
        """
        Return what somebody signed, byte for byte.
        """
        note = request.match_info["note"]
        return await self._file(note, "text/plain; charset=utf-8")

    async def tile(self, request: web.Request) -> web.Response:
        """
        Return a tile, byte for byte.
        """
        tile = request.match_info["tile"]
        if not _TILE.fullmatch(tile):
            raise ApiError(404, "tile_not_found", "There is no such tile.")
        found = await self._file(f"tile/{tile}", "application/octet-stream")
        self.readers.tile(actor_of(request).name)
        return found

    async def _file(self, path: str, kind: str) -> web.Response:
        place = self.recorder().places.log / path
        try:
            content = await asyncio.to_thread(place.read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ApiError(404, "tile_not_found", "The log has no such file.") from None
        headers = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=content, headers=headers)

    async def erase(self, request: web.Request) -> web.Response:
        """
        Have a person forgotten by every plugin, and say so in the log.
        """
        recorder = self.recorder()
        subject, reason = _erasure_in(await read_json(request))
        found = recorder.register.find(subject)
        pseudonym = None if found is None else found.pseudonym
        held = await held_of(
            recorder.settings.keep.legal_hold,
            found,
            name=subject,
            index=recorder.index,
            shelf=recorder.keeping.shelf,
        )
        if held is not None and reason is None:
            msg = (
                f"A legal hold covers what would be destroyed of this person: {held}.  "
                "Nothing was erased.  Operator: end the hold (plugins.audit.keep.legal_hold), "
                "or give the reason to erase all the same (--despite-hold, despite_hold)."
            )
            raise ApiError(409, "legal_hold", msg)
        is_complete = True
        reports: list[tuple[str, str]] = []
        try:
            reports = await recorder.gateway.erase_subject(subject)
        except (ExchangeError, TimeoutError) as exc:
            # Its text may name the person.
            log.error("erasure incomplete", error=type(exc).__name__)  # noqa: TRY400
            is_complete = False
        # A plugin's own words must not bring back what was erased.
        told = {name: text.replace(subject, "[erased]") for name, text in reports}
        is_known = found is not None or bool(told)
        recorder.note(
            "erasure",
            actor=actor_of(request).name,
            complete=is_complete,
            despite_hold=reason and reason.replace(subject, "[erased]"),
            details=dict(sorted(told.items())),
            held=None if held is None else str(held),
            known=is_known,
            subject=pseudonym,
        )
        note_change(request, f"audit.subject/{pseudonym or 'unknown'}")
        if not is_complete:
            msg = (
                "A plugin could not forget this person, or the database was too busy to "
                "be wiped; the gateway's log says which. Mend that and ask again."
            )
            raise ApiError(500, "erasure_incomplete", msg)
        return json_response(
            {
                "subject": pseudonym,
                "known": is_known,
                "reports": told,
                "note": _EXPORTED,
            }
        )

    async def body(self, request: web.Request) -> web.Response:
        """
        Open what was kept of a request; who did is an entry before the answer goes out.
        """
        reader = _body_reader(self.recorder())
        request_id = request.match_info["request"]
        opened = await reader.read(request_id)
        return self._opened(request, opened, f"audit.body/{request_id}")

    async def entry_body(self, request: web.Request) -> web.Response:
        """
        Open what was kept beside an entry, likewise.
        """
        index = request.match_info["index"]
        if not _INDEX.fullmatch(index):
            msg = "An entry's index is a whole number."
            raise ApiError(404, "entry_not_found", msg)
        opened = await _body_reader(self.recorder()).read_entry(int(index))
        return self._opened(request, opened, f"audit.body/entry/{opened.index}")

    def _opened(
        self, request: web.Request, opened: OpenedBody, target: str
    ) -> web.Response:
        about = opened.about
        self.recorder().note(
            "body.read",
            actor=actor_of(request).name,
            index=opened.index,
            request=opened.request,
            subject=about["subject"],
        )
        # An answer of 200 waits for the entry: see `AuditPlugin.settle_event`.
        note_change(request, target)
        told = {name: about[name] for name in ("kept", "subject", "withheld")}
        return json_response(
            {
                "request_id": opened.request,
                "index": opened.index,
                **told,
                **opened.said,
            }
        )


def _body_reader(recorder: Recorder) -> BodyReader:
    gateway = recorder.gateway
    return BodyReader(
        index=recorder.index,
        register=recorder.register,
        shelf=recorder.keeping.shelf,
        places=recorder.places,
        archives=archives_of(
            recorder.settings.keep,
            recorder.places.root,
            gateway.settings.egress,
            gateway.secrets,
        ),
    )


def _companion(log: Status | None, name: str) -> Mapping[str, Any]:
    """
    Return what works beside the sequencer says of itself.
    """
    return {} if log is None else log.companions.get(name, {})


def _erasure_in(document: Any) -> tuple[str, str | None]:
    """
    Read who is to be forgotten, and why a legal hold is not to count.
    """
    told = document if isinstance(document, dict) else {}
    subject, reason = told.get("subject"), told.get("despite_hold")
    if not isinstance(subject, str) or not told.keys() <= {"subject", "despite_hold"}:
        raise ApiError(400, "invalid_request", 'Send {"subject": "…"}, a text.')
    if not 0 < len(subject) <= MAX_NAME:
        msg = f"A person's name has from 1 to {MAX_NAME} characters."
        raise ApiError(400, "invalid_request", msg)
    if reason is not None and not (
        isinstance(reason, str) and 0 < len(reason.strip()) <= MAX_REASON
    ):
        msg = f"despite_hold is a reason of 1 to {MAX_REASON} characters."
        raise ApiError(400, "invalid_request", msg)
    return subject, reason


def _shown(found: Found) -> dict[str, Any]:
    return {"index": found.place, "entry": codec.loads(found.entry)}
