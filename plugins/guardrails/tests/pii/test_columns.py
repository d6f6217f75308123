"""
Values whose label is the head of their column, or stands alone above them.
"""

from __future__ import annotations

import pytest
from cutting import assert_cut_invariant

from gateway.detecting import Place
from gateway_guardrails.columns import CROWD, tables_in
from gateway_guardrails.pii import PiiDetector, PiiOptions
from gateway_guardrails.pii.options import select

ASKED = Place(stage="input", role="user")
PASSPORTS = ["A12345678", "B12345678", "C12345679"]
WIDE = "wide enough to stand between a head and what is below"
TABLES = [
    "id,name,passport number,city\n1,Anna,{},Bonn\n2,Ben,{},Rome\n3,Cleo,{},Oslo\n",
    "id;Passport No;city\r\n" + f"1;{{}};{WIDE}\r\n" * 3,
    "name\tpassport_number\tcity\nAnna\t{}\tBonn\nBen\t{}\tRome\nCleo\t{}\tOslo",
    "| Passport | a | b |\n|---|:-:|---|\n" + f"| {{}} | {WIDE} | x |\n" * 3,
    "Passport | a | b | c\n--- | --- | --- | ---\n" + f"{{}} | {WIDE} | x | y\n" * 3,
]


def found(text):
    """
    Return what is found of a value that acts beside its word alone.
    """
    detector = PiiDetector(select(PiiOptions()))
    finds, _ = detector.find(text, 0, final=True, place=ASKED)
    return [text[find.start : find.end] for find in finds]


@pytest.mark.parametrize("table", TABLES)
def test_the_head_of_a_column_is_a_word_beside_each_value(table):
    """
    However far above a value its head stands, it says what the value is.
    """
    assert found(table.format(*PASSPORTS)) == PASSPORTS


@pytest.mark.parametrize("table", TABLES)
def test_cutting_does_not_matter(table):
    """
    The rows of a table wait for its end.
    """
    detector = PiiDetector(select(PiiOptions()))
    text = f"These:\n\n{table.format(*PASSPORTS)}\n\nThat is all there is."

    assert_cut_invariant(detector, text, rounds=3)


def test_other_columns_are_none_of_that_kind():
    """
    The same value below another head is nobody's passport.
    """
    row = f"{WIDE};{WIDE};A12345678\n"

    assert found(f"passport;size;article\n{row * 3}") == []


def test_a_label_may_stand_alone_above_its_value():
    """
    A form has its labels on lines of their own, with or without an empty line below.
    """
    assert found("Passport number\nA12345678\n") == ["A12345678"]
    assert found("Passport number:\n\nA12345678\n") == ["A12345678"]


def test_a_sentence_is_no_label():
    """
    What stands in another paragraph is about something else.
    """
    assert found("Please bring your passport.\n\nA12345678 is the room.") == []
    assert found("Passport number\n\nThe gate is A12345678 today.") == []


def test_of_heads_close_together_the_first_are_looked_at():
    """
    A text of nothing but heads would take long; wherever it is cut, the same ones are read.
    """
    text = "".join(f"Passport,a\n{value},b\n\n" for value in [*PASSPORTS, *PASSPORTS])

    assert len(list(tables_in(text, 0, is_final=True))) == CROWD
    assert_cut_invariant(PiiDetector(select(PiiOptions())), text, rounds=3)
