"""
A JSON Schema as Anthropic's structured outputs accept it.

Source: Anthropic's page on structured outputs: no numeric bounds, no lengths, few string
formats, ``minItems`` of 0 or 1 only, ``anyOf`` instead of ``oneOf``, every object closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway import codec

if TYPE_CHECKING:
    from gateway.outcomes import Losses

_KEPT: Final = frozenset(
    "type title description enum const default properties required items anyOf allOf "
    "$ref $defs definitions additionalProperties pattern nullable".split()
)
_FORMATS: Final = frozenset(
    "date-time time date duration email hostname uri ipv4 ipv6 uuid".split()
)
_NAMED: Final = ("properties", "$defs", "definitions")
_LISTED: Final = ("anyOf", "allOf")
#: Regular expressions that the vendor's constrained decoding cannot follow.
_HARD_PATTERNS: Final = ("(?", "\\b", "\\B", "\\1", "\\2", "\\3")
#: Keywords that a reader of the schema does not miss.
_SILENT: Final = frozenset({"$schema", "$id", "$comment", "$anchor"})


def closed_schema(schema: dict[str, Any], losses: Losses, field: str) -> dict[str, Any]:
    """
    Return *schema* with what Anthropic refuses moved into descriptions.

    The model reads a description and mostly follows it, but nothing enforces it any more,
    so each such keyword is a change on *losses*.
    """
    moved: set[str] = set()
    closed: dict[str, Any] = _closed(schema, moved)
    if moved:
        words = ", ".join(sorted(moved))
        losses.change(field, f"not enforced, only described to the model: {words}")
    return closed


def _closed(schema: Any, moved: set[str]) -> Any:
    if not isinstance(schema, dict):
        return schema  # true or false
    if "oneOf" in schema and "anyOf" not in schema:
        schema = {("anyOf" if k == "oneOf" else k): v for k, v in schema.items()}
    closed: dict[str, Any] = {}
    left: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            closed[key] = {name: _closed(one, moved) for name, one in value.items()}
        elif key in _LISTED and isinstance(value, list):
            closed[key] = [_closed(one, moved) for one in value]
        elif key == "items" and isinstance(value, dict):
            closed[key] = _closed(value, moved)
        elif _is_kept(key, value):
            closed[key] = value
        elif key not in _SILENT:
            left[key] = value
    if _is_object(closed):
        if closed.get("additionalProperties") not in (None, False):
            left["additionalProperties"] = closed["additionalProperties"]
        closed["additionalProperties"] = False
    if left:
        moved.update(left)
        closed["description"] = _described(closed.get("description"), left)
    return closed


def _is_kept(key: str, value: Any) -> bool:
    if key == "format":
        return isinstance(value, str) and value in _FORMATS
    if key == "minItems":
        return isinstance(value, int) and value in {0, 1}
    if key == "pattern":
        return isinstance(value, str) and not any(p in value for p in _HARD_PATTERNS)
    return key in _KEPT


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return "object" in kinds or "properties" in schema


def _described(description: Any, left: dict[str, Any]) -> str:
    rules = codec.dumps(left).decode()
    text = f"Must also satisfy this JSON Schema: {rules}"
    return f"{description}\n\n{text}" if isinstance(description, str) else text
