"""
The board between processes, written and read as they do it, in one process.
"""

from __future__ import annotations

import subprocess
import sys

import attrs
import pytest

from gateway import bulletin
from gateway.bulletin import (
    MAX_EVENT_BYTES,
    SLOT_BYTES,
    SLOTS,
    Bulletin,
)
from gateway.events import Event, EventsMissed, event_as_dict
from gateway.testing.exchanges import ManualClock


@attrs.frozen(kw_only=True)
class Said(Event):
    word: str


class Party:
    """
    One process: says words, and hears what others say.
    """

    def __init__(self, path) -> None:
        self.heard: list[Event] = []
        self.board = Bulletin(path, self.heard.append, ManualClock())
        self.board.look()

    def say(self, word: str) -> None:
        self.board.put_up(Said(at=1.0, word=word))

    @property
    def words(self) -> list[str]:
        self.board.look()
        return [event.word for event in self.heard if isinstance(event, Said)]

    @property
    def has_missed(self) -> bool:
        return any(isinstance(event, EventsMissed) for event in self.heard)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "events"


def test_others_hear_in_order_and_as_echoes(path):
    """
    What one says the others hear, once each, marked as heard; he himself does not.
    """
    anna, ben, cleo = Party(path), Party(path), Party(path)
    anna.say("one")
    ben.say("two")

    assert cleo.words == ["one", "two"]
    assert cleo.words == ["one", "two"]
    assert anna.words == ["two"]
    assert all(event.is_echo for event in cleo.heard)


def test_looking_makes_nothing(path):
    """
    A gateway that has nothing to say leaves no file behind.
    """
    assert Party(path).words == []
    assert not path.parent.exists()


def test_the_file_is_for_its_owner_alone(path):
    """
    What happened is nobody else's business.
    """
    Party(path).say("one")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_who_comes_later_hears_what_comes_later(path):
    """
    What was said before the start is known from elsewhere.
    """
    anna, ben = Party(path), Party(path)
    anna.say("before")
    late = []
    board = Bulletin(path, late.append, ManualClock())
    board.start()
    ben.say("after")

    board.look()
    board.stop()

    assert [event.word for event in late] == ["after"]


def test_the_board_holds_so_many(path):
    """
    Who looks in time misses nothing, round after round, and the file does not grow.
    """
    anna, ben = Party(path), Party(path)
    said = []
    for number in range(3 * SLOTS):
        anna.say(str(number))
        said.append(str(number))
        if number % SLOTS == SLOTS - 1:
            assert ben.words == said
    assert not ben.has_missed
    assert path.stat().st_size <= SLOTS * SLOT_BYTES + 100


def test_who_is_too_slow_is_told(path):
    """
    Lost events are one event of their own, and what comes next is heard again.
    """
    anna, ben = Party(path), Party(path)
    for number in range(SLOTS + 1):
        anna.say(str(number))
    assert ben.words == []
    assert ben.has_missed

    anna.say("next")

    assert ben.words == ["next"]


def test_another_file_in_its_place_is_told(path):
    """
    Somebody cleaned the data directory up: what stood there is not known.
    """
    anna, ben = Party(path), Party(path)
    anna.say("one")
    anna.say("two")
    assert ben.words == ["one", "two"]
    path.unlink()
    anna.say("three")

    assert ben.words == ["one", "two"]
    assert ben.has_missed


def test_another_releases_event_counts_as_missed(path, monkeypatch):
    """
    Two releases on one data directory may not know each other's fields.
    """
    anna, ben = Party(path), Party(path)
    told = {**event_as_dict(Said(at=1.0, word="one")), "fields": {"text": "one"}}
    with monkeypatch.context() as patch:
        patch.setattr(bulletin, "event_as_dict", lambda event: told)
        anna.say("one")
    anna.say("two")

    assert ben.words == ["two"]
    assert ben.has_missed


class TestHalfWritten:
    def break_first_slot(self, path) -> bytes:
        raw = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\x00\x00\x00")
        return raw

    def test_waits_for_the_next_look(self, path):
        """
        A slot that is being written is read once it is whole; the order is kept.
        """
        anna, ben = Party(path), Party(path)
        anna.say("one")
        anna.say("two")
        whole = self.break_first_slot(path)
        assert ben.words == []

        path.write_bytes(whole)

        assert ben.words == ["one", "two"]
        assert not ben.has_missed

    def test_is_given_up_after_some_looks(self, path):
        """
        A broken slot does not hold up what comes after it for ever.
        """
        anna, ben = Party(path), Party(path)
        anna.say("one")
        self.break_first_slot(path)
        for _ in range(bulletin._PATIENCE):
            ben.board.look()
        assert ben.has_missed

        anna.say("two")

        assert ben.words == ["two"]


class TestRefuses:
    def test_what_is_too_long(self, path):
        """
        An event is no place for documents.
        """
        with pytest.raises(ValueError, match="longer than"):
            Party(path).say("a" * MAX_EVENT_BYTES)

    def test_what_is_no_json(self, path):
        """
        Whoever wrote the event is told which it is.
        """
        with pytest.raises(ValueError, match="Said holds"):
            Party(path).board.put_up(Said(at=1.0, word=object()))

    def test_to_lose_an_event_in_silence(self, path):
        """
        Where nothing can be written, whoever tells is told.
        """
        path.mkdir(parents=True)
        board = Bulletin(path, print, ManualClock())

        with pytest.raises(OSError, match="directory"):
            board.put_up(Said(at=1.0, word="one"))


SAY = """
import sys
from pathlib import Path
from gateway.bulletin import Bulletin
from gateway.clock import SystemClock
from gateway.events import GatewayDraining

board = Bulletin(Path(sys.argv[1]), print, SystemClock())
for number in range(int(sys.argv[2])):
    board.put_up(GatewayDraining(at=number, actor=sys.argv[3]))
"""


def test_processes_do_not_write_over_each_other(path):
    """
    Three at once put up all they have, each in his own order.
    """
    ben = Party(path)
    names = ("a", "b", "c")
    each = SLOTS // 3

    said = [
        subprocess.Popen([sys.executable, "-c", SAY, str(path), str(each), name])
        for name in names
    ]

    assert [process.wait(60) for process in said] == [0, 0, 0]
    ben.board.look()
    for name in names:
        assert [e.at for e in ben.heard if e.actor == name] == list(range(each))
    assert list(path.parent.iterdir()) == [path]
