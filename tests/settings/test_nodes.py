from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings.nodes import (
    Scalar,
    Sequence,
    Table,
    Unread,
    digest_of,
    document_from,
    follow,
    plain,
)
from gateway.settings.values import SecretRef


class TestDocumentFrom:
    def test_gives_back_what_it_was_made_from(self):
        """
        Texts stay texts even where they look like something else.
        """
        mapping = {
            "text": "no",
            "digits": "12",
            "count": 12,
            "share": 0.5,
            "on": True,
            "nothing": None,
            "list": [1, {"deep": "x"}],
        }

        assert plain(document_from(mapping)) == mapping

    def test_writes_values_as_the_file_would(self):
        """
        A reference or path may be given as such, and a Decimal stays exact.
        """
        document = document_from(
            {"secret": SecretRef("env", "X"), "dir": Path("/x"), "usd": Decimal("0.10")}
        )

        texts = [node.text for node in document.entries.values()]
        assert texts == ["env.X", "/x", "0.10"]

    def test_refuses_keys_that_are_no_text(self):
        """
        A file has no such keys either.
        """
        with pytest.raises(ConfigError, match="must be texts"):
            document_from({"a": {1: 2}})

    def test_refuses_endless_nesting(self):
        """
        A mapping that holds itself is an error, not a crash.
        """
        endless: dict = {}
        endless["again"] = endless

        with pytest.raises(ConfigError, match="nested deeper than 64"):
            document_from(endless)


class TestPlain:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("true", True),
            ("no", "no"),
            ("12", 12),
            ("-0.5", -0.5),
            ("1e3", 1000.0),
            ("012", "012"),
            ("12:30", "12:30"),
            ("0x10", "0x10"),
            ("", None),
            ("null", None),
            ("9" * 50, "9" * 50),
        ],
    )
    def test_takes_only_what_is_certain_for_more_than_text(self, text, value):
        """
        Numbers, true, false and null; the rest of YAML's guesses stays text.
        """
        assert plain(Scalar((1, 1), text, plain=True)) == value

    def test_leaves_quoted_text_alone(self):
        """
        Quotes say that it is text.
        """
        assert plain(Scalar((1, 1), "true", plain=False)) == "true"


class TestDigest:
    def test_is_the_same_for_the_same_content(self):
        """
        Where it stands does not matter.
        """
        here = Table((1, 1), {"a": Scalar((1, 4), "x", plain=True)})
        there = Table((9, 1), {"a": Scalar((9, 9), "x", plain=True)})

        assert digest_of(here) == digest_of(there)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": 1}, {"a": 2}),
            ({"a": 1}, {"a": "1"}),
            ({"a": ["b", "c"]}, {"a": [["b"], "c"]}),
            ({"a": {"b": "c"}}, {"a": ["b", "c"]}),
            ({"a": "b", "c": "d"}, {"c": "d", "a": "b"}),
        ],
        ids=str,
    )
    def test_differs_with_the_content(self, one, other):
        """
        Types, structure and order count.
        """
        assert digest_of(document_from(one)) != digest_of(document_from(other))


class TestFollow:
    def test_goes_as_far_as_the_steps_lead(self):
        """
        The nearest node is returned with the number of steps taken.
        """
        document = document_from({"a": [{"b": "x"}]})

        node, taken = follow(document, ("a", 0, "b", "short form"))

        assert isinstance(node, Scalar)
        assert (node.text, taken) == ("x", 3)

    def test_stops_before_an_index_that_is_not_there(self):
        """
        A list that is too short is where the way ends.
        """
        assert follow(document_from({"a": []}), ("a", 3))[1] == 1


class TestUnread:
    def test_what_says_the_same_is_equal(self):
        """
        Whatever its layout and place: so a reload sees what changed.
        """
        one, same = Unread.of({"a": 1}, "here"), Unread.of({"a": 1}, "there")

        assert one == same
        assert hash(one) == hash(same)
        assert one != Unread.of({"a": 2})
        assert one != {"a": 1}

    def test_gives_back_what_it_was_made_from(self):
        """
        For whoever writes it down.
        """
        assert Unread.of({"a": [1, "x", None]}).plain() == {"a": [1, "x", None]}

    def test_a_problem_with_it_has_its_place(self):
        """
        Path, file, line and column.
        """
        unread = Unread(node=Scalar((3, 7), "x", plain=True), path="a.b", origin="f")

        assert str(unread.problem("is wrong")) == "f:3:7 a.b: is wrong"

    def test_a_problem_within_it_has_the_place_there(self):
        """
        That of what is named, or what stands above it where that is not written.
        """
        words = Sequence((3, 10), [Scalar((3, 11), "x", plain=True)])
        table = Table((3, 1), {"words": words}, {"words": (3, 2)})
        unread = Unread(node=table, path="a.b", origin="f")

        assert str(unread.problem("no", "words[0]")) == "f:3:11 a.b.words[0]: no"
        assert str(unread.problem("no", "words.x")) == "f:3:10 a.b.words.x: no"
