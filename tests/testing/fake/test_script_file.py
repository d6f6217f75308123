"""
Scripts from headers and files.
"""

from __future__ import annotations

import pytest

from gateway.testing.fake.script import Insert, Script, ToolCall, Usage
from gateway.testing.fake.script_file import read_script, read_script_file


def test_reads_every_kind_of_field():
    """
    Texts, figures, switches, nested values and lists come through.
    """
    source = """{
        "text": "hi", "split": 3, "latency_ms": 5, "one_write": true,
        "usage": {"input": 9, "cached": 4}, "extra": {"x": [1, 2]},
        "tool_calls": [{"name": "f", "pieces": ["{", "}"]}],
        "inserts": [{"before": 1, "frame": ": hi\\n\\n"}], "line_end": "\\r\\n"
    }"""

    assert read_script(source) == Script(
        text="hi",
        split=3,
        latency_ms=5.0,
        one_write=True,
        usage=Usage(input=9, cached=4),
        extra={"x": [1, 2]},
        tool_calls=(ToolCall(name="f", pieces=("{", "}")),),
        inserts=(Insert(1, ": hi\n\n"),),
        line_end="\r\n",
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"txet": "hi"}', "txet"),
        ('{"text": 7}', "expected str, not int"),
        ('{"split": "3"}', "expected int"),
        ('{"split": true}', "expected int, not bool"),
        ('{"one_write": 1}', "expected bool"),
        ('{"latency_ms": "5"}', "expected a number"),
        ('{"status": 42}', "status"),
        ('{"tool_calls": [{"label": "f"}]}', "label"),
    ],
    ids=lambda value: value,
)
def test_names_what_is_wrong(source, said):
    """
    Each fault is told by name, and nothing is guessed.
    """
    with pytest.raises(ValueError, match=said):
        read_script(source)


def test_equal_sources_are_one_script():
    """
    The same header gives the same object, so that it is canned once.
    """
    assert read_script('{"canned": true}') is read_script('{"canned": true}')


def test_reads_a_file_of_models(tmp_path):
    """
    A file maps names of models to scripts.
    """
    path = tmp_path / "scripts.json"
    path.write_text('{"gpt-x": {"status": 503}, "*": {"text": "hi"}}')

    assert read_script_file(path) == {
        "gpt-x": Script(status=503),
        "*": Script(text="hi"),
    }


def test_a_file_that_holds_no_models_is_refused(tmp_path):
    """
    The error names the file.
    """
    path = tmp_path / "scripts.json"
    path.write_text("[1]")

    with pytest.raises(ValueError, match=r"scripts\.json"):
        read_script_file(path)
