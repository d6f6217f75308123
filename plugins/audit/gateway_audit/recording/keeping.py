"""
Keeps requests, answers and changes of the settings, where the operator wants them.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import attrs

from gateway import Exchange, codec
from gateway_audit.bodies.sealing import seal
from gateway_audit.bodies.shelf import Shelf
from gateway_audit.recording.settings_diff import SettingsDiff
from gateway_audit.recording.sheet import Sheet
from gateway_audit.settings import BodySettings, Kept
from gateway_audit.subjects.register import Subject

#: What an entry says of a body that the disk did not take.
LOST: Final[dict[str, Any]] = {
    "kept": "none",
    "withheld": ["it could not be stored"],
}


@attrs.define(eq=False, kw_only=True)
class Keeping:
    """
    Encrypts bodies and puts them on the shelf.

    Args:
        is_durable: Wait until those of requests are on the disk.
    """

    settings: BodySettings
    shelf: Shelf
    is_durable: bool
    #: Whether the last body could not be stored.
    is_failing: bool = attrs.field(default=False, init=False)

    async def be_ready(self, exchange: Exchange) -> None:
        """
        Make sure, where a body could not be stored, that one can be now.

        Otherwise each request would be sent, and paid, of which nobody may have the answer.

        Raises:
            OSError: It cannot.
        """
        if self.is_failing and self.kept_of(exchange) != "none":
            await self.look()

    async def look(self) -> None:
        """
        Find out whether a body can be stored.

        Raises:
            OSError: It cannot.
        """
        try:
            await asyncio.to_thread(self.shelf.have_room, self.settings.max_bytes)
        except OSError:
            self.is_failing = True
            raise
        self.is_failing = False

    def kept_of(self, exchange: Exchange) -> Kept:
        """
        Tell what is kept of *exchange*: the narrowest scope that says something counts.
        """
        settings, who = self.settings, exchange.identity
        if who is not None:
            for scope, names in (
                (settings.virtual_keys, (who.key_name, who.key_id)),
                (settings.teams, (who.facts.get("team_name"), who.team_id)),
            ):
                for name in names:
                    if name is not None and name in scope:
                        return scope[name]
        return settings.models.get(exchange.request.model, settings.default)

    async def keep(
        self, exchange: Exchange, sheet: Sheet, subject: Subject, name: str
    ) -> dict[str, Any]:
        """
        Store what is kept of *exchange*.

        Returns:
            What the outcome says of it.

        Raises:
            OSError: It cannot be stored.
        """
        said, withheld = self._said(exchange, sheet)
        return await self._store(
            said, sheet.kept, withheld, subject, name, is_durable=self.is_durable
        )

    async def keep_change(
        self, diff: SettingsDiff, subject: Subject, name: str
    ) -> dict[str, Any]:
        """
        Store what a change of the settings changed, durably as its entry is; otherwise as `keep`.
        """
        withheld = []
        if diff.left_out:
            withheld.append(
                f"settings: {diff.left_out} more paths, beyond {self.settings.max_bytes} bytes"
            )
        if not diff.paths and not diff.left_out:
            withheld.append("settings: what changed is nowhere shown")
        said = {"settings": diff.paths}
        return await self._store(
            said, "redacted", withheld, subject, name, is_durable=True
        )

    async def _store(
        self,
        said: dict[str, Any],
        kept: Kept,
        withheld: list[str],
        subject: Subject,
        name: str,
        *,
        is_durable: bool,
    ) -> dict[str, Any]:
        plain = codec.dumps(said)
        try:
            sealed = await asyncio.to_thread(
                self._put, plain, subject, name, is_durable=is_durable
            )
        except OSError:
            self.is_failing = True
            raise
        self.is_failing = False
        return {
            "bytes": len(sealed[0]),
            "commitment": sealed[2],
            "kept": kept,
            "name": name,
            "sha256": sealed[1],
            "subject": subject.pseudonym,
            "withheld": withheld,
        }

    def _put(
        self, plain: bytes, subject: Subject, name: str, *, is_durable: bool
    ) -> tuple[bytes, str, str]:
        sealed = seal(plain, name=name, subject_key=subject.key)
        self.shelf.put(subject.pseudonym, name, sealed.content, is_durable=is_durable)
        return sealed.content, sealed.sha256, sealed.commitment

    def _said(
        self, exchange: Exchange, sheet: Sheet
    ) -> tuple[dict[str, Any], list[str]]:
        withheld = []
        request = sheet.came
        if sheet.kept == "redacted":
            attempt = exchange.attempt
            request = None if attempt is None else attempt.request.encode()
            if request is None:
                withheld.append("request: nothing was sent upstream")
        response = self._response(exchange, sheet)
        if sheet.kept == "redacted" and exchange.is_restored:
            response = None
            withheld.append("response: originals were restored in it")
        said = {
            "request": self._cut(request, "request", withheld),
            "response": self._cut(response, "response", withheld),
        }
        return said, withheld

    @staticmethod
    def _response(exchange: Exchange, sheet: Sheet) -> bytes | None:
        if sheet.frames:
            return b"".join(sheet.frames)
        return None if exchange.response is None else exchange.response.encode()

    def _cut(self, raw: bytes | None, what: str, withheld: list[str]) -> str | None:
        if raw is None:
            return None
        most = self.settings.max_bytes
        if len(raw) > most:
            withheld.append(f"{what}: beyond {most} bytes")
        return raw[:most].decode(errors="replace")
