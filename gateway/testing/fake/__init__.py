"""
A fake upstream that speaks the wire formats of OpenAI and Anthropic.

It imports nothing of the gateway's, so that it cannot share the gateway's mistakes.
"""

from __future__ import annotations

from gateway.testing.fake.bill import Bill, Charge, Departure, Record, SeenRequest
from gateway.testing.fake.script import (
    Citation,
    Ending,
    Insert,
    Script,
    ToolCall,
    Usage,
)
from gateway.testing.fake.script_file import SCRIPT_HEADER, read_script_file
from gateway.testing.fake.seal import Seal
from gateway.testing.fake.server import FakeUpstream

__all__ = [
    "SCRIPT_HEADER",
    "Bill",
    "Charge",
    "Citation",
    "Departure",
    "Ending",
    "FakeUpstream",
    "Insert",
    "Record",
    "Script",
    "Seal",
    "SeenRequest",
    "ToolCall",
    "Usage",
    "read_script_file",
]
