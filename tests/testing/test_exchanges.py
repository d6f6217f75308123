from __future__ import annotations

import pytest

from gateway import Identity
from gateway.dialects import core_dialects
from gateway.exchange import AttemptState
from gateway.testing import (
    ManualClock,
    find_dialect,
    make_attempt,
    make_chunk,
    make_exchange,
    make_request,
    make_response,
)

DIALECTS = [dialect.name for dialect in core_dialects()]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_has_a_request_to_begin_with(name):
    """
    Without a body the request is a short greeting that the dialect accepts.
    """
    request = make_request(dialect=name)

    assert request.dialect.name == name
    assert request.model == "m"
    assert [text.value for text in request.texts() if text.value == "hi"] == ["hi"]


def test_a_dialect_that_nobody_speaks_is_named():
    """
    A slip in the name is told with the name.
    """
    with pytest.raises(LookupError, match="klingon"):
        find_dialect("klingon")


def test_a_body_is_taken_as_it_is():
    """
    Bytes are not written anew, so that a test can say exactly what came.
    """
    raw = b'{ "model":"m" , "messages":[{"role":"user","content":"hi"}] }'

    assert make_request(raw).encode() == raw
    assert make_response(b'{ "id":1 }').encode() == b'{ "id":1 }'


def test_a_response_has_the_status_that_it_is_given():
    """
    Errors are made like answers.
    """
    response = make_response({"error": {"message": "no"}}, status=404)

    assert response.status == 404
    assert response.error == "no"


def test_a_chunk_is_read_from_its_frame():
    """
    One frame of a stream, as a provider sends it.
    """
    chunk = make_chunk(b'data: {"choices":[{"index":0,"delta":{"content":"yes"}}]}\n\n')

    assert [text.value for text in chunk.texts()] == ["yes"]


def test_an_exchange_is_what_it_is_told_to_be():
    """
    Headers are found by any spelling, further attributes are taken over.
    """
    clock, who = ManualClock(now=5.0), Identity(key_id="k")

    exchange = make_exchange(
        headers={"X-Word": "w"}, identity=who, clock=clock, peer="::1", dry_run=True
    )

    assert exchange.headers["x-word"] == "w"
    assert exchange.identity is who
    assert exchange.clock.now() == 5.0
    assert exchange.started_at == clock.monotonic()
    assert (exchange.peer, exchange.dry_run) == ("::1", True)


def test_nobody_relays_a_made_exchange():
    """
    What needs a gateway says so, instead of doing nothing.
    """
    with pytest.raises(RuntimeError, match="the gateway relays"):
        make_exchange().forward()


def test_attempts_are_numbered_and_edit_a_copy():
    """
    Each stands on the exchange, and its request can be changed without the caller's.
    """
    exchange = make_exchange()

    make_attempt(exchange)
    second = make_attempt(
        exchange, provider="house", model="big", state=AttemptState.SENT
    )
    second.request.model = "other"

    assert [attempt.number for attempt in exchange.attempts] == [1, 2]
    assert exchange.attempt is second
    assert second.target.name == "house/big"
    assert second.target.dialect == "openai_chat"
    assert second.state is AttemptState.SENT
    assert exchange.request.model == "m"


def test_a_manual_clock_stands_until_it_is_moved():
    """
    Both of its times go on together, by exactly what is said.
    """
    clock = ManualClock(now=100.0)
    before = clock.monotonic()

    assert (clock.now(), clock.monotonic()) == (100.0, before)
    clock.move(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, before + 2.5)
