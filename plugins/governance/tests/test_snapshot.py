from __future__ import annotations

import time
import tracemalloc

import attrs
import pytest

from gateway_governance.documents import kind_of
from gateway_governance.entities import (
    Budget,
    Customer,
    Limits,
    ModelConfig,
    Override,
    Owner,
    OwnerKind,
    Period,
    ProviderConfig,
    RateLimit,
    Team,
    Unit,
    VirtualKey,
)
from gateway_governance.snapshot import (
    MAX_REMEMBERED,
    Change,
    next_raise_ends,
    owners_in,
    snapshot_of,
)
from gateway_governance.values import STRANGER, Mint

MINT = Mint(b"k" * 32)
FOREIGN = "a value that somebody chose"


def limits(*, usd=None, requests=None, tokens=None, parallel=None):
    """
    Make limits of a day.
    """
    rates = ((Unit.REQUESTS, requests), (Unit.TOKENS, tokens))
    return Limits(
        budgets=() if usd is None else (Budget(limit_nano=usd, period=Period.DAY),),
        rate_limits=tuple(
            RateLimit(amount=amount, unit=unit, period=Period.DAY)
            for unit, amount in rates
            if amount is not None
        ),
        max_parallel=parallel,
    )


ALL = limits(usd=1, requests=2, tokens=3, parallel=4)


def make(*entities, now=0.0):
    """
    Make a snapshot.
    """
    return snapshot_of(
        ((kind_of(entity), entity) for entity in entities),
        mint=MINT,
        generation=1,
        now=now,
    )


def a_key(value=FOREIGN, **more):
    """
    Make a key that is shown by *value*.
    """
    fields = {"id": "k", "name": "K", "values": (MINT.of(value),), **more}
    return VirtualKey(**fields)


def ids(meters):
    return [meter.id for meter in meters]


class TestFind:
    def test_by_every_value_that_it_has(self):
        """
        While a rotation overlaps, the old and the new value lead to the same key.
        """
        (new, kept), old = MINT.make(), MINT.of(FOREIGN)
        key = a_key(values=(kept, attrs.evolve(old, expires_at=100.0)))
        snapshot = make(key)

        assert snapshot.find(new, 50.0).key is key
        assert snapshot.find(FOREIGN, 50.0).key is key
        assert snapshot.find(FOREIGN, 100.0) is None
        assert snapshot.find(new, 100.0).key is key

    def test_a_value_is_known_without_being_remembered(self):
        """
        For who looks for credentials in texts: expired or not, and nothing else.
        """
        kept = attrs.evolve(MINT.of(FOREIGN), expires_at=100.0)
        snapshot = make(a_key(values=(kept,)), now=200.0)

        assert snapshot.knows(FOREIGN)
        assert not snapshot.knows(f"{FOREIGN}s")
        assert not snapshot.knows("short")
        assert not snapshot._shown

    def test_a_value_that_was_shown_before_is_found_by_its_digest(self, monkeypatch):
        """
        The second time costs one hash; it still expires, and a new snapshot looks anew.
        """
        value, kept = MINT.make()
        key = a_key(values=(attrs.evolve(kept, expires_at=100.0),))
        snapshot = make(key)
        first = snapshot.find(value, 0.0)
        monkeypatch.setattr(MINT, "matches", lambda *args: False)

        again = snapshot.find(value, 50.0)

        assert again is first
        assert snapshot.find(value, 100.0) is None
        assert make(key).find(value, 50.0) is None

    def test_nobody_else(self):
        """
        Another value with the id of a key is as unknown as any.
        """
        value, kept = MINT.make()
        forged = attrs.evolve(MINT.make()[1], lookup=kept.lookup)
        snapshot = make(a_key(values=(forged,)))

        assert snapshot.find(value, 0.0) is None
        assert snapshot.find(MINT.make()[0], 0.0) is None
        assert snapshot.find("", 0.0) is None

    def test_what_is_no_value_is_nobodys_whoever_has_the_one_compared(self):
        """
        Not even a key whose value is compared in place of a malformed one is found by that.
        """
        key = a_key(STRANGER)
        snapshot = make(key)

        assert snapshot.find(STRANGER, 0.0).key is key
        assert snapshot.find(STRANGER[:-1], 0.0) is None
        assert snapshot.find("'", 0.0) is None

    def test_a_place_unknown_is_compared_all_the_same(self, monkeypatch):
        """
        Whether a value's place is known cannot be told by the time that the answer takes.
        """
        compared = []
        snapshot = make(a_key())
        monkeypatch.setattr(
            MINT, "matches", lambda *args: compared.append(args) or False
        )

        found = [snapshot.find(FOREIGN, 0.0), snapshot.find("x" * 20, 0.0)]

        assert found == [None, None]
        assert len(compared) == 2

    def test_knows_those_it_belongs_to(self):
        """
        Key, team and customer are the owners of what a request counts on, innermost first.
        """
        customer = Customer(id="c", name="C")
        team = Team(id="t", name="T", customer_id="c")
        found = make(customer, team, a_key(team_id="t")).find(FOREIGN, 0.0)

        assert (found.team, found.customer, found.block) == (team, customer, "")
        assert [str(owner) for owner in found.chain] == [
            "virtual_key/k",
            "team/t",
            "customer/c",
        ]
        assert found.identity.facts == {"team_name": "T", "customer_name": "C"}

    @pytest.mark.parametrize(
        ("more", "block"),
        [
            ({"is_active": False}, "inactive"),
            ({"expires_at": 10.0}, "expired"),
            ({"expires_at": 10.1}, ""),
            ({"team_id": "gone"}, "team removed"),
            ({"customer_id": "gone"}, "customer removed"),
            ({"team_id": "orphan"}, "customer removed"),
        ],
        ids=["inactive", "expired", "not-yet", "team", "customer", "teams-customer"],
    )
    def test_says_why_it_may_not_be_used(self, more, block):
        """
        A key without those whose limits it shares is blocked, never freer than before.
        """
        orphan = Team(id="orphan", name="O", customer_id="gone")
        snapshot = make(orphan, a_key(**more))

        assert snapshot.find(FOREIGN, 10.0).block == block

    def test_by_name(self):
        """
        Whoever explains a request names the key and need not know its value.
        """
        snapshot = make(a_key(), a_key("another value, 1234", id="other", name="O"))

        assert snapshot.key_named("O").id == "other"
        assert snapshot.key_named("nobody") is None

    def test_callers_are_there_by_name_and_by_id(self):
        """
        For whoever names them elsewhere; a team's name is no customer's.
        """
        snapshot = make(
            a_key(id="k1", name="K"),
            Team(id="t1", name="T"),
            Customer(id="c1", name="C"),
        )

        names = ("k1", "K", "t1", "T", "c1", "C", "x")
        nobody = dict.fromkeys(names, "")
        told = {
            kind: {name: snapshot.find_caller(kind, name) for name in names}
            for kind in ("virtual_key", "team", "customer")
        }
        assert told == {
            "virtual_key": {**nobody, "k1": "k1", "K": "k1"},
            "team": {**nobody, "t1": "t1", "T": "t1"},
            "customer": {**nobody, "c1": "c1", "C": "c1"},
        }

    def test_declared_values_stand_beside(self):
        """
        A declared key is found by what this process knows, and goes with its entity.
        """
        key = a_key(values=())
        known = MINT.of(FOREIGN)
        snapshot = make(key).with_values({known.lookup: ("k", known)})

        without = snapshot.changed(
            [Change(kind="virtual_key", id="k", entity=None)], generation=2, now=0.0
        )

        assert snapshot.find(FOREIGN, 0.0).key is key
        assert without.find(FOREIGN, 0.0) is None


class TestMeters:
    config = ProviderConfig(id="k:p", provider="p", limits=ALL)
    entities = (
        Customer(id="c", name="C", limits=limits(usd=1, requests=2)),
        Team(id="t", name="T", customer_id="c", limits=ALL),
        a_key(
            team_id="t",
            limits=ALL,
            provider_configs=(config, ProviderConfig(id="k:q", provider="q")),
        ),
        ModelConfig(id="m1", model="gpt-*", limits=limits(usd=5)),
        ModelConfig(id="m2", provider="q", limits=limits(requests=5, parallel=6)),
    )

    def test_before_a_target_is_known(self):
        """
        Requests and requests in flight of key, team and customer.
        """
        snapshot = make(*self.entities)

        meters = snapshot.request_meters(snapshot.find(FOREIGN, 0.0))

        assert ids(meters) == [
            "virtual_key/k/requests/day",
            "virtual_key/k/in_flight",
            "team/t/requests/day",
            "team/t/in_flight",
            "customer/c/requests/day",
        ]

    def test_with_a_target(self):
        """
        Money and tokens of all, and everything of what concerns the target itself.
        """
        snapshot = make(*self.entities)

        meters = snapshot.attempt_meters(snapshot.find(FOREIGN, 0.0), "p", "gpt-5")

        assert ids(meters) == [
            "provider_config/k:p/usd/day",
            "provider_config/k:p/requests/day",
            "provider_config/k:p/tokens/day",
            "provider_config/k:p/in_flight",
            "virtual_key/k/usd/day",
            "virtual_key/k/tokens/day",
            "team/t/usd/day",
            "team/t/tokens/day",
            "customer/c/usd/day",
            "model/m1/usd/day",
        ]

    def test_of_a_team_that_the_request_names(self):
        """
        A customer's key counts on a team below it where that is named, and each is remembered by
        itself.
        """
        snapshot = make(
            Customer(id="c", name="C", limits=limits(usd=1)),
            Team(id="t", name="T", customer_id="c", limits=limits(usd=2, requests=1)),
            a_key(customer_id="c"),
        )
        plain = snapshot.find(FOREIGN, 0.0)
        named = snapshot.attributed(plain, "T")

        told = [
            ids(snapshot.attempt_meters(found, "p", "m")) for found in (plain, named)
        ]
        before = [ids(snapshot.request_meters(found)) for found in (plain, named)]

        assert told == [
            ["customer/c/usd/day"],
            ["team/t/usd/day", "customer/c/usd/day"],
        ]
        assert before == [[], ["team/t/requests/day"]]
        assert (named.identity.key_id, named.identity.team_id) == ("k", "t")
        assert snapshot.latest(named, 0.0).team is named.team

    def test_names_that_callers_make_up_cost_next_to_nothing(self):
        """
        A team that there is not is found missing at once among many, and is not remembered.
        """
        teams = (
            Team(id=f"t{number}", name=f"T{number}", customer_id="c")
            for number in range(10_000)
        )
        snapshot = make(Customer(id="c", name="C"), *teams, a_key(customer_id="c"))
        plain = snapshot.find(FOREIGN, 0.0)
        names = [f"{number:06d}" * 600 for number in range(1_000)]
        tracemalloc.start()

        began = time.process_time()
        found = [snapshot.attributed(plain, name[:3000]) for name in names]
        took_s = time.process_time() - began

        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found == [None] * 1_000
        assert snapshot.attributed(plain, "T9999").team.id == "t9999"
        assert took_s < 0.25  # to look through all teams takes seconds
        assert kept < 500_000  # the names are 3 MB

    def test_whoever_has_no_key_counts_on_what_is_everybodys(self):
        """
        A limit on a model or provider is for everybody together.
        """
        snapshot = make(*self.entities)

        assert ids(snapshot.attempt_meters(None, "q", "gpt-5")) == [
            "model/m1/usd/day",
            "model/m2/requests/day",
            "model/m2/in_flight",
        ]
        assert snapshot.attempt_meters(None, "p", "claude") == ()

    @pytest.mark.parametrize(
        ("pattern", "model", "covers"),
        [
            ("*", "a", True),
            ("a", "a", True),
            ("a", "ab", False),
            ("a*", "ab", True),
            ("*b", "ab", True),
            ("a*b", "ab", True),
            ("ab*ba", "aba", False),
            ("GPT-5", "gpt-5", True),
            ("gpt-*", "GPT-5", True),
        ],
    )
    def test_patterns(self, pattern, model, covers):
        """
        A ``*`` stands for anything, no part of a name is used twice, and nobody gets round a
        limit by capitals.
        """
        config = ModelConfig(id="m", model=pattern, limits=limits(usd=1))

        assert bool(make(config).attempt_meters(None, "p", model)) is covers

    def test_are_computed_once(self):
        """
        The second request of a key costs a look-up.
        """
        snapshot = make(*self.entities)
        found = snapshot.find(FOREIGN, 0.0)

        assert snapshot.find(FOREIGN, 0.0) is found
        assert snapshot.request_meters(found) is snapshot.request_meters(found)
        assert snapshot.attempt_meters(found, "p", "x") is snapshot.attempt_meters(
            found, "p", "x"
        )

    def test_what_is_remembered_is_bounded(self):
        """
        Callers choose the names of models, and do not fill the memory with them.
        """
        snapshot = make(*self.entities)
        found = snapshot.find(FOREIGN, 0.0)

        for number in range(MAX_REMEMBERED + 10):
            snapshot.attempt_meters(found, "p", f"m{number}")

        assert len(snapshot._attempts) <= MAX_REMEMBERED
        assert len(snapshot._everybodys) <= MAX_REMEMBERED

    def test_of_any_owner(self):
        """
        Whoever reports how an owner stands gets all of its meters.
        """
        snapshot = make(*self.entities)
        owner = Owner(OwnerKind.PROVIDER_CONFIG, "k:p")

        assert len(snapshot.owner_meters(owner)) == 4
        assert snapshot.owner_meters(Owner(OwnerKind.TEAM, "nobody")) == ()
        assert snapshot.owner_meters(Owner(OwnerKind.PROVIDER_CONFIG, "x:y")) == ()
        assert {str(owner) for owner in snapshot.owners()} == {
            "customer/c",
            "team/t",
            "virtual_key/k",
            "provider_config/k:p",
            "model/m1",
            "model/m2",
        }
        assert len(list(snapshot.meters())) == 2 + 4 + 4 + 4 + 1 + 2


class TestChanges:
    def test_a_change_is_seen_and_the_old_snapshot_stays(self):
        """
        Whoever began with a snapshot keeps it; the next has the change.
        """
        team = Team(id="t", name="T", limits=limits(usd=1))
        before = make(team, a_key(team_id="t"))
        found = before.find(FOREIGN, 0.0)
        before.attempt_meters(found, "p", "m")

        richer = attrs.evolve(team, limits=limits(usd=100))
        after = before.changed(
            [Change(kind="team", id="t", entity=richer)], generation=2, now=5.0
        )

        assert after.attempt_meters(after.find(FOREIGN, 0.0), "p", "m")[0].limit == 100
        assert before.attempt_meters(found, "p", "m")[0].limit == 1
        assert (before.generation, after.generation, after.now) == (1, 2, 5.0)
        assert after.keys is before.keys

    def test_a_rotated_value_is_forgotten(self):
        """
        After a change the new value leads to the key and the old one nowhere.
        """
        before = make(a_key())
        value, kept = MINT.make()

        after = before.changed(
            [Change(kind="virtual_key", id="k", entity=a_key(values=(kept,)))],
            generation=2,
            now=0.0,
        )

        assert after.find(value, 0.0).key.id == "k"
        assert after.find(FOREIGN, 0.0) is None
        assert before.find(FOREIGN, 0.0).key.id == "k"

    def test_a_value_may_move_to_another_key(self):
        """
        In one step one key goes and another comes with its value.
        """
        before = make(a_key())

        changes = [
            Change(kind="virtual_key", id="other", entity=a_key(id="other")),
            Change(kind="virtual_key", id="k", entity=None),
        ]
        after = before.changed(changes, generation=2, now=0.0)

        assert after.find(FOREIGN, 0.0).key.id == "other"
        assert len(after.keys) == 1

    def test_a_teams_name_may_move_to_another_team(self):
        """
        A request that names a team means the one that has the name now.
        """
        customer = Customer(id="c", name="C")
        one, two = (Team(id=n, name=n.upper(), customer_id="c") for n in ("a", "b"))
        gone = Team(id="g", name="G", customer_id="c")
        before = make(customer, one, two, gone, a_key(customer_id="c"))
        changes = [
            Change(kind="team", id="a", entity=attrs.evolve(one, name="B")),
            Change(kind="team", id="b", entity=attrs.evolve(two, name="A")),
            Change(kind="team", id="g", entity=None),
        ]

        after = before.changed(changes, generation=2, now=0.0)

        found = after.find(FOREIGN, 0.0)
        assert after.attributed(found, "A").team.id == "b"
        assert after.attributed(found, "B").team.id == "a"
        assert after.attributed(found, "G") is None
        assert before.attributed(found, "A").team.id == "a"

    def test_raised_limits_follow_the_time_of_the_snapshot(self):
        """
        A limit that is raised for a time comes down in the snapshot that is made then.
        """
        extra = Override(amount=9, until=100.0)
        budget = Budget(limit_nano=1, period=Period.DAY, overrides=(extra,))
        team = Team(id="t", name="T", limits=Limits(budgets=(budget,)))
        owner = Owner(OwnerKind.TEAM, "t")
        snapshot = make(team, now=50.0)

        assert snapshot.owner_meters(owner)[0].limit == 10
        assert snapshot.at(100.0).owner_meters(owner)[0].limit == 1
        assert next_raise_ends(team, 50.0) == 100.0
        assert next_raise_ends(team, 100.0) == float("inf")

    def test_what_has_no_limits_owns_none(self):
        """
        Only owners of limits are told to the ledger.
        """
        assert list(owners_in(Team(id="t", name="T"))) == []
