"""
Makes providers of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigError, Problem
from gateway.near import nearest
from gateway.providers.provider import Provider, root_of
from gateway.providers.vendors import VENDORS, Vendor
from gateway.routing.patterns import NamePattern
from gateway.routing.targets import ProviderKey
from gateway.settings import ProviderSettings, ProxySettings, Settings

if TYPE_CHECKING:
    from gateway.dialects import Dialect

#: Answers offline; there for whoever names it, without standing under providers.
DEMO: Final = "demo"


def make_providers(
    settings: Settings,
    dialects: Mapping[str, Dialect],
    vendors: Mapping[str, Vendor] = VENDORS,
) -> dict[str, Provider]:
    """
    Make every provider of *settings*, by name.

    Args:
        vendors: The table, with the rows that plugins added.

    Raises:
        ConfigError: with every problem found.
    """
    made = {}
    problems: list[Problem] = []
    for name, wanted in _wanted(settings).items():
        vendor = vendors.get(wanted.type or name)
        if vendor is None:
            problems.append(_unknown(name, wanted, vendors))
            continue
        found = [
            *_problems(name, wanted, vendor),
            *_unspoken(name, wanted, vendor, dialects),
        ]
        problems += found
        if not found:
            proxy = wanted.proxy or settings.egress.proxy
            made[name] = _make(name, wanted, vendor, dialects, proxy)
    if problems:
        raise ConfigError(problems)
    return made


def _wanted(settings: Settings) -> Mapping[str, ProviderSettings]:
    targets = (
        text
        for model in settings.models.values()
        for text in (*(target.model for target in model.targets), *model.fallbacks)
    )
    if DEMO in settings.providers or not any(
        text.startswith(f"{DEMO}/") for text in targets
    ):
        return settings.providers
    return {**settings.providers, DEMO: ProviderSettings()}


def _unknown(
    name: str, wanted: ProviderSettings, vendors: Mapping[str, Vendor]
) -> Problem:
    kind = wanted.type or name
    near = nearest(kind, vendors)
    hint = f"did you mean {near[0]}? " if near else ""
    msg = (
        f'"{kind}" is no type of provider: {hint}'
        f"One of {' '.join(sorted(vendors))}; openai-compatible takes any base_url"
    )
    return Problem(msg, path=f"providers.{name}.type" if wanted.type else _path(name))


def _path(name: str) -> str:
    return f"providers.{name}"


def _problems(name: str, wanted: ProviderSettings, vendor: Vendor) -> Iterable[Problem]:
    path = _path(name)
    if root_of(vendor, wanted.base_url) is None:
        msg = f"{vendor.name} has no address of its own: add base_url"
        yield Problem(msg, path=path)
    if vendor.needs_key and wanted.auth == "key" and not wanted.keys:
        variable = vendor.key_env or "NAME"
        msg = (
            f"has no keys: add keys: {{main: {{secret: env.{variable}}}}}, "
            f"or auth: caller, or auth: none"
        )
        yield Problem(msg, path=path)
    patterns = [("models", wanted.models or ())]
    patterns += [(f"keys.{key}.models", k.models) for key, k in wanted.keys.items()]
    for where, models in patterns:
        for model in models:
            if model.count("*") > 1:
                yield Problem(f'"{model}" has more than one *', path=f"{path}.{where}")


def _unspoken(
    name: str,
    wanted: ProviderSettings,
    vendor: Vendor,
    dialects: Mapping[str, Dialect],
) -> Iterable[Problem]:
    # What answers in this process speaks what it was made to speak.
    known = dialects if vendor.in_process is None else vendor.dialects
    for number, told in enumerate(wanted.dialects or ()):
        if told not in known:
            near = nearest(told, known)
            hint = f"did you mean {near[0]}? " if near else ""
            msg = f'"{told}" cannot be spoken: {hint}One of {" ".join(sorted(known))}'
            yield Problem(msg, path=f"{_path(name)}.dialects[{number}]")


def _make(
    name: str,
    wanted: ProviderSettings,
    vendor: Vendor,
    dialects: Mapping[str, Dialect],
    proxy: ProxySettings | None,
) -> Provider:
    models = vendor.models if wanted.models is None else wanted.models
    keys = [ProviderKey.from_settings(key, k) for key, k in wanted.keys.items()]
    return Provider(
        name=name,
        vendor=vendor,
        base_url=root_of(vendor, wanted.base_url) or "",
        dialects=dialects,
        declared=wanted.dialects,
        keys=tuple(keys),
        # A vendor that asks for no credential is sent none, unless there is one.
        auth="none" if wanted.auth == "key" and not keys else wanted.auth,
        models=None if models is None else tuple(map(NamePattern.parse, models)),
        extra_headers={key.lower(): value for key, value in wanted.headers.items()},
        timeouts=wanted.timeouts,
        max_parallel=wanted.max_parallel,
        queue_timeout_s=wanted.queue_timeout_s,
        proxy=proxy,
        in_process=vendor.in_process() if vendor.in_process else None,
    )
