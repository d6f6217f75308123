"""
Numbers of the Baltic states, Greece, Kazakhstan, Russia and Ukraine.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import eastern_europe as eastern
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import NATIONAL, TAX, VAT

__all__ = ["EASTERN_EUROPE"]

EASTERN_EUROPE: Final = (
    Kind(
        name="EE_ISIKUKOOD",
        region="EE",
        tier="A",
        group="government",
        severity="high",
        alone="11",
        check=eastern.isikukood,
        odds=500,
        words=f"isikukood, isikukoodi, estonian id, {NATIONAL}",
        source="Siseministeerium: isikukood (EVS 585)",
        example="Tema isikukood on `36805280109` lepingus.",
        counter="Tema isikukood on `36805280108` lepingus.",
    ),
    Kind(
        name="LT_ASMENS_KODAS",
        region="LT",
        tier="A",
        group="government",
        severity="high",
        alone="11",
        check=eastern.isikukood,
        odds=499,
        words=f"asmens kodas, asm kodas, lithuanian id, {NATIONAL}",
        source="Gyventojų registras: asmens kodas",
        example="Asmens kodas `33309240064` sutartyje.",
        counter="Asmens kodas `33309240164` sutartyje.",
    ),
    Kind(
        name="LV_PERSONAS_KODS",
        region="LV",
        tier="A",
        group="government",
        severity="high",
        alone="6-5",
        beside="11",
        check=eastern.personas_kods,
        odds=90,
        words=f"personas kods, personas koda, pers kods, latvian id, {NATIONAL}",
        source="PMLP: personas kods",
        example="Personas kods `161175-19997` ir lietā.",
        counter="Personas kods `161375-19997` ir lietā.",
    ),
    Kind(
        name="GR_AFM",
        region="GR",
        tier="B",
        group="tax",
        severity="high",
        beside="9 | 3 3 3",
        check=eastern.afm,
        odds=11,
        words=(
            "αφμ, α φ μ, afm, αριθμός φορολογικού μητρώου, φορολογικού μητρώου, "
            f"{TAX}, {VAT}"
        ),
        source="ΑΑΔΕ: ΑΦΜ",
        example="ΑΦΜ `094259216` στο τιμολόγιο.",
        counter="ΑΦΜ `094259217` στο τιμολόγιο.",
    ),
    Kind(
        name="RU_INN",
        region="RU",
        tier="B",
        group="tax",
        severity="high",
        beside="12 | 10",
        check=eastern.inn,
        odds=11,
        words=f"инн, инн физлица, inn, inn number, идентификационный номер, {TAX}",
        source="ФНС России: ИНН",
        example="ИНН `123456789047` указан в договоре.",
        counter="ИНН `123456789037` указан в договоре.",
    ),
    Kind(
        name="RU_SNILS",
        region="RU",
        tier="A",
        group="government",
        severity="high",
        alone="3-3-3 2 | 3-3-3-2",
        beside="11 | 3 3 3 2",
        check=eastern.snils,
        odds=100,
        words="снилс, страховой номер, snils, страховой номер индивидуального лицевого счета",
        source="СФР: СНИЛС",
        example="СНИЛС `112-233-445 95` в анкете.",
        counter="СНИЛС `112-233-445 96` в анкете.",
    ),
    Kind(
        name="RU_PASSPORT",
        region="RU",
        tier="C",
        group="government",
        severity="high",
        beside="4 6 | 2 2 6 | 10 | 4-6 | 2-2-6",
        check=not_trivial,
        words=(
            "паспорт, паспорта, паспорт рф, паспортные данные, серия и номер, "
            "серия и номер паспорта, паспорт серия, russian passport"
        ),
        source="Постановление Правительства РФ № 828: паспорт",
        example="Паспорт `45 06 123457` выдан в Москве.",
        counter="Договор `45 06 123457` подписан в Москве.",
    ),
    Kind(
        name="UA_RNTRC",
        region="UA",
        tier="B",
        group="tax",
        severity="high",
        beside="10",
        check=eastern.rntrc,
        odds=11,
        words=(
            "рнокпп, іпн, ідентифікаційний код, ідентифікаційний номер, інн, "
            f"податковий номер, ukrainian tax number, {TAX}"
        ),
        source="ДПС України: РНОКПП",
        example="РНОКПП `1759013776` у договорі.",
        counter="РНОКПП `1759013770` у договорі.",
    ),
    Kind(
        name="KZ_IIN",
        region="KZ",
        tier="B",
        group="government",
        severity="high",
        beside="12",
        check=eastern.iin,
        odds=300,
        words=f"иин, жсн, iin, iin number, индивидуальный идентификационный номер, {NATIONAL}",
        source="Закон РК № 223-III: ИИН",
        example="ИИН `900101300017` в договоре.",
        counter="ИИН `901301300017` в договоре.",
    ),
)
