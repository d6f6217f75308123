"""
Which paths callers reach, and in whose words each is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import hdrs, web

from gateway.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from multidict import CIMultiDictProxy

    from gateway.dialects import Dialect

OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"
#: Anthropic's SDK marks every request by this header.
VERSION_HEADER: Final = "anthropic-version"

#: (path below the prefixes, dialect, operation)
OPERATIONS: Final = (
    ("/chat/completions", "openai_chat", "generate"),
    ("/completions", "openai_completions", "complete"),
    ("/embeddings", "openai_embeddings", "embed"),
    ("/responses", "openai_responses", "generate"),
    ("/messages", "anthropic_messages", "generate"),
    ("/messages/count_tokens", "anthropic_messages", "count_tokens"),
)
#: What is the vendor's own, or needs what the vendor keeps: (path below the prefixes, methods).
UNSUPPORTED: Final = (
    ("/responses/compact", "POST"),
    ("/responses/input_tokens", "POST"),
    ("/responses/{id}", "GET, DELETE"),
    ("/responses/{id}/cancel", "POST"),
    ("/responses/{id}/input_items", "GET"),
)
MODELS: Final = ("/models", "/models/{id:.+}")
#: Belongs to all vendors.
_SHARED: Final = "/v1"
#: Bifrost's, for callers who come from there: one a framework, with everything below it.
_FRAMEWORKS: Final = ("/litellm", "/langchain", "/pydanticai")
_OF_OPENAI: Final = (
    *("/openai/v1", "/openai", "/openai/openai"),
    *(framework + below for framework in _FRAMEWORKS for below in ("/v1", "")),
)
_OF_ANTHROPIC: Final = tuple(
    before + below
    for before in ("", *_FRAMEWORKS)
    for below in ("/anthropic/v1", "/anthropic")
)
#: Under which prefixes a vendor's routes stand.
PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    OPENAI: (_SHARED, *_OF_OPENAI),
    ANTHROPIC: (_SHARED, *_OF_ANTHROPIC),
}
#: Where Azure's clients name the model in the path, be the endpoint the root or ``/openai``.
DEPLOYMENTS: Final = tuple(
    f"{prefix}/deployments/{{deployment:.+}}"
    for prefix in ("/openai", "/openai/openai")
)
#: What they ask there; the rest of what they ask stands below the prefix.
_BY_DEPLOYMENT: Final = ("/chat/completions", "/completions", "/embeddings")
#: Coding agents look here whether anybody is there, before they authenticate.
PROBES: Final = ("/", "/api/hello")
#: Whatever no other route takes.
ANYTHING: Final = "/{anything:.*}"
#: Methods of a route that is only looked at.
READ: Final = "GET, HEAD"

_NOT_FOR_CALLERS: Final = ("/api/", "/metrics", "/healthz", "/readyz")
_ANTHROPIC_PATHS: Final = (
    f"{_SHARED}/messages",
    *(f"{prefix}/" for prefix in _OF_ANTHROPIC),
)
_OPENAI_PATHS: Final = tuple(f"{prefix}/" for prefix in _OF_OPENAI)


@attrs.frozen(kw_only=True)
class Route:
    """
    One path that callers reach.

    Attributes:
        path: As it stands in the table, which is what logs say; ``""`` for `ANYTHING`.
        methods: Those that are answered, as an Allow header says it.
        dialect: What is spoken there, and what errors are written in.
        operation: ``""`` where no model is asked.
    """

    path: str
    methods: str
    dialect: Dialect
    operation: str = ""


def inference_routes(dialects: Mapping[str, Dialect]) -> Iterable[Route]:
    """
    Yield the routes that ask a model, as far as there are *dialects* for them.
    """
    for below, name, operation in OPERATIONS:
        dialect = dialects.get(name)
        if dialect is None:
            continue
        prefixes = PREFIXES[dialect.vendor]
        if below in _BY_DEPLOYMENT:
            prefixes += DEPLOYMENTS
        for prefix in prefixes:
            yield Route(
                path=prefix + below,
                methods="POST",
                dialect=dialect,
                operation=operation,
            )
    for dialect in dialects.values():
        for path, operation in dialect.served_at.items():
            yield Route(path=path, methods="POST", dialect=dialect, operation=operation)


def check_dialects(dialects: Mapping[str, Dialect]) -> None:
    """
    Check that the paths at which *dialects* are served are nobody else's.

    Raises:
        PluginError: One is the core's, another dialect's, or none for callers.
    """
    taken = set(_paths_of_the_core())
    for route in inference_routes(dialects):
        dialect, path = route.dialect, route.path
        wrong = ""
        if not path.startswith("/") or path.startswith(_NOT_FOR_CALLERS):
            wrong = "is none for callers"
        elif path in taken:
            wrong = "is taken"
        elif route.operation not in dialect.operations:
            wrong = f"is for {route.operation}, which the dialect does not speak"
        if wrong:
            msg = f"the dialect {dialect.name}: its path {path} {wrong}"
            raise PluginError(msg, plugin=dialect.name, hook="register_dialects")
        taken.add(path)


def _paths_of_the_core() -> Iterable[str]:
    yield from PROBES
    for prefix in all_prefixes():
        yield from (prefix + below for below in MODELS)
    for prefix in PREFIXES[OPENAI]:
        yield from (prefix + below for below, _ in UNSUPPORTED)


def all_prefixes() -> tuple[str, ...]:
    """
    Return every prefix, once.
    """
    return tuple(dict.fromkeys(p for prefixes in PREFIXES.values() for p in prefixes))


def vendor_dialect(
    dialects: Mapping[str, Dialect], path: str, headers: CIMultiDictProxy[str]
) -> Dialect:
    """
    Return a dialect of the vendor in whose words a request for *path* is answered.
    """
    vendor = OPENAI
    if path.startswith(_ANTHROPIC_PATHS) or (
        VERSION_HEADER in headers and not path.startswith(_OPENAI_PATHS)
    ):
        vendor = ANTHROPIC
    for dialect in dialects.values():
        if dialect.vendor == vendor:
            return dialect
    return next(iter(dialects.values()))


def define(path: str, answer: Any) -> web.RouteDef:
    """
    Make aiohttp's route for *path*, for every method.

    Every method, so that a wrong one is told so in the vendor's words; and no ``100
    Continue`` before somebody wants the body.
    """
    return web.route(hdrs.METH_ANY, path, answer, expect_handler=_expect)


async def _expect(request: web.Request) -> None:
    """
    Leave ``Expect: 100-continue`` to whoever reads the body.
    """
