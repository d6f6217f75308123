from __future__ import annotations

from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from gateway import Phase, Plugin, hookimpl, plugins
from gateway.errors import Problem
from gateway.installation import InstalledPlugin
from gateway.plugins import (
    FoundPlugin,
    PluginErrors,
    check_class,
    collect,
    find_plugins,
    hook_names,
    implemented,
    load_plugins,
)
from gateway.settings import settings_from_dict

# The wrong plugins below are written as an author would write them by mistake.


class WrongName(Plugin):
    @hookimpl
    async def pre_requests(self, exchange): ...


class WrongArgument(Plugin):
    @hookimpl
    async def pre_request(self, request): ...


class ExtraArgument(Plugin):
    @hookimpl
    async def pre_request(self, exchange, more): ...


class DefaultedArgument(Plugin):
    @hookimpl
    async def pre_request(self, exchange=None): ...


class WrongColour(Plugin):
    @hookimpl
    def pre_request(self, exchange): ...


class AwaitingRegistration(Plugin):
    @hookimpl
    async def register_routes(self): ...


class Yielding(Plugin):
    @hookimpl
    async def pre_request(self, exchange):
        yield None


class Wrapper(Plugin):
    @hookimpl(wrapper=True)
    async def pre_request(self, exchange): ...


class TryFirst(Plugin):
    @hookimpl(tryfirst=True)
    async def pre_request(self, exchange): ...


class Unmarked(Plugin):
    async def pre_request(self, exchange): ...


class NoPhase(Plugin):
    phase = 3  # type: ignore[assignment]


class DictSettings(Plugin):
    Settings = dict


@pytest.mark.parametrize(
    ("cls", "hook", "says"),
    [
        (WrongName, "pre_requests", "no such hook"),
        (WrongArgument, "pre_request", "must be (self, exchange)"),
        (ExtraArgument, "pre_request", "must be (self, exchange)"),
        (DefaultedArgument, "pre_request", "must not give exchange a default"),
        (WrongColour, "pre_request", "must be written with async def"),
        (AwaitingRegistration, "register_routes", "must be written with def"),
        (Yielding, "pre_request", "is a generator"),
        (Wrapper, "pre_request", "wrappers are not supported"),
        (TryFirst, "pre_request", "the phase decides"),
        (Unmarked, "pre_request", "not marked with @hookimpl"),
        (NoPhase, "", "no gateway.Phase"),
        (DictSettings, "", "no attrs class"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_plugin_is_named_with_its_mistake(cls, hook, says):
    """
    The error names plugin, distribution and hook, and says what is wrong.
    """
    found = FoundPlugin(name="p", cls=cls, distribution="gatewright-p", version="1.2")

    errors = check_class(found)

    assert [error.hook for error in errors] == [hook]
    assert says in str(errors[0])
    assert "plugin p (gatewright-p 1.2)" in str(errors[0])


class Fine(Plugin):
    phase = Phase.INSPECT

    @hookimpl
    async def pre_request(self, exchange):
        return None

    @hookimpl
    def open_filter(self, exchange, attempt):
        return None


def test_a_right_plugin_passes():
    """
    What is written as the specification says has no errors, and its hooks are known.
    """
    assert check_class(FoundPlugin(name="fine", cls=Fine)) == []
    assert implemented(Fine) == {"pre_request", "open_filter"}


def test_every_hook_is_checked():
    """
    The base class itself implements nothing, and names every hook of the architecture.
    """
    assert implemented(Plugin) == frozenset()
    assert set(hook_names()) >= {"pre_request", "on_complete", "erase_subject"}


@attrs.frozen
class Needs:
    word: str
    count: int = 1


class Configured(Plugin):
    Settings = Needs

    @hookimpl
    async def on_complete(self, exchange): ...


class Exploding(Plugin):
    def __init__(self, settings: Any) -> None:
        raise RuntimeError("boom")


def found(**classes: type[Plugin]) -> list[FoundPlugin]:
    """
    Name plugin classes as entry points would.
    """
    return [FoundPlugin(name=name, cls=cls) for name, cls in classes.items()]


def load(settings: dict[str, Any], **classes: type[Plugin]):
    """
    Load *classes* and nothing that happens to be installed.
    """
    return load_plugins(settings_from_dict(settings), found(**classes))


@pytest.mark.parametrize("hook", ["after_attempt", "on_complete"])
def test_hooks_that_settle_may_be_of_either_colour(hook):
    """
    What waits for nothing is written with def, and costs no task.
    """

    def after_attempt(self, exchange, attempt): ...

    def on_complete(self, exchange): ...

    member = hookimpl(
        {"after_attempt": after_attempt, "on_complete": on_complete}[hook]
    )
    cls = type("AtOnce", (Plugin,), {hook: member})

    assert hook in load({}, atonce=cls)[0].hooks


def test_everything_wrong_is_raised_together():
    """
    One start shows every mistake of every plugin.
    """
    settings = {
        "hooks": {"required": ["absent"], "timeout_s": {"nobody": 1}},
        "plugins": {"configured": {"cout": 2}, "stranger": {}},
    }

    with pytest.raises(PluginErrors) as caught:
        load(settings, configured=Configured, wrong=WrongColour, exploding=Exploding)

    said = str(caught.value)
    for part in (
        "plugins.configured.word",
        "did you mean count?",
        "plugin wrong, hook pre_request",
        "RuntimeError: boom",
        "plugin absent: required, but not installed: pip install gatewright-absent",
        "plugins.stranger: not installed",
        "hooks.timeout_s.nobody",
    ):
        assert part in said


def test_plugins_stand_by_phase_and_name():
    """
    The order is phase, then name, however they were found; the settings may move one.
    """
    settings = {"hooks": {"phase": {"b": "OBSERVE"}}}

    loaded = load(settings, c=Fine, b=Fine, a=Fine)

    assert [(plugin.name, plugin.phase) for plugin in loaded] == [
        ("b", Phase.OBSERVE),
        ("a", Phase.INSPECT),
        ("c", Phase.INSPECT),
    ]
    assert loaded[0].origins["phase"] == "settings"


def test_only_and_disabled_keep_plugins_out():
    """
    What is kept out is neither checked nor configured.
    """
    settings = {"hooks": {"only": ["a", "b"], "disabled": ["b"]}}

    loaded = load(settings, a=Fine, b=Fine, wrong=WrongColour)

    assert [plugin.name for plugin in loaded] == ["a"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hooks": {"only": ["guarde"]}}, "hooks.only[0]: no plugin guarde"),
        ({"hooks": {"disabled": ["guarde"]}}, "hooks.disabled[0]: no plugin guarde"),
        ({"hooks": {"required": ["guarde"]}}, "plugin guarde: required"),
        ({"plugins": {"guarde": {}}}, "plugins.guarde: not installed"),
    ],
    ids=["only", "disabled", "required", "table"],
)
def test_a_slip_in_a_plugins_name_is_told(settings, said):
    """
    Nothing runs without what was meant, and nobody is told to install what a stranger may own.
    """
    with pytest.raises(PluginErrors) as caught:
        load(settings, guard=Fine)

    assert said in str(caught.value)
    assert "did you mean guard?" in str(caught.value)
    assert "pip install" not in str(caught.value)


def test_only_names_what_is_installed():
    """
    What would run is missing; what is kept out may be.
    """
    hooks = {"only": ["guard", "elsewhere"], "disabled": ["another"]}

    with pytest.raises(PluginErrors) as caught:
        load({"hooks": hooks}, guard=Fine)

    assert "hooks.only[1]: no plugin elsewhere is installed: pip install" in str(
        caught.value
    )
    assert "another" not in str(caught.value)


def test_policy_comes_from_the_settings():
    """
    on_failure and timeout_s are the operator's, by plugin.
    """
    hooks = {"on_failure": {"a": "open"}, "timeout_s": {"a": 0.5}}

    (plugin,) = load({"hooks": hooks}, a=Fine)

    assert plugin.fails_open
    assert plugin.timeout_s == 0.5


def test_a_plugin_with_the_same_settings_goes_on():
    """
    A reload keeps the instance of a plugin whose own table did not change.
    """
    before = load({"plugins": {"p": {"word": "x"}}}, p=Configured)
    again = settings_from_dict({"plugins": {"p": {"word": "x"}}})
    other = settings_from_dict({"plugins": {"p": {"word": "y"}}})
    extra = found(p=Configured)

    same = load_plugins(again, extra, running=before)
    new = load_plugins(other, extra, running=before)

    assert same[0].plugin is before[0].plugin
    assert new[0].plugin is not before[0].plugin


def entry(name: str, value: str) -> InstalledPlugin:
    """
    Say what a distribution would say of a plugin.
    """
    return InstalledPlugin(name=name, value=value)


def test_an_import_error_names_the_plugin():
    """
    A plugin that cannot be imported is an error of its own, the others are found.
    """
    points = [
        entry("broken", "no_such_module_at_all:X"),
        entry("number", "math:pi"),
        entry("fine", f"{__name__}:Fine"),
    ]

    plugins, errors = find_plugins(points[:2])

    assert plugins == []
    assert "plugin broken: cannot be imported: ModuleNotFoundError" in str(errors[0])
    assert "plugin number: math:pi is not a subclass" in str(errors[1])


def test_two_plugins_of_one_name_are_an_error():
    """
    A name belongs to one plugin; the error tells where the other stands.
    """
    points = [
        entry("same", "gateway.hookspecs:Plugin"),
        entry("same", "gateway_governance:GovernancePlugin"),
    ]

    plugins, errors = find_plugins(points)

    assert len(plugins) == 1
    assert "plugin same: the name is taken by gateway.hookspecs" in str(errors[0])


@attrs.frozen
class Named:
    name: str


class RegistersX(Plugin):
    @hookimpl
    def register_detectors(self):
        return [Named("x")]


class RegistersBadly(Plugin):
    @hookimpl
    def register_detectors(self):
        raise ValueError("no")


def test_two_registrations_of_one_name_name_both_plugins():
    """
    Duplicates among what plugins register are one error that names both.
    """
    loaded = load({}, first=RegistersX, second=RegistersX, bad=RegistersBadly)

    with pytest.raises(PluginErrors) as caught:
        collect(loaded, "register_detectors", lambda value: value.name)

    assert "plugin second, hook register_detectors" in str(caught.value)
    assert "'x' is registered by plugin first too" in str(caught.value)
    assert "plugin bad, hook register_detectors: raised ValueError: no" in str(
        caught.value
    )


def test_a_plugin_that_takes_no_part_is_not_imported():
    """
    It costs neither memory nor time, and settings that name it are no error.
    """
    points = [
        entry("idle", "no_such_module_at_all:X"),
        entry("fine", f"{__name__}:Fine"),
    ]
    settings = settings_from_dict(
        {"hooks": {"disabled": ["idle"], "on_failure": {"idle": "open"}}}
    )

    loaded = load_plugins(settings, installed=points)

    assert [plugin.name for plugin in loaded] == ["fine"]


def test_a_plugin_may_find_fault_with_the_gateways_settings():
    """
    What does not fit together is told with its path, before anything starts.
    """

    class Fussy(Plugin):
        def problems(self, settings):
            yield Problem("must be 9", path="server.workers")

    found = FoundPlugin(name="fussy", cls=Fussy)

    with pytest.raises(PluginErrors, match=r"server\.workers: must be 9"):
        load_plugins(settings_from_dict({}), [found])


def test_a_hook_that_goes_is_told_of_with_the_release_that_removes_it(monkeypatch):
    """
    It works until then; the operator reads which plugin needs a newer version, and by when.
    """
    deprecated = {
        "register_detectors": plugins.Deprecation(
            instead="implement register_finders", removed_in="0.4"
        )
    }
    monkeypatch.setattr(plugins, "DEPRECATED_HOOKS", deprecated)

    with capture_logs() as logged:
        (loaded,) = load({}, x=RegistersX)

    (line,) = logged
    assert line["log_level"] == "warning"
    assert line["event"] == (
        "plugin x: the hook register_detectors is deprecated and will be removed in 0.4: "
        "implement register_finders"
    )
    assert collect([loaded], "register_detectors", lambda value: value.name)


def test_a_hook_that_is_gone_is_an_error_that_says_what_to_do(monkeypatch):
    """
    A plugin that was built for an older release does not half work.
    """

    class OldPlugin(Plugin):
        @hookimpl
        def on_request(self, exchange):
            return None

    gone = {"on_request": "was removed in 0.3: implement pre_request"}
    monkeypatch.setattr(plugins, "REMOVED_HOOKS", gone)

    with pytest.raises(PluginErrors) as caught:
        load({}, old=OldPlugin)

    assert "hook on_request: was removed in 0.3: implement pre_request" in str(
        caught.value
    )
