from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from gateway.errors import ConfigError
from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway.settings.structure import structure
from gateway.settings.tables import file_attributes, key_of
from gateway.settings.values import at_least

if TYPE_CHECKING:
    from pathlib import PurePath


def even(instance: Any, attribute: attrs.Attribute[int], value: int) -> None:
    if value % 2:
        raise ValueError(f"{value} is odd")


def doubled(value: int) -> int:
    if value > 100:
        raise ValueError("too large to double")
    return value * 2


def with_instance(value: int, instance: Any, field: attrs.Attribute[int]) -> int:
    return value + len(field.name) if instance is not None else value


@attrs.frozen(kw_only=True)
class Inner:
    size: int = attrs.field(default=2, validator=even)
    limit: int = attrs.field(default=4, validator=at_least(0))


@attrs.frozen(kw_only=True)
class Tree:
    name: str
    children: tuple[Tree, ...] = ()


@attrs.frozen(kw_only=True)
class Outer:
    name: str
    inner: Inner = attrs.field(factory=Inner)
    twice: int = attrs.field(default=1, converter=doubled)
    longer: int = attrs.field(
        default=1,
        converter=attrs.Converter(with_instance, takes_self=True, takes_field=True),
    )
    above: int = attrs.field(default=0)
    below: int = attrs.field(default=0)
    from_: str = attrs.field(default="", metadata={"key": "from"})
    _private: int = 0
    hidden: int = attrs.field(default=7, metadata={"in_file": False})
    made: int = attrs.field(default=8, init=False)

    @above.validator
    def _check_above(self, attribute: attrs.Attribute[int], value: int) -> None:
        if value < self.below:
            raise ValueError("is below below")

    def __attrs_post_init__(self) -> None:
        if self.name == "both" and self.inner.size == 4:
            raise ValueError("name and inner do not agree")


@attrs.frozen
class Unreadable:
    what: complex


@attrs.frozen
class OnlyForCheckers:
    where: PurePath


def read(text: str, kind: type[Any] = Outer) -> Any:
    document = read_document(text.encode(), Problems("f"))
    return structure(document, kind, path="plugins.x", origin="f")


def wrong(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value).splitlines()


class TestReading:
    def test_fills_in_defaults(self):
        """
        A key that is left out has the class's default.
        """
        assert read("name: a") == Outer(name="a")

    def test_takes_nothing_for_an_empty_table(self):
        """
        A name with nothing behind it means its defaults.
        """
        assert read("name: a\ninner:\n").inner == Inner()

    def test_runs_converters(self):
        """
        A converter of attrs sees the value that the type gave.
        """
        outer = read("name: a\ntwice: 4\nlonger: 10\n")

        assert (outer.twice, outer.longer) == (8, 16)

    def test_knows_keys_that_python_cannot_name(self):
        """
        Metadata says how the file calls an attribute; private ones lose their dash.
        """
        outer = read("name: a\nfrom: b\n_private: 3\n")

        assert (outer.from_, outer._private) == ("b", 3)

    def test_reads_a_class_that_holds_itself(self):
        """
        Readers are made at first use, so that a tree of tables is no riddle.
        """
        tree = read("name: a\nchildren: [{name: b, children: [{name: c}]}]\n", Tree)

        assert tree.children[0].children[0].name == "c"


class TestProblems:
    def test_name_each_wrong_field_at_once(self):
        """
        Unknown, missing, mistyped and invalid keys of one table are told together.
        """
        text = "inner: {size: 3, limit: -1, sizes: 2}\ntwice: x\n"

        assert wrong(text) == [
            "f:1:1 plugins.x.name: required, but missing",
            "f:1:15 plugins.x.inner.size: 3 is odd",
            "f:1:25 plugins.x.inner.limit: must be at least 0, not -1",
            "f:1:29 plugins.x.inner.sizes: unknown key, did you mean size?",
            'f:2:8 plugins.x.twice: must be a whole number, not "x"',
        ]

    def test_list_what_is_known_when_nothing_is_near(self):
        """
        A key that resembles none is answered with all there are.
        """
        (message,) = wrong("name: a\ninner: {zzz: 1}\n")

        assert message == (
            "f:2:9 plugins.x.inner.zzz: unknown key; known are size limit"
        )

    def test_are_told_of_converters(self):
        """
        What a converter refuses stands at its field.
        """
        assert wrong("name: a\ntwice: 101\n") == [
            "f:2:8 plugins.x.twice: too large to double"
        ]

    def test_are_told_of_validators_that_compare_fields(self):
        """
        A validator may look at other fields of its class.
        """
        assert wrong("name: a\nabove: 1\nbelow: 2\n") == [
            "f:2:8 plugins.x.above: is below below"
        ]

    def test_are_not_made_up_where_the_other_field_is_broken(self):
        """
        A comparison with a field that could not be read says nothing.
        """
        assert wrong("name: a\nabove: -1\nbelow: x\n") == [
            'f:3:8 plugins.x.below: must be a whole number, not "x"'
        ]

    def test_of_the_whole_stand_at_the_table(self):
        """
        What the class says about several fields has no field of its own.
        """
        assert wrong("name: both\ninner: {size: 4}\n") == [
            "f:1:1 plugins.x: name and inner do not agree"
        ]

    def test_refuse_attributes_that_are_no_keys(self):
        """
        What the constructor does not take, or metadata keeps out, is unknown.
        """
        assert len(wrong("name: a\nhidden: 1\nmade: 1\n")) == 2

    def test_say_that_a_table_is_wanted(self):
        """
        A list or a word where a table belongs is told as such.
        """
        assert wrong("name: a\ninner: [size]\n") == [
            "f:2:8 plugins.x.inner: must be a table, key: value, not a list"
        ]
        assert wrong("name: a\ninner: size\n") == [
            "f:2:8 plugins.x.inner: must be a table, key: value, not a single value"
        ]


class TestClasses:
    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            (Unreadable, r"Unreadable\.what: .*cannot be of type.*complex"),
            (OnlyForCheckers, "OnlyForCheckers: name 'PurePath' is not defined"),
        ],
    )
    def test_that_no_file_can_hold_are_errors_of_their_author(self, kind, message):
        """
        An annotation that cannot be read names class and field.
        """
        with pytest.raises(TypeError, match=message):
            read("what: 1\n", kind)

    def test_tell_their_keys(self):
        """
        The schema and the reader agree on what stands in the file.
        """
        keys = [key_of(attribute) for attribute in file_attributes(Outer)]

        assert "from" in keys
        assert not {"hidden", "made", "from_"} & set(keys)
