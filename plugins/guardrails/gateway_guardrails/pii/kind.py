"""
What a kind of personal datum is: one row of the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, Literal

import attrs

from gateway.detecting import Severity

__all__ = ["Family", "Kind", "Tier", "shapes"]

#: A acts alone, B needs a word beside it or its own punctuation, C needs a word, N is a person's
#: name or place, which patterns find in part.
Tier = Literal["A", "B", "C", "N"]
#: How a kind is looked for: ``number`` by its shape, the others by code of their own.
Family = Literal[
    "number",
    "address",
    "account",
    "coordinates",
    "custom",
    "date",
    "email",
    "ip",
    "mac",
    "person",
    "phone",
    "said",
    "track",
    "url",
    "wallet",
]

#: What ``~`` stands for.
_SEPARATORS: Final = " -."
#: With more places of either kind a shape is told by its length alone.
_MOST_EITHER: Final = 7


@attrs.frozen(kw_only=True)
class Kind:
    """
    A kind of personal datum.

    A shape tells digits by a number (``3-2-4``), letters by A (``A2``), either by X; a comma joins,
    ``~`` is a space, a hyphen or a point, the same all through, and ``|`` stands between shapes.

    Attributes:
        name: The type of its finds.
        region: The country that gives it out; "" where none does.
        group: What it can be switched by, beside tier and region.
        alone: Shapes that are found wherever they stand, if *check* says yes.
        beside: Shapes that are found beside one of *words* only.
        check: Tells of the value, without punctuation and in capitals, whether it can be one.
        odds: One of so many values of its shape passes by chance: the strictest kind wins.
        words: What is written beside it, in whatever notation: ``tax file number`` is also
            ``taxFileNumber`` and ``TAX_FILE_NUMBER``.
        is_short: Too short to be looked at unless one of its words is somewhere in the text.
        is_default: Looked for where a rule says nothing.
        source: Who defines it.
        example: A text with one, in backticks.
        counter: A text with something near it that is none.
    """

    name: str
    tier: Tier
    group: str
    source: str
    example: str
    counter: str
    region: str = ""
    family: Family = "number"
    alone: str = ""
    beside: str = ""
    check: Callable[[str], bool] | None = attrs.field(default=None, eq=False)
    odds: int = 1
    words: str = ""
    severity: Severity = "medium"
    is_short: bool = False
    is_default: bool = True

    @property
    def needs_words(self) -> bool:
        """
        Whether it is looked for only in a text that has one of its words.
        """
        return self.is_short or self.family == "phone"


def shapes(text: str) -> Iterator[str]:
    """
    Yield the skeletons that *text* stands for: 9 for each digit, A for each letter.
    """
    for shape in filter(None, (one.strip() for one in text.split("|"))):
        for separator in _SEPARATORS if "~" in shape else "~":
            yield from _either(_skeleton(shape.replace("~", separator)))


def _skeleton(shape: str) -> str:
    out: list[str] = []
    letter = "9"
    count = ""
    for one in shape + ",":
        if one in "AX":
            letter = one
        elif one.isdigit():
            count += one
        else:
            out.append(letter * int(count or 0))
            out.append("" if one == "," else one)
            letter, count = "9", ""
    return "".join(out)


def _either(skeleton: str) -> Iterator[str]:
    places = skeleton.count("X")
    if places > _MOST_EITHER:
        yield skeleton
        return
    for letters in product("9A", repeat=places):
        choice = iter(letters)
        yield "".join(next(choice) if one == "X" else one for one in skeleton)
