"""
What the table ``plugins.audit`` says of the log itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Self

import attrs

from gateway.settings import SecretRef, http_url, told
from gateway_audit.tlog.errors import TlogError
from gateway_audit.tlog.notes import COSIGNATURE, VerifierKey

# A schema-less URL, as C2SP tlog-checkpoint recommends; it is a key's name too.
_ORIGIN: Final = re.compile(r"(?!.*//)[A-Za-z0-9._~:/-]{1,200}")


def _is_origin(
    instance: Any, attribute: attrs.Attribute[str | None], value: str | None
) -> None:
    if value is not None and _ORIGIN.fullmatch(value) is None:
        raise ValueError("must be a name such as gw.example/audit, without scheme")


def _is_file(
    instance: Any, attribute: attrs.Attribute[SecretRef | None], value: SecretRef | None
) -> None:
    if value is not None and value.scheme != "file":
        raise ValueError("must be file./path: another process reads it")


@attrs.frozen(kw_only=True)
class WitnessSettings:
    """
    Somebody who watches the log.

    Attributes:
        url: Where it takes checkpoints.
        key: Its public key; cosignatures of others are not passed on then.
    """

    url: str = attrs.field(
        validator=http_url, metadata=told("Its submission prefix (C2SP tlog-witness).")
    )
    key: str | None = attrs.field(
        default=None, metadata=told("Its public key: <name>+<id>+<key>.")
    )

    def __attrs_post_init__(self) -> None:
        if self.key is None:
            return
        try:
            kind = VerifierKey.parse(self.key).kind
        except TlogError as exc:
            raise ValueError(f"key: {exc}") from None
        if kind != COSIGNATURE:
            raise ValueError("key is one that signs logs, not one that cosigns")

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: the URL.
        """
        return cls(url=text)


@attrs.frozen(kw_only=True)
class LogSettings:
    """
    How the log is called, who signs it, who watches it.
    """

    origin: str | None = attrs.field(
        default=None,
        validator=_is_origin,
        metadata=told(
            "The log's name for ever, such as gw.example/audit; one is made if not said."
        ),
    )
    signing_key: SecretRef | None = attrs.field(
        default=None,
        validator=_is_file,
        metadata=told(
            "A file with an Ed25519 key, PEM or seed; one is made if not said."
        ),
    )
    witnesses: Sequence[WitnessSettings] = attrs.field(
        default=(),
        converter=tuple,
        metadata=told("Who is asked to cosign checkpoints: URL, or {url, key}."),
    )

    def sequencer_arguments(self) -> dict[str, Any]:
        """
        Return what the sequencer's process is told of it.
        """
        key = self.signing_key
        return {
            "origin": self.origin,
            "signing_key": key.name if key is not None else None,
            "witnesses": [attrs.asdict(each) for each in self.witnesses],
        }
