"""
Numbers of Africa and the Middle East; South Africa and Israel stand with Europe.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import africa_middle_east as africa
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import NATIONAL, TAX

__all__ = ["AFRICA_MIDDLE_EAST"]

AFRICA_MIDDLE_EAST: Final = (
    Kind(
        name="NG_NIN",
        region="NG",
        tier="C",
        group="government",
        severity="high",
        beside="11 | 4 3 4 | 4-3-4",
        check=not_trivial,
        words=f"nin, nin number, nimc, virtual nin, nigerian id, {NATIONAL}",
        source="NIMC: National Identification Number",
        example="My NIN is `50284719365` at the bank.",
        counter="My bin is `50284719365` at the bank.",
    ),
    Kind(
        name="NG_BVN",
        region="NG",
        tier="C",
        group="finance",
        severity="high",
        beside="11",
        check=lambda value: value[:2] == "22",
        odds=100,
        words="bvn, bvn number, bank verification number, bank verification",
        source="NIBSS: Bank Verification Number",
        example="My BVN is `22231485915` at the bank.",
        counter="My BVN is `12231485915` at the bank.",
    ),
    Kind(
        name="GH_CARD",
        region="GH",
        tier="A",
        group="government",
        severity="high",
        alone="A3-9-1",
        check=lambda value: value.startswith("GHA"),
        odds=10_000,
        words=f"ghana card, ghana card number, nia, {NATIONAL}",
        source="National Identification Authority: Ghana Card",
        example="Ghana Card `GHA-712345678-9` was shown.",
        counter="Ghana Card `GHB-712345678-9` was shown.",
    ),
    Kind(
        name="KE_PIN",
        region="KE",
        tier="C",
        group="tax",
        severity="high",
        beside="A1,9,A1",
        check=lambda value: value[0] in "AP",
        odds=13,
        words=f"kra, kra pin, kra pin number, pin certificate, {TAX}",
        source="Kenya Revenue Authority: PIN",
        example="KRA PIN `A005126478Q` on the form.",
        counter="KRA PIN `B005126478Q` on the form.",
    ),
    Kind(
        name="EG_ID",
        region="EG",
        tier="B",
        group="government",
        severity="high",
        beside="14 | 1 6 2 5",
        check=africa.eg_id,
        odds=400,
        words=f"الرقم القومي, رقم قومي, رقم البطاقة, بطاقة الرقم القومي, egyptian id, {NATIONAL}",
        source="Civil Status Organization of Egypt: national number",
        example="National ID `29001011234567` on file.",
        counter="National ID `29013011234567` on file.",
    ),
    Kind(
        name="AE_EMIRATES_ID",
        region="AE",
        tier="A",
        group="government",
        severity="high",
        alone="3-4-7-1 | 3 4 7 1",
        beside="15",
        check=africa.ae_id,
        odds=60_000,
        words=f"emirates id, emirates id number, eid, uae id, رقم الهوية, {NATIONAL}",
        source="ICP: Emirates ID",
        example="Emirates ID `784-1988-1234567-1` was shown.",
        counter="Emirates ID `785-1988-1234567-1` was shown.",
    ),
    Kind(
        name="SA_ID",
        region="SA",
        tier="B",
        group="government",
        severity="high",
        beside="10",
        check=africa.sa_id,
        odds=50,
        words=(
            "iqama, iqama number, iqama no, saudi id, absher, رقم الهوية, رقم الإقامة, "
            f"الهوية الوطنية, هوية, {NATIONAL}"
        ),
        source="Absher: national ID and iqama",
        example="Iqama number `2123456788` on file.",
        counter="Iqama number `2123456789` on file.",
    ),
)
