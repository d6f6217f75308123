"""
What no country gives out: how people are reached, their devices, and what they are asked.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks.sums import is_repeated, luhn
from gateway_guardrails.pii.checks.vehicles import vin
from gateway_guardrails.pii.kind import Kind

__all__ = ["EVERYWHERE"]


def _imei(value: str) -> bool:
    return luhn(value) and not is_repeated(value) and value[:2] != "00"


EVERYWHERE: Final = (
    Kind(
        name="EMAIL",
        tier="A",
        group="contact",
        family="email",
        severity="medium",
        source="RFC 5321, RFC 5322, as addresses are written",
        example="Write to `jane.doe@mail.example.com` today.",
        counter="Write to `jane.doe@localhost` today.",
    ),
    Kind(
        name="PHONE",
        tier="A",
        group="contact",
        family="phone",
        severity="medium",
        words=(
            "phone, phones, telephone, tel, mobile, mob, cell, cellphone, cell phone, fax, call, "
            "call me, calling, called, dial, text me, sms, whatsapp, viber, "
            "contact number, contact no, phone number, phone no, reach me, reach, hotline, "
            "landline, helpline, home phone, work phone, office, direct line, callback, "
            "answering, "
            "telefon, telefonnummer, handy, handynummer, rufnummer, anrufen, mobil, mobilnummer, "
            "téléphone, tél, portable, numéro de téléphone, appelez, teléfono, tfno, móvil, "
            "celular, llámame, telefono, cellulare, chiamami, telefone, telemóvel, ligue, "
            "telefoon, mobiel, gsm, puhelin, puhelinnumero, puh, telefonnumer, numer telefonu, "
            "nr telefonu, komórka, telefoni, telefonní číslo, mobilní, telefonszám, tlf, tlfnr, "
            "τηλέφωνο, τηλ, κινητό, телефон, тел, мобильный, моб, điện thoại, số điện thoại, sđt, "
            "nomor telepon, no hp, no telp, 电话, 手机, 电话号码, 手机号, 联系方式, 電話, "
            "電話番号, 携帯, 連絡先, 전화, 전화번호, 휴대폰, 연락처, फोन, मोबाइल, هاتف, جوال, "
            "טלפון, โทร"
        ),
        source="ITU-T E.164; national notations beside a word",
        example="Call `+44 20 7946 0958` after six.",
        counter="Take `44 20 79` after six.",
    ),
    Kind(
        name="URL",
        tier="A",
        group="contact",
        family="url",
        severity="low",
        is_default=False,
        source="RFC 3986",
        example="See `https://example.com/people/jane` first.",
        counter="See example.com/people/jane `first`.",
    ),
    Kind(
        name="URL_WITH_CREDENTIALS",
        tier="A",
        group="credentials",
        family="url",
        severity="critical",
        odds=1000,
        source="RFC 3986, section 3.2.1",
        example="Clone `https://jane:pa55w0rd@git.example.com/repo` first.",
        counter="Clone `https://git.example.com/jane:repo` first.",
    ),
    Kind(
        name="IPV4",
        tier="A",
        group="network",
        family="ip",
        severity="low",
        words=(
            "ip, ipv4, ip address, client ip, source ip, remote ip, remote addr, address, host, "
            "server, server ip, from, adresse ip, dirección ip, indirizzo ip, ip adresse"
        ),
        source="RFC 791; special purpose addresses of RFC 6890",
        example="Login from `81.2.69.142` refused.",
        counter="Login from `127.0.0.1` refused.",
    ),
    Kind(
        name="IPV6",
        tier="A",
        group="network",
        family="ip",
        severity="low",
        source="RFC 4291, RFC 5952; special purpose addresses of RFC 6890",
        example="Login from `2a02:26f0:6d00:1b9::2add` refused.",
        counter="Login from `::1` refused.",
    ),
    Kind(
        name="MAC_ADDRESS",
        tier="A",
        group="network",
        family="mac",
        severity="low",
        source="IEEE 802: EUI-48",
        example="Its MAC is `3c:22:fb:9a:10:7e` now.",
        counter="Its MAC is `ff:ff:ff:ff:ff:ff` now.",
    ),
    Kind(
        name="IMEI",
        tier="B",
        group="network",
        beside="15 | 2-6-6-1 | 6-2-6-1 | 2 6 6 1 | 6 2 6 1",
        check=_imei,
        odds=10,
        words="imei, imei1, imei2, imei number, device id, handset, equipment identity, meid",
        source="3GPP TS 23.003, annex B",
        example="The IMEI is `490154203237518` of the phone.",
        counter="The IMEI is `490154203237519` of the phone.",
    ),
    Kind(
        name="VIN",
        tier="A",
        group="vehicle",
        alone="X17",
        check=vin,
        odds=11,
        words=(
            "vin, chassis, chassis number, chassis no, vehicle identification, "
            "vehicle identification number, fahrgestellnummer, fin, numéro de châssis, "
            "bastidor, número de chasis, numero di telaio, telaio, chassisnummer"
        ),
        source="ISO 3779; check digit of 49 CFR 565",
        example="The car `1M8GDM9AXKP042788` was sold.",
        counter="The car `1M8GDM9A1KP042788` was sold.",
    ),
    Kind(
        name="GPS",
        tier="C",
        group="location",
        family="coordinates",
        words=(
            "gps, gps coordinates, location, coordinates, coords, coordinate, lat, latitude, lon, "
            "lng, long, longitude, lat long, lat lng, latlng, latlon, lat lon, geo, geolocation, "
            "geo location, position, pin, whereabouts, spotted at, koordinaten, standort, "
            "coordonnées, coordenadas, ubicación, coordinate gps, posizione, localização, "
            "坐标, 位置"
        ),
        source="WGS 84, decimal degrees with four places or more",
        example="Location: `48.858370, 2.294481` that day.",
        counter="Location: `148.858370, 2.294481` that day.",
    ),
    Kind(
        name="DATE_OF_BIRTH",
        tier="C",
        group="person",
        family="date",
        beside=(
            "4-2-2 | 4/2/2 | 4.2.2 | 2~2~4 | 2/2/4 | 1/2/4 | 2/1/4 | 1/1/4 | 1.2.4 | 2.1.4"
            " | 1.1.4"
            " | 1-1-4 | 2-1-4 | 1-2-4 | 2/2/2 | 2~2~2 | 1/2/2 | 2/1/2 | 1/1/2 | 8 | 6"
            " | 4~1~1 | 4-1-2 | 4-2-1"
        ),
        words=(
            "dob, date of birth, birth date, birthdate, birthday, born, born on, "
            "bday, year of birth, "
            "geburtsdatum, geboren, geb, geburtstag, date de naissance, né le, née le, "
            "naissance, né e le, "
            "fecha de nacimiento, f nacimiento, fecha nac, nacimiento, nacido, nacida, nació, "
            "data di nascita, "
            "nato il, nata il, nascita, data nascita, data de nascimento, data nasc, nascimento, "
            "nascido, nascida, d o b, date of b, geb dat, geb am, geb datum, "
            "geboortedatum, födelsedatum, född, fødselsdato, fødselsdag, født, syntymäaika, "
            "syntynyt, data urodzenia, urodzony, urodzona, datum narození, narozen, "
            "narozena, dátum narodenia, születési dátum, született, data nașterii, doğum tarihi, "
            "datum rođenja, rođen, datum rojstva, sünniaeg, sünnikuupäev, gimimo data, "
            "dzimšanas datums, дата рождения, д р, родился, родилась, дата народження, "
            "дата на раждане, ημερομηνία γέννησης, ngày sinh, tanggal lahir, tgl lahir, "
            "生日, 出生日期, 出生年月, 生年月日, 생년월일, जन्म तिथि, "
            "تاريخ الميلاد, תאריך לידה"
        ),
        is_short=True,
        source="ISO 8601 and the notations in use",
        example="Her date of birth is `14 March 1987` as stated.",
        counter="Her date of arrival is `14 March 1987` as stated.",
    ),
    Kind(
        name="AGE",
        tier="C",
        group="person",
        family="said",
        is_short=True,
        severity="low",
        is_default=False,
        words="age, aged, years old, year old, yrs old, y o, yo, years of age, alter, edad",
        source="a number with years, or a word for age",
        example="The patient is `47 years old` and well.",
        counter="The patient has 47 `years` to go.",
    ),
    Kind(
        name="MRN",
        tier="C",
        group="health",
        severity="high",
        beside=(
            "5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | A1,6 | A1,7 | A2,6 | A2,7 | A2,8 | A3,6"
            " | A3,7 | 3-3-3"
            " | 2-2-2 | 3-4 | A3-6 | A3-7 | A3-8 | A1-6 | A1-7 | A2-6 | A2-8 | 3-2-4 | 2-3-3"
        ),
        words=(
            "mrn, medical record, medical record number, medical record no, med rec, "
            "chart number, "
            "patient record, patient id, patient number, patient no, patient identifier, "
            "hospital number, hospital id, record number, patientennummer, "
            "numéro de dossier, dossier médical, historia clínica, nhc, cartella clinica, "
            "prontuário, case number, encounter id, patientid, journalnummer"
        ),
        is_short=True,
        source="HIPAA, 45 CFR 164.514(b)(2)(i)(H)",
        example="Her MRN is `48213077` here.",
        counter="Her bed is `48213077` here.",
    ),
    Kind(
        name="HEALTH_PLAN",
        tier="C",
        group="health",
        severity="high",
        beside=(
            "8 | 9 | 10 | 11 | 12 | A1,8 | A1,9 | A3,8 | A3,9 | A3,10 | A3,12 | A1,10"
            " | A2,9 | X9 | X10"
            " | A3,6,A2 | 9-2 | A1,8-2 | A3-9 | A3-8 | A2,8 | A2,7"
        ),
        words=(
            "health plan, member id, member number, health insurance, insurance id, "
            "insurance number, "
            "insurance member, policy number, policy no, beneficiary number, subscriber id, "
            "subscriber number, health group number, "
            "krankenversichertennummer, versichertennummer, mutuelle, póliza, "
            "policy id, medicaid, medicaid id"
        ),
        is_short=True,
        source="HIPAA, 45 CFR 164.514(b)(2)(i)(I)",
        example="Her member ID is `XEA904411827` with the plan.",
        counter="Her building is `XEA904411827` in the plan.",
    ),
    Kind(
        name="CLAIM",
        tier="C",
        group="health",
        beside=(
            "8 | 9 | 10 | 11 | 12 | 13 | A1,8 | A2,8 | A3,8 | A3-8 | A3-7 | 4-6 | A2-8"
            " | A3,9 | 4-8"
        ),
        words=(
            "claim number, claim no, claim id, insurance claim, claim, schadennummer, "
            "siniestro"
        ),
        is_short=True,
        source="X12 837: claim identifiers",
        example="The claim number is `20931187744` in their letter.",
        counter="The grains of sand are `20931187744` in number.",
    ),
    Kind(
        name="RX",
        tier="C",
        group="health",
        beside="6 | 7 | 8 | 7-5 | 7-2 | A1,6 | A1,7 | 9 | 10 | 11 | 12",
        words=(
            "rx, rx number, rx no, prescription, prescription number, prescription no, "
            "rezeptnummer"
        ),
        is_short=True,
        source="NCPDP: prescription reference number",
        example="Refill Rx `7731204` at the pharmacy.",
        counter="Refill bottle `7731204` at the pharmacy.",
    ),
    Kind(
        name="ICD10",
        tier="C",
        group="health",
        beside="A1,2 | A1,1,A1 | A1,2.X1 | A1,2.X2 | A1,2.X3 | A1,2.X4 | A1,1,A1.X1 | A1,1,A1.X2",
        words=(
            "icd, icd10, icd 10, icd10 code, icd code, icd 10 code, icd 10 cm, icd10cm, "
            "diagnosis, "
            "diagnosis code, dx, dx code, diagnoses, diagnostic code, "
            "primary diagnosis, "
            "diagnóstico, diagnosi, code cim, cim 10, cie 10, cie10, "
            "icd code"
        ),
        is_short=True,
        source="WHO ICD-10; CDC ICD-10-CM",
        example="Diagnosis code `E11.9` was billed.",
        counter="Section `E11.9` was printed.",
    ),
    Kind(
        name="NDC",
        tier="C",
        group="health",
        severity="low",
        beside="4-4-2 | 5-3-2 | 5-4-1 | 5-4-2 | 11 | 10",
        words="ndc, national drug code, drug code, ndc number, ndc code",
        source="FDA, 21 CFR 207.33",
        example="NDC `0777-3105-02` was given.",
        counter="Lot `0777-3105-02` was given.",
    ),
    Kind(
        name="USERNAME",
        tier="C",
        group="credentials",
        family="said",
        is_short=True,
        is_default=False,
        words=(
            "username, user name, login, user id, userid, benutzername, "
            "nom d'utilisateur, usuario"
        ),
        source="a word for it, and a value behind a sign",
        example='"username": "`jdoe1987`", "role": "clerk"',
        counter='"username": "${USER}", "role": "`clerk`"',
    ),
    Kind(
        name="PASSWORD",
        tier="C",
        group="credentials",
        family="said",
        is_short=True,
        severity="critical",
        odds=100,
        words=(
            "password, passwd, pwd, pass, passphrase, pass word, kennwort, passwort, "
            "mot de passe, contraseña, clave, senha, wachtwoord, lösenord, hasło, salasana, "
            "adgangskode, passord, пароль, 密码, パスワード, 비밀번호, parola"
        ),
        source="a word for it, and a value behind a sign that is no placeholder",
        example="password: `Tr0ub4dor&3` for the wiki",
        counter="password: `<your password>` for the wiki",
    ),
    Kind(
        name="PERSON",
        tier="N",
        group="person",
        family="person",
        is_default=False,
        words=(
            "my name is, name is, name, full name, patient name, customer name, patient, "
            "first name, last name, surname, signed, sincerely, regards, "
            "ich heiße, je m'appelle, me llamo, mi chiamo, meu nome é, mijn naam is"
        ),
        source="words before a name; a part of all names",
        example="Hello, my name is `Jane Doe` from accounts.",
        counter="Hello, my name is on the `list`.",
    ),
    Kind(
        name="STREET_ADDRESS",
        tier="N",
        group="location",
        family="address",
        is_default=False,
        words="address, ship to, street, lives at, adresse, dirección, indirizzo, endereço",
        source="USPS Publication 28, appendix C (suffixes) and street words of other languages",
        example="Ship it to `742 Evergreen Terrace, Springfield, IL 62704` please.",
        counter="Ship it to `742 evergreen` trees please.",
    ),
)
