from __future__ import annotations

import pytest

from gateway_governance.overlay import MAX_OVER, Overlay


def test_it_is_the_dict_that_changes_make(rng):
    """
    After any changes it has what a dict would have, and what was before has what it had.
    """
    model = {number: str(number) for number in range(50)}
    overlay = Overlay(dict(model))
    for _ in range(500):
        before, had = overlay, dict(model)
        changes = {
            rng.randrange(80): rng.choice([None, str(rng.random())])
            for _ in range(rng.randrange(20))
        }
        overlay = overlay.changed(changes)
        for key, value in changes.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value

        assert dict(overlay) == model
        assert len(overlay) == len(model)
        assert dict(before) == had
        assert all((key in overlay) == (key in model) for key in range(80))


def test_what_is_not_there():
    """
    A key that was never there, or was taken out, is missing as in a dict.
    """
    overlay = Overlay({1: "a"}).changed({1: None})

    assert overlay.get(1) is None
    assert overlay.get(1, "x") == overlay.get(2, "x") == "x"
    with pytest.raises(KeyError):
        overlay[1]


def test_a_copy_shares_what_did_not_change():
    """
    The large part is not copied for one entry, only when too many differ.
    """
    first = Overlay({number: number for number in range(10_000)})

    few = first.changed({5: 50})
    many = first.changed(dict.fromkeys(range(MAX_OVER + 1), -1))

    assert few._base is first._base
    assert many._base is not first._base
    assert many._over == {}
    assert many[0] == -1
    assert first[0] == 0


def test_no_change_is_no_copy():
    """
    Nothing changed is the same mapping.
    """
    overlay = Overlay({1: 1})

    assert overlay.changed({}) is overlay
