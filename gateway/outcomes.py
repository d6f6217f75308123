"""
What translation and passing through both speak of: stops, faults, seals and losses.

Apart from `gateway.neutral`, which only a translation needs, so that a gateway whose callers and
providers speak one dialect does without all that.
"""

from __future__ import annotations

import base64
from typing import Any, Final, Literal

import attrs

from gateway import codec
from gateway.errors import Untranslatable

# --- how an answer ends ---------------------------------------------------------------------

StopReason = Literal[
    "end",
    "stop_sequence",
    "length",
    "context_full",
    "tool",
    "filtered",
    "paused",
    "malformed",
    "error",
    "unknown",
]


@attrs.frozen(kw_only=True)
class Stop:
    """
    Why the model stopped.

    Attributes:
        raw: The provider's own word, kept so that an unknown one is never taken for an end.
        sequence: The stop sequence that was met.
        detail: What the provider says beside it (a refusal's category), as it came.
    """

    reason: StopReason
    raw: str = ""
    sequence: str | None = None
    detail: dict[str, Any] | None = None


@attrs.frozen(kw_only=True)
class Fault:
    """
    An error that a provider answered, whole or in mid-stream.

    Attributes:
        status: As HTTP status; in mid-stream the one that it would have had.
        kind: ``invalid_request``, ``authentication``, ``billing``, ``permission``,
            ``not_found``, ``too_large``, ``rate_limit``, ``overloaded``, ``timeout``,
            ``server``, ``context_length``, ``content_filter``.
        code: The vendor's own code or type.
        param: The field at fault.
    """

    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None


# --- what is sealed -------------------------------------------------------------------------

_SEAL_PREFIX: Final = "gw1."
#: Stands in every body in which a caller brings back a seal that was wrapped here.
SEAL_MARK: Final = _SEAL_PREFIX.encode()


@attrs.frozen(kw_only=True)
class Seal:
    """
    Opaque data that a provider wants back unchanged: a signature, encrypted reasoning.

    Attributes:
        dialect: The dialect that it came in; no other provider may be sent it.
        data: The signature, or the encrypted content, as it came.
        item_id: The id of the item that it belongs to, where the dialect has one.
    """

    dialect: str
    data: str
    item_id: str | None = None

    def wrap(self) -> str:
        """
        Write the seal as one string that travels in another dialect's place for such data.
        """
        doc = {"d": self.dialect, "s": self.data, "i": self.item_id}
        return _SEAL_PREFIX + base64.urlsafe_b64encode(codec.dumps(doc)).decode()

    @classmethod
    def read(cls, dialect: str, data: str, item_id: str | None = None) -> Seal:
        """
        Read a seal found in *dialect*: another dialect's if it was wrapped there.
        """
        if data.startswith(_SEAL_PREFIX):
            try:
                doc = codec.loads(base64.urlsafe_b64decode(data[len(_SEAL_PREFIX) :]))
                return cls(dialect=doc["d"], data=doc["s"], item_id=doc["i"])
            except (ValueError, KeyError, TypeError):
                pass  # not ours after all: it goes back as it came
        return cls(dialect=dialect, data=data, item_id=item_id)

    @classmethod
    def is_wrapped(cls, data: Any) -> bool:
        """
        Tell whether *data* was wrapped here: no provider can read it, whoever sealed it.
        """
        return isinstance(data, str) and cls.read("", data).dialect != ""

    def written_for(self, dialect: str) -> str:
        """
        Return the data as *dialect* carries it.
        """
        return self.data if dialect == self.dialect else self.wrap()


# --- what is lost ---------------------------------------------------------------------------

#: Of a list of losses in a header: most clients read lines of 8 KB, some proxies of 4.
_HEADER_CHARS: Final = 2048
_NAME_CHARS: Final = 100
_BETWEEN: Final = ", "


@attrs.frozen
class Loss:
    """
    Something that the target dialect cannot say.

    Attributes:
        action: ``dropped``, ``changed`` or ``emulated``.
    """

    field: str
    action: Literal["dropped", "changed", "emulated"]
    why: str


@attrs.define
class Losses:
    """
    What one translation could not carry over.

    Attributes:
        is_strict: Refuse at the first loss that changes the answer.
    """

    is_strict: bool = False
    found: list[Loss] = attrs.Factory(list)

    def drop(self, field: str, why: str) -> None:
        """
        Record that *field* was left out.
        """
        self._note(Loss(field, "dropped", why))

    def change(self, field: str, why: str) -> None:
        """
        Record that *field* was sent with another value.
        """
        self._note(Loss(field, "changed", why))

    def emulate(self, field: str, why: str) -> None:
        """
        Record that *field* was said in other words.
        """
        self._note(Loss(field, "emulated", why))

    def refuse(self, field: str, why: str) -> None:
        """
        Refuse the request: *field* cannot be translated and must not be lost.

        Raises:
            Untranslatable: always.
        """
        raise Untranslatable(field, why=why)

    def _note(self, loss: Loss) -> None:
        if self.is_strict:
            self.refuse(loss.field, loss.why)
        if loss not in self.found:
            self.found.append(loss)

    def header(self) -> str:
        """
        Render the list for ``x-gw-translation``: ``field=action, field=action``.

        Fields may have their names from the caller: what no header can hold is a question
        mark, and of what would make it longer than clients read only the number is told.
        """
        told: list[str] = []
        room = _HEADER_CHARS
        for loss in self.found:
            line = f"{_headed(loss.field)}={loss.action}"
            room -= len(line) + len(_BETWEEN)
            if room < 0:
                told.append(f"and {len(self.found) - len(told)} more")
                break
            told.append(line)
        return _BETWEEN.join(told)


def _headed(name: str) -> str:
    if len(name) > _NAME_CHARS:
        name = f"{name[:_NAME_CHARS]}..."
    if name.isascii() and name.isprintable():
        return name
    return "".join(
        char if char.isascii() and char.isprintable() else "?" for char in name
    )
