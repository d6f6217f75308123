"""
Where a vendor deviates from the dialect it speaks: edits on the request that goes out.

A quirk is made by one of the functions here and stands in the table of vendors.  What
it takes away goes on the list of losses, so that a strict caller is refused and any
other finds it in a header; what it only spells otherwise does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import attrs

from gateway.outcomes import Losses
from gateway.views import Request

#: Edits *request*; returns the names of what it touched, for the trail.
Edit = Callable[[Request, Losses], Iterable[str]]


@attrs.frozen(kw_only=True)
class Quirk:
    """
    One edit, for requests in one dialect.
    """

    edit: Edit
    dialect: str = "openai_chat"


def renames(old: str, new: str) -> Quirk:
    """
    Send the field *old* as *new*; where both came, *new* stands.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        if old not in request.doc:
            return ()
        value = request.doc.pop(old)
        if request.doc.get(new) is None:
            request.doc[new] = value
        request.touch()
        return (old,)

    return Quirk(edit=edit)


def drops(*fields: str, why: str = "the provider has no such field") -> Quirk:
    """
    Leave *fields* out.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        found = [field for field in fields if field in request.doc]
        for field in found:
            if request.doc[field] is not None:
                losses.drop(field, why)
            del request.doc[field]
            request.touch()
        return found

    return Quirk(edit=edit)


def drops_quietly(*fields: str) -> Quirk:
    """
    Leave out *fields* that nobody misses, because the provider does it unasked.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        found = [field for field in fields if field in request.doc]
        for field in found:
            del request.doc[field]
            request.touch()
        return found

    return Quirk(edit=edit)


def drops_in_messages(*fields: str, roles: Collection[str] = ()) -> Quirk:
    """
    Leave *fields* out of every message, or of those of *roles* only.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        found = set()
        for message in _messages(request):
            if roles and message.get("role") not in roles:
                continue
            for field in fields:
                if field in message:
                    if message[field] is not None:
                        losses.drop(f"messages.{field}", "the provider refuses it")
                    del message[field]
                    found.add(f"messages.{field}")
        if found:
            request.touch()
        return sorted(found)

    return Quirk(edit=edit)


def respells(field: str, words: Mapping[str, str]) -> Quirk:
    """
    Send another word for a value of *field* that the provider spells its own way.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        word = request.peek(field)
        if not isinstance(word, str) or word not in words:
            return ()
        request.patch(field, words[word])
        return (field,)

    return Quirk(edit=edit)


def refuses(field: str, why: str) -> Quirk:
    """
    Refuse the request where *field* asks for something: it must not be lost.
    """

    def edit(request: Request, losses: Losses) -> Iterable[str]:
        if request.peek(field):
            losses.refuse(field, why)
        return ()

    return Quirk(edit=edit)


def _messages(request: Request) -> list[dict[str, Any]]:
    messages = request.doc.get("messages")
    if not isinstance(messages, list):
        return []  # malformed: the provider says so better than we can
    return [message for message in messages if isinstance(message, dict)]
