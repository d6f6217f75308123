"""
A list of keys covers every size once, and is the root key's.
"""

from __future__ import annotations

import pytest

from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.keylists import KeyList, RangedKey
from gateway_audit.tlog.notes import Note, SigningKey

ORIGIN = "gw.example/log"
ROOT = SigningKey.of_seed(f"{ORIGIN}/root", bytes(range(32)))
FIRST, SECOND, THIRD = (
    SigningKey.of_seed(ORIGIN, bytes([number]) * 32).verifier for number in range(3)
)
KEYS = KeyList.only(ORIGIN, [FIRST]).followed_by(SECOND, 100).followed_by(THIRD, 250)


def read(content, origin=ORIGIN, root=ROOT):
    return KeyList.verified(content, origin=origin, root=root.verifier)


def test_each_size_has_its_key():
    """
    A range ends before its end; the last has none.
    """
    found = read(KEYS.signed(ROOT))

    assert found == KEYS
    assert found.valid_for(0) == found.valid_for(99) == [FIRST]
    assert found.valid_for(100) == found.valid_for(249) == [SECOND]
    assert found.valid_for(250) == found.valid_for(2**62) == [THIRD]


def test_a_key_does_not_begin_before_the_last_one():
    """
    What was signed stays what it was.
    """
    with pytest.raises(ValueError, match="250"):
        KEYS.followed_by(FIRST, 250)


def test_keys_that_have_not_begun_can_be_left_out():
    """
    Whose range begins at the cut or later never signs; the one before signs up to the new key.
    """
    cut = KEYS.cut_at(250).followed_by(FIRST, 250)

    assert KEYS.cut_at(251) == KEYS
    assert [each.key for each in cut.keys] == [FIRST, SECOND, FIRST]
    assert read(KEYS.cut_at(7).followed_by(THIRD, 7).signed(ROOT)).valid_for(6) == [
        FIRST
    ]


def test_another_log_or_another_root_is_not_believed():
    """
    The list names its log, and is signed.
    """
    with pytest.raises(Unproven, match="other"):
        read(KEYS.signed(ROOT), origin="gw.example/other")
    with pytest.raises(Unproven, match="did not sign"):
        read(KEYS.signed(SigningKey.of_seed(ROOT.name, bytes(32))))


def test_no_bit_of_a_list_can_be_turned():
    """
    Each bit, turned, makes a list that is not believed.
    """
    content = KEYS.signed(ROOT)
    for at in range(len(content) * 8):
        turned = bytearray(content)
        turned[at // 8] ^= 1 << at % 8

        with pytest.raises(TlogError):
            read(bytes(turned))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [f"1 - {FIRST}"],
        [f"0 100 {FIRST}"],
        [f"0 100 {FIRST}", f"101 - {SECOND}"],
        [f"0 100 {FIRST}", f"99 - {SECOND}"],
        [f"0 0 {FIRST}", f"0 - {SECOND}"],
        [f"0 - {FIRST}", f"0 - {SECOND}"],
        [f"00 - {FIRST}"],
        [f"0  - {FIRST}"],
        [f"0 - {FIRST}x"],
    ],
)
def test_ranges_cover_every_size_once(lines):
    """
    Gaps, overlaps, empty ranges, and other spellings are refused, though signed.
    """
    text = "\n".join(["gatewright-audit-keys/v1", ORIGIN, *lines, ""])

    with pytest.raises(Malformed):
        read(bytes(Note(text).signed(ROOT.sign(text))))


def test_a_range_knows_its_sizes():
    """
    From its first to before its end.
    """
    ranged = RangedKey(key=FIRST, first=5, end=7)

    assert [ranged.covers(size) for size in range(4, 8)] == [False, True, True, False]
