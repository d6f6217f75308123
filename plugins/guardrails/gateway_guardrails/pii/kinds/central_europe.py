"""
Numbers of Austria, Switzerland, Hungary and the Balkans, and more of Germany and Poland.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import central_europe as central
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import HEALTH, NATIONAL, TAX, VAT

__all__ = ["CENTRAL_EUROPE"]

CENTRAL_EUROPE: Final = (
    Kind(
        name="DE_TAX_NUMBER",
        region="DE",
        tier="C",
        group="tax",
        severity="high",
        beside="3/4/4 | 3/3/5 | 2/3/5 | 5/5 | 4/4/4 | 3/4/5 | 3 4 4 | 2 3 5 | 3 3 5 | 10 | 13",
        check=not_trivial,
        words=(
            "steuernummer, steuer nr, st nr, stnr, steuernr, finanzamt nr, "
            "german tax number"
        ),
        source="ELSTER: Steuernummer of the states, and the united form of thirteen digits",
        example="Die Steuernummer `181/815/08155` steht darauf.",
        counter="Das Aktenzeichen `181/815/08155` steht darauf.",
    ),
    Kind(
        name="DE_HEALTH_INSURANCE",
        region="DE",
        tier="B",
        group="health",
        severity="high",
        beside="A1,9 | A1 9 | A1,3 3 3",
        check=central.kvnr,
        odds=10,
        words=(
            "krankenversichertennummer, krankenversicherungsnummer, versichertennummer, kvnr, "
            "kv nr, kv nummer, krankenkasse, krankenversicherung, versicherten nr, "
            f"gesundheitskarte, egk, {HEALTH}"
        ),
        source="GKV-Spitzenverband: Krankenversichertennummer, § 290 SGB V",
        example="KVNR `A123456780` laut Karte.",
        counter="KVNR `A123456781` laut Karte.",
    ),
    Kind(
        name="AT_SVNR",
        region="AT",
        tier="A",
        group="government",
        severity="high",
        alone="10 | 4 6 | 4-6",
        check=central.at_svnr,
        odds=300,
        words=(
            "svnr, sv nummer, sv nr, sozialversicherungsnummer, sozialversicherung, "
            f"versicherungsnummer, vsnr, e card, {NATIONAL}"
        ),
        source="Dachverband der Sozialversicherungsträger: Versicherungsnummer",
        example="Die SVNR `1237 010180` steht auf der Karte.",
        counter="Die SVNR `2237 010180` steht auf der Karte.",
    ),
    Kind(
        name="CH_COMPANY",
        region="CH",
        tier="A",
        group="tax",
        severity="low",
        alone="A3-3.3.3 | A3,9 | A3 3.3.3",
        check=central.swiss_company,
        odds=100_000,
        words=(
            f"uid, uid nummer, mwst, mwst nr, mwst nummer, tva, ide, idi, n° ide, {VAT}"
        ),
        source="Bundesamt für Statistik: UID",
        example="Die UID `CHE-100.155.212` steht im Register.",
        counter="Die UID `CHE-100.155.213` steht im Register.",
    ),
    Kind(
        name="PL_ID_CARD",
        region="PL",
        tier="B",
        group="government",
        severity="high",
        beside="A3,6 | A3 6 | A3-6",
        check=central.pl_card,
        odds=10,
        words=(
            "dowód osobisty, dowodu osobistego, numer dowodu, nr dowodu, dowód, dowodu, "
            f"seria i numer dowodu, polish id, {NATIONAL}"
        ),
        source="Ministerstwo Cyfryzacji: dowód osobisty",
        example="Numer dowodu `ABA300000` w aktach.",
        counter="Numer dowodu `ABA400000` w aktach.",
    ),
    Kind(
        name="HU_TAJ",
        region="HU",
        tier="B",
        group="health",
        severity="high",
        beside="9 | 3 3 3 | 3-3-3",
        check=central.taj,
        odds=10,
        words=(
            "taj, taj szám, tajszám, társadalombiztosítási azonosító, "
            f"társadalombiztosítási azonosító jel, {HEALTH}, {NATIONAL}"
        ),
        source="NEAK: TAJ szám",
        example="A TAJ szám `123 456 788` szerepel rajta.",
        counter="A TAJ szám `123 456 789` szerepel rajta.",
    ),
    Kind(
        name="HU_TAX_ID",
        region="HU",
        tier="B",
        group="tax",
        severity="high",
        beside="10",
        check=central.adoazonosito,
        odds=110,
        words=f"adóazonosító, adóazonosító jel, adóazonosító jele, adószám, {TAX}",
        source="NAV: adóazonosító jel",
        example="Az adóazonosító jel `8071592153` szerepel rajta.",
        counter="Az adóazonosító jel `8071592154` szerepel rajta.",
    ),
    Kind(
        name="HR_OIB",
        region="HR",
        tier="B",
        group="government",
        severity="high",
        beside="11",
        check=central.oib,
        odds=10,
        words=(
            "oib, oib broj, osobni identifikacijski broj, identifikacijski broj, "
            f"croatian id, {NATIONAL}, {TAX}"
        ),
        source="Porezna uprava: OIB",
        example="OIB `33392005961` stoji na računu.",
        counter="OIB `33392005962` stoji na računu.",
    ),
    Kind(
        name="SI_EMSO",
        region="SI",
        tier="A",
        group="government",
        severity="high",
        alone="13",
        check=central.emso,
        odds=3000,
        words=(
            "emšo, enotna matična številka, enotna matična številka občana, "
            f"matična številka, {NATIONAL}"
        ),
        source="Ministrstvo za notranje zadeve: EMŠO",
        example="EMŠO `0101006500006` je v spisu.",
        counter="EMŠO `0101006500007` je v spisu.",
    ),
    Kind(
        name="RS_JMBG",
        region="RS",
        tier="A",
        group="government",
        severity="high",
        alone="13",
        check=central.jmbg,
        odds=300,
        words=(
            "jmbg, jmb, matični broj, jedinstveni matični broj, matični broj građana, "
            "jedinstveni matični broj građana, јмбг, матични број, единствен матичен број, "
            f"ембг, {NATIONAL}"
        ),
        source="Law on the unique number of citizens (Serbia, and the states beside it)",
        example="JMBG `0101980710000` je u spisu.",
        counter="JMBG `0101980710001` je u spisu.",
    ),
)
