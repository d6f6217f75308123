from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest

from gateway import codec
from gateway.settings import (
    SecretRef,
    find_secrets,
    load_settings,
    settings_as_dict,
    settings_from_dict,
)
from gateway.settings.snapshot import HIDDEN, changed_paths

EXAMPLE = Path(__file__).with_name("example.yaml")


class Colour(Enum):
    RED = "red"


@attrs.frozen(kw_only=True)
class Plugged:
    keys: Mapping[str, SecretRef] = attrs.field(factory=dict)
    stores: tuple[SecretRef, ...] = ()
    other: Any = None


class TestAsDict:
    def test_can_be_read_back(self):
        """
        What is rendered is a settings file again, and says the same.
        """
        settings = load_settings(EXAMPLE)

        again = settings_from_dict(settings_as_dict(settings))

        assert again.server == settings.server
        assert again.providers == settings.providers
        assert again.models == settings.models
        assert again.hooks == settings.hooks
        assert again.plugins["audit"].plain() == settings.plugins["audit"].plain()

    def test_shows_references_and_defaults(self):
        """
        A secret is the reference that stands in the file, a default is written out.
        """
        rendered = settings_as_dict(load_settings(EXAMPLE))

        key = rendered["providers"]["azure-eu"]["keys"]["main"]
        assert key == {"secret": "env.AZURE_KEY", "weight": 1, "models": ["*"]}
        assert rendered["server"]["listen"] == "0.0.0.0:8080"
        assert "digest" not in rendered

    def test_is_json(self):
        """
        The management API sends it as it is.
        """
        rendered = settings_as_dict(load_settings(EXAMPLE))

        assert codec.loads(codec.dumps(rendered)) == rendered

    @pytest.mark.parametrize(
        "mapping",
        [
            {"providers": {"a": {"headers": {"X-Corp": "sk-proj-canary-123"}}}},
            {"plugins": {"a": {"url_token": "sk-proj-canary-123"}}},
        ],
        ids=str,
    )
    def test_hides_what_looks_like_a_credential(self, mapping):
        """
        A key in a field that is no reference is not shown to viewers.
        """
        rendered = str(settings_as_dict(settings_from_dict(mapping)))

        assert "canary" not in rendered
        assert HIDDEN in rendered


class TestFindSecrets:
    def test_finds_each_reference_of_the_core(self):
        """
        Root key, admin tokens and provider keys, with the way to each.
        """
        found = dict(find_secrets(load_settings(EXAMPLE)))

        assert found["server", "secret_key"].scheme == "file"
        assert found["admin", "grafana", "secret"] == SecretRef("env", "GW_GRAFANA")
        assert str(found["providers", "openai", "keys", "spare", "secret"]) == (
            "env.OPENAI_API_KEY_2"
        )
        assert len(found) == 7

    def test_finds_those_of_a_plugin(self):
        """
        Tables, lists and free-form values of any settings class are searched.
        """
        reference = SecretRef("env", "X")
        settings = Plugged(
            keys={"a": reference},
            stores=(reference,),
            other=[Plugged, Colour.RED, Decimal(1), {"b": reference}],
        )

        assert [steps for steps, _ in find_secrets(settings)] == [
            ("keys", "a"),
            ("stores", 0),
            ("other", 3, "b"),
        ]


class TestChangedPaths:
    @pytest.mark.parametrize(
        ("old", "new", "changes"),
        [
            ({"a": 1}, {"a": 1}, []),
            ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
            ({"a": 1}, {"b": 2}, [("a", 1, None), ("b", None, 2)]),
            ({"a": ["x"]}, {"a": ["x", "y"]}, [("a", ["x"], ["x", "y"])]),
            ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[0].b", 1, 2)]),
            ({"a": {"b": 1}}, {}, [("a", {"b": 1}, None)]),
            ({"a": True}, {"a": "true"}, [("a", True, "true")]),
        ],
        ids=str,
    )
    def test_are_those_that_differ(self, old, new, changes):
        """
        Tables are compared key by key, lists of equal length item by item.
        """
        assert list(changed_paths(old, new)) == changes
