"""
What a store is: bytes under keys, with what is needed to let go of them again.
"""

from __future__ import annotations

from typing import Protocol

import attrs

__all__ = ["Record", "Store", "StoreDown", "Wanted", "copy_tag", "owner_tag"]


def copy_tag(exact: str | None) -> str:
    """
    Return the tag of records that hold the answer of the one under *exact* once more.
    """
    return f"copy:{exact}"


def owner_tag(partition: str | None) -> str:
    """
    Return the tag of records that are kept apart, and go when those of *partition* go.
    """
    return f"owner:{partition}"


class StoreDown(Exception):
    """
    The store cannot be reached, or does not answer; for whoever asked it is a miss.
    """


@attrs.frozen(kw_only=True)
class Record:
    """
    An entry as a store keeps it.

    Attributes:
        exact: What it is found by.
        partition: Whose it is.
        model: The model that was asked for.
        tags: Words by which it may be purged; `copy_tag` and `owner_tag` among them.
        created_at: Unix seconds; likewise *expires_at*.
        packed: The entry.
    """

    exact: str
    partition: str
    model: str
    created_at: float
    expires_at: float
    packed: bytes = attrs.field(repr=False)
    tags: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Wanted:
    """
    Which records are meant: those that fit everything that is said; nothing said is all.
    """

    exact: str | None = None
    partition: str | None = None
    model: str | None = None
    tag: str | None = None
    created_before: float | None = None

    def takes(self, record: Record) -> bool:
        """
        Tell whether *record* is meant.
        """
        tags = record.tags
        return (
            (self.exact in {None, record.exact} or copy_tag(self.exact) in tags)
            and (
                self.partition in {None, record.partition}
                or owner_tag(self.partition) in tags
            )
            and self.model in {None, record.model}
            and (self.tag is None or self.tag in record.tags)
            and (self.created_before is None or record.created_at < self.created_before)
        )


class Store(Protocol):
    """
    Keeps records, as many as the operator allows; the least recently used go first.

    Every method raises `StoreDown` where the store cannot be reached.
    """

    async def get(self, exact: str) -> Record | None:
        """
        Return the record under *exact* that has not expired, or None.
        """

    async def put(self, record: Record) -> bool:
        """
        Keep *record* in place of the one under its key; let go of others where there are too many.

        Returns:
            Whether it is kept: not, where it is too large, or somebody elsewhere purged something
            meanwhile.
        """

    async def purge(self, wanted: Wanted) -> int:
        """
        Let go of the records that are meant; return how many there were.
        """

    async def size(self) -> tuple[int, int]:
        """
        Return how many records there are, and how many bytes.
        """

    async def close(self) -> None:
        """
        Let go of connections.
        """
