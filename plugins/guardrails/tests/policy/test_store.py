from __future__ import annotations

import pytest
from sqlalchemy import text, update

from gateway.errors import ConfigError
from gateway.storage import Storage
from gateway.testing import ManualClock
from gateway_guardrails.policy import store as stores
from gateway_guardrails.policy.rules import document_of, read_rule
from gateway_guardrails.policy.store import Conflict, Store
from gateway_guardrails.tables import METADATA, RULES

DOCUMENT = {"detectors": ["pii", {"type": "word", "word": "x"}], "action": "redact"}
RULE = read_rule(DOCUMENT, "mine")
OTHER = read_rule({**DOCUMENT, "shadow": True}, "mine")


@pytest.fixture(name="storage")
async def _storage(tmp_path):
    storage = Storage(tmp_path)
    yield storage
    await storage.close()


@pytest.fixture(name="store")
async def _store(storage):
    store = Store(storage=storage, clock=ManualClock())
    await store.open()
    return store


async def test_a_rule_comes_back_as_it_was_written(store):
    """
    In the words of the settings file.
    """
    await store.create("mine", RULE)

    (found,) = (await store.load()).rules
    assert (found.name, found.rule, found.is_declared) == ("mine", RULE, False)
    assert document_of(found.rule) == DOCUMENT


async def test_every_change_takes_the_next_generation(store):
    """
    By which other workers notice it; a change that is refused takes none.
    """
    seen = [await store.generations.last()]
    await store.create("mine", RULE)
    seen.append(await store.generations.last())
    await store.replace("mine", OTHER)
    seen.append(await store.generations.last())
    with pytest.raises(Conflict):
        await store.create("mine", RULE)
    await store.remove("mine")
    seen.append(await store.generations.last())

    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda store: store.create("mine", RULE), "name_taken"),
        (lambda store: store.replace("other", RULE), "not_there"),
        (lambda store: store.replace("mine", RULE, revision=7), "changed"),
        (lambda store: store.remove("other"), "not_there"),
        (lambda store: store.remove("mine", revision=7), "changed"),
    ],
)
async def test_what_does_not_fit_changes_nothing(store, change, code):
    """
    It says why.
    """
    await store.create("mine", RULE)

    with pytest.raises(Conflict) as caught:
        await change(store)

    assert caught.value.code == code
    assert [each.rule for each in (await store.load()).rules] == [RULE]


async def test_there_is_an_end_to_rules(store, monkeypatch):
    """
    Each is looked at for every request.
    """
    monkeypatch.setattr(stores, "MAX_RULES", 1)
    await store.create("mine", RULE)

    with pytest.raises(Conflict, match="1 rules"):
        await store.create("other", RULE)


async def test_a_rule_of_a_later_version_is_an_error(store, storage):
    """
    A rule that is not read would not be kept to.
    """
    await store.create("mine", RULE)
    async with storage.engine.begin() as connection:
        document = '{"detectors": ["pii"], "action": "redact", "later": true}'
        await connection.execute(update(RULES).values(document=document))

    with pytest.raises(ConfigError, match=r"guardrail mine cannot be read: .* later"):
        await store.load()


async def test_the_migrations_make_the_tables_that_are_used(store, storage):
    """
    Column by column.
    """
    async with storage.engine.connect() as connection:
        for table in METADATA.sorted_tables:
            rows = await connection.execute(text(f"PRAGMA table_info({table.name})"))
            columns = {(row.name, bool(row.notnull)) for row in rows}

            assert columns == {
                (column.name, not column.nullable) for column in table.columns
            }


async def test_a_database_of_a_later_version_is_refused(store, storage):
    """
    It says what to do.
    """
    async with storage.engine.begin() as connection:
        await connection.execute(
            text("UPDATE guardrails_migrations SET version_num = '9999'")
        )

    with pytest.raises(ConfigError, match="install that version"):
        await store.open()
