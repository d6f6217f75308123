"""
A person is forgotten while it goes on calling.
"""

from __future__ import annotations

import asyncio

from gateway_audit.places import Places

PERSON = "alice.canary@mail.example.org"
OTHER = "bob.other@mail.example.org"


async def test_erasing_while_a_person_calls_leaves_nothing_that_leads_back(running):
    """
    Every call is served, every erasure is complete; afterwards neither the name, nor a sealed row,
    nor a body of an erased pseudonym is in any file, journals and free pages included.
    """
    table = {"subject": {"header": "x-person"}, "bodies": "full"}
    async with running(table) as audit:
        is_over = asyncio.Event()
        statuses = set()

        async def caller(name):
            while not is_over.is_set():
                answer = await audit.call({"x-person": name})
                statuses.add(answer.status)

        async def erase():
            answer = await audit.client.post("/api/audit/erase", {"subject": PERSON})
            return answer.status

        calls = [asyncio.ensure_future(caller(name)) for name in (PERSON, OTHER) * 2]
        erasures, rows = [], []
        register = audit.recorder.register
        for _ in range(10):
            register.subject(PERSON)
            rows.append(row_of(register))
            erasures.append(await erase())
        is_over.set()
        await asyncio.gather(*calls)
        erasures.append(await erase())
        await audit.sequenced()
        kept = register.find(OTHER)

        root = Places.below(audit.data_dir).root
        files = [path for path in root.rglob("*") if path.is_file()]
        contents = {path: path.read_bytes() for path in files}
        persons = {path.parent.name for path in files if path.suffix == ".body"}

    assert statuses == {200}
    assert set(erasures) == {200}
    assert kept is not None
    for path, content in contents.items():
        assert PERSON.encode() not in content, path
        for row in rows:
            assert row not in content, path
    assert persons == {kept.pseudonym}


def row_of(register):
    """
    Return the sealed row of the person, as it stands in the file.
    """
    lookup = register._hashed(PERSON)
    (sealed,) = register._database.execute(
        "SELECT sealed FROM subjects WHERE lookup = ?", (lookup,)
    ).fetchone()
    return sealed
