"""
The stage: a gateway without sockets in front of a vendor that replays.
"""

from __future__ import annotations

from gateway import Phase
from gateway.exchange import Outcome
from gateway.plugins import FoundPlugin
from gateway.testing.conformance.recording import record
from gateway.testing.conformance.stage import Stage, shouting

SAYS = "the bee sees"


async def test_what_is_replayed_is_heard_in_every_dialect():
    """
    Text and a tool's arguments, put together from their pieces.
    """
    recordings = await record(SAYS)

    async with Stage.open("none", None, {}) as stage:
        for recording in recordings:
            told = await stage.play(recording, recording.reads(1))

            assert (told.status, told.exchange.outcome) == (200, Outcome.FINISHED)
            assert SAYS in told.said.values()


async def test_who_stands_beside_takes_part():
    """
    The neighbour's edits are heard.
    """
    (recording,) = await record(SAYS, ["openai_chat"])
    beside = [FoundPlugin(name="aaa", cls=shouting(Phase.ROUTE))]

    async with Stage.open("none", None, {}, beside=beside) as stage:
        told = await stage.play(recording, recording.reads(1))

    assert "thE bEE sEEs" in told.said.values()


async def test_a_stage_leaves_no_folder_behind(tmp_path, monkeypatch):
    """
    What the plugin kept in its data directory goes with the stage.
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async with Stage.open("none", None, {}) as stage:
        (stage.gateway.data_dir / "kept").write_text("x")

    assert list(tmp_path.iterdir()) == []
