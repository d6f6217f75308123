"""
Rules: ``/api/guardrails/rules``.

A body's ``rule`` is what the settings file would have below the rule's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from gateway.errors import ConfigError, Problem
from gateway.management import ApiError, actor_of, json_response, note_change
from gateway.settings.problems import path_of
from gateway_guardrails.api.queries import body_of, refused, text_in
from gateway_guardrails.api.shapes import HIDDEN, holds_hidden, rule_shape
from gateway_guardrails.events import GuardrailChanged
from gateway_guardrails.policy.checking import model_problems, secret_problems
from gateway_guardrails.policy.rules import (
    NamedRule,
    document_of,
    problems_of,
    read_rule,
    scope_of,
)
from gateway_guardrails.policy.store import Conflict
from gateway_guardrails.settings import RuleSettings, stranger_faults

if TYPE_CHECKING:
    from gateway_guardrails.warden import Warden

_STATUSES: Final = {
    "not_there": 404,
    "name_taken": 409,
    "changed": 409,
    "too_many": 409,
}
_CODES: Final = {"not_there": "guardrail_not_found"}
_MAX_NAME: Final = 64


@attrs.frozen(eq=False)
class RuleRoutes:
    """
    Answers for rules.
    """

    warden: Callable[[], Warden]

    async def list(self, request: web.Request) -> web.Response:
        """
        List them, those of the settings file first.
        """
        watch = self.warden().watch
        await watch.refresh()
        return json_response({"rules": [rule_shape(each) for each in watch.rules()]})

    async def get(self, request: web.Request) -> web.Response:
        """
        Show one.
        """
        return json_response(rule_shape(await self._find(request)))

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one.
        """
        body = await body_of(request, ("name", "rule"), required=("name", "rule"))
        name = text_in(body, "name", most=_MAX_NAME)
        rule = await self._read(name, body["rule"])
        warden = self.warden()
        if name in warden.settings.rules:
            raise ApiError(409, "name_taken", f"{name} is declared in {self._file()}.")
        try:
            stored = await warden.store.create(name, rule)
        except Conflict as conflict:
            raise _refusal(conflict) from None
        await self._tell(request, name, "created", None, rule)
        return json_response(self._told(stored), 201)

    async def update(self, request: web.Request) -> web.Response:
        """
        Put another rule in the place of one.
        """
        before = await self._find(request, changes=True)
        body = await body_of(request, ("rule", "revision"), required=("rule",))
        rule = await self._read(before.name, body["rule"])
        revision = _revision(body)
        try:
            stored = await self.warden().store.replace(
                before.name, rule, revision=revision
            )
        except Conflict as conflict:
            raise _refusal(conflict) from None
        await self._tell(request, before.name, "changed", before.rule, rule)
        return json_response(self._told(stored))

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove one.
        """
        before = await self._find(request, changes=True)
        try:
            await self.warden().store.remove(before.name)
        except Conflict as conflict:
            raise _refusal(conflict) from None
        await self._tell(request, before.name, "removed", before.rule, None)
        return json_response({"removed": before.name})

    # --- what they share --------------------------------------------------------------------

    async def _find(self, request: web.Request, *, changes: bool = False) -> NamedRule:
        """
        Return the rule that the path names.

        Args:
            changes: It is to be changed, which one of the settings file is there alone.
        """
        watch, name = self.warden().watch, request.match_info["name"]
        await watch.refresh()
        found = next((each for each in watch.rules() if each.name == name), None)
        if found is None:
            message = "There is no guardrail of this name."
            raise ApiError(404, "guardrail_not_found", message)
        if changes and found.is_declared:
            message = (
                f"Nothing was changed: {name} is declared in {self._file()}, which alone "
                f"changes it: edit plugins.guardrails.rules.{name} there and reload."
            )
            raise ApiError(409, "declared", message)
        return found

    async def _read(self, name: str, document: Any) -> RuleSettings:
        """
        Read a rule and check it against the detectors that there are, and by making it.

        Raises:
            ApiError: 400, with every problem.
        """
        if not isinstance(document, dict):
            raise refused("rule: must be a JSON object.")
        if holds_hidden(document):
            message = (
                f"rule: {HIDDEN} stands where a text was not shown, for it looks like a "
                "credential: write what it is, or a reference."
            )
            raise refused(message)
        warden = self.warden()
        watch = warden.watch
        try:
            named = NamedRule(
                name=name, rule=read_rule(document, name), is_declared=False
            )
            problems = [
                *problems_of(named, warden.settings.defaults, watch.maker.kinds),
                *(
                    Problem(fault.message, path=path_of(("rules", name, *fault.steps)))
                    for fault in stranger_faults(
                        named.rule, warden.gateway.settings.providers
                    )
                ),
            ]
            problems += await asyncio.to_thread(self._missing, named)
            if problems:
                raise ConfigError(problems)
            # Made and let go: what cannot be made is told to who writes it.
            made = await asyncio.to_thread(watch.maker.guardrail, named)
        except ConfigError as exc:
            raise _invalid(exc) from None
        await watch.maker.close(made)
        return named.rule

    def _told(self, stored: NamedRule) -> dict[str, Any]:
        """
        Write what was stored, and what of it may be meant otherwise: whom it names may come.
        """
        scope = scope_of(stored.rule.applies_to)
        warnings = self.warden().attachment(scope).strangers
        return {**rule_shape(stored), "warnings": list(warnings)}

    def _missing(self, named: NamedRule) -> tuple[Problem, ...]:
        """
        List the secrets and models that the detectors of *named* need and that are not there.
        """
        gateway = self.warden().gateway
        kinds, check_model = gateway.detectors, gateway.runtime.router.check_model
        return (
            *secret_problems(named.rule, kinds, gateway.secrets),
            *model_problems(named.rule, kinds, check_model),
        )

    async def _tell(
        self,
        request: web.Request,
        name: str,
        action: str,
        before: RuleSettings | None,
        after: RuleSettings | None,
    ) -> None:
        warden = self.warden()
        await warden.watch.refresh()
        warden.gateway.broadcast(
            GuardrailChanged(
                at=warden.gateway.clock.now(),
                actor=actor_of(request).name,
                name=name,
                action=action,
            )
        )
        note_change(
            request,
            f"guardrails.rule/{name}",
            before=None if before is None else document_of(before),
            after=None if after is None else document_of(after),
            details={"name": name, "action": action},
        )

    def _file(self) -> str:
        source = self.warden().gateway.settings.source
        return str(source) if source is not None else "the settings"


def _revision(body: dict[str, Any]) -> int | None:
    told = body.get("revision")
    if told is not None and type(told) is not int:
        raise refused("revision: must be a whole number.")
    return told


def _invalid(error: ConfigError) -> ApiError:
    """
    Tell of every problem of a rule at once.
    """
    problems = [
        {"path": problem.path, "message": problem.message} for problem in error.problems
    ]
    first = error.problems[0]
    place = f"{first.path}: " if first.path else ""
    message = f"Nothing was changed: {place}{first.message}."
    return ApiError(400, "guardrail_invalid", message, problems=problems)


def _refusal(conflict: Conflict) -> ApiError:
    code = _CODES.get(conflict.code, conflict.code)
    message = f"Nothing was changed: {conflict}."
    return ApiError(_STATUSES[conflict.code], code, message)
