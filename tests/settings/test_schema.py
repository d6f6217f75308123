from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import attrs
import fastjsonschema
import pytest
import yaml

from gateway.errors import ConfigError
from gateway.settings import PluginTable, SecretRef, settings_from_dict, told
from gateway.settings.schema import DRAFT, schema_of, schema_of_class
from gateway.settings.values import above, at_least

EXAMPLE = Path(__file__).with_name("example.yaml")


class Colour(Enum):
    RED = "red"


class Period:
    @classmethod
    def parse(cls, text: str) -> Period:
        return cls()


@attrs.frozen(kw_only=True)
class Budget:
    limit_usd: Decimal = attrs.field(metadata=told("The most."))
    per: Period

    @classmethod
    def short_form(cls, text: str) -> Budget:
        return cls(limit_usd=Decimal(text.partition("/")[0]), per=Period())


@attrs.frozen
class Limits:
    budgets: tuple[Budget, ...] = ()


@attrs.frozen(kw_only=True)
class Plugged:
    budgets: tuple[Budget, ...] = ()
    keys: Mapping[str, SecretRef] = attrs.field(factory=dict)
    level: Literal["low", "high"] | None = "low"
    colour: Colour = Colour.RED
    since: date | None = None
    limit: int | Literal["none"] = attrs.field(default=1, validator=at_least(1))
    share: float = attrs.field(default=0.5, validator=above(0))
    names: Sequence[str] = ()
    free: Any = None
    raw: PluginTable | None = None
    children: tuple[Plugged, ...] = ()


@pytest.fixture(name="judge", scope="module")
def _judge() -> Callable[[Any], None]:
    """
    Judge documents by the schema, as an editor does.
    """
    return fastjsonschema.compile(schema_of({"plugged": Plugged}), use_default=False)


class TestSchema:
    def test_accepts_the_example(self, judge):
        """
        What the documentation shows is underlined by no editor.
        """
        judge(yaml.safe_load(EXAMPLE.read_text()))

    def test_explains_each_key(self):
        """
        Help and defaults stand where editors look for them.
        """
        schema = schema_of({})

        workers = schema["definitions"]["ServerSettings"]["properties"]["workers"]
        assert schema["$schema"] == DRAFT
        assert workers == {
            "type": "integer",
            "description": "Processes that serve on the one port.",
            "minimum": 1,
            "maximum": 256,
            "default": 1,
        }

    @pytest.mark.parametrize(
        "document",
        [
            {"version": 2},
            {"hook": {}},
            {"server": {"workers": 0}},
            {"server": {"workers": "many"}},
            {"server": {"listen": "8080"}},
            {"server": {"log": {"format": "xml"}}},
            {"admin": {"a": {"role": "admin"}}},
            {"admin": {"a": {"secret": "literal"}}},
            {"models": {"a": {"fallbacks": []}}},
            {"models": {"a": ["demo/x"]}},
            {"plugins": {"plugged": {"unknown": 1}}},
            {"plugins": {"plugged": {"level": "middle"}}},
            {"plugins": {"plugged": {"share": 0}}},
            {"plugins": {"plugged": {"budgets": [{"per": "day"}]}}},
            {"plugins": {"plugged": {"children": [{"colour": "blue"}]}}},
        ],
        ids=str,
    )
    def test_refuses_what_the_reader_refuses(self, judge, document):
        """
        An editor says so before check does, and for the same documents.
        """
        with pytest.raises(fastjsonschema.JsonSchemaException):
            judge(document)
        with pytest.raises(ConfigError):
            settings_from_dict(document).plugin("plugged", Plugged)

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"models": {"a": "demo/x", "b": {"targets": ["demo/x"]}}},
            {"providers": {"a": {"models": None, "keys": {"k": "env.A"}}}},
            {"plugins": {"not-installed": {"any": ["thing"]}}},
            {
                "plugins": {
                    "plugged": {
                        "budgets": ["5/day", {"limit_usd": 5, "per": "day"}],
                        "keys": {"a": "vault.x"},
                        "level": None,
                        "colour": "red",
                        "since": "2026-01-31",
                        "limit": "none",
                        "names": ["x"],
                        "free": [{"a": 1}],
                        "raw": {"a": 1},
                        "children": [{"children": [{}]}],
                    }
                }
            },
        ],
        ids=str,
    )
    def test_accepts_what_the_reader_accepts(self, judge, document):
        """
        Short forms, empty tables and tables of strangers are no faults.
        """
        judge(document)
        settings_from_dict(document).plugin("plugged", Plugged)


def test_one_table_has_a_schema_of_its_own():
    """
    For what is read apart from the file: references within it lead somewhere.
    """
    schema = schema_of_class(Limits)

    validate = fastjsonschema.compile({"$schema": DRAFT, **schema})
    validate({"budgets": [{"limit_usd": 5, "per": "day"}]})
    with pytest.raises(fastjsonschema.JsonSchemaException):
        validate({"budgets": [{"limit": 5}]})
    assert "definitions" not in schema_of_class(Budget)
