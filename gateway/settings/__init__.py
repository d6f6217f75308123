"""
The settings: one file, read once into a snapshot that never changes.

A plugin's ``Settings`` class is an attrs class; `gateway.settings.structure` lists
what its annotations may be.
"""

from __future__ import annotations

from gateway.settings.load import (
    load_settings,
    settings_from_dict,
    settings_from_environment,
)
from gateway.settings.model import PHASES, HooksSettings, PhaseName, Settings
from gateway.settings.nodes import PluginTable, Unread
from gateway.settings.serving import (
    AdminToken,
    CorsSettings,
    EgressSettings,
    LogSettings,
    ServerSettings,
    StorageSettings,
    TlsSettings,
    default_data_dir,
)
from gateway.settings.snapshot import find_secrets, settings_as_dict
from gateway.settings.structure import structure
from gateway.settings.upstreams import (
    ModelSettings,
    ProviderKeySettings,
    ProviderSettings,
    ProxySettings,
    RoutingSettings,
    TargetSettings,
    Timeouts,
)
from gateway.settings.values import (
    HEADER_NAME,
    Address,
    SecretRef,
    above,
    at_least,
    between,
    header_name,
    http_url,
    not_empty,
    told,
)

__all__ = [
    # The snapshot and how it is made.
    "Settings",
    "default_data_dir",
    "find_secrets",
    "load_settings",
    "settings_as_dict",
    "settings_from_dict",
    "settings_from_environment",
    "structure",
    # Its tables.
    "AdminToken",
    "CorsSettings",
    "EgressSettings",
    "HooksSettings",
    "LogSettings",
    "ModelSettings",
    "PluginTable",
    "ProviderKeySettings",
    "ProviderSettings",
    "ProxySettings",
    "RoutingSettings",
    "ServerSettings",
    "StorageSettings",
    "TargetSettings",
    "Timeouts",
    "TlsSettings",
    "PHASES",
    "PhaseName",
    # For the settings of plugins: values, validators, metadata.
    "Unread",
    "Address",
    "HEADER_NAME",
    "SecretRef",
    "above",
    "at_least",
    "between",
    "header_name",
    "http_url",
    "not_empty",
    "told",
]
