"""
Numbers of the United Kingdom and Ireland.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import europe
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import (
    DRIVING,
    HEALTH,
    NATIONAL,
    PLATE,
    TAX,
    VAT,
)

__all__ = ["UNITED_KINGDOM"]

_AREAS: Final = frozenset(
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY "
    "E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE "
    "LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL "
    "SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE".split()
)


def _postcode(value: str) -> bool:
    area = value[:2] if value[1].isalpha() else value[0]
    return area in _AREAS and not any(one in "CIKMOV" for one in value[-2:])


UNITED_KINGDOM: Final = (
    Kind(
        name="UK_NHS",
        region="UK",
        tier="B",
        group="health",
        severity="high",
        alone="3 3 4",
        beside="10 | 3-3-4 | 3.3.4",
        check=europe.nhs,
        odds=11,
        words=(
            "nhs, nhs no, nhs number, national health service, national health service number, "
            f"nhs id, {HEALTH}"
        ),
        source="NHS Data Dictionary: NHS NUMBER",
        example="NHS number `943 476 5919` was given.",
        counter="NHS number `943 476 5918` was given.",
    ),
    Kind(
        name="UK_NINO",
        region="UK",
        tier="A",
        group="government",
        severity="high",
        alone="A2,6,A1 | A2~2~2~2~A1 | A2,2~2~2~A1 | A2~6~A1 | A2 6,A1 | A2,6 A1",
        check=europe.nino,
        odds=30,
        words=(
            "nino, ni number, ni no, national insurance, national insurance number, "
            f"national insurance no, nat ins, {NATIONAL}"
        ),
        source="HMRC, NIM39110",
        example="Her NINO is `AB 12 34 56 C` since then.",
        counter="Her NINO is `QB 12 34 56 C` since then.",
    ),
    Kind(
        name="UK_UTR",
        region="UK",
        tier="B",
        group="tax",
        severity="medium",
        beside="10 | 5 5 | 3 3 4 | 2 4 4 | 4 6",
        check=europe.utr,
        odds=11,
        words=(
            "utr, utr number, unique taxpayer, unique taxpayer reference, "
            f"self assessment, {TAX}"
        ),
        source="HMRC: Unique Taxpayer Reference",
        example="The UTR is `1123456789` for the year.",
        counter="The UTR is `2123456789` for the year.",
    ),
    Kind(
        name="UK_VAT",
        region="UK",
        tier="A",
        group="tax",
        alone="A2,9 | A2,12 | A2 9 | A2 3 4 2 | A2,3 4 2 | A2 3 4 2 3",
        check=lambda value: value[:2] in {"GB", "XI"} and europe.gb_vat(value),
        odds=2000,
        words=VAT,
        source="HMRC VATREC; VIES",
        example="Invoice from `GB 980 7806 84` attached.",
        counter="Invoice from `GB 980 7806 85` attached.",
    ),
    Kind(
        name="UK_DRIVING",
        region="UK",
        tier="A",
        group="government",
        severity="high",
        alone=(
            "A5,6,A1,X1,1,A2 | A4,7,A1,X1,1,A2 | A3,8,A1,X1,1,A2 | A2,9,A1,X1,1,A2"
            " | A5,6,A1,X1,X1,A2 | A5 6 A1,X1,1,A2 | A5-6-A1,X1,1,A2 | A5,6,A1,X1,X1,A2,2"
        ),
        check=europe.driving,
        odds=40,
        words=DRIVING,
        source="DVLA: driver number",
        example="Licence `MORGA657054SM9IJ` was shown.",
        counter="Licence `MORGA697054SM9IJ` was shown.",
    ),
    Kind(
        name="UK_PASSPORT",
        region="UK",
        tier="C",
        group="government",
        severity="high",
        beside="9 | 3 3 3",
        check=not_trivial,
        words="uk passport, british passport, hm passport, united kingdom passport, gbr passport",
        source="HM Passport Office: nine digits",
        example="UK passport `925665416` was shown.",
        counter="UK platform `925665416` was shown.",
    ),
    Kind(
        name="UK_POSTCODE",
        region="UK",
        tier="C",
        group="location",
        severity="low",
        beside=(
            "A1,1 1,A2 | A1,2 1,A2 | A2,1 1,A2 | A2,2 1,A2 | A1,1,A1 1,A2 | A2,1,A1 1,A2"
            " | A1,2,A2 | A1,3,A2 | A2,2,A2 | A2,3,A2 | A1,1,A1,1,A2 | A2,1,A1,1,A2"
        ),
        check=_postcode,
        odds=2,
        words=(
            "postcode, post code, postal code, postal, zip, zip code, address, postcodes, "
            "lives at, based at, billing address, delivery address, shipping address, ship to"
        ),
        source="Royal Mail PAF; BS 7666",
        example="Their postcode is `SW1A 1AA` there.",
        counter="Their paint is `SW1A 1AA` there.",
    ),
    Kind(
        name="LICENSE_PLATE_UK",
        region="UK",
        tier="C",
        group="vehicle",
        severity="low",
        beside="A2,2 A3 | A2,2,A3 | A2,2-A3 | A1,3 A3 | A1,2 A3 | A3 3,A1 | A1,3,A3 | A3,3,A1",
        words=PLATE,
        is_short=True,
        source="DVLA, INF104",
        example="The number plate is `AB12 CDE` on it.",
        counter="The number is `AB12 CDE` on it.",
    ),
    Kind(
        name="UK_SORT_CODE",
        region="UK",
        tier="C",
        group="finance",
        beside="2-2-2 | 6 | 2 2 2",
        check=not_trivial,
        words="sort code, sortcode, bank sort code, sort codes, sort",
        source="Pay.UK: Extended Industry Sort Code Directory",
        example="Sort code `20-45-77` at the branch.",
        counter="Short code `20-45-77` at the branch.",
    ),
    Kind(
        name="IE_PPS",
        region="IE",
        tier="A",
        group="government",
        severity="high",
        alone="7,A1 | 7,A2",
        beside="7 A1 | 7 A2",
        check=europe.pps,
        odds=23,
        words=(
            f"pps, pps number, ppsn, pps no, personal public service, uimhir psp, {TAX}, "
            f"{NATIONAL}"
        ),
        source="Department of Social Protection: PPS number",
        example="Her PPS is `1234567T` since then.",
        counter="Her PPS is `1234567U` since then.",
    ),
)
