"""
Numbers of Canada and Latin America.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import americas
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.checks.sums import luhn
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import HEALTH, NATIONAL, TAX

__all__ = ["AMERICAS"]


def _ca_postal(value: str) -> bool:
    return not any(one in "DFIOQU" for one in value[::2]) and value[0] not in "WZ"


AMERICAS: Final = (
    Kind(
        name="CA_SIN",
        region="CA",
        tier="B",
        group="government",
        severity="high",
        alone="3-3-3",
        beside="9 | 3 3 3 | 3.3.3",
        check=americas.sin,
        odds=12,
        words=(
            "sin, sin number, social insurance, social insurance number, nas, "
            f"assurance sociale, numéro d'assurance sociale, {NATIONAL}"
        ),
        source="Service Canada: Social Insurance Number",
        example="The SIN is `130 692 544` in the file.",
        counter="The SIN is `130 692 545` in the file.",
    ),
    Kind(
        name="CA_BN",
        region="CA",
        tier="B",
        group="tax",
        alone="9,A2,4 | 9 A2 4 | 9 A2,4",
        beside="9",
        check=lambda value: luhn(value[:9]),
        odds=10,
        words=(
            "business number, bn, bn number, cra business, gst number, hst number, gst hst, "
            "numéro d'entreprise, cra account"
        ),
        source="CRA: Business Number",
        example="The business number is `123456782RT0001` at the CRA.",
        counter="The business number is `123456783RT0001` at the CRA.",
    ),
    Kind(
        name="CA_HEALTH",
        region="CA",
        tier="B",
        group="health",
        severity="high",
        beside="10 | 4~3~3 | 10,A2 | 4~3~3~A2 | 10~A2 | 4~3~3,A2",
        check=lambda value: luhn(value[:10]),
        odds=10,
        words=(
            "ohip, ohip number, hcn, health card number, phn, personal health number, "
            f"carte santé, carte soleil, ontario health, {HEALTH}"
        ),
        source="Ontario Ministry of Health: health number check digit",
        example="The health card is `9876 543 217 AB` of Ontario.",
        counter="The health card is `9876 543 218 AB` of Ontario.",
    ),
    Kind(
        name="CA_POSTAL",
        region="CA",
        tier="C",
        group="location",
        severity="low",
        beside="A1,1,A1 1,A1,1 | A1,1,A1,1,A1,1 | A1,1,A1-1,A1,1",
        check=_ca_postal,
        odds=4,
        words="postal code, postal, postcode, code postal, canada, mailing address, address, zip",
        source="Canada Post Addressing Guidelines",
        example="The postal code is `K1A 0B1` in Ottawa.",
        counter="The postal code is `K1D 0O1` in Ottawa.",
    ),
    Kind(
        name="BR_CPF",
        region="BR",
        tier="A",
        group="government",
        severity="high",
        alone="3.3.3-2",
        beside="11 | 9-2 | 3 3 3 2 | 3-3-3-2 | 3.3.3.2",
        check=americas.cpf,
        odds=100,
        words=(
            f"cpf, cpf mf, cadastro de pessoas físicas, cadastro, contribuinte, {TAX}, "
            f"{NATIONAL}"
        ),
        source="Receita Federal: CPF",
        example="O CPF é `529.982.247-25` na ficha.",
        counter="O CPF é `529.982.247-26` na ficha.",
    ),
    Kind(
        name="BR_CNPJ",
        region="BR",
        tier="A",
        group="tax",
        alone="2.3.3/4-2",
        beside="14 | 8/4-2 | 2 3 3 4 2 | X2.3.3/4-2 | X2.X3.3/4-2 | X14",
        check=americas.cnpj,
        odds=100,
        words=f"cnpj, cadastro nacional, empresa, company number, {TAX}",
        source="Receita Federal: CNPJ; Instrução Normativa 2.229/2024 (letters)",
        example="O CNPJ é `11.222.333/0001-81` na nota.",
        counter="O CNPJ é `11.222.333/0001-82` na nota.",
    ),
    Kind(
        name="MX_CURP",
        region="MX",
        tier="A",
        group="government",
        severity="high",
        alone="A4,6,A6,X1,1",
        check=americas.curp,
        odds=10_000,
        words=f"curp, clave única, registro de población, {NATIONAL}",
        source="RENAPO: Instructivo normativo para la asignación de la CURP",
        example="Su CURP es `BOXW310820HNERXN09` desde hoy.",
        counter="Su CURP es `BOXW310820HNERXN08` desde hoy.",
    ),
    Kind(
        name="MX_RFC",
        region="MX",
        tier="A",
        group="tax",
        alone="A3,6,X3 | A4,6,X3 | A3-6-X3 | A4-6-X3",
        check=americas.rfc,
        odds=30,
        words=f"rfc, registro federal, registro federal de contribuyentes, {TAX}",
        source="SAT: Registro Federal de Contribuyentes",
        example="Factura al RFC `GODE561231GR8` por favor.",
        counter="Factura al RFC `GODE569931GR8` por favor.",
    ),
    Kind(
        name="AR_CUIT",
        region="AR",
        tier="A",
        group="tax",
        alone="2-8-1",
        beside="11 | 2 8 1 | 2.8.1",
        check=americas.cuit,
        odds=120,
        words=f"cuit, cuil, cuit cuil, clave única, {TAX}, {NATIONAL}",
        source="AFIP: CUIT",
        example="El CUIT es `20-12345678-6` del taller.",
        counter="El CUIT es `20-12345678-7` del taller.",
    ),
    Kind(
        name="CL_RUT",
        region="CL",
        tier="A",
        group="government",
        severity="high",
        alone="1.3.3-X1 | 2.3.3-X1",
        beside="8-X1 | 7-X1 | 8,X1 | 7,X1 | 2 3 3 X1 | 1 3 3 X1",
        check=americas.rut,
        odds=11,
        words=f"rut, run, rol único, rol único tributario, cédula, {TAX}, {NATIONAL}",
        source="SII: Rol Único Tributario",
        example="Su RUT es `12.345.678-5` en Chile.",
        counter="Su RUT es `12.345.678-6` en Chile.",
    ),
    Kind(
        name="CO_NIT",
        region="CO",
        tier="A",
        group="tax",
        alone="3.3.3-1",
        beside="9-1 | 10 | 9 | 8-1 | 3 3 3 1 | 2.3.3-1",
        check=americas.nit,
        odds=11,
        words=f"nit, número de identificación tributaria, dian, {TAX}",
        source="DIAN: NIT check digit",
        example="El NIT es `213.123.432-1` de la empresa.",
        counter="El NIT es `213.123.432-2` de la empresa.",
    ),
    Kind(
        name="BR_RG",
        region="BR",
        tier="C",
        group="government",
        severity="high",
        beside="2.3.3-X1 | 2.3.3.X1 | 9 | 8,X1 | 8-X1 | 1.3.3-X1",
        check=not_trivial,
        words=(
            "rg, rg n, registro geral, carteira de identidade, cédula de identidade, "
            "identidade, documento de identidade"
        ),
        source="Lei 7.116/1983: carteira de identidade",
        example="O RG `40.214.069-2` está na ficha.",
        counter="A nota `40.214.069-2` está na ficha.",
    ),
    Kind(
        name="BR_PIS",
        region="BR",
        tier="A",
        group="government",
        severity="high",
        alone="3.5.2-1",
        beside="11 | 3.5.2.1 | 3 5 2 1",
        check=americas.pis,
        odds=11,
        words="pis, pasep, pis pasep, nis, nit, número do pis, pis nis",
        source="Caixa Econômica Federal: PIS/PASEP",
        example="O PIS `120.56412.84-7` está na carteira.",
        counter="O PIS `120.56412.84-8` está na carteira.",
    ),
    Kind(
        name="MX_CLABE",
        region="MX",
        tier="B",
        group="finance",
        severity="high",
        beside="18 | 3 3 11 1",
        check=americas.clabe,
        odds=10,
        words="clabe, clabe interbancaria, cuenta clabe, cuenta, número de cuenta",
        source="Banco de México: CLABE",
        example="La CLABE `032180000118359719` de la cuenta.",
        counter="La CLABE `032180000118359718` de la cuenta.",
    ),
    Kind(
        name="EC_CEDULA",
        region="EC",
        tier="B",
        group="government",
        severity="high",
        beside="10 | 9-1",
        check=americas.ec_ci,
        odds=60,
        words=f"cédula, cédula de identidad, ci, c i, número de cédula, {NATIONAL}",
        source="Registro Civil del Ecuador: cédula",
        example="Su cédula `171430710-3` en la ficha.",
        counter="Su célula `171430710-3` en la ficha.",
    ),
    Kind(
        name="CO_CEDULA",
        region="CO",
        tier="C",
        group="government",
        severity="high",
        beside="1.3.3.3 | 2.3.3 | 10 | 8 | 7",
        check=americas.co_cedula,
        odds=2,
        words=(
            "cédula, cédula de ciudadanía, número de cédula, c c, cc, colombian id, "
            f"{NATIONAL}"
        ),
        source="Registraduría Nacional: cédula de ciudadanía",
        example="Su cédula de ciudadanía `1.066.187.593` en la ficha.",
        counter="Su célula de ciudad `1.066.187.593` en la ficha.",
    ),
    Kind(
        name="PE_RUC",
        region="PE",
        tier="B",
        group="tax",
        beside="11",
        check=americas.pe_ruc,
        odds=200,
        words=f"ruc, ruc n, número de ruc, n de ruc, {TAX}",
        source="SUNAT: RUC",
        example="Su RUC `20512333797` en la factura.",
        counter="Su RUC `20512333798` en la factura.",
    ),
    Kind(
        name="UY_CEDULA",
        region="UY",
        tier="B",
        group="government",
        severity="high",
        beside="1.3.3-1 | 8 | 7-1 | 1 3 3 1",
        check=americas.uy_ci,
        odds=10,
        words=f"cédula, cédula de identidad, ci, c i, número de cédula, {NATIONAL}",
        source="DNIC Uruguay: cédula de identidad",
        example="Su cédula `1.234.567-2` en la ficha.",
        counter="Su célula `1.234.567-2` en la ficha.",
    ),
)
