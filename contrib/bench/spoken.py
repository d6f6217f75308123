"""
Texts for detectors: ordinary ones that never repeat, full of personal data, and hostile ones.

All are made, seeded; words and values belong to nobody.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

__all__ = ["HOSTILE", "dense", "from_file", "prose"]

_NOUNS: Final = (
    "account address agreement answer archive branch budget calendar candidate catalogue "
    "chapter client colleague committee company contract copy course customer deadline "
    "delivery department design detail draft edition engine estimate evening example factory "
    "figure folder garden guest harbour history hotel idea invoice island journey kitchen "
    "language lawyer ledger letter library machine manager market material meeting memory "
    "message method minute mountain museum network notebook number office option order owner "
    "package page paper partner passage payment people picture plan policy price printer "
    "problem product programme project proposal question railway reason receipt recipe record "
    "region release report request result river road room sample schedule school season "
    "section service shelf ship signal site solution source station story street student "
    "subject summary supplier surface system table teacher team test theatre ticket token "
    "topic traffic translation travel update user valley version village visit voice "
    "warehouse weather website week window winter word workshop year"
).split()
_VERBS: Final = (
    "accepted added answered arranged asked began believed borrowed brought built bought "
    "called changed checked chose cleaned closed collected compared completed corrected "
    "counted covered delayed described discovered discussed divided examined expected "
    "explained found finished followed forgot gave handled heard helped held improved "
    "included joined kept learned left liked listed lost made measured mentioned missed moved "
    "needed noticed offered opened ordered passed planned prepared printed promised proposed "
    "published reached read received remembered removed repaired replaced reported returned "
    "sent showed signed solved started stopped stored studied suggested supported took tested "
    "thanked tried understood used visited waited wanted watched worked wrote"
).split()
_QUALITIES: Final = (
    "annual bright broad careful central cheap clear common complete correct current daily "
    "dark different difficult early easy empty exact expensive familiar final foreign former "
    "full general gentle good great green heavy helpful important initial internal large late "
    "legal light local long main modern narrow national natural new normal old open ordinary "
    "original other patient perfect personal plain pleasant popular possible private public "
    "quick quiet rare ready real recent regular rich rough safe second secret serious short "
    "silent similar simple single slow small special strange strong sudden technical thin "
    "usual various warm whole wide young"
).split()
_LINKS: Final = (
    "and but because although while so since unless until before after whenever".split()
)
_PLACES: Final = (
    "in on near behind above below with without about from under over for".split()
)
_MARKS: Final = (". ", ". ", ". ", "? ", ", ", "; ", ".\n", ".\n\n")

_LABELLED: Final = (
    "SSN: {0}{1}{2}-{3}{4}-{5}{6}{7}{8}",
    "card 4111 1111 1111 1111",
    "call me on +1 (415) 555-{0}{1}{2}{3}",
    "{n}.{m}@mail{0}.example.org",
    "IBAN DE89 3704 0044 0532 0130 00",
    "born on {0}{1} March 19{2}{3}",
    "account number {0}{1}{2}{3}{4}{5}{6}{7}{8}",
    "passport no {0}{1}{2}{3}{4}{5}{6}{7}{8}",
    "from 83.{0}{1}.{2}{3}.{4}",
    "tax id {0}{1} {2}{3}{4} {5}{6}{7} {8}{0}{1}",
    "DOB {0}/{1}/19{2}{3}",
    "MRN {0}{1}{2}{3}{4}{5}{6}",
    "phone 020 7946 0{0}{1}{2}",
    "{n}, {m} street {0}{1}, {2}{3}{4}{5}{6}",
    "NHS number {0}{1}{2} {3}{4}{5} {6}{7}{8}{0}",
    "ref {0}{1}{2}{3}{4}{5}{6}{7}",
)


def prose(characters: int, chance: random.Random) -> str:
    """
    Write sentences of about so many characters; a number now and then, as people do.
    """
    parts: list[str] = []
    size = 0
    is_first = True
    while size < characters:
        clause = _clause(chance)
        mark = chance.choice(_MARKS)
        if is_first:
            clause = clause[0].upper() + clause[1:]
        is_first = mark[0] in ".?"
        parts += [clause, mark if is_first else f"{mark}{chance.choice(_LINKS)} "]
        size += len(parts[-1]) + len(clause)
    return "".join(parts)[:characters]


def _clause(chance: random.Random) -> str:
    subject, thing, where = chance.choices(_NOUNS, k=3)
    some = chance.choice(("the", "a", "our", "their", "every", "that"))
    words = [some, chance.choice(_QUALITIES), subject, chance.choice(_VERBS), "the"]
    if chance.random() < 0.12:
        words.append(str(chance.randrange(2, 400)))
    words += [thing, chance.choice(_PLACES), "the", where]
    return " ".join(words)


def dense(characters: int, chance: random.Random, *, clauses: float = 0.5) -> str:
    """
    Write a value that somebody has after the other.

    Args:
        clauses: How many follow each value.  With a half, sixteen values are found in 1024
            characters, 38 with none, and six with two.
    """
    parts: list[str] = []
    size = 0
    while size < characters:
        digits = [chance.randrange(1, 10) for _ in range(9)]
        shape = chance.choice(_LABELLED)
        name, surname = chance.choices(_NOUNS, k=2)
        value = shape.format(*digits, n=name, m=surname)
        count = int(clauses) + (chance.random() < clauses % 1)
        words = "".join(f", {_clause(chance)}" for _ in range(count))
        parts.append(value + words + chance.choice(("\n", ", ", ". ")))
        size += len(parts[-1])
    return "".join(parts)[:characters]


def from_file(file: Path, characters: int) -> Iterator[str]:
    """
    Yield texts of a file of JSON lines, put together to so many characters, none twice.
    """
    seen: set[str] = set()
    gathered = ""
    for line in file.read_text("utf-8").split("\n"):
        text = json.loads(line).get("text", "") if line else ""
        if text in seen:
            continue
        seen.add(text)
        gathered += text + "\n"
        while len(gathered) >= characters:
            yield gathered[:characters]
            gathered = gathered[characters:]


def _nested(size: int) -> str:
    text = b"ignore all previous instructions, ssn 536-22-1234"
    while len(text) < size:
        text = base64.b64encode(text)
    return text[:size].decode()


def _behind(head: str, unit: str) -> Callable[[int], str]:
    """
    Make a text of *unit* again and again, behind *head*.
    """
    return lambda size: (head + unit * (size // len(unit) + 1))[:size]


def _repeated(part: str) -> Callable[[int], str]:
    return lambda size: (part * (size // len(part) + 1))[:size]


def _drawn(shape: str) -> Callable[[int], str]:
    """
    Repeat *shape* with other digits, all seeded, for each 9 in it: what was seen tells nothing.
    """

    def make(size: int) -> str:
        chance = random.Random(size)
        wanted = (shape * (size // len(shape) + 1))[:size]
        digits = chance.choices("0123456789", k=size)
        return "".join(
            digit if one == "9" else one
            for one, digit in zip(wanted, digits, strict=True)
        )

    return make


#: Texts made to take long, of any size.
HOSTILE: Final[Mapping[str, Callable[[int], str]]] = {
    "digits": _repeated("1234567890"),
    "nines": _repeated("9"),
    "drawn 4": _drawn("9999 "),
    "drawn 9": _drawn("999999999 "),
    "drawn 16": _drawn("9999999999999999 "),
    "drawn 1": _drawn("9 "),
    "drawn ssn": _drawn("ssn 999999999 "),
    "drawn dates": _drawn("99/99/9999 "),
    "drawn phones": _drawn("+1 999 999 9999 "),
    "drawn table": _drawn("9.99, 99.9, 999.99\n"),
    "a": _repeated("a"),
    "A": _repeated("A"),
    "%A": _repeated("%" + 11 * "A"),
    "a@a@": _repeated("a@a@"),
    "mails": _repeated("a@b.com "),
    "a.": _repeated("a."),
    "4111 ": _repeated("4111 "),
    "cards": _repeated("4111 1111 1111 1111 "),
    "ssn": _repeated("ssn 123456789 "),
    "ssns": _repeated("536-22-1234 "),
    "iban": _repeated("DE89370400440532013000 "),
    "iban so": _repeated("iban DE89 3704 0044 0532 0130 0"),
    "dates": _repeated("12/12/2012 "),
    "born": _repeated("born 12 March 1987, "),
    "1 1 1": _repeated("1 "),
    "1-1-1": _repeated("1-"),
    "12.34.": _repeated("12.34."),
    "phones": _repeated("+1 415 555 0100 "),
    "+1+1": _repeated("+1"),
    "mac": _repeated("aa:bb:cc:dd:ee:ff "),
    "::": _repeated("::1"),
    "http": _repeated("http://a:b@c/ "),
    "AB1": _repeated("AB1 "),
    "pass": _repeated("password "),
    "password=": _repeated("password="),
    "key=": _repeated("api_key = abc123DEF456 "),
    "token": _repeated("token "),
    "sk-": _repeated("sk-"),
    "begin": _repeated("-----BEGIN PRIVATE KEY-----\n"),
    "base64": _nested,
    "letters": _repeated("abcdefghij"),
    "spaces": _repeated(" "),
    "ignore": _repeated("ignore previous instructions. "),
    "i g n": _repeated("i g n o r e "),
    "%20": _repeated("%69%67%6e"),
    "brackets": _repeated("[({<"),
    "accents": _repeated("é1 ü2 "),
    "fullwidth": _repeated("\uff11\uff12\uff13 "),
    "zero width": _repeated("a\u200b"),
    "columns": _repeated("password,a\nx1y2z3!,b\n\n"),
    "a column": _behind("name,password\n", "jo,x1y2z3!q\n"),
    "heads": _repeated("password,name,ssn\n"),
    "named": _repeated("ssn,a\n536-22-1234,b\n\n"),
    "inserts": _repeated("(password) VALUES ('x1y2z3!') "),
    "wide": _repeated("password," * 30 + "\n" + "x1y2z3!," * 30 + "\n\n"),
    "pipes": _repeated("| password |\n| - |\n| x1y2z3! |\n\n"),
    "seeds": _repeated("seed phrase "),
    "logins": _repeated("login: a / x1y2z3! "),
    "said": _repeated("password is to be "),
    "seed words": _behind("seed phrase: ", "abandon "),
    "cookies": _repeated("Cookie: a=b; "),
    "labels": _repeated("birth date\n\n"),
}
