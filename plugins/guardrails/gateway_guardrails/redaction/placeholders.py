"""
Placeholders: ``<EMAIL_1>`` for the first e-mail address of a conversation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: What is put in a value's place where nothing may tell two values apart.
MASK: Final = "****"
#: A placeholder wherever it stands in a text; the label and the number.
PLACEHOLDER: Final = re.compile(r"<([A-Z][A-Z0-9_]{0,47})_([1-9][0-9]{0,6})>")

_OTHER = re.compile(r"[^A-Z0-9]+")
_MAX_LABEL = 48


@lru_cache(1024)
def label_of(kind: str) -> str:
    """
    Return the label of finds of the type *kind*: ``AWS_ACCESS_KEY`` for ``aws_access_key``.
    """
    label = _OTHER.sub("_", kind.upper()).strip("_")[:_MAX_LABEL].rstrip("_")
    return label if label[:1].isalpha() else f"X_{label}"[:_MAX_LABEL].rstrip("_")


def placeholder(label: str, number: int) -> str:
    """
    Return the placeholder of the value *number* among those with *label*.
    """
    return f"<{label}_{number}>"
