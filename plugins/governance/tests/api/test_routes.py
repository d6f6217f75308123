from __future__ import annotations

import pytest

from gateway_governance.api.routes import routes


def nobody():
    raise RuntimeError


def test_every_route_is_below_its_root_with_a_permission():
    """
    What reads may be read by viewers, what changes may not; one route is anybody's.
    """
    found = list(routes(nobody))

    assert all(route.path.startswith("/api/governance/") for route in found)
    assert [route.path for route in found if route.permission == "public"] == [
        "/api/governance/virtual-keys/quota"
    ]
    others = [route for route in found if route.permission != "public"]
    for route in others:
        deed = "read" if route.method == "GET" else "write"
        assert route.permission == f"governance:{deed}"
    assert len({route.name for route in found}) == len(found)


def test_the_contracts_paths_are_all_there():
    """
    Section 1.2 of the contract, but for what belongs to other issues.
    """
    kinds = ("virtual-keys", "teams", "customers", "routing-rules", "model-configs")
    wanted = {f"GET /{kind}" for kind in (*kinds, "budgets", "rate-limits")}
    for kind in (*kinds, "pricing-overrides"):
        wanted |= {f"GET /{kind}", f"POST /{kind}", f"GET /{kind}/{{id}}"}
        wanted |= {f"PUT /{kind}/{{id}}", f"DELETE /{kind}/{{id}}"}
    key = "/virtual-keys/{id}"
    wanted |= {"GET /virtual-keys/quota", f"POST {key}/rotate"}
    wanted |= {
        f"{method} {key}/budgets/{{bid}}/override" for method in ("PUT", "DELETE")
    }
    wanted |= {"PUT /providers/{name}", "DELETE /providers/{name}"}

    found = {route.name.replace("/api/governance", "") for route in routes(nobody)}

    assert wanted <= found


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b'{"name": "a", "name": "b"}'])
async def test_a_body_must_be_one_object(gov, raw):
    """
    Anything else is 400, and so is a key that stands twice.
    """
    await gov.ask("POST", "/teams", raw, status=400)

    assert (await gov.get("/teams"))["total_count"] == 1
