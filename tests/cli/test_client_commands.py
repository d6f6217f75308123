from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.cli.client_commands import reload, status

STATUS = {
    "version": "1.2",
    "state": "ready",
    "settings": "a" * 64,
    "source": "gateway.yaml",
    "authenticates_callers": False,
    "uptime_s": 7300,
    "in_flight": 2,
    "workers": [
        {
            "index": 0,
            "pid": 7,
            "state": "ready",
            "settings": "a" * 64,
            "uptime_s": 60,
            "in_flight": 2,
        }
    ],
    "processes": [{"name": "ticker", "pid": 8}],
}


@pytest.fixture
def run(api):
    """
    Run a command against the API.
    """

    def run(command, *options):
        return CliRunner().invoke(command, ["--url", api.url, *options])

    return run


class TestStatus:
    def test_tells_people(self, api, run):
        """
        One line for the whole, one for each worker and process.
        """
        api.answers["GET /api/status"] = (200, STATUS)

        result = run(status)

        head, open_door, worker, process = result.stdout.splitlines()
        assert head.startswith(
            "Gatewright 1.2  ready  settings aaaaaaaaaaaa (gateway.yaml)"
        )
        assert "up 2.0 h" in head
        assert "need no credential" in open_door
        assert "worker 0  pid 7  ready" in worker
        assert "process ticker  pid 8" in process

    def test_tells_what_plugins_warn_of(self, api, run):
        """
        A line each, last; a gateway that serves is no fault.
        """
        warnings = ["audit: the disk is nearly full"]
        api.answers["GET /api/status"] = (200, {**STATUS, "warnings": warnings})

        result = run(status)

        assert result.stdout.splitlines()[-1] == (
            "  warning: audit: the disk is nearly full"
        )
        assert result.exit_code == 0

    def test_tells_which_providers_are_cooling(self, api, run):
        """
        For how long, why, by which worker, and for whom.
        """
        place = {
            "provider": "openai",
            "key": None,
            "model": "gpt-5",
            "state": "cooling",
            "left_s": 8.1,
            "why": "status 503",
            "party": "team a",
            "worker": 1,
        }
        api.answers["GET /api/status"] = (200, {**STATUS, "cooling": [place]})

        result = run(status)

        assert result.stdout.splitlines()[-1] == (
            "  provider openai  model gpt-5  cooling down 9 s  status 503  worker 1"
            "  for team a alone"
        )

    def test_tells_programs(self, api, run):
        """
        --json is what the gateway said.
        """
        api.answers["GET /api/status"] = (200, STATUS)

        assert json.loads(run(status, "--json").stdout) == STATUS

    def test_a_gateway_that_drains_is_a_fault(self, api, run):
        """
        Not ready is exit 1, also when quiet.
        """
        api.answers["GET /api/status"] = (200, {**STATUS, "state": "draining"})

        result = run(status, "-q")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "error: the gateway is draining\n"

    def test_nobody_there_is_3(self):
        """
        An unreachable gateway is exit 3, in one line.
        """
        result = CliRunner().invoke(status, ["--url", "http://127.0.0.1:1"])

        assert result.exit_code == 3
        assert len(result.stderr.splitlines()) == 1


class TestReload:
    def test_tells_what_changed(self, api, run):
        """
        The digests, the paths, and what waits for the next start.
        """
        api.answers["POST /api/reload"] = (
            200,
            {
                "before": "a" * 64,
                "after": "b" * 64,
                "changed": ["models.fast", "server.listen"],
                "needs_restart": ["server.listen"],
            },
        )

        result = run(reload)

        assert result.stdout.splitlines() == [
            "settings aaaaaaaaaaaa -> bbbbbbbbbbbb",
            "  models.fast",
            "  server.listen",
            "  server.listen: takes effect at the next start",
        ]

    def test_a_worker_that_differs_is_a_fault(self, api, run):
        """
        A fleet of two minds is exit 1.
        """
        told = {"before": "a", "after": "b", "differing": [{"worker": 1, "why": "no"}]}
        api.answers["POST /api/reload"] = (200, told)

        result = run(reload)

        assert result.exit_code == 1
        assert "worker 1 differs: no" in result.stdout

    def test_a_refusal_lists_every_problem(self, api, run):
        """
        A bad file is exit 1, one line for each problem.
        """
        problems = [{"message": "a", "where": "g:1:1"}, {"message": "b"}]
        error = {"code": "x", "message": "No.", "problems": problems}
        api.answers["POST /api/reload"] = (422, {"error": error})

        result = run(reload)

        assert result.exit_code == 1
        assert result.stderr == "error: g:1:1: a\nerror: b\n"
