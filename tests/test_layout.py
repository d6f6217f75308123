"""
The tree keeps the promises that its pages make: plugins, mirror, README, plain text.
"""

from __future__ import annotations

import configparser
import inspect
import re
import tomllib
from pathlib import Path

import attrs
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path for path in ROOT.glob("plugins/*") if path.is_dir())
EXAMPLES = sorted(path for path in ROOT.glob("contrib/plugins/*") if path.is_dir())
HEADINGS = [
    "What it does",
    "Install",
    "Configure",
    "Hooks it uses and its phase",
    "Limits",
]

# Source files without a test file of their own, and why.  Each is checked to be still
# there and still without.
NO_MIRROR = {
    "gateway/listing.py": "one plain value",
    "gateway/registrations.py": "protocols and plain values, used by whoever registers",
    "gateway/taps.py": "one class of empty methods, to inherit from",
}

# Distributions of their own that tests install: no test folders.
DISTRIBUTIONS = "tests/distributions/"

# Left behind by tools or by a running gateway; what .gitignore says, for a walk.
LEFT_BEHIND = re.compile(
    r"(^|/)(\.git|\.tox|\.venv|\..*_cache|\.hypothesis|__pycache__|build|dist|htmlcov"
    r"|node_modules|[^/]*\.egg-info|\.coverage[^/]*)(/|$)"
)
TEXT_SUFFIXES = {
    *(".cfg", ".css", ".html", ".ini", ".js", ".json", ".md", ".py", ".pyi", ".sh"),
    *(".toml", ".txt", ".yaml", ".yml"),
}
TEXT_NAMES = {"LICENSE", "NOTICE", "run", ".gitignore"}

FRAGMENT = re.compile(
    r"(\d+|\+[a-z0-9-]+)"
    r"\.(breaking|security|deprecation|feature|bugfix|doc|contrib|misc)"
    r"(\.\d+)?\.md"
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_files() -> list[Path]:
    return sorted(
        path
        for path in ROOT.rglob("*")
        if (path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES)
        and not LEFT_BEHIND.search(relative(path))
        and path.is_file()
    )


def project_of(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def headings_of(page: Path) -> list[str]:
    return re.findall(r"^## (.+?)\s*$", page.read_text(), re.MULTILINE)


def section_of(page: Path, heading: str) -> str:
    parts = re.split(r"^## (.+?)\s*$", page.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def setup_cfg_list(section: str, option: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser[section][option].split()


def word_of(folder: Path) -> str:
    return folder.name.replace("-", "_")


per_plugin = pytest.mark.parametrize(
    "folder", [*PLUGINS, *EXAMPLES], ids=lambda path: path.name
)


class TestPlugins:
    def test_there_are_plugins(self):
        """
        The plugin checks below have something to check.
        """
        assert PLUGINS
        assert EXAMPLES

    def test_only_plugins_stand_in_the_folder(self):
        """
        ``pip install ./plugins/*`` takes everything in the folder for a distribution.
        """
        found = [
            path
            for pattern in ("plugins/*", "contrib/plugins/*")
            for path in ROOT.glob(pattern)
            if path.name != "__pycache__"
        ]

        assert [path for path in found if not (path / "pyproject.toml").is_file()] == []

    @per_plugin
    def test_one_word_in_every_place(self, folder):
        """
        Folder, distribution, package and entry point of a plugin share one word.
        """
        project = project_of(folder)
        name = word_of(folder)
        package = f"gateway_{name}"

        assert project["name"] == f"gatewright-{folder.name}"
        assert [path.parent.name for path in folder.glob("*/__init__.py")] == [package]
        assert list(project["entry-points"]) == ["gateway.plugins"]
        (entry,) = project["entry-points"]["gateway.plugins"].items()
        assert entry[0] == name
        assert re.fullmatch(rf"{package}(\.\w+)*:\w+Plugin", entry[1])

    @per_plugin
    def test_carries_what_every_plugin_carries(self, folder):
        """
        A plugin has its page, its hooks in plugin.py, its types and its tests.
        """
        package = folder / f"gateway_{word_of(folder)}"

        assert (package / "plugin.py").is_file()
        assert (package / "py.typed").is_file()
        assert list(folder.glob("tests/**/test_*.py"))

    @per_plugin
    def test_stands_what_every_plugin_must(self, folder):
        """
        Its tests hold the suite that authors run, ``gateway.testing.conformance``.
        """
        tests = [path.read_text() for path in folder.glob("tests/**/test_*.py")]

        assert any("(Conformance):" in text for text in tests)

    @per_plugin
    def test_page_has_the_five_headings(self, folder):
        """
        Whoever has read one plugin's page finds the way on every other.
        """
        found = headings_of(folder / "README.md")

        assert found == HEADINGS

    @per_plugin
    def test_page_names_every_setting(self, folder, monkeypatch):
        """
        The Configure table has a row for each key that the plugin's settings take.
        """
        monkeypatch.syspath_prepend(folder)
        target = project_of(folder)["entry-points"]["gateway.plugins"][word_of(folder)]
        plugin = load(target)
        rows = section_of(folder / "README.md", "Configure")

        keys = [field.name for field in attrs.fields(plugin.Settings)]

        assert [key for key in keys if f"`{key}" not in rows] == []

    @per_plugin
    def test_version_and_licence_equal_the_core(self, folder):
        """
        All distributions are released together, on the same terms, for the same Python.
        """
        ours, core = project_of(folder), project_of(ROOT)

        for field in ("version", "license", "requires-python"):
            assert ours[field] == core[field], field

    @per_plugin
    def test_depends_on_the_core(self, folder):
        """
        A plugin asks for a core that it was made for.
        """
        core = re.compile(r"gatewright(\[storage\])? >=0\.1,<1")

        assert any(
            core.fullmatch(needs) for needs in project_of(folder)["dependencies"]
        )

    @per_plugin
    def test_pyproject_configures_no_tool(self, folder):
        """
        How the tree is checked is said once, at its root.
        """
        document = tomllib.loads((folder / "pyproject.toml").read_text())

        assert set(document) == {"build-system", "project", "tool"}
        assert set(document["tool"]) == {"setuptools"}

    def test_every_check_knows_every_plugin(self):
        """
        A new plugin is named to import-linter and tox, which find nothing themselves.
        """
        packages = {f"gateway_{folder.name}" for folder in PLUGINS}
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(ROOT / "tox.ini")

        forbidden = setup_cfg_list(
            "importlinter:contract:core-knows-no-plugin", "forbidden_modules"
        )
        strangers = setup_cfg_list(
            "importlinter:contract:plugins-are-strangers", "modules"
        )
        public = setup_cfg_list(
            "importlinter:contract:public-modules", "source_modules"
        )
        (alone,) = re.findall(
            r"^plugin-\{(.+)\}$", tox["tox"]["env_list"], re.MULTILINE
        )
        together = re.findall(r"/plugins/(\w+)$", tox["testenv"]["deps"], re.MULTILINE)

        assert set(setup_cfg_list("importlinter", "root_packages")) >= packages
        assert set(forbidden) == packages
        assert set(strangers) == packages
        assert set(public) == packages
        assert {f"gateway_{name}" for name in alone.split(",")} == packages
        assert {f"gateway_{name}" for name in together} == packages

    def test_every_example_is_tested_and_shown(self):
        """
        Tox names each, for it finds nothing itself, and the root's page links it.
        """
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(ROOT / "tox.ini")
        deps = tox["testenv:examples"]["deps"]
        tested = re.findall(r"/contrib/plugins/([\w-]+)$", deps, re.MULTILINE)
        page = (ROOT / "README.md").read_text()

        names = [folder.name for folder in EXAMPLES]
        assert sorted(tested) == names
        assert [n for n in names if f"(contrib/plugins/{n})" not in page] == []


class TestMirror:
    def sources(self) -> list[Path]:
        return [
            path
            for path in sorted(ROOT.glob("gateway/**/*.py"))
            if path.name != "__init__.py"
        ]

    def mirror_of(self, source: Path) -> Path:
        inside = source.relative_to(ROOT / "gateway")
        return ROOT / "tests" / inside.with_name(f"test_{source.stem.lstrip('_')}.py")

    def test_every_source_file_has_its_test_file(self):
        """
        Whoever changes gateway/a/b.py knows that tests/a/test_b.py is to be changed.
        """
        missing = [
            f"{relative(source)} -> {relative(self.mirror_of(source))}"
            for source in self.sources()
            if relative(source) not in NO_MIRROR and not self.mirror_of(source).exists()
        ]

        assert missing == []

    def test_exceptions_are_still_needed(self):
        """
        A file that has its tests by now, or is gone, leaves the list of exceptions.
        """
        stale = [
            source
            for source in NO_MIRROR
            if not (ROOT / source).exists() or self.mirror_of(ROOT / source).exists()
        ]

        assert stale == []

    def test_no_two_test_files_hide_each_other(self):
        """
        Test folders are no packages, so that the same name may stand in two of them.
        """
        inits = [relative(path) for path in ROOT.glob("tests/**/__init__.py")]

        assert [path for path in inits if not path.startswith(DISTRIBUTIONS)] == []


class TestReadme:
    page = ROOT / "README.md"

    def test_hook_table_is_complete(self):
        """
        The README names each hook of Plugin with its arguments, and no other hook.
        """
        from gateway.hookspecs import Plugin

        hooks = [
            f"{name}({', '.join(list(inspect.signature(member).parameters)[1:])})"
            for name, member in vars(Plugin).items()
            if any(key.endswith("_spec") for key in getattr(member, "__dict__", {}))
        ]
        text = self.page.read_text()

        assert hooks
        assert [hook for hook in hooks if f"`{hook}`" not in text] == []

    def test_questions_to_plugins_are_named(self):
        """
        The README names each method of Plugin that is no hook, with its arguments.
        """
        from gateway.hookspecs import Plugin

        questions = [
            f"{name}({', '.join(list(inspect.signature(member).parameters)[1:])})"
            for name, member in vars(Plugin).items()
            if inspect.isfunction(member)
            and not name.startswith("_")
            and not any(key.endswith("_spec") for key in vars(member))
        ]
        text = self.page.read_text()

        assert questions
        assert [each for each in questions if f"`{each}`" not in text] == []

    def test_plugin_table_is_complete(self):
        """
        The README links each plugin's folder and names its distribution.
        """
        text = self.page.read_text()

        for folder in PLUGINS:
            assert f"gatewright-{folder.name}" in text
            assert f"(plugins/{folder.name}" in text

    def test_links_lead_somewhere(self):
        """
        Every relative link on a page at the root, in docs or in a plugin leads to a file.
        """
        pages = [
            *ROOT.glob("*.md"),
            *ROOT.glob("plugins/*/*.md"),
            *ROOT.glob("contrib/**/*.md"),
            *ROOT.glob("docs/*.md"),
        ]
        broken = [
            f"{relative(page)}: {link}"
            for page in pages
            for link in re.findall(
                r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text()
            )
            if not (page.parent / link).exists()
        ]

        assert broken == []

    def test_test_command_stands_between_its_markers(self):
        """
        ``.ci/run`` finds the one command that the README tells people to test with.
        """
        block = re.search(
            r"<!-- test-command -->\n(.*?)<!-- /test-command -->",
            self.page.read_text(),
            re.DOTALL,
        )

        assert block
        assert ".venv/bin/tox run" in block[1]


class TestText:
    def test_no_stray_whitespace(self):
        """
        Text is UTF-8 with Unix line ends, no blanks at line ends, one newline last.
        """
        broken = []
        for path in text_files():
            text = path.read_bytes().decode()
            if re.search(r"[ \t\r]+$", text, re.MULTILINE):
                broken.append(f"{relative(path)}: blanks at a line's end")
            if text and not re.search(r"[^\n]\n\Z", text):
                broken.append(f"{relative(path)}: does not end with one newline")

        assert broken == []

    def test_toml_and_yaml_can_be_read(self):
        """
        Every TOML and YAML file of the tree parses.
        """
        for path in text_files():
            if path.suffix == ".toml":
                tomllib.loads(path.read_text())
            elif path.suffix in {".yaml", ".yml"}:
                list(yaml.compose_all(path.read_text()))

    def test_changelog_fragments_say_number_and_type(self):
        """
        Nothing in changelog.d is passed over at a release because of its name.
        """
        names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"README.md"}

        assert [name for name in names if not FRAGMENT.fullmatch(name)] == []


def load(target: str) -> type:
    """
    Import what an entry point names.
    """
    from importlib.metadata import EntryPoint

    return EntryPoint(name="", value=target, group="").load()
