"""
The routes of virtual keys.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from aiohttp import web

from gateway.errors import NotAllowed, NotAuthenticated
from gateway.management import json_response
from gateway_governance.api import limits as wire_limits
from gateway_governance.api.bodies import Body, read_body
from gateway_governance.api.entities import EntityRoutes
from gateway_governance.api.limits import LimitWriter, read_limits
from gateway_governance.api.office import aside, list_response
from gateway_governance.api.paging import read_selection
from gateway_governance.api.shapes import Shapes
from gateway_governance.credentials import credential_of
from gateway_governance.entities import (
    ANY,
    Customer,
    KeyValue,
    Owner,
    OwnerKind,
    ProviderConfig,
    Team,
    VirtualKey,
)
from gateway_governance.snapshot import Found
from gateway_governance.values import Mint, new_id

#: An old value may go on for a quarter of a year.
MAX_OVERLAP_S: Final = 92 * 86_400
#: Values that one key may have at a time.
MAX_VALUES: Final = 5
#: Names of the provider's credentials, which are no business of those who call.
_OPERATORS: Final = frozenset({"keys", "key_ids", "allow_all_keys"})


class VirtualKeyRoutes(EntityRoutes[VirtualKey]):
    """
    Answers for virtual keys.
    """

    kind = key = "virtual_key"

    async def list(self, request: web.Request) -> web.Response:
        """
        List them.
        """
        selection = read_selection(
            request,
            {"team_id": "team_id", "customer_id": "customer_id"},
            {"is_active": "is_active", "is_declared": "is_declared"},
        )
        snapshot = await self.office.snapshot(request)
        keys, total = await aside(
            len(snapshot.keys), selection.of, snapshot.keys.values()
        )
        shapes = await self.office.shapes(snapshot, keys, counts=True)
        items = [shapes.virtual_key(key) for key in keys]
        return list_response(
            request, "virtual_keys", items, total=total, page=selection.page
        )

    def blank(self, body: Body) -> VirtualKey:
        """
        Make a key without a name.
        """
        return VirtualKey(id=f"vk_{new_id()}", name="")

    def read(self, body: Body, before: VirtualKey) -> VirtualKey:
        """
        Read a virtual key over what it was.
        """
        return read_key(body, before)

    async def document(
        self, entity: VirtualKey, value: str | None = None
    ) -> dict[str, Any]:
        """
        Write a virtual key; its *value* once alone, when it is new.
        """
        snapshot = self.office.governor().watch.snapshot
        shapes = await self.office.shapes(snapshot, [entity], counts=True)
        return shapes.virtual_key(entity, value)

    async def create(self, request: web.Request) -> web.Response:
        """
        Create one; the only answer that shows its value.
        """
        await self.office.snapshot()
        body = await read_body(request)
        value, known = self._value(body)
        key = read_key(body, self.blank(body), is_new=True)
        key = attrs.evolve(key, values=(known,))
        body.check()
        stored = await self.office.put(request, key)
        return self.done("created", await self.document(stored, value))

    async def rotate(self, request: web.Request) -> web.Response:
        """
        Give one a new value; those before it hold for ``overlap_s`` more seconds.
        """
        key = await self.office.find(request, self.kind)
        body = await read_body(request)
        overlap_s = body.whole("overlap_s", 0) or 0
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            body.blame("overlap_s", f"must be from 0 to {MAX_OVERLAP_S}")
        value, known = self._value(body)
        before = _overlapping(key, self.office.now(), overlap_s)
        if known.lookup in {one.lookup for one in _holding(key, self.office.now())}:
            body.blame("value", "is the key's already: only another one ends it")
        if len(before) >= MAX_VALUES:
            message = f"{MAX_VALUES} values of a key hold at most; without it they end"
            body.blame("overlap_s", message)
        body.check()
        rotated = attrs.evolve(key, values=(known, *before))
        stored = await self.office.put(request, rotated, replaces=key, action="rotated")
        return self.done("rotated", await self.document(stored, value))

    async def quota(self, request: web.Request) -> web.Response:
        """
        Show the caller's own key what is left of it: the key is the credential.
        """
        found = self._caller(request)
        snapshot = self.office.governor().watch.snapshot
        owners = [*found.chain, *_config_owners(found.key)]
        writer = await self.office.limits(snapshot, owners, for_callers=True)
        shapes = Shapes(snapshot=snapshot, limits=writer)
        return json_response(_quota(found, shapes, writer))

    def _caller(self, request: web.Request) -> Found:
        value = credential_of(request.headers)
        if value is None:
            msg = "A virtual key is required: send it as Authorization: Bearer."
            raise NotAuthenticated(msg, code="virtual_key_required")
        snapshot = self.office.governor().watch.snapshot
        found = snapshot.find(value, self.office.now())
        if found is None:
            msg = "The virtual key does not exist or has been revoked."
            raise NotAuthenticated(msg, code="virtual_key_not_found")
        if found.block:
            msg = f"The virtual key may not be used: {found.block}."
            raise NotAllowed(msg, code="virtual_key_blocked")
        return found

    def _value(self, body: Body) -> tuple[str, KeyValue]:
        """
        Make a value, or take the caller's own.
        """
        mint: Mint = self.office.governor().store.mint
        told = body.text("value")
        if told is None:
            return mint.make()
        try:
            return told, mint.of(told)
        except ValueError as exc:
            body.blame("value", str(exc))
            return mint.make()


def read_key(body: Body, before: VirtualKey, *, is_new: bool = False) -> VirtualKey:
    """
    Read a virtual key over what it was.
    """
    aligned = body.flag("calendar_aligned")
    limits = read_limits(body, before.limits)
    if aligned is None and not is_new:
        aligned = wire_limits.is_aligned(before.limits) or None
    name = body.required("name", before.name or None)
    team_id, customer_id = _belonging(body, before)
    models = body.texts("models", before.models)
    _refuse_tools(body)
    return attrs.evolve(
        before,
        name=name,
        description=body.text("description", before.description),
        team_id=team_id,
        customer_id=customer_id,
        models=models,
        provider_configs=_configs(body, before, aligned=aligned, is_new=is_new),
        is_active=body.flag("is_active", before.is_active),
        expires_at=body.moment("expires_at", before.expires_at),
        limits=limits,
        metadata=body.words("metadata", before.metadata),
    )


def _belonging(body: Body, before: VirtualKey) -> tuple[str | None, str | None]:
    """
    Read team and customer: who gets one leaves the other, unless both are named.
    """
    team_id = body.name("team_id", before.team_id)
    customer_id = body.name("customer_id", before.customer_id)
    if body.has("team_id") and team_id and not body.has("customer_id"):
        return team_id, None
    if body.has("customer_id") and customer_id and not body.has("team_id"):
        return None, customer_id
    return team_id, customer_id


def _refuse_tools(body: Body) -> None:
    if body.tables("mcp_configs"):
        body.blame("mcp_configs", "tools are not served here: leave it out")


def _configs(
    body: Body, before: VirtualKey, *, aligned: bool | None, is_new: bool
) -> tuple[ProviderConfig, ...] | None:
    """
    Read what the key may do with which provider.

    Where a new key says nothing at all of it, it may use nothing, as in Bifrost; a list of
    *models* says enough.
    """
    allows_all = body.flag("allow_all_providers")
    told = body.tables("provider_configs")
    if told and allows_all:
        body.blame("allow_all_providers", "leaves nothing for provider_configs to say")
    if allows_all:
        return None
    if told is None:
        if is_new:
            return None if body.has("models") and not body.is_null("models") else ()
        if allows_all is False and before.provider_configs is None:
            return ()
        return before.provider_configs
    known = {config.provider: config for config in before.provider_configs or ()}
    return tuple(_config(each, before.id, known, aligned) for each in told)


def _config(
    body: Body, key_id: str, known: dict[str, ProviderConfig], aligned: bool | None
) -> ProviderConfig:
    provider = body.required("provider")
    before = known.get(provider)
    if before is None:
        before = ProviderConfig(id=f"{key_id}:{new_id()}", provider=provider)
    # Numbers of Bifrost's and whose it is: the provider tells both.
    for told in ("id", "virtual_key_id"):
        body.has(told)
    config = attrs.evolve(
        before,
        weight=body.number("weight"),
        allowed_models=_models(body, "allowed_models"),
        blocked_models=_models(body, "blacklisted_models"),
        provider_keys=_models(body, "key_ids"),
        limits=read_limits(body, before.limits, aligned=aligned),
    )
    body.close()
    return config


def _models(body: Body, key: str) -> tuple[str, ...]:
    names = body.texts(key, ()) or ()
    if ANY in names and len(names) > 1:
        body.blame(key, '"*" is everything, and stands alone')
    return names


def _holding(key: VirtualKey, now: float) -> list[KeyValue]:
    """
    Return the values that the key can be shown by.
    """
    return [
        known
        for known in key.values
        if known.expires_at is None or known.expires_at > now
    ]


def _overlapping(key: VirtualKey, now: float, overlap_s: int) -> list[KeyValue]:
    """
    Return the values that hold for a while beside a new one.
    """
    ends = now + overlap_s
    return [
        attrs.evolve(known, expires_at=min(ends, known.expires_at or ends))
        for known in (_holding(key, now) if overlap_s else ())
    ]


def _config_owners(key: VirtualKey) -> list[Owner]:
    return [
        Owner(OwnerKind.PROVIDER_CONFIG, config.id)
        for config in key.provider_configs or ()
    ]


def _quota(found: Found, shapes: Shapes, writer: LimitWriter) -> dict[str, object]:
    """
    Write what a key may know of itself and of those whose limits it shares.
    """
    key = found.key
    told = shapes.virtual_key(key)
    kept = (
        *("budgets", "rate_limit", "rate_limits", "max_parallel", "in_flight"),
        *("models", "expires_at", "is_active", "calendar_aligned"),
    )
    above = {}
    for owner, entity in zip(found.chain[1:], _above(found), strict=True):
        times = entity.created_at, entity.updated_at
        limits = writer.limits(owner, entity.limits, times)
        above[owner.kind.value] = {"id": entity.id, "name": entity.name, **limits}
    return {
        "virtual_key_id": key.id,
        "virtual_key_name": key.name,
        "budgets": [],
        **{name: told[name] for name in kept if name in told},
        "provider_configs": [
            {name: value for name, value in config.items() if name not in _OPERATORS}
            for config in told["provider_configs"]
        ],
        **above,
    }


def _above(found: Found) -> list[Team | Customer]:
    return [one for one in (found.team, found.customer) if one is not None]
