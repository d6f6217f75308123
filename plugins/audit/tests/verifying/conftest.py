"""
Logs in folders, and the two verifiers that look at them.
"""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from gateway_audit.tlog.checkpoints import Checkpoint
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.growing import GrowingTree
from gateway_audit.tlog.notes import Note, SigningKey
from gateway_audit.verifying.checking import verify
from gateway_audit.verifying.sources import source_of
from gateway_audit.verifying.trust import Trust

ORIGIN = "gw.example/log"
KEY = SigningKey.of_seed(ORIGIN, bytes(range(32)))
OTHER = SigningKey.of_seed(ORIGIN, bytes(32))
VKEY = str(KEY.verifier)
PROGRAM = Path(__file__).parents[4] / "contrib/verify/verify.py"


class Written:
    """
    A log in a folder, written in one go or in several.
    """

    key = KEY
    other = OTHER
    vkey = VKEY

    def __init__(self, folder):
        self.folder = folder
        self.tree = GrowingTree()
        self.entries = []
        self.sign()

    def grow(self, entries, key=KEY):
        self.entries.extend(entries)
        for path, content in self.tree.extend(entries):
            self.write(path, content)
        return self.sign(key)

    def sign(self, key=KEY, **more):
        point = Checkpoint(origin=ORIGIN, size=self.tree.size, root=self.tree.root())
        return self.sign_as(point, key)

    def sign_as(self, point, key=KEY):
        content = bytes(Note(point.text).signed(key.sign(point.text)))
        self.write("checkpoint", content)
        return content

    def write(self, path, content):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        other = Written.__new__(Written)
        other.folder, other.tree, other.entries = (
            folder,
            self.tree.copy(),
            [*self.entries],
        )
        return other

    # --- who looks at it --------------------------------------------------------------------

    def ours(self, vkey=VKEY, **more):
        """
        The gateway's own verifier: what is wrong, or None.
        """
        try:
            verify(source_of(str(self.folder)), Trust.of(vkeys=[vkey]), **more)
        except TlogError as exc:
            return str(exc)
        return None

    def theirs(self, *more, vkey=VKEY):
        """
        The independent one: what is wrong, or None.
        """
        try:
            verifier()["main"]([str(self.folder), "--vkey", vkey, *map(str, more)])
        except SystemExit as exc:
            return exc.code
        return None


_program = {}


def verifier():
    """
    The independent program, as a module that was imported once.
    """
    if not _program:
        _program.update(runpy.run_path(str(PROGRAM)))
    return _program


@pytest.fixture
def written(tmp_path):
    """
    An empty log.
    """
    return Written(tmp_path / "log")


@pytest.fixture
def new_log(tmp_path):
    """
    Make more logs.
    """
    made = []

    def make():
        made.append(Written(tmp_path / f"log{len(made)}"))
        return made[-1]

    return make


@pytest.fixture
def program():
    """
    The independent verifier.
    """
    return verifier()
