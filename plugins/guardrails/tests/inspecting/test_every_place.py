"""
A value in any place of any document of any dialect meets the guardrail's action.

What the documents look like stands in ``tests/dialects/examples``: a dialect that is added is
covered by its examples.
"""

from __future__ import annotations

import json

import pytest
from recordings import Example, places

from gateway.dialects import core_dialects
from gateway.errors import Blocked
from gateway.testing import make_exchange
from gateway.views import Chunk, Request, Response
from gateway_guardrails.inspecting.incoming import RequestInspector
from gateway_guardrails.inspecting.plan import Plan
from gateway_guardrails.inspecting.window import WindowFilter

ALL = [Example.of(dialect) for dialect in core_dialects()]
MAIL = "jane@acme.com"
#: What may stand in the place of a string, and what must not be left of it.
PLANTED = f'see "{MAIL}", ok?'


def plants(doc):
    """
    Put the value in the place of each string of *doc*, one after the other; like places once.
    """
    tried = set()
    for _, kinds, box in list(places(doc)):
        is_list = isinstance(box, list)
        for key in range(len(box)) if is_list else list(box):
            before = box[key]
            like = (kinds, "*" if is_list else key)
            if isinstance(before, str) and like not in tried:
                tried.add(like)
                box[key] = PLANTED
                yield like
                box[key] = before


def views_of(example, kind):
    """
    Yield a view of each example of *kind* with the value in one place, and that place.
    """
    for doc, view_of in example.views():
        if isinstance(view_of(doc), kind):
            for place in plants(doc):
                yield view_of(doc), place


def is_sealed(view):
    return any(text.sealed and MAIL in text.value for text in view.texts())


@pytest.fixture
def look(inspecting, scanner, kit):
    """
    Look at a request by one rule.
    """

    async def looked(request, **rest):
        inspection = inspecting(make_exchange())
        inspector = RequestInspector(scanner=scanner)
        plan = Plan.of([kit.rule("mail", **rest)], "input")
        await inspector.inspect(inspection, request, plan)

    return looked


@pytest.mark.parametrize("example", ALL, ids=str)
class TestRequests:
    async def test_redacts(self, example, look):
        """
        What is to be redacted does not reach the provider, wherever a caller puts it.
        """
        count, missed = 0, []
        for request, place in views_of(example, Request):
            if is_sealed(request):
                continue
            count += 1
            await look(request)
            if MAIL.encode() in request.encode():
                missed.append(place)

        assert count > 3
        assert missed == []

    async def test_blocks(self, example, look):
        """
        What is to be blocked is refused, wherever it is.
        """
        missed = []
        for request, place in views_of(example, Request):
            try:
                await look(request, action="block")
            except Blocked:
                continue
            missed.append(place)

        assert missed == []


@pytest.mark.parametrize("example", ALL, ids=str)
@pytest.mark.parametrize("kind", [Response, Chunk], ids=["whole", "stream"])
class TestAnswers:
    async def test_redacts(self, example, kind, inspecting, kit):
        """
        What is to be redacted does not reach the caller, or the answer is refused.
        """
        count, missed = 0, []
        plan = Plan.of([kit.rule("mail")], "output")
        for view, place in views_of(example, kind):
            count += 1
            made = WindowFilter(inspecting(), plan)
            try:
                if kind is Response:
                    await made.feed_response(view)
                    out = [view]
                else:
                    out = [*await made.feed([view]), *await made.flush()]
            except Blocked:
                assert is_sealed(view)
                continue
            if MAIL.encode() in b"".join(one.encode() for one in out):
                missed.append(place)

        assert count > 3 or not example.docs("events")
        assert missed == []


@pytest.mark.parametrize("example", ALL, ids=str)
async def test_names_of_keys(example, look):
    """
    A value as the name of a member that nobody has heard of is text as well.
    """
    for doc in example.docs("requests"):
        doc[PLANTED] = 1
        request = example.dialect.read_request(
            json.dumps(doc).encode(), example.dialect.operations[0]
        )
        await look(request)

        assert MAIL.encode() not in request.encode()
