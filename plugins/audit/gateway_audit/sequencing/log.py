"""
The log on its disk: entries go in, checkpoints come out, and what was signed stays true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

import attrs
import structlog

from gateway_audit.sequencing.files import Files
from gateway_audit.sequencing.history import History
from gateway_audit.sequencing.state import STATE_FILE, State
from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.errors import TlogError, Unproven
from gateway_audit.tlog.growing import GrowingTree
from gateway_audit.tlog.merkle import check_consistency, prove_consistency
from gateway_audit.tlog.notes import Note, SigningKey, VerifierKey
from gateway_audit.tlog.tiles import WIDTH, Tile, Tree, entries_path

log = structlog.get_logger("gateway.audit.sequencer")

CHECKPOINT_FILE: Final = "checkpoint"


class Keys(Protocol):
    """
    Who signs, and who may have.
    """

    def signer(self, size: int) -> SigningKey:
        """
        Return the key for a tree of *size*.
        """

    def held(self) -> AbstractContextManager[None]:
        """
        Keep who signs which sizes as it is while a checkpoint is signed and written.
        """

    def verifiers(self, size: int) -> list[VerifierKey]:
        """
        Return the keys that a checkpoint of *size* may be signed with.
        """


@attrs.frozen(kw_only=True)
class Damage:
    """
    A log that holds less than, or something else than, was signed.

    Attributes:
        size: How many entries are there, if that was counted.
        signed: The newest checkpoint that was found.
        why: In a sentence.
    """

    why: str
    size: int | None
    signed: Checkpoint | None


class DamagedError(Exception):
    """
    The log must not be continued; *damage* says why.
    """

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.why)
        self.damage = damage


class Log:
    """
    A log that is being written.

    Args:
        files: Those of the log itself, which anybody may read.
        own: Those that belong to the sequencer.
        keys: Sign checkpoints.
    """

    def __init__(
        self,
        files: Files,
        own: Files,
        *,
        state: State,
        tree: GrowingTree,
        keys: Keys,
        signed: Signed | None,
    ) -> None:
        self._files = files
        self._own = own
        self._tree = tree
        self._keys = keys
        self.state = state
        #: Whether the state was lost, and with it how far the spools were read.
        self.has_lost_cursors = False
        #: The newest checkpoint that was signed.
        self.signed = signed
        #: All that were.
        self.history = History(files.root)
        #: The first entry whose bytes are here; those before were archived or pruned.
        self.local_from = 0
        #: The first entry that is kept at all.
        self.min_index = 0
        #: The first entry that each reader still needs from here, by the readers' names.
        self.needs: dict[str, int] = {}

    @classmethod
    def open(cls, files: Files, own: Files, *, origin: str, keys: Keys) -> Log:
        """
        Go on with the log, or begin it.

        Raises:
            DamagedError: It is not what was signed.
        """
        signed = _find_signed(files, keys)
        state = _find_state(own, signed)
        if state is None and signed is None:
            if (files.root / "tile").exists():
                why = "there are entries, but neither a checkpoint nor a state"
                raise DamagedError(Damage(why=why, size=None, signed=None))
            state = State(origin=origin)
            # Before the first entry: tiles without a state are tiles whose state was lost.
            own.write([(STATE_FILE, bytes(state))])
        is_behind = False
        if signed is not None and (
            state is None or state.size < signed.checkpoint.size
        ):
            is_behind = True
            point = signed.checkpoint
            state = State(origin=point.origin, size=point.size, root=point.root)
        assert state is not None  # noqa: S101 - mypy does not see it
        tree = _load(files, state, signed)
        opened = cls(files, own, state=state, tree=tree, keys=keys, signed=signed)
        opened.has_lost_cursors = is_behind
        return opened

    @property
    def size(self) -> int:
        """
        How many entries are in the log, durably.
        """
        return self.state.size

    @property
    def is_published(self) -> bool:
        """
        Tell whether the newest checkpoint counts every entry.
        """
        return self.signed is not None and self.signed.checkpoint.size == self.size

    def read(self, path: str) -> bytes:
        """
        Return a file of the log.
        """
        return self._files.read(path)

    def tree(self) -> Tree:
        """
        Return the tree as it stands on the disk now.
        """
        return Tree(self.size, self._files.read)

    def append(
        self, entries: Sequence[bytes], cursors: Mapping[str, int], *, own: int = 0
    ) -> None:
        """
        Put *entries* behind the others; when this returns they are durable.

        Args:
            cursors: What the state is to remember of the spools.
            own: How many of the entries are the sequencer's own.

        Raises:
            OSError: The disk did not take them; the log is as it was.
        """
        tree = self._tree.copy()
        self._files.write(tree.extend(entries))
        state = attrs.evolve(
            self.state,
            size=tree.size,
            root=tree.root(),
            cursors=dict(cursors),
            own_seq=self.state.own_seq + own,
        )
        self._own.write([(STATE_FILE, bytes(state))])
        before, self._tree, self.state = self.size, tree, state
        self._tidy(before)

    def publish(self) -> Signed:
        """
        Sign a checkpoint over every entry.

        Raises:
            Unproven: The tree did not grow from the last one that was signed.
            OSError: The disk did not take it.
        """
        self._check_growth()
        state = self.state
        point = Checkpoint(origin=state.origin, size=state.size, root=state.root)
        note = Note(point.text)
        with self._keys.held():
            note = note.signed(self._keys.signer(point.size).sign(note.text))
            signed = Signed(checkpoint=point, note=note)
            self._files.write([(CHECKPOINT_FILE, bytes(signed))])
        self.signed = signed
        return signed

    def adopt(self, signed: Signed) -> None:
        """
        Put a checkpoint with more signatures in place of itself.
        """
        if self.signed is not None and signed.checkpoint == self.signed.checkpoint:
            self._files.write([(CHECKPOINT_FILE, bytes(signed))])
            self.signed = signed

    def _check_growth(self) -> None:
        """
        Prove from the files, as a witness would, that nothing that was signed has changed.
        """
        if self.signed is None:
            return
        old = self.signed.checkpoint
        proof = prove_consistency(old.size, self.size, self.tree().subtree)
        check_consistency(old.size, old.root, self.size, self.state.root, proof)

    def _tidy(self, before: int) -> None:
        """
        Remove the parts of tiles that are full now (tlog-tiles, "Partial Tiles").
        """
        level = 0
        while before >> 8 * level:
            index = before // WIDTH ** (level + 1)
            if index < self.size // WIDTH ** (level + 1):
                for path in _parts(level, index):
                    try:
                        self._files.remove_folder(path)
                    except OSError as exc:
                        log.warning("parts of a tile stay", path=path, why=str(exc))
            level += 1


def _parts(level: int, index: int) -> list[str]:
    paths = [f"{Tile(level, index).path}.p"]
    return [*paths, f"{entries_path(index)}.p"] if level == 0 else paths


def _find_signed(files: Files, keys: Keys) -> Signed | None:
    """
    Find the newest checkpoint; one that no key of ours signed is none.
    """
    content = files.find(CHECKPOINT_FILE)
    if content is None:
        return None
    try:
        signed = Signed.parse(content)
        if signed.note.signers(keys.verifiers(signed.checkpoint.size)):
            return signed
        why = "no key of ours signed it"
    except TlogError as exc:
        why = str(exc)
    log.error("the checkpoint cannot be believed", why=why)
    return None


def _find_state(own: Files, signed: Signed | None) -> State | None:
    content = own.find(STATE_FILE)
    if content is None:
        return None
    try:
        return State.parse(content)
    except TlogError as exc:
        log.error("the state is lost", why=str(exc))  # noqa: TRY400 - bytes, no bug
        return None


def _load(files: Files, state: State, signed: Signed | None) -> GrowingTree:
    """
    Load the tree at its end, and see that it is what was counted and what was signed.

    Raises:
        DamagedError: It is not.
    """
    point = signed.checkpoint if signed is not None else None
    if point is not None and point.origin != state.origin:
        why = f"the checkpoint is of {point.origin}, not of {state.origin}"
        raise DamagedError(Damage(why=why, size=_count_entries(files), signed=point))
    tree = Tree(state.size, files.read)
    try:
        growing = GrowingTree.load(tree)
        if growing.root() != state.root or not growing.is_whole():
            raise Unproven("its tiles or entries are not those that were counted")
        if point is not None:
            proof = prove_consistency(point.size, state.size, tree.subtree)
            check_consistency(point.size, point.root, state.size, state.root, proof)
    except TlogError as exc:
        why = f"of {state.size} entries some are missing or changed: {exc}"
        damage = Damage(why=why, size=_count_entries(files), signed=point)
        raise DamagedError(damage) from exc
    return growing


def _count_entries(files: Files) -> int:
    """
    Count the entries that are there, up to the first bundle that is not.
    """
    size = 0
    while files.find(entries_path(size // WIDTH)) is not None:
        size += WIDTH
    parts = (files.root / f"{entries_path(size // WIDTH)}.p").glob("[0-9]*")
    return size + max((int(part.name) for part in parts), default=0)
