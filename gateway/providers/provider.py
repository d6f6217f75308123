"""
A provider: one row of the settings, made ready to be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

import attrs

from gateway.errors import InvalidRequest
from gateway.providers import credentials, headers
from gateway.providers.vendors import InProcess, Vendor
from gateway.routing.patterns import NamePattern
from gateway.routing.targets import ProviderKey
from gateway.settings import ProxySettings, Timeouts

if TYPE_CHECKING:
    from multidict import MultiMapping

    from gateway.dialects import Dialect
    from gateway.outcomes import Losses
    from gateway.views import Request

_MODEL = "{model}"
_BETAS = "anthropic-beta"  # a list: what the operator adds takes nothing away


@attrs.define(kw_only=True, eq=False)
class Provider:
    """
    Who is asked, where, with what credential and in which dialects.

    Attributes:
        name: Its name in the settings.
        vendor: The row of the table of vendors that it is.
        base_url: Where it answers, without a slash at the end.
        dialects: All dialects that the gateway speaks, by name.
        declared: The names of those that it speaks itself, where that is not what its vendor
            speaks; the preferred one first.
        keys: Its credentials.
        key_names: Their names.
        auth: Whose credential goes upstream: one of *keys*, the caller's, none.
        models: What may be asked for; None is anything.
        extra_headers: The operator's own headers for it, lower case.
        proxy: The HTTP proxy on the way to it, or None.
        in_process: What answers in this process instead of HTTP, or None.
    """

    name: str
    vendor: Vendor
    base_url: str
    dialects: Mapping[str, Dialect]
    declared: tuple[str, ...] | None = None
    keys: tuple[ProviderKey, ...] = ()
    auth: Literal["key", "caller", "none"] = "key"
    models: tuple[NamePattern, ...] | None = None
    extra_headers: Mapping[str, str] = attrs.field(factory=dict)
    timeouts: Timeouts = attrs.field(factory=Timeouts)
    max_parallel: int = 1000
    queue_timeout_s: float = 1.0
    proxy: ProxySettings | None = None
    in_process: InProcess | None = None
    key_names: frozenset[str] = attrs.field(init=False, repr=False)
    _spoken: dict[str, tuple[str, ...]] = attrs.field(
        factory=dict, init=False, repr=False
    )
    _urls: dict[tuple[str, str], str] = attrs.field(
        factory=dict, init=False, repr=False
    )
    _fixed: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.key_names = frozenset(key.name for key in self.keys)
        self._fixed = {
            "content-type": "application/json",
            **dict(self.vendor.defaults),
            **self.extra_headers,
        }
        for name in self.spoken:
            dialect = self.dialects[name]
            for operation in dialect.operations:
                self._spoken[operation] = (*self._spoken.get(operation, ()), name)
                self._urls[name, operation] = self._join(dialect.path[operation])

    @property
    def spoken(self) -> tuple[str, ...]:
        """
        The names of the dialects in which it can be asked from here, the preferred one first.
        """
        declared = self.declared
        names = self.vendor.dialects if declared is None else declared
        return tuple(name for name in names if name in self.dialects)

    def _join(self, path: str) -> str:
        """
        Put base URL and the dialect's *path* together, the version once.
        """
        prefix = self.vendor.prefix or "/v1"
        path = path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path
        if not self.vendor.prefix:
            return self.base_url + path
        return self.base_url.removesuffix(prefix) + prefix + path

    def key(self, name: str) -> ProviderKey:
        """
        Get the credential called *name*.

        Raises:
            KeyError: There is none.
        """
        for key in self.keys:
            if key.name == name:
                return key
        raise KeyError(name)

    def speaks(self, operation: str) -> tuple[str, ...]:
        """
        Name the dialects in which it offers *operation*, the preferred one first.
        """
        return self._spoken.get(operation, ())

    def offers(self, model: str) -> bool:
        """
        Tell whether *model* may be asked for.
        """
        models = self.models
        return models is None or any(pattern.matches(model) for pattern in models)

    def lists(self, model: str) -> bool:
        """
        Tell whether the settings name *model* for it, by more than a bare star.
        """
        return self.models is not None and any(
            pattern.matches(model) for pattern in self.models if not pattern.is_any
        )

    def url(self, dialect: str, operation: str, request: Request) -> str:
        """
        Return the URL to which *request* goes.

        Raises:
            InvalidRequest: The dialect has the model in its path, and this one cannot
                stand there.
        """
        url = self._urls[dialect, operation]
        return (
            url if _MODEL not in url else url.replace(_MODEL, _segment(request.model))
        )

    def headers(
        self, key_value: str | None, caller_headers: MultiMapping[str]
    ) -> dict[str, str]:
        """
        Return the headers for one request, names in lower case.

        Args:
            key_value: The secret of the chosen key; None where none of ours is sent.

        Raises:
            NotAuthenticated: The caller's own credential is to be sent, and none came.
        """
        vendor = self.vendor
        picked = headers.pick(caller_headers, vendor.request_headers)
        sent = self._fixed | picked
        if self.extra_headers:
            sent |= self.extra_headers
            if _BETAS in picked and _BETAS in self.extra_headers:
                sent[_BETAS] = f"{picked[_BETAS]},{self.extra_headers[_BETAS]}"
        if self.auth == "caller":
            key_value = credentials.callers_own(caller_headers, self.name)
        if key_value is not None:
            version = sent.get("anthropic-version", "")
            name, value = credentials.spell(key_value, vendor.spelling, version)
            sent[name] = value
        return sent

    def answer_headers(self, received: MultiMapping[str]) -> dict[str, str]:
        """
        Return what a caller may see of the headers that the provider sent.
        """
        return headers.pick_answer(received, is_callers=self.auth == "caller")

    def adapt(self, request: Request, losses: Losses) -> tuple[str, ...]:
        """
        Edit *request*, which is about to go out, to what this vendor accepts.

        Returns:
            The names of the fields that were touched, for the trail.

        Raises:
            Untranslatable: A field would be lost, and must not be.
        """
        touched: tuple[str, ...] = ()
        for quirk in self.vendor.quirks:
            if quirk.dialect == request.dialect.name:
                touched += tuple(quirk.edit(request, losses))
        return touched

    def describe(self) -> dict[str, Any]:
        """
        Tell what an operator may see of it; no secret, no proxy.
        """
        return {
            "name": self.name,
            "type": self.vendor.name,
            "base_url": None if self.in_process else self.base_url,
            "auth": self.auth,
            "keys": [key.name for key in self.keys],
            "models": None if self.models is None else [str(m) for m in self.models],
            "dialects": list(self.spoken),
        }


def root_of(vendor: Vendor, base_url: str | None) -> str | None:
    """
    Return the base URL, complete: an operator may leave the path to the vendor.

    None if neither the settings nor the table say where the vendor answers.
    """
    if base_url is None:
        return vendor.base_url
    base_url = base_url.rstrip("/")
    return base_url if urlsplit(base_url).path else base_url + vendor.path


def _segment(model: str) -> str:
    """
    Write *model* as one segment of a path.
    """
    if model in (".", ".."):
        msg = f'model: "{model}" is no name of a model'
        raise InvalidRequest(msg)
    return quote(model, safe="")
