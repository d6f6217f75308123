"""
What the table ``plugins.audit`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self, get_args

import attrs

from gateway.settings import above, between, header_name, told
from gateway_audit.log_settings import LogSettings
from gateway_audit.retention.settings import KeepSettings
from gateway_audit.sinks.settings import SinkSettings, sink_names
from gateway_audit.spool.frames import MAX_ENTRY_BYTES

Level = Literal["durable", "intent", "relaxed"]
Kept = Literal["none", "redacted", "full"]


@attrs.frozen(kw_only=True)
class Spill:
    """
    Another folder, on another disk, that takes what the first one does not.
    """

    spill: Path = attrs.field(metadata=told("The folder; it is made if missing."))

    def __attrs_post_init__(self) -> None:
        if not self.spill.is_absolute():
            raise ValueError("spill must be an absolute path")


@attrs.frozen(kw_only=True)
class BodySettings:
    """
    Whose requests and answers are kept, encrypted, beside the log, and what changed in settings.

    The narrowest that says something counts: key, then team, then model.

    Attributes:
        default: Where nothing else is said.
        settings: Whether the values that a change of the settings changed are kept; never in
            full, as a secret in the wrong field is not to be kept twice.
        max_bytes: What is kept of a request, of an answer, and of a change, at most.
    """

    default: Kept = attrs.field(
        default="none", metadata=told("Where nothing else is said.")
    )
    virtual_keys: Mapping[str, Kept] = attrs.field(
        factory=dict, metadata=told("By the virtual key's name or id.")
    )
    teams: Mapping[str, Kept] = attrs.field(
        factory=dict, metadata=told("By the team's name or id.")
    )
    models: Mapping[str, Kept] = attrs.field(
        factory=dict, metadata=told("By the model that callers name.")
    )
    settings: Literal["none", "redacted"] = attrs.field(
        default="none",
        metadata=told("Of a change of the settings: what stood where, and what does."),
    )
    max_bytes: int = attrs.field(
        default=1024 * 1024,
        validator=between(1024, 16 * 1024 * 1024),
        metadata=told("What is kept of a request, an answer, a change, at most."),
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: one word for everybody's requests and answers.
        """
        for kept in get_args(Kept):
            if text == kept:
                return cls(default=kept)
        raise ValueError("must be none, redacted or full, or a table")

    @property
    def any(self) -> bool:
        """
        Whether anything is ever kept of requests and answers.
        """
        scopes: tuple[Mapping[str, Kept], ...] = (
            self.virtual_keys,
            self.teams,
            self.models,
        )
        said = {self.default, *(kept for scope in scopes for kept in scope.values())}
        return said != {"none"}


@attrs.frozen(kw_only=True)
class SubjectSettings:
    """
    Which person a request is about: who can ask to be forgotten.

    Attributes:
        header: A header of the caller that names the person.
        field: A field of the request that does.
    """

    header: str | None = attrs.field(
        default=None,
        validator=header_name,
        metadata=told("A header that names the person."),
    )
    field: Literal["user"] | None = attrs.field(
        default=None, metadata=told("A field of the request that names the person.")
    )

    @classmethod
    def short_form(cls, text: str) -> Self:
        """
        Read the short form: ``key`` or ``user``.
        """
        if text == "user":
            return cls(field="user")
        if text == "key":
            return cls()
        raise ValueError("must be key, user, {header: NAME} or {field: user}")


@attrs.frozen(kw_only=True)
class RefusalSettings:
    """
    How many of those who are refused get an entry of their own; the others are counted.

    Attributes:
        anonymous_per_s: Of one source, for one reason, in one second, who is not known.
        known_per_s: Likewise, of one virtual key.
        sampled_per_s: Of strangers, all together.
        max_sources: Pairs of source and reason that are told apart in one second.
    """

    anonymous_per_s: int = attrs.field(
        default=1,
        validator=between(0, 1000),
        metadata=told("Of one stranger, for one reason, in one second."),
    )
    known_per_s: int = attrs.field(
        default=20,
        validator=between(0, 10_000),
        metadata=told("Of one virtual key, for one reason, in one second."),
    )
    sampled_per_s: int = attrs.field(
        default=10,
        validator=between(0, 10_000),
        metadata=told("Of strangers, all together, in one second."),
    )
    max_sources: int = attrs.field(
        default=64,
        validator=between(1, 1000),
        metadata=told("Sources and reasons that are told apart in one second."),
    )


@attrs.frozen(kw_only=True)
class AuditSettings(LogSettings):
    """
    The plugin's settings.

    Attributes:
        level: When a request may go on: see the README.
        on_failure: What happens while nothing can be recorded.
        model_names: Patterns of names of models, with ``*``, that are shown beside those that the
            settings and the catalog know.  What else callers name is shown as a keyed hash.
    """

    level: Level = attrs.field(
        default="intent",
        metadata=told(
            "durable: intent and outcome are on the disk before it goes on; intent: "
            "the intent is, the outcome is written; relaxed: both are written."
        ),
    )
    on_failure: Literal["open", "closed"] | Spill = attrs.field(
        default="closed",
        metadata=told("While nothing can be recorded: closed, open or {spill: PATH}."),
    )
    bodies: BodySettings = attrs.field(
        factory=BodySettings,
        metadata=told("Whose requests and answers are kept: none, redacted, full."),
    )
    subject: SubjectSettings = attrs.field(
        factory=SubjectSettings,
        metadata=told("Whom a request is about: key, user, {header: NAME}."),
    )
    refusals: RefusalSettings = attrs.field(
        factory=RefusalSettings,
        metadata=told("How many refusals get an entry of their own."),
    )
    sinks: Mapping[str, SinkSettings] = attrs.field(
        factory=dict,
        validator=sink_names,
        metadata=told("Where entries are exported to, by name."),
    )
    keep: KeepSettings = attrs.field(
        factory=KeepSettings,
        metadata=told("How long what is kept, and where older entries go."),
    )
    model_names: Sequence[str] = attrs.field(
        default=(),
        converter=tuple,
        metadata=told("Patterns of models' names that are shown as they are."),
    )
    max_entry_bytes: int = attrs.field(
        default=MAX_ENTRY_BYTES,
        validator=between(4096, MAX_ENTRY_BYTES),
        metadata=told("Bytes of one entry; what is longer is cut, and says so."),
    )
    peer_keys_days: int = attrs.field(
        default=30,
        validator=above(0),
        metadata=told("Days after which no address can be linked to its pseudonym."),
    )
