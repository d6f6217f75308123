"""
Tests of `gateway.server.access_log`.
"""

from __future__ import annotations

import io
import re
import threading
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.errors import Blocked
from gateway.exchange import Attempt, AttemptState, Exchange, Identity, Outcome
from gateway.routing.targets import Target
from gateway.server import access_log
from gateway.server.access_log import (
    FIELDS,
    AccessLog,
    fields_of,
    fields_of_refusal,
)
from gateway.server.callers import BYTES_IN
from gateway.server.logs import LogOutput
from gateway.server.turned_away import TurnedAway
from gateway.settings import Settings
from gateway.usage import Usage
from gateway.views import Request

from .conftest import BODY, JSON, Serve, ToyChat

CANARY = "canary-9d1"


class Frozen:
    def now(self) -> float:
        return 1_700_000_000.5

    def monotonic(self) -> float:
        return 12.5


def make(**more: Any) -> Exchange:
    """
    Make an exchange that has ended, full of things that must not be told.
    """
    dialect = ToyChat()
    raw = orjson.dumps({"model": CANARY, "stream": True, "messages": [CANARY]})
    headers = {"Authorization": CANARY, "X-Request-Id": "mine-1", "X-A": CANARY}
    exchange = Exchange(
        id="req_1",
        operation="generate",
        dialect=dialect,
        request=Request(dialect, raw),
        headers=CIMultiDictProxy(CIMultiDict(headers)),
        settings=Settings(),
        clock=Frozen(),
        peer="10.1.2.3",
        path="/v1/chat/completions",
        identity=Identity(key_id="vk_1", key_name=CANARY, team_id="payments"),
        started_at=10.0,
        first_event_at=11.0,
        status=200,
        outcome=Outcome.FINISHED,
        cost_nano=1_500_000,
        bytes_sent=99,
    )
    exchange.stash[BYTES_IN] = len(raw)
    target = Target(provider="openai", model="gpt-5", dialect="openai_chat", key=CANARY)
    attempt = Attempt(
        number=1, target=target, request=exchange.request, headers=CIMultiDict(x=CANARY)
    )
    attempt.state = AttemptState.ANSWERED
    attempt.sent_at, attempt.ended_at = 10.5, 12.25
    attempt.usage = Usage(input=7, cache_read=3, output=4, reasoning=1)
    exchange.attempts.append(attempt)
    for name, value in more.items():
        setattr(exchange, name, value)
    return exchange


def away(**more: Any) -> TurnedAway:
    said = {
        "request_id": "req_2",
        "path": "/v1/messages",
        "method": "POST",
        "status": 415,
    }
    return TurnedAway(**{**said, **more})


async def written(*seen: Exchange | TurnedAway, is_text: bool = False) -> bytes:
    """
    Write the lines of *seen*.
    """
    file = io.BytesIO()
    log = AccessLog(LogOutput(file, is_text=is_text), clock=Frozen())
    log.start()
    for one in seen:
        if isinstance(one, TurnedAway):
            log.turned_away(one)
        else:
            log.observe(one)
    await log.stop()
    return file.getvalue()


async def test_a_line_has_every_field() -> None:
    """
    What is known of an exchange stands in its line, and nothing else.
    """
    line = await written(make())

    assert orjson.loads(line) == {
        "time": "2023-11-14T22:13:20.500Z",
        "level": "info",
        "logger": "gateway.access",
        "event": "request",
        "request_id": "req_1",
        "client_request_id": "mine-1",
        "peer": "10.1.2.3",
        "method": "POST",
        "path": "/v1/chat/completions",
        "dialect": "openai_chat",
        "operation": "generate",
        "stream": True,
        "status": 200,
        "outcome": "finished",
        "provider": "openai",
        "model": "gpt-5",
        "attempts": 1,
        "key_id": "vk_1",
        "team": "payments",
        "duration_ms": 2500.0,
        "upstream_ms": 1750.0,
        "first_event_ms": 1000.0,
        "bytes_in": 62,
        "bytes_out": 99,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": 0.0015,
    }


async def test_a_refusal_has_its_code() -> None:
    """
    An exchange that was refused says by which code, never why in words.
    """
    refused = make(
        error=Blocked(CANARY), outcome=Outcome.REFUSED, status=400, attempts=[]
    )

    line = orjson.loads(await written(refused))

    assert (line["code"], line["outcome"], line["attempts"]) == (
        "guardrail_blocked",
        "refused",
        0,
    )
    assert "provider" not in line


async def test_a_nested_call_names_its_parent() -> None:
    """
    What a plugin asked on its own can be told from what callers asked.
    """
    line = orjson.loads(await written(make(parent=make(id="req_0"))))

    assert line["parent_id"] == "req_0"


async def test_who_was_turned_away_has_a_line() -> None:
    """
    One line a request, also where there was no exchange.
    """
    line = orjson.loads(await written(away(code="not_json", dialect="x", bytes_out=5)))

    assert (line["status"], line["code"], line["outcome"]) == (
        415,
        "not_json",
        "refused",
    )
    assert line["request_id"] == "req_2"
    assert "bytes_in" not in line


@pytest.mark.parametrize("is_text", [False, True])
async def test_never_tells_a_secret(is_text: bool) -> None:
    """
    Neither prompt nor key nor header stands in a line, whatever went wrong.
    """
    seen = [make(), make(error=Blocked(CANARY)), make(attempts=[]), make(identity=None)]

    assert CANARY.encode() not in await written(*seen, is_text=is_text)


@pytest.mark.parametrize(
    "given",
    ['a"b', "a\nb", "a b", "\x1b[31m", "x" * 5000, "\udcff", "\u202e"],
)
async def test_the_callers_id_is_cut_and_cleaned(given: str) -> None:
    """
    The caller's own id cannot forge a line, nor make it long.
    """
    line = await written(away(client_request_id=given))

    kept = orjson.loads(line)["client_request_id"]
    assert re.fullmatch(r"[A-Za-z0-9._:=+/@-]+", kept)
    assert len(kept) <= 128
    assert line.count(b"\n") == 1


async def test_text_is_one_short_line() -> None:
    """
    On a terminal a request is one line that can be read.
    """
    line = await written(make(), is_text=True)

    assert line == (
        b"22:13:20.500 200 POST /v1/chat/completions openai/gpt-5 2500 ms "
        b"10+5 tokens $0.001500 req_1\n"
    )


async def test_text_of_who_was_turned_away() -> None:
    """
    Also where nobody was asked.
    """
    line = await written(
        away(path="", code="route_not_found", status=404), is_text=True
    )

    assert line == b"22:13:20.500 404 POST - route_not_found 0 ms req_2\n"


async def test_lines_are_written_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Many rows are few writes, each of whole lines.
    """
    writes: list[bytes] = []

    class File(io.BytesIO):
        def write(self, data: Any) -> int:
            writes.append(bytes(data))
            return len(data)

    log = AccessLog(LogOutput(File(), is_text=False))
    for _ in range(1200):
        log.turned_away(away())
    log.start()
    await log.stop()

    assert [data.count(b"\n") for data in writes] == [500, 500, 200]


async def test_writes_without_being_stopped() -> None:
    """
    Rows are written soon, without another event.
    """
    came = threading.Event()

    class File(io.BytesIO):
        def write(self, data: Any) -> int:
            came.set()
            return len(data)

    log = AccessLog(LogOutput(File(), is_text=False))
    log.start()

    for _ in range(2):  # also after the writer has slept
        came.clear()
        log.turned_away(away())
        assert came.wait(2)

    await log.stop()


async def test_a_loss_is_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Rows beyond the bound are lost, not kept; the log says how many.
    """
    told: list[dict[str, Any]] = []
    file = io.BytesIO()
    log = AccessLog(LogOutput(file, is_text=False), waiting=10)
    monkeypatch.setattr(
        access_log.log, "warning", lambda event, **more: told.append(more)
    )

    for _ in range(7):
        log.observe(make())
        log.turned_away(away())
    log.start()
    await log.stop()

    assert log.lost == 4
    assert file.getvalue().count(b"\n") == 10
    assert told == [{"lines": 4, "waiting": 10}]


async def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    """
    Whoever shuts down need not know how far starting came.
    """
    log = AccessLog(LogOutput(io.BytesIO(), is_text=False))

    await log.stop()
    log.start()
    await log.stop()
    await log.stop()


async def test_one_line_for_each_request_over_the_wire(serve: Serve) -> None:
    """
    Answered or turned away, each request leaves exactly one line.
    """
    file = io.BytesIO()
    log = AccessLog(LogOutput(file, is_text=False))
    served = await serve()
    served.gateway.observers.append(log.observe)
    log.start()
    wire = await served.wire()

    await wire.post(headers=JSON + b"X-Request-Id: a\r\nX-Api-Key: canary-9d1\r\n")
    await wire.read()
    await wire.post("/nowhere/canary-9d1")
    await wire.read()
    for turned in served.turned_away:
        log.turned_away(turned)
    await log.stop()

    first, second = map(orjson.loads, file.getvalue().splitlines())
    assert (first["status"], first["bytes_in"], first["bytes_out"]) == (
        200,
        len(BODY),
        len(BODY),
    )
    assert (second["status"], second["method"]) == (404, "POST")
    assert "path" not in second
    assert CANARY.encode() not in file.getvalue()


def test_every_field_is_documented() -> None:
    """
    The table in the module's docstring has a row for each field, in their order.
    """
    documented = re.findall(r"^``(\w+)``", access_log.__doc__ or "", re.MULTILINE)

    assert documented == list(FIELDS)


def test_fields_stand_in_their_order() -> None:
    """
    A line holds documented fields only, in the order of the table.
    """
    full = make(parent=make(id="req_0"), error=Blocked(CANARY))
    lines = [
        list(fields_of(full)),
        list(fields_of_refusal(away(code="not_json", client_request_id="a"), 1.0)),
    ]

    assert set(lines[0]) == set(FIELDS)
    assert lines == [[name for name in FIELDS if name in line] for line in lines]


async def test_the_line_tells_when_it_ended() -> None:
    """
    A line that is made a little later has the time and the duration of the end.
    """
    line = orjson.loads(await written(make(ended_at=11.0)))

    assert line["time"] == "2023-11-14T22:13:19.000Z"
    assert line["duration_ms"] == 1000


async def test_the_line_tells_of_the_moment_of_the_end() -> None:
    """
    What becomes of an exchange after it was observed changes nothing in its line.
    """
    file = io.BytesIO()
    log = AccessLog(LogOutput(file, is_text=False))
    exchange = make()

    log.observe(exchange)
    exchange.status = 500
    log.start()
    await log.stop()

    assert orjson.loads(file.getvalue())["status"] == 200
