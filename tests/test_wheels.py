"""
What people install: wheels, built from this tree, in environments that know no tree.

Everything here is marked ``wheels`` and runs by ``tox run -e wheels``: it asks pip to
build, and to fetch what the distributions depend on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.name for path in ROOT.glob("plugins/*") if path.is_dir())
PACKAGES = {"gatewright": ROOT / "gateway"} | {
    f"gatewright-{name}": ROOT / "plugins" / name / f"gateway_{name}"
    for name in PLUGINS
}
LEFT_BEHIND = shutil.ignore_patterns(
    "build", "*.egg-info", "__pycache__", ".*_cache", ".tox", ".venv", "node_modules"
)

pytestmark = pytest.mark.wheels
per_distribution = pytest.mark.parametrize("name", PACKAGES)
per_plugin = pytest.mark.parametrize("plugin", PLUGINS)


def run(*command: str | Path, cwd: Path) -> str:
    """
    Run *command* outside of the tree, where no module can be found by accident.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@attrs.frozen(kw_only=True)
class Wheel:
    """
    A built distribution: its file, the names in it, its metadata.
    """

    path: Path
    names: list[str]
    metadata: Metadata

    @classmethod
    def read(cls, path: Path) -> Wheel:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            (place,) = (name for name in names if name.endswith(".dist-info/METADATA"))
            metadata = Metadata.from_email(archive.read(place), validate=True)
        return cls(path=path, names=names, metadata=metadata)

    def outside_dist_info(self) -> list[str]:
        return [name for name in self.names if ".dist-info/" not in name]


@attrs.frozen
class Environment:
    """
    A virtual environment with nothing of ours but what a test installs.
    """

    folder: Path
    wheels: Path

    def pip(self, command: str, *words: str | Path) -> str:
        return run(
            *(sys.executable, "-m", "pip", "--python", self.folder, command, "-q"),
            *words,
            cwd=self.folder,
        )

    def install(self, *paths: Path) -> None:
        self.pip("install", "--find-links", self.wheels, *paths)

    def gatewright(self, *words: str) -> str:
        return run(self.folder / "bin" / "gatewright", *words, cwd=self.folder)

    def plugins(self) -> set[str]:
        """
        List the plugins that the command found, by name.
        """
        return {
            entry["name"] for entry in json.loads(self.gatewright("plugins", "--json"))
        }


@pytest.fixture(scope="module", name="wheels")
def _wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """
    Build every distribution from a copy, so that no old ``build/`` gets into a wheel.
    """
    copy = tmp_path_factory.mktemp("tree")
    for path in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / path, copy)
    for path in ("gateway", "plugins", "tests"):
        shutil.copytree(ROOT / path, copy / path, ignore=LEFT_BEHIND)

    folder = tmp_path_factory.mktemp("wheels")
    places = [copy, *(copy / "plugins" / name for name in PLUGINS)]
    run(
        *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder),
        *places,
        cwd=folder,
    )
    read = [Wheel.read(path) for path in folder.glob("*.whl")]
    return {wheel.metadata.name: wheel for wheel in read}


@pytest.fixture(scope="module", name="core")
def _core(
    tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Wheel]
) -> Environment:
    """
    An environment made the way the README says, with the core's wheel in it.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    environment = Environment(folder, wheels["gatewright"].path.parent)
    environment.install(wheels["gatewright"].path)
    return environment


def test_every_distribution_has_one_pure_wheel(wheels):
    """
    The build makes one wheel a distribution, for any Python 3 on any machine.
    """
    assert set(wheels) == set(PACKAGES)
    assert {wheel.path.name.split("-", 2)[2] for wheel in wheels.values()} == {
        "py3-none-any.whl"
    }


@per_distribution
def test_wheel_holds_its_package_whole(wheels, name):
    """
    Every module, and every file that modules read, is in the wheel.
    """
    package = PACKAGES[name]
    wanted = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.suffix in {".py", ".json", ".yaml"} or path.name == "py.typed"
    }

    assert wanted - set(wheels[name].names) == set()
    assert f"{package.name}/py.typed" in wheels[name].names


@per_distribution
def test_wheel_holds_nothing_else(wheels, name):
    """
    No tests, no second top-level package, and no .pth file that would run at start.
    """
    names = wheels[name].outside_dist_info()

    assert {place.split("/")[0] for place in names} == {PACKAGES[name].name}
    assert [place for place in names if place.endswith((".pth", ".pyc"))] == []
    assert [place for place in names if "/tests/" in place] == []


@per_distribution
def test_wheel_carries_the_licence(wheels, name):
    """
    The licence is named by its SPDX expression; the core carries its text.
    """
    metadata = wheels[name].metadata

    assert metadata.license_expression == "Apache-2.0"
    assert metadata.requires_python == ">=3.11"
    assert metadata.description
    assert metadata.description_content_type == "text/markdown"


def test_core_carries_licence_and_notice(wheels):
    """
    Section 4 of the licence: a copy of it, and of the notice, goes with the work.
    """
    names = wheels["gatewright"].names

    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert [name for name in names if name.endswith("/licenses/NOTICE")]


def test_core_alone_has_no_plugin_and_no_database(core):
    """
    The core runs by itself, and brings no database to those who ask for none.
    """
    core.pip("check")

    assert core.plugins().isdisjoint(PLUGINS)
    assert "SQLAlchemy" not in core.pip("freeze")
    assert "0.1.0" in core.gatewright("--version")


@pytest.fixture(name="installed")
def _installed(
    core: Environment, wheels: dict[str, Wheel], plugin: str
) -> Iterator[Environment]:
    """
    One plugin beside the core, taken away again in the end.
    """
    core.install(wheels[f"gatewright-{plugin}"].path)
    yield core
    core.pip("uninstall", "-y", f"gatewright-{plugin}")


@per_plugin
def test_installed_is_listed(installed, plugin):
    """
    Installing a plugin's wheel is all it takes to be found.
    """
    installed.pip("check")

    assert installed.plugins() & set(PLUGINS) == {plugin}


@per_plugin
def test_removed_is_gone(core, wheels, plugin):
    """
    Removing it removes it, and leaves a core that works.
    """
    core.install(wheels[f"gatewright-{plugin}"].path)

    core.pip("uninstall", "-y", f"gatewright-{plugin}")

    assert plugin not in core.plugins()
