"""
Whatever is appended, archived, pruned and erased: every proof that should still verify does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
from pathlib import Path

import pytest

from gateway_audit.bodies.shelf import Shelf
from gateway_audit.retention.moving import bodies_path
from gateway_audit.testing import ORIGIN, outcome
from gateway_audit.verifying.checking import check_proof, verify
from gateway_audit.verifying.proving import prove
from gateway_audit.verifying.trust import Trust

WIDTH = 256
#: Of different ages, and enough that a full tile of the second level is pruned in part, then whole.
BEFORE = (22_000, 22_000, 22_000)
PEOPLE = [f"sub_{letter}" for letter in "abcdefgh"]


def load_stranger():
    """
    Import the verifier that shares no code with the plugin.
    """
    root = Path(__file__).resolve().parents[4]
    place = root / "contrib" / "verify" / "verify.py"
    spec = importlib.util.spec_from_file_location("stranger", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Oracle:
    """
    A Merkle tree that is only ever added to: its roots at every size that ends a tile.
    """

    def __init__(self):
        self.size = 0
        self.roots = {0: hashlib.sha256().digest()}
        self._peaks = []

    def add(self, entry):
        node, height = hashlib.sha256(b"\0" + entry).digest(), 0
        while self._peaks and self._peaks[-1][0] == height:
            node = hashlib.sha256(b"\1" + self._peaks.pop()[1] + node).digest()
            height += 1
        self._peaks.append((height, node))
        self.size += 1
        if self.size % WIDTH == 0:
            self.roots[self.size] = self.root()

    def root(self):
        found = self._peaks[-1][1]
        for _, node in reversed(self._peaks[:-1]):
            found = hashlib.sha256(b"\1" + node + found).digest()
        return found


class Walk:
    """
    Random steps, and what must hold after each.
    """

    def __init__(self, house, seed):
        self.house = house
        self.rng = random.Random(seed)
        self.oracle = Oracle()
        self.shelf = Shelf(house.folder / "bodies")
        self.stranger = load_stranger()
        self.stranger.fetch = self._fetch
        self.remembered = []
        self.bodies = {}
        self.erased = set()
        self.least = self.here = 0
        signer = house.log._keys.signer(0).verifier
        self.trust = Trust.of(vkeys=[str(signer)])
        self.ranges = [(0, 1 << 63, self.stranger.read_key(str(signer)))]
        for count in BEFORE:
            self._append(count)
            self.house.append_days(40)
        self.house.append_days(250)  # the first of them has expired, and not the second
        self._keep()
        assert 0 < self.least < sum(BEFORE[:2])

    def step(self):
        """
        Do one thing.
        """
        draw = self.rng.random()
        if draw < 0.5:
            self.house.append_days(self.rng.random() * 30)
            self._append(self.rng.randint(1, 300))
        elif draw < 0.55:
            self.house.append_days(self.rng.randint(30, 200))
        elif draw < 0.62:
            self._erase()
        elif draw < 0.7:
            self._start_again()
        else:
            self._keep()
        self._check_little()

    def _append(self, count):
        size = self.house.log.size
        named = [self._entry(size + at) for at in range(count)]
        self.house.written.append(named)
        for entry in named:
            self.oracle.add(entry)
        self.remembered.append(bytes(self.house.log.signed))

    def _entry(self, number):
        if self.rng.random() > 0.02:
            return outcome(number)
        person, name = self.rng.choice(PEOPLE), f"body{number}"
        content = name.encode()
        self.shelf.put(person, name, content, is_durable=False)
        self.bodies[number] = (person, name)
        self.erased.discard(name)
        return outcome(number, body={"kept": "full", "name": name, "subject": person})

    def _erase(self):
        """
        Forget somebody: what is on the shelf goes; what is archived has lost its key.
        """
        person = self.rng.choice(PEOPLE)
        self.erased |= {
            name
            for number, (whose, name) in self.bodies.items()
            if whose == person and number >= self.here
        }
        self.shelf.drop(person)

    def _start_again(self):
        """
        The process ends and begins, perhaps with other settings.
        """
        self.house.written.log = self.house.written.open()
        days = self.rng.choice([200, 365, 365, "never"])
        self.house.keep(days=days, archive_after_days=self.rng.choice([60, 90, 400]))

    def _keep(self):
        before = len(self.house.said)
        size = self.house.log.size
        self.house.settle()
        for index in range(size, self.house.log.size):
            number, at = divmod(index, WIDTH)
            tree_entry = self._bundle(number)[at]
            self.oracle.add(tree_entry)
        for said in self.house.said[before:]:
            place = said.told["min_index"]
            assert said.told["root"] == self.oracle.roots[place].hex()
        self._check_all()

    def _bundle(self, number):
        return self.house.log.tree().bundle(number)

    def _check_little(self):
        """
        The root, and the proof of one entry, by both verifiers.
        """
        log, read = self.house.log, self.house.read
        assert log.state.root == self.oracle.root()
        index = self.rng.randrange(self.least, log.size)
        proof = prove(read, str(index))
        assert check_proof(bytes(proof), self.trust).index == index
        said = self.stranger.verify_proof(bytes(proof), ORIGIN, self.ranges, [])
        assert said.startswith(f"OK: entry {index} of {log.size}: ")

    def _check_all(self):
        """
        All that is left, from a checkpoint that somebody remembers, by both verifiers.
        """
        told = self.house.keeper.document()
        least, self.here = told["min_index"], told["local_from"]
        assert least >= self.least
        self.least = least
        self.remembered = [
            each for each in self.remembered if self._size(each) >= least
        ]
        old = self.rng.choice(self.remembered)
        report = verify(self.house.read, self.trust, first=least, remembered=old)
        assert report.checkpoint.size == self.house.log.size
        verify(self.house.log.read, self.trust, first=self.house.log.local_from)
        size, root = self._point(self.house.read("checkpoint"))
        self.stranger.verify("log", size, root, least, self._point(old))
        self._check_files(least)
        self._check_bodies(least)

    def _check_files(self, least):
        """
        What may be gone is gone.
        """
        here = self.here
        for number in {0, max(0, least // WIDTH - 1)} if least else ():
            with pytest.raises(FileNotFoundError):
                self.house.read(self._entries(number))
            with pytest.raises(FileNotFoundError):
                self.house.read(self._entries(number).replace("entries", "0"))
        if here > least:
            with pytest.raises(FileNotFoundError):
                self.house.log.read(self._entries(here // WIDTH - 1))

    def _check_bodies(self, least):
        here = self.here
        for number, (person, name) in list(self.bodies.items()):
            archived = self.house.archive.get(f"{bodies_path(number // WIDTH)}/{name}")
            on_shelf = self.shelf.get(person, name)
            told = None if name in self.erased else name.encode()
            if number < least:
                assert (archived, on_shelf) == (None, None)
                del self.bodies[number]
            elif number < here:
                assert (archived, on_shelf) == (told, None)
            else:
                assert (archived, on_shelf) == (None, told)

    @staticmethod
    def _entries(number):
        groups = [f"{number % 1000:03d}"]
        while number := number // 1000:
            groups.append(f"x{number % 1000:03d}")
        return "tile/entries/" + "/".join(reversed(groups))

    def _point(self, note):
        return self.stranger.checkpoint(note, ORIGIN, self.ranges)

    def _size(self, note):
        return int(note.split(b"\n")[1])

    def _fetch(self, url):
        return self.house.read(url.removeprefix("log/"))


def walk(house, steps, seed):
    found = Walk(house, seed)
    for _ in range(steps):
        found.step()
    return found


def test_every_proof_holds_after_three_hundred_random_steps(house):
    """
    Verified by ours and by the one that shares no code with it.
    """
    walk(house, 300, seed=5)

    # Else it would have shown nothing.
    assert len(house.said) >= 3
    assert house.keeper.document()["min_index"] > 65_536


@pytest.mark.deep
def test_every_proof_holds_after_ten_thousand_random_steps(house):
    """
    The same for longer.
    """
    walk(house, 10_000, seed=6)

    assert len(house.said) >= 100
