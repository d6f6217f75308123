"""
Detectors of credentials, and credentials made at run time: a file with them would look leaked.
"""

from __future__ import annotations

import hashlib
import random
import re
import string

import pytest

from gateway.detecting import Place
from gateway_guardrails.secrets.checksums import base62_crc32
from gateway_guardrails.secrets.detector import SecretsDetector
from gateway_guardrails.secrets.rules import compiled_rules

PLACE = Place(stage="input", role="user")
_HEX = "0123456789abcdef"
_CLASSES = {
    "an": string.ascii_letters + string.digits,
    "lan": string.ascii_lowercase + string.digits,
    "AN": string.ascii_uppercase + string.digits,
    "al": string.ascii_letters,
    "hex": _HEX,
    "HEX": _HEX.upper(),
    "d": string.digits,
    "url": string.ascii_letters + string.digits + "-_",
    "b64x": string.ascii_letters + string.digits + "+/",
    "b32x": string.ascii_uppercase + "234567",
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#: What stands before and behind the key of a wallet.
_WALLETS = {"wif": (b"\x80", b"\x01"), "xprv": (bytes.fromhex("0488ade4"), b"")}
_PART = re.compile(r"\{([A-Za-z0-9]*?[A-Za-z]|b64x|b32x)([0-9]+)\}")


def made(shape: str, seed: int = 7) -> str:
    """
    Make a credential of *shape*: ``ghp_{an36}`` is a prefix and 36 letters or digits.
    """
    chance = random.Random(f"{seed}{shape}")

    def draw(part: re.Match[str]) -> str:
        name, count = part.group(1), int(part.group(2))
        if name in _WALLETS:
            before, after = _WALLETS[name]
            return in_base58(before + chance.randbytes(count) + after)
        if name == "crc":
            body = _drawn("an", count, chance)
            return body + base62_crc32(body)
        return _drawn(name, count, chance)

    return _PART.sub(draw, shape)


def in_base58(raw: bytes) -> str:
    """
    Write *raw* and its check as wallets do.
    """
    check = hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, digits = int.from_bytes(raw + check, "big"), ""
    while number:
        number, digit = divmod(number, len(_BASE58))
        digits = _BASE58[digit] + digits
    return digits


def _drawn(name: str, count: int, chance: random.Random) -> str:
    # Letters and digits at both ends, whatever may stand between.
    letters = _CLASSES[name]
    ends = [one for one in letters if one.isalnum()]
    inner = "".join(chance.choice(letters) for _ in range(max(0, count - 2)))
    return (chance.choice(ends) + inner + chance.choice(ends))[:count]


def found_in(detector: SecretsDetector, text: str) -> list[tuple[str, str]]:
    """
    Return type and value of what is found.
    """
    finds, _ = detector.find(text, 0, final=True, place=PLACE)
    return [(find.type, text[find.start : find.end]) for find in finds]


@pytest.fixture
def detector() -> SecretsDetector:
    """
    All that can be found without settings.
    """
    return SecretsDetector(rules=compiled_rules(), shows_public=True)
