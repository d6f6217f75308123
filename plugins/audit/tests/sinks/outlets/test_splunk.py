"""
Splunk's HTTP Event Collector, as its documentation describes it.
"""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from gateway_audit.sinks.outlets.making import make_outlet
from gateway_audit.sinks.settings import sinks_from_json

DECODER = json.JSONDecoder()


def index_of(event):
    told = event["unmapped"]
    return told.get("index", f"#{told.get('tree_size')}")


def objects(body):
    """
    Read JSON objects that follow each other without anything between.
    """
    text, at, found = body.decode(), 0, []
    while at < len(text):
        one, at = DECODER.raw_decode(text, at)
        found.append(one)
    return found


class Splunk:
    """
    The collector with indexer acknowledgement: an ackId counts within its channel, and is told of
    as indexed once.
    """

    def __init__(self, listener):
        self.listener = listener
        self.batches = []
        self.ack_is_on = True
        self.loses = 0
        self.slow_polls = 0
        self.asked = 0
        self.unfit = set()
        self._channels = {}
        listener.usual = self.answer

    @property
    def url(self):
        return self.listener.url

    def indexed(self):
        """
        Tell what is searchable.
        """
        return [index_of(event["event"]) for batch in self.batches for event in batch]

    def answer(self, request, body):
        if request.headers.get("authorization") != "Splunk tok-123":
            return self._say(403, 4, "Invalid token")
        channel = request.headers.get("x-splunk-request-channel")
        if channel is None:
            return self._say(400, 10, "Data channel is missing")
        acks = self._channels.setdefault(channel, {})
        if request.path == "/services/collector/ack":
            return self._tell(acks, json.loads(body)["acks"])
        assert request.path == "/services/collector/event"
        events = objects(body)
        for at, event in enumerate(events):
            if index_of(event["event"]) in self.unfit:
                told = {"text": "Invalid data format", "code": 6}
                return web.json_response(
                    {**told, "invalid-event-number": at}, status=400
                )
        ack_id = len(acks)
        if self.loses:
            self.loses -= 1
            acks[ack_id] = None  # it looked valid, and was lost on the way to the index
        else:
            acks[ack_id] = events
        told = {"text": "Success", "code": 0}
        return web.json_response({**told, "ackId": ack_id} if self.ack_is_on else told)

    def _tell(self, acks, asked):
        self.asked += 1
        told = {}
        for ack_id in asked:
            events = None if self.asked <= self.slow_polls else acks.get(ack_id)
            told[str(ack_id)] = events is not None
            if events is not None:
                self.batches.append(events)
                acks[ack_id] = None
        return web.json_response({"acks": told})

    def _say(self, status, code, text):
        return web.json_response({"text": text, "code": code}, status=status)


@pytest.fixture
def splunk(listener):
    return Splunk(listener)


def outlet_of(yard, splunk, **settings):
    table = {"type": "splunk-hec", "url": splunk.url, "secret": "env.TOKEN", **settings}
    outlet = make_outlet(sinks_from_json({"sink": table})["sink"], yard.way)
    outlet.poll_s = 0.01
    return outlet


async def test_what_is_indexed_is_delivered(yard, signing, splunk):
    """
    Events carry their own time, the log as their source, and the index that was asked for.
    """
    signing.write(2)

    await yard.deliver(yard.ship(outlet=outlet_of(yard, splunk, index="ai_audit")))

    assert splunk.indexed() == [0, 1, "#2"]
    first = splunk.batches[0][0]
    assert (first["time"], first["source"]) == ("1790000000.000", "gw.test/log")
    assert (first["index"], first["sourcetype"]) == ("ai_audit", "gatewright:audit")


async def test_the_cursor_waits_for_the_index(yard, signing, splunk):
    """
    While 200 was answered and nothing is indexed, nothing counts as delivered.
    """
    splunk.slow_polls = 1_000_000
    signing.write(2)
    ship = yard.ship(outlet=outlet_of(yard, splunk))

    async with yard.sailing(ship):
        await yard.until(lambda: splunk.asked >= 3)
        assert ship.document()["lag_entries"] == 2

        splunk.slow_polls = 0
        await yard.until(lambda: ship.is_level)

    assert splunk.indexed() == [0, 1, "#2"]


async def test_what_is_lost_before_the_index_is_sent_again(yard, signing, splunk):
    """
    200 and an ackId that never comes true.
    """
    splunk.loses = 2
    signing.write(3)
    outlet = outlet_of(yard, splunk, ack_timeout_s=0.2)

    await yard.deliver(yard.ship(outlet=outlet))

    assert splunk.indexed() == [0, 1, 2, "#3"]


async def test_many_batches_wait_for_the_index_at_a_time(yard, signing, splunk):
    """
    Others go out meanwhile, as many as the window holds; none is sent twice.
    """
    splunk.slow_polls = 20
    signing.write(1500)
    outlet = outlet_of(yard, splunk)
    outlet.max_records = 100

    await yard.deliver(yard.ship(outlet=outlet))

    sent_before = [path for path in splunk.listener.requests if "event" in path[0].path]
    assert len(sent_before) == 16
    assert sorted(map(str, splunk.indexed())) == sorted(
        map(str, [*range(1500), "#1500"])
    )


async def test_a_batch_with_one_bad_event_loses_that_one_alone(yard, signing, splunk):
    """
    Code 6 refuses the whole request; the others come in, the bad one is counted.
    """
    splunk.unfit = {5}
    signing.write(9)
    ship = yard.ship(outlet=outlet_of(yard, splunk))

    await yard.deliver(ship)

    assert sorted(map(str, splunk.indexed())) == sorted(
        map(str, [*(at for at in range(9) if at != 5), "#9"])
    )
    assert (ship.document()["refused"], ship.document()["last_refused"]) == (1, 5)


async def test_a_busy_server_is_asked_again(yard, signing, splunk):
    """
    503 with code 9, and a poll that fails: neither loses anything.
    """
    busy = {"text": "Server is busy", "code": 9}
    splunk.listener.script = [
        web.json_response(busy, status=503),
        web.json_response({"text": "Success", "code": 0, "ackId": 0}),
        web.Response(status=500),
    ]
    signing.write(1)

    await yard.deliver(yard.ship(outlet=outlet_of(yard, splunk, ack_timeout_s=0.3)))

    assert splunk.indexed() == [0, "#1"]


async def test_a_token_without_acknowledgement_is_told(yard, signing, splunk):
    """
    Nothing counts as delivered until the operator says that 200 is enough.
    """
    splunk.ack_is_on = False
    signing.write(1)
    ship = yard.ship(outlet=outlet_of(yard, splunk))
    await yard.ailing(ship)
    assert "ack: false" in ship.problem

    await yard.deliver(yard.ship(outlet=outlet_of(yard, splunk, ack=False)))

    assert splunk.asked == 0


async def test_a_wrong_token_is_told_by_its_code(yard, signing, splunk):
    """
    403, code 4: an operator can look that up; the token stands nowhere.
    """
    yard.way.secrets._environ = {"TOKEN": "wrong-" + "secret"}
    signing.write(1)
    ship = yard.ship(outlet=outlet_of(yard, splunk))

    await yard.ailing(ship)

    assert ship.problem == "it answered 403, code 4"
