from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.errors import ConfigError, PluginError, Problem
from gateway.plugins import PluginErrors
from gateway.server.launch import (
    Launch,
    check_serving,
    needs_restart,
    problems_of,
)
from gateway.settings import Address, settings_from_dict

DEMO = {"version": 1, "providers": {"demo": {}}}
LOOPBACK = Address("127.0.0.1", 8080)
ANYWHERE = Address("0.0.0.0", 8081)


@pytest.fixture
def pipe():
    """
    Make a pipe by name that holds a text, as a shell's ``<(...)`` does.
    """
    with ExitStack() as stack:

        def make(text: str) -> Path:
            ours, theirs = os.pipe()
            stack.callback(os.close, ours)
            os.write(theirs, text.encode())
            os.close(theirs)
            return Path(f"/dev/fd/{ours}")

        yield make


def gateway_of(**settings) -> Gateway:
    document = settings_from_dict({**DEMO, **settings})
    return Gateway(document, installed=False, environ={})


class TestLaunch:
    def test_survives_the_way_to_another_process(self):
        """
        What a worker is told is what the command line said.
        """
        launch = Launch(
            file=Path("a.yaml"),
            shown=Path("b.yaml"),
            listen=Address("::1", 0),
            admin_listen=LOOPBACK,
            workers=3,
            data_dir=Path("/var/x"),
            log_format="json",
        )

        assert Launch.from_dict(launch.as_dict()) == launch

    def test_stands_above_the_file(self, tmp_path):
        """
        An option of the command line wins over the settings file.
        """
        file = tmp_path / "gateway.yaml"
        file.write_text("version: 1\nserver: {workers: 2, listen: 127.0.0.1:1}\n")

        settings = Launch(file=file, workers=5, log_format="text").settings({})

        assert settings.server.workers == 5
        assert settings.server.log.format == "text"
        assert settings.server.listen == Address("127.0.0.1", 1)

    def test_a_copy_is_called_by_the_name_of_its_original(self, tmp_path):
        """
        Errors and status name the file that people edit.
        """
        copy = tmp_path / "copy.yaml"
        copy.write_text("version: 1\n")

        settings = Launch(file=copy, shown=Path("gateway.yaml")).settings({})

        assert settings.source == Path("gateway.yaml")

    def test_a_pipe_is_read_once_and_kept(self, pipe):
        """
        Settings that were decrypted on the way here are read by every worker and reload.
        """
        launch = Launch(file=pipe("models: {fast: demo/echo}\n")).kept()

        once, again = launch.settings({}), launch.settings({})

        assert list(once.models) == ["fast"]
        assert again == once
        assert once.source == launch.shown

    def test_faults_in_a_pipe_are_told_by_its_name(self, pipe):
        """
        Nobody has heard of where it is kept.
        """
        file = pipe("nothing: 1\n")

        with pytest.raises(ConfigError) as caught:
            Launch(file=file).kept().settings({})

        assert caught.value.problems[0].where == f"{file}:1:1"

    def test_faults_of_the_core_and_of_plugins_are_told_together(self, tmp_path):
        """
        Who mends the ones would only then be told of the others.
        """
        file = tmp_path / "gateway.yaml"
        file.write_text("models: {fast: nowhere/x}\nplugins: {nobodys: {}}\n")

        with pytest.raises(ConfigError) as caught:
            Launch(file=file).settings({})

        places = [(each.path, each.where) for each in caught.value.problems]
        assert places == [
            ("models.fast", f"{file}:1:16"),
            ("plugins.nobodys", f"{file}:2:11"),
        ]

    def test_a_file_is_not_kept(self, tmp_path):
        """
        A reload reads what stands there then.
        """
        file = tmp_path / "gateway.yaml"
        file.write_text("version: 1\n")
        launch = Launch(file=file)

        assert launch.kept() is launch
        assert Launch().kept() == Launch()

    def test_two_listeners_cannot_be_one(self):
        """
        The same address for both is refused by the names of the options.
        """
        launch = Launch(listen=LOOPBACK, admin_listen=LOOPBACK)

        with pytest.raises(ConfigError, match="--listen and --admin-listen"):
            launch.settings({})


class TestCheckServing:
    def test_management_on_the_network_needs_a_token(self):
        """
        A management listener for others without tokens is refused with the remedy.
        """
        gateway = gateway_of(server={"admin_listen": str(ANYWHERE)})

        with pytest.raises(ConfigError, match="no admin token is declared"):
            check_serving(gateway, Launch(), LOOPBACK)

    def test_management_on_the_network_with_a_token(self):
        """
        With a token it may listen anywhere.
        """
        gateway = gateway_of(
            server={"admin_listen": str(ANYWHERE)},
            admin={"oncall": {"secret": "env.X", "role": "admin"}},
        )

        check_serving(gateway, Launch(), LOOPBACK)

    def test_an_address_of_the_command_line_has_no_place_in_the_file(self):
        """
        What came from --listen is not told as if it stood in the settings.
        """
        with pytest.raises(ConfigError) as caught:
            check_serving(gateway_of(), Launch(listen=ANYWHERE), ANYWHERE)

        assert str(caught.value).startswith("0.0.0.0:8081 would let the network spend")

    def test_an_unknown_store_of_secrets_is_told(self):
        """
        A reference whose scheme no plugin brought fails at the start, not at use.
        """
        gateway = gateway_of(admin={"oncall": {"secret": "vault.x", "role": "admin"}})

        with pytest.raises(
            ConfigError, match=r"admin.oncall.secret: no store .* vault"
        ):
            check_serving(gateway, Launch(), LOOPBACK)


class TestProblems:
    def test_every_error_is_taken_apart(self):
        """
        Errors of several plugins are one list.
        """
        config = ConfigError([Problem("a", path="x"), Problem("b", path="y")])
        errors = PluginErrors([config, PluginError("c", plugin="p")])

        told = [str(problem) for problem in problems_of(errors)]

        assert told == ["x: a", "y: b", "plugin p: c"]

    def test_the_text_of_a_strange_error_is_not_told(self):
        """
        What anybody else raised is told by type and place, for it may hold a secret.
        """
        try:
            raise RuntimeError("sk-secret")
        except RuntimeError as exc:
            (problem,) = problems_of(exc)

        assert "sk-secret" not in str(problem)
        assert "RuntimeError at test_launch.py" in str(problem)

    def test_what_the_system_says_is_told(self):
        """
        Its words are its own, and hold no secret.
        """
        (problem,) = problems_of(OSError(errno.EMFILE, "sk-secret", "/sk-secret"))

        assert "Too many open files" in str(problem)
        assert "sk-secret" not in str(problem)

    def test_a_full_disk_is_no_fault_of_the_settings(self):
        """
        It is called so, beside the setting that says where things are kept.
        """
        (problem,) = problems_of(OSError(errno.ENOSPC, "sk-secret", "/sk-secret"))

        assert str(problem).startswith(
            "server.data_dir: what is kept cannot be written: No space left on device"
        )
        assert "sk-secret" not in str(problem)


def test_needs_restart_names_what_a_reload_cannot_change():
    """
    Listeners and the like are told; the rest takes effect at once.
    """
    changed = [
        "models.fast",
        "server.listen",
        "server.log.level",
        "server.max_in_flight",
    ]

    assert needs_restart(changed) == ["server.listen", "server.log.level"]
