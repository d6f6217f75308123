"""
Whatever an entry says, it is one event of one line, and no field of another's making.
"""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import codec
from gateway_audit.sinks import cef
from gateway_audit.sinks.outlets.syslog import MAX_MESSAGE, message
from gateway_audit.sinks.records import Record

#: What people have tried: ends of lines of every kind, fields and headers of their own.
NAUGHTY = [
    "",
    "a|b|c",
    "\\",
    "\\\\|",
    "a=b",
    "\\=",
    "x\nCEF:0|Evil|Evil|1|login|admin logged in|10|suser=root",
    "x\r\n<13>1 2026-01-01T00:00:00Z evil app - - - hello",
    "x act=allowed suser=root",
    "x\\nact\\=allowed",
    "tail\\",
    "\x00\x01\x1b[31mred\x1b[0m",
    "\x85next\x0bline\x0cfeed",
    "\u2028\u2029",
    "\u202egnp.exe",
    "\ufeffmark",
    "\u200bzero",
    "Zürich 東京 \U0001f600",
    "12 <13>1 - - - - - - x",
    "%n%s%x ${jndi:ldap://x} {{7*7}}",
    "' OR 1=1 --",
    "\t\ttabs",
]
texts = st.one_of(st.text(max_size=60), st.sampled_from(NAUGHTY))
#: Members that a value of an entry comes out of, and the keys that it comes out under.
SHOWN = {"action": "act", "actor": "suser", "code": "reason", "model": "cs5"}


def record(**members):
    raw = codec.dumps({"at": 1_790_000_000_123, "id": "01J", "type": "x", **members})
    return Record.of_entry("gw.test/log", 7, raw)


def written(one):
    return cef.encode(one, one.entry())


def read_cef(line):
    """
    Take an event apart, as its specification says: knows nothing of who wrote it.
    """
    assert line.startswith("CEF:0|")
    header, at, field = [], len("CEF:"), ""
    while len(header) < 7:
        if line[at] == "\\":
            assert line[at + 1] in "\\|"
            field, at = field + line[at + 1], at + 2
        elif line[at] == "|":
            header.append(field)
            field, at = "", at + 1
        else:
            field, at = field + line[at], at + 1
    extension = line[at:]
    found = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", extension))
    values = {}
    for place, one in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(extension)
        values[one[1]] = re.sub(
            r"\\(.)",
            lambda escaped: {"n": "\n", "r": "\r"}.get(escaped[1], escaped[1]),
            extension[one.end() : end],
        )
        assert not re.search(r"(?<!\\)(?:\\\\)*=", extension[one.end() : end])
    assert len(values) == len(found)
    return header, values


def is_odd(letter):
    return unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp", "Cs"}


@given(texts, texts, texts, texts)
def test_a_value_is_read_back_as_it_was(action, actor, code, model):
    """
    But for characters that are not to be seen, which are question marks; no other key appears.
    """
    told = {"action": action, "actor": actor, "code": code, "model": model}

    line = written(record(**told))

    _, values = read_cef(line)
    assert len(line.splitlines()) == 1
    for member, text in told.items():
        shown = values[SHOWN[member]]
        for was, now in zip(text, shown, strict=True):
            assert now == was or (now == "?" and is_odd(was) and was not in "\r\n")
    assert set(values) == {
        *("rt", "externalId", "cs1Label", "cs1", "cn1Label", "cn1", "cs2Label", "cs2"),
        *("act", "suser", "reason", "cs5Label", "cs5", "cat"),
    }


@given(texts)
def test_the_header_has_seven_fields_whatever_the_type_is(kind):
    """
    A type is a word of ours, or another plugin's: it ends no field and no line.
    """
    line = written(record(type=kind))

    header, _ = read_cef(line)
    assert header[:4] == ["0", "Gatewright", "Gatewright", "1"]
    assert len(header[4]) == len(kind)
    assert header[6].isdigit()


@given(texts)
def test_a_syslog_message_is_one_whatever_it_holds(text):
    """
    Its head has seven words, and nothing in it can end the line.
    """
    line = message(record(type=text, actor=text), "gw-1").decode()

    head = line.split(" ", 7)
    assert len(line.splitlines()) == 1
    assert re.fullmatch(r"<1\d\d>1", head[0])
    assert head[1] == "2026-09-21T14:13:20.123Z"
    assert head[2:5] == ["gw-1", "gatewright", "-"]
    assert 1 <= len(head[5]) <= 32
    assert head[6] == "-"
    assert head[7].startswith("CEF:0|")


def test_a_long_message_ends_with_a_whole_character():
    """
    At the size that every receiver should take.
    """
    members = dict.fromkeys(
        (*SHOWN, "target", "team", "path", "method", "op"), "ü" * 4000
    )

    line = message(record(**members), "gw-1")

    assert MAX_MESSAGE - 4 < len(line) <= MAX_MESSAGE
    assert line.decode()


@pytest.mark.parametrize("raw", [b"", b"[1]", b"\xff\xfe", b'{"a":'], ids=repr)
def test_what_is_no_entry_is_told_as_such(raw):
    """
    The log holds bytes; what nobody can read goes out as that.
    """
    line = written(Record.of_entry("gw.test/log", 0, raw))

    header, values = read_cef(line)
    assert header[4] == "unreadable"
    assert len(values["cs2"]) == 64


def test_half_a_character_of_sixteen_bits_harms_nobody():
    """
    JSON can spell one; UTF-8 cannot.
    """
    raw = b'{"at":1,"type":"x","actor":"a\\ud800b"}'

    line = message(Record.of_entry("gw.test/log", 0, raw), "gw-1")

    assert b"suser=a?b" in line
