"""
The plugin: a kind of provider that asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import attrs

from gateway import Phase, Plugin, Vendor, hookimpl
from gateway_canned.vendor import CannedVendor


@attrs.frozen(kw_only=True)
class CannedSettings:
    """
    What the table ``plugins.canned`` says.

    Attributes:
        answers: What to say, by a word that the last message must hold, whatever its case; the
            first that fits.
        otherwise: What to say where none fits.
        pace_s: The pause between two words of a stream.
    """

    answers: Mapping[str, str] = attrs.field(
        factory=dict,
        metadata={"help": "What to say, by a word that the last message must hold."},
    )
    otherwise: str = attrs.field(
        default="This is a canned answer.",
        metadata={"help": "What to say where none fits."},
    )
    pace_s: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata={"help": "The pause between two words of a stream."},
    )


class CannedPlugin(Plugin):
    """
    Brings the provider type ``canned``.
    """

    phase: ClassVar[Phase] = Phase.ROUTE
    Settings: ClassVar[type] = CannedSettings

    settings: CannedSettings

    @hookimpl
    def register_providers(self) -> Iterable[Vendor]:
        """
        Add the row to the table of vendors: ``providers: {canned: {}}`` is then one.
        """
        settings = self.settings
        return [
            Vendor(
                name="canned",
                dialects=("openai_chat",),
                base_url="http://canned.invalid",
                needs_key=False,
                in_process=lambda: CannedVendor(
                    settings.answers, settings.otherwise, settings.pace_s
                ),
            )
        ]
