from __future__ import annotations

import pytest

from gateway.catalog import Catalog
from gateway.hookspecs import Plugin
from gateway.installation import (
    Installation,
    InstalledPlugin,
    gateway_version,
    installed_plugins,
)


def test_a_look_finds_version_catalog_and_plugins():
    """
    Everything that a gateway needs to know of where it is installed.
    """
    found = Installation.find()

    assert found.version == gateway_version()
    assert found.version.startswith("0.")
    assert list(found.catalog) == list(Catalog.builtin())
    assert found.plugins == installed_plugins()


def test_a_distributions_plugin_is_found(tmp_path, monkeypatch):
    """
    By its entry point, with the distribution's name and version; plugins stand by name.
    """
    for name in ("zebra", "ape"):
        folder = tmp_path / f"gatewright_{name}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: gatewright-{name}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(
            f"[gateway.plugins]\n{name} = gateway.hookspecs:Plugin [more]\n"
        )
    monkeypatch.syspath_prepend(tmp_path)

    found = [each for each in installed_plugins() if each.name in {"zebra", "ape"}]

    assert [each.name for each in found] == ["ape", "zebra"]
    assert found[0] == InstalledPlugin(
        name="ape",
        value="gateway.hookspecs:Plugin",
        distribution="gatewright-ape",
        version="1.2",
    )
    assert found[0].load() is Plugin


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("no_such_module_at_all:X", ImportError),
        ("math:no_such_name", AttributeError),
        ("not a name", ImportError),
    ],
)
def test_what_cannot_be_imported_is_raised(value, error):
    """
    Whoever loads it says whose it is.
    """
    with pytest.raises(error):
        InstalledPlugin(name="x", value=value).load()
