from __future__ import annotations

from random import Random

import attrs

from gateway.catalog import UNKNOWN, Catalog
from gateway_governance.access import AccessTable
from gateway_governance.books import KEPT, LONGEST_NAME, Books
from gateway_governance.choosing import Chooser
from gateway_governance.documents import kind_of
from gateway_governance.entities import (
    Budget,
    Limits,
    Period,
    PricingOverride,
    RateLimit,
    Unit,
    VirtualKey,
)
from gateway_governance.pricing import Pricer
from gateway_governance.rules import RuleSet
from gateway_governance.snapshot import Change, snapshot_of
from gateway_governance.values import Mint

DAY = 86_400.0
RATE = RateLimit(amount=1, unit=Unit.TOKENS, period=Period.DAY)
KEY = VirtualKey(id="k", name="k", limits=Limits(rate_limits=(RATE,)))
PRICE = PricingOverride(
    id="p", name="p", model="*", prices={"input": "1", "output": "2"}
)


def books_of(snapshot):
    asked = []

    def facts(provider, model):
        asked.append((provider, model))
        return "openai", UNKNOWN

    chooser = Chooser(rules=RuleSet(()), access=AccessTable(), random=Random(1))
    pricer = Pricer(Catalog([]), [PRICE])
    books = Books(snapshot=snapshot, pricer=pricer, chooser=chooser, facts=facts)
    return books, asked


def a_snapshot(*entities):
    return snapshot_of(
        [(kind_of(entity), entity) for entity in entities],
        mint=Mint(b"k" * 32),
        generation=1,
        now=0.0,
    )


def test_terms_are_looked_up_once_a_day_for_each_key_and_model():
    """
    Prices change at midnight, and nothing else changes within one snapshot.
    """
    snapshot = a_snapshot(KEY)
    books, asked = books_of(snapshot)
    found = snapshot.found(KEY, 0.0)

    terms = books.terms(found, "p", "m", 0.0)
    same = books.terms(found, "p", "m", DAY - 1)
    next_day = books.terms(found, "p", "m", DAY)
    nobodys = books.terms(None, "p", "m", DAY)

    assert terms is same
    assert next_day is not same
    assert (terms.key_id, nobodys.key_id) == ("k", None)
    assert terms.tariff.price.input_pico == 1_000_000
    assert len(asked) == 3


def test_a_key_that_changed_meanwhile_counts_as_it_is_now():
    """
    A request that began with the old limits does not leave them behind for those to come.
    """
    before = a_snapshot(KEY)
    found = before.found(KEY, 0.0)
    budget = Budget(limit_nano=5, period=Period.DAY)
    richer = attrs.evolve(KEY, limits=Limits(budgets=(budget,), rate_limits=(RATE,)))
    change = Change(kind="virtual_key", id="k", entity=richer)
    after = before.changed([change], generation=2, now=0.0)

    late = books_of(after)[0].terms(found, "p", "m", 0.0)
    gone = before.changed(
        [Change(kind="virtual_key", id="k", entity=None)], generation=3, now=0.0
    )
    removed = books_of(gone)[0].terms(found, "p", "m", 0.0)

    assert (late.has_budget, len(late.meters)) == (True, 2)
    assert (removed.has_budget, len(removed.meters)) == (False, 1)


def test_what_is_remembered_is_bounded():
    """
    Callers choose the names of models.
    """
    books, _ = books_of(a_snapshot())

    for number in range(KEPT + 10):
        books.terms(None, "p", f"m{number}", 0.0)
    books.terms(None, "p", "m" * (LONGEST_NAME + 1), 0.0)

    assert len(books._terms) <= KEPT
    assert all(len(model) <= LONGEST_NAME for _, _, model in books._terms)
