"""
Finds what a mark gives away.

``@`` an address or an account of UPI, ``://`` a URL, ``+`` a telephone number, ``:`` and ``-``
between hexadecimal digits a device, ``%B`` a magnetic stripe, ``/`` between letters and digits a
Brazilian company.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from gateway_guardrails.pii.candidate import Candidate
from gateway_guardrails.pii.checks.americas import cnpj
from gateway_guardrails.pii.checks.finance import card
from gateway_guardrails.pii.kind import Kind
from gateway_guardrails.pii.phones import read_international
from gateway_guardrails.pii.shapes import compact
from gateway_guardrails.pii.view import View

__all__ = ["MOST_LOCAL", "Marks"]

#: RFC 5321, 4.5.3.1: octets of the part before the sign, and of the domain.
MOST_LOCAL: Final = 64
_MOST_DOMAIN: Final = 253
_MOST_URL: Final = 512
_LETTER: Final = "A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
#: RFC 5322 atext and the point, without what is a quote or a bracket in most texts.
_LOCAL: Final = re.compile(rf"[{_LETTER}.!#$%&'*+/=?^_~\-]+")
_DOMAIN: Final = re.compile(rf"@[{_LETTER}][{_LETTER}\-]*\.[{_LETTER}.\-]+")
_GROWING: Final = re.compile(rf"[{_LETTER}.\-]*")
#: Banks behind the sign in an address of UPI, which has no point (NPCI, handles of apps).
_HANDLE: Final = re.compile(
    r"@(?:ok(?:axis|hdfcbank|icici|sbi)|ybl|ibl|axl|upi|paytm|pt(?:axis|hdfc|sbi|yes)|y?apl"
    r"|wa(?:axis|hdfcbank|icici|sbi)|axisbank|hdfcbank|icici|idfcbank|jupiteraxis|kotak|sbi"
    r"|freecharge|ikwik|airtel|barodampay)(?![A-Za-z0-9_]|[.@\-][A-Za-z0-9])",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(rf"[{_LETTER}](?:[{_LETTER}\-]*[{_LETTER}])?")
_TOP: Final = re.compile(r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,59}|[^\W\d_]{2,24})")
_LEADING: Final = "'.!#$%&*/=?^~-`"
_FILES: Final = frozenset(
    "png jpg jpeg gif svg webp css js py json html md txt".split()
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}\Z")
_REST: Final = re.compile(r"[^\s\"'<>`|\\^{}\u0080-\U0010ffff]{1,512}")
_CREDENTIALS: Final = re.compile(r"[^\s/@:?#]{1,64}:[^\s/@?#]{1,128}@[^\s/@:]")
_PLACEHOLDER: Final = re.compile(
    r"[<$\[({*]|x{3,}@|:(?:pass(?:word|wd)?|pw|secret|token)@", re.IGNORECASE
)
_PLUS: Final = re.compile(r"\+\(?[1-9]")
_COLONS: Final = re.compile(r":(?::|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:)")
_PAIRS: Final = re.compile(r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")
_MAC: Final = re.compile(
    r"[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})"
)
#: How the addresses begin that are given out (IANA), and those of private networks.
_IN_USE: Final = frozenset({"20", "24", "26", "28", "2a", "fc", "fd", "fe"})
_HEX: Final = "0123456789abcdefABCDEF"
_MOST_HEX: Final = 48
_TRACK: Final = re.compile(
    r"%?B([0-9]{12,19})\^[^^\n]{2,26}\^[0-9]{4}[^?\n]{0,48}\??|;([0-9]{12,19})=[0-9]{4,24}\??"
)
_TRACK_BEGUN: Final = re.compile(
    r"%?B[0-9]{1,19}(?:\^[^^\n]{0,26}(?:\^[^?\n]{0,52})?)?|;[0-9]{1,19}(?:=[0-9]{0,24})?"
)
#: With letters, which Receita Federal gives out from July 2026 on; digits alone have a shape.
_COMPANY: Final = re.compile(
    r"[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-[0-9]{2}(?![0-9A-Za-z_]|[-./][0-9A-Za-z])"
)
_BEFORE_SLASH: Final = len("12.ABC.345")
#: What a longer number goes on from.
_LONGER: Final = re.compile(r"[0-9A-Za-z]\Z|[0-9][-./]\Z")
_TRACK_DIGITS: Final = "9" * 12
_TRACK_1: Final = re.compile(r"%B[0-9]")
_TRACK_2: Final = re.compile(r";[0-9]{12}")


class Marks:
    """
    Finds the kinds that a mark gives away.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        numbers = {kind.name: number for number, kind in enumerate(kinds)}
        self._email = numbers.get("EMAIL")
        self._upi = numbers.get("IN_UPI")
        self._url = numbers.get("URL")
        self._credentials = numbers.get("URL_WITH_CREDENTIALS")
        self._phone = numbers.get("PHONE")
        self._mac = numbers.get("MAC_ADDRESS")
        self._ipv6 = numbers.get("IPV6")
        self._track = numbers.get("CARD_TRACK")
        self._company = numbers.get("BR_CNPJ")

    def scan(self, view: View, out: list[Candidate]) -> int:
        """
        Add what is found to *out*; return where what is not decided begins.
        """
        text = view.ascii
        start = view.start
        undecided = len(text)
        if text.find("@", start) >= 0:
            if self._upi is not None:
                self._handles(view, self._upi, out)
            if self._email is not None or self._upi is not None:
                undecided = min(undecided, self._emails(view, out))
        if text.find("://", start) >= 0:
            undecided = min(undecided, self._urls(view, out))
        if self._phone is not None and text.find("+", start) >= 0:
            undecided = min(undecided, self._phones(view, out))
        if text.find(":", start) >= 0:
            self._hexadecimal(view, _COLONS, out)
        if self._mac is not None and text.find("-", start) >= 0:
            self._hexadecimal(view, _PAIRS, out)
        if text.find("/", start) >= 0:
            self._companies(view, out)
        if self._track is not None and (
            not view.final or view.skeleton.find(_TRACK_DIGITS, start) >= 0
        ):
            undecided = min(undecided, self._tracks(view, out))
        return undecided

    def _add(self, out: list[Candidate], start: int, end: int, kind: int) -> None:
        out.append(Candidate(start, end, kind, odds=self._kinds[kind].odds))

    def _emails(self, view: View, out: list[Candidate]) -> int:
        text = view.text
        kind = self._email
        undecided = len(text)
        if not view.final:
            # A domain that is not complete: the sign and what follows it run up to the end.
            sign = text.rfind("@", max(view.start, len(text) - _MOST_DOMAIN))
            if sign >= 0 and _GROWING.fullmatch(text, sign + 1):
                local = _local(text, sign)
                undecided = sign if local is None else local
        for match in _DOMAIN.finditer(text, view.start):
            sign, end = match.start(), match.end()
            if end == len(text) and not view.final:
                continue
            end = _domain_end(text, sign, end)
            start = _local(text, sign) if end else None
            if start is not None and kind is not None:
                self._add(out, start, end, kind)
        return undecided

    def _handles(self, view: View, kind: int, out: list[Candidate]) -> None:
        text = view.text
        for match in _HANDLE.finditer(text, view.start):
            start = _local(text, match.start())
            if start is not None and (view.final or match.end() < len(text)):
                self._add(out, start, match.end(), kind)

    def _urls(self, view: View, out: list[Candidate]) -> int:
        text = view.ascii
        undecided = len(text)
        at = text.find("://", view.start)
        while at >= 0:
            rest = _REST.match(view.text, at + 3)
            if rest is not None and self._is_dull(rest, len(text)):
                at = text.find("://", at + 3)
                continue
            scheme = _SCHEME.search(text, max(0, at - 21), at)
            if scheme is not None and rest is not None:
                start, end = scheme.start(), rest.end()
                told = rest.group()
                if end == len(text) and not view.final and len(told) < _MOST_URL:
                    if self._url is not None or "/" not in told.partition("@")[0]:
                        undecided = min(undecided, start)
                else:
                    end -= len(told) - len(told.rstrip(".,;:!?)]*"))
                    self._url_of(text, start, at + 3, end, out)
            elif scheme is not None and at + 3 >= len(text) and not view.final:
                undecided = min(undecided, scheme.start())
            at = text.find("://", at + 3)
        return undecided

    def _is_dull(self, rest: re.Match[str], size: int) -> bool:
        """
        Tell of what stands behind ``://`` whether no address in it is looked for.
        """
        return self._url is None and rest.end() < size and "@" not in rest.group()

    def _url_of(
        self, text: str, start: int, host: int, end: int, out: list[Candidate]
    ) -> None:
        credentials = _CREDENTIALS.match(text, host, end)
        if (
            credentials is not None
            and self._credentials is not None
            and not _PLACEHOLDER.search(credentials.group())
        ):
            self._add(out, start, end, self._credentials)
            return
        if self._url is not None and end > host:
            self._add(out, start, end, self._url)

    def _phones(self, view: View, out: list[Candidate]) -> int:
        text = view.ascii
        undecided = len(text)
        kind = self._phone
        for match in _PLUS.finditer(text, view.start):
            start = match.start()
            if kind is None or text[start - 1 : start].isalnum():
                continue
            end, is_open = read_international(text, start, final=view.final)
            if is_open:
                undecided = min(undecided, start)
            elif end:
                self._add(out, start, end, kind)
        if not view.final:
            plus = text.rfind("+", max(view.start, len(text) - 3))
            if plus >= 0:
                undecided = min(undecided, plus)
        return undecided

    def _hexadecimal(
        self, view: View, mark: re.Pattern[str], out: list[Candidate]
    ) -> None:
        """
        Look at each run of hexadecimal digits and colons, or pairs, that *mark* is in.
        """
        text = view.ascii
        done = 0
        for match in mark.finditer(text, view.start):
            at = match.start()
            if at < done:
                continue
            before = text[max(0, at - _MOST_HEX) : at]
            start = at - len(before) + len(before.rstrip(_HEX + ":"))
            if text[start - 1 : start].isalnum():
                # The last letters of a word, as in "device:ee:a4:…".
                start = text.find(match.group()[0], start) + 1
            elif text[start - 1 : start] in {"_", "-"}:
                continue
            after = text[at : at + _MOST_HEX]
            done = at + len(after) - len(after.lstrip(_HEX + match.group()[0]))
            if done == len(text) and not view.final:
                continue
            self._run_of(text, start, done, out)

    def _run_of(self, text: str, start: int, end: int, out: list[Candidate]) -> None:
        mac = _MAC.match(text, start)
        if mac is not None:
            end = mac.end()
            is_whole = not text[end : end + 1].isalnum() and text[
                end : end + 1
            ] not in {":", "-"}
            raw = mac.group().lower()
            if is_whole and self._mac is not None and _has_digit(raw):
                self._add(out, start, end, self._mac)
            return
        value = text[start:end]
        if not value.endswith("::"):
            value = value.rstrip(":")
        end = start + len(value)
        if (
            self._ipv6 is not None
            and not text[end : end + 1].isalnum()
            and _is_ipv6(value)
        ):
            self._add(out, start, end, self._ipv6)

    def _companies(self, view: View, out: list[Candidate]) -> None:
        """
        Look around each slash for the number of a company that has letters.
        """
        text = view.ascii
        kind = self._company
        at = text.find("/", max(view.start, _BEFORE_SLASH)) if kind is not None else -1
        while at >= 0:
            # Most slashes are told apart by what stands where the point and the hyphen would.
            if text[at - 4] == "." and text[at + 5 : at + 6] == "-":
                start = at - _BEFORE_SLASH
                match = _COMPANY.match(text, start)
                if match is not None and kind is not None and _is_company(text, match):
                    self._add(out, start, match.end(), kind)
            at = text.find("/", at + 1)

    def _tracks(self, view: View, out: list[Candidate]) -> int:
        text = view.ascii
        undecided = len(text)
        kind = self._track
        marks = []
        for sign, mark in (("%B", _TRACK_1), (";", _TRACK_2)):
            if text.find(sign, view.start) >= 0:
                marks += [one.start() for one in mark.finditer(text, view.start)]
        for start in marks:
            if not view.final:
                begun = _TRACK_BEGUN.match(text, start)
                if begun is not None and begun.end() == len(text):
                    undecided = min(undecided, start)
                    continue
            match = _TRACK.match(text, start)
            if match is not None and kind is not None:
                number = match.group(1) or match.group(2)
                if card(number):
                    self._add(out, start, match.end(), kind)
        return undecided


def _is_company(text: str, match: re.Match[str]) -> bool:
    """
    Tell whether *match* has letters, right check digits, and begins where a value may.
    """
    start = match.start()
    if _LONGER.search(text, max(0, start - 2), start):
        return False
    bare = compact(match.group())
    return not bare.isdigit() and cnpj(bare)


def _has_digit(value: str) -> bool:
    return any(one.isdigit() for one in value) and len(set(value) - set(":-")) > 1


def _local(text: str, sign: int) -> int | None:
    """
    Return where the part before the sign begins.
    """
    before = text[max(0, sign - MOST_LOCAL - 1) : sign]
    match = _LOCAL.match(before[::-1])
    if match is None:
        return None
    local = match.group()[::-1].lstrip(_LEADING)
    if not local or len(local) > MOST_LOCAL or local[-1] == ".":
        return None
    return sign - len(local)


def _domain_end(text: str, sign: int, end: int) -> int:
    """
    Return where the domain behind the sign ends; 0 if it is none.
    """
    domain = text[sign + 1 : end].rstrip(".-")
    labels = domain.split(".")
    while len(labels) > 1 and not _TOP.fullmatch(labels[-1]):
        # "jane@example.com.2" or "jane@example.com..": what is a domain ends before.
        labels.pop()
    if len(labels) < 2 or len(domain) > _MOST_DOMAIN:
        return 0
    if not all(_LABEL.fullmatch(label) for label in labels):
        return 0
    if labels[-1].lower() in _FILES:
        return 0
    end = sign + 1 + len(".".join(labels))
    return 0 if text[end : end + 1] == "@" else end


def _is_ipv6(value: str) -> bool:
    """
    Tell whether *value* is an address of IPv6 that could be somebody's.
    """
    groups = [one for one in value.split(":") if one]
    # Of "a::b" most are names in a program.
    if "::" in value and len(groups) < 3 and value[:2].lower() not in _IN_USE:
        return False
    if not any(one.isdigit() for one in value):
        return False
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)
