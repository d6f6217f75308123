from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest

from gateway.settings.document import read_document
from gateway.settings.problems import Problems
from gateway.settings.structure import read, reader_for
from gateway.settings.unions import shapes_of, tags_of
from gateway.settings.values import SecretRef


@attrs.frozen(kw_only=True)
class Bedrock:
    type: Literal["bedrock"]
    id: str


@attrs.frozen(kw_only=True)
class Judge:
    type: Literal["judge", "critic"]
    model: str


@attrs.frozen(kw_only=True)
class Untagged:
    model: str


Detector = str | Bedrock | Judge


def value_of(text: str, kind: Any) -> tuple[Any, list[str]]:
    problems = Problems("f")
    node = read_document(f"x: {text}\n".encode(), problems).entries["x"]
    value = read(node, kind, "x", problems)
    return value, str(problems.error()).splitlines()


class TestUnion:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            ("", int | None, None),
            ("null", str | None, None),
            ("'null'", str | None, "null"),
            ("3", int | None, 3),
            ("pii", Detector, "pii"),
            ("{type: bedrock, id: a}", Detector, Bedrock(type="bedrock", id="a")),
            ("{type: critic, model: m}", Detector, Judge(type="critic", model="m")),
            ("auto", int | Literal["auto"], "auto"),
            ("5", int | Literal["auto"], 5),
            ("5", str | int, 5),
            ("five", str | int, "five"),
            ("0.10", Decimal | Literal["refuse"], Decimal("0.10")),
            ("env.X", SecretRef | None, SecretRef("env", "X")),
            ("[a]", str | tuple[str, ...], ("a",)),
            ("a", str | tuple[str, ...], "a"),
            ("{a: 1}", bool | Mapping[str, int], {"a": 1}),
        ],
        ids=repr,
    )
    def test_is_chosen_by_what_stands_there(self, text, kind, value):
        """
        Nothing, a single value, a list, a table: each finds its member.
        """
        assert value_of(text, kind) == (value, [])

    @pytest.mark.parametrize(
        ("text", "kind", "messages"),
        [
            (
                "x",
                int | Literal["auto"],
                ['f:1:4 x: must be a whole number, not "x"; or must be auto, not "x"'],
            ),
            (
                "[a]",
                Detector,
                ["f:1:4 x: must be a single value or a table, not a list"],
            ),
            (
                "{type: other}",
                Detector,
                ['f:1:11 x.type: must be one of bedrock judge critic, not "other"'],
            ),
            (
                "{id: a}",
                Detector,
                ["f:1:4 x.type: must be one of bedrock judge critic"],
            ),
            (
                "{type: bedrock, idd: a}",
                Detector,
                [
                    "f:1:4 x.id: required, but missing",
                    "f:1:20 x.idd: unknown key, did you mean id?",
                ],
            ),
            ("[1]", int | None, ["f:1:4 x: must be a whole number, not a list"]),
        ],
        ids=repr,
    )
    def test_says_what_would_fit(self, text, kind, messages):
        """
        The message is that of the member that was meant, as far as that is certain.
        """
        assert value_of(text, kind)[1] == messages


class TestAmbiguity:
    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            (Bedrock | Untagged, "nothing tells"),
            (Untagged | Mapping[str, str], "nothing tells"),
            (tuple[str, ...] | list[int], "two lists"),
        ],
        ids=str,
    )
    def test_is_an_error_of_the_author(self, kind, message):
        """
        Members that no file could tell apart are refused before any file is read.
        """
        with pytest.raises(TypeError, match=message):
            reader_for(kind)

    def test_tags_are_found_by_their_literals(self):
        """
        The key whose fixed values differ is the one that tells.
        """
        key, kinds = tags_of([Bedrock, Judge])

        assert key == "type"
        assert kinds == {"bedrock": Bedrock, "judge": Judge, "critic": Judge}

    def test_shapes_know_what_each_type_is_written_as(self):
        """
        A word, a list, a table, or for Any all three.
        """
        names = {kind: len(shapes_of(kind)) for kind in (str, Any, Untagged)}

        assert names == {str: 1, Any: 3, Untagged: 1}
