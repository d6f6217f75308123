"""
Check digits, on numbers that authorities and standards publish as examples.
"""

from __future__ import annotations

import pytest

from gateway_guardrails.pii.checks import americas, asia_pacific, europe, finance, sums

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
]


@pytest.mark.parametrize(
    ("check", "value"), PUBLISHED, ids=[check.__name__ for check, _ in PUBLISHED]
)
def test_a_published_number_passes_and_its_neighbour_does_not(check, value):
    """
    One digit changed, and it is none any more.
    """
    at = next(at for at in range(len(value) - 1, -1, -1) if value[at].isdigit())
    neighbour = value[:at] + str((int(value[at]) + 1) % 10) + value[at + 1 :]

    assert check(value)
    assert not check(neighbour)
