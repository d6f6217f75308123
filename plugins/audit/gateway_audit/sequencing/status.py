"""
What the sequencer says of itself, in a file that workers and commands read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from gateway import codec
from gateway_audit.sequencing.files import Files

STATUS_FILE: Final = "status.json"
#: A status that is older than this is of a sequencer that does not run.
STALE_S: Final = 15.0


@attrs.frozen(kw_only=True)
class Status:
    """
    How the log is.

    Attributes:
        at: Unix seconds when this was so.
        problems: What is wrong, a sentence each; none of it is so where nothing is.
        warnings: What will go wrong.
        vkey: The key that signs now.
        size: Entries in the log.
        signed_size: Entries that the newest checkpoint counts.
        followers: How many entries each has, and what ails it.
        witnesses: The size that each cosigned last, what ails it, and for how long.
        companions: What each says of itself: ``sinks``, ``retention``.
    """

    at: float
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    origin: str = ""
    vkey: str = ""
    size: int = 0
    signed_size: int = 0
    root: str = ""
    disk_share: float = 0.0
    spool_files: int = 0
    followers: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    witnesses: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    companions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)

    @property
    def is_healthy(self) -> bool:
        """
        Whether nothing is wrong.
        """
        return not self.problems

    def is_current(self, now: float) -> bool:
        """
        Tell whether a sequencer that runs at Unix second *now* wrote it.

        One of the future is an old one: the clock was put back since.
        """
        return abs(now - self.at) <= STALE_S

    def document(self) -> dict[str, Any]:
        """
        Return what stands in the file.
        """
        return {"is_healthy": self.is_healthy, **attrs.asdict(self)}


def write_status(folder: Path, status: Status) -> None:
    """
    Replace the file; it need not outlive a power cut.
    """
    content = codec.dumps(status.document()) + b"\n"
    Files(folder).write([(STATUS_FILE, content)], is_durable=False)


def read_status(folder: Path, now: float) -> Status | None:
    """
    Read the file; None if there is none.

    A status that nobody keeps up to date has that as a problem.
    """
    try:
        told = codec.loads((folder / STATUS_FILE).read_bytes())
        names = {field.name for field in attrs.fields(Status)}
        found = {name: value for name, value in told.items() if name in names}
        status = Status(**found)
    except (FileNotFoundError, codec.JsonError, AttributeError, TypeError):
        return None
    problems: Sequence[str] = status.problems
    if not status.is_current(now):
        problems = (
            *problems,
            f"the sequencer has not been seen for {abs(now - status.at):.0f} s",
        )
    return attrs.evolve(
        status, problems=tuple(problems), warnings=tuple(status.warnings)
    )
