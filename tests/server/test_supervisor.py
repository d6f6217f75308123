from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import attrs
import pytest

from gateway.errors import ConfigError, Unavailable
from gateway.server.launch import Launch
from gateway.server.management import SettingsRejected
from gateway.server.serve import prepare
from gateway.server.sockets import address_of, bind
from gateway.server.supervisor import Supervisor
from gateway.settings import Address

GOOD = "version: 1\nproviders: {demo: {}}\nserver: {workers: 2}\n"


@pytest.fixture
async def supervise(tmp_path):
    """
    Start supervisors that end with the test.
    """
    folder = Path(tempfile.mkdtemp(prefix="gw-"))
    file = tmp_path / "gateway.yaml"
    file.write_text(GOOD)
    reserved = bind(Address("127.0.0.1", 0), is_shared=True)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    launch = Launch(file=file)
    made = Supervisor(
        prepare(launch, environ),
        launch,
        environ,
        listen=address_of(reserved),
        folder=folder,
        is_shared=False,
    )
    yield made
    await made.stop()
    reserved.close()
    shutil.rmtree(folder)


async def test_nobody_is_asked_before_the_start(supervise):
    """
    Who asks too early is told to try again.
    """
    with pytest.raises(Unavailable):
        await supervise.status()


async def test_reports_every_worker(supervise):
    """
    Status names each worker, and the supervisor.
    """
    await supervise.start()

    told = await supervise.status()

    assert [worker["state"] for worker in told["workers"]] == ["ready", "ready"]
    assert told["supervisor"] == os.getpid()


async def test_reload_is_all_or_none(supervise, tmp_path):
    """
    Good settings reach every worker; bad ones none, and the supervisor keeps its own.
    """
    await supervise.start()
    file = tmp_path / "gateway.yaml"
    file.write_text(f"{GOOD}models: {{fast: demo/echo}}\n")
    report = await supervise.reload("oncall")
    file.write_text(f"{GOOD}models: {{fast: nowhere/echo}}\n")

    with pytest.raises(SettingsRejected):
        await supervise.reload("oncall")

    workers = (await supervise.status())["workers"]
    assert [worker["settings"] for worker in workers] == [report["after"]] * 2
    assert supervise.settings.digest == report["after"]


async def test_a_worker_that_cannot_start_is_told(supervise):
    """
    What keeps a worker from starting keeps the whole from starting, and is told.
    """
    (copy,) = supervise._folder.glob("settings-*.yaml")
    copy.write_text("version: 2\n")

    with pytest.raises(ConfigError, match="version"):
        await supervise.start()


async def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    """
    Supervisor and workers never go by different settings.
    """
    file = tmp_path / "gateway.yaml"
    file.write_text(GOOD)
    launch = Launch(file=file)
    gateway = prepare(launch, {})
    file.write_text(f"{GOOD}models: {{fast: demo/echo}}\n")

    with pytest.raises(ConfigError, match="was changed while it was read"):
        Supervisor(
            gateway,
            attrs.evolve(launch),
            {},
            listen=Address("127.0.0.1", 1),
            folder=tmp_path,
            is_shared=True,
        )
