"""
Everything that is known of who may call what, at one moment; it never changes.

A change makes a new snapshot that shares what did not change, so that one key more costs the same
among ten keys and among a hundred thousand; and so does a look-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import attrs

from gateway import CallerKind, Identity
from gateway_governance.checks import Entity
from gateway_governance.entities import (
    NO_LIMITS,
    Budget,
    Customer,
    KeyValue,
    Limits,
    ModelConfig,
    Owner,
    OwnerKind,
    PricingOverride,
    ProviderConfig,
    RoutingRule,
    Team,
    Unit,
    VirtualKey,
)
from gateway_governance.ledger.meters import Demand, Meter, meters_of
from gateway_governance.names import Names
from gateway_governance.overlay import Overlay
from gateway_governance.values import STRANGER, Mint

#: Answers that a snapshot remembers of each kind; then it forgets all and begins anew.
MAX_REMEMBERED: Final = 20_000

Block = Literal["", "inactive", "expired", "team removed", "customer removed"]

_BEFORE_TARGET: Final = frozenset({Unit.REQUESTS, Unit.IN_FLIGHT})
_WITH_TARGET: Final = frozenset({Unit.MONEY, Unit.TOKENS})
_EVERY: Final = frozenset(Unit)
#: Matches nothing: compared with where nothing was found, so that both take the same time.
_NOBODYS: Final = KeyValue(lookup="", digest=bytes(32))

_NO_FACTS: Final[Mapping[str, str]] = MappingProxyType({})

V = TypeVar("V")


@attrs.frozen(kw_only=True)
class Change:
    """
    One entity that is another from now on.

    Attributes:
        entity: None: it is gone.
    """

    kind: str
    id: str
    entity: Entity | None


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """
    A virtual key, and those it belongs to.

    Attributes:
        chain: The owners of limits, innermost first.
        identity: The same for other plugins.
        block: Why it may not be used; "" if it may.
        place: What it is remembered by: the key's id, with the team's where the request named it.
    """

    key: VirtualKey
    team: Team | None
    customer: Customer | None
    chain: tuple[Owner, ...]
    identity: Identity
    block: Block = ""
    place: str

    @property
    def is_attributed(self) -> bool:
        """
        Whether the request named the team, and not the key.
        """
        return self.place != self.key.id


@attrs.frozen(kw_only=True, eq=False)
class Snapshot:
    """
    All entities, and where to find them.

    Attributes:
        generation: Of the database, when they were read.
        now: Unix seconds: limits that are raised for a time have the value of this moment.
        by_lookup: Virtual keys by where their values are found; of those that are declared,
            *declared_values*.
        teams_by_name: No two have the same.
        declared_values: Lookup -> (the key's id, what is kept of the value).
    """

    mint: Mint
    generation: int = 0
    now: float = 0.0
    customers: Overlay[str, Customer] = attrs.field(factory=lambda: Overlay({}))
    teams: Overlay[str, Team] = attrs.field(factory=lambda: Overlay({}))
    keys: Overlay[str, VirtualKey] = attrs.field(factory=lambda: Overlay({}))
    model_configs: Overlay[str, ModelConfig] = attrs.field(factory=lambda: Overlay({}))
    rules: Overlay[str, RoutingRule] = attrs.field(factory=lambda: Overlay({}))
    overrides: Overlay[str, PricingOverride] = attrs.field(factory=lambda: Overlay({}))
    keys_by_lookup: Overlay[str, tuple[VirtualKey, KeyValue]] = attrs.field(
        factory=lambda: Overlay({}), repr=False
    )
    teams_by_name: Overlay[str, Team] = attrs.field(
        factory=lambda: Overlay({}), repr=False
    )
    declared_values: Mapping[str, tuple[str, KeyValue]] = attrs.field(
        factory=dict, repr=False
    )
    _shown: dict[bytes, tuple[VirtualKey, KeyValue]] = attrs.field(
        factory=dict, init=False, repr=False
    )
    _found: dict[str, Found] = attrs.field(factory=dict, init=False, repr=False)
    _attributed: dict[tuple[str, str], Found] = attrs.field(
        factory=dict, init=False, repr=False
    )
    _requests: dict[str, Demand] = attrs.field(factory=dict, init=False, repr=False)
    _attempts: dict[tuple[str, str, str], tuple[Meter, ...]] = attrs.field(
        factory=dict, init=False, repr=False
    )
    _everybodys: dict[tuple[str, str], tuple[Meter, ...]] = attrs.field(
        factory=dict, init=False, repr=False
    )

    # --- look-ups on the way of a request ---------------------------------------------------

    def find(self, value: str, now: float) -> Found | None:
        """
        Return the virtual key that *value* shows, or None.

        The time that it takes tells neither whether a value's place is known nor whether it
        has the form of one; what is too long for one is itself never hashed.  Values that
        matched once are found again by their digest, which nobody can aim at without the key
        that it is made with.
        """
        digest = self.mint.digest_of(value)
        shown = None if digest is None else self._shown.get(digest)
        if shown is None:
            shown = self._check(value)
            if shown is None:
                return None
            if digest is not None:
                _remember(self._shown, digest, shown)
        key, known = shown
        if known.expires_at is not None and known.expires_at <= now:
            return None
        return self.found(key, now)

    def knows(self, value: str) -> bool:
        """
        Tell whether *value* shows a virtual key, expired or not; nothing is remembered of it.
        """
        lookup = self.mint.lookup_of(value)
        if lookup is None:
            return False
        key, known = self._at(lookup)
        return key is not None and self.mint.matches(value, known)

    def _check(self, value: str) -> tuple[VirtualKey, KeyValue] | None:
        lookup = self.mint.lookup_of(value)
        has_form = lookup is not None
        if lookup is None:
            value = STRANGER
            lookup = self.mint.lookup_of(value) or ""
        key, known = self._at(lookup)
        if not self.mint.matches(value, known) or key is None or not has_form:
            return None
        return key, known

    def _at(self, lookup: str) -> tuple[VirtualKey | None, KeyValue]:
        declared = self.declared_values.get(lookup)
        if declared is not None:
            return self.keys.get(declared[0]), declared[1]
        entry: tuple[VirtualKey | None, KeyValue] = self.keys_by_lookup.get(
            lookup, (None, _NOBODYS)
        )
        return entry

    def found(self, key: VirtualKey, now: float) -> Found:
        """
        Return *key* with those it belongs to.
        """
        found = self._found.get(key.id)
        if found is None:
            found = _remember(self._found, key.id, self._find_owners(key))
        if key.expires_at is not None and key.expires_at <= now and not found.block:
            return attrs.evolve(found, block="expired")
        return found

    def latest(self, found: Found, now: float) -> Found:
        """
        Return *found*, which may be of an earlier snapshot, as it is in this one.

        A key that was removed since stays what it was, and so does one whose request named a
        team that is not below it any more.
        """
        key = self.keys.get(found.key.id)
        if key is None:
            return found
        latest = self.found(key, now)
        if not found.is_attributed or found.team is None:
            return latest
        return self.attributed(latest, found.team.id) or found

    def attributed(self, found: Found, name: str) -> Found | None:
        """
        Return *found* with the team *name*, by id or name, as if the key were that team's.

        Returns:
            None where no such team is below the key's own owner.
        """
        if found.team is not None:
            return found if name in (found.team.id, found.team.name) else None
        if found.customer is None:
            return None
        team = self._team_of(found.customer.id, name)
        if team is None:
            return None  # and nothing is remembered of a name that callers may make up
        place = (found.key.id, team.id)
        under = self._attributed.get(place)
        if under is None:
            under = self._find_owners(found.key, team)
            _remember(self._attributed, place, under)
        return under

    def _team_of(self, customer_id: str, name: str) -> Team | None:
        by_id: Team | None = self.teams.get(name)
        if by_id is not None and by_id.customer_id == customer_id:
            return by_id
        named: Team | None = self.teams_by_name.get(name)
        return named if named is not None and named.customer_id == customer_id else None

    def _find_owners(self, key: VirtualKey, named: Team | None = None) -> Found:
        team: Team | None = named or self.teams.get(key.team_id)
        customer_id = key.customer_id if team is None else team.customer_id
        customer: Customer | None = self.customers.get(customer_id)
        block: Block = "" if key.is_active else "inactive"
        # Without those whose limits it shares, a key would have fewer limits than before.
        if key.team_id is not None and team is None:
            block = "team removed"
        elif customer_id is not None and customer is None:
            block = "customer removed"
        chain = [Owner(OwnerKind.VIRTUAL_KEY, key.id)]
        if team is not None:
            chain.append(Owner(OwnerKind.TEAM, team.id))
        if customer is not None:
            chain.append(Owner(OwnerKind.CUSTOMER, customer.id))
        return Found(
            key=key,
            team=team,
            customer=customer,
            chain=tuple(chain),
            identity=Identity(
                key_id=key.id,
                key_name=key.name,
                team_id=None if team is None else team.id,
                customer_id=None if customer is None else customer.id,
                facts=_names_of(team, customer),
            ),
            block=block,
            place=key.id if named is None else f"{key.id}\n{named.id}",
        )

    def request_demand(self, found: Found) -> Demand:
        """
        Return what a request asks for before its target is known: requests, in flight.
        """
        demand = self._requests.get(found.place)
        if demand is None:
            # Of an exchange that waited, it may be of the snapshot before.
            found = self.latest(found, self.now)
            meters = tuple(self._chain_meters(found, _BEFORE_TARGET))
            demand = Demand(meters=meters, requests=1, in_flight=1)
            _remember(self._requests, found.place, demand)
        return demand

    def request_meters(self, found: Found) -> tuple[Meter, ...]:
        """
        Return what that counts on.
        """
        return self.request_demand(found).meters

    def attempt_meters(
        self, found: Found | None, provider: str, model: str
    ) -> tuple[Meter, ...]:
        """
        Return what an attempt counts on: money and tokens, and what the target itself limits.

        Args:
            found: None for a caller without a key, who counts on what is everybody's.
            model: The provider's name for it.
        """
        if found is None:
            return self._everybodys_meters(provider, model)
        place = (found.place, provider, model)
        meters = self._attempts.get(place)
        if meters is None:
            meters = (
                *self._config_meters(found.key, provider),
                *self._chain_meters(found, _WITH_TARGET),
                *self._everybodys_meters(provider, model),
            )
            _remember(self._attempts, place, meters)
        return meters

    def _config_meters(self, key: VirtualKey, provider: str) -> Iterator[Meter]:
        for config in key.provider_configs or ():
            if config.provider == provider:
                yield from self._meters(_owner_of(config), config.limits)

    def _chain_meters(self, found: Found, units: frozenset[Unit]) -> Iterator[Meter]:
        yield from self._meters(found.chain[0], found.key.limits, units)
        if found.team is not None:
            owner = Owner(OwnerKind.TEAM, found.team.id)
            yield from self._meters(owner, found.team.limits, units)
        if found.customer is not None:
            owner = Owner(OwnerKind.CUSTOMER, found.customer.id)
            yield from self._meters(owner, found.customer.limits, units)

    def _everybodys_meters(self, provider: str, model: str) -> tuple[Meter, ...]:
        meters = self._everybodys.get((provider, model))
        if meters is None:
            meters = tuple(
                meter
                for config in self.model_configs.values()
                if config.provider in (None, provider)
                # Some providers do not tell GPT-5 from gpt-5: a limit must not either.
                and Names((config.model,), folds_case=True).covers(model)
                for meter in self._meters(_owner_of(config), config.limits)
            )
            _remember(self._everybodys, (provider, model), meters)
        return meters

    def _meters(
        self, owner: Owner, limits: Limits, units: frozenset[Unit] = _EVERY
    ) -> Iterator[Meter]:
        if limits is NO_LIMITS:
            return
        for meter in meters_of(owner, limits, self.now):
            if meter.unit in units:
                yield meter

    def key_named(self, name: str) -> VirtualKey | None:
        """
        Return the virtual key that is called *name*; looks through all, for people alone.
        """
        return next((key for key in self.keys.values() if key.name == name), None)

    def find_caller(self, kind: CallerKind, name: str) -> str:
        """
        Return the id of the caller of *kind* with this id or, if nobody has it, this name.

        It looks through all, for people alone; ``""`` where there is none.
        """
        callers: Mapping[CallerKind, Overlay[str, Any]] = {
            "customer": self.customers,
            "team": self.teams,
            "virtual_key": self.keys,
        }
        known = callers[kind]
        if name in known:
            return name
        return next((each.id for each in known.values() if each.name == name), "")

    # --- owners and all their meters --------------------------------------------------------

    def owner_meters(self, owner: Owner) -> tuple[Meter, ...]:
        """
        Return every meter of *owner*; none where there is no such owner.
        """
        return tuple(self._meters(owner, self.limits_of(owner)))

    def limits_of(self, owner: Owner) -> Limits:
        """
        Return the limits of *owner*; `NO_LIMITS` where there is no such owner.
        """
        entity: Any
        match owner.kind:
            case OwnerKind.CUSTOMER:
                entity = self.customers.get(owner.id)
            case OwnerKind.TEAM:
                entity = self.teams.get(owner.id)
            case OwnerKind.VIRTUAL_KEY:
                entity = self.keys.get(owner.id)
            case OwnerKind.MODEL:
                entity = self.model_configs.get(owner.id)
            case OwnerKind.PROVIDER_CONFIG:
                entity = self._config(owner.id)
            case _:
                entity = None
        return NO_LIMITS if entity is None else entity.limits

    def _config(self, config_id: str) -> ProviderConfig | None:
        key: VirtualKey | None = self.keys.get(config_id.partition(":")[0])
        configs = () if key is None else key.provider_configs or ()
        return next((config for config in configs if config.id == config_id), None)

    def entity(self, kind: str, entity_id: str) -> Entity | None:
        """
        Return one entity, or None.
        """
        entities: Overlay[str, Any] = getattr(self, FIELDS[kind])
        entity: Entity | None = entities.get(entity_id)
        return entity

    def entities(self) -> Iterator[Entity]:
        """
        Yield all that is there, kind by kind.
        """
        for field in FIELDS.values():
            yield from getattr(self, field).values()

    def owners(self) -> Iterator[Owner]:
        """
        Yield every owner that has a limit.
        """
        for entity in self.entities():
            yield from owners_in(entity)

    def meters(self) -> Iterator[Meter]:
        """
        Yield every meter.
        """
        for owner in self.owners():
            yield from self.owner_meters(owner)

    # --- the next one -----------------------------------------------------------------------

    def changed(
        self, changes: Iterable[Change], *, generation: int, now: float
    ) -> Snapshot:
        """
        Return the snapshot in which *changes* hold.
        """
        by_kind: dict[str, dict[str, Any]] = {}
        for change in changes:
            by_kind.setdefault(change.kind, {})[change.id] = change.entity
        fields: dict[str, Any] = {
            field: getattr(self, field).changed(by_kind[kind])
            for kind, field in FIELDS.items()
            if kind in by_kind
        }
        if keys := by_kind.get("virtual_key"):
            fields["keys_by_lookup"] = self.keys_by_lookup.changed(self._lookups(keys))
        if teams := by_kind.get("team"):
            fields["teams_by_name"] = self.teams_by_name.changed(self._names(teams))
        return attrs.evolve(self, generation=generation, now=now, **fields)

    def _lookups(
        self, keys: Mapping[str, VirtualKey | None]
    ) -> dict[str, tuple[VirtualKey, KeyValue] | None]:
        lookups: dict[str, tuple[VirtualKey, KeyValue] | None] = {}
        for key_id in keys:
            before: VirtualKey | None = self.keys.get(key_id)
            if before is not None:
                lookups.update(dict.fromkeys(known.lookup for known in before.values))
        for key in keys.values():
            if key is not None:
                lookups.update((known.lookup, (key, known)) for known in key.values)
        return lookups

    def _names(self, teams: Mapping[str, Team | None]) -> dict[str, Team | None]:
        before: list[Team | None] = [self.teams.get(team_id) for team_id in teams]
        names: dict[str, Team | None] = {team.name: None for team in before if team}
        names.update((team.name, team) for team in teams.values() if team)
        return names

    def with_values(self, values: Mapping[str, tuple[str, KeyValue]]) -> Snapshot:
        """
        Return the snapshot in which declared keys are shown by *values*.
        """
        return attrs.evolve(self, declared_values=values)

    def at(self, now: float) -> Snapshot:
        """
        Return the same, with limits as they are at *now*.
        """
        return attrs.evolve(self, now=now)


#: Where a snapshot has the entities of each kind.
FIELDS: Final[Mapping[str, str]] = {
    "customer": "customers",
    "team": "teams",
    "virtual_key": "keys",
    "model_config": "model_configs",
    "routing_rule": "rules",
    "pricing_override": "overrides",
}


def snapshot_of(
    entities: Iterable[tuple[str, Entity]], *, mint: Mint, generation: int, now: float
) -> Snapshot:
    """
    Make a snapshot of all *entities*, each with its kind.
    """
    by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in FIELDS}
    for kind, entity in entities:
        by_kind[kind][entity.id] = entity
    lookups = {
        known.lookup: (key, known)
        for key in by_kind["virtual_key"].values()
        for known in key.values
    }
    return Snapshot(
        mint=mint,
        generation=generation,
        now=now,
        keys_by_lookup=Overlay(lookups),
        teams_by_name=Overlay({team.name: team for team in by_kind["team"].values()}),
        **{field: Overlay(by_kind[kind]) for kind, field in FIELDS.items()},
    )


def owners_in(entity: Entity) -> Iterator[Owner]:
    """
    Yield the owners of limits that *entity* is or holds.
    """
    if isinstance(entity, (RoutingRule, PricingOverride)):
        return
    if entity.limits != NO_LIMITS:
        yield _owner_of(entity)
    if isinstance(entity, VirtualKey):
        for config in entity.provider_configs or ():
            if config.limits != NO_LIMITS:
                yield _owner_of(config)


def next_raise_ends(entity: Entity, now: float) -> float:
    """
    Return when the next limit of *entity* that is raised for a time comes down; ``inf``: none.
    """
    return min(
        (
            extra.until
            for budget in _budgets(entity)
            for extra in budget.overrides
            if extra.until > now
        ),
        default=float("inf"),
    )


def _budgets(entity: Entity) -> Iterator[Budget]:
    if isinstance(entity, (RoutingRule, PricingOverride)):
        return
    yield from entity.limits.budgets
    if isinstance(entity, VirtualKey):
        for config in entity.provider_configs or ():
            yield from config.limits.budgets


_KINDS: Final[Mapping[type[Any], OwnerKind]] = {
    Customer: OwnerKind.CUSTOMER,
    Team: OwnerKind.TEAM,
    VirtualKey: OwnerKind.VIRTUAL_KEY,
    ProviderConfig: OwnerKind.PROVIDER_CONFIG,
    ModelConfig: OwnerKind.MODEL,
}


def _owner_of(
    entity: Customer | Team | VirtualKey | ModelConfig | ProviderConfig,
) -> Owner:
    return Owner(_KINDS[type(entity)], entity.id)


def _names_of(team: Team | None, customer: Customer | None) -> Mapping[str, str]:
    """
    Tell other plugins what people call those whose ids may be numbers.
    """
    if team is None and customer is None:
        return _NO_FACTS
    facts = {}
    if team is not None:
        facts["team_name"] = team.name
    if customer is not None:
        facts["customer_name"] = customer.name
    return MappingProxyType(facts)


def _remember(answers: dict[Any, V], key: Any, answer: V) -> V:
    if len(answers) >= MAX_REMEMBERED:
        answers.clear()
    answers[key] = answer
    return answer
