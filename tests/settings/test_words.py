from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway.settings.structure import read
from gateway.settings.values import SecretRef
from gateway.settings.words import INVALID, written


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def value_of(text: str, kind: Any) -> tuple[Any, str]:
    """
    Read ``x: text`` as *kind*; return the value, and what is said about it.
    """
    problems = Problems("f")
    node = read_document(f"x: {text}\n".encode(), problems).entries["x"]
    value = read(node, kind, "x", problems)
    assert (value is INVALID) == bool(problems)
    return value, str(problems.error())


class TestTypes:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            # The Norway problem, sexagesimals, octals, versions: all are text.
            ("no", str, "no"),
            ("12:30", str, "12:30"),
            ("1.10", str, "1.10"),
            ("010", str, "010"),
            ("2026-01-31", str, "2026-01-31"),
            ("true", bool, True),
            ("false", bool, False),
            ("0", int, 0),
            ("-12", int, -12),
            ("1", float, 1.0),
            ("1e-3", float, 0.001),
            ("0.1", Decimal, Decimal("0.1")),
            ("5000.00", Decimal, Decimal("5000.00")),
            ("/a/b", Path, Path("/a/b")),
            ("2026-01-31", date, date(2026, 1, 31)),
            ("b", Literal["a", "b"], "b"),
            ("2", Literal[1, 2], 2),
            ("true", Literal[True, "auto"], True),
            ("red", Colour, Colour.RED),
            ("env.X", SecretRef, SecretRef("env", "X")),
            ("{a: [1, true]}", Any, {"a": [1, True]}),
        ],
        ids=repr,
    )
    def test_say_how_a_text_is_read(self, text, kind, value):
        """
        The same text is text to one field and a number to another.
        """
        read_value, told = value_of(text, kind)

        assert told == ""
        assert read_value == value
        assert type(read_value) is type(value)

    @pytest.mark.parametrize(
        ("text", "kind", "message"),
        [
            ("yes", bool, 'must be true or false, not "yes"'),
            ("True", bool, 'must be true or false, not "True"'),
            ("1", bool, 'must be true or false, not "1"'),
            ("'true'", bool, "must be true or false, without quotes"),
            ("1.0", int, 'must be a whole number, not "1.0"'),
            ("1_000", int, 'must be a whole number, not "1_000"'),
            ("010", int, 'must be a whole number, not "010"'),
            ("0x10", int, 'must be a whole number, not "0x10"'),
            ("12:30", int, 'must be a whole number, not "12:30"'),
            ("true", int, 'must be a whole number, not "true"'),
            ("'5'", int, "must be a whole number, without quotes"),
            ("1" * 30, int, f'must be a whole number, not "{"1" * 30}"'),
            (".inf", float, 'must be a number, not ".inf"'),
            ("nan", float, 'must be a number, not "nan"'),
            ("1,5", Decimal, 'must be a number, not "1,5"'),
            ("tomorrow", date, 'must be a day such as 2026-01-31, not "tomorrow"'),
            ("c", Literal["a", "b"], 'must be a or b, not "c"'),
            ("d", Literal["a", "b", "c"], 'must be one of a b c, not "d"'),
            ("green", Colour, 'must be red or blue, not "green"'),
            ("", str, "must be text, but is empty"),
            ("~", int, "must be a whole number, but is empty"),
            ("[a]", str, "must be text, not a list"),
            ("{a: b}", int, "must be a whole number, not a table"),
            ("[env.X]", SecretRef, "must be text, not a list"),
        ],
        ids=repr,
    )
    def test_refuse_what_is_of_another(self, text, kind, message):
        """
        Nothing is converted by guessing; the message says what is wanted.
        """
        value, told = value_of(text, kind)

        assert value is INVALID
        assert told.partition(": ")[2] == message

    def test_expand_the_home_folder(self, monkeypatch):
        """
        A path may begin with ~.
        """
        monkeypatch.setenv("HOME", "/home/op")

        assert value_of("~/gw", Path)[0] == Path("/home/op/gw")

    def test_say_when_there_is_no_home(self):
        """
        A user that does not exist has no folder.
        """
        told = value_of("~nobody-of-this-name/gw", Path)[1]

        assert told.endswith("~ stands for a home folder, and this user has none")

    @pytest.mark.parametrize(
        "kind", [bool, int, float, date, Literal["a"], Colour, SecretRef]
    )
    def test_never_repeat_a_credential(self, kind):
        """
        Keys are pasted into the wrong field; the message shows their length only.
        """
        told = value_of("sk-proj-canary123456", kind)[1]

        assert told
        assert "canary" not in told


class TestWritten:
    def test_joins_the_steps_below_where_reading_began(self):
        """
        A place is a chain from the innermost step outwards.
        """
        at = ((("plugins.x", "budgets"), 0), "per")

        assert written(at) == "plugins.x.budgets[0].per"
