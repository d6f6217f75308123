"""
Each format finds what its vendor gives out, and not what looks like it.
"""

from __future__ import annotations

import re

import pytest

from gateway_guardrails.secrets.formats import all_formats, all_named_formats

from .conftest import found_in, made

FORMATS = [pytest.param(one, id=one.name) for one in all_formats()]
NAMED = [pytest.param(one, id=one.name) for one in all_named_formats()]
AROUND = [
    "{}",
    "key is {}, keep it",
    'x = "{}"',
    "https://a.example/?k={}&b=1",
    "\\n{}\\n",
]


def test_there_are_enough():
    """
    At least 200 formats are known, and each says where it comes from.
    """
    rows = [*all_formats(), *all_named_formats()]

    assert len(rows) >= 200
    assert len({one.name for one in rows}) == len(rows)
    assert all(one.source and one.vendor for one in rows)


@pytest.mark.parametrize("one", FORMATS)
def test_finds_what_a_vendor_gives_out(one, detector):
    """
    A credential of that shape is found whole, under a vendor's type, whatever stands around it.
    """
    for seed in range(3):
        credential = made(one.example, seed)
        for around in AROUND:
            found = found_in(detector, around.format(credential))

            assert any(
                value == credential and not name.startswith("generic")
                for name, value in found
            ), (around, found)


@pytest.mark.parametrize("one", FORMATS)
def test_leaves_what_is_cut_or_blanked_out(one, detector):
    """
    Half of a credential, and one that is filled with x, are none of that format.
    """
    credential = made(one.example)
    filled = made(one.example[: one.example.index("{")] if "{" in one.example else "")

    for text in (credential[: len(filled) + 3], f"{filled}xxxxxxxxxxxxxxxxxxxxxxxx"):
        assert one.name not in [name for name, _ in found_in(detector, text)]


@pytest.mark.parametrize("one", FORMATS)
def test_a_credential_begins_where_a_word_does(one, detector):
    """
    What goes on in front is another word.
    """
    credential = made(one.example)

    found = found_in(detector, f"Zz9{credential}")

    assert (one.name, credential) not in found


@pytest.mark.parametrize("row", NAMED)
def test_a_vendors_name_gives_away_a_value(row, detector):
    """
    What has no mark is found behind the vendor's name, and nowhere else.
    """
    value = next(
        one
        for one in VALUES
        if re.fullmatch(row.value, one) and re.search(r"[0-9]", one)
    )

    with_name = found_in(detector, f'{row.word.upper()}_API = "{value}"')
    without = found_in(detector, f'colour = "{value}"')

    assert value in [found for _, found in with_name]
    assert row.name not in [name for name, _ in without]


VALUES = [
    *(made(f"{{hex{n}}}") for n in (20, 24, 32, 37, 40, 64)),
    *(made(f"{{lan{n}}}") for n in (15, 20, 24, 26, 30, 32, 36, 64)),
    *(made(f"{{an{n}}}", seed) for n in range(14, 100) for seed in range(3)),
    *(made(f"{{AN{n}}}") for n in (16, 36)),
    made("{hex8}-{hex4}-{hex4}-{hex4}-{hex12}"),
    made("{hex8}:{hex8}"),
    made("{d10}:A{an34}"),
    made("live_{an40}"),
    made("00{an40}"),
    made("b_{lan44}"),
    made("t1.{an90}"),
    made("{AN6}-{AN10}"),
    made("{hex80}"),
    made("{an22}/{an22}"),
    made("{an86}=="),
]
