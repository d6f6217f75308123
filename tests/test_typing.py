"""
The types of the public API catch what an author of a plugin is likely to get wrong.

``tests/typing`` shows what must be accepted, and is read by mypy itself; here is what must
not be.  Marked ``types`` and run by ``tox run -e types``, where mypy is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300
PRELUDE = """\
from __future__ import annotations

from collections.abc import Sequence

import attrs

from gateway import Answer, Attempt, Chunk, Exchange, Plugin, StashKey, Text, hookimpl
from gateway.filters import Edit, StreamFilter, TextFilter
from gateway.settings import Settings

COUNT = StashKey[int]("count")


@attrs.frozen
class MySettings:
    word: str = "any"
"""

# Hooks as somebody writes them who did not look.  An argument by another name is missing
# here: mypy takes it for the same, and the gateway refuses it at its start.
HOOKS = {
    "another type of argument": """
        async def pre_request(self, exchange: Chunk) -> Answer | None:
            return None
        """,
    "an argument too few": """
        async def before_attempt(self, exchange: Exchange) -> None: ...
        """,
    "an argument too many": """
        async def on_complete(self, exchange: Exchange, error: object) -> None: ...
        """,
    "another type returned": """
        async def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> str:
            return "text"
        """,
    "def for async def": """
        def pre_request(self, exchange: Exchange) -> Answer | None:
            return None
        """,
    "async def for def": """
        async def open_filter(
            self, exchange: Exchange, attempt: Attempt | None
        ) -> StreamFilter | None:
            return None
        """,
}
STATEMENTS = {
    "a value of another type in the stash": ('exchange.stash[COUNT] = "one"', "misc"),
    "who calls is not known for certain": ("exchange.identity.key_id", "union-attr"),
    "a cap that is no number": (
        'exchange.request.max_output_tokens = "10"',
        "assignment",
    ),
    "an answer that is a text": ('Answer("hello")', "arg-type"),
    "a text replaced by no text": ("text.replace(None)", "arg-type"),
    "an attribute that exchanges do not have": ("exchange.user", "attr-defined"),
    "a setting that the class does not have": (
        'settings.plugin("my", MySettings).wrod',
        "attr-defined",
    ),
}
FILTER = """
class Forgetful(TextFilter):
    def find(self, text: str, start: int, final: bool) -> Sequence[Edit]:
        return ()
"""

pytestmark = pytest.mark.types


@attrs.frozen
class Mistake:
    """
    A piece of code that is wrong, and the code of the error that says so.
    """

    source: str
    code: str


def planted() -> dict[str, Mistake]:
    """
    Write every mistake as a class or function that is wrong in nothing else.
    """
    mistakes = {"edits without where they end": Mistake(FILTER, "override")}
    for number, (name, hook) in enumerate(HOOKS.items()):
        method = indent(f"@hookimpl\n{dedent(hook).strip()}", "    ")
        source = f"\nclass Plugin{number}(Plugin):\n{method}\n"
        mistakes[name] = Mistake(source, "override")
    for number, (name, (statement, code)) in enumerate(STATEMENTS.items()):
        arguments = "exchange: Exchange, text: Text, settings: Settings"
        source = f"\ndef function_{number}({arguments}) -> None:\n    {statement}\n"
        mistakes[name] = Mistake(source, code)
    return mistakes


MISTAKES = planted()


@pytest.fixture(scope="module", name="reported")
def _reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """
    Let mypy read all mistakes at once; returns the codes of the errors in each.
    """
    file = tmp_path_factory.mktemp("mistakes") / "mistakes.py"
    source, owners = PRELUDE, [""] * PRELUDE.count("\n")
    for name, mistake in MISTAKES.items():
        source += mistake.source
        owners += [name] * mistake.source.count("\n")
    file.write_text(source)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--output", "json", file],
        cwd=ROOT,  # where setup.cfg says how strict to be
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr

    reported: dict[str, list[str]] = {name: [] for name in ("", *MISTAKES)}
    for line in done.stdout.splitlines():
        error = json.loads(line)
        assert Path(error["file"]).name == file.name, error
        if error["severity"] == "error":
            reported[owners[error["line"] - 1]].append(error["code"])
    return reported


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_reported(reported, name):
    """
    Each mistake is one error of the kind that its author can look up.
    """
    assert reported[name] == [MISTAKES[name].code]


def test_nothing_else_is_reported(reported):
    """
    What stands around the mistakes is right: they are found for what they are.
    """
    assert reported[""] == []
