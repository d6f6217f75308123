"""
What people install: wheels, built from this tree, in environments that know no tree.

Everything here is marked ``wheels`` and runs by ``tox run -e wheels``: it asks pip to
build, and to fetch what the distributions depend on.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import attrs
import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.name for path in ROOT.glob("plugins/*") if path.is_dir())
# A plugin as its author has it: in a distribution of its own, known to no other file.
STAMP = ROOT / "tests" / "distributions" / "gatewright-stamp"
#: Small ones, to read: what holds for plugins holds for them, where it is asked.
EXAMPLES = sorted(path for path in ROOT.glob("contrib/plugins/*") if path.is_dir())
PACKAGES = {"gatewright": ROOT / "gateway"} | {
    f"gatewright-{name}": ROOT / "plugins" / name / f"gateway_{name}"
    for name in PLUGINS
}
#: The one that is compiled where it can be, and what tells whether it was.
COMPILED = "gatewright-guardrails"
IS_COMPILED = "gateway_guardrails.compiled"
LEFT_BEHIND = shutil.ignore_patterns(
    "build", "*.egg-info", "__pycache__", ".*_cache", ".tox", ".venv", "node_modules"
)

PATIENCE_S = 30.0
ASK = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
UNTOUCHED = "This is the gateway's demo provider; no model was asked. You said: hi"
KEY = "vk-of-nobody-in-particular"
KEYS_REQUIRED = """
version: 1
providers: {demo: {}}
plugins:
  governance: {require_key: true, virtual_keys: {me: {secret: env.VK_ME}}}
"""

pytestmark = pytest.mark.wheels
per_distribution = pytest.mark.parametrize("name", PACKAGES)
per_plugin = pytest.mark.parametrize("plugin", PLUGINS)


def ran(
    *command: str | Path, cwd: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """
    Run *command* outside of the tree, where no module can be found by accident.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """
    Run *command* as `ran` does, and return what it said, since it must not fail.
    """
    done = ran(*command, cwd=cwd, **environ)
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

    Attributes:
        fresh: What pip found in it before any plugin came, and left its libraries behind.
    """

    folder: Path
    wheels: Path
    fresh: str = ""

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

    @contextlib.contextmanager
    def serve(self, settings: str | None = None, **environ: str) -> Iterator[str]:
        """
        Run ``gatewright serve``, without a file unless *settings* are one; yields its URL.
        """
        options = ["--listen", "127.0.0.1:0"]
        if settings is not None:
            file = self.folder / "settings.yaml"
            file.write_text(settings)
            options += ["-c", str(file)]
        log = self.folder / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [self.folder / "bin" / "gatewright", "serve", *options],
                cwd=self.folder,
                env={"XDG_STATE_HOME": str(self.folder), **environ},
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        try:
            yield started(process, log)["calls"]
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE_S)


def started(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """
    Wait for the line that says where it serves; without one, show its log.
    """
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    line = process.stdout.readline() if ready else b""
    assert line, f"it said nothing; its log: {log.read_text()}"
    return json.loads(line)


def post(url: str, document: dict[str, Any], **headers: str) -> tuple[int, str]:
    """
    Ask for a chat completion with nothing but the standard library.
    """
    request = Request(
        f"{url}/v1/chat/completions",
        json.dumps(document).encode(),
        {"Content-Type": "application/json", **headers},
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def said(url: str) -> str:
    """
    Return what the model of a gateway says, asked for a whole answer.
    """
    status, body = post(url, ASK)
    assert status == 200, body
    return json.loads(body)["choices"][0]["message"]["content"]


def streamed(url: str) -> list[dict[str, Any]]:
    """
    Return the events of an answer that is streamed.
    """
    status, body = post(url, {**ASK, "stream": True})
    assert status == 200, body
    data = [line[6:] for line in body.splitlines() if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    return [json.loads(one) for one in data]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(
        choice["delta"].get("content", "")
        for event in events
        for choice in event["choices"]
    )


@pytest.fixture(scope="module", name="wheels")
def _wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """
    Build every distribution from a copy, so that no old ``build/`` gets into a wheel.
    """
    copy = tmp_path_factory.mktemp("tree")
    for path in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / path, copy)
    for path in ("gateway", "plugins", "tests", "contrib"):
        shutil.copytree(ROOT / path, copy / path, ignore=LEFT_BEHIND)

    folder = tmp_path_factory.mktemp("wheels")
    places = [copy, *(copy / "plugins" / name for name in PLUGINS)]
    places.append(copy / STAMP.relative_to(ROOT))
    places += (copy / path.relative_to(ROOT) for path in EXAMPLES)
    run(
        *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder),
        *places,
        cwd=folder,
        GATEWRIGHT_COMPILE="0",
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
    return attrs.evolve(environment, fresh=environment.pip("freeze"))


def test_every_distribution_has_one_pure_wheel(wheels):
    """
    The build makes one wheel a distribution, for any Python 3 on any machine.

    What else one may have compiled ``tox run -e compiled`` looks at.
    """
    examples = {f"gatewright-{path.name}" for path in EXAMPLES}
    assert set(wheels) == {*PACKAGES, STAMP.name, *examples}
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
        if path.suffix in {".py", ".json", ".xz", ".yaml"} or path.name == "py.typed"
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
    # A template has tests of its own, which are none of the package.
    tests = [place for place in names if "/tests/" in place]
    assert [place for place in tests if not place.endswith(".tmpl")] == []


def test_whole_without_a_compiler(core, tmp_path):
    """
    Where nothing can be compiled the build says so, and what it makes works.
    """
    copy = shutil.copytree(
        PACKAGES[COMPILED].parent, tmp_path / "copy", ignore=LEFT_BEHIND
    )
    pip = (sys.executable, "-m", "pip", "wheel", "-v", "--no-deps")

    done = ran(*pip, "-w", tmp_path, copy, cwd=tmp_path, CC="/bin/false")
    (path,) = tmp_path.glob("*.whl")
    core.install(path)
    kind = run(core.folder / "bin" / "python", "-m", IS_COMPILED, cwd=tmp_path)
    core.pip("uninstall", "-y", COMPILED)

    told = done.stdout + done.stderr
    assert "gateway_guardrails is not compiled, which is slower" in told
    assert path.name.endswith("-py3-none-any.whl")
    assert kind == "pure Python\n"


def test_says_why_it_cannot_compile(tmp_path):
    """
    Who asks for it by name gets no slower wheel instead.
    """
    copy = shutil.copytree(
        PACKAGES[COMPILED].parent, tmp_path / "copy", ignore=LEFT_BEHIND
    )
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", tmp_path)

    done = ran(*pip, copy, cwd=tmp_path, CC="/bin/false", GATEWRIGHT_COMPILE="1")

    assert done.returncode != 0
    assert "gateway_guardrails cannot be compiled: " in done.stdout + done.stderr


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
    assert "gatewright" in core.fresh
    assert "SQLAlchemy" not in core.fresh
    assert "0.1.0" in core.gatewright("--version")


def test_core_alone_serves(core):
    """
    Without a file and without a plugin it answers, and changes nothing on the way.
    """
    with core.serve() as url:
        whole, events = said(url), streamed(url)

    assert whole == UNTOUCHED
    assert text_of(events) == UNTOUCHED


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


@pytest.mark.parametrize("plugin", ["governance"])
def test_governance_refuses_callers_without_a_key(installed):
    """
    Once installed and told to, it asks for a key, and lets in who has one.
    """
    with installed.serve(KEYS_REQUIRED, VK_ME=KEY) as url:
        refused, why = post(url, ASK)
        answered, _ = post(url, ASK, Authorization=f"Bearer {KEY}")

    assert refused == 401
    assert json.loads(why)["error"]["code"] == "virtual_key_required"
    assert answered == 200


@pytest.fixture(name="stamped", scope="class")
def _stamped(core: Environment, wheels: dict[str, Wheel]) -> Iterator[Environment]:
    core.install(wheels[STAMP.name].path)
    yield core
    core.pip("uninstall", "-y", STAMP.name)


@pytest.fixture(name="url", scope="class")
def _url(stamped: Environment) -> Iterator[str]:
    with stamped.serve() as url:
        yield url


class TestStamp:
    """
    A plugin that nobody here knows of does all that a plugin may, once it is installed.
    """

    def test_is_listed(self, stamped):
        """
        The command names it, with its distribution, its phase and its hooks.
        """
        listing = json.loads(stamped.gatewright("plugins", "--json"))

        (line,) = [entry for entry in listing if entry["name"] == "stamp"]
        assert line["distribution"] == STAMP.name
        assert line["phase"] == "SHAPE"
        assert {"open_filter", "post_response"} <= set(line["hooks"])

    def test_acts_on_requests(self, url):
        """
        What it adds to a request reaches the provider, who says it again.
        """
        assert "You said: hi asked-through-stamp" in said(url)
        assert text_of(streamed(url)).endswith("You said: hi asked-through-stamp")

    def test_acts_on_responses(self, url):
        """
        Its filter and its post_response are run over a whole answer.
        """
        whole = said(url)

        assert "the gateway's stamped one; no model" in whole
        assert whole.endswith(" answered-through-stamp")

    def test_acts_on_streams(self, url):
        """
        Its filter finds what two events share, and its on_stream_chunk sees each event.
        """
        events = streamed(url)

        assert "the gateway's stamped one; no model" in text_of(events)
        assert {event.get("stamp") for event in events} == {"streamed-through-stamp"}
        assert len(events) > 10


def test_removing_the_stamp_removes_it(core, wheels):
    """
    What an installed plugin did is undone by removing it, and by nothing else.
    """
    core.install(wheels[STAMP.name].path)
    with core.serve() as url:
        with_it = said(url)
    core.pip("uninstall", "-y", STAMP.name)
    with core.serve() as url:
        without_it, events = said(url), streamed(url)

    assert with_it != UNTOUCHED
    assert without_it == UNTOUCHED
    assert text_of(events) == UNTOUCHED
    assert "stamp" not in core.plugins()


# --- what an SDK sees -----------------------------------------------------------------------

#: Asks by the SDK, and says in JSON what came: twice, for what the second answer may show.
SDK = """
import json, sys
import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0)
told = []
for _ in range(2):
    try:
        raw = client.chat.completions.with_raw_response.create(
            model="demo/echo",
            temperature=0,
            messages=[{"role": "user", "content": sys.argv[3]}],
        )
        text = raw.parse().choices[0].message.content
        told.append({"status": 200, "text": text, "headers": dict(raw.headers)})
    except openai.APIStatusError as error:
        told.append({"status": error.status_code, "headers": dict(error.response.headers)})
print(json.dumps(told))
"""
GUARDED = "guardrails: {rules: {w: {detectors: [{type: words, words: [bluebird]}], action: block}}}"
CACHED = "caching: {partition: key}"
AUDITED = "audit: {}"
KEYED = (
    "governance: {require_key: true, unpriced_models: free, "
    "virtual_keys: {me: {secret: env.VK_ME}}}"
)
ENCODED = "encodings: {preload: [o200k_base]}"


def settings_of(*tables: str) -> str:
    listed = "\n".join(f"  {table}" for table in tables)
    return f"version: 1\nproviders: {{demo: {{}}}}\nplugins:\n{listed}\n"


@pytest.fixture(scope="module", name="sdk")
def _sdk(core: Environment) -> Environment:
    """
    The environment with OpenAI's SDK in it, as any application has it.
    """
    core.pip("install", "openai")
    (core.folder / "asks.py").write_text(SDK)
    return core


def asked(
    environment: Environment, url: str, text: str = "hi", key: str = KEY
) -> list[dict[str, Any]]:
    """
    Let the SDK ask twice.
    """
    python = environment.folder / "bin" / "python"
    told = run(python, "asks.py", url, key, text, cwd=environment.folder)
    answers: list[dict[str, Any]] = json.loads(told)
    return answers


def acts(plugin: str, environment: Environment, url: str) -> None:
    """
    Assert that *plugin* does what it is for.
    """
    well = asked(environment, url)
    assert [each["status"] for each in well] == [200, 200]
    assert well[0]["text"] == UNTOUCHED
    if plugin == "governance":
        stranger = asked(environment, url, key="sk-of-a-stranger")
        assert [each["status"] for each in stranger] == [401, 401]
    elif plugin == "guardrails":
        blocked = asked(environment, url, "the bluebird")
        assert [each["status"] for each in blocked] == [400, 400]
        assert blocked[0]["headers"]["x-gw-code"] == "guardrail_blocked"
    elif plugin == "caching":
        assert [each["headers"]["x-gw-cache"] for each in well] == ["miss", "hit"]
    elif plugin == "audit":
        log = environment.folder / "gatewright" / "audit"
        assert any(path.stat().st_size for path in log.rglob("*") if path.is_file())


TABLES = {
    "audit": AUDITED,
    "caching": CACHED,
    "encodings": ENCODED,
    "governance": KEYED,
    "guardrails": GUARDED,
}


@per_plugin
def test_one_plugin_beside_the_core_acts(sdk, installed, plugin):
    """
    Each alone, seen through OpenAI's SDK; the fixture takes it away again.
    """
    with installed.serve(settings_of(TABLES[plugin]), VK_ME=KEY) as url:
        acts(plugin, sdk, url)


def test_all_plugins_together_act(sdk, wheels):
    """
    In one gateway, each doing what it is for; and nothing is left when they are gone.
    """
    names = [f"gatewright-{name}" for name in PLUGINS]
    sdk.install(*(wheels[name].path for name in names))
    try:
        sdk.pip("check")
        with sdk.serve(settings_of(*TABLES.values()), VK_ME=KEY) as url:
            for plugin in ("caching", "governance", "guardrails", "audit"):
                acts(plugin, sdk, url)
    finally:
        sdk.pip("uninstall", "-y", *names)

    assert sdk.plugins().isdisjoint(PLUGINS)


def test_what_new_plugin_writes_is_a_plugin(sdk):
    """
    An author's first afternoon: written, installed, seen to act, taken away.
    """
    sdk.gatewright("new-plugin", "my_words")
    folder = sdk.folder / "gatewright-my-words"
    sdk.install(folder)
    try:
        assert "my_words" in sdk.plugins()
        with sdk.serve(settings_of("my_words: {words: [bluebird]}")) as url:
            well, ill = asked(sdk, url), asked(sdk, url, "a Bluebird?")
    finally:
        sdk.pip("uninstall", "-y", folder.name)

    assert well[0]["text"] == UNTOUCHED
    assert ill[0]["headers"]["x-gw-code"] == "guardrail_blocked"
    assert "my_words" not in sdk.plugins()


def test_the_core_imports_nothing_that_plugins_need(sdk):
    """
    With or without them: serving loads no library that only a plugin asks for.
    """
    foreign = "boto3 tiktoken re2 ahocorasick_rs hyperscan numpy sqlalchemy cryptography redis"
    source = (
        "import sys, gateway.cli.program, gateway.server.serve, gateway.app;"
        f"print(*[n for n in {foreign.split()!r} if n in sys.modules])"
    )
    loaded = run(sdk.folder / "bin" / "python", "-c", source, cwd=sdk.folder)
    present = {line.partition("==")[0].lower() for line in sdk.fresh.splitlines()}

    assert loaded.split() == []
    assert present.isdisjoint(foreign.split())
