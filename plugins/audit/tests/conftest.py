"""
A gateway that is audited, in front of a vendor that bills, and what it wrote down.
"""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import pytest

from gateway import codec
from gateway.plugins import FoundPlugin
from gateway.testing import FakeUpstream, GatewayClient
from gateway_audit import AuditPlugin
from gateway_audit.index.writing import IndexWriter
from gateway_audit.places import Places
from gateway_audit.sequencing.followers import Followed
from gateway_audit.sequencing.keys import SigningKeys
from gateway_audit.sequencing.sequencer import Sequencer
from gateway_audit.testing import FaultyDisk, entries_in

PLUGIN = FoundPlugin(name="audit", cls=AuditPlugin)
ASK = {
    "model": "openai/gpt-5",
    "messages": [{"role": "user", "content": "hello"}],
    "max_tokens": 20,
}
PATH = "/v1/chat/completions"


def sequence(data_dir):
    """
    Merge what the workers wrote into the log, sign it and index it.
    """
    places = Places.below(data_dir)
    origin = "gw.test/log"
    sequencer = Sequencer(
        places.root,
        keys=SigningKeys(places.root / "keys", places.log / "keys", origin),
        origin=origin,
        followers=[Followed("index", lambda: IndexWriter(places.index))],
    )
    try:
        sequencer.drain()
    finally:
        sequencer.close()


class Audited:
    """
    A gateway that is audited.
    """

    def __init__(self, client, fake, data_dir):
        self.client = client
        self.fake = fake
        self.gateway = client.gateway
        self.data_dir = data_dir

    @property
    def plugin(self):
        return self.gateway.plugin(AuditPlugin)

    @property
    def recorder(self):
        return self.plugin.recorder

    @property
    def journal(self):
        return self.recorder.journal

    def entries(self, *kinds, folder=None):
        """
        Read what stands in the spool, of the types *kinds*.
        """
        spool = folder or self.data_dir / "audit" / "spool"
        found = [codec.loads(entry) for entry in entries_in(spool)]
        return [each for each in found if not kinds or each["type"] in kinds]

    async def call(self, headers=None, path=PATH, **members):
        """
        Ask a model.
        """
        return await self.client.post(path, {**ASK, **members}, headers)

    async def sequenced(self):
        """
        Wait until everything stands in the log, and in the index.
        """
        await self.settled()
        sequence(self.data_dir)

    async def get(self, path="", *, status=200, **query):
        """
        Ask the management API.
        """
        told = f"?{urlencode(query)}" if query else ""
        answer = await self.client.ask("GET", f"/api/audit{path}{told}")
        assert answer.status == status, answer.body
        return answer

    async def settled(self):
        """
        Wait until everything that was noted is on the disk.
        """
        self.recorder.tell_refusals()
        self.recorder.note("test")
        await self.journal.write(
            {"at": 0, "id": "", "seq": 0, "type": "test", "v": 1, "worker": ""},
            is_durable=True,
        )


@contextlib.asynccontextmanager
async def audited(fake, data_dir, table=None, plugins=(), environ=None, **more):
    """
    Run a gateway with the plugin in front of *fake*.
    """
    told = {
        "providers": {
            "openai": {
                "type": "openai-compatible",
                "base_url": fake.openai_url,
                "auth": "none",
                "models": ["gpt-5", "gpt-5-mini", "*"],
            },
            "anthropic": {
                "type": "anthropic-compatible",
                "base_url": fake.url,
                "auth": "none",
            },
        },
        "routing": {"retries": 0},
        **more,
    }
    told["plugins"] = {"audit": table or {}, **more.get("plugins", {})}
    client = GatewayClient(
        told, plugins=[PLUGIN, *plugins], data_dir=data_dir, environ=environ
    )
    async with client:
        yield Audited(client, fake, data_dir)


@pytest.fixture(name="fake")
async def _fake():
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def disk(monkeypatch):
    """
    The disk under the spools, which fails when it is told to.
    """
    found = FaultyDisk()
    monkeypatch.setattr("gateway_audit.spool.spool.Disk", lambda: found)
    return found


@pytest.fixture
def running(fake, tmp_path, disk):
    """
    Run a gateway with other settings; its disk is well again before it ends.
    """

    @contextlib.asynccontextmanager
    async def run(table=None, **more):
        async with audited(fake, tmp_path, table, **more) as found:
            try:
                yield found
            finally:
                disk.is_broken = False
                disk.gate.set()

    return run


@pytest.fixture
async def audit(running):
    """
    A gateway with the plugin's defaults.
    """
    async with running() as found:
        yield found
