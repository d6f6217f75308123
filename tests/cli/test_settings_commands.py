from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import attrs
import pytest
from click.testing import CliRunner, Result

from gateway.cli.settings_commands import (
    check,
    check_file,
    diff,
    init,
    installed_plugin_settings,
    schema,
)
from gateway.errors import Problem, SecretMissing
from gateway.hookspecs import Phase, Plugin
from gateway.plugins import FoundPlugin
from gateway.secrets import Secrets
from gateway.settings import SecretRef, load_settings, settings_as_dict

PLUGIN_MODULE = '''
from __future__ import annotations

import attrs

from gateway.hookspecs import Phase, Plugin


@attrs.frozen(kw_only=True)
class GreetingSettings:
    words: int = 1


class GreetingPlugin(Plugin):
    """
    Installed for these tests.
    """

    phase = Phase.SHAPE
    Settings = GreetingSettings

    def __init__(self, settings: GreetingSettings) -> None:
        self.settings = settings
'''


@attrs.frozen(kw_only=True)
class ToySettings:
    size: int = 1
    keys: dict[str, SecretRef] = attrs.field(factory=dict)


@attrs.define(eq=False)
class ToyPlugin(Plugin):
    phase: ClassVar[Phase] = Phase.OBSERVE
    Settings: ClassVar[type] = ToySettings

    settings: ToySettings

    async def start_problems(self, gateway, secrets):
        if self.settings.size < 0:
            how = "left alone" if secrets is None else "resolved"
            told = f"too small for {gateway.settings.source}, secrets {how}"
            return [Problem(told, path="plugins.toy.size")]
        found = []
        for name, reference in self.settings.keys.items() if secrets else ():
            try:
                secrets.get(reference)
            except SecretMissing as exc:
                found.append(Problem(str(exc), path=f"plugins.toy.keys.{name}"))
        return found

    def advice(self, gateway):
        if self.settings.size > 9:
            yield Problem("larger than it need be", path="plugins.toy.size")


TOY = FoundPlugin(name="toy", cls=ToyPlugin, distribution="toy", version="1")


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path, monkeypatch) -> Path:
    """
    Work in a folder of one's own, without the operator's environment.
    """
    monkeypatch.chdir(tmp_path)
    for variable in ("GATEWRIGHT_URL", "GATEWRIGHT_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture(name="installed")
def _installed(tmp_path, monkeypatch) -> Iterator[None]:
    """
    Install a plugin as pip would: a module, and metadata with an entry point.
    """
    site = tmp_path / "site"
    metadata = site / "greeting_for_tests-0.1.dist-info"
    metadata.mkdir(parents=True)
    (site / "greeting_for_tests.py").write_text(PLUGIN_MODULE)
    (metadata / "METADATA").write_text("Name: greeting-for-tests\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text(
        "[gateway.plugins]\ngreeting = greeting_for_tests:GreetingPlugin\n"
    )
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("greeting_for_tests", None)


def run(command: Callable[..., None], *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def write(text: str, name: str = "gateway.yaml") -> None:
    Path(name).write_text(text)


def problems_of(text: str, **options: object) -> list[str]:
    write(text)
    result = check_file(Path("gateway.yaml"), extra=[TOY], installed=False, **options)
    return [str(problem) for problem in result.errors]


class TestCheckFile:
    def test_finds_faults_of_core_and_plugins_in_the_order_of_the_file(self):
        """
        Types, agreement, plugins' tables and missing plugins are told at once.
        """
        told = problems_of(
            "plugins:\n"
            "  toy: {size: big, sizes: 1}\n"
            "  guardrails: {}\n"
            "models: {fast: openai/gpt-5}\n"
            "serve: {}\n"
        )

        assert told == [
            'gateway.yaml:2:15 plugins.toy.size: must be a whole number, not "big"',
            "gateway.yaml:2:20 plugins.toy.sizes: unknown key, did you mean size?",
            (
                "gateway.yaml:3:3 plugins.guardrails: not installed: "
                "pip install gatewright-guardrails, or remove the table"
            ),
            (
                "gateway.yaml:4:16 models.fast: "
                'no provider "openai" is declared under providers'
            ),
            "gateway.yaml:5:1 serve: unknown key, did you mean server?",
        ]

    def test_finds_what_keeps_a_gateway_from_being_made(self):
        """
        Sound tables may still name a vendor that nobody knows.
        """
        (told,) = problems_of("providers:\n  eu:\n    type: opnai\n")

        assert told.startswith("gateway.yaml:3:5 providers.eu.type: ")
        assert "did you mean openai?" in told

    def test_finds_a_required_plugin_that_is_missing(self):
        """
        What would stop the start is told before the start.
        """
        (told,) = problems_of("hooks: {required: [audit]}\n")

        assert "plugin audit: required, but not installed" in told

    @pytest.mark.parametrize(
        ("secrets", "how"),
        [(None, "left alone"), (Secrets({}), "resolved")],
        ids=["without", "with"],
    )
    def test_finds_what_a_plugin_could_not_start_with(self, secrets, how):
        """
        Each plugin is asked, in a gateway that is made and not started.
        """
        told = problems_of("plugins:\n  toy: {size: -1}\n", secrets=secrets)

        place = "gateway.yaml:2:9 plugins.toy.size"
        assert told == [f"{place}: too small for gateway.yaml, secrets {how}"]

    @pytest.mark.parametrize(
        ("more", "count"), [("", 1), ("bogus: 1\n", 0)], ids=["well", "wrong"]
    )
    def test_warns_of_what_plugins_advise(self, more, count):
        """
        With its place, where nothing is wrong: else nobody can say what it would mean.
        """
        write(f"plugins:\n  toy: {{size: 10}}\n{more}")

        result = check_file(Path("gateway.yaml"), extra=[TOY], installed=False)

        place = "gateway.yaml:2:9 plugins.toy.size"
        told = [f"{place}: larger than it need be"] * count
        assert [str(problem) for problem in result.warnings] == told

    def test_finds_nothing_where_nothing_is_wrong(self):
        """
        A good file has a digest and no faults.
        """
        write("plugins: {toy: {size: 2}}\n")

        result = check_file(Path("gateway.yaml"), extra=[TOY], installed=False)

        assert (result.errors, result.warnings) == ((), ())
        assert result.digest == load_settings("gateway.yaml").digest

    def test_tells_once_what_plugins_miss_too(self):
        """
        A secret that is not there is one problem, and stands where its value does.
        """
        text = "plugins:\n  toy: {keys: {a: env.GONE}}\n"

        told = problems_of(text, secrets=Secrets({}))

        assert len(told) == 1
        assert told[0].startswith("gateway.yaml:2:19 plugins.toy.keys.a: ")

    def test_leaves_secrets_alone_unless_asked(self):
        """
        A file can be checked where its secrets are not.
        """
        text = "admin: {oncall: {secret: env.NOT_SET_HERE}}\n"

        assert problems_of(text) == []

    def test_resolves_references_of_core_and_plugins(self):
        """
        Each one that leads to no secret is told with its place.
        """
        told = problems_of(
            "admin: {a: {secret: env.GOOD}, b: {secret: env.BAD}}\n"
            "providers: {xai: {keys: {main: env.BAD}}}\n"
            "plugins: {toy: {keys: {x: env.GOOD, y: file./none/x}}}\n",
            secrets=Secrets({"GOOD": "canary-value"}),
        )

        bad = "secret env.BAD: not set in the environment"
        assert told == [
            f"gateway.yaml:1:44 admin.b.secret: {bad}",
            f"gateway.yaml:2:32 providers.xai.keys.main: {bad}",
            (
                "gateway.yaml:3:40 plugins.toy.keys.y: "
                "secret file./none/x: No such file or directory"
            ),
        ]

    def test_resolves_what_it_can_of_a_broken_file(self):
        """
        A plugin whose table is wrong or that is missing does not hide the others.
        """
        told = problems_of(
            "admin: {a: {secret: env.BAD}}\n"
            "plugins: {toy: {size: x}, none: {secret: env.BAD}}\n",
            secrets=Secrets({}),
        )

        assert [line.split()[1] for line in told] == [
            "admin.a.secret:",
            "plugins.toy.size:",
            "plugins.none:",
        ]


class TestCheck:
    def test_says_that_all_is_well(self):
        """
        One line with the digest, exit 0; with -q nothing at all.
        """
        write("server: {workers: 2}\n")

        result = run(check)
        quiet = run(check, "-q")

        digest = load_settings("gateway.yaml").short
        assert result.output == f"gateway.yaml: no fault found, settings {digest}\n"
        assert (result.exit_code, quiet.exit_code, quiet.output) == (0, 0, "")

    def test_says_each_fault_on_a_line(self):
        """
        Exit 1; -q does not silence faults.
        """
        write("server: {workers: 0}\nhook: {}\n", "other.yaml")

        result = run(check, "other.yaml", "-q")

        assert result.exit_code == 1
        assert result.output.splitlines() == [
            "other.yaml:1:19 server.workers: must be from 1 to 256, not 0",
            "other.yaml:2:1 hook: unknown key, did you mean hooks?",
        ]

    def test_takes_warnings_for_faults_only_if_strict(self):
        """
        What is unwise is said, and decides nothing unless asked to.
        """
        write("providers: {vllm: {base_url: 'http://10.0.0.1'}}\n")

        result = run(check)
        strict = run(check, "--strict")

        line = "http:// sends prompts and keys in clear over the network"
        assert (
            result.output
            == f"warning gateway.yaml:1:30 providers.vllm.base_url: {line}\n"
        )
        assert strict.output == result.output
        assert (result.exit_code, strict.exit_code) == (0, 1)

    def test_resolves_secrets_of_this_environment(self, monkeypatch, folder):
        """
        With --secrets references are followed, and open files warned about.
        """
        monkeypatch.setenv("GOOD", "canary-value")
        (folder / "open").write_text("canary-value")
        (folder / "open").chmod(0o644)
        write(
            "admin:\n  a: {secret: env.GOOD}\n"
            f"  b: {{secret: file.{folder}/open}}\n  c: {{secret: env.NOT_SET_HERE}}\n"
        )

        result = run(check, "--secrets")

        assert result.exit_code == 1
        assert "gateway.yaml:4:15 admin.c.secret: secret env.NOT_SET_HERE" in (
            result.output
        )
        assert f"warning secret file.{folder}/open: others" in result.output
        assert "canary" not in result.output

    def test_writes_json(self):
        """
        A program reads place, path and message apart.
        """
        write(
            "server: {workers: 0}\nproviders: {vllm: {base_url: 'http://10.0.0.1'}}\n"
        )

        result = run(check, "--json")

        told = json.loads(result.output)
        assert result.exit_code == 1
        assert told["errors"] == [
            {
                "message": "must be from 1 to 256, not 0",
                "path": "server.workers",
                "where": "gateway.yaml:1:19",
            }
        ]
        assert told["warnings"][0]["where"] == "gateway.yaml:2:30"
        assert len(told["digest"]) == 64

    @pytest.mark.parametrize(
        ("text", "start"),
        [
            (None, "gateway.yaml: cannot be read: No such file"),
            ("a: [", "gateway.yaml:2:1: not YAML: "),
        ],
    )
    def test_says_why_there_is_nothing_to_check(self, text, start):
        """
        A file that is missing or no YAML is a fault like any other.
        """
        if text is not None:
            write(text)

        result = run(check)

        assert result.exit_code == 1
        assert result.output.startswith(start)

    def test_refuses_unknown_options(self):
        """
        Wrong usage is exit 2.
        """
        assert run(check, "--sercets").exit_code == 2

    @pytest.mark.usefixtures("installed")
    def test_reads_tables_of_installed_plugins(self):
        """
        A pip-installed plugin's table is judged by the plugin's own class.
        """
        write("plugins: {greeting: {words: many}}\n")

        result = run(check)

        assert result.output == (
            "gateway.yaml:1:29 plugins.greeting.words: "
            'must be a whole number, not "many"\n'
        )


class TestInit:
    def test_writes_a_file_without_fault(self):
        """
        What one begins with passes check, with no warning.
        """
        result = run(init)

        assert result.exit_code == 0
        assert result.output.startswith("gateway.yaml written")
        assert run(check, "--strict").exit_code == 0
        assert load_settings("gateway.yaml").models["fast"].targets[0].model == (
            "demo/echo"
        )

    def test_offers_only_what_is_right(self):
        """
        Every commented line, with its mark taken off, is a valid setting.
        """
        run(init, "-q")
        lines = Path("gateway.yaml").read_text().splitlines()
        begin = lines.index("version: 1")
        for number, line in enumerate(lines[begin:], begin):
            before, mark, after = line.partition("# ")
            is_setting = mark and not before.strip() and ":" in after.split("#")[0]
            if is_setting and not after[0].isupper():
                lines[number] = before + after

        write("\n".join(line for line in lines if not line.startswith("# ")))

        result = check_file(Path("gateway.yaml"), installed=False)
        assert {problem.path for problem in result.errors} <= {
            "plugins.governance",
            "hooks.on_failure.guardrails",
            "",
        }
        settings = load_settings("gateway.yaml")
        assert len(settings.providers) == 4
        assert settings.hooks.required == ("governance",)
        assert len(settings.models["smart"].targets) == 2

    def test_never_overwrites(self):
        """
        A file that is there stays as it is, exit 1.
        """
        write("precious: true\n")

        result = run(init)

        assert result.exit_code == 1
        assert "is there already" in result.output
        assert Path("gateway.yaml").read_text() == "precious: true\n"

    def test_says_where_it_cannot_write(self):
        """
        A folder that is missing is told in the system's words.
        """
        result = run(init, "none/gateway.yaml")

        assert result.exit_code == 1
        assert "cannot be written: No such file or directory" in result.output

    def test_tells_programs_what_it_wrote(self):
        """
        With --json the name of the file is all; with -q not even that.
        """
        assert json.loads(run(init, "a.yaml", "--json").output) == {"file": "a.yaml"}
        assert run(init, "b.yaml", "-q").output == ""


class TestSchema:
    @pytest.mark.usefixtures("installed")
    def test_has_the_tables_of_installed_plugins(self):
        """
        The schema that editors load knows what is installed here.
        """
        result = run(schema)

        written = json.loads(result.output)
        assert result.exit_code == 0
        assert written["properties"]["plugins"]["properties"]["greeting"] == {
            "$ref": "#/definitions/GreetingSettings"
        }
        assert "greeting" in installed_plugin_settings()


@pytest.fixture(name="running")
def _running() -> Iterator[str]:
    """
    Serve the settings of running.yaml as a gateway does.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            settings = load_settings("running.yaml")
            answer = {"digest": settings.digest, "settings": settings_as_dict(settings)}
            is_allowed = self.headers.get("Authorization") == "Bearer canary-token"
            body = json.dumps(answer).encode() if is_allowed else b""
            self.send_response(200 if is_allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestDiff:
    def test_lists_what_would_change(self, running):
        """
        From what runs to what stands in the file, one path a line, exit 1.
        """
        write("models: {fast: demo/a, old: demo/x}\n", "running.yaml")
        write("models: {fast: demo/b, new: demo/y}\nserver: {workers: 2}\n")

        result = run(diff, "--url", running, "--token", "canary-token")

        assert result.exit_code == 1
        assert result.output.splitlines() == [
            "server.workers: 1 -> 2",
            'models.fast.targets[0].model: "demo/a" -> "demo/b"',
            (
                'models.old: {"targets":[{"model":"demo/x","weight":1}],"fallbacks":[]}'
                " -> nothing"
            ),
            (
                "models.new: nothing -> "
                '{"targets":[{"model":"demo/y","weight":1}],"fallbacks":[]}'
            ),
        ]

    def test_writes_json(self, running):
        """
        A program gets both digests and each change.
        """
        write("server: {workers: 1}\n", "running.yaml")
        write("server: {workers: 2}\n")

        result = run(diff, "--url", running, "--token", "canary-token", "--json")

        told = json.loads(result.output)
        assert told["changes"] == [{"path": "server.workers", "running": 1, "file": 2}]
        assert told["file"] == load_settings("gateway.yaml").digest
        assert told["running"] == load_settings("running.yaml").digest

    def test_says_that_nothing_would(self, running):
        """
        The same settings are exit 0; with -q nothing is said.
        """
        write("server: {workers: 2}  # here\n", "running.yaml")
        write("server: {workers: 2}  # there\n")
        asked = ("--url", running, "--token", "canary-token")

        result = run(diff, *asked)

        assert result.exit_code == 0
        assert result.output.startswith("no difference, settings ")
        assert run(diff, *asked, "-q").output == ""

    def test_knows_a_difference_that_is_not_shown(self, running):
        """
        Texts that are hidden, or defaults written out, differ by digest alone.
        """
        write("{}\n", "running.yaml")
        write("server: {workers: 1}\n")

        result = run(diff, "--url", running, "--token", "canary-token")

        assert result.exit_code == 1
        assert "they differ only in how they are written" in result.output

    def test_takes_url_and_token_from_the_environment(self, running, monkeypatch):
        """
        What every client command needs need not be typed each time.
        """
        monkeypatch.setenv("GATEWRIGHT_URL", running)
        monkeypatch.setenv("GATEWRIGHT_TOKEN", "canary-token")
        write("{}\n", "running.yaml")
        write("{}\n")

        assert run(diff).exit_code == 0

    def test_says_that_nobody_answers(self, running):
        """
        Without permission, or without anybody there, exit 3 and no token in the words.
        """
        write("{}\n", "running.yaml")
        write("{}\n")

        refused = run(diff, "--url", running, "--token", "wrong-canary")
        closed = run(diff, "--url", "http://127.0.0.1:1")

        assert (refused.exit_code, closed.exit_code) == (3, 3)
        assert "answered 401" in refused.output
        assert "cannot be reached" in closed.output
        assert "canary" not in refused.output

    def test_says_what_is_wrong_with_the_file(self):
        """
        A broken file is exit 1 before anybody is asked; no URL is exit 2.
        """
        write("server: {workers: 0}\n")

        broken = run(diff, "--url", "http://127.0.0.1:1")

        assert broken.exit_code == 1
        assert "gateway.yaml:1:19 server.workers" in broken.output
        assert run(diff).exit_code == 2

    def test_shortens_long_values(self, running):
        """
        A table of thousands of keys does not fill the terminal.
        """
        write("{}\n", "running.yaml")
        names = ", ".join(f"n{number}: demo/x" for number in range(50))
        write(f"plugins: {{toy: {{{names}}}}}\n")

        result = run(diff, "--url", running, "--token", "canary-token")

        (line,) = result.output.splitlines()
        assert line.endswith("…")
        assert len(line) < 300
