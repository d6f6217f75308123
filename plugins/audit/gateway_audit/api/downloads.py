"""
Entries as files: JSON lines with the log's own bytes, and CSV for spreadsheets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from gateway import codec
from gateway.clock import utc_text
from gateway_audit.index.reading import Found
from gateway_audit.tlog.merkle import leaf_hash

_COLUMNS: Final = (
    "type",
    "request",
    "key",
    "key_name",
    "team",
    "customer",
    "model",
    "outcome",
    "status",
    "code",
    "cost_nano",
    "actor",
    "subject",
    "peer",
)
#: What a spreadsheet takes for the beginning of a formula, in full width as well.
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def as_jsonl(found: Iterable[Found]) -> bytes:
    """
    Write a line each: the entry exactly as it stands in the log, its place and its leaf hash.
    """
    return b"".join(
        b'{"index":%d,"leaf_hash":"%s","entry":%s}\n'
        % (index, leaf_hash(entry).hex().encode(), entry)
        for index, entry in found
    )


def as_csv(found: Iterable[Found]) -> bytes:
    """
    Write a table (RFC 4180) of what most entries have; its cells are for looking at, a line each.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("index", "at", *_COLUMNS))
    for index, raw in found:
        entry = codec.loads(raw)
        cells = [_cell(entry.get(name)) for name in _COLUMNS]
        writer.writerow((index, utc_text(entry["at"] / 1000), *cells))
    return file.getvalue().encode(errors="replace")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value if isinstance(value, int) else ""
    # Line ends and what a terminal obeys: nothing of ours is named with them.
    if not value.isprintable():
        value = "".join(each if each.isprintable() else "?" for each in value)
    return f"'{value}" if value.lstrip(" ?").startswith(_FORMULA) else value
