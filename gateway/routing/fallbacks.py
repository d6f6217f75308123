"""
The field ``fallbacks`` of a request's body: the caller's own list of further targets.

An extension of this gateway, taken out before the body goes upstream.  Anthropic has a
field of that name of its own, a list of ``{"model": …}`` or the word ``default``; on
its dialect that is left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway.views import Request

FIELD: Final = "fallbacks"
MAX_FALLBACKS: Final = 8
MAX_NAME: Final = 512


def take_fallbacks(request: Request) -> tuple[str, ...]:
    """
    Take the fallbacks out of *request*: names of models, most as ``provider/model``.

    Raises:
        InvalidRequest: The field is neither this gateway's nor the vendor's.
    """
    field = request.peek(FIELD)
    if field is None and FIELD not in request.doc:
        return ()
    if request.dialect.vendor == "anthropic" and _is_anthropics(field):
        return ()
    names = _read(field)
    del request.doc[FIELD]
    request.touch()
    request.edits += (FIELD,)
    return names


def _is_anthropics(field: Any) -> bool:
    if field is None or field == "default":
        return True
    return isinstance(field, list) and all(
        isinstance(entry, dict) and "provider" not in entry for entry in field
    )


def _read(field: Any) -> tuple[str, ...]:
    if field is None:
        return ()
    if not isinstance(field, list) or len(field) > MAX_FALLBACKS:
        msg = f"{FIELD}: must be a list of up to {MAX_FALLBACKS} models"
        raise InvalidRequest(msg)
    return tuple(_name(entry, number) for number, entry in enumerate(field))


def _name(entry: Any, number: int) -> str:
    if isinstance(entry, dict) and set(entry) == {"provider", "model"}:
        provider, model = entry["provider"], entry["model"]
        if _is_name(provider) and _is_name(model) and "/" not in provider:
            return f"{provider}/{model}"
    elif _is_name(entry):
        return str(entry)
    msg = (
        f'{FIELD}[{number}]: must be "provider/model" or {{"provider": …, "model": …}}'
    )
    raise InvalidRequest(msg)


def _is_name(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME
