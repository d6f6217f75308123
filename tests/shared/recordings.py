"""
What the documents of each dialect look like: the files of ``tests/dialects/examples``.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import attrs

from gateway.dialects import Dialect
from gateway.views import Chunk, Request, Response

FOLDER = Path(__file__).parents[1] / "dialects"
EXAMPLES = FOLDER / "examples"

# --- examples -------------------------------------------------------------------------------


def resolved(value):
    """
    Return the documents that *value* is, or those in the file that it names, ``file#member``.
    """
    if not isinstance(value, str):
        return [value]
    name, _, member = value.partition("#")
    found = json.loads((FOLDER / name).read_text())
    found = found[member] if member else found
    return found if isinstance(found, list) else [found]


def slices(doc):
    """
    Yield documents with all of *doc* between them, so that none takes long to read.

    What is no container stands in each of them.
    """
    plain = {k: v for k, v in doc.items() if not isinstance(v, dict | list)}
    yield plain
    for key, value in doc.items():
        if isinstance(value, dict):
            parts = slices(value)
        elif isinstance(value, list):
            parts = [[member] for member in value] or [[]]
        else:
            continue
        yield from ({**plain, key: part} for part in parts)


def places(node, path=(), kinds=()):
    """
    Yield every container in *node*, its path, and what tells it from others of its shape.
    """
    if isinstance(node, dict | list):
        yield path, kinds, node
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            step = key if isinstance(node, dict) else "*"
            kind = value.get("type") if isinstance(value, dict) else None
            yield from places(value, (*path, key), (*kinds, (step, str(kind))))


def frame_of(name, doc):
    head = f"event: {name}\n" if name else ""
    data = doc if isinstance(doc, str) else json.dumps(doc, ensure_ascii=False)
    return f"{head}data: {data}\n\n".encode()


@attrs.frozen(eq=False)
class Recording:
    """
    One answer of a vendor, whole and as a stream, to one request.
    """

    dialect: Dialect
    name: str
    request: dict[str, Any]
    answer: dict[str, Any]
    stream: list[Any]

    def __str__(self):
        return f"{self.dialect}-{self.name}"

    @property
    def frames(self):
        return [frame_of(name, doc) for name, doc in self.stream]

    def asked(self):
        return self.dialect.read_request(
            json.dumps(self.request).encode(), self.dialect.operations[0]
        )


@attrs.frozen(eq=False)
class Example:
    """
    What one dialect's documents look like.
    """

    dialect: Dialect
    said: dict[str, Any]

    @classmethod
    def of(cls, dialect):
        path = EXAMPLES / f"{dialect}.json"
        return cls(dialect, json.loads(path.read_text()) if path.exists() else {})

    def __str__(self):
        return str(self.dialect)

    def docs(self, kind):
        values = copy.deepcopy(self.said.get(kind, ()))
        return [doc for value in values for doc in resolved(value)]

    def recordings(self):
        recordings = copy.deepcopy(self.said.get("recordings", {}))
        return [Recording(self.dialect, name, **r) for name, r in recordings.items()]

    def events(self):
        streamed = [pair for record in self.recordings() for pair in record.stream]
        rich = [(doc.get("type"), doc) for doc in self.docs("events")]
        return [*rich, *(pair for pair in streamed if pair[1] != "[DONE]")]

    def views(self):
        """
        Yield each example document, in slices, and what makes a view of one like it.
        """
        made = [
            (doc, lambda doc, kind=kind: kind(self.dialect, json.dumps(doc).encode()))
            for kind, docs in ((Request, "requests"), (Response, "responses"))
            for doc in self.docs(docs)
        ]
        made += [
            (doc, lambda doc, name=name: Chunk(self.dialect, frame_of(name, doc)))
            for name, doc in self.events()
        ]
        return [(part, view_of) for doc, view_of in made for part in slices(doc)]
