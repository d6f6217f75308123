"""
What no single field can know: whether the tables of the file agree with each other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

import attrs

from gateway.settings.model import Settings
from gateway.settings.nodes import Table, follow
from gateway.settings.problems import Problems, path_of, shown
from gateway.settings.upstreams import ModelSettings, ProviderSettings
from gateway.settings.values import HEADER_NAME, NAME, Address

#: Answers offline, and is there without standing in the file.
DEMO: Final = "demo"

MAX_MODEL_NAME: Final = 200

_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4000}")
_MODEL_NAME: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")
_CREDENTIAL_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
    }
)
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}
)


@attrs.frozen(kw_only=True)
class Fault:
    """
    Something wrong, or in a warning unwise, at one place of the settings.

    Attributes:
        steps: the keys and indexes that lead there.

        message: what and what to do.

        of_key: the name itself is wrong, not its value.
    """

    steps: tuple[str | int, ...]
    message: str
    of_key: bool = False

    def note(self, document: Table, problems: Problems) -> None:
        """
        Add it to *problems*, with where it stands in *document*.

        Steps that do not stand there, as in a short form, are left out of the path.
        """
        table, taken = follow(document, self.steps[:-1])
        node, more = follow(table, self.steps[taken:])
        mark = node.mark
        if self.of_key and isinstance(table, Table):
            mark = table.key_marks.get(str(self.steps[-1]), mark)
        problems.add(mark, path_of(self.steps[: taken + more]), self.message)


def find_faults(
    settings: Settings, providers: Collection[str] | None
) -> Iterator[Fault]:
    """
    Yield what is wrong between the tables of *settings*.

    Args:
        providers: names that targets may use, also of providers that are broken;
            None if they cannot be known.
    """
    yield from _server_faults(settings)
    yield from _name_faults("admin", settings.admin)
    yield from _name_faults("providers", settings.providers)
    for name, provider in settings.providers.items():
        yield from _provider_faults(name, provider)
    known = None if providers is None else {DEMO, *providers}
    for name, model in settings.models.items():
        yield from _model_faults(name, model, known)
    yield from _routing_faults(settings)
    yield from _hooks_faults(settings)


def find_warnings(settings: Settings) -> Iterator[Fault]:
    """
    Yield what works but is unwise.
    """
    for name, provider in settings.providers.items():
        url = urlsplit(provider.base_url or "")
        if url.scheme == "http" and not _is_loopback(url.hostname or ""):
            yield Fault(
                steps=("providers", name, "base_url"),
                message="http:// sends prompts and keys in clear over the network",
            )
    if settings.server.admin_listen and not settings.admin:
        yield Fault(
            steps=("server", "admin_listen"),
            message="nobody but this machine may use it: admin names no token",
        )


def _is_loopback(host: str) -> bool:
    return Address(host, 0).is_loopback


def _fault(steps: Iterable[str | int], message: str, *, of_key: bool = False) -> Fault:
    return Fault(steps=tuple(steps), message=message, of_key=of_key)


# -- table by table ------------------------------------------------------------


def _name_faults(table: str, names: Iterable[str]) -> Iterator[Fault]:
    for name in names:
        if not NAME.fullmatch(name):
            message = "a name has 1 to 64 letters, digits, and . _ @ - between them"
            yield _fault((table, name), message, of_key=True)


def _server_faults(settings: Settings) -> Iterator[Fault]:
    server = settings.server
    if server.admin_listen == server.listen and server.listen.port:
        message = "is where callers come in; leave it out or choose another port"
        yield _fault(("server", "admin_listen"), message)


def _provider_faults(name: str, provider: ProviderSettings) -> Iterator[Fault]:
    here = ("providers", name)
    for key in _name_faults("keys", provider.keys):
        yield attrs.evolve(key, steps=(*here, *key.steps))
    if provider.keys and provider.auth != "key":
        message = f"no key is ever sent with auth: {provider.auth}"
        yield _fault((*here, "keys"), message, of_key=True)
    if provider.keys and not any(key.weight for key in provider.keys.values()):
        message = "every key has weight 0, so none is ever chosen"
        yield _fault((*here, "keys"), message, of_key=True)
    for header, value in provider.headers.items():
        if message := _header_fault(header, value):
            yield _fault((*here, "headers", header), message, of_key=True)


def _header_fault(header: str, value: str) -> str:
    name = header.lower()
    if not HEADER_NAME.fullmatch(header):
        return "is no name of a header"
    if name in _CREDENTIAL_HEADERS:
        return "a credential does not stand here: declare it under keys"
    if name in _OWN_HEADERS:
        return "is set by the gateway itself"
    if not _HEADER_VALUE.fullmatch(value):
        return "its value holds what a header cannot: one line of Latin-1 text"
    return ""


def _model_faults(
    name: str, model: ModelSettings, providers: Collection[str] | None
) -> Iterator[Fault]:
    here = ("models", name)
    if not _MODEL_NAME.fullmatch(name) or len(name) > MAX_MODEL_NAME:
        message = f"a model's name is one word of at most {MAX_MODEL_NAME} characters"
        yield _fault(here, message, of_key=True)
    if name.count("*") > 1:
        yield _fault(here, "more than one * in a name", of_key=True)
    stars = name.count("*")
    for index, target in enumerate(model.targets):
        if message := _target_fault(target.model, stars, providers):
            yield _fault((*here, "targets", index, "model"), message)
    for index, fallback in enumerate(model.fallbacks):
        if message := _target_fault(fallback, stars, providers):
            yield _fault((*here, "fallbacks", index), message)


def _target_fault(target: str, stars: int, providers: Collection[str] | None) -> str:
    provider, slash, model = target.partition("/")
    if not slash or not provider or not model or not _MODEL_NAME.fullmatch(target):
        return f"{shown(target)} is not provider/model"
    if "*" in provider:
        return "a * may stand for the model, not for the provider"
    if model.count("*") > stars:
        return "has a * more than the name that leads here"
    if providers is not None and provider not in providers:
        return f"no provider {shown(provider)} is declared under providers"
    return ""


def _routing_faults(settings: Settings) -> Iterator[Fault]:
    routing = settings.routing
    if routing.backoff_initial_s > routing.backoff_max_s:
        message = f"is more than backoff_max_s, {routing.backoff_max_s:g}"
        yield _fault(("routing", "backoff_initial_s"), message)


def _hooks_faults(settings: Settings) -> Iterator[Fault]:
    hooks = settings.hooks
    for key in ("required", "only", "disabled"):
        names = getattr(hooks, key) or ()
        for index, name in enumerate(names):
            if name in names[:index]:
                yield _fault(("hooks", key, index), f"{shown(name)} stands twice")
    for index, name in enumerate(hooks.required):
        if name in hooks.disabled:
            message = f"{shown(name)} is disabled as well"
            yield _fault(("hooks", "required", index), message)
        elif hooks.only is not None and name not in hooks.only:
            message = f"{shown(name)} is required, but does not stand in only"
            yield _fault(("hooks", "required", index), message)
    for name, timeout_s in hooks.timeout_s.items():
        if timeout_s <= 0:
            yield _fault(("hooks", "timeout_s", name), "must be greater than 0")
