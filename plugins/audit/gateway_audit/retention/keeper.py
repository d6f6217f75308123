"""
Archives and prunes, beside the sequencer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import structlog

from gateway.clock import Clock, SystemClock
from gateway.secrets import Secrets
from gateway.settings import EgressSettings, settings_from_dict
from gateway_audit.bodies.shelf import Shelf
from gateway_audit.retention.archives import (
    Archive,
    ArchiveProblem,
    FolderArchive,
    folder_of,
)
from gateway_audit.retention.moving import Moving
from gateway_audit.retention.plan import make_plan
from gateway_audit.retention.pruning import bundles_between
from gateway_audit.retention.s3 import S3Archive
from gateway_audit.retention.settings import KeepSettings
from gateway_audit.retention.state import RetentionState, load_state, save_state
from gateway_audit.sequencing.companions import Saying
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.history import History
from gateway_audit.sequencing.log import Log
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.merkle import Frontier
from gateway_audit.tlog.tiles import WIDTH, Read

log = structlog.get_logger("gateway.audit.retention")

#: Seconds between two looks at what is old enough, and after a fault.
INTERVAL_S: Final = 3600.0
AGAIN_S: Final = 300.0
#: Seconds for a bundle that is under way when the process is to end.
LAST_S: Final = 2.0

#: Makes the archive of the log of a name.
Archives = Callable[[str], Archive | None]


@attrs.frozen(kw_only=True)
class _View:
    """
    The log as it was when a pass began.
    """

    size: int
    read: Read
    history: History
    needs: Mapping[str, int]


class Keeper:
    """
    Carries out what the settings say of keeping; a companion of the sequencer.

    The log is told of a new minimum index, and that is signed, before anything below it goes.

    Args:
        folder: ``audit/`` in the data directory.
    """

    name: Final = "retention"

    def __init__(
        self,
        folder: Path,
        keep: KeepSettings,
        *,
        archives: Archives,
        clock: Clock | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._folder = folder
        self._files = Files(folder)
        self._keep = keep
        self._archives = archives
        self._clock = clock or SystemClock()
        self._interval_s = interval_s
        self._state: RetentionState | None = None
        self._moving: Moving | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._next = 0.0
        #: How many entries the log had when it was told of the pending minimum index.
        self._said_at: int | None = None
        self._problem: str | None = None
        self._held_by: tuple[str, ...] = ()

    def turn(self, source: Log, now: float) -> Iterable[Saying]:
        """
        Say what is pending; begin what is due.
        """
        if source.signed is None:
            return ()
        state = self._known(source)
        source.local_from, source.min_index = state.local_from, state.min_index
        if self._is_busy:
            return ()
        if state.pending is not None:
            return self._tell_or_prune(source, state, state.pending)
        if now >= self._next:
            self._next = now + self._interval_s
            self._start(self._look, source)
        return ()

    def document(self) -> dict[str, Any]:
        """
        Tell how far it is.
        """
        state = self._state
        return {
            "min_index": 0 if state is None else state.min_index,
            "local_from": 0 if state is None else state.local_from,
            "pending": None if state is None else state.pending,
            "policy": self._keep.policy,
            "held_by": list(self._held_by),
            "problem": self._problem,
        }

    def close(self) -> None:
        """
        Stop behind the bundle that is under way.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def wait(self) -> None:
        """
        Wait for what is under way.
        """
        if self._thread is not None:
            self._thread.join()

    @property
    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _known(self, source: Log) -> RetentionState:
        origin = source.state.origin
        if self._state is None or self._state.origin != origin:
            self._state = load_state(self._files, origin)
            self._moving = Moving(
                self._folder / "log",
                Shelf(self._folder / "bodies"),
                self._archives(origin),
            )
        return self._state

    def _tell_or_prune(
        self, source: Log, state: RetentionState, pending: int
    ) -> Iterable[Saying]:
        """
        Have the log told of the pending minimum index; prune once that is signed.
        """
        signed = source.signed
        if self._said_at is None:
            self._said_at = source.size
            root = Frontier.of(pending, source.tree().subtree).root()
            told = {
                "min_index": pending,
                "policy": self._keep.policy,
                "root": root.hex(),
            }
            return (Saying("retention", told),)
        if signed is not None and signed.checkpoint.size > self._said_at:
            self._said_at = None
            self._start(lambda _: self._prune(state, pending), source)
        return ()

    def _start(self, work: Callable[[_View], None], source: Log) -> None:
        assert source.signed is not None  # noqa: S101 - turn saw to it
        view = _View(
            size=source.signed.checkpoint.size,
            read=source.read,
            history=source.history,
            needs=dict(source.needs),
        )
        self._thread = threading.Thread(
            target=self._run, args=(work, view), name="audit-retention", daemon=True
        )
        self._thread.start()

    def _run(self, work: Callable[[_View], None], view: _View) -> None:
        try:
            work(view)
        except (ArchiveProblem, TlogError) as exc:
            self._note(str(exc))
        except OSError as exc:
            self._note(f"the disk: {exc.strerror or exc}")
        except Exception as exc:  # noqa: BLE001 - whatever it is, the log goes on
            self._note(f"failed with {type(exc).__name__}")
        else:
            self._problem = None

    def _note(self, problem: str) -> None:
        if self._problem != problem:
            log.warning("neither archived nor pruned", why=problem)
        self._problem = problem
        self._next = min(self._next, self._clock.monotonic() + AGAIN_S)

    def _look(self, view: _View) -> None:
        """
        Finish what was begun, and begin what is due.
        """
        state, _ = self._both()
        state = self._clean(state)
        plan = make_plan(
            self._keep,
            state,
            view.history,
            now=self._clock.now(),
            size=view.size,
            needs=view.needs,
        )
        self._held_by = plan.held_by
        if plan.min_index > state.min_index:
            # First of all: what is pruned need not be archived.
            self._save(attrs.evolve(state, pending=plan.min_index))
            return
        self._archive(state, plan.local_from, view)

    def _archive(self, state: RetentionState, end: int, view: _View) -> None:
        _, moving = self._both()
        for number in bundles_between(state.local_from, end):
            if self._stopping.is_set():
                return
            moving.archive(number, view.size, view.read)
            state = attrs.evolve(state, local_from=(number + 1) * WIDTH)
            self._save(state)
            state = self._clean(state)

    def _prune(self, state: RetentionState, min_index: int) -> None:
        state = attrs.evolve(
            state,
            min_index=min_index,
            local_from=max(min_index, state.local_from),
            pending=None,
        )
        self._save(state)
        log.info("the log is pruned", min_index=min_index)
        self._clean(state)
        self._next = self._clock.monotonic()

    def _clean(self, state: RetentionState) -> RetentionState:
        """
        Remove what the state says is not here, from where it may still be.
        """
        _, moving = self._both()
        for number in bundles_between(state.cleaned, state.local_from):
            moving.clean(number)
        for number in bundles_between(state.pruned, state.min_index):
            moving.forget(number)
        moving.prune(state.pruned, state.min_index)
        done = attrs.evolve(state, cleaned=state.local_from, pruned=state.min_index)
        if done != state:
            self._save(done)
        return done

    def _save(self, state: RetentionState) -> None:
        save_state(self._files, state)
        self._state = state

    def _both(self) -> tuple[RetentionState, Moving]:
        assert self._state is not None  # noqa: S101 - turn made both
        assert self._moving is not None  # noqa: S101
        return self._state, self._moving


def companion(
    folder: str, keep: Mapping[str, Any], egress: Mapping[str, Any]
) -> Keeper:
    """
    Make it of settings that another process wrote down.

    Args:
        egress: The settings' table of that name.
    """
    settings = KeepSettings.from_json(dict(keep))
    way_out = settings_from_dict({"egress": egress}).egress
    archives = archives_of(settings, Path(folder), way_out, Secrets(os.environ))
    return Keeper(Path(folder), settings, archives=archives)


def archives_of(
    keep: KeepSettings, folder: Path, egress: EgressSettings, secrets: Secrets
) -> Archives:
    """
    Return what makes the archive that *keep* names.
    """

    def make(origin: str) -> Archive | None:
        where = keep.archive_to
        if where is not None and where.bucket is not None:
            return S3Archive(where, folder_of(origin), egress=egress, secrets=secrets)
        if where is None and keep.archive_after_days.count is None:
            return None
        root = folder / "archive" if where is None else Path(where.url)
        return FolderArchive(root / folder_of(origin))

    return make
