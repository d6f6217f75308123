"""
Elasticsearch's bulk API, as its documentation describes it.
"""

from __future__ import annotations

import json

import pytest
from aiohttp import web


class Elastic:
    """
    An index: documents by their ids; what *verdicts* has for an id is said before it is taken.
    """

    def __init__(self, listener):
        self.listener = listener
        self.documents = {}
        self.verdicts = {}
        self.bulks = []
        listener.usual = self.answer

    def answer(self, request, body):
        assert request.path == "/_bulk"
        assert request.content_type == "application/x-ndjson"
        assert request.headers["authorization"] == "ApiKey tok-123"
        assert body.endswith(b"\n")
        lines = [json.loads(line) for line in body.splitlines()]
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        self.bulks.append([action["create"]["_id"] for action, _ in pairs])
        items = [self._create(action["create"], told) for action, told in pairs]
        errors = any("error" in item["create"] for item in items)
        return web.json_response({"took": 1, "errors": errors, "items": items})

    def _create(self, action, document):
        name = action["_id"]
        said = self.verdicts.get(name)
        if said:
            status, error = said.pop(0)
        elif name in self.documents:
            status, error = 409, "version_conflict_engine_exception"
        else:
            self.documents[name] = document
            status, error = 201, None
        item = {"_index": action["_index"], "_id": name, "status": status}
        if error:
            item["error"] = {"type": error, "reason": "…"}
        return {"create": item}


@pytest.fixture
def elastic(listener):
    return Elastic(listener)


def settings_of(elastic, **more):
    return {
        "type": "elastic",
        "url": elastic.listener.url,
        "secret": "env.TOKEN",
        **more,
    }


def named(*places):
    return {f"gw.test/log-{place}" for place in places}


async def test_each_record_is_a_document_under_its_own_id(yard, signing, elastic):
    """
    With the time that a data stream asks for.
    """
    signing.write(2)

    await yard.deliver(yard.ship(**settings_of(elastic)))

    assert set(elastic.documents) == named(0, 1, "checkpoint-2")
    first = elastic.documents["gw.test/log-0"]
    assert first["@timestamp"] == "2026-09-21T14:13:20.000Z"
    assert first["class_uid"] == 6003


async def test_what_is_there_already_is_delivered(yard, signing, elastic):
    """
    409 for a document: another try brought it before.
    """
    signing.write(2)
    elastic.documents = {"gw.test/log-0": {"older": True}}
    ship = yard.ship(**settings_of(elastic))

    await yard.deliver(ship)

    assert elastic.documents["gw.test/log-0"] == {"older": True}
    assert ship.document()["delivered"] == 3
    assert len(elastic.bulks) == 1


async def test_what_was_not_taken_is_asked_for_again_alone(yard, signing, elastic):
    """
    The answer is 200, and one item of it 429, another 503: the others are not sent twice.
    """
    signing.write(4)
    elastic.verdicts = {
        "gw.test/log-1": [(429, "es_rejected_execution_exception")] * 2,
        "gw.test/log-3": [(503, "unavailable_shards_exception")],
    }

    await yard.deliver(yard.ship(**settings_of(elastic)))

    assert set(elastic.documents) == named(0, 1, 2, 3, "checkpoint-4")
    assert [len(bulk) for bulk in elastic.bulks] == [5, 2, 1]


async def test_a_document_that_does_not_fit_is_counted(yard, signing, elastic):
    """
    It will not fit later either: the others go on, and the status says which.
    """
    signing.write(3)
    elastic.verdicts = {
        "gw.test/log-1": [(400, "document_parsing_exception")],
        "gw.test/log-2": [(429, "es_rejected_execution_exception")],
    }
    ship = yard.ship(**settings_of(elastic))

    await yard.deliver(ship)

    assert set(elastic.documents) == named(0, 2, "checkpoint-3")
    told = ship.document()
    assert (told["refused"], told["last_refused"], told["delivered"]) == (1, 1, 3)


async def test_an_error_that_is_not_the_documents_fault_waits(yard, signing, elastic):
    """
    400 for another reason, 403, 404: the index is not what it should be; nothing is passed over.
    """
    signing.write(1)
    errors = [
        (400, "illegal_argument_exception"),
        (403, "cluster_block_exception"),
        (404, "index_not_found_exception"),
    ]
    elastic.verdicts = {name: list(errors) for name in named(0, "checkpoint-1")}

    await yard.deliver(yard.ship(**settings_of(elastic)))

    assert set(elastic.documents) == named(0, "checkpoint-1")
    assert len(elastic.bulks) == 4


async def test_an_answer_that_tells_nothing_counts_for_nothing(yard, signing, elastic):
    """
    200 without items, or with fewer than were sent.
    """
    signing.write(1)
    elastic.listener.script = [
        web.json_response({"took": 1, "errors": False}),
        web.json_response({"items": [{"create": {"status": 201}}]}),
        web.Response(text="not json"),
    ]

    await yard.deliver(yard.ship(**settings_of(elastic)))

    assert set(elastic.documents) == named(0, "checkpoint-1")
