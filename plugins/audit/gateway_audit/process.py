"""
The process that makes one log of what all workers write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway import ProcessSpec
from gateway.settings import Settings, settings_as_dict
from gateway_audit.places import Places
from gateway_audit.settings import AuditSettings, Spill
from gateway_audit.sinks.settings import sinks_as_json


def sequencer(settings: AuditSettings) -> ProcessSpec:
    """
    Return what the supervisor is to run once.
    """

    def arguments(data_dir: Path, gateway: Settings) -> dict[str, Any]:
        places = Places.below(data_dir)
        policy = settings.on_failure
        way_out = settings_as_dict(gateway)["egress"]
        return {
            "folder": str(places.root),
            **settings.sequencer_arguments(),
            "spools": [str(policy.spill)] if isinstance(policy, Spill) else [],
            "followers": [
                {
                    "name": "index",
                    "target": "gateway_audit.index.writing:follow",
                    "arguments": {"folder": str(places.index)},
                }
            ],
            "companions": [
                {
                    "target": "gateway_audit.sequencing.key_changes:companion",
                    "arguments": {"folder": str(places.root)},
                },
                {
                    "target": "gateway_audit.retention.keeper:companion",
                    "arguments": {
                        "folder": str(places.root),
                        "keep": settings.keep.as_json(),
                        "egress": way_out,
                    },
                },
                {
                    "target": "gateway_audit.sinks.exports:companion",
                    "arguments": {
                        "folder": str(places.root / "sinks"),
                        "sinks": sinks_as_json(settings.sinks),
                        "egress": way_out,
                    },
                },
            ],
        }

    return ProcessSpec(
        name="audit",
        target="gateway_audit.sequencing.process:run",
        arguments=arguments,
    )
