"""
Asks witnesses to cosign (C2SP tlog-witness, ``add-checkpoint``).
"""

from __future__ import annotations

from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

import attrs

from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import Malformed, TlogError, Unproven
from gateway_audit.tlog.merkle import prove_consistency
from gateway_audit.tlog.notes import Signature, VerifierKey, parse_signatures
from gateway_audit.tlog.tiles import Tree
from gateway_audit.tlog.witness import SIZE_TYPE, AddCheckpoint
from gateway_audit.tlog.words import read_number

TIMEOUT_S: Final = 10.0
_MAX_REPLY_BYTES: Final = 64 * 1024


class WitnessProblem(Exception):
    """
    A witness did not cosign; says why.
    """


class WitnessAhead(WitnessProblem):
    """
    A witness saw a larger tree than there is: the log may have been set back.
    """


@attrs.define(kw_only=True)
class WitnessClient:
    """
    One witness, and what it saw last.

    Attributes:
        url: Its submission prefix.
        key: By which its cosignatures are believed; without it any of them is passed on.
        seen: The size that it cosigned last, as far as known.
    """

    url: str
    key: VerifierKey | None = None
    seen: int = 0
    timeout_s: float = TIMEOUT_S

    def ask(self, signed: Signed, tree: Tree) -> tuple[Signature, ...]:
        """
        Have *signed* cosigned; *tree* is the one that it is of, or grew from it.

        Raises:
            WitnessProblem: It was not.
        """
        size = signed.checkpoint.size
        for _ in range(2):  # once more if it saw another size than we thought
            if self.seen > size:
                raise WitnessAhead(f"it saw a tree of {self.seen}, this one has {size}")
            status, kind, body = self._post(self._request(signed, tree))
            if status == 200:
                found = self._checked(signed, body)
                self.seen = size
                return found
            if status != 409 or kind != SIZE_TYPE:
                raise WitnessProblem(f"it answered {status}")
            self.seen = _size(body)
        raise WitnessProblem("it has a tree of this size, and it is another one")

    def _request(self, signed: Signed, tree: Tree) -> bytes:
        size = signed.checkpoint.size
        try:
            hashes = prove_consistency(self.seen, size, tree.subtree)
        except TlogError as exc:
            raise WitnessProblem(f"the growth cannot be proven: {exc}") from None
        return bytes(AddCheckpoint(old=self.seen, hashes=tuple(hashes), signed=signed))

    def _post(self, body: bytes) -> tuple[int, str, bytes]:
        request = Request(  # noqa: S310 - the scheme was looked at with the settings
            f"{self.url.rstrip('/')}/add-checkpoint", data=body, method="POST"
        )
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        try:
            with build_opener().open(request, timeout=self.timeout_s) as reply:
                kind = reply.headers.get_content_type()
                return reply.status, kind, reply.read(_MAX_REPLY_BYTES)
        except HTTPError as exc:
            with exc:
                return exc.code, exc.headers.get_content_type(), exc.read(1024)
        except (URLError, OSError, HTTPException) as exc:
            raise WitnessProblem(f"it cannot be reached: {exc}") from None

    def _checked(self, signed: Signed, body: bytes) -> tuple[Signature, ...]:
        """
        Return the cosignatures that hold.
        """
        try:
            found = parse_signatures(body)
            if self.key is None:
                return tuple(found)
            known = [one for one in found if self._is_mine(one)]
            for one in known:
                self.key.check(signed.note.text, one.content)
        except (Malformed, Unproven) as exc:
            raise WitnessProblem(f"its answer is not believed: {exc}") from None
        if not known:
            raise WitnessProblem("it answered with no signature of its key")
        return tuple(known)

    def _is_mine(self, signature: Signature) -> bool:
        key = self.key
        return key is not None and (signature.name, signature.id) == (key.name, key.id)


def _size(body: bytes) -> int:
    try:
        return read_number(body.decode("ascii").removesuffix("\n"), "a size")
    except (UnicodeDecodeError, Malformed):
        raise WitnessProblem("it answered 409 without a size") from None
