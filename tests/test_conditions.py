from __future__ import annotations

import sys
from timeit import repeat

import pytest

from gateway import conditions
from gateway.conditions import (
    EXCHANGE_FACTS,
    MAX_CHARACTERS,
    ConditionFailed,
    ConditionInvalid,
    EngineMissing,
    Kind,
    Vocabulary,
    plain_count,
    plain_text,
)
from gateway.testing import make_exchange

FACTS = {
    "model": Kind.TEXT,
    "stream": Kind.FLAG,
    "has_tools": Kind.FLAG,
    "input_tokens": Kind.COUNT,
    "budget_used": Kind.PERCENT,
    "request": Kind.PERCENT,
    "headers": Kind.TEXTS,
    "params": Kind.TEXTS,
}
VOCABULARY = Vocabulary(FACTS)

#: A value of each kind, where a test gives none.
PLAIN = {
    Kind.TEXT: "",
    Kind.FLAG: False,
    Kind.COUNT: 0,
    Kind.PERCENT: 0.0,
    Kind.TEXTS: {},
}


def holds(text: str, **facts):
    def fact(name: str):
        return facts.get(name, PLAIN[FACTS[name]])

    return VOCABULARY.compile(text).holds(fact)


class TestCompiling:
    @pytest.mark.parametrize("name", sorted(FACTS))
    def test_every_kind_of_fact_can_be_asked_for(self, name):
        """
        Each name is declared with the kind of its value.
        """
        asks = {
            Kind.TEXT: f'{name} == "x"',
            Kind.FLAG: f"{name}",
            Kind.COUNT: f"{name} > 10",
            Kind.PERCENT: f"{name} > 80 || {name} >= 80.5",
            Kind.TEXTS: f'"x" in {name} && {name}["x"] == "y"',
        }

        condition = VOCABULARY.compile(asks[FACTS[name]])

        assert condition.names == (name,)
        assert condition.holds(lambda fact: PLAIN[FACTS[fact]]) is False

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("model ==", "Syntax error"),
            ("mode == 'x'", "undeclared reference to 'mode'"),
            ("complexity_tier == 'SIMPLE'", "undeclared reference"),
            ("model + 1 == 2", "no matching overload"),
            ("model == 5", "no matching overload"),
            ("model", "is string"),
            ("input_tokens + 1", "is int"),
            ("headers", "is map"),
            ("budget_used", "is dyn"),
            ("open('/etc/passwd') == ''", "undeclared reference"),
            ("\0", "not CEL"),
            ("(" * 500 + "true" + ")" * 500, "recursion"),
            ("x" * (MAX_CHARACTERS + 1), "characters"),
        ],
    )
    def test_what_is_no_condition_is_refused_when_written(self, text, told):
        """
        A typing error is told to who makes it, with its place, and in bounded words.
        """
        with pytest.raises(ConditionInvalid, match=told) as caught:
            VOCABULARY.compile(text)

        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize("text", ["", "  ", "true"])
    def test_what_always_holds_needs_no_engine(self, text, monkeypatch):
        """
        Rules without a condition work without the extra.
        """
        monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
        conditions._engine.cache_clear()

        assert VOCABULARY.read(text) is None

    def test_without_the_engine_the_error_says_what_to_install(self, monkeypatch):
        """
        A rule with a condition is an error then, never passed over.
        """
        monkeypatch.setitem(sys.modules, "cel_expr_python", None)
        monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
        conditions._engine.cache_clear()

        with pytest.raises(EngineMissing, match=r"gatewright\[cel\]"):
            VOCABULARY.compile("true")

    def test_only_facts_that_are_named_are_found(self):
        """
        What costs something is not computed for a condition that does not ask.
        """
        asked = []

        def fact(name):
            asked.append(name)
            return "gpt"

        VOCABULARY.compile('model == "gpt" || model.startsWith("o")').holds(fact)

        assert asked == ["model"]


class TestHolding:
    @pytest.mark.parametrize(
        ("text", "facts", "expected"),
        [
            ("budget_used > 80", {"budget_used": 80.5}, True),
            ("budget_used > 80 && request < 50.0", {"budget_used": 81.0}, True),
            ('headers["x-tier"] == "gold"', {"headers": {"x-tier": "gold"}}, True),
            ('headers["X-Tier"] == "gold"', {"headers": {"x-tier": "gold"}}, True),
            ("headers['x-tier'] == 'gold'", {}, None),
            ("!(headers['x-tier'] == 'gold')", {}, None),
            ("!('x-tier' in headers)", {}, True),
            ("headers['x'] == 'y' || model == 'm'", {"model": "m"}, True),
            ("headers['x'] == 'y' && model == 'm'", {"model": "n"}, False),
            ("model.matches('^gpt-[45]')", {"model": "gpt-5"}, True),
            ("model in ['a', 'b']", {"model": "b"}, True),
            ("model.size() == 1", {"model": "é"}, True),
            ("stream && has_tools", {"stream": True, "has_tools": True}, True),
            ("input_tokens > 1000000", {"input_tokens": 2_000_000}, True),
        ],
    )
    def test_conditions_hold_as_they_read(self, text, facts, expected):
        """
        Percents compare with whole numbers, header names in any case, what is absent holds
        nothing.
        """
        assert holds(text, **facts) is expected

    @pytest.mark.parametrize(
        ("text", "facts"),
        [
            ("1 / input_tokens == 1", {}),
            ("input_tokens * 9223372036854775807 > 0", {"input_tokens": 2}),
            ("int(model) > 3", {"model": "secret-word"}),
            ("model.matches(headers['re'])", {"headers": {"re": "("}}),
            ("model == 'm'", {"model": "\ud800"}),
            ("model == 'm'", {"model": None}),
        ],
    )
    def test_what_cannot_be_evaluated_fails_without_showing_values(self, text, facts):
        """
        A failure is told apart from "no", and its words hold nothing of the request.
        """
        with pytest.raises(ConditionFailed) as caught:
            holds(text, **facts)

        assert "secret-word" not in str(caught.value)

    def test_a_fact_that_fails_fails_the_condition(self):
        """
        What cannot be found out is no "no".
        """

        def broken(name):
            raise OSError(name)

        with pytest.raises(ConditionFailed, match="OSError"):
            VOCABULARY.compile("budget_used > 80").holds(broken)

    def test_a_condition_cannot_run_for_long(self):
        """
        Loops in loops end at the engine's budget of iterations, as a failure.
        """
        entries = {str(number): "" for number in range(2_000)}

        with pytest.raises(ConditionFailed):
            holds("params.all(a, params.all(b, params.all(c, true)))", params=entries)

    def test_a_hostile_pattern_takes_linear_time(self):
        """
        Regular expressions are RE2's: no backtracking.
        """
        assert holds("model.matches('(a+)+$')", model="a" * 50_000 + "b") is False


class TestFactsOfAnExchange:
    def test_every_one_has_a_value_of_its_kind(self):
        """
        So that a condition that names it can be evaluated for any request.
        """
        vocabulary = Vocabulary(
            {name: kind for name, (kind, _) in EXCHANGE_FACTS.items()}
        )
        exchange = make_exchange(headers={"x-app": "a"}, query="a=b")
        told = """
            operation == 'generate' && dialect == 'openai_chat' && !stream && !has_tools
            && request_type == 'chat_completion' && max_output_tokens == 0
            && headers['x-app'] == 'a' && params['a'] == 'b'
        """

        condition = vocabulary.compile(told)

        assert set(condition.names) == set(EXCHANGE_FACTS)
        assert condition.holds(lambda name: EXCHANGE_FACTS[name][1](exchange))

    def test_credentials_are_no_facts(self):
        """
        Neither those in headers nor those in the query.
        """
        headers = {"Authorization": "Bearer x", "X-Api-Key": "y", "X-App": "z"}
        exchange = make_exchange(headers=headers, query="key=x&a=b")

        found = [EXCHANGE_FACTS[name][1](exchange) for name in ("headers", "params")]

        assert found == [{"x-app": "z"}, {"a": "b"}]

    @pytest.mark.parametrize(
        ("text", "plain"), [(None, ""), ("é", "é"), ("a\ud800", "a?")]
    )
    def test_texts_are_what_the_engine_takes(self, text, plain):
        """
        Lone surrogates have no UTF-8.
        """
        assert plain_text(text) == plain

    @pytest.mark.parametrize(
        ("number", "plain"), [(None, 0), (-1, 0), (1 << 70, (1 << 63) - 1)]
    )
    def test_numbers_are_what_the_engine_takes(self, number, plain):
        """
        It counts to 2^63 - 1.
        """
        assert plain_count(number) == plain


@pytest.mark.deep
def test_a_condition_costs_microseconds():
    """
    Two facts compared: below 10 us, most of it the engine's.
    """
    condition = VOCABULARY.compile('model == "gpt-5" && budget_used > 80')
    facts = {"model": "gpt-5", "budget_used": 81.0}

    spent = min(repeat(lambda: condition.holds(facts.get), number=2_000, repeat=5))

    assert spent / 2_000 < 10e-6
