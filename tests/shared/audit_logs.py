"""
The audit's log, read as it stands on the disk.
"""

from __future__ import annotations

from gateway import codec
from gateway_audit.places import Places
from gateway_audit.sequencing.files import Files
from gateway_audit.testing import entries_of
from gateway_audit.tlog.checkpoints import Checkpoint
from gateway_audit.tlog.notes import Note
from gateway_audit.tlog.tiles import Tree


def logged(data_dir):
    """
    Read the log by its own files, up to its newest checkpoint, whose root must be the tree's.
    """
    files = Files(Places.below(data_dir).log)
    checkpoint = Checkpoint.parse(Note.parse(files.read("checkpoint")).text)
    assert Tree(checkpoint.size, files.read).root() == checkpoint.root
    return [codec.loads(entry) for entry in entries_of(files.read, checkpoint.size)]
