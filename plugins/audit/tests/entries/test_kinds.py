"""
Tests of `gateway_audit.entries.kinds`.
"""

from __future__ import annotations

import re
from pathlib import Path

import gateway_audit
from gateway_audit.entries.kinds import KINDS

FOLDER = Path(gateway_audit.__file__).parent
#: How a type is named where an entry of it is made.
_MADE = re.compile(
    r"""(?x)
    "type":\ "([a-z_.]+)"
    | (?:note|_note|entry|_entry|Saying)\(\s*"([a-z_.]+)",
    | ^KIND:\ Final\ =\ "([a-z_.]+)"
    | ^\s+[A-Z]\w+:\ \("([a-z_.]+)",\ _
    """,
    re.MULTILINE,
)
#: What is noted, or sent to a sink, and is no entry.
_NO_ENTRIES = {"checkpoint", "log", "origin"}


def test_every_type_of_which_an_entry_is_made_is_known():
    """
    Whatever the plugin writes can be asked for by its type.
    """
    made = set()
    for file in FOLDER.rglob("*.py"):
        for found in _MADE.finditer(file.read_text()):
            made.add(next(filter(None, found.groups())))

    assert made - _NO_ENTRIES == set(KINDS)


def test_the_readme_tells_of_every_type():
    """
    The table says when there is an entry of it, and what it says.
    """
    text = (FOLDER.parent / "README.md").read_text()
    table = text.partition("| entry | when | says |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z_.]+)`", table.replace("`.", "`gateway.")))

    assert set(KINDS) <= told
