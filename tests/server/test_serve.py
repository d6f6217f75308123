from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from gateway.app import Gateway
from gateway.errors import ConfigError
from gateway.server.launch import Launch
from gateway.server.serve import Signals, note_hangups, prepare
from gateway.settings import Address
from gateway.testing import FakeUpstream, Script

ROOT = Path(__file__).resolve().parent.parent.parent


def settings_with(fake: FakeUpstream, drain_timeout_s: float = 20) -> str:
    """
    Write settings with one provider, the fake one.
    """
    return (
        "version: 1\n"
        "providers:\n"
        f"  slow: {{type: openai-compatible, base_url: {fake.openai_url}, auth: none}}\n"
        f"server: {{drain_timeout_s: {drain_timeout_s}}}\n"
    )


def stream_of(fake: FakeUpstream) -> dict:
    return {
        "model": "slow/any",
        "stream": True,
        "messages": [{"role": "user", "content": "hi"}],
    }


def read_until(terminal: int, wanted: bytes) -> bytes:
    """
    Read what a program writes to its terminal, until it has said something.
    """
    seen = b""
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen


class TestServe:
    def test_answers_a_request_and_ends_well(self, run_serve):
        """
        It says where it serves on one line of JSON, answers there, and ends with 0.
        """
        serving = run_serve()

        answer = serving.call(
            "/v1/chat/completions",
            {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]},
        )

        assert serving.started["event"] == "started"
        assert serving.started["pid"] == serving.pid
        assert answer.json["choices"][0]["message"]["content"]
        assert serving.end() == 0

    def test_what_it_keeps_is_for_nobody_else_on_the_machine(self, run_serve, tmp_path):
        """
        Folders that are made on the way to a deeper one among it.
        """
        settings = (
            "version: 1\nproviders: {demo: {}}\n"
            f"server: {{data_dir: {tmp_path}/kept/here}}\n"
            "plugins: {audit: {}}\n"
        )
        serving = run_serve(settings=settings)
        serving.end()

        kept = [tmp_path / "kept", *(tmp_path / "kept").rglob("*")]
        open_to_others = [str(path) for path in kept if path.stat().st_mode & 0o077]

        assert tmp_path / "kept" / "here" / "audit" in kept
        assert open_to_others == []

    def test_management_shares_the_port_where_none_is_set(self, run_serve):
        """
        Without admin_listen the callers' port answers /api, for this machine.
        """
        serving = run_serve()

        status = serving.call("/api/status")

        assert serving.started["admin"] == serving.started["calls"]
        assert status.json["state"] == "ready"

    def test_management_has_a_listener_of_its_own(self, run_serve):
        """
        With admin_listen, /api is there, and not where callers come in.
        """
        serving = run_serve("--admin-listen", "127.0.0.1:0")

        assert serving.admin("/api/status").status == 200
        assert serving.call("/api/status").status == 404

    def test_finishes_a_running_stream_before_it_ends(self, run_serve):
        """
        SIGTERM lets a stream under way come to its own end, and refuses new callers.
        """
        script = Script(text="one two three", split=3, event_latency_ms=150)
        with FakeUpstream.in_thread(default=script) as fake:
            serving = run_serve(settings=settings_with(fake))
            with serving.open("/v1/chat/completions", stream_of(fake)) as answer:
                first = answer.readline()
                serving.signal(signal.SIGTERM)
                rest = answer.read()
            code = serving.process.wait(60)

        assert first.startswith(b"data: ")
        assert rest.rstrip().endswith(b"data: [DONE]")
        assert code == 0
        with pytest.raises(ConnectionRefusedError):
            serving.call("/readyz")

    def test_a_stream_that_takes_too_long_ends_with_an_error_event(self, run_serve):
        """
        After drain_timeout_s a stream is ended in its dialect's words, and the exit is 0.
        """
        script = Script(text="one two three", split=3, stall_after=2)
        with FakeUpstream.in_thread(default=script) as fake:
            serving = run_serve(settings=settings_with(fake, drain_timeout_s=0.2))
            with serving.open("/v1/chat/completions", stream_of(fake)) as answer:
                answer.readline()
                serving.signal(signal.SIGTERM)
                rest = answer.read()
            code = serving.process.wait(60)

        events = [line[6:] for line in rest.splitlines() if line.startswith(b"data: {")]
        assert "error" in json.loads(events[-1])
        assert code == 0

    def test_a_second_signal_ends_it_at_once(self, run_serve):
        """
        Who asks twice does not wait for streams.
        """
        script = Script(text="one two three", split=3, stall_after=2)
        with FakeUpstream.in_thread(default=script) as fake:
            serving = run_serve(settings=settings_with(fake))
            with serving.open("/v1/chat/completions", stream_of(fake)) as answer:
                answer.readline()
                serving.signal(signal.SIGTERM)
                serving.until(lambda: "ending" in serving.log.read_text())
                serving.signal(signal.SIGTERM)
                code = serving.process.wait(60)

        assert code == -signal.SIGTERM

    def test_hang_up_reads_the_settings_again(self, run_serve, tmp_path):
        """
        SIGHUP puts a changed file in force without a restart.
        """
        serving = run_serve()
        new = "version: 1\nproviders: {demo: {}}\nmodels: {fast: demo/echo}\n"
        (tmp_path / "gateway.yaml").write_text(new)

        serving.signal(signal.SIGHUP)

        def fast_is_there() -> bool:
            models = serving.call("/api/models").json["models"]
            return "fast" in [model["id"] for model in models]

        serving.until(fast_is_there)

    def test_a_bad_file_changes_nothing_and_says_why(self, run_serve, tmp_path):
        """
        A reload of a broken file is 422 with each problem's place; what was in force stays.
        """
        serving = run_serve()
        before = serving.call("/api/status").json["settings"]
        bad = "version: 1\nproviders: {demo: {}}\nmodels: {fast: nowhere/x}\nbogus: 1\n"
        (tmp_path / "gateway.yaml").write_text(bad)

        answer = serving.call("/api/reload", {})

        assert answer.status == 422
        places = [problem["where"] for problem in answer.json["error"]["problems"]]
        assert [place.rsplit("gateway.yaml", 1)[1] for place in places] == [
            ":3:16",
            ":4:1",
        ]
        assert serving.call("/api/status").json["settings"] == before
        assert serving.ask()

    @pytest.mark.parametrize("text", ["", "\n# all gone\n", "---\n"])
    def test_an_empty_file_is_not_reloaded(self, run_serve, tmp_path, text):
        """
        Who truncates the file, or is in the middle of writing it, takes nothing away.
        """
        serving = run_serve()
        before = serving.call("/api/status").json["settings"]
        (tmp_path / "gateway.yaml").write_text(text)

        answer = serving.call("/api/reload", {})

        assert answer.status == 422
        assert "is empty" in answer.json["error"]["message"]
        assert serving.call("/api/status").json["settings"] == before

    def test_settings_from_a_pipe_reach_every_worker(self, run_serve, tmp_path):
        """
        Whatever decrypts them on the way; a reload finds what was read at the start.
        """
        pipe = tmp_path / "settings"
        os.mkfifo(pipe)
        told = (
            "{version: 1, providers: {demo: {}}, models: {fast: demo/echo},"
            " hooks: {disabled: [audit, caching, governance, guardrails]}}"
        )
        writing = Thread(target=pipe.write_text, args=(told,), daemon=True)
        writing.start()
        serving = run_serve("-c", str(pipe), "--workers", "2")
        writing.join(60)

        report = serving.call("/api/reload", {}).json

        status = serving.call("/api/status").json
        assert report["before"] == report["after"]
        assert [one["settings"] for one in status["workers"]] == [report["after"]] * 2

    def test_tells_no_secret_of_its_environment(self, run_serve):
        """
        A provider's key stands neither in the settings shown nor in the log.
        """
        canary = "sk-canary-0123456789abcdef"
        settings = (
            "version: 1\nproviders: {openai: {keys: {main: env.OPENAI_API_KEY}}}\n"
        )
        serving = run_serve(settings=settings, environ={"OPENAI_API_KEY": canary})

        shown = serving.call("/api/settings").body + serving.call("/api/providers").body

        assert b"env.OPENAI_API_KEY" in shown
        assert canary.encode() not in shown
        assert canary not in serving.log.read_text()

    def test_nothing_but_the_line_goes_to_the_standard_output(self, run_serve):
        """
        Logs go to the standard error, so that a program can read the one line.
        """
        serving = run_serve()
        serving.ask()

        serving.end()

        assert serving.process.stdout.read() == b""
        assert '"event":"request"' in serving.log.read_text()

    def test_tells_people_in_words(self, tmp_path):
        """
        On a terminal there is a banner, with something to try, instead of JSON.
        """
        ours, terminal = pty.openpty()
        command = [sys.executable, "-m", "gateway.cli.program", "serve"]
        with subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0"],
            stdout=terminal,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
        ) as serving:
            os.close(terminal)
            try:
                seen = read_until(ours, b"  try ")
            finally:
                serving.terminate()
                ended = serving.wait(60)
        os.close(ours)

        assert b"no gateway.yaml here: nothing is enforced" in seen
        assert ended == 0


class TestPrepare:
    def test_refuses_the_network_while_nothing_authenticates(self, monkeypatch):
        """
        Another address than this machine's is refused with what is at stake and a remedy.
        """
        monkeypatch.setattr("gateway.installation.installed_plugins", lambda: ())
        launch = Launch(listen=Address("0.0.0.0", 0))

        with pytest.raises(
            ConfigError, match="would let the network spend OPENAI_API_KEY"
        ):
            prepare(launch, {"OPENAI_API_KEY": "k"})

    def test_a_gateway_that_will_not_listen_is_not_checked_for_it(self):
        """
        A dry run on the command line may use settings that this machine cannot serve by.
        """
        launch = Launch(listen=Address("0.0.0.0", 0))

        gateway = prepare(launch, os.environ, serving=False)

        assert isinstance(gateway, Gateway)


async def test_a_hang_up_that_came_too_early_is_heeded_later():
    """
    SIGHUP while it starts neither ends it nor is forgotten: the settings are read once more.
    """
    reloads = []

    async def reload() -> None:
        reloads.append("reload")

    note_hangups()
    os.kill(os.getpid(), signal.SIGHUP)
    signals = Signals()
    try:
        signals.reload_by(reload)
        await asyncio.sleep(0)
    finally:
        signals.close()
        note_hangups()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    assert reloads == ["reload"]
