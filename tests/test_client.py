from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from gateway.client import (
    Client,
    Rejected,
    Unreachable,
    ago,
    client_options,
    print_table,
    write_json,
)


def test_sends_the_token_and_reads_the_answer(api):
    """
    The token goes as a bearer, and the answer's object comes back.
    """
    api.answers["GET /api/status"] = (200, {"state": "ready"})

    assert Client(api.url, "secret").get("/api/status") == {"state": "ready"}
    assert api.asked[0][1]["Authorization"] == "Bearer secret"


def test_posts_json(api):
    """
    What is posted says that it is JSON: other types are refused there.
    """
    api.answers["POST /api/x"] = (200, {})

    Client(f"{api.url}/").post("/api/x", {"a": 1})

    route, headers, body = api.asked[0]
    assert (route, headers["Content-Type"], body) == (
        "POST /api/x",
        "application/json",
        {"a": 1},
    )


def test_request_ids_cannot_leave_their_path(api):
    """
    Whatever is given as an id stays one step of the path.
    """
    with pytest.raises(Unreachable):
        Client(api.url).trace("../settings")

    assert api.asked[0][0] == "GET /api/explain/..%2Fsettings"


def test_a_no_is_told_in_the_gateways_words(api):
    """
    Code 1, with every problem on a line of its own.
    """
    problem = {"message": "bad", "path": "models.x", "where": "g.yaml:1:2"}
    error = {"code": "settings_rejected", "message": "No.", "problems": [problem]}
    api.answers["POST /api/reload"] = (422, {"error": error})

    with pytest.raises(Rejected) as caught:
        Client(api.url).post("/api/reload", {})

    assert caught.value.exit_code == 1
    assert caught.value.problems == ("g.yaml:1:2 models.x: bad",)


def test_a_missing_token_is_told_with_the_remedy(api):
    """
    401 says how to give one.
    """
    api.answers["GET /api/x"] = (
        401,
        {"error": {"code": "x", "message": "Token needed."}},
    )

    with pytest.raises(Rejected, match="Give --token or GATEWRIGHT_TOKEN"):
        Client(api.url).get("/api/x")


@pytest.mark.parametrize(
    ("status", "document"),
    [(200, []), (200, b"<html>"), (404, b"no"), (302, {})],
    ids=["no-object", "no-json", "plain-404", "redirect"],
)
def test_what_is_no_gateway_is_unreachable(api, status, document):
    """
    Somebody else's server is no gateway; the token follows no redirect.
    """
    api.answers["GET /api/x"] = (status, document)

    with pytest.raises(Unreachable) as caught:
        Client(api.url).get("/api/x")

    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "file:///etc/passwd", "nowhere"], ids=str
)
def test_nobody_there_is_unreachable(url):
    """
    A port without a listener and a URL that is none are exit 3.
    """
    with pytest.raises(Unreachable):
        Client(url).get("/api/status")


def test_what_is_put_and_deleted_goes_by_its_method(api):
    """
    Both bring JSON: other types are refused there, even with nothing to say.
    """
    api.answers["PUT /api/x"] = api.answers["DELETE /api/x"] = (200, {"ok": True})

    answers = [
        Client(api.url).put("/api/x", {"a": 1}),
        Client(api.url).delete("/api/x"),
    ]

    assert answers == [{"ok": True}] * 2
    assert [(route, body) for route, _, body in api.asked] == [
        ("PUT /api/x", {"a": 1}),
        ("DELETE /api/x", {}),
    ]


def test_parameters_are_written_so_that_none_becomes_another(api):
    """
    What is None is left out, and what would end a parameter is escaped.
    """
    api.answers["GET /api/x?search=a%26b"] = (200, {})

    Client(api.url).get("/api/x", {"search": "a&b", "limit": None})

    assert api.asked[0][0] == "GET /api/x?search=a%26b"


def test_commands_that_ask_take_the_same_options():
    """
    Where to ask, with what token, as JSON or not, and quietly.
    """

    @click.command()
    @client_options
    def bells(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
        write_json([url, token, as_json, quiet])

    told = CliRunner().invoke(bells, "--url http://gw --token t --json -q".split())

    assert told.stdout == '["http://gw","t",true,true]\n'


class TestPrintTable:
    def test_stands_in_columns(self, capsys):
        """
        Words begin and numbers end at the same place; a fraction is no longer than it says.
        """
        print_table(
            ("name", "at", "count", "share"),
            [("a", "2026-11-28 10:00", 7, 0.5), ("longer", "", 1200, 2 / 3)],
        )

        assert capsys.readouterr().out == (
            "name    at                count     share\n"
            "a       2026-11-28 10:00      7       0.5\n"
            "longer  -                  1200  0.666667\n"
        )

    def test_what_is_missing_is_a_dash(self, capsys):
        """
        No cell is blank, so that columns can be told apart by white space; a missing number
        leaves its column one of numbers.
        """
        print_table(("a", "b", "c"), [(None, 100, ""), ("x", None, "y")])

        assert capsys.readouterr().out == "a    b  c\n-  100  -\nx    -  y\n"

    def test_no_rows_are_told_in_a_word(self, capsys):
        """
        A head over nothing would look like a fault.
        """
        print_table(("a", "b"), [])

        assert capsys.readouterr().out == "none\n"

    def test_does_nothing_to_the_terminal(self, capsys):
        """
        Names are somebody else's: an escape in one is shown, not obeyed.
        """
        print_table(("name",), [("\x1b[2Jbell\a\n",)])

        assert capsys.readouterr().out == "name\n?[2Jbell??\n"


def test_how_long_ago_is_told_as_a_time():
    """
    An hour is one of now; what was before all clocks is their first second.
    """
    hour = datetime.now(UTC) - datetime.fromisoformat(ago("1h"))

    assert 3600 <= hour.total_seconds() < 3660
    assert ago("99999d") == "1970-01-01T00:00:00.000Z"


def test_help_names_the_variables_that_may_stand_for_options():
    """
    A token need not be typed where others of the machine see it.
    """
    told = (
        CliRunner()
        .invoke(click.command()(client_options(lambda: None)), ["--help"])
        .output
    )

    assert "env var: GATEWRIGHT_URL" in told
    assert "GATEWRIGHT_TOKEN" in told
