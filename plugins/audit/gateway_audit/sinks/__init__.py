"""
Exports: the log brought to other systems, at least once; they copy the record, they are not it.
"""

from __future__ import annotations
