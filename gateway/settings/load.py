"""
Making the snapshot: from a file, from the environment alone, from a dict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from gateway.errors import ConfigError, Problem
from gateway.settings.checks import find_faults
from gateway.settings.model import Settings
from gateway.settings.nodes import (
    EMPTY,
    MAX_FILE_BYTES,
    PluginTable,
    Scalar,
    Table,
    digest_of,
    document_from,
)
from gateway.settings.problems import Problems
from gateway.settings.structure import reader_for
from gateway.settings.tables import TableReader

#: The environment variable that vendors' own clients read, and the provider's name.
PROVIDERS_BY_VARIABLE: Final[Mapping[str, str]] = {
    "OPENAI_API_KEY": "openai",
    "ANTHROPIC_API_KEY": "anthropic",
    "GROQ_API_KEY": "groq",
    "MISTRAL_API_KEY": "mistral",
    "DEEPSEEK_API_KEY": "deepseek",
    "XAI_API_KEY": "xai",
    "OPENROUTER_API_KEY": "openrouter",
    "TOGETHER_API_KEY": "together",
    "FIREWORKS_API_KEY": "fireworks",
    "CEREBRAS_API_KEY": "cerebras",
    "PERPLEXITY_API_KEY": "perplexity",
    "NVIDIA_API_KEY": "nvidia",
    "NEBIUS_API_KEY": "nebius",
    "HF_TOKEN": "huggingface",
}

# Azure has no address of its own: the variable that says it is needed as well.
AZURE_KEY: Final = "AZURE_OPENAI_API_KEY"
AZURE_ENDPOINT: Final = "AZURE_OPENAI_ENDPOINT"


def load_settings(path: str | Path) -> Settings:
    """
    Read the settings file at *path*.

    Raises:
        ConfigError: with every problem, each with ``file:line:column``.
    """
    document, problems = open_document(path)
    return _settings(document, problems, source=Path(path))


def settings_from_dict(
    mapping: Mapping[str, Any], *, source: Path | None = None
) -> Settings:
    """
    Make the snapshot that a file with the content of *mapping* would give.

    Raises:
        ConfigError: with every problem, each with its path.
    """
    problems = Problems(str(source) if source else "")
    return _settings(document_from(mapping), problems, source=source)


def settings_from_environment(environ: Mapping[str, str]) -> Settings:
    """
    Make the snapshot of a gateway without a file.

    Each provider whose key stands in *environ* is there, and the offline ``demo``.

    Raises:
        ConfigError: the address of Azure OpenAI is no URL.
    """
    providers: dict[str, Any] = {"demo": {}}
    for variable, name in PROVIDERS_BY_VARIABLE.items():
        if environ.get(variable):
            providers[name] = {"keys": {"environment": f"env.{variable}"}}
    if environ.get(AZURE_KEY) and environ.get(AZURE_ENDPOINT):
        providers["azure-openai"] = {
            "base_url": environ[AZURE_ENDPOINT],
            "keys": {"environment": f"env.{AZURE_KEY}"},
        }
    return settings_from_dict({"providers": providers})


def open_document(
    path: str | Path, *, origin: str | None = None
) -> tuple[Table, Problems]:
    """
    Read the file at *path* as nodes, with the problems found so far.

    Args:
        origin: What the file is called in them; *path* unless told otherwise.

    Raises:
        ConfigError: it cannot be read at all.
    """
    from gateway.settings.document import read_document

    origin = origin or str(path)
    raw = read_raw(path, origin)
    problems = Problems(origin)
    return read_document(raw, problems), problems


def read_raw(path: str | Path, origin: str) -> bytes:
    """
    Read the bytes at *path*, and no more than tells that they are too many.

    Raises:
        ConfigError: it cannot be read at all.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        problem = Problem(f"cannot be read: {exc.strerror}", where=origin)
        raise ConfigError(problem) from None


def read_settings(
    document: Table, problems: Problems, *, source: Path | None
) -> Settings:
    """
    Read *document*; what is wrong is noted, and left out of what is returned.
    """
    reader = reader_for(Settings)
    if not isinstance(reader, TableReader):
        raise TypeError("Settings is not read as a table")
    arguments = reader.arguments(document, "", problems)
    settings = Settings(
        **arguments, source=source, digest=digest_of(document), document=document
    )
    for fault in find_faults(settings, _declared(document)):
        fault.note(document, problems)
    return attrs.evolve(settings, plugins=_marked(settings.plugins, document))


def _settings(document: Table, problems: Problems, *, source: Path | None) -> Settings:
    settings = read_settings(document, problems, source=source)
    if problems:
        raise problems.error()
    return settings


def _declared(document: Table) -> Collection[str] | None:
    """
    Name the providers that stand in *document*, whatever is wrong with them.
    """
    table = document.entries.get("providers", EMPTY)
    if isinstance(table, Scalar) and table.is_null:
        return ()
    return table.entries.keys() if isinstance(table, Table) else None


def _marked(
    plugins: Mapping[str, PluginTable], document: Table
) -> Mapping[str, PluginTable]:
    """
    Add where their names stand.
    """
    table = document.entries.get("plugins")
    if not isinstance(table, Table):
        return plugins
    return {
        name: attrs.evolve(plugin, mark=table.key_marks[name])
        for name, plugin in plugins.items()
    }
