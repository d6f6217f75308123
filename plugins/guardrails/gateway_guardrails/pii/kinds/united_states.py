"""
Numbers of the United States.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import americas
from gateway_guardrails.pii.checks.finance import aba, not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import DRIVING, HEALTH, PASSPORT, TAX

__all__ = ["UNITED_STATES"]

UNITED_STATES: Final = (
    Kind(
        name="US_SSN",
        region="US",
        tier="A",
        group="government",
        severity="high",
        alone="3-2-4",
        beside="9 | 3 2 4 | 3.2.4 | 3-6",
        check=americas.ssn,
        words=(
            "ssn, ss, ss number, ss no, social, social security, social security number, "
            "social security no, soc sec, socsec, ssn last, ssn number, seguro social, "
            "número de seguro social, taxpayer id, ssno"
        ),
        source="SSA, POMS RM 10201",
        example="My SSN is `536-22-8471`, thanks.",
        counter="My SSN is `666-22-8471`, thanks.",
    ),
    Kind(
        name="US_ITIN",
        region="US",
        tier="A",
        group="tax",
        severity="high",
        alone="3-2-4",
        beside="9 | 3 2 4 | 3.2.4",
        check=americas.itin,
        odds=13,
        words=f"itin, individual taxpayer, individual taxpayer identification number, {TAX}",
        source="IRS: Individual Taxpayer Identification Number",
        example="File under `912-78-1234` this year.",
        counter="File under `912-69-1234` this year.",
    ),
    Kind(
        name="US_EIN",
        region="US",
        tier="B",
        group="tax",
        alone="2-7",
        beside="9",
        check=americas.ein,
        words=(
            "ein, fein, employer id, employer identification, employer identification number, "
            f"federal tax id, federal employer, {TAX}"
        ),
        source="IRS: valid EIN prefixes",
        example="The EIN of the shop is `46-3451668`, it says.",
        counter="The EIN of the shop is `07-3451668`, it says.",
    ),
    Kind(
        name="US_PTIN",
        region="US",
        tier="C",
        group="tax",
        beside="A1,8",
        check=lambda value: value[0] == "P",
        odds=26,
        words="ptin, preparer, preparer tax identification, preparer tax identification number",
        source="IRS: Preparer Tax Identification Number",
        example="The preparer's PTIN is `P01234567` on it.",
        counter="The preparer's PTIN is `Q01234567` on it.",
    ),
    Kind(
        name="US_ROUTING",
        region="US",
        tier="B",
        group="finance",
        beside="9 | 4-4-1",
        check=aba,
        odds=25,
        words=(
            "routing, routing number, routing no, aba, aba number, aba routing, rtn, "
            "routing transit number, transit number, aba rtn, bank routing, ach routing, ach, "
            "wire routing"
        ),
        source="ABA Key to Routing Numbers",
        example="The routing number is `021000021` at the bank.",
        counter="The routing number is `021000022` at the bank.",
    ),
    Kind(
        name="US_BANK_ACCOUNT",
        region="US",
        tier="C",
        group="finance",
        severity="high",
        beside=(
            "6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 4-4-4 | 4 4 4 | 4-6"
            " | 3-6 | 3-3-4"
        ),
        check=not_trivial,
        words=(
            "bank account, bank account number, account number, account no, acct, acct no, "
            "acct number, checking, checking account, checking account number, savings, "
            "savings account, savings account number, deposit account, account, a c, "
            "account num, bank acct, bank acc, acc no, acc number, cuenta bancaria, "
            "número de cuenta, kontonummer, konto nr, konto, kto, kto nr, numéro de compte, "
            "n° de compte, numero di conto, conto corrente, conta corrente, número da conta, "
            "rekeningnummer, rekening, numer konta, nr konta, rachunek, numer rachunku, "
            "číslo účtu, bankszámlaszám, номер счета, счет, р с, 账号, 银行账号, 口座番号, "
            "계좌번호, wire to, dda"
        ),
        source="NACHA Operating Rules: up to 17 characters",
        example="The checking account is `190365922414` there.",
        counter="The checking is `1903` done there.",
    ),
    Kind(
        name="US_PASSPORT",
        region="US",
        tier="C",
        group="government",
        severity="high",
        beside="9 | A1,8",
        check=not_trivial,
        words=f"us passport, u s passport, american passport, {PASSPORT}",
        source="US Department of State: nine digits, or a letter and eight",
        example="Her passport number is `A12345678` there.",
        counter="Her parcel is `A12345678` there.",
    ),
    Kind(
        name="US_DRIVER_LICENSE",
        region="US",
        tier="C",
        group="government",
        severity="high",
        beside=(
            "A1,7 | A1,8 | A1,9 | A1,6 | A1,5 | A1,12 | A1,13 | A1,14 | A2,7 | A2,6 | A2,8"
            " | A2,6,A1 "
            "| A1,3~4~4 | A1,3~4~4~1 | A1~3~3~3~3 | A1,3~3~3~3 | A1,3~3~2~3~1 | A1,2~2~4"
            " | 7 | 8 | 9"
            "| A1,3~5~5 | A1,4~5~5 | 3-2-4 | 3-3-3 | 10 | 12 | 2,A3,5 | A1,1,A1,1,A1,4 | A1,2-2-4"
            "| A3,9 | A2,3 | A3,2,A2,3 | A2,5 | A1,6,A1 | 2-3-3 | 2-3-4 | A1,2~3~3 | 3~3~3"
            "| A7,2,X3 | A7,X5 | A5,X7 | A3,4 | A3,6"
        ),
        check=not_trivial,
        words=f"{DRIVING}, state id, dmv",
        source="AAMVA DL/ID Card Design Standard; formats of the states",
        example="The driver's license is `D1234562` from CA.",
        counter="The driver is `D1234562` from CA.",
    ),
    Kind(
        name="US_NPI",
        region="US",
        tier="B",
        group="health",
        severity="medium",
        beside="10",
        check=americas.npi,
        odds=50,
        words=(
            "npi, provider npi, npi number, national provider, provider identifier, "
            "provider id, prescriber, rendering provider, national provider identifier"
        ),
        source="CMS: NPI check digit calculation",
        example="Provider NPI `1234567893` on the form.",
        counter="Provider NPI `1234567894` on the form.",
    ),
    Kind(
        name="US_DEA",
        region="US",
        tier="A",
        group="health",
        severity="medium",
        alone="A2,7",
        check=americas.dea,
        odds=14,
        words="dea, dea number, dea registration, dea no, dea reg",
        source="21 CFR 1301; DEA check digit",
        example="Prescribed under `BB1388568` again.",
        counter="Prescribed under `BB1388569` again.",
    ),
    Kind(
        name="US_MBI",
        region="US",
        tier="A",
        group="health",
        severity="high",
        alone=(
            "1,A1,X1,1,A1,X1,1,A2,2 | 1,A1,X1,1-A1,X1,1-A2,2 | 1,A1,X1,1 A1,X1,1 A2,2"
        ),
        check=americas.mbi,
        odds=50,
        words=(
            "mbi, medicare, medicare beneficiary, medicare beneficiary identifier, "
            "medicare number, "
            f"medicare id, beneficiary id, {HEALTH}"
        ),
        source="CMS: MBI format",
        example="Billed to `1EG4-TE5-MK73` in May.",
        counter="Billed to `1EG4-TS5-MK73` in May.",
    ),
)
