from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.explain_command import explain

REQUEST = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """
    Work in a folder with one request and settings of its own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWRIGHT_URL", raising=False)
    Path("gateway.yaml").write_text(
        "version: 1\nproviders: {demo: {}}\nhooks: {only: []}\n"
    )
    Path("request.json").write_text(json.dumps(REQUEST))


class TestHere:
    def test_runs_a_file_dry(self):
        """
        A request in a file is decided on without a gateway that runs.
        """
        result = CliRunner().invoke(explain, ["request.json", "--json"])

        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["dry_run"] is True
        assert [target["target"] for target in told["targets"]] == ["demo/echo"]

    def test_reads_the_standard_input(self):
        """
        - is the standard input.
        """
        result = CliRunner().invoke(explain, ["-"], input=json.dumps(REQUEST))

        assert result.stdout.startswith("would be served")

    def test_a_request_that_would_be_refused_is_a_fault(self):
        """
        Exit 1, and why.
        """
        Path("request.json").write_text('{"model":"bogus","messages":[]}')

        result = CliRunner().invoke(explain, ["request.json"])

        assert result.exit_code == 1
        assert "404 model_not_found" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["missing.json"], 2),
            (["request.json", "-H", "no header"], 2),
            (["request.json", "--path", "/nowhere"], 1),
        ],
        ids=["no-file", "no-header", "no-path"],
    )
    def test_what_cannot_be_asked_is_told(self, arguments, code):
        """
        One line on the standard error, never a traceback.
        """
        result = CliRunner().invoke(explain, arguments)

        assert result.exit_code == code
        assert "Error" in result.stderr


class TestThere:
    def test_asks_with_everything(self, api):
        """
        Path, key, headers and request reach the gateway that runs.
        """
        api.answers["POST /api/explain"] = (200, {"dry_run": True, "trail": []})
        options = ["--path", "/v1/messages", "--key", "bob", "-H", "X-Team: blue"]

        CliRunner().invoke(explain, ["request.json", "--url", api.url, *options])

        assert api.asked[0][2] == {
            "path": "/v1/messages",
            "key": "bob",
            "headers": {"X-Team": "blue"},
            "request": REQUEST,
        }

    def test_finds_a_recent_request(self, api):
        """
        An id is looked up; a request that was refused is exit 1.
        """
        trace = {"request_id": "req_1", "status": 402, "code": "budget_exceeded"}
        api.answers["GET /api/explain/req_1"] = (200, trace)

        result = CliRunner().invoke(explain, ["req_1", "--url", api.url])

        assert result.exit_code == 1
        assert result.stdout.startswith("402 budget_exceeded")
