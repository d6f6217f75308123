from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.errors import InvalidRequest
from gateway_governance.documents import kind_of
from gateway_governance.entities import Customer, Team, VirtualKey
from gateway_governance.headers import attributed, check_required
from gateway_governance.snapshot import snapshot_of
from gateway_governance.values import Mint


def test_missing_headers_are_named_all_at_once():
    """
    A caller mends everything in one round; case makes no difference, and empty is missing.
    """
    headers = CIMultiDict({"X-Cost-Center": "7", "x-empty": " "})

    with pytest.raises(InvalidRequest) as caught:
        check_required(headers, ["x-cost-center", "X-Empty", "X-Project"])

    assert (caught.value.status, caught.value.code) == (400, "missing_required_headers")
    assert str(caught.value) == "missing required headers: X-Empty, X-Project"


def test_a_request_that_has_them_passes():
    """
    Nothing is asked for beyond what the operator asks for.
    """
    check_required(CIMultiDict({"X-A": "1"}), ["x-a"])
    check_required(CIMultiDict(), [])


KEYS = {
    "customers": VirtualKey(id="k1", name="k1", customer_id="acme"),
    "teams": VirtualKey(id="k2", name="k2", team_id="web"),
    "nobodys": VirtualKey(id="k3", name="k3"),
}
SNAPSHOT = snapshot_of(
    (
        (kind_of(entity), entity)
        for entity in (
            Customer(id="acme", name="Acme"),
            Customer(id="other", name="Other"),
            Team(id="web", name="Web", customer_id="acme"),
            Team(id="app", name="App", customer_id="acme"),
            Team(id="theirs", name="Theirs", customer_id="other"),
            Team(id="free", name="Free"),
            *KEYS.values(),
        )
    ),
    mint=Mint(b"k" * 32),
    generation=1,
    now=0.0,
)


@pytest.mark.parametrize(
    ("key", "headers", "team"),
    [
        ("customers", {}, None),
        ("customers", {"x-gw-team": "web"}, "web"),
        ("customers", {"X-GW-Team": "App", "x-bf-customer-name": "Acme"}, "app"),
        ("customers", {"x-gw-customer": "acme"}, None),
        ("teams", {"x-gw-team": "Web", "x-bf-customer-id": "acme"}, "web"),
        ("nobodys", {}, None),
    ],
)
def test_usage_is_attributed_to_owners_under_the_keys_own(key, headers, team):
    """
    A customer's key may name one of the customer's teams, any key whom it belongs to anyway.
    """
    found = SNAPSHOT.found(KEYS[key], 0.0)

    under = attributed(CIMultiDict(headers), found, SNAPSHOT)

    assert (under.team.id if under.team else None) == team
    assert under.customer == found.customer
    assert under.key is found.key


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        ("customers", {"x-gw-team": "theirs"}),
        ("customers", {"x-gw-team": "free"}),
        ("customers", {"x-gw-team": "nowhere"}),
        ("customers", {"x-gw-team": ""}),
        ("customers", {"x-gw-team": "web", "x-bf-customer-id": "other"}),
        ("teams", {"x-gw-team": "app"}),
        ("nobodys", {"x-gw-team": "free"}),
        ("nobodys", {"x-gw-customer": "acme"}),
    ],
    ids=str,
)
def test_nobody_elses_team_can_be_made_to_pay(key, headers):
    """
    Whoever is not under the key's owner is refused, in the same words whether or not there is one.
    """
    found = SNAPSHOT.found(KEYS[key], 0.0)

    with pytest.raises(InvalidRequest, match="names nobody under the owner") as caught:
        attributed(CIMultiDict(headers), found, SNAPSHOT)

    assert (caught.value.status, caught.value.code) == (400, "invalid_attribution")
