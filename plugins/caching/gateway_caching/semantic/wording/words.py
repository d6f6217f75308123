"""
Taking a question apart: what is copied to the letter, numbers, and words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

import attrs

from gateway_caching.semantic.wording.lexicon import CONTRACTIONS, ELISIONS

__all__ = ["ALIKE", "Pieces", "Word", "is_legible", "stem", "take_apart"]

#: Signs that are written in several ways.
ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("\u2019\u2018\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        "\u2212": "-",
        "\u2013": "-",
    }
)
#: In order: what an earlier one takes no later one sees.
_LITERALS: Final = re.compile(
    r"""
      ```.*?(?:```|\Z) | `[^`\n]*`
    | "[^"\n]*" | «[^»\n]*» | \u2039[^\u203a\n]*\u203a | (?<![^\W_])'[^'\n]*'(?![^\W_])
    | (?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]*://\S+ | \bwww\.\S+
    | (?<![^\s@<>])[^\s@<>]+@[^\s@<>]+\.[^\W_]+
    | (?:[A-Za-z]:)?(?:\\[^\s\\]+)+ | (?<![\w/])(?:~|\.{1,2})?(?:/[\w.\-]+)+
    | (?<!\w)--?[A-Za-z][\w\-]*
    """,
    re.VERBOSE | re.DOTALL,
)
#: What is left, piece by piece: numbers with what is written onto them (the ending of an ordinal,
#: a unit); names of machines, with digits or underscores in them, or joined by dots or slashes;
#: words; signs.
_PIECE: Final = re.compile(
    r"""
      (?<![\w.,])(?P<sign>[+\-]?)
        (?:
          (?P<digits>\d+(?:[.,:/\-]\d+)*)(?:st|nd|rd|th|er|ère|ème|e|º|ª)?(?![^\W\d_])
          | (?P<amount>\d+(?:[.,]\d+)*)(?P<unit>[^\W\d_]{1,4})(?!\w)
        )
    | (?P<name>
        \w*(?:\d[^\W\d]|[^\W\d]\d|_)\w*(?:[.\-/:]\w+)*
        | [^\W\d_]+(?:[./:]\w+)+(?:\(\))?
        | [^\W\d_]+-\d[\w.\-]*
        | [^\W\d_]*[a-zà-ÿ][A-Z][^\W\d_]*
        | [^\W\d_]+\(\)
      )
    | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)
    | (?P<other>[^\w\s]|\n|\w)
    """,
    re.VERBOSE,
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ENDING: Final = frozenset(".!?:;\n\u00bf\u00a1\u2026")
_PLAIN: Final = frozenset("\n.,;:!?'\"()-\u2014…¿¡\u00ad")
#: Marks that stand apart from their letter, and halves of signs.
_UNKNOWN: Final = frozenset({"Mn", "Mc", "Me", "Cs"})
_LAST_LATIN: Final = 0x24F
_MORE_LATIN: Final = range(0x1E00, 0x1F00)


class Word(NamedTuple):
    """
    One word, in small letters.

    Attributes:
        is_capitalised: It was written with a capital letter.
        is_loud: In capital letters alone, though its sentence is not: ``US``, vitamin ``A``.
        begins: It begins a sentence.
        follows_number: A number stands right before it.
    """

    text: str
    is_capitalised: bool = False
    is_loud: bool = False
    begins: bool = False
    follows_number: bool = False


@attrs.frozen(kw_only=True)
class Pieces:
    """
    A question in pieces.

    Attributes:
        literals: Code, quotations, addresses, paths, names of machines: to the letter.
        items: Numbers (as ``#12``) and words, in their order.
        signs: What is neither letter nor digit nor plain punctuation.
    """

    literals: tuple[str, ...]
    items: tuple[str | Word, ...]
    signs: tuple[str, ...]

    @property
    def words(self) -> Iterator[Word]:
        """
        The words among the items.
        """
        return (item for item in self.items if isinstance(item, Word))


def is_legible(text: str) -> bool:
    """
    Tell whether every letter is a Latin one: of other scripts nothing is known here.
    """
    return text.isascii() or all(
        ord(sign) <= _LAST_LATIN or ord(sign) in _MORE_LATIN
        for sign in text
        if sign.isalpha() or unicodedata.category(sign) in _UNKNOWN
    )


def take_apart(text: str) -> Pieces:
    """
    Take *text* apart.
    """
    text = unicodedata.normalize("NFC", text).translate(ALIKE)
    literals: list[str] = []

    def cut(match: re.Match[str]) -> str:
        literals.append(match[0])
        return " ; "

    rest = _LITERALS.sub(cut, text)
    is_shouted = rest.isupper()
    items: list[str | Word] = []
    signs: list[str] = []
    begins = True
    for piece in _PIECE.finditer(rest):
        if (word := piece["word"]) is not None:
            items += _spelt(word, begins, is_shouted, items)
        elif (sign := piece["other"]) is not None:
            begins = begins or sign in _ENDING
            if sign not in _PLAIN:
                signs.append(sign)
            continue
        elif (name := piece["name"]) is not None:
            literals.append(name)
        else:
            items += _number(piece)
        begins = False
    return Pieces(literals=tuple(literals), items=tuple(items), signs=tuple(signs))


def stem(word: str) -> str:
    """
    Take the endings off *word* that say little: of plurals, and of English verbs.
    """
    word = word.removesuffix("'s")
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", "")):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            return _without_double(word.removesuffix(ending) + rest)
    if word.endswith(("xes", "zes", "ches", "shes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def _without_double(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def _number(match: re.Match[str]) -> list[str | Word]:
    digits = match["digits"] or match["amount"]
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    number = f"#{match['sign'].removeprefix('+')}{digits}"
    if match["unit"] is None:
        return [number]
    return [number, Word(match["unit"].lower(), follows_number=True)]


def _spelt(
    raw: str, begins: bool, is_shouted: bool, before: list[str | Word]
) -> Iterator[Word]:
    follows_number = bool(before) and isinstance(before[-1], str)
    is_capitalised = raw[0].isupper()
    is_alone = len(raw) == 1 and (begins or raw == "I")
    is_loud = raw.isupper() and not is_shouted and not is_alone
    for text in _parts(raw.lower()):
        yield Word(text, is_capitalised, is_loud, begins, follows_number)
        begins = False


def _parts(word: str) -> list[str]:
    if word in CONTRACTIONS:
        return CONTRACTIONS[word].split()
    if "'" not in word:
        return [word]
    first, _, rest = word.partition("'")
    if first in ELISIONS and len(rest) > 1:
        return [first, *_parts(rest)]
    if word.endswith("n't"):
        return [word.removesuffix("n't"), "not"]
    endings = {"s": [], "re": ["are"], "ll": ["will"], "m": ["am"], "ve": [], "d": []}
    return [first, *endings.get(rest, _parts(rest))]
