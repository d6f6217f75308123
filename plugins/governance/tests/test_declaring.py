from __future__ import annotations

import attrs
import pytest

from gateway.settings import settings_from_dict
from gateway_governance import GovernanceSettings
from gateway_governance.declaring import Stored, names_in, plan_of
from gateway_governance.documents import kind_of, written
from gateway_governance.entities import Override, Owner, OwnerKind
from gateway_governance.raises import with_budget


def read(table):
    """
    Read *table* as the gateway would.
    """
    settings = settings_from_dict({"plugins": {"governance": table}})
    return settings.plugin("governance", GovernanceSettings)


class Database:
    """
    What is stored, as plans change it.
    """

    def __init__(self):
        self.rows = {}
        self.now = 0.0

    def declare(self, table):
        """
        Carry out what *table* asks for, and return the plan.
        """
        self.now += 1.0
        plan = plan_of(read(table), list(self.rows.values()), self.now)
        for place in plan.removals:
            self.rows[place] = attrs.evolve(self.rows[place], removed_at=self.now)
        for entity in plan.puts:
            self.put(entity)
        return plan

    def put(self, entity):
        kind = kind_of(entity)
        self.rows[kind, entity.id] = Stored(
            kind=kind,
            id=entity.id,
            name=entity.name,
            is_declared=entity.is_declared,
            removed_at=None,
            document=written(entity),
        )

    def there(self):
        """
        Return (kind, id) -> name of what is there.
        """
        return {place: row.name for place, row in self.rows.items() if row.is_there}


TEAM = {"budgets": [{"limit_usd": 1, "per": "day"}]}


@pytest.fixture(name="database")
def _database():
    return Database()


def test_the_name_at_first_sight_is_the_id(database):
    """
    What is new gets its name for an id, and those that it refers to by theirs.
    """
    plan = database.declare(
        {
            "customers": {"bank": {}},
            "teams": {"payments": {"customer": "bank"}},
            "virtual_keys": {
                "k": {"secret": "env.K", "team": "payments", "providers": {"p": "*"}}
            },
            "routing_rules": {"r": {"virtual_key": "k", "targets": ["p"]}},
            "pricing_overrides": {"o": {"virtual_key": "k", "prices": {"input": 1}}},
        }
    )

    _, team, key, rule, override = plan.puts
    assert (team.id, team.customer_id, key.team_id) == ("payments", "bank", "payments")
    assert key.provider_configs[0].id == "k:p"
    assert (rule.scope_id, override.key_id) == ("k", "k")
    assert key.created_at == key.updated_at == 1.0
    assert plan.ids["virtual_key", "k"] == "k"


def test_the_second_time_nothing_changes(database):
    """
    Each worker may declare the same; only the first does something.
    """
    table = {
        "teams": {"a": TEAM},
        "virtual_keys": {"k": {"secret": "env.K", "team": "a"}},
    }
    database.declare(table)

    plan = database.declare(table)

    assert (plan.puts, plan.removals) == ((), ())
    assert plan.ids == {("team", "a"): "a", ("virtual_key", "k"): "k"}


def test_a_change_keeps_the_id_and_the_first_day(database):
    """
    A limit that changes is the same limit with another amount.
    """
    database.declare({"teams": {"a": TEAM}})

    (team,) = database.declare({"teams": {"a": {"max_parallel": 2}}}).puts

    assert (team.id, team.created_at, team.updated_at) == ("a", 1.0, 2.0)


def test_a_renamed_entity_keeps_its_id(database):
    """
    Meters go by the id, so what was spent goes along; keys follow to the new name.
    """
    table = {
        "teams": {"a": TEAM},
        "virtual_keys": {"k": {"secret": "env.K", "team": "a"}},
    }
    database.declare(table)

    plan = database.declare(
        {
            "teams": {"b": {**TEAM, "was": "a"}},
            "virtual_keys": {"k": {"secret": "env.K", "team": "b"}},
        }
    )

    (team,) = plan.puts  # the key refers to the same id as before
    assert (team.id, team.name) == ("a", "b")
    assert plan.removals == ()


def test_a_rename_that_stays_in_the_file_does_nothing_more(database):
    """
    ``was`` may be left standing.
    """
    database.declare({"teams": {"a": TEAM}})
    table = {"teams": {"b": {**TEAM, "was": "a"}}}
    database.declare(table)

    plan = database.declare(table)

    assert (plan.puts, plan.removals) == ((), ())


def test_who_takes_a_name_that_was_given_up_is_somebody_else(database):
    """
    A new team under the old name of another has an id, and so budgets, of its own.
    """
    database.declare({"teams": {"a": TEAM}})
    database.declare({"teams": {"b": {**TEAM, "was": "a"}}})

    plan = database.declare({"teams": {"b": TEAM, "a": TEAM}})

    assert plan.ids == {("team", "b"): "a", ("team", "a"): "a~2"}


def test_two_may_exchange_names_in_two_steps_only(database):
    """
    ``was`` names what is declared no more; what is there keeps its own name's id.
    """
    database.declare({"teams": {"a": TEAM, "b": TEAM}})
    database.declare({"teams": {"c": {**TEAM, "was": "a"}, "b": TEAM}})

    plan = database.declare({"teams": {"c": TEAM, "a": {**TEAM, "was": "b"}}})

    assert plan.ids == {("team", "c"): "a", ("team", "a"): "b"}


def test_what_is_taken_out_is_removed_and_comes_back_as_it_was(database):
    """
    Taking an entity out and putting it back does not give it a fresh budget.
    """
    database.declare({"teams": {"a": TEAM}})
    gone = database.declare({})

    back = database.declare({"teams": {"a": TEAM}})

    assert gone.removals == (("team", "a"),)
    assert [team.id for team in back.puts] == ["a"]
    assert back.puts[0].created_at == 1.0


def test_the_file_takes_over_a_name_of_the_api(database):
    """
    What was made through the management API and is declared now keeps its id.
    """
    database.declare({"teams": {"a": TEAM}})
    made = attrs.evolve(
        read({"teams": {"x": TEAM}}).teams["x"].entity("x"),
        id="team_1234",
        is_declared=False,
    )
    database.put(made)

    plan = database.declare({"teams": {"a": TEAM, "x": TEAM}})

    assert plan.ids["team", "x"] == "team_1234"
    assert plan.puts[0].is_declared
    assert database.declare({"teams": {"a": TEAM}}).removals == (("team", "team_1234"),)


def test_what_the_api_made_is_left_alone(database):
    """
    The file removes only what it declared.
    """
    made = attrs.evolve(
        read({"teams": {"x": {}}}).teams["x"].entity("x"), is_declared=False
    )
    database.put(made)

    assert database.declare({}).removals == ()


def test_names_to_look_for():
    """
    Present and former names are asked for, by kind.
    """
    names = names_in(read({"teams": {"b": {"was": "a"}}, "customers": {"c": {}}}))

    assert names["team"] == {"a", "b"}
    assert names["customer"] == {"c"}
    assert names["virtual_key"] == set()


def test_a_raise_outlives_the_next_reading_and_ends_with_its_time():
    """
    The file says what the limit is, not whether it was raised for a while.
    """
    database = Database()
    (team,) = database.declare({"teams": {"payments": TEAM}}).puts
    (budget,) = team.limits.budgets
    raised = attrs.evolve(
        budget, overrides=(Override(amount=5, until=4.0), Override(amount=7, until=9.0))
    )
    database.put(with_budget(team, Owner(OwnerKind.TEAM, team.id), raised))

    same = database.declare({"teams": {"payments": TEAM}})
    changed = database.declare(
        {"teams": {"payments": {"budgets": [{"limit_usd": 2, "per": "day"}]}}}
    )
    later = database.declare(
        {"teams": {"payments": {"budgets": [{"limit_usd": 2, "per": "day"}]}}}
    )

    assert same.puts == ()
    (after,) = changed.puts[0].limits.budgets
    assert (after.limit_nano, [one.amount for one in after.overrides]) == (
        2 * 10**9,
        [5, 7],
    )
    (last,) = later.puts[0].limits.budgets
    assert [one.amount for one in last.overrides] == [7]
