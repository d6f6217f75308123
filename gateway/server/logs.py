"""
What the log looks like, and what never stands in it.

JSON lines, or text for a terminal.  Whatever is logged goes through here, the lines of aiohttp
and asyncio included: control characters are escaped, an exception is its type and its place,
because its text may hold a prompt or a key, and of a line of somebody else's library only the
template is kept, not what was put into it.

A log that cannot be written never stops a request: what could not be written is counted.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import structlog

from gateway import codec
from gateway.clock import SystemClock, utc_text
from gateway.raised import place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.settings import LogSettings

Fields = MutableMapping[str, Any]

#: Characters that one text in a log line may have.
MAX_TEXT: Final = 2000
_MAX_DEPTH: Final = 4
_FIRST: Final = ("time", "level", "logger", "event")


class LogOutput:
    """
    Where lines go, and how they are written.

    Args:
        file: Takes bytes.
        is_text: For people at a terminal, not for programs.
    """

    def __init__(self, file: BinaryIO, *, is_text: bool) -> None:
        self._file = file
        self.is_text = is_text
        #: Writes that failed.
        self.failed = 0

    def write(self, data: bytes) -> None:
        """
        Write whole lines.
        """
        try:
            self._file.write(data)
            self._file.flush()
        except (
            OSError,
            ValueError,
        ):  # the reader is gone, the disk full, the file closed
            self.failed += 1

    def flush(self) -> None:
        """
        Do nothing: every write is flushed.
        """


def configure_logging(
    settings: LogSettings, *, file: BinaryIO | None = None, clock: Clock | None = None
) -> LogOutput:
    """
    Send everything that is logged in this process to *file*, the standard error by default.

    Returns:
        The output, which the access log writes to as well.
    """
    out = sys.stderr.buffer if file is None else file
    is_text = settings.format == "text" or (settings.format == "auto" and out.isatty())
    output = LogOutput(out, is_text=is_text)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    now = (clock or SystemClock()).now

    def add_time(logger: Any, method: str, fields: Fields) -> Fields:
        fields["time"] = utc_text(now())
        return fields

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            add_time,
            _add_name,
            _without_texts_of_exceptions,
            clean_fields,
            _text_renderer(colors=out.isatty()) if is_text else _render_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Logger(output, *names),
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [_ForeignLines()]
    logging.root.setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    return output


class _Logger:
    """
    What structlog hands finished lines to; knows its name.
    """

    def __init__(self, output: LogOutput, name: str = "gateway") -> None:
        self.name = name
        self._output = output

    def msg(self, line: bytes) -> None:
        self._output.write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


# --- making lines ---------------------------------------------------------------------------


def _add_name(logger: Any, method: str, fields: Fields) -> Fields:
    fields["logger"] = getattr(logger, "name", "gateway")
    return fields


def _without_texts_of_exceptions(logger: Any, method: str, fields: Fields) -> Fields:
    found = fields.pop("exc_info", None)
    fields.pop("stack_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        fields.setdefault("error", type(found).__name__)
        fields.setdefault("at", place_of(found))
    return fields


def clean_fields(logger: Any, method: str, fields: Fields) -> Fields:
    """
    Make every value one that JSON has, every text short and printable.
    """
    return {key: _clean(value, _MAX_DEPTH) for key, value in fields.items()}


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, BaseException):
        return type(value).__name__
    if depth and isinstance(value, Mapping):
        return {str(key): _clean(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth - 1) for item in value]
    return printable(str(value))


def printable(text: str, most: int = MAX_TEXT) -> str:
    """
    Escape what a terminal or a log reader might act on, and cut what is too long.
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def json_line(fields: Fields) -> bytes:
    """
    Write *fields*, cleaned, as one JSON line, the same few keys first.
    """
    ordered = {key: fields[key] for key in _FIRST if key in fields}
    ordered.update(fields)
    return codec.dumps(ordered) + b"\n"


_renderer = structlog.processors.JSONRenderer(
    serializer=lambda fields, **_: json_line(fields)
)


def _render_json(logger: Any, method: str, fields: Fields) -> bytes:
    line: bytes = _renderer(logger, method, fields)  # type: ignore[assignment]
    return line


def _text_renderer(*, colors: bool) -> Callable[[Any, str, Fields], bytes]:
    render = structlog.dev.ConsoleRenderer(
        colors=colors,
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render_text(logger: Any, method: str, fields: Fields) -> bytes:
        fields["time"] = fields["time"][11:23]
        return f"{render(logger, method, fields)}\n".encode()

    return render_text


# --- lines of other libraries ---------------------------------------------------------------


class _ForeignLines(logging.Handler):
    """
    Takes what libraries log, without what they put into it.
    """

    def emit(self, record: logging.LogRecord) -> None:
        told = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        if record.name == "py.warnings":
            told = record.getMessage()
        event = told.partition("\n")[0][:200]
        log = structlog.get_logger(record.name)
        log.log(record.levelno, event, exc_info=record.exc_info)
