"""
Finding plugins by their entry points, checking them, configuring them, putting them in order.

Nothing half-starts: what is wrong with any plugin is collected, and raised together.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any, Final

import attrs
import pluggy
import structlog

from gateway.errors import ConfigError, GatewayError, PluginError, Problem
from gateway.hookspecs import EITHER_COLOUR, PROJECT, Phase, Plugin
from gateway.installation import installed_plugins
from gateway.near import nearest
from gateway.settings import PHASES

if TYPE_CHECKING:
    from gateway.installation import InstalledPlugin
    from gateway.settings import Settings

log = structlog.get_logger("gateway.plugins")

#: The implementation marks that pluggy leaves on a function.
_IMPL: Final = f"{PROJECT}_impl"
_SPEC: Final = f"{PROJECT}_spec"

#: Hooks of earlier releases, and what to use instead.
REMOVED_HOOKS: Final[Mapping[str, str]] = {}


@attrs.frozen(kw_only=True)
class Deprecation:
    """
    A hook that still works, and will not for ever.

    Attributes:
        instead: What to implement instead, as part of a sentence.
        removed_in: The release that removes it.
    """

    instead: str
    removed_in: str


#: Hooks that are on their way out, by name.
DEPRECATED_HOOKS: Final[Mapping[str, Deprecation]] = {}


class PluginErrors(GatewayError):
    """
    Plugins cannot be loaded; every error found is in *errors*.
    """

    def __init__(self, errors: Sequence[GatewayError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in errors))


@attrs.frozen(kw_only=True, eq=False)
class FoundPlugin:
    """
    A plugin class, and where it comes from.

    Attributes:
        name: The entry point's; the word in settings, logs and documentation.
        distribution: What pip calls it, with *version*; "" if it was handed in.
    """

    name: str
    cls: type[Plugin]
    distribution: str = ""
    version: str = ""

    @property
    def label(self) -> str:
        """
        Distribution and version, for errors.
        """
        return f"{self.distribution} {self.version}".strip()


@attrs.frozen(kw_only=True, eq=False)
class LoadedPlugin:
    """
    A plugin that takes part.

    Attributes:
        settings: What it was constructed from.
        hooks: The names of those that it implements.
        origins: Where phase, failure policy and timeout come from: ``default`` or ``settings``.
    """

    name: str
    plugin: Plugin
    settings: Any
    phase: Phase
    hooks: frozenset[str]
    fails_open: bool = False
    timeout_s: float | None = None
    distribution: str = ""
    version: str = ""
    origins: Mapping[str, str] = attrs.field(factory=dict)


# --- finding --------------------------------------------------------------------------------


def find_plugins(
    installed: Iterable[InstalledPlugin] | None = None,
) -> tuple[list[FoundPlugin], list[GatewayError]]:
    """
    Import every installed plugin.

    Args:
        installed: Instead of those that are installed now.

    Returns:
        Those that could be imported, by name, and an error for each that could not.
    """
    found: dict[str, FoundPlugin] = {}
    errors: list[GatewayError] = []
    for point in installed_plugins() if installed is None else installed:
        try:
            plugin = _import(point)
            _add(found, plugin)
        except PluginError as exc:
            errors.append(exc)
    return list(found.values()), errors


def _import(point: InstalledPlugin) -> FoundPlugin:
    label = f"{point.distribution} {point.version}".strip()
    try:
        cls = point.load()
    except Exception as exc:
        msg = f"cannot be imported: {type(exc).__name__}: {exc}"
        raise PluginError(msg, plugin=point.name, distribution=label) from exc
    if not (isinstance(cls, type) and issubclass(cls, Plugin)):
        msg = f"{point.value} is not a subclass of gateway.Plugin"
        raise PluginError(msg, plugin=point.name, distribution=label)
    return FoundPlugin(
        name=point.name,
        cls=cls,
        distribution=point.distribution,
        version=point.version,
    )


def _add(found: dict[str, FoundPlugin], plugin: FoundPlugin) -> None:
    first = found.get(plugin.name)
    if first is None:
        found[plugin.name] = plugin
        return
    if first.cls is plugin.cls:  # the same distribution found twice on the path
        return
    msg = (
        f"the name is taken by {first.label or first.cls.__module__}: "
        "uninstall one of the two"
    )
    raise PluginError(msg, plugin=plugin.name, distribution=plugin.label)


# --- checking -------------------------------------------------------------------------------


def check_class(plugin: FoundPlugin) -> list[PluginError]:
    """
    Check every hook that *plugin* implements against its specification.
    """
    errors: list[PluginError] = []

    def wrong(hook: str, message: str) -> None:
        errors.append(
            PluginError(
                message, plugin=plugin.name, distribution=plugin.label, hook=hook
            )
        )

    phase: object = plugin.cls.phase
    if not isinstance(phase, Phase):
        wrong("", f"phase is no gateway.Phase: {' '.join(PHASES)}")
    if not attrs.has(plugin.cls.Settings):
        wrong("", "Settings is no attrs class")
    for name, member in inspect.getmembers(plugin.cls, callable):
        options = getattr(member, _IMPL, None)
        if options is not None:
            _check_hook(name, member, options, wrong)
        elif _shadows(plugin.cls, name, member):
            wrong(name, "is not marked with @hookimpl, so it would never be called")
    return errors


def hook_names() -> tuple[str, ...]:
    """
    Return the names of all hooks, in the order of their specification.
    """
    return tuple(
        name for name, member in vars(Plugin).items() if hasattr(member, _SPEC)
    )


def implemented(cls: type[Plugin]) -> frozenset[str]:
    """
    Return the names of the hooks that *cls* implements.
    """
    return frozenset(
        name for name in hook_names() if hasattr(getattr(cls, name), _IMPL)
    )


def _shadows(cls: type[Plugin], name: str, member: Any) -> bool:
    return name in hook_names() and member is not getattr(Plugin, name)


def _check_hook(
    name: str,
    member: Callable[..., Any],
    options: Mapping[str, Any],
    wrong: Callable[[str, str], None],
) -> None:
    spec = vars(Plugin).get(name)
    if spec is None or not hasattr(spec, _SPEC):
        instead = REMOVED_HOOKS.get(name)
        wrong(name, instead or f"no such hook; there are {', '.join(hook_names())}")
        return
    if options.get("wrapper") or options.get("hookwrapper"):
        wrong(name, "wrappers are not supported: implement the hook on either side")
    if options.get("tryfirst") or options.get("trylast"):
        wrong(name, "tryfirst and trylast are not supported: the phase decides")
    _check_colour(name, member, spec, wrong)
    _check_arguments(name, member, spec, wrong)


def _check_colour(
    name: str, member: Any, spec: Any, wrong: Callable[[str, str], None]
) -> None:
    if inspect.isasyncgenfunction(member) or inspect.isgeneratorfunction(member):
        wrong(name, "is a generator: return values instead of yielding them")
        return
    if name in EITHER_COLOUR:
        return
    should_wait = inspect.iscoroutinefunction(spec)
    if inspect.iscoroutinefunction(member) == should_wait:
        return
    right, other = ("async def", "def") if should_wait else ("def", "async def")
    wrong(name, f"must be written with {right}, not {other}")


def _check_arguments(
    name: str, member: Any, spec: Any, wrong: Callable[[str, str], None]
) -> None:
    expected = list(inspect.signature(spec).parameters)
    parameters = inspect.signature(member).parameters
    if list(parameters) != expected:
        wrong(name, f"takes ({', '.join(parameters)}), must be ({', '.join(expected)})")
    defaulted = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is not inspect.Parameter.empty
    ]
    if defaulted:
        wrong(name, f"must not give {', '.join(defaulted)} a default")


# --- configuring and ordering ---------------------------------------------------------------


def load_plugins(
    settings: Settings,
    extra: Sequence[FoundPlugin] = (),
    *,
    installed: Sequence[InstalledPlugin] = (),
    running: Sequence[LoadedPlugin] = (),
) -> list[LoadedPlugin]:
    """
    Load, check, configure and order the plugins that *settings* let take part.

    Args:
        extra: Plugins beside the installed ones, for embedding and tests.
        installed: Those of distributions.
        running: Plugins that take part now; one whose own settings are the same goes on.

    Raises:
        PluginErrors: with everything that is wrong.
    """
    # What takes no part is not imported: it may cost more memory than all the rest.
    wanted = [point for point in installed if _takes_part(point.name, settings)]
    found, errors = find_plugins(wanted)
    by_name = {plugin.name: plugin for plugin in found}
    for plugin in extra:
        by_name[plugin.name] = plugin
    present = {*by_name, *(point.name for point in installed)}
    errors += _missing(present, settings)
    loaded = []
    for plugin in by_name.values():
        if not _takes_part(plugin.name, settings):
            continue
        problems = check_class(plugin)
        errors += problems
        if not problems:
            _warn_of_deprecated(plugin)
            try:
                loaded.append(_configure(plugin, settings, running))
            except GatewayError as exc:
                errors.append(exc)
    if not errors:
        _register(loaded, errors)
        errors += _unfit(loaded, settings)
    if errors:
        raise PluginErrors(errors)
    return sorted(loaded, key=lambda plugin: (plugin.phase, plugin.name))


def _warn_of_deprecated(plugin: FoundPlugin) -> None:
    for hook in sorted(implemented(plugin.cls) & DEPRECATED_HOOKS.keys()):
        deprecation = DEPRECATED_HOOKS[hook]
        msg = (
            f"plugin {plugin.name}: the hook {hook} is deprecated and will be removed in "
            f"{deprecation.removed_in}: {deprecation.instead}"
        )
        log.warning(msg, plugin=plugin.name, distribution=plugin.label, hook=hook)


def _takes_part(name: str, settings: Settings) -> bool:
    hooks = settings.hooks
    return name not in hooks.disabled and (hooks.only is None or name in hooks.only)


def _missing(present: Collection[str], settings: Settings) -> list[GatewayError]:
    """
    Name the plugins that the settings ask for and nobody installed.

    A slip in ``only`` would leave the plugin out that was meant, and whatever it guards.
    """
    problems: list[GatewayError] = []
    hooks = settings.hooks
    for name in hooks.required:
        if name not in present:
            msg = f"required, but not installed: {_remedy(name, present)}"
            problems.append(PluginError(msg, plugin=name))
    tables = [
        Problem(
            f"not installed: {_remedy(name, present, 'remove the table')}",
            path=f"plugins.{name}",
            where=getattr(table, "where", ""),
        )
        for name, table in settings.plugins.items()
        if name not in present
    ]
    named = [
        Problem(f"no plugin {name} is installed", path=f"hooks.{table}.{name}")
        for table in ("phase", "on_failure", "timeout_s")
        for name in getattr(hooks, table)
        if name not in present
    ]
    listed = [
        Problem(
            f"no plugin {name} is installed: {_remedy(name, present, 'take it out')}",
            path=f"hooks.{table}[{at}]",
        )
        for table in ("only", "disabled")
        for at, name in enumerate(getattr(hooks, table) or ())
        # What is kept out need not be there, if it is what was meant.
        if name not in present and (table == "only" or nearest(name, present))
    ]
    if tables or named or listed:
        problems.append(ConfigError([*tables, *named, *listed]))
    return problems


def _remedy(name: str, present: Collection[str], or_else: str = "") -> str:
    """
    Say what helps: the name that was meant, before a distribution of anybody's.
    """
    near = nearest(name, present)
    if near:
        return f"did you mean {near[0]}?"
    return f"pip install gatewright-{name}" + (f", or {or_else}" if or_else else "")


def _configure(
    found: FoundPlugin, settings: Settings, running: Sequence[LoadedPlugin]
) -> LoadedPlugin:
    table: Any = settings.plugin(found.name, found.cls.Settings)
    plugin = _construct(found, table, running)
    hooks = settings.hooks
    phase = hooks.phase.get(found.name)
    return LoadedPlugin(
        name=found.name,
        plugin=plugin,
        settings=table,
        phase=Phase[phase] if phase else found.cls.phase,
        hooks=implemented(found.cls),
        fails_open=hooks.on_failure.get(found.name) == "open",
        timeout_s=hooks.timeout_s.get(found.name),
        distribution=found.distribution,
        version=found.version,
        origins={
            key: "settings" if found.name in getattr(hooks, key) else "default"
            for key in ("phase", "on_failure", "timeout_s")
        },
    )


def _construct(
    found: FoundPlugin, table: Any, running: Sequence[LoadedPlugin]
) -> Plugin:
    for old in running:
        same = old.name == found.name and type(old.plugin) is found.cls
        if same and old.settings == table:
            return old.plugin
    try:
        return found.cls(table)
    except GatewayError:
        raise
    except Exception as exc:
        msg = f"cannot be constructed from its settings: {type(exc).__name__}: {exc}"
        raise PluginError(msg, plugin=found.name, distribution=found.label) from exc


def _unfit(loaded: Iterable[LoadedPlugin], settings: Settings) -> Iterator[ConfigError]:
    """
    Yield what plugins find wrong between their own settings and the gateway's.
    """
    for each in loaded:
        if problems := tuple(each.plugin.problems(settings)):
            yield settings.located(ConfigError(problems))


def _register(loaded: Sequence[LoadedPlugin], errors: list[GatewayError]) -> None:
    """
    Let pluggy validate the whole: it knows its own marks best.
    """
    register = pluggy.PluginManager(PROJECT)
    register.add_hookspecs(Plugin)
    for plugin in loaded:
        try:
            register.register(plugin.plugin, name=plugin.name)
            register.check_pending()
        except (pluggy.PluginValidationError, ValueError, TypeError) as exc:
            errors.append(
                PluginError(
                    str(exc), plugin=plugin.name, distribution=plugin.distribution
                )
            )


def collect(
    loaded: Iterable[LoadedPlugin], hook: str, key: Callable[[Any], str]
) -> dict[str, tuple[Any, str]]:
    """
    Call the registering *hook* of every plugin.

    Returns:
        (value, plugin's name) by the value's *key*.

    Raises:
        PluginErrors: if two plugins register one name, naming both, or one raises.
    """
    values: dict[str, tuple[Any, str]] = {}
    errors: list[GatewayError] = []
    for plugin in loaded:
        if hook not in plugin.hooks:
            continue
        try:
            registered = list(getattr(plugin.plugin, hook)())
        except Exception as exc:  # noqa: BLE001 - reported with the others
            msg = f"raised {type(exc).__name__}: {exc}"
            errors.append(PluginError(msg, plugin=plugin.name, hook=hook))
            continue
        for value in registered:
            name = key(value)
            if name in values:
                msg = f"{name!r} is registered by plugin {values[name][1]} too"
                errors.append(PluginError(msg, plugin=plugin.name, hook=hook))
            else:
                values[name] = (value, plugin.name)
    if errors:
        raise PluginErrors(errors)
    return values
