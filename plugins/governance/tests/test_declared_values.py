from __future__ import annotations

from gateway.errors import SecretMissing
from gateway.settings import settings_from_dict
from gateway_governance import GovernanceSettings
from gateway_governance.declared_values import DeclaredValues
from gateway_governance.values import Mint

MINT = Mint(b"k" * 32)
OLD, NEW = "an old value, 1234", "a new value, 5678"


def make(keys, secrets):
    """
    Make the values of *keys*, resolved from *secrets*.
    """

    def resolve(ref):
        if str(ref) not in secrets:
            raise SecretMissing(str(ref), "not there")
        asked.append(str(ref))
        return secrets[str(ref)]

    asked: list[str] = []
    settings = settings_from_dict({"plugins": {"governance": {"virtual_keys": keys}}})
    table = settings.plugin("governance", GovernanceSettings)
    values = DeclaredValues(table, mint=MINT, resolve=resolve)
    values.identify({name: f"id-{name}" for name in keys})
    return values, asked


def opened(values):
    """
    Tell which keys the values open.
    """
    return {
        value: found[0]
        for value in (OLD, NEW)
        if (found := values.found.get(MINT.lookup_of(value)))
    }


async def test_a_file_is_looked_at_again_and_the_environment_is_not():
    """
    What may change is resolved each time; what cannot is so once.
    """
    secrets = {"env.A": OLD, "file./b": NEW}
    values, asked = make(
        {"a": {"secret": "env.A"}, "b": {"secret": "file./b"}}, secrets
    )

    assert await values.look() == []
    await values.look()

    assert opened(values) == {OLD: "id-a", NEW: "id-b"}
    assert asked == ["env.A", "file./b", "file./b"]


async def test_nothing_new_is_the_same_mapping():
    """
    As long as no value changes there is no reason for a new snapshot.
    """
    secrets = {"file./a": OLD}
    values, _ = make(
        {"a": {"secret": "file./a"}, "b": {"hash": MINT.hash_of(NEW)}}, secrets
    )
    await values.look()
    before = values.found
    await values.look()
    same = values.found
    secrets["file./a"] = "quite another value"

    await values.look()

    assert same is before
    assert values.found is not before
    assert opened(values) == {NEW: "id-b"}


async def test_only_hashes_are_read_once():
    """
    A file without references has nothing to look at again.
    """
    values, _ = make({"b": {"hash": MINT.hash_of(NEW)}}, {})
    await values.look()
    before = values.found

    await values.look()

    assert values.found is before


async def test_two_values_hold_while_callers_change_over():
    """
    A hash beside the secret lets the second value in.
    """
    keys = {"a": {"secret": "env.A", "hash": MINT.hash_of(OLD)}}
    values, _ = make(keys, {"env.A": NEW})

    assert await values.look() == []

    assert opened(values) == {OLD: "id-a", NEW: "id-a"}


async def test_a_value_that_is_gone_opens_nothing():
    """
    A file that was taken away is a key that was taken away, and is told.
    """
    secrets = {"file./a": OLD, "file./b": NEW}
    values, _ = make({"a": {"secret": "file./a"}, "b": {"secret": "file./b"}}, secrets)
    await values.look()
    del secrets["file./a"]

    (problem,) = await values.look()
    again = await values.look()

    assert opened(values) == {NEW: "id-b"}
    assert "plugins.governance.virtual_keys.a.secret: secret file./a" in str(problem)
    assert again == [problem]


async def test_what_is_wrong_is_told_at_once_and_shows_no_value():
    """
    Too short, twice the same and hashed elsewhere are told, each with its path.
    """
    keys = {
        "short": {"secret": "env.SHORT"},
        "one": {"secret": "env.ONE"},
        "two": {"secret": "env.TWO"},
        "far": {"hash": Mint(b"j" * 32).hash_of(OLD)},
    }
    secrets = {"env.SHORT": "canary", "env.ONE": "canary" * 4, "env.TWO": "canary" * 4}
    values, _ = make(keys, secrets)

    said = "\n".join(map(str, await values.look()))

    assert "virtual_keys.short.secret: must have 16 to 512 characters" in said
    assert "virtual_keys.two.secret: has the same value as one" in said
    assert "virtual_keys.far.hash: was made with another server.secret_key" in said
    assert "canary" not in said


async def test_what_was_found_goes_by_the_ids_that_are_told_later():
    """
    Values are looked for before anything is stored; who has them is known afterwards.
    """
    values, _ = make({"a": {"secret": "env.A"}}, {"env.A": OLD})
    await values.look()

    values.identify({"a": "a~2"})

    assert opened(values) == {OLD: "a~2"}
