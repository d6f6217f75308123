"""
Numbers of the European continent, Israel and South Africa.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import europe
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import NATIONAL, TAX, VAT

__all__ = ["EUROPE"]

_DOCUMENT: Final = frozenset("CFGHJKLMNPRTVWXYZ0123456789")


def _id_card(value: str) -> bool:
    has_both = not value[:9].isdigit() and not value.isalpha()
    return has_both and _DOCUMENT.issuperset(value) and europe.de_id_card(value)


EUROPE: Final = (
    Kind(
        name="ES_DNI",
        region="ES",
        tier="A",
        group="government",
        severity="high",
        alone="8,A1 | 8-A1 | 2.3.3-A1 | 2.3.3,A1",
        beside="8 A1 | 7,A1 | 7-A1 | 2.3.3 A1",
        check=europe.dni,
        odds=23,
        words=f"dni, nif, documento nacional, documento nacional de identidad, {NATIONAL}",
        source="Ministerio del Interior: letra del DNI",
        example="Su DNI es `12345678Z` en la ficha.",
        counter="Su DNI es `12345678A` en la ficha.",
    ),
    Kind(
        name="ES_NIE",
        region="ES",
        tier="A",
        group="government",
        severity="high",
        alone="A1,7,A1 | A1-7-A1 | A1,7-A1",
        beside="A1 7 A1 | A1-7 A1",
        check=europe.nie,
        odds=200,
        words=f"nie, número de identidad de extranjero, identidad de extranjero, {NATIONAL}",
        source="Ministerio del Interior: NIE",
        example="Su NIE es `X1234567L` en la ficha.",
        counter="Su NIE es `X1234567M` en la ficha.",
    ),
    Kind(
        name="ES_CIF",
        region="ES",
        tier="A",
        group="tax",
        alone="A1,7,X1 | A1-8 | A1-7,A1",
        check=europe.cif,
        odds=15,
        words=f"cif, nif, código de identificación fiscal, identificación fiscal, {TAX}, {VAT}",
        source="Agencia Tributaria, Orden EHA/451/2008",
        example="El CIF es `A58818501` de la empresa.",
        counter="El CIF es `A58818502` de la empresa.",
    ),
    Kind(
        name="FR_NIR",
        region="FR",
        tier="A",
        group="government",
        severity="high",
        alone=(
            "15 | 1 2 2 2 3 3 2 | 13 2 | 13-2 | 1~2~2~2~3~3~2 | 5,X2,8 | 1 2 2 X2 3 3 2"
            " | 5,X2,6 2"
        ),
        check=europe.nir,
        odds=400,
        words=(
            "nir, numéro de sécurité sociale, sécurité sociale, securite sociale, insee, "
            "numéro insee, n° de sécurité sociale, numéro sécu, sécu, carte vitale, "
            f"assuré social, {NATIONAL}"
        ),
        source="INSEE: numéro d'inscription au répertoire",
        example="Son NIR est `2 55 08 14 168 025 38` au dossier.",
        counter="Son NIR est `2 55 08 14 168 025 39` au dossier.",
    ),
    Kind(
        name="FR_SIREN",
        region="FR",
        tier="B",
        group="tax",
        severity="low",
        beside="9 | 3 3 3 | 3.3.3",
        check=europe.siren,
        odds=10,
        words="siren, numéro siren, n° siren, rcs, numéro d'entreprise",
        source="INSEE: SIRENE",
        example="Le SIREN est `732 829 320` au registre.",
        counter="Le SIREN est `732 829 321` au registre.",
    ),
    Kind(
        name="FR_SIRET",
        region="FR",
        tier="B",
        group="tax",
        severity="low",
        beside="14 | 3 3 3 5 | 9 5 | 3.3.3.5 | 9-5",
        check=europe.siret,
        odds=10,
        words="siret, numéro siret, n° siret, établissement",
        source="INSEE: SIRENE",
        example="Le SIRET est `73282932000074` au registre.",
        counter="Le SIRET est `73282932000075` au registre.",
    ),
    Kind(
        name="DE_TAX_ID",
        region="DE",
        tier="B",
        group="tax",
        severity="high",
        alone="2 3 3 3",
        beside="11",
        check=europe.de_tax_id,
        odds=60,
        words=(
            "steuer id, steueridentifikationsnummer, steuer identifikationsnummer, steuernummer, "
            "identifikationsnummer, id nr, idnr, steuerliche identifikationsnummer, steuer idnr, "
            f"tin, steuer nr, german tax id, {TAX}"
        ),
        source="BZSt: Identifikationsnummer, § 139b AO",
        example="Steuer-ID `86095742719` laut Bescheid.",
        counter="Steuer-ID `86095742718` laut Bescheid.",
    ),
    Kind(
        name="DE_VAT",
        region="DE",
        tier="A",
        group="tax",
        severity="low",
        alone="A2,9 | A2 9 | A2 3 3 3",
        check=lambda value: value.startswith("DE") and europe.de_vat(value),
        odds=6000,
        words=(
            "ust idnr, ust id, ust id nr, umsatzsteuer id, umsatzsteuer identifikationsnummer, "
            f"ustid, ustidnr, {VAT}"
        ),
        source="BZSt: USt-IdNr.; VIES",
        example="USt-IdNr. `DE136695976` auf der Rechnung.",
        counter="USt-IdNr. `DE136695978` auf der Rechnung.",
    ),
    Kind(
        name="DE_ID_CARD",
        region="DE",
        tier="B",
        group="government",
        severity="high",
        beside="X9 | X10",
        check=_id_card,
        odds=5,
        words=(
            "personalausweis, personalausweisnummer, ausweisnummer, ausweis, ausweis nr, "
            f"perso, german id, reisepassnummer, reisepass, {NATIONAL}"
        ),
        source="BSI TR-03127; ICAO Doc 9303 (check digit)",
        example="Der Personalausweis `T220001293` liegt vor.",
        counter="Der Personalausweis `T220001294` liegt vor.",
    ),
    Kind(
        name="DE_SVNR",
        region="DE",
        tier="A",
        group="government",
        severity="high",
        alone="8,A1,3 | 2 6 A1 3 | 2 6 A1 2 1 | 2 6 A1,3",
        check=europe.svnr,
        odds=60,
        words=(
            "sozialversicherungsnummer, rentenversicherungsnummer, versicherungsnummer, svnr, "
            "sv nummer, sv nr, rvnr, rv nummer, sozialversicherung, rentenversicherung, "
            "social security number"
        ),
        source="Deutsche Rentenversicherung, VKVV § 2",
        example="Die SV-Nummer ist `15070649C103` laut Akte.",
        counter="Die SV-Nummer ist `15070649C104` laut Akte.",
    ),
    Kind(
        name="IT_CODICE_FISCALE",
        region="IT",
        tier="A",
        group="government",
        severity="high",
        alone="A6,2,A1,2,A1,3,A1",
        check=europe.codice_fiscale,
        odds=60,
        words=f"codice fiscale, cod fiscale, c f, cf, cod fisc, {TAX}, {NATIONAL}",
        source="Agenzia delle Entrate, DM 23/12/1976",
        example="Il codice fiscale è `RSSMRA85T10A562S` sul modulo.",
        counter="Il codice fiscale è `RSSMRA85T10A562T` sul modulo.",
    ),
    Kind(
        name="IT_VAT",
        region="IT",
        tier="B",
        group="tax",
        severity="low",
        alone="A2,11",
        beside="11",
        check=lambda value: (
            value[:2] in {"IT", value[-11:][:2]} and europe.it_vat(value[-11:])
        ),
        odds=10,
        words=f"partita iva, p iva, piva, p i, iva, {VAT}, {TAX}",
        source="Agenzia delle Entrate: partita IVA; VIES",
        example="Partita IVA `00743110157` in fattura.",
        counter="Partita IVA `00743110158` in fattura.",
    ),
    Kind(
        name="NL_BSN",
        region="NL",
        tier="B",
        group="government",
        severity="high",
        beside="9 | 3 3 3 | 3.3.3 | 4.2.3 | 4 2 3",
        check=europe.bsn,
        odds=11,
        words=(
            "bsn, burgerservicenummer, burger service nummer, sofinummer, sofi nummer, "
            f"burgerservice, citizen service number, persoonsnummer, {NATIONAL}"
        ),
        source="RvIG: BSN, elfproef",
        example="Zijn BSN is `111222333` volgens de akte.",
        counter="Zijn BSN is `111222334` volgens de akte.",
    ),
    Kind(
        name="BE_NN",
        region="BE",
        tier="A",
        group="government",
        severity="high",
        alone="2.2.2-3.2 | 2.2.2-3-2 | 2-2-2-3-2 | 2/2/2-3.2",
        beside="11 | 2 2 2 3 2 | 6-3-2 | 2.2.2.3.2 | 6 3 2 | 6-3.2",
        check=europe.rijksregister,
        odds=150,
        words=(
            "rijksregisternummer, rijksregister, numéro national, numéro de registre national, "
            "registre national, nationaal nummer, insz, niss, rrn, nn, nrn, "
            f"belgian national number, {NATIONAL}"
        ),
        source="IBZ: numéro de registre national",
        example="Rijksregisternummer `85.07.30-033.28` staat erop.",
        counter="Rijksregisternummer `85.07.30-033.29` staat erop.",
    ),
    Kind(
        name="PL_PESEL",
        region="PL",
        tier="A",
        group="government",
        severity="high",
        alone="11",
        check=europe.pesel,
        odds=55,
        words=f"pesel, numer pesel, nr pesel, {NATIONAL}",
        source="Ministerstwo Cyfryzacji: PESEL",
        example="Jej PESEL to `44051401359` w aktach.",
        counter="Jej PESEL to `44051401358` w aktach.",
    ),
    Kind(
        name="PL_NIP",
        region="PL",
        tier="B",
        group="tax",
        alone="3-3-2-2 | 3-2-2-3 | A2,10",
        beside="10 | 3 3 2 2 | 3 2 2 3",
        check=lambda value: (
            value[:2] in {"PL", value[-10:][:2]} and europe.nip(value[-10:])
        ),
        odds=11,
        words=f"nip, numer nip, nr nip, numer identyfikacji podatkowej, {TAX}, {VAT}",
        source="Ministerstwo Finansów: NIP",
        example="NIP `123-456-32-18` na fakturze.",
        counter="NIP `123-456-32-19` na fakturze.",
    ),
    Kind(
        name="PL_REGON",
        region="PL",
        tier="B",
        group="tax",
        severity="low",
        beside="9 | 14 | 3 3 3 | 3-3-3",
        check=europe.regon,
        odds=11,
        words="regon, numer regon, nr regon",
        source="GUS: REGON",
        example="REGON `123456785` w rejestrze.",
        counter="REGON `123456786` w rejestrze.",
    ),
    Kind(
        name="PT_NIF",
        region="PT",
        tier="B",
        group="tax",
        severity="high",
        alone="A2,9",
        beside="9 | 3 3 3 | 3.3.3",
        check=lambda value: (
            value[:2] in {"PT", value[-9:][:2]} and europe.nif(value[-9:])
        ),
        odds=11,
        words=(
            "nif, contribuinte, número de contribuinte, nº contribuinte, nipc, "
            f"número de identificação fiscal, identificação fiscal, {TAX}, {VAT}"
        ),
        source="Autoridade Tributária: NIF",
        example="O contribuinte é `123456789` na fatura.",
        counter="O contribuinte é `123456780` na fatura.",
    ),
    Kind(
        name="SE_PERSONNUMMER",
        region="SE",
        tier="A",
        group="government",
        severity="high",
        alone="6-4 | 8-4 | 6+4",
        beside="10 | 12 | 8 4 | 6 4",
        check=europe.personnummer,
        odds=250,
        words=(
            "personnummer, person nr, pnr, personnr, samordningsnummer, swedish id, "
            f"persnr, personal identity number, {NATIONAL}"
        ),
        source="Skatteverket: SKV 704",
        example="Personnummer `811228-9874` i akten.",
        counter="Personnummer `811228-9875` i akten.",
    ),
    Kind(
        name="NO_FNR",
        region="NO",
        tier="A",
        group="government",
        severity="high",
        alone="11 | 6 5",
        check=europe.fnr,
        odds=3000,
        words=f"fødselsnummer, fodselsnummer, personnummer, fnr, f nr, d nummer, dnr, {NATIONAL}",
        source="Skatteetaten: fødselsnummer",
        example="Fødselsnummer `21016400952` i mappen.",
        counter="Fødselsnummer `21016400953` i mappen.",
    ),
    Kind(
        name="DK_CPR",
        region="DK",
        tier="A",
        group="government",
        severity="high",
        alone="6-4",
        beside="10 | 6 4",
        check=europe.cpr,
        odds=27,
        words=f"cpr, cpr nummer, cpr nr, personnummer, cprnr, danish id, {NATIONAL}",
        source="CPR-kontoret: Personnummeret i CPR",
        example="CPR-nummer `070761-4285` i sagen.",
        counter="CPR-nummer `071361-4285` i sagen.",
    ),
    Kind(
        name="FI_HETU",
        region="FI",
        tier="A",
        group="government",
        severity="high",
        alone="6-3,A1 | 6-4 | 6+3,A1 | 6+4 | 6,A1,3,A1 | 6,A1,4",
        check=europe.hetu,
        odds=800,
        words=(
            "henkilötunnus, hetu, sotu, henkilotunnus, personbeteckning, finnish id, "
            f"{NATIONAL}"
        ),
        source="DVV: personal identity code",
        example="Henkilötunnus `131052-308T` on oikein.",
        counter="Henkilötunnus `131052-308U` on oikein.",
    ),
    Kind(
        name="CH_AHV",
        region="CH",
        tier="A",
        group="government",
        severity="high",
        alone="3.4.4.2 | 13 | 3 4 4 2 | 3-4-4-2",
        check=europe.ahv,
        odds=10_000,
        words=(
            "ahv, ahv nummer, ahv nr, avs, numéro avs, n° avs, ahvn13, navs13, "
            "sozialversicherungsnummer"
        ),
        source="ZAS: AHVN13",
        example="AHV-Nummer `756.9217.0769.85` laut Ausweis.",
        counter="AHV-Nummer `756.9217.0769.84` laut Ausweis.",
    ),
    Kind(
        name="RO_CNP",
        region="RO",
        tier="A",
        group="government",
        severity="high",
        alone="13",
        beside="1 6 2 3 1 | 1 6 6 | 1 2 2 2 6 | 1 2 2 2 2 3 1",
        check=europe.cnp,
        odds=600,
        words=f"cnp, cod numeric personal, cod numeric, {NATIONAL}",
        source="Legea 105/1996: CNP",
        example="CNP-ul este `1630615123457` în act.",
        counter="CNP-ul este `1630615123458` în act.",
    ),
    Kind(
        name="CZ_RC",
        region="CZ",
        tier="A",
        group="government",
        severity="high",
        alone="6/4 | 6/3",
        beside="10 | 9 | 6 4",
        check=europe.rc,
        odds=80,
        words=f"rodné číslo, rodne cislo, rč, r č, rc, {NATIONAL}",
        source="Zákon 133/2000 Sb.: rodné číslo (Czechia and Slovakia)",
        example="Rodné číslo `710319/2745` ve spisu.",
        counter="Rodné číslo `710319/2746` ve spisu.",
    ),
    Kind(
        name="BG_EGN",
        region="BG",
        tier="A",
        group="government",
        severity="high",
        alone="10",
        check=europe.egn,
        odds=90,
        words=f"егн, единен граждански номер, egn, {NATIONAL}",
        source="ГРАО: ЕГН",
        example="ЕГН `7501010010` по документ.",
        counter="ЕГН `7501010011` по документ.",
    ),
    Kind(
        name="GR_AMKA",
        region="GR",
        tier="A",
        group="government",
        severity="high",
        alone="11",
        check=europe.amka,
        odds=270,
        words=f"αμκα, α μ κ α, amka, αριθμός μητρώου κοινωνικής ασφάλισης, {NATIONAL}",
        source="ΗΔΙΚΑ: ΑΜΚΑ",
        example="ΑΜΚΑ `01013099997` στο αρχείο.",
        counter="ΑΜΚΑ `01013099998` στο αρχείο.",
    ),
    Kind(
        name="TR_TCKN",
        region="TR",
        tier="B",
        group="government",
        severity="high",
        beside="11",
        check=europe.tckn,
        odds=110,
        words=(
            "tc kimlik, tc kimlik no, t c kimlik no, tckn, kimlik numarası, tc no, kimlik no, "
            f"vatandaşlık numarası, turkish id, {NATIONAL}"
        ),
        source="NVİ: T.C. kimlik numarası",
        example="TC kimlik no `10000000146` yazıyor.",
        counter="TC kimlik no `10000000147` yazıyor.",
    ),
    Kind(
        name="ZA_ID",
        region="ZA",
        tier="A",
        group="government",
        severity="high",
        alone="13",
        beside="6 4 3 | 6 4 2 1 | 6 4 1 2",
        check=europe.za_id,
        odds=900,
        words=f"south african id, sa id, rsa id, sa id number, south africa id, {NATIONAL}",
        source="Department of Home Affairs: identity number",
        example="South African ID `8001015009087` on file.",
        counter="South African ID `8001015009088` on file.",
    ),
    Kind(
        name="IL_ID",
        region="IL",
        tier="B",
        group="government",
        severity="high",
        beside="9 | 8-1 | 1-7-1",
        check=europe.il_id,
        odds=10,
        words=f'teudat zehut, תעודת זהות, מספר זהות, ת ז, ת"ז, israeli id, israel id, {NATIONAL}',
        source="Population and Immigration Authority: identity number",
        example="Teudat zehut `123456782` on file.",
        counter="Teudat zehut `123456783` on file.",
    ),
)
