"""
Tests of `gateway.notices`.
"""

from __future__ import annotations

import fcntl

import pytest

from gateway.errors import Unavailable
from gateway.events import AdminActed, Event
from gateway.notices import FOLDER, deliver, leave


def acted(at: float, target: str) -> AdminActed:
    return AdminActed(at=at, actor="cli", action="a", target=target, details={"k": "v"})


class Told:
    """
    Plugins that are told of events, and may be not done with one.
    """

    def __init__(self, refuses: str = "") -> None:
        self.events: list[Event] = []
        self._refuses = refuses

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, AdminActed) and event.target == self._refuses:
            raise Unavailable("the disk is away")


async def test_what_was_left_is_told_once_the_oldest_first(tmp_path):
    """
    Each event as it was, and the next start has none of them.
    """
    old, new = [acted(1.0, "a"), acted(1.0, "b")], [acted(2.0, "c")]
    leave(tmp_path, new)
    leave(tmp_path, old)
    first, second = Told(), Told()

    await deliver(tmp_path, first)
    await deliver(tmp_path, second)

    assert first.events == [*old, *new]
    assert second.events == []


async def test_what_plugins_are_not_done_with_is_told_again(tmp_path):
    """
    At the next start, with all that was left after it.
    """
    leave(tmp_path, [acted(1.0, "a")])
    leave(tmp_path, [acted(2.0, "b")])

    await deliver(tmp_path, Told(refuses="a"))
    told = Told()
    await deliver(tmp_path, told)

    assert [event.target for event in told.events] == ["a", "b"]


async def test_one_process_tells(tmp_path):
    """
    All workers start at once.
    """
    leave(tmp_path, [acted(1.0, "a")])
    told = Told()

    with (tmp_path / FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        await deliver(tmp_path, told)

    assert told.events == []


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'[{"type":"x:Y","fields":{}}]'], ids=str
)
async def test_a_file_that_cannot_be_read_holds_up_nothing(tmp_path, content):
    """
    Half of one, or an event of a plugin that is gone.
    """
    leave(tmp_path, [acted(2.0, "a")])
    (tmp_path / FOLDER / "0.json").write_bytes(content)
    told = Told()

    await deliver(tmp_path, told)

    assert told.events == [acted(2.0, "a")]


async def test_nothing_was_left(tmp_path):
    """
    As at nearly every start: no folder is made.
    """
    await deliver(tmp_path, Told())

    assert list(tmp_path.iterdir()) == []


def test_nobody_else_can_read_what_was_left(tmp_path):
    """
    It names what was changed.
    """
    leave(tmp_path, [acted(1.0, "a")])

    (path,) = (tmp_path / FOLDER).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
