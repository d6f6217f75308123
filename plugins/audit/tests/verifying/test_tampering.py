"""
Whatever is changed in a log, both verifiers say so.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from gateway_audit.tlog.checkpoints import Checkpoint, Signed
from gateway_audit.tlog.growing import GrowingTree
from gateway_audit.tlog.notes import Note
from gateway_audit.tlog.tiles import (
    Tree,
    decode_bundle,
    encode_bundle,
    entries_path,
    tiles_between,
)


def grown(log):
    """
    Grow a log in three steps; return its checkpoints.
    """
    return [
        log.grow([b'{"seq":%d,"at":%d}' % (at, begin) for at in range(count)])
        for begin, count in enumerate((100, 190, 30))
    ]


def files_of(size):
    """
    List what a tree of *size* consists of.
    """
    paths = [tile.path for tile in tiles_between(0, size)]
    bundles = [
        entries_path(index, min(256, size - index * 256))
        for index in range(-(-size // 256))
    ]
    return [*paths, *bundles, "checkpoint"]


class Tamperer:
    """
    Changes one thing, and puts it back.
    """

    def __init__(self, log, checkpoints, rng):
        self.log = log
        self.rng = rng
        self.old, self.newest = checkpoints[:-1], checkpoints[-1]
        self.size = log.tree.size
        self.paths = files_of(self.size)
        self.whole = {path: (log.folder / path).read_bytes() for path in self.paths}
        self.kinds = [
            self.flip,
            self.drop,
            self.cut,
            self.insert,
            self.swap_bytes,
            self.swap_files,
            self.drop_entry,
            self.swap_entries,
            self.insert_entry,
            self.change_entry,
            self.change_hash,
            self.replay_checkpoint,
            self.replay_file,
            self.sign_with_other_key,
            self.rewrite_history,
        ]

    def some(self):
        path = self.rng.choice(self.paths)
        return path, bytearray(self.whole[path])

    def bundle(self):
        index = self.rng.randrange(-(-self.size // 256))
        width = min(256, self.size - index * 256)
        path = entries_path(index, width)
        return path, decode_bundle(self.whole[path], width)

    def flip(self):
        path, content = self.some()
        at = self.rng.randrange(len(content) * 8)
        content[at // 8] ^= 1 << at % 8
        return {path: content}

    def drop(self):
        return {self.rng.choice(self.paths): None}

    def cut(self):
        path, content = self.some()
        return {path: content[: self.rng.randrange(len(content))]}

    def insert(self):
        path, content = self.some()
        at = self.rng.choice((0, len(content), self.rng.randrange(len(content))))
        content[at:at] = self.rng.randbytes(self.rng.choice((1, 2, 32)))
        return {path: content}

    def swap_bytes(self):
        path, content = self.some()
        one, other = self.rng.sample(range(len(content)), 2)
        content[one], content[other] = content[other], content[one]
        return {path: content}

    def swap_files(self):
        one, other = self.rng.sample(self.paths, 2)
        return {one: self.whole[other], other: self.whole[one]}

    def drop_entry(self):
        path, entries = self.bundle()
        del entries[self.rng.randrange(len(entries))]
        return {path: encode_bundle(entries)}

    def swap_entries(self):
        path, entries = self.bundle()
        one, other = self.rng.sample(range(len(entries)), 2)
        entries[one], entries[other] = entries[other], entries[one]
        return {path: encode_bundle(entries)}

    def insert_entry(self):
        path, entries = self.bundle()
        entries.insert(self.rng.randrange(len(entries) + 1), self.rng.choice(entries))
        return {path: encode_bundle(entries)}

    def change_entry(self):
        path, entries = self.bundle()
        entries[self.rng.randrange(len(entries))] = b"another"
        return {path: encode_bundle(entries)}

    def change_hash(self):
        path = self.rng.choice([path for path in self.paths if path[5].isdigit()])
        content = bytearray(self.whole[path])
        at = self.rng.randrange(len(content) // 32) * 32
        content[at : at + 32] = self.rng.randbytes(32)
        return {path: content}

    def replay_checkpoint(self):
        return {"checkpoint": self.rng.choice(self.old)}

    def replay_file(self):
        size = Signed.parse(self.rng.choice(self.old)).checkpoint.size
        older = self.rng.choice(files_of(size)[:-1])
        newer = self.rng.choice(
            [path for path in self.paths if path.split(".")[0] == older.split(".")[0]]
        )
        return {newer: (self.log.folder / older).read_bytes()}

    def sign_with_other_key(self):
        note = Note.parse(self.newest)
        other = self.log.other.sign(note.text)
        return {"checkpoint": bytes(Note(note.text).signed(other))}

    def rewrite_history(self):
        """
        Change an entry and make everything fit, but for the key.
        """
        entries = list(self.log.entries)
        entries[self.rng.randrange(len(entries))] = b"never happened"
        tree = GrowingTree()
        files = dict(tree.extend(entries))
        origin = Note.parse(self.newest).text.split("\n")[0]
        point = Checkpoint(origin=origin, size=tree.size, root=tree.root())
        note = Note(point.text)
        files["checkpoint"] = bytes(note.signed(self.log.other.sign(note.text)))
        return {path: files[path] for path in self.paths}

    def tamper(self):
        """
        Change something; say what, or None if nothing was.
        """
        kind = self.rng.choice(self.kinds)
        changes = kind()
        if all(content == self.whole[path] for path, content in changes.items()):
            return None
        for path, content in changes.items():
            target = self.log.folder / path
            if content is None:
                target.unlink()
            else:
                target.write_bytes(content)
        return kind.__name__, changes

    def mend(self, changes):
        for path in changes:
            (self.log.folder / path).write_bytes(self.whole[path])


def undetected(log, count, seed):
    """
    Tamper *count* times; return what somebody did not find, and how often each kind was tried.
    """
    checkpoints = grown(log)
    remembered = log.folder.parent / "remembered"
    remembered.write_bytes(checkpoints[-1])
    tamperer = Tamperer(log, checkpoints, random.Random(seed))
    tried, missed = Counter(), []
    while tried.total() < count:
        done = tamperer.tamper()
        if done is None:
            continue
        kind, changes = done
        tried[kind] += 1
        if log.ours(remembered=checkpoints[-1]) is None:
            missed.append(("ours", kind, list(changes)))
        if log.theirs("--since", remembered) is None:
            missed.append(("theirs", kind, list(changes)))
        tamperer.mend(changes)
    assert log.ours(remembered=checkpoints[-1]) is None
    assert log.theirs("--since", remembered) is None
    return missed, tried


def test_a_thousand_changes_are_all_found(written):
    """
    Fifteen kinds of change, a thousand times: neither verifier misses one.
    """
    missed, tried = undetected(written, 1000, seed=5)

    assert missed == []
    assert len(tried) == 15
    assert min(tried.values()) > 30


@pytest.mark.deep
def test_twelve_thousand_changes_are_all_found(new_log):
    """
    The same, twelve times as often.
    """
    tried = Counter()
    for seed in range(12):
        missed, more = undetected(new_log(), 1000, seed=100 + seed)
        tried += more

        assert missed == []
    assert tried.total() == 12_000


def test_a_log_that_was_set_back_verifies_by_itself(written):
    """
    An older checkpoint of the same log is true; only who remembers a newer one can tell.
    """
    old, _, newest = grown(written)
    written.write("checkpoint", old)
    remembered = written.folder.parent / "remembered"
    remembered.write_bytes(newest)

    assert written.ours() is None
    assert written.theirs() is None
    assert "set back" in written.ours(remembered=newest)
    assert "set back" in written.theirs("--since", remembered)


def test_another_history_of_the_same_key_is_found_by_who_remembers(written, new_log):
    """
    An operator can sign a second history; it is not the one that was seen.
    """
    *_, newest = grown(written)
    other = new_log()
    other.grow([b"another"] * 500)
    remembered = written.folder.parent / "remembered"
    remembered.write_bytes(newest)

    assert other.ours() is None
    assert other.ours(remembered=newest)
    assert other.theirs("--since", remembered)


def test_the_tiles_of_an_older_tree_stay_what_they_were(written):
    """
    Growing never changes what an earlier checkpoint counted.
    """
    checkpoints = grown(written)

    for content in checkpoints:
        point = Signed.parse(content).checkpoint
        read = lambda path: (written.folder / path).read_bytes()  # noqa: E731
        assert Tree(point.size, read).root() == point.root
