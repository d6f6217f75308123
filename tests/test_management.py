from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from gateway.app import Gateway
from gateway.errors import BudgetExceeded, RateLimited
from gateway.management import (
    MAX_CHANGE_BYTES,
    PUBLIC,
    Actor,
    ApiError,
    ApiRoot,
    actor_of,
    change_of,
    error_response,
    introduce,
    json_response,
    may,
    note_change,
    read_json,
    read_time,
)
from gateway.server.application import admin_app, make_runner
from gateway.server.health import Health
from gateway.settings import ServerSettings, settings_from_dict

JSON = {"Content-Type": "application/json"}
ONCALL = Actor(name="oncall", role="admin", peer="127.0.0.1")

Ask = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("GET", "bells:read"),
        ("POST", "bells:write"),
        ("PUT", "bells:write"),
        ("DELETE", "bells:write"),
    ],
)
def test_whoever_reads_reads_and_everybody_else_writes(method, permission):
    """
    A route's permission is its root's word, with the deed that its method means.
    """
    route = ApiRoot("bells").route(method, "/{name}", print, "One bell.")

    assert (route.name, route.permission) == (
        f"{method} /api/bells/{{name}}",
        permission,
    )
    assert (route.handler, route.summary) == (print, "One bell.")


def test_a_route_may_ask_for_another_permission():
    """
    A POST that only reads says so, and so does what is for everybody.
    """
    route = ApiRoot("bells").route("POST", "", print, "Counts.", permission=PUBLIC)

    assert (route.name, route.permission) == ("POST /api/bells", "public")


@pytest.fixture
async def ask():
    """
    Post to a handler that answers with the document that it read.
    """
    gateway = Gateway(settings_from_dict({}), installed=False, environ={})
    limits = ServerSettings(max_body_bytes=1000)

    async def echo(request: web.Request) -> web.Response:
        introduce(request, ONCALL, limits)
        try:
            most = int(request.query.get("most", "5000"))
            return json_response(await read_json(request, max_bytes=most))
        except Exception as exc:  # noqa: BLE001 - as the desk does
            return error_response(exc)

    runner = make_runner(admin_app(Health(), [web.post("/echo", echo)]), gateway)
    async with TestClient(_Served(runner)) as client:

        async def post(body: bytes, query: str = "", **headers: str) -> Any:
            told = {**JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}
            answer = await client.post(f"/echo{query}", data=body, headers=told)
            return answer.status, await answer.json()

        yield post


class _Served(TestServer):
    """
    A test server around a runner of the gateway's own, whose decompression is off.
    """

    def __init__(self, runner: web.BaseRunner) -> None:
        super().__init__(web.Application(), host="127.0.0.1")
        self._made = runner

    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        return self._made


class TestReadJson:
    async def test_reads_a_document(self, ask: Ask):
        """
        What was sent is what the handler gets.
        """
        assert await ask(b'{"name": "a", "of": [1, null]}') == (
            200,
            {"name": "a", "of": [1, None]},
        )

    async def test_reads_what_is_compressed(self, ask: Ask):
        """
        A client may compress.
        """
        body = gzip.compress(b'{"a": 1}')

        assert await ask(body, content_encoding="gzip") == (200, {"a": 1})

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b'{"a":1,"a":2}', b"[" * 200 + b"]" * 200, b"NaN", b"\xff"],
        ids=["empty", "cut", "key-twice", "deep", "no-json", "no-utf8"],
    )
    async def test_refuses_what_is_no_strict_json(self, ask: Ask, body: bytes):
        """
        What two readers could understand differently is a 400 that says why.
        """
        status, told = await ask(body)

        assert (status, told["error"]["code"]) == (400, "invalid_json")
        # A sentence, whatever is wrong.
        assert re.match(
            r"The body is (not |JSON in which |nested )", told["error"]["message"]
        )

    @pytest.mark.parametrize(
        ("query", "size"), [("?most=100", 101), ("", 1001)], ids=["asked", "settings"]
    )
    async def test_is_bounded(self, ask: Ask, query: str, size: int):
        """
        The handler's bound holds, and never goes above the operator's.
        """
        body = b'"' + b"a" * (size - 2) + b'"'

        status, told = await ask(body, query)

        assert (status, told["error"]["code"]) == (413, "body_too_large")

    async def test_is_bounded_after_decompression(self, ask: Ask):
        """
        A small body that grows is refused like a large one.
        """
        body = gzip.compress(b'"' + b"a" * 100_000 + b'"')

        status, _ = await ask(body, content_encoding="gzip")

        assert status == 413


class TestActor:
    def test_is_whoever_was_let_in(self):
        """
        The handler finds the name, the role and the address.
        """
        request = make_mocked_request("GET", "/api/x")
        introduce(request, ONCALL, ServerSettings())

        assert actor_of(request) == ONCALL

    def test_of_a_request_from_elsewhere_is_an_error(self):
        """
        Nobody takes a request for one that was let in.
        """
        with pytest.raises(LookupError):
            actor_of(make_mocked_request("GET", "/api/x"))

    def test_may_what_its_role_may(self):
        """
        A handler can ask for more than its route did; a stranger may nothing.
        """
        viewer = Actor(name="grafana", role="viewer")

        assert ONCALL.may("keys:write")
        assert viewer.may("keys:read")
        assert not viewer.may("keys:write")
        assert not Actor().may("keys:read")
        assert not Actor().is_known

    def test_of_an_unknown_role_may_nothing(self):
        """
        A role without a row has no permission.
        """
        assert not may("intern", "status:read")


class TestChange:
    def test_tells_states_by_their_hashes(self):
        """
        Equal states have equal digests, no state has none, and no value is kept.
        """
        request = make_mocked_request("PUT", "/api/x")
        note_change(request, "keys/a", before={"limit": 1}, after={"limit": 2})
        first = change_of(request)
        note_change(request, "keys/a", before={"limit": 2})
        second = change_of(request)

        assert first is not None
        assert second is not None
        assert first.digests[1] == second.digests[0]
        assert first.digests[0] != first.digests[1]
        assert second.digests[1] == ""

    def test_is_bounded(self):
        """
        It travels in a header between processes.
        """
        request = make_mocked_request("PUT", "/api/x")

        with pytest.raises(ValueError, match=str(MAX_CHANGE_BYTES)):
            note_change(request, "a" * MAX_CHANGE_BYTES)


class TestErrors:
    def rendered(self, error) -> tuple[int, Any, Any]:
        from gateway import codec

        response = error_response(error)
        return response.status, codec.loads(response.body)["error"], response.headers

    def test_carry_status_code_message_and_fields(self):
        """
        An `ApiError` is told with whatever stands beside code and message.
        """
        error = ApiError(409, "name_taken", "There is a key a.", path="name")

        status, told, headers = self.rendered(error)

        assert status == 409
        assert told == {
            "code": "name_taken",
            "message": "There is a key a.",
            "path": "name",
        }
        assert headers["Cache-Control"] == "no-store"

    def test_of_other_classes_keep_their_details(self):
        """
        Details of refusals are for the log; only an `ApiError` tells them.
        """
        error = BudgetExceeded("Spent.", details={"spent_nano": 5})

        status, told, _ = self.rendered(error)

        assert (status, told) == (402, {"code": "budget_exceeded", "message": "Spent."})

    def test_say_when_to_come_back(self):
        """
        Retry-After is in whole seconds, rounded up.
        """
        _, _, headers = self.rendered(RateLimited(retry_after_s=1.2))

        assert headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-12-31", 1_798_675_200.0),
        ("2026-12-31T10:00:00Z", 1_798_711_200.0),
        ("2026-12-31T10:00:00", 1_798_711_200.0),
        ("2026-12-31T12:00:00+02:00", 1_798_711_200.0),
        ("2026-12-31T12:00:00 02:00", 1_798_711_200.0),
    ],
)
def test_a_time_in_a_query_is_read(text, seconds):
    """
    A day, a moment with its zone or in UTC; also where nobody escaped the plus.
    """
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1798711200"])
def test_what_is_no_time_says_how_one_looks(text):
    """
    The sentence goes behind the parameter's name.
    """
    with pytest.raises(ValueError, match="must be a time as 2026-12-31T10:00:00Z"):
        read_time(text)
