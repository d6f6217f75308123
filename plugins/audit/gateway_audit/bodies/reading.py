"""
Opens what was kept beside an entry, for somebody who may: found, proven by the log, and decrypted.

The index finds the entry, and is no evidence: the entry must be the one that the log's newest
checkpoint counts.  The bytes must be those whose hash stands in that entry.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import Mapping
from typing import Any

import attrs

from gateway import codec
from gateway.management import ApiError
from gateway_audit.bodies.sealing import NotOpened, unseal
from gateway_audit.bodies.shelf import Shelf
from gateway_audit.index.reading import Found, IndexReader, Search
from gateway_audit.places import Places
from gateway_audit.retention.archives import ArchiveProblem
from gateway_audit.retention.keeper import Archives
from gateway_audit.retention.moving import bodies_path
from gateway_audit.retention.state import load_state
from gateway_audit.sequencing.files import Files
from gateway_audit.subjects.register import Register
from gateway_audit.tlog.checkpoints import Signed
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.merkle import prove_inclusion
from gateway_audit.tlog.proofs import Proof
from gateway_audit.tlog.tiles import WIDTH, Tree
from gateway_audit.verifying.trust import CHECKPOINT


@attrs.frozen(kw_only=True)
class OpenedBody:
    """
    A body that was opened.

    Attributes:
        index: The place of its entry in the log.
        request: The id of the request that it is of; None where it is of none.
        about: What the entry says of it.
        said: ``request`` and ``response``, each a text or None; or ``settings``, by path.
    """

    index: int
    request: str | None
    about: Mapping[str, Any]
    said: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, eq=False)
class BodyReader:
    """
    Reads bodies of one data directory; never waits on the event loop.

    Args:
        archives: Makes the archive of the log of a name.
    """

    index: IndexReader
    register: Register
    shelf: Shelf
    places: Places
    archives: Archives

    async def read(self, request_id: str) -> OpenedBody:
        """
        Open what was kept of the request *request_id*.

        Raises:
            ApiError: It cannot be opened; the code says why.
        """
        search = Search(equal={"request": request_id, "type": "outcome"})
        found = await self.index.search(search, 1)
        if not found:
            raise ApiError(
                404,
                "request_not_found",
                "The audit knows no finished request of this id, or its entry was pruned.",
            )
        return await asyncio.to_thread(self._open, found[0])

    async def read_entry(self, index: int) -> OpenedBody:
        """
        Open what was kept beside the entry *index* of the log.

        Raises:
            ApiError: It cannot be opened; the code says why.
        """
        found = await self.index.search(Search(after=index - 1), 1)
        if not found or found[0].place != index:
            msg = f"The audit has no entry {index}: not yet, or it was pruned."
            raise ApiError(404, "entry_not_found", msg)
        return await asyncio.to_thread(self._open, found[0])

    def _open(self, found: Found) -> OpenedBody:
        entry = codec.loads(found.entry)
        about = _about(entry)
        origin = self._prove(found)
        pseudonym, name = str(about["subject"]), str(about["name"])
        key = self._key(pseudonym)
        content = self._fetch(found.place, origin, pseudonym, name)
        digest = hashlib.sha256(content).hexdigest()
        if not hmac.compare_digest(digest, str(about["sha256"])):
            raise ApiError(
                500,
                "body_changed",
                "The bytes that are stored are not those whose hash stands in the log: "
                "somebody changed them.",
            )
        try:
            plain = unseal(
                content, name=name, subject_key=key, commitment=str(about["commitment"])
            )
        except NotOpened as exc:
            msg = f"The body does not open with the person's key: {exc}."
            raise ApiError(500, "body_not_opened", msg) from None
        return OpenedBody(
            index=found.place,
            request=entry.get("request"),
            about=about,
            said=codec.loads(plain),
        )

    def _prove(self, found: Found) -> str:
        """
        Check that the entry is the log's own; return the log's name.
        """
        read = Files(self.places.log).read
        try:
            signed = Signed.parse(read(CHECKPOINT))
            size = signed.checkpoint.size
            if found.place >= size:
                msg = "Its entry is not signed yet: ask again in a second."
                raise ApiError(409, "entry_not_signed", msg)
            hashes = prove_inclusion(found.place, size, Tree(size, read).subtree)
            proof = Proof(index=found.place, hashes=tuple(hashes), signed=signed)
            proof.check(found.entry)
        except (TlogError, FileNotFoundError) as exc:
            msg = f"The index has entry {found.place} otherwise than the log: {exc}."
            raise ApiError(500, "entry_unproven", msg) from None
        return signed.checkpoint.origin

    def _key(self, pseudonym: str) -> bytes:
        try:
            subject = self.register.find_pseudonym(pseudonym)
        except sqlite3.Error as exc:
            msg = f"The register of persons cannot be read: {exc}."
            raise ApiError(503, "register_unreadable", msg) from None
        if subject is None:
            raise ApiError(
                410,
                "subject_erased",
                f"The person {pseudonym} was erased, and the body's key with it: nobody can "
                "open it any more.",
            )
        return subject.key

    def _fetch(self, index: int, origin: str, pseudonym: str, name: str) -> bytes:
        """
        Get the sealed bytes from the shelf, or else from the archive.
        """
        content = self.shelf.get(pseudonym, name)
        archive = self.archives(origin) if content is None else None
        if archive is not None:
            try:
                content = archive.get(f"{bodies_path(index // WIDTH)}/{name}")
            except ArchiveProblem as exc:
                msg = f"The archive cannot be asked: {exc}."
                raise ApiError(503, "archive_unavailable", msg) from None
        if content is not None:
            return content
        min_index = load_state(Files(self.places.root), origin).min_index
        if index < min_index:
            msg = f"The body was pruned, with all entries before {min_index}."
            raise ApiError(410, "body_pruned", msg)
        msg = "The body was kept, and is neither here nor in the archive."
        raise ApiError(500, "body_missing", msg)


def _about(entry: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what *entry* says of its body.

    Raises:
        ApiError: There is none.
    """
    about = entry.get("body")
    if isinstance(about, dict) and Shelf.is_name(
        about.get("subject"), about.get("name")
    ):
        return about
    why = "; ".join(about.get("withheld", ())) if isinstance(about, dict) else ""
    what = "request" if entry.get("request") else "entry"
    msg = f"Nothing was kept of this {what}: {why or 'plugins.audit.bodies says none'}."
    raise ApiError(404, "body_not_kept", msg)
