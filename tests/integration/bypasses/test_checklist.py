"""
The checklist that the project began with: which bytes other gateways never looked at.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parent
#: The tables whose rows begin with a number of the list.
TABLES = {"REQUESTS", "ANSWERS", "DISGUISES"}


def numbers_in(source):
    """
    Yield the numbers that docstrings of tests begin with, and those of the tables' rows.
    """
    for line in re.findall(r'"""\n    ([\d, and]+):', source):
        yield from map(int, re.findall(r"\d+", line))
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id in TABLES:
            for row in node.value.elts:
                yield row.elts[0].value


def test_every_number_has_its_test():
    """
    One to fifty: 15, 16, 17 and 19 are ways that there are not here, which is tested as well.
    """
    told = set()
    for path in FOLDER.glob("test_*.py"):
        told |= set(numbers_in(path.read_text(encoding="utf-8")))

    assert set(range(1, 51)) - told == set()
