"""
What another settings file changed: each path, with what stood there and what stands there now.

References to secrets are shown; a text that looks like a credential is not, wherever it stands, and
neither is what is called like a secret and is no reference: plugins' tables may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs

from gateway import codec
from gateway.settings import SecretRef, Settings, settings_as_dict
from gateway.settings.problems import join, may_be_secret, shown
from gateway.settings.snapshot import HIDDEN, changed_paths

#: What a step of a path is called below which no value is shown that is no reference.
_SECRET: Final = re.compile(
    r"secret|token(?![s_])|passw|passphrase|credential|private|cookie|authorization"
    r"|api-?key|[_-]key(?=$|[.\[])",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


@attrs.frozen
class SettingsDiff:
    """
    What changed, as it may be kept.

    Attributes:
        paths: ``before`` and ``after`` of each; what is missing is None.
        left_out: How many more there are, for which there was no room.
    """

    paths: Mapping[str, Any] = attrs.field(repr=False)
    left_out: int = 0

    @classmethod
    def of(
        cls,
        before: Settings,
        after: Settings,
        *,
        schemes: Collection[str],
        max_bytes: int,
    ) -> SettingsDiff:
        """
        Compare two snapshots; may take a while where there are many virtual keys.

        Args:
            schemes: Those of references.
            max_bytes: What `paths` may take, as JSON.
        """
        paths: dict[str, Any] = {}
        left_out, room = 0, max_bytes
        old, new = settings_as_dict(before), settings_as_dict(after)
        for path, was, now in sorted(changed_paths(old, new), key=_by_path):
            told = {
                "after": _redacted(path, now, schemes),
                "before": _redacted(path, was, schemes),
            }
            size = len(codec.dumps({path: told}))
            if size > room:
                left_out += 1
                continue
            room -= size
            paths[path] = told
        return cls(paths, left_out)


def _by_path(change: tuple[str, Any, Any]) -> str:
    return change[0]


def _redacted(path: str, value: Any, schemes: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            f"<{shown(key)}>" if may_be_secret(key) else key: _redacted(
                join(path, key), below, schemes
            )
            for key, below in value.items()
        }
    if isinstance(value, list):
        return [_redacted(path, below, schemes) for below in value]
    if value is None or isinstance(value, bool):
        return value
    if _SECRET.search(path) and not _is_reference(value, schemes):
        return HIDDEN
    return _USERINFO.sub(HIDDEN, value) if isinstance(value, str) else value


def _is_reference(value: Any, schemes: Collection[str]) -> bool:
    try:
        return SecretRef.parse(value).scheme in schemes
    except (AttributeError, ValueError):
        return False
