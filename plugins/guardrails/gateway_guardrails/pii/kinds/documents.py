"""
Documents of any country, beside what they are called: for those that have no type of their own.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import PASSPORT, PLATE

__all__ = ["DOCUMENTS"]


def _mixed(value: str) -> bool:
    return not value.isalpha() and not_trivial(value)


DOCUMENTS: Final = (
    Kind(
        name="PASSPORT",
        tier="C",
        group="government",
        severity="high",
        beside=(
            "A1,6 | A1,7 | A1,8 | A2,5 | A2,6 | A2,7 | A2,8 | A3,6 | A3,5 | 2,A2,5 | 7 | 8 | 9"
            " | A1 7 | A1 8 | A2 6 | A2 7 | A3 6 | 2 7 | A1,2,A1,5 | 2 A2 5 | X9"
        ),
        check=_mixed,
        words=(
            f"{PASSPORT}, numéro de passeport, n° de passeport, passeport n, pasaporte n, "
            "número de pasaporte, número do passaporte, numero passaporto, paspoortnummer, "
            "reisepassnummer, numer paszportu, паспорт, закордонний паспорт, загранпаспорт, "
            "pasaport, pasaport no, pas č, číslo pasu, cestovní pas, útlevél, pașaport, "
            "διαβατήριο, putovnica, pasoš, passinumero, hộ chiếu, paspor, "
            "หนังสือเดินทาง, جواز السفر, דרכון, 護照, 旅券"
        ),
        source="ICAO Doc 9303: nine characters at most",
        example="Passeport `21KE98572` à vérifier.",
        counter="Passerelle `21KE98572` à vérifier.",
    ),
    Kind(
        name="NATIONAL_ID",
        tier="C",
        group="government",
        severity="high",
        beside=(
            "7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 16 | 17 | 2.3.3 | 1.3.3.3 | 1.3.3 | 2 3 3"
            " | 3-7-1 | 3-6-4,A1 | 3-3-3 | 3 3 3 | 4 4 4 | 4-4-4 | 4-4-4-4 | A1-8 | A1-7"
            " | A1,8 | A1,9 | A2,6 | A2,7 | A3,6 | 3-7-7 | 1-4-4 | 1-9"
            " | 2-2-2-5 | 2.3.3-X1"
        ),
        check=_mixed,
        words=(
            "national id, national id number, national id no, national identity card, "
            "national identity number, national identification number, identity card number, "
            "nid number, nid no, nid card, dni, dni nº, dni n, documento de identidad, "
            "documento nacional, documento nacional de identidad, cédula, "
            "cédula de identidad, número de cédula, "
            "registro geral, carteira de identidade, bilhete de identidade, "
            "cartão de cidadão, identiteitskaart, identitetskort, id kort, henkilökortti, "
            "občanský průkaz, číslo op, személyi igazolvány, személyi szám, "
            "carte de identitate, buletin, serie ci, лична карта, удостоверение личности, "
            "ταυτότητα, αριθμός ταυτότητας, kimlik, osobna iskaznica, lična karta, "
            "osebna izkaznica, philsys, philippine id, mykid, هوية, رقم الهوية, "
            "身分證, 신분증"
        ),
        source="what documents of identity are called",
        example="National ID `7563539791` on the form.",
        counter="National park `7563539791` on the form.",
    ),
    Kind(
        name="TAX_ID",
        tier="C",
        group="tax",
        severity="high",
        beside=(
            "9 | 10 | 11 | 12 | 13 | 14 | 3-3-3-3 | 3-3-3 | 3-3-3-5 | 2.3.3.3-3.3 | 2-7"
            " | 2.3.3.1-3.3 | 3 3 3 | 10-3 | 8-4 | 3-2-5 | A1,9 | A1,10 | 8,A1 | 3-2-4 | A2,9"
            " | 2.3.3-1 | 1.3.3-1 | A1-8-1"
        ),
        check=_mixed,
        words=(
            "tin, tin number, tin no, taxpayer id, taxpayer identification number, "
            "tax identification number, tax id, tax id number, tax number, npwp, nomor npwp, "
            "mã số thuế, bir tin, rif, rtn, vergi numarası, vergi no, vkn, "
            "adószám, identifikačné číslo, dič, cod fiscal, cif number, 税号, "
            "纳税人识别号, เลขประจำตัวผู้เสียภาษี, الرقم الضريبي"
        ),
        source="OECD: tax identification numbers by jurisdiction",
        example="NPWP `01.234.567.8-901.000` di formulir.",
        counter="Model `01.234.567.8-901.000` di formulir.",
    ),
    Kind(
        name="LICENSE_PLATE",
        tier="C",
        group="vehicle",
        severity="low",
        beside=(
            "A2-3-A2 | A2,3,A2 | A2 3 A2 | 4 A3 | 4-A3 | 4,A3 | A3-4 | A3 4 | A3,4 | A3-3 | A3 3"
            " | A3,3 | 1,A3,3 | 3-A3 | 3 A3 | 3,A3 | A3,1,A1,2 | A2,4 | A2 4 | A2-4 | A1,3,A2"
            " | A2-3-A1 | 1-A3-2 | 2-A2-2 | A1,2-A3 | A1,2 A3 | A3-1,A1,2 | A1,3,A3 | 3-A2-3"
            " | A2 5 | A2,5 | A1,1,A2,4 | 2-A3-1 | A2,3-A2 | 4-A2 | 4 A2 | 1,A2,4 | A2,2,A2,3"
            " | 3-1,A1,2 | 1,A1,2,3"
        ),
        words=(
            f"{PLATE}, license plate number, tag number, immatriculation, plaque, "
            "plaque d'immatriculation, n° d'immatriculation, matrícula, matrícula del coche, "
            "placa, placas, placa do carro, chapa, targa, numero di targa, "
            "nummernschild, autokennzeichen, kfz kennzeichen, kfz, kenteken, nummerplaat, "
            "numer rejestracyjny, nr rejestracyjny, tablica rejestracyjna, rejestracja, "
            "registreringsnummer, regnr, reg nr, registreringsskylt, rekisterinumero, "
            "rekisteritunnus, spz, rz, rendszám, număr de înmatriculare, госномер, "
            "гос номер, номер машины, номерной знак, πινακίδα, plaka, registracija, 车牌, "
            "车牌号, 車牌, 차량번호, biển số, plat nomor, nopol"
        ),
        is_short=True,
        source="Vienna Convention on Road Traffic, annex 2; notations of the states",
        example="Immatriculation `BA-122-BC` à vérifier.",
        counter="Publication `BA-122-BC` à vérifier.",
    ),
)
