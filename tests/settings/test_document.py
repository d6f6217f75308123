from __future__ import annotations

import gc

import pytest

from gateway.errors import ConfigError
from gateway.settings.document import MAX_FILE_BYTES, read_document
from gateway.settings.nodes import plain
from gateway.settings.problems import Problems


def read(raw: bytes) -> object:
    problems = Problems("f")
    document = read_document(raw, problems)
    assert not problems, str(problems.error())
    return plain(document)


def wrong(raw: bytes) -> list[str]:
    problems = Problems("f")
    try:
        read_document(raw, problems)
    except ConfigError as exc:
        return str(exc).splitlines()
    return str(problems.error()).splitlines()


class TestReading:
    @pytest.mark.parametrize(
        ("raw", "document"),
        [
            (b"", {}),
            (b"# nothing\n", {}),
            (b"---\n", {}),
            (b"~", {}),
            (b"a: b\nc: [d, {e: f}]\n", {"a": "b", "c": ["d", {"e": "f"}]}),
            (b"\xef\xbb\xbfa: b\n", {"a": "b"}),
            ("a: ü\n".encode("utf-16"), {"a": "ü"}),
            (b"a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
            (b"%YAML 1.1\n---\na: ! '1'\n", {"a": "1"}),
        ],
    )
    def test_gives_tables_lists_and_texts(self, raw, document):
        """
        What stands in the file is what is read, an empty file is an empty table.
        """
        assert read(raw) == document

    def test_keeps_line_and_column_of_keys_and_values(self):
        """
        Both count from 1, as editors do.
        """
        document = read_document(b"a:\n  b: c\n", Problems())

        table = document.entries["a"]
        assert table.key_marks["b"] == (2, 3)
        assert table.entries["b"].mark == (2, 6)

    def test_leaves_the_collector_as_it_was(self):
        """
        It is paused for the reading, even when that fails.
        """
        assert gc.isenabled()

        wrong(b"a: [")

        assert gc.isenabled()


class TestAliases:
    def test_repeat_what_is_anchored(self):
        """
        Values, lists and tables may stand once and be used often.
        """
        raw = b"a: &x [1]\nb: *x\nc: &y text\nd: [*y, *x]\n"

        assert read(raw) == {"a": [1], "b": [1], "c": "text", "d": ["text", [1]]}

    def test_merge_tables_without_overriding(self):
        """
        Under << stand tables whose keys fill in what is not said here.
        """
        raw = b"a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 9}\n"

        document = read(raw)

        assert document["c"] == {"x": 9, "y": 1, "z": 2}

    def test_merge_takes_tables_only(self):
        """
        What is merged and is none is told with its place.
        """
        assert wrong(b"a: {<<: text}\n") == ["f:1:5 a.<<: takes tables only"]

    def test_of_nothing_are_told(self):
        """
        An alias before its anchor, or inside it, leads nowhere.
        """
        message = "an alias of nothing that stands before it"

        assert wrong(b"a:\n  b: *x\n") == [f"f:2:6 a.b: {message}"]
        assert wrong(b"a: &x [*x]\n") == [f"f:1:8 a[0]: {message}"]

    def test_cannot_multiply_without_bound(self):
        """
        Ten lines that stand for a billion values are refused at once.
        """
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)
        ]

        (message,) = wrong("\n".join(lines).encode())

        assert "more than 2000000 values, aliases included" in message

    def test_cannot_nest_without_bound(self):
        """
        Depth counts what aliases stand for.
        """
        lines = [f"a0: &a0 {'[' * 40}x{']' * 40}", f"a1: {'[' * 40}*a0{']' * 40}"]

        (message,) = wrong("\n".join(lines).encode())

        assert message.startswith("f:2:45 a1[0][0]")
        assert message.endswith("nested deeper than 64 levels")


class TestRefusals:
    @pytest.mark.parametrize(
        ("raw", "messages"),
        [
            (b"a: 1\nb: 2\na: 3\n", ["f:3:1 a: stands twice, first in line 1"]),
            (b"a: {b: 1,\n b: 2}\n", ["f:2:2 a.b: stands twice, first in line 1"]),
            (b"- a\n- b\n", ["f:1:1: must be a table, key: value"]),
            (b"text\n", ["f:1:1: must be a table, key: value"]),
            (b"a: 1\n---\nb: 2\n", ["f:2:1: a second document: one file holds one"]),
            (b"? [a]\n: b\n", ["f:1:3: a key must be a single word or text"]),
            (b"x: &a b\n*a : c\n", ["f:2:1: a key must be a single word or text"]),
            (
                b"a: !!python/object/apply:os.system [id]\n",
                ["f:1:4 a: a tag (!...): there are none here"],
            ),
            (b"a: !env X\n", ["f:1:4 a: a tag (!...): there are none here"]),
        ],
    )
    def test_say_where_and_what(self, raw, messages):
        """
        What YAML would take in silence, or run, is told with its place.
        """
        assert wrong(raw) == messages

    @pytest.mark.parametrize(
        ("raw", "start"),
        [
            (b"a: [1\n", "f:2:1: not YAML: "),
            (b"a: b: c\n", "f:1:5: not YAML: "),
            (b"a:\n\t- b\n", "f:2:1: not YAML: "),
            (b'a: "open\n', "f:2:1: not YAML: "),
            (b"a: b\nb: \x01\n", "f:2:4: not YAML: "),
            (b"a: b\nb: \xff\xfe\n", "f:2:4: not YAML: "),
        ],
    )
    def test_of_what_is_no_yaml(self, raw, start):
        """
        A syntax error carries its place like any other.
        """
        (message,) = wrong(raw)

        assert message.startswith(start)

    def test_never_show_the_line(self):
        """
        The broken line may hold a secret, so only its place is told.
        """
        told = "".join(wrong(b'secret: "canary-secret\n  x: *canary-secret\n'))

        assert told
        assert "canary" not in told

    def test_tell_all_duplicates(self):
        """
        Reading goes on behind a duplicate.
        """
        assert len(wrong(b"a: 1\na: 2\nb: 1\nb: 2\n")) == 2


class TestBounds:
    @pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- "], ids=repr)
    @pytest.mark.parametrize("levels", [100, 100_000])
    def test_hold_against_deep_nesting(self, opening, levels):
        """
        Millions of brackets are an error; with yaml.compose() they end the process.

        It is the same one whether they are counted here, or by libyaml, which from 0.2.6 on
        counts to 1000 and may be there first.
        """
        (message,) = wrong(b"x:\n  " + opening * levels)

        assert message.endswith("nested deeper than 64 levels")

    def test_hold_against_large_files(self):
        """
        What is larger than the cap is not parsed.
        """
        assert wrong(b"#" * (MAX_FILE_BYTES + 1)) == ["f: larger than 8 MiB"]
