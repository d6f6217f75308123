"""
The side of a spool that touches the disk: one file after another.

After a write or a sync failed, nobody knows what of that file is on the disk, and a second sync
that succeeds proves nothing (Rebello et al., "Can Applications Recover from fsync Failures?",
USENIX ATC 2020).  So the file is left as it is, and everything that was not synced goes to a new
one.  Whoever reads both finds some entries twice, under the same numbers.

Room that is only set aside is not yet a place: at the first write there, a file system has to note
that something stands there now, and a sync waits for that note too.  So a file is written with
zeros a piece ahead of its entries, while nobody waits.

One thread does all that, for it waits.  What need not wait may be done by another, while the
first one has nothing to do: see `SegmentWriter.slip_in`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from gateway_audit.spool.disk import Disk
from gateway_audit.spool.frames import HEAD_BYTES, MAX_ENTRY_BYTES
from gateway_audit.spool.names import lock_path, segment_path, spare_path

log = structlog.get_logger("gateway.audit.spool")

#: What a file is made for at least: one entry of the largest size.
LEAST_SEGMENT_BYTES: Final = HEAD_BYTES + MAX_ENTRY_BYTES
#: How much is written with zeros at a time, and how little of it is left then.
CLEAR_BYTES: Final = 256 * 1024
LEAST_CLEAR_BYTES: Final = CLEAR_BYTES // 4
#: Of what is written together: where it is more, the zeros would take the disk longer than they
#: spare it.
MOST_BYTES: Final = CLEAR_BYTES // 16
_ZEROS: Final = bytes(CLEAR_BYTES)


class SegmentWriter:
    """
    Appends frames to the files of one worker.

    Args:
        worker: As `names.new_worker` made it.
        segment_bytes: How large a file grows.

    Attributes:
        busy: Held by the thread for as long as it uses this.
    """

    def __init__(
        self, folder: Path, worker: str, *, disk: Disk, segment_bytes: int
    ) -> None:
        self._folder = folder
        self._worker = worker
        self._disk = disk
        self._segment_bytes = max(segment_bytes, LEAST_SEGMENT_BYTES)
        self._number = 0
        self._file: int | None = None
        self._at = 0
        #: How much was written last.
        self._last_bytes = 0
        #: Up to where there are zeros that were written, in the file and in the spare one.
        self._cleared = 0
        self._spare: int | None = None
        self._spare_cleared = 0
        #: Frames that are in no file for certain: what a failure would cost.
        self._unsynced: list[bytes] = []
        #: Something that `slip_in` wrote may not be there.
        self._is_unsure = False
        self.busy = threading.Lock()
        self._lock_path = lock_path(folder, worker)
        # Whoever clears up after the dead may look at it for a moment.
        self._lock = disk.lock(self._lock_path, waits=True)

    def keep(self, records: list[bytes]) -> None:
        """
        Take *records* for the next `rewrite`.
        """
        self._unsynced.extend(records)

    def write(self, records: list[bytes]) -> None:
        """
        Append *records*, as far as the page cache.

        Raises:
            OSError: Some may not be there.  They are kept for `rewrite`.
        """
        self._unsynced.extend(records)
        if self._is_unsure:
            raise OSError("an entry was not written")
        self._append(records)

    def slip_in(self, record: bytes) -> bool:
        """
        Append *record* at once, from a thread that must not wait, if the other one does nothing.

        Where zeros were written, and nothing is being synced, that is a copy into memory.

        Returns:
            Whether it is in the page cache; if not, it is still to be written.
        """
        if not self.busy.acquire(blocking=False):
            return False
        try:
            end = self._at + len(record)
            if self._file is None or end > self._cleared or self._is_unsure:
                return False
            self._unsynced.append(record)
            if self._disk.write(self._file, record, self._at) != len(record):
                self._is_unsure = True
                return False
            self._at = end
        except OSError:
            self._is_unsure = True
            return False
        else:
            return True
        finally:
            self.busy.release()

    def sync(self) -> None:
        """
        Make all that was written durable.

        Raises:
            OSError: It may not be.
        """
        if self._file is not None and self._unsynced:
            self._disk.sync(self._file)
        self._unsynced.clear()

    def rewrite(self) -> None:
        """
        Leave the file that failed, and put into a new one what was not synced.

        Raises:
            OSError: The new one failed too; call it again later.
        """
        if self._file is not None:
            log.warning("spool file left", worker=self._worker, number=self._number)
            self._let_go()
        self._is_unsure = False
        first = self._number + 1
        try:
            self._append(self._unsynced)
            self.sync()
        except OSError:
            self._discard(first)
            raise

    def prepare_next(self) -> None:
        """
        Set room aside for the file after this one, so that a full disk is known in time.

        Raises:
            OSError: There is none.
        """
        if self._spare is not None:
            return
        self._disk.remove(self._spare_path)
        spare = self._disk.create(self._spare_path, self._segment_bytes)
        try:
            self._spare_cleared = self._clear(spare, 0)
        except OSError:
            self._close(spare)
            raise
        self._spare = spare

    def clear_ahead(self) -> None:
        """
        Write zeros where the next entries come, if few are left there and entries are few too.

        Raises:
            OSError: The disk failed; the file is one to be left, as after any other failure.
        """
        end = min(self._at + LEAST_CLEAR_BYTES, self._segment_bytes)
        if self._file is None or self._last_bytes > MOST_BYTES:
            return
        if self._cleared < end:
            self._cleared = self._clear(self._file, max(self._at, self._cleared))
            self._disk.sync(self._file)
            self._unsynced.clear()

    def close(self) -> None:
        """
        End the current file where its last frame ends; sync first.
        """
        file, self._file = self._file, None
        spare, self._spare = self._spare, None
        try:
            if file is not None:
                self._disk.truncate(file, self._at)
            if spare is not None:
                self._disk.remove(self._spare_path)
            self._disk.remove(self._lock_path)
        except OSError as exc:  # zeros at the end are no frames either
            log.debug("spool left untidy", why=exc.strerror)
        finally:
            for descriptor in (file, spare, self._lock):
                self._close(descriptor)

    @property
    def _spare_path(self) -> Path:
        return spare_path(self._folder, self._worker)

    def _append(self, records: list[bytes]) -> None:
        for group in self._by_file(records):
            if self._file is None:
                raise OSError("no file is open")
            content = b"".join(group)
            self._at = self._write_whole(self._file, content, self._at)
            self._last_bytes = len(content)

    def _by_file(self, records: list[bytes]) -> Iterable[list[bytes]]:
        group: list[bytes] = []
        end = self._at
        for record in records:
            if self._file is None or end + len(record) > self._segment_bytes:
                if group:
                    yield group
                    group = []
                self._turn_over()
                end = 0
            group.append(record)
            end += len(record)
        if group:
            yield group

    def _clear(self, file: int, begin: int) -> int:
        """
        Put zeros from *begin* on; return where they end.
        """
        size = min(CLEAR_BYTES, self._segment_bytes - begin)
        return self._write_whole(file, _ZEROS[:size], begin)

    def _write_whole(self, file: int, content: bytes, at: int) -> int:
        """
        Write all of *content* at offset *at*; return where it ends.
        """
        left = content
        while left:
            written = self._disk.write(file, left, at)
            if written <= 0:
                raise OSError("nothing was written")
            at += written
            left = left[written:]
        return at

    def _turn_over(self) -> None:
        """
        Go on in the next file, once this one is durable.
        """
        self.prepare_next()
        if self._file is not None:
            self._disk.sync(self._file)
            self._let_go()
        self._number += 1
        path = segment_path(self._folder, self._worker, self._number)
        file, self._spare = self._spare, None
        self._file, self._at, self._cleared = file, 0, self._spare_cleared
        self._disk.rename(self._spare_path, path)
        self._disk.sync_folder(self._folder)

    def _discard(self, first: int) -> None:
        """
        Remove the files from number *first* on, which hold nothing that `rewrite` would not write.

        Otherwise a disk that goes on failing would be filled with them.
        """
        self._let_go()
        for number in range(first, self._number + 1):
            with suppress(OSError):
                self._disk.remove(segment_path(self._folder, self._worker, number))

    def _let_go(self) -> None:
        file, self._file = self._file, None
        self._at = 0
        self._close(file)

    def _close(self, descriptor: int | None) -> None:
        if descriptor is not None:
            with suppress(OSError):  # what it would tell, a sync told already
                self._disk.close(descriptor)
