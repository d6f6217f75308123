"""
What there is to look with, where it looks, and a look at a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from aiohttp import web

from gateway.errors import ConfigError, Problem
from gateway.management import ApiError, json_response
from gateway.settings import Unread
from gateway_guardrails.api.queries import body_of, refused, text_in
from gateway_guardrails.api.shapes import cover_shape, detector_shape
from gateway_guardrails.policy.coverage import UNSEEN, coverage
from gateway_guardrails.policy.guardrail import Guardrail
from gateway_guardrails.policy.rules import NamedRule
from gateway_guardrails.settings import RuleSettings
from gateway_guardrails.trying import MAX_CHARACTERS, look, looked_shape, place_at

if TYPE_CHECKING:
    from gateway.detecting import Stage
    from gateway_guardrails.warden import Warden

#: What a rule is called that stands nowhere: detectors that are tried by themselves.
TRIED: Final = "(test)"
_MEMBERS: Final = ("text", "stage", "role", "kind", "guardrails", "detectors")


@attrs.frozen(eq=False)
class LookingRoutes:
    """
    Answers about detectors and coverage, and tries them.
    """

    warden: Callable[[], Warden]

    async def detectors(self, request: web.Request) -> web.Response:
        """
        List the detectors that rules may name.
        """
        kinds = self.warden().gateway.detectors
        shapes = [detector_shape(kinds[name]) for name in sorted(kinds)]
        return json_response({"detectors": shapes})

    async def coverage(self, request: web.Request) -> web.Response:
        """
        Tell what each guardrail can do where.
        """
        warden = self.warden()
        snapshot = await warden.watch.refresh()
        covers = coverage(
            snapshot.guardrails,
            warden.gateway.dialects.values(),
            embeddings=warden.settings.embeddings,
            attachment=warden.attachment,
        )
        return json_response(
            {
                "version": snapshot.version,
                "coverage": [cover_shape(cover) for cover in covers],
                "unseen": list(UNSEEN),
            }
        )

    async def test(self, request: web.Request) -> web.Response:
        """
        Look at a text with the rules in force, some of them, or detectors; nothing is kept.
        """
        body = await body_of(request, _MEMBERS, required=("text",))
        text = text_in(body, "text", most=MAX_CHARACTERS)
        stage = cast("Stage", body.get("stage", "input"))
        if stage not in ("input", "output"):
            raise refused("stage: must be input or output.")
        role, kind = (_word(body, name) for name in ("role", "kind"))
        guardrails = await self._guardrails(body)
        place = place_at(stage, role, kind)
        try:
            looked = await look(guardrails, text, place)
        finally:
            if "detectors" in body:
                for guardrail in guardrails:
                    await self.warden().watch.maker.close(guardrail)
        return json_response(looked_shape(looked))

    async def _guardrails(self, body: dict[str, Any]) -> Sequence[Guardrail]:
        watch = self.warden().watch
        if "detectors" in body:
            if "guardrails" in body:
                raise refused("detectors: not together with guardrails.")
            return [await self._of_detectors(body["detectors"])]
        snapshot = await watch.refresh()
        names = body.get("guardrails")
        if names is None:
            return snapshot.guardrails
        found = []
        for name in _names(names):
            guardrail = snapshot.find(name)
            if guardrail is None:
                message = f"There is no guardrail {name[:64]} in force."
                raise ApiError(404, "guardrail_not_found", message)
            found.append(guardrail)
        return found

    async def _of_detectors(self, told: Any) -> Guardrail:
        if not isinstance(told, list) or not told:
            raise refused("detectors: must be a list of words or tables.")
        try:
            unread = tuple(
                Unread.of(each, f"detectors[{index}]")
                for index, each in enumerate(told)
            )
            rule = RuleSettings(detectors=unread, action="flag")
            named = NamedRule(name=TRIED, rule=rule, is_declared=False)
            return await asyncio.to_thread(self.warden().watch.maker.guardrail, named)
        except ConfigError as exc:
            raise refused(f"{_first(exc.problems)}.") from None


def _word(body: dict[str, Any], name: str) -> str | None:
    return text_in(body, name, most=64) if body.get(name) is not None else None


def _names(told: Any) -> list[str]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise refused("guardrails: must be a list of names.")
    return told


def _first(problems: Sequence[Problem]) -> Problem:
    return problems[0]
