"""
Which kind of sink some settings mean.
"""

from __future__ import annotations

from gateway_audit.sinks.outlets.datadog import DatadogOutlet
from gateway_audit.sinks.outlets.elastic import ElasticOutlet
from gateway_audit.sinks.outlets.file import FileOutlet
from gateway_audit.sinks.outlets.http import HttpOutlet
from gateway_audit.sinks.outlets.outlet import Outlet, Way
from gateway_audit.sinks.outlets.splunk import SplunkOutlet
from gateway_audit.sinks.outlets.syslog import SyslogOutlet
from gateway_audit.sinks.settings import (
    DatadogSink,
    ElasticSink,
    FileSink,
    HttpSink,
    SinkSettings,
    SplunkSink,
    SyslogSink,
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
        case DatadogSink():
            return DatadogOutlet(settings=settings, way=way)
        case ElasticSink():
            return ElasticOutlet(settings=settings, way=way)
        case SyslogSink():
            return SyslogOutlet(settings=settings, way=way)
