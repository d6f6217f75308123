"""
Screens tell what may be in a text, and are kept for the next start.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from gateway_guardrails import screens
from gateway_guardrails.screens import Screen, kept_screen

pytestmark = pytest.mark.skipif(
    not screens.HAS_SCREENS, reason="hyperscan is not installed"
)

PATTERNS = (r"\bsecret\b", r"a[^x]{1,3}z", "🔒|lock", r"\bend(?:[.!]|$)")


@pytest.fixture(scope="module")
def screen() -> Screen:
    made = Screen.compiled(PATTERNS)
    assert made is not None
    return made


@pytest.fixture
def compiled(monkeypatch) -> list[object]:
    """
    Count what is compiled.
    """
    calls: list[object] = []
    compile_ = Screen.compiled.__func__

    def counted(cls, patterns):
        calls.append(patterns)
        return compile_(cls, patterns)

    monkeypatch.setattr(Screen, "compiled", classmethod(counted))
    return calls


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a SECRET here", [0]),
        ("secrets", []),
        ("aéèz", [1]),
        ("a\u4e2d\u6587z", [1]),
        ("a\ud800z", [1]),
        ("under 🔒", [2]),
        ("the end", [3]),
        ("the end, secret lock", [0, 2, 3]),
        ("", []),
    ],
)
def test_tells_what_is_there(screen, text, numbers):
    """
    In any case, a character beyond ASCII being one character, once however often it is there.
    """
    found = screen.hits(text * 2)

    assert set(numbers) <= set(found)
    assert len(found) == len(set(found))


def test_tells_little_of_what_is_not_there(screen):
    """
    Ordinary words are told of no pattern.
    """
    assert screen.hits("The weather was fine, and nobody had a cat.") == []


def test_threads_do_not_disturb_each_other(screen):
    """
    Big texts are looked at beside the event loop, many at a time.
    """
    texts = [("secret " if number % 2 else "nothing ") * 20_000 for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(screen.hits, texts))

    assert found == [[0] if number % 2 else [] for number in range(32)]


def test_is_kept_for_the_next_start(tmp_path, compiled):
    """
    The second time it is read, by nobody but its owner, and tells the same.
    """
    file = tmp_path / "new" / "some.screen"

    first, second = (kept_screen(PATTERNS, file) for _ in range(2))

    assert len(compiled) == 1
    assert first is not None
    assert second is not None
    assert first.hits("lock") == second.hits("lock") == [2]
    assert file.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("harm", ["flipped", "cut", "empty", "other patterns"])
def test_what_is_damaged_is_made_again(tmp_path, compiled, harm):
    """
    Nothing but what was kept for these patterns, to the last bit, is given to the engine.
    """
    file = tmp_path / "some.screen"
    kept_screen(PATTERNS if harm != "other patterns" else ("else",), file)
    content = bytearray(file.read_bytes())
    if harm == "flipped":
        content[len(content) // 2] ^= 1
    elif harm == "cut":
        del content[-100:]
    elif harm == "empty":
        content.clear()
    file.write_bytes(content)

    made = kept_screen(PATTERNS, file)

    assert made is not None
    assert made.hits("secret") == [0]
    assert len(compiled) == 2
    kept_screen(PATTERNS, file)
    assert len(compiled) == 2


def test_nothing_to_write_on_does_no_harm(tmp_path):
    """
    A folder that cannot be made costs the time alone.
    """
    (tmp_path / "file").touch()

    made = kept_screen(PATTERNS, tmp_path / "file" / "some.screen")

    assert made is not None
    assert made.hits("secret") == [0]


def test_what_the_engine_refuses_is_no_screen():
    """
    Another version of it may refuse what this one takes: the gateway starts all the same.
    """
    with capture_logs() as logs:
        assert Screen.compiled([r"(?=ahead)"]) is None

    assert [one["log_level"] for one in logs] == ["warning"]


def test_without_the_library_there_is_none(monkeypatch, tmp_path):
    """
    Who asks then goes without, and nothing is written.
    """
    monkeypatch.setattr(screens, "_hyperscan", None)

    assert Screen.compiled(PATTERNS) is None
    assert kept_screen(PATTERNS, tmp_path / "some.screen") is None
    assert not list(tmp_path.iterdir())
