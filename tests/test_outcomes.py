from __future__ import annotations

import pytest

from gateway.errors import Untranslatable
from gateway.outcomes import SEAL_MARK, Losses, Seal


def test_a_seal_travels_in_another_dialect_and_comes_back():
    """
    Wrapped toward callers, unwrapped when they send it back.
    """
    seal = Seal(dialect="anthropic_messages", data="c2ln", item_id="b1")

    assert seal.written_for("anthropic_messages") == "c2ln"
    wrapped = seal.written_for("openai_responses")
    assert wrapped != "c2ln"
    assert Seal.read("openai_responses", wrapped) == seal


@pytest.mark.parametrize("data", ["plain", "gw1.", "gw1.%%%", "gw1.e30=", "gw1.WzFd"])
def test_what_is_not_a_wrapped_seal_is_the_dialects_own(data):
    """
    Data that only looks wrapped goes back as it came.
    """
    seal = Seal.read("openai_responses", data)

    assert seal == Seal(dialect="openai_responses", data=data)


@pytest.mark.parametrize(
    ("data", "is_wrapped"),
    [
        (Seal(dialect="anthropic_messages", data="c2ln").wrap(), True),
        ("gw1.%%%", False),
        ("c2ln", False),
        (None, False),
    ],
    ids=["wrapped", "looks wrapped", "a provider's", "none"],
)
def test_a_wrapped_seal_is_known_by_its_looks(data, is_wrapped):
    """
    What was wrapped here is told from what providers sealed, and stands behind its mark.
    """
    assert Seal.is_wrapped(data) is is_wrapped
    assert not is_wrapped or data.encode().startswith(SEAL_MARK)


def test_losses_are_listed_once_each():
    """
    The header names every field with what became of it.
    """
    losses = Losses()
    losses.drop("seed", "no such field")
    losses.drop("seed", "no such field")
    losses.change("temperature", "at most 1")
    losses.emulate("response_format", "by instruction")

    assert losses.header() == (
        "seed=dropped, temperature=changed, response_format=emulated"
    )


def test_strict_refuses_the_first_loss():
    """
    In strict mode nothing is lost: the request is refused by the field's name.
    """
    with pytest.raises(Untranslatable, match="seed"):
        Losses(is_strict=True).drop("seed", "no such field")
    with pytest.raises(Untranslatable, match='"n" cannot'):
        Losses().refuse("n", "one answer only")
