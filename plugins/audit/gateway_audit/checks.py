"""
What several of the audit's tables demand of a value.
"""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from gateway.settings import SecretRef

#: A header's name (RFC 9110 section 5.6.2).
HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


def resolves_elsewhere(
    instance: Any, attribute: attrs.Attribute[Any], value: SecretRef | None
) -> None:
    """
    Demand a secret that the sequencer's process finds as well.
    """
    if value is not None and value.scheme not in {"env", "file"}:
        raise ValueError("must be env.NAME or file./path: another process reads it")
