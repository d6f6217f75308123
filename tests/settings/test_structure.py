from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import attrs
import pytest

from gateway.errors import ConfigError
from gateway.settings.document import read_document
from gateway.settings.nodes import PluginTable, Unread
from gateway.settings.problems import Problems
from gateway.settings.structure import read, reader_for, structure
from gateway.settings.values import SecretRef

Nano = NewType("Nano", int)


class Period:
    """
    Not of attrs: any class that can parse may stand in a field.
    """

    def __init__(self, word: str) -> None:
        self.word = word

    @classmethod
    def parse(cls, text: str) -> Period:
        if text not in ("minute", "day", "month"):
            raise ValueError(f'"{text}" is no period: minute day month')
        return cls(text)


@attrs.frozen(kw_only=True)
class Budget:
    limit_usd: Decimal
    per: Period

    @classmethod
    def short_form(cls, text: str) -> Budget:
        limit, slash, per = text.partition("/")
        if not slash:
            raise ValueError("write 20/day")
        return cls(limit_usd=Decimal(limit), per=Period.parse(per))


@attrs.frozen(kw_only=True)
class VirtualKey:
    secret: SecretRef
    team: str | None = None
    models: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()


@attrs.frozen(kw_only=True)
class Governance:
    virtual_keys: Mapping[str, VirtualKey] = attrs.field(factory=dict)


def value_of(text: str, kind: Any) -> tuple[Any, list[str]]:
    problems = Problems("f")
    node = read_document(f"x: {text}\n".encode(), problems).entries["x"]
    value = read(node, kind, "x", problems)
    return value, str(problems.error()).splitlines()


class TestCollections:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            ("[a, b]", tuple[str, ...], ("a", "b")),
            ("[1]", list[int], [1]),
            ("[1]", Sequence[int], (1,)),
            ("[a, a]", frozenset[str], frozenset({"a"})),
            ("", tuple[str, ...], ()),
            ("[[a], []]", tuple[tuple[str, ...], ...], (("a",), ())),
            ("{a: 1}", dict[str, int], {"a": 1}),
            ("", Mapping[str, int], {}),
            ("{a: 1}", Mapping[Literal["a", "b"], int], {"a": 1}),
            ("{1: a}", Mapping[int, str], {1: "a"}),
            ("{a: {b: [1]}}", Mapping[str, Any], {"a": {"b": [1]}}),
            ("1", Nano, 1),
            ("1", Annotated[int, "of something"], 1),
        ],
        ids=repr,
    )
    def test_hold_what_their_items_say(self, text, kind, value):
        """
        Lists and tables are read item by item.
        """
        read_value, told = value_of(text, kind)

        assert told == []
        assert read_value == value
        assert type(read_value) is type(value)

    @pytest.mark.parametrize(
        ("text", "kind", "messages"),
        [
            (
                "gpt",
                tuple[str, ...],
                ["f:1:4 x: must be a list, [a, b], not a single value"],
            ),
            (
                "{a: b}",
                list[str],
                ["f:1:4 x: must be a list, [a, b], not a table"],
            ),
            (
                "[1, b, c]",
                list[int],
                [
                    'f:1:8 x[1]: must be a whole number, not "b"',
                    'f:1:11 x[2]: must be a whole number, not "c"',
                ],
            ),
            (
                "{c: 1}",
                Mapping[Literal["a", "b"], int],
                ['f:1:5 x.c: must be a or b, not "c"'],
            ),
            (
                "[a]",
                Mapping[str, int],
                ["f:1:4 x: must be a table, key: value, not a list"],
            ),
        ],
        ids=repr,
    )
    def test_tell_which_item_is_wrong(self, text, kind, messages):
        """
        A text is never taken for a list of letters, and each item has its place.
        """
        assert value_of(text, kind)[1] == messages


class TestOwnTypes:
    def test_parse_their_word(self):
        """
        A class with parse() reads itself.
        """
        assert value_of("day", Period)[0].word == "day"

    def test_say_what_is_wrong_in_their_own_words(self):
        """
        The ValueError of parse() is the message.
        """
        assert value_of("1m", Period)[1] == [
            'f:1:4 x: "1m" is no period: minute day month'
        ]

    def test_may_have_a_short_form(self):
        """
        A table with short_form() may be written as one word.
        """
        long = value_of("{limit_usd: 20, per: day}", Budget)[0]
        short = value_of("20/day", Budget)[0]

        assert short.limit_usd == long.limit_usd
        assert value_of("20", Budget)[1] == ["f:1:4 x: write 20/day"]

    def test_that_nobody_can_read_are_refused(self):
        """
        The author of such a field learns it before any file is read.
        """
        for kind in (complex, tuple[int, str], bytes):
            with pytest.raises(TypeError, match="cannot be of type"):
                reader_for(kind)

    def test_leave_a_plugins_table_alone(self):
        """
        A raw table keeps its name, its nodes and their marks.
        """
        table, told = value_of("{a: [1, b]}", PluginTable)

        assert told == []
        assert (table.name, table.plain()) == ("x", {"a": [1, "b"]})


class TestStructure:
    def test_collects_all_problems_with_their_marks(self):
        """
        The path begins where the caller says that the node stands.
        """
        text = (
            "virtual_keys:\n"
            "  checkout: {modelz: [a], secret: env.X}\n"
            "  code:\n"
            "    secret: canary-literal\n"
            "    budgets: [{limit_usd: 100, per: 1m}]\n"
        )

        with pytest.raises(ConfigError) as caught:
            structure(
                read_document(text.encode(), Problems()),
                Governance,
                path="plugins.governance",
                origin="gateway.yaml",
            )

        where = "plugins.governance.virtual_keys"
        assert str(caught.value).splitlines() == [
            (
                f"gateway.yaml:2:14 {where}.checkout.modelz: "
                "unknown key, did you mean models?"
            ),
            (
                f"gateway.yaml:4:13 {where}.code.secret: a secret is written as a "
                "reference, never as itself: env.NAME, file./path or <store>.<name>"
            ),
            (
                f"gateway.yaml:5:37 {where}.code.budgets[0].per: "
                '"1m" is no period: minute day month'
            ),
        ]

    @pytest.mark.deep
    def test_reads_ten_thousand_virtual_keys_in_well_under_a_second(self):
        """
        A large file must not hold up a reload.

        CPU time; the bound has room for slow machines, a quadratic reader has not.
        """
        line = "secret: file./run/vk, team: t, models: [a, b], budgets: [20/day]"
        text = "virtual_keys:\n" + "".join(
            f"  key-{number:05}: {{{line}}}\n" for number in range(10_000)
        )

        began = time.process_time()
        document = read_document(text.encode(), Problems())
        governance = structure(document, Governance)
        took_s = time.process_time() - began

        assert len(governance.virtual_keys) == 10_000
        assert took_s < 3


def test_what_is_read_later_stays_as_it_stands():
    """
    Single values, lists and tables, each with its path, and faults in it with their place.
    """

    @attrs.frozen
    class Later:
        parts: tuple[Unread, ...]

    @attrs.frozen
    class Part:
        size: int

    document = read_document(b"parts: [word, {size: big}, [1]]", Problems("f"))

    word, table, many = structure(document, Later, path="p", origin="f").parts

    assert (word.plain(), many.plain()) == ("word", [1])
    with pytest.raises(ConfigError) as caught:
        structure(table.node, Part, path=table.path, origin=table.origin)
    assert (
        str(caught.value) == 'f:1:22 p.parts[1].size: must be a whole number, not "big"'
    )
