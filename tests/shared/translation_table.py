"""
Every correspondence between the dialects that are translated, and what becomes of it.

The rows stand in ``translations/*.yaml``, one file a chapter.  A row is a concept; for each
dialect that can say it there are cases, and for each case what the two other dialects make of
it: the exact values at some places of the translated document, the exact list of losses, or the
name of the field that is refused.  `run` translates; `render` writes ``TRANSLATION.md`` from
what was really observed, never from what was expected::

    python tests/dialects/translation_table.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from gateway import codec
from gateway.dialects import Dialect, core_dialects
from gateway.errors import Untranslatable
from gateway.neutral import Losses
from gateway.views import Chunk, Request, Response

HERE: Final = Path(__file__).parents[1] / "dialects"
PAGE: Final = HERE / "TRANSLATION.md"

#: What the rows call the dialects, in the order of the page's columns.
DIALECTS: Final = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
}
#: In the place of a value: the key must not be there.
ABSENT: Final = "<absent>"
#: In the place of cases: the dialect has no such thing.
NONE: Final = "none"

_ASKS: Final[Mapping[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "m", "input": "hi"},
    "messages": {
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hi"}],
    },
}
_ANSWERS: Final[Mapping[str, Any]] = {
    "chat": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi"},
                "finish_reason": "stop",
            }
        ],
    },
    "responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "hi", "annotations": []}],
            }
        ],
    },
    "messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
}


@attrs.frozen(kw_only=True)
class Limits:
    """
    What a catalog knows of the model that is asked.
    """

    max_output_tokens: int | None = 8192
    takes_sampling: bool | None = None
    reasons_adaptively: bool | None = None


@attrs.frozen(kw_only=True)
class Case:
    """
    One document in one dialect, and what it is to become in another.

    Attributes:
        kind: ``ask``, ``answer`` or ``stream``: what *given* is.
        given: Members of a request or of an answer over those of the plainest one; for a
            stream its events.
        asked: Of the caller's request, where an answer is translated.
        want: Values by their dotted place in the target; `ABSENT` for none.
        lost: The exact losses: action by field.
        refused: The field that the request is refused for, or "".
    """

    row: str
    source: str
    target: str
    number: int
    kind: str
    given: Any
    limits: Limits
    asked: Mapping[str, Any]
    want: Mapping[str, Any]
    lost: Mapping[str, str]
    refused: str

    @property
    def id(self) -> str:
        return f"{self.row}-{self.source}-{self.target}-{self.number}"


@attrs.frozen(kw_only=True)
class Row:
    """
    One concept.

    Attributes:
        what: In words.
        elsewhere: Whose alone it is, if no dialect here concerns it.
        unsaid: The dialects that have no such thing.
    """

    id: str
    what: str
    elsewhere: str
    unsaid: frozenset[str]
    cases: tuple[Case, ...]


@attrs.frozen
class Outcome:
    """
    What a translation did: the document and the losses, or the field it was refused for.
    """

    doc: Any = None
    lost: Mapping[str, str] = attrs.field(factory=dict)
    refused: str = ""

    def __str__(self) -> str:
        if self.refused:
            return f"400 `untranslatable`: `{self.refused}`"
        if self.lost:
            return ", ".join(f"{does}: `{field}`" for field, does in self.lost.items())
        return "kept"


# --- the rows -------------------------------------------------------------------------------


def chapters() -> dict[str, list[Row]]:
    """
    Read all rows, by the title of their chapter.
    """
    read = {}
    for path in sorted((HERE / "translations").glob("*.yaml")):
        chapter = yaml.safe_load(path.read_text())
        title = f"{path.stem.partition('_')[0]}. {chapter.pop('title')}"
        read[title] = [_row(row_id, said) for row_id, said in chapter.items()]
    return read


def rows() -> list[Row]:
    """
    Read all rows.
    """
    return [row for chapter in chapters().values() for row in chapter]


def _row(row_id: str, said: Mapping[str, Any]) -> Row:
    known = {"what", "elsewhere", *DIALECTS}
    if set(said) - known:
        raise ValueError(f"{row_id}: {sorted(set(said) - known)}")
    unsaid = frozenset(name for name in DIALECTS if said.get(name) == NONE)
    cases: list[Case] = []
    for source in DIALECTS:
        if source in said and source not in unsaid:
            for number, one in enumerate(said[source], 1):
                cases += _cases(row_id, source, number, one)
    return Row(
        id=row_id,
        what=said["what"],
        elsewhere=said.get("elsewhere", ""),
        unsaid=unsaid,
        cases=tuple(cases),
    )


def _cases(
    row_id: str, source: str, number: int, said: Mapping[str, Any]
) -> Iterator[Case]:
    left = dict(said)
    kind = next(kind for kind in ("ask", "answer", "stream") if kind in left)
    given = left.pop(kind)
    limits = Limits(**left.pop("limits", {}))
    both = {"asked": left.pop("asked", {}), "lost": left.pop("lost", {})}
    for target in DIALECTS:
        if target != source and target in left:
            there = {**both, **left.pop(target)}
            yield Case(
                row=row_id,
                source=source,
                target=target,
                number=number,
                kind=kind,
                given=given,
                limits=limits,
                asked=there.pop("asked"),
                want=there.pop("want", {}),
                lost=there.pop("lost"),
                refused=there.pop("refused", ""),
            )
            if there:
                raise ValueError(f"{row_id}: {sorted(there)}")
    if left:
        raise ValueError(f"{row_id}: {sorted(left)}")


# --- translating ----------------------------------------------------------------------------


def run(case: Case) -> Outcome:
    """
    Translate what *case* gives.
    """
    losses = Losses()
    source, target = _dialect(case.source), _dialect(case.target)
    translate = {"ask": _ask, "answer": _answer, "stream": _stream}[case.kind]
    try:
        doc = translate(case, source, target, losses)
    except Untranslatable as refusal:
        return Outcome(refused=", ".join(refusal.fields))
    lost: dict[str, str] = {}
    for loss in losses.found:
        # Two records of one field are told as one, the worse of them.
        lost[loss.field] = max(lost.get(loss.field, ""), loss.action, key=_BAD.index)
    return Outcome(doc, lost)


_BAD: Final = ("", "emulated", "changed", "dropped")


def _dialect(name: str) -> Dialect:
    wanted = DIALECTS[name]
    return next(dialect for dialect in core_dialects() if dialect.name == wanted)


def _ask(case: Case, source: Dialect, target: Dialect, losses: Losses) -> Any:
    raw = codec.dumps({**_ASKS[case.source], **case.given})
    request = source.read_request(raw, "generate")
    ask = source.to_neutral(request, losses)
    return codec.loads(target.from_neutral(ask, losses, case.limits).encode())


def _answer(case: Case, source: Dialect, target: Dialect, losses: Losses) -> Any:
    raw = codec.dumps({**_ANSWERS[case.source], **case.given})
    answer = source.read_answer(Response(source, raw))
    written = target.write_answer(answer, _asked(case, target), losses)
    return codec.loads(written.encode())


def _stream(case: Case, source: Dialect, target: Dialect, losses: Losses) -> Any:
    """
    Translate a stream; its document is the list of its events' documents.
    """
    reader = source.stream_reader()
    writer = target.stream_writer(_asked(case, target), losses)
    docs = []
    for doc in case.given:
        kind = doc["type"].encode() if isinstance(doc, dict) and "type" in doc else None
        head = b"event: %b\n" % kind if kind else b""
        data = codec.dumps(doc) if isinstance(doc, dict) else doc.encode()
        chunk = Chunk(source, b"%bdata: %b\n\n" % (head, data))
        for event in reader.read(chunk):
            docs += [Chunk(target, out.encode()).doc for out in writer.write(event)]
    return [doc for doc in docs if doc]


def _asked(case: Case, target: Dialect) -> Request:
    raw = codec.dumps({**_ASKS[case.target], **case.asked})
    return target.read_request(raw, "generate")


def find(doc: Any, place: str) -> Any:
    """
    Return what stands at a dotted *place* of *doc*; `ABSENT` if nothing does.
    """
    for step in place.split("."):
        try:
            doc = doc[int(step) if isinstance(doc, list) else step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return doc


# --- the page -------------------------------------------------------------------------------

_HEAD: Final = """\
# What becomes of it in translation

Made by `python tests/dialects/translation_table.py` out of what the translators really did with
the cases in `translations/`; `test_translation_table.py` runs every case and checks that this
page is fresh. *chat* is OpenAI's chat completions, *responses* OpenAI's Responses, *messages*
Anthropic's. *kept* means that nothing was lost on the way; what is *dropped*, *changed* or
*emulated* stands in the header `x-gw-translation` of the answer, and in strict mode is refused.
A test is called `test_row[id]`.
"""


def render() -> str:
    """
    Write the page.
    """
    lines = [_HEAD]
    for title, chapter in chapters().items():
        lines += [
            f"## {title}",
            "",
            "| what | way | outcome | test |",
            "|---|---|---|---|",
        ]
        for row in chapter:
            lines += _lines(row)
        lines.append("")
    return "\n".join(lines)


def _lines(row: Row) -> Iterator[str]:
    what = f"{row.id}: {row.what}"
    if row.elsewhere:
        yield f"| {what} | – | only {row.elsewhere} | – |"
    for case in row.cases:
        way = f"{case.source} → {case.target}"
        yield f"| {_cell(what)} | {way} | {_cell(str(run(case)))} | `{case.id}` |"
        what = ""
    for name in DIALECTS:
        if name in row.unsaid:
            yield f"| | {name} → | has no such thing | – |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render())
