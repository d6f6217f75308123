"""
Texts are looked at once, and long ones beside the loop.
"""

from __future__ import annotations

import threading

import pytest

from gateway.detecting import Find, Place
from gateway_guardrails.inspecting.cache import FindCache
from gateway_guardrails.inspecting.plan import Plan
from gateway_guardrails.inspecting.scanning import LONG, Look
from gateway_guardrails.inspecting.segments import place_of
from gateway_guardrails.policy.guardrail import Guardrail, NamedDetector

USER = place_of("input", "user", "message")


class Counting:
    """
    Finds every x, and counts texts and threads.
    """

    context = 1

    def __init__(self):
        self.texts = []
        self.threads = set()

    def find(self, text, start, *, final, place):
        self.texts.append(text)
        self.threads.add(threading.get_ident())
        places = [at for at, letter in enumerate(text) if letter == "x"]
        return [Find(at, at + 1, "X") for at in places], len(text)


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def plan(counting):
    detector = NamedDetector(name="counting", detector=counting)
    return Plan.of([Guardrail(name="a", texts=(detector,))], "input")


async def test_a_text_is_looked_at_once(scanner, plan, counting):
    """
    What was looked at is remembered, by text; what is new is looked at alone.
    """
    first, *_ = await scanner.scan(plan, [Look("ax", USER)], b"me")
    both, *_ = await scanner.scan(plan, [Look("ax", USER), Look("b", USER)], b"me")

    assert counting.texts == ["ax", "b"]
    assert first == [((Find(1, 2, "X"),),)]
    assert both == [*first, ((),)]


@pytest.mark.parametrize(
    ("place", "scope"),
    [
        (place_of("input", "tool", "message"), b"me"),
        (place_of("input", "user", "document"), b"me"),
        (USER, b"you"),
    ],
    ids=["role", "kind", "caller"],
)
async def test_another_place_or_caller_is_another_text(
    scanner, plan, counting, place, scope
):
    """
    A text elsewhere, or of somebody else, is looked at by itself.
    """
    await scanner.scan(plan, [Look("x", USER)], b"me")
    await scanner.scan(plan, [Look("x", place)], scope)

    assert counting.texts == ["x", "x"]


async def test_long_texts_are_looked_at_elsewhere(scanner, plan, counting):
    """
    Long texts are looked at in a thread of their own, short ones on the loop.
    """
    await scanner.scan(plan, [Look("y" * (LONG + 1), USER)], b"me")
    here = counting.threads == {threading.get_ident()}
    counting.threads.clear()
    await scanner.scan(plan, [Look("short", USER)], b"me")

    assert not here
    assert counting.threads == {threading.get_ident()}


async def test_all_of_very_much_is_looked_at(scanner, plan, counting):
    """
    Many long texts are looked at in turns, each once, and each result is its own.
    """
    looks = [Look("x" * at + "y" * 150_000, USER) for at in range(5)]

    found, failures, _ = await scanner.scan(plan, looks, b"me")

    assert failures == []
    assert [len(finds) for (finds,) in found] == [0, 1, 2, 3, 4]
    assert sorted(counting.texts) == sorted(look.value for look in looks)


async def test_failures_are_not_remembered(scanner, kit):
    """
    A detector that failed is tried again, and its failure tells nothing of the text.
    """
    plan = Plan.of([kit.rule("failing")], "input")

    for _ in range(2):
        _, (failure,), _ = await scanner.scan(plan, [Look("secret", USER)], b"me")
        assert str(failure) == "failing: RuntimeError"


def test_the_cache_is_bounded():
    """
    What was used longest ago is forgotten when there is too much.
    """
    cache = FindCache(b"k" * 32, 3_000)
    names = [cache.name(b"me", USER, str(at)) for at in range(100)]
    for name in names:
        cache.keep(name, ((),))
        cache.find(names[0])

    assert cache.weight <= 3_000
    assert cache.find(names[0]) is not None
    assert cache.find(names[1]) is None


def test_the_cache_holds_no_text():
    """
    Names are keyed hashes: without the key nobody can tell what was said.
    """
    place = Place(stage="input", role="user")
    names = {FindCache(key * 32, 0).name(b"me", place, "hi") for key in (b"a", b"b")}

    assert len(names) == 2
    assert all(len(name) == 16 for name in names)
