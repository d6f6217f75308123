from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gateway.errors import NotAuthenticated
from gateway.providers.credentials import callers_own, spell

TOKEN = "eyJhbGciOi.eyJzdWIi.c2ln"


@pytest.mark.parametrize(
    ("value", "spelling", "version", "header"),
    [
        ("k", "bearer", "", ("authorization", "Bearer k")),
        ("k", "x-api-key", "", ("x-api-key", "k")),
        ("k", "api-key", "", ("api-key", "k")),
        ("k", "anthropic", "2023-06-01", ("x-api-key", "k")),
        ("k", "anthropic", "", ("x-api-key", "k")),
        ("k", "anthropic", "2026-10-21", ("authorization", "Bearer k")),
        ("k", "anthropic", "2027-01-01", ("authorization", "Bearer k")),
        (
            "sk-ant-oat01-x",
            "anthropic",
            "2023-06-01",
            ("authorization", "Bearer sk-ant-oat01-x"),
        ),
        ("k", "azure", "", ("api-key", "k")),
        (TOKEN, "azure", "", ("authorization", f"Bearer {TOKEN}")),
        ("eyJ-no-token", "azure", "", ("api-key", "eyJ-no-token")),
        ("a.b.c", "azure", "", ("api-key", "a.b.c")),
    ],
)
def test_spells_credentials(value, spelling, version, header):
    """
    A credential goes where the vendor reads it.
    """
    assert spell(value, spelling, version) == header


class TestCallersOwn:
    @pytest.mark.parametrize(
        "came",
        [
            {"Authorization": "Bearer sk-own"},
            {"authorization": "bearer  sk-own "},
            {"x-api-key": "sk-own"},
            {"api-key": "sk-own"},
        ],
        ids=["bearer", "lower-case", "x-api-key", "api-key"],
    )
    def test_finds_it_in_each_spelling(self, came):
        """
        The caller's credential is found wherever vendors' clients put it.
        """
        assert callers_own(CIMultiDict(came), "p") == "sk-own"

    @pytest.mark.parametrize("key", ["sk-gw-7q2m", "sk-bf-0f1e"])
    def test_never_passes_a_gateway_key_on(self, key):
        """
        A key for the gateway stays here, and the credential beside it is used.
        """
        came = CIMultiDict({"Authorization": f"Bearer {key}", "x-api-key": "sk-own"})

        assert callers_own(came, "p") == "sk-own"

    @pytest.mark.parametrize(
        "came",
        [
            {},
            {"Authorization": "Bearer sk-gw-7q2m"},
            {"x-api-key": "sk-gw-7q2m"},
            {"Authorization": "Bearer "},
            {"Authorization": "Basic dXNlcjpwYXNz"},
            {"x-api-key": "two words"},
            {"x-api-key": "line\r\nbreak"},
        ],
        ids=["nothing", "ours", "ours-x", "empty", "basic", "words", "lines"],
    )
    def test_says_that_none_came(self, came):
        """
        Without a credential the caller hears where to put it, and nothing is echoed.
        """
        with pytest.raises(NotAuthenticated) as caught:
            callers_own(CIMultiDict(came), "acme")

        assert caught.value.code == "provider_credential_required"
        assert "acme" in str(caught.value)
        assert "sk-gw" not in str(caught.value)
