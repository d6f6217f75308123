"""
The command that serves a fake upstream to other processes.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import urllib.request

import orjson
import pytest
from click.testing import CliRunner

from gateway.testing import FakeUpstream
from gateway.testing.fake_command import fake_upstream_command

RUN = "from gateway.testing.fake_command import fake_upstream_command as run; run()"


@contextlib.contextmanager
def running(*options):
    """
    Run the command; yields its first line, read.
    """
    command = [sys.executable, "-c", RUN, "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server, orjson.loads(server.stdout.readline())
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)


def ask(url, body, **headers):
    headers = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url, orjson.dumps(body), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def chat(model="gpt-x", **fields):
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}


def test_serves_until_it_is_told_to_stop(tmp_path):
    """
    It tells where it listens, answers by options and file, and leaves with 0.
    """
    scripts = tmp_path / "scripts.json"
    scripts.write_text('{"other": {"text": "from the file"}}')

    with running("--text", "from the option", "--scripts", str(scripts)) as (
        server,
        where,
    ):
        url = f"{where['openai_url']}/chat/completions"
        one = ask(url, chat())
        other = ask(url, chat("other"))
        bill = orjson.loads(urllib.request.urlopen(f"{where['url']}/_fake/bill").read())

    assert b"from the option" in one
    assert b"from the file" in other
    assert bill["charges"] == 2
    assert server.returncode == 0


def test_cuts_streams_as_asked():
    """
    Options decide how many pieces a text has.
    """
    with running("--text", "abcdef", "--events", "3", "--canned") as (_, where):
        raw = ask(f"{where['openai_url']}/chat/completions", chat(stream=True))

    assert raw.count(b'"content":"') == 4  # the role's empty one, and three


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "nowhere"], "is not HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["--events", "0"], "--events"),
        (["--scripts", "/does/not/exist"], "does not exist"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options, said):
    """
    The message names the option, and the code is that of wrong usage.
    """
    done = CliRunner().invoke(fake_upstream_command, options)

    assert done.exit_code == 2
    assert said in done.output


def test_a_broken_file_is_told(tmp_path):
    """
    A fault in the scripts is named before anything listens.
    """
    path = tmp_path / "scripts.json"
    path.write_text('{"m": {"txet": "hi"}}')

    done = CliRunner().invoke(fake_upstream_command, ["--scripts", str(path)])

    assert done.exit_code == 2
    assert "txet" in done.output


def test_an_address_in_use_is_told():
    """
    The error names the address.
    """
    with FakeUpstream.in_thread() as other:
        listen = f"127.0.0.1:{other.port}"
        done = CliRunner().invoke(fake_upstream_command, ["--listen", listen])

    assert done.exit_code == 1
    assert f"cannot listen on {listen}" in done.output
