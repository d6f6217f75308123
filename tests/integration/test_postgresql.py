"""
What plugins store, in a database of its own: ``storage.url`` names a PostgreSQL.

Budgets are not among it: their ledger is a file of this machine, wherever the rest is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import attrs
import pytest

pytestmark = pytest.mark.needs_postgresql

PASSWORD = "pw-canary-0123456789abcdef"
MAIL = {
    "model": "demo/echo",
    "messages": [{"role": "user", "content": "write to jane.roe@example.com"}],
}
SETTINGS = """
version: 1
providers: {{demo: {{}}}}
storage: {{url: "postgresql://gateway@127.0.0.1:{port}/gateway", secret: env.DB_PASSWORD}}
plugins:
  governance:
    virtual_keys: {{app: {{secret: env.VK_APP, budgets: [{{limit_usd: 5, per: day}}]}}}}
  guardrails:
    rules: {{mail: {{detectors: [pii], stages: [input], action: redact}}}}
  caching: {{store: memory}}
  audit: {{}}
"""
ENVIRON = {"DB_PASSWORD": PASSWORD, "VK_APP": "vk-of-app-0123456789"}


@attrs.define(eq=False)
class Postgres:
    """
    A server with one database, ``gateway``, that only a password opens.

    It refuses to run as root, so there it is Debian's own user.
    """

    find: object
    folder: Path
    port: int
    account: str | None
    process: subprocess.Popen[str] | None = None

    def create(self) -> None:
        """
        Lay out its folder.
        """
        words = self.folder / "password"
        words.write_text(PASSWORD)
        if self.account is not None:
            for path in (self.folder, words):
                shutil.chown(path, self.account)
        self._run(
            *("initdb", "--pgdata", str(self.folder / "data"), "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C", "--username", "gateway"),
            *("--auth", "scram-sha-256", "--pwfile", str(words)),
        )
        self.start()
        self._run(
            *("createdb", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--username", "gateway", "gateway"),
            PGPASSWORD=PASSWORD,
        )

    def start(self) -> None:
        """
        Start it, and wait until it says that it is there.
        """
        self.process = subprocess.Popen(
            [
                *(self.find("postgres"), "-D", str(self.folder / "data")),
                *("-p", str(self.port), "-k", str(self.folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
                *("-c", "lc_messages=C"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            user=self.account,
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                return
        pytest.fail("".join(said))

    def stop(self) -> None:
        """
        Let it end at once, and all who are connected with it.
        """
        self.process.send_signal(2)
        self.process.communicate(timeout=60)

    def _run(self, program: str, *words: str, **environ: str) -> None:
        done = subprocess.run(
            [self.find(program), *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            user=self.account,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", **environ},
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(name="postgres")
def _postgres(unused_port, find_program):
    """
    A PostgreSQL of this test alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="gw-pg-"))
    account = "postgres" if os.geteuid() == 0 else None
    server = Postgres(find_program, folder, unused_port, account)
    try:
        server.create()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture(name="serve")
def _serve(run_serve, postgres):
    """
    A gateway of two workers with every plugin, its rows in the server.
    """

    def serve(**environ):
        return run_serve(
            *("--workers", "2", "--admin-listen", "127.0.0.1:0"),
            settings=SETTINGS.format(port=postgres.port),
            environ=ENVIRON | environ,
        )

    return serve


def ask(serving, key):
    return serving.call("/v1/chat/completions", MAIL, authorization=f"Bearer {key}")


def make_key(serving, name):
    providers = [{"provider": "demo", "allowed_models": ["*"], "key_ids": ["*"]}]
    wanted = {"name": name, "provider_configs": providers}
    return serving.admin("/api/governance/virtual-keys", wanted)


def new_key(serving):
    """
    Make a key, and wait until both workers know it.
    """
    made = make_key(serving, "new")
    assert made.status == 200, made.body
    key = made.json["virtual_key"]
    serving.until(lambda: is_known(serving, key["value"]))
    return key


def is_known(serving, value):
    return {ask(serving, value).status for _ in range(8)} == {200}


def test_what_is_stored_is_there_for_the_next_start(serve):
    """
    Keys and findings are in the server, usage on this machine; both workers know a new key, and
    the gateway that starts next knows all of it.
    """
    serving = serve()
    key = new_key(serving)

    assert serving.end() == 0
    again = serve()

    assert ask(again, key["value"]).status == 200
    found = again.admin("/api/guardrails/findings?limit=1").json["findings"]
    assert [each["type"] for each in found] == ["EMAIL"]
    rows = again.admin(f"/api/governance/usage?by=key&virtual_key_id={key['id']}").json[
        "usage"
    ]
    assert [row["attempts"] >= 8 for row in rows] == [True]


def test_a_server_that_is_away_keeps_nobody_from_being_served(serve, postgres):
    """
    Who was known stays known and within budget; changes are refused until the server is back,
    and then work, without a restart.
    """
    serving = serve()
    key = new_key(serving)

    postgres.stop()
    asked = [ask(serving, value).status for value in (key["value"], ENVIRON["VK_APP"])]
    refused = make_key(serving, "late")
    postgres.start()

    assert asked == [200, 200]
    assert refused.status == 503
    late = []

    def is_changed():
        late.append(make_key(serving, "late"))
        return late[-1].status == 200

    serving.until(is_changed)
    value = late[-1].json["virtual_key"]["value"]
    serving.until(lambda: is_known(serving, value))
    said = serving.log.read_text()
    assert PASSWORD not in said
    assert "jane.roe" not in said


def test_a_server_that_does_not_open_is_named_at_start(serve):
    """
    The start fails with where the mistake is, and without the password.
    """
    with pytest.raises(AssertionError, match=r"storage\.url cannot be used") as failed:
        serve(DB_PASSWORD="wrong-canary-0123456789")

    assert "canary" not in str(failed.value)
