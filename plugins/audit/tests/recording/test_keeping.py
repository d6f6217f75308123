"""
Tests of `gateway_audit.recording.keeping`: bodies, and how they are erased.
"""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from gateway import Identity, Phase, Plugin, codec, hookimpl
from gateway.plugins import FoundPlugin
from gateway.testing import Script, make_exchange, make_response
from gateway_audit.bodies.sealing import unseal
from gateway_audit.recording.keeping import Keeping
from gateway_audit.recording.sheet import Sheet
from gateway_audit.settings import BodySettings

PERSON = {"x-person": "alice@example.com"}
SUBJECT = {"header": "x-person"}


class Redacts(Plugin):
    """
    Takes a word out of what goes upstream, and puts it back into the answer.
    """

    phase = Phase.INSPECT

    @hookimpl
    async def before_attempt(self, exchange, attempt):
        for text in attempt.request.texts():
            if "canary" in text.value:
                text.replace(text.value.replace("canary", "[word]"))


REDACTS = FoundPlugin(name="redacts", cls=Redacts)


def opened(audit, entry, person="alice@example.com"):
    """
    Read the body that *entry* tells of, as an operator with the keys would.
    """
    body = entry["body"]
    subject = audit.recorder.register.find(person)
    content = audit.recorder.keeping.shelf.get(body["subject"], body["name"])
    assert hashlib.sha256(content).hexdigest() == body["sha256"]
    plain = unseal(
        content,
        name=body["name"],
        subject_key=subject.key,
        commitment=body["commitment"],
    )
    return codec.loads(plain)


@pytest.mark.parametrize(
    ("scopes", "kept"),
    [
        ({"teams": {"t1": "full"}}, "full"),
        ({"teams": {"payments": "full"}}, "full"),
        (
            {"teams": {"payments": "full"}, "virtual_keys": {"k1": "redacted"}},
            "redacted",
        ),
        ({"teams": {"payments": "full"}, "virtual_keys": {"shop": "none"}}, "none"),
        ({"teams": {"others": "full"}}, "none"),
    ],
    ids=["team id", "team name", "key id", "key name", "another team"],
)
def test_keys_and_teams_are_called_by_name_or_id(scopes, kept):
    """
    As everywhere else in the settings; the key outweighs its team.
    """
    exchange = make_exchange(
        identity=Identity(
            key_id="k1", key_name="shop", team_id="t1", facts={"team_name": "payments"}
        )
    )
    keeping = Keeping(settings=BodySettings(**scopes), shelf=None, is_durable=False)

    assert keeping.kept_of(exchange) == kept


async def test_nothing_is_kept_unless_it_is_asked_for(audit):
    """
    By default there is no body, and no folder for one.
    """
    await audit.call()

    (outcome,) = audit.entries("outcome")
    assert outcome["body"] is None
    assert not (audit.data_dir / "audit" / "bodies").exists()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_redacted_is_what_the_provider_was_sent(running, stream):
    """
    After the guardrails, and the answer as the caller got it.
    """
    table = {"bodies": "redacted", "subject": SUBJECT}
    async with running(table, plugins=[REDACTS]) as audit:
        messages = [{"role": "user", "content": "a canary sings"}]
        audit.fake.enqueue(Script(text="it sings well"))
        answer = await audit.call(headers=PERSON, messages=messages, stream=stream)
        (outcome,) = audit.entries("outcome")
        told = opened(audit, outcome)

    assert answer.status == 200
    assert "a [word] sings" in told["request"]
    assert "canary" not in str(told)
    assert told["response"].encode() == answer.body
    assert outcome["body"]["kept"] == "redacted"
    assert outcome["body"]["withheld"] == []


async def test_full_is_what_the_caller_sent(running):
    """
    Before anything touched it.
    """
    table = {"bodies": "full", "subject": SUBJECT}
    async with running(table, plugins=[REDACTS]) as audit:
        messages = [{"role": "user", "content": "a canary sings"}]
        await audit.call(headers=PERSON, messages=messages)
        (outcome,) = audit.entries("outcome")
        told = opened(audit, outcome)

    assert "a canary sings" in told["request"]


async def test_an_answer_with_originals_in_it_is_withheld(running):
    """
    Redacted means redacted, also where the caller gets the originals back.
    """
    async with running({"bodies": "redacted", "subject": SUBJECT}) as audit:
        exchange = make_exchange(identity=Identity(key_id="k"))
        exchange.response = make_response({"said": "an original"})
        restored = SimpleNamespace(
            attempt=None, response=exchange.response, is_restored=True
        )
        sheet = Sheet(kept="redacted")
        subject = audit.recorder.register.subject("alice@example.com")
        said = await audit.recorder.keeping.keep(restored, sheet, subject, "b1")
        told = opened(audit, {"body": said})

    assert told == {"request": None, "response": None}
    assert "response: originals were restored in it" in said["withheld"]


async def test_a_long_body_is_cut_and_says_so(running):
    """
    Nobody fills the disk with one request.
    """
    table = {"bodies": {"default": "full", "max_bytes": 1024}, "subject": SUBJECT}
    async with running(table) as audit:
        messages = [{"role": "user", "content": "x" * 5000}]
        await audit.call(headers=PERSON, messages=messages)
        (outcome,) = audit.entries("outcome")
        told = opened(audit, outcome)

    assert len(told["request"]) == 1024
    assert "request: beyond 1024 bytes" in outcome["body"]["withheld"]


async def test_scopes_say_whose_bodies_are_kept(running):
    """
    By the model's name, where no key or team says otherwise.
    """
    table = {"bodies": {"models": {"openai/gpt-5-mini": "full"}}}
    async with running(table) as audit:
        await audit.call()
        await audit.call(model="openai/gpt-5-mini")
        found = [each["body"] for each in audit.entries("outcome")]

    assert found[0] is None
    assert found[1]["kept"] == "full"


async def test_an_erased_person_is_nowhere(running):
    """
    No canary in any file of the data directory, and the log still says what it said.
    """
    name, words = "canary-alice@example.com", "canary-secret-words"
    table = {"bodies": "full", "subject": SUBJECT}
    async with running(table) as audit:
        messages = [{"role": "user", "content": words}]
        for _ in range(3):
            await audit.call(headers={"x-person": name}, messages=messages)
        await audit.call(headers={"x-person": "bob"})
        await audit.sequenced()
        bodies = [each["body"] for each in audit.entries("outcome")] or [
            each["entry"]["body"]
            for each in (await audit.get(type="outcome")).json["entries"]
        ]
        key = audit.recorder.register.find(name).key
        told = await audit.client.post("/api/audit/erase", {"subject": name})
        again = await audit.client.post("/api/audit/erase", {"subject": name})
        await audit.sequenced()
        found = (await audit.get(type="erasure")).json["entries"]
        acted = (await audit.get(type="admin.acted")).json["entries"]
        bob = audit.recorder.register.find("bob")
        files = {
            path: path.read_bytes()
            for path in audit.data_dir.rglob("*")
            if path.is_file()
        }

    assert told.status == again.status == 200
    assert "bodies destroyed: 3" in told.json["reports"]["audit"]
    assert again.json["subject"] is None
    for path, content in files.items():
        for canary in (name.encode(), words.encode(), key):
            assert canary not in content, path
    assert sum(path.suffix == ".body" for path in files) == 1
    assert bob is not None
    pseudonym = next(each["subject"] for each in bodies if each["subject"])
    assert found[-1]["entry"]["actor"] == "local"
    assert {each["entry"]["complete"] for each in found} == {True}
    assert pseudonym.startswith("sub_")
    assert len(acted) == 2


async def test_a_body_that_cannot_be_stored_is_a_request_that_is_not_served(running):
    """
    Closed means closed: for bodies as for entries.  What the provider did stands in the log.
    """
    async with running({"bodies": "full"}) as audit:
        (audit.data_dir / "audit" / "bodies").write_bytes(b"in the way")
        answer = await audit.call()
        (outcome,) = audit.entries("outcome")

    assert answer.status == 503
    assert answer.headers["x-gw-code"] == "audit_unavailable"
    assert outcome["body"] == {"kept": "none", "withheld": ["it could not be stored"]}
    assert outcome["attempts"][0]["status"] == 200


async def test_nobody_is_asked_while_bodies_cannot_be_stored(running):
    """
    The first one that cannot be stored was paid for; those after it are not, until one can be.
    """
    async with running({"bodies": "full"}) as audit:
        in_the_way = audit.data_dir / "audit" / "bodies"
        in_the_way.write_bytes(b"in the way")

        failed = [await audit.call() for _ in range(3)]
        asked = len(audit.fake.requests)
        in_the_way.unlink()
        answer = await audit.call()

        left = [path for path in in_the_way.rglob("*") if "room" in path.name]

    assert [each.status for each in failed] == [503] * 3
    assert asked == 1
    assert answer.status == 200
    assert left == []
