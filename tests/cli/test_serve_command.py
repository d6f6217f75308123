from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.serve_command import serve, settings_file
from gateway.server import serve as serving
from gateway.server.launch import Launch
from gateway.settings import Address


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def launched(monkeypatch) -> list[Launch]:
    """
    Note what would be served.
    """
    seen: list[Launch] = []

    def note(launch, environ):
        seen.append(launch)
        return 0

    monkeypatch.setattr(serving, "serve", note)
    return seen


def test_options_become_a_launch(launched):
    """
    Every option reaches the server.
    """
    options = "-c x.yaml --listen [::1]:1 --admin-listen 127.0.0.1:2 --workers 3"
    more = "--data-dir d --log-format json"

    result = CliRunner().invoke(serve, [*options.split(), *more.split()])

    assert result.exit_code == 0, result.output
    assert launched == [
        Launch(
            file=Path("x.yaml"),
            listen=Address("::1", 1),
            admin_listen=Address("127.0.0.1", 2),
            workers=3,
            data_dir=Path("d"),
            log_format="json",
        )
    ]


def test_without_a_file_there_is_none(launched):
    """
    Without -c and gateway.yaml the environment decides.
    """
    CliRunner().invoke(serve, [])

    assert launched == [Launch()]


def test_the_file_here_is_taken():
    """
    gateway.yaml in the current folder is the settings file unless another is named.
    """
    Path("gateway.yaml").write_text("version: 1\n")

    assert settings_file(None) == Path("gateway.yaml")
    assert settings_file(Path("x.yaml")) == Path("x.yaml")


@pytest.mark.parametrize(
    "options",
    [["--listen", "nowhere"], ["--workers", "0"], ["--log-format", "xml"], ["--bogus"]],
    ids=["address", "workers", "format", "option"],
)
def test_wrong_usage_is_2(launched, options):
    """
    What no option takes is told, and nothing is served.
    """
    result = CliRunner().invoke(serve, options)

    assert result.exit_code == 2
    assert launched == []


def test_what_keeps_it_from_starting_is_told(tmp_path):
    """
    Errors are one line each, with their places, and exit 1.
    """
    Path("gateway.yaml").write_text("version: 1\nbogus: 1\nserver: {workers: x}\n")

    result = CliRunner().invoke(serve, [])

    assert result.exit_code == 1
    assert [line.split(" ")[1] for line in result.stderr.splitlines()] == [
        "gateway.yaml:2:1",
        "gateway.yaml:3:19",
    ]


def test_the_network_is_refused_with_the_remedy(monkeypatch):
    """
    An open listener that would spend a key is refused at the start, where no plugin asks who
    calls.
    """
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setattr("gateway.installation.installed_plugins", lambda: ())

    result = CliRunner().invoke(serve, ["--listen", "0.0.0.0:8080"])

    assert result.exit_code == 1
    assert result.stderr == (
        "error: 0.0.0.0:8080 would let the network spend OPENAI_API_KEY: no caller "
        "credential is required. Set plugins.governance.require_key and admin, or "
        "listen on 127.0.0.1\n"
    )
