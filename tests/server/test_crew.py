from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway import Unavailable
from gateway.events import GatewayDraining
from gateway.server.crew import Crew, merge_plugins
from gateway.server.launch import Launch
from gateway.settings import Settings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def crew_of():
    """
    Make a crew of workers that answer as told; a worker that is None is not there.
    """
    folder = Path(tempfile.mkdtemp(prefix="gw-"))
    ending: list[Callable[[], Awaitable[Any]]] = []

    async def make(*workers: dict[str, Any] | None) -> Crew:
        sockets = [folder / f"{index}.sock" for index in range(len(workers))]
        for socket, answers in zip(sockets, workers, strict=True):
            if answers is None:
                continue
            runner = web.AppRunner(_app(answers))
            await runner.setup()
            ending.append(runner.cleanup)
            await web.UnixSite(runner, socket).start()
        crew = Crew(sockets)
        ending.append(crew.close)
        return crew

    yield make
    for end in reversed(ending):
        await end()
    shutil.rmtree(folder)


def _app(answers: dict[str, Any]) -> web.Application:
    app = web.Application()
    for path, document in answers.items():

        async def answer(request, document=document):
            if isinstance(document, web.HTTPException):
                raise document
            return web.json_response(document)

        app.router.add_route("*", path, answer)
    return app


def plugin(**counts: Any) -> dict[str, Any]:
    zero = {"calls": 0, "total_us": 0, "errors": 0, "failed_open": 0, "refused": 0}
    times = {"p50_us": 0.0, "p99_us": 0.0, "last_error": ""}
    return {"name": "x", **zero, **times, **counts}


async def test_finds_a_trace_at_whichever_worker(crew_of):
    """
    Who served it knows it; the others say that they do not.
    """
    path = "/control/traces/req_1"
    crew = await crew_of({path: None}, {path: {"request_id": "req_1"}})

    assert await crew.trace("req_1", "ann") == {"request_id": "req_1"}


async def test_asks_one_worker_what_nobody_remembers(crew_of):
    """
    What is kept for good every worker can find, so one is asked.
    """
    traces, recall = "/control/traces/req_1", "/control/recall/req_1"
    crew = await crew_of(None, {traces: None, recall: {"request_id": "req_1"}})

    assert await crew.trace("req_1", "ann") == {"request_id": "req_1"}


async def test_speaks_for_those_that_are_there(crew_of):
    """
    A worker that is gone does not keep the others from answering.
    """
    path = "/control/status"
    crew = await crew_of(None, {path: {"pid": 1}})

    assert await crew.statuses() == {1: {"pid": 1}}


async def test_asks_the_next_where_the_first_is_gone(crew_of):
    """
    What one worker can answer is answered as long as there is one.
    """
    from gateway.server.explaining import Ask

    crew = await crew_of(None, {"/control/explain": {"dry_run": True}})

    assert await crew.explain(Ask(request=b"{}")) == {"dry_run": True}


async def test_nobody_there_is_told(crew_of):
    """
    Without any worker the answer is 503, to be tried again.
    """
    from gateway.server.explaining import Ask

    crew = await crew_of(None)

    with pytest.raises(Unavailable, match="No worker answers"):
        await crew.explain(Ask(request=b"{}"))


async def test_an_event_that_nobody_takes_is_no_failure(crew_of):
    """
    Publishing never fails whoever publishes.
    """
    crew = await crew_of(None)

    await crew.publish(GatewayDraining(at=0.0))


async def test_an_event_that_somebody_waits_for_must_be_taken(crew_of):
    """
    What nobody heard of is not settled, and whoever waits is told.
    """
    crew = await crew_of(None)

    with pytest.raises(Unavailable, match="No worker answers"):
        await crew.tell(GatewayDraining(at=0.0))


async def test_says_who_works_at_which_provider(crew_of):
    """
    Health is each worker's own, and says whose.
    """
    path = "/control/health"
    crew = await crew_of({path: [{"provider": "a"}]}, {path: [{"provider": "a"}]})

    assert [place["worker"] for place in await crew.health()] == [0, 1]


async def test_a_worker_that_cannot_objects(crew_of):
    """
    One that read something else, one that failed and one that is gone are all told.
    """
    path = "/control/settings/try"
    crew = await crew_of(
        {path: {"digest": "good"}},
        {path: {"digest": "other"}},
        {path: web.HTTPInternalServerError()},
        None,
    )

    problems = await crew.objections(Launch(), Settings(digest="good"))

    assert ["worker 1" in str(p) for p in problems] == [True, False, False]
    assert "worker 2" in str(problems[1])
    assert "worker 3" in str(problems[2])


def test_merging_sums_counts_and_keeps_the_slowest():
    """
    Two workers' lines on one plugin become one.
    """
    first = [plugin(calls=2, errors=1, p99_us=5.0, last_error="E")]
    second = [plugin(calls=3, p99_us=9.0)]

    (merged,) = merge_plugins([first, second])

    assert (merged["calls"], merged["errors"]) == (5, 1)
    assert (merged["p99_us"], merged["last_error"]) == (9.0, "E")
