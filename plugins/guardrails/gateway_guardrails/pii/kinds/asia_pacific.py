"""
Numbers of Asia and the Pacific.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import asia_pacific as apac
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import HEALTH, NATIONAL, PASSPORT, PLATE, TAX

__all__ = ["ASIA_PACIFIC"]

ASIA_PACIFIC: Final = (
    Kind(
        name="AU_TFN",
        region="AU",
        tier="B",
        group="tax",
        severity="high",
        alone="3 3 3",
        beside="9 | 8 | 3-3-3 | 3.3.3 | 2 3 3",
        check=apac.tfn,
        odds=11,
        words=f"tfn, tax file number, tax file, tfn number, {TAX}",
        source="ATO: tax file number",
        example="My TFN is `123 456 782` for payroll.",
        counter="My TFN is `123 456 783` for payroll.",
    ),
    Kind(
        name="AU_ABN",
        region="AU",
        tier="B",
        group="tax",
        severity="low",
        alone="2 3 3 3",
        beside="11 | 2-3-3-3",
        check=apac.abn,
        odds=89,
        words="abn, abn number, australian business, australian business number, business number",
        source="ABR: format of the ABN",
        example="Our ABN is `51 824 753 556` on invoices.",
        counter="Our ABN is `51 824 753 557` on invoices.",
    ),
    Kind(
        name="AU_ACN",
        region="AU",
        tier="B",
        group="tax",
        severity="low",
        beside="9 | 3 3 3 | 3-3-3",
        check=apac.acn,
        odds=10,
        words="acn, acn number, australian company, australian company number, company number",
        source="ASIC: Australian Company Number check digit",
        example="Our ACN is `004 085 616` on invoices.",
        counter="Our ACN is `004 085 617` on invoices.",
    ),
    Kind(
        name="AU_MEDICARE",
        region="AU",
        tier="B",
        group="health",
        severity="high",
        alone="4 5 1 | 4 5 1-1 | 4 5 1/1",
        beside="10 | 11 | 10-1 | 10/1 | 4-5-1 | 4 5 1 1 | 4 5 2 | 10 1",
        check=apac.medicare,
        odds=20,
        words=(
            "medicare, medicare card, medicare number, medicare no, medicare card number, "
            f"{HEALTH}"
        ),
        source="Services Australia: Medicare card number (METeOR 270101)",
        example="Medicare card `2123 45670 1` was shown.",
        counter="Medicare card `2123 45671 1` was shown.",
    ),
    Kind(
        name="NZ_IRD",
        region="NZ",
        tier="B",
        group="tax",
        severity="high",
        alone="3-3-3 | 2-3-3",
        beside="8 | 9 | 3 3 3 | 2 3 3",
        check=apac.ird,
        odds=11,
        words=f"ird, ird number, ird no, inland revenue, inland revenue number, {TAX}",
        source="Inland Revenue: IRD number validation",
        example="My IRD number is `49-091-850` for payroll.",
        counter="My IRD number is `49-091-851` for payroll.",
    ),
    Kind(
        name="NZ_NHI",
        region="NZ",
        tier="B",
        group="health",
        severity="high",
        beside="A3,4 | A3,2,A2",
        check=apac.nhi,
        odds=11,
        words=f"nhi, nhi number, nhi no, national health index, {HEALTH}",
        source="HISO 10046: National Health Index",
        example="Her NHI is `JBX3656` at the clinic.",
        counter="Her NHI is `JBX3657` at the clinic.",
    ),
    Kind(
        name="IN_AADHAAR",
        region="IN",
        tier="A",
        group="government",
        severity="high",
        alone="4 4 4 | 4-4-4",
        beside="12 | 4.4.4",
        check=apac.aadhaar,
        odds=12,
        words=(
            "aadhaar, aadhar, adhaar, adhar, aadhaar number, aadhaar no, uidai, "
            "uidai number, uid, "
            f"uid number, आधार, aadhaar card, {NATIONAL}"
        ),
        source="UIDAI: Aadhaar numbering scheme",
        example="Aadhaar `2341 2341 2346` was linked.",
        counter="Aadhaar `2341 2341 2347` was linked.",
    ),
    Kind(
        name="IN_PAN",
        region="IN",
        tier="A",
        group="tax",
        severity="high",
        alone="A5,4,A1",
        check=apac.pan,
        odds=3,
        words=f"pan, pan card, pan no, pan number, permanent account number, {TAX}",
        source="Income Tax Department: Permanent Account Number",
        example="Her PAN is `ABCPE1234F` on the form.",
        counter="Her PAN is `ABCDE1234F` on the form.",
    ),
    Kind(
        name="IN_GSTIN",
        region="IN",
        tier="A",
        group="tax",
        alone="2,A5,4,A1,X1,A1,X1 | 2,A5,4,A1,X3",
        check=apac.gstin,
        odds=400,
        words=f"gstin, gst, gst number, gst no, gst in, goods and services tax, {TAX}",
        source="GSTN: GSTIN check character",
        example="GSTIN `27AAPFU0939F1ZV` on the invoice.",
        counter="GSTIN `27AAPFU0939F1ZW` on the invoice.",
    ),
    Kind(
        name="IN_VOTER",
        region="IN",
        tier="C",
        group="government",
        severity="high",
        beside="A3,7",
        check=apac.epic,
        odds=10,
        words="voter, voter id, voter card, epic, epic no, epic number, election card, elector",
        source="Election Commission of India: EPIC",
        example="Voter ID `WKH1186253` was shown.",
        counter="Voter ID `WKH1186254` was shown.",
    ),
    Kind(
        name="IN_PASSPORT",
        region="IN",
        tier="C",
        group="government",
        severity="high",
        beside="A1,7 | A1 7 | A1-7 | A1,2 5",
        check=not_trivial,
        words=f"indian passport, india passport, {PASSPORT}",
        source="Passport Seva: a letter and seven digits",
        example="Indian passport `M8312047` was shown.",
        counter="Indian parcel `M8312047` was shown.",
    ),
    Kind(
        name="IN_VEHICLE",
        region="IN",
        tier="C",
        group="vehicle",
        severity="low",
        beside=(
            "A2,2,A2,4 | A2 2 A2 4 | A2-2-A2-4 | A2,2 A2 4 | A2,1,A2,4 | A2,2,A1,4 | A2 2 A1 4"
            " | A2-2-A1-4 | A2,2,A3,4 | A2,2 A2,4 | A2,2-A2-4"
        ),
        check=apac.vehicle,
        odds=17,
        words=(
            "vehicle, vehicle no, vehicle number, rc number, rc no, car number, "
            f"bike number, {PLATE}"
        ),
        is_short=True,
        source="Central Motor Vehicles Rules, 1989, rule 50",
        example="Vehicle number `MH 12 DE 1433` was towed.",
        counter="Vehicle number `QQ 12 DE 1433` was towed.",
    ),
    Kind(
        name="SG_NRIC",
        region="SG",
        tier="A",
        group="government",
        severity="high",
        alone="A1,7,A1",
        check=apac.nric,
        odds=60,
        words=f"nric, fin, nric fin, nric no, nric number, fin number, fin no, {NATIONAL}",
        source="ICA: NRIC and FIN check letter",
        example="NRIC `S1234567D` was shown.",
        counter="NRIC `S1234567E` was shown.",
    ),
    Kind(
        name="KR_RRN",
        region="KR",
        tier="A",
        group="government",
        severity="high",
        alone="6-7",
        beside="13 | 6 7",
        check=apac.rrn,
        odds=30,
        words=(
            "rrn, resident registration, resident registration number, 주민등록번호, 주민번호, "
            f"주민등록, 외국인등록번호, korean id, {NATIONAL}"
        ),
        source="Ministry of the Interior and Safety: resident registration number",
        example="RRN `880305-1483032` was given.",
        counter="RRN `881305-1483032` was given.",
    ),
    Kind(
        name="KR_COMPANY",
        region="KR",
        tier="B",
        group="tax",
        severity="low",
        beside="3-2-5 | 10",
        check=apac.kr_company,
        odds=10,
        words=(
            "사업자등록번호, 사업자번호, 사업자 등록번호, business registration number, "
            "business registration no, brn"
        ),
        source="국세청: 사업자등록번호",
        example="Business registration number `116-82-00276` there.",
        counter="Business registration number `116-82-00277` there.",
    ),
    Kind(
        name="AU_BSB",
        region="AU",
        tier="C",
        group="finance",
        beside="3-3 | 6 | 3 3",
        check=not_trivial,
        words="bsb, bsb number, bsb no, bank state branch",
        is_short=True,
        source="AusPayNet: BSB numbers",
        example="BSB `062-001` at the branch.",
        counter="Bus `062-001` at the branch.",
    ),
    Kind(
        name="JP_MY_NUMBER",
        region="JP",
        tier="B",
        group="government",
        severity="high",
        beside="12 | 4 4 4 | 4-4-4",
        check=apac.jp_number,
        odds=11,
        words=(
            "my number, mynumber, individual number, マイナンバー, 個人番号, kojin bango, "
            f"mai nambā, {NATIONAL}"
        ),
        source="Ministry of Internal Affairs, ordinance 85 of 2014: check digit",
        example="My Number `123456789018` was given.",
        counter="My Number `123456789019` was given.",
    ),
    Kind(
        name="CN_RIC",
        region="CN",
        tier="A",
        group="government",
        severity="high",
        alone="18 | 17,A1 | 6 8 4 | 6 8 3,A1 | 6-8-4 | 6-8-3,A1",
        check=apac.resident,
        odds=600,
        words=(
            "身份证, 身份证号, 身份证号码, 公民身份号码, 居民身份证, resident id, "
            f"resident identity, resident identity card, shenfenzheng, chinese id, {NATIONAL}"
        ),
        source="GB 11643-1999",
        example="身份证号 `11010519491231002X` 已登记。",
        counter="身份证号 `110105194912310021` 已登记。",
    ),
    Kind(
        name="TW_ID",
        region="TW",
        tier="A",
        group="government",
        severity="high",
        alone="A1,9",
        beside="A2,8",
        check=apac.tw_id,
        odds=25,
        words=f"身分證, 身分證字號, 統一編號, 居留證, taiwan id, taiwanese id, arc, {NATIONAL}",
        source="Ministry of the Interior, Taiwan: national identification number",
        example="Taiwan ID `A123456789` was shown.",
        counter="Taiwan ID `A123456788` was shown.",
    ),
    Kind(
        name="HK_ID",
        region="HK",
        tier="A",
        group="government",
        severity="high",
        alone="A1,6(X1) | A2,6(X1)",
        beside="A1,7 | A1,6,A1 | A2,7 | A2,6,A1 | A1,6 (X1) | A1,6-1",
        check=apac.hk_id,
        odds=11,
        words=(
            "hkid, hk id, hong kong id, hkid no, hkid number, hong kong identity, 香港身份證, "
            f"身份證號碼, {NATIONAL}"
        ),
        source="Immigration Department, Hong Kong: HKIC check digit",
        example="HKID `A123456(3)` was shown.",
        counter="HKID `A123456(4)` was shown.",
    ),
    Kind(
        name="TH_PIN",
        region="TH",
        tier="A",
        group="government",
        severity="high",
        alone="1-4-5-2-1 | 1 4 5 2 1",
        beside="13",
        check=apac.th_pin,
        odds=11,
        words=(
            "thai id, thai id card, เลขบัตรประชาชน, เลขประจำตัวประชาชน, บัตรประชาชน, "
            f"thailand id, {NATIONAL}"
        ),
        source="Department of Provincial Administration: identification number",
        example="Thai ID `1-1018-00455-20-5` was shown.",
        counter="Thai ID `1-1018-00455-20-6` was shown.",
    ),
    Kind(
        name="MY_NRIC",
        region="MY",
        tier="A",
        group="government",
        severity="high",
        alone="6-2-4",
        beside="12 | 6 2 4",
        check=apac.mykad,
        odds=45,
        words=(
            "mykad, ic, ic number, ic no, nric, my kad, kad pengenalan, no kp, nombor kp, "
            f"no kad pengenalan, malaysian id, malaysian ic, mypr, {NATIONAL}"
        ),
        source="Jabatan Pendaftaran Negara: MyKad",
        example="MyKad `870215-01-0155` was shown.",
        counter="MyKad `871315-01-0155` was shown.",
    ),
)
