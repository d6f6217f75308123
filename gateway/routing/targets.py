"""
Where an attempt may go: targets, and the credentials of a provider.
"""

from __future__ import annotations

import attrs

from gateway.routing.patterns import NamePattern
from gateway.settings import ProviderKeySettings, SecretRef


@attrs.frozen(kw_only=True)
class Target:
    """
    One model at one provider, in the dialect that is spoken with it.

    Attributes:
        provider: The provider's name in the settings.
        model: As the provider calls it.
        dialect: Name of the dialect that goes upstream.
        key: Name of the provider key, where there is only one or it was chosen; None
            while it is to be chosen, and where none of ours is sent.  A plugin that
            sets it in `choose_targets` pins the target to that key.
        keys: Names of the provider keys among which one may be chosen; None is all of
            them.  A plugin that sets it in `choose_targets` keeps the others out.
        weight: Its share of first choices; 0 is tried only after the others.
        is_fallback: Declared as one, by the settings or by the request.
        source: Why it is among the candidates: ``models.smart.targets[0]``, ``asked``,
            ``catalog``, ``request.fallbacks[1]``.
        asked: The name that led here, as the caller, a fallback or a plugin wrote it.
    """

    provider: str
    model: str
    dialect: str
    key: str | None = None
    keys: tuple[str, ...] | None = None
    weight: int = 1
    is_fallback: bool = False
    source: str = ""
    asked: str = ""

    @property
    def name(self) -> str:
        """
        The target as callers would write it: ``provider/model``.
        """
        return f"{self.provider}/{self.model}"

    def __str__(self) -> str:
        return f"{self.name} ({self.key})" if self.key else self.name

    def with_key(self, key: str) -> Target:
        """
        Return this target with the provider key *key* chosen.
        """
        # Not attrs.evolve, which costs three times as much on the hot path.
        return Target(
            provider=self.provider,
            model=self.model,
            dialect=self.dialect,
            key=key,
            keys=self.keys,
            weight=self.weight,
            is_fallback=self.is_fallback,
            source=self.source,
            asked=self.asked,
        )


@attrs.frozen(kw_only=True)
class ProviderKey:
    """
    One credential that a provider gave us; the secret itself is found at use.

    Attributes:
        name: Its name in the settings, which logs and trails show.
        weight: Its share of the requests; 0 is never chosen.
        models: What it may be used for.
    """

    name: str
    secret: SecretRef
    weight: int
    models: tuple[NamePattern, ...]

    @classmethod
    def from_settings(cls, name: str, settings: ProviderKeySettings) -> ProviderKey:
        """
        Take over what the settings say.

        Raises:
            ValueError: a pattern has more than one star.
        """
        models = tuple(NamePattern.parse(model) for model in settings.models)
        return cls(
            name=name, secret=settings.secret, weight=settings.weight, models=models
        )

    def serves(self, model: str) -> bool:
        """
        Tell whether it may be chosen for *model*.
        """
        return self.weight > 0 and any(models.matches(model) for models in self.models)
