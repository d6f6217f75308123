"""
The detector of credentials as a whole: options, cutting, holding back, time.
"""

from __future__ import annotations

import random
import time

import pytest
from cutting import assert_cut_invariant, fed

from gateway.detecting import DetectorTools
from gateway.errors import ConfigError
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.testing import ManualClock
from gateway_guardrails.secrets import SECRETS, SecretsOptions

from .conftest import PLACE, found_in, made

FRAGMENTS = [
    *(
        "password",
        "token",
        "secret",
        "key",
        "api_",
        "Bearer ",
        "Authorization",
        "datadog",
    ),
    *(
        " = ",
        ":",
        " is ",
        " now ",
        "=",
        '"',
        "'",
        "\n",
        " ",
        "\\n",
        "&quot;",
        "(",
        ")",
        ",",
    ),
    *(
        "ghp_",
        "sk-",
        "AKIA",
        "eyJ",
        "xoxb-123456789012-1234567890123-",
        ".",
        "://",
        "@host",
    ),
    *(
        "user",
        "p4ss!word",
        "hunter2x",
        "QWERTYUIOPAS2345",
        "aB3",
        "xY9z",
        "str",
        "-u ",
        "|",
    ),
    *("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
    *("MIIEowIBAAKCAQEA7bq", "Proc-Type: 4,ENCRYPTED", "abcDEF123456abcDEF123456"),
    *("9f8e7d6c5b4a39281706f5e4d3c2b1a0", "é", "日本", "İ", "😀"),
]


def made_with(**options):
    """
    Make a detector as a rule would.
    """
    tools = DetectorTools(settings=Settings(), secrets=Secrets({}), clock=ManualClock())
    return SECRETS.make(SecretsOptions(**options), tools)


def test_options_say_what_is_shown():
    """
    Types can be left out, names too, values allowed; what is public is shown on demand.
    """
    github, public = made("ghp_{crc30}"), made("pk_live_{an24}")
    text = f"{github} {public} password=Zx81pqrs"

    assert len(found_in(made_with(), text)) == 2
    assert found_in(made_with(without=("github_pat",), names=False), text) == []
    assert len(found_in(made_with(public=True), text)) == 3
    assert found_in(made_with(allowed=("ghp_.*", "Zx[0-9]+pqrs")), text) == []


def test_an_allowed_pattern_must_be_one():
    """
    What is no pattern is told when the detector is made.
    """
    with pytest.raises(ConfigError, match="allowed"):
        made_with(allowed=("(",))


def test_a_right_checksum_makes_sure(detector):
    """
    A token whose checksum is right scores higher than one that only has the form.
    """
    right, wrong = made("ghp_{crc30}"), made("ghp_{an36}")

    scores = [
        detector.find(one, 0, final=True, place=PLACE)[0][0].score
        for one in (right, wrong)
    ]

    assert scores == [1.0, 0.85]


def test_values_of_vendors_documents_are_left(detector):
    """
    What vendors print as an example is no leak.
    """
    assert found_in(detector, "AKIA" + "IOSFODNN7" + "EXAMPLE") == []


def test_cutting_does_not_matter(detector):
    """
    However a text of all kinds of credentials is cut, the same is found.
    """
    chance = random.Random(20261128)
    for _ in range(60):
        text = "".join(chance.choice(FRAGMENTS) for _ in range(chance.randint(3, 20)))

        assert_cut_invariant(detector, text, rounds=3)


@pytest.mark.parametrize(
    "text",
    [
        ")Authorizationa-u 😀hunter2x::@host日本passwordghp_@host&quot;=/hunter2x",
        ".Proc-Type:str://Bearer 'a( 9f8e7d6c5b4a39281706f5e4d3c2b1a0|Proc-Type: 4,key\\nxY9zsk-",
    ],
    ids=["a find behind its value's start", "a backslash at the cut"],
)
def test_cutting_did_matter_once(text, detector):
    """
    What was wrong stays right.
    """
    assert_cut_invariant(detector, text)


def test_cutting_does_not_matter_for_what_is_long(detector):
    """
    Nor where a key in armour or a token is longer than most, or a run has no end.
    """
    lines = "\n".join(made("{b64x64}", seed) for seed in range(12))
    key = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
    token = f"eyJ{made('{an400}')}.{made('{url900}')}.{made('{url300}')}"
    long_run = made("{b64x9000}") + "/" + made("ghp_{crc30}") + "/" + made("{an300}")

    for text in (f"see {key} and", f"Bearer {token} end", f"{long_run} {key}"):
        assert_cut_invariant(detector, text, rounds=1 if len(text) > 5000 else 3)


def test_prose_holds_back_a_word_at_most(detector):
    """
    Of ordinary text no more than the last word waits.
    """
    text = (
        "The key to all of this is patience; the password policy says 12 characters. "
        * 4
    )

    _, most_held = fed(detector, [text[at : at + 3] for at in range(0, len(text), 3)])

    assert most_held <= 16


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1234567890",
            "a@",
            "sk-",
            "key=",
            "password=",
            "eyJ",
            "://a:b",
            "-u a:b1",
            "pass ",
        ),
        *(
            "-----BEGIN PRIVATE KEY-----\n",
            'password="',
            "token is ",
            "QUJDREVGR0hJSktM",
        ),
        *("password,token\n", "password,a\nx1y2z3!,b\n\n", "(password) VALUES ('a1'),"),
        *("seed phrase ", "mnemonic abandon ", "@tcp(", "login -"),
        *("a", "A", "%AAAAAAAAAAA", "-AAAAAAAAAA", "JQQJ99"),
    ],
)
def test_no_text_takes_long(text, detector):
    """
    Twice the text takes twice the time, about, and a quarter of a megabyte no second.
    """
    small, large = text * (32_768 // len(text)), text * (262_144 // len(text))

    took = []
    for one in (small, large):
        begin = time.process_time()
        detector.find(one, 0, final=True, place=PLACE)
        took.append(time.process_time() - begin)

    assert took[1] < 2.0
    assert took[1] < 24 * took[0] + 0.05
