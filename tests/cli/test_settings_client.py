from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest

from gateway.cli import settings_client
from gateway.cli.settings_client import RunningSettings, Unreachable, fetch_settings

GOOD = json.dumps({"digest": "d1", "settings": {"version": 1}}).encode()


@attrs.define
class Answering:
    """
    An HTTP server that answers every GET alike and notes who asked.
    """

    server: ThreadingHTTPServer
    status: int = 200
    body: bytes = GOOD
    headers: dict[str, str] = attrs.field(factory=dict)
    asked: list[tuple[str, str | None]] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[Answering]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answering.asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(answering.status)
            for name, value in answering.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answering.body)))
            self.end_headers()
            self.wfile.write(answering.body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        answering = Answering(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield answering
        server.shutdown()
        thread.join()


class TestFetch:
    @pytest.mark.parametrize("end", ["", "/"])
    def test_gives_digest_and_settings(self, gateway, end):
        """
        The token goes along as a bearer token, and the path is that of the API.
        """
        running = fetch_settings(gateway.url + end, "canary-token")

        assert running == RunningSettings(digest="d1", settings={"version": 1})
        assert gateway.asked == [("/api/settings", "Bearer canary-token")]

    def test_goes_without_a_token(self, gateway):
        """
        On loopback a gateway without admin tokens asks for none.
        """
        fetch_settings(gateway.url, None)

        assert gateway.asked == [("/api/settings", None)]

    def test_does_not_ask_a_proxy_for_this_machine(self, gateway, monkeypatch):
        """
        The proxy that the environment names is not between here and here.
        """
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

        assert fetch_settings(gateway.url, None).digest == "d1"

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (401, "answered 401: give --token"),
            (403, "answered 403: give --token"),
            (404, "answered 404: is this the address of its admin listener"),
            (500, "answered 500"),
        ],
    )
    def test_tells_a_refusal_with_its_remedy(self, gateway, status, told):
        """
        What the status means for whoever typed the command.
        """
        gateway.status = status

        with pytest.raises(Unreachable, match=told) as caught:
            fetch_settings(gateway.url, "canary-token")

        assert "canary" not in str(caught.value)

    def test_follows_no_redirect(self, gateway):
        """
        The token stays with whom it was meant for.
        """
        gateway.status = 302
        gateway.headers = {"Location": f"{gateway.url}/elsewhere"}

        with pytest.raises(Unreachable, match="answered 302"):
            fetch_settings(gateway.url, "canary-token")

        assert len(gateway.asked) == 1

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"<html>", "answered no JSON object"),
            (b"[]", "answered no JSON object"),
            (b'{"digest": "d"}', "gave no settings"),
            (b'{"digest": 1, "settings": {}}', "gave no settings"),
        ],
    )
    def test_tells_what_is_no_gateway(self, gateway, body, told):
        """
        Something else on that port is recognised as such.
        """
        gateway.body = body

        with pytest.raises(Unreachable, match=told):
            fetch_settings(gateway.url, None)

    def test_reads_no_endless_answer(self, gateway, monkeypatch):
        """
        More than the cap is not taken.
        """
        monkeypatch.setattr(settings_client, "MAX_ANSWER_BYTES", 10)

        with pytest.raises(Unreachable, match="more than 10 bytes"):
            fetch_settings(gateway.url, None)

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("http://127.0.0.1:1", "cannot be reached"),
            ("file:///etc", "the URL must be an http:// or https:// URL"),
            ("http://user:canary@127.0.0.1", "must not hold a user or password"),
        ],
    )
    def test_tells_why_nobody_answers(self, url, told):
        """
        A closed port and a URL of another kind are told apart.
        """
        with pytest.raises(Unreachable, match=told) as caught:
            fetch_settings(url, None)

        assert "canary" not in str(caught.value)
