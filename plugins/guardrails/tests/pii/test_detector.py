"""
What the detector makes of texts, and of the options of a rule.
"""

from __future__ import annotations

import random
import time

import pytest
from cutting import assert_cut_invariant, fed

from gateway.detecting import Place
from gateway.errors import ConfigError
from gateway_guardrails.pii import (
    KINDS,
    PII,
    CustomPattern,
    PiiDetector,
    PiiOptions,
    gate,
)
from gateway_guardrails.pii.kind import shapes
from gateway_guardrails.pii.options import select
from gateway_guardrails.pii.runs import RunIndex

ASKED = Place(stage="input", role="user")
CARD = "4111111111111111"


def made(**options):
    return PiiDetector(select(PiiOptions(**options)))


DEFAULT = made()


def found(text, detector=DEFAULT):
    """
    Return type and value of what is found.
    """
    finds, _ = detector.find(text, 0, final=True, place=ASKED)
    return [(find.type, text[find.start : find.end]) for find in finds]


@pytest.mark.parametrize(
    "card",
    [
        "".join(chr(0x660 + int(digit)) for digit in CARD),
        "".join(chr(0xFF10 + int(digit)) for digit in CARD),
        "".join(chr(0x1D7CE + int(digit)) for digit in CARD),
        "4111\u20111111\u20111111\u20111111",
        "4111\u00a01111\u00a01111\u00a01111",
    ],
    ids=[
        "arabic-indic",
        "fullwidth",
        "mathematical",
        "non-breaking hyphen",
        "no-break space",
    ],
)
def test_digits_of_other_scripts_are_digits(card):
    """
    The span is that of the text as it was written.
    """
    assert found(f"grün: {card} é") == [("CREDIT_CARD", card)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SSN 219551234", "US_SSN"),
        ("my account number is 12345678", "US_BANK_ACCOUNT"),
        ("driverLicense=12345678", "US_DRIVER_LICENSE"),
        ("medical_record_number: 12345678", "MRN"),
        ("12345678 is the MRN", "MRN"),
        ("call me at 608 317-2427", "PHONE"),
        ("CNPJ: 12ABC34501DE35", "BR_CNPJ"),
        ("National ID: 90123456789012", "NATIONAL_ID"),
        ("my SSN is 123-45-6789", "US_SSN"),
        ("SIN 046 454 286 on file", "CA_SIN"),
        ("Phone: (555) 555-5555", "PHONE"),
        ("TIN: 195-115-021-000", "TAX_ID"),
    ],
)
def test_of_one_shape_the_word_tells_the_type(text, name):
    """
    Eight or nine digits are nothing by themselves.
    """
    assert [kind for kind, _ in found(text)] == [name]


@pytest.mark.parametrize(
    ("text", "find"),
    [
        ("私のTELは080-3249-1161です。", ("PHONE", "080-3249-1161")),
        ("제 RRN는 880305-1483032 입니다.", ("KR_RRN", "880305-1483032")),
        ("请把SSN改成219551234。", ("US_SSN", "219551234")),
        ("我的email和PIN是4821", ("PIN", "4821")),
    ],
)
def test_words_are_heard_between_letters_of_scripts_without_gaps(text, find):
    """
    Acronyms are written with no gap between them and the words around them.
    """
    assert found(text) == [find]


@pytest.mark.parametrize(
    "text",
    [
        "Order #0246921612 shipped",
        "version 11.14.76.41 of it",
        "pi is 3.14159265358979",
        "commit 194ec996e0ae545460f752201d8d7159f416cfb6",
        "6c476e94-274f-4c8e-b7d3-9af1aee4627b",
        "password must contain 12 characters",
        'password: "${DB_PASSWORD}"',
        "Authorization: Bearer <token>",
        "2026-11-28 17:09:04,123 took 646930035 ns",
        "std::vector<int> a::b(10)",
        r'"told it twice\nid: 1481752552839"',
        "00000220  2b 5b 50 cc 61 cb ba e5  |+[P.a...|\n00000230  58 e1 ed 83",
        "follow anita@sbiz or bob@upitest",
        "call 000-000-0000 or 5555555555",
        "DNI 12345678A presentado",
    ],
)
def test_what_is_nobodys_is_left_alone(text):
    """
    Numbers, versions, hashes and placeholders.
    """
    assert found(text) == []


def test_types_are_chosen_and_excluded():
    """
    By name, group, tier or country.
    """
    text = f"jane@example.com, card {CARD}, NINO AB123456C"

    assert found(text, made(types=("finance",))) == [("CREDIT_CARD", CARD)]
    assert found(text, made(types=("uk", "EMAIL"), exclude=("email",))) == [
        ("UK_NINO", "AB123456C")
    ]


def test_own_patterns_are_found():
    """
    Alone, or beside a word of theirs.
    """
    own = made(
        types=("EMAIL",),
        custom={
            "EMPLOYEE": r"E-\d{6}",
            "DOCKET": CustomPattern(pattern=r"\d{5}", words=("case",), severity="high"),
        },
    )
    text = "10101 apples, says E-123456 in case 90210 of 1000, but E-1234567"

    assert found(text, own) == [
        ("EMPLOYEE", "E-123456"),
        ("DOCKET", "90210"),
        ("EMPLOYEE", "E-123456"),
    ]
    assert_cut_invariant(own, text)


def test_what_is_allowed_is_no_finding():
    """
    By its value, by a pattern, or since it is reserved for documentation.
    """
    lenient = made(
        allow=("help@bank.test",),
        allow_patterns=(r".+@bank\.org",),
        ignore_documentation=True,
    )

    assert found("help@bank.test a@bank.org b@example.com 192.0.2.7", lenient) == []
    assert found("me@shop.net 81.2.69.142", lenient) == [
        ("EMAIL", "me@shop.net"),
        ("IPV4", "81.2.69.142"),
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"types": ("CREDITCARD",)}, "types"),
        ({"exclude": ("everything",)}, "exclude"),
        ({"types": ("us",), "exclude": ("us",)}, "nothing is left"),
        ({"custom": {"X": "("}}, "no pattern"),
        ({"custom": {"X": "a*"}}, "nothing at all"),
        ({"custom": {"EMAIL": "a"}}, "none of PII.md's"),
        ({"custom": {"X": CustomPattern(pattern="a", longest=1000)}}, "1 to 256"),
        ({"allow_patterns": ("[",)}, "allow_patterns"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, told):
    """
    The error names the option and says what is wrong.
    """
    with pytest.raises(ConfigError, match=told):
        select(PiiOptions(**options))


def test_is_registered_by_its_name():
    """
    It judges both stages by itself, and can redact.
    """
    assert (PII.name, PII.is_local, PII.redacts) == ("pii", True, True)
    assert isinstance(PII.make(PiiOptions(), None), PiiDetector)


@pytest.mark.parametrize("seed", range(6))
def test_a_text_full_of_values_may_be_cut_anywhere(seed):
    """
    Values of all kinds, beside each other and in pieces.
    """
    chance = random.Random(seed)
    examples = [kind.example.replace("`", "") for kind in chance.sample(KINDS, 12)]
    texts = [one[: chance.randint(4, len(one))] for one in examples] + examples
    chance.shuffle(texts)
    text = chance.choice([" ", "\n", ", ", ""]).join(texts)

    assert_cut_invariant(made(types=("all",)), text, seed=seed)


@pytest.mark.parametrize(
    "text",
    [
        "call (251)500-2136x739 or 619-648-6618 ext. 20779, or +1 203 305 2492 extension 5",
        "use x1y2z3-Kq as the wifi password, not hunter2 as a name",
        "born on 14 March 1987, in March 2011 she left; May 4 she came",
        "at https://jane:s3cret@host.example/path?x=1, then postgres://a:b@c",
        "48.858370, 2.294481 is the location; 4111 1111 1111 1111 4111 1111 1111 1111",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (16) 17-18 19.20 21/22",
        "DEUTDEFF500 is the BIC and DEUTDEFF is the SWIFT code of it",
    ],
)
def test_what_grows_step_by_step_may_be_cut_anywhere(text):
    """
    Extensions, words behind a value, dates in words, addresses, columns of numbers.
    """
    assert_cut_invariant(DEFAULT, text)


def test_prose_waits_for_its_last_token_only():
    """
    No word of a sentence is held back longer than it takes to see its end.
    """
    text = "The committee met on a cold evening and talked at length about nothing in particular."

    _, most_held = fed(DEFAULT, list(text))

    assert most_held <= len("particular.") + 1


def test_finds_the_same_without_re2(monkeypatch):
    """
    The gate's fallback lets through what RE2 lets through.
    """
    monkeypatch.setattr(gate, "HAS_RE2", False)
    fallback = made()

    for kind in KINDS:
        text = kind.example.replace("`", "")
        assert found(text, fallback) == found(text)


HOSTILE = {
    "digits": "7",
    "digits apart": "1 ",
    "groups": "4111 ",
    "addresses": "a@",
    "whole addresses": "a@a.co@",
    "points": "1.",
    "colons": "a:",
    "plus": "+1",
    "urls": "http://",
    "words and numbers": "ssn 123456789 ",
    "passwords": "password: ",
    "accounts": "DE89 3704 0044 ",
    "stripes": "%B4111111111111111^",
    "brackets": "(",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_takes_more_than_linear_time(unit):
    """
    Eight times the text takes about eight times as long, and no piece of it too long.
    """
    small, large = (unit * (size // len(unit)) for size in (4096, 32768))

    took = []
    for text in (small, small, large):
        before = time.process_time()
        DEFAULT.find(text, 0, final=True, place=ASKED)
        took.append(time.process_time() - before)

    assert took[2] < 30 * took[1] + 0.05


@pytest.mark.parametrize(
    "unit",
    ["SSN 536-22-1234, ", "card 4111 1111 1111 1111 ", "call +1 415 555 0100. "],
)
def test_what_stands_in_a_text_of_repeats_is_found_each_time(unit):
    """
    Numbers that are judged once, because all around them repeats, are found in each place.
    """
    once = found(unit)

    assert once
    assert found(unit * 60) == once * 60
    assert_cut_invariant(DEFAULT, unit * 30, rounds=2)


def test_few_digits_that_go_on_behind_a_longer_gap_are_not_passed_over():
    """
    An expiry is one also with blanks around its slash.
    """
    assert found("expires 05 / 27, and") == [("CARD_EXPIRY", "05 / 27")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_few_digits_that_are_a_shape_are_not_passed_over(kind):
    """
    A run of few digits that is the shape of a kind is one in which that kind may begin.
    """
    index = RunIndex([kind])
    short = {
        shape
        for written in (kind.alone, kind.beside)
        for shape in shapes(written)
        if len(shape) <= 6 and shape[0] == "9" and shape.isalnum()
    }

    texts = [f"{' ' * 40}{shape}{' ' * 60}" for shape in short]
    runs = [
        index.read(text, 40, 40 + len(shape), final=True)
        for text, shape in zip(texts, short, strict=True)
    ]
    assert all(run.mask & 1 for run in runs)
