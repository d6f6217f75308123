"""
Whether a line is code: fences, and lines that hardly anybody writes in prose.
"""

from __future__ import annotations

import functools
from typing import Final

from gateway_guardrails.patterns import PatternSet

__all__ = ["LINE_CHARACTERS", "is_code"]

#: Of a line, so much is looked at.
LINE_CHARACTERS: Final = 200

_FENCE: Final = r"^\s{0,3}(?:```|~~~)"
_LINES: Final = (
    _FENCE,
    r"^\s*(?:async\s+)?def\s+\w+\s*\(.*\)?.*:?\s*$",
    r"^\s*class\s+\w+\s*(?:\([^)]*\))?\s*[:{]",
    r"^\s*(?:from\s+[\w.]+\s+)?import\s+[\w.*{][\w.,*{}\s]*(?:\s+as\s+\w+)?;?\s*$",
    r"^\s*import\s+.+\s+from\s+[\"']",
    r"^\s*#\s*(?:include|define|ifdef|ifndef|pragma)\b",
    r"^\s*(?:export\s+)?(?:const|let|var)\s+[\w${},\s\[\]]+\s*=",
    r"^\s*(?:export\s+|default\s+|async\s+)*function\b\s*\*?\s*\w*\s*\(",
    r"^\s*(?:public|private|protected|static|final|abstract|override)\s+[\w<>\[\],\s]+\(?.*[{;]\s*$",
    r"^\s*func\s+(?:\([^)]*\)\s*)?\w+\s*\(",
    r"^\s*(?:pub\s+)?fn\s+\w+\s*[(<]",
    r"^\s*package\s+[\w.]+;?\s*$",
    r"^\s*using\s+[\w.]+\s*;",
    r"^\s*SELECT\s.+\sFROM\s\w",
    r"^\s*select\s.+\sfrom\s[\w.]+\s*(?:;|where\b|limit\b|join\b|order\b|group\b|$)",
    r"(?i)^\s*(?:insert\s+into\s+\w+|update\s+\w+\s+set\s)",
    r"(?i)^\s*(?:delete\s+from\s+\w+|(?:create|drop|alter)\s+(?:table|index|view|database)\s)",
    r"^\s*(?:if|for|while|switch|catch)\s*\(.*\)\s*\{?\s*$",
    r"^\s*(?:if|for|while|with|elif)\s+.+:\s*$",
    r"^\s*return\b.*;\s*$",
    r"^\s*[})\]]+[;,)]*\s*$",
    r"^\s*[\w.$\[\]\"']+\s*(?:[-+*/|&^%]?=|:=|\+\+|--)\s*[^=\s].*;\s*$",
    r"^\s*[\w.$]+\([^)]*\)\s*;\s*$",
    r"^\s*<(?:!DOCTYPE|html|head|body|div|script|style|span|table|form|svg|\?xml|\?php)\b[^>]*>",
    r"^\s*#!\s*/",
    r"^\s*\$\s+(?:sudo|cd|ls|git|npm|pip|docker|curl|kubectl|apt|make|python3?|node)\b",
    r"^\s*@\w+(?:\(.*\))?\s*$",
)


@functools.cache
def _compiled() -> PatternSet:
    return PatternSet(_LINES)


def is_code(line: str) -> bool:
    """
    Tell whether *line* looks like code.
    """
    return bool(line.strip()) and bool(_compiled().hits(line[:LINE_CHARACTERS]))
