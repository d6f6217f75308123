"""
Which kind of sink some settings mean.
"""

from __future__ import annotations

from gateway_audit.sinks.outlets.file import FileOutlet
from gateway_audit.sinks.outlets.http import HttpOutlet
from gateway_audit.sinks.outlets.outlet import Outlet, Way
from gateway_audit.sinks.outlets.splunk import SplunkOutlet
from gateway_audit.sinks.settings import (
    FileSink,
    HttpSink,
    SinkSettings,
    SplunkSink,
)


def make_outlet(settings: SinkSettings, way: Way) -> Outlet:
    """
    Make the outlet that *settings* describe.
    """
    match settings:
        case FileSink():
            return FileOutlet(settings=settings, clock=way.clock)
        case HttpSink():
            return HttpOutlet(settings=settings, way=way)
        case SplunkSink():
            return SplunkOutlet(settings=settings, way=way)
    raise TypeError(type(settings).__name__)
