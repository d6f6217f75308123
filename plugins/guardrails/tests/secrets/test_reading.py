"""
How texts read.
"""

from __future__ import annotations

import random
import string

import pytest

from gateway_guardrails.secrets.reading import DRAWN, strangeness_of

from .conftest import found_in


@pytest.mark.parametrize(
    "name",
    [
        "authenticationProvider",
        "maximum_connection_count",
        "getElementsByTagName",
        "Benutzerverwaltung",
        "configuracionUsuario",
    ],
)
def test_names_read_well(name):
    """
    What was put together from words has pairs of letters that words have.
    """
    assert strangeness_of(name) < DRAWN


def test_what_was_drawn_reads_badly():
    """
    Of sixteen letters that were drawn, nearly all do.
    """
    chance = random.Random(20261129)
    drawn = [
        "".join(chance.choice(string.ascii_letters) for _ in range(16))
        for _ in range(500)
    ]

    assert sum(strangeness_of(one) >= DRAWN for one in drawn) > 470


def test_there_may_be_nothing_to_read():
    """
    Digits and signs do not read at all.
    """
    assert strangeness_of("4711-42") == 0.0
    assert strangeness_of("") == 0.0


def test_a_password_of_letters_alone_is_found(detector):
    """
    A password that an application was given has no digit and no sign.
    """
    value = "vzihlaqu" + "knriqlht"

    assert (
        "generic_credential",
        value,
    ) in found_in(detector, f'client_secret = "{value}"')
    assert found_in(detector, 'client_secret = "descriptionField"') == []
