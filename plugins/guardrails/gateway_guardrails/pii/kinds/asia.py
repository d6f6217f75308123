"""
Numbers of South and South-East Asia.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import asia
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import HEALTH, NATIONAL

__all__ = ["ASIA"]

ASIA: Final = (
    Kind(
        name="IN_IFSC",
        region="IN",
        tier="C",
        group="finance",
        severity="low",
        beside="A4,7 | A4,1,X6",
        check=lambda value: value[4] == "0",
        odds=10,
        words="ifsc, ifsc code, ifs code, bank ifsc, rtgs, neft",
        source="Reserve Bank of India: IFSC",
        example="IFSC `SBIN0001234` of the branch.",
        counter="IFSC `SBIN1001234` of the branch.",
    ),
    Kind(
        name="IN_UPI",
        region="IN",
        tier="A",
        group="finance",
        family="email",
        odds=1000,
        source="NPCI: UPI handles",
        example="Pay to `anita.rao@okaxis` by noon.",
        counter="Pay to `anita.rao@office` by noon.",
    ),
    Kind(
        name="PK_CNIC",
        region="PK",
        tier="A",
        group="government",
        severity="high",
        alone="5-7-1",
        beside="13",
        check=asia.cnic,
        odds=2,
        words=f"cnic, cnic number, cnic no, nadra, nicop, pakistani id, شناختی کارڈ, {NATIONAL}",
        source="NADRA: CNIC",
        example="CNIC `34201-0891231-8` on the form.",
        counter="CNIC `94201-0891231-8` on the form.",
    ),
    Kind(
        name="LK_NIC",
        region="LK",
        tier="B",
        group="government",
        severity="high",
        beside="9,A1 | 12",
        check=asia.lk_nic,
        odds=7,
        words=f"nic, nic number, nic no, sri lankan id, sri lanka id, {NATIONAL}",
        source="Department for Registration of Persons: NIC",
        example="NIC `853400937V` on the form.",
        counter="NIC `854900937V` on the form.",
    ),
    Kind(
        name="ID_NIK",
        region="ID",
        tier="B",
        group="government",
        severity="high",
        beside="16 | 6 6 4 | 4 4 4 4",
        check=asia.nik,
        odds=30,
        words=(
            "nik, nik ktp, ktp, no ktp, nomor ktp, nomor induk kependudukan, "
            f"nomor induk, indonesian id, {NATIONAL}"
        ),
        source="Ditjen Dukcapil: NIK",
        example="NIK `3171011708450001` di formulir.",
        counter="NIK `3171011713450001` di formulir.",
    ),
    Kind(
        name="VN_CCCD",
        region="VN",
        tier="C",
        group="government",
        severity="high",
        beside="12",
        check=asia.cccd,
        odds=25,
        words=(
            "cccd, số cccd, căn cước, căn cước công dân, cmnd, số cmnd, "
            f"số định danh cá nhân, vietnamese id, {NATIONAL}"
        ),
        source="Bộ Công an: căn cước công dân",
        example="CCCD `001085945602` trong hồ sơ.",
        counter="CCCD `101085945602` trong hồ sơ.",
    ),
    Kind(
        name="PH_UMID",
        region="PH",
        tier="C",
        group="government",
        severity="high",
        beside="4-7-1",
        check=not_trivial,
        words=(
            "umid, umid number, umid no, umid crn, crn, crn number, "
            "common reference number"
        ),
        source="SSS: Unified Multi-Purpose ID",
        example="UMID `0111-4245918-3` on the form.",
        counter="Unit `0111-4245918-3` on the form.",
    ),
    Kind(
        name="PH_SSS",
        region="PH",
        tier="C",
        group="government",
        severity="high",
        beside="2-7-1 | 10",
        check=not_trivial,
        words="sss, sss number, sss no, sss id, social security system",
        source="Social Security System: SS number",
        example="SSS number `33-1294874-5` on the form.",
        counter="SKU number `33-1294874-5` on the form.",
    ),
    Kind(
        name="PH_PHILHEALTH",
        region="PH",
        tier="C",
        group="health",
        severity="high",
        beside="2-9-1 | 12",
        check=not_trivial,
        words=f"philhealth, philhealth number, philhealth id, philhealth pin, {HEALTH}",
        source="PhilHealth: identification number",
        example="PhilHealth `12-345678901-2` on the form.",
        counter="Folder `12-345678901-2` on the form.",
    ),
)
