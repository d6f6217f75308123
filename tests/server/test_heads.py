"""
Tests of `gateway.server.heads`.
"""

from __future__ import annotations

import pytest

from gateway.server import heads
from gateway.server.heads import answer_head

LENGTH = "Content-Length: 2\r\n"


def test_a_head_says_what_it_was_given_once() -> None:
    """
    Status, date and server come first, then the headers in their order, then the framing.
    """
    head = answer_head(200, {"x-a": "1", "X-B": "b c"}, LENGTH, 784_111_777.9)

    assert head == (
        b"HTTP/1.1 200 OK\r\n"
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Server: gatewright\r\n"
        b"x-a: 1\r\n"
        b"X-B: b c\r\n"
        b"Content-Length: 2\r\n"
        b"\r\n"
    )


def test_a_status_that_nobody_listed_has_no_phrase() -> None:
    """
    Cloudflare's 529, say: the space behind the number stays (RFC 9112 section 4).
    """
    assert answer_head(529, {}, LENGTH, 0).startswith(b"HTTP/1.1 529 \r\n")


@pytest.mark.parametrize(
    "value", ["a\r\nx: 1", "a\nb", "a\rb", "\x00", "\x7f", "é\x1f"]
)
def test_a_value_cannot_become_a_header(value: str) -> None:
    """
    A control character is refused by the header's name; the value is not repeated.
    """
    with pytest.raises(ValueError, match=r"x-a .* control character\Z"):
        answer_head(200, {"x-b": "1", "x-a": value}, LENGTH, 0)


@pytest.mark.parametrize("value", ["na\u00efve", "a\tb", "\u2028"])
def test_a_value_beyond_letters_is_sent(value: str) -> None:
    """
    Tabs and letters of other alphabets are no danger.
    """
    assert f"x-a: {value}\r\n".encode() in answer_head(200, {"x-a": value}, LENGTH, 0)


@pytest.mark.parametrize("name", ["a b", "a:", "", "a\r\nb", "\u00e9"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """
    RFC 9110 section 5.1: a name is a token.
    """
    with pytest.raises(ValueError, match="has a name that is none"):
        answer_head(200, {name: "1"}, LENGTH, 0)


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "DATE", "server"]
)
def test_nobody_else_says_where_an_answer_ends(name: str) -> None:
    """
    A plugin's or provider's framing would let two readers disagree, so it is left out.
    """
    head = answer_head(200, {name: "77"}, LENGTH, 0)

    assert b"77\r\n" not in head
    assert LENGTH.encode() in head


def test_names_that_were_looked_at_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A plugin may make up any number of them; each is sent, and each that is none is refused.
    """
    seen: set[str] = set()
    monkeypatch.setattr(heads, "_sent", seen)
    monkeypatch.setattr(heads, "_MOST_NAMES", 3)

    head = answer_head(200, {f"x-{n}": "1" for n in range(5)}, LENGTH, 0)

    assert head.count(b": 1\r\n") == 5
    assert seen == {"x-0", "x-1", "x-2"}
    with pytest.raises(ValueError, match="has a name that is none"):
        answer_head(200, {"x-0": "1", "x 1": "1"}, LENGTH, 0)
