"""
The sequencer: merges the spools into the log, signs it, and brings it to those who follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from gateway import codec
from gateway.clock import Clock, SystemClock
from gateway_audit.sequencing.companions import Companion, Saying
from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.followers import Followed
from gateway_audit.sequencing.keys import KeyProblem, SigningKeys
from gateway_audit.sequencing.log import Damage, DamagedError, Log
from gateway_audit.sequencing.own import OwnEntries
from gateway_audit.sequencing.reading import SpoolReader
from gateway_audit.sequencing.state import STATE_FILE
from gateway_audit.sequencing.status import Status, write_status
from gateway_audit.sequencing.witnesses import Witnesses
from gateway_audit.spool.disk import Disk
from gateway_audit.spool.names import segments
from gateway_audit.spool.scribe import WARN_SHARE
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.tiles import WIDTH, Tree
from gateway_audit.witnessing.client import WitnessClient

log = structlog.get_logger("gateway.audit.sequencer")

#: A checkpoint is signed after so many entries, or so many seconds after the first of them.
CHECKPOINT_ENTRIES: Final = 1000
CHECKPOINT_S: Final = 0.8
#: Seconds between two looks at the spools, and two statuses.
POLL_S: Final = 0.1
STATUS_S: Final = 1.0
#: Seconds that are left for the rest when the process is told to end.
DRAIN_S: Final = 10.0
#: Held by whoever makes the log, for as long as it does.
LOCK_FILE: Final = "sequencer.lock"
#: What a log that lost entries is moved to; as long as it is there, nothing is well.
SET_ASIDE: Final = "log.truncated"


class Sequencer:
    """
    Does what is due, turn by turn; one for each folder.

    Args:
        folder: The audit's own: ``log/``, ``spool/`` and ``keys/`` are below it.
        spools: Where workers write; ``spool/`` if nothing is said.
        configured_origin: What the settings call the log, which may have a name already.
        lock: The folder's lock, where it is held already.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keys: SigningKeys,
        origin: str,
        spools: Sequence[Path] = (),
        followers: Sequence[Followed] = (),
        witnesses: Sequence[WitnessClient] = (),
        companions: Sequence[Companion] = (),
        clock: Clock | None = None,
        disk: Disk | None = None,
        checkpoint_s: float = CHECKPOINT_S,
        configured_origin: str | None = None,
        lock: int | None = None,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._origin = origin
        self._spools = tuple(spools) or (folder / "spool",)
        self._followers = tuple(followers)
        self._companions = tuple(companions)
        self._clock = clock or SystemClock()
        self._disk = disk or Disk()
        self._checkpoint_s = checkpoint_s
        self._problems: dict[str, str] = {}
        self._next_status = 0.0
        self._no_status = ""
        #: Taken and not in the log: the disk did not take it yet.
        self._pending: list[bytes] = []
        self._pending_since: float | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._disk.lock(folder / LOCK_FILE) if lock is None else lock
        self._files = Files(folder / "log", self._disk)
        self._own_files = Files(folder, self._disk)
        try:
            self.log = self._open()
        except BaseException:
            self._disk.close(self._lock)
            raise
        self._own = OwnEntries(self.log.state.own_seq)
        self._own_pending = 0
        self._witnesses = Witnesses(witnesses, self._files)
        if configured_origin not in (None, origin):
            why = f"the settings call the log {configured_origin}; it is {origin} for ever"
            self._note("origin", why)
        cursors = self.log.state.cursors
        if self.log.has_lost_cursors:
            cursors = self._cursors_from_entries()
        self._reader = SpoolReader(self._spools, cursors, self._disk)

    def turn(self, *, at_once: bool = False) -> int:
        """
        Do what is due.

        Args:
            at_once: Whether to commit and sign what is there without waiting for more.

        Returns:
            How many entries came into the log.
        """
        now = self._clock.monotonic()
        added = 0
        try:
            added = self._sequence(now, at_once=at_once)
            self._publish()
            self._problems.pop("log", None)
            self._remember()
        except OSError as exc:
            why = f"the log cannot be written: {exc.strerror or exc}"
            self._note("log", why)
        except TlogError as exc:
            self._note("log", f"the log is not what was signed: {exc}")
        except KeyProblem as exc:
            self._note("log", str(exc))
        for companion in self._companions:
            self._turn_with(companion, now)
        for follower in self._followers:
            follower.bring(self.log, now)
            self.log.needs[follower.name] = follower.has
        self._witnesses.turn(self.log, now)
        if now >= self._next_status:
            self._next_status = now + STATUS_S
            self._tell()
        return added

    def drain(self, within_s: float = DRAIN_S) -> None:
        """
        Take all that the workers left, and sign it; what they go on writing, not for ever.
        """
        end = self._clock.monotonic() + within_s
        while self.turn(at_once=True) and self._clock.monotonic() < end:
            pass
        for follower in self._followers:
            while follower.bring(self.log, self._clock.monotonic()):
                if self._clock.monotonic() >= end:
                    return

    def close(self) -> None:
        """
        Let go of everything.
        """
        for companion in self._companions:
            companion.close()
        for follower in self._followers:
            follower.close()
        self._witnesses.join(0.5)
        self._tell()
        self._reader.close()
        self._disk.close(self._lock)

    def _open(self) -> Log:
        """
        Open the log; set one aside that lost what was signed, and begin another that says so.
        """
        try:
            opened = self._open_as(self._origin)
        except DamagedError as exc:
            return self._begin_again(exc.damage)
        if opened.signed is None and not opened.size and self._set_aside():
            # Killed after the log was set aside and before the other one was begun.
            why = "the log was set aside, and the process ended before it began another"
            return self._begin_again(Damage(why=why, size=None, signed=None))
        return opened

    def _open_as(self, origin: str) -> Log:
        return Log.open(self._files, self._own_files, origin=origin, keys=self._keys)

    def _set_aside(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob(f"{SET_ASIDE}-*"))

    def _begin_again(self, damage: Damage) -> Log:
        now = self._clock.now()
        aside = f"{SET_ASIDE}-{int(now * 1000)}"
        log.error("the log lost entries that were signed", why=damage.why, kept=aside)
        kept, state = self._folder / "log", self._folder / STATE_FILE
        if kept.exists():
            # The state first: without it, but with its checkpoint, the log is found damaged
            # again if this process ends here.
            if state.exists():
                self._disk.rename(state, kept / STATE_FILE)
            self._disk.rename(kept, self._folder / aside)
        self._disk.remove(state)
        self._disk.sync_folder(self._folder)
        # Another origin: what was signed under the first cannot be taken back.
        begun = self._open_as(f"{self._origin}/{int(now * 1000)}")
        begun.append([OwnEntries(0).truncated(damage, aside, now)], {}, own=1)
        return begun

    def _cursors_from_entries(self) -> dict[str, int]:
        """
        Find out how far the spools that are there were read, from the log itself.
        """
        workers = {
            segment.worker for folder in self._spools for segment in segments(folder)
        }
        cursors: dict[str, int] = {}
        tree = self.log.tree()
        for index in range(-(-self.log.size // WIDTH)):
            for worker, seq in self._places(tree, index):
                if worker in workers:
                    cursors[worker] = max(seq + 1, cursors.get(worker, 0))
        return cursors

    def _places(self, tree: Tree, index: int) -> list[tuple[str, int]]:
        """
        Read who wrote the entries of a bundle; of one that was archived nobody is here any more.
        """
        try:
            return [_place(entry) for entry in tree.bundle(index)]
        except TlogError:
            return []

    def _sequence(self, now: float, *, at_once: bool) -> int:
        """
        Take what is new; put it into the log if it is enough, or old enough.
        """
        room = CHECKPOINT_ENTRIES - len(self._pending)
        if room > 0:
            self._take(room)
        if not self._pending:
            self._reader.forget()
            return 0
        if self._pending_since is None:
            self._pending_since = now
        is_due = now - self._pending_since >= self._checkpoint_s
        if not (at_once or is_due or len(self._pending) >= CHECKPOINT_ENTRIES):
            return 0
        first, entries = self.log.size, self._pending
        self.log.append(entries, self._reader.cursors(), own=self._own_pending)
        self._pending, self._pending_since, self._own_pending = [], None, 0
        self._reader.forget()
        for follower in self._followers:
            follower.offer(first, entries, now)
        return len(entries)

    def _take(self, most: int) -> None:
        taken = self._reader.take(most)
        for missing in self._reader.missing:
            self._pending.append(self._own.missing(missing, self._clock.now()))
            self._own_pending += 1
        self._reader.missing.clear()
        self._pending.extend([one.entry for one in taken])

    def _publish(self) -> None:
        if not self.log.is_published:
            self.log.publish()

    def _remember(self) -> None:
        """
        Keep the newest checkpoint among those of the past.
        """
        if self.log.signed is not None:
            at_ms = int(self._clock.now() * 1000)
            self.log.history.add(self.log.signed, at_ms)

    def _turn_with(self, companion: Companion, now: float) -> None:
        try:
            said = tuple(companion.turn(self.log, now))
        except Exception as exc:  # noqa: BLE001 - whatever it is, the log goes on
            self._note(companion.name, f"{companion.name}: {type(exc).__name__}")
            return
        self._problems.pop(companion.name, None)
        for saying in said:
            self._say(saying)

    def _say(self, saying: Saying) -> None:
        entry = self._own.saying(saying.kind, saying.told, self._clock.now())
        self._pending.append(entry)
        self._own_pending += 1

    def _note(self, about: str, problem: str) -> None:
        if self._problems.get(about) != problem:
            log.error("sequencer", problem=problem)
        self._problems[about] = problem

    def _tell(self) -> None:
        try:
            write_status(self._folder, self._status())
        except OSError as exc:
            why = str(exc)
            if why != self._no_status:
                log.warning("no status written", why=why)
            self._no_status = why
        else:
            self._no_status = ""

    def _status(self) -> Status:
        share = self._disk.used_share(self._folder)
        state, signed = self.log.state, self.log.signed
        return Status(
            at=self._clock.now(),
            problems=(
                *self._problems.values(),
                *self._reader.problems.values(),
                *(
                    f"entries were lost: {name} holds what was left"
                    for name in self._set_aside()
                ),
                *self._witnesses.problems,
            ),
            warnings=(
                (f"{share:.0%} of the disk are in use",) if share >= WARN_SHARE else ()
            ),
            origin=state.origin,
            vkey=self._vkey(),
            size=state.size,
            signed_size=signed.checkpoint.size if signed is not None else 0,
            root=state.root.hex(),
            disk_share=round(share, 4),
            spool_files=sum(len(segments(folder)) for folder in self._spools),
            followers={
                each.name: {"size": each.has, "problem": each.problem}
                for each in self._followers
            },
            witnesses=self._witnesses.document(self._clock.monotonic()),
            companions={each.name: each.document() for each in self._companions},
        )

    def _vkey(self) -> str:
        try:
            return str(self._keys.signer(self.log.size).verifier)
        except KeyProblem:
            return ""


def _place(entry: bytes) -> tuple[str, int]:
    """
    Return which worker wrote *entry*, and its number there.
    """
    try:
        told = codec.loads(entry)
        return str(told["worker"]), int(told["seq"])
    except (codec.JsonError, KeyError, TypeError, ValueError):
        return "", -1
