"""
Scripts from outside Python: a request header, a file of scripts by model name.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import cattrs
import cattrs.v
import orjson

from gateway.testing.fake.script import Script

__all__ = ["SCRIPT_HEADER", "read_script", "read_script_file"]

SCRIPT_HEADER = "x-fake-script"


@functools.lru_cache(maxsize=256)  # equal headers give one script, canned once
def read_script(source: str) -> Script:
    """
    Read one script from JSON.

    Raises:
        ValueError: where *source* is no JSON object of `Script` fields; the
            message names each fault.
    """
    return _structure(_load(source.encode()))


def read_script_file(path: Path) -> dict[str, Script]:
    """
    Read scripts by model name from a JSON file; ``*`` stands for all others.

    Raises:
        ValueError: where the file is no JSON object of scripts.
        OSError: where it cannot be read.
    """
    document = _load(path.read_bytes())
    if not isinstance(document, dict):
        wanted = "expected an object of scripts by model name"
        raise ValueError(f"{path}: {wanted}")  # noqa: TRY004 - a file, not a call
    return {name: _structure(fields) for name, fields in document.items()}


def _load(source: bytes) -> Any:
    try:
        return orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None


def _structure(fields: Any) -> Script:
    if not isinstance(fields, dict):
        raise ValueError("expected an object of script fields")  # noqa: TRY004 - from outside
    try:
        return _CONVERTER.structure(fields, Script)
    except cattrs.BaseValidationError as error:
        faults = cattrs.transform_error(error, format_exception=_tell)
        raise ValueError("; ".join(faults)) from None


def _tell(fault: BaseException, kind: type | None) -> str:
    if isinstance(fault, ValueError):
        return str(fault)
    return cattrs.v.format_exception(fault, kind)


def _exactly(kind: type) -> Any:
    def read(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"expected {kind.__name__}, not {type(value).__name__}")
        return value

    return read


def _number(value: Any, _: Any) -> float:
    if type(value) not in {int, float}:
        raise ValueError(f"expected a number, not {type(value).__name__}")
    return float(value)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)
    return converter


_CONVERTER = _make_converter()
