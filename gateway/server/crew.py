"""
The workers as the supervisor asks them: one question to all, or to the first who answers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import structlog

from gateway.errors import ExchangeError, Problem, Unavailable
from gateway.events import event_as_dict
from gateway.management import actor_of
from gateway.metrics import merge
from gateway.server.control import RELOAD_S, Link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aiohttp import web

    from gateway.events import Event
    from gateway.server.explaining import Ask
    from gateway.server.launch import Launch
    from gateway.settings import Settings

log = structlog.get_logger("gateway.supervisor")


class Crew:
    """
    The workers who answer on *sockets*, in their order.
    """

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._links = [Link(socket) for socket in sockets]

    async def close(self) -> None:
        """
        Close the connections.
        """
        for link in self._links:
            await link.close()

    async def _ask_all(self, path: str) -> list[tuple[int, Any]]:
        """
        Ask every worker; those that do not answer are left out.
        """
        answers = await asyncio.gather(
            *(link.ask("GET", path) for link in self._links), return_exceptions=True
        )
        return [
            (index, answer)
            for index, answer in enumerate(answers)
            if not isinstance(answer, BaseException)
        ]

    async def _ask_one(self, method: str, path: str, document: Any) -> Any:
        """
        Ask the first worker that answers.

        Raises:
            Unavailable: None does.
            Refused: Its answer is an error.
        """
        for link in self._links:
            try:
                return await link.ask(method, path, document)
            except Unavailable:
                continue
        raise nobody()

    async def statuses(self) -> dict[int, dict[str, Any]]:
        """
        Ask what each worker does; by its index.
        """
        return dict(await self._ask_all("/control/status"))

    async def plugins(self) -> list[dict[str, Any]]:
        """
        List the plugins: counts are summed, times are those of the slowest worker.
        """
        said = await self._ask_all("/control/plugins")
        return merge_plugins([listing for _, listing in said])

    async def trace(self, request_id: str, actor: str) -> dict[str, Any] | None:
        """
        Find what is remembered of an exchange, whoever served it, or kept by a plugin.
        """
        step = quote(request_id, safe="")
        found: dict[str, Any] | None
        for _, found in await self._ask_all(f"/control/traces/{step}"):
            if found is not None:
                return found
        path = f"/control/recall/{step}?actor={quote(actor, safe='')}"
        found = await self._ask_one("GET", path, None)
        return found

    async def explain(self, ask: Ask) -> dict[str, Any]:
        """
        Let one worker run dry.
        """
        document = ask.as_dict()
        verdict: dict[str, Any] = await self._ask_one(
            "POST", "/control/explain", document
        )
        return verdict

    async def health(self) -> list[dict[str, Any]]:
        """
        List what each worker found out about providers.
        """
        return [
            {**place, "worker": index}
            for index, places in await self._ask_all("/control/health")
            for place in places
        ]

    async def metrics(self) -> bytes:
        """
        Sum what every worker counted.
        """
        found = await asyncio.gather(
            *(link.fetch("/control/metrics") for link in self._links),
            return_exceptions=True,
        )
        return merge([text for text in found if isinstance(text, bytes)])

    async def publish(self, event: Event) -> None:
        """
        Tell the plugins of one worker.
        """
        try:
            await self._ask_one("POST", "/control/events", event_as_dict(event))
        except ExchangeError as error:
            kind = type(event).__name__
            log.warning("event not published", kind=kind, why=str(error))

    async def tell(self, event: Event) -> None:
        """
        Tell the plugins of one worker, and wait until they are done with it.

        Raises:
            Refused: They are not, or no worker answers.
        """
        await self._ask_one("POST", "/control/events/settled", event_as_dict(event))

    async def forward(self, index: int, request: web.Request) -> web.Response:
        """
        Hand *request*, of somebody who was let in, to one worker.
        """
        return await self._links[index].forward(request, actor_of(request))

    # --- settings ---------------------------------------------------------------------------

    async def objections(self, launch: Launch, settings: Settings) -> list[Problem]:
        """
        Let every worker try *settings*; list why some would not go by them.
        """
        document = {"launch": launch.as_dict()}
        path = "/control/settings/try"
        answers = await asyncio.gather(
            *(
                link.ask("POST", path, document, timeout_s=RELOAD_S)
                for link in self._links
            ),
            return_exceptions=True,
        )
        return [
            problem
            for index, answer in enumerate(answers)
            for problem in _objections(index, answer, settings)
        ]

    async def apply(
        self, index: int, launch: Launch, actor: str, *, is_echo: bool
    ) -> str:
        """
        Let one worker go by the settings of *launch*; returns why it does not.

        Args:
            is_echo: Another worker told of the same change already.
        """
        document = {"launch": launch.as_dict(), "actor": actor, "is_echo": is_echo}
        try:
            await self._links[index].ask(
                "POST", "/control/settings/apply", document, timeout_s=RELOAD_S
            )
        except ExchangeError as error:
            log.warning("worker differs", worker=index, why=str(error))
            return str(error)
        return ""


def nobody() -> Unavailable:
    """
    Make the error for a moment in which there is no worker.
    """
    msg = "No worker answers at the moment; try again."
    return Unavailable(msg, code="worker_unavailable", retry_after_s=1.0)


def _objections(index: int, answer: Any, settings: Settings) -> Sequence[Problem]:
    """
    List why a worker would not go by *settings*.
    """
    if isinstance(answer, ExchangeError):
        told = answer.details.get("problems")
        if told:
            return [Problem(**problem) for problem in told]
        return [Problem(f"worker {index}: {answer}")]
    if isinstance(answer, BaseException):
        return [Problem(f"worker {index}: {type(answer).__name__}")]
    if answer.get("digest") != settings.digest:
        return [Problem(f"worker {index} read other settings")]
    return []


def merge_plugins(listings: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """
    Put together what several workers say of the same plugins.
    """
    merged: dict[str, dict[str, Any]] = {}
    for plugin in (plugin for listing in listings for plugin in listing):
        known = merged.get(plugin["name"])
        if known is None:
            merged[plugin["name"]] = dict(plugin)
            continue
        for count in ("calls", "total_us", "errors", "failed_open", "refused"):
            known[count] += plugin[count]
        for time in ("p50_us", "p99_us"):
            known[time] = max(known[time], plugin[time])
        known["last_error"] = known["last_error"] or plugin["last_error"]
    return list(merged.values())
