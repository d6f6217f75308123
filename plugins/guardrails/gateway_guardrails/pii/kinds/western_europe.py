"""
Documents of Spain, France and Italy, numbers of Iceland, and of companies across the Union.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import western_europe as western
from gateway_guardrails.pii.checks.finance import not_trivial
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds.words import NATIONAL, VAT

__all__ = ["WESTERN_EUROPE"]

WESTERN_EUROPE: Final = (
    Kind(
        name="ES_SOCIAL_SECURITY",
        region="ES",
        tier="B",
        group="government",
        severity="high",
        beside="12 | 2/8/2 | 2 8 2 | 2-8-2 | 2/10 | 2 10 | 2-10",
        check=western.nss,
        odds=97,
        words=(
            "seguridad social, número de la seguridad social, nss, nuss, naf, "
            "número de afiliación, afiliación a la seguridad social, nº seguridad social"
        ),
        source="Tesorería General de la Seguridad Social: NUSS",
        example="Seguridad Social `28/12345678/40` en la ficha.",
        counter="Seguridad Social `28/12345678/41` en la ficha.",
    ),
    Kind(
        name="FR_ID_CARD",
        region="FR",
        tier="C",
        group="government",
        severity="high",
        beside="12 | 4 4 4",
        check=not_trivial,
        words=(
            "carte d'identité, carte nationale d'identité, cni, n° cni, pièce d'identité, "
            f"french id, {NATIONAL}"
        ),
        source="Arrêté du 30 novembre 1999: carte nationale d'identité",
        example="Carte d'identité `880692310285` jointe.",
        counter="Carte de visite `880692310285` jointe.",
    ),
    Kind(
        name="IT_ID_CARD",
        region="IT",
        tier="C",
        group="government",
        severity="high",
        beside="A2,5,A2 | A2,7 | A2 7",
        check=not_trivial,
        words=(
            "carta d'identità, carta di identità, carta identità elettronica, cie, "
            f"documento d'identità, documento n, italian id, {NATIONAL}"
        ),
        source="Ministero dell'Interno: carta d'identità elettronica",
        example="Carta d'identità `CA00000AA` in allegato.",
        counter="Carta da visita `CA00000AA` in allegato.",
    ),
    Kind(
        name="IS_KENNITALA",
        region="IS",
        tier="A",
        group="government",
        severity="high",
        alone="6-4",
        beside="10 | 6 4",
        check=western.kennitala,
        odds=120,
        words=f"kennitala, kennitölu, kt, icelandic id, {NATIONAL}",
        source="Þjóðskrá: kennitala",
        example="Kennitala `120174-3399` í skránni.",
        counter="Kennitala `320174-3399` í skránni.",
    ),
    Kind(
        name="EU_VAT",
        tier="A",
        group="tax",
        severity="low",
        alone=(
            "A3,8 | A2,10 | A2,11 | A2,12 | A2,9,A1,2 | A2 4.3.3 | A2 2 9 | A2 2 3 3 3"
        ),
        beside="A2,8 | A2,9 | A2 8 | A2 9 | A2 10 | A2 11 | A2 A1,8 | A2,7,A1 | 4.3.3 | A2,7,A2",
        check=western.eu_vat,
        odds=250,
        words=(
            "tva, tva intracommunautaire, tva intracom, btw, btw nummer, btw nr, btw id, uid, "
            "uid nummer, uid nr, ust idnr, ust id, moms, momsnummer, moms nr, cvr, alv, áfa, "
            "ondernemingsnummer, numéro d'entreprise, pdv, ddv, φπα, km nr, kmkr, dph, "
            f"ič dph, {VAT}"
        ),
        source="VIES: the states of the Union but those with a type of their own",
        example="La TVA `FR40303265045` sur la facture.",
        counter="La TVA `FR41303265045` sur la facture.",
    ),
)
