"""
Where the audit keeps what, below the data directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs


@attrs.frozen(kw_only=True)
class Places:
    """
    The folders.

    Attributes:
        root: Holds the others, and the register of persons.
        spool: What the workers wrote and the sequencer has not taken yet.
        log: The log itself, as C2SP tlog-tiles lays it out.
        bodies: Encrypted requests and answers.
        index: The search index, a database of its own.
    """

    root: Path
    spool: Path
    log: Path
    bodies: Path
    index: Path

    @classmethod
    def below(cls, data_dir: Path) -> Self:
        """
        Return those of *data_dir*.
        """
        root = data_dir / "audit"
        return cls(
            root=root,
            spool=root / "spool",
            log=root / "log",
            bodies=root / "bodies",
            index=root / "index",
        )
