"""
Which targets a virtual key may use.

Three lists must agree: the names that the key may ask for, the names that its team may ask for,
and what the key's provider configs say of the real target.  A list that is None leaves it to the
others; an empty one allows nothing.

A name that may be asked for allows what it leads to in the settings, its fallbacks too, and
nothing else.  So every target is looked at together with the name that led there, and that the
name leads there is asked of the router again, never believed: a fallback, an alias or a routing
rule grants nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs

from gateway import NotAllowed
from gateway_governance.entities import ANY, ProviderConfig, Team, VirtualKey
from gateway_governance.names import Names

if TYPE_CHECKING:
    from gateway import ModelListing, Target

#: Finds the targets of a name; nothing where the router has nobody for it, or several.
Resolve = Callable[[str], "Sequence[Target]"]

#: Names come from callers, so decisions are remembered only up to here, for each key.
MAX_DECISIONS: Final = 512
#: Keys whose decisions are remembered.
MAX_KEYS: Final = 4096

_MAX_QUOTED: Final = 200
#: Where targets come from that a name of the settings declares; see `gateway.Target.source`.
_DECLARED: Final = "models."


@attrs.frozen(kw_only=True)
class Permit:
    """
    A target may be used.

    Attributes:
        config: The provider config that allows it; None where the key has none at all.
        keys: Names of the provider keys that may be used; None is any.
    """

    config: ProviderConfig | None = None
    keys: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class Denial:
    """
    A target may not be used, and what the caller is told.
    """

    code: Literal["provider_blocked", "model_blocked"]
    message: str

    def error(self) -> NotAllowed:
        """
        Return it as an error; a fresh one each time, for errors keep traces.
        """
        return NotAllowed(self.message, code=self.code)


@attrs.frozen
class _Config:
    config: ProviderConfig
    allowed: Names
    blocked: Names

    @classmethod
    def of(cls, config: ProviderConfig) -> _Config:
        return cls(
            config,
            Names(config.allowed_models),
            Names(config.blocked_models, folds_case=True),
        )


class Access:
    """
    What one virtual key may use; decisions are remembered, up to `MAX_DECISIONS`.

    Everything that a decision rests on is fixed for its life: the key, its team, the settings
    that the router goes by.

    Args:
        key: None for callers without a key, who may use everything.
        team: The key's team.
    """

    __slots__ = ("_configs", "_decisions", "_lists", "key", "team", "weights")

    def __init__(self, key: VirtualKey | None, team: Team | None) -> None:
        self.key = key
        self.team = team
        lists = [owner.models for owner in (key, team) if owner is not None]
        self._lists = tuple(Names(names) for names in lists if names is not None)
        self._configs = _by_provider(key)
        #: Shares of first choices, by provider.
        self.weights: Mapping[str, float] = {
            provider: config.config.weight
            for provider, configs in (self._configs or {}).items()
            for config in configs
            if config.config.weight
        }
        self._decisions: dict[tuple[str, str, str], Permit | Denial] = {}

    @property
    def is_open(self) -> bool:
        """
        Whether nothing is restricted, so that nobody has to ask.
        """
        return self._configs is None and not self._lists

    def permit(self, target: Target, resolve: Resolve) -> Permit:
        """
        Decide on *target*, its key too where that was chosen.

        Raises:
            NotAllowed: 403 ``model_blocked`` or ``provider_blocked``.
        """
        decision = self._decide(target, resolve)
        if isinstance(decision, Denial):
            raise decision.error()
        if decision.keys is not None and target.key not in decision.keys:
            raise _no_key(target.asked or target.name).error()
        return decision

    def permit_instead(self, target: Target, model: str, resolve: Resolve) -> None:
        """
        Decide on *model*, which the provider may ask by itself instead of that of *target*.

        It may be allowed by its own name, or by the provider's before it.

        Raises:
            NotAllowed: 403 ``model_blocked`` or ``provider_blocked``.
        """
        plain = attrs.evolve(target, model=model, asked=model)
        try:
            self.permit(plain, resolve)
        except NotAllowed:
            self.permit(attrs.evolve(plain, asked=plain.name), resolve)

    def narrow(
        self, targets: Sequence[Target], resolve: Resolve
    ) -> tuple[Sequence[Target], Denial | None]:
        """
        Return those of *targets* that may be used, kept to the keys that may be used.

        Returns:
            The targets, and why the first of the others is not among them.
        """
        if self.is_open:
            return targets, None
        allowed: list[Target] = []
        denial: Denial | None = None
        for target in targets:
            decision = self._kept_to_keys(target, resolve)
            if isinstance(decision, Denial):
                denial = denial or decision
            else:
                allowed.append(decision)
        return tuple(allowed), denial

    def may_ask(self, name: str) -> bool:
        """
        Tell whether *name* is in the lists of key and team, whatever it leads to.
        """
        return all(names.covers(name) for names in self._lists)

    def visible(self, models: Iterable[ModelListing]) -> list[ModelListing]:
        """
        Return those of *models* that the key may use.

        One that it may ask for by its own name alone, without the provider, is shown by that.
        """
        listed = list(models)
        shown = {model.id: model for model in listed if self._sees(model)}
        taken = {model.id for model in listed}
        for model in listed if self._lists else ():
            _, slash, bare = model.id.partition("/")
            if slash and model.id not in shown and bare not in taken:
                plain = attrs.evolve(model, id=bare)
                if model.leads_to == (model.id,) and self._sees(plain):
                    shown.setdefault(bare, plain)
        return list(shown.values())

    def spells_out(self, provider: str, model: str) -> bool:
        """
        Tell whether a config of *provider* names *model* itself, not by a star.
        """
        configs = (self._configs or {}).get(provider, ())
        return any(config.allowed.spells_out(model) for config in configs)

    # --- deciding ---------------------------------------------------------------------------

    def _decide(self, target: Target, resolve: Resolve) -> Permit | Denial:
        question = (target.asked, target.provider, target.model)
        decision = self._decisions.get(question)
        if decision is None:
            decision = self._decided(target, resolve)
            if len(self._decisions) >= MAX_DECISIONS:
                self._decisions.clear()
            self._decisions[question] = decision
        return decision

    def _decided(self, target: Target, resolve: Resolve) -> Permit | Denial:
        asked = target.asked or target.name
        if not self.may_ask(asked):
            return no_model(asked)
        if self._configs is None and not self._lists:
            return Permit()
        if not _leads(asked, target, resolve):
            return no_model(asked)
        return self._by_config(asked, target.provider, target.model)

    def _by_config(self, asked: str, provider: str, model: str) -> Permit | Denial:
        if self._configs is None:
            return Permit()
        configs = self._configs.get(provider)
        if not configs:
            return _no_provider(asked, provider)
        names = {asked, model}
        if any(config.blocked.covers(name) for config in configs for name in names):
            return no_model(asked)
        for each in configs:
            if any(each.allowed.covers(name) for name in names):
                keys = each.config.provider_keys
                if not keys:
                    return _no_key(asked)
                return Permit(config=each.config, keys=None if ANY in keys else keys)
        return no_model(asked)

    def _kept_to_keys(self, target: Target, resolve: Resolve) -> Target | Denial:
        decision = self._decide(target, resolve)
        if isinstance(decision, Denial) or decision.keys is None:
            return decision if isinstance(decision, Denial) else target
        if target.key is not None:
            return (
                target
                if target.key in decision.keys
                else _no_key(target.asked or target.name)
            )
        return attrs.evolve(target, keys=decision.keys)

    def _sees(self, model: ModelListing) -> bool:
        if not self.may_ask(model.id):
            return False
        for name in model.leads_to:
            provider, _, real = name.partition("/")
            if isinstance(self._by_config(model.id, provider, real), Permit):
                return True
        return False


class AccessTable:
    """
    The `Access` of each key, made when it is first asked for.

    What was made serves as long as key, team and settings are the same objects, so a new
    snapshot keeps the decisions of all keys that it leaves alone.
    """

    __slots__ = ("_access", "_open")

    def __init__(self) -> None:
        self._access: dict[tuple[str, str | None, str], Access] = {}
        self._open = Access(None, None)

    def of(self, key: VirtualKey | None, team: Team | None, digest: str) -> Access:
        """
        Return what *key* may use.

        Args:
            digest: Of the settings that the router goes by.
        """
        if key is None:
            return self._open
        place = (key.id, None if team is None else team.id, digest)
        access = self._access.get(place)
        if access is None or access.key is not key or access.team is not team:
            access = Access(key, team)
            if len(self._access) >= MAX_KEYS:
                self._access.clear()
            self._access[place] = access
        return access


def _by_provider(key: VirtualKey | None) -> dict[str, list[_Config]] | None:
    if key is None or key.provider_configs is None:
        return None
    configs: dict[str, list[_Config]] = {}
    for config in key.provider_configs:
        configs.setdefault(config.provider, []).append(_Config.of(config))
    return configs


def _leads(asked: str, target: Target, resolve: Resolve) -> bool:
    """
    Tell whether the name *asked* leads to *target*, by the router's word.
    """
    found = resolve(asked)
    for one in found:
        if one.provider == target.provider and one.model == target.model:
            return True
    # A model's own name, which several providers have, or one that passes every name on.
    is_declared = any(one.source.startswith(_DECLARED) for one in found)
    return target.model == asked and not is_declared


def no_model(asked: str) -> Denial:
    """
    Say that the name *asked* is not allowed, whether or not there is such a model.
    """
    message = f'Model "{_short(asked)}" is not allowed for this virtual key.'
    return Denial(code="model_blocked", message=message)


def _no_provider(asked: str, provider: str) -> Denial:
    if asked.startswith(f"{provider}/"):
        message = f'Provider "{provider}" is not allowed for this virtual key.'
    else:
        # The provider behind a name of the settings is nobody's business.
        message = (
            f'Model "{_short(asked)}" leads to a provider that is not allowed '
            "for this virtual key."
        )
    return Denial(code="provider_blocked", message=message)


def _no_key(asked: str) -> Denial:
    message = (
        f'Model "{_short(asked)}" needs a provider key that is not '
        "allowed for this virtual key."
    )
    return Denial(code="provider_blocked", message=message)


def _short(name: str) -> str:
    return name if len(name) <= _MAX_QUOTED else f"{name[: _MAX_QUOTED - 1]}…"
