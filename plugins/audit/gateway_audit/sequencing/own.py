"""
What the sequencer itself has to say in the log.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from gateway import codec
from gateway_audit.sequencing.log import Damage
from gateway_audit.sequencing.reading import Missing

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_WORKER: Final = "sequencer"


class OwnEntries:
    """
    Writes entries under the sequencer's own name.

    Args:
        seq: The number of the first.
    """

    def __init__(self, seq: int) -> None:
        self._seq = seq

    def missing(self, missing: Missing, now: float) -> bytes:
        """
        Say that a spool lacks entries.
        """
        told = {
            "of": missing.worker,
            "first_seq": missing.first,
            "end_seq": missing.end,
            "reason": "missing_from_spool",
        }
        return self._entry("gap", told, now)

    def truncated(self, damage: Damage, kept_in: str, now: float) -> bytes:
        """
        Say that the log before this one lost what was signed.
        """
        signed = damage.signed
        told = {
            "origin": signed.origin if signed else None,
            "signed_size": signed.size if signed else None,
            "signed_root": signed.root.hex() if signed else None,
            "found_size": damage.size,
            "reason": damage.why,
            "kept_in": kept_in,
        }
        return self._entry("log.truncated", told, now)

    def saying(self, kind: str, told: dict[str, Any], now: float) -> bytes:
        """
        Say what a companion has to say.
        """
        return self._entry(kind, told, now)

    def _entry(self, kind: str, told: dict[str, Any], now: float) -> bytes:
        at_ms = int(now * 1000)
        entry = {
            "v": 1,
            "id": _new_id(at_ms),
            "at": at_ms,
            "type": kind,
            "worker": _WORKER,
            "seq": self._seq,
            **told,
        }
        self._seq += 1
        return codec.dumps(entry)


def _new_id(at_ms: int) -> str:
    """
    Return 26 characters that sort by time (https://github.com/ulid/spec).
    """
    number = at_ms << 80 | secrets.randbits(80)
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(26)))
