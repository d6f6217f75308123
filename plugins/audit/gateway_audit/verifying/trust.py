"""
Whom a verifier believes: the log's keys, and witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import NotReached, TlogError, Unproven
from gateway_audit.tlog.keylists import KeyList
from gateway_audit.tlog.notes import VerifierKey
from gateway_audit.tlog.tiles import Read

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "checkpoint.witnessed"
KEYS: Final = "keys"


@attrs.frozen(kw_only=True)
class Trust:
    """
    What somebody knows of a log before reading it.

    Attributes:
        origin: Which log it is.
        keys: Those that sign it, whatever its size.
        root: The key that says, in the log's list of keys, which key signs which sizes.
        witnesses: Keys of those who watch the log.
        quorum: How many of them must have cosigned.
    """

    origin: str
    keys: tuple[VerifierKey, ...] = ()
    root: VerifierKey | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0

    @classmethod
    def of(
        cls,
        *,
        vkeys: Sequence[str] = (),
        root: str | None = None,
        witnesses: Sequence[str] = (),
        quorum: int | None = None,
        origin: str | None = None,
    ) -> Trust:
        """
        Read keys as they are written; the origin is the name of the first, if not said.

        Raises:
            TlogError: One is none, or there is nobody to believe.
        """
        keys = tuple(VerifierKey.parse(text) for text in vkeys)
        root_key = VerifierKey.parse(root) if root else None
        names = [key.name for key in keys]
        if root_key is not None:
            names.append(root_key.name.removesuffix("/root"))
        if not names:
            raise TlogError("say whom to believe: a verifier key, or the root key")
        found = tuple(VerifierKey.parse(text) for text in witnesses)
        return cls(
            origin=origin or names[0],
            keys=keys,
            root=root_key,
            witnesses=found,
            quorum=len(found) if quorum is None else quorum,
        )

    def key_list(self, read: Read) -> KeyList:
        """
        Return the keys with their ranges, from the log's own list where a root key is known.

        Raises:
            TlogError: The list is missing, malformed, or not signed by the root key.
        """
        if self.root is None:
            return KeyList.only(self.origin, self.keys)
        base = self.root.name.removesuffix("/root")
        try:
            content = read(KEYS)
        except FileNotFoundError:
            raise NotReached(no_log(KEYS)) from None
        return KeyList.verified(content, origin=base, root=self.root)

    def checkpoint(self, read: Read) -> Signed:
        """
        Return the newest checkpoint that is to be believed.

        Raises:
            TlogError: There is none.
        """
        keys = self.key_list(read)
        newest = self.believed(_required(read, CHECKPOINT), keys)
        if not self.quorum or self._cosigners(newest) >= self.quorum:
            return newest
        try:
            content = read(WITNESSED)
        except FileNotFoundError:
            content = None
        older = self.believed(content, keys) if content is not None else newest
        found = self._cosigners(older)
        if found < self.quorum:
            raise Unproven(f"{found} of {self.quorum} witnesses cosigned")
        return older

    def believed(self, content: bytes, keys: KeyList) -> Signed:
        """
        Read a checkpoint that a key signed in its range.

        Raises:
            TlogError: It is none.
        """
        size = Signed.parse(content).checkpoint.size
        return Signed.verified(content, origin=self.origin, keys=keys.valid_for(size))

    def _cosigners(self, signed: Signed) -> int:
        return len(signed.note.signers(self.witnesses))


def _required(read: Read, path: str) -> bytes:
    try:
        return read(path)
    except FileNotFoundError:
        raise NotReached(no_log(path)) from None


def no_log(missing: str) -> str:
    """
    Say that there is no log where one was looked for.
    """
    return (
        f"{missing} is missing: is this the folder of a log, or its URL (a gateway's ends "
        "with /api/audit)?"
    )


#: Told how many entries were looked at.
Progress = Callable[[int], None]
