"""
Cards, accounts and wallets.
"""

from __future__ import annotations

from typing import Final

from gateway_guardrails.pii.checks import finance
from gateway_guardrails.pii.kind import Kind

__all__ = ["FINANCE"]

FINANCE: Final = (
    Kind(
        name="CREDIT_CARD",
        tier="A",
        group="finance",
        severity="high",
        alone=(
            "4~4~4~4 | 4~6~5 | 4~6~4 | 4~4~5 | 4~4~4~4~3 | 4~4~4~1 | 6~6~4 | 6~4~5 | 8~8 | 4~12"
            " | 13 | 14 | 15 | 16 | 17 | 18 | 19"
        ),
        check=finance.card,
        odds=25,
        words=(
            "card, credit card, debit card, payment card, card number, card no, cc, ccn, pan, "
            "cc number, bank card, visa, mastercard, amex, american express, discover, "
            "charge card, card on file, cardholder, carte, carte bancaire, carte bleue, "
            "numéro de carte, kreditkarte, kartennummer, tarjeta, tarjeta de crédito, "
            "carta di credito, cartão, cartão de crédito, creditcard, kreditkort, karta, "
            "номер карты, 信用卡, 银行卡, 卡号, カード番号, 카드번호"
        ),
        source="ISO/IEC 7812-1; issuer ranges of the brands",
        example="Charge it to `4111 1111 1111 1111` please.",
        counter="Charge it to `4111 1111 1111 1112` please.",
    ),
    Kind(
        name="CARD_TRACK",
        tier="A",
        group="finance",
        family="track",
        severity="critical",
        check=finance.card,
        odds=1000,
        source="ISO/IEC 7813 (tracks 1 and 2)",
        example="swiped `%B4111111111111111^DOE/JANE^30122010000000000000?` today",
        counter="swiped `%B4111111111111112^DOE/JANE^30122010000000000000?` today",
    ),
    Kind(
        name="CVV",
        tier="C",
        group="finance",
        severity="high",
        beside="3 | 4",
        words=(
            "cvv, cvv2, cvc, cvc2, cid, csc, cv2, cvn, card security code, security code, "
            "card verification, verification value, code de sécurité, cryptogramme, "
            "prüfziffer, kartenprüfnummer, sicherheitscode, código de seguridad, "
            "codice di sicurezza, código de segurança, beveiligingscode"
        ),
        is_short=True,
        source="PCI DSS glossary: card verification code",
        example="The CVV is `123`, thanks.",
        counter="The room is `123`, thanks.",
    ),
    Kind(
        name="CARD_EXPIRY",
        tier="C",
        group="finance",
        beside="2/2 | 2-2 | 2/4 | 2-4 | 2 / 2 | 2 2 | 4",
        check=finance.card_expiry,
        odds=8,
        words=(
            "expiry, expiry date, exp, exp date, expires, expiration, expiration date, "
            "expires on, "
            "valid thru, valid through, valid until, valid to, good thru, card expiry, "
            "expiring, card exp, gültig bis, ablaufdatum, date d'expiration, expire fin, "
            "expire le, validité, fecha de vencimiento, vencimiento, caducidad, caduca, "
            "fecha de caducidad, scadenza, data di scadenza, validade, vervaldatum, "
            "utgångsdatum, ważna do, срок действия, 有效期, 有効期限"
        ),
        is_short=True,
        source="ISO/IEC 7813: month and year",
        example="Visa, valid thru `09/29`, in my name.",
        counter="Visa, valid thru `19/29`, in my name.",
    ),
    Kind(
        name="PIN",
        tier="C",
        group="finance",
        severity="high",
        beside="4 | 5 | 6",
        words=(
            "pin, pin code, pin number, pin no, card pin, atm pin, passcode, access code, "
            "unlock code, geheimzahl, code pin, código pin, pincode, pinkode, pinkod, "
            "пин код, пинкод"
        ),
        is_short=True,
        source="ISO 9564-1: four to twelve digits, in use four to six",
        example="My card's PIN is `4821`, tell nobody.",
        counter="My card's pen is `4821`, tell nobody.",
    ),
    Kind(
        name="IBAN",
        tier="A",
        group="finance",
        family="account",
        severity="high",
        check=finance.iban,
        odds=5000,
        words=(
            "iban, bank account, account, account number, konto, kontonummer, compte, "
            "cuenta, conto"
        ),
        source="ISO 13616; SWIFT IBAN registry",
        example="Send it to `DE89 3704 0044 0532 0130 00` today.",
        counter="Send it to `DE88 3704 0044 0532 0130 00` today.",
    ),
    Kind(
        name="SWIFT_BIC",
        tier="C",
        group="finance",
        beside="A8 | A6,X2 | A6,X2,X3",
        check=finance.bic,
        odds=3,
        words=(
            "swift, bic, swift code, bic code, swift bic, bank identifier, "
            "bank identifier code, bank code, bankleitzahl, code swift, código swift, "
            "codice swift, codice bic"
        ),
        is_short=True,
        source="ISO 9362; countries of ISO 3166-1",
        example="The BIC is `DEUTDEFF500` there.",
        counter="The BIC is `DEUTQQFF500` there.",
    ),
    Kind(
        name="BTC_ADDRESS",
        tier="A",
        group="finance",
        family="wallet",
        severity="high",
        odds=100_000,
        words="bitcoin, btc, wallet",
        source="BIP 13, BIP 173, BIP 350",
        example="Send BTC to `1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa` now.",
        counter="Send BTC to `1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb` now.",
    ),
    Kind(
        name="ETH_ADDRESS",
        tier="A",
        group="finance",
        family="wallet",
        severity="high",
        odds=1000,
        words="ethereum, eth, wallet",
        source="EIP-55 (capitals are a checksum, which is not asked for)",
        example="Send ETH to `0x52908400098527886E0F7030069857D2E4169EE7` now.",
        counter="Send ETH to `0x52908400098527886E0F7030069857D2E4169E` now.",
    ),
    Kind(
        name="CRYPTO_ADDRESS",
        tier="A",
        group="finance",
        family="wallet",
        severity="high",
        odds=1000,
        words="litecoin, ltc, dogecoin, doge, cardano, ada, tron, trx, wallet",
        source="Litecoin, Dogecoin, Dash, Tron (Base58Check); Cardano (CIP-19)",
        example="My LTC wallet is `LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9` here.",
        counter="My LTC wallet is `LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH8` here.",
    ),
)
