"""
The registry as a document: ``python -m gateway_guardrails.pii.table > PII.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.kinds import KINDS

__all__ = ["document"]

_HEAD: Final = """\
# Personal data that is looked for

Made from the registry by `python -m gateway_guardrails.pii.table`; change that, not this.

The detector `pii` looks for the types below. A type's tier says what it takes to be a finding:

| tier | a value is a finding |
|---|---|
| A | wherever it stands, by its check digits or its form; a few notations as tier B |
| B | beside one of its words, or in its own punctuation |
| C | beside one of its words only |
| N | where words before it give it away: a part only, most need a model of language |

A word is beside a value if it stands up to 64 characters left of it, or up to 40 right of it in
the same clause (`X is my …`, `X as the …`); of a table (CSV, Markdown, tabs) the head of a column
is beside each value in the first 4096 characters of rows. Case, gaps and accents are nothing:
`tax file number`, `taxFileNumber` and `TAX_FILE_NUMBER` are one. Digits of every script, fullwidth
letters, no-break spaces and hyphens are read as ASCII writes them. Where values overlap, the longer
is found, then the one whose check is stricter; one place has one type.

```yaml
detectors:
  - type: pii
    types: [default]              # or types and groups: tier_a, finance, health, us, US_SSN, all
    exclude: [network]
    custom:
      EMPLOYEE_ID: 'E-\\d{6}'       # RE2; acts alone
      CASE_NUMBER: {pattern: '\\d{8}', words: [case, docket], severity: high}
    allow: [support@example.com]
    allow_patterns: ['.+@example\\.com']
    ignore_documentation: true    # example.com, 192.0.2.0/24, 2001:db8::/32
    ignore_private: true          # 10.0.0.0/8, 192.168.0.0/16, fd00::/8
```

Types are switched by their name, their tier (`tier_a`), their group and their country, in small
letters or capitals; `default` is every type marked so, and stands where `types` says nothing. The
types that are not in it would flag much of what nobody minds: names, streets, ages, user names, and
URLs. Loopback, link-local and multicast addresses are never findings.

"""


def document() -> str:
    """
    Return the registry as a document in Markdown.
    """
    return _HEAD + "\n".join(_table()) + "\n"


def _table() -> Iterator[str]:
    yield "| type | country | tier | default | group | severity | words beside it | source |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in sorted(KINDS, key=lambda kind: (kind.region, kind.name)):
        yield f"| {' | '.join(_cells(kind))} |"


def _cells(kind: Kind) -> Iterator[str]:
    yield f"`{kind.name}`"
    yield kind.region or "all"
    yield kind.tier
    yield "yes" if kind.is_default else "no"
    yield kind.group
    yield kind.severity
    words = [word.strip() for word in kind.words.split(",") if word.strip()]
    yield ", ".join(words[:6]) + (", …" if len(words) > 6 else "") or "none"
    yield kind.source


if __name__ == "__main__":
    sys.stdout.write(document())
