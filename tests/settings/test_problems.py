from __future__ import annotations

import pytest

from gateway.settings.problems import (
    MAX_PROBLEMS,
    NOWHERE,
    Problems,
    join,
    may_be_secret,
    path_of,
    place,
    shown,
)


class TestProblems:
    def test_are_told_in_the_order_of_the_file(self):
        """
        Line decides, then column, whatever was found first.
        """
        problems = Problems("gateway.yaml")
        problems.add((3, 1), "b", "second")
        problems.add((2, 9), "a", "first")

        assert str(problems.error()).splitlines() == [
            "gateway.yaml:2:9 a: first",
            "gateway.yaml:3:1 b: second",
        ]

    def test_are_bounded(self):
        """
        Thousands of errors end in a line that counts the rest.
        """
        problems = Problems("gateway.yaml")
        for line in range(1, 1001):
            problems.add((line, 1), "x", "wrong")

        told = problems.error().problems

        assert len(told) == MAX_PROBLEMS + 1
        assert str(told[-1]) == "gateway.yaml: and 900 more"

    def test_are_false_while_there_is_none(self):
        """
        An empty collection says so.
        """
        problems = Problems()

        assert not problems
        problems.add(NOWHERE, "", "wrong")
        assert problems


class TestPlace:
    def test_without_a_mark_is_the_file(self):
        """
        What stands nowhere in the file still names it.
        """
        assert place("gateway.yaml", NOWHERE) == "gateway.yaml"
        assert place("", NOWHERE) == ""


class TestPath:
    @pytest.mark.parametrize(
        ("steps", "path"),
        [
            (("plugins", "x", "budgets", 0, "per"), "plugins.x.budgets[0].per"),
            (("models", "claude-*"), "models.claude-*"),
            (("models", "gpt-4.1"), 'models."gpt-4.1"'),
            (("models", ""), 'models.""'),
            (("models", "a b"), 'models."a b"'),
            ((), ""),
        ],
    )
    def test_is_written_as_people_read_it(self, steps, path):
        """
        A name that would make the path ambiguous stands in quotes.
        """
        assert path_of(steps) == path

    def test_is_bounded(self):
        """
        A name of any length does not flood the message.
        """
        assert len(join("models", "x" * 10_000)) < 100

    def test_hides_a_name_that_may_be_a_secret(self):
        """
        A key pasted where a name belongs is not repeated.
        """
        assert "sk-proj" not in join("keys", "sk-proj-abcdef123456")


class TestShown:
    @pytest.mark.parametrize(
        "text",
        [
            "sk-proj-abcdef123456",
            "sk-ant-api03-abcdef",
            "gsk_abcdefghijkl",
            "AKIAIOSFODNN7EXAMPLE",
            "Bearer abcdefgh",
            "eyJhbGciOiJIUzI1NiJ9.e30",
            "-----BEGIN PRIVATE KEY-----",
            "0123456789abcdef0123456789abcdef",
            "aB3dEf6hIj9kLm2nOp5qRs8t",
        ],
    )
    def test_hides_what_looks_like_a_credential(self, text):
        """
        Its length is all that is told.
        """
        assert may_be_secret(text)
        assert shown(text) == f"a text of {len(text)} characters"

    @pytest.mark.parametrize(
        "text",
        [
            "1m",
            "yes",
            "anthropic/claude-sonnet-4-5-20250929",
            "team-payments-prod-eu-central-1",
            "http://localhost:11434",
            "skeleton",
        ],
    )
    def test_quotes_what_does_not(self, text):
        """
        Names, words and addresses are shown: without them no message helps.
        """
        assert shown(text) == f'"{text}"'

    def test_is_bounded(self):
        """
        A long text is told by its length.
        """
        assert shown("word " * 100) == "a text of 500 characters"
