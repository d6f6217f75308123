"""
Tests of `gateway.server.logs`.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog

from gateway.server.logs import MAX_TEXT, LogOutput, configure_logging, printable
from gateway.settings import LogSettings

CANARY = "sk-canary-123"


class Frozen:
    def now(self) -> float:
        return 1_700_000_000.25

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.root
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def configured(**said: Any) -> io.BytesIO:
    file = io.BytesIO()
    settings = LogSettings(**{"format": "json", **said})
    configure_logging(settings, file=file, clock=Frozen())
    return file


def lines(file: io.BytesIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in file.getvalue().splitlines()]


def test_writes_json_lines() -> None:
    """
    A line has time, level, logger and event first, then what was said.
    """
    file = configured()

    structlog.get_logger("gateway.x").warning("odd", count=3, names=["a"], of={"b": 1})

    assert file.getvalue() == (
        b'{"time":"2023-11-14T22:13:20.250Z","level":"warning","logger":"gateway.x",'
        b'"event":"odd","count":3,"names":["a"],"of":{"b":1}}\n'
    )


def test_less_than_the_level_is_not_written() -> None:
    """
    What the operator does not want to read is not written.
    """
    file = configured(level="warning")

    structlog.get_logger().info("a")
    structlog.get_logger().error("b")

    assert [line["event"] for line in lines(file)] == ["b"]


def test_an_exception_is_its_type_and_place() -> None:
    """
    The text of an exception may hold a prompt, so it is not logged, nor is a trace.
    """
    file = configured()

    try:
        raise ValueError(CANARY)
    except ValueError as exc:
        structlog.get_logger().exception("failed", cause=exc)

    (line,) = lines(file)
    assert line["error"] == line["cause"] == "ValueError"
    assert line["at"].startswith("test_logs.py:")
    assert CANARY.encode() not in file.getvalue()


@pytest.mark.parametrize("style", ["json", "text"])
def test_control_characters_are_escaped(style: str) -> None:
    """
    Nothing that is logged can end its line, or move a terminal's cursor.
    """
    file = configured(format=style)

    structlog.get_logger().info("a\nb", c="\x1b[2J\x9b\u202e\u2028", d="\udcff")

    written = file.getvalue()
    assert written.count(b"\n") == 1
    decoded = written.decode()
    assert not set("\x1b\x9b\u202e\u2028") & set(decoded)


def test_texts_are_cut() -> None:
    """
    No value of a line grows without bound.
    """
    file = configured()

    structlog.get_logger().info("a", b="0" * 10 * MAX_TEXT)

    assert len(file.getvalue()) < 2 * MAX_TEXT


def test_values_that_json_has_not_are_told_as_text() -> None:
    """
    A line is written whatever stands in it.
    """
    file = configured()

    structlog.get_logger().info("a", b=object, c={1: {2: {3: {4: {5: 6}}}}}, d={"e"})

    (line,) = lines(file)
    assert line["d"] == ["e"]
    assert line["b"] == "<class 'object'>"


def test_of_other_libraries_lines_only_the_template_is_kept() -> None:
    """
    What a library put into its line may be a header or a body.
    """
    file = configured()

    logging.getLogger("aiohttp.server").error("Error handling %s\nmore", CANARY)

    (line,) = lines(file)
    assert line["event"] == "Error handling %s"
    assert line["logger"] == "aiohttp.server"
    assert CANARY.encode() not in file.getvalue()


def test_an_exception_of_another_library_is_its_type() -> None:
    """
    The same rule as for our own.
    """
    file = configured()

    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nx")

    (line,) = lines(file)
    assert (line["error"], line["event"]) == (
        "ValueError",
        "Task exception was never retrieved",
    )
    assert CANARY.encode() not in file.getvalue()


def test_warnings_of_python_are_logged() -> None:
    """
    A warning goes the same way as every line.
    """
    file = configured()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)

    assert "old thing" in lines(file)[0]["event"]


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    """
    A reader of the log who is gone is counted, not raised.
    """

    class Broken(io.BytesIO):
        def write(self, data: Any) -> int:
            raise BrokenPipeError

    output = configure_logging(LogSettings(format="json"), file=Broken())

    structlog.get_logger().error("a")

    assert output.failed == 1


@pytest.mark.parametrize(
    ("said", "is_terminal", "is_text"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("text", False, True),
        ("json", True, False),
    ],
)
def test_chooses_the_form(said: Any, is_terminal: bool, is_text: bool) -> None:
    """
    Left to itself it is text on a terminal and JSON elsewhere.
    """

    class File(io.BytesIO):
        def isatty(self) -> bool:
            return is_terminal

    assert configure_logging(LogSettings(format=said), file=File()).is_text is is_text


def test_text_is_for_people() -> None:
    """
    A line on a terminal has the time of day, the event and the values.
    """
    file = configured(format="text")

    structlog.get_logger("gateway.x").info("hello", who="you")

    written = file.getvalue().decode()
    assert written.startswith("22:13:20.250")
    assert "hello" in written
    assert "who=you" in written


def test_printable_leaves_text_alone() -> None:
    """
    Letters of any script and emoji are printable; what is escaped can be read.
    """
    assert printable("Grüße 你好 🎉") == "Grüße 你好 🎉"
    assert printable("a\tb\x00") == "a\\tb\\x00"


def test_output_needs_no_flush() -> None:
    """
    Every write is flushed, so that nothing is lost at a crash.
    """
    flushed = []

    class File(io.BytesIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    output = LogOutput(File(), is_text=False)
    output.write(b"a\n")
    output.flush()

    assert flushed == [b"a\n"]
