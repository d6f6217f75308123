"""
Check digits, on numbers that authorities and standards publish as examples.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.pii.checks import (
    americas,
    asia_pacific,
    central_europe,
    eastern_europe,
    europe,
    finance,
    sums,
    western_europe,
)

PUBLISHED = [
    (sums.luhn, "79927398713"),
    (sums.verhoeff, "2363"),
    (sums.mod_11_10, "794623"),
    (sums.mod_11_2, "000000012146438X"),
    (sums.ean, "4006381333931"),
    (finance.iban, "GB82WEST12345698765432"),
    (finance.aba, "021000021"),
    (finance.base58, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    (finance.bech32, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    (americas.npi, "1234567893"),
    (americas.cpf, "52998224725"),
    (americas.cnpj, "12ABC34501DE35"),
    (americas.curp, "BOXW310820HNERXN09"),
    (americas.rut, "123456785"),
    (europe.nhs, "9434765919"),
    (europe.dni, "12345678Z"),
    (europe.nir, "255081416802538"),
    (europe.de_tax_id, "86095742719"),
    (europe.codice_fiscale, "RSSMRA85T10A562S"),
    (europe.rijksregister, "85073003328"),
    (europe.pesel, "44051401359"),
    (europe.hetu, "131052308T"),
    (europe.ahv, "7569217076985"),
    (europe.tckn, "10000000146"),
    (europe.za_id, "8001015009087"),
    (asia_pacific.tfn, "123456782"),
    (asia_pacific.abn, "51824753556"),
    (asia_pacific.acn, "004085616"),
    (asia_pacific.medicare, "212345670"),
    (asia_pacific.ird, "49091850"),
    (asia_pacific.nhi, "ZZZ00AX"),
    (asia_pacific.gstin, "27AAPFU0939F1ZV"),
    (asia_pacific.resident, "11010519491231002X"),
    (asia_pacific.tw_id, "A123456789"),
    (asia_pacific.hk_id, "A1234563"),
    (asia_pacific.jp_number, "123456789018"),
    (asia_pacific.kr_company, "1168200276"),
    (americas.clabe, "032180000118359719"),
    (americas.ec_ci, "1714307103"),
    (americas.pe_ruc, "20512333797"),
    (americas.pis, "12056412847"),
    (central_europe.at_svnr, "1237010180"),
    (central_europe.emso, "0101006500006"),
    (central_europe.kvnr, "A123456780"),
    (central_europe.oib, "33392005961"),
    (central_europe.pl_card, "ABA300000"),
    (central_europe.swiss_company, "CHE100155212"),
    (central_europe.taj, "123456788"),
    (eastern_europe.afm, "094259216"),
    (eastern_europe.inn, "7707083893"),
    (eastern_europe.inn, "123456789047"),
    (eastern_europe.isikukood, "36805280109"),
    (eastern_europe.isikukood, "33309240064"),
    (eastern_europe.personas_kods, "16117519997"),
    (eastern_europe.rntrc, "1759013776"),
    (eastern_europe.snils, "11223344595"),
    (western_europe.nss, "281234567840"),
    *(
        (western_europe.eu_vat, number)
        for number in (
            *("ATU13585627", "BE0428759497", "DK13585628", "EE100594102"),
            *("EL094259216", "FI20774740", "FR40303265045", "HR33392005961"),
            *("HU12892312", "LU15027442", "MT11679112", "SI50223054"),
            "SK2022749619",
        )
    ),
]


@pytest.mark.parametrize(
    ("check", "value"),
    PUBLISHED,
    ids=[f"{check.__name__} {value}" for check, value in PUBLISHED],
)
def test_a_published_number_passes_and_its_neighbour_does_not(check, value):
    """
    One digit changed, and it is none any more.
    """
    at = next(at for at in range(len(value) - 1, -1, -1) if value[at].isdigit())
    neighbour = value[:at] + str((int(value[at]) + 1) % 10) + value[at + 1 :]

    assert check(value)
    assert not check(neighbour)
